"""The process of `lakepact rerun` is killed at requests that it makes, and started again: the same end, once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from lakepact.cli.main import main
from lakepact.collibra.auth import ClientCredentials
from lakepact.collibra.client import CollibraClient
from lakepact.collibra.feedback import ATTRIBUTES
from lakepact.collibra.http_gateway import HttpGateway
from lakepact.collibra.store import CollibraContractStore
from lakepact.contract import load_contract
from lakepact.rerun import Arrival, EffectState, InboxState, open_inbox
from lakepact.store import Status, create_store, open_store
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.loopback import HttpDouble, Reply
from lakepact.testing.workspace_pipelines import WorkspacePipelines

pytest.importorskip("databricks.sdk")
deltalake = pytest.importorskip("deltalake")
pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

# A process for each command, which has no more of its own to import. Leases are short: nobody waits ten minutes here.
COMMANDS = """
import importlib, json, os, sys
from dataclasses import dataclass
from datetime import timedelta
import lakepact.rerun.job as job
from lakepact.cli.main import main

for name in sys.argv[1:]:
    importlib.import_module(name)

@dataclass(frozen=True, kw_only=True)
class Brief(job.RerunJob):
    lease: timedelta = timedelta(seconds=0.2)

job.RerunJob = Brief
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        folder, variables, words = json.loads(line)
        os.chdir(folder)
        os.environ.update(variables)
        os._exit(main(words))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
IMPORTED = (
    *("databricks.sdk", "databricks.sdk.errors", "deltalake", "lakepact.collibra.store", "lakepact.notify"),
    *("lakepact.rerun.collibra_source", "lakepact.rerun.databricks_runner", "lakepact.rerun.delta_inbox"),
    "lakepact.rerun.reporters",
)


@dataclass
class Trap:
    """Where a process ends: at the request with this method and path, before or after it has its effect."""

    method: str
    path: str
    after: bool = False


# In the order in which the job comes to them.
BOUNDARIES = {
    "the contract is not read yet": ("collibra", Trap("GET", r"/manifest")),
    "it is in force, and no update was looked for": ("workspace", Trap("GET", r"/updates\?")),
    "no update is started": ("workspace", Trap("POST", r"/updates$")),
    "an update is started, and its id not known": ("workspace", Trap("POST", r"/updates$", after=True)),
    "the update is followed": ("workspace", Trap("GET", r"/updates/[^/?]+", after=True)),
    "its events are not read": ("workspace", Trap("GET", r"/events\?")),
    "Collibra is told a part": ("collibra", Trap("PUT", r"/attributes$", after=True)),
}


class Between(HttpDouble):
    """Stands before a double; at the request of `trap` it ends the process `victim` by SIGKILL."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.trap: Trap | None = None
        self.victim = 0
        self._client = httpx.Client(base_url=url, timeout=30, verify=False)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._client.close()

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        trap = self.trap
        met = trap is not None and trap.method == method and re.search(trap.path, target) is not None
        if met and trap is not None and not trap.after:
            self._kill()
            return None
        kept = {name: value for name, value in headers.items() if name not in ("host", "content-length", "connection")}
        found = self._client.request(method, target, headers=kept, content=body)
        if met:
            self._kill()
            return None
        passed = {name: found.headers[name] for name in ("content-type", "retry-after") if name in found.headers}
        return Reply(found.status_code, found.content, passed)

    def _kill(self) -> None:
        self.trap = None
        os.kill(self.victim, signal.SIGKILL)


class Commands:
    """Runs commands, each in a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", COMMANDS, *IMPORTED]
        self._parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, folder: Path, variables: Mapping[str, str], words: list[str], places: Iterable[Between]) -> int:
        """Run a command that the places may kill; its exit code, or less than 0 where a signal ended it."""
        assert self._parent.stdin is not None
        print(json.dumps([str(folder), variables, words]), file=self._parent.stdin, flush=True)
        victim = self._said()
        for each in places:
            each.victim = victim
        return self._said()

    def close(self) -> None:
        """End."""
        assert self._parent.stdin is not None
        self._parent.stdin.close()
        self._parent.wait(30)

    def _said(self) -> int:
        assert self._parent.stdout is not None
        for line in self._parent.stdout:
            if re.fullmatch(r"-?\d+\n", line):
                return int(line)
        raise AssertionError("the process that runs commands has ended")


