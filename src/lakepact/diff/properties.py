"""Compares properties: what readers find in a column and what writers must put there."""

from __future__ import annotations

from collections.abc import Sequence

from lakepact.contract.model import EnumValue, SchemaProperty, SemanticType
from lakepact.diff.addresses import Addresses
from lakepact.diff.effects import (
    EVERYBODY,
    MINOR,
    PATCH,
    READERS,
    WRITERS,
    Effect,
    between_sets,
    effect_of,
)
from lakepact.diff.facts import compare_facts, fact
from lakepact.diff.findings import Findings, Spot
from lakepact.diff.model import ChangeKind
from lakepact.diff.options import compare_options
from lakepact.diff.plain import compare_rest
from lakepact.diff.protection import classification_effect, critical_effect, encrypted_effect, tags_effect
from lakepact.diff.quality import compare_quality
from lakepact.diff.relationships import compare_relationships
from lakepact.diff.sections import compare_attachments
from lakepact.diff.tree import FieldPair, Typed
from lakepact.diff.values import listed, quoted, scalar_key, shown
from lakepact.diff.widening import Step, shape, type_step

__all__ = ["compare_fields", "compare_names", "compare_order", "is_required"]

_MEASURE = SemanticType.MEASURE
_TYPE_KEYS = ("physicalType", "logicalType")
_STEPS: dict[Step, tuple[Effect, str]] = {
    Step.WIDER: (MINOR, "widened"),
    Step.EXPLICIT: (MINOR.because("Delta widens it only by ALTER COLUMN TYPE"), "widened"),
    Step.NARROWER: (EVERYBODY, "narrowed"),
    Step.OTHER: (EVERYBODY, "changed"),
}


def _meaning_of_logic(old: SchemaProperty, new: SchemaProperty) -> Effect:
    measures = _MEASURE in (old.semantic_type, new.semantic_type)
    return READERS.because("the measure is computed otherwise") if measures else MINOR


_FACTS = (
    fact("id"),
    fact("business_name"),
    fact("description"),
    fact("classification", classification_effect),
    fact("critical_data_element", critical_effect),
    fact("encrypted_name", encrypted_effect),
    fact("transform_source_objects"),
    fact("transform_description"),
    fact("examples"),
    fact("deprecated", MINOR),
    fact("tags", tags_effect),
)
_KNOWN = frozenset(
    (
        *("id", "name", "physicalName", "physicalType", "businessName", "description", "logicalType"),
        *("logicalTypeOptions", "required", "unique", "primaryKey", "primaryKeyPosition", "partitioned"),
        *("partitionKeyPosition", "classification", "criticalDataElement", "encryptedName", "transformSourceObjects"),
        *("transformLogic", "transformDescription", "examples", "semanticType", "deprecated", "enum", "properties"),
        *("items", "map", "relationships", "quality", "tags", "customProperties", "authoritativeDefinitions"),
    )
)


def is_required(prop: SchemaProperty, parent: SchemaProperty | None = None) -> bool:
    """Whether a value must be there: `required`, a part of the primary key, or listed by the object it stands in."""
    listed_by = parent.options.required if parent is not None and parent.options is not None else ()
    return prop.required or prop.primary_key or (prop.name in listed_by and bool(prop.name))


