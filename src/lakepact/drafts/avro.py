"""Avro schemas as types of the contract, as Spark reads data that they describe."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType
from lakepact.drafts.described import MOST_FIELDS, Described, unreadable

__all__ = ["read_avro"]

_WHAT: Final = "Avro schema"
_PRIMITIVES: Final = {
    "null": "VOID",
    "boolean": "BOOLEAN",
    "int": "INT",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "bytes": "BINARY",
    "string": "STRING",
}
_LOGICAL: Final = {
    ("int", "date"): "DATE",
    ("long", "timestamp-millis"): "TIMESTAMP",
    ("long", "timestamp-micros"): "TIMESTAMP",
    ("long", "timestamp-nanos"): "TIMESTAMP",
    ("long", "local-timestamp-millis"): "TIMESTAMP_NTZ",
    ("long", "local-timestamp-micros"): "TIMESTAMP_NTZ",
    ("long", "local-timestamp-nanos"): "TIMESTAMP_NTZ",
}
_NAMED: Final = ("record", "error", "enum", "fixed")
_LARGEST_PRECISION: Final = 38


def read_avro(schema: str, *, references: Mapping[str, str], file: str = "") -> Described:
    """The record that the schema describes; `references` are the schemas, by name, whose types it may use.

    A union with null is a value that may be absent, one of int and long (float and double) the wider of the two, any
    other a struct with a field for each member, as in Spark. Times of day and durations are what they are stored as.
    Raises ConfigurationError (LP886) with the place in the schema: no JSON, an unknown type, a type that contains
    itself.
    """
    reader = _Reader(file)
    for text in references.values():
        reader.define(_parsed(text, file))
    node = _parsed(schema, file)
    try:
        found = reader.type(node, "", _At("$"))
    except RecursionError:
        raise unreadable(_WHAT, file, "$", "it is nested too deep") from None
    if not isinstance(found, StructType):
        raise unreadable(_WHAT, file, "$", "it describes no record")
    name = str(node.get("name", "")) if isinstance(node, Mapping) else ""
    return Described(name.rpartition(".")[2], found, dict(reader.enums))


def _parsed(text: str, file: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unreadable(_WHAT, file, "$", f"it is no JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class _At:
    """Where in the schema the reader is, and which column that is."""

    path: str
    column: tuple[str, ...] = ()

    def into(self, step: str, *names: str) -> _At:
        return _At(f"{self.path}.{step}", (*self.column, *names))


@dataclass(slots=True)
class _Reader:
    file: str
    named: dict[str, tuple[Mapping[str, Any], str]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    enums: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    count: int = 0

    def define(self, node: Any, space: str = "") -> None:
        """Note every named type in a schema that others refer to."""
        if isinstance(node, list):
            for each in node:
                self.define(each, space)
        elif isinstance(node, Mapping):
            if node.get("type") in _NAMED:
                space = self._note(node, space)
            for key in ("items", "values", "type"):
                self.define(node.get(key), space)
            for each in node.get("fields") or ():
                self.define(each, space)

    def _note(self, node: Mapping[str, Any], space: str) -> str:
        """Keep a named type by its full name; return the namespace inside of it."""
        name = str(node.get("name", ""))
        inner = str(node.get("namespace", space))
        if "." in name:
            inner = name.rpartition(".")[0]
        full = name if "." in name else f"{inner}.{name}".lstrip(".")
        self.named[full] = (node, space)
        return inner

    def type(self, node: Any, space: str, at: _At) -> SparkType:
        """The type of a node."""
        self.count += 1
        if self.count > MOST_FIELDS:
            raise self._refused(at, f"it describes more than {MOST_FIELDS:,} fields")
        if isinstance(node, str):
            return self._by_name(node, space, at)
        if isinstance(node, list):
            return self._union(node, space, at)
        if not isinstance(node, Mapping):
            raise self._refused(at, "it is no type")
        kind = node.get("type")
        match kind:
            case "record" | "error":
                return self._record(node, space, at)
            case "enum":
                self._note(node, space)
                symbols = node.get("symbols")
                if not isinstance(symbols, list):
                    raise self._refused(at, "an enum has no symbols")
                self.enums[at.column] = tuple(map(str, symbols))
                return AtomicType("STRING")
            case "fixed":
                self._note(node, space)
                return self._decimal(node, at) or AtomicType("BINARY")
            case "array":
                return ArrayType(self.type(node.get("items"), space, at.into("items", "[]")))
            case "map":
                return MapType(AtomicType("STRING"), self.type(node.get("values"), space, at.into("values", "{}")))
            case str():
                return self._logical(node, kind, space, at)
        return self.type(kind, space, at.into("type"))

    def _logical(self, node: Mapping[str, Any], kind: str, space: str, at: _At) -> SparkType:
        if kind == "bytes" and (found := self._decimal(node, at)) is not None:
            return found
        logical = _LOGICAL.get((kind, str(node.get("logicalType"))))
        return AtomicType(logical) if logical is not None else self._by_name(kind, space, at)

    def _by_name(self, name: str, space: str, at: _At) -> SparkType:
        if name in _PRIMITIVES:
            return AtomicType(_PRIMITIVES[name])
        full = name if "." in name else f"{space}.{name}".lstrip(".")
        full = full if full in self.named else name
        if full not in self.named:
            raise self._refused(at, f"there is no type {name!r}")
        if full in self.open:
            raise self._refused(at, f"the type {name!r} contains itself, which no column can")
        node, outer = self.named[full]
        return self.type(node, outer, at)

    def _record(self, node: Mapping[str, Any], space: str, at: _At) -> SparkType:
        inner = self._note(node, space)
        name = str(node.get("name", ""))
        full = name if "." in name else f"{inner}.{name}".lstrip(".")
        fields = node.get("fields")
        if not isinstance(fields, list):
            raise self._refused(at, "a record has no fields")
        self.open.append(full)
        made = tuple(self._field(each, inner, at, index) for index, each in enumerate(fields))
        self.open.pop()
        return StructType(made)

    def _field(self, node: Any, space: str, at: _At, index: int) -> StructField:
        if not isinstance(node, Mapping) or not isinstance(node.get("name"), str) or "type" not in node:
            raise self._refused(at.into(f"fields[{index}]"), "a field has no name or no type")
        name = node["name"]
        here = at.into(f"fields[{index}]({name})", name)
        # `type` of a field may be the definition itself or hold one; attributes beside it belong to the field.
        found = self.type(node["type"], space, here)
        doc = node.get("doc")
        return StructField(name, found, not _may_be_null(node["type"]), doc if isinstance(doc, str) else None)

    def _union(self, members: Sequence[Any], space: str, at: _At) -> SparkType:
        present = [each for each in members if not _is_null(each)]
        if not present:
            return AtomicType("VOID")
        if len(present) == 1:
            return self.type(present[0], space, at)
        if all(each in ("int", "long") for each in present):
            return AtomicType("BIGINT")
        if all(each in ("float", "double") for each in present):
            return AtomicType("DOUBLE")
        names = [f"member{index}" for index in range(len(present))]
        made = [
            StructField(name, self.type(each, space, at.into(f"[{index}]", name)))
            for index, (name, each) in enumerate(zip(names, present, strict=True))
        ]
        return StructType(tuple(made))

    def _decimal(self, node: Mapping[str, Any], at: _At) -> AtomicType | None:
        if node.get("logicalType") != "decimal":
            return None
        precision, scale = node.get("precision"), node.get("scale", 0)
        if isinstance(precision, int) and isinstance(scale, int) and 0 <= scale <= precision <= _LARGEST_PRECISION:
            return AtomicType(f"DECIMAL({precision},{scale})")
        raise self._refused(at, f"DECIMAL({precision},{scale}) is no type that a table can have")

    def _refused(self, at: _At, reason: str) -> Exception:
        return unreadable(_WHAT, self.file, at.path, reason)


def _is_null(node: Any) -> bool:
    return node == "null" or (isinstance(node, Mapping) and node.get("type") == "null")


def _may_be_null(node: Any) -> bool:
    return any(map(_is_null, node)) if isinstance(node, list) else _is_null(node)
