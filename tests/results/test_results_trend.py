"""Trends and hints: what stands out and what does not, with the numbers said."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from lakepact.results.rollups import DailyRollup
from lakepact.results.trend import MINIMUM_DAYS, Measure, Point, hint_for, trends
from result_samples import NOON

MONDAY = dt.date(2024, 1, 1)
DAY = dt.timedelta(days=1)


def points(*values: float) -> list[Point]:
    return [Point(MONDAY + number * DAY, value) for number, value in enumerate(values)]


def rollup(number: int, **changed: Any) -> DailyRollup:
    said: dict[str, Any] = {
        "day": MONDAY + number * DAY,
        "contract_id": "c",
        "object": "o",
        "dataset": "d",
        "rule_id": "r",
        "contract_version": "1.0.0",
        "dimension": None,
        "runs": 1,
        "pass_count": 1,
        "warn_count": 0,
        "fail_count": 0,
        "error_count": 0,
        "skipped_count": 0,
        "violations": None,
        "tested": None,
        "min_value": None,
        "max_value": None,
        "last_value": None,
        "last_status": "pass",
        "last_at": NOON,
    }
    return DailyRollup(**(said | changed))


def test_a_hint_says_its_numbers() -> None:
    hint = hint_for(Measure.VALUE, points(10, 12, 10, 14, 10, 12, 10, 30))
    assert hint is not None
    assert (hint.centre, hint.mad, hint.days, hint.same_weekday, hint.floored) == (10, 0, 7, None, True)
    assert hint.spread == 0.5
    assert hint.score == 40
    assert str(hint) == (
        "value 30 on 2024-01-08 is 40.0 spreads above the median 10 of 7 days before (spread 0.5, its floor)"
    )


def test_below_is_hinted_at_too() -> None:
    hint = hint_for(Measure.ROWS, points(1000, 1100, 900, 1050, 950, 1100, 900, 1000, 0))
    assert hint is not None
    assert str(hint) == (
        "tested rows 0 on 2024-01-09 is 9.0 spreads below the median 1000 of 8 days before "
        "(spread 111.2, 1.4826 x MAD 75)"
    )


def test_too_few_days_give_no_hint() -> None:
    assert MINIMUM_DAYS == 7
    assert hint_for(Measure.RATE, points(*[0.0] * 6, 1.0)) is None
    assert hint_for(Measure.RATE, points(*[0.0] * 7, 1.0)) is not None


@pytest.mark.parametrize(
    ("measure", "usual", "near", "far"),
    [(Measure.RATE, 0.0, 0.0034, 0.0036), (Measure.VALUE, 100.0, 117.0, 118.0), (Measure.ROWS, 0.0, 3.0, 4.0)],
)
def test_what_has_never_moved_may_move_a_little(measure: Measure, usual: float, near: float, far: float) -> None:
    assert hint_for(measure, points(*[usual] * 10, near)) is None
    assert hint_for(measure, points(*[usual] * 10, far)) is not None


def weeks(number: int, weekday: float, weekend: float) -> list[float]:
    return [weekday + day % 3 if day % 7 < 5 else weekend + day % 2 for day in range(7 * number)]


def test_a_weekend_is_no_news_with_season() -> None:
    history = weeks(6, 1000, 10)
    saturday = [*history, *weeks(1, 1000, 10)[:5]]
    assert hint_for(Measure.ROWS, points(*saturday, 10)) is None
    hint = hint_for(Measure.ROWS, points(*saturday, 1000))
    assert hint is not None
    assert (hint.same_weekday, hint.days, hint.centre) == (6, 47, 10.5)
    assert "above the median 10.5 of 6 Saturdays before" in str(hint)
    # A Monday without rows is a Monday without rows, whatever weekends have.
    monday = hint_for(Measure.ROWS, points(*history, 10))
    assert monday is not None
    assert "of 6 Mondays before" in str(monday)


def test_before_there_are_enough_weeks_the_same_weekday_before_is_looked_at() -> None:
    history = weeks(2, 1000, 10)
    saturday = [*history, *weeks(1, 1000, 10)[:5]]
    assert hint_for(Measure.ROWS, points(*saturday, 10)) is None
    busy = [*weeks(2, 10, 1000), *weeks(1, 10, 1000)[:5]]
    assert hint_for(Measure.ROWS, points(*busy, 1001)) is None
    hint = hint_for(Measure.ROWS, points(*saturday, 500))
    assert hint is not None
    assert hint.same_weekday is None


def test_noise_is_rarely_hinted_at() -> None:
    noise = random.Random(7)
    for days in (14, 56):
        hints = sum(
            hint_for(Measure.ROWS, points(*(noise.gauss(1000, 100) for _ in range(days + 1)))) is not None
            for _ in range(500)
        )
        assert hints <= 15, days


def test_measures_of_rules_and_of_datasets() -> None:
    days = [rollup(n, violations=n, tested=100, rule_id="row") for n in range(3)]
    days += [rollup(n, violations=0, tested=60 + n, rule_id="row2") for n in range(3)]
    days += [rollup(n, last_value=float(n), rule_id="whole", last_status="warn") for n in range(3)]
    days += [rollup(n, rule_id="silent", tested=0, violations=0) for n in range(3)]
    found = trends(days, today=MONDAY + 2 * DAY)
    # The day that goes on has no row count yet.
    assert [(each.rule_id, each.measure, [point.value for point in each.points]) for each in found] == [
        ("", Measure.ROWS, [100, 100]),
        ("row", Measure.RATE, [0, 0.01, 0.02]),
        ("row2", Measure.RATE, [0, 0, 0]),
        ("whole", Measure.VALUE, [0, 1, 2]),
    ]
    assert [each.last_status for each in found] == ["", "pass", "pass", "warn"]
    assert {(each.days_missing, each.before) for each in found} == {(6, None), (5, None)}


def test_days_after_today_are_of_a_clock_that_is_ahead() -> None:
    found = trends([rollup(n, last_value=1.0) for n in range(5)], today=MONDAY + 2 * DAY)
    assert [len(each.points) for each in found] == [3]


def test_weeks_are_compared_and_versions_noted() -> None:
    days = [rollup(n, last_value=float(n), contract_version="1.0.0" if n < 9 else "2.0.0") for n in range(15)]
    [found] = trends(reversed(days), today=MONDAY + 30 * DAY)
    assert (found.recent, found.before) == (11, 4)
    assert found.versions == ((MONDAY + 9 * DAY, "2.0.0"),)
    assert found.days_missing == 0