class _Comparer:
    """What the comparison of one object's properties needs to know."""

    def __init__(self, findings: Findings, addresses: Addresses, keys: tuple[frozenset[str], frozenset[str]]) -> None:
        self.findings = findings
        self.addresses = addresses
        self.old_key, self.new_key = keys

    def compare(self, pair: FieldPair, parents: tuple[SchemaProperty, SchemaProperty] | None) -> None:
        if pair.old is None or pair.new is None:
            self._come_or_gone(pair, parents)
            return
        old, new = pair.old.prop, pair.new.prop
        self._names(pair, old, new)
        self._type(pair.spot, pair.old, pair.new)
        self._presence(pair.spot, old, new, parents)
        self._uniqueness(pair, old, new)
        self._semantics(pair.spot, old, new)
        compare_facts(self.findings, pair.spot, old, new, _FACTS)
        compare_options(self.findings, pair.spot, pair.old, pair.new)
        _compare_enum(self.findings, pair.spot, pair.old, pair.new)
        compare_relationships(self.findings, pair.spot, self.addresses, old.relationships, new.relationships)
        compare_quality(self.findings, pair.spot, self.addresses, old, new)
        compare_attachments(
            self.findings,
            pair.spot,
            old.custom_properties,
            new.custom_properties,
            old.authoritative_definitions,
            new.authoritative_definitions,
        )
        if not (pair.old.implied or pair.new.implied):
            compare_rest(self.findings, pair.spot, _KNOWN)
        compare_order(self.findings, pair.spot, pair.fields)
        for inner in (*pair.fields, *pair.parts):
            self.compare(inner, (old, new))

    def _come_or_gone(self, pair: FieldPair, parents: tuple[SchemaProperty, SchemaProperty] | None) -> None:
        if pair.new is not None:
            prop = pair.new.prop
            required = is_required(prop, parents[1] if parents else None) and prop.semantic_type is not _MEASURE
            ending = " and is required" if required else ""
            self.findings.add(
                pair.spot,
                "",
                ChangeKind.ADDED,
                WRITERS if required else MINOR,
                f"{pair.spot.label} was added{ending}",
                new=pair.new.type.ddl,
            )
        elif pair.old is not None:
            words = f"{pair.spot.label} was removed"
            self.findings.add(pair.spot, "", ChangeKind.REMOVED, READERS, words, old=pair.old.type.ddl)

    def _names(self, pair: FieldPair, old: SchemaProperty, new: SchemaProperty) -> None:
        compare_names(self.findings, pair.spot, (old.name, old.column), (new.name, new.column), _same_id(old, new))

    def _type(self, spot: Spot, old: Typed, new: Typed) -> None:
        step = type_step(old.type, new.type)
        if step is not Step.SAME:
            effect, verb = _STEPS[step]
            before, after = old.type.ddl, new.type.ddl
            words = f"{spot.label}: the type {verb} from {before} to {after}"
            self.findings.changed(spot, "type", effect, words, old=before, new=after, at=_TYPE_KEYS)
        else:
            self._spelling(spot, old, new)

    def _spelling(self, spot: Spot, old: Typed, new: Typed) -> None:
        """Types that are spelled otherwise and mean the same; what was implied and is written now is no change."""
        written = old.prop.physical_type, new.prop.physical_type
        if all(written) and written[0] != written[1] and old.type == new.type:
            words = f"{spot.label}: the type is spelled {shown(written[1])}, it was {shown(written[0])}"
            self.findings.changed(spot, "physicalType", PATCH, words, old=written[0], new=written[1])
        logical = old.prop.logical_type, new.prop.logical_type
        if logical[0] and logical[1] and logical[0] is not logical[1]:
            before, after = logical[0].value, logical[1].value
            words = f"{spot.label}: `logicalType` changed from '{before}' to '{after}'"
            effect = MINOR.because("it is stored as before")
            self.findings.changed(spot, "logicalType", effect, words, old=before, new=after)

    def _presence(
        self,
        spot: Spot,
        old: SchemaProperty,
        new: SchemaProperty,
        parents: tuple[SchemaProperty, SchemaProperty] | None,
    ) -> None:
        was = is_required(old, parents[0] if parents else None)
        now = is_required(new, parents[1] if parents else None)
        if was != now:
            words = f"{spot.label} {'is required now' if now else 'may be absent now'}"
            self.findings.changed(
                spot, "required", WRITERS if now else READERS, words, old=was, new=now, at=("required", "primaryKey")
            )

    def _uniqueness(self, pair: FieldPair, old: SchemaProperty, new: SchemaProperty) -> None:
        was = old.unique or self.old_key == {pair.labels[0]}
        now = new.unique or self.new_key == {pair.labels[1]}
        if was != now:
            words = f"{pair.spot.label} {'is unique now' if now else 'may repeat values now'}"
            effect = WRITERS if now else READERS
            self.findings.changed(pair.spot, "unique", effect, words, old=was, new=now, at=("unique", "primaryKey"))

    def _semantics(self, spot: Spot, old: SchemaProperty, new: SchemaProperty) -> None:
        if old.transform_logic != new.transform_logic:
            effect = _meaning_of_logic(old, new)
            words = f"{spot.label}: `transformLogic` changed"
            self.findings.changed(
                spot, "transformLogic", effect, words, old=old.transform_logic, new=new.transform_logic
            )
        if old.semantic_type is not new.semantic_type:
            was, now = old.semantic_type, new.semantic_type
            stored = WRITERS if was is _MEASURE and is_required(new) else MINOR
            effect = READERS.because("a measure is no stored column") if now is _MEASURE else stored
            words = f"{spot.label} is a {now.value} now, it was a {was.value}"
            self.findings.changed(spot, "semanticType", effect, words, old=was.value, new=now.value)


