"""Pairs the schema of two contracts: which object and which property is which, at any depth, with resolved types."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lakepact.contract.model import SchemaObject, SchemaProperty, SemanticType
from lakepact.contract.types import ArrayType, MapType, SparkType, StructField, StructType, resolve_type
from lakepact.diff.findings import Spot
from lakepact.diff.matching import numbered, pairs
from lakepact.diff.values import quoted
from lakepact.diff.widening import shape

__all__ = ["FieldPair", "ObjectPair", "Typed", "paired_schema"]


@dataclass(frozen=True, slots=True)
class Typed:
    """A property with its type; `implied` where only the physical type of what holds it speaks of it."""

    prop: SchemaProperty
    type: SparkType
    implied: bool = False


@dataclass(frozen=True, slots=True)
class FieldPair:
    """A property of one or both contracts.

    `labels` are its dotted names, `fields` and `parts` what is inside of it: the fields of a struct; items, key, value.
    """

    spot: Spot
    labels: tuple[str, str]
    old: Typed | None
    new: Typed | None
    fields: tuple[FieldPair, ...] = ()
    parts: tuple[FieldPair, ...] = ()

    def walk(self) -> Iterator[FieldPair]:
        """This pair and all inside of it."""
        yield self
        for inner in (*self.fields, *self.parts):
            yield from inner.walk()


@dataclass(frozen=True, slots=True)
class ObjectPair:
    """A schema object of one or both contracts."""

    spot: Spot
    old: SchemaObject | None
    new: SchemaObject | None
    fields: tuple[FieldPair, ...] = ()


def paired_schema(old: Sequence[SchemaObject], new: Sequence[SchemaObject]) -> tuple[ObjectPair, ...]:
    """The objects of both: the same one has the same id, else the same name, else a name that differs by case only."""
    found = []
    for name, was, now in _named_pairs(old, new):
        spot = Spot().at(
            "schema", name, label=quoted(name), old=was.place.path if was else None, new=now.place.path if now else None
        )
        fields: tuple[FieldPair, ...] = ()
        if was is not None and now is not None:
            fields = _paired_fields(spot, (was.name, now.name), _columns(was.properties), _columns(now.properties))
        found.append(ObjectPair(spot, was, now, fields))
    return tuple(found)


def _named_pairs(
    old: Sequence[SchemaObject], new: Sequence[SchemaObject]
) -> Iterator[tuple[str, SchemaObject | None, SchemaObject | None]]:
    keys = (lambda one: one.id, lambda one: one.name, lambda one: one.name.casefold())
    names = _path_names([one.name for one in old], [one.name for one in new], old, new)
    for was, now in pairs(old, new, keys):
        yield names[id(now if now is not None else was)], was, now


def _path_names(
    old_names: Sequence[str], new_names: Sequence[str], old: Sequence[object], new: Sequence[object]
) -> dict[int, str]:
    names = dict(zip(map(id, old), numbered(old_names), strict=True))
    return names | dict(zip(map(id, new), numbered(new_names), strict=True))


def _columns(properties: Sequence[SchemaProperty]) -> list[Typed]:
    return [Typed(prop, resolve_type(prop, variant=True)) for prop in properties]


def _paired_fields(
    owner: Spot, labels: tuple[str, str], old: Sequence[Typed], new: Sequence[Typed]
) -> tuple[FieldPair, ...]:
    keys = (lambda one: one.prop.id, lambda one: one.prop.name, lambda one: one.prop.name.casefold())
    names = _path_names([one.prop.name for one in old], [one.prop.name for one in new], old, new)
    found = []
    for was, now in pairs(old, new, keys):
        name = names[id(now if now is not None else was)]
        inner = (
            f"{labels[0]}.{was.prop.name}" if was is not None else "",
            f"{labels[1]}.{now.prop.name}" if now is not None else "",
        )
        found.append(_pair(owner.at("properties", name), inner, was, now))
    return tuple(found)


def _pair(spot: Spot, labels: tuple[str, str], old: Typed | None, new: Typed | None) -> FieldPair:
    spot = Spot(
        spot.path,
        quoted(labels[1] or labels[0]),
        None if old is None else old.prop.place.path,
        None if new is None else new.prop.place.path,
    )
    if old is None or new is None or shape(old.type) != shape(new.type):
        return FieldPair(spot, labels, old, new)
    fields = _paired_fields(spot, labels, _fields(old), _fields(new))
    return FieldPair(spot, labels, old, new, fields, _paired_parts(spot, labels, old, new))


def _fields(owner: Typed) -> list[Typed]:
    """The fields of a struct: those that are declared, then those that only its physical type has."""
    waiting: dict[str, deque[StructField]] = defaultdict(deque)
    for one in owner.type.fields if isinstance(owner.type, StructType) else ():
        waiting[one.name.casefold()].append(one)
    found = []
    for prop in owner.prop.properties:
        stored = waiting.get(prop.column.casefold()) if prop.semantic_type is not SemanticType.MEASURE else None
        found.append(Typed(prop, stored.popleft().type if stored else resolve_type(prop, variant=True)))
    for one in (field for fields in waiting.values() for field in fields):
        prop = SchemaProperty(place=owner.prop.place, name=one.name, required=one.required)
        found.append(Typed(prop, one.type, implied=True))
    return found


def _paired_parts(spot: Spot, labels: tuple[str, str], old: Typed, new: Typed) -> tuple[FieldPair, ...]:
    before, after = dict(_parts(old)), dict(_parts(new))
    found = []
    for words, keys in _PART_KEYS.items():
        was, now = before.get(words), after.get(words)
        if was is not None or now is not None:
            inner = (labels[0] + words if was else "", labels[1] + words if now else "")
            found.append(_pair(spot.at(*keys), inner, was, now))
    return tuple(found)


_PART_KEYS = {"[]": ("items",), "{key}": ("map", "key"), "{value}": ("map", "value")}


def _parts(owner: Typed) -> Iterator[tuple[str, Typed]]:
    prop = owner.prop
    declared = {"[]": prop.items, "{key}": prop.map_key, "{value}": prop.map_value}
    types: dict[str, SparkType] = {}
    if isinstance(owner.type, ArrayType):
        types["[]"] = owner.type.element
    elif isinstance(owner.type, MapType):
        types |= {"{key}": owner.type.key, "{value}": owner.type.value}
    for words, part in declared.items():
        known = types.get(words)
        if part is not None:
            yield words, Typed(part, known or resolve_type(part, variant=True))
        elif known is not None:
            yield words, Typed(SchemaProperty(place=prop.place), known, implied=True)
