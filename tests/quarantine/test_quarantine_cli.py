"""`lakepact quarantine …` on Delta tables without Java, and on batches."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from quarantine_samples import CONTRACT_ID, RULE, orders_contract, set_aside

from lakepact.cli.main import main
from lakepact.quarantine import FailedRule, open_quarantine, quarantine_batch

ADDRESS = "ada@example.org"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three rows, two of them of the run `run-1`, set aside just now as far as the retention goes."""
    now = datetime.now(UTC)
    path = set_aside(tmp_path / "orders__quarantine", [(1, -1.0, ADDRESS), (2, -2.0, ADDRESS)], at=now)
    return set_aside(path, [(3, -3.0, ADDRESS)], run="run-2", at=now, rules=["orders.other"])


@pytest.fixture
def contract(tmp_path: Path) -> str:
    """The file of the contract."""
    file = tmp_path / "orders.odcs.yaml"
    file.write_bytes(orders_contract().source)
    return str(file)


def run(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    """What a command prints; it has to end with that code."""
    found = main(["quarantine", *map(str, arguments)])
    printed = capsys.readouterr()
    assert found == code, printed.err
    return printed.out if code == 0 else printed.err


def read(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    return json.loads(run(capsys, *arguments, "--json"))


def test_records_are_listed_and_filtered(capsys: pytest.CaptureFixture[str], table: Path) -> None:
    lines = run(capsys, "list", table).splitlines()
    assert len(lines) == 3
    assert all("quarantined  0  row  orders" in line for line in lines)
    assert len(read(capsys, "list", table, "--run", "run-1")) == 2
    assert len(read(capsys, "list", table, "--rule", "orders.other")) == 1
    assert len(read(capsys, "list", table, "--of", CONTRACT_ID)) == 3
    assert read(capsys, "list", table, "--of", "others") == []
    assert read(capsys, "list", table, "--status", "in-review") == []
    assert len(read(capsys, "list", table, "--since", "2024-01-31")) == 3
    assert read(capsys, "list", table, "--since", "2999-01-31T10:00:00Z") == []
    assert run(capsys, "list", table, "--run", "none") == ""


def test_values_of_classified_columns_are_hidden(
    capsys: pytest.CaptureFixture[str], table: Path, contract: str
) -> None:
    (found,) = read(capsys, "list", table, "--run", "run-2", "--contract", contract)
    assert found["row"] == {"order_id": 3, "amount": -3.0, "email": "***"}
    (unknown,) = read(capsys, "list", table, "--run", "run-2")
    assert unknown["row"] == {"order_id": "***", "amount": "***", "email": "***"}
    (shown,) = read(capsys, "list", table, "--run", "run-2", "--show-values")
    assert shown["row"] == {"order_id": 3, "amount": -3.0, "email": ADDRESS}
    text = run(capsys, "show", table, found["id"][:8], "--contract", contract)
    assert ADDRESS not in text
    assert '"amount": -3.0' in text
    assert ADDRESS in run(capsys, "show", table, found["id"][:8], "--show-values")


def test_a_record_is_decided_about(capsys: pytest.CaptureFixture[str], table: Path, contract: str) -> None:
    key = read(capsys, "list", table, "--run", "run-2")[0]["id"]
    assert "in_review  1" in run(capsys, "review", table, key[:8], "--actor", "ada")
    arguments = ["--set", "amount=3", "--set", "email=12", "--reason", "sign", "--actor", "ada", "--expected", 1]
    assert read(capsys, "correct", table, key, *arguments)[0]["version"] == 2
    assert "error LP981: somebody else has decided" in run(capsys, "correct", table, key, *arguments, code=1)
    found = read(capsys, "show", table, key, "--contract", contract, "--show-values")
    assert (found["status"], found["corrected"]) == ("corrected", {"amount": 3, "email": "12"})
    assert [(each["act"], each["actor"], each["reason"]) for each in found["decisions"]] == [
        ("review", "ada", ""),
        ("correct", "ada", "sign"),
    ]
    assert "corrected" in run(capsys, "correct", table, key, "--null", "email", "--reason", "none")
    run(capsys, "review", table, key)
    assert "rejected  5" in run(capsys, "reject", table, key, "--reason", "rubbish")
    trail = run(capsys, "show", table, key)
    assert "reject by " in trail
    assert trail.splitlines()[-1].endswith(": rubbish")


def test_filters_choose_those_for_which_it_is_possible(capsys: pytest.CaptureFixture[str], table: Path) -> None:
    assert len(read(capsys, "review", table, "--run", "run-1")) == 2
    assert len(read(capsys, "approve", table, "--all", "--reason", "fine")) == 2
    assert read(capsys, "stats", table)["status"] == {"approved": 2, "quarantined": 1}
    lines = run(capsys, "stats", table).splitlines()
    assert lines[0] == "records: 3, with data: 3"
    assert f"rules  {RULE}  2" in lines


def test_rows_that_cannot_be_purged_are_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = set_aside(tmp_path / "orders__quarantine", [(1, -1.0, ADDRESS), (2, -2.0, ADDRESS)], run=None)
    assert main(["quarantine", "purge", str(path)]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[0] == "0 purged, 0 wait for a replay to end"
    assert printed.err.splitlines()[1].startswith("2 left: no moment is known from which their time counts: a pipeline")
    assert len(read(capsys, "purge", path)["left"]) == 2


def test_data_is_purged_by_name_and_by_time(capsys: pytest.CaptureFixture[str], table: Path) -> None:
    key = read(capsys, "list", table, "--run", "run-2")[0]["id"]
    assert main(["quarantine", "purge", str(table), key[:10], "--reason", "asked to"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{key}  purged\n"
    assert "run VACUUM on the quarantine table" in printed.err
    assert read(capsys, "purge", table)["purged"] == []
    planned = read(capsys, "purge", table, "--retention-days", 0, "--dry-run")
    assert (len(planned["purged"]), planned["dry_run"]) == (2, True)
    assert read(capsys, "stats", table)["held"] == 2
    assert len(read(capsys, "purge", table, "--retention-days", 0)["purged"]) == 2
    assert read(capsys, "stats", table)["status"] == {"purged": 3}


def test_batches_have_the_same_commands(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source = tmp_path / "orders.csv"
    source.write_text("order_id\n1\n")
    url = str(tmp_path / "bad")
    rules = [FailedRule("orders.rows", "1 row")]
    record = quarantine_batch(str(source), orders_contract(), rules, dataset="orders", url=url)
    assert "batch  orders" in run(capsys, "list", url)
    run(capsys, "review", f"files:{url}", record.id)
    assert "breaks orders.rows: 1 row" in run(capsys, "show", url, record.id)
    assert main(["quarantine", "purge", url, record.id]) == 0
    assert "VACUUM" not in capsys.readouterr().err
    assert open_quarantine(url).record(record.id).held is False


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["review"], 2, "error LP989: no record is named"),
        (["approve", "--status", "lost", "--reason", "x"], 2, "error LP989: 'lost' is no status"),
        (["list", "--since", "yesterday"], 2, "error LP989: 'yesterday' is no time"),
        (["show", "123456"], 2, "error LP984: no record has the id '123456'"),
        (["purge", "--retention-days", "-1"], 2, "error LP989: -1 days are no time"),
        (["replay"], 2, "error LP989: a replay needs the contract"),
        (["review", "--all", "--actor", " "], 2, "error LP989: a decision needs the actor"),
    ],
)
def test_a_call_that_says_too_little(
    capsys: pytest.CaptureFixture[str], table: Path, arguments: list[str], code: int, words: str
) -> None:
    command, *rest = arguments
    assert words in run(capsys, command, table, *rest, code=code)


def test_a_value_that_is_none(capsys: pytest.CaptureFixture[str], table: Path) -> None:
    key = read(capsys, "review", table, "--run", "run-2")[0]["id"]
    assert "error LP989: --set 'amount' has no value" in run(capsys, "correct", table, key, "--set", "amount", code=2)
    said = run(capsys, "correct", table, key, "--set", "amount=much", "--reason", "x", code=2)
    assert "column 'amount' is DOUBLE: 'much' is no number" in said


def test_a_replay_needs_a_target(capsys: pytest.CaptureFixture[str], table: Path, contract: str) -> None:
    other = table.rename(table.with_name("bad_orders"))
    assert "error LP989: no target is named" in run(capsys, "replay", other, "--contract", contract, code=2)


def test_commands_on_a_delta_path_load_no_spark(table: Path) -> None:
    code = (
        "import sys; from lakepact.cli.main import main; "
        f"assert main(['quarantine', 'review', {str(table)!r}, '--all', '--json']) == 0; "
        "sys.stderr.write(str([name for name in ('pyspark', 'pandas', 'pyarrow') if name in sys.modules]))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "[]")
