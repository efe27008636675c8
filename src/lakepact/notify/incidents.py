"""Incidents: one for each rule of a contract that is broken in a dataset, from the first run that says so on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from lakepact.notify.facts import Facts
from lakepact.notify.model import Severity, Violation, cause_key

__all__ = ["Group", "Incident", "Told", "acknowledged", "group_key", "with_facts"]

_REMEMBERED: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A rule that is broken since `opened_at`, by the latest news of it; `acknowledged_by` is '' or who took it."""

    violation: Violation
    opened_at: datetime
    acknowledged_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a channel was last told of an incident, and when."""

    severity: Severity
    at: datetime
    acknowledged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The incidents of one dataset under one contract, by rule or service level, and what each channel knows of them.

    `facts` are the latest news, without their rules; `applied` the ids of those that were taken in, oldest first.
    `sequence` is the number of messages that were planned, so that each has an id of its own.
    """

    facts: Facts
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    told: Mapping[str, Mapping[str, Told]] = field(default_factory=dict)
    applied: tuple[str, ...] = ()
    sequence: int = 0

    @property
    def key(self) -> str:
        """The key of the group: of its contract and dataset."""
        return group_key(self.facts)


def group_key(facts: Facts) -> str:
    """The key of the group that the facts belong to."""
    return cause_key(facts.contract_id, facts.dataset, *facts.topic.parts)


def with_facts(group: Group | None, facts: Facts, now: datetime) -> Group:
    """The group after that news; the same group where it has it already.

    A rule that is broken has an incident; it ends when the rule holds, or is gone from a new version of the contract,
    and not because a run said nothing of it. News that is older than what is known may open incidents and ends none,
    because clocks differ; for the same reason no news is from the future.
    """
    if group is not None and facts.id in group.applied:
        return group
    facts = replace(facts, at=min(facts.at, now))
    is_late = group is not None and facts.at < group.facts.at
    open_before = dict(group.incidents) if group else {}
    broken = _broken(facts)
    ended = set() if is_late else _ended(group, facts, broken)
    incidents = {rule: each for rule, each in open_before.items() if rule not in ended}
    for rule, violation in broken.items():
        before = open_before.get(rule)
        if before is None:
            incidents[rule] = Incident(violation=violation, opened_at=facts.at)
        elif not is_late:
            incidents[rule] = replace(before, violation=violation)
    applied = (*(group.applied if group else ()), facts.id)[-_REMEMBERED:]
    latest = group.facts if group and is_late else replace(facts, violations=(), passed=(), skipped=())
    return replace(group or Group(facts=latest), facts=latest, incidents=incidents, applied=applied)


def acknowledged(group: Group, rules: Collection[str], by: str) -> Group:
    """The group with the incidents of these rules taken by somebody."""
    taken = {
        rule: replace(each, acknowledged_by=by) if rule in rules else each for rule, each in group.incidents.items()
    }
    return replace(group, incidents=taken)


def _broken(facts: Facts) -> dict[str, Violation]:
    """The violations by rule; where several engines report one rule, the worst."""
    found: dict[str, Violation] = {}
    for each in facts.violations:
        before = found.get(each.rule_id)
        if before is None or each.severity.rank > before.severity.rank:
            found[each.rule_id] = each
    return found


def _ended(group: Group | None, facts: Facts, broken: Collection[str]) -> set[str]:
    ended = {rule for rule in facts.passed if rule not in broken}
    if group is not None and group.facts.contract_version != facts.contract_version:
        known = {*broken, *facts.passed, *facts.skipped}
        ended |= {rule for rule in group.incidents if rule not in known}
    return ended
