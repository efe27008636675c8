"""How long it takes from a steward's click in Collibra to the start of the update that it causes."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import Line
from lakepact.collibra.auth import ClientCredentials
from lakepact.collibra.client import CollibraClient
from lakepact.collibra.http_gateway import HttpGateway
from lakepact.collibra.store import CollibraContractStore
from lakepact.contract import Contract, load_contract
from lakepact.rerun import Inbox, open_inbox
from lakepact.rerun.bindings import Binding
from lakepact.rerun.collibra_source import CollibraSource
from lakepact.rerun.job import RerunJob, poll
from lakepact.rerun.receiver import WEBHOOK_PATH
from lakepact.rerun.runner import RunState, UpdateOutcome, UpdateRequest
from lakepact.rerun.serving import listening, receiver_server
from lakepact.rerun.settings import read_receiver_settings
from lakepact.store import Status, create_store, open_store
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.collibra_workflow import CollibraWorkflow

__all__ = ["measure_clicks"]

_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_STEWARD = "ada@example.com"
_WATCH = 1.0
_INTERVAL = 5.0


def measure_clicks(*, clicks: int = 5) -> Iterator[Line]:
    """Clicks in a Collibra on loopback, told by webhook and found by polling; an update starts, and does nothing.

    The job looks into the inbox every second, about as `lakepact rerun --watch 1` does, or polls every five.
    """
    told = _measured(clicks, pause=_WATCH, polls=False)
    yield Line(f"click to update started, webhook, slowest of {clicks}", max(told), 5.0, "s", f"median {_middle(told)}")
    found = _measured(clicks, pause=_INTERVAL, polls=True)
    detail = f"median {_middle(found)}, polled every {_INTERVAL:g} s"
    yield Line(f"click to update started, poller, slowest of {clicks}", max(found), _INTERVAL, "s", detail)


def _middle(values: list[float]) -> str:
    return f"{sorted(values)[len(values) // 2]:.2f}"


@dataclass
class _Runner:
    """Notes when an update was started, by contract."""

    started: dict[str, float] = field(default_factory=dict)
    any_started: threading.Condition = field(default_factory=threading.Condition)
    address: str = "here"

    def start(self, request: UpdateRequest) -> str:
        with self.any_started:
            self.started[request.contracts[0].id] = time.monotonic()
            self.any_started.notify_all()
        return request.key

    def outcome(self, pipeline: str, update_id: str, contract: Contract) -> UpdateOutcome:
        return UpdateOutcome(update_id=update_id, state=RunState.COMPLETED)


def _measured(clicks: int, *, pause: float, polls: bool) -> list[float]:
    """Seconds from each click to the start of its update; the clicks come at any moment between two looks."""
    contracts = [_contract(f"orders-{number}") for number in range(clicks)]
    runner, chance, taken = _Runner(), random.Random(1), []
    with (
        tempfile.TemporaryDirectory(prefix="lakepact-bench-", ignore_cleanup_errors=True) as name,
        CollibraServer() as server,
    ):
        folder = Path(name)
        inbox = open_inbox(f"delta:{folder / 'inbox'}")
        collibra = _collibra(server)
        for contract in contracts:
            collibra.put(contract, actor=_STEWARD, reason="proposed")
            collibra.set_status(contract.id, contract.version, Status.IN_REVIEW, actor=_STEWARD, reason="to look at")
        job = _job(folder, inbox, collibra, runner, contracts)
        with _told(server, inbox, silent=polls), _working(job, pause, polls=polls):
            for contract in contracts:
                # At any time but while a look is at work: that one may have read already, or not.
                time.sleep(chance.uniform(0.1, 0.9) * pause)
                clicked = time.monotonic()
                collibra.set_status(contract.id, contract.version, Status.VALIDATED, actor=_STEWARD, reason="agreed")
                with runner.any_started:
                    if not runner.any_started.wait_for(lambda found=contract.id: found in runner.started, timeout=60):
                        raise RuntimeError(f"no update was started for {contract.id}")
                taken.append(runner.started[contract.id] - clicked)
    return taken


def _contract(contract_id: str) -> Contract:
    head = f"apiVersion: v3.1.0\nkind: DataContract\nid: {contract_id}\nversion: 1.0.0\nstatus: active\n"
    text = f"{head}schema:\n  - name: orders\n    properties: [{{name: id, logicalType: integer}}]\n"
    return load_contract(text.encode())


def _collibra(server: CollibraServer) -> CollibraContractStore:
    """Collibra as the job sees it."""
    token = ClientCredentials(f"{server.url}/rest/oauth/v2/token", server.client_id, lambda: server.client_secret)
    ports: dict[str, str] = {}

    def port_of(contract_id: str) -> str:
        return ports.setdefault(contract_id, server.add_port(f"{contract_id}-gold"))

    return CollibraContractStore(HttpGateway(CollibraClient(server.url, token)), port_of=port_of)


def _job(
    folder: Path, inbox: Inbox, collibra: CollibraContractStore, runner: _Runner, contracts: list[Contract]
) -> RerunJob:
    address = f"delta:{folder / 'store'}"
    create_store(address)
    return RerunJob(
        inbox=inbox,
        source=CollibraSource(collibra),
        store=open_store(address),
        runner=runner,
        bindings=tuple(Binding(pipeline=contract.id, contract_id=contract.id) for contract in contracts),
    )


@contextmanager
def _told(server: CollibraServer, inbox: Inbox, *, silent: bool) -> Iterator[None]:
    """The receiver and the workflow that tells it, unless nobody tells."""
    if silent:
        yield
        return
    settings = read_receiver_settings({"LAKEPACT_WEBHOOK_SECRET": _SECRET})
    with listening("127.0.0.1", 0) as bound:
        webhook = receiver_server(inbox, settings)
        thread = threading.Thread(target=webhook.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            url = f"http://127.0.0.1:{bound.getsockname()[1]}{WEBHOOK_PATH}"
            with CollibraWorkflow(url, secret=_SECRET) as workflow:
                server.on_status_change(workflow)
                yield
        finally:
            webhook.should_exit = True
            thread.join()


@contextmanager
def _working(job: RerunJob, pause: float, *, polls: bool) -> Iterator[None]:
    """The job at work, in a thread."""
    over = threading.Event()

    def look() -> None:
        begins = time.monotonic()
        while not over.wait(max(begins - time.monotonic(), 0)):
            begins += pause
            if polls:
                poll(job.inbox, job.source, job.store, job.bindings)
            while job.work():
                pass

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
