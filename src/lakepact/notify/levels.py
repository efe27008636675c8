"""Service levels in what a run says: a level that its data misses is the same matter as one that a clock finds missed.

A rule that measures a service level (`orders.ts.sla.latency`) says how the level stands, and so does whoever looks at
service levels by the clock. Both are told under the name of the level (`sla.latency`), so that there is one incident.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from lakepact.contract.model import Contract
from lakepact.results.levels import level_names, levels_by_rule
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.handling import Concern, Response, handling_of
from lakepact.rules.model import Action

__all__ = ["level_rule", "levels_in", "missed_action", "missed_status"]

_PREFIX: Final = "sla."
_ORDER: Final = (RuleStatus.FAIL, RuleStatus.WARN, RuleStatus.ERROR, RuleStatus.SKIPPED, RuleStatus.PASS)
_MISSED: Final = (RuleStatus.FAIL, RuleStatus.WARN)


def level_rule(level: str) -> str:
    """The name that the incident of a service level goes by.

    >>> level_rule("latency")
    'sla.latency'
    """
    return f"{_PREFIX}{level}"


def missed_action(contract: Contract) -> Action:
    """What a missed level leads to: a failure where the contract wants data blocked or set aside for it.

    That is what `lakepact.onSlaViolation` says; else it warns.
    """
    response = handling_of(contract).response(Concern.SLA)
    return Action.WARN if response in (None, Response.WARN) else Action.FAIL


def missed_status(action: Action) -> RuleStatus:
    """The status of a missed level."""
    return RuleStatus.WARN if action is Action.WARN else RuleStatus.FAIL


def levels_in(results: Iterable[RuleResult], contract: Contract) -> tuple[frozenset[str], tuple[RuleResult, ...]]:
    """The ids of the rules that measure service levels, and what the results say of these levels.

    One result for each level of a dataset and run, the worst of its rules. A rule that could not be evaluated says
    nothing of its level; a level that nothing measured is skipped, where others of the dataset are measured.
    """
    found = list(results)
    if not contract.sla_properties or not any(_is_measured(each) for each in found):
        return frozenset(), ()
    known = levels_by_rule(contract)
    measured = sorted((each for each in found if each.rule_id in known), key=_dataset_and_run)
    action = missed_action(contract)
    told = [
        each
        for _, group in groupby(measured, _dataset_and_run)
        for each in _levels(list(group), known, level_names(contract.sla_properties), action)
    ]
    return frozenset(known), tuple(told)


def _levels(
    measured: Sequence[RuleResult], known: Mapping[str, str], names: Iterable[str], action: Action
) -> Iterator[RuleResult]:
    for level in names:
        own = [each for each in measured if known[each.rule_id] == level]
        worst = min(own or measured, key=lambda each: _ORDER.index(each.status))
        status = RuleStatus.SKIPPED
        if own and worst.status is not RuleStatus.ERROR:
            status = missed_status(action) if worst.status in _MISSED else worst.status
        yield RuleResult(
            run_id=worst.run_id,
            contract_id=worst.contract_id,
            contract_version=worst.contract_version,
            object=worst.object,
            dataset=worst.dataset,
            rule_id=level_rule(level),
            rule_name=f"{level} {worst.object}.{worst.rule_name.partition('.sla.')[0]}" if own else level,
            action=action,
            status=status,
            at=worst.at,
            engine=worst.engine,
            value=worst.value if own else None,
            threshold=worst.threshold if own else None,
            message=worst.message if own else "",
        )


def _is_measured(result: RuleResult) -> bool:
    """Whether it may be of a rule that measures a service level; the rules themselves are asked only then."""
    return f".{_PREFIX}" in result.rule_id


def _dataset_and_run(result: RuleResult) -> tuple[str, str]:
    return result.dataset, result.run_id
