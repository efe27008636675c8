"""`lakepact collibra …`: what each command prints, its exit codes, and what it leaves in Collibra."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakepact.cli.main import main
from lakepact.collibra.store import CollibraContractStore
from lakepact.diff import Level
from lakepact.drafts.model import Draft
from lakepact.drafts.outbox import Kept, keep
from lakepact.store import Status, open_store
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.store_samples import contract

Captured = pytest.CaptureFixture[str]

TYPES = ("Contract compliance", "Last validation", "Validated version", "Run id", "SLA state")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CollibraServer]:
    """A tenant with the port gold, and settings and a mapping in the working directory."""
    with CollibraServer() as found:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("LAKEPACT_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("LAKEPACT_COLLIBRA_SECRET", found.client_secret)
        port = found.add_port("gold", tables=[found.add_table("databricks>main>sales>orders")])
        Path("mapping.yml").write_text(f"version: 1\ncontracts:\n  orders:\n    port: {port}\n")
        text = f"url: {found.url}\nuser: '{found.client_id}'\nmapping: mapping.yml\nretries: 0\nfresh_seconds: 0\n"
        Path("collibra.yml").write_text(text)
        yield found


@pytest.fixture
def store(server: CollibraServer) -> CollibraContractStore:
    """The store with version 1.0.0 validated."""
    found = open_store("collibra:")
    assert isinstance(found, CollibraContractStore)
    found.put(contract(), actor="ada", status=Status.IN_REVIEW)
    found.set_status("orders", "1.0.0", Status.VALIDATED, actor="bob", reason="good")
    return found


def test_check_shows_what_statuses_mean(server: CollibraServer, capsys: Captured) -> None:
    assert main(["collibra", "check"]) == 0
    shown = capsys.readouterr()
    assert shown.err == f"{server.url} answers: Collibra 2026.09.0\n"
    assert shown.out == (
        "draft       Candidate\n"
        "in review   Under Review\n"
        "validated   Accepted\n"
        "rejected    Rejected\n"
        "deprecated  Obsolete\n"
        "retired     Archived\n"
    )
    assert main(["collibra", "check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["statuses"]["validated"] == "Accepted"


def test_check_fails_where_a_status_has_no_name(server: CollibraServer, capsys: Captured) -> None:
    with Path("collibra.yml").open("a") as file:
        file.write("names: {validated: Blessed}\n")
    assert main(["collibra", "check"]) == 3
    shown = capsys.readouterr()
    assert "validated   MISSING\n" in shown.out
    assert "no status of Collibra means validated: name one in the settings, under `names`\n" in shown.err


def test_check_says_why_it_is_not_let_in(
    server: CollibraServer, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEPACT_COLLIBRA_SECRET", "hunter2")
    assert main(["collibra", "check"]) == 4
    shown = capsys.readouterr()
    assert shown.err.startswith(f"error LP903: {server.url}/rest/oauth/v2/token does not let lakepact in: HTTP 401\n")
    assert "hunter2" not in shown.err
    monkeypatch.delenv("LAKEPACT_COLLIBRA_SECRET")
    assert main(["collibra", "check"]) == 3
    assert "LP901: there is no secret for Collibra in the variable LAKEPACT_COLLIBRA_SECRET" in capsys.readouterr().err
    assert main(["collibra", "check", "--settings", "none.yml"]) == 2
    assert "LP420: there is no file 'none.yml'" in capsys.readouterr().err
    Path("collibra.yml").unlink()
    assert main(["collibra", "check"]) == 3
    assert "LP901: there is no address of Collibra" in capsys.readouterr().err


def test_discover_writes_a_mapping_once(store: CollibraContractStore, server: CollibraServer, capsys: Captured) -> None:
    free = server.add_port("free")
    assert main(["collibra", "discover"]) == 0
    shown = capsys.readouterr()
    assert shown.err == f"to decide: the port 'free' ({free}) has no contract yet\n"
    assert "version: 1\ncontracts:\n  orders:\n    port: " in shown.out
    assert "    datasets:\n    - main.sales.orders\n" in shown.out
    assert main(["collibra", "discover", "--write", "found.yml"]) == 0
    assert capsys.readouterr().err.endswith("found.yml maps 1 contract; review it, then name it in the settings\n")
    assert Path("found.yml").read_text() == shown.out
    assert main(["collibra", "discover", "--write", "found.yml"]) == 3
    assert "File exists" in capsys.readouterr().err
    assert main(["collibra", "discover", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["contracts"][0]["datasets"] == ["main.sales.orders"]


def test_discover_finds_the_port_of_a_table_or_says_that_it_cannot(server: CollibraServer, capsys: Captured) -> None:
    port = next(row["id"] for row in server.state.tables["assets"].values() if row["name"] == "gold")
    assert main(["collibra", "discover", "main.sales.orders"]) == 0
    why = "the table databricks>main>sales>orders"
    assert capsys.readouterr().out == f"main.sales.orders  {port}  {why}\n"
    assert main(["collibra", "discover", "main.sales.other", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"main.sales.other": []}
    assert main(["collibra", "discover", "main.sales.other"]) == 1
    assert capsys.readouterr().err == "to decide: 'main.sales.other' has 0 ports in Collibra\n"


def results(**options: Any) -> str:
    row = {
        "run_id": "run-1",
        "contract_id": "orders",
        "contract_version": "1.0.0",
        "object": "orders",
        "dataset": "main.sales.orders",
        "rule_id": "r1",
        "rule_name": "id is given",
        "action": "warn",
        "status": "pass",
        "at": "2024-01-31T12:00:00+00:00",
        "violations": 0,
        "tested": 10,
    }
    return json.dumps([row | options])


def test_push_status_tells_stewards(store: CollibraContractStore, server: CollibraServer, capsys: Captured) -> None:
    for name in TYPES:
        server.add_attribute_type(name)
    Path("results.json").write_text(results())
    assert main(["collibra", "push-status", "results.json"]) == 0
    assert capsys.readouterr().out == "orders  sent\n"
    found = store.gateway.attributes(store.gateway.contracts()[0].id)
    assert (found["Contract compliance"], found["Run id"]) == (("pass",), ("run-1",))


def test_rules_can_be_metrics(store: CollibraContractStore, server: CollibraServer, capsys: Captured) -> None:
    domain = server.add_domain("Metrics", "Rulebook")
    server.add_attribute_type("Last validation")
    with Path("collibra.yml").open("a") as file:
        file.write(f"feedback: metrics\nmetrics_domain: {domain}\n")
    Path("results.json").write_text(results(violations=1, status="warn"))
    assert main(["collibra", "push-status", "results.json"]) == 0
    assert capsys.readouterr().out == "orders  sent, with 1 metric\n"
    assert main(["collibra", "status", "orders"]) == 0
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    assert lines[6] == ["feedback", "at 2024-01-31T12:00:00.000000Z"]
    assert lines[-1] == ["metric main.sales.orders / r1", "not held", "9 of 10 rows"]
    assert main(["collibra", "status", "orders", "--json"]) == 0
    metric = {"name": "orders / main.sales.orders / r1", "held": False}
    counts = {"rows_passed": 9, "rows_failed": 1, "loaded_rows": 10}
    assert json.loads(capsys.readouterr().out)["metrics"] == [metric | counts]
    server.state.by_name("attribute_types", "Result")["allowedValues"] = [False]
    Path("results.json").write_text(results(at="2024-02-01T12:00:00+00:00"))
    assert main(["collibra", "push-status", "results.json", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    why = (
        "metrics were not taken: orders / main.sales.orders / r1: The attribute 'Result' cannot have the value 'true'."
    )
    assert found == {"sent": [], "metrics": {}, "waiting": {}, "refused": {"orders": why}}


def test_push_status_waits_for_collibra(store: CollibraContractStore, server: CollibraServer, capsys: Captured) -> None:
    for name in TYPES:
        server.add_attribute_type(name)
    Path("results.json").write_text(results(status="fail", action="fail"))
    server.down = True
    assert main(["collibra", "push-status", "results.json"]) == 4
    assert "the outcome for 'orders' waits: " in capsys.readouterr().err
    server.down = False
    assert main(["collibra", "sync", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["feedback"]["sent"] == ["orders"]
    assert store.gateway.attributes(store.gateway.contracts()[0].id)["Contract compliance"] == ("fail",)


def test_push_status_names_what_is_refused(store: CollibraContractStore, capsys: Captured) -> None:
    Path("results.json").write_text(results())
    assert main(["collibra", "push-status", "results.json"]) == 1
    words = "the outcome for 'orders' was refused: Collibra has no attribute type 'Contract compliance'\n"
    assert capsys.readouterr().err == words
    Path("results.json").write_text("[{}]")
    assert main(["collibra", "push-status", "results.json"]) == 3
    assert "LP919: results.json holds no results of rules: KeyError: 'action'" in capsys.readouterr().err


def test_sync_brings_drafts_and_shows_how_contracts_stand(
    store: CollibraContractStore, server: CollibraServer, capsys: Captured, tmp_path: Path
) -> None:
    draft = Draft(contract=contract("orders", "1.1.0", purpose="x"), base=None, level=Level.MINOR, changes=(), key="k")
    keep(tmp_path / "cache" / "drafts", Kept(draft, store.address, "pipeline", "away"))
    assert main(["collibra", "sync"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "orders  1.0.0  2\n"
    assert shown.err == f"a draft is now in collibra:{server.url}#orders@1.1.0\n"
    assert main(["collibra", "sync"]) == 0
    assert capsys.readouterr().err == ""


def test_sync_says_that_collibra_is_away(
    store: CollibraContractStore, server: CollibraServer, capsys: Captured
) -> None:
    assert main(["collibra", "sync"]) == 0
    capsys.readouterr()
    server.down = True
    assert main(["collibra", "sync"]) == 4
    assert "LP902: " in capsys.readouterr().err


def test_the_store_commands_work_on_collibra(store: CollibraContractStore, capsys: Captured) -> None:
    assert main(["store", "get", "orders", "--store", "collibra:"]) == 0
    assert capsys.readouterr().out.encode() == contract().source
    assert main(["store", "history", "orders", "--store", "collibra:"]) == 0
    assert "validated" in capsys.readouterr().out
