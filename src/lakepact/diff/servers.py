"""Compares servers: where readers find the data."""

from __future__ import annotations

from lakepact.contract.model import Contract, Server
from lakepact.diff.effects import EVERYBODY, MINOR, PATCH, READERS, Effect
from lakepact.diff.facts import difference, fact, said
from lakepact.diff.findings import Findings, Spot
from lakepact.diff.plain import compare_plain
from lakepact.diff.sections import Section, compare_attachments, compare_section
from lakepact.diff.values import same

__all__ = ["compare_servers"]

# Unity Catalog does not tell the case of its names apart.
_WITHOUT_CASE = {("databricks", "catalog"), ("databricks", "schema")}


def _compare_settings(findings: Findings, spot: Spot, old: Server, new: Server) -> None:
    if old.type.casefold() != new.type.casefold():
        words = difference(spot, "type", old.type, new.type)
        findings.changed(spot, "type", EVERYBODY, words, old=old.type, new=new.type)
    for key in {**old.settings, **new.settings}:
        before, after = said(old.settings.get(key)), said(new.settings.get(key))
        if not same(before, after):
            effect = _effect(new.type, key, before, after)
            findings.changed(spot, key, effect, difference(spot, key, before, after), old=before, new=after)
    before, after = findings.old.data(spot.old).get("roles"), findings.new.data(spot.new).get("roles")
    compare_plain(findings, spot.inside("roles"), "roles", before, after)
    compare_attachments(findings, spot, old.custom_properties, new.custom_properties)


def _effect(kind: str, key: str, old: object, new: object) -> Effect:
    if old is None:
        return MINOR
    if new is None:
        return READERS.because("readers need it to find the data")
    alike = isinstance(old, str) and isinstance(new, str) and old.casefold() == new.casefold()
    if alike and (kind.casefold(), key) in _WITHOUT_CASE:
        return PATCH.because("only the case differs")
    return EVERYBODY.because("the data is somewhere else")


_SERVERS: Section[Server] = Section(
    key="servers",
    noun="server",
    matched_by=(lambda one: one.server or None, lambda one: one.id),
    name=lambda one: one.server,
    value=lambda one: one.type,
    place=lambda one: one.place,
    known=None,
    facts=(fact("id"), fact("description"), fact("environment", MINOR)),
    added=lambda _: MINOR,
    removed=lambda _: READERS.because("its data cannot be reached there"),
    renamed=MINOR,
    deeper=_compare_settings,
)


def compare_servers(findings: Findings, old: Contract, new: Contract) -> None:
    """Compare the servers: matched by name, else by id. Every setting is part of the address."""
    compare_section(findings, Spot(), _SERVERS, old.servers, new.servers)
