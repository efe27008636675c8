"""When to ask again: which answers pass, how long to wait, and what a Retry-After header says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["TRANSIENT", "RetryPolicy", "retry_after"]

TRANSIENT: Final = frozenset({429, 500, 502, 503, 504})
"""The HTTP statuses after which the same request can succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long to wait: pauses grow from `first` to `longest` seconds, each a random part of it.

    A server that asks for more than `patience` seconds is taken to be away: a job should not hang for hours.
    """

    retries: int = 4
    first: float = 0.5
    longest: float = 20.0
    patience: float = 60.0

    def pause(self, attempt: int, asked: float | None, chance: Callable[[], float]) -> float | None:
        """Seconds to wait after that attempt (from 0), None to give up; `chance` gives numbers from 0 to 1.

        >>> RetryPolicy().pause(2, None, lambda: 1.0), RetryPolicy().pause(2, 7.0, lambda: 0.0)
        (2.0, 7.0)
        >>> RetryPolicy().pause(4, None, lambda: 1.0) is None
        True
        """
        if attempt >= self.retries:
            return None
        if asked is None:
            return chance() * float(min(self.longest, self.first * 2.0**attempt))
        return asked + chance() * self.first if asked <= self.patience else None


def retry_after(text: str, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or as a date; None without a valid one.

    >>> moment = datetime(2024, 1, 31, 10, 0, tzinfo=UTC)
    >>> retry_after("120", moment), retry_after("Wed, 31 Jan 2024 10:00:30 GMT", moment), retry_after("soon", moment)
    (120.0, 30.0, None)
    """
    stripped = text.strip()
    if stripped.isascii() and stripped.isdecimal():
        return float(stripped[:12])
    try:
        moment = parsedate_to_datetime(stripped)
    except ValueError:
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp())
