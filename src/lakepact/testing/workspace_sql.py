"""How the double of a workspace runs a statement: on a local Spark session, as a SQL warehouse would."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from lakepact.sql import identifier
from lakepact.sql_text import Token, TokenKind, join, name_parts, significant, split_at_commas, string_value, tokenize
from lakepact.store.spark_session import failure_of
from lakepact.store.sql_statements import StatementFailed, markers, value_text, with_values

__all__ = ["Given", "GovernedCatalog", "Result", "run_statement"]

_LOCAL: Final = "spark_catalog"
_TYPE_NAMES: Final = {"integer": "INT", "void": "NULL"}
_PRIVILEGES: Final = {
    "CATALOG": {"USE CATALOG", "USE SCHEMA", "SELECT", "MODIFY", "CREATE SCHEMA", "CREATE TABLE", "APPLY TAG"},
    "SCHEMA": {"USE SCHEMA", "SELECT", "MODIFY", "CREATE TABLE", "APPLY TAG"},
    "TABLE": {"SELECT", "MODIFY", "APPLY TAG"},
}
_NAME: Final = r"(?:`(?:[^`]|``)+`|\w+)(?:\.(?:`(?:[^`]|``)+`|\w+))*"
_GRANT: Final = re.compile(
    rf"(GRANT|REVOKE)\s+([\w\s,]+?)\s+ON\s+(CATALOG|SCHEMA|TABLE)\s+({_NAME})\s+(TO|FROM)\s+({_NAME})", re.IGNORECASE
)
_TAGS: Final = re.compile(rf"ALTER\s+(TABLE|SCHEMA)\s+({_NAME})\s+SET\s+TAGS\s*\((.*)\)", re.IGNORECASE | re.DOTALL)
_TAG_KEY: Final = re.compile(r"[^.,\-=/:\s][^.,\-=/:]{0,255}")


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter of a statement: its value as text, and its type."""

    value: str | None
    type: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gives: columns as the API describes them, and rows of text."""

    columns: Sequence[Mapping[str, Any]] = ()
    rows: Sequence[Sequence[str | None]] = ()

    @property
    def size(self) -> int:
        """Roughly the bytes of all values."""
        return sum(len(value.encode()) for row in self.rows for value in row if value is not None)


class GovernedCatalog:
    """What Unity Catalog knows beside tables, of one catalog: grants and tags, checked for their shape and recorded.

    `grants` holds (principal, privilege, name), `tags` the tags by the name of a table or schema.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.grants: set[tuple[str, str, str]] = set()
        self.tags: dict[str, dict[str, str]] = {}

    def takes(self, text: str, spark: Any) -> bool:
        """Whether the statement is about grants or tags, which then is done. Raises StatementFailed."""
        words = [token.text.upper() for token in significant(tokenize(text)) if token.kind is TokenKind.WORD]
        if words[:1] in (["GRANT"], ["REVOKE"]):
            self._grant(text.strip(), spark)
            return True
        if words[:1] == ["ALTER"] and "TAGS" in words:
            self._tag(text.strip(), spark)
            return True
        return False

    def local(self, text: str) -> str:
        """The text with the catalog of the local session in the place of this one."""
        tokens = tokenize(text)
        return join(self._local(tokens, index) for index in range(len(tokens)))

    def _local(self, tokens: Sequence[Token], index: int) -> Token:
        token = tokens[index]
        dotted = index + 1 < len(tokens) and tokens[index + 1].text == "."
        first = index == 0 or tokens[index - 1].text != "."
        if token.kind in (TokenKind.WORD, TokenKind.QUOTED) and dotted and first:
            parts = name_parts(token.text)
            if parts == (self.name,):
                return Token(TokenKind.QUOTED, identifier(_LOCAL), token.line, token.column)
        return token

    def _grant(self, text: str, spark: Any) -> None:
        found = _GRANT.fullmatch(text)
        if found is None or (found[1].upper() == "GRANT") is not (found[5].upper() == "TO"):
            raise _syntax(text)
        kind, name = found[3].upper(), self._existing(found[3].upper(), found[4], spark)
        for words in found[2].split(","):
            privilege = " ".join(words.upper().split())
            if privilege not in _PRIVILEGES[kind] | {"ALL PRIVILEGES"}:
                message = f"[INVALID_PARAMETER_VALUE] Privilege {privilege} is not applicable to this entity [{name}]."
                raise StatementFailed("INVALID_PARAMETER_VALUE", message)
            entry = (".".join(name_parts(found[6])), privilege, name)
            (self.grants.add if found[1].upper() == "GRANT" else self.grants.discard)(entry)

    def _tag(self, text: str, spark: Any) -> None:
        found = _TAGS.fullmatch(text)
        if found is None:
            raise _syntax(text)
        name = self._existing(found[1].upper(), found[2], spark)
        for item in split_at_commas(tokenize(found[3])):
            key, value = self._pair(significant(item), text)
            if not _TAG_KEY.fullmatch(key) or len(value) > 1000:
                raise StatementFailed("INVALID_PARAMETER_VALUE", f"[INVALID_PARAMETER_VALUE] Invalid tag key {key!r}.")
            self.tags.setdefault(name, {})[key] = value

    def _pair(self, tokens: Sequence[Token], text: str) -> tuple[str, str]:
        """The two strings of `'key' = 'value'`."""
        places = [index for index, token in enumerate(tokens) if token.text == "="]
        sides = (tokens[: places[0]], tokens[places[0] + 1 :]) if len(places) == 1 else ([], [])
        if not all(side and all(token.kind is TokenKind.STRING for token in side) for side in sides):
            raise _syntax(text)
        return string_value(sides[0]), string_value(sides[1])

    def _existing(self, kind: str, name: str, spark: Any) -> str:
        """The plain name of a thing of this catalog. Raises StatementFailed where it is not there."""
        parts = name_parts(name)
        if len(parts) != {"CATALOG": 1, "SCHEMA": 2, "TABLE": 3}[kind]:
            raise _syntax(name)
        if parts[0] != self.name:
            raise StatementFailed("NO_SUCH_CATALOG_EXCEPTION", f"[NO_SUCH_CATALOG_EXCEPTION] No catalog '{parts[0]}'.")
        if kind != "CATALOG":
            _frame(spark, f"DESCRIBE {kind} {self.local(name)}")
        return ".".join(parts)


