"""`write_stream_with_contract`: every micro-batch is judged where it is written, and written once.

A batch is judged, set aside and committed in the sink's own batch; Delta knows each commit by the query and the batch,
so a batch that comes again after a crash changes nothing.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from lakepact.contract.model import Contract
from lakepact.drafts import DraftSink
from lakepact.errors import ContractViolated, UsageError
from lakepact.io.model import ChecksOn, OnMismatch, OnViolation, WriteMode, WriteResult
from lakepact.io.order import WriteOrder
from lakepact.io.resolving import (
    Governed,
    Surroundings,
    aligned,
    resolve,
    surroundings_of,
    with_actions,
    with_whole_quarantine,
)
from lakepact.io.tables import Table, named_table, table_named
from lakepact.io.writing import settle_mismatch, write_governed
from lakepact.quality.schema import Alignment
from lakepact.results.model import Verdict
from lakepact.rules.model import Action, ObjectRules, RowRuleKind
from lakepact.rules.policy import Policy
from lakepact.spark.frames import session_of
from lakepact.store.model import Status
from lakepact.store.protocol import ContractStore

__all__ = ["Intervention", "write_stream_with_contract"]

_LOG: Final = logging.getLogger(__name__)
_STATE: Final = "lakepact.stream."


class Intervention(StrEnum):
    """What a batch does that would stop a write.

    STOP: the stream ends with the error, and the batch is not written; a restart judges it again. QUARANTINE: the
    whole batch is set aside, and the stream goes on. DEGRADE: the batch is written all the same, its verdict is
    recorded as WARN, and its commit says that it is degraded, by which `OnRead.GATE` refuses the table.
    """

    STOP = "stop"
    QUARANTINE = "quarantine"
    DEGRADE = "degrade"


def write_stream_with_contract(
    df: Any,
    contract: Contract | str,
    *,
    checkpoint: str,
    object_name: str | None = None,
    version: str = "",
    table: str | None = None,
    path: str | None = None,
    mode: WriteMode | str = WriteMode.APPEND,
    keys: Sequence[str] = (),
    on_violation: OnViolation | str = OnViolation.CONTRACT,
    on_mismatch: OnMismatch | str = OnMismatch.RAISE,
    intervention: Intervention | str = Intervention.STOP,
    tolerated: int = 0,
    checks_on: ChecksOn | str = ChecksOn.BATCH,
    policy: Policy | None = None,
    references: Mapping[str, Any] | None = None,
    quarantine: str | None = None,
    trigger: Mapping[str, Any] | None = None,
    query_name: str = "",
    on_batch: Callable[[WriteResult], None] | None = None,
    store: ContractStore | str | None = None,
    statuses: Collection[Status] = (Status.VALIDATED,),
    sinks: Sequence[DraftSink] = (),
    actor: str = "lakepact",
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Any:
    """Start a query that writes the stream `df` into a Delta table under `contract`; the running StreamingQuery.

    Each micro-batch is a write of its own, see `write_with_contract`, whose arguments these are. The contract is chosen
    and its columns are compared before the query starts. trigger: arguments of Spark's `trigger`. intervention: what
    happens to a batch whose verdict is FAIL; with STOP, the first `tolerated` such batches in a row, over restarts, are
    set aside instead. on_batch is called with each result. Rules on the whole dataset speak of the batch by default.

    Raises as `write_with_contract` before the query starts; later `awaitTermination` raises the error of a batch.

        from lakepact.io import write_stream_with_contract

        raw = spark.readStream.table("raw.orders")
        query = write_stream_with_contract(raw, "orders", checkpoint="/Volumes/main/sales/orders")
    """
    _refuse_overwrite(WriteMode(mode))
    surroundings = surroundings_of(store)
    governed = resolve(
        contract,
        object_name=object_name,
        version=version,
        statuses=statuses,
        on_violation=OnViolation(on_violation),
        policy=policy,
        place=named_table(table, path),
        surroundings=surroundings,
    )
    order = WriteOrder(
        table=governed.table,
        mode=WriteMode(mode),
        keys=tuple(keys),
        on_mismatch=OnMismatch(on_mismatch),
        checks_on=ChecksOn(checks_on),
        references=references or {},
        quarantine=table_named(quarantine) if quarantine else None,
        repeatable=True,
        pin=False,
        clock=clock,
    )
    asked = replace(order, sinks=tuple(sinks), actor=actor, run_id=f"stream to {order.table}")
    alignment = aligned(df, governed)
    settle_mismatch(df, governed, asked, surroundings, alignment, told_as=f"{asked.run_id}, start {uuid.uuid4()}")
    sink = _Sink(
        governed=with_whole_quarantine(governed, order.on_mismatch),
        order=order,
        surroundings=_for_batches(surroundings),
        alignment=alignment,
        checkpoint=checkpoint.rstrip("/"),
        intervention=Intervention(intervention),
        tolerated=tolerated,
        on_batch=on_batch,
    )
    return _started(df, sink, query_name, trigger)


def _for_batches(surroundings: Surroundings) -> Surroundings:
    """What a batch needs, which may run in another folder: it only records its results and tells of them."""
    told = surroundings.told()
    if isinstance(told, str | Path) and str(told):
        told = Path(told).absolute()
    return replace(surroundings, store=None, notify=told)


def _refuse_overwrite(mode: WriteMode) -> None:
    if mode is WriteMode.OVERWRITE:
        raise UsageError("a stream cannot overwrite its table", "LP891", "use append or merge")


def _started(df: Any, sink: _Sink, query_name: str, trigger: Mapping[str, Any] | None) -> Any:
    writer = df.writeStream.foreachBatch(sink.write).option("checkpointLocation", sink.checkpoint)
    if query_name:
        writer = writer.queryName(query_name)
    return (writer.trigger(**trigger) if trigger is not None else writer).start()


@dataclass(kw_only=True)
class _Sink:
    """What happens to each micro-batch. `stream` is the id of the query, known from its first batch on."""

    governed: Governed
    order: WriteOrder
    surroundings: Surroundings
    alignment: Alignment
    checkpoint: str
    intervention: Intervention
    tolerated: int
    on_batch: Callable[[WriteResult], None] | None
    stream: str = ""

    def write(self, batch: Any, batch_id: int) -> None:
        """Judge and write one batch; called by Spark, possibly again for a batch that it does not know as done."""
        if batch.isEmpty():
            return
        spark = session_of(batch)
        self.stream = self.stream or _stream_id(spark, self.checkpoint)
        order = replace(self.order, run_id=f"{self.stream}:{batch_id}", transaction=(self.stream, batch_id))
        # The actions of one batch read its source once.
        kept = _persisted(batch)
        try:
            result = self._judged(spark, kept, order, batch_id)
        finally:
            kept.unpersist()
        if self.on_batch is not None:
            self.on_batch(result)

    def _judged(self, spark: Any, batch: Any, order: WriteOrder, batch_id: int) -> WriteResult:
        state = _State.read(spark, order.table, self.stream)
        failing = state.failing + (state.batch != batch_id)
        aside = self.intervention is Intervention.QUARANTINE or failing <= self.tolerated
        chosen = replace(order, batch_aside=aside and self.intervention is not Intervention.DEGRADE)
        try:
            result = write_governed(batch, self.governed, chosen, self.surroundings, alignment=self.alignment)
        except ContractViolated as error:
            if self.intervention is not Intervention.DEGRADE or error.code != "LP893":
                raise
            _LOG.warning("batch %s of %s is written although it breaks the contract: %s", batch_id, order.table, error)
            warned = replace(self.governed, rules=_degraded(self.governed.rules, self.order.mode))
            degraded = replace(order, degraded=True)
            result = write_governed(batch, warned, degraded, self.surroundings, alignment=self.alignment)
        after = _State(failing if result.verdict is Verdict.FAIL else 0, batch_id)
        after.write(spark, order.table, self.stream, state)
        return result


def _degraded(rules: ObjectRules, mode: WriteMode) -> ObjectRules:
    """The rules as warnings; a merge still cannot choose among rows with one key, and sets them aside."""
    warned = with_actions(rules, OnViolation.WARN)
    if mode is not WriteMode.MERGE:
        return warned
    rows = (
        replace(rule, action=Action.QUARANTINE) if rule.kind is RowRuleKind.KEY else rule for rule in warned.row_rules
    )
    return replace(warned, row_rules=tuple(rows))


@dataclass(frozen=True, slots=True)
class _State:
    """How many batches in a row were set aside as a whole, up to which batch; a property of the table."""

    failing: int = 0
    batch: int = -1

    @staticmethod
    def read(spark: Any, table: Table, stream: str) -> _State:
        if not table.exists(spark):
            return _State()
        text = table.properties(spark).get(_STATE + stream)
        return _State(**json.loads(text)) if text else _State()

    def write(self, spark: Any, table: Table, stream: str, before: _State) -> None:
        """Keep the state where it says something new: a commit for each good batch would be one too many."""
        if (self.failing or before.failing) and self != before and table.exists(spark):
            table.set_properties(spark, {_STATE + stream: json.dumps({"failing": self.failing, "batch": self.batch})})


def _stream_id(spark: Any, checkpoint: str) -> str:
    """The id that Spark gave the query when its checkpoint was made: another checkpoint is another stream."""
    lines = spark.read.text(f"{checkpoint}/metadata").collect()
    return str(json.loads("".join(row["value"] for row in lines))["id"])


def _persisted(batch: Any) -> Any:
    """The batch, kept for the length of its write where the session can."""
    from pyspark.errors import PySparkException

    try:
        return batch.persist()
    except PySparkException as error:
        _LOG.debug("the batch is read more than once: %s", error)
        return batch