@dataclass
class World:
    """Collibra, where a version was validated, a workspace, and the folder with all else."""

    folder: Path
    collibra: CollibraServer
    workspace: WorkspacePipelines
    pipeline: str
    gateway: HttpGateway
    places: dict[str, Between]
    commands: Commands

    def run(self, trap: tuple[str, Trap] | None = None) -> int:
        """Run the job, up to a trap where there is one."""
        if trap is not None:
            self.places[trap[0]].trap = trap[1]
        # What one that was killed has claimed is free.
        time.sleep(0.3)
        addresses = {"inbox": "delta:inbox", "source": "collibra:collibra.yml", "store": "file:store"}
        words = ["rerun", "shop", "--env=prod", "--records=records", "--results=results"]
        words += [f"--{name}={value}" for name, value in addresses.items()]
        words.append(f"--pipeline-id=orders={self.pipeline}")
        variables = {
            "SECRET": self.collibra.client_secret,
            "DATABRICKS_HOST": self.places["workspace"].url,
            "DATABRICKS_TOKEN": self.workspace.token,
            "DATABRICKS_CONFIG_FILE": os.devnull,
        }
        return self.commands.run(self.folder, variables, words, self.places.values())

    def end(self) -> dict[str, Any]:
        """All that the job leaves, but for times and ids of updates."""
        inbox, store = open_inbox(f"delta:{self.folder / 'inbox'}"), open_store(f"file:{self.folder / 'store'}")
        attributes = self.gateway.attributes(self.gateway.contracts(manifest_id="orders")[0].id)
        tables = [log.parent for log in (self.folder / "results").rglob("_delta_log")]
        return {
            "events": [(each.delivery_id, each.state) for each in inbox.list()],
            "effects": [(each.key.pipeline, each.key.version, each.state) for each in inbox.effects()],
            "versions": [(each.version, each.status) for each in store.history("orders")],
            "updates": self.workspace.started(self.pipeline),
            "told": {name: len(values) for name, values in attributes.items()},
            "compliance": attributes["Contract compliance"],
            "results": {table.name: deltalake.DeltaTable(str(table)).to_pyarrow_table().num_rows for table in tables},
            "files": len(list((self.folder / "records" / "results").iterdir())),
        }


def progress(*counts: tuple[str, int, int]) -> dict[str, Any]:
    """An event with what expectations counted."""
    found = [
        {"name": name, "dataset": "orders", "passed_records": passed, "failed_records": failed}
        for name, passed, failed in counts
    ]
    details = {"flow_progress": {"status": "RUNNING", "data_quality": {"expectations": found}}}
    return {"event_type": "flow_progress", "level": "INFO", "details": details}


def world(folder: Path, opened: ExitStack, commands: Commands) -> World:
    """A project whose contract was validated in Collibra, and an event that says so."""
    folder.mkdir()
    assert main(["init", str(folder / "shop")]) == 0
    collibra = opened.enter_context(CollibraServer())
    workspace = opened.enter_context(WorkspacePipelines(page=250))
    places = {"collibra": Between(collibra.url), "workspace": Between(workspace.url)}
    for each in places.values():
        opened.enter_context(each)
    for attribute in ATTRIBUTES.values():
        collibra.add_attribute_type(attribute)
    token = ClientCredentials(f"{collibra.url}/rest/oauth/v2/token", collibra.client_id, lambda: collibra.client_secret)
    gateway = HttpGateway(CollibraClient(collibra.url, token))
    port = collibra.add_port("orders-gold")
    stewards = CollibraContractStore(gateway, port_of=lambda _: port)
    contract = load_contract(folder / "shop" / "contracts" / "orders.odcs.yaml")
    stewards.put(contract, actor="ada", reason="proposed")
    for status in (Status.IN_REVIEW, Status.VALIDATED):
        stewards.set_status(contract.id, contract.version, status, actor="ada", reason="looked at")
    settings = f"url: {places['collibra'].url}\nuser: {collibra.client_id}\nsecret: env:SECRET\n"
    (folder / "collibra.yml").write_text(settings, encoding="utf-8")
    create_store(f"file:{folder / 'store'}")
    inbox = open_inbox(f"delta:{folder / 'inbox'}")
    for name in ("msg_1", "msg_2"):
        inbox.receive(Arrival(delivery_id=name, type="x", contract_id="orders"))
    pipeline = workspace.add_pipeline("orders")
    workspace.next_update(pipeline, looks=1, events=[progress(("order_id.required", 3, 0), ("amount.minimum", 2, 1))])
    return World(folder, collibra, workspace, pipeline, gateway, places, commands)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """What is closed after the test."""
    with ExitStack() as found:
        yield found


def test_a_job_that_is_killed_at_one_request_after_the_other_ends_as_one_that_is_not(
    tmp_path: Path, opened: ExitStack
) -> None:
    commands = Commands()
    opened.callback(commands.close)
    calm, killed = (world(tmp_path / name, opened, commands) for name in ("calm", "killed"))
    assert calm.run() == 0
    for name, trap in BOUNDARIES.items():
        assert killed.run(trap) == -signal.SIGKILL, name
    assert killed.run() == 0
    expected = calm.end()
    assert killed.end() == expected
    assert expected["events"] == [("msg_1", InboxState.DONE), ("msg_2", InboxState.DONE)]
    assert expected["effects"] == [("orders", "1.0.0", EffectState.DONE)]
    assert expected["updates"] == (False,)
    assert sum(expected["results"].values()) > 0
    assert expected["files"] == 1
    assert set(expected["told"].values()) == {1}
    # What is done stays done.
    assert killed.run() == 0
    assert killed.end() == expected
