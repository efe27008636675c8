"""Data held against its contract: the one verdict that decides what is raised, written and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lakepact.io.model import CheckResult
from lakepact.io.resolving import Governed, aligned
from lakepact.io.tables import Table, table_named
from lakepact.plan.checks import parents
from lakepact.quality.handling import SCHEMA_RULE, settled_status
from lakepact.quality.native import NativeEvaluation, RowCounts, Run
from lakepact.quality.schema import Alignment, ColumnDrift
from lakepact.results.model import RuleResult, RuleStatus, verdict_of
from lakepact.rules.handling import Response
from lakepact.rules.model import Action, OrphanRows, Query

__all__ = ["SCHEMA_RULE", "Judgement", "fitting", "judge", "references_of", "sampled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, and the evaluation that still holds the rows."""

    check: CheckResult
    rows: NativeEvaluation


@contextmanager
def judge(
    spark: Any,
    frame: Any,
    governed: Governed,
    *,
    run_id: str,
    dataset: str,
    clock: Callable[[], datetime],
    alignment: Alignment | None = None,
    carried: Sequence[str] = (),
    existing: Callable[[NativeEvaluation], Any | None] = lambda _: None,
    resulting: Callable[[NativeEvaluation], Any | None] = lambda _: None,
    references: Mapping[str, Any] | None = None,
) -> Iterator[Judgement]:
    """Evaluate every rule of the object once; the frames of the judgement live as long as the `with` block.

    `existing` gives rows whose keys count too, `resulting` the rows that rules on the whole dataset speak of.
    """
    run = Run(run_id=run_id, contract=governed.contract, dataset=dataset, clock=clock)
    with NativeEvaluation(
        spark,
        frame,
        rules=governed.rules,
        run=run,
        alignment=alignment or aligned(frame, governed),
        carried=carried,
    ) as rows:
        rows.find_clashes(existing(rows))
        counts, results = rows.evaluate(resulting=lambda: resulting(rows), references=references)
        whole = (_schema_result(run, governed, rows.alignment.drift, carried), *results)
        yield Judgement(check=_check(run, governed, counts, whole, rows.alignment.drift), rows=rows)


def _check(
    run: Run, governed: Governed, counts: RowCounts, results: tuple[RuleResult, ...], drift: tuple[ColumnDrift, ...]
) -> CheckResult:
    return CheckResult(
        run_id=run.run_id,
        contract_id=run.contract.id,
        contract_version=run.contract.version,
        object=governed.rules.name,
        dataset=run.dataset,
        verdict=verdict_of(results),
        counts=counts,
        results=results,
        drift=drift,
        lenient=governed.on_schema is Response.WARN,
    )


def fitting(drift: Sequence[ColumnDrift], carried: Sequence[str]) -> bool:
    """Whether nothing of the drift stands in the way of the rows; carried columns do not."""
    return all(each.adapted or each.column in carried for each in drift)


def _schema_result(run: Run, governed: Governed, drift: Sequence[ColumnDrift], carried: Sequence[str]) -> RuleResult:
    """The result of comparing columns. What was let pass, as a draft or as new columns, is a warning.

    Where the contract sets aside what does not fit, it is a violation that does so to all rows.
    """
    worst = [each for each in drift if not each.adapted]
    action = Action.QUARANTINE if governed.on_schema is Response.QUARANTINE else Action.WARN
    status = settled_status(action) if worst else RuleStatus.PASS
    return RuleResult(
        run_id=run.run_id,
        contract_id=run.contract.id,
        contract_version=run.contract.version,
        object=governed.rules.name,
        dataset=run.dataset,
        rule_id=SCHEMA_RULE,
        rule_name=SCHEMA_RULE,
        action=action,
        status=status,
        at=run.clock(),
        violations=len(worst) or None,
        message="; ".join(map(str, worst)),
    )


def references_of(spark: Any, governed: Governed, given: Mapping[str, Any], *, beside: Table | None) -> dict[str, Any]:
    """The data frames of the objects that rules read: those that are given (frames or names), else tables `beside`."""
    read: dict[str, Any] = {}
    tables = {each.name: each.table for each in governed.objects}
    for name in sorted(_read_objects(governed) - {governed.rules.name}):
        found = given.get(name)
        if isinstance(found, str):
            read[name] = table_named(found).read(spark)
        elif found is not None:
            read[name] = found
        elif beside is not None and name in tables and (place := beside.sibling(tables[name])).exists(spark):
            read[name] = place.read(spark)
    return read


def _read_objects(governed: Governed) -> set[str]:
    asked = [rule for rule in governed.rules.dataset_rules if isinstance(rule.measure, OrphanRows | Query)]
    return {name for names in parents(asked).values() for name in names}


def sampled(check: CheckResult, place: str) -> CheckResult:
    """The check with the place where rows that were set aside can be found."""
    results = tuple(
        replace(each, sample=place) if each.violations and each.action is Action.QUARANTINE else each
        for each in check.results
    )
    return replace(check, results=results)
