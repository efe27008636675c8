"""What is recorded of a dataset up to a moment: its runs, and the results of single rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from lakepact.results.model import RuleResult, RuleStatus, Verdict, verdict_of

__all__ = ["DatasetHistory", "RunSummary", "histories"]

_DECIDED = (RuleStatus.PASS, RuleStatus.WARN, RuleStatus.FAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run on one dataset. `at` is its last result; `succeeded` says that its verdict let the data through.

    `rows` were looked at (None where nothing counted rows). Of them at least `broken` and at most `suspect` break a
    rule: two rules may be broken by the same row, and a rule that could not be evaluated by any.
    """

    run_id: str
    at: datetime
    succeeded: bool
    rows: int | None
    broken: int
    suspect: int


@dataclass(frozen=True)
class DatasetHistory:
    """The results of one object in one dataset up to `now`, oldest first, and the number of those dated later."""

    object: str
    dataset: str
    results: tuple[RuleResult, ...]
    now: datetime
    future: int = 0

    @cached_property
    def runs(self) -> tuple[RunSummary, ...]:
        """The runs, oldest first."""
        found: dict[str, list[RuleResult]] = {}
        for result in self.results:
            found.setdefault(result.run_id, []).append(result)
        return tuple(sorted(map(_summary, found.values()), key=lambda run: (run.at, run.run_id)))

    @property
    def successes(self) -> tuple[RunSummary, ...]:
        """The runs that let the data through."""
        return tuple(run for run in self.runs if run.succeeded)

    def of_rule(self, rule_id: str) -> tuple[RuleResult, ...]:
        """The results of a rule, oldest first."""
        return tuple(each for each in self.results if each.rule_id == rule_id)

    def decided(self, rule_id: str) -> tuple[RuleResult, ...]:
        """Those of them that say pass or violated, and not that it could not be evaluated."""
        return tuple(each for each in self.of_rule(rule_id) if each.status in _DECIDED)


def histories(
    results: Iterable[RuleResult], *, contract_id: str, now: datetime, dataset: str | None = None
) -> tuple[DatasetHistory, ...]:
    """The histories of a contract, by object and dataset; results after `now` are counted and left out."""
    groups: dict[tuple[str, str], list[RuleResult]] = {}
    for result in results:
        if result.contract_id == contract_id and dataset in (None, result.dataset):
            groups.setdefault((result.object, result.dataset), []).append(result)
    return tuple(
        DatasetHistory(
            name,
            place,
            tuple(sorted((each for each in group if each.at <= now), key=lambda each: each.at)),
            now,
            sum(each.at > now for each in group),
        )
        for (name, place), group in sorted(groups.items())
    )


def _summary(results: Sequence[RuleResult]) -> RunSummary:
    # A run that was refused and came again has two results of a rule: the last one stands.
    last = {(each.rule_id, each.engine): each for each in results}.values()
    counted = [each for each in last if each.tested is not None]
    rows = max((each.tested or 0 for each in counted), default=None)
    violations = [each.violations or 0 for each in counted]
    error = any(each.status is RuleStatus.ERROR for each in last)
    return RunSummary(
        run_id=results[0].run_id,
        at=max(each.at for each in last),
        succeeded=verdict_of(last) is not Verdict.FAIL,
        rows=rows,
        broken=max(violations, default=0),
        suspect=(rows or 0) if error else min(rows or 0, sum(violations)),
    )