def compare_fields(
    findings: Findings,
    addresses: Addresses,
    fields: Sequence[FieldPair],
    keys: tuple[frozenset[str], frozenset[str]],
) -> None:
    """Compare the properties of an object; `keys` are the labels of its primary key, old and new."""
    comparer = _Comparer(findings, addresses, keys)
    for pair in fields:
        comparer.compare(pair, None)


def _same_id(old: SchemaProperty, new: SchemaProperty) -> bool:
    return old.id is not None and old.id == new.id


def compare_names(findings: Findings, spot: Spot, old: tuple[str, str], new: tuple[str, str], same_id: bool) -> None:
    """Compare name and physical name (`old` and `new` hold both) of an object or a property."""
    follows = old[1] == old[0] and new[1] == new[0]
    if old[0] != new[0]:
        how = "same id" if same_id else "only the case differs"
        effect = (EVERYBODY if follows else READERS).because("readers of the old name need an alias for a while")
        words = f"{spot.label} was called {quoted(old[0])} before ({how})"
        findings.add(spot, "", ChangeKind.RENAMED, effect, words, old=old[0], new=new[0], at=("name",))
    if old[1] != new[1] and not follows:
        words = f"{spot.label} is found as {quoted(new[1])} in the data, it was {quoted(old[1])}"
        findings.changed(spot, "physicalName", EVERYBODY, words, old=old[1], new=new[1])


def compare_order(findings: Findings, spot: Spot, fields: Sequence[FieldPair]) -> None:
    """Note where properties that both contracts have stand in another order."""
    both = [pair for pair in fields if pair.old is not None and pair.new is not None]
    both = [pair for pair in both if not _is_implied(pair)]
    before = sorted(both, key=lambda pair: _position(pair.spot.old))
    if [pair.spot.path for pair in before] == [pair.spot.path for pair in both]:
        return
    old, new = (tuple(pair.new.prop.name for pair in pairs if pair.new) for pairs in (before, both))
    effect = MINOR.because("readers by position read another column")
    words = f"{spot.label}: the properties stand in another order, {listed(new)}"
    findings.add(spot, "properties", ChangeKind.MOVED, effect, words, old=old, new=new)


def _is_implied(pair: FieldPair) -> bool:
    return any(side is not None and side.implied for side in (pair.old, pair.new))


def _position(path: str | None) -> int:
    """The last index of a JSON path: where the property stands among its siblings."""
    return int((path or "[0]").rpartition("[")[2].removesuffix("]"))


def _compare_enum(findings: Findings, spot: Spot, old: Typed, new: Typed) -> None:
    before, after = _members(old), _members(new)
    relation = between_sets(_keys(before), _keys(after))
    effect = effect_of(relation)
    if effect is not PATCH:
        words = f"{spot.label}: {_enum_words(before, after)}"
        was, now = (tuple(entry.value for entry in side.values()) or None for side in (before, after))
        findings.changed(spot, "enum", effect, words, old=was, new=now)
    for key in before.keys() & after.keys():
        inner = spot.inside("enum").at(str(before[key].value), old=before[key].place.path, new=after[key].place.path)
        compare_rest(findings, inner, frozenset(("value",)))


def _members(side: Typed) -> dict[object, EnumValue]:
    """The allowed values; in a column of text a number is the text that it is written as."""
    texts = shape(side.type) == "STRING" or shape(side.type).startswith("VARCHAR")
    return {
        scalar_key(str(entry.value) if texts and not isinstance(entry.value, bool) else entry.value): entry
        for entry in side.prop.enum
        if entry.value is not None
    }


def _keys(members: dict[object, EnumValue]) -> frozenset[object] | None:
    return frozenset(members) or None


def _enum_words(old: dict[object, EnumValue], new: dict[object, EnumValue]) -> str:
    if not old:
        return f"the value must be one of {listed(entry.value for entry in new.values())} now"
    if not new:
        return "every value is allowed now"
    more = [entry.value for key, entry in new.items() if key not in old]
    less = [entry.value for key, entry in old.items() if key not in new]
    words = [f"gained {listed(more)}"] if more else []
    return "the allowed values " + " and ".join([*words, f"lost {listed(less)}"] if less else words)
