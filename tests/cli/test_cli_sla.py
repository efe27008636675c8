"""`lakepact sla status`: what it prints, and when the exit code is 1."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from lakepact.cli import main
from lakepact.rules.model import Action
from result_samples import NOON, result, write_results

DOCUMENT = """apiVersion: v3.1.0
kind: DataContract
id: sales.orders
version: 1.0.0
schema:
- name: orders
  properties:
  - {name: ts, logicalType: timestamp}
slaProperties:
- {property: latency, value: 4, unit: h, element: orders.ts}
- {property: frequency, value: 1, unit: d, scheduler: cron, schedule: 0 1 * * *}
"""
DAY = dt.timedelta(days=1)
AT = ("--at", "2024-05-01T12:00Z")


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    found = [
        result(
            run_id=f"r{day}", at=NOON - dt.timedelta(days=day, hours=1), rule_id=rule, value=value, action=Action.WARN
        )
        for day in range(3)
        for rule, value in (("orders.ts.sla.latency", "600"), ("orders.ts.type", None))
    ]
    monkeypatch.setenv("LAKEPACT_RESULTS", str(write_results(tmp_path / "results", found)))
    file = tmp_path / "orders.odcs.yaml"
    file.write_text(DOCUMENT)
    return str(file)


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    assert main(["sla", "status", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_what_is_met(contract: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, contract, *AT) == (
        "met      latency orders.ts (main.sales.orders): 1 h 10 min, at most 4 h\n"
        "         since 2024-04-29T11:00:00Z; the newest value seen; last looked at 1 h ago\n"
        "met      frequency orders (main.sales.orders): 1 h, every 1 d (10 % grace)\n"
        "         since 2024-05-01T11:00:00Z; time since the last of 3 successful runs in the last 30 d; "
        "longest gap 1 d, 0 of 2 gaps too long; not used: scheduler, schedule\n",
        "",
    )
    run(capsys, contract, *AT, "--fail-on", "unknown")


def test_what_is_missed_makes_the_exit_code_1(contract: str, capsys: pytest.CaptureFixture[str]) -> None:
    later = ("--at", "2024-05-01T18:00+02:00")
    out, _ = run(capsys, contract, *later, code=1)
    assert [line.split()[0] for line in out.splitlines()[::2]] == ["missed", "met"]
    assert run(capsys, contract, *later, "--fail-on", "never")[0] == out


def test_a_dataset_that_has_long_been_silent_is_still_known(contract: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, contract, "--at", "2025-05-01T12:00Z", "--days", "5", code=1)
    assert out.splitlines()[0].startswith("missed   latency orders.ts (main.sales.orders): 365 d 1 h")
    assert "since the last of 0 successful runs in the last 5 d" in out


def test_what_is_not_known_fails_only_where_that_is_asked(contract: str, capsys: pytest.CaptureFixture[str]) -> None:
    other = ("--dataset", "dev.orders", *AT)
    out, _ = run(capsys, contract, *other)
    assert out.splitlines()[:2] == [
        "unknown  latency orders.ts: at most 4 h",
        "         rule orders.ts.sla.latency has no result",
    ]
    run(capsys, contract, *other, "--fail-on", "unknown", code=1)
    before = ("--at", "2020-01-01")
    assert "dated after this moment" in run(capsys, contract, *before)[0]


def test_json(contract: str, capsys: pytest.CaptureFixture[str]) -> None:
    latency, frequency = json.loads(run(capsys, contract, *AT, "--json")[0])
    assert latency == {
        "contract_id": "sales.orders",
        "contract_version": "1.0.0",
        "level": "latency",
        "property": "latency",
        "object": "orders",
        "element": "orders.ts",
        "dataset": "main.sales.orders",
        "state": "met",
        "measured": "1 h 10 min",
        "limit": "at most 4 h",
        "since": "2024-04-29T11:00:00+00:00",
        "source": "data",
        "reason": "the newest value seen; last looked at 1 h ago",
        "at": "2024-05-01T12:00:00+00:00",
        "driver": None,
        "unused": [],
    }
    assert frequency["unused"] == ["scheduler", "schedule"]


def test_a_contract_without_service_levels(contract: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(contract).write_text(DOCUMENT.partition("slaProperties")[0])
    assert run(capsys, contract, *AT) == ("", "the contract has no service levels\n")


def test_wrong_calls(contract: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, contract, *AT, "--timezone", "Mars", code=2)[1] == (
        "error LP993: 'Mars' is not a known time zone\n  hint: write a name such as Europe/Berlin\n"
    )
    assert "LP990" in run(capsys, contract, "--results", "/nowhere", code=3)[1]
    assert "LP995" in run(capsys, contract, "--results", "", code=2)[1]
