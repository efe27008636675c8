"""The tables of a contract store: one layout, whichever engine writes them.

`contract_events` is the truth: it only grows, and the row of a put carries the bytes of the document, so that one
commit to one table is a whole event. `contracts` says how every version stands; it follows from the events and can be
made again from them at any time by `contracts_query`. Nothing here needs an engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from lakepact.errors import ConfigurationError
from lakepact.store.encoding import event_data, event_of, time_text
from lakepact.store.model import Event

__all__ = [
    "CONTRACTS",
    "CONTRACT_EVENTS",
    "LAYOUT",
    "LAYOUT_PROPERTY",
    "MIGRATIONS",
    "TABLES",
    "Column",
    "ColumnType",
    "Migration",
    "Table",
    "contracts_query",
    "event_row",
    "layout_of",
    "migrations_from",
    "row_event",
]

LAYOUT: Final = 1
"""The version of the layout that this release writes."""

LAYOUT_PROPERTY: Final = "lakepact.layout"
"""The table property that holds the version of the layout that a table has."""


class ColumnType(StrEnum):
    """A type of a column, as SQL spells it."""

    STRING = "STRING"
    LONG = "BIGINT"
    TIMESTAMP = "TIMESTAMP"
    BINARY = "BINARY"
    STRINGS = "ARRAY<STRING>"


@dataclass(frozen=True, slots=True)
class Column:
    """A column with the comment that the catalog shows; the elements of a list are never null."""

    name: str
    type: ColumnType
    comment: str
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of the store. `key` names the columns that identify a row; `properties` are those of Delta."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    properties: Mapping[str, str]

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError."""
        return {column.name: column for column in self.columns}[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """The step from layout `to - 1` to `to`: columns that a table gains, all nullable, because old rows lack them."""

    to: int
    table: str
    added: tuple[Column, ...]


# The form of `encoding.event_of` that a row stands for.
_EVENT_FORMAT: Final = 1

_DESCRIPTION: Final = (
    Column("name", ColumnType.STRING, "Name of the contract, from the document", nullable=True),
    Column("domain", ColumnType.STRING, "Domain, from the document", nullable=True),
    Column("data_product", ColumnType.STRING, "Data product, from the document", nullable=True),
    Column("purpose", ColumnType.STRING, "Purpose, from the document", nullable=True),
    Column("tags", ColumnType.STRINGS, "Tags, from the document"),
    Column("objects", ColumnType.STRINGS, "Names of the schema objects, from the document"),
    Column("owners", ColumnType.STRINGS, "Owners, from the document"),
)

# Serializable makes the MERGE of another engine conflict with an append too. The change feed lets a reader that knows
# an earlier version of the table read only what came since.
_EVENT_PROPERTIES: Final = MappingProxyType(
    {
        "delta.appendOnly": "true",
        "delta.enableChangeDataFeed": "true",
        "delta.isolationLevel": "Serializable",
        LAYOUT_PROPERTY: str(LAYOUT),
    }
)

CONTRACT_EVENTS: Final = Table(
    name="contract_events",
    comment="Audit trail of the contract store: one row an event, never changed. All that the store knows is here.",
    columns=(
        Column("contract_id", ColumnType.STRING, "Id of the contract"),
        Column("sequence", ColumnType.LONG, "Number of the event in its contract, from 1 without gaps"),
        Column("kind", ColumnType.STRING, "What happened: put (a document was written) or status (a step of its life)"),
        Column("version", ColumnType.STRING, "Version of the contract"),
        Column("sha256", ColumnType.STRING, "Hash of the document after the event, hexadecimal"),
        Column("status", ColumnType.STRING, "Status of the version after the event"),
        Column("actor", ColumnType.STRING, "Who did it"),
        Column("at", ColumnType.TIMESTAMP, "When it was done (UTC)"),
        Column("reason", ColumnType.STRING, "Why it was done"),
        *_DESCRIPTION,
        Column("document", ColumnType.BINARY, "The very bytes of the document; only where kind is put", nullable=True),
    ),
    key=("contract_id", "sequence"),
    properties=_EVENT_PROPERTIES,
)
"""One row an event. The table only grows."""

CONTRACTS: Final = Table(
    name="contracts",
    comment="How every version of every contract stands. Made from contract_events; changes made here are lost.",
    columns=(
        Column("contract_id", ColumnType.STRING, "Id of the contract"),
        Column("version", ColumnType.STRING, "Version of the contract"),
        Column("status", ColumnType.STRING, "draft, in review, validated, rejected, deprecated or retired"),
        Column("sha256", ColumnType.STRING, "Hash of the document, hexadecimal"),
        Column("created_by", ColumnType.STRING, "Who wrote this version first"),
        Column("created_at", ColumnType.TIMESTAMP, "When this version was first written (UTC)"),
        Column("changed_by", ColumnType.STRING, "Who changed the document or its status last"),
        Column("changed_at", ColumnType.TIMESTAMP, "When the document or its status changed last (UTC)"),
        Column("reason", ColumnType.STRING, "Why it changed last"),
        *_DESCRIPTION,
        Column("sequence", ColumnType.LONG, "Number of the last event of this version in contract_events"),
        Column("document", ColumnType.BINARY, "The very bytes of the document"),
    ),
    key=("contract_id", "version"),
    properties=MappingProxyType({LAYOUT_PROPERTY: str(LAYOUT)}),
)
"""One row a version of a contract."""

TABLES: Final = (CONTRACT_EVENTS, CONTRACTS)

MIGRATIONS: Final[tuple[Migration, ...]] = ()
"""All steps between layouts, oldest first: each release that adds columns adds its steps here and raises `LAYOUT`."""


def layout_of(properties: Mapping[str, str | None], *, where: str) -> int:
    """The layout of a table with those properties.

    Raises ConfigurationError: LP866 where it is no table of a store, LP867 where a newer lakepact made it.
    """
    text = properties.get(LAYOUT_PROPERTY) or ""
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        message = f"{where} is no table of a contract store: it has no property `{LAYOUT_PROPERTY}`"
        raise ConfigurationError(message, "LP866", "name the folder or schema that the store was made in")
    if int(text) > LAYOUT:
        message = f"{where} has layout {text}, this release of lakepact knows up to {LAYOUT}"
        raise ConfigurationError(message, "LP867", "upgrade lakepact")
    return int(text)


def migrations_from(layout: int, table: str, *, migrations: Sequence[Migration] = MIGRATIONS) -> tuple[Migration, ...]:
    """The steps that a table of that layout still lacks, in order."""
    return tuple(each for each in migrations if each.table == table and each.to > layout)


def event_row(event: Event, document: bytes | None) -> dict[str, Any]:
    """The row of `contract_events` for an event, by column; `at` is a datetime in UTC."""
    data = event_data(event)
    values = {**data, **data["summary"], "at": event.at.astimezone(UTC), "document": document}
    return {column.name: values[column.name] for column in CONTRACT_EVENTS.columns}


def row_event(row: Mapping[str, Any], *, where: str = "") -> Event:
    """The event of a row, which need not have its document. Raises ConfigurationError LP854 for what is no event."""
    at = row.get("at")
    summary = {column.name: _plain(row.get(column.name)) for column in _DESCRIPTION}
    moment = time_text(at if at.tzinfo else at.replace(tzinfo=UTC)) if isinstance(at, datetime) else at
    return event_of({**row, "format": _EVENT_FORMAT, "at": moment, "summary": summary}, where=where)


def _plain(value: object) -> object:
    """A list where an engine gives another kind of sequence."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def contracts_query(events: str) -> str:
    """The query that makes the rows of `contracts`, in the order of its columns, from the table named `events`.

    `events` is SQL text: the quoted name of the table. The query is plain SQL that Spark, Databricks and DataFusion
    read alike.

    >>> contracts_query("`main`.`lakepact`.`contract_events`").count("`main`.`lakepact`.`contract_events`")
    4
    """
    described = ", ".join(f"p.{column.name}" for column in _DESCRIPTION)
    return (
        "SELECT l.contract_id, l.version, l.status, l.sha256, f.actor AS created_by, f.at AS created_at, "
        f"l.actor AS changed_by, l.at AS changed_at, l.reason, {described}, l.sequence, p.document "
        "FROM (SELECT contract_id, version, MIN(sequence) AS first_event, MAX(sequence) AS last_event, "
        f"MAX(CASE WHEN kind = 'put' THEN sequence END) AS last_put FROM {events} "
        "WHERE kind IN ('put', 'status') GROUP BY contract_id, version) k "
        f"JOIN {events} l ON l.contract_id = k.contract_id AND l.sequence = k.last_event "
        f"JOIN {events} f ON f.contract_id = k.contract_id AND f.sequence = k.first_event "
        f"JOIN {events} p ON p.contract_id = k.contract_id AND p.sequence = k.last_put"
    )
