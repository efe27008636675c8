"""Results of a read, write or check, given to those who want to hear of them; the data's job never waits for that."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from lakepact.errors import LakepactError
from lakepact.io.model import CheckResult
from lakepact.io.recording import record
from lakepact.io.resolving import Governed, Surroundings
from lakepact.io.samples import rows_by_rule
from lakepact.io.tables import Table
from lakepact.quality.handling import SCHEMA_RULE, rule_result, rules_of
from lakepact.quality.native import RowCounts, Run
from lakepact.quality.schema import ColumnDrift
from lakepact.results.model import RuleResult, RuleStatus, verdict_of
from lakepact.rules.model import Action
from lakepact.spark.quiet import failure_text, spark_failures

__all__ = ["tell", "tell_refusal"]

_LOG: Final = logging.getLogger(__name__)


def tell(
    spark: Any, surroundings: Surroundings, governed: Governed, check: CheckResult, *, aside: Table | None = None
) -> bool:
    """Write down for the notifier what a check found; whether that was done. A failure is a warning in the log.

    `aside` is the quarantine where rows of this run are: a few of them are shown, masked as the notifier says.
    """
    try:
        notifier = surroundings.notifier()
    except LakepactError as error:
        _LOG.warning("nobody is told of run %s: %s", check.run_id, error)
        return False
    if notifier is None:
        return False
    samples: Mapping[str, list[Mapping[str, object]]] = {}
    if aside is not None:
        broken = {each.rule_id for each in check.results if each.sample}
        try:
            samples = rows_by_rule(aside.read(spark), governed.rules.columns, broken, run_id=check.run_id)
        except spark_failures() as error:
            _LOG.warning("no rows of %s are shown to those who are told: %s", aside, failure_text(error))
    return notifier.notify(check.results, governed.contract, samples=samples)


def tell_refusal(
    spark: Any,
    surroundings: Surroundings,
    governed: Governed,
    drift: Sequence[ColumnDrift],
    *,
    table: Table,
    run_id: str,
    clock: Callable[[], datetime],
) -> None:
    """Record and tell that data is refused for these columns, before any rule is asked.

    It is the violation of one rule, `schema`, of which every later run says whether it holds; the others are skipped,
    so that nobody takes them for rules that are gone.
    """
    run = Run(run_id=run_id, contract=governed.contract, dataset=str(table), clock=clock)
    columns = RuleResult(
        run_id=run_id,
        contract_id=run.contract.id,
        contract_version=run.contract.version,
        object=governed.rules.name,
        dataset=run.dataset,
        rule_id=SCHEMA_RULE,
        rule_name=SCHEMA_RULE,
        action=Action.FAIL,
        status=RuleStatus.FAIL,
        at=clock(),
        violations=len(drift),
        message="; ".join(map(str, drift)),
    )
    others = (
        rule_result(run, rule, "native", RuleStatus.SKIPPED, "the columns do not fit")
        for rule in rules_of(governed.rules)
    )
    results = (columns, *others)
    check = CheckResult(
        run_id=run_id,
        contract_id=run.contract.id,
        contract_version=run.contract.version,
        object=governed.rules.name,
        dataset=run.dataset,
        verdict=verdict_of(results),
        counts=RowCounts(rows=0, quarantined=0, dropped=0, failing=0),
        results=results,
        drift=tuple(drift),
    )
    record(spark, surroundings, table, check, kind="columns")
    tell(spark, surroundings, governed, check)
