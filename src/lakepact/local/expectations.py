"""Expectations on the open-source engine: one pass that counts, drops and fails as Databricks documents.

Every constraint is evaluated once per row and leaves one bit in a mask (set: the constraint is not TRUE). The counts
are an observation on the same write, so a dataset with expectations reads its input no more often than one without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakepact.local.definitions import ExpectationAction, ExpectationDefinition
from lakepact.quality.masks import MaskLevel, Masks
from lakepact.sql import string

__all__ = ["FAILED_MARK", "Guard", "Stage", "Tally", "guard"]

FAILED_MARK = "EXPECTATION_FAILED"

_INPUT = "n"
_DROPPED = "dropped"
_WATCHED = "watched"


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one update of one dataset: rows that came in, rows that were dropped, violations by expectation.

    `watched_records` are rows that break at least one of the expectations that the guard was asked to watch.
    """

    input_records: int
    dropped_records: int
    failed_records: tuple[int, ...]
    watched_records: int = 0

    @property
    def output_records(self) -> int:
        """Rows that were written."""
        return self.input_records - self.dropped_records


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the expectations: `marks` are added to the row, `metrics` observed over all rows by name."""

    marks: tuple[str, ...]
    metrics: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Guard:
    """The SQL that puts expectations around the rows of one dataset.

    `stages` mark and count, one after the other; `refusal` raises for a row that must stop the update, `keep` is the
    filter of the rows that stay, `mark_columns` (quoted) are taken away again.
    """

    stages: tuple[Stage, ...]
    mark_columns: tuple[str, ...]
    refusal: str
    keep: str
    size: int

    def apply(self, frame: Any, *, observation: str) -> Any:
        """`frame` with its expectations enforced and counted under the name `observation`."""
        from pyspark.sql.connect import functions as F

        observed = frame
        for name, stage in zip(self.observed_as(observation), self.stages, strict=True):
            marked = observed.selectExpr("*", *stage.marks) if stage.marks else observed
            observed = marked.observe(name, *(F.expr(sql).alias(metric) for metric, sql in stage.metrics.items()))
        if self.refusal:
            observed = observed.where(self.refusal)
        if self.keep:
            observed = observed.where(self.keep)
        if not self.mark_columns:
            return observed
        return observed.selectExpr(f"* EXCEPT ({', '.join(self.mark_columns)})")

    def observed_as(self, observation: str) -> tuple[str, ...]:
        """The names that the metrics of the stages are observed under."""
        return tuple(f"{observation}/{number}" for number in range(len(self.stages)))

    def tally(self, values: Mapping[str, int]) -> Tally:
        """The counts in the observed values; a value that is not there is zero: no rows came."""
        failed = tuple(values.get(f"f{index}", 0) for index in range(self.size))
        return Tally(values.get(_INPUT, 0), values.get(_DROPPED, 0), failed, values.get(_WATCHED, 0))


def guard(
    dataset: str, expectations: Sequence[ExpectationDefinition], *, watched: frozenset[str] = frozenset()
) -> Guard:
    """The guard of `dataset`; without expectations it counts rows only. `watched` are names of expectations.

    A constraint that is NULL counts as violated, as on Databricks. A row that breaks a `fail` expectation stops the
    update, with the names of the broken expectations and the row in the message.
    """
    masks = Masks(tuple(expectation.constraint for expectation in expectations))
    dropping = masks.any_broken(lambda position: expectations[position].action is ExpectationAction.DROP)
    totals = {
        _INPUT: "count(1)",
        _DROPPED: _count(dropping),
        _WATCHED: _count(masks.any_broken(lambda position: expectations[position].name in watched)),
    }
    return Guard(
        stages=tuple(_stages(masks, totals)),
        mark_columns=masks.names,
        refusal=_refusal(dataset, expectations, masks),
        keep=_negated(dropping),
        size=len(expectations),
    )


def _stages(masks: Masks, totals: Mapping[str, str]) -> Iterator[Stage]:
    """The last stage sees all masks and counts the rows, too."""
    levels = list(masks.levels()) or [MaskLevel((), range(0))]
    for level in levels:
        counts = {f"f{position}": _count(masks.broken(position)) for position in level.positions}
        yield Stage(level.columns, {**(totals if level is levels[-1] else {}), **counts})


def _count(condition: str) -> str:
    # Not `count_if`: Spark computes its condition in a column of its own, and copies hundreds of them with every row.
    return f"count(if({condition}, 1, NULL))" if condition else "count(NULL)"


def _negated(condition: str) -> str:
    return f"NOT ({condition})" if condition else ""


def _refusal(dataset: str, expectations: Sequence[ExpectationDefinition], masks: Masks) -> str:
    failing = [at for at, expectation in enumerate(expectations) if expectation.action is ExpectationAction.FAIL]
    if not failing:
        return ""
    names = masks.broken_names([(position, string(expectations[position].name)) for position in failing])
    message = f"concat({string(f'{FAILED_MARK} {dataset}: ')}, to_json({names}))"
    # IS NULL keeps the optimiser from folding the call away: raise_error never returns, so the row never passes.
    return f"if({masks.any_broken(set(failing).__contains__)}, raise_error({message}) IS NULL, true)"
