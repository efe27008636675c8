"""An inbox in a table of Unity Catalog, read and written through a SQL warehouse: no Spark, no credentials of storage.

The table is `contract_inbox`, as the other inboxes have it. What was decided together is written by one MERGE, all of
it or nothing: nothing where one of its records has a number that its key has already, or where the one before is gone.
The table is Serializable, so of two that write at the same time one is refused as a conflict, and decides anew with
what the other brought.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lakepact.errors import ConfigurationError, ExtraMissing, LakepactError, RemoteFailed, UsageError
from lakepact.rerun.inbox import Purged
from lakepact.rerun.inbox_table import APPEND_ONLY, CONTRACT_INBOX, check_layout, read_record, record_row
from lakepact.rerun.journaled import Clock, utc_now
from lakepact.rerun.optimistic import OptimisticInbox, Patience
from lakepact.rerun.records import Book, Kind, Record, purged_names
from lakepact.rerun.signatures import DELIVERY_ID
from lakepact.sql import identifier
from lakepact.store.sql_statements import Parameter, StatementFailed, Statements, StoreTables
from lakepact.store.tables import ColumnType

__all__ = ["WarehouseInbox", "open_warehouse_inbox"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# Records of writers whose clocks are behind by less are found without a look at all of them.
_OVERLAP: Final = timedelta(minutes=1)
# Each attempt fails only because another writer succeeded, so this many is a crowd, or a table that is broken.
_ATTEMPTS: Final = 50
_PAUSE: Final = 0.1
# How long a thread waits after a commit for others to join the next one: a statement takes longer.
_GATHERING: Final = 0.05

_ABSENT: Final = re.compile(r"(TABLE_OR_VIEW|SCHEMA|CATALOG|DELTA_TABLE)_NOT_FOUND|DELTA_MISSING_DELTA_TABLE|NO_SUCH_")
_CONFLICT: Final = re.compile(r"DELTA_(CONCURRENT|METADATA_CHANGED|PROTOCOL_CHANGED)|CONCURRENT_\w*CONFLICT")
# What is said to the second of two that make the table at the same moment.
_MADE_MEANWHILE: Final = re.compile(
    rf"{_CONFLICT.pattern}|DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION|(TABLE_OR_VIEW|DELTA_TABLE)_ALREADY_EXISTS"
)
_ISOLATION: Final = "delta.isolationLevel"


class WarehouseInbox(OptimisticInbox):
    """An inbox in the table `contract_inbox` of a schema of Unity Catalog; `statements` runs the SQL.

    The table is made where it is absent, if whoever comes first may do that. Threads may share one object, and what
    they want at the same time is one statement.
    """

    def __init__(
        self,
        statements: Statements,
        schema: Sequence[str],
        *,
        address: str,
        clock: Clock = utc_now,
        max_attempts: int = 10,
        gathering: float = _GATHERING,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        patience = Patience(attempts=_ATTEMPTS, pause=_PAUSE, gathering=gathering, wait=pause)
        super().__init__(patience, clock=clock, max_attempts=max_attempts)
        self._statements = statements
        self._sql = _Sql(StoreTables(tuple(schema)))
        self._address = address
        self._pause = pause
        self._seen: set[tuple[str, int]] = set()
        self._newest = _EPOCH
        self._known = False

    @property
    def address(self) -> str:
        """The address that `open_inbox` opens this place by."""
        return self._address

    def _records_of(self, delivery_id: str) -> Sequence[Record]:
        if not DELIVERY_ID.fullmatch(delivery_id):
            return ()
        rows = self._run(self._sql.select("key = :key"), {"key": delivery_id})
        return tuple(sorted((self._record(row) for row in rows), key=lambda each: each.sequence))

    def _is_lost(self) -> bool:
        return not self._known

    def _proves(self, records: Sequence[Record]) -> bool:
        # That a first record is the first is proved by the write.
        return all(each.kind is Kind.RECEIVED for each in records)

    def _committed(self, records: list[Record]) -> bool:
        """Whether the records are in the table; False where another writer was first with one of them."""
        try:
            found = self._execute(self._sql.append(), _written(records))
        except StatementFailed as failed:
            if not _CONFLICT.search(failed.condition):
                raise self._error(failed) from failed
            return False
        if int(found[0]["num_inserted_rows"]) == len(records):
            self._add(records)
            return True
        return self._there_already(records)

    def _deleted(self, purged: Purged) -> bool:
        names = purged_names(purged)
        gone = set(names)
        try:
            if (self._properties() or {}).get(APPEND_ONLY) == "true":
                self._execute(self._sql.tables.set_property(CONTRACT_INBOX, APPEND_ONLY, "false"), {})
            known = len({place for place in self._seen if place[0] in gone})
            found = self._execute(self._sql.remove(), {"keys": json.dumps(names), "known": known})
        except StatementFailed as failed:
            if not _CONFLICT.search(failed.condition):
                raise self._error(failed) from failed
            return False
        if int(found[0]["num_deleted_rows"]) != known:
            return False
        self._book.forget(names)
        self._seen = {place for place in self._seen if place[0] not in gone}
        return True

    def _there_already(self, records: list[Record]) -> bool:
        """Whether a statement was sent twice, because its first answer was lost: then these very records are there."""
        keys = {"keys": json.dumps(sorted({each.key for each in records}))}
        rows = self._run(self._sql.select("array_contains(from_json(:keys, 'ARRAY<STRING>'), key)"), keys)
        found = {(each.key, each.sequence): each for each in map(self._record, rows)}
        if any(found.get((each.key, each.sequence)) != each for each in records):
            return False
        self._add(list(found.values()))
        return True

    def _refresh(self) -> None:
        """Bring the book to the present state of the table."""
        self._recognise()
        if self._seen:
            since = (self._newest - _OVERLAP - _EPOCH) // _MICROSECOND
            rows = self._run(self._sql.select_since(), {"since": since})
            self._add([self._record(row) for row in rows])
            # Who removes leaves fewer than were seen.
            if rows and int(rows[0]["total"]) == len(self._seen):
                return
        rows = self._run(self._sql.select())
        self._book, self._seen = Book(), set()
        self._add([self._record(row) for row in rows])

    def _add(self, records: Sequence[Record]) -> None:
        self._book.add(records)
        self._seen.update((each.key, each.sequence) for each in records)
        self._newest = max([self._newest, *(each.at for each in records)])

    def _record(self, row: Mapping[str, Any]) -> Record:
        return read_record(_plain(row, where=self.address), where=self.address)

    def _recognise(self) -> None:
        """Make the table where it is absent. Raises ConfigurationError LP936 for one that is no inbox, or not safe."""
        if self._known:
            return
        properties = self._properties()
        if properties is None:
            properties = self._created()
        check_layout(properties, where=self.address)
        if properties.get(_ISOLATION) != CONTRACT_INBOX.properties[_ISOLATION]:
            message = f"{self.address} has not the isolation level Serializable: two writers could win at once"
            hint = f"set it again: ALTER TABLE … SET TBLPROPERTIES ('{_ISOLATION}' = 'Serializable')"
            raise ConfigurationError(message, "LP936", hint)
        self._known = True

    def _created(self) -> dict[str, str]:
        """The properties of the table, which this object or another has made."""
        for _ in range(_ATTEMPTS):
            try:
                self._execute(self._sql.tables.create(CONTRACT_INBOX), {})
            except StatementFailed as failed:
                if not _MADE_MEANWHILE.search(failed.condition):
                    raise self._error(failed) from failed
                self._pause(_PAUSE)
            found = self._properties()
            if found is not None:
                return found
        raise RemoteFailed(f"{self.address} is made by too many at once", "LP935", "try again later")

    def _properties(self) -> dict[str, str] | None:
        """The properties of the table; None where it is absent."""
        try:
            rows = self._execute(self._sql.tables.properties(CONTRACT_INBOX), {})
        except StatementFailed as failed:
            if _ABSENT.match(failed.condition):
                return None
            raise self._error(failed) from failed
        return {str(row["key"]): str(row["value"]) for row in rows}

    def _run(self, text: str, parameters: Mapping[str, Parameter] | None = None) -> Sequence[Mapping[str, Any]]:
        try:
            return self._execute(text, parameters or {})
        except StatementFailed as failed:
            raise self._error(failed) from failed

    def _execute(self, text: str, parameters: Mapping[str, Parameter]) -> Sequence[Mapping[str, Any]]:
        try:
            return self._statements.run(text, parameters)
        except (RemoteFailed, UsageError) as error:
            message = f"{self.address} cannot be used: {error.message}"
            raise RemoteFailed(message, "LP935", error.hint, error.facts) from error

    def _error(self, failed: StatementFailed) -> LakepactError:
        # A table that went away may come back as another one.
        self._known, self._book, self._seen, self._newest = False, Book(), set(), _EPOCH
        hint = "do as it says; `lakepact doctor --databricks` shows what is missing and the grants to give"
        message = f"{self.address} cannot be used: {failed.message}"
        return RemoteFailed(message, "LP935", hint, {"condition": failed.condition})


class _Sql:
    """The statements; every value is a parameter."""

    def __init__(self, tables: StoreTables) -> None:
        self.tables = tables
        self._name = tables.name(CONTRACT_INBOX)
        self._columns = [(identifier(each.name), each.type) for each in CONTRACT_INBOX.columns]

    def select(self, where: str = "") -> str:
        """Gives records; times are microseconds."""
        return f"SELECT {self._read()} FROM {self._name}{f' WHERE {where}' if where else ''}"

    def select_since(self) -> str:
        """Gives the records from `:since` on, and with each the number of all, as `total`."""
        total = f"(SELECT COUNT(*) FROM {self._name}) AS total"
        where = "`at` >= timestamp_micros(CAST(:since AS BIGINT))"
        return f"SELECT {self._read()}, {total} FROM {self._name} WHERE {where}"

    def append(self) -> str:
        """Adds all records of the JSON `:records`, or none where one of `:places` is taken or one of `:before` is gone.

        `:expected` is how many `:before` names. The result has `num_inserted_rows`. The MERGE reads the whole table in
        the transaction that it writes in, so that every commit between is a conflict (docs/decisions/0007).
        """
        kinds = {ColumnType.TIMESTAMP: "BIGINT"}
        types = ", ".join(f"{name}: {kinds.get(kind, kind)}" for name, kind in self._columns)
        values = ", ".join(
            f"timestamp_micros(r.{name}) AS {name}" if kind is ColumnType.TIMESTAMP else f"r.{name}"
            for name, kind in self._columns
        )
        place = "concat(CAST(o.sequence AS STRING), ' ', o.key)"
        named = ", ".join(
            f"count_if(array_contains(from_json(:{each}, 'ARRAY<STRING>'), {place})) AS {each}"
            for each in ("places", "before")
        )
        found = f"SELECT {named} FROM {self._name} o"
        given = f"SELECT inline(from_json(:records, 'ARRAY<STRUCT<{types}>>'))"
        names = ", ".join(name for name, _ in self._columns)
        inserted = ", ".join(f"s.{name}" for name, _ in self._columns)
        return (
            f"MERGE INTO {self._name} t "
            f"USING (SELECT {values} FROM ({given}) r CROSS JOIN ({found}) o "
            "WHERE o.places = 0 AND o.before = CAST(:expected AS BIGINT)) s "
            f"ON t.key = s.key AND t.sequence = s.sequence WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({inserted})"
        )

    def remove(self) -> str:
        """Removes all records with a key of the JSON `:keys`, or none where there are others than `:known` of them.

        The result has `num_deleted_rows`.
        """
        keys = "from_json(:keys, 'ARRAY<STRING>')"
        there = f"SELECT COUNT(*) AS records FROM {self._name} o WHERE array_contains({keys}, o.key)"
        given = f"SELECT explode({keys}) AS key"
        return (
            f"MERGE INTO {self._name} t USING (SELECT r.key FROM ({given}) r CROSS JOIN ({there}) there "
            "WHERE there.records = CAST(:known AS BIGINT)) s ON t.key = s.key WHEN MATCHED THEN DELETE"
        )

    def _read(self) -> str:
        return ", ".join(
            f"unix_micros({name}) AS {name}" if kind is ColumnType.TIMESTAMP else name for name, kind in self._columns
        )


def open_warehouse_inbox(address: str) -> WarehouseInbox:
    """The inbox at `uc:CATALOG.SCHEMA?warehouse=ID`, as the user that the SDK finds; `&profile=NAME` names a login.

    Raises UsageError LP937 where the address is none, ExtraMissing LP939 without databricks-sdk, ConfigurationError
    LP936 where there is no login.
    """
    try:
        from lakepact.store.warehouse import statements_at

        statements, schema = statements_at(address)
    except UsageError as error:
        raise UsageError(error.message, "LP937", error.hint) from error
    except ConfigurationError as error:
        raise ConfigurationError(error.message, "LP936", error.hint) from error
    except ExtraMissing as error:
        raise ExtraMissing(error.message, "LP939", error.hint, error.facts) from error
    return WarehouseInbox(statements, schema, address=address)


def _written(records: Sequence[Record]) -> dict[str, Parameter]:
    """The parameters of the statement that adds records."""
    rows = [{name: _value(value) for name, value in record_row(each).items()} for each in records]
    places = [f"{each.sequence} {each.key}" for each in records]
    # What was removed meanwhile must not come back without its beginning.
    earlier = {f"{each.sequence - 1} {each.key}" for each in records if each.sequence > 1}
    before = sorted(earlier.difference(places))
    return {
        "records": json.dumps(rows, ensure_ascii=False),
        "places": json.dumps(places),
        "before": json.dumps(before),
        "expected": len(before),
    }


def _value(value: Any) -> Any:
    return (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else value


def _plain(row: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """A row of a result with times as Python has them. Raises ConfigurationError LP936 for what is none."""
    found = dict(row)
    try:
        for column in CONTRACT_INBOX.columns:
            if column.type is ColumnType.TIMESTAMP and found[column.name] is not None:
                found[column.name] = _EPOCH + int(found[column.name]) * _MICROSECOND
    except (KeyError, ValueError, OverflowError) as error:
        message = f"{where} has a row that is no record: {error}"
        raise ConfigurationError(message, "LP936", "put the table back to an earlier version") from error
    return found
