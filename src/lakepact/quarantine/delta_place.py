"""A quarantine table and its decisions, read and written without Spark or Java by delta-rs.

A decision is committed at the very version of the table that it was decided on: Delta gives each version away once, so
of two that decide about one record at the same moment one is kept, and the other is told.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lakepact.contract.spark_schema import read_spark_schema
from lakepact.contract.types import StructField
from lakepact.errors import ExtraMissing, RemoteFailed
from lakepact.plan.names import SET_ASIDE_AT
from lakepact.quarantine.model import Correction, Decision, Stored
from lakepact.quarantine.tables import (
    CORRECTIONS,
    DECISIONS,
    RUN_ID,
    correction_row,
    data_columns,
    dataset_of,
    decision_row,
    read_corrections,
    read_decision,
    stored_rows,
    stream_moment,
)
from lakepact.store.tables import Table

try:
    import arro3.core as arro3
    import deltalake
    from deltalake.exceptions import CommitFailedError, DeltaError

    from lakepact.store.delta_rows import arrow_rows, create_table, delta_faults, python_rows, python_values
except ImportError as missing:
    raise ExtraMissing(
        "deltalake is not installed",
        "LP986",
        "pip install 'lakepact[delta]'",
        {"distribution": "deltalake", "extra": "delta"},
    ) from missing

__all__ = ["DeltaPlace"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Each attempt fails only because another writer succeeded, so this many is a crowd, or a table that is broken.
_ATTEMPTS: Final = 100
_PAUSE: Final = 0.005
_DELETED_AT_ONCE: Final = 1000
# Without this, delta-rs sees that two appends do not touch each other and commits the second one after the first,
# although it was decided without knowledge of it.
_NEVER_AGAIN: Final = deltalake.CommitProperties(max_commit_retries=0)


class DeltaPlace:
    """The quarantine table at `path`: a folder, or an address of object storage. Decisions are in a table beside it.

    `dataset` is the name of the table that the rows were meant for (default: from the path), `object_name` that of the
    contract's object. `storage_options` are those of delta-rs.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        dataset: str = "",
        object_name: str = "",
        storage_options: Mapping[str, str] | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        text = str(path).rstrip("/")
        self._path = text if "://" in text else str(Path(text).absolute())
        self._dataset = dataset or dataset_of(self._path)
        self._object = object_name
        self._options = dict(storage_options or {}) or None
        self._pause = pause

    @property
    def address(self) -> str:
        """The address that `open_quarantine` opens it by."""
        return f"delta:{self._path}"

    def columns(self) -> tuple[StructField, ...]:
        """The columns of the data."""
        with _talking(self.address):
            return data_columns(read_spark_schema(self._payload().schema().to_json()))

    def stored(self) -> tuple[Stored, ...]:
        """All rows of the table."""
        with _talking(self.address):
            table = self._payload()
            schema = read_spark_schema(table.schema().to_json())
            read = _query(table).execute("SELECT * FROM rows").read_all()
            columns = {name: python_values(read, name) for name in read.column_names}
        return stored_rows(columns, schema, dataset=self._dataset, object_name=self._object, where=self.address)

    def decisions(self) -> tuple[Decision, ...]:
        """All decisions about records of this dataset."""
        table = self._opened(DECISIONS)
        return () if table is None else self._decisions(table)

    def append(self, decisions: Sequence[Decision]) -> tuple[Decision, ...]:
        """Keep decisions by one commit; those whose number is taken are returned."""
        for attempt in range(_ATTEMPTS if decisions else 0):
            table = self._created(DECISIONS)
            taken = {(each.header.id, each.sequence) for each in self._decisions(table)}
            refused = tuple(each for each in decisions if (each.header.id, each.sequence) in taken)
            kept = [each for each in decisions if each not in refused]
            if not kept or self._committed(table, DECISIONS, [decision_row(each) for each in kept], once=True):
                return refused
            self._pause(random.uniform(0, _PAUSE * min(attempt + 1, 20)))
        if decisions:
            raise RemoteFailed(f"{self.address} is changed by too many writers at once", "LP986", "try again later")
        return ()

    def corrections(self) -> Mapping[str, Mapping[str, Any]]:
        """All corrected values, by the id of the correction."""
        table = self._opened(CORRECTIONS)
        if table is None:
            return {}
        with _talking(self.address):
            rows = python_rows(_query(table).execute("SELECT * FROM rows"))
        return read_corrections(rows, where=self.address)

    def keep_correction(self, correction: Correction) -> None:
        """Keep corrected values."""
        self._committed(self._created(CORRECTIONS), CORRECTIONS, [correction_row(correction)])

    def remove(self, record_ids: Collection[str]) -> None:
        """Delete rows, and their corrected values."""
        wanted = frozenset(record_ids)
        for _ in range(_ATTEMPTS):
            runs = {each.header.run_id for each in self.stored() if each.header.id in wanted}
            if all([self._removed(run, wanted) for run in sorted(runs)]):
                break
        else:
            raise RemoteFailed(f"{self.address} is changed by too many writers at once", "LP986", "try again later")
        table, ids = self._opened(CORRECTIONS), sorted(wanted)
        for start in range(0, len(ids) if table is not None else 0, _DELETED_AT_ONCE):
            assert table is not None
            listed = ", ".join(map(_text, ids[start : start + _DELETED_AT_ONCE]))
            with _talking(self.address):
                table.delete(f"record_id IN ({listed})")

    def _removed(self, run_id: str, wanted: frozenset[str]) -> bool:
        """Delete rows of one run by one commit; False where somebody else changed them meanwhile."""
        with _talking(self.address):
            table = self._payload()
            schema = read_spark_schema(table.schema().to_json())
            of_run = _of_run(run_id)
            read = _query(table).execute(f"SELECT * FROM rows WHERE {of_run}").read_all()
            columns = {name: python_values(read, name) for name in read.column_names}
            rows = stored_rows(columns, schema, dataset=self._dataset, where=self.address)
            kept = [at for at, each in enumerate(rows) if each.header.id not in wanted]
            try:
                if not kept:
                    table.delete(of_run, commit_properties=_NEVER_AGAIN)
                else:
                    batches = [batch for at in kept for batch in read.slice(at, 1).to_batches()]
                    rest = arro3.Table.from_batches(batches, schema=read.schema)
                    deltalake.write_deltalake(
                        table, rest, mode="overwrite", predicate=of_run, commit_properties=_NEVER_AGAIN
                    )
            except CommitFailedError:
                return False
        return True

    def _decisions(self, table: deltalake.DeltaTable) -> tuple[Decision, ...]:
        text = f"SELECT * FROM rows WHERE dataset = {_text(self._dataset)} ORDER BY record_id, sequence"
        with _talking(self.address):
            rows = python_rows(_query(table).execute(text))
        return tuple(read_decision(row, where=self.address) for row in rows)

    def _committed(
        self, table: deltalake.DeltaTable, layout: Table, rows: Sequence[Mapping[str, Any]], *, once: bool = False
    ) -> bool:
        """Whether the rows were appended; with `once`, only as the very next version after the one that was read."""
        decided = table.version()
        properties = _NEVER_AGAIN if once else None
        with _talking(self.address):
            try:
                deltalake.write_deltalake(table, arrow_rows(layout, rows), mode="append", commit_properties=properties)
            except CommitFailedError:
                table.update_incremental()
                if not once or table.version() == decided:
                    raise
                return False
        return True

    def _payload(self) -> deltalake.DeltaTable:
        return deltalake.DeltaTable(self._path, storage_options=self._options)

    def _opened(self, layout: Table) -> deltalake.DeltaTable | None:
        with _talking(self.address):
            uri = self._beside(layout)
            if not deltalake.DeltaTable.is_deltatable(uri, self._options):
                return None
            return deltalake.DeltaTable(uri, storage_options=self._options)

    def _created(self, layout: Table) -> deltalake.DeltaTable:
        found = self._opened(layout)
        if found is not None:
            return found
        # Of several that create at once one succeeds, and all go on with what it made.
        with suppress(DeltaError):
            create_table(self._beside(layout), layout, self._options)
        with _talking(self.address):
            return deltalake.DeltaTable(self._beside(layout), storage_options=self._options)

    def _beside(self, layout: Table) -> str:
        return f"{self._path.rpartition('/')[0]}/{layout.name}"


def _query(table: deltalake.DeltaTable) -> deltalake.QueryBuilder:
    return deltalake.QueryBuilder().register("rows", table)


def _of_run(run_id: str) -> str:
    """The SQL that selects the rows of a run."""
    moment = stream_moment(run_id)
    if moment is None:
        return f"{RUN_ID} = {_text(run_id)}"
    # A literal would be of nanoseconds, which the statistics of a file cannot be compared with.
    return f"{SET_ASIDE_AT} = arrow_cast({_text(moment.isoformat())}, 'Timestamp(Microsecond, Some(\"UTC\"))')"


def _text(value: str) -> str:
    """A text as DataFusion's SQL writes it: only the quote is special there."""
    quoted = value.replace("'", "''")
    return f"'{quoted}'"


def _talking(address: str) -> AbstractContextManager[None]:
    """Turn what delta-rs raises into an error that names the place."""
    hint = "check the path, permissions and the storage"
    return delta_faults(lambda reason: RemoteFailed(f"{address} cannot be used: {reason}", "LP986", hint))
