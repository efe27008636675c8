"""Service levels: met, missed or unknown, by data, run history and clock; what is not known is never met."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.contract import Contract, load_contract
from lakepact.convert.data_contract import convert_data_contract
from lakepact.errors import UsageError
from lakepact.quality.sla import service_levels, sla_rule_ids
from lakepact.quality.sla_limits import period_before, span_of
from lakepact.results import RuleResult, RuleStatus
from lakepact.results.levels import LevelResult, LevelSource, LevelState
from lakepact.rules.literals import zone_of
from lakepact.rules.model import Action
from result_samples import NOON, result

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
LATENCY, RETENTION = "orders.ts.sla.latency", "orders.ts.sla.retention"
HEAD = """apiVersion: v3.1.0
kind: DataContract
id: sales.orders
version: 1.0.0
schema:
- name: orders
  properties:
  - {name: ts, logicalType: timestamp, required: true}
  - {name: amount, logicalType: number, required: true}
- name: customers
slaProperties:
"""


def contract_of(*levels: str, head: str = HEAD) -> Contract:
    return load_contract((head + "".join(f"- {{{level}}}\n" for level in levels)).encode())


def stand(level: str, results: Sequence[RuleResult] = (), now: dt.datetime = NOON, **options: Any) -> LevelResult:
    """How one service level of `orders` stands."""
    found = service_levels(contract_of(level), results, now=now, **options)
    [answer] = [each for each in found if each.object == "orders"]
    return answer


def said(answer: LevelResult) -> tuple[str, str, str, str]:
    return (answer.state, answer.measured, answer.limit, answer.reason)


def runs(*hours: float, **changed: Any) -> list[RuleResult]:
    """Runs that many hours before noon."""
    return [result(run_id=f"run-{ago}", at=NOON - ago * HOUR, **changed) for ago in hours]


def failed(*hours: float) -> list[RuleResult]:
    return runs(*hours, rule_id="f", action=Action.FAIL, status=RuleStatus.FAIL)


def age(seconds: float | None, *, ago: float = 0, **changed: Any) -> RuleResult:
    """What a rule on the age of data measured that many hours before noon."""
    value = None if seconds is None else str(seconds)
    fields = {"rule_id": LATENCY, "action": Action.WARN, "value": value} | changed
    return result(run_id=f"run-{ago}", at=NOON - ago * HOUR, **fields)


FRESH = "property: latency, value: 4, unit: h, element: orders.ts"


@pytest.mark.parametrize(
    ("results", "state", "measured", "since", "reason"),
    [
        ([age(14400)], "met", "4 h", NOON, "the newest value seen; last looked at 0 s ago"),
        ([age(14401)], "missed", "4 h 1 s", NOON - HOUR / 3600, "the newest value seen; last looked at 0 s ago"),
        # Nobody has looked since: what was seen grows old.
        ([age(1800, ago=3.5)], "met", "4 h", NOON - 3.5 * HOUR, "the newest value seen; last looked at 3 h 30 min ago"),
        (
            [age(1800, ago=9)],
            "missed",
            "9 h 30 min",
            NOON - 5.5 * HOUR,
            "the newest value seen; last looked at 9 h ago",
        ),
        # A clock that is a little ahead is no fault, a time of tomorrow is.
        ([age(-60)], "met", "0 s", NOON, "the newest value seen; last looked at 0 s ago"),
        (
            [age(-3600)],
            "unknown",
            "-1 h",
            None,
            "the newest value was 1 h in the future when it was looked at: not counted as fresh",
        ),
        (
            [age(-86400, ago=24)],
            "unknown",
            "-1 d",
            None,
            "the newest value was 1 d in the future when it was looked at:",
        ),
        # An empty table has no newest value.
        (
            [age(None, status=RuleStatus.WARN, message="no value, latency 4 h", ago=1)],
            "missed",
            "",
            NOON - HOUR,
            "violated when looked at 1 h ago (no value, latency 4 h)",
        ),
        # Engines that record only the verdict.
        ([age(None, ago=1)], "met", "", NOON - HOUR, "held when looked at 1 h ago; the age itself is not recorded"),
        ([age(None, ago=5)], "missed", "", NOON - HOUR, "nothing newer was seen: looked at 5 h ago"),
        ([age(None, contract_version="0.9.0")], "unknown", "", None, "only version 0.9.0 was looked at 0 s ago"),
        (
            [age(None, status=RuleStatus.ERROR, message="boom")],
            "unknown",
            "",
            None,
            f"rule {LATENCY} could not be evaluated: boom",
        ),
        (
            [age(600, ago=2), age(None, ago=1, status=RuleStatus.ERROR, message="boom")],
            "met",
            "2 h 10 min",
            NOON - 2 * HOUR,
            "the newest value seen; last looked at 2 h ago; later the rule could not be evaluated: boom",
        ),
        (
            [age(None, status=RuleStatus.SKIPPED)],
            "unknown",
            "",
            None,
            f"rule {LATENCY} could not be evaluated: skipped",
        ),
        (runs(0), "unknown", "", None, f"rule {LATENCY} has no result"),
        ([], "unknown", "", None, f"rule {LATENCY} has no result"),
    ],
)
def test_freshness_of_data(
    results: list[RuleResult], state: str, measured: str, since: dt.datetime | None, reason: str
) -> None:
    answer = stand(FRESH, results)
    assert (answer.state, answer.measured, answer.since) == (state, measured, since)
    assert answer.reason.startswith(reason)
    assert (answer.source, answer.limit) == (LevelSource.DATA, "at most 4 h")


def test_a_value_that_was_violated_keeps_its_streak() -> None:
    results = [age(60, ago=ago) for ago in (3, 2, 0)] + [age(99999, ago=4, status=RuleStatus.WARN)]
    assert stand(FRESH, results).since == NOON - 3 * HOUR


def test_freshness_without_an_element_is_that_of_runs() -> None:
    level = "property: freshness, value: 2, unit: h"
    reason = "time since the last successful run, as no property is named to measure by"
    fresh = stand(level, runs(1, 30))
    assert said(fresh) == ("met", "1 h", "at most 2 h", reason)
    assert fresh.since == NOON - HOUR
    late = stand(level, [*runs(3), *failed(1)])
    assert said(late) == ("missed", "3 h", "at most 2 h", reason)
    assert late.since == NOON - HOUR
    assert said(stand(level, failed(1))) == ("unknown", "", "at most 2 h", "no run that is recorded succeeded")
    assert said(stand(level)) == ("unknown", "", "at most 2 h", "no run is recorded")


RETAIN = "property: retention, value: 30, unit: d, element: orders.ts"


@pytest.mark.parametrize(
    ("found", "state", "measured", "reason"),
    [
        (age(30 * 86400, rule_id=RETENTION), "met", "30 d", "the oldest value; last looked at 0 s ago"),
        (age(30 * 86400 + 1, rule_id=RETENTION), "missed", "30 d 1 s", "the oldest value; last looked at 0 s ago"),
        (
            age(30 * 86400, ago=1, rule_id=RETENTION),
            "unknown",
            "30 d",
            "the oldest value; last looked at 1 h ago; by now it is too old, unless it was removed",
        ),
        (age(None, rule_id=RETENTION), "met", "", "nothing too old when looked at"),
        (age(None, rule_id=RETENTION, status=RuleStatus.FAIL), "missed", "", "too old when looked at"),
    ],
)
def test_retention(found: RuleResult, state: str, measured: str, reason: str) -> None:
    answer = stand(RETAIN, [found])
    assert said(answer) == (state, measured, "at most 30 d", reason)


@pytest.mark.parametrize(
    ("level", "reason"),
    [
        ("property: latency, value: 4, unit: m, element: orders.ts", "unit 'm' may be minutes or months"),
        ("property: latency, value: 4, unit: m", "unit 'm' may be minutes or months"),
        ("property: latency, value: 4, element: orders.ts", "the clause has no unit"),
        ("property: latency, value: soon, unit: h", "'soon' is not a number"),
        ("property: latency, value: -1, unit: h", "-1 is below 0"),
        ("property: retention, value: 1, unit: y", "the clause names no element (object.property) to measure"),
        ("property: retention, value: 1, unit: y, element: orders.amount", "amount is of type"),
        ("property: frequency, value: 0, unit: d", "it is 0, which nothing can keep"),
        ("property: frequency, value: 1", "it has no unit"),
        ("property: frequency, value: 1, unit: lightyear", "unit 'lightyear' is no unit of time"),
        ("property: frequency, value: 101, unit: y", "101 y is longer than the calendar"),
        ("property: frequency, value: 1, unit: d, element: nothing.here", "'nothing.here' is no object or property"),
        ("property: availability, value: 101, unit: percent", "101 is no share of 0 to 100 percent"),
        ("property: availability, value: 99, unit: h", "unit 'h' is no percent"),
        ("property: errorRate, value: 0.5", "0.5 without unit may be percent or a fraction; write unit: percent"),
        ("property: throughput, value: 5, unit: MB/s", "its unit is no rows a period, such as rows/d"),
        ("property: timeOfAvailability, value: noon", "'noon' is no time of day such as 09:00-08:00"),
        ("property: timeOfAvailability, value: '25:00'", "25:00 is no time of day"),
        ("property: timeOfAvailability, value: 09:00 Mars/Base", "'Mars/Base' is not a known time zone"),
        ("property: generalAvailability, value: soon", "'soon' is not a date or timestamp"),
        ("property: timeToRepair, value: 4, unit: h", "nothing measures timeToRepair"),
        ("property: whatever, value: true", "nothing measures whatever"),
    ],
)
def test_what_cannot_be_measured_is_unknown_with_the_reason(level: str, reason: str) -> None:
    found = service_levels(contract_of(level), [*runs(1), age(60), age(60, rule_id=RETENTION)], now=NOON)
    assert found
    assert {each.state for each in found} == {LevelState.UNKNOWN}
    assert found[0].reason.startswith(reason)


DAILY = "property: frequency, value: 1, unit: d"


def test_frequency_is_by_the_time_since_the_last_run() -> None:
    gaps = "; longest gap 2 d 2 h, 1 of 2 gaps too long"
    answer = stand(DAILY, runs(26, 76, 100))
    assert said(answer) == (
        "met",
        "1 d 2 h",
        "every 1 d (10 % grace)",
        f"time since the last of 3 successful runs in the last 30 d{gaps}",
    )
    assert answer.since == NOON - 26 * HOUR
    late = stand(DAILY, [*runs(27), *failed(1)])
    assert said(late)[:2] == ("missed", "1 d 3 h")
    assert late.since == NOON - 0.6 * HOUR
    assert late.reason == "time since the last of 1 successful run in the last 30 d"
    assert said(stand(DAILY, failed(1)))[::3] == ("unknown", "no run that is recorded succeeded")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("level", "last", "due", "zone"),
    [
        # The clock goes back in Berlin on that day: it has 25 hours, and 10 % of them are grace.
        ("value: 1, unit: d", "2024-10-27T00:00+02:00", "2024-10-28T02:30+01:00", "Europe/Berlin"),
        ("value: 1, unit: d", "2024-10-27T00:00+02:00", "2024-10-28T01:24+01:00", "UTC"),
        ("value: 1, unit: d", "2024-03-31T00:00+01:00", "2024-04-01T02:18+02:00", "Europe/Berlin"),
        ("value: 24, unit: h", "2024-10-27T00:00+02:00", "2024-10-28T01:24+01:00", "Europe/Berlin"),
        # Months have 28 to 31 days, and the 31st may be the last of a month.
        ("value: 1, unit: month", "2024-01-31T00:00Z", "2024-03-02T21:36Z", "UTC"),
        ("value: 1, unit: month", "2023-01-31T00:00Z", "2023-03-02T19:12Z", "UTC"),
        ("value: monthly", "2024-03-31T00:00Z", "2024-05-03T00:00Z", "UTC"),
        ("value: 1, unit: y", "2024-02-29T00:00Z", "2025-04-05T12:00Z", "UTC"),
        ("value: 1, unit: week", "2024-05-01T00:00Z", "2024-05-08T16:48Z", "UTC"),
        ("value: daily", "2024-05-01T00:00Z", "2024-05-02T02:24Z", "UTC"),
        ("value: 0.5, unit: d", "2024-05-01T00:00Z", "2024-05-01T13:12Z", "UTC"),
    ],
)
def test_frequency_follows_the_calendar(level: str, last: str, due: str, zone: str) -> None:
    results = [result(at=at(last))]
    level = f"property: frequency, {level}"
    second = dt.timedelta(seconds=1)
    assert stand(level, results, at(due), timezone=zone).state == "met"
    missed = stand(level, results, at(due) + second, timezone=zone)
    assert (missed.state, missed.since) == ("missed", at(due))


@settings(max_examples=60)
@given(
    number=st.integers(1, 40),
    unit=st.sampled_from(["d", "week", "month", "y"]),
    moment=st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2050, 1, 1)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe"]),
)
def test_spans_of_the_calendar_are_about_as_long_as_on_average(
    number: int, unit: str, moment: dt.datetime, zone: str
) -> None:
    level = contract_of(f"property: frequency, value: {number}, unit: {unit}").sla_properties[0]
    start = moment.replace(tzinfo=dt.UTC)
    days = {"d": 1, "week": 7, "month": 30.436875, "y": 365.2425}[unit] * number
    after = span_of(level).after(start, zone_of(zone))
    assert abs((after - start) / DAY - days) <= 3.3


def test_availability_is_the_share_of_runs_that_succeed() -> None:
    level = "property: availability, value: 99.5, unit: percent"
    results = [*runs(*range(1, 200)), *failed(0.5)]
    answer = stand(level, results)
    assert said(answer) == ("met", "99.5 %", "at least 99.5 %", "199 of 200 runs in the last 30 d succeeded")
    assert answer.since == NOON - 30 * DAY
    assert said(stand(level, [*results, *failed(0.25)]))[:2] == ("missed", "99 %")
    assert stand("property: av, value: 0.995", results).state == "met"
    assert stand("property: availability, value: 99.5%", results).limit == "at least 99.5 %"
    # A run that set rows aside or only warned has let data through.
    kept = runs(1, status=RuleStatus.FAIL) + runs(2, status=RuleStatus.WARN, action=Action.WARN)
    assert said(stand(level, kept))[:2] == ("met", "100 %")
    outside = stand(level, runs(24 * 31))
    assert said(outside)[::3] == ("unknown", "no run is recorded in the last 30 d")
    assert stand(level, runs(24 * 31), window=32 * DAY).state == "met"


def rows(violations: int, tested: int, **changed: Any) -> RuleResult:
    return result(violations=violations, tested=tested, status=RuleStatus.FAIL, **changed)


def test_error_rate_lies_between_two_bounds() -> None:
    level = "property: errorRate, value: 2, unit: percent"
    one = [rows(1, 100)]
    assert said(stand(level, one))[:3] == ("met", "1 %", "at most 2 %")
    two = [rows(1, 100), rows(2, 100, rule_id="b")]
    answer = stand(level, two)
    assert said(answer)[:2] == ("unknown", "2 % to 3 %")
    assert answer.reason.startswith("rows that break a rule, of 100 in 1 run in the last 30 d; a row that breaks two")
    assert said(stand(level, [rows(3, 100), *two[1:]]))[:2] == ("missed", "3 % to 5 %")
    # A rule that was not evaluated may be broken by every row.
    error = result(rule_id="c", status=RuleStatus.ERROR, action=Action.WARN)
    assert said(stand(level, [*one, error]))[:2] == ("unknown", "1 % to 100 %")
    assert said(stand(level, runs(1)))[::3] == ("unknown", "no row was looked at in the last 30 d")


def test_volume_is_that_of_the_last_whole_period() -> None:
    level = "property: completeness, value: 100, unit: rows/d"
    yesterday, today = NOON - 20 * HOUR, NOON - HOUR
    before = rows(0, 500, run_id="before", at=NOON - 40 * HOUR)
    half = rows(0, 60, run_id="a", at=yesterday)
    answer = stand(level, [before, half, rows(0, 500, run_id="c", at=today)])
    assert said(answer) == (
        "missed",
        "60 rows",
        "at least 100 rows/d",
        "rows of 1 successful run from 2024-04-30T00:00:00Z to 2024-05-01T00:00:00Z",
    )
    assert stand(level, [before, half, rows(0, 40, run_id="b", at=yesterday)]).state == "met"
    refused = rows(0, 40, run_id="b", at=yesterday, action=Action.FAIL)
    assert said(stand(level, [before, half, refused]))[:2] == ("missed", "60 rows")
    # What came before the first run that is recorded is not known.
    first = stand(level, [half, rows(0, 500, run_id="c", at=today)])
    assert said(first)[::3] == ("unknown", "60 rows, but nothing is recorded before 2024-04-30T16:00:00Z")
    for ago in (1, 12):
        assert said(stand(level, runs(ago)))[::3] == ("unknown", "no run is recorded before 2024-05-01T00:00:00Z")
    assert said(stand(level, runs(20, 40)))[::3] == ("unknown", "no run counted rows")
    hourly = stand("property: throughput, value: 1, unit: records per hour", [before, half])
    assert said(hourly)[:2] == ("missed", "0 rows")


@pytest.mark.parametrize(
    ("unit", "now", "zone", "begin", "end"),
    [
        ("h", "2024-10-27T02:30+01:00", "Europe/Berlin", "2024-10-27T02:00+02:00", "2024-10-27T02:00+01:00"),
        ("d", "2024-10-28T10:00+01:00", "Europe/Berlin", "2024-10-27T00:00+02:00", "2024-10-28T00:00+01:00"),
        ("d", "2024-05-01T12:00Z", "Asia/Kolkata", "2024-04-30T00:00+05:30", "2024-05-01T00:00+05:30"),
        ("h", "2024-05-01T12:10Z", "Asia/Kolkata", "2024-05-01T16:00+05:30", "2024-05-01T17:00+05:30"),
        ("w", "2024-05-01T12:00Z", "UTC", "2024-04-22T00:00Z", "2024-04-29T00:00Z"),
        ("mo", "2024-03-01T00:00Z", "UTC", "2024-02-01T00:00Z", "2024-03-01T00:00Z"),
        ("y", "2024-03-01T00:00Z", "UTC", "2023-01-01T00:00Z", "2024-01-01T00:00Z"),
    ],
)
def test_whole_periods(unit: str, now: str, zone: str, begin: str, end: str) -> None:
    assert period_before(at(now), unit, zone_of(zone)) == (at(begin), at(end))


def test_completeness_is_the_lowest_share_of_its_rules() -> None:
    level = "property: completeness, value: 99, unit: percent"
    both = [
        rows(1, 100, rule_id="orders.ts.required", at=NOON - HOUR),
        rows(2, 100, rule_id="orders.amount.required"),
        rows(90, 100, rule_id="orders.amount.minimum"),
    ]
    reason = "lowest of 2 rules: orders.amount.required, 2 of 100 rows"
    assert said(stand(level, both)) == ("missed", "98 %", "at least 99 %", reason)
    one = stand(f"{level}, element: orders.ts", both)
    assert said(one)[:2] == ("met", "99 %")
    assert (one.since, one.element) == (NOON - HOUR, "orders.ts")
    empty = [rows(0, 0, rule_id="orders.amount.required"), result(rule_id="orders.amount.required", tested=5)]
    half = stand(level, [*both[:1], *empty])
    assert said(half)[::3] == ("unknown", "1 of 2 rules of completeness have not counted rows")
    assert said(stand(level))[::3] == ("unknown", "no rule of completeness has counted rows")
    [customers] = service_levels(contract_of(f"{level}, element: customers"), both, now=NOON)
    assert (customers.object, customers.reason) == ("customers", "the contract has no rule of completeness")


def test_general_availability_begins_with_a_run() -> None:
    level = "property: generalAvailability, value: '2024-04-30T00:00:00-08:00'"
    assert said(stand(level, runs(1, 900)))[:3] == ("met", "2024-03-25T00:00:00Z", "from 2024-04-30T08:00:00Z")
    assert stand(level, runs(1, 900)).since == at("2024-04-30T08:00Z")
    assert said(stand(level))[::3] == ("unknown", "no run is recorded")
    assert said(stand(level, runs(900), NOON - 5 * DAY))[::3] == ("unknown", "it is not promised yet")


def test_after_the_end_nothing_is_promised() -> None:
    level = "property: endOfSupport, value: '2024-05-02'"
    assert said(stand(level)) == ("met", "12 h left", "until 2024-05-02T00:00:00Z", "")
    over = stand(level, now=at("2024-05-02T00:00Z"))
    assert said(over)[::3] == ("unknown", "it is over: nothing is promised any more")
    assert stand(level, timezone="Asia/Tokyo").measured == "3 h left"


BERLIN = "property: timeOfAvailability, value: 09:00 Europe/Berlin"
# The deadline of the day of NOON is 07:00 UTC, five hours before; midnight in Berlin was 22:00 UTC, 14 hours before.


@pytest.mark.parametrize(
    ("hours", "state", "measured", "reason"),
    [
        ([5, 30], "met", "2024-05-01T07:00:00Z", "the first successful run on 2024-05-01"),
        ([14, 30], "met", "2024-04-30T22:00:00Z", "the first successful run on 2024-05-01"),
        (
            [4.9, 2, 30],
            "missed",
            "2024-05-01T07:06:00Z",
            "no successful run on 2024-05-01 by 2024-05-01T07:00:00Z; the next one came late",
        ),
        ([30], "missed", "", "no successful run on 2024-05-01 by 2024-05-01T07:00:00Z"),
        # Late for the deadline before, or early for this one?
        ([4.9, 28.9], "missed", "2024-05-01T07:06:00Z", "no successful run on 2024-05-01"),
        (
            [14.5, 38.5],
            "unknown",
            "2024-04-30T21:30:00Z",
            "the last successful run by 2024-05-01T07:00:00Z was the day before: whether it brought 2024-05-01 is not",
        ),
        ([1], "unknown", "", "no run is recorded before 2024-05-01T07:00:00Z"),
        ([], "unknown", "", "no run is recorded before 2024-05-01T07:00:00Z"),
    ],
)
def test_time_of_availability(hours: list[float], state: str, measured: str, reason: str) -> None:
    answer = stand(BERLIN, runs(*hours))
    assert (answer.state, answer.measured) == (state, measured)
    assert answer.reason.startswith(reason)


@pytest.mark.parametrize(
    ("value", "zone", "now", "due"),
    [
        ("09:00-08:00", "UTC", "2024-05-01T12:00Z", "2024-04-30T17:00Z"),
        ("09:00", "UTC", "2024-05-01T12:00Z", "2024-05-01T09:00Z"),
        ("9:00", "America/New_York", "2024-05-01T14:00Z", "2024-05-01T13:00Z"),
        ("09:00:30Z", "UTC", "2024-05-01T09:00:30Z", "2024-05-01T09:00:30Z"),
        # Winter and summer in Berlin; 02:30 is skipped once and twice there once.
        ("09:00 Europe/Berlin", "UTC", "2024-01-15T12:00Z", "2024-01-15T08:00Z"),
        ("02:30 Europe/Berlin", "UTC", "2024-03-31T12:00Z", "2024-03-31T01:30Z"),
        ("02:30 Europe/Berlin", "UTC", "2024-10-27T12:00Z", "2024-10-27T00:30Z"),
    ],
)
def test_deadlines_follow_their_time_zone(value: str, zone: str, now: str, due: str) -> None:
    results = [result(at=at(due) - 3 * DAY)]
    answer = stand(f"property: timeOfAvailability, value: '{value}'", results, at(now), timezone=zone)
    assert (answer.state, answer.since) == ("missed", at(due))


def test_results_of_a_clock_that_is_ahead_are_said_and_not_counted() -> None:
    answer = stand(DAILY, [*runs(30), *runs(-1, -2)])
    assert answer.state == "missed"
    assert answer.reason.endswith("; 2 results are dated after this moment and are not counted")
    only = stand(DAILY, runs(-1))
    assert (only.state, only.dataset) == ("unknown", "main.sales.orders")


def test_every_object_and_dataset_has_an_answer() -> None:
    results = [*runs(1), *runs(30, dataset="dev.sales.orders"), *runs(2, contract_id="other", dataset="x")]
    found = service_levels(contract_of(DAILY), results, now=NOON)
    assert [(each.object, each.dataset, each.state.value) for each in found] == [
        ("orders", "dev.sales.orders", "missed"),
        ("orders", "main.sales.orders", "met"),
        ("customers", "", "unknown"),
    ]
    one = service_levels(contract_of(f"{DAILY}, element: orders.ts"), results, now=NOON, dataset="main.sales.orders")
    assert [(each.element, each.dataset) for each in one] == [("orders.ts", "main.sales.orders")]


def test_names_sources_and_fields_that_are_not_evaluated() -> None:
    document = contract_of(
        "property: frequency, value: 1, valueExt: 1, unit: d, scheduler: cron, schedule: 0 1 * * *, driver: regulatory",
        "property: frequency, value: 1, unit: h",
        "property: frequency, value: 1, unit: h, id: quick",
        head=HEAD.replace("- name: customers\n", ""),
    )
    found = service_levels(document, runs(0), now=NOON)
    assert [each.level for each in found] == ["frequency", "frequency#2", "quick"]
    assert (found[0].unused, found[0].driver) == (("scheduler", "schedule", "valueExt"), "regulatory")
    assert {each.source for each in found} == {LevelSource.RUNS}
    assert (found[0].at, found[0].contract_version) == (NOON, "1.0.0")


def test_elements_of_several_objects_and_the_default_element() -> None:
    head = HEAD.replace(
        "- name: customers\n",
        "- name: customers\n  physicalName: tbl_customers\n  properties: [{name: seen, logicalType: timestamp}]\n",
    )
    document = contract_of(FRESH.replace("orders.ts", "'orders.ts, customers.seen'"), head=head)
    ids = sla_rule_ids(document)
    assert len(ids) == 2
    results = [age(60), age(99999, rule_id=ids[1], object="customers", dataset="c")]
    found = service_levels(document, results, now=NOON)
    assert [(each.element, each.object, each.state.value) for each in found] == [
        ("orders.ts", "orders", "met"),
        ("customers.seen", "customers", "missed"),
    ]
    default = contract_of("property: latency, value: 4, unit: h", head=f"slaDefaultElement: orders.ts\n{HEAD}")
    [answer] = service_levels(default, [age(60)], now=NOON)
    assert (answer.state, answer.element, answer.source) == ("met", "orders.ts", LevelSource.DATA)


def test_the_sla_block_of_the_other_format_is_evaluated() -> None:
    text = b"""data_contract:
  name: orders
  version: "1.0"
  owner: me@example.com
  sla:
    freshness: {max_age_hours: 2}
    completeness: {min_records_per_day: 100}
    availability: {uptime_percentage: 99.5}
