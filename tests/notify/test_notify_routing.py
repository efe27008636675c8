"""Routes, quiet hours with clocks that change, and mutes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notify_samples import NOW, contract, result

from lakepact.notify import Mute, QuietHours, Route, Severity
from lakepact.notify.facts import Facts, facts_of

BERLIN = "Europe/Berlin"


def facts() -> Facts:
    return next(facts_of([result()], contract(), now=NOW))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (utc(2024, 1, 31, 20, 59), None),
        (utc(2024, 1, 31, 21, 0), utc(2024, 2, 1, 6, 0)),
        (utc(2024, 2, 1, 5, 59), utc(2024, 2, 1, 6, 0)),
        (utc(2024, 2, 1, 6, 0), None),
        # The clocks go forward in the night to 31 March, and back in that to 27 October.
        (utc(2024, 3, 30, 23, 0), utc(2024, 3, 31, 5, 0)),
        (utc(2024, 10, 26, 22, 0), utc(2024, 10, 27, 6, 0)),
    ],
)
def test_quiet_hours_follow_the_clock_of_their_zone(now: datetime, end: datetime | None) -> None:
    assert QuietHours(start=time(22), end=time(7), timezone=BERLIN).end_of(now) == end


def test_quiet_hours_of_a_weekend_end_on_monday() -> None:
    weekend = QuietHours(start=time(0), end=time(0), timezone="UTC", days=frozenset({5, 6}))
    assert weekend.end_of(utc(2024, 2, 3, 12)) == utc(2024, 2, 5)
    assert weekend.end_of(utc(2024, 2, 2, 23, 59)) is None
    assert weekend.end_of(utc(2024, 2, 5)) is None


def test_quiet_hours_of_a_day_that_others_are_not() -> None:
    friday = QuietHours(start=time(18), end=time(6), timezone="UTC", days=frozenset({4}))
    assert friday.end_of(utc(2024, 2, 2, 19)) == utc(2024, 2, 3, 6)
    assert friday.end_of(utc(2024, 2, 3, 5)) == utc(2024, 2, 3, 6)
    assert friday.end_of(utc(2024, 2, 3, 19)) is None


@given(st.datetimes(datetime(2023, 1, 1), datetime(2026, 1, 1)), st.integers(0, 23), st.integers(0, 23))
@settings(max_examples=200)
def test_a_quiet_time_ends_later_and_is_over_then(moment: datetime, start: int, end: int) -> None:
    now = moment.replace(tzinfo=UTC)
    days = frozenset(range(6))
    quiet = QuietHours(start=time(start), end=time(end), timezone=BERLIN, days=days)
    found = quiet.end_of(now)
    if found is not None:
        assert now < found <= now + timedelta(days=7)
        assert quiet.end_of(found) is None


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        ({}, True),
        ({"severity": Severity.ERROR}, True),
        ({"severity": Severity.CRITICAL}, False),
        ({"domains": ("finance", "SALES")}, True),
        ({"domains": ("finance",)}, False),
        ({"owners": ("sales-*",)}, True),
        ({"owners": ("bob",)}, True),
        ({"owners": ("gone@example.com",)}, False),
        ({"contracts": ("sales.*",)}, True),
        ({"contracts": ("orders",)}, False),
        ({"domains": ("sales",), "owners": ("nobody",)}, False),
    ],
)
def test_a_route_takes_what_fits_all_its_choices(choice: dict[str, Any], taken: bool) -> None:
    assert Route(channels=("chat",), **choice).takes(facts(), Severity.ERROR) is taken


@pytest.mark.parametrize(
    ("patterns", "covered"),
    [
        ({}, True),
        ({"contract": "sales.*"}, True),
        ({"dataset": "main.sales.*", "rule": "email.*"}, True),
        ({"rule": "order_id.*"}, False),
        ({"dataset": "main.other.*"}, False),
    ],
)
def test_a_mute_covers_what_fits_its_patterns_until_it_is_over(patterns: dict[str, str], covered: bool) -> None:
    mute = Mute(id="1", until=NOW + timedelta(hours=1), **patterns)
    assert mute.covers(facts(), "email.required", NOW) is covered
    assert not mute.covers(facts(), "email.required", NOW + timedelta(hours=1))
