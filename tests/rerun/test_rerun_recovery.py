"""Inbox, store or Collibra are lost or put back to an older state: what docs/operations.md says of that."""

from __future__ import annotations

from rerun_samples import ORDERS, REPORT, World, contract_of

from lakepact.rerun import InboxState
from lakepact.rerun.adopting import StoreSource
from lakepact.rerun.job import RerunJob, poll
from lakepact.rerun.memory_inbox import MemoryInbox
from lakepact.store import ContractStore, Status, open_store
from lakepact.store.sync import sync


def _polled(world: World, job: RerunJob) -> int:
    return len(poll(job.inbox, StoreSource(world.collibra), job.store, (ORDERS, REPORT)))


def _adopted(*versions: tuple[str, str]) -> World:
    """A world in which these versions came into force, one after the other."""
    world = World()
    for version, columns in versions:
        world.validate(contract_of(version, columns=columns))
        world.tell(f"d{version[2]}")
        world.job.work()
    return world


def test_the_inbox_is_lost() -> None:
    world = _adopted(("1.0.0", "id"))
    world.validate(contract_of("1.1.0", columns="id a"))
    world.tell("lost")
    world.inbox = MemoryInbox(clock=world.clock)
    job = world.job_with()
    assert _polled(world, job) == 1
    assert [(each.version, each.ran) for each in job.work()] == [("1.1.0", ("orders", "report"))]
    # What was in force and had not reached all pipelines is asked for; it costs one run of each, once.
    world.tell("now-1")
    world.tell("now-2")
    assert [(each.ran, each.already) for each in job.work()] == [((), ("orders", "report"))] * 2
    assert len(world.runner.started) == 4


def test_the_inbox_is_lost_between_the_store_and_the_pipelines() -> None:
    world = World(away=1)
    world.validate(contract_of("1.0.0"))
    world.tell("d1")
    world.job.work()
    assert (world.in_force(), world.runner.started) == ("1.0.0", [])
    world.inbox = MemoryInbox(clock=world.clock)
    job = world.job_with()
    assert _polled(world, job) == 0
    world.tell("now-1")
    assert [each.ran for each in job.work()] == [("orders", "report")]


def test_the_store_is_lost() -> None:
    world = _adopted(("1.0.0", "id"), ("1.1.0", "id a"))
    backup: ContractStore = open_store("memory:")
    backup.put(contract_of("1.0.0"), actor="lakepact rerun", status=Status.IN_REVIEW)
    backup.set_status("orders", "1.0.0", Status.VALIDATED, actor="lakepact rerun", reason="validated")
    world.store = open_store("memory:")
    sync(world.store, backup)
    job = world.job_with()
    assert _polled(world, job) == 1
    assert [(each.ran, each.already) for each in job.work()] == [((), ("orders", "report"))]
    assert world.in_force() == "1.1.0"
    assert len(world.runner.started) == 4


def test_collibra_is_put_back_to_an_older_state() -> None:
    world = _adopted(("1.0.0", "id"), ("1.1.0", "id a"))
    world.collibra = open_store("memory:")
    world.validate(contract_of("1.0.0"))
    job = world.job_with(source=StoreSource(world.collibra))
    assert _polled(world, job) == 0
    world.tell("now-1")
    (done,) = job.work()
    assert (done.state, done.reason) == (
        InboxState.DONE,
        "1.0.0 is validated at memory:, 1.1.0 is in force already",
    )
    # Brought back from the store, and validated again: the same bytes, of which all has happened.
    world.validate(world.store.get("orders", "1.1.0"))
    world.tell("now-2")
    assert [(each.version, each.ran) for each in job.work()] == [("1.1.0", ())]
    assert len(world.runner.started) == 4
