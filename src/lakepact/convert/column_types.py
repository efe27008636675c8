"""Types that a source writes as text or as Spark's JSON, as the type keys of an ODCS v3.1 property.

One reader for every importer. A struct becomes `properties`, an array `items`, with nullability and comments at every
depth; a map has no logical type before v3.2 and becomes an object whose `physicalType` says the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakepact.contract import spark_types
from lakepact.contract.physical_types import parse_physical_type
from lakepact.convert.type_trees import (
    ENDINGS,
    TreeField,
    TypeTree,
    clauses_of_type,
    from_contract,
    from_json,
    from_text,
    from_tokens,
)
from lakepact.sql import identifier
from lakepact.sql_text import Token, name_parts, significant, split_at_commas, tokenize

__all__ = ["DeclaredColumn", "TypeReading", "column_property", "read_columns", "read_json_type", "read_type"]

_LOGICAL = {
    "STRING": "string",
    "CHAR": "string",
    "VARCHAR": "string",
    "BINARY": "string",
    "BOOLEAN": "boolean",
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "BIGINT"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "number"),
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_NTZ": "timestamp",
    "VARIANT": "object",
}
_GENERIC_OBJECTS = {"struct", "object", "record", "row", "nested", "json", "jsonb", "variant", "super", "document"}


@dataclass(frozen=True, slots=True)
class TypeReading:
    """The type keys of a property (`logicalType`, `physicalType`, `properties`, ...), and what they cannot say."""

    keys: dict[str, Any]
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredColumn:
    """A column of a DDL list: its type as keys of a property, and the clauses that stand after the type."""

    name: str
    type: TypeReading
    required: bool = False
    comment: str | None = None
    primary_key: bool = False
    default: str | None = None
    generated: str | None = None
    mask: str | None = None
    others: tuple[str, ...] = ()


def read_type(text: str, *, spark: bool = True) -> TypeReading:
    """The type in `text`: Spark's DDL, with comments and NOT NULL in structs, or another database's name.

    With `spark`, `decimal` is DECIMAL(10,0) and names are written as Spark writes them; else the text is kept.

    >>> read_type("array<struct<a: int not null>>").keys["items"]["properties"]
    [{'name': 'a', 'logicalType': 'integer', 'physicalType': 'INT', 'required': True}]
    >>> read_type("int4", spark=False).keys
    {'logicalType': 'integer', 'physicalType': 'int4'}
    """
    return _Writer(spark=spark).reading(from_text(text))


def read_json_type(node: Any, metadata: Mapping[str, Any] | None = None) -> TypeReading:
    """A type of Spark's JSON schema: a name, or a mapping with `type`; `metadata` is that of its field.

    >>> read_json_type("long").keys
    {'logicalType': 'integer', 'physicalType': 'BIGINT'}
    """
    return _Writer(spark=True).reading(from_json(node, metadata or {}, 0))


def read_columns(text: str) -> tuple[DeclaredColumn, ...]:
    """The columns of a DDL list; items that are no columns (constraints of the table) are left to the caller.

    >>> [(c.name, c.required, c.comment) for c in read_columns("id BIGINT NOT NULL COMMENT 'the key', b STRING")]
    [('id', True, 'the key'), ('b', False, None)]
    """
    return tuple(_column(item) for item in split_at_commas(tokenize(text)))


def column_property(name: str, reading: TypeReading, *, required: bool = False, comment: str | None = None) -> Any:
    """A property of ODCS, with the keys in the order of the standard."""
    entry: dict[str, Any] = {"name": name} | reading.keys
    if comment:
        entry["description"] = comment
    if required:
        entry["required"] = True
    return entry


class _Writer:
    def __init__(self, *, spark: bool) -> None:
        self._spark = spark
        self._losses: list[str] = []

    def reading(self, found: TypeTree) -> TypeReading:
        keys = self._keys(found, "")
        return TypeReading(keys, tuple(self._losses))

    def _keys(self, found: TypeTree, at: str) -> dict[str, Any]:
        if found.collation:
            self._losses.append(f"collation {found.collation}{_of(at)}")
        match found.kind:
            case "struct":
                keys: dict[str, Any] = {"logicalType": "object", "physicalType": "STRUCT"}
                inner = [self._field(field, at) for field in found.fields]
                return keys | ({"properties": inner} if inner else {})
            case "array":
                items = self._keys(found.parts[0], f"{at}[]")
                if found.required_parts:
                    items["required"] = True
                return {"logicalType": "array", "physicalType": "ARRAY", "items": items}
            case "map":
                self._lost_in_map(found, at)
                return {"logicalType": "object", "physicalType": _ddl(found)}
        return self._atomic(found.text, at)

    def _field(self, field: TreeField, at: str) -> dict[str, Any]:
        inner = f"{at}.{field.name}" if at else field.name
        reading = TypeReading(self._keys(field.type, inner))
        entry: dict[str, Any] = column_property(field.name, reading, required=field.required, comment=field.comment)
        return entry

    def _lost_in_map(self, found: TypeTree, at: str) -> None:
        if found.required_parts:
            self._losses.append(f"NOT NULL of the values of a map{_of(at)}")
        for part in found.parts:
            for field in _fields_within(part):
                if field.comment:
                    self._losses.append(f"comment of the field {field.name!r} in a map{_of(at)}")

    def _atomic(self, text: str, at: str) -> dict[str, Any]:
        read = parse_physical_type(text)
        if read.generic:
            logical = "object" if text.strip().casefold() in _GENERIC_OBJECTS | {"map", "dict"} else "array"
            return {"logicalType": logical, "physicalType": text.strip().upper() if self._spark else text.strip()}
        if read.type is None:
            self._losses.append(f"type {text.strip() or '(none)'}{_of(at)}: no logical type is known for it")
            return {"physicalType": text.strip()} if text.strip() else {}
        if not isinstance(read.type, spark_types.AtomicType):
            return self._keys(from_contract(read.type), at)
        ddl = read.type.ddl
        if self._spark and not read.exact and ddl.startswith("DECIMAL"):
            ddl = "DECIMAL(10,0)"
        keys: dict[str, Any] = {"logicalType": _LOGICAL[ddl.partition("(")[0]], "physicalType": ddl}
        word = text.strip().casefold()
        if word.startswith("time") and ddl == "STRING":
            keys["logicalType"] = "time"
        if not self._spark:
            keys["physicalType"] = text.strip()
        elif word.startswith(("char(", "character(", "char ", "character ")) and ddl.startswith("VARCHAR"):
            keys["physicalType"] = ddl.removeprefix("VAR")
        if ddl == "TIMESTAMP_NTZ":
            keys["logicalTypeOptions"] = {"timezone": False}
        return keys


def _of(at: str) -> str:
    return f" of {at}" if at else ""


def _fields_within(found: TypeTree) -> tuple[TreeField, ...]:
    inner = tuple(field for part in (*found.parts, *(f.type for f in found.fields)) for field in _fields_within(part))
    return (*found.fields, *inner)


def _ddl(found: TypeTree) -> str:
    """The text of a type, as `physicalType` holds it: NOT NULL is kept, comments are not."""
    match found.kind:
        case "struct":
            fields = (f"{identifier(f.name)}: {_ddl(f.type)}{' NOT NULL' if f.required else ''}" for f in found.fields)
            return f"STRUCT<{', '.join(fields)}>"
        case "array":
            return f"ARRAY<{_ddl(found.parts[0])}>"
        case "map":
            return f"MAP<{_ddl(found.parts[0])}, {_ddl(found.parts[1])}>"
    read = parse_physical_type(found.text)
    return read.type.ddl if read.type is not None else found.text.strip().upper()


def _column(item: Sequence[Token]) -> DeclaredColumn:
    words = significant(item)
    start = item.index(words[0]) + 1
    if start < len(item) and item[start].text == ":":
        start += 1
    clauses = clauses_of_type(list(item[start:]))
    collated = from_tokens(clauses.type, 0)
    tail = clauses.tail
    return DeclaredColumn(
        name=(name_parts(words[0].text) or ("",))[0],
        type=_Writer(spark=True).reading(collated),
        required=clauses.required,
        comment=clauses.comment,
        primary_key=_after(tail, "PRIMARY", "KEY") is not None,
        default=_after(tail, "DEFAULT"),
        generated=_after(tail, "GENERATED"),
        mask=_after(tail, "MASK"),
        others=tuple(
            f"{word} {found}".strip()
            for word in ("REFERENCES", "FOREIGN", "CONSTRAINT")
            if (found := _after(tail, word)) is not None
        ),
    )


def _after(tail: Sequence[Token], *words: str) -> str | None:
    """The text after these words up to the next clause; None where they are not there."""
    for index in range(len(tail)):
        if all(token.is_word(word) for token, word in zip(tail[index:], words, strict=False)) and tail[index:]:
            rest: list[Token] = []
            depth = 0
            for token in tail[index + len(words) :]:
                depth += (token.text == "(") - (token.text == ")")
                if not depth and rest and (token.is_word(*ENDINGS, "NOT")):
                    break
                rest.append(token)
            return _spaced(rest)
    return None


def _spaced(tokens: Sequence[Token]) -> str:
    """The text of tokens whose blanks are gone: those that touched in the source touch again."""
    text = ""
    for before, token in zip((None, *tokens), tokens, strict=False):
        touching = before is None or (before.line, before.column + len(before.text)) == (token.line, token.column)
        text += token.text if touching else f" {token.text}"
    return text
