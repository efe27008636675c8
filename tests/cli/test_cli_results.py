"""`lakepact results`: the table, the JSON and the table of days."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import deltalake
import pytest

from lakepact.cli import main
from lakepact.results import RuleStatus
from result_samples import NOON, result, write_results

DAY = dt.timedelta(days=1)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten days up to that of NOON; on the last one, half of the rows break a rule."""
    found = []
    for ago in range(10):
        violations = 50 if ago == 0 else ago % 2
        status = RuleStatus.FAIL if violations else RuleStatus.PASS
        changed = {"run_id": f"r{ago}", "at": NOON - ago * DAY}
        found.append(result(**changed, violations=violations, tested=100, status=status))
        found.append(result(**changed, rule_id="orders.age", value="1200000"))
        found.append(result(**changed, rule_id="x", contract_id="other", value="1"))
    monkeypatch.setenv("LAKEPACT_RESULTS", str(write_results(tmp_path, found)))
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    assert main(["results", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


_EXCLUDE = "error LP995: --all and --since exclude each other\n"
_FAR = "error LP995: '{}' is no time that results are of\n  hint: write 2024-01-31T10:00:00Z\n"
_FAR_DAY = "error LP995: '9999-12-31' is no day that results are of\n  hint: write 2024-01-31\n"
TODAY = ("--at", "2024-05-01T18:00:00Z")


def test_the_table_shows_days_and_hints(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "trend", *TODAY, "--contract", "sales.orders", "--ascii")
    assert out.splitlines() == [
        "contract      dataset            rule                   measure         days  before     recent     last"
        "       status  trend",
        "sales.orders  main.sales.orders  -                      tested rows     9     100        100        100"
        "        -       _________",
        "sales.orders  main.sales.orders  orders.age             value           10    1,200,000  1,200,000  1,200,000"
        "  pass    __________",
        "sales.orders  main.sales.orders  orders.amount.minimum  violation rate  10    0.01       0.01       0.5"
        "        fail    _________#",
        "    hint: violation rate 0.5 on 2024-05-01 is 490.0 spreads above the median 0.01 of 9 days before "
        "(spread 0.001, its floor)",
    ]
    assert err == ""
    assert "▁▁▁▁▁▁▁▁▁█" in run(capsys, "trend", *TODAY)[0]


def test_the_table_can_be_narrowed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hints, said = run(capsys, "trend", *TODAY, "--hints")
    assert [line.split()[2] for line in hints.splitlines()[1::2]] == ["orders.amount.minimum"]
    assert said == ""
    assert run(capsys, "trend", *TODAY, "--hints", "--rule", "orders.age")[1] == "nothing stands out in 1 trends\n"
    assert len(run(capsys, "trend", *TODAY, "--rule", "x", "--rule", "orders.age")[0].splitlines()) == 3
    assert run(capsys, "trend", *TODAY, "--dataset", "none") == ("", "no result fits\n")
    days = json.loads(run(capsys, "trend", *TODAY, "--rule", "x", "--days", "2", "--json")[0])["trends"][0]["points"]
    assert [each["day"] for each in days] == ["2024-04-29", "2024-04-30", "2024-05-01"]


def test_json_has_every_number(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(run(capsys, "trend", *TODAY, "--rule", "orders.amount.minimum", "--json")[0])
    assert document["method"] == {"name": "robust z-score", "threshold": 3.5, "minimum_days": 7}
    assert document["today"] == "2024-05-01"
    [trend] = document["trends"]
    assert (trend["contract"], trend["rule"], trend["measure"]) == (
        "sales.orders",
        "orders.amount.minimum",
        "violation rate",
    )
    assert trend["points"][-1] == {"day": "2024-05-01", "value": 0.5}
    assert {key: trend["hint"][key] for key in ("centre", "mad", "spread", "floored", "days", "same_weekday")} == {
        "centre": 0.01,
        "mad": 0.0,
        "spread": 0.001,
        "floored": True,
        "days": 9,
        "same_weekday": None,
    }
    assert trend["hint"]["score"] == pytest.approx(490)


def test_days_are_kept_and_outlive_the_results(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = run(capsys, "trend", *TODAY, "--json")[0]
    assert run(capsys, "rollup")[0] == "10 days computed, 2024-04-22 to 2024-05-01\n"
    assert run(capsys, "rollup")[0] == "3 days computed, 2024-04-29 to 2024-05-01\n"
    assert run(capsys, "rollup", "--since", "2024-05-01")[0] == "1 day computed, 2024-05-01 to 2024-05-01\n"
    assert json.loads(run(capsys, "rollup", "--all", "--until", "2024-04-22", "--json")[0]) == ["2024-04-22"]
    assert run(capsys, "rollup", "--since", "2199-12-31") == ("", "no day has results\n")
    deltalake.DeltaTable(place / "rule_results").delete("run_id <> 'r0'")
    assert run(capsys, "trend", *TODAY, "--json")[0] == before


def test_wrong_calls(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAKEPACT_RESULTS", raising=False)
    place = ("--results", str(tmp_path))
    for arguments, code, said in [
        (("trend",), 2, "error LP995: no place of results is named\n  hint: give --results, or set LAKEPACT_RESULTS\n"),
        (
            ("rollup", *place, "--all", "--since", "2024-01-01"),
            2,
            "error LP995: --all and --since exclude each other\n",
        ),
        (("rollup", *place, "--since", "May"), 2, "error LP995: 'May' is no day\n  hint: write 2024-01-31\n"),
        (("trend", *place, "--at", "noon"), 2, "error LP952: 'noon' is no time\n  hint: write 2024-01-31T10:00:00Z\n"),
    ]:
        assert run(capsys, *arguments, code=code) == ("", said)
    assert run(capsys, "trend", *place, code=3)[1].startswith("error LP990: there is no table of results in '")


def test_hostile_names_do_not_reach_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name: Any = "a\x1b[31m\nb"
    write_results(tmp_path, [result(contract_id=name, value="1")])
    out, _ = run(capsys, "trend", *TODAY, "--results", str(tmp_path))
    assert [line.split("  ")[0] for line in out.splitlines()] == ["contract", "a\\x1b[31m b"]
