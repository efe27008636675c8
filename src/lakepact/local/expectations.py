"""Expectations on the open-source engine: one pass that counts, drops and fails as Databricks documents.

Every constraint is evaluated once per row and leaves one bit in a mask (set: the constraint is not TRUE). The counts
are an observation on the same write, so a dataset with expectations reads its input no more often than one without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakepact.local.definitions import ExpectationAction, ExpectationDefinition
from lakepact.sql import identifier, string

__all__ = ["FAILED_MARK", "Guard", "Stage", "Tally", "guard"]

FAILED_MARK = "EXPECTATION_FAILED"

# Bits a mask column: as many as fit an INT without its sign.
_BITS = 31
# Text of the constraints that are computed and counted together. One method computes them, and Java refuses one of over
# 64 kB, which is about 16,000 characters of SQL; Spark then takes a way that is ten times slower. Few large stages are
# better than many: each copies the row.
_TEXT_A_STAGE = 9_600
_Choice = Callable[[ExpectationDefinition], bool]
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
    filter of the rows that stay, `mark_names` are taken away again.
    """

    stages: tuple[Stage, ...]
    mark_names: tuple[str, ...]
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
        if not self.mark_names:
            return observed
        return observed.selectExpr(f"* EXCEPT ({', '.join(identifier(name) for name in self.mark_names)})")

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
    masks = tuple(_Mask(number, group) for number, group in enumerate(_groups(expectations)))
    dropping = _any_bit(masks, lambda expectation: expectation.action is ExpectationAction.DROP)
    totals = {
        _INPUT: "count(1)",
        _DROPPED: _count(dropping),
        _WATCHED: _count(_any_bit(masks, lambda expectation: expectation.name in watched)),
    }
    return Guard(
        stages=tuple(_stages(masks, totals)),
        mark_names=tuple(mask.name for mask in masks),
        refusal=_refusal(dataset, masks),
        keep=_negated(dropping),
        size=len(expectations),
    )


def _stages(masks: Sequence[_Mask], totals: Mapping[str, str]) -> Iterator[Stage]:
    """The masks in groups; the last stage sees all of them and counts the rows."""
    groups: list[list[_Mask]] = [[]]
    for mask in masks:
        if groups[-1] and sum(each.length for each in groups[-1]) + mask.length > _TEXT_A_STAGE:
            groups.append([])
        groups[-1].append(mask)
    for group in groups:
        counts = {name: count for mask in group for name, count in mask.counts()}
        last = totals if group is groups[-1] else {}
        yield Stage(tuple(mask.column() for mask in group), {**last, **counts})


def _groups(expectations: Sequence[ExpectationDefinition]) -> Iterator[tuple[ExpectationDefinition, ...]]:
    for start in range(0, len(expectations), _BITS):
        yield tuple(expectations[start : start + _BITS])


@dataclass(frozen=True, slots=True)
class _Mask:
    number: int
    expectations: tuple[ExpectationDefinition, ...]

    @property
    def name(self) -> str:
        return f"_lakepact_mask_{self.number}"

    @property
    def length(self) -> int:
        """Characters of its constraints."""
        return sum(len(expectation.constraint) for expectation in self.expectations)

    def column(self) -> str:
        # A constraint that is NULL takes the second branch of `if`, as one that is FALSE does. The line breaks keep a
        # comment at the end of a constraint from swallowing the bracket.
        bits = (f"if((\n{e.constraint}\n), 0, {1 << position})" for position, e in enumerate(self.expectations))
        return f"{' | '.join(bits)} AS {identifier(self.name)}"

    def counts(self) -> Iterator[tuple[str, str]]:
        """Name and SQL of the number of violations, for each expectation by its place among all of them."""
        for position in range(len(self.expectations)):
            yield f"f{self.number * _BITS + position}", _count(f"({identifier(self.name)} & {1 << position}) <> 0")

    def bits_of(self, chosen: _Choice) -> int:
        return sum(1 << position for position, e in enumerate(self.expectations) if chosen(e))


def _any_bit(masks: Sequence[_Mask], chosen: _Choice) -> str:
    tests = ((mask.name, mask.bits_of(chosen)) for mask in masks)
    return " OR ".join(f"({identifier(name)} & {bits}) <> 0" for name, bits in tests if bits)


def _count(condition: str) -> str:
    # Not `count_if`: Spark computes its condition in a column of its own, and copies hundreds of them with every row.
    return f"count(if({condition}, 1, NULL))" if condition else "count(NULL)"


def _negated(condition: str) -> str:
    return f"NOT ({condition})" if condition else ""


def _refusal(dataset: str, masks: Sequence[_Mask]) -> str:
    broken = _any_bit(masks, lambda expectation: expectation.action is ExpectationAction.FAIL)
    if not broken:
        return ""
    names = ", ".join(
        f"if(({identifier(mask.name)} & {1 << position}) <> 0, {string(e.name)}, NULL)"
        for mask in masks
        for position, e in enumerate(mask.expectations)
        if e.action is ExpectationAction.FAIL
    )
    message = f"concat({string(f'{FAILED_MARK} {dataset}: ')}, to_json(array_compact(array({names}))))"
    # IS NULL keeps the optimiser from folding the call away: raise_error never returns, so the row never passes.
    return f"if({broken}, raise_error({message}) IS NULL, true)"
