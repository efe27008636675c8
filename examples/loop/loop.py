"""The whole loop on one machine: a steward validates a contract in Collibra, and its pipeline runs under it.

    python examples/loop/loop.py [FOLDER]

Collibra and the workspace are doubles of `lakepact.testing`, which answer as the real ones do, and the workspace's
pipeline really runs; receiver, inbox, store and rerun job are the real ones. Every step prints what it can show for
itself.
"""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.pipelines import FileLibrary, PipelineLibrary

from lakepact.collibra.auth import ClientCredentials
from lakepact.collibra.client import CollibraClient
from lakepact.collibra.feedback import ATTRIBUTES
from lakepact.collibra.http_gateway import HttpGateway
from lakepact.collibra.sink import CollibraSink
from lakepact.collibra.store import CollibraContractStore
from lakepact.contract import Contract, load_contract
from lakepact.contract.edits import SetValue, edited
from lakepact.io import using, write_with_contract
from lakepact.project import find_project, load_project
from lakepact.project.scaffold import template_files
from lakepact.rerun import Inbox, InboxState, open_inbox
from lakepact.rerun.bindings import bindings_of
from lakepact.rerun.collibra_source import CollibraReporter, CollibraSource
from lakepact.rerun.databricks_runner import DatabricksRunner
from lakepact.rerun.job import Rerun, RerunJob
from lakepact.rerun.receiver import WEBHOOK_PATH
from lakepact.rerun.reporters import FileReporter
from lakepact.rerun.runner import PipelineRunner
from lakepact.rerun.serving import listening, receiver_server
from lakepact.rerun.settings import read_receiver_settings
from lakepact.spark.session import open_local_session
from lakepact.store import ContractStore, Status, create_store, open_store
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.collibra_workflow import CollibraWorkflow
from lakepact.testing.workspace import Workspace

__all__ = ["Loop", "run_loop"]

_ORDERS = "orders"
_SOURCE = Path(__file__).resolve().with_name("orders_pipeline.py")
_PLACE = "/Workspace/Shared/orders_pipeline.py"
_LANDING = "main.shop.landing"
_STEWARD = "ada@example.com"
_DELIVERY = '{"customer_id": 8, "name": "Nia", "email": "nia@example.com", "country": "FR", "segment": "club"}\n'
_NEW_ROWS = """SELECT * FROM VALUES (7L, 'Ove', 'ove@example.com', 'NO', 'club')
  AS rows(customer_id, name, email, country, segment)"""


@dataclass
class Loop:
    """What the loop can show for itself."""

    steps: list[str] = field(default_factory=list)
    draft: str = ""
    reruns: list[Rerun] = field(default_factory=list)
    in_force: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    attributes: dict[str, object] = field(default_factory=dict)
    seconds: float = 0.0


def run_loop(folder: Path, say: Callable[[str], None] = print) -> Loop:
    """Run the loop in `folder`, which is empty; what it showed."""
    loop = Loop()

    def tell(text: str) -> None:
        loop.steps.append(text)
        say(f"{len(loop.steps)}. {text}")

    project = folder / "shop"
    for path, text in template_files("shop").items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text, encoding="utf-8")
    store_address = f"delta:{folder / 'store'}"
    create_store(store_address)
    first = load_contract(project / "contracts" / "orders.odcs.yaml")
    inbox, store = open_inbox(f"delta:{folder / 'inbox'}"), open_store(store_address)
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    with (
        CollibraServer() as server,
        Workspace(storage=folder / "lake") as workspace,
        receiving(inbox, secret) as url,
        CollibraWorkflow(url, secret=secret) as workflow,
    ):
        changes: list[Mapping[str, Any]] = []
        server.on_status_change(workflow)
        server.on_status_change(changes.append)
        for attribute in ATTRIBUTES.values():
            server.add_attribute_type(attribute)
        tell(f"Collibra answers at {server.url}, the workspace at {workspace.url}, the receiver at {url}")
        collibra = _collibra(server)
        client = WorkspaceClient(host=workspace.url, token=workspace.token, auth_type="pat", config_file=os.devnull)
        landing = _arrived(workspace, project)
        runner = DatabricksRunner(client, {_ORDERS: _deployed(workspace, client, store_address)})
        job = _job(project, inbox, store, collibra, runner, folder)

        _validate(collibra, first)
        _look(loop, job, workflow, tell)
        tell(f"{first.id} {store.latest(_ORDERS).version} is in force, the pipeline ran: {_last(loop)}")
        loop.in_force.append(store.latest(_ORDERS).version)

        loop.draft = _drift(collibra, folder)
        tell(f"a write with a column that the contract does not have became the draft {loop.draft.rpartition('@')[2]}")

        (landing / "customers" / "news.json").write_text(_DELIVERY, encoding="utf-8")
        second = _second(collibra, loop.draft)
        _validate(collibra, second)
        began = time.monotonic()
        # The asset was accepted before and stays so: the review of the new version is what tells of its end.
        workflow(changes[-1] | {"version": second.version, "timestamp": int(time.time() * 1000)})
        _look(loop, job, workflow, tell)
        loop.seconds = time.monotonic() - began
        loop.in_force.append(store.latest(_ORDERS).version)
        tell(f"{second.id} {loop.in_force[-1]} is in force, the pipeline ran again: {_last(loop)}")

        loop.columns = [str(each.name) for each in client.tables.get("main.shop.customers").columns or ()]
        tell(f"the table has the columns {', '.join(loop.columns)}")
        asset = collibra.gateway.contracts(manifest_id=_ORDERS)[0].id
        loop.attributes = {name: values[0] for name, values in collibra.gateway.attributes(asset).items() if values}
        tell("Collibra shows: " + ", ".join(f"{name} = {value}" for name, value in sorted(loop.attributes.items())))
    return loop


