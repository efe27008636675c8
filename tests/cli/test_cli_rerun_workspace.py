"""`lakepact rerun` for pipelines in a workspace: what it must be told, and that a dry run asks no workspace."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from lakepact.cli.main import main
from lakepact.contract import load_contract
from lakepact.rerun import Arrival, open_inbox
from lakepact.store import Status, create_store, open_store

Captured = pytest.CaptureFixture[str]
PLACES = ["--inbox", "delta:inbox", "--source", "file:source", "--store", "file:store", "--env", "prod"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Path:
    """The project that `init` writes, its contract validated at the source; the environment names no workspace."""
    root = tmp_path / "shop"
    assert main(["init", str(root)]) == 0
    monkeypatch.chdir(root)
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_", "ARM_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "empty.cfg").write_text("")
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "empty.cfg"))
    for address in ("file:source", "file:store"):
        create_store(address)
    contract, source = load_contract(root / "contracts" / "orders.odcs.yaml"), open_store("file:source")
    source.put(contract, actor="ada", reason="first", status=Status.IN_REVIEW)
    source.set_status(contract.id, contract.version, Status.VALIDATED, actor="ada", reason="agreed")
    open_inbox("delta:inbox").receive(Arrival(delivery_id="msg_1", type="x", contract_id="orders"))
    capsys.readouterr()
    return root


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [],
            "error LP429: environment 'prod' has no storage on this machine\n  hint: name a local environment;"
            " on Databricks give --records and --pipeline-id, as the bundle's job does\n",
        ),
        (
            ["--records", "records"],
            "error LP429: environment 'prod' has no storage on this machine\n  hint: give --pipeline-id NAME=ID"
            " for each pipeline that runs in the workspace\n",
        ),
        (
            ["--records", "records", "--pipeline-id", "orders"],
            "error LP429: 'orders' is no id of a pipeline\n  hint: write --pipeline-id NAME=ID\n",
        ),
        (
            ["--records", "records", "--pipeline-id", "orders="],
            "error LP429: 'orders=' is no id of a pipeline\n  hint: write --pipeline-id NAME=ID\n",
        ),
    ],
)
def test_what_is_missing_is_said(capsys: Captured, arguments: list[str], message: str) -> None:
    assert main(["rerun", *PLACES, *arguments]) == 2
    assert capsys.readouterr().err == message


def test_without_a_way_into_a_workspace(capsys: Captured) -> None:
    pytest.importorskip("databricks.sdk")
    assert main(["rerun", *PLACES, "--records", "records", "--pipeline-id", "orders=p-1"]) == 3
    assert "error LP429: there is no way into a Databricks workspace: " in capsys.readouterr().err


class Workspace(BaseHTTPRequestHandler):
    """Answers that there is nothing, and keeps which paths were asked for."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(404)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths that a workspace without anything in it was asked for."""
    Workspace.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Workspace) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("DATABRICKS_HOST", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("DATABRICKS_TOKEN", "x")
        yield Workspace.asked
        server.shutdown()


@pytest.mark.timeout(60)
def test_a_dry_run_asks_for_no_pipeline(capsys: Captured, workspace: list[str]) -> None:
    pytest.importorskip("databricks.sdk")
    words = ["--records", "records", "--pipeline-id", "orders=p-1", "--dry-run", "--json"]
    assert main(["rerun", *PLACES, *words]) == 0
    (rerun,) = json.loads(capsys.readouterr().out)
    assert (rerun["contract_id"], rerun["ran"]) == ("orders", ["orders"])
    assert [path for path in workspace if "/pipelines" in path] == []
    assert not Path("records").exists()


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("workspace")
def test_a_dry_run_shows_what_would_be_asked_for_and_found(capsys: Captured) -> None:
    pytest.importorskip("databricks.sdk")
    # Another inbox, in which nothing waits.
    places = ["--inbox", "delta:other", *PLACES[2:]]
    words = ["rerun", *places, "--records", "records", "--pipeline-id", "orders=p-1", "--dry-run", "--json"]
    for more, name in ((["--poll"], "poll-"), (["--now", "orders"], "now")):
        assert main([*words, *more]) == 0
        (shown,) = json.loads(capsys.readouterr().out)
        assert shown["delivery_id"].startswith(name)
        assert (shown["contract_id"], shown["version"], shown["ran"]) == ("orders", "1.0.0", ["orders"])
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("workspace")
def test_what_another_worker_has_is_said(capsys: Captured) -> None:
    pytest.importorskip("databricks.sdk")
    open_inbox("delta:inbox").claim("a job that was killed", timedelta(minutes=10))
    assert main(["rerun", *PLACES, "--records", "records", "--pipeline-id", "orders=p-1"]) == 0
    said = capsys.readouterr().err
    assert re.search(r"^no event waits; 1 with a worker, until \d\d:\d\d:\d\d UTC at the latest$", said, re.MULTILINE)


@pytest.mark.timeout(60)
def test_the_pipeline_of_that_id_is_asked_for(capsys: Captured, workspace: list[str]) -> None:
    pytest.importorskip("databricks.sdk")
    assert main(["rerun", *PLACES, "--records", "records", "--pipeline-id", "orders=p-1"]) == 1
    assert any(path.startswith("/api/2.0/pipelines/p-1/updates") for path in workspace)
    assert "pipeline 'orders' is not in the workspace" in capsys.readouterr().out
