"""What of an inbox may be forgotten: the order, where not all goes at once."""

from __future__ import annotations

from datetime import timedelta

from lakepact.rerun.inbox import EffectKey, EffectState, Purged
from lakepact.rerun.memory_inbox import MemoryInbox
from lakepact.rerun.records import Book
from lakepact.rerun.retention import outdated
from lakepact.testing.inbox_suite import SetClock, arrival


class Open(MemoryInbox):
    """An inbox that shows its book."""

    @property
    def book(self) -> Book:
        return self._book


def test_events_go_before_their_effects_and_the_oldest_first() -> None:
    clock = SetClock()
    inbox = Open(clock=clock)
    keys = [EffectKey(contract_id="orders", version="1", sha256=each, pipeline="sales") for each in "abc"]
    for number, key in enumerate(keys):
        inbox.receive(arrival(f"msg_{number}"))
        (event,) = inbox.claim("ada", timedelta(hours=1))
        inbox.begin_effect(key, event.delivery_id)
        inbox.settle_effect(key, event.delivery_id, EffectState.DONE)
        inbox.complete(event)
        clock.pass_by(timedelta(hours=1))
    deliveries = ("msg_0", "msg_1", "msg_2")
    assert outdated(inbox.book, clock.now, limit=2) == Purged(deliveries=deliveries[:2])
    assert outdated(inbox.book, clock.now, limit=4) == Purged(deliveries=deliveries, effects=tuple(keys[:1]))
    assert outdated(inbox.book, clock.now) == Purged(deliveries=deliveries, effects=tuple(keys[:2]))
    inbox.book.forget(deliveries)
    assert outdated(inbox.book, clock.now, limit=1) == Purged(effects=tuple(keys[:1]))
