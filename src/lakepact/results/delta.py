"""The tables of results at a path, opened, queried and written without Spark or Java by delta-rs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lakepact.errors import ConfigurationError, ExtraMissing, RemoteFailed
from lakepact.results.place import end_of, python_rows
from lakepact.results.table import APPEND_ONLY, COLUMNS, RESULTS_COMMENT, RULE_RESULTS, ResultColumn
from lakepact.sql import identifier, literal

try:
    import arro3.core as arro3
    import deltalake
    from deltalake.exceptions import CommitFailedError
    from deltalake.schema import Field, PrimitiveType, Schema

    from lakepact.store.delta_rows import delta_faults
    from lakepact.store.delta_rows import python_rows as rows_of
except ImportError as missing:
    raise ExtraMissing(
        "deltalake is not installed",
        "LP991",
        "pip install 'lakepact[delta]'",
        {"distribution": "deltalake", "extra": "delta"},
    ) from missing

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ["DeltaPlace"]

_TYPES: Final = {"STRING": "string", "BIGINT": "long", "DOUBLE": "double", "DATE": "date", "TIMESTAMP": "timestamp"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Whole numbers become Python's own ten times faster than times do.
_NUMBERS: Final = {"TIMESTAMP": "Int64", "DATE": "Int32"}
_KINDS: Final = {
    "STRING": arro3.DataType.utf8(),
    "BIGINT": arro3.DataType.int64(),
    "DOUBLE": arro3.DataType.float64(),
    "DATE": arro3.DataType.date32(),
    "TIMESTAMP": arro3.DataType.timestamp("us", tz="UTC"),
}
# Each attempt fails only because another writer replaced the same days; what they wrote is computed anew.
_ATTEMPTS: Final = 20


class DeltaPlace:
    """Where `rule_results` is: its own folder or address, or that of the schema which holds it.

    The table of days is its neighbour: the same path with `_daily` at the end. `storage_options` are those of delta-rs.
    See `ResultsPlace`.
    """

    utc_day: Final = "CAST(`at` AS DATE)"
    """The engine's time is UTC."""

    def __init__(self, location: str | Path, *, storage_options: Mapping[str, str] | None = None) -> None:
        text = str(location).rstrip("/")
        self.location = text
        self._options = dict(storage_options or {}) or None
        with _talking(text):
            own = bool(text) and self._is_table(text)
        self._results = text if own else f"{text}/{RULE_RESULTS}"
        self._daily = f"{self._results}_daily"

    def columns(self) -> tuple[str, ...]:
        """The names of the columns that `rule_results` has."""
        with _talking(self.location):
            return tuple(field.name for field in self._opened().schema().fields)

    def has_daily(self) -> bool:
        """Whether there is a table of days."""
        with _talking(self.location):
            return self._is_table(self._daily)

    def rows(self, query: str, columns: Iterable[ResultColumn], *, daily: bool = False) -> list[dict[str, Any]]:
        """The rows of a query on the table, which it calls `results`; times are in UTC."""
        wanted = tuple(columns)
        listed = ", ".join(map(_number, wanted))
        with _talking(self.location):
            engine = deltalake.QueryBuilder().register("results", self._opened(daily=daily))
            found = rows_of(engine.execute(f"SELECT {listed} FROM ({query}) q"))
        return python_rows(found, wanted)

    def append(self, rows: Sequence[Mapping[str, Any]], *, key: str) -> None:
        """Append rows to `rule_results`, which is made where it is absent; the same key again appends nothing."""
        app = f"lakepact:results:{key}"
        with _talking(self.location):
            table = self._made(self._results, COLUMNS, RESULTS_COMMENT, {APPEND_ONLY: "true"})
            if table.transaction_version(app) is not None:
                return
            once = deltalake.CommitProperties(app_transactions=[deltalake.Transaction(app, 1)])
            deltalake.write_deltalake(table, _arrow_rows(rows, COLUMNS), mode="append", commit_properties=once)

    def replace_daily(
        self, columns: Sequence[ResultColumn], *, comment: str, query: str, predicate: Callable[[Sequence[date]], str]
    ) -> list[date]:
        """Replace the days that `query` on `rule_results` gives by its rows, in one commit; those days, sorted."""
        with _talking(self.location):
            for _ in range(_ATTEMPTS):
                source = deltalake.QueryBuilder().register("results", self._opened())
                rows = source.execute(query).read_all()
                if not rows.num_rows:
                    return []
                typed = _typed(rows, columns)
                days: list[date] = sorted(set(typed.column("day").to_pylist()))
                target = self._made(self._daily, columns, comment, {})
                try:
                    deltalake.write_deltalake(target, typed, mode="overwrite", predicate=predicate(days))
                except CommitFailedError:
                    continue
                return days
        raise _busy(self._daily)

    def remove(self, days: Sequence[date]) -> None:
        """Remove the results of these UTC days in one commit, and files that nobody has needed for a week."""
        # As a number: the engine takes a literal for nanoseconds, and does not compare these with what is stored.
        end = (end_of(days) - _EPOCH) // timedelta(microseconds=1)
        before = f"`at` < arrow_cast({end}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
        chosen = f"{before} AND {self.utc_day} IN ({', '.join(map(literal, days))})"
        with _talking(self.location):
            for _ in range(_ATTEMPTS):
                table = self._opened()
                try:
                    if table.metadata().configuration.get(APPEND_ONLY) == "true":
                        table.alter.set_table_properties({APPEND_ONLY: "false"})
                    table.delete(chosen)
                except CommitFailedError:
                    continue
                table.vacuum(dry_run=False)
                return
        raise _busy(self._results)

    def _opened(self, *, daily: bool = False) -> DeltaTable:
        uri = self._daily if daily else self._results
        if not self._is_table(uri):
            hint = (
                f"name the folder of `{RULE_RESULTS}`, or of the schema that holds it; in a catalog "
                "spark:CATALOG.SCHEMA, or uc:CATALOG.SCHEMA?warehouse=ID"
            )
            raise ConfigurationError(f"there is no table of results in '{self.location}'", "LP990", hint)
        return deltalake.DeltaTable(uri, storage_options=self._options)

    def _made(
        self, uri: str, columns: Sequence[ResultColumn], comment: str, properties: dict[str, str | None]
    ) -> DeltaTable:
        if not self._is_table(uri):
            fields = [
                Field(each.name, PrimitiveType(_TYPES[each.type]), metadata={"comment": each.comment})
                for each in columns
            ]
            return deltalake.DeltaTable.create(
                uri,
                Schema(fields),
                mode="ignore",
                description=comment,
                configuration=properties,
                storage_options=self._options,
            )
        return deltalake.DeltaTable(uri, storage_options=self._options)

    def _is_table(self, uri: str) -> bool:
        return deltalake.DeltaTable.is_deltatable(uri, self._options)


