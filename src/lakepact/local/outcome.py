"""From what the engine counted and the plan intended to the result of a pipeline, rule by rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lakepact.local.names import Namespace
from lakepact.local.pipeline_run import DatasetOutcome, PipelineOutcome
from lakepact.local.result import CheckResult, DatasetResult, DatasetState, ExpectationResult, PipelineResult
from lakepact.plan.model import Dataset, DatasetRole, ObjectPlan, Plan
from lakepact.rules.model import Action, DatasetRule
from lakepact.sql import string

__all__ = ["pipeline_result", "tables_that_stop", "watched_expectations"]


def watched_expectations(plan: Plan) -> dict[str, frozenset[str]]:
    """By published table, the expectations whose rows go to the quarantine.

    They tell how many rows were held back before the published dataset's expectations were asked.
    """
    return {
        dataset.name: frozenset(e.name for e in dataset.expectations if e.rule_action is Action.QUARANTINE)
        for dataset in plan.datasets
        if dataset.role is DatasetRole.PUBLISHED
    }


def tables_that_stop(plan: Plan) -> frozenset[str]:
    """The tables whose checks stop the update: they are asked anew in each."""
    stopping = (each for each in plan.objects if each.dataset(DatasetRole.GATE) is not None)
    roles = (DatasetRole.CHECKS, DatasetRole.GATE)
    return frozenset(dataset.name for each in stopping for dataset in each.datasets if dataset.role in roles)


def pipeline_result(outcome: PipelineOutcome, plan: Plan | None, classic: Any) -> PipelineResult:
    """The result of a pipeline; `plan` is None for hand-written sources alone.

    Reads the checks tables of the objects whose checks were made in this update.
    """
    by_table = {found.dataset.name: found for found in outcome.datasets}
    planned = _Planned(plan, outcome.job.namespace, by_table, classic) if plan is not None else None
    datasets = tuple(
        planned.result(found) if planned is not None and planned.knows(found) else _plain(found)
        for found in outcome.datasets
        if found.dataset.stored
    )
    return PipelineResult(
        name=outcome.job.name,
        datasets=datasets,
        error=outcome.error,
        contract_id=plan.contract_id if plan else "",
        contract_version=plan.contract_version if plan else "",
    )


class _Planned:
    """The planned datasets of a pipeline with their outcomes."""

    def __init__(self, plan: Plan, namespace: Namespace, outcomes: Mapping[Any, DatasetOutcome], classic: Any) -> None:
        self._outcomes = {found.dataset.name.table: found for found in outcomes.values()}
        self._objects = {dataset.name: each for each in plan.objects for dataset in each.datasets}
        self._datasets = {dataset.name: dataset for dataset in plan.datasets}
        self._namespace = namespace
        self._measured = self._read_checks(classic)

    def knows(self, found: DatasetOutcome) -> bool:
        return found.dataset.name.table in self._datasets

    def result(self, found: DatasetOutcome) -> DatasetResult:
        dataset = self._datasets[found.dataset.name.table]
        each = self._objects[dataset.name]
        if dataset.role is not DatasetRole.PUBLISHED:
            return _plain(found, dataset)
        quarantine = self._of(each, DatasetRole.QUARANTINE)
        return DatasetResult(
            name=dataset.name,
            kind=found.dataset.definition.kind.value,
            state=found.state,
            output_records=found.tally.output_records if found.tally else None,
            dropped_records=_dropped(found, quarantine),
            quarantined_records=_written(quarantine) if quarantine else (0 if found.tally else None),
            expectations=tuple(self._expectations(found, dataset, each, quarantine)),
            checks=tuple(self._checks(each)),
            error=found.error,
            seconds=found.seconds,
            refresh=found.refresh,
        )

    def _of(self, each: ObjectPlan, role: DatasetRole) -> DatasetOutcome | None:
        dataset = each.dataset(role)
        return self._outcomes.get(dataset.name) if dataset else None

    def _expectations(
        self, found: DatasetOutcome, dataset: Dataset, each: ObjectPlan, quarantine: DatasetOutcome | None
    ) -> Iterator[ExpectationResult]:
        """In the order of the rules: those asked of the published rows, and those asked before."""
        results = {e.rule_id: e for e in _counted(found, dataset)}
        if found.tally is not None and quarantine is not None and quarantine.tally is not None:
            held = quarantine.tally.input_records - found.tally.watched_records
            arrived = found.tally.input_records + held
            held_dataset = self._datasets[quarantine.dataset.name.table]
            results |= {e.rule_id: e for e in _counted(quarantine, held_dataset, arrived=arrived)}
        for role in (DatasetRole.INPUT, DatasetRole.DUPLICATES):
            earlier = self._of(each, role)
            planned = each.dataset(role)
            if found.tally is not None and earlier is not None and planned is not None:
                results |= {e.rule_id: e for e in _counted(earlier, planned)}
        yield from (results[rule.id] for rule in each.row_rules if rule.id in results)

    def _checks(self, each: ObjectPlan) -> Iterator[CheckResult]:
        found = self._of(each, DatasetRole.CHECKS)
        measured = self._measured.get(found.dataset.name.table, {}) if found is not None else {}
        for rule in each.dataset_rules:
            if rule.id in measured:
                yield _check(rule, *measured[rule.id])

    def _read_checks(self, classic: Any) -> dict[str, dict[str, tuple[str | None, bool]]]:
        """Value and verdict by checks table and rule, of those tables that were made in this update or are as fresh."""
        names = [dataset.name for dataset in self._datasets.values() if dataset.role is DatasetRole.CHECKS]
        made = [self._outcomes[name] for name in names if name in self._outcomes]
        tables = [found.dataset.name for found in made if found.state is DatasetState.COMPLETED]
        if not tables:
            return {}
        selects = (f"SELECT {string(name.table)} AS t, rule_id, value, passed FROM {name.sql}" for name in tables)
        measured: dict[str, dict[str, tuple[str | None, bool]]] = {name.table: {} for name in tables}
        for row in classic.sql(" UNION ALL ".join(selects)).collect():
            measured[row["t"]][row["rule_id"]] = (row["value"], row["passed"])
        return measured


def _counted(found: DatasetOutcome, dataset: Dataset, *, arrived: int | None = None) -> Iterator[ExpectationResult]:
    if found.tally is None:
        return
    rules = {expectation.name: expectation for expectation in dataset.expectations}
    total = found.tally.input_records if arrived is None else arrived
    for definition, failed in zip(found.dataset.definition.expectations, found.tally.failed_records, strict=True):
        expectation = rules[definition.name]
        if expectation.rule_id:
            yield ExpectationResult(
                name=expectation.name,
                rule_id=expectation.rule_id,
                action=expectation.rule_action.value,
                passed_records=total - failed,
                failed_records=failed,
            )


def _plain(found: DatasetOutcome, dataset: Dataset | None = None) -> DatasetResult:
    tally = found.tally
    expectations = tuple(_counted(found, dataset)) if dataset else tuple(_hand_written(found))
    return DatasetResult(
        name=found.dataset.name.table,
        kind=found.dataset.definition.kind.value,
        state=found.state,
        output_records=tally.output_records if tally else None,
        dropped_records=tally.dropped_records if tally else None,
        quarantined_records=0 if tally else None,
        expectations=expectations,
        error=found.error,
        seconds=found.seconds,
        refresh=found.refresh,
    )


def _hand_written(found: DatasetOutcome) -> Iterator[ExpectationResult]:
    if found.tally is None:
        return
    for definition, failed in zip(found.dataset.definition.expectations, found.tally.failed_records, strict=True):
        yield ExpectationResult(
            name=definition.name,
            rule_id="",
            action=definition.action.value,
            passed_records=found.tally.input_records - failed,
            failed_records=failed,
        )


def _written(found: DatasetOutcome) -> int | None:
    return found.tally.output_records if found.tally else None


def _dropped(found: DatasetOutcome, quarantine: DatasetOutcome | None) -> int | None:
    """Rows that came in and were not published: dropped by an expectation, or held back before."""
    if found.tally is None:
        return None
    if quarantine is None or quarantine.tally is None:
        return found.tally.dropped_records
    return found.tally.dropped_records + quarantine.tally.input_records - found.tally.watched_records


def _check(rule: DatasetRule, value: str | None, passed: bool) -> CheckResult:
    return CheckResult(
        name=rule.name,
        rule_id=rule.id,
        value=_value(value),
        threshold=rule.threshold,
        passed=passed,
        action=rule.action.value,
    )


def _value(text: str | None) -> int | float | str | bool | None:
    """The measured value as it was before the checks table made it text."""
    if text is None or text in {"true", "false"}:
        return None if text is None else text == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
