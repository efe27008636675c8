"""Compares schema objects: tables, views, topics and files, with their keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lakepact.contract.model import SchemaObject, SchemaProperty
from lakepact.diff.addresses import Addresses
from lakepact.diff.effects import EVERYBODY, MINOR, PATCH, READERS, WRITERS, Effect
from lakepact.diff.facts import compare_facts, fact
from lakepact.diff.findings import Findings, Spot
from lakepact.diff.model import ChangeKind
from lakepact.diff.plain import compare_rest
from lakepact.diff.properties import compare_fields, compare_names, compare_order
from lakepact.diff.protection import tags_effect
from lakepact.diff.quality import compare_quality
from lakepact.diff.relationships import compare_relationships
from lakepact.diff.sections import compare_attachments
from lakepact.diff.tree import ObjectPair
from lakepact.diff.values import listed

__all__ = ["compare_objects"]

_TABULAR = frozenset(("table", "view", "materialized view", "materialized_view", "streaming table", "streaming_table"))


def _physical_effect(old: str | None, new: str | None) -> Effect:
    if old is None or new is None or old.casefold() == new.casefold():
        return PATCH
    return MINOR if {old.casefold(), new.casefold()} <= _TABULAR else READERS.because("it is read in another way")


_FACTS = (
    fact("id"),
    fact("physical_type", _physical_effect),
    fact("business_name"),
    fact("description"),
    fact("data_granularity_description", MINOR),
    fact("deprecated", MINOR),
    fact("tags", tags_effect),
)
_KNOWN = frozenset(
    (
        *("id", "name", "physicalName", "physicalType", "businessName", "description", "dataGranularityDescription"),
        *("deprecated", "properties", "relationships", "quality", "tags", "customProperties"),
        *("authoritativeDefinitions", "logicalType"),
    )
)


def compare_objects(findings: Findings, addresses: Addresses, schema: Sequence[ObjectPair]) -> None:
    """Compare every object with what it was."""
    for pair in schema:
        if pair.old is not None and pair.new is not None:
            _compare(findings, addresses, pair, pair.old, pair.new)
        elif pair.new is not None:
            words = f"{pair.spot.label} was added"
            findings.add(pair.spot, "", ChangeKind.ADDED, MINOR, words, new=pair.new.table)
        elif pair.old is not None:
            words = f"{pair.spot.label} was removed"
            findings.add(pair.spot, "", ChangeKind.REMOVED, READERS, words, old=pair.old.table)


def _compare(findings: Findings, addresses: Addresses, pair: ObjectPair, old: SchemaObject, new: SchemaObject) -> None:
    spot = pair.spot
    compare_names(
        findings, spot, (old.name, old.table), (new.name, new.table), same_id=old.id is not None and old.id == new.id
    )
    compare_facts(findings, spot, old, new, _FACTS)
    keys = _compare_primary_key(findings, addresses, spot, old, new)
    _compare_partitions(findings, addresses, spot, old, new)
    compare_order(findings, spot, pair.fields)
    compare_fields(findings, addresses, pair.fields, keys)
    compare_relationships(findings, spot, addresses, old.relationships, new.relationships, (old, new))
    compare_quality(findings, spot, addresses, old, new)
    compare_attachments(
        findings,
        spot,
        old.custom_properties,
        new.custom_properties,
        old.authoritative_definitions,
        new.authoritative_definitions,
    )
    compare_rest(findings, spot, _KNOWN)


def _in_order(
    properties: Sequence[SchemaProperty],
    member: Callable[[SchemaProperty], bool],
    position: Callable[[SchemaProperty], int | None],
) -> tuple[str, ...]:
    """Names by position; those without one last, in the order of the document."""
    found = [prop for prop in properties if member(prop)]
    return tuple(prop.name for prop in sorted(found, key=lambda prop: position(prop) or len(found) + 1))


def _key(one: SchemaObject) -> tuple[str, ...]:
    return _in_order(one.columns, lambda prop: prop.primary_key, lambda prop: prop.primary_key_position)


def _partitions(one: SchemaObject) -> tuple[str, ...]:
    return _in_order(one.columns, lambda prop: prop.partitioned, lambda prop: prop.partition_key_position)


def _renamed(addresses: Addresses, owner: SchemaObject, names: Sequence[str]) -> tuple[str, ...]:
    """The full names that properties of the old object have in the new contract."""
    return tuple(addresses.renamed(f"{owner.name}.{name}") for name in names)


def _compare_primary_key(
    findings: Findings, addresses: Addresses, spot: Spot, old: SchemaObject, new: SchemaObject
) -> tuple[frozenset[str], frozenset[str]]:
    """Note a change of the key as a whole; gives the labels of its columns, old and new."""
    before, after = _key(old), _key(new)
    keys = (frozenset(f"{old.name}.{name}" for name in before), frozenset(f"{new.name}.{name}" for name in after))
    was, now = _renamed(addresses, old, before), tuple(f"{new.name}.{name}" for name in after)
    if was == now:
        return keys
    if set(was) == set(now):
        words = f"{spot.label}: the primary key has another order, {listed(after)}"
        findings.add(spot, "primaryKey", ChangeKind.MOVED, MINOR, words, old=before, new=after)
        return keys
    effect = WRITERS if not was else READERS
    if was and now:
        # More columns identify a row than before: what was unique still is.
        looser = any(set(unique) <= set(now) for unique in _unique_sets(addresses, old, was))
        effect = READERS if looser else EVERYBODY
    verb = "was added" if not was else "was removed" if not now else f"changed from {listed(before)} to"
    shown = listed(after) if now else f"it was {listed(before)}"
    comma = "" if was and now else ","
    words = f"{spot.label}: the primary key {verb}{comma} {shown}"
    findings.changed(spot, "primaryKey", effect, words, old=before or None, new=after or None)
    return keys


def _unique_sets(addresses: Addresses, old: SchemaObject, key: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [key, *(_renamed(addresses, old, (prop.name,)) for prop in old.columns if prop.unique)]


def _compare_partitions(
    findings: Findings, addresses: Addresses, spot: Spot, old: SchemaObject, new: SchemaObject
) -> None:
    before, after = _partitions(old), _partitions(new)
    if _renamed(addresses, old, before) != tuple(f"{new.name}.{name}" for name in after):
        was, now = listed(before) or "nothing", listed(after) or "nothing"
        words = f"{spot.label} is partitioned by {now}, it was by {was}"
        findings.changed(spot, "partitioning", MINOR, words, old=before or None, new=after or None)
