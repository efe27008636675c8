"""The SQL of a store in tables of a catalog: the statements, their parameters, and what it takes to run them.

A statement is text with named markers (`:contract_id`) and values beside it, as `spark.sql(text, args)` and the SQL
Statement Execution API take them. Values are text and whole numbers only, and so are the columns of every result:
times are microseconds, lists are JSON, bytes are base64. So every engine, and JSON between, means the same by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lakepact.errors import UsageError
from lakepact.sql import identifier, literal, qualified, string
from lakepact.sql_text import Token, TokenKind, name_parts, tokenize
from lakepact.store.tables import CONTRACT_EVENTS, CONTRACTS, Column, ColumnType, Table, contracts_query

__all__ = [
    "Parameter",
    "StatementFailed",
    "Statements",
    "StoreTables",
    "condition_of",
    "markers",
    "schema_of",
    "value_text",
    "with_literals",
    "with_values",
]

Parameter = str | int | None
"""A value of a parameter."""

_NAME: Final = re.compile(r"(?:`(?:[^`]|``)+`|[^.`\s?#&]+)(?:\.(?:`(?:[^`]|``)+`|[^.`\s?#&]+))*")
_CONDITION: Final = re.compile(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]")
_PLAIN_TEXT: Final = re.compile(r"[A-Za-z0-9+/=_. -]*")


class StatementFailed(Exception):
    """An engine ran a statement and refused it; `condition` is the name of the error, empty where it has none."""

    def __init__(self, condition: str, message: str) -> None:
        super().__init__(message)
        self.condition = condition
        self.message = message


class Statements(Protocol):
    """Runs one statement at a time; every statement stands alone."""

    def run(self, text: str, parameters: Mapping[str, Parameter]) -> Sequence[Mapping[str, Any]]:
        """The rows of the result by the names of its columns, none for a statement without a result.

        Raises StatementFailed where the engine refuses the statement, RemoteFailed where it cannot be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoreTables:
    """The statements for the tables in the schema of that name.

    >>> StoreTables(("main", "lakepact")).events
    '`main`.`lakepact`.`contract_events`'
    """

    schema: tuple[str, ...]

    @property
    def events(self) -> str:
        """The quoted name of the table of events."""
        return self.name(CONTRACT_EVENTS)

    def name(self, table: Table) -> str:
        """The quoted name of a table."""
        return qualified([*self.schema, table.name])

    def create_schema(self) -> str:
        """Makes the schema where it is absent."""
        comment = string("Data contracts: every version, and who did what, when and why")
        return f"CREATE SCHEMA IF NOT EXISTS {qualified(self.schema)} COMMENT {comment}"

    def create(self, table: Table) -> str:
        """Makes a table where it is absent."""
        properties = ", ".join(f"{string(key)} = {string(value)}" for key, value in table.properties.items())
        return (
            f"CREATE TABLE IF NOT EXISTS {self.name(table)} ({_definitions(table.columns)}) USING DELTA "
            f"COMMENT {string(table.comment)} TBLPROPERTIES ({properties})"
        )

    def properties(self, table: Table) -> str:
        """Gives the properties of a table, as rows of `key` and `value`."""
        return f"SHOW TBLPROPERTIES {self.name(table)}"

    def set_property(self, table: Table, key: str, value: str) -> str:
        """Sets one property of a table."""
        return f"ALTER TABLE {self.name(table)} SET TBLPROPERTIES ({string(key)} = {string(value)})"

    def columns(self, table: Table) -> str:
        """Gives the columns of a table, as rows with `col_name`."""
        return f"DESCRIBE TABLE {self.name(table)}"

    def add_columns(self, table: Table, columns: Sequence[Column]) -> str:
        """Adds columns to a table."""
        return f"ALTER TABLE {self.name(table)} ADD COLUMNS ({_definitions(columns)})"

    def ids(self) -> str:
        """Gives the ids of all contracts."""
        return f"SELECT DISTINCT contract_id FROM {self.events}"

    def select(self, *, one: bool) -> str:
        """Gives events without their documents: of all contracts, or of `:contract_id`."""
        where = " WHERE contract_id = :contract_id" if one else ""
        return f"SELECT {', '.join(_read(CONTRACT_EVENTS))} FROM {self.events}{where}"

    def document(self) -> str:
        """Gives the `size` of the document with the hash `:sha256`, and `:length` bytes of it from the one at `:start`.

        Bytes count from 1. A result has a limit, and a document may be larger.
        """
        part = "base64(substring(document, CAST(:start AS INT), CAST(:length AS INT)))"
        return (
            f"SELECT octet_length(document) AS size, {part} AS content FROM {self.events} "
            "WHERE contract_id = :contract_id AND sha256 = :sha256 AND document IS NOT NULL ORDER BY sequence LIMIT 1"
        )

    def append(self) -> str:
        """Adds an event unless its contract has one of that number; the result has `num_inserted_rows`.

        The MERGE reads what it decides on in the transaction that it writes in, and the table is Serializable, so of
        two at once that add the same number one is refused as a conflict (docs/decisions/0007).
        """
        source = ", ".join(f"{_written(column)} AS {identifier(column.name)}" for column in CONTRACT_EVENTS.columns)
        names = ", ".join(identifier(column.name) for column in CONTRACT_EVENTS.columns)
        values = ", ".join(f"s.{identifier(column.name)}" for column in CONTRACT_EVENTS.columns)
        matching = " AND ".join(f"t.{key} = {_written(CONTRACT_EVENTS.column(key))}" for key in CONTRACT_EVENTS.key)
        return (
            f"MERGE INTO {self.events} t USING (SELECT {source}) s ON {matching} "
            f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})"
        )

    def project(self) -> str:
        """Makes all rows of `contracts` again, in one commit."""
        columns = ", ".join(identifier(column.name) for column in CONTRACTS.columns)
        return f"INSERT OVERWRITE {self.name(CONTRACTS)} ({columns}) {contracts_query(self.events)}"

    def count(self, table: Table) -> str:
        """Gives the number of rows, as `rows`."""
        return f"SELECT COUNT(*) AS rows FROM {self.name(table)}"


