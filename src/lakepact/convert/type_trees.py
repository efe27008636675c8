"""Types as trees, read from Spark's DDL text or from the JSON of its schemas; `column_types` writes them as ODCS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lakepact.contract import spark_types
from lakepact.sql_text import Token, TokenKind, join, significant, split_at_commas, string_value, tokenize

__all__ = [
    "ENDINGS",
    "Clauses",
    "TreeField",
    "TypeTree",
    "clauses_of_type",
    "from_contract",
    "from_json",
    "from_text",
    "from_tokens",
]

_MAX_DEPTH = 60
_JSON_NAMES = {"integer": "INT", "long": "BIGINT", "short": "SMALLINT", "byte": "TINYINT"}
_SIZED_METADATA = "__CHAR_VARCHAR_TYPE_STRING"
_COLLATIONS = "__COLLATIONS"
# What follows the type of a column.
ENDINGS = ("COMMENT", "DEFAULT", "GENERATED", "MASK", "PRIMARY", "REFERENCES", "FOREIGN", "CONSTRAINT", "COLLATE")


@dataclass(frozen=True, slots=True)
class TreeField:
    """A field of a struct."""

    name: str
    type: TypeTree
    required: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class TypeTree:
    """One type of a tree. `text` is that of a type without parts, or of one that is not known."""

    kind: str
    text: str = ""
    parts: tuple[TypeTree, ...] = ()
    fields: tuple[TreeField, ...] = ()
    required_parts: bool = False
    collation: str | None = None


class _Unreadable(ValueError):
    """The text is no type that has parts; caught here."""


def from_contract(found: spark_types.SparkType) -> TypeTree:
    """The tree of a type of the contract."""
    match found:
        case spark_types.StructType():
            fields = tuple(TreeField(f.name, from_contract(f.type), f.required, f.comment) for f in found.fields)
            return TypeTree("struct", fields=fields)
        case spark_types.ArrayType():
            return TypeTree("array", parts=(from_contract(found.element),))
        case spark_types.MapType():
            return TypeTree("map", parts=(from_contract(found.key), from_contract(found.value)))
    return TypeTree("atomic", found.ddl)


def from_text(text: str, depth: int = 0) -> TypeTree:
    """The type in `text`; what is no type is one without parts."""
    return from_tokens(tokenize(text), depth)


def from_tokens(tokens: Sequence[Token], depth: int) -> TypeTree:
    """As `from_text`, from tokens."""
    text = join(tokens).strip()
    words = significant(tokens)
    if depth > _MAX_DEPTH or len(words) < 3 or words[1].text != "<" or words[-1].text != ">":
        return _without_collation(text, words)
    name, inner = words[0].text.casefold(), _between(tokens)
    try:
        if name in ("struct", "record", "row"):
            return TypeTree("struct", fields=tuple(_field(item, depth + 1) for item in split_at_commas(inner)))
        parts = tuple(from_tokens(item, depth + 1) for item in split_at_commas(inner))
    except _Unreadable:
        return TypeTree("atomic", text)
    if name in ("array", "list") and len(parts) == 1:
        return TypeTree("array", parts=parts)
    if name == "map" and len(parts) == 2:
        return TypeTree("map", parts=parts)
    return TypeTree("atomic", text)


def _between(tokens: Sequence[Token]) -> list[Token]:
    """What stands between the first `<` and the last `>`; `>>` is two tokens."""
    first = next(index for index, token in enumerate(tokens) if token.text == "<")
    last = max(index for index, token in enumerate(tokens) if token.text == ">")
    return list(tokens[first + 1 : last])


def _without_collation(text: str, words: Sequence[Token]) -> TypeTree:
    at = next((index for index, word in enumerate(words) if word.is_word("COLLATE")), None)
    if at is None or at + 1 >= len(words):
        return TypeTree("atomic", text)
    plain = " ".join(word.text for word in words[:at])
    return TypeTree("atomic", plain, collation=words[at + 1].text)


def _field(item: Sequence[Token], depth: int) -> TreeField:
    """`name: type NOT NULL COMMENT 'text'`; the catalog writes names with blanks in them without quotes."""
    at = next((index for index, token in enumerate(item) if token.text == ":"), None)
    if at is None:
        at = 1
        name = item[0].text
    else:
        name = join(item[:at]).strip()
    if not name or at >= len(item):
        raise _Unreadable
    rest = list(item[at + 1 :]) if item[at].text == ":" else list(item[at:])
    clauses = clauses_of_type(rest)
    return TreeField(_unquoted(name), from_tokens(clauses.type, depth), clauses.required, clauses.comment)


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name[:1] == name[-1:] == "`" and len(name) > 1 else name


@dataclass(slots=True)
class Clauses:
    """The type of a column or field, whether NOT NULL follows it, its comment, and all that follows it."""

    type: list[Token]
    required: bool = False
    comment: str | None = None
    tail: tuple[Token, ...] = ()


def clauses_of_type(tokens: Sequence[Token]) -> Clauses:
    """The type, and what follows it outside of all brackets."""
    depth, end = 0, len(tokens)
    for index, token in enumerate(tokens):
        depth += (token.text in "<(") - (token.text in ">)") if token.kind is TokenKind.SYMBOL else 0
        follows = [word.text.upper() for word in significant(tokens[index : index + 4])[:2]]
        if not depth and index and (token.is_word(*ENDINGS[:-1], "NULL") or follows == ["NOT", "NULL"]):
            end = index
            break
    tail = significant(tokens[end:])
    found = Clauses(list(tokens[:end]), tail=tuple(tail))
    words = [token.text.upper() for token in tail]
    found.required = any(pair == ("NOT", "NULL") for pair in pairwise(words))
    at = next((index for index, token in enumerate(tail) if token.is_word("COMMENT")), None)
    if at is not None:
        found.comment = _following_string(tail[at + 1 :])
    return found


def _following_string(tokens: Sequence[Token]) -> str:
    taken = []
    for token in tokens:
        if token.kind is not TokenKind.STRING:
            break
        taken.append(token)
    return string_value(taken)


def from_json(node: Any, metadata: Mapping[str, Any], depth: int) -> TypeTree:
    """A type of Spark's JSON: a name, or a mapping with `type`; `metadata` is that of its field."""
    if isinstance(node, str):
        sized = metadata.get(_SIZED_METADATA)
        collations = metadata.get(_COLLATIONS)
        collation = next(iter(collations.values()), None) if isinstance(collations, Mapping) and collations else None
        text = sized if isinstance(sized, str) else _JSON_NAMES.get(node, node)
        found = from_text(text)
        return TypeTree(
            found.kind, found.text, found.parts, found.fields, collation=str(collation or "") or found.collation
        )
    if not isinstance(node, Mapping) or depth > _MAX_DEPTH:
        return TypeTree("atomic", str(node))
    match node.get("type"):
        case "struct":
            fields = node.get("fields")
            inner = [field for field in fields if isinstance(field, Mapping)] if isinstance(fields, list) else []
            return TypeTree("struct", fields=tuple(_json_field(field, depth) for field in inner))
        case "array":
            element = from_json(node.get("elementType"), {}, depth + 1)
            return _sized(
                TypeTree("array", parts=(element,), required_parts=node.get("containsNull") is False), metadata
            )
        case "map":
            parts = (from_json(node.get("keyType"), {}, depth + 1), from_json(node.get("valueType"), {}, depth + 1))
            required = node.get("valueContainsNull") is False
            return _sized(TypeTree("map", parts=parts, required_parts=required), metadata)
        case "udt" if "sqlType" in node:
            return from_json(node["sqlType"], metadata, depth + 1)
    return TypeTree("atomic", str(node.get("type")))


