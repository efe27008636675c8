"""`lakepact sla status --notify`: who is told of a project's contracts, and what a dead channel changes (nothing)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lakepact.cli import main
from lakepact.contract import load_contract
from lakepact.notify import open_notifier
from lakepact.results import RuleStatus
from lakepact.rules.model import Action
from lakepact.testing.notify_servers import PagerDutyServer, SlackServer
from result_samples import result, write_results

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: sales.orders
name: Orders
version: 1.0.0
status: active
schema:
- name: orders
  properties:
  - {name: ts, logicalType: timestamp}
slaProperties:
- {property: latency, value: 4, unit: h, element: orders.ts}
- {property: frequency, value: 1, unit: d}
"""
PROJECT = """version: 1
contracts: [contracts/*.odcs.yaml]
environments:
  local: {catalog: spark_catalog, schema: shop, storage: .lakepact}
pipelines:
  orders:
    contract: sales.orders
    objects: {orders: {path: data/orders, format: csv}}
"""
SETTINGS = 'channels: {chat: {type: slack, webhook: "${env:HOOK}"}}\nroutes: [{channels: [chat]}]\n'
MISSED = "[warning] 1 service level of contract Orders 1.0.0 in main.sales.orders missed"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose newest row was ten hours old an hour ago."""
    (tmp_path / "contracts").mkdir()
    (tmp_path / "data" / "orders").mkdir(parents=True)
    (tmp_path / "contracts" / "orders.odcs.yaml").write_text(CONTRACT)
    (tmp_path / "lakepact.yml").write_text(PROJECT)
    ran(tmp_path, hours=1, age="36000")
    monkeypatch.setenv("LAKEPACT_RESULTS", str(tmp_path / "results"))
    monkeypatch.delenv("LAKEPACT_NOTIFY", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackServer]:
    with SlackServer() as server:
        monkeypatch.setenv("HOOK", server.webhook)
        yield server


def ran(folder: Path, *, hours: float, age: str) -> None:
    at = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(hours=hours)
    rows = [
        result(run_id=f"r{hours}", at=at, rule_id=rule, value=value, action=Action.WARN)
        for rule, value in (("orders.ts.sla.latency", age), ("orders.ts.type", None))
    ]
    write_results(folder / "results", rows)


def with_section(shop: Path) -> None:
    indented = "".join(f"  {line}\n" for line in SETTINGS.splitlines())
    (shop / "lakepact.yml").write_text(f"{PROJECT}notifications:\n{indented}")


def status(*words: str) -> int:
    return main(["sla", "status", *words])


def test_a_project_tells_once_and_of_the_end(
    shop: Path, slack: SlackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with_section(shop)
    assert [status(".", "--notify") for _ in range(3)] == [1, 1, 1]
    assert [each["text"] for each in slack.messages] == [MISSED]
    out, err = capsys.readouterr()
    assert (out.count("missed   latency orders.ts (main.sales.orders): 11 h"), err) == (3, "")
    ran(shop, hours=0.5, age="60")
    assert status("lakepact.yml", "--notify", "--json") == 0
    assert [each["text"] for each in slack.messages] == [
        MISSED,
        "Resolved: service levels of contract Orders 1.0.0 in main.sales.orders are met again",
    ]
    assert (shop / ".lakepact" / "notify" / "sent").is_dir()


def test_a_run_and_the_clock_tell_of_one_incident(
    shop: Path, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PagerDutyServer() as pager:
        monkeypatch.setenv("PAGER_KEY", pager.routing_key)
        pages = f'  pages: {{type: pagerduty, routing_key: "${{env:PAGER_KEY}}", address: "{pager.address}"}}'
        settings = SETTINGS.replace("channels: {chat: ", "channels:\n  chat: ").replace("}}\n", f"}}\n{pages}\n")
        (shop / "notify.yml").write_text(settings.replace("[chat]", "[chat, pages]"))
        monkeypatch.setenv("LAKEPACT_NOTIFY", "notify.yml")
        # The run that wrote the data says it first, then the clock, then the next run, each in a process of its own.
        written(shop, "r1", age="36000", status=RuleStatus.WARN)
        assert [each["text"] for each in slack.messages] == [MISSED]
        assert [status("contracts/orders.odcs.yaml") for _ in range(2)] == [1, 1]
        written(shop, "r2", age="37000", status=RuleStatus.WARN)
        assert [each["text"] for each in slack.messages] == [MISSED]
        assert [each["event_action"] for each in pager.events] == ["trigger"]
        # A run that brings new data ends it, and the clock has nothing to add.
        ran(shop, hours=0.5, age="60")
        written(shop, "r0.5", age="60", status=RuleStatus.PASS)
        assert len(slack.messages) == 2
        assert status("contracts/orders.odcs.yaml") == 0
        assert [each["text"] for each in slack.messages] == [
            MISSED,
            "Resolved: service levels of contract Orders 1.0.0 in main.sales.orders are met again",
        ]
        assert [each["event_action"] for each in pager.events] == ["trigger", "resolve"]
        assert len({each["dedup_key"] for each in pager.events}) == 1
        # The other way round: what the clock has opened, a run does not open again.
        ran(shop, hours=0.1, age="40000")
        assert status("contracts/orders.odcs.yaml") == 1
        written(shop, "r0.1", age="40000", status=RuleStatus.WARN)
        assert [each["event_action"] for each in pager.events] == ["trigger", "resolve", "trigger"]


def written(shop: Path, run_id: str, *, age: str, status: RuleStatus) -> None:
    """A governed write tells what its rules found."""
    contract = load_contract((shop / "contracts" / "orders.odcs.yaml").read_bytes())
    notifier = open_notifier(Path("notify.yml"))
    at = dt.datetime.now(dt.UTC)
    found = result(run_id=run_id, at=at, rule_id="orders.ts.sla.latency", rule_name="ts.sla.latency", value=age)
    assert notifier.notify([replace(found, status=status, action=Action.WARN)], contract)
    assert notifier.flush().sent in (0, 2)


def test_nobody_is_told_where_that_is_not_asked(shop: Path, slack: SlackServer) -> None:
    with_section(shop)
    assert status(".") == 1
    assert (slack.messages, (shop / ".lakepact").exists()) == ([], False)


def test_a_file_goes_before_the_variable_and_that_before_the_project(
    shop: Path, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_section(shop)
    for name in ("one", "other"):
        (shop / name).mkdir()
        (shop / name / "notify.yml").write_text(SETTINGS)
    told = [shop / name / ".lakepact" for name in ("one", "other", ".")]
    monkeypatch.setenv("LAKEPACT_NOTIFY", "one/notify.yml")
    assert status("--notify", "other/notify.yml", ".") == 1
    assert [each.exists() for each in told] == [False, True, False]
    assert status(".", "--notify") == 1
    assert [each.exists() for each in told] == [True, True, False]
    # A contract alone is told of by the variable, as other commands do.
    assert status("contracts/orders.odcs.yaml") == 1
    assert len(slack.messages) == 2


def test_a_dead_channel_changes_no_exit_code(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_section(shop)
    with SlackServer() as gone:
        monkeypatch.setenv("HOOK", gone.webhook)
    assert status(".", "--notify", "--fail-on", "never") == 0
    err = capsys.readouterr().err
    assert err.startswith("not told: chat: ")
    assert status(".", "--notify") == 1
    (shop / ".lakepact").rename(shop / "moved")
    (shop / ".lakepact").write_text("no folder")
    assert status(".", "--notify", "--fail-on", "never") == 0
    assert "nobody is told: LP959" in capsys.readouterr().err


def test_settings_that_cannot_be_used_are_told_before_anything(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(".", "--notify") == 3
    assert capsys.readouterr().err.startswith("error LP950: ")
    assert status("contracts/orders.odcs.yaml", "--notify") == 2
    assert capsys.readouterr().err.startswith(
        "error LP995: nobody says who is to be told of 'contracts/orders.odcs.yaml'\n  hint: write --notify FILE"
    )
    assert status(".", "--notify", "none.yml") == 3
    with_section(shop)
    assert status(".", "--at", "2024-05-01", "--notify") == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error LP995: --at and --notify exclude each other: people are told how it stands now"
    )


def test_several_contracts_are_shown_under_their_names(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "other.odcs.yaml").write_text(CONTRACT.partition("slaProperties")[0].replace("sales.orders", "other"))
    assert status(".", "other.odcs.yaml") == 1
    out, err = capsys.readouterr()
    assert [line for line in out.splitlines() if line.endswith(" 1.0.0")] == ["sales.orders 1.0.0", "other 1.0.0"]
    assert err == "other has no service levels\n"
