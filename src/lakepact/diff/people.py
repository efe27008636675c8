"""Compares who stands behind a contract and who may use the data: team and roles."""

from __future__ import annotations

from lakepact.contract.model import NOWHERE, Contract, Role, Team, TeamMember
from lakepact.diff.effects import MINOR, READERS
from lakepact.diff.facts import compare_facts, fact
from lakepact.diff.findings import Findings, Spot
from lakepact.diff.plain import compare_rest
from lakepact.diff.sections import Section, compare_section

__all__ = ["compare_roles", "compare_team"]

_NOBODY = Team(place=NOWHERE)

_MEMBERS: Section[TeamMember] = Section(
    key="members",
    noun="team member",
    matched_by=(lambda one: one.username or None, lambda one: one.name, lambda one: one.role),
    name=lambda one: one.username or one.name or one.role or "",
    value=lambda one: one.username or one.name,
    place=lambda one: one.place,
    known=frozenset(("username", "name", "role", "dateIn", "dateOut", "replacedByUsername")),
    facts=(
        fact("username"),
        fact("name"),
        fact("role"),
        fact("date_in"),
        fact("date_out"),
        fact("replaced_by_username"),
    ),
)

_ROLES: Section[Role] = Section(
    key="roles",
    noun="role",
    matched_by=(lambda one: one.role or None,),
    name=lambda one: one.role,
    value=lambda one: one.access or one.role,
    place=lambda one: one.place,
    known=frozenset(("role", "access", "description", "firstLevelApprovers", "secondLevelApprovers")),
    facts=(
        fact("access", READERS.because("who has the role may do something else")),
        fact("description"),
        fact("first_level_approvers"),
        fact("second_level_approvers"),
    ),
    added=lambda _: MINOR,
    removed=lambda _: READERS.because("who had the role loses access"),
)


def compare_team(findings: Findings, old: Contract, new: Contract) -> None:
    """Compare the team; its two forms are one. All of it is a patch."""
    before, after = old.team or _NOBODY, new.team or _NOBODY
    spot = Spot("team", "the team", *(None if one.team is None else "team" for one in (old, new)))
    compare_facts(findings, spot, before, after, (fact("name"), fact("description")))
    compare_section(findings, spot, _MEMBERS, before.members, after.members)
    compare_rest(findings, spot, frozenset(("name", "description", "members")))


def compare_roles(findings: Findings, old: Contract, new: Contract) -> None:
    """Compare the access roles."""
    compare_section(findings, Spot(), _ROLES, old.roles, new.roles)
