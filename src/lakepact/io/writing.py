"""`write_with_contract`: rows come into a table as its contract has it, or not at all."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from lakepact.contract.model import Contract
from lakepact.drafts import DraftSink
from lakepact.errors import ContractViolated
from lakepact.io.judging import fitting, judge, references_of, sampled
from lakepact.io.mismatch import propose
from lakepact.io.model import (
    CheckResult,
    ChecksOn,
    OnMismatch,
    OnViolation,
    WriteMode,
    WriteResult,
    drift_problems,
    problems_of,
)
from lakepact.io.order import WriteOrder
from lakepact.io.publishing import (
    commit_of,
    merge_keys,
    publish,
    resulting_rows,
    set_aside,
    standing_rows,
)
from lakepact.io.recording import record
from lakepact.io.resolving import (
    Governed,
    Surroundings,
    aligned,
    refuse_foreign,
    resolve,
    surroundings_of,
    with_whole_quarantine,
)
from lakepact.io.tables import named_table, table_named
from lakepact.io.telling import tell, tell_refusal
from lakepact.plan.model import DatasetRole
from lakepact.quality.handling import SCHEMA_RULE
from lakepact.quality.schema import Alignment
from lakepact.results.model import RuleStatus, Verdict
from lakepact.rules.handling import Response
from lakepact.rules.model import Action
from lakepact.rules.policy import Policy
from lakepact.spark.frames import is_deterministic, session_of
from lakepact.store.model import Status
from lakepact.store.protocol import ContractStore

__all__ = ["carried_columns", "settle_mismatch", "write_governed", "write_with_contract"]

_LOG: Final = logging.getLogger(__name__)


def write_with_contract(
    df: Any,
    contract: Contract | str,
    *,
    object_name: str | None = None,
    version: str = "",
    table: str | None = None,
    path: str | None = None,
    mode: WriteMode | str = WriteMode.APPEND,
    keys: Sequence[str] = (),
    on_violation: OnViolation | str = OnViolation.CONTRACT,
    on_mismatch: OnMismatch | str = OnMismatch.RAISE,
    checks_on: ChecksOn | str = ChecksOn.TABLE,
    policy: Policy | None = None,
    references: Mapping[str, Any] | None = None,
    quarantine: str | None = None,
    run_id: str | None = None,
    pin: bool | None = None,
    store: ContractStore | str | None = None,
    statuses: Collection[Status] = (Status.VALIDATED,),
    sinks: Sequence[DraftSink] = (),
    actor: str = "lakepact",
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> WriteResult:
    """Write the rows of `df` into a Delta table under `contract`: an id of the store, or a contract.

    Columns come in the contract's order and types; a value that would be lost is a violation. All rules on rows are
    judged in one pass, before anything is written; rows that break a quarantine rule go to the table's quarantine, and
    if the verdict is FAIL nothing is written at all. What the contract says is done about violations holds, unless
    `on_violation` or `on_mismatch` says otherwise: `block` is FAIL; `quarantine` of columns or of a rule on the whole
    dataset sets all rows aside, and nothing is written. One commit holds the rows, and its metadata names the contract
    version, the run and the verdict. Results become rows of `rule_results`.

    table, path: where to; without both the object's name, in the current schema. keys: for MERGE, else the contract's
    primary key. references: data frames or table names of the other objects, by name; else tables beside this one.
    run_id: the same id again writes nothing again, so a job may repeat a call. pin: keep the rows of `df` for the
    length of the call, so that what is judged is what is written; by default where Spark knows that they may differ.
    version: a specifier such as ">=1,<2"; the highest version that fits and has one of `statuses` is taken.
    sinks: where drafts go beside the store.

    Raises ContractViolated LP892 (columns do not fit) and LP893 (verdict FAIL) with every violation, LP897 where the
    rows changed while they were written; UsageError LP890, LP891, LP898; what the store raises.

        from lakepact.io import write_with_contract

        result = write_with_contract(df, "orders", version=">=1,<2", table="main.sales.orders", mode="merge")
        print(result.verdict, result.written, result.quarantine)
    """
    refuse_foreign(df)
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
    governed = with_whole_quarantine(governed, OnMismatch(on_mismatch))
    order = WriteOrder(
        table=governed.table,
        mode=WriteMode(mode),
        keys=tuple(keys),
        on_mismatch=OnMismatch(on_mismatch),
        checks_on=ChecksOn(checks_on),
        references=references or {},
        quarantine=table_named(quarantine) if quarantine else None,
        run_id=run_id or str(uuid.uuid4()),
        repeatable=run_id is not None,
        pin=pin,
        sinks=tuple(sinks),
        actor=actor,
        clock=clock,
    )
    alignment = aligned(df, governed)
    draft = settle_mismatch(df, governed, order, surroundings, alignment)
    return write_governed(df, governed, order, surroundings, alignment=alignment, draft=draft)


def write_governed(
    df: Any, governed: Governed, order: WriteOrder, surroundings: Surroundings, *, alignment: Alignment, draft: str = ""
) -> WriteResult:
    """The write, once the contract is known and the columns are settled; `draft` is where the draft of them went."""
    spark, table = session_of(df), order.table
    place = order.quarantine or table.beside(DatasetRole.QUARANTINE)
    if order.mode is WriteMode.MERGE:
        merge_keys(governed, order)
    exists = table.exists(spark)
    if exists:
        table.refuse_types(spark, governed.rules)
    repeated = exists and commit_of(spark, table, order.run_id) is not None
    with judge(
        spark,
        _pinned(df, order.pin),
        governed,
        run_id=order.run_id,
        dataset=str(table),
        clock=order.clock,
        alignment=alignment,
        carried=_carried(alignment, governed, order),
        existing=lambda rows: standing_rows(spark, rows, governed, order, table) if exists and not repeated else None,
        resulting=lambda rows: (
            resulting_rows(spark, rows, governed, order, table, written=repeated) if exists else None
        ),
        references=references_of(spark, governed, order.references, beside=table),
    ) as judgement:
        check, commit, aside = judgement.check, None, False
        whole = _whole(check, governed)
        if whole:
            aside = set_aside(judgement, governed, order, place, batch=whole)
        elif check.verdict is not Verdict.FAIL:
            aside = set_aside(judgement, governed, order, place)
            if not exists:
                table.create(spark, governed.contract, governed.described, governed.rules)
            commit = None if repeated else publish(spark, judgement, governed, order, table)
            table.name_contract(spark, governed.contract)
        elif order.batch_aside:
            aside = set_aside(judgement, governed, order, place, batch=_stopping(check))
        if aside:
            check = sampled(check, str(place))
        recorded = record(spark, surroundings, table, check)
        tell(spark, surroundings, governed, check, aside=place if aside else None)
        check = replace(check, recorded=recorded)
    if check.verdict is Verdict.FAIL and not order.batch_aside:
        raise _violated(check)
    return WriteResult(
        check=check,
        table=str(table),
        mode=order.mode,
        version=commit.version if commit else None,
        written=check.counts.kept if commit else 0,
        quarantine=str(place) if aside else "",
        repeated=repeated
        or (check.verdict is not Verdict.FAIL and not whole and commit is None and check.counts.kept > 0),
        recorded=recorded,
        draft=draft,
        contract_seen=governed.seen,
    )


def _whole(check: CheckResult, governed: Governed) -> tuple[str, ...]:
    """The ids of the violated rules that set all rows aside; none where a rule stops the write."""
    ids = {SCHEMA_RULE, *(rule.id for rule in governed.rules.dataset_rules)}
    aside = [each for each in check.results if each.status is RuleStatus.FAIL and each.action is Action.QUARANTINE]
    return tuple(each.rule_id for each in aside if each.rule_id in ids) if check.verdict is not Verdict.FAIL else ()


def _stopping(check: CheckResult) -> tuple[str, ...]:
    """The ids of the rules that stop a write."""
    stops = (RuleStatus.FAIL, RuleStatus.ERROR)
    return tuple(each.rule_id for each in check.results if each.status in stops and each.action is Action.FAIL)


def carried_columns(alignment: Alignment, on_mismatch: OnMismatch) -> tuple[str, ...]:
    """The columns of the data that are written beside those of the contract."""
    return alignment.extra if on_mismatch is OnMismatch.EVOLVE else ()


def _carried(alignment: Alignment, governed: Governed, order: WriteOrder) -> tuple[str, ...]:
    """The columns beside those of the contract that are written; where all rows are set aside, none gets lost."""
    if governed.on_schema is Response.QUARANTINE and not alignment.fitting:
        return alignment.extra
    return carried_columns(alignment, order.on_mismatch)


def settle_mismatch(
    df: Any,
    governed: Governed,
    order: WriteOrder,
    surroundings: Surroundings,
    alignment: Alignment,
    *,
    told_as: str = "",
) -> str:
    """Raise ContractViolated LP892 for columns that do not fit, or propose them; where the draft went.

    What is raised is recorded and told as well, as the run `told_as`, else as that of the order.
    A run that is told twice is told once, so a stream, which keeps its name, gives each start its own.
    """
    if alignment.fitting:
        return ""
    draft, table = "", order.table
    if order.on_mismatch is not OnMismatch.RAISE:
        draft = propose(
            df,
            alignment,
            governed,
            surroundings,
            sinks=order.sinks,
            actor=order.actor,
            dataset=str(table),
            run_id=order.run_id,
        )
    if order.on_mismatch is OnMismatch.RAISE and governed.on_schema in (Response.WARN, Response.QUARANTINE):
        return draft
    carried = carried_columns(alignment, order.on_mismatch)
    if order.on_mismatch is OnMismatch.DRAFT or fitting(alignment.drift, carried):
        return draft
    tell_refusal(
        session_of(df),
        surroundings,
        governed,
        [each for each in alignment.drift if not each.adapted and each.column not in carried],
        table=table,
        run_id=told_as or order.run_id,
        clock=order.clock,
    )
    contract = governed.contract
    raise ContractViolated(
        f"the columns do not fit '{contract.id}' {contract.version}, object {governed.rules.name!r}; "
        "nothing is written",
        code="LP892",
        hint="change the data, or propose a new version of the contract with on_mismatch='draft'",
        facts={"run_id": order.run_id, "columns": [each.column for each in alignment.drift if not each.adapted]},
        problems=drift_problems(alignment.drift, str(table)),
    )


def _pinned(df: Any, pin: bool | None) -> Any:
    """The frame, computed once where it could be another one the next time."""
    wanted = is_deterministic(df) is False if pin is None else pin
    return df.localCheckpoint(eager=False) if wanted else df


def _violated(check: CheckResult) -> ContractViolated:
    return ContractViolated(
        f"{check.dataset} would break '{check.contract_id}' {check.contract_version}: nothing is written",
        code="LP893",
        hint="correct the data, or let on_violation='quarantine' set rows aside",
        facts={"run_id": check.run_id, "rules": _stopping(check), "rows": check.counts.rows},
        problems=problems_of(check),
    )
