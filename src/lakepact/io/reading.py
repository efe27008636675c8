"""`read_with_contract`: rows of a table in the shape of its contract, and only if they keep it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from lakepact.contract.model import Contract
from lakepact.drafts import DraftSink
from lakepact.errors import ContractViolated
from lakepact.io.checking import check_governed, refuse
from lakepact.io.judging import references_of
from lakepact.io.mismatch import propose
from lakepact.io.model import CheckResult, OnMismatch, OnViolation
from lakepact.io.recording import record
from lakepact.io.resolving import Governed, Surroundings, aligned, resolve, surroundings_of, with_actions
from lakepact.io.tables import Commit, Table, named_table
from lakepact.io.telling import tell, tell_refusal
from lakepact.quality.native import NativeEvaluation, RowCounts, Run
from lakepact.quality.schema import Alignment
from lakepact.results.model import Verdict
from lakepact.rules.handling import Response
from lakepact.rules.policy import Policy
from lakepact.spark.frames import session_of
from lakepact.sql import identifier
from lakepact.store.model import Status
from lakepact.store.protocol import ContractStore

__all__ = ["OnRead", "read_with_contract"]

_LOG: Final = logging.getLogger(__name__)
# Commits that change no row.
_NO_CHANGE: Final = frozenset(
    {"ADD COLUMNS", "CREATE TABLE", "OPTIMIZE", "SET TBLPROPERTIES", "UNSET TBLPROPERTIES"}
    | {"VACUUM END", "VACUUM START"}
)


class OnRead(StrEnum):
    """What a read does with the rules.

    RAISE: every rule is evaluated, and a violated one that does not only warn raises. FILTER: rows that break a rule
    that removes rows or stops a write are left out. WARN: violations go to the log. GATE: nothing is evaluated; the
    last write under the contract must have had a verdict other than FAIL, and be the last change of the table.
    IGNORE: nothing.
    """

    RAISE = "raise"
    FILTER = "filter"
    WARN = "warn"
    GATE = "gate"
    IGNORE = "ignore"


def read_with_contract(
    spark: Any,
    contract: Contract | str,
    *,
    object_name: str | None = None,
    version: str = "",
    table: str | None = None,
    path: str | None = None,
    on_violation: OnRead | str = OnRead.RAISE,
    on_mismatch: OnMismatch | str = OnMismatch.RAISE,
    extra: bool = False,
    policy: Policy | None = None,
    references: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    store: ContractStore | str | None = None,
    statuses: Collection[Status] = (Status.VALIDATED,),
    sinks: Sequence[DraftSink] = (),
    actor: str = "lakepact",
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Any:
    """The rows of a Delta table as `contract` has them: its columns in order, of its types.

    table, path: where the rows are; without both the object's name, in the current schema. extra: keep columns that
    the contract does not have, after the others. on_mismatch: RAISE for columns that do not fit; DRAFT proposes them
    to the steward and reads what fits, EVOLVE does so and keeps new columns. Results of an evaluation become rows of
    `rule_results`. The other arguments are those of `write_with_contract`.

    Raises ContractViolated LP892 (columns), LP893 (rules), LP895 (GATE); what the store raises.

        from lakepact.io import read_with_contract

        orders = read_with_contract(spark, "orders", version=">=1,<2", table="main.sales.orders")
    """
    surroundings = surroundings_of(store)
    governed = resolve(
        contract,
        object_name=object_name,
        version=version,
        statuses=statuses,
        on_violation=OnViolation.CONTRACT,
        policy=policy,
        place=named_table(table, path),
        surroundings=surroundings,
    )
    order = _ReadOrder(
        table=governed.table,
        on_violation=OnRead(on_violation),
        on_mismatch=OnMismatch(on_mismatch),
        extra=extra,
        references=references or {},
        run_id=run_id or str(uuid.uuid4()),
        sinks=tuple(sinks),
        actor=actor,
        clock=clock,
    )
    return _read(spark, governed, order, surroundings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReadOrder:
    table: Table
    on_violation: OnRead
    on_mismatch: OnMismatch
    extra: bool
    references: Mapping[str, Any]
    run_id: str
    sinks: tuple[DraftSink, ...]
    actor: str
    clock: Callable[[], datetime]


def _read(spark: Any, governed: Governed, order: _ReadOrder, surroundings: Surroundings) -> Any:
    frame = order.table.read(spark)
    alignment = aligned(frame, governed)
    _settle_mismatch(frame, governed, order, surroundings, alignment)
    if order.on_violation is OnRead.GATE:
        _gate(order.table.commits(spark), governed, order.table)
    elif order.on_violation is not OnRead.IGNORE:
        _evaluate(spark, frame, governed, order, surroundings, alignment)
    return _shaped(spark, frame, governed, order, alignment)


def _settle_mismatch(
    frame: Any, governed: Governed, order: _ReadOrder, surroundings: Surroundings, alignment: Alignment
) -> None:
    """Columns that the contract does not have are no harm to a reader: they are left out, or kept where asked for."""
    unfit = [each for each in alignment.drift if not each.adapted and each.column not in alignment.extra]
    if unfit and order.on_mismatch is OnMismatch.RAISE and governed.on_schema is not Response.WARN:
        tell_refusal(
            session_of(frame), surroundings, governed, unfit, table=order.table, run_id=order.run_id, clock=order.clock
        )
        contract = governed.contract
        refuse(
            CheckResult(
                run_id=order.run_id,
                contract_id=contract.id,
                contract_version=contract.version,
                object=governed.rules.name,
                dataset=str(order.table),
                verdict=Verdict.PASS,
                counts=RowCounts(rows=0, quarantined=0, dropped=0, failing=0),
                results=(),
                drift=alignment.drift,
            )
        )
    if not alignment.fitting and order.on_mismatch is not OnMismatch.RAISE:
        dataset = str(order.table)
        propose(
            frame,
            alignment,
            governed,
            surroundings,
            sinks=order.sinks,
            actor=order.actor,
            dataset=dataset,
            run_id=order.run_id,
        )


def _evaluate(
    spark: Any,
    frame: Any,
    governed: Governed,
    order: _ReadOrder,
    surroundings: Surroundings,
    alignment: Alignment,
) -> None:
    references = references_of(spark, governed, order.references, beside=order.table)
    check = check_governed(
        frame, governed, references, str(order.table), order.run_id, order.clock, alignment=alignment
    )
    record(spark, surroundings, order.table, check)
    tell(spark, surroundings, governed, check)
    if order.on_violation is OnRead.RAISE:
        refuse(replace(check, drift=tuple(each for each in check.drift if each.adapted)))
    for result in check.violated:
        _LOG.warning("%s: rule %s is violated: %s", order.table, result.rule_id, result.message)


def _gate(commits: Sequence[Commit], governed: Governed, table: Table) -> None:
    """Raise ContractViolated LP895 unless the rows of the table come from a write under this contract."""
    changes = [each for each in commits if each.operation not in _NO_CHANGE]
    last = changes[0].metadata if changes else {}
    contract = governed.contract
    same = (last.get("contract_id"), last.get("contract_version")) == (contract.id, contract.version)
    if same and last.get("verdict") not in (None, Verdict.FAIL.value) and not last.get("degraded"):
        return
    said = (
        "the rows of its last change break it"
        if last.get("degraded")
        else (
            f"its last change was made under '{last['contract_id']}' {last.get('contract_version')}"
            if last.get("contract_id")
            else "its last change was not made by lakepact"
        )
    )
    raise ContractViolated(
        f"{table} is not known to keep '{contract.id}' {contract.version}: {said}",
        code="LP895",
        hint="read with on_violation='raise', which evaluates the rules",
        facts={"table": str(table), "contract_id": contract.id},
    )


def _shaped(spark: Any, frame: Any, governed: Governed, order: _ReadOrder, alignment: Alignment) -> Any:
    """The rows with the contract's columns, and others where they are asked for."""
    kept = alignment.extra if order.extra or order.on_mismatch is OnMismatch.EVOLVE else ()
    if order.on_violation is not OnRead.FILTER:
        return frame.selectExpr(*(each.sql for each in alignment.columns), *(identifier(name) for name in kept))
    run = Run(run_id=order.run_id, contract=governed.contract, dataset=str(order.table), clock=order.clock)
    # A row that must stop a write is none that a filter lets through.
    rules = with_actions(governed.rules, OnViolation.QUARANTINE)
    # Its views must outlive this call: the data frame is computed when its reader asks for rows.
    rows = NativeEvaluation(spark, frame, rules=rules, run=run, alignment=alignment, carried=kept)
    rows.find_clashes(cached=False)
    return rows.kept()
