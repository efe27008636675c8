"""The rerun job under load, kills and places that are away: the same effects, once, and the same end."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rerun_samples import ORDERS, REPORT, Crash, Reports, World, contract_of

from lakepact.contract import Contract
from lakepact.errors import RemoteFailed
from lakepact.rerun import Arrival, EffectState, InboxState, Origin
from lakepact.rerun.adopting import StoreSource
from lakepact.rerun.bindings import Binding
from lakepact.rerun.delta_inbox import DeltaInbox
from lakepact.rerun.job import Rerun, RerunJob
from lakepact.store import Status

_LEASE_OVER = timedelta(minutes=11).total_seconds()


def test_a_thousand_events_update_each_pipeline_once_per_effect() -> None:
    contracts = [f"c{number}" for number in range(50)]
    bindings = tuple(
        Binding(pipeline=f"p{(number * factor) % 20}", contract_id=contract_id)
        for number, contract_id in enumerate(contracts)
        for factor in (1, 7)
    )
    world, chance = World(), random.Random(8)
    job = world.job_with(bindings=tuple(dict.fromkeys(bindings)))
    told = [(contract_id, version) for contract_id in contracts for version in ("1.0.0", "1.1.0")] * 10
    assert len(told) == 1000
    chance.shuffle(told)
    validated: set[tuple[str, str]] = set()
    done: list[Rerun] = []
    for number, (contract_id, version) in enumerate(told):
        # What a notice says is not asked: it may come before its version is validated, or long after.
        if not validated & {(contract_id, version), (contract_id, "1.1.0")} and number % 3:
            world.validate(
                contract_of(version, columns="id a" if version == "1.1.0" else "id", contract_id=contract_id)
            )
            validated.add((contract_id, version))
        origin = Origin.POLLER if number % 4 == 0 else Origin.WEBHOOK
        event = Arrival(delivery_id=f"d{number}", type="x", contract_id=contract_id, version=version, origin=origin)
        world.inbox.receive(event)
        if number % 5 == 0:
            world.inbox.receive(event)
        world.clock.pause(0.01)
        if number % 90 == 0:
            done += job.work(limit=40)
    while found := job.work():
        done += found
    assert len(done) == 1000
    assert {each.state for each in done} == {InboxState.DONE}
    started = Counter((each.pipeline, each.key) for each in world.runner.started)
    effects = world.inbox.effects()
    assert set(started.values()) == {1}
    assert {each.state for each in effects} == {EffectState.DONE}
    assert len(started) == len(effects)
    # Every version that came into force reached every pipeline of its contract, and nothing else did.
    expected = {
        (each.pipeline, contract_id, stored.version)
        for contract_id in contracts
        for stored in world.store.list_versions(contract_id)
        for each in bindings
        if each.contract_id == contract_id
    }
    assert {(each.key.pipeline, each.key.contract_id, each.key.version) for each in effects} == expected
    assert len(expected) > 50


def test_two_contracts_of_one_pipeline_are_two_updates() -> None:
    world = World()
    both = (
        Binding(pipeline="sales", contract_id="orders"),
        Binding(pipeline="sales", contract_id="customers"),
    )
    job = world.job_with(bindings=both)
    for contract_id in ("orders", "customers"):
        world.validate(contract_of("1.0.0", contract_id=contract_id))
        world.tell(f"d-{contract_id}", contract_id=contract_id)
    assert [each.ran for each in job.work()] == [("sales",), ("sales",)]
    assert [(each.pipeline, each.contracts[0].id) for each in world.runner.started] == [
        ("sales", "customers"),
        ("sales", "orders"),
    ]
    world.tell("again", contract_id="customers")
    assert [(each.ran, each.already) for each in job.work()] == [((), ("sales",))]


def test_rejected_before_the_job_looked() -> None:
    world = World()
    world.validate(contract_of("1.0.0"))
    world.tell("d1")
    world.job.work()
    world.validate(contract_of("1.1.0", columns="id a"))
    world.tell("d2", version="1.1.0", status="Accepted")
    # The steward thinks better of it; the notice of the validation is on its way.
    world.collibra.set_status("orders", "1.1.0", Status.DEPRECATED, actor="ada", reason="a mistake")
    world.tell("d3", version="1.1.0", status="Rejected")
    done = world.job.work()
    assert [(each.state, each.ran) for each in done] == [(InboxState.DONE, ()), (InboxState.DONE, ())]
    assert world.in_force() == "1.0.0"
    assert len(world.runner.started) == 2


def test_rejected_after_it_came_into_force() -> None:
    world = World()
    for delivery, version, columns in (("d1", "1.0.0", "id"), ("d2", "1.1.0", "id a")):
        world.validate(contract_of(version, columns=columns))
        world.tell(delivery)
        world.job.work()
    world.collibra.set_status("orders", "1.1.0", Status.DEPRECATED, actor="ada", reason="a mistake")
    world.tell("d3", version="1.1.0", status="Rejected")
    (done,) = world.job.work()
    # Tables hold rows of it, so that going back is for people to decide; the reason says how it stands.
    assert (done.state, done.ran) == (InboxState.DONE, ())
    assert done.reason == "1.0.0 is validated at memory:, 1.1.0 is in force already"
    assert world.in_force() == "1.1.0"


@dataclass
class Away:
    """A place of contracts that does not answer the first times."""

    source: Any
    times: int
    address: str = "collibra:"
    asked: list[str] = field(default_factory=list)

    def contract_id(self, arrival: Arrival) -> str:
        return str(self.source.contract_id(arrival))

    def validated(self, contract_id: str) -> Contract | None:
        self.asked.append(contract_id)
        if len(self.asked) <= self.times:
            raise RemoteFailed("Collibra does not answer", "LP902")
        found: Contract | None = self.source.validated(contract_id)
        return found


def test_collibra_is_away_when_it_is_asked() -> None:
    world = World()
    world.validate(contract_of("1.0.0"))
    world.tell("d1")
    job = world.job_with(source=Away(StoreSource(world.collibra), times=3))
    waits = []
    for _ in range(3):
        (done,) = job.work()
        assert (done.state, done.reason) == (InboxState.FAILED, "LP902: Collibra does not answer")
        retry_at = world.inbox.get("d1").retry_at
        assert retry_at is not None
        waits.append((retry_at - world.clock.now).total_seconds())
        world.clock.pause(waits[-1])
    assert waits == [30, 60, 120]
    assert [each.state for each in job.work()] == [InboxState.DONE]
    assert len(world.runner.started) == 2


def test_collibra_is_away_when_it_is_told() -> None:
    world, collibra = World(), Reports(away=1)
    world.validate(contract_of("1.0.0"))
    world.tell("d1")
    job = world.job_with(reporters=(world.reports, collibra))
    (done,) = job.work()
    assert (done.state, done.reason) == (InboxState.FAILED, "LP946: Collibra is away")
    world.clock.pause(31)
    assert [each.state for each in job.work()] == [InboxState.DONE]
    # Nothing ran again for it, and everybody was told once.
    assert [each.pipeline for each in world.runner.started] == ["orders", "report"]
    for told in (world.reports, collibra):
        assert [each.pipeline for each in told.seen] == ["orders", "report"]


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


def _crashes(world: World, at: int, *, before: bool, **changed: Any) -> bool:
    """Run the job up to a crash at the `at`-th call; whether it came to that."""
    count = [0]
    trapped: Callable[[Any], Any] = lambda target: Trap(target, count, at, before=before)  # noqa: E731
    job: RerunJob = world.job_with(
        inbox=trapped(world.inbox),
        source=trapped(StoreSource(world.collibra)),
        store=trapped(world.store),
        runner=trapped(world.runner),
        reporters=(trapped(world.reports),),
        **changed,
    )
    try:
        job.work()
    except Crash:
        return True
    return False


def _first_version(world: World) -> dict[str, Any]:
    """A first version for two pipelines, told of twice."""
    world.validate(contract_of("1.0.0"))
    world.tell("d1")
    world.tell("d2")
    return {}


def _breaking_version(world: World) -> dict[str, Any]:
    """A breaking version, of which one pipeline wants no more, over one that is in force."""
    world.validate(contract_of("1.0.0", columns="id a"))
    world.tell("d1")
    world.job.work()
    world.validate(contract_of("2.0.0"))
    world.tell("d2")
    return {}


def _two_contracts(world: World) -> dict[str, Any]:
    """Two contracts that one pipeline runs under."""
    for contract_id in ("orders", "customers"):
        world.validate(contract_of("1.0.0", contract_id=contract_id))
        world.tell(f"d-{contract_id}", contract_id=contract_id)
    return {"bindings": (ORDERS, Binding(pipeline="orders", contract_id="customers"), REPORT)}


def _end(world: World) -> dict[str, Any]:
    """All that a job leaves, but for how often it was tried."""
    return {
        "events": [(each.delivery_id, each.state) for each in world.inbox.list()],
        "effects": sorted((each.key.contract_id, each.key.pipeline, each.state) for each in world.inbox.effects()),
        "versions": {
            contract_id: [(event.version, event.status) for event in world.store.history(contract_id)]
            for contract_id in world.store.list_contracts()
        },
        "updates": [(each.pipeline, each.key, each.full_refresh) for each in world.runner.started],
        "told": {(each.pipeline, each.contract.id, each.contract.version) for each in world.reports.seen},
    }


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("scene", [_first_version, _breaking_version, _two_contracts], ids=lambda each: each.__name__)
def test_a_job_that_is_killed_anywhere_ends_in_the_same_state(
    scene: Callable[[World], dict[str, Any]], before: bool
) -> None:
    calm = World()
    calm.job_with(**scene(calm)).work()
    expected, told = _end(calm), len(calm.reports.seen)
    at = 1
    while True:
        world = World()
        changed = scene(world)
        if not _crashes(world, at, before=before, **changed):
            break
        world.clock.pause(_LEASE_OVER)
        world.job_with(**changed).work()
        where = f"crash {'before' if before else 'after'} call {at}"
        assert _end(world) == expected, where
        # What was told and not marked is told again, to places that do not mind.
        assert len(world.reports.seen) <= told + 1, where
        at += 1
    assert at > 15


def _killed_again_and_again(world: World, steps: Sequence[int]) -> None:
    for at in steps:
        _crashes(world, at, before=at % 2 == 0)
        world.clock.pause(_LEASE_OVER)


def test_a_job_that_is_killed_again_and_again_ends_in_the_same_state() -> None:
    calm = World()
    calm.job_with(**_first_version(calm)).work()
    chance = random.Random(3)
    for _ in range(30):
        world = World()
        _first_version(world)
        _killed_again_and_again(world, [chance.randint(2, 12) for _ in range(6)])
        world.job.work()
        assert _end(world) == _end(calm)


def test_what_is_on_disk_is_enough_to_go_on(tmp_path: Path) -> None:
    calm = World()
    calm.job_with(**_first_version(calm)).work()
    for at in (2, 6, 11, 14, 17, 20):
        world = World()
        world.inbox = DeltaInbox(tmp_path / str(at), clock=world.clock)
        _first_version(world)
        assert _crashes(world, at, before=False)
        world.clock.pause(_LEASE_OVER)
        # The next process has its own view of the table.
        world.inbox = DeltaInbox(tmp_path / str(at), clock=world.clock)
        world.job_with().work()
        assert _end(world) == _end(calm)
