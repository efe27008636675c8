"""`lakepact rerun` with pipelines that run on this machine: the version in force, once, and what came of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakepact.cli.main import main
from lakepact.contract import Contract, load_contract
from lakepact.errors import ConfigurationError, UsageError
from lakepact.project import load_project
from lakepact.rerun import Arrival, open_inbox
from lakepact.rerun.local_runner import LocalRunner, under
from lakepact.rerun.runner import RunState, UpdateRequest
from lakepact.results import RuleStatus
from lakepact.store import Status, create_store, open_store

PROJECT = """\
version: 1
contracts: [orders.odcs.yaml]
environments:
  local: {catalog: spark_catalog, schema: rerun_local, storage: .lakepact}
pipelines:
  orders:
    contract: rerun-orders
    version: ">=1,<2"
    configuration: {lakepact.rerun.refresh: orders}
    objects:
      orders: {path: orders.csv, format: csv, options: {header: "true"}, mode: batch}
      total: {sql: "SELECT count(*) AS orders FROM orders"}
"""
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: rerun-orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, required: true}
"""
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose contract was validated elsewhere in a later version, which has a rule more."""
    files = {"lakepact.yml": PROJECT, "orders.odcs.yaml": CONTRACT, "orders.csv": "id,a\n1,2\n2,-1\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for address in ("file:source", "file:store"):
        create_store(address)
    source, contract = open_store("file:source"), later()
    source.put(contract, actor="ada", reason="a rule more", status=Status.IN_REVIEW)
    source.set_status(contract.id, contract.version, Status.VALIDATED, actor="ada", reason="agreed")
    return tmp_path


def later() -> Contract:
    """Version 1.1.0, with a column that has a rule."""
    more = "      - {name: a, logicalType: integer, logicalTypeOptions: {minimum: 0}}\n"
    return load_contract(f"{CONTRACT.replace('1.0.0', '1.1.0')}{more}".encode())


def request(contract: Contract, **changed: object) -> UpdateRequest:
    given = {"pipeline": "orders", "key": "k", "contracts": (contract,), "since": SINCE} | changed
    return UpdateRequest(**given)  # type: ignore[arg-type]


@pytest.mark.spark
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("local_session")
def test_a_validated_version_runs_here_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_inbox("delta:inbox").receive(Arrival(delivery_id="msg_1", type="x", contract_id="rerun-orders"))
    words = ["rerun", "--inbox=delta:inbox", "--source=file:source", "--store=file:store", "--json"]
    assert main(words) == 0
    (done,) = json.loads(capsys.readouterr().out)
    assert (done["version"], done["state"], done["ran"]) == ("1.1.0", "done", ["orders"])
    records = project / ".lakepact" / "reruns"
    (results,) = (records / "results").iterdir()
    said = {each["rule_id"]: each["violations"] for each in map(json.loads, results.read_text().splitlines())}
    # The folder has 1.0.0, and the version in force has the rule.
    assert said["orders.a.minimum"] == 1
    assert list((project / ".lakepact" / "warehouse" / "rerun_local.db").glob("total")) == []

    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == []

    (kept,) = records.glob("*.json")
    update_id, contract = json.loads(kept.read_text())["update_id"], later()
    runner = LocalRunner(project, records=records)
    outcome = runner.outcome("orders", update_id, contract)
    assert outcome.state is RunState.COMPLETED
    assert {each.rule_id: each.status for each in outcome.results}["orders.a.minimum"] is RuleStatus.WARN
    key = f"rerun-orders@1.1.0#{contract.sha256[:12]}"
    assert runner.start(request(contract, key=key)) == update_id
    # What was run before it was asked for is not taken: this one would run, but that its data is gone.
    (project / "orders.csv").unlink()
    with pytest.raises(ConfigurationError, match=r"^LP53\d: "):
        runner.start(request(contract, key=key, since=datetime.now(UTC)))


def test_an_update_that_was_not_run_here(project: Path) -> None:
    with pytest.raises(UsageError, match=r"^LP943: no update u-1 of pipeline 'orders' is known here"):
        LocalRunner(project, records=project / "records").outcome("orders", "u-1", later())


def test_a_record_that_is_damaged_is_said(project: Path) -> None:
    records = project / "records"
    records.mkdir()
    (records / "x.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"^LP944: '.*x\.json' is damaged\n  hint: remove it"):
        LocalRunner(project, records=records).outcome("orders", "u-1", later())


def test_a_project_runs_under_versions_that_are_not_in_its_folder(project: Path) -> None:
    found = under(load_project(project / "lakepact.yml"), (later(),))
    assert [(each.id, each.version) for each in found.documents] == [("rerun-orders", "1.1.0")]