def _json_field(field: Mapping[str, Any], depth: int) -> TreeField:
    given = field.get("metadata")
    metadata = given if isinstance(given, Mapping) else {}
    found = _sized(from_json(field.get("type"), metadata, depth + 1), metadata)
    comment = metadata.get("comment")
    return TreeField(str(field.get("name", "")), found, field.get("nullable") is False, comment and str(comment))


def _sized(found: TypeTree, metadata: Mapping[str, Any]) -> TypeTree:
    """`found` with the lengths that the raw text of the type has; Spark's JSON has them nowhere else."""
    raw = metadata.get(_SIZED_METADATA)
    return _merged(found, from_text(raw)) if isinstance(raw, str) and found.kind != "atomic" else found


def _merged(found: TypeTree, sized: TypeTree) -> TypeTree:
    if found.kind == "atomic" or found.kind != sized.kind:
        return sized if found.kind == "atomic" and sized.kind == "atomic" else found
    parts = tuple(_merged(a, b) for a, b in zip(found.parts, sized.parts, strict=False))
    fields = tuple(
        TreeField(a.name, _merged(a.type, b.type), a.required, a.comment)
        for a, b in zip(found.fields, sized.fields, strict=False)
    )
    return TypeTree(found.kind, found.text, parts, fields, found.required_parts, found.collation)
