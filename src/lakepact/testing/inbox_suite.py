"""What every inbox must do, as a class of tests.

A test module subclasses `InboxSuite` and gives it the fixtures `make_inbox` and, where two objects can be on one place,
`reopen_inbox`.
"""

# ruff: noqa: D102 (what a test is about is said by its name)

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

import pytest

from lakepact.errors import StoreConflict, UsageError
from lakepact.rerun.inbox import (
    Arrival,
    EffectKey,
    EffectState,
    Inbox,
    InboxEvent,
    InboxState,
    Origin,
    Purged,
)
from lakepact.rerun.journaled import Clock, utc_now
from lakepact.testing.contract_store_suite import at_once

__all__ = ["InboxSuite", "MakeInbox", "SetClock", "arrival"]

_LEASE = timedelta(minutes=5)


class MakeInbox(Protocol):
    """Opens the inbox under test."""

    def __call__(self, *, clock: Clock = utc_now, max_attempts: int = 10) -> Inbox:
        """The inbox; the same place at every call of one test."""
        ...


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2024, 1, 31, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time that is set."""
        return self.now

    def pass_by(self, span: timedelta) -> None:
        """Move it."""
        self.now += span


def arrival(delivery_id: str = "msg_1", **given: Any) -> Arrival:
    """An arrival about the contract `orders`."""
    return Arrival(**({"delivery_id": delivery_id, "type": "x.changed", "contract_id": "orders"} | given))


def _effect(pipeline: str = "sales", sha256: str = "ab") -> EffectKey:
    return EffectKey(contract_id="orders", version="1.2.0", sha256=sha256, pipeline=pipeline)


class InboxSuite:
    """What every Inbox must do. Needs the fixture `make_inbox`: opens an inbox that is empty at first."""

    writers: ClassVar[int] = 8
    random_steps: ClassVar[int] = 60
    deliveries: ClassVar[int] = 40
    """How many are received by several at once."""

    @pytest.fixture
    def make_inbox(self) -> MakeInbox:
        """Opens the inbox under test."""
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> SetClock:
        """The clock of the inbox under test."""
        return SetClock()

    @pytest.fixture
    def inbox(self, make_inbox: MakeInbox, clock: SetClock) -> Inbox:
        """The inbox under test, with three attempts for an event."""
        return make_inbox(clock=clock, max_attempts=3)

    @pytest.fixture
    def reopen_inbox(self, inbox: Inbox) -> Callable[[], Inbox]:
        """Another object on the same place; the same object where that is all there is."""
        return lambda: inbox

    def test_an_empty_inbox_has_nothing(self, inbox: Inbox) -> None:
        assert isinstance(inbox, Inbox)
        assert (inbox.list(), inbox.effects(), inbox.claim("ada", _LEASE)) == ((), (), ())
        with pytest.raises(UsageError, match=r"^LP933: there is no delivery 'msg_1'\n"):
            inbox.get("msg_1")
        with pytest.raises(UsageError, match=r"^LP933: there is no delivery 'a.b'\n"):
            inbox.history("a.b")

    def test_what_is_received_comes_back(
        self, inbox: Inbox, reopen_inbox: Callable[[], Inbox], clock: SetClock
    ) -> None:
        moment = datetime(2024, 1, 31, 9, 59, 59, 123456, tzinfo=UTC)
        given = arrival(
            "A_1-z",
            contract_id="sales.orders; 'x' \\ \u5951\u7d04 \U0001f986",
            asset_id="0190",
            version="1.2.0",
            status="Accepted",
            occurred_at=moment,
            origin=Origin.POLLER,
        )
        receipt = inbox.receive(given)
        assert receipt.created
        assert receipt.event == InboxEvent(
            arrival=given, state=InboxState.RECEIVED, sequence=1, received_at=clock.now, changed_at=clock.now
        )
        other = reopen_inbox()
        assert other.get("A_1-z") == receipt.event
        assert other.list() == (receipt.event,)
        assert other.receive(arrival("msg_2", occurred_at=None)).event.arrival.occurred_at is None
        assert [each.delivery_id for each in inbox.list()] == ["A_1-z", "msg_2"]

    def test_the_same_delivery_is_kept_once(self, inbox: Inbox, reopen_inbox: Callable[[], Inbox]) -> None:
        first = inbox.receive(arrival(version="1.0.0"))
        for again in (inbox, reopen_inbox()):
            receipt = again.receive(arrival(version="2.0.0"))
            assert (receipt.created, receipt.event) == (False, first.event)
        (taken,) = inbox.claim("ada", _LEASE)
        done = inbox.complete(taken)
        assert inbox.receive(arrival()).event == done

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ({"delivery_id": "a.b"}, "'a.b' cannot be the id of a delivery"),
            ({"delivery_id": ""}, "'' cannot be the id of a delivery"),
            ({"contract_id": ""}, "the delivery msg_1 names no contract"),
            ({"occurred_at": datetime(2024, 1, 1)}, "the time of the delivery msg_1 has no zone"),
            ({"status": "\ud800"}, "the delivery msg_1 has text that is not valid Unicode"),
        ],
    )
    def test_what_is_no_arrival(self, given: dict[str, Any], why: str) -> None:
        with pytest.raises(UsageError, match=f"^LP940: {why}\n"):
            arrival(**given)

    def test_many_receivers_keep_one(self, inbox: Inbox, reopen_inbox: Callable[[], Inbox]) -> None:
        inboxes = [inbox, reopen_inbox()]
        found = at_once(lambda number: inboxes[number % 2].receive(arrival(version=str(number))), self.writers)
        assert sum(receipt.created for receipt in found) == 1
        assert len({receipt.event.arrival.version for receipt in found}) == 1

    def test_the_oldest_is_claimed_first_by_one_alone(self, inbox: Inbox, clock: SetClock) -> None:
        for number in (3, 1, 2):
            inbox.receive(arrival(f"msg_{number}"))
            clock.pass_by(timedelta(seconds=1))
        (first,) = inbox.claim("ada", _LEASE)
        assert (first.delivery_id, first.state, first.worker, first.attempts) == (
            "msg_3",
            InboxState.CLAIMED,
            "ada",
            1,
        )
        assert first.lease_until == clock.now + _LEASE
        assert [each.delivery_id for each in inbox.claim("bob", _LEASE, limit=5)] == ["msg_1", "msg_2"]
        assert inbox.claim("eve", _LEASE) == ()

    def test_of_many_claimers_one_wins(self, inbox: Inbox, reopen_inbox: Callable[[], Inbox]) -> None:
        inboxes = [inbox, reopen_inbox()]
        inbox.receive(arrival())
        found = at_once(lambda number: inboxes[number % 2].claim(f"w{number}", _LEASE), self.writers)
        assert sum(len(each) for each in found) == 1

    def test_many_claimers_share_without_doubles(self, inbox: Inbox, reopen_inbox: Callable[[], Inbox]) -> None:
        inboxes = [inbox, reopen_inbox()]
        at_once(lambda number: inbox.receive(arrival(f"msg_{number}")), self.deliveries)

        def drain(number: int) -> list[str]:
            taken: list[str] = []
            while claimed := inboxes[number % 2].claim(f"w{number}", _LEASE, limit=2):
                for event in claimed:
                    inboxes[number % 2].complete(event)
                    taken.append(event.delivery_id)
            return taken

        found = Counter(name for taken in at_once(drain, 4) for name in taken)
        assert found == Counter(f"msg_{number}" for number in range(self.deliveries))
        assert {each.state for each in inbox.list()} == {InboxState.DONE}

    @pytest.mark.parametrize(("worker", "lease", "limit"), [("", 60, 1), ("ada", 0, 1), ("ada", 60, 0)])
    def test_claims_that_make_no_sense(self, inbox: Inbox, worker: str, lease: int, limit: int) -> None:
        with pytest.raises(UsageError, match=r"^LP940: an event cannot be claimed like that\n"):
            inbox.claim(worker, timedelta(seconds=lease), limit=limit)

    def test_a_lease_that_is_over_lets_others_take_it(self, inbox: Inbox, clock: SetClock) -> None:
        inbox.receive(arrival())
        (lost,) = inbox.claim("ada", _LEASE)
        clock.pass_by(_LEASE - timedelta(microseconds=1))
        assert inbox.claim("bob", _LEASE) == ()
        clock.pass_by(timedelta(microseconds=1))
        (taken,) = inbox.claim("bob", _LEASE)
        assert (taken.worker, taken.attempts) == ("bob", 2)
        for late in (inbox.complete, lambda event: inbox.fail(event, "x"), lambda event: inbox.extend(event, _LEASE)):
            with pytest.raises(StoreConflict, match=r"^LP934: the delivery msg_1 is not held any more: it is claimed"):
                late(lost)
        assert inbox.get("msg_1") == taken

    def test_a_lease_that_is_over_still_counts_where_nobody_came(self, inbox: Inbox, clock: SetClock) -> None:
        inbox.receive(arrival())
        (late,) = inbox.claim("ada", _LEASE)
        clock.pass_by(_LEASE * 2)
        assert inbox.complete(late, reason="at last").state is InboxState.DONE

    def test_a_lease_is_extended(self, inbox: Inbox, clock: SetClock) -> None:
        inbox.receive(arrival())
        (taken,) = inbox.claim("ada", _LEASE)
        clock.pass_by(_LEASE / 2)
        longer = inbox.extend(taken, _LEASE)
        assert (longer.lease_until, longer.attempts, longer.worker) == (clock.now + _LEASE, 1, "ada")
        clock.pass_by(_LEASE / 2)
        assert inbox.claim("bob", _LEASE) == ()
        assert inbox.complete(longer, reason="3 pipelines").reason == "3 pipelines"

    def test_an_event_whose_workers_all_vanish_dies(self, inbox: Inbox, clock: SetClock) -> None:
        inbox.receive(arrival())
        for worker in ("ada", "bob", "eve"):
            assert len(inbox.claim(worker, _LEASE)) == 1
            clock.pass_by(_LEASE)
        inbox.receive(arrival("msg_2"))
        assert [each.delivery_id for each in inbox.claim("dan", _LEASE)] == ["msg_2"]
        dead = inbox.get("msg_1")
        assert (dead.state, dead.reason) == (
            InboxState.DEAD,
            "eve did not finish; it was the last of 3 attempts",
        )

    def test_a_failure_is_tried_again_when_it_is_time(self, inbox: Inbox, clock: SetClock) -> None:
        inbox.receive(arrival())
        for attempt in (1, 2):
            (taken,) = inbox.claim("ada", _LEASE)
            assert taken.attempts == attempt
            failed = inbox.fail(taken, "Collibra is away \ud800", clock.now + _LEASE)
            assert (failed.state, failed.reason, failed.retry_at, failed.lease_until) == (
                InboxState.FAILED,
                "Collibra is away \\ud800",
                clock.now + _LEASE,
                None,
            )
            assert inbox.claim("bob", _LEASE) == ()
            clock.pass_by(_LEASE)
        (last,) = inbox.claim("ada", _LEASE)
        dead = inbox.fail(last, "Collibra is away", clock.now)
        assert (dead.state, dead.reason) == (InboxState.DEAD, "Collibra is away (the last of 3 attempts)")
        assert inbox.claim("ada", _LEASE) == ()

    def test_what_cannot_be_done_is_dead_at_once(self, inbox: Inbox) -> None:
        inbox.receive(arrival())
        (taken,) = inbox.claim("ada", _LEASE)
        assert inbox.fail(taken, "no such contract").state is InboxState.DEAD
        assert [each.reason for each in inbox.list([InboxState.DEAD])] == ["no such contract"]
        assert inbox.list([InboxState.RECEIVED, InboxState.DONE]) == ()

    def test_a_dead_event_is_replayed_with_all_attempts(self, inbox: Inbox, clock: SetClock) -> None:
        inbox.receive(arrival())
        (taken,) = inbox.claim("ada", _LEASE)
        with pytest.raises(StoreConflict, match=r"^LP934: ada is at work on the delivery msg_1\n"):
            inbox.replay("msg_1", reason="x")
        inbox.fail(taken, "no such contract")
        clock.pass_by(_LEASE)
        replayed = inbox.replay("msg_1", reason="it is there now")
        assert (replayed.state, replayed.attempts, replayed.reason, replayed.worker) == (
            InboxState.RECEIVED,
            0,
            "it is there now",
            "",
        )
        assert inbox.replay("msg_1", reason="again") == replayed
        (again,) = inbox.claim("bob", _LEASE)
        inbox.complete(again)
        passages = inbox.history("msg_1")
        assert [each.what for each in passages] == ["received", "claimed", "died", "replayed", "claimed", "completed"]
        assert [each.sequence for each in passages] == [1, 2, 3, 4, 5, 6]
        assert [each.worker for each in passages] == ["", "ada", "ada", "", "bob", "bob"]
        assert (passages[2].reason, passages[4].until) == ("no such contract", clock.now + _LEASE)

    def test_a_replayed_event_goes_before_younger_ones(self, inbox: Inbox, clock: SetClock) -> None:
        inbox.receive(arrival("msg_old"))
        (taken,) = inbox.claim("ada", _LEASE)
        inbox.complete(taken)
        clock.pass_by(_LEASE)
        inbox.receive(arrival("msg_new"))
        inbox.replay("msg_old", reason="x")
        assert [each.delivery_id for each in inbox.claim("ada", _LEASE, limit=2)] == ["msg_old", "msg_new"]

    def test_an_unknown_event(self, inbox: Inbox) -> None:
        inbox.receive(arrival())
        (taken,) = inbox.claim("ada", _LEASE)
        with pytest.raises(UsageError, match=r"^LP933: there is no delivery 'other'\n"):
            inbox.replay("other", reason="x")
        with pytest.raises(UsageError, match=r"^LP933: there is no delivery 'other'\n"):
            inbox.complete(replace(taken, arrival=arrival("other")))
        with pytest.raises(UsageError, match=r"^LP933: there is no delivery 'other'\n"):
            inbox.begin_effect(_effect(), "other")

    def test_lists_are_oldest_first_and_limits_keep_the_newest(self, inbox: Inbox, clock: SetClock) -> None:
        for number in range(5):
            inbox.receive(arrival(f"msg_{9 - number}"))
            clock.pass_by(timedelta(seconds=1))
        assert [each.delivery_id for each in inbox.list(limit=2)] == ["msg_6", "msg_5"]
        assert len(inbox.list(limit=9)) == 5
        assert inbox.list(limit=0) == ()

    def test_an_effect_is_one_deliverys(self, inbox: Inbox, reopen_inbox: Callable[[], Inbox]) -> None:
        for number in (1, 2):
            inbox.receive(arrival(f"msg_{number}"))
        begun = inbox.begin_effect(_effect(), "msg_1", note="first")
        assert (begun.delivery_id, begun.state, begun.note) == ("msg_1", EffectState.BEGUN, "first")
        other = reopen_inbox()
        assert other.begin_effect(_effect(), "msg_2", note="second") == begun
        assert other.begin_effect(_effect(), "msg_1") == begun
        assert other.begin_effect(_effect("stock"), "msg_2").delivery_id == "msg_2"
        assert other.begin_effect(_effect(sha256="cd"), "msg_2").delivery_id == "msg_2"
        with pytest.raises(StoreConflict, match=r"^LP934: the effect on sales is not begun by the delivery msg_2\n"):
            other.settle_effect(_effect(), "msg_2", EffectState.DONE)
        noted = inbox.settle_effect(_effect(), "msg_1", EffectState.BEGUN, note="update 7")
        done = inbox.settle_effect(_effect(), "msg_1", EffectState.DONE, note="update 7")
        assert (noted.state, done.state, done.note) == (EffectState.BEGUN, EffectState.DONE, "update 7")
        assert other.begin_effect(_effect(), "msg_2") == done
        with pytest.raises(StoreConflict, match=r"^LP934: the effect on sales is not begun by the delivery msg_1\n"):
            inbox.settle_effect(_effect(), "msg_1", EffectState.BEGUN)
        assert {(each.key.pipeline, each.key.sha256) for each in other.effects("orders")} == {
            ("sales", "ab"),
            ("stock", "ab"),
            ("sales", "cd"),
        }
        assert other.effects("other") == ()

    def test_an_effect_that_nobody_finishes_is_begun_anew(self, inbox: Inbox) -> None:
        for number in (1, 2, 3):
            inbox.receive(arrival(f"msg_{number}"))
        inbox.begin_effect(_effect(), "msg_1")
        inbox.settle_effect(_effect(), "msg_1", EffectState.ABANDONED, note="the pipeline is gone")
        assert inbox.begin_effect(_effect(), "msg_2").delivery_id == "msg_2"
        taken = inbox.claim("ada", _LEASE, limit=3)
        inbox.fail(taken[1], "it cannot be done")
        assert inbox.begin_effect(_effect(), "msg_3").delivery_id == "msg_3"

    def test_of_many_that_begin_an_effect_one_is_first(self, inbox: Inbox, reopen_inbox: Callable[[], Inbox]) -> None:
        inboxes = [inbox, reopen_inbox()]
        for number in range(self.writers):
            inbox.receive(arrival(f"msg_{number}"))
        found = at_once(
            lambda number: inboxes[number % 2].begin_effect(_effect(), f"msg_{number}").delivery_id, self.writers
        )
        assert len(set(found)) == 1

    def test_what_ended_long_ago_is_forgotten(
        self, inbox: Inbox, reopen_inbox: Callable[[], Inbox], clock: SetClock
    ) -> None:
        for name, sha256 in (("first", "aa"), ("second", "bb")):
            inbox.receive(arrival(name))
            (taken,) = inbox.claim("ada", _LEASE)
            inbox.begin_effect(_effect(sha256=sha256), name)
            clock.pass_by(timedelta(seconds=1))
            inbox.settle_effect(_effect(sha256=sha256), name, EffectState.DONE)
            inbox.complete(taken)
        inbox.begin_effect(_effect("returns"), "second")
        inbox.receive(arrival("dead"))
        (taken,) = inbox.claim("ada", _LEASE)
        inbox.begin_effect(_effect("stock"), "dead")
        inbox.fail(taken, "it cannot be done")
        inbox.receive(arrival("waits"))
        other = reopen_inbox()
        assert len(other.list()) == 4
        clock.pass_by(timedelta(days=30))
        inbox.replay("second", reason="once more")
        for _ in ("second", "waits"):
            (taken,) = inbox.claim("ada", _LEASE)
            inbox.complete(taken)
        inbox.receive(arrival("late"))

        assert not inbox.purge(timedelta(days=31))
        expected = Purged(deliveries=("first", "dead"), effects=(_effect(sha256="aa"), _effect("stock")))
        assert inbox.purge(timedelta(days=1), dry_run=True) == expected
        assert len(other.list()) == 5
        assert other.purge(timedelta(days=1)) == expected
        for each in (inbox, other, reopen_inbox()):
            assert {event.delivery_id for event in each.list()} == {"second", "waits", "late"}
            assert {effect.key for effect in each.effects()} == {_effect(sha256="bb"), _effect("returns")}
            assert not each.purge(timedelta(days=1))
        clock.pass_by(timedelta(days=2))
        assert inbox.purge(timedelta(days=1)) == Purged(deliveries=("second", "waits"), effects=(_effect("returns"),))
        assert inbox.receive(arrival("first")).created
        kept = other.begin_effect(_effect(sha256="bb"), "first")
        assert (kept.delivery_id, kept.state) == ("second", EffectState.DONE)
        assert [each.what for each in other.history("first")] == ["received"]

    def test_what_is_young_is_never_forgotten(self, inbox: Inbox) -> None:
        with pytest.raises(UsageError, match=r"^LP940: events cannot be removed when they are that young"):
            inbox.purge(timedelta(hours=23))

    def test_whatever_happens_all_objects_see_the_same(
        self, inbox: Inbox, reopen_inbox: Callable[[], Inbox], clock: SetClock
    ) -> None:
        chance = random.Random(7)
        inboxes = [inbox, reopen_inbox()]
        held: list[InboxEvent] = []
        counts: Counter[str] = Counter()
        for step in range(self.random_steps):
            at = inboxes[chance.randrange(2)]
            clock.pass_by(timedelta(seconds=chance.randrange(200)))
            match chance.randrange(6):
                case 0 | 1:
                    counts["received"] += at.receive(arrival(f"msg_{chance.randrange(12)}", version=str(step))).created
                case 2:
                    held += at.claim(f"w{step}", _LEASE, limit=2)
                case 3 if held:
                    counts["refused"] += self._refused(at.complete, held.pop())
                case 4 if held:
                    later = clock.now + _LEASE
                    counts["refused"] += self._refused(lambda event: at.fail(event, "x", later), held.pop(0))  # noqa: B023
                case 5 if known := at.list():
                    name = chance.choice(known).delivery_id
                    counts["refused"] += self._refused(lambda event: at.replay(name, reason="x"), None)  # noqa: B023
            if step % 10 == 9:
                assert inboxes[0].list() == inboxes[1].list()
        assert counts["received"] == len(inbox.list()) > 0
        for event in inbox.list():
            sequences = [each.sequence for each in inbox.history(event.delivery_id)]
            assert sequences == list(range(1, event.sequence + 1))

    @staticmethod
    def _refused(step: Callable[[Any], object], event: InboxEvent | None) -> bool:
        try:
            step(event)
        except StoreConflict:
            return True
        return False

    def test_receivers_and_workers_at_the_same_time(
        self, make_inbox: MakeInbox, reopen_inbox: Callable[[], Inbox]
    ) -> None:
        inbox, other = make_inbox(), reopen_inbox()
        total, done = self.deliveries, threading.Event()

        def receive(number: int) -> list[str]:
            for each in range(number, total, 4):
                inbox.receive(arrival(f"msg_{each}"))
            return []

        def work(number: int) -> list[str]:
            taken: list[str] = []
            while True:
                over = done.is_set()
                claimed = other.claim(f"w{number}", timedelta(hours=1), limit=3)
                for event in claimed:
                    other.complete(event)
                    taken.append(event.delivery_id)
                if over and not claimed:
                    return taken

        def both(number: int) -> list[str]:
            if number < 4:
                found = receive(number)
                with lock:
                    finished.append(number)
                    if len(finished) == 4:
                        done.set()
                return found
            return work(number)

        lock, finished = threading.Lock(), list[int]()
        found = Counter(name for taken in at_once(both, 6) for name in taken)
        assert found == Counter(f"msg_{number}" for number in range(total))
