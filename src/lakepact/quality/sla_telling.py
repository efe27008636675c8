"""Service levels told to people: what is missed opens an incident, and what is met again ends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from itertools import groupby
from typing import Final

from lakepact.contract.model import Contract
from lakepact.notify import Notifier, Topic
from lakepact.notify.levels import level_rule, missed_action, missed_status
from lakepact.results.levels import LevelResult, LevelState
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import Action

__all__ = ["tell_levels", "told_levels"]

_ORDER: Final = (LevelState.MISSED, LevelState.UNKNOWN, LevelState.MET)


def tell_levels(notifier: Notifier, contract: Contract, levels: Iterable[LevelResult]) -> bool:
    """Write down for the notifier how service levels stand; whether that was done. Never raises and never sends.

    One incident for each service level of a dataset: it opens when the level is missed and ends when it is met, not
    when it is unknown. It is the same one, whether the clock or the data of a run says so.
    """
    return notifier.notify(told_levels(contract, levels), contract, topic=Topic.LEVELS)


def told_levels(contract: Contract, levels: Iterable[LevelResult]) -> tuple[RuleResult, ...]:
    """The service levels as results of a rule `sla.<level>` each; those of no dataset are left out.

    A level that several elements have is as the worst of them. Where the contract wants data blocked or set aside for
    a missed level (`lakepact.onSlaViolation`) it is a failure, else a warning.
    """
    action = missed_action(contract)
    known = sorted((each for each in levels if each.dataset), key=_level_and_dataset)
    return tuple(_told(list(group), action) for _, group in groupby(known, _level_and_dataset))


def _level_and_dataset(level: LevelResult) -> tuple[str, str]:
    return level.dataset, level.level


def _told(levels: Sequence[LevelResult], action: Action) -> RuleResult:
    worst = min(levels, key=lambda each: _ORDER.index(each.state))
    statuses = {
        LevelState.MET: RuleStatus.PASS,
        LevelState.UNKNOWN: RuleStatus.SKIPPED,
        LevelState.MISSED: missed_status(action),
    }
    return RuleResult(
        run_id=f"sla-{worst.at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        contract_id=worst.contract_id,
        contract_version=worst.contract_version,
        object=worst.object,
        dataset=worst.dataset,
        rule_id=level_rule(worst.level),
        rule_name=f"{worst.level} {worst.element or worst.object}".strip(),
        action=action,
        status=statuses[worst.state],
        at=worst.at,
        engine="sla",
        value=worst.measured or None,
        threshold=worst.limit or None,
        message="; ".join(_sentences(worst, [each for each in levels if each is not worst])),
    )


def _sentences(worst: LevelResult, others: Iterable[LevelResult]) -> Iterator[str]:
    if worst.since is not None:
        yield f"since {worst.since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if worst.reason:
        yield worst.reason
    for each in others:
        if each.state is LevelState.MISSED:
            yield f"{each.element or each.object} is missed, too: {each.measured or each.reason}, {each.limit}"
