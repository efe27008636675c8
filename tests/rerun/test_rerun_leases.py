"""Leases of a job that works for longer than one lasts: nobody else gets its events, and what is lost is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rerun_samples import ORDERS, Runner, World, contract_of

from lakepact.contract import Contract
from lakepact.errors import StoreConflict
from lakepact.rerun import InboxEvent, InboxState
from lakepact.rerun.bindings import Binding
from lakepact.rerun.leases import Leases
from lakepact.rerun.runner import RunState, UpdateOutcome

_LEASE = timedelta(minutes=10)
_BOTH = (ORDERS, Binding(pipeline="customers", contract_id="customers"))


class Slow(Runner):
    """Each update is running when it is asked for the first 1,500 times: 25 minutes."""

    def outcome(self, pipeline: str, update_id: str, contract: Contract) -> UpdateOutcome:
        self.asked[update_id] = self.asked.get(update_id, 0) + 1
        state = RunState.RUNNING if self.asked[update_id] <= 1500 else RunState.COMPLETED
        return UpdateOutcome(update_id=update_id, state=state)


def _told() -> World:
    world = World()
    for contract_id in ("orders", "customers"):
        world.validate(contract_of("1.0.0", contract_id=contract_id))
        world.tell(f"d-{contract_id}", contract_id=contract_id)
    return world


def test_all_leases_are_kept_while_the_job_follows_one_update() -> None:
    world = _told()
    taken: list[InboxEvent] = []

    def pause(seconds: float) -> None:
        world.clock.pause(seconds)
        taken.extend(world.inbox.claim("another worker", _LEASE, limit=10))

    done = world.job_with(runner=Slow(), bindings=_BOTH, pause=pause).work()
    assert taken == []
    assert [(each.state, each.ran) for each in done] == [
        (InboxState.DONE, ("customers",)),
        (InboxState.DONE, ("orders",)),
    ]
    # Each update was told once, by the one worker that had it.
    assert [each.pipeline for each in world.reports.seen] == ["customers", "orders"]
    # Claimed once; then extended every third of ten minutes: the second event for longer than the first.
    passages = [[each.what for each in world.inbox.history(f"d-{name}")] for name in ("customers", "orders")]
    assert [each.count("claimed") for each in passages] == [1, 1]
    assert [each.count("extended") for each in passages] == [7, 14]


def test_an_event_that_another_worker_took_is_left_to_it() -> None:
    world = _told()
    asleep = False

    def pause(seconds: float) -> None:
        nonlocal asleep
        # The machine sleeps for an hour, in which another job does all.
        world.clock.pause(seconds if asleep else 3600)
        if not asleep:
            asleep = True
            world.job_with(bindings=_BOTH, worker="another worker").work()

    (left,) = world.job_with(runner=Slow(), bindings=_BOTH, pause=pause).work()
    assert (left.delivery_id, left.ran) == ("d-customers", ())
    assert left.reason == "LP934: the delivery d-customers is not held any more: its lease was over"
    assert {event.state for event in world.inbox.list()} == {InboxState.DONE}
    assert {event.worker for event in world.inbox.list()} == {"another worker"}
    assert [each.pipeline for each in world.reports.seen] == ["customers", "orders"]


def test_an_event_that_has_ended_is_extended_no_more() -> None:
    world = _told()
    first, second = world.inbox.claim("worker", _LEASE, limit=2)
    leases = Leases(world.inbox, (first, second), lease=_LEASE, clock=world.clock)
    world.inbox.complete(leases.release(first))
    leases.renew_when_due()
    assert leases.held(second) == second
    world.clock.pause(201)
    leases.renew_when_due()
    assert leases.held(second).lease_until == world.clock.now + _LEASE
    assert not leases.holds(first)
    with pytest.raises(StoreConflict, match=r"^LP934: the delivery d-\w+ is not held any more: its lease was over\n"):
        leases.held(first)
