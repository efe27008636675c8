"""Metrics of Prometheus from results: names, labels, and the samples of a moment.

Labels name contracts, objects, datasets, rules and dimensions, and words of fixed lists (status, verdict, state); no
label or sample holds a value of the data. What has one of several states is a set of samples, of which one is 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Final

from lakepact.results.levels import LevelResult, LevelState
from lakepact.results.model import RuleResult, RuleStatus, Verdict, verdict_of

__all__ = ["METRICS", "SERIES_LIMIT", "Metric", "MetricKind", "Sample", "Snapshot", "samples_of"]

SERIES_LIMIT: Final = 2000
"""How many rules of how many datasets have samples at most; those that were evaluated last have."""


class MetricKind(StrEnum):
    """The type of a metric, in the words of Prometheus."""

    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its name, labels in order, and what it says."""

    name: str
    labels: tuple[str, ...]
    help: str
    kind: MetricKind = MetricKind.GAUGE


@dataclass(frozen=True, slots=True)
class Sample:
    """A number of a metric; the values of labels are in the order of its labels."""

    metric: Metric
    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is known at a moment: the last results of rules, service levels, and rows in quarantine.

    `quarantined` counts the rows that wait, by contract, object and dataset.
    """

    results: Sequence[RuleResult] = ()
    levels: Sequence[LevelResult] = ()
    quarantined: Mapping[tuple[str, str, str], int] = field(default_factory=dict)


_DATASET: Final = ("contract", "object", "dataset")
_RULE: Final = (*_DATASET, "rule", "dimension")

_INFO: Final = Metric("lakepact_contract_info", ("contract", "version"), "1 for the version that was looked at last.")
_STATUS: Final = Metric(
    "lakepact_rule_status",
    (*_RULE, "status"),
    "1 for the status of the rule in its last run (pass, warn, fail, error, skipped), else 0.",
)
_VIOLATIONS: Final = Metric(
    "lakepact_rule_violations", _RULE, "Rows that break the rule in its last run; only of rules on rows."
)
_TESTED: Final = Metric("lakepact_rule_tested", _RULE, "Rows that the rule was held against in its last run.")
_LAST_RUN: Final = Metric(
    "lakepact_last_run_timestamp_seconds", _DATASET, "When the last run on the dataset reported, since 1970."
)
_VERDICT: Final = Metric(
    "lakepact_run_verdict",
    (*_DATASET, "verdict"),
    "1 for the verdict of the last run on the dataset (pass, warn, quarantine, fail), else 0.",
)
_ROWS: Final = Metric("lakepact_run_rows", _DATASET, "Rows that the last run on the dataset looked at.")
_DURATION: Final = Metric(
    "lakepact_check_duration_seconds",
    (*_DATASET, "engine"),
    "Time that the engine took for the rules of the last run that it evaluated one by one.",
)
_LEVEL: Final = Metric(
    "lakepact_sla_status",
    (*_DATASET, "level", "state"),
    "1 for the state of the service level (met, missed, unknown), else 0.",
)
_QUARANTINED: Final = Metric("lakepact_quarantined_rows", _DATASET, "Rows of the dataset that wait in quarantine.")
_LEFT_OUT: Final = Metric("lakepact_series_left_out", (), "Rules that have no samples, because there are too many.")
_UP: Final = Metric("lakepact_up", (), "1 where the results could be read the last time, else 0.")
_READ_AT: Final = Metric(
    "lakepact_last_read_timestamp_seconds", (), "When the results were read successfully the last time, since 1970."
)
_READS: Final = Metric("lakepact_reads_total", (), "Times that the results were read.", MetricKind.COUNTER)
_FAILURES: Final = Metric(
    "lakepact_read_failures_total", (), "Times that the results could not be read.", MetricKind.COUNTER
)

METRICS: Final = (
    _INFO,
    _STATUS,
    _VIOLATIONS,
    _TESTED,
    _LAST_RUN,
    _VERDICT,
    _ROWS,
    _DURATION,
    _LEVEL,
    _QUARANTINED,
    _LEFT_OUT,
    _UP,
    _READ_AT,
    _READS,
    _FAILURES,
)
"""Every metric of lakepact. The last four speak of the exporter itself."""

_WORST_STATUS: Final = (RuleStatus.PASS, RuleStatus.SKIPPED, RuleStatus.WARN, RuleStatus.ERROR, RuleStatus.FAIL)
_WORST_STATE: Final = (LevelState.MET, LevelState.UNKNOWN, LevelState.MISSED)


def samples_of(snapshot: Snapshot, *, limit: int = SERIES_LIMIT) -> Iterator[Sample]:
    """The samples of a snapshot, each label set once; `limit` bounds the rules that have any.

    Of a rule that several engines evaluated in its last run, the worst result counts; of a service level for several
    elements of one object, the worst state.
    """
    rules = _last_of_rules(snapshot.results)
    kept = sorted(rules, key=lambda each: each.at, reverse=True)[:limit]
    yield from _infos(rules)
    for result in sorted(kept, key=_rule_labels):
        labels = _rule_labels(result)
        yield from _set(_STATUS, labels, RuleStatus, result.status)
        for metric, value in ((_VIOLATIONS, result.violations), (_TESTED, result.tested)):
            if value is not None:
                yield Sample(metric, labels, float(value))
    yield from _runs(snapshot.results, {_dataset_labels(each) for each in kept})
    yield from _levels(snapshot.levels)
    for key, rows in sorted(snapshot.quarantined.items()):
        yield Sample(_QUARANTINED, key, float(rows))
    yield Sample(_LEFT_OUT, (), float(len(rules) - len(kept)))


def _last_of_rules(results: Iterable[RuleResult]) -> list[RuleResult]:
    """One result for each rule on each dataset: of its last run, the worst of all engines."""
    found = []
    by_rule = sorted(results, key=lambda each: (*_dataset_labels(each), each.rule_id, each.at))
    for _, same in groupby(by_rule, key=lambda each: (*_dataset_labels(each), each.rule_id)):
        group = list(same)
        last_run = [each for each in group if each.run_id == group[-1].run_id]
        found.append(max(last_run, key=lambda each: _WORST_STATUS.index(each.status)))
    return found


def _infos(results: Iterable[RuleResult]) -> Iterator[Sample]:
    by_contract = sorted(results, key=lambda each: (each.contract_id, each.at))
    for contract, same in groupby(by_contract, key=lambda each: each.contract_id):
        yield Sample(_INFO, (contract, list(same)[-1].contract_version), 1.0)


def _runs(results: Iterable[RuleResult], kept: set[tuple[str, ...]]) -> Iterator[Sample]:
    by_dataset = sorted(results, key=lambda each: (*_dataset_labels(each), each.at))
    for labels, same in groupby(by_dataset, key=_dataset_labels):
        if labels not in kept:
            continue
        group = list(same)
        run = [each for each in group if each.run_id == group[-1].run_id]
        yield Sample(_LAST_RUN, labels, run[-1].at.timestamp())
        yield from _set(_VERDICT, labels, Verdict, verdict_of(run))
        counted = [each.tested for each in run if each.tested is not None]
        if counted:
            yield Sample(_ROWS, labels, float(max(counted)))
        for engine in sorted({each.engine for each in run if each.seconds is not None}):
            seconds = sum(each.seconds or 0.0 for each in run if each.engine == engine)
            yield Sample(_DURATION, (*labels, engine), seconds)


def _levels(levels: Iterable[LevelResult]) -> Iterator[Sample]:
    def labels(each: LevelResult) -> tuple[str, ...]:
        return (each.contract_id, each.object, each.dataset, each.level)

    for key, same in groupby(sorted(levels, key=labels), key=labels):
        worst = max((each.state for each in same), key=_WORST_STATE.index)
        yield from _set(_LEVEL, key, LevelState, worst)


def _set(metric: Metric, labels: tuple[str, ...], states: Iterable[StrEnum], now: StrEnum) -> Iterator[Sample]:
    for state in states:
        yield Sample(metric, (*labels, state.value), float(state is now))


def _dataset_labels(result: RuleResult) -> tuple[str, ...]:
    return (result.contract_id, result.object, result.dataset)


def _rule_labels(result: RuleResult) -> tuple[str, ...]:
    return (*_dataset_labels(result), result.rule_id, result.dimension or "")
