"""What an update said of the rules of its contracts, as results; and once for each rule, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from lakepact.local.names import DatasetName, Namespace
from lakepact.local.result import DatasetResult, PipelineResult, UpdateResult
from lakepact.plan.model import DatasetRole
from lakepact.plan.names import dataset_name
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import Action, RuleSet

__all__ = ["results_of", "told_once"]

_ORDER: Final = (RuleStatus.SKIPPED, RuleStatus.PASS, RuleStatus.WARN, RuleStatus.ERROR, RuleStatus.FAIL)


def results_of(update: UpdateResult, *, at: datetime, namespace: Namespace) -> tuple[RuleResult, ...]:
    """What an update says of the rules of its contracts, for each dataset that was asked, by its full name."""
    return tuple(
        result
        for pipeline in update.pipelines
        for dataset in pipeline.datasets
        for result in _dataset_results(update.update_id, pipeline, dataset, at, namespace)
    )


def told_once(results: Iterable[RuleResult], rules: RuleSet) -> tuple[RuleResult, ...]:
    """One result for each rule and published table, in the order of the rules.

    A pipeline asks a rule at several datasets of one table (`orders`, `orders__quarantine`); what broke it anywhere
    counts, else what the published table says. Severity and dimension are those of the rule.
    """
    tables = {name: table for each in rules.objects for name, table in _datasets_of(each.table)}
    known = {rule.id: (number, rule) for number, rule in enumerate(rules.all_rules())}
    best: dict[tuple[str, str], tuple[tuple[Any, ...], RuleResult]] = {}
    for result in results:
        place, dot, name = result.dataset.rpartition(".")
        table = tables.get(name, name)
        rank = (_ORDER.index(result.status), name == table, result.violations or 0, result.tested or 0)
        told = replace(result, dataset=f"{place}{dot}{table}")
        if result.rule_id in known:
            rule = known[result.rule_id][1]
            told = replace(
                told,
                object=rule.object,
                severity=told.severity or rule.severity,
                dimension=told.dimension or rule.dimension,
            )
        key = (told.dataset, told.rule_id)
        if key not in best or rank > best[key][0]:
            best[key] = (rank, told)
    last = len(known)
    found = [each for _, each in best.values()]
    return tuple(sorted(found, key=lambda each: known[each.rule_id][0] if each.rule_id in known else last))


def _datasets_of(table: str) -> Iterator[tuple[str, str]]:
    """The names of the datasets that belong to a table, with it."""
    return ((dataset_name(table, role), table) for role in DatasetRole)


def _dataset_results(
    update_id: str, pipeline: PipelineResult, dataset: DatasetResult, at: datetime, namespace: Namespace
) -> Iterator[RuleResult]:
    common: Mapping[str, Any] = {
        "run_id": update_id,
        "contract_id": pipeline.contract_id,
        "contract_version": pipeline.contract_version,
        "object": dataset.name,
        "dataset": str(DatasetName(namespace.catalog, namespace.schema, dataset.name)),
        "at": at,
    }
    for expectation in dataset.expectations:
        if expectation.rule_id:
            action, failed = Action(expectation.action), expectation.failed_records
            tested = failed + expectation.passed_records
            yield RuleResult(
                **common,
                rule_id=expectation.rule_id,
                rule_name=expectation.name,
                action=action,
                status=_status(action, passed=not failed),
                violations=failed,
                tested=tested,
                message=f"{failed} of {tested} rows" if failed else "",
            )
    for check in dataset.checks:
        yield RuleResult(
            **common,
            rule_id=check.rule_id,
            rule_name=check.name,
            action=Action(check.action),
            status=_status(Action(check.action), passed=check.passed),
            value=None if check.value is None else str(check.value),
            threshold=check.threshold,
            message="" if check.passed else f"{check.value}, {check.threshold}",
        )


def _status(action: Action, *, passed: bool) -> RuleStatus:
    if passed:
        return RuleStatus.PASS
    return RuleStatus.WARN if action is Action.WARN else RuleStatus.FAIL
