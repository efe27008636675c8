"""Walks the properties of an object at any depth, with the SQL that reaches each of them.

A field of a struct is reached by dots (NULL where the parent is NULL). Items of arrays, keys and values of maps are
reached by a lambda variable: a test of them is wrapped in `forall`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lakepact.contract.model import CustomProperty, SchemaObject, SchemaProperty, SemanticType
from lakepact.contract.types import ArrayType, MapType, SparkType, StructType, resolve
from lakepact.errors import Problem
from lakepact.rules.access import column_sql, member_sql

__all__ = ["ACTION_PROPERTY", "Field", "Unreachable", "asked_action", "walk"]

ACTION_PROPERTY = "lakepact.action"


@dataclass(frozen=True, slots=True)
class _Frame:
    owner: str
    collection: str
    variable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A stored property: its type and how SQL reaches it.

    `label` is its name in rule ids (`lines[].sku`), `column` the top-level column, `parent` the struct that holds it
    ('' for columns and elements). `critical` and `action` are inherited from what surrounds it.
    """

    prop: SchemaProperty
    type: SparkType
    label: str
    column: str
    expression: str
    parent: str = ""
    frames: tuple[_Frame, ...] = ()
    critical: bool = False
    action: object = None

    @property
    def nested(self) -> bool:
        """Whether it is not a column itself."""
        return self.expression != column_sql(self.column)

    @property
    def per_row(self) -> bool:
        """Whether a row holds one value of it: it stands in no array and no map."""
        return not self.frames

    def holds(self, test: str) -> str:
        """A two-valued predicate on the row: `test` holds for every value that is not NULL."""
        guarded = test if test in ("TRUE", "FALSE") else f"({test})" if " OR " in test or " AND " in test else test
        return "TRUE" if test == "TRUE" else self.wrapped(f"{self.expression} IS NULL OR {guarded}")

    def present(self) -> str:
        """A two-valued predicate on the row: the value is there wherever its parent is."""
        test = f"{self.expression} IS NOT NULL"
        return self.wrapped(f"{self.parent} IS NULL OR {test}" if self.parent else test)

    def wrapped(self, predicate: str) -> str:
        """`predicate`, which must be two-valued, for every element of the arrays and maps around this field."""
        for frame in reversed(self.frames):
            predicate = f"{frame.owner} IS NULL OR forall({frame.collection}, {frame.variable} -> {predicate})"
        return predicate

    def child(self, name: str) -> Field | None:
        """The field of that property name (else column name) in this struct."""
        return next((f for f in self.children() if f.prop.name == name), None) or next(
            (f for f in self.children() if f.prop.column == name), None
        )

    def children(self) -> Iterator[Field]:
        """The fields of a struct."""
        if not isinstance(self.type, StructType):
            return
        types = {field.name.casefold(): field.type for field in self.type.fields}
        for child in self.prop.properties:
            found = types.get(child.column.casefold())
            if child.semantic_type is SemanticType.MEASURE or found is None:
                continue
            yield replace(
                self,
                prop=child,
                type=found,
                label=f"{self.label}.{child.name}",
                expression=member_sql(self.expression, child.column),
                parent=self.expression,
                critical=self.critical or child.critical_data_element,
                action=asked_action(child.custom_properties, self.action),
            )

    def element(self, part: str) -> Field | None:
        """`items` of an array, `key` or `value` of a map; None where the contract does not describe it."""
        prop = {"items": self.prop.items, "key": self.prop.map_key, "value": self.prop.map_value}[part]
        if prop is None:
            return None
        variable = f"_v{len(self.frames) + 1}"
        if part == "items":
            if not isinstance(self.type, ArrayType):
                return None
            label, collection, found = "[]", self.expression, self.type.element
        else:
            if not isinstance(self.type, MapType):
                return None
            label = f"{{{part}}}"
            collection = f"map_{part}s({self.expression})"
            found = self.type.key if part == "key" else self.type.value
        return replace(
            self,
            prop=prop,
            type=found,
            label=self.label + label,
            expression=variable,
            parent="",
            frames=(*self.frames, _Frame(self.expression, collection, variable)),
            critical=self.critical or prop.critical_data_element,
            action=asked_action(prop.custom_properties, self.action),
        )


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A property whose parts the contract describes although it is stored as one value: `reason` says so."""

    prop: SchemaProperty
    reason: str


def asked_action(custom: tuple[CustomProperty, ...], inherited: object = None) -> object:
    """The value of `lakepact.action` among custom properties, else what is inherited."""
    return next((entry.value for entry in custom if entry.property == ACTION_PROPERTY), inherited)


def walk(
    schema_object: SchemaObject, problems: list[Problem], *, variant: bool = False
) -> Iterator[Field | Unreachable]:
    """Every stored property of the object at any depth, in document order; type problems are added to `problems`."""
    inherited = asked_action(schema_object.custom_properties)
    for prop in schema_object.columns:
        resolved = resolve(prop, variant=variant)
        problems.extend(resolved.problems)
        yield from _walk(
            Field(
                prop=prop,
                type=resolved.type,
                label=prop.name,
                column=prop.column,
                expression=column_sql(prop.column),
                critical=prop.critical_data_element,
                action=asked_action(prop.custom_properties, inherited),
            )
        )


def _walk(field: Field) -> Iterator[Field | Unreachable]:
    yield field
    prop = field.prop
    reached = list(field.children())
    reached += [found for name in ("items", "key", "value") if (found := field.element(name)) is not None]
    declared = [p for p in prop.properties if p.semantic_type is not SemanticType.MEASURE]
    declared += [part for part in (prop.items, prop.map_key, prop.map_value) if part is not None]
    for part in declared:
        inner = next((candidate for candidate in reached if candidate.prop is part), None)
        if inner is None:
            yield Unreachable(part, f"it is stored as {field.type.ddl}, which has no such part")
        else:
            yield from _walk(inner)
