"""Contracts in Delta tables of a catalog, through any engine that runs SQL: a Spark session, or a SQL warehouse."""

from __future__ import annotations

import base64
import binascii
import json
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lakepact.errors import ConfigurationError, LakepactError, Problem, RemoteFailed, Severity, UsageError
from lakepact.store.encoding import sha256_of
from lakepact.store.governance import Grant, governing_statements
from lakepact.store.model import Event
from lakepact.store.sql_statements import Parameter, StatementFailed, Statements, StoreTables
from lakepact.store.tables import (
    CONTRACT_EVENTS,
    CONTRACTS,
    LAYOUT_PROPERTY,
    MIGRATIONS,
    TABLES,
    ColumnType,
    Migration,
    Table,
    event_row,
    layout_of,
    migrations_from,
    row_event,
)

__all__ = ["SqlJournal"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ISOLATION: Final = "delta.isolationLevel"
# Each attempt fails only because another commit succeeded, so this many is a crowd, or a table that is broken.
_ATTEMPTS: Final = 100
_PAUSE: Final = 0.05
# As base64 it is two thirds of what a result of a SQL warehouse may have.
_PART: Final = 12 * 1024 * 1024

_ABSENT: Final = re.compile(r"(TABLE_OR_VIEW|SCHEMA|CATALOG|DELTA_TABLE)_NOT_FOUND|DELTA_MISSING_DELTA_TABLE|NO_SUCH_")
_NO_SCHEMA: Final = re.compile(r"SCHEMA_NOT_FOUND|NO_SUCH_(DATABASE|NAMESPACE|SCHEMA)")
_CONFLICT: Final = re.compile(r"DELTA_(CONCURRENT|METADATA_CHANGED|PROTOCOL_CHANGED)|CONCURRENT_\w*CONFLICT")
_FORBIDDEN: Final = re.compile(r"INSUFFICIENT_PERMISSIONS|PERMISSION_DENIED|UNAUTHORIZED_ACCESS")
_UNKNOWN: Final = re.compile(r"PARSE_SYNTAX_ERROR|INVALID_STATEMENT_OR_CLAUSE|_LEGACY_ERROR_TEMP_0035")


class SqlJournal:
    """A journal in the table `contract_events` of a schema; `statements` runs the SQL.

    Nothing is remembered between calls: a list is one statement, a write is one. The tables have to be there, see
    `initialise`. A journal may be used by as many threads as `statements`.
    """

    def __init__(
        self,
        statements: Statements,
        schema: Sequence[str],
        *,
        address: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._statements = statements
        self._tables = StoreTables(tuple(schema))
        self._address = address
        self._pause = pause
        self._known = False

    @property
    def address(self) -> str:
        """The address that `open_store` opens this place by."""
        return self._address

    def contract_ids(self) -> tuple[str, ...]:
        """The ids of all contracts that have an event, sorted."""
        self._recognise()
        return tuple(sorted(str(row["contract_id"]) for row in self._run(self._tables.ids())))

    def events(self, contract_id: str) -> tuple[Event, ...]:
        """The events of a contract, in sequence. Raises ConfigurationError LP854 where its rows are damaged."""
        self._recognise()
        events, damaged = _folded(self._run(self._tables.select(one=True), {"contract_id": contract_id}))
        if damaged:
            raise damaged[contract_id]
        return events.get(contract_id, ())

    def all_events(self) -> dict[str, tuple[Event, ...]]:
        """The events of all contracts that are not damaged, by id, in one statement."""
        events, damaged = self._all()
        return {name: events[name] for name in sorted(events) if name not in damaged}

    def damaged(self) -> tuple[Problem, ...]:
        """A problem LP854 for each contract that has a row that is no event."""
        _, damaged = self._all()
        return tuple(
            Problem(code=error.code, severity=Severity.ERROR, message=error.message, file=self.address)
            for _, error in sorted(damaged.items())
        )

    def document(self, contract_id: str, version: str, sha256: str) -> bytes:
        """The bytes that were put under that hash. Raises ConfigurationError LP854 where they are gone or damaged.

        A document that is too large for one result comes in parts.
        """
        self._recognise()
        content, size = b"", 1
        while len(content) < size:
            which: dict[str, Parameter] = {"contract_id": contract_id, "sha256": sha256}
            found = self._run(self._tables.document(), which | {"start": len(content) + 1, "length": _PART})
            part = _decoded(found[0]["content"]) if found else b""
            size = int(found[0]["size"]) if found else -1
            if not part and size:
                break
            content += part
        if len(content) != size or sha256_of(content) != sha256:
            message = f"the document of '{contract_id}' {version} is not in {CONTRACT_EVENTS.name}, or is damaged"
            raise ConfigurationError(message, "LP854", "put the table back from a backup, or to an earlier version")
        return content

    def append(self, event: Event, document: bytes | None) -> bool:
        """Add `event` by one commit; False where its sequence number is taken.

        Where a commit of somebody else is in the way it is tried again, up to a hundred times. A statement that was
        sent twice, because its first answer was lost, is recognised: the event that is there is this one.

        Raises UsageError LP869 for text that is not valid Unicode, which a table cannot hold.
        """
        self._recognise()
        parameters = _parameters(event, document)
        for attempt in range(_ATTEMPTS):
            try:
                found = self._statements.run(self._tables.append(), parameters)
            except StatementFailed as failed:
                if not _CONFLICT.search(failed.condition):
                    raise self._error(failed) from failed
                self._pause(random.uniform(0, _PAUSE * min(attempt + 1, 20)))
                continue
            return int(found[0]["num_inserted_rows"]) == 1 or event in self.events(event.contract_id)
        raise RemoteFailed(f"{self.address} is changed by too many writers at once", "LP875", "try again later")

    def initialise(self, *, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        """Make schema and tables where they are absent, and bring older ones to the present layout; the rows stay."""
        for table in TABLES:
            properties = self._properties(table)
            if properties is None:
                self._create(table)
            else:
                self._migrate(table, layout_of(properties, where=f"{self.address} ({table.name})"), migrations)

    def govern(self, grants: Iterable[Grant] = (), tags: Mapping[str, str] | None = None) -> None:
        """Grant the schema and both tables to others, and tag the tables; nothing is revoked.

        Raises ConfigurationError LP877 where the engine has no grants or tags: they are of Unity Catalog.
        """
        for text in governing_statements(self._tables.schema, grants, tags or {}):
            try:
                self._statements.run(text, {})
            except StatementFailed as failed:
                if not _UNKNOWN.match(failed.condition):
                    raise self._error(failed) from failed
                message = f"{self.address} has no grants and tags: its Spark does not know {text.split(' ON ')[0]}"
                if text.startswith("ALTER"):
                    message = f"{self.address} has no grants and tags: its Spark does not know SET TAGS"
                hint = "they are of Unity Catalog: use a store in a Databricks workspace, or leave out the options"
                raise ConfigurationError(message, "LP877", hint) from failed

    def project(self) -> int:
        """Make the table `contracts` again from the events, in one commit; the number of its rows."""
        self._recognise()
        self._run(self._tables.project())
        return int(self._run(self._tables.count(CONTRACTS))[0]["rows"])

    def _all(self) -> tuple[dict[str, tuple[Event, ...]], dict[str, ConfigurationError]]:
        self._recognise()
        return _folded(self._run(self._tables.select(one=False)))

    def _recognise(self) -> None:
        """Raise unless the table of events is one of a store, with a layout that is known, and safe to write to."""
        if self._known:
            return
        where = f"{self.address} ({CONTRACT_EVENTS.name})"
        properties = self._properties(CONTRACT_EVENTS)
        if properties is None:
            hint = "`lakepact store init` makes one; check the name of the schema, and that you may use it"
            raise ConfigurationError(f"{self.address} is no contract store: it has no tables of one", "LP866", hint)
        layout_of(properties, where=where)
        if properties.get(_ISOLATION) != CONTRACT_EVENTS.properties[_ISOLATION]:
            message = f"{where} has not the isolation level Serializable: two writers could win at once"
            hint = f"set it again: ALTER TABLE … SET TBLPROPERTIES ('{_ISOLATION}' = 'Serializable')"
            raise ConfigurationError(message, "LP866", hint)
        self._known = True

    def _properties(self, table: Table) -> dict[str, str] | None:
        """The properties of a table; None where it is absent."""
        try:
            rows = self._statements.run(self._tables.properties(table), {})
        except StatementFailed as failed:
            if _ABSENT.match(failed.condition):
                return None
            raise self._error(failed) from failed
        return {str(row["key"]): str(row["value"]) for row in rows}

    def _create(self, table: Table) -> None:
        try:
            self._statements.run(self._tables.create(table), {})
        except StatementFailed as failed:
            if not _NO_SCHEMA.match(failed.condition):
                raise self._error(failed) from failed
            # Not first: who may make tables in a schema that is there need not be allowed to make schemas.
            self._run(self._tables.create_schema())
            self._run(self._tables.create(table))

    def _migrate(self, table: Table, layout: int, migrations: Sequence[Migration]) -> None:
        for step in migrations_from(layout, table.name, migrations=migrations):
            there = {str(row["col_name"]).lower() for row in self._run(self._tables.columns(table))}
            # Some are there where a migration was interrupted.
            if lacking := [column for column in step.added if column.name.lower() not in there]:
                self._run(self._tables.add_columns(table, lacking))
            self._run(self._tables.set_property(table, LAYOUT_PROPERTY, str(step.to)))

    def _run(self, text: str, parameters: Mapping[str, Parameter] | None = None) -> Sequence[Mapping[str, Any]]:
        try:
            return self._statements.run(text, parameters or {})
        except StatementFailed as failed:
            raise self._error(failed) from failed

    def _error(self, failed: StatementFailed) -> LakepactError:
        if _ABSENT.match(failed.condition):
            message = f"{self.address} is no contract store: {failed.message}"
            return ConfigurationError(message, "LP866", "`lakepact store init` makes one")
        if _FORBIDDEN.match(failed.condition):
            message = f"{self.address} may not be used so: {failed.message}"
            hint = "its owner grants it: `lakepact store init --grant NAME=write`"
            return RemoteFailed(message, "LP876", hint, {"condition": failed.condition})
        message = f"a statement of {self.address} failed: {failed.message}"
        return RemoteFailed(message, "LP875", "do as it says", {"condition": failed.condition})


def _parameters(event: Event, document: bytes | None) -> dict[str, Parameter]:
    """The values of the row of an event, as the statement that appends it takes them."""
    row = event_row(event, document)
    found: dict[str, Parameter] = {}
    for column in CONTRACT_EVENTS.columns:
        value = row[column.name]
        match column.type:
            case ColumnType.TIMESTAMP:
                value = (value - _EPOCH) // timedelta(microseconds=1)
            case ColumnType.STRINGS:
                value = json.dumps(list(value), ensure_ascii=False)
            case ColumnType.BINARY:
                value = None if value is None else base64.b64encode(value).decode()
        if isinstance(value, str):
            _refuse_surrogates(value)
        found[column.name] = value
    return found


def _refuse_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = "the event has text that is not valid Unicode, which a table cannot hold"
        raise UsageError(message, "LP869", f"remove {error.object[error.start]!r} from it") from error


def _folded(
    rows: Iterable[Mapping[str, Any]],
) -> tuple[dict[str, tuple[Event, ...]], dict[str, ConfigurationError]]:
    """The events by contract, in sequence, and what is wrong with the rows of some contracts."""
    events: dict[str, list[Event]] = {}
    damaged: dict[str, ConfigurationError] = {}
    for row in rows:
        contract_id = str(row["contract_id"])
        try:
            event = row_event(_plain(row), where=f"a row of '{contract_id}' in {CONTRACT_EVENTS.name}")
            events.setdefault(contract_id, []).append(event)
        except ConfigurationError as error:
            damaged[contract_id] = error
    return {name: tuple(sorted(each, key=lambda event: event.sequence)) for name, each in events.items()}, damaged


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a result with times and lists as Python has them; what is none stays, and is told as damaged."""
    found: dict[str, Any] = {}
    for column in CONTRACT_EVENTS.columns:
        value = row.get(column.name)
        match column.type:
            case ColumnType.TIMESTAMP if isinstance(value, int):
                value = _moment(value)
            case ColumnType.STRINGS if isinstance(value, str):
                value = json.loads(value)
        found[column.name] = value
    return found


def _moment(microseconds: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""
