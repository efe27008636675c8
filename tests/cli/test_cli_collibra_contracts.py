"""`lakepact collibra login-check|list|pull|push|status|promote|watch`: what they print, and what they leave behind."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakepact.cli.main import main
from lakepact.collibra.store import CollibraContractStore
from lakepact.contract import load_contract
from lakepact.rerun import InboxState, open_inbox
from lakepact.store import Status, create_store, open_store
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.store_samples import contract

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CollibraServer]:
    """A tenant with the mapped port gold, and settings in the working directory."""
    with CollibraServer() as found:
        monkeypatch.chdir(tmp_path)
        for name in [each for each in os.environ if each.startswith("LAKEPACT_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("LAKEPACT_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("LAKEPACT_ACTOR", "ada")
        monkeypatch.setenv("LAKEPACT_COLLIBRA_SECRET", found.client_secret)
        port = found.add_port("gold")
        Path("mapping.yml").write_text(f"version: 1\ncontracts:\n  orders:\n    port: {port}\n")
        text = f"url: {found.url}\nuser: '{found.client_id}'\nmapping: mapping.yml\nretries: 0\nfresh_seconds: 0\n"
        Path("collibra.yml").write_text(text)
        yield found


@pytest.fixture
def store(server: CollibraServer) -> CollibraContractStore:
    """The store with version 1.0.0 validated, and the draft 1.1.0."""
    found = open_store("collibra:")
    assert isinstance(found, CollibraContractStore)
    found.put(contract(), actor="ada", status=Status.IN_REVIEW)
    found.set_status("orders", "1.0.0", Status.VALIDATED, actor="bob", reason="good")
    found.put(contract("orders", "1.1.0", purpose="more"), actor="ada", reason="more")
    return found


def asset_of(server: CollibraServer, contract_id: str = "orders") -> str:
    rows = server.state.tables["contracts"].items()
    return next(key for key, row in rows if row["manifestId"] == contract_id)


def port_of(server: CollibraServer, name: str = "gold") -> str:
    return next(row["id"] for row in server.state.tables["assets"].values() if row["name"] == name)


def test_login_check_says_who_it_is_and_no_secret(server: CollibraServer, capsys: Captured) -> None:
    assert main(["collibra", "login-check"]) == 0
    shown = capsys.readouterr()
    lines = dict(line.split(None, 1) for line in shown.out.splitlines())
    assert lines["address"] == f"{server.url} (Collibra 2026.09.0)"
    client = server.client_id
    assert lines["login"] == f"OAuth client credentials (post), client {client}; the secret comes from env"
    assert lines["user"].startswith(f"{client} (")
    assert (lines["missing"], lines["not"].split()) == ("nothing", ["told", "-"])
    assert server.client_secret not in shown.out + shown.err
    assert not [each for each in server.requests if each.method == "POST" and "token" not in each.path]


def test_login_check_names_rights_that_are_missing(server: CollibraServer, capsys: Captured) -> None:
    server.client(server.client_id, server.client_secret, data_contract=False)
    server.faults.fail_next(1, 403, path="/rest/2.0/comments")
    assert main(["collibra", "login-check", "--json"]) == 3
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert found["missing"] == ["see comments", "Product Rights > Data Contract"]
    assert abs(found["clock_seconds"]) < 30
    assert shown.err == "let an administrator of Collibra grant what is missing, see docs/collibra.md\n"


def test_login_check_names_what_collibra_does_not_tell(server: CollibraServer, capsys: Captured) -> None:
    server.faults.fail_next(2, 404, path="/users/current")
    assert main(["collibra", "login-check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "user      not told"
    assert lines[4] == "not told  Product Rights > Data Contract"


def test_login_check_sees_that_clocks_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    with CollibraServer(clock=lambda: 1_700_000_000.0) as slow:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("LAKEPACT_COLLIBRA_SECRET", slow.client_secret)
        monkeypatch.setenv("LAKEPACT_COLLIBRA_URL", slow.url)
        monkeypatch.setenv("LAKEPACT_COLLIBRA_USER", slow.client_id)
        assert main(["collibra", "login-check"]) == 3
        assert capsys.readouterr().err == "the clocks are more than 30 s apart: set the one of this machine\n"


def test_login_check_is_refused_with_a_wrong_secret(
    server: CollibraServer, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEPACT_COLLIBRA_SECRET", "hunter2")
    assert main(["collibra", "login-check"]) == 4
    shown = capsys.readouterr()
    assert shown.err.startswith("error LP903: ")
    assert "hunter2" not in shown.err


def test_list_shows_contracts_and_ports(store: CollibraContractStore, server: CollibraServer, capsys: Captured) -> None:
    free = server.add_port("free")
    server.add_contract("rides", server.add_port("rides port"), contract("rides", "0.1.0").source)
    assert main(["collibra", "list"]) == 0
    rows = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    gold = port_of(server)
    assert cells[0] == ["orders", "1.0.0", "Accepted (validated)", f"gold ({gold})", "mapped"]
    assert cells[1][:3] == ["rides", "0.1.0", "Candidate (draft)"]
    assert cells[1][4] == "not mapped"
    assert cells[2] == ["-", "-", "no contract", f"free ({free})", "not mapped"]
    for asked in ("accepted", "validated"):
        assert main(["collibra", "list", "--status", asked, "--json"]) == 0
        assert [each["contract_id"] for each in json.loads(capsys.readouterr().out)] == ["orders"]
    assert main(["collibra", "list", "--status", "rejected"]) == 0
    assert capsys.readouterr().err == "there is no contract with that status\n"


def test_pull_writes_what_changed_and_keeps_what_was_changed_here(
    store: CollibraContractStore, server: CollibraServer, capsys: Captured
) -> None:
    assert main(["collibra", "pull", "--all"]) == 0
    file = Path("contracts/orders.odcs.yaml")
    assert file.read_bytes() == contract().source
    assert capsys.readouterr().out == "orders  1.0.0  new  contracts/orders.odcs.yaml\n"
    before = file.stat().st_mtime_ns
    assert main(["collibra", "pull", "orders"]) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "0 versions written, 1 the same\n")
    assert file.stat().st_mtime_ns == before
    for status in (Status.IN_REVIEW, Status.VALIDATED):
        store.set_status("orders", "1.1.0", status, actor="bob", reason="good")
    assert main(["collibra", "pull", "orders", "--json"]) == 0
    assert [each["outcome"] for each in json.loads(capsys.readouterr().out)] == ["changed"]
    file.write_text("mine")
    assert main(["collibra", "pull", "orders"]) == 1
    shown = capsys.readouterr()
    assert shown.out == "orders  1.1.0  conflict  contracts/orders.odcs.yaml\n"
    assert "'orders' 1.1.0: the file was changed here since it was pulled\n" in shown.err
    assert file.read_text() == "mine"
    assert main(["collibra", "pull", "orders", "--overwrite"]) == 0
    assert load_contract(file.read_bytes()).version == "1.1.0"


def test_pull_refuses_what_cannot_be_meant(store: CollibraContractStore, capsys: Captured) -> None:
    Path("contracts").mkdir()
    Path("contracts/orders.odcs.yaml").write_text("mine")
    for words, code, said in (
        (["pull"], 2, "LP429: name contracts, or give --all"),
        (["pull", "orders", "--all"], 2, "LP429: name contracts, or give --all"),
        (["pull", "none"], 2, "LP850: there is no contract 'none'"),
        (["pull", "orders", "--status", "rejected"], 2, "LP850: 'orders' has no rejected version"),
        (["pull", "orders", "--status", "blessed"], 2, "LP429: 'blessed' is no status"),
        (["pull", "orders"], 1, "'orders' 1.0.0: the file is there, and was never pulled"),
        (["pull", "none", "--to", "memory:"], 2, "LP850: there is no contract 'none'"),
    ):
        assert main(["collibra", *words]) == code, words
        assert said in capsys.readouterr().err


def test_pull_copies_versions_into_a_store_and_nothing_back(
    store: CollibraContractStore, server: CollibraServer, capsys: Captured
) -> None:
    create_store("file:here")
    here = open_store("file:here")
    here.put(contract("mine", "1.0.0"), actor="eve")
    assert main(["collibra", "pull", "--all", "--to", "file:here", "--status", "any"]) == 0
    assert capsys.readouterr().err == "2 versions written, 0 the same\n"
    found = {each.version: (each.status, each.changed_by) for each in here.list_versions("orders")}
    assert found == {"1.0.0": (Status.VALIDATED, "bob"), "1.1.0": (Status.DRAFT, "ada")}
    server.requests.clear()
    assert main(["collibra", "pull", "--all", "--to", "file:here", "--status", "any"]) == 0
    assert capsys.readouterr().err == "0 versions written, 2 the same\n"
    assert {each.method for each in server.requests if "token" not in each.path} == {"GET"}
    # A steward edits the draft: it comes here. Somebody edits it here: it stays.
    edited = contract("orders", "1.1.0", purpose="by a steward")
    server.set_manifest(asset_of(server), "1.1.0", edited.source)
    assert main(["collibra", "pull", "orders", "--to", "file:here", "--status", "any"]) == 0
    assert here.get("orders", "1.1.0").source == edited.source
    mine = contract("orders", "1.1.0", purpose="by me")
    here.put(mine, actor="eve", expected=edited.sha256)
    capsys.readouterr()
    assert main(["collibra", "pull", "orders", "--to", "file:here", "--status", "any"]) == 1
    assert "'orders' 1.1.0: it has other bytes there, of eve\n" in capsys.readouterr().err
    assert here.get("orders", "1.1.0").source == mine.source


def test_push_makes_drafts_once(server: CollibraServer, capsys: Captured) -> None:
    Path("orders.yaml").write_bytes(contract().source)
    assert main(["collibra", "push", "orders.yaml", "--reason", "first"]) == 0
    assert capsys.readouterr().out == f"orders  1.0.0  new  collibra:{server.url}\n"
    assert server.asset_status(asset_of(server)) == "Candidate"
    (relation,) = server.state.relations("00000000-0000-0000-0000-000000050044")
    assert relation["targetId"] == port_of(server)
    server.requests.clear()
    assert main(["collibra", "push", "orders.yaml", "--json"]) == 0
    assert [each["outcome"] for each in json.loads(capsys.readouterr().out)] == ["same"]
    assert {each.method for each in server.requests if "token" not in each.path} == {"GET"}


def test_push_replaces_a_draft_only_by_its_hash(
    store: CollibraContractStore, server: CollibraServer, capsys: Captured
) -> None:
    other = contract("orders", "1.1.0", purpose="other")
    Path("orders.yaml").write_bytes(other.source)
    assert main(["collibra", "push", "orders.yaml"]) == 1
    assert "'orders' 1.1.0: LP851: 'orders' 1.1.0 is there with other bytes, of ada" in capsys.readouterr().err
    seen = store.version("orders", "1.1.0").sha256
    assert main(["collibra", "push", "orders.yaml", "--expected", seen]) == 0
    assert store.get("orders", "1.1.0").source == other.source


def test_push_finds_the_port_or_says_why_not(server: CollibraServer, capsys: Captured) -> None:
    text = "apiVersion: v3.1.0\nkind: DataContract\nid: rides\nversion: 1.0.0\nstatus: draft\nschema:\n"
    Path("rides.yaml").write_text(f"{text}  - name: rides\n    physicalName: main.taxi.rides\n")
    assert main(["collibra", "push", "rides.yaml"]) == 1
    why = "'rides' 1.0.0: LP909: the contract 'rides' is mapped to no port of Collibra\n"
    assert why in capsys.readouterr().err
    table = server.add_table("databricks>main>taxi>rides")
    first, second = (server.add_port(name, tables=[table]) for name in ("first", "second"))
    assert main(["collibra", "push", "rides.yaml"]) == 1
    assert "LP908: the tables of 'rides' have 2 ports in Collibra: " in capsys.readouterr().err
    assert main(["collibra", "push", "rides.yaml", "--port", second]) == 0
    (relation,) = server.state.relations("00000000-0000-0000-0000-000000050044")
    assert relation["targetId"] == second != first
    assert main(["collibra", "push", "rides.yaml", "rides.yaml", "--port", second]) == 2
    assert "LP429: --port is about one contract" in capsys.readouterr().err
    assert main(["collibra", "push"]) == 2
    assert "LP429: nothing is named to push" in capsys.readouterr().err


def test_push_finds_the_only_port_of_a_table(server: CollibraServer) -> None:
    text = "apiVersion: v3.1.0\nkind: DataContract\nid: rides\nversion: 1.0.0\nstatus: draft\nschema:\n"
    Path("rides.yaml").write_text(f"{text}  - name: rides\n    physicalName: main.taxi.rides\n")
    port = server.add_port("rides port", tables=[server.add_table("databricks>main>taxi>rides")])
    assert main(["collibra", "push", "rides.yaml"]) == 0
    (relation,) = server.state.relations("00000000-0000-0000-0000-000000050044")
    assert relation["targetId"] == port


def test_push_takes_the_highest_version_of_a_store(
    store: CollibraContractStore, server: CollibraServer, capsys: Captured
) -> None:
    create_store("file:here")
    for version in ("1.0.0", "1.2.0"):
        open_store("file:here").put(contract("orders", version), actor="eve")
    assert main(["collibra", "push", "--from", "file:here"]) == 0
    assert capsys.readouterr().err == "1 version written, 0 the same\n"
    assert store.version("orders", "1.2.0").status is Status.DRAFT


def test_status_shows_versions_drafts_and_feedback(
    store: CollibraContractStore, server: CollibraServer, capsys: Captured
) -> None:
    server.add_attribute_type("Contract compliance")
    gateway = store.gateway
    gateway.set_attribute(asset_of(server), "Contract compliance", "pass")
    assert main(["collibra", "status", "orders"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[:5] == [
        ["contract", "orders"],
        ["asset", asset_of(server)],
        ["status", "Accepted", "(validated)"],
        ["active", "1.0.0"],
        ["pending", "1.1.0"],
    ]
    assert lines[6] == ["feedback", "verdict", "pass"]
    assert [line[1:4] for line in lines[7:]] == [
        ["1.0.0", "validated", contract().sha256],
        ["1.1.0", "draft", contract("orders", "1.1.0", purpose="more").sha256],
    ]
    assert main(["collibra", "status", "orders", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pending"], found["feedback"], len(found["versions"])) == (["1.1.0"], {"verdict": "pass"}, 2)
    assert main(["collibra", "status", "none"]) == 2
    assert "LP913: Collibra has no contract 'none'" in capsys.readouterr().err


def test_promote_takes_the_reviewed_bytes_to_validated(
    store: CollibraContractStore, server: CollibraServer, capsys: Captured
) -> None:
    Path("reviewed.yaml").write_bytes(store.get("orders", "1.1.0").source)
    words = ["collibra", "promote", "orders", "1.1.0", "--reason", "good", "--reviewed", "reviewed.yaml"]
    # Between the review and now a steward edits.
    server.set_manifest(asset_of(server), "1.1.0", contract("orders", "1.1.0", purpose="edited").source)
    assert main(words) == 1
    said = "LP911: the bytes of 'orders' 1.1.0 in Collibra are not those that were reviewed"
    assert said in capsys.readouterr().err
    assert store.version("orders", "1.1.0").status is Status.DRAFT
    seen = contract("orders", "1.1.0", purpose="edited").sha256
    assert main([*words[:6], "--expected", seen.upper()]) == 0
    assert capsys.readouterr().out == f"orders  1.1.0  validated  {seen[:12]}\n"
    assert store.latest("orders").version == "1.1.0"
    steps = [each.status.value for each in store.history("orders", "1.1.0")]
    assert steps == ["draft", "draft", "in review", "validated"]
    assert main([*words[:6], "--expected", seen, "--to", "draft"]) == 1
    assert "LP852: 'orders' 1.1.0 is validated and cannot become draft" in capsys.readouterr().err


def test_promote_wants_to_know_which_bytes_were_reviewed(store: CollibraContractStore, capsys: Captured) -> None:
    words = ["collibra", "promote", "orders", "1.1.0", "--reason", "good"]
    for more, said in (
        ([], "LP429: nobody says which bytes were reviewed"),
        (["--expected", "abc"], "LP429: 'abc' is no hash"),
        (["--reviewed", "none.yaml"], "LP420: there is no file 'none.yaml'"),
    ):
        assert main([*words, *more]) == 2
        assert said in capsys.readouterr().err


def test_watch_writes_events_for_the_rerun_job(
    store: CollibraContractStore, server: CollibraServer, capsys: Captured
) -> None:
    words = ["collibra", "watch", "--once", "--inbox", "delta:inbox", "--state", "seen.json"]
    assert main(words) == 0
    assert capsys.readouterr().out == "orders 1.0.0 Accepted\n"
    assert main(words) == 0
    assert capsys.readouterr().out == ""
    Path("seen.json").unlink()  # Told again under the same id, the event is the same.
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["contract_id"] == "orders"
    (event,) = open_inbox("delta:inbox").list()
    assert (event.state, event.arrival.origin.value) == (InboxState.RECEIVED, "poller")
    assert (event.arrival.asset_id, event.arrival.version) == (asset_of(server), "1.0.0")


def test_watch_runs_a_command_until_it_succeeds(
    store: CollibraContractStore, server: CollibraServer, capsys: Captured
) -> None:
    program = "import os, pathlib, sys; pathlib.Path('got.json').write_text(sys.stdin.read())"
    Path("fine.py").write_text(program)
    Path("fails.py").write_text(f"{program}; sys.exit(7 if os.environ['LAKEPACT_EVENT_CONTRACT_ID'] else 0)")
    assert main(["collibra", "watch", "--once", "--exec", f"'{sys.executable}' fails.py"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"'{sys.executable}' ended with 7 for 'orders': it gets that event again\n"
    first = json.loads(Path("got.json").read_text())
    assert main(["collibra", "watch", "--once", "--exec", f"'{sys.executable}' fine.py"]) == 0
    assert capsys.readouterr().out == "orders 1.0.0 Accepted\n"
    assert json.loads(Path("got.json").read_text()) == first
    assert (first["contract_id"], first["version"], first["status"]) == ("orders", "1.0.0", "Accepted")
    assert list(Path("cache/collibra-watch").glob("*.json"))


def test_watch_refuses_what_cannot_be_meant(server: CollibraServer, capsys: Captured) -> None:
    for words, code, said in (
        ([], 2, "LP429: nobody takes the events"),
        (["--exec", "x", "--inbox", "memory:"], 2, "LP429: nobody takes the events"),
        (["--exec", "'x"], 2, "LP429: --exec is no command"),
        (["--exec", " "], 2, "LP429: --exec is no command: it is empty"),
        (["--inbox", "nothing"], 2, "LP937: 'nothing' is no address of an inbox"),
    ):
        assert main(["collibra", "watch", "--once", *words]) == code
        assert said in capsys.readouterr().err
    server.down = True
    assert main(["collibra", "watch", "--once", "--inbox", "memory:"]) == 4
    assert "LP902" in capsys.readouterr().err
