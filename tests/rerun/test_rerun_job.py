"""The rerun job: from an event to a version in force and pipelines that ran, once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lakepact.contract import Contract, load_contract
from lakepact.errors import RemoteFailed
from lakepact.rerun import Arrival, EffectState, InboxState
from lakepact.rerun.adopting import StoreSource
from lakepact.rerun.bindings import Binding
from lakepact.rerun.job import Reported, RerunJob, poll
from lakepact.rerun.memory_inbox import MemoryInbox
from lakepact.rerun.runner import RunState, UpdateOutcome, UpdateRequest
from lakepact.store import ContractStore, Status, open_store

_ORDERS = Binding(pipeline="orders", contract_id="orders", versions=">=1,<3", full_refresh=True)
_REPORT = Binding(pipeline="report", contract_id="orders", versions=">=1,<2")


def _contract(version: str, *, columns: str = "id") -> Contract:
    properties = "".join(f"      - {{name: {name}, logicalType: integer}}\n" for name in columns.split())
    text = f"apiVersion: v3.1.0\nkind: DataContract\nid: orders\nversion: {version}\nstatus: active\nschema:\n"
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

    def report(self, reported: Reported) -> None:
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
        self.inbox = MemoryInbox(clock=self.clock)
        self.runner = Runner(**runner)
        self.reports = Reports()
        self.job = self._job()

    def _job(self, **changed: Any) -> RerunJob:
        parts: dict[str, Any] = {
            "inbox": self.inbox,
            "source": StoreSource(self.collibra),
            "store": self.store,
            "runner": self.runner,
            "bindings": (_ORDERS, _REPORT),
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

    def in_force(self) -> str:
        return self.store.latest("orders").version


def test_a_validated_version_comes_into_force_and_its_pipelines_run() -> None:
    world = World()
    world.validate(_contract("1.0.0"))
    world.tell("d1")
    (done,) = world.job.work()
    assert (done.state, done.version, done.ran, done.reason) == (InboxState.DONE, "1.0.0", ("orders", "report"), "")
    assert world.in_force() == "1.0.0"
    assert world.store.get("orders", "1.0.0").source == _contract("1.0.0").source
    assert [each.pipeline for each in world.runner.started] == ["orders", "report"]
    assert [(each.pipeline, each.outcome.state) for each in world.reports.seen] == [
        ("orders", RunState.COMPLETED),
        ("report", RunState.COMPLETED),
    ]
    assert world.inbox.get("d1").state is InboxState.DONE
    history = [(event.status, event.actor, event.reason) for event in world.store.history("orders")]
    assert history[-1] == (Status.VALIDATED, "lakepact rerun", "validated in memory: (d1)")


def test_many_events_have_one_effect() -> None:
    world = World()
    world.validate(_contract("1.0.0"))
    for number in range(50):
        world.tell(f"d{number}")
    done = world.job.work()
    assert len(done) == 50
    assert len(world.runner.started) == 2
    world.tell("late")
    (late,) = world.job.work()
    assert (late.ran, late.already) == ((), ("orders", "report"))
    assert len(world.runner.started) == 2


def test_a_breaking_change_refreshes_fully_where_that_is_allowed() -> None:
    world = World()
    world.validate(_contract("1.0.0", columns="id a"))
    world.tell("d1")
    world.job.work()
    world.validate(_contract("2.0.0", columns="id"))
    world.tell("d2")
    (done,) = world.job.work()
    assert done.ran == ("orders",)
    assert [(each.pipeline, each.full_refresh) for each in world.runner.started] == [
        ("orders", False),
        ("report", False),
        ("orders", True),
    ]


def test_nothing_validated_and_nothing_newer_is_said() -> None:
    world = World()
    world.collibra.put(_contract("1.0.0"), actor="ada")
    world.tell("d1")
    (done,) = world.job.work()
    assert (done.state, done.reason) == (InboxState.DONE, "memory: has no validated version of 'orders'")
    world.store.put(_contract("1.5.0"), actor="ada", status=Status.IN_REVIEW)
    world.store.set_status("orders", "1.5.0", Status.VALIDATED, actor="ada", reason="by hand")
    world.validate(_contract("1.1.0"))
    world.tell("d2")
    (older,) = world.job.work()
    assert older.reason == "1.1.0 is validated at memory:, 1.5.0 is in force already"
    assert world.runner.started == []


def test_a_version_that_is_too_low_for_its_change_is_a_dead_event_with_the_reason() -> None:
    world = World()
    world.validate(_contract("1.0.0", columns="id a"))
    world.tell("d1")
    world.job.work()
    # Collibra itself does not compare versions.
    lax = open_store("memory:")
    lax.put(_contract("1.0.1", columns="id"), actor="ada", status=Status.IN_REVIEW)
    lax.set_status("orders", "1.0.1", Status.VALIDATED, actor="ada", reason="agreed")
    world.job = world._job(source=StoreSource(lax))
    world.tell("d2")
    (done,) = world.job.work()
    assert done.state is InboxState.DEAD
    assert done.reason.startswith("LP853: ")
    assert world.in_force() == "1.0.0"


def test_a_failed_update_is_a_dead_event_and_runs_again_when_it_is_replayed() -> None:
    world = World(failing=frozenset({"report"}))
    world.validate(_contract("1.0.0"))
    world.tell("d1")
    (done,) = world.job.work()
    assert (done.state, done.failed) == (InboxState.DEAD, ("report: a rule must hold",))
    assert world.inbox.get("d1").reason == "report: a rule must hold"
    assert [each.outcome.state for each in world.reports.seen] == [RunState.COMPLETED, RunState.FAILED]
    world.runner.failing = frozenset()
    world.clock.pause(60)
    world.inbox.replay("d1", reason="mended")
    (again,) = world.job.work()
    assert (again.state, again.ran, again.already) == (InboxState.DONE, ("report",), ("orders",))
    assert [each.pipeline for each in world.runner.started] == ["orders", "report", "report"]


def test_what_is_away_is_tried_again_later() -> None:
    world = World(away=1)
    world.validate(_contract("1.0.0"))
    world.tell("d1")
    (first,) = world.job.work()
    assert (first.state, first.reason) == (InboxState.FAILED, "LP946: the workspace is away")
    assert world.job.work() == ()
    world.clock.pause(31)
    (second,) = world.job.work()
    assert second.state is InboxState.DONE
    assert len(world.runner.started) == 2


def test_polling_makes_good_what_no_webhook_told() -> None:
    world = World()
    world.validate(_contract("1.0.0"))
    bindings = (_ORDERS, _REPORT)
    source = StoreSource(world.collibra)
    assert len(poll(world.inbox, source, world.store, bindings)) == 1
    assert poll(world.inbox, source, world.store, bindings) == ()
    assert [each.state for each in world.job.work()] == [InboxState.DONE]
    assert poll(world.inbox, source, world.store, bindings) == ()


def test_a_preview_changes_nothing() -> None:
    world = World()
    world.validate(_contract("1.0.0"))
    world.tell("d1")
    (shown,) = world.job.preview()
    assert (shown.ran, shown.version) == (("orders", "report"), "1.0.0")
    assert world.inbox.get("d1").state is InboxState.RECEIVED
    assert world.store.list_contracts() == ()
    assert world.runner.started == []


class Trap:
    """Passes calls through to `target`, and crashes before or after the `at`-th one."""

    def __init__(self, target: Any, count: list[int], at: int, *, before: bool) -> None:
        self._target, self._count, self._at, self._before = target, count, at, before

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return found

        def called(*arguments: Any, **named: Any) -> Any:
            self._count[0] += 1
            mine = self._count[0]
            if mine == self._at and self._before:
                raise Crash
            try:
                return found(*arguments, **named)
            finally:
                if mine == self._at:
                    raise Crash

        return called


def _crashed(at: int, *, before: bool) -> World | None:
    """A world after a crash at the `at`-th call, and a second job; None where the job makes fewer calls."""
    world = World()
    world.validate(_contract("1.0.0"))
    world.tell("d1")
    count = [0]
    trapped: Callable[[Any], Any] = lambda target: Trap(target, count, at, before=before)  # noqa: E731
    job = world._job(
        inbox=trapped(world.inbox),
        store=trapped(world.store),
        runner=trapped(world.runner),
        reporters=(trapped(world.reports),),
    )
    try:
        job.work()
    except Crash:
        pass
    else:
        return None
    world.clock.pause(timedelta(minutes=11).total_seconds())
    world.job.work()
    return world


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_job_that_is_killed_anywhere_ends_in_the_same_state(before: bool) -> None:
    at = 0
    while True:
        at += 1
        world = _crashed(at, before=before)
        if world is None:
            break
        where = f"crash {'before' if before else 'after'} call {at}"
        assert world.in_force() == "1.0.0", where
        assert world.inbox.get("d1").state is InboxState.DONE, where
        assert [each.pipeline for each in world.runner.started] == ["orders", "report"], where
        assert {each.pipeline for each in world.reports.seen} == {"orders", "report"}, where
        assert len(world.reports.seen) <= 3, where
        effects = world.inbox.effects("orders")
        assert [each.state for each in effects] == [EffectState.DONE, EffectState.DONE], where
        assert [event.status for event in world.store.history("orders")] == [
            Status.DRAFT,
            Status.IN_REVIEW,
            Status.VALIDATED,
        ], where
    assert at > 15
