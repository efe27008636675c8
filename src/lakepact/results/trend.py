"""How counts and rates of rules move from day to day, and hints at days that stand out.

The method, the same everywhere: the centre of a day is the median of the days before it, and the spread is 1.4826 times
the median distance of those days from their centre (MAD), which for normal noise is one standard deviation; the robust
z-score of the day is its distance from the centre in spreads. Where each weekday that occurs has five days or more
before it, the centre is the median of the same weekday (season), and the MAD is that of all days from the centre of
their own weekday, or of the same weekday alone where that is more. Until then a day is not hinted at where the same
weekday before it was as far out, within the threshold. A spread is never below the floor of its measure, so that what
has never moved does not make a hint of every crumb. A day is hinted at from a score of 3.5 on (Iglewicz and Hoaglin),
and where at least seven days are known before it. A hint is no verdict: nothing is refused for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby, pairwise
from statistics import median
from types import MappingProxyType
from typing import Final

from lakepact.results.rollups import DailyRollup

__all__ = ["MINIMUM_DAYS", "THRESHOLD", "Hint", "Measure", "Point", "Trend", "hint_for", "trends"]

THRESHOLD: Final = 3.5
"""The robust z-score from which on a day is hinted at."""

MINIMUM_DAYS: Final = 7
"""Days that must be known before a day that is hinted at."""

_NORMAL: Final = 1.4826
_WEEKS: Final = 5
_WEEK: Final = 7


class Measure(StrEnum):
    """What is followed. RATE: violations by tested rows. VALUE: the last measured value. ROWS: tested rows of the day.

    ROWS is of a dataset, its `rule_id` is ''; a day that is not over has no ROWS.
    """

    RATE = "violation rate"
    VALUE = "value"
    ROWS = "tested rows"


# The smallest spread: absolute, and as a share of the centre.
_FLOORS: Final[Mapping[Measure, tuple[float, float]]] = MappingProxyType(
    {Measure.RATE: (0.001, 0.0), Measure.VALUE: (0.01, 0.05), Measure.ROWS: (1.0, 0.05)}
)


@dataclass(frozen=True, slots=True)
class Point:
    """The value of one UTC day."""

    day: date
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A day that stands out, with every number that says so.

    `score` is `(value - centre) / spread`; `spread` is `mad` times 1.4826, or the floor of the measure where that is
    more (`floored`). `days` were known before; `same_weekday` is the number of those of the same weekday, where the
    centre is theirs, and None without season.
    """

    measure: Measure
    day: date
    value: float
    centre: float
    mad: float
    spread: float
    floored: bool
    score: float
    days: int
    same_weekday: int | None

    def __str__(self) -> str:
        of = f"{self.same_weekday} {self.day:%A}s" if self.same_weekday is not None else f"{self.days} days"
        spread = "its floor" if self.floored else f"1.4826 x MAD {self.mad:.4g}"
        return (
            f"{self.measure} {self.value:.4g} on {self.day} is {abs(self.score):.1f} spreads "
            f"{'above' if self.score > 0 else 'below'} the median {self.centre:.4g} of {of} before "
            f"(spread {self.spread:.4g}, {spread})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One measure of one rule on one dataset, by day.

    `recent` is the median of its last seven days that are known and `before` of the seven before those; None without
    any. `versions` are the days from which on another version of the contract was in force. `hint` is about the last
    day; `days_missing` is how many days are missing for one, 0 where there are enough.
    """

    contract_id: str
    object: str
    dataset: str
    rule_id: str
    measure: Measure
    points: tuple[Point, ...]
    recent: float
    before: float | None
    versions: tuple[tuple[date, str], ...]
    last_status: str
    hint: Hint | None
    days_missing: int


def trends(days: Iterable[DailyRollup], *, today: date) -> tuple[Trend, ...]:
    """The trends in those days, by contract, object, dataset, rule and measure; `today` is the UTC day that goes on.

    Days after `today` come from a clock that is ahead, and are left out.
    """
    known = sorted((each for each in days if each.day <= today), key=lambda each: (*_rule(each), each.day))
    found: list[Trend] = []
    for _, rollups in groupby(known, key=lambda each: _rule(each)):
        group = tuple(rollups)
        measures = {
            Measure.RATE: [Point(d.day, (d.violations or 0) / d.tested) for d in group if _counts(d) and d.tested],
            Measure.VALUE: [Point(d.day, d.last_value) for d in group if d.last_value is not None],
        }
        found += [_trend(group, group[-1].rule_id, measure, points) for measure, points in measures.items() if points]
    return tuple(sorted([*found, *_row_counts(known, today)], key=_order))


def _order(trend: Trend) -> tuple[str, ...]:
    return (trend.contract_id, trend.object, trend.dataset, trend.rule_id, trend.measure)


def _rule(each: DailyRollup) -> tuple[str, ...]:
    return (each.contract_id, each.object, each.dataset, each.rule_id)


def _counts(each: DailyRollup) -> bool:
    return each.violations is not None and each.tested is not None


def _row_counts(known: Iterable[DailyRollup], today: date) -> list[Trend]:
    """Every rule on rows looks at all of them: the rule that saw most has seen the rows of the day."""
    found = []
    by_dataset = sorted(known, key=lambda each: (*_rule(each)[:3], each.day))
    for _, rollups in groupby(by_dataset, key=lambda each: _rule(each)[:3]):
        group = tuple(rollups)
        points = []
        for day, same in groupby(group, key=lambda each: each.day):
            tested = [each.tested for each in same if each.tested is not None]
            if tested and day < today:
                points.append(Point(day, float(max(tested))))
        if points:
            found.append(_trend(group, "", Measure.ROWS, points))
    return found


def _trend(group: Sequence[DailyRollup], rule_id: str, measure: Measure, points: Sequence[Point]) -> Trend:
    values = [point.value for point in points]
    earlier = values[-2 * _WEEK : -_WEEK]
    versions = [(each.day, each.contract_version) for each in group]
    changes = [now for was, now in pairwise(versions) if was[1] != now[1]]
    return Trend(
        contract_id=group[-1].contract_id,
        object=group[-1].object,
        dataset=group[-1].dataset,
        rule_id=rule_id,
        measure=measure,
        points=tuple(points),
        recent=median(values[-_WEEK:]),
        before=median(earlier) if earlier else None,
        versions=tuple(changes),
        last_status=group[-1].last_status if rule_id else "",
        hint=hint_for(measure, points),
        days_missing=max(0, MINIMUM_DAYS + 1 - len(points)),
    )


def hint_for(measure: Measure, points: Sequence[Point]) -> Hint | None:
    """The hint at the last point, from those before it; None where it does not stand out, or too few are before.

    >>> from datetime import timedelta
    >>> week = [Point(date(2024, 5, 1) + timedelta(days=n), 0.01 + 0.001 * (n % 3)) for n in range(8)]
    >>> print(hint_for(Measure.RATE, [*week, Point(date(2024, 5, 9), 0.2)]))
    violation rate 0.2 on 2024-05-09 is 127.5 spreads above the median 0.011 of 8 days before (spread 0.001483, \
1.4826 x MAD 0.001)
    """
    if len(points) <= MINIMUM_DAYS:
        return None
    *before, last = points
    weekdays = _weekdays(before)
    same = weekdays.get(last.day.weekday(), [])
    seasonal = len(same) >= _WEEKS and all(len(values) >= _WEEKS for values in weekdays.values())
    overall = median(point.value for point in before)
    centres = {weekday: median(values) if seasonal else overall for weekday, values in weekdays.items()}
    centre = centres[last.day.weekday()] if seasonal else overall
    mad = median(abs(point.value - centres[point.day.weekday()]) for point in before)
    if seasonal:
        mad = max(mad, median(abs(value - centre) for value in same))
    absolute, share = _FLOORS[measure]
    spread = max(_NORMAL * mad, absolute, share * abs(centre))
    score = (last.value - centre) / spread
    as_before = not seasonal and bool(same) and abs(last.value - same[-1]) < THRESHOLD * spread
    if abs(score) < THRESHOLD or as_before:
        return None
    return Hint(
        measure=measure,
        day=last.day,
        value=last.value,
        centre=centre,
        mad=mad,
        spread=spread,
        floored=spread > _NORMAL * mad,
        score=score,
        days=len(before),
        same_weekday=len(same) if seasonal else None,
    )


def _weekdays(points: Iterable[Point]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for point in points:
        found.setdefault(point.day.weekday(), []).append(point.value)
    return found
