"""The life of a record: which decision is possible in which status, and what a trail of decisions comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from lakepact.errors import LifecycleRefused
from lakepact.quarantine.model import Act, Decision, Status

__all__ = ["OPEN", "STEPS", "State", "fold", "next_status", "refuse_gone", "seen_status"]

OPEN: Final = frozenset({Status.QUARANTINED, Status.IN_REVIEW, Status.APPROVED, Status.CORRECTED})
"""The statuses of a record that waits for somebody; such a record expires."""

_READY: Final = (Status.APPROVED, Status.CORRECTED)
_AGAIN: Final = (Status.QUARANTINED, Status.APPROVED, Status.CORRECTED, Status.REJECTED)

STEPS: Final[Mapping[Act, Mapping[Status, Status]]] = MappingProxyType(
    {
        Act.REVIEW: dict.fromkeys(_AGAIN, Status.IN_REVIEW),
        Act.APPROVE: {Status.IN_REVIEW: Status.APPROVED},
        Act.CORRECT: {Status.IN_REVIEW: Status.CORRECTED, Status.CORRECTED: Status.CORRECTED},
        Act.REJECT: {Status.IN_REVIEW: Status.REJECTED},
        Act.CLAIM: {each: each for each in _READY},
        Act.RELEASE: {each: each for each in _READY},
        Act.RETURN: dict.fromkeys(_READY, Status.IN_REVIEW),
        Act.REPLAY: dict.fromkeys(_READY, Status.REPLAYED),
        Act.PURGE: {each: Status.PURGED for each in Status if each not in (Status.PURGED, Status.EXPIRED)},
    }
)
"""The status after a decision, by the status before it; what is not there is not possible."""

_ENDS_CLAIM: Final = frozenset({Act.RELEASE, Act.RETURN, Act.REPLAY})
_REVIVES: Final = frozenset({Act.REVIEW, Act.APPROVE, Act.CORRECT, Act.REJECT, Act.CLAIM})


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the decisions about a record come to. `failed_rules` is None before a decision said anything of them."""

    status: Status = Status.QUARANTINED
    version: int = 0
    correction: str = ""
    replay_run: str = ""
    claimed_at: datetime | None = None
    failed_rules: tuple[str, ...] | None = None
    skipped_checks: bool = False


def fold(decisions: Iterable[Decision]) -> State:
    """The state after decisions about one record, whatever their order.

    >>> fold([]).status.value
    'quarantined'
    """
    state = State()
    for each in sorted(decisions, key=lambda decision: decision.sequence):
        claims = each.act is Act.CLAIM
        state = State(
            status=each.status,
            version=each.sequence,
            correction=each.correction or state.correction,
            replay_run=each.replay_run if claims else "",
            claimed_at=each.at if claims else None,
            failed_rules=each.failed_rules,
            skipped_checks=each.skipped_checks,
        )
    return state


def seen_status(status: Status, expires_at: datetime | None, now: datetime) -> Status:
    """The status as it is seen at a moment: what still waits for somebody expires."""
    expired = status in OPEN and expires_at is not None and expires_at <= now
    return Status.EXPIRED if expired else status


def next_status(state: State, act: Act, *, record: str, expired: bool = False) -> Status:
    """The status after `act`.

    A record that a replay has claimed takes only what ends the claim. Raises LifecycleRefused: LP983 for a record that
    is expired or purged, LP982 for any other step that is not possible.

    >>> next_status(State(status=Status.IN_REVIEW), Act.APPROVE, record="ab").value
    'approved'
    """
    if act in _REVIVES and (expired or state.status is Status.PURGED):
        raise refuse_gone(record, Status.EXPIRED if state.status is not Status.PURGED else Status.PURGED, act)
    if bool(state.replay_run) != (act in _ENDS_CLAIM) and (state.replay_run or act is not Act.RETURN):
        why = f"the replay {state.replay_run} has claimed it" if state.replay_run else "no replay has claimed it"
        raise _refused(record, act, why, "run the replay again: it ends what was begun")
    found = STEPS[act].get(state.status)
    if found is None:
        allowed = sorted(each.value for each in STEPS[act])
        raise _refused(record, act, f"it is {state.status}", f"{act} is possible for {', '.join(allowed)}")
    return found


def refuse_gone(record: str, status: Status, act: Act) -> LifecycleRefused:
    """The error LP983 for a record whose data is gone, or whose time is over."""
    return LifecycleRefused(
        f"{act} of {record} is refused: it is {status}",
        "LP983",
        "take the data from its source again",
        {"record": record, "status": status.value},
    )


def _refused(record: str, act: Act, why: str, hint: str) -> LifecycleRefused:
    return LifecycleRefused(f"{act} of {record} is refused: {why}", "LP982", hint, {"record": record})
