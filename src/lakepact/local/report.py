"""The report of an update: the JSON that machines read, and the text that people read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lakepact.local.result import (
    CheckResult,
    DatasetResult,
    DatasetState,
    ExpectationResult,
    PipelineResult,
    Refresh,
    UpdateResult,
    UpdateState,
)
from lakepact.plan.model import DatasetRole
from lakepact.toned_lines import Line, Span

__all__ = ["render_text", "report_lines", "to_json"]


_TONES = {DatasetState.COMPLETED: "good", DatasetState.FAILED: "bad", DatasetState.SKIPPED: "warn"}
# What the plan puts beside a published dataset.
_HELPERS = frozenset({DatasetRole.DUPLICATES, DatasetRole.QUARANTINE, DatasetRole.CHECKS, DatasetRole.GATE})
_DATASET_HEADINGS = ("dataset", "kind", "state", "output", "dropped", "quarantined")


def to_json(result: UpdateResult) -> dict[str, Any]:
    """The result as `lakepact run --json` writes it; counts are null where a flow failed and nothing is known."""
    return {
        "update_id": result.update_id,
        "state": result.state.value,
        "pipelines": [
            {"name": pipeline.name, "datasets": [_dataset_json(dataset) for dataset in pipeline.datasets]}
            for pipeline in result.pipelines
        ],
    }


def render_text(result: UpdateResult) -> str:
    """The report as plain text, without colours, ending in a newline."""
    lines = ("".join(span.text for span in line).rstrip() for line in report_lines(result))
    return "\n".join(lines) + "\n"


def report_lines(result: UpdateResult) -> Iterator[Line]:
    """The report line by line; only expectations with failed rows are listed, checks all."""
    state = Span(result.state.value, "good" if result.state is UpdateState.COMPLETED else "bad")
    yield (Span(f"update {result.update_id}  "), state)
    for pipeline in result.pipelines:
        yield ()
        yield from _pipeline_lines(pipeline)


def _dataset_json(dataset: DatasetResult) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "state": dataset.state.value,
        "refresh": dataset.refresh.value if dataset.refresh else None,
        "output_records": dataset.output_records,
        "dropped_records": dataset.dropped_records,
        "quarantined_records": dataset.quarantined_records,
        "expectations": [
            {
                "name": one.name,
                "rule_id": one.rule_id,
                "action": one.action,
                "passed_records": one.passed_records,
                "failed_records": one.failed_records,
            }
            for one in dataset.expectations
        ],
        "checks": [
            {
                "name": one.name,
                "rule_id": one.rule_id,
                "value": one.value,
                "threshold": one.threshold,
                "passed": one.passed,
                "action": one.action,
            }
            for one in dataset.checks
        ],
    }


def _pipeline_lines(pipeline: PipelineResult) -> Iterator[Line]:
    contract = f"  contract {pipeline.contract_id} {pipeline.contract_version}" if pipeline.contract_id else ""
    yield (Span(f"pipeline {pipeline.name}", "title"), Span(contract, "dim"))
    if pipeline.error:
        yield (Span(f"  error: {_folded(pipeline.error)}", "bad"),)
    datasets = [dataset for dataset in pipeline.datasets if not _is_told_by_another(dataset, pipeline)]
    if datasets:
        yield from _table(_DATASET_HEADINGS, map(_dataset_row, datasets), (3, 4, 5), 2)
    unchanged = [dataset.name for dataset in datasets if dataset.refresh is Refresh.NO_OP]
    if unchanged:
        yield (Span(f"  nothing new for {', '.join(unchanged)}: counts of the update that made them", "dim"),)
    for dataset in datasets:
        yield from _details(dataset)


def _is_told_by_another(dataset: DatasetResult, pipeline: PipelineResult) -> bool:
    """Whether the counts and checks of the published dataset say it all: `orders__quarantine` beside `orders`.

    What did not complete is never left out, nor what a hand-written pipeline calls so.
    """
    published, _, role = dataset.name.rpartition("__")
    return (
        dataset.state is DatasetState.COMPLETED
        and bool(pipeline.contract_id)
        and role.partition("_")[0] in _HELPERS
        and any(other.name == published for other in pipeline.datasets)
    )


def _dataset_row(dataset: DatasetResult) -> Sequence[Span]:
    counts = (dataset.output_records, dataset.dropped_records, dataset.quarantined_records)
    return (
        Span(dataset.name),
        Span(dataset.kind, "dim"),
        Span(dataset.state.value, _TONES[dataset.state]),
        *(Span(_number(count), "warn" if index and count else "") for index, count in enumerate(counts)),
    )


def _details(dataset: DatasetResult) -> Iterator[Line]:
    failed = [one for one in dataset.expectations if one.failed_records]
    if not (failed or dataset.checks or dataset.error):
        return
    yield ()
    yield (Span(f"  {dataset.name}", "title"), Span(_summary(dataset, failed), "dim"))
    if dataset.error:
        yield (Span(f"    error: {_folded(dataset.error)}", "bad"),)
    if failed:
        yield from _table(("expectation", "action", "failed", "passed"), map(_expectation_row, failed), (2, 3), 4)
    if dataset.checks:
        yield from _table(("check", "action", "value", "threshold", "result"), map(_check_row, dataset.checks), (2,), 4)


def _summary(dataset: DatasetResult, failed: Sequence[ExpectationResult]) -> str:
    parts = []
    if dataset.expectations:
        parts.append(f"{len(failed)} of {len(dataset.expectations)} expectations with failed rows")
    if dataset.checks:
        broken = sum(not one.passed for one in dataset.checks)
        parts.append(f"{broken} of {len(dataset.checks)} checks failed")
    return f": {', '.join(parts)}" if parts else ""


def _expectation_row(one: ExpectationResult) -> Sequence[Span]:
    failed = Span(_number(one.failed_records), "bad" if one.action == "fail" else "warn")
    return (Span(one.name), Span(one.action, "dim"), failed, Span(_number(one.passed_records)))


def _check_row(one: CheckResult) -> Sequence[Span]:
    bad = "bad" if one.action == "fail" else "warn"
    result = Span("passed", "good") if one.passed else Span("FAILED", bad)
    return (Span(one.name), Span(one.action, "dim"), Span(_value(one.value)), Span(one.threshold), result)


def _table(
    headings: Sequence[str], rows: Iterable[Sequence[Span]], right: Sequence[int], indent: int
) -> Iterator[Line]:
    body = [tuple(Span(heading, "dim") for heading in headings), *rows]
    widths = [max(len(row[index].text) for row in body) for index in range(len(headings))]
    for row in body:
        line = [Span(" " * indent)]
        for index, (span, width) in enumerate(zip(row, widths, strict=True)):
            text = span.text.rjust(width) if index in right else span.text.ljust(width)
            line += [Span(text, span.tone), Span("  ")]
        yield tuple(line)


def _number(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _value(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.6g}"
    return str(value)


def _folded(text: str) -> str:
    """The first line of a message; the rest of an engine's error is its plan, which the event log keeps."""
    return text.strip().splitlines()[0] if text.strip() else ""
