"""Sets of accepted numbers as disjoint intervals, exact, so that thresholds of both contracts compare as sets."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from lakepact.diff.effects import Relation, ordered

__all__ = ["EVERYTHING", "Cut", "NumberSet"]

Cut = tuple[Fraction | float, int]
"""A place between numbers: just below the value (0) or just above it (1)."""

_BOTTOM: Cut = (-math.inf, 0)
_TOP: Cut = (math.inf, 1)


@dataclass(frozen=True, slots=True)
class NumberSet:
    """Intervals from cut to cut, disjoint and in order."""

    intervals: tuple[tuple[Cut, Cut], ...]

    @classmethod
    def interval(
        cls,
        low: Fraction | None = None,
        high: Fraction | None = None,
        *,
        low_inclusive: bool = True,
        high_inclusive: bool = True,
    ) -> NumberSet:
        """All numbers from `low` to `high`; None is no bound."""
        start = _BOTTOM if low is None else (low, 0 if low_inclusive else 1)
        end = _TOP if high is None else (high, 1 if high_inclusive else 0)
        return cls(((start, end),) if start < end else ())

    def __and__(self, other: NumberSet) -> NumberSet:
        found = [(max(a[0], b[0]), min(a[1], b[1])) for a in self.intervals for b in other.intervals]
        return NumberSet(tuple(sorted((low, high) for low, high in found if low < high)))

    def complement(self) -> NumberSet:
        """All other numbers."""
        edges = [_BOTTOM, *(cut for interval in self.intervals for cut in interval), _TOP]
        gaps = zip(edges[::2], edges[1::2], strict=True)
        return NumberSet(tuple((low, high) for low, high in gaps if low < high))

    def whole(self) -> NumberSet:
        """The whole numbers of the set, as intervals with their ends.

        >>> NumberSet.interval(None, Fraction(1), high_inclusive=False).whole().intervals[0][1]
        (Fraction(0, 1), 1)
        """
        found: list[tuple[Cut, Cut]] = []
        for (low, above), (high, below) in self.intervals:
            # The only floats are the infinities.
            first = low if isinstance(low, float) else Fraction(math.floor(low) + 1 if above else math.ceil(low))
            last = high if isinstance(high, float) else Fraction(math.floor(high) if below else math.ceil(high) - 1)
            if first > last:
                continue
            if found and found[-1][1][0] + 1 >= first:
                found[-1] = (found[-1][0], (last, 1))
            else:
                found.append(((first, 0), (last, 1)))
        return NumberSet(tuple(found))

    def relation_to(self, old: NumberSet) -> Relation:
        """How this set relates to what was accepted before."""
        common = self & old
        return ordered(subset=common == self, superset=common == old)

    def holds(self, value: int) -> bool:
        """Whether the number is in the set."""
        cut = (Fraction(value), 0)
        return any(low <= cut < high for low, high in self.intervals)

    @classmethod
    def intersection(cls, sets: Iterable[NumberSet]) -> NumberSet:
        """What all of them hold; everything where there are none."""
        found = EVERYTHING
        for one in sets:
            found &= one
        return found


EVERYTHING = NumberSet.interval()
