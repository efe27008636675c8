"""What the receiver counts: its answers by status, and how long they took."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import Final

__all__ = ["ANSWERS", "ANSWER_SECONDS", "SECONDS", "Counted", "Tally"]

ANSWERS: Final = ("lakepact_webhook_answers", "Answers to notices by status.")
"""The counter by the label `status`, and what it says; in the text of Prometheus its name ends in `_total`."""

ANSWER_SECONDS: Final = ("lakepact_webhook_answer_seconds", "Time from the head of a request to its answer.")
"""The histogram, and what it says."""

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The bounds of its buckets; the last bucket has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted until a moment: answers by status, those that took no longer than each bound, and their time.

    The last bound is infinite.
    """

    answers: Mapping[int, int]
    buckets: tuple[tuple[float, int], ...]
    seconds: float


class Tally:
    """Answers since the process began. Threads may share one.

    >>> tally = Tally()
    >>> tally.count(202, 0.004); tally.count(202, 0.5)
    >>> found = tally.counted()
    >>> found.answers, found.buckets[:2], found.buckets[-1], found.seconds
    ({202: 2}, ((0.005, 1), (0.01, 1)), (inf, 2), 0.504)
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[int] = Counter()
        self._buckets = [0] * (len(SECONDS) + 1)
        self._seconds = 0.0

    def count(self, status: int, seconds: float) -> None:
        """Count an answer."""
        with self._lock:
            self._answers[status] += 1
            self._buckets[bisect_left(SECONDS, seconds)] += 1
            self._seconds += seconds

    def counted(self) -> Counted:
        """Everything until now."""
        with self._lock:
            return Counted(
                answers=dict(sorted(self._answers.items())),
                buckets=tuple(zip((*SECONDS, inf), accumulate(self._buckets), strict=True)),
                seconds=self._seconds,
            )
