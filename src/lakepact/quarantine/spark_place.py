"""A quarantine table and its decisions through the Spark session that runs: by name in a catalog, or by path."""

from __future__ import annotations

import random
import re
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from lakepact.contract.spark_schema import read_spark_schema
from lakepact.contract.types import StructField as DataColumn
from lakepact.errors import ConfigurationError, RemoteFailed
from lakepact.io.tables import Table as SparkTable
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
from lakepact.spark.quiet import errors_expected, failure_text, spark_failures
from lakepact.sql import identifier, literal, string
from lakepact.store.tables import ColumnType, Table

__all__ = ["SparkPlace"]

_ATTEMPTS: Final = 30
_PAUSE: Final = 0.05
# The last two are said to the second of two that make a table at the same moment; its next try finds the table.
_CONFLICT: Final = re.compile(
    r"DELTA_(CONCURRENT|METADATA_CHANGED|PROTOCOL_CHANGED)|CONCURRENT_\w*CONFLICT"
    r"|DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION|TABLE_OR_VIEW_ALREADY_EXISTS"
)
_DELETED_AT_ONCE: Final = 1000


class SparkPlace:
    """The quarantine `table`; its decisions are in a table beside it, in the same schema or folder.

    `dataset` is the name of the table that the rows were meant for (default: from the name), `object_name` that of the
    contract's object. The session may be classic, Spark Connect or Databricks Connect.
    """

    def __init__(
        self,
        spark: Any,
        table: SparkTable,
        *,
        dataset: str = "",
        object_name: str = "",
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._spark = spark
        self._table = table
        self._dataset = dataset or dataset_of(table.path or table.parts[-1])
        self._object = object_name
        self._pause = pause

    @property
    def address(self) -> str:
        """The address that `open_quarantine` opens it by."""
        return f"spark:{self._table}"

    def columns(self) -> tuple[DataColumn, ...]:
        """The columns of the data."""
        with self._talking():
            return data_columns(read_spark_schema(self._payload().schema.json()))

    def stored(self) -> tuple[Stored, ...]:
        """All rows of the table."""
        with self._talking():
            return self._rows(self._payload())[0]

    def decisions(self) -> tuple[Decision, ...]:
        """All decisions about records of this dataset."""
        with self._talking():
            place = self._beside(DECISIONS)
            if not place.exists(self._spark):
                return ()
            frame = place.read(self._spark).where(f"dataset = {string(self._dataset)}")
            rows = frame.toArrow().to_pylist()
        found = (read_decision(row, where=self.address) for row in rows)
        return tuple(sorted(found, key=lambda each: (each.header.id, each.sequence)))

    def append(self, decisions: Sequence[Decision]) -> tuple[Decision, ...]:
        """Keep decisions by one commit; those whose number is taken are returned.

        The MERGE reads what it decides on in the transaction that it writes in, and the table is Serializable, so of
        two at once that add the same number one is refused as a conflict.
        """
        if not decisions:
            return ()
        with self._talking():
            place = self._create(DECISIONS)
            rows = [decision_row(each) for each in decisions]
            with self._view(DECISIONS, rows) as view:
                self._repeated(
                    f"MERGE INTO {place.sql} AS t USING {view} AS s "
                    "ON t.record_id = s.record_id AND t.sequence = s.sequence WHEN NOT MATCHED THEN INSERT *"
                )
        tokens = {each.token for each in self.decisions()}
        return tuple(each for each in decisions if each.token not in tokens)

    def corrections(self) -> Mapping[str, Mapping[str, Any]]:
        """All corrected values, by the id of the correction."""
        with self._talking():
            place = self._beside(CORRECTIONS)
            rows = place.read(self._spark).toArrow().to_pylist() if place.exists(self._spark) else []
        return read_corrections(rows, where=self.address)

    def keep_correction(self, correction: Correction) -> None:
        """Keep corrected values."""
        with self._talking():
            place = self._create(CORRECTIONS)
            with self._view(CORRECTIONS, [correction_row(correction)]) as view:
                self._repeated(f"INSERT INTO {place.sql} SELECT * FROM {view}")

    def remove(self, record_ids: Collection[str]) -> None:
        """Delete rows, and their corrected values."""
        wanted = frozenset(record_ids)
        with self._talking():
            runs = {each.header.run_id for each in self._rows(self._payload())[0] if each.header.id in wanted}
            for run in sorted(runs):
                self._remove(run, wanted)
            place, ids = self._beside(CORRECTIONS), sorted(wanted)
            if place.exists(self._spark):
                for start in range(0, len(ids), _DELETED_AT_ONCE):
                    listed = ", ".join(map(string, ids[start : start + _DELETED_AT_ONCE]))
                    self._repeated(f"DELETE FROM {place.sql} WHERE record_id IN ({listed})")

    def _remove(self, run_id: str, wanted: frozenset[str]) -> None:
        """Delete rows of one run by one commit."""
        frame = self._payload()
        moment = stream_moment(run_id)
        of_run = f"{RUN_ID} = {string(run_id)}" if moment is None else f"{SET_ASIDE_AT} = {literal(moment)}"
        rows, read = self._rows(frame.where(of_run))
        kept = [at for at, each in enumerate(rows) if each.header.id not in wanted]
        if not kept:
            self._repeated(f"DELETE FROM {self._table.sql} WHERE {of_run}")
            return
        rest = self._spark.createDataFrame(read.take(kept), schema=frame.schema)
        writer = rest.write.format("delta").mode("overwrite").option("replaceWhere", of_run)
        if self._table.path:
            writer.save(self._table.path)
        else:
            writer.saveAsTable(self._table.sql)

    def _rows(self, frame: Any) -> tuple[tuple[Stored, ...], Any]:
        read = frame.toArrow()
        columns = {name: read.column(name).to_pylist() for name in read.column_names}
        schema = read_spark_schema(frame.schema.json())
        rows = stored_rows(columns, schema, dataset=self._dataset, object_name=self._object, where=self.address)
        return rows, read

    def _payload(self) -> Any:
        if not self._table.exists(self._spark):
            hint = "check its name; a governed write makes it when rows are set aside"
            raise ConfigurationError(f"there is no table {self._table}", "LP988", hint)
        return self._table.read(self._spark)

    def _beside(self, layout: Table) -> SparkTable:
        return self._table.sibling(layout.name)

    def _create(self, layout: Table) -> SparkTable:
        place = self._beside(layout)
        if not place.exists(self._spark):
            properties = ", ".join(f"{string(key)} = {string(value)}" for key, value in layout.properties.items())
            columns = ", ".join(
                f"{identifier(each.name)} {each.type}{'' if each.nullable else ' NOT NULL'} "
                f"COMMENT {string(each.comment)}"
                for each in layout.columns
            )
            self._repeated(
                f"CREATE TABLE IF NOT EXISTS {place.sql} ({columns}) USING DELTA COMMENT {string(layout.comment)} "
                f"TBLPROPERTIES ({properties})"
            )
        return place

    @contextmanager
    def _view(self, layout: Table, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """The quoted name of a temporary view of these rows."""
        given = [tuple(row[each.name] for each in layout.columns) for row in rows]
        name = f"_lakepact_{layout.name}_{uuid.uuid4().hex}"
        self._spark.createDataFrame(given, _schema(layout)).coalesce(1).createOrReplaceTempView(name)
        try:
            yield identifier(name)
        finally:
            self._spark.catalog.dropTempView(name)

    def _repeated(self, statement: str) -> None:
        """Run a statement again where a commit of somebody else was in its way."""
        for attempt in range(_ATTEMPTS):
            try:
                with errors_expected():
                    self._spark.sql(statement).collect()
                return
            except spark_failures() as error:
                if not _CONFLICT.search(str(error)) or attempt + 1 == _ATTEMPTS:
                    raise
            self._pause(random.uniform(0, _PAUSE * min(attempt + 1, 20)))

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """Turn what Spark raises into an error that names the place."""
        try:
            yield
        except spark_failures() as error:
            hint = "check the name, the permissions and the storage"
            raise RemoteFailed(f"{self.address} cannot be used: {failure_text(error)}", "LP986", hint) from error


def _schema(layout: Table) -> Any:
    """The columns as Spark's types: delta-rs makes lists without NULL, and Spark takes no others for those."""
    from pyspark.sql.types import ArrayType, LongType, StringType, StructField, StructType, TimestampType

    kinds = {
        ColumnType.LONG: LongType(),
        ColumnType.TIMESTAMP: TimestampType(),
        ColumnType.STRINGS: ArrayType(StringType(), containsNull=False),
    }
    return StructType([StructField(e.name, kinds.get(e.type, StringType()), e.nullable) for e in layout.columns])
