"""`lakepact webhook …`: what each command prints, its exit codes, and what it leaves in the inbox."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from lakepact.cli.main import main
from lakepact.rerun import Arrival, EffectKey, EffectState, InboxState, Origin, open_inbox
from lakepact.rerun.delta_inbox import DeltaInbox
from lakepact.rerun.memory_inbox import MemoryInbox
from lakepact.rerun.signatures import read_secrets, sign, verify
from webhook_samples import ASSET, OTHER_SECRET, SECRET, body, headers, receiving

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a notice; the environment names a secret and an inbox."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LAKEPACT_WEBHOOK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LAKEPACT_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("LAKEPACT_WEBHOOK_INBOX", "delta:inbox")
    Path("notice.json").write_bytes(body())
    return tmp_path


@pytest.fixture
def filled(folder: Path) -> None:
    """An inbox with a dead event, which began an effect, and one that waits."""
    inbox = open_inbox("delta:inbox")
    inbox.receive(Arrival(delivery_id="msg_1", type="x", contract_id="orders", version="1.2.0", status="Accepted"))
    inbox.receive(Arrival(delivery_id="poll_2", type="x", asset_id=ASSET, origin=Origin.POLLER))
    (event,) = inbox.claim("job-7", timedelta(minutes=5))
    key = EffectKey(contract_id="orders", version="1.2.0", sha256="ab", pipeline="sales")
    inbox.begin_effect(key, "msg_1")
    inbox.settle_effect(key, "msg_1", EffectState.ABANDONED, note="update 7 failed")
    inbox.fail(event, "no pipeline\nis bound")


def test_sign_prints_headers_that_verify(capsys: Captured) -> None:
    assert main(["webhook", "sign", "notice.json", "--id", "msg_1", "--at", "1614265330"]) == 0
    (key,) = read_secrets(SECRET)
    assert capsys.readouterr().out == (
        "content-type: application/json\n"
        "webhook-id: msg_1\n"
        "webhook-timestamp: 1614265330\n"
        f"webhook-signature: {sign(key, 'msg_1', 1614265330, body())}\n"
    )


def test_sign_has_defaults_and_json(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setenv("LAKEPACT_WEBHOOK_SECRET", f"{OTHER_SECRET} {SECRET}")
    for _ in range(2):
        assert main(["webhook", "sign", "notice.json", "--json"]) == 0
    texts = re.findall(r"^\{.*?^\}", capsys.readouterr().out, re.DOTALL | re.MULTILINE)
    first, second = (json.loads(text) for text in texts)
    assert first["webhook-id"] != second["webhook-id"]
    verify(
        read_secrets(OTHER_SECRET),
        delivery_id=first["webhook-id"],
        timestamp=first["webhook-timestamp"],
        signature=first["webhook-signature"],
        body=body(),
        now=datetime.now(UTC),
    )


def test_sign_sends(capsys: Captured) -> None:
    inbox = MemoryInbox()
    with receiving(inbox) as address:
        assert main(["webhook", "sign", "notice.json", "--id", "msg_1", "--to", address]) == 0
        assert main(["webhook", "sign", "notice.json", "--id", "msg_1", "--to", address, "--json"]) == 0
        assert main(["webhook", "sign", "notice.json", "--at", "1", "--to", address]) == 4
    printed = capsys.readouterr()
    first, *rest = printed.out.splitlines()
    assert first == '202 {"status":202,"detail":"received"}'
    assert json.loads("\n".join(rest[:-1]))["status"] == 200
    assert rest[-1] == '401 {"status":401,"detail":"not authentic"}'
    assert f"error LP949: {address} refuses the notice: HTTP 401\n" in printed.err
    assert [event.delivery_id for event in inbox.list()] == ["msg_1"]
    assert main(["webhook", "sign", "notice.json", "--to", address]) == 4
    assert f"error LP949: {address} does not answer: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["sign", "none.json"], 2, "error LP420: there is no file 'none.json'"),
        (["sign", "notice.json", "--id", "a.b"], 2, "error LP948: 'a.b' cannot be the id of a delivery"),
        (["events", "show", "none"], 2, "error LP933: there is no delivery 'none'"),
        (["events", "replay", "none", "--reason", "x"], 2, "error LP933: there is no delivery 'none'"),
        (["events", "list", "--state", "lost"], 2, "error LP948: 'lost' is no state of an event"),
        (["events", "list", "--inbox", "file:x"], 2, "error LP937: 'file:x' is no address of an inbox"),
        (["events", "list", "--inbox", ""], 2, "error LP948: no inbox is named"),
    ],
)
def test_calls_that_cannot_be(arguments: list[str], code: int, message: str, capsys: Captured) -> None:
    assert main(["webhook", *arguments]) == code
    assert capsys.readouterr().err.startswith(message)


def test_without_a_secret_nothing_is_signed_or_served(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.delenv("LAKEPACT_WEBHOOK_SECRET")
    for arguments in (["sign", "notice.json"], ["serve", "--port", "0"]):
        assert main(["webhook", *arguments]) == 3
        assert capsys.readouterr().err.startswith("error LP931: there is no secret in LAKEPACT_WEBHOOK_SECRET or its")


def test_a_new_secret_is_one(capsys: Captured) -> None:
    assert main(["webhook", "secret"]) == 0
    assert main(["webhook", "secret", "--json"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    second = json.loads("\n".join(rest))["secret"]
    assert first != second
    assert [len(each.key) for each in read_secrets(f"{first} {second}")] == [32, 32]


@pytest.mark.usefixtures("filled")
def test_events_are_listed(capsys: Captured) -> None:
    assert main(["webhook", "events", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:4] for line in lines] == [
        ["msg_1", "dead", "orders"],
        ["poll_2", "received", ASSET],
    ]
    assert lines[0].endswith("1.2.0  Accepted  no pipeline is bound")
    assert main(["webhook", "events", "list", "--state", "received", "--state", "Claimed", "--json"]) == 0
    (event,) = json.loads(capsys.readouterr().out)
    assert (event["delivery_id"], event["origin"], event["reason"]) == ("poll_2", "poller", None)
    assert main(["webhook", "events", "list", "--limit", "1"]) == 0
    assert capsys.readouterr().out.split()[1] == "poll_2"


def test_an_empty_inbox_prints_nothing(capsys: Captured) -> None:
    assert main(["webhook", "events", "list"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("filled")
def test_an_event_is_shown_with_what_happened(capsys: Captured) -> None:
    assert main(["webhook", "events", "show", "msg_1"]) == 0
    printed = capsys.readouterr().out
    assert "state: dead\n" in printed
    assert "reason: no pipeline is bound\n" in printed
    assert re.search(r"Z  claimed +job-7 +-\n\S+Z  died +job-7 +no pipeline is bound\n", printed)
    assert printed.endswith("effect on sales: abandoned update 7 failed\n")
    assert main(["webhook", "events", "show", "msg_1", "--json"]) == 0
    event = json.loads(capsys.readouterr().out)
    assert [each["what"] for each in event["history"]] == ["received", "claimed", "died"]
    assert event["effects"] == [
        {"pipeline": "sales", "version": "1.2.0", "sha256": "ab", "state": "abandoned", "note": "update 7 failed"}
    ]


@pytest.mark.usefixtures("filled")
def test_events_are_replayed(capsys: Captured) -> None:
    assert main(["webhook", "events", "replay", "msg_1", "poll_2", "--reason", "bound by now"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == ["received", "received"]
    event = open_inbox("delta:inbox").get("msg_1")
    assert (event.state, event.attempts, event.reason) == (InboxState.RECEIVED, 0, "bound by now")
    assert main(["webhook", "events", "replay", "msg_1", "--reason", "x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["state"] == "received"
    open_inbox("delta:inbox").claim("job-8", timedelta(minutes=5))
    assert main(["webhook", "events", "replay", "msg_1", "--reason", "x"]) == 1
    assert capsys.readouterr().err.startswith("error LP934: job-8 is at work on the delivery msg_1\n")


@pytest.mark.process
@pytest.mark.usefixtures("filled")
def test_events_that_ended_long_ago_are_purged(capsys: Captured) -> None:
    assert main(["webhook", "events", "purge"]) == 0
    assert capsys.readouterr() == ("", "0 events and 0 effects purged\n")
    DeltaInbox("inbox", clock=lambda: datetime.now(UTC) - timedelta(days=60)).receive(
        Arrival(delivery_id="old", type="x", contract_id="orders")
    )
    worker = DeltaInbox("inbox", clock=lambda: datetime.now(UTC) - timedelta(days=50))
    (event,) = worker.claim("job-7", timedelta(minutes=5))
    key = EffectKey(contract_id="orders", version="1.1.0", sha256="ab", pipeline="stock")
    worker.begin_effect(key, "old")
    worker.complete(event)
    effect = {"contract_id": "orders", "pipeline": "stock", "version": "1.1.0", "sha256": "ab"}

    assert main(["webhook", "events", "purge", "--retention-days", "51"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["webhook", "events", "purge", "--retention-days", "49", "--dry-run"]) == 0
    assert capsys.readouterr() == ("old  would be purged\n", "1 events and 1 effects would be purged\n")
    assert main(["webhook", "events", "purge", "--retention-days", "49", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"purged": ["old"], "effects": [effect], "dry_run": False}
    assert sorted(each.delivery_id for each in open_inbox("delta:inbox").list()) == ["msg_1", "poll_2"]


@pytest.mark.usefixtures("filled")
def test_metrics_of_the_inbox(capsys: Captured, folder: Path) -> None:
    assert main(["webhook", "metrics"]) == 0
    text = capsys.readouterr().out
    assert 'lakepact_inbox_events{state="dead"} 1.0\n' in text
    assert main(["webhook", "metrics", "--textfile", "inbox.prom"]) == 0
    assert capsys.readouterr().out == ""
    assert (folder / "inbox.prom").read_text(encoding="utf-8").splitlines()[:6] == text.splitlines()[:6]
    assert main(["webhook", "metrics", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"name": "lakepact_inbox_effects", "labels": {"state": "abandoned"}, "value": 1.0} in found
    for file, why in (("inbox.txt", "is no file of metrics"), ("none/inbox.prom", "cannot be written")):
        assert main(["webhook", "metrics", "--textfile", file]) in (2, 3)
        assert f"error LP948: '{file}' {why}" in capsys.readouterr().err


def test_serve_says_where_and_ends_when_told(folder: Path) -> None:
    command = [sys.executable, "-m", "lakepact", "webhook", "serve", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        ready = process.stderr.readline()
        found = re.fullmatch(
            r"listening on (http://127\.0\.0\.1:\d+/webhooks/collibra) \(hmac\), events go to delta:inbox\n", ready
        )
        assert found is not None, ready
        answer = httpx.post(found[1], content=body(), headers=headers(body()), timeout=20)
        assert answer.status_code == 202
        assert httpx.post(found[1], content=body(), timeout=20).status_code == 415
    finally:
        process.terminate()
        out, log = process.communicate(timeout=30)
    assert (process.returncode, out) == (143, "")
    assert re.search(r"^\S+ \S+ INFO delivery msg_1: 202, received$", log, re.MULTILINE)
    assert log.endswith("terminated\n")
    assert SECRET not in log
    assert [event.delivery_id for event in open_inbox("delta:inbox").list()] == ["msg_1"]


@pytest.mark.process
def test_serve_says_that_memory_forgets_and_ports_can_be_taken(folder: Path) -> None:
    from contextlib import closing

    from lakepact.rerun.serving import listening

    with closing(listening("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "lakepact", "webhook", "serve", "--inbox", "memory:"]
        environment = {**os.environ, "DATABRICKS_APP_PORT": port}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert done.stderr.startswith(
        f"memory: forgets all events when this process ends\nerror LP938: cannot listen on 127.0.0.1:{port}: "
    )