def _definitions(columns: Iterable[Column]) -> str:
    return ", ".join(
        f"{identifier(each.name)} {each.type}{'' if each.nullable else ' NOT NULL'} COMMENT {string(each.comment)}"
        for each in columns
    )


def _read(table: Table) -> list[str]:
    """What a query says for the columns of a table except the documents."""
    found = []
    for column in table.columns:
        name = identifier(column.name)
        match column.type:
            case ColumnType.TIMESTAMP:
                found.append(f"unix_micros({name}) AS {name}")
            case ColumnType.STRINGS:
                found.append(f"to_json({name}) AS {name}")
            case ColumnType.STRING | ColumnType.LONG:
                found.append(name)
    return found


def _written(column: Column) -> str:
    """The value of a column from the parameter of the same name."""
    marker = f":{column.name}"
    match column.type:
        case ColumnType.TIMESTAMP:
            return f"timestamp_micros(CAST({marker} AS BIGINT))"
        case ColumnType.STRINGS:
            return f"from_json({marker}, 'ARRAY<STRING>')"
        case ColumnType.BINARY:
            return f"unbase64({marker})"
    return f"CAST({marker} AS {column.type})"


def schema_of(name: str, *, address: str, parts: Sequence[int], example: str) -> tuple[str, ...]:
    """The parts of the name of a schema; a part with a dot is in backticks. Raises UsageError LP877.

    >>> schema_of("main.`a.b`", address="spark:main.`a.b`", parts=(1, 2), example="")
    ('main', 'a.b')
    """
    found = name_parts(name) if _NAME.fullmatch(name) else ()
    if len(found) not in parts:
        raise UsageError(f"'{address}' names no schema", "LP877", f"write for example {example}")
    return found


def condition_of(message: str) -> str:
    """The name of the error that a message of an engine begins with, or an empty text.

    >>> condition_of("[TABLE_OR_VIEW_NOT_FOUND] The table cannot be found. SQLSTATE: 42P01")
    'TABLE_OR_VIEW_NOT_FOUND'
    """
    found = _CONDITION.search(message[:2000])
    return found[1] if found else ""


def with_literals(text: str, parameters: Mapping[str, Parameter]) -> str:
    r"""The statement with its values in the place of the markers, for engines that drop parameters.

    >>> with_literals("SELECT ':id', :id, :n, x::int, a:b", {"id": "it's", "n": 3})
    "SELECT ':id', CAST(X'69742773' AS STRING), 3, x::int, a:b"
    """
    return with_values(text, {name: value_text(value) for name, value in parameters.items()})


def with_values(text: str, values: Mapping[str, str]) -> str:
    """The statement with SQL text in the place of its markers; a marker without a value stays."""
    tokens, written, index = tokenize(text), list[str](), 0
    while index < len(tokens):
        if _is_marker(tokens, index) and tokens[index + 1].text in values:
            written.append(values[tokens[index + 1].text])
            index += 2
        else:
            written.append(tokens[index].text)
            index += 1
    return "".join(written)


def value_text(value: Parameter) -> str:
    """A value as SQL text.

    Text that is more than letters, digits and a few signs is written as the hexadecimal digits of its bytes, so that
    no setting of an engine (how strings are escaped, what `${...}` means) can make anything but a value of it.
    """
    if not isinstance(value, str):
        return literal(value)
    if _PLAIN_TEXT.fullmatch(value):
        return f"'{value}'"
    return f"CAST(X'{value.encode().hex()}' AS STRING)"


def markers(text: str) -> frozenset[str]:
    """The names of the parameters that a statement has markers for.

    >>> sorted(markers("SELECT :b, ':c', a:d, x::int -- :e"))
    ['b']
    """
    tokens = tokenize(text)
    return frozenset(tokens[index + 1].text for index in range(len(tokens)) if _is_marker(tokens, index))


def _is_marker(tokens: Sequence[Token], index: int) -> bool:
    """Whether a marker begins there: no `::` of a cast, and no path into a value as in `a:b`."""
    if tokens[index].text != ":" or index + 1 == len(tokens) or tokens[index + 1].kind is not TokenKind.WORD:
        return False
    before = tokens[index - 1] if index else None
    return before is None or not (
        before.kind in (TokenKind.WORD, TokenKind.QUOTED, TokenKind.NUMBER) or before.text in (":", ")", "]")
    )
