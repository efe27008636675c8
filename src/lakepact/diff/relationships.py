"""Compares relationships: a reference is a promise that every value is found where it leads."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from lakepact.contract.model import Relationship, SchemaObject
from lakepact.diff.addresses import Addresses
from lakepact.diff.effects import EVERYBODY, READERS, WRITERS
from lakepact.diff.facts import fact
from lakepact.diff.findings import Findings, Spot
from lakepact.diff.sections import Section, compare_attachments, compare_section
from lakepact.diff.values import listed

__all__ = ["compare_relationships"]

_KNOWN = frozenset(("id", "type", "from", "to", "customProperties"))


def compare_relationships(
    findings: Findings,
    spot: Spot,
    addresses: Addresses,
    old: Sequence[Relationship],
    new: Sequence[Relationship],
    scopes: tuple[SchemaObject, SchemaObject] | None = None,
) -> None:
    """Compare the references of a property, or of an object (`scopes`): by id, else by where they lead."""
    if not old and not new:
        return
    ends = _Ends(addresses, old, new, scopes)
    section: Section[Relationship] = Section(
        key="relationships",
        noun="reference",
        matched_by=(lambda one: one.id, ends.of, ends.source, ends.target),
        name=lambda one: one.id or ", ".join(one.target),
        value=lambda one: ", ".join(one.target),
        place=lambda one: one.place,
        known=_KNOWN,
        facts=(fact("id"), fact("type", EVERYBODY)),
        added=lambda _: WRITERS.because("values that are found nowhere are refused"),
        removed=lambda _: READERS.because("values may be found nowhere"),
        deeper=ends.compare,
    )
    compare_section(findings, spot, section, old, new)


class _Ends:
    """Where each reference starts and leads, by names of the new contract."""

    def __init__(
        self,
        addresses: Addresses,
        old: Sequence[Relationship],
        new: Sequence[Relationship],
        scopes: tuple[SchemaObject, SchemaObject] | None,
    ) -> None:
        self._found: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        before, after = scopes or (None, None)
        for one in old:
            self._found[id(one)] = (
                tuple(addresses.of_old(address, before) for address in one.source),
                tuple(addresses.of_old(address) for address in one.target),
            )
        for one in new:
            self._found[id(one)] = (
                tuple(addresses.of_new(address, after) for address in one.source),
                tuple(addresses.of_new(address) for address in one.target),
            )

    def of(self, one: Relationship) -> Hashable:
        """Both ends; the pairs of columns have no order."""
        source, target = self._found[id(one)]
        return frozenset(zip(source, target, strict=False)) if source else target

    def source(self, one: Relationship) -> Hashable:
        """Where it starts, for one of an object."""
        return frozenset(self._found[id(one)][0]) or None

    def target(self, one: Relationship) -> Hashable:
        """Where it leads, for one of a property: any."""
        return None if one.source else "property"

    def compare(self, findings: Findings, spot: Spot, old: Relationship, new: Relationship) -> None:
        """Note ends that differ, and the custom properties."""
        if self.of(old) != self.of(new):
            before, after = self._found[id(old)], self._found[id(new)]
            for key, was, now in (("from", before[0], after[0]), ("to", before[1], after[1])):
                if was != now:
                    words = f"{spot.label}: `{key}` changed from {listed(was)} to {listed(now)}"
                    findings.changed(spot, key, EVERYBODY, words, old=was, new=now)
        compare_attachments(findings, spot, old.custom_properties, new.custom_properties)
