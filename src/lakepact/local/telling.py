"""People are told what a run found: written down for them after the tables are, and never at the cost of the run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from lakepact.contract.model import Contract
from lakepact.local.names import DatasetName, Namespace
from lakepact.local.result import Refresh, UpdateResult
from lakepact.local.rule_results import results_of, told_once
from lakepact.plan.model import DatasetRole
from lakepact.plan.names import dataset_name
from lakepact.results.model import RuleResult
from lakepact.rules.model import Action, RuleSet

if TYPE_CHECKING:
    from lakepact.notify import Notifier

__all__ = ["tell_people"]

_LOG: Final = logging.getLogger(__name__)

_Samples = dict[str, list[Mapping[str, object]]]


def tell_people(
    notifier: Notifier,
    classic: Any,
    update: UpdateResult,
    contract: Contract,
    rules: RuleSet,
    namespace: Namespace,
    *,
    at: datetime,
) -> None:
    """Give the notifier what the update of one pipeline says of its contract, with a few rows that were set aside.

    Rows are shown from a quarantine that this update made anew; one that grows holds those of earlier updates, too.
    """
    results = told_once(results_of(update, at=at, namespace=namespace), rules)
    placed = tuple(_with_place(each, rules) for each in results)
    made = {
        dataset.name
        for pipeline in update.pipelines
        for dataset in pipeline.datasets
        if dataset.refresh is Refresh.COMPLETE_RECOMPUTE
    }
    notifier.notify(placed, contract, samples=_samples(classic, placed, rules, namespace, made))


def _with_place(result: RuleResult, rules: RuleSet) -> RuleResult:
    """The result with the quarantine of its rows, where they were set aside."""
    place, dot, table = result.dataset.rpartition(".")
    if not result.violations or result.action is not Action.QUARANTINE or rules.object(result.object) is None:
        return result
    return replace(result, sample=f"{place}{dot}{dataset_name(table, DatasetRole.QUARANTINE)}")


def _samples(
    classic: Any, results: tuple[RuleResult, ...], rules: RuleSet, namespace: Namespace, made: set[str]
) -> _Samples:
    from lakepact.io.samples import rows_by_rule
    from lakepact.spark.quiet import failure_text, spark_failures

    found: _Samples = {}
    for each in rules.objects:
        quarantine = dataset_name(each.table, DatasetRole.QUARANTINE)
        broken = {result.rule_id for result in results if result.sample and result.object == each.name}
        if not broken or quarantine not in made:
            continue
        try:
            rows = classic.table(DatasetName(namespace.catalog, namespace.schema, quarantine).sql)
            found |= rows_by_rule(rows, each.columns, broken)
        except spark_failures() as error:
            _LOG.warning("no rows of %s are shown to those who are told: %s", quarantine, failure_text(error))
    return found
