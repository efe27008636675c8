"""The tables of results in a schema of a catalog, by SQL: in the session that runs, or behind a SQL warehouse."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from lakepact.errors import ConfigurationError, RemoteFailed
from lakepact.results.place import end_of, python_rows
from lakepact.results.table import (
    APPEND_ONLY,
    COLUMNS,
    DAILY,
    RULE_RESULTS,
    ResultColumn,
    create_results,
    create_table,
)
from lakepact.sql import identifier, literal, qualified, string
from lakepact.store.sql_statements import Parameter, StatementFailed, Statements

__all__ = ["CatalogPlace"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ABSENT: Final = re.compile(r"(TABLE_OR_VIEW|SCHEMA|CATALOG|DELTA_TABLE)_NOT_FOUND|NO_SUCH_")
_NO_TABLE: Final = re.compile(r"(TABLE_OR_VIEW|DELTA_TABLE)_NOT_FOUND")
_APPEND_ONLY: Final = re.compile(r"DELTA_CANNOT_MODIFY_APPEND_ONLY")
_CONFLICT: Final = re.compile(r"DELTA_(CONCURRENT|METADATA_CHANGED|PROTOCOL_CHANGED)|CONCURRENT_\w*CONFLICT")
# Each attempt fails only because another writer replaced the same days; what they wrote is computed anew.
_ATTEMPTS: Final = 20
_PAUSE: Final = 0.1
# Times go as numbers: a session has a time zone, and a warehouse answers in text.
_NUMBERS: Final = {"TIMESTAMP": "unix_micros", "DATE": "unix_date"}
# What makes a result the one that is there already.
_KEY: Final = ("run_id", "contract_id", "dataset", "rule_id")


class CatalogPlace:
    """The tables in `schema`, the parts of its name; see `ResultsPlace`. `location` is the address it was opened by."""

    utc_day: Final = "date_from_unix_date(CAST(floor(unix_seconds(`at`) / 86400) AS INT))"
    """A session may be in any time zone."""

    def __init__(
        self,
        statements: Statements,
        schema: Sequence[str],
        *,
        location: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.location = location
        self._statements = statements
        self._schema = tuple(schema)
        self._pause = pause

    def columns(self) -> tuple[str, ...]:
        """The names of the columns that `rule_results` has."""
        with self._talking():
            found = self._run(f"DESCRIBE TABLE {self._name(RULE_RESULTS)}")
        return tuple(str(row["col_name"]) for row in found)

    def has_daily(self) -> bool:
        """Whether there is a table of days."""
        with self._talking():
            return bool(self._run(f"SHOW TABLES IN {qualified(self._schema)} LIKE {string(DAILY)}"))

    def rows(self, query: str, columns: Iterable[ResultColumn], *, daily: bool = False) -> list[dict[str, Any]]:
        """The rows of a query on the table, which it calls `results`; times are in UTC."""
        wanted = tuple(columns)
        listed = ", ".join(_number(each) for each in wanted)
        with self._talking():
            found = self._run(f"{self._named(daily=daily)} SELECT {listed} FROM ({query}) q")
        return python_rows(found, wanted)

    def append(self, rows: Sequence[Mapping[str, Any]], *, key: str) -> None:
        """Append the rows to `rule_results` that are not there; the table is made where it is absent."""
        added = {"results": json.dumps([_plain(row) for row in rows], ensure_ascii=False)}
        try:
            self._repeated(lambda: self._merged(added))
        except StatementFailed as failed:
            message = f"the results of '{key}' cannot be recorded in '{self.location}': {failed.message}"
            raise RemoteFailed(message, "LP992", "check that you may use the schema, and change its tables") from failed

    def replace_daily(
        self, columns: Sequence[ResultColumn], *, comment: str, query: str, predicate: Callable[[Sequence[date]], str]
    ) -> list[date]:
        """Replace the days that `query` on `rule_results` gives by its rows, in one commit; those days, sorted."""
        day = [each for each in columns if each.name == "day"]
        days = sorted(row["day"] for row in self.rows(f"SELECT DISTINCT `day` FROM ({query}) d", day))
        if not days:
            return []
        # Results that come meanwhile are of these days, or of days that the next call computes.
        chosen, listed = predicate(days), ", ".join(identifier(each.name) for each in columns)
        insert = (
            f"INSERT INTO {self._name(DAILY)} REPLACE WHERE {chosen} "
            f"{self._named()} SELECT {listed} FROM ({query}) q WHERE {chosen}"
        )
        there = self.has_daily()
        with self._talking():
            if not there:
                self._run(create_table([*self._schema, DAILY], columns, comment=comment))
            self._repeated(lambda: self._run(insert))
        return days

    def remove(self, days: Sequence[date]) -> None:
        """Remove the results of these UTC days in one commit; files go when the table is vacuumed."""
        chosen = f"`at` < {literal(end_of(days))} AND {self.utc_day} IN ({', '.join(map(literal, days))})"
        with self._talking():
            self._repeated(lambda: self._deleted(chosen))

    def _deleted(self, chosen: str) -> None:
        table = self._name(RULE_RESULTS)
        try:
            self._run(f"DELETE FROM {table} WHERE {chosen}")
        except StatementFailed as failed:
            if not _APPEND_ONLY.search(failed.condition or failed.message):
                raise
            self._run(f"ALTER TABLE {table} SET TBLPROPERTIES ({string(APPEND_ONLY)} = 'false')")
            self._run(f"DELETE FROM {table} WHERE {chosen}")

    def _merged(self, added: Mapping[str, Parameter]) -> None:
        try:
            self._run(_merge(self._name(RULE_RESULTS)), added)
        except StatementFailed as failed:
            if not _NO_TABLE.search(failed.condition or failed.message):
                raise
            # Only now: who may add rows need not have the right to make tables.
            self._run(create_results(self._schema))
            self._run(_merge(self._name(RULE_RESULTS)), added)

    def _repeated(self, write: Callable[[], object]) -> None:
        """Write again where a commit of somebody else was in the way."""
        for attempt in range(_ATTEMPTS):
            try:
                write()
                return
            except StatementFailed as failed:
                if not _CONFLICT.search(failed.condition or failed.message) or attempt + 1 == _ATTEMPTS:
                    raise
            self._pause(random.uniform(0, _PAUSE * (attempt + 1)))

    def _run(self, text: str, parameters: Mapping[str, Parameter] | None = None) -> Sequence[Mapping[str, Any]]:
        return self._statements.run(text, parameters or {})

    def _name(self, table: str) -> str:
        return qualified([*self._schema, table])

    def _named(self, *, daily: bool = False) -> str:
        """What lets a query call the table `results`."""
        return f"WITH results AS (SELECT * FROM {self._name(DAILY if daily else RULE_RESULTS)})"

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """Turn the failure of a statement into an error that names the place."""
        try:
            yield
        except StatementFailed as failed:
            if _ABSENT.search(failed.condition or failed.message):
                message = f"there is no table of results in '{self.location}'"
                hint = f"name the schema that holds `{RULE_RESULTS}`"
                raise ConfigurationError(message, "LP990", hint) from failed
            message = f"the results in '{self.location}' cannot be used: {failed.message}"
            hint = "check that you may use the catalog and the schema, and read or change the tables"
            raise RemoteFailed(message, "LP992", hint) from failed


def _number(column: ResultColumn) -> str:
    name = identifier(column.name)
    function = _NUMBERS.get(column.type)
    return f"{function}({name}) AS {name}" if function else name


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "at": (row["at"] - _EPOCH) // timedelta(microseconds=1)}


def _merge(table: str) -> str:
    """Adds the results of the JSON `:results` that are not there."""
    types = ", ".join(
        f"{identifier(each.name)}: {'BIGINT' if each.type == 'TIMESTAMP' else each.type}" for each in COLUMNS
    )
    names = [identifier(each.name) for each in COLUMNS]
    values = [
        f"timestamp_micros(s.{name})" if each.type == "TIMESTAMP" else f"s.{name}"
        for name, each in zip(names, COLUMNS, strict=True)
    ]
    same = " AND ".join(f"t.{identifier(name)} = s.{identifier(name)}" for name in _KEY)
    return (
        f"MERGE INTO {table} t "
        f"USING (SELECT inline(from_json(:results, 'ARRAY<STRUCT<{types}>>'))) s ON {same} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({', '.join(values)})"
    )
