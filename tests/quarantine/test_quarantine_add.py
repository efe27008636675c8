"""`lakepact quarantine add`: batches from the command line, and files that take their place."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from quarantine_samples import orders_contract

from lakepact.cli.main import main
from lakepact.testing.notify_servers import SlackServer

NEGATIVE = "orders.amount.exclusiveMinimum"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a contract, and a file of which one row breaks it."""
    (tmp_path / "orders.odcs.yaml").write_bytes(orders_contract(retention_days=3).source)
    (tmp_path / "in.csv").write_text("order_id,amount,email\n1,5,a@example.org\n2,-3,b@example.org\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAKEPACT_ACTOR", "ada")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What a command prints; it has to end with that code."""
    found = main(["quarantine", *arguments])
    printed = capsys.readouterr()
    assert found == code, printed.err
    return printed.out if code == 0 else printed.err


def added(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    said = run(capsys, "add", "in.csv", "--contract", "orders.odcs.yaml", "--to", "bad", "--json", *arguments)
    return json.loads(said)


def test_a_file_is_checked_and_set_aside_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = added(capsys, "--reason", "half of it is wrong")
    assert (record["kind"], record["status"], record["dataset"]) == ("batch", "quarantined", "orders")
    assert (record["contract_id"], record["contract_version"]) == ("test.orders", "1.0.0")
    assert record["failed_rules"] == [{"rule_id": NEGATIVE, "message": "1 of 2 rows"}]
    assert record["metadata"] == {"actor": "ada", "reason": "half of it is wrong"}
    assert record["expires_at"][:10] > record["quarantined_at"][:10]
    assert main(["quarantine", "add", "in.csv", "--contract", "orders.odcs.yaml", "--to", "files:bad"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{record['id']}  quarantined  {record['path']}\n"
    assert said.err.startswith("it was set aside before, at ")
    assert len(json.loads(run(capsys, "list", "bad", "--json"))) == 1
    assert added(capsys, "--run", "tuesday")["id"] != record["id"]
    shown = run(capsys, "show", "bad", record["id"])
    assert "metadata.actor: ada\n" in shown
    assert (folder / "in.csv").exists()


def test_a_report_says_why(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["check", "orders.odcs.yaml", "in.csv", "--json"]) == 1
    report = capsys.readouterr().out
    (folder / "report.json").write_text(report)
    record = added(capsys, "--report", "report.json")
    assert record["failed_rules"] == [{"rule_id": NEGATIVE, "message": "1 of 2 rows"}]
    monkeypatch.setattr("sys.stdin", io.StringIO(report))
    assert added(capsys, "--report", "-")["id"] == record["id"]


def test_people_are_told_once_of_what_is_set_aside(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = json.dumps(
        [
            {
                **{"object": "orders", "contract_id": "test.orders", "contract_version": "1.0.0"},
                "results": [
                    {"rule_id": NEGATIVE, "status": "fail", "action": "quarantine", "message": "1 of 2 rows"},
                    {"rule_id": "odd", "status": "error", "action": "fail", "message": "no such column"},
                ],
            }
        ]
    )
    (folder / "report.json").write_text(report)
    with SlackServer() as slack:
        monkeypatch.setenv("HOOK", slack.webhook)
        (folder / "notify.yml").write_text(
            'channels: {chat: {type: slack, webhook: "${env:HOOK}"}}\nroutes: [{channels: [chat]}]\n'
        )
        for _ in range(2):
            record = added(capsys, "--report", "report.json", "--notify", "notify.yml")
            assert main(["notify", "send"]) == 0
            capsys.readouterr()
        (message,) = slack.messages
        said = json.dumps(message)
        assert record["path"] in said
        assert "1 of 2 rows" in said
        assert "no such column" in said
        # Another batch is another cause, though the same rules keep it back.
        other = added(capsys, "--report", "report.json", "--run", "tuesday", "--notify", "notify.yml")
        assert main(["notify", "send"]) == 0
        assert other["path"] in json.dumps(slack.messages[1:])


def test_what_is_wrong_may_be_said_by_hand(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = added(capsys, "--rule", "late=two days late", "--rule", "odd", "--dataset", "main.orders")
    assert record["failed_rules"] == [
        {"rule_id": "late", "message": "two days late"},
        {"rule_id": "odd", "message": ""},
    ]
    assert (record["dataset"], record["object"]) == ("main.orders", "orders")
    other = added(capsys, "--rule", "odd", "--run", "2", "--retention-days", "9")
    assert other["expires_at"][:10] > record["expires_at"][:10]


def test_a_file_takes_the_place_of_a_batch(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = added(capsys, "--rule", "odd", "--option", "sep=;", "--format", "csv")["id"]
    (folder / "right.csv").write_text("order_id;amount\n2;3\n")
    given = ("--file", "right.csv", "--option", "sep=;", "--reason", "sign")
    run(capsys, "review", "bad", key)
    found = json.loads(run(capsys, "correct", "bad", key, *given, "--expected", "1", "--json"))[0]
    assert (found["status"], found["metadata"]["format"]) == ("corrected", "csv")
    assert found["corrected"]["metadata"] == {"options": {"sep": ";"}}
    assert found["corrected"]["original_path"] == "right.csv"
    assert "error LP981" in run(capsys, "correct", "bad", key, *given, "--expected", "1", code=1)
    assert "error LP989: a batch has no values" in run(capsys, "correct", "bad", key, *given, "--null", "x", code=2)
    said = run(capsys, "correct", "bad", key, "--null", "x", "--format", "csv", code=2)
    assert "error LP989: --format and --option are about a --file" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.csv"], "there is no 'none.csv' to check"),
        (["in.csv", "--report", "none.json"], "the report 'none.json' cannot be read: "),
        (["in.csv", "--report", "empty.json"], "the report says nothing of 'orders' at 'in.csv'"),
        (["in.csv", "--report", "mapping.json"], "that is no report of a check"),
        (["in.csv", "--report", "other.json"], "the report is of 'other' 2.0.0, the contract is 'test.orders' 1.0.0"),
        (["in.csv", "--report", "broken.json"], "that is no report of a check: KeyError('status')"),
        (["in.csv", "--report", "good.json"], "no rule keeps 'in.csv' from being let through: it is not set aside"),
        (["in.csv", "--report", "x", "--rule", "y"], "--rule and --report exclude each other"),
        (["in.csv", "--object", "customers"], "the contract has no object 'customers'"),
        (["in.csv", "--option", "sep"], "--option 'sep' has no value"),
        (["in.csv", "--retention-days", "-1"], "-1 days are no time"),
    ],
)
def test_a_call_that_says_too_little(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    entry = {"object": "orders", "contract_id": "test.orders", "contract_version": "1.0.0", "results": []}
    reports = {
        "empty": [],
        "mapping": {"results": []},
        "other": [{**entry, "contract_id": "other", "contract_version": "2.0.0"}],
        "broken": [{**entry, "results": [{"rule_id": "x"}]}],
        "good": [{**entry, "results": [{"rule_id": "x", "status": "warn", "action": "warn"}]}],
    }
    for name, report in reports.items():
        (folder / f"{name}.json").write_text(json.dumps(report))
    said = run(capsys, "add", *arguments, "--contract", "orders.odcs.yaml", "--to", "bad", code=2)
    assert said.startswith(f"error LP989: {words}")
    assert not (folder / "bad").exists()


def test_the_contract_says_where_batches_go(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ("add", "in.csv", "--contract", "orders.odcs.yaml", "--rule", "odd")
    assert "error LP980: ${TENANT}" in run(capsys, *call, code=3)
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.setenv("TENANT", "north")
    monkeypatch.setenv("ASSET", "orders")
    assert "  quarantined  memory://bad-north/quarantine/north/orders/" in run(capsys, *call)
    fsspec.filesystem("memory").rm("/bad-north", recursive=True)