"""
    import yaml

    document = load_contract(yaml.safe_dump(convert_data_contract(text).document).encode())
    results = [rows(0, 150, run_id=f"r{ago}", at=NOON - ago * HOUR, contract_id=document.id) for ago in (1, 13, 37)]
    found = service_levels(document, results, now=NOON)
    assert [(each.property, each.state.value) for each in found] == [
        ("freshness", "met"),
        ("completeness", "met"),
        ("availability", "met"),
    ]
    found = service_levels(document, results, now=NOON + 3 * DAY)
    assert [each.state.value for each in found] == ["missed", "missed", "met"]


def test_the_call_itself_may_be_wrong() -> None:
    with pytest.raises(UsageError, match="LP993: 'Mars' is not a known time zone"):
        service_levels(contract_of(DAILY), (), now=NOON, timezone="Mars")
    with pytest.raises(UsageError, match="LP993: the moment to look at names no time zone"):
        service_levels(contract_of(DAILY), (), now=NOON.replace(tzinfo=None))


LEVELS = (
    FRESH,
    RETAIN,
    DAILY,
    "property: availability, value: 99, unit: percent",
    "property: errorRate, value: 1, unit: percent",
    "property: completeness, value: 10, unit: rows/d",
    "property: completeness, value: 99, unit: percent",
    "property: freshness, value: 2, unit: h",
    BERLIN,
)


@settings(max_examples=60)
@given(
    level=st.sampled_from(LEVELS),
    found=st.lists(
        st.tuples(
            st.integers(-50, 2000),
            st.sampled_from([LATENCY, RETENTION, "orders.ts.required", "orders.amount.required"]),
            st.sampled_from([RuleStatus.ERROR, RuleStatus.SKIPPED]),
        ),
        max_size=8,
    ),
)
def test_what_could_never_be_evaluated_is_never_met(level: str, found: list[tuple[int, str, RuleStatus]]) -> None:
    results = [
        result(run_id=f"r{ago}", at=NOON - ago * HOUR, rule_id=rule, status=status, action=Action.FAIL)
        for ago, rule, status in found
    ]
    errors = [each for each in results if each.status is RuleStatus.ERROR]
    for answer in service_levels(contract_of(level), errors, now=NOON):
        assert answer.state is not LevelState.MET
        assert answer.reason


def test_the_official_examples_have_an_answer_for_every_level(odcs_corpus: Path) -> None:
    files = [each for each in sorted(odcs_corpus.glob("examples/**/*.yaml")) if b"slaProperties" in each.read_bytes()]
    assert files
    for file in files[:4]:
        document = load_contract(file)
        found = service_levels(document, (), now=NOON)
        assert {each.property for each in found} == {each.property for each in document.sla_properties}
        assert {each.state for each in found if each.source is not LevelSource.CLOCK} == {LevelState.UNKNOWN}
