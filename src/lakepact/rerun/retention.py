"""What of an inbox may be forgotten: events that ended long ago, and effects that keep nothing from happening twice."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from lakepact.rerun.inbox import Effect, EffectState, InboxState, Purged
from lakepact.rerun.records import Book

__all__ = ["outdated"]


def outdated(book: Book, before: datetime, *, limit: int | None = None) -> Purged:
    """The events that are done or dead since a time before that one, and the effects that go with them.

    An effect goes once the event that it was done for has gone, or goes with it, and nothing happened to it since. The
    last one that was done of a contract and a pipeline stays for ever: it is what a late notice must not repeat. With
    `limit` there are so many at most, the oldest first and events before effects.
    """
    ended = [each for each in book.events.values() if each.state in (InboxState.DONE, InboxState.DEAD)]
    events = sorted((each.changed_at, each.delivery_id) for each in ended if each.changed_at < before)
    deliveries = tuple(delivery_id for _, delivery_id in islice(events, limit))
    gone = set(deliveries)
    last = {_pipeline(each): each for each in sorted(book.effects.values(), key=_age) if each.state is EffectState.DONE}
    effects = sorted(
        (
            each
            for each in book.effects.values()
            if each.at < before
            and (each.delivery_id in gone or each.delivery_id not in book.events)
            and last.get(_pipeline(each)) is not each
        ),
        key=_age,
    )
    room = None if limit is None else limit - len(deliveries)
    return Purged(deliveries=deliveries, effects=tuple(each.key for each in islice(effects, room)))


def _pipeline(effect: Effect) -> tuple[str, str]:
    return effect.key.contract_id, effect.key.pipeline


def _age(effect: Effect) -> tuple[datetime, str, str]:
    return effect.at, effect.key.version, effect.key.sha256
