"""Rows that were judged go where they belong: the quarantine, and the table by one commit that names the run."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from typing import Any, Final

from lakepact.contract.spark_schema import read_spark_schema
from lakepact.errors import ContractViolated, UsageError
from lakepact.io.judging import Judgement
from lakepact.io.model import CheckResult, ChecksOn, WriteMode
from lakepact.io.order import WriteOrder
from lakepact.io.resolving import Governed
from lakepact.io.tables import Commit, Table
from lakepact.quality.native import NativeEvaluation
from lakepact.rules.model import Action, RowRuleKind
from lakepact.spark.frames import session_of
from lakepact.sql import identifier, string

__all__ = ["commit_of", "merge_keys", "publish", "resulting_rows", "set_aside", "standing_rows"]

_LOG: Final = logging.getLogger(__name__)
_METADATA: Final = "spark.databricks.delta.commitInfo.userMetadata"


def standing_rows(
    spark: Any, rows: NativeEvaluation, governed: Governed, order: WriteOrder, table: Table
) -> Any | None:
    """The rows of the table whose keys count beside those that come; None where none can meet one of theirs."""
    if order.mode is WriteMode.OVERWRITE:
        return None
    stored = table.read(spark)
    if order.mode is WriteMode.APPEND:
        return stored
    keys = merge_keys(governed, order)
    if not {key.casefold() for key in keys} <= {name.casefold() for name in stored.columns}:
        return stored
    unique = [set(rule.columns) for rule in governed.rules.row_rules if rule.kind is RowRuleKind.KEY]
    if all(set(keys) <= columns for columns in unique):
        return None
    coming = rows.aligned().selectExpr(*(identifier(key) for key in keys))
    return stored.join(coming, on=list(keys), how="left_anti")


def resulting_rows(
    spark: Any, rows: NativeEvaluation, governed: Governed, order: WriteOrder, table: Table, *, written: bool
) -> Any | None:
    """The rows of the table as the write leaves it, or has left it; None where they are the rows of this write."""
    if order.mode is WriteMode.OVERWRITE or order.checks_on is ChecksOn.BATCH or not governed.rules.dataset_rules:
        return None
    columns = [identifier(each.name) for each in governed.rules.columns]
    stored = table.read(spark)
    there = {name.casefold() for name in stored.columns}
    # Columns that the table lacks are added to it with the write.
    stored = stored.selectExpr(
        *(
            name if each.name.casefold() in there else f"CAST(NULL AS {each.type.ddl}) AS {name}"
            for each, name in zip(governed.rules.columns, columns, strict=True)
        )
    )
    if written:
        return stored
    kept = rows.kept().selectExpr(*columns)
    if order.mode is WriteMode.MERGE:
        keys = merge_keys(governed, order)
        coming = kept.selectExpr(*(identifier(key) for key in keys))
        stored = stored.join(coming, on=list(keys), how="left_anti").selectExpr(*columns)
    return stored.unionAll(kept)


def set_aside(
    judgement: Judgement, governed: Governed, order: WriteOrder, place: Table, *, batch: Sequence[str] = ()
) -> bool:
    """Append the rows that are set aside to the quarantine; whether there were any.

    With `batch`, ids of rules on the whole, all rows are.
    """
    if not judgement.check.counts.quarantined and not batch:
        return False
    added = {
        "_lakepact_run_id": string(order.run_id),
        "_lakepact_quarantined_at": f"TIMESTAMP{string(order.clock().astimezone(UTC).isoformat())}",
    }
    rows = judgement.rows.quarantined(added=added, batch=batch)
    spark = session_of(rows)
    if place.exists(spark):
        place.refuse_types(spark, governed.rules)
    else:
        fields = read_spark_schema(rows.schema.json()).fields
        place.create_quarantine(spark, fields, governed.contract, governed.described, governed.rules.table)
    place.write(rows, options=order.options(place) | {"mergeSchema": "true"})
    return True


def publish(spark: Any, judgement: Judgement, governed: Governed, order: WriteOrder, table: Table) -> Commit | None:
    """Write the kept rows by one commit, which names the run. None where the run had been written before."""
    kept = judgement.rows.kept()
    # A later version of the contract may have more columns than the table; with EVOLVE the data may.
    table.add_columns(spark, read_spark_schema(kept.schema.json()).fields)
    metadata = _metadata(judgement.check, governed, degraded=order.degraded)
    if order.mode is WriteMode.APPEND:
        table.write(kept, options=order.options(table) | {"userMetadata": metadata})
        commit = commit_of(spark, table, order.run_id)
    else:
        statement = _merge if order.mode is WriteMode.MERGE else _overwrite
        before = table.commits(spark)[0].version
        with _view(spark, kept) as view, _naming(spark, metadata) as named:
            spark.sql(statement(table, view, kept.columns, governed, order)).collect()
        commit = commit_of(spark, table, order.run_id) if named else _next_commit(spark, table, before)
    _refuse_changed(judgement.check, commit, table)
    return commit


def _refuse_changed(check: CheckResult, commit: Commit | None, table: Table) -> None:
    """Raise ContractViolated LP897 where other rows were written than were judged."""
    if commit is None or commit.rows in (None, check.counts.kept):
        return
    raise ContractViolated(
        f"{check.counts.kept} rows of {table} were judged and {commit.rows} written: the data changed in between",
        code="LP897",
        hint=f"every written row keeps the rules on rows; write with pin=True, or restore the version before "
        f"{commit.version}",
        facts={"run_id": check.run_id, "version": commit.version},
    )


def _next_commit(spark: Any, table: Table, before: int) -> Commit | None:
    """The first commit after a version that changed rows."""
    later = [each for each in table.commits(spark) if each.version > before and each.rows is not None]
    return later[-1] if later else None


def commit_of(spark: Any, table: Table, run_id: str) -> Commit | None:
    """The commit of a run among the latest of the table."""
    return next((each for each in table.commits(spark) if each.metadata.get("run_id") == run_id), None)


def _metadata(check: CheckResult, governed: Governed, *, degraded: bool) -> str:
    said = {
        "run_id": check.run_id,
        "contract_id": check.contract_id,
        "contract_version": check.contract_version,
        "contract_sha256": governed.contract.sha256,
        "object": check.object,
        "verdict": check.verdict.value,
        "rows": check.counts.rows,
        "quarantined": check.counts.quarantined,
        "dropped": check.counts.dropped,
        "degraded": degraded,
    }
    return json.dumps({"lakepact": said}, ensure_ascii=False)


@contextmanager
def _view(spark: Any, frame: Any) -> Iterator[str]:
    """The quoted name of a temporary view of `frame`."""
    name = f"_lakepact_rows_{uuid.uuid4().hex}"
    frame.createOrReplaceTempView(name)
    try:
        yield identifier(name)
    finally:
        spark.catalog.dropTempView(name)


@contextmanager
def _naming(spark: Any, metadata: str) -> Iterator[bool]:
    """Commits of SQL statements carry `metadata` in here; False where the session does not allow the setting."""
    from pyspark.errors import PySparkException

    before = spark.conf.get(_METADATA, None)
    try:
        spark.conf.set(_METADATA, metadata)
    except PySparkException as error:
        _LOG.warning("commits do not name their run, the session refuses %s: %s", _METADATA, error)
        yield False
        return
    try:
        yield True
    finally:
        if before is None:
            spark.conf.unset(_METADATA)
        else:
            spark.conf.set(_METADATA, before)


def _overwrite(table: Table, view: str, columns: Sequence[str], governed: Governed, order: WriteOrder) -> str:
    """INSERT OVERWRITE, which keeps what belongs to the table: properties, comments, grants."""
    listed = ", ".join(map(identifier, columns))
    return f"INSERT OVERWRITE {table.sql} ({listed}) SELECT {listed} FROM {view}"


def _merge(table: Table, view: str, columns: Sequence[str], governed: Governed, order: WriteOrder) -> str:
    names = [identifier(column) for column in columns]
    same = " AND ".join(f"t.{identifier(key)} = s.{identifier(key)}" for key in merge_keys(governed, order))
    changed = ", ".join(f"t.{name} = s.{name}" for name in names)
    return (
        f"MERGE INTO {table.sql} AS t USING {view} AS s ON {same} WHEN MATCHED THEN UPDATE SET {changed} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({', '.join(f's.{name}' for name in names)})"
    )


def merge_keys(governed: Governed, order: WriteOrder) -> tuple[str, ...]:
    """The key columns of a merge. Raises UsageError LP898 where there are none, or rows with one key could meet."""
    keys = order.keys or governed.rules.primary_key
    known = {column.name for column in governed.rules.columns}
    if not keys or not set(keys) <= known:
        unknown = ", ".join(repr(key) for key in keys if key not in known)
        message = f"a merge needs key columns; {unknown} are none" if keys else "a merge needs a primary key"
        raise UsageError(message, "LP898", f"give `keys`; the columns are {', '.join(sorted(known))}")
    guarded = [
        rule
        for rule in governed.rules.row_rules
        if rule.kind is RowRuleKind.KEY and set(rule.columns) <= set(keys) and rule.action is not Action.WARN
    ]
    if not guarded:
        message = f"no rule keeps {', '.join(keys)} unique, and a merge cannot choose among rows with the same key"
        raise UsageError(message, "LP898", "make the columns the primary key of the contract")
    return tuple(keys)