@contextmanager
def receiving(inbox: Inbox, secret: str) -> Iterator[str]:
    """The webhook's address while the receiver serves."""
    settings = read_receiver_settings({"LAKEPACT_WEBHOOK_AUTH": "hmac", "LAKEPACT_WEBHOOK_SECRET": secret})
    with listening("127.0.0.1", 0) as bound:
        server = receiver_server(inbox, settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}{WEBHOOK_PATH}"
        finally:
            server.should_exit = True
            thread.join()


def _collibra(server: CollibraServer) -> CollibraContractStore:
    token = ClientCredentials(f"{server.url}/rest/oauth/v2/token", server.client_id, lambda: server.client_secret)
    port = server.add_port("orders-gold")
    return CollibraContractStore(HttpGateway(CollibraClient(server.url, token)), port_of=lambda _: port)


def _arrived(workspace: Workspace, project: Path) -> Path:
    """The volume with the shop's data, as a folder of this machine."""
    landing = workspace.catalog.volume_folder(_LANDING)
    shutil.copytree(project / "data", landing, dirs_exist_ok=True)
    return landing


def _deployed(workspace: Workspace, client: WorkspaceClient, store: str) -> str:
    """The pipeline in the workspace, whose source reads the version in force from the store; its id."""
    workspace.files.put(_PLACE, _SOURCE.read_bytes())
    made = client.pipelines.create(
        name=_ORDERS,
        catalog="main",
        schema="shop",
        serverless=True,
        libraries=[PipelineLibrary(file=FileLibrary(path=_PLACE))],
        configuration={"lakepact.store": store, "lakepact.landing": f"/Volumes/{_LANDING.replace('.', '/')}"},
    )
    return str(made.pipeline_id)


def _job(
    project: Path,
    inbox: Inbox,
    store: ContractStore,
    collibra: CollibraContractStore,
    runner: PipelineRunner,
    folder: Path,
) -> RerunJob:
    records = folder / "records"
    return RerunJob(
        inbox=inbox,
        source=CollibraSource(collibra),
        store=store,
        runner=runner,
        bindings=bindings_of(load_project(find_project(project))),
        reporters=(FileReporter(records / "results"), CollibraReporter(collibra.gateway, records / "feedback")),
    )


def _validate(collibra: CollibraContractStore, contract: Contract) -> None:
    """What a steward does: take the version, look at it, and accept it."""
    collibra.put(contract, actor=_STEWARD, reason="proposed by the team")
    collibra.set_status(contract.id, contract.version, Status.IN_REVIEW, actor=_STEWARD, reason="to be looked at")
    collibra.set_status(contract.id, contract.version, Status.VALIDATED, actor=_STEWARD, reason="agreed")


def _look(loop: Loop, job: RerunJob, workflow: CollibraWorkflow, tell: Callable[[str], None]) -> None:
    """The webhook tells, the rerun job works."""
    workflow.wait()
    answers = [delivery.status for delivery in workflow.deliveries]
    waiting = [event for event in job.inbox.list() if event.state is InboxState.RECEIVED]
    tell(f"the webhook was answered {answers[-1] if answers else 'nothing'}, {len(waiting)} events wait in the inbox")
    loop.reruns += job.work()


def _last(loop: Loop) -> str:
    return ", ".join(loop.reruns[-1].ran or loop.reruns[0].ran)


def _drift(collibra: CollibraContractStore, folder: Path) -> str:
    """A notebook writes rows that have a column more; where the draft of it went."""
    with (
        open_local_session(warehouse=folder / "notebook", app_name="notebook", connect_functions=False) as session,
        using(store=collibra, results=None, cache=folder / "cache"),
    ):
        frame = session.classic.sql(_NEW_ROWS)
        result = write_with_contract(
            frame,
            _ORDERS,
            object_name="customers",
            path=str(folder / "backfill"),
            on_mismatch="draft",
            on_violation="warn",
            sinks=[CollibraSink(collibra)],
        )
    return result.draft.partition(", ")[0]


def _second(collibra: CollibraContractStore, draft: str) -> Contract:
    """The draft as the steward releases it: the next version, with what was proposed."""
    version = draft.rpartition("@")[2]
    source = collibra.get(_ORDERS, version).source
    released = edited(
        source, [SetValue(path="version", value=version.partition("-")[0]), SetValue(path="status", value="active")]
    )
    return load_contract(released)


def main() -> int:
    """Run the loop in a folder that is given, or in one that is removed afterwards."""
    os.environ.setdefault("NO_COLOR", "1")
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        run_loop(folder)
        return 0
    with tempfile.TemporaryDirectory(prefix="lakepact-loop-") as name:
        run_loop(Path(name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