def run_statement(spark: Any, catalog: GovernedCatalog, text: str, parameters: Mapping[str, Given]) -> Result:
    """The result of a statement. Raises StatementFailed, with a message as a warehouse gives it."""
    unbound = sorted(markers(text) - parameters.keys())
    tokens = significant(tokenize(text))
    if unbound or any(token.text == "?" for token in tokens):
        message = f"[UNBOUND_SQL_PARAMETER] Found the unbound parameter: {(unbound or ['?'])[0]}."
        raise StatementFailed("UNBOUND_SQL_PARAMETER", message)
    if catalog.takes(text, spark):
        return Result()
    bound = with_values(catalog.local(text), {name: _typed(each) for name, each in parameters.items()})
    frame, rows = _frame(spark, bound)
    fields = frame.schema.fields
    columns = [
        {"name": field.name, "position": at, "type_name": _type_name(field), "type_text": _type_text(field)}
        for at, field in enumerate(fields)
    ]
    return Result(columns, [[_text(value) for value in row] for row in rows])


def _frame(spark: Any, text: str) -> tuple[Any, Sequence[Any]]:
    try:
        frame = spark.sql(text)
        return frame, frame.collect()
    except Exception as error:
        failed = failure_of(error)
        if failed is None:
            raise
        raise failed from error


def _typed(given: Given) -> str:
    """A value as the cast that the API makes of it; a value that is not of its type fails there."""
    return value_text(given.value) if given.type == "STRING" else f"CAST({value_text(given.value)} AS {given.type})"


def _type_name(field: Any) -> str:
    kind = str(field.dataType.typeName())
    return _TYPE_NAMES.get(kind, kind.upper())


def _type_text(field: Any) -> str:
    return str(field.dataType.simpleString()).upper()


def _text(value: Any) -> str | None:
    """A value as JSON_ARRAY has it."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case list() | dict():
            return json.dumps(value, default=str, separators=(",", ":"))
    return str(value)


def _syntax(text: str) -> StatementFailed:
    near = text.split(None, 1)[0] if text.split() else text
    return StatementFailed("PARSE_SYNTAX_ERROR", f"[PARSE_SYNTAX_ERROR] Syntax error at or near '{near}'.")
