"""A JSON Schema with its references followed, `allOf` merged and `null` taken out of unions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from lakepact.contract.model import NOWHERE, Place
from lakepact.convert.building import Losses
from lakepact.convert.reading import Node

__all__ = ["Part", "Schema", "Schemas", "UnresolvedReference"]

_MAX_DEPTH = 60
# References that are followed twice each grow a small document without bound.
_MAX_PARTS = 20_000
# Words that say nothing about the data.
_SILENT = {"$schema", "$id", "id", "$comment", "$anchor", "$defs", "definitions", "$vocabulary", "$dynamicAnchor"}
_LIMITS_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_LIMITS_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_KEPT: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("pattern", "format", "contentEncoding"), str),
    **{"multipleOf": (int, float), "uniqueItems": bool, "default": object},
}


class UnresolvedReference(ValueError):
    """A reference leads to nothing, out of the document, or back to itself."""

    def __init__(self, message: str, place: Place) -> None:
        """`place` is that of the reference."""
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True)
class Part:
    """A schema that is yet to be read, and the references that led to it."""

    node: Node
    chain: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class Schema:
    """What a value must be. `types` is empty where nothing is said, `options` are plain limits."""

    place: Place = NOWHERE
    types: tuple[str, ...] = ()
    nullable: bool = False
    title: str = ""
    description: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    values: list[Any] | None = None
    properties: dict[str, Part] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    items: Part | None = None
    additional: Part | None = None
    closed: bool = False
    examples: list[Any] = field(default_factory=list)
    custom: dict[str, Any] = field(default_factory=dict)


class Schemas:
    """The schemas of one document."""

    def __init__(self, root: Node, losses: Losses) -> None:
        """`losses` takes what has no equal."""
        self._root = root
        self._losses = losses
        self._anchors = dict(_anchors(root, 0))
        self._read = 0

    def resolved(self, part: Part) -> Schema:
        """The schema of a part. Raises UnresolvedReference, also where the document describes too much."""
        self._read += 1
        if self._read > _MAX_PARTS:
            raise UnresolvedReference(f"it describes more than {_MAX_PARTS:,} properties", part.node.place)
        if len(part.chain) > _MAX_DEPTH:
            raise UnresolvedReference("references lead to references, too deep", part.node.place)
        schema = Schema(place=part.node.place)
        self._merge(schema, part, depth=0)
        return schema

    def _merge(self, schema: Schema, part: Part, depth: int) -> None:
        node = part.node
        if depth > _MAX_DEPTH:
            raise UnresolvedReference("the schema is nested too deep", node.place)
        if node.value is True or node.value is None:
            return
        if not isinstance(node.value, Mapping):
            self._losses.lost(f"`{node.path}` is no schema", node.place)
            return
        reference = node.value.get("$ref", node.value.get("$dynamicRef"))
        if isinstance(reference, str):
            if reference in part.chain:
                raise UnresolvedReference(f"{reference} refers to itself; a contract has no endless types", node.place)
            self._merge(schema, Part(self._target(reference, node), part.chain | {reference}), depth + 1)
        for each in node.get("allOf").items() if "allOf" in node.value else ():
            self._merge(schema, Part(each, part.chain), depth + 1)
        for key, value in node.pairs():
            if key not in ("$ref", "$dynamicRef", "allOf"):
                self._word(schema, key, Part(value, part.chain), node, depth)

    def _target(self, reference: str, node: Node) -> Node:
        document, _, fragment = reference.partition("#")
        if document and document != self._root.text("$id"):
            raise UnresolvedReference(f"{reference} is in another document, and nothing is fetched", node.place)
        if fragment and not fragment.startswith("/"):
            if fragment not in self._anchors:
                raise UnresolvedReference(f"{reference} refers to nothing", node.place)
            return self._anchors[fragment]
        found = self._root
        for part in fragment.split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            listed = found.items() if isinstance(found.value, list) else ()
            if listed and key.isdigit() and int(key) < len(listed):
                found = listed[int(key)]
            elif found.is_mapping and key in found.value:
                found = found.get(key)
            else:
                raise UnresolvedReference(f"{reference} refers to nothing", node.place)
        return found

    def _word(self, schema: Schema, key: str, part: Part, owner: Node, depth: int) -> None:
        node, value = part.node, part.node.value
        if key in _SILENT:
            return
        if key in ("title", "description"):
            setattr(schema, key, str(value))
        elif key == "type":
            self._types(schema, value if isinstance(value, list) else [value], node.place)
        elif key == "nullable" and value is True:
            schema.nullable = True
        elif key in ("enum", "const"):
            _restrict(schema, value if key == "enum" and isinstance(value, list) else [value])
        elif key in ("anyOf", "oneOf"):
            self._union(schema, key, part, depth)
        elif key in (*_LIMITS_LOWER, *_LIMITS_UPPER):
            self._limit(schema, key, value, owner)
        elif key in _KEPT:
            self._option(schema, key, node)
        elif key in ("properties", "required", "items", "additionalProperties", "patternProperties", "prefixItems"):
            self._parts(schema, key, part)
        elif key == "examples" or key == "example":
            schema.examples += value if isinstance(value, list) and key == "examples" else [value]
        elif key.startswith("x-") or key in ("deprecated", "readOnly", "writeOnly", "contentMediaType"):
            schema.custom[key] = value
        else:
            self._losses.lost(f"`{key}` has no equal in a contract", node.place)

    def _types(self, schema: Schema, given: list[Any], place: Place) -> None:
        named = [str(each) for each in given]
        if "null" in named:
            schema.nullable = True
        found = tuple(each for each in named if each != "null")
        if not schema.types:
            schema.types = found
            return
        both = tuple(each for each in found if each in schema.types or (each == "integer" and "number" in schema.types))
        if not both:
            self._losses.lost(f"the types {', '.join(schema.types)} and {', '.join(found)} exclude each other", place)
        schema.types = both or schema.types

    def _union(self, schema: Schema, key: str, union: Part, depth: int) -> None:
        """A union of one schema and null is that schema; a union of constants is a list of values."""
        node = union.node
        parts = [part for part in node.items() if not _is_null(part.value)]
        schema.nullable = schema.nullable or len(parts) < len(node.items())
        if len(parts) == 1:
            self._merge(schema, Part(parts[0], union.chain), depth + 1)
            return
        constants = [part.value.get("const") if isinstance(part.value, Mapping) else None for part in parts]
        if parts and all(constant is not None for constant in constants):
            _restrict(schema, constants)
            node.whole()
            return
        node.whole()
        self._losses.lost(f"`{key}` of {len(parts)} schemas: a property has one type", node.place)

    def _limit(self, schema: Schema, key: str, value: Any, owner: Node) -> None:
        if isinstance(value, bool):
            # Draft 4: a flag beside `minimum`, which the limit itself reads.
            return
        draft_4 = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}.get(key, "")
        if draft_4 and owner.value.get(draft_4) is True:
            key = draft_4
        if not _is_limit(key, value):
            self._losses.lost(f"`{key}` is no such number", owner.place)
            return
        tighter = max if key in _LIMITS_LOWER else min
        schema.options[key] = tighter(schema.options.get(key, value), value)

    def _option(self, schema: Schema, key: str, node: Node) -> None:
        if not isinstance(node.value, _KEPT[key]) or (key == "multipleOf" and not _is_limit(key, node.value)):
            self._losses.lost(f"`{key}` has no value of its kind", node.place)
        elif key in schema.options and schema.options[key] != node.value:
            self._losses.lost(f"a second `{key}` in allOf", node.place)
        else:
            schema.options[key] = node.whole()

    def _parts(self, schema: Schema, key: str, part: Part) -> None:
        node = part.node
        match key, node.value:
            case "properties", Mapping():
                for name, each in node.pairs():
                    if name in schema.properties:
                        self._losses.lost(f"{name!r} is described twice; the second description is taken", each.place)
                    schema.properties[name] = Part(each, part.chain)
            case "required", list():
                schema.required |= {str(name) for name in node.value}
            case "items", bool() | Mapping():
                schema.items = part
            case "additionalProperties", False:
                schema.closed = True
            case "additionalProperties", Mapping() if node.value:
                schema.additional = part
            case "additionalProperties", True | Mapping():
                pass
            case _:
                node.whole()
                self._losses.lost(f"`{key}` has no equal in a contract", node.place)


def _is_limit(key: str, value: Any) -> bool:
    """Whether a value is a number such as a limit of that name has: a count is whole and not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if key == "multipleOf":
        return value > 0
    return not key.startswith(("minL", "maxL", "minI", "maxI", "minP", "maxP")) or (value >= 0 and value == int(value))


def _restrict(schema: Schema, values: list[Any]) -> None:
    if None in values:
        schema.nullable = True
    kept = [value for value in values if value is not None]
    schema.values = kept if schema.values is None else [value for value in schema.values if value in kept]


def _is_null(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return value.get("type") in ("null", ["null"]) or ("const" in value and value["const"] is None)


def _anchors(node: Node, depth: int) -> list[tuple[str, Node]]:
    found: list[tuple[str, Node]] = []
    if depth > _MAX_DEPTH:
        return found
    if node.is_mapping:
        for word in ("$anchor", "$dynamicAnchor"):
            if isinstance(node.value.get(word), str):
                found.append((node.value[word], node))
        for _, part in node.pairs():
            found += _anchors(part, depth + 1)
    elif isinstance(node.value, list):
        for part in node.items():
            found += _anchors(part, depth + 1)
    return found
