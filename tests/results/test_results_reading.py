"""Reading `rule_results`: every value comes back, and filters choose."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import arro3.core as arro3
import deltalake
import pytest

from lakepact.errors import ConfigurationError, RemoteFailed
from lakepact.results import RuleStatus
from lakepact.results.delta import DeltaPlace
from lakepact.results.reading import (
    ResultFilter,
    read_last_results,
    read_recent_results,
    read_results,
    result_of,
)
from lakepact.results.runs import histories
from lakepact.rules.model import Action
from result_samples import NOON, result, write_results

HOUR = dt.timedelta(hours=1)
FULL = result(
    contract_id="it's \\ ${x} `\U0001f600",
    at=NOON + dt.timedelta(microseconds=123456),
    violations=3,
    tested=10**12,
    value="12",
    threshold="mustBe 12",
    dimension="validity",
    severity="error",
    seconds=0.5,
    sample="t",
    message="3 rows",
)


def test_every_value_comes_back(tmp_path: Path) -> None:
    write_results(tmp_path, [FULL, result()])
    assert read_results(tmp_path) == (result(), FULL)


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (ResultFilter(), ["a", "b", "c", "d"]),
        (ResultFilter(contract=FULL.contract_id), ["d"]),
        (ResultFilter(object="customers"), ["b"]),
        (ResultFilter(dataset="other"), ["c"]),
        (ResultFilter(rules=("b.x", "c.x")), ["b", "c"]),
        (ResultFilter(since=NOON + HOUR), ["b", "c"]),
        (ResultFilter(until=NOON + HOUR), ["a", "d"]),
        (ResultFilter(since=NOON, until=NOON + HOUR, contract="sales.orders"), ["a"]),
        (ResultFilter(contract="x' OR TRUE --"), []),
    ],
)
def test_filters_choose(tmp_path: Path, chosen: ResultFilter, found: list[str]) -> None:
    write_results(
        tmp_path,
        [
            result(run_id="a"),
            result(run_id="b", rule_id="b.x", object="customers", at=NOON + HOUR),
            result(run_id="c", rule_id="c.x", dataset="other", at=NOON + 2 * HOUR),
            replace(FULL, run_id="d"),
        ],
    )
    assert sorted(each.run_id for each in read_results(tmp_path, chosen)) == found


def test_the_table_itself_and_the_folder_of_its_schema_are_the_same_place(tmp_path: Path) -> None:
    write_results(tmp_path, [FULL])
    assert read_results(f"{tmp_path}/rule_results/") == read_results(DeltaPlace(tmp_path)) == (FULL,)
    assert DeltaPlace(tmp_path / "rule_results").has_daily() is False


def test_an_empty_place_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"LP990: there is no table of results in '{tmp_path}'\n  hint: name"):
        read_results(tmp_path)


def test_a_damaged_table_is_said(tmp_path: Path) -> None:
    write_results(tmp_path, [FULL])
    for file in (tmp_path / "rule_results").glob("*.parquet"):
        file.unlink()
    with pytest.raises(RemoteFailed, match=r"LP992: the results in '.*' cannot be used: "):
        read_results(tmp_path)


def test_an_unknown_status_is_said(tmp_path: Path) -> None:
    write_results(tmp_path, [FULL])
    table = deltalake.DeltaTable(tmp_path / "rule_results")
    table.update(updates={"status": "'fine'"})
    with pytest.raises(
        ConfigurationError, match=r"LP992: '.*' holds what is no result: 'fine' is not a valid RuleStatus"
    ):
        read_results(tmp_path)


def test_an_older_table_lacks_columns(tmp_path: Path) -> None:
    text = {"run_id": "r", "contract_id": "c", "rule_id": "x", "action": "fail", "status": "pass"}
    columns: dict[str, Any] = {name: arro3.Array([value], arro3.DataType.utf8()) for name, value in text.items()}
    at = arro3.Array([0], arro3.DataType.int64()).cast(arro3.DataType.timestamp("us", tz="UTC"))
    deltalake.write_deltalake(tmp_path / "rule_results", arro3.Table.from_pydict({**columns, "at": at}))
    [found] = read_results(tmp_path)
    assert (found.rule_id, found.action, found.dataset, found.violations) == ("x", Action.FAIL, "", None)
    assert found.at == dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def test_a_row_without_time_is_no_result() -> None:
    with pytest.raises(ValueError, match="a row has no time or no rule"):
        result_of({"rule_id": "x", "action": "fail", "status": "pass"})


def test_the_last_results_are_one_a_rule_and_engine_of_the_newest_version(tmp_path: Path) -> None:
    gone = result(rule_id="gone", at=NOON)
    old, new = result(at=NOON), result(run_id="run-2", at=NOON + HOUR, contract_version="2.0.0")
    soda = replace(new, engine="soda", at=NOON + HOUR)
    write_results(tmp_path, [gone, old, new, soda])
    assert sorted(read_last_results(tmp_path), key=lambda each: each.engine) == [new, soda]
    assert set(read_last_results(tmp_path, ResultFilter(until=NOON + HOUR))) == {gone, old}


def test_of_a_dataset_that_is_silent_its_last_window_is_recent(tmp_path: Path) -> None:
    day = dt.timedelta(days=1)
    silent = [result(dataset="silent", run_id=f"s{n}", at=NOON - n * day) for n in (100, 101, 120)]
    lively = [result(run_id=f"l{n}", at=NOON - n * day) for n in (1, 9, 11, 50)]
    ahead = result(run_id="ahead", at=NOON + day)
    write_results(tmp_path, [*silent, *lively, ahead])
    found = read_recent_results(tmp_path, ResultFilter(until=NOON), window=10 * day)
    assert [each.run_id for each in found] == ["s101", "s100", "l9", "l1", "ahead"]
    now = dt.datetime.now(dt.UTC)
    write_results(tmp_path, [result(run_id="today", at=now - day), result(run_id="before", at=now - 11 * day)])
    recent = ResultFilter(dataset="main.sales.orders")
    assert [each.run_id for each in read_recent_results(tmp_path, recent, window=10 * day)] == ["today"]
    everything = read_recent_results(tmp_path, window=10 * day)
    assert [each.run_id for each in everything] == ["s101", "s100", "today"]


def test_a_run_is_summed_up() -> None:
    first = [
        result(status=RuleStatus.FAIL, action=Action.FAIL, violations=9, tested=10),
        result(rule_id="b", status=RuleStatus.WARN, violations=4, tested=10, at=NOON + HOUR),
        result(rule_id="c", status=RuleStatus.PASS, value="1"),
        result(rule_id="e", status=RuleStatus.PASS, violations=0, tested=8),
    ]
    [history] = histories([*first, result(at=NOON + 5 * HOUR)], contract_id="sales.orders", now=NOON + 4 * HOUR)
    [run] = history.runs
    assert (run.at, run.succeeded, run.rows, run.broken, run.suspect) == (NOON + HOUR, False, 10, 9, 10)
    assert (history.future, history.successes) == (1, ())
    # The same run came again, and was let through.
    again = result(at=NOON + 2 * HOUR, violations=0, tested=10)
    error = result(rule_id="d", status=RuleStatus.ERROR, action=Action.WARN)
    [history] = histories([again, *first], contract_id="sales.orders", now=NOON + 4 * HOUR)
    assert [(run.succeeded, run.broken, run.suspect) for run in history.runs] == [(True, 4, 4)]
    [history] = histories([again, error], contract_id="sales.orders", now=NOON + 4 * HOUR)
    assert [(run.succeeded, run.broken, run.suspect) for run in history.runs] == [(True, 0, 10)]
    assert histories(first, contract_id="other", now=NOON) == ()
