"""The steps that a version can take through its life.

From each status the arrows lead to those that can follow:

    draft ──▶ in review ──▶ validated ──▶ deprecated ──▶ retired
      ▲  ▲        │  │
      │  └────────┘  ▼
      └───────── rejected
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lakepact.errors import LifecycleRefused
from lakepact.store.model import Status

__all__ = ["first_statuses", "next_statuses", "refuse_first", "refuse_step", "steps_towards"]

_STEPS: Final[Mapping[Status, tuple[Status, ...]]] = MappingProxyType(
    {
        Status.DRAFT: (Status.IN_REVIEW,),
        Status.IN_REVIEW: (Status.VALIDATED, Status.DRAFT, Status.REJECTED),
        Status.REJECTED: (Status.DRAFT,),
        Status.VALIDATED: (Status.DEPRECATED,),
        Status.DEPRECATED: (Status.RETIRED,),
        Status.RETIRED: (),
    }
)
_NO_REVIEW: Final = "a store that is opened with review_required=False lets drafts become validated at once"


def next_statuses(status: Status, *, review_required: bool = True) -> tuple[Status, ...]:
    """The statuses that a version can have after this one; without required reviews a draft can be validated at once.

    >>> [status.value for status in next_statuses(Status.IN_REVIEW)]
    ['validated', 'draft', 'rejected']
    """
    direct = (Status.VALIDATED,) if status is Status.DRAFT and not review_required else ()
    return _STEPS[status] + direct


def first_statuses(*, review_required: bool = True) -> tuple[Status, ...]:
    """The statuses that bytes can be put with."""
    return (Status.DRAFT, Status.IN_REVIEW) if review_required else (Status.DRAFT, Status.IN_REVIEW, Status.VALIDATED)


def steps_towards(start: Status, end: Status, *, review_required: bool = True) -> tuple[Status, ...]:
    """The fewest steps that lead from one status to another, `end` included; empty where there are none.

    >>> [status.value for status in steps_towards(Status.DRAFT, Status.DEPRECATED)]
    ['in review', 'validated', 'deprecated']
    """
    paths: list[tuple[Status, ...]] = [(start,)]
    seen = {start}
    for path in paths:
        if path[-1] is end:
            return path[1:]
        for status in next_statuses(path[-1], review_required=review_required):
            if status not in seen:
                seen.add(status)
                paths.append((*path, status))
    return ()


def refuse_step(what: str, start: Status, end: Status, *, review_required: bool) -> None:
    """Raise LifecycleRefused LP852 where `what`, which is `start`, cannot become `end` in one step."""
    allowed = next_statuses(start, review_required=review_required)
    if end in allowed:
        return
    hint = f"from {start} it can become {_either(allowed)}" if allowed else f"{start} is the end of its life"
    if start is Status.DRAFT and end is Status.VALIDATED:
        hint = f"{hint}; {_NO_REVIEW}"
    facts = {"status": start.value, "wanted": end.value, "allowed": [status.value for status in allowed]}
    raise LifecycleRefused(f"{what} is {start} and cannot become {end}", "LP852", hint, facts)


def refuse_first(what: str, status: Status, *, review_required: bool) -> None:
    """Raise LifecycleRefused LP852 where bytes cannot be put with that status."""
    allowed = first_statuses(review_required=review_required)
    if status in allowed:
        return
    hint = f"put it as {_either(allowed)}"
    if status is Status.VALIDATED:
        hint = f"{hint}; {_NO_REVIEW}"
    facts = {"status": None, "wanted": status.value, "allowed": [each.value for each in allowed]}
    raise LifecycleRefused(f"{what} cannot begin as {status}", "LP852", hint, facts)


def _either(statuses: tuple[Status, ...]) -> str:
    *others, last = (str(status) for status in statuses)
    return f"{', '.join(others)} or {last}" if others else last
