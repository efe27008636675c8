"""Collibra, a store, an inbox and a runner of pipelines in memory, on one clock, for tests of the rerun job."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lakepact.contract import Contract, load_contract
from lakepact.errors import RemoteFailed
from lakepact.rerun import Arrival, Inbox
from lakepact.rerun.adopting import StoreSource
from lakepact.rerun.bindings import Binding
from lakepact.rerun.job import Reported, RerunJob
from lakepact.rerun.memory_inbox import MemoryInbox
from lakepact.rerun.runner import RunState, UpdateOutcome, UpdateRequest
from lakepact.store import ContractStore, Status, open_store

ORDERS = Binding(pipeline="orders", contract_id="orders", versions=">=1,<3", full_refresh=True)
REPORT = Binding(pipeline="report", contract_id="orders", versions=">=1,<2")


def contract_of(version: str, *, columns: str = "id", contract_id: str = "orders") -> Contract:
    """A contract of one object with these columns."""
    properties = "".join(f"      - {{name: {name}, logicalType: integer}}\n" for name in columns.split())
    head = f"apiVersion: v3.1.0\nkind: DataContract\nid: {contract_id}\nversion: {version}\n"
    text = f"{head}status: active\nschema:\n"
    return load_contract(f"{text}  - name: orders\n    properties:\n{properties}".encode())


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Runner:
    """Runs nothing; remembers what was asked. An update ends when its outcome is asked the second time."""

    started: list[UpdateRequest] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    failing: frozenset[str] = frozenset()
    away: int = 0
    address: str = "here"

    def start(self, request: UpdateRequest) -> str:
        if self.away:
            self.away -= 1
            raise RemoteFailed("the workspace is away", "LP946")
        for number, earlier in enumerate(self.started):
            if (earlier.pipeline, earlier.key) == (request.pipeline, request.key) and request.since <= earlier.since:
                return f"u{number}"
        self.started.append(request)
        return f"u{len(self.started) - 1}"

    def outcome(self, pipeline: str, update_id: str, contract: Contract) -> UpdateOutcome:
        self.asked[update_id] = self.asked.get(update_id, 0) + 1
        if self.asked[update_id] < 2:
            return UpdateOutcome(update_id=update_id, state=RunState.RUNNING)
        if pipeline in self.failing:
            return UpdateOutcome(update_id=update_id, state=RunState.FAILED, message="a rule must hold")
        return UpdateOutcome(update_id=update_id, state=RunState.COMPLETED)


@dataclass
class Reports:
    """Remembers what was reported."""

    seen: list[Reported] = field(default_factory=list)
    away: int = 0

    def report(self, reported: Reported) -> None:
        if self.away:
            self.away -= 1
            raise RemoteFailed("Collibra is away", "LP946")
        self.seen.append(reported)


class Clock:
    """A time that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class World:
    """Collibra, the platform's store, an inbox and a runner, on one clock."""

    def __init__(self, **runner: Any) -> None:
        self.clock = Clock()
        self.collibra: ContractStore = open_store("memory:")
        self.store: ContractStore = open_store("memory:")
        self.inbox: Inbox = MemoryInbox(clock=self.clock)
        self.runner = Runner(**runner)
        self.reports = Reports()
        self.job = self.job_with()

    def job_with(self, **changed: Any) -> RerunJob:
        parts: dict[str, Any] = {
            "inbox": self.inbox,
            "source": StoreSource(self.collibra),
            "store": self.store,
            "runner": self.runner,
            "bindings": (ORDERS, REPORT),
            "reporters": (self.reports,),
            "clock": self.clock,
            "pause": self.clock.pause,
        }
        return RerunJob(**(parts | changed))

    def validate(self, contract: Contract) -> None:
        self.collibra.put(contract, actor="ada", status=Status.IN_REVIEW)
        self.collibra.set_status(contract.id, contract.version, Status.VALIDATED, actor="ada", reason="agreed")

    def tell(self, delivery: str, *, contract_id: str = "orders", **said: Any) -> None:
        event = Arrival(
            delivery_id=delivery, type="collibra.data_contract.status_changed", contract_id=contract_id, **said
        )
        self.inbox.receive(event)

    def in_force(self, contract_id: str = "orders") -> str:
        return self.store.latest(contract_id).version