def _busy(uri: str) -> RemoteFailed:
    return RemoteFailed(f"{uri} is changed by too many writers at once", "LP992", "try again later")


def _number(column: ResultColumn) -> str:
    name, kind = identifier(column.name), _NUMBERS.get(column.type)
    return f"arrow_cast({name}, '{kind}') AS {name}" if kind else name


def _typed(rows: arro3.Table, columns: Sequence[ResultColumn]) -> arro3.Table:
    """The answer of a query with the types of the table: the engine answers with views."""
    fields = [arro3.Field(each.name, _KINDS[each.type], nullable=True) for each in columns]
    arrays = [rows.column(each.name).cast(_KINDS[each.type]) for each in columns]
    return arro3.Table.from_arrays(arrays, schema=arro3.Schema(fields))


def _arrow_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[ResultColumn]) -> arro3.Table:
    return arro3.Table.from_pydict({each.name: _array([row[each.name] for row in rows], each.type) for each in columns})


def _array(values: Sequence[Any], kind: str) -> arro3.Array:
    if kind == "TIMESTAMP":
        ticks = [(value - _EPOCH) // timedelta(microseconds=1) for value in values]
        return arro3.Array(ticks, arro3.DataType.int64()).cast(_KINDS[kind])
    return arro3.Array(values, _KINDS[kind])


def _talking(location: str) -> AbstractContextManager[None]:
    """Turn what delta-rs raises into an error that names the place."""
    hint = "check the path, permissions and the credentials of the storage"
    return delta_faults(
        lambda reason: RemoteFailed(f"the results in '{location}' cannot be used: {reason}", "LP992", hint)
    )
