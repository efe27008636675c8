"""`lakepact notify`, against services on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakepact.cli import main
from lakepact.contract import load_contract
from lakepact.notify import open_notifier
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import Action
from lakepact.testing.notify_servers import Fault, PagerDutyServer, SlackServer

DOCUMENT = b"""apiVersion: v3.1.0
kind: DataContract
id: sales.orders
name: Orders
version: 1.2.0
status: active
"""


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


@pytest.fixture
def pagerduty() -> Iterator[PagerDutyServer]:
    with PagerDutyServer() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, slack: SlackServer, pagerduty: PagerDutyServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "notify.yml").write_text(f"""
channels:
  chat: {{type: slack, webhook: "${{env:HOOK}}"}}
  oncall: {{type: pagerduty, routing_key: "${{env:KEY}}", address: "{pagerduty.address}"}}
routes:
  - channels: [chat, oncall]
retry: {{attempts: 1}}
""")
    monkeypatch.setenv("HOOK", slack.webhook)
    monkeypatch.setenv("KEY", pagerduty.routing_key)
    monkeypatch.setenv("LAKEPACT_ACTOR", "ann")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def broken(folder: Path, status: RuleStatus = RuleStatus.FAIL, run: str = "run-1") -> None:
    from datetime import UTC, datetime

    found = RuleResult(
        run_id=run,
        contract_id="sales.orders",
        contract_version="1.2.0",
        object="orders",
        dataset="main.sales.orders",
        rule_id="email.required",
        rule_name="email.required",
        action=Action.FAIL,
        status=status,
        at=datetime.now(UTC),
    )
    assert open_notifier(folder / "notify.yml").notify([found], load_contract(DOCUMENT))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main(["notify", *arguments]) == code
    return capsys.readouterr()


def test_channels_are_tried_out(
    folder: Path, slack: SlackServer, pagerduty: PagerDutyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed(capsys, "test").out
    key = pagerduty.events[0]["dedup_key"]
    assert out == f"chat: sent\noncall: sent {key}\n"
    assert [each["text"] for each in slack.messages] == [
        "[info] 1 rule of contract Test of lakepact notifications 0.0.0 in lakepact.test broken",
        "Resolved: contract Test of lakepact notifications 0.0.0 in lakepact.test holds again",
    ]
    assert pagerduty.incidents == {key: "resolved"}


def test_a_channel_that_fails_its_test(folder: Path, slack: SlackServer, capsys: pytest.CaptureFixture[str]) -> None:
    slack.fail(Fault(status=404, body=b"no_service"))
    found = printed(capsys, "test", "chat", code=4)
    assert found.err.startswith("chat: error LP957: Slack refuses the message: HTTP 404 no_service\n")
    assert slack.webhook not in found.err
    assert "error LP954: there is no channel 'none'" in printed(capsys, "test", "none", code=2).err


def test_what_waits_is_sent(folder: Path, slack: SlackServer, capsys: pytest.CaptureFixture[str]) -> None:
    broken(folder)
    assert printed(capsys, "send").out == "2 sent, 0 failed, 0 given up, 0 waiting\n"
    assert len(slack.messages) == 1
    assert printed(capsys, "send").out == "0 sent, 0 failed, 0 given up, 0 waiting\n"
    status = printed(capsys, "status").out
    assert status.startswith("1 open incidents, 0 messages waiting, 0 given up, 0 runs not taken in, 0 damaged files\n")
    assert "open: [error] sales.orders main.sales.orders email.required since " in status


def test_what_was_given_up_is_shown_and_sent_again(
    folder: Path, slack: SlackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(folder)
    slack.fail(Fault(status=500))
    sent = printed(capsys, "send", "--json", code=4)
    assert json.loads(sent.out) == {
        "sent": 1,
        "failed": 0,
        "dead": 1,
        "waiting": 0,
        "busy": False,
        "reasons": ["chat: Slack does not take messages: HTTP 500 (1 attempts)"],
    }
    status = json.loads(printed(capsys, "status", "--json", code=1).out)
    assert [each["reason"] for each in status["dead"]] == ["Slack does not take messages: HTTP 500 (1 attempts)"]
    file = folder / ".lakepact" / "notify" / "channels"
    for each in file.iterdir():
        each.unlink()
    again = printed(capsys, "send", "--again")
    assert again.err == "1 given up before are tried again\n"
    assert len(slack.messages) == 1
    assert json.loads(printed(capsys, "status", "--json").out)["dead"] == []


def test_a_mute_holds_until_it_is_ended(folder: Path, slack: SlackServer, capsys: pytest.CaptureFixture[str]) -> None:
    made = printed(capsys, "mute", "sales.*", "--for", "2h", "--reason", "move")
    mute_id = made.out.strip()
    assert made.err.startswith(f"muted {mute_id}: sales.* * * until ")
    assert made.err.endswith(f" by ann: move\nend it with: lakepact notify unmute {mute_id}\n")
    broken(folder)
    assert printed(capsys, "send").out.startswith("0 sent")
    assert f"muted {mute_id}" in printed(capsys, "status").out
    printed(capsys, "unmute", mute_id)
    assert printed(capsys, "send").out.startswith("2 sent")
    assert f"error LP954: there is no mute '{mute_id}'" in printed(capsys, "unmute", mute_id, code=2).err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "error LP420: say how long: either --for or --until\n"),
        (("--for", "1h", "--until", "2099-01-01"), "error LP420: say how long: either --for or --until\n"),
        (("--for", "soon"), "error LP952: 'soon' is no duration\n"),
        (("--until", "soon"), "error LP952: 'soon' is no time\n"),
        (("--until", "2020-01-01"), "error LP952: 2020-01-01 00:00:00 UTC is over\n"),
    ],
)
def test_a_mute_must_say_how_long(
    folder: Path, arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(capsys, "mute", *arguments, code=2).err.startswith(message)


def test_an_incident_is_acknowledged(
    folder: Path, pagerduty: PagerDutyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(folder)
    printed(capsys, "send")
    printed(capsys, "ack", "sales.orders")
    printed(capsys, "send")
    assert list(pagerduty.incidents.values()) == ["acknowledged"]
    assert ", taken by ann\n" in printed(capsys, "status").out
    broken(folder, RuleStatus.PASS, "run-2")
    printed(capsys, "send")
    assert list(pagerduty.incidents.values()) == ["resolved"]
    assert json.loads(printed(capsys, "status", "--json").out)["incidents"] == []


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(printed(capsys, "schema").out)["required"] == ["channels", "routes"]


def test_settings_that_are_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "notify.yml").write_text("channels: {a: {type: slack, webhook: hunter2}}\nroutes: [{channels: [a]}]\n")
    err = printed(capsys, "status", code=3).err
    assert "notify.yml:1:38: error LP953: 'channels.a.webhook' must be a reference to a secret\n" in err
    assert "hunter2" not in err
    assert "error LP950: 'none.yml' cannot be read" in printed(capsys, "send", "--file", "none.yml", code=3).err
