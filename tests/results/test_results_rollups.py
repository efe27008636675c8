"""Results by day: what a row of a day says, against a plain computation, and that computing again changes nothing."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from pathlib import Path

import deltalake
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.errors import ConfigurationError
from lakepact.results import RuleResult, RuleStatus
from lakepact.results.delta import DeltaPlace
from lakepact.results.reading import ResultFilter
from lakepact.results.rollups import COLUMNS, DailyRollup, daily_rollups, roll_up
from result_samples import NOON, result, write_results

DAY = dt.timedelta(days=1)


def plain(results: list[RuleResult]) -> list[DailyRollup]:
    """The days, computed row by row."""
    groups: dict[tuple[object, ...], list[RuleResult]] = defaultdict(list)
    for each in results:
        groups[(each.at.date(), each.contract_id, each.object, each.dataset, each.rule_id)].append(each)
    found = []
    for (day, contract, name, dataset, rule), group in sorted(groups.items(), key=lambda item: repr(item[0])):
        newest = sorted(group, key=lambda each: (each.status, each.engine))
        newest.sort(key=lambda each: (each.at, each.run_id), reverse=True)
        values = [(each, float(each.value)) for each in newest if each.value and _finite(each.value)]
        violations = [each.violations for each in group if each.violations is not None]
        tested = [each.tested for each in group if each.tested is not None]
        counts = {f"{status}_count": sum(each.status is status for each in group) for status in RuleStatus}
        assert isinstance(day, dt.date)
        found.append(
            DailyRollup(
                day=day,
                contract_id=str(contract),
                object=str(name),
                dataset=str(dataset),
                rule_id=str(rule),
                contract_version=newest[0].contract_version,
                dimension=newest[0].dimension,
                runs=len({each.run_id for each in group}),
                **counts,
                violations=sum(violations) if violations else None,
                tested=sum(tested) if tested else None,
                min_value=min((value for _, value in values), default=None),
                max_value=max((value for _, value in values), default=None),
                last_value=values[0][1] if values else None,
                last_status=newest[0].status,
                last_at=newest[0].at,
            )
        )
    return found


def _finite(text: str) -> bool:
    try:
        return abs(float(text)) < 1e300
    except ValueError:
        return False


RESULTS = st.lists(
    st.builds(
        lambda number, rule, status, value, minutes, counts: result(
            run_id=f"run-{number}",
            rule_id=rule,
            status=status,
            value=value,
            at=NOON + dt.timedelta(minutes=minutes),
            violations=counts,
            tested=counts and counts * 2,
            contract_version=f"1.{number}.0",
        ),
        st.integers(0, 3),
        st.sampled_from(["a", "b"]),
        st.sampled_from(list(RuleStatus)),
        st.sampled_from([None, "1.5", "-2", "NaN", "Infinity", "2024-05-01", "", "7"]),
        st.integers(0, 2000),
        st.sampled_from([None, 0, 5]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda each: (each.at, each.run_id),
)


@settings(max_examples=15)
@given(results=RESULTS)
def test_days_are_those_of_a_plain_computation(
    tmp_path_factory: pytest.TempPathFactory, results: list[RuleResult]
) -> None:
    place = write_results(tmp_path_factory.mktemp("results"), results)
    expected = plain(results)
    assert list(daily_rollups(place)) == expected
    days = roll_up(place)
    assert roll_up(place, since=days[0]) == days
    assert list(daily_rollups(place)) == expected
    assert deltalake.DeltaTable(place / "rule_results_daily").to_pyarrow_table().num_rows == len(expected)


def test_a_day_that_is_computed_again_replaces_what_was_there(tmp_path: Path) -> None:
    write_results(tmp_path, [result(run_id=f"r{n}", at=NOON + n * DAY) for n in range(5)])
    assert len(roll_up(tmp_path)) == 5
    write_results(tmp_path, [result(run_id="more", at=NOON + 4 * DAY)])
    # Two days before the last one may lack results, the others are left alone.
    assert [day.day for day in roll_up(tmp_path)] == [3, 4, 5]
    assert [(each.day.day, each.runs) for each in _kept(tmp_path)] == [(1, 1), (2, 1), (3, 1), (4, 1), (5, 2)]
    assert [day.day for day in roll_up(tmp_path, since=dt.date(2024, 5, 2), until=dt.date(2024, 5, 3))] == [2, 3]
    assert roll_up(tmp_path, since=dt.date(2024, 6, 1)) == ()


def test_days_outlive_results_that_are_purged(tmp_path: Path) -> None:
    write_results(tmp_path, [result(run_id=f"r{hour}", at=NOON + dt.timedelta(hours=hour)) for hour in (0, 1, 24)])
    roll_up(tmp_path)
    whole = daily_rollups(tmp_path)
    table = deltalake.DeltaTable(tmp_path / "rule_results")
    table.delete("run_id IN ('r0', 'r24')")
    assert daily_rollups(tmp_path) == whole
    assert [(each.day.day, each.runs) for each in whole] == [(1, 2), (2, 1)]
    assert daily_rollups(tmp_path, ResultFilter(since=NOON + DAY)) == whole[1:]
    assert daily_rollups(tmp_path, ResultFilter(until=NOON + dt.timedelta(hours=2))) == whole[:1]
    assert daily_rollups(tmp_path, ResultFilter(rules=("x",))) == ()


def test_results_that_are_newer_than_the_kept_day_count(tmp_path: Path) -> None:
    write_results(tmp_path, [result()])
    roll_up(tmp_path)
    write_results(tmp_path, [result(run_id="run-2", status=RuleStatus.FAIL)])
    [day] = daily_rollups(tmp_path)
    assert (day.runs, day.fail_count, day.results) == (2, 1, 2)


def test_without_results_there_is_nothing_to_compute(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LP990: there is no table of results"):
        roll_up(tmp_path)
    assert list(tmp_path.iterdir()) == []


def _kept(place: Path) -> list[DailyRollup]:
    rows = DeltaPlace(place).rows("SELECT * FROM results", COLUMNS, daily=True)
    return sorted((DailyRollup(**row) for row in rows), key=lambda each: each.day)
