"""What an inbox decides, once for every place that keeps one: who gets an event, and what may happen to it next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from lakepact.errors import StoreConflict, UsageError
from lakepact.rerun.inbox import (
    Arrival,
    Effect,
    EffectKey,
    EffectState,
    InboxEvent,
    InboxState,
    Passage,
    Purged,
    Receipt,
)
from lakepact.rerun.records import Book, Draft, Kind, Record, effect_name
from lakepact.rerun.retention import outdated

__all__ = ["Clock", "JournaledInbox", "utc_now"]

Clock = Callable[[], datetime]
"""Gives the present time, in UTC."""

_MAX_ATTEMPTS: Final = 10
# Who sends a delivery twice does so within a day.
_YOUNGEST: Final = timedelta(days=1)
# What is removed by one statement names each.
_PURGED_AT_ONCE: Final = 5000

_T = TypeVar("_T")


def utc_now() -> datetime:
    """The present time."""
    return datetime.now(UTC)


class JournaledInbox(ABC):
    """An inbox over records. A subclass says where they are; what may be written is decided here."""

    def __init__(self, *, clock: Clock = utc_now, max_attempts: int = _MAX_ATTEMPTS) -> None:
        self._clock = clock
        self._max_attempts = max_attempts

    @abstractmethod
    def _transact(self, decide: Callable[[Draft], _T]) -> _T:
        """Decide on the records as they are, and add what was decided where nothing came between; else decide anew."""

    @abstractmethod
    def _view(self, read: Callable[[Book], _T]) -> _T:
        """What `read` gives of the book as it is now."""

    @abstractmethod
    def _remove(self, choose: Callable[[Book], Purged]) -> Purged:
        """Remove all records of what `choose` names of the book as it is, where nothing came between; else anew."""

    @abstractmethod
    def _records_of(self, delivery_id: str) -> Sequence[Record]:
        """The records of a delivery, in sequence."""

    def receive(self, arrival: Arrival) -> Receipt:
        """Keep an arrival, unless one with its id is kept already."""

        def decide(draft: Draft) -> Receipt:
            known = draft.event(arrival.delivery_id)
            if known is not None:
                return Receipt(known, created=False)
            record = Record(key=arrival.delivery_id, sequence=1, kind=Kind.RECEIVED, at=self._clock(), arrival=arrival)
            return Receipt(draft.write(record), created=True)

        return self._transact(decide)

    def claim(self, worker: str, lease: timedelta, *, limit: int = 1) -> tuple[InboxEvent, ...]:
        """Take up to `limit` events that wait, oldest first."""
        if not worker or lease <= timedelta(0) or limit < 1:
            hint = "name the worker, and give a lease and a limit above zero"
            raise UsageError("an event cannot be claimed like that", "LP940", hint)

        def decide(draft: Draft) -> tuple[InboxEvent, ...]:
            now = self._clock()
            waiting = [event for event in draft.unsettled() if event.waits(now)]
            claimed: list[InboxEvent] = []
            for event in sorted(waiting, key=_age):
                if len(claimed) == limit:
                    break
                if event.state is InboxState.CLAIMED and event.attempts >= self._max_attempts:
                    reason = f"{event.worker} did not finish; it was the last of {event.attempts} attempts"
                    self._write(draft, event, Kind.DIED, reason=reason)
                else:
                    taken = self._write(draft, event, Kind.CLAIMED, worker=worker, until=now + lease)
                    claimed.append(taken)
            return tuple(claimed)

        return self._transact(decide)

    def extend(self, event: InboxEvent, lease: timedelta) -> InboxEvent:
        """Keep a claimed event for that long from now."""
        return self._held(
            event,
            lambda draft, held: self._write(
                draft, held, Kind.EXTENDED, worker=held.worker, until=self._clock() + lease
            ),
        )

    def complete(self, event: InboxEvent, *, reason: str = "") -> InboxEvent:
        """Say that all is done."""
        return self._held(
            event, lambda draft, held: self._write(draft, held, Kind.COMPLETED, worker=held.worker, reason=reason)
        )

    def fail(self, event: InboxEvent, reason: str, retry_at: datetime | None = None) -> InboxEvent:
        """Say why it could not be done, and when to try again."""

        def decide(draft: Draft, held: InboxEvent) -> InboxEvent:
            if retry_at is None:
                return self._write(draft, held, Kind.DIED, worker=held.worker, reason=reason)
            if held.attempts >= self._max_attempts:
                last = f"{reason} (the last of {held.attempts} attempts)"
                return self._write(draft, held, Kind.DIED, worker=held.worker, reason=last)
            return self._write(draft, held, Kind.FAILED, worker=held.worker, until=retry_at, reason=reason)

        return self._held(event, decide)

    def replay(self, delivery_id: str, *, reason: str) -> InboxEvent:
        """Let a done, failed or dead event wait again."""

        def decide(draft: Draft) -> InboxEvent:
            event = _known(draft.event(delivery_id), delivery_id)
            if event.state is InboxState.RECEIVED:
                return event
            if event.state is InboxState.CLAIMED and not event.waits(self._clock()):
                message = f"{event.worker} is at work on the delivery {delivery_id}"
                raise StoreConflict(message, "LP934", "wait until it is done, or its lease is over")
            return self._write(draft, event, Kind.REPLAYED, reason=reason)

        return self._transact(decide)

    def get(self, delivery_id: str) -> InboxEvent:
        """The event of that delivery."""
        return _known(self._view(lambda book: book.events.get(delivery_id)), delivery_id)

    def list(self, states: Collection[InboxState] = (), *, limit: int | None = None) -> tuple[InboxEvent, ...]:
        """Events in one of these states, oldest first; with `limit` the newest of them."""
        found = self._view(lambda book: [each for each in book.events.values() if not states or each.state in states])
        ordered = sorted(found, key=_age)
        return tuple(ordered if limit is None else ordered[max(len(ordered) - limit, 0) :])

    def history(self, delivery_id: str) -> tuple[Passage, ...]:
        """What happened to an event, oldest first."""
        self.get(delivery_id)
        return tuple(
            Passage(
                sequence=each.sequence,
                what=each.kind.value,
                at=each.at,
                worker=each.worker,
                until=each.until,
                reason=each.reason,
            )
            for each in self._records_of(delivery_id)
        )

    def begin_effect(self, key: EffectKey, delivery_id: str, *, note: str = "") -> Effect:
        """The effect of that key: begun for this delivery, unless another delivery was first."""

        def decide(draft: Draft) -> Effect:
            _known(draft.event(delivery_id), delivery_id)
            kept = draft.effect(effect_name(key))
            if kept is not None and not _is_free(kept, draft):
                return kept
            return self._write_effect(draft, kept, key, delivery_id, EffectState.BEGUN, note)

        return self._transact(decide)

    def settle_effect(self, key: EffectKey, delivery_id: str, state: EffectState, *, note: str = "") -> Effect:
        """Change how an effect of this delivery stands."""

        def decide(draft: Draft) -> Effect:
            kept = draft.effect(effect_name(key))
            if kept is None or kept.delivery_id != delivery_id or kept.state is not EffectState.BEGUN:
                message = f"the effect on {key.pipeline} is not begun by the delivery {delivery_id}"
                raise StoreConflict(message, "LP934", "begin the effect, and look whose it is")
            return self._write_effect(draft, kept, key, delivery_id, state, note)

        return self._transact(decide)

    def effects(self, contract_id: str | None = None) -> tuple[Effect, ...]:
        """All effects, or those of a contract, oldest first."""
        found = self._view(lambda book: list(book.effects.values()))
        named = [each for each in found if contract_id in (None, each.key.contract_id)]
        return tuple(sorted(named, key=lambda each: (each.at, effect_name(each.key))))

    def purge(self, older_than: timedelta, *, dry_run: bool = False) -> Purged:
        """Remove events that are done or dead for longer, and the effects that go with them."""
        if older_than < _YOUNGEST:
            hint = "give a day or more: a delivery of today may come again"
            raise UsageError("events cannot be removed when they are that young", "LP940", hint)
        before = self._clock() - older_than
        if dry_run:
            return self._view(lambda book: outdated(book, before))
        removed = Purged()
        while some := self._remove(lambda book: outdated(book, before, limit=_PURGED_AT_ONCE)):
            removed = Purged(deliveries=removed.deliveries + some.deliveries, effects=removed.effects + some.effects)
        return removed

    def _held(self, event: InboxEvent, decide: Callable[[Draft, InboxEvent], InboxEvent]) -> InboxEvent:
        """Decide about an event that is held still: nothing has happened to it since the holder was given it."""

        def decide_held(draft: Draft) -> InboxEvent:
            now = _known(draft.event(event.delivery_id), event.delivery_id)
            if now.state is not InboxState.CLAIMED or now.sequence != event.sequence:
                message = f"the delivery {event.delivery_id} is not held any more: it is {now.state}"
                raise StoreConflict(message, "LP934", "leave it to who has it now")
            return decide(draft, now)

        return self._transact(decide_held)

    def _write(
        self,
        draft: Draft,
        event: InboxEvent,
        kind: Kind,
        *,
        worker: str = "",
        until: datetime | None = None,
        reason: str = "",
    ) -> InboxEvent:
        return draft.write(
            Record(
                key=event.delivery_id,
                sequence=event.sequence + 1,
                kind=kind,
                at=self._clock(),
                worker=_unicode(worker),
                until=until,
                reason=_unicode(reason),
            )
        )

    def _write_effect(
        self, draft: Draft, kept: Effect | None, key: EffectKey, delivery_id: str, state: EffectState, note: str
    ) -> Effect:
        sequence = (kept.sequence if kept else 0) + 1
        return draft.write_effect(
            Effect(
                key=key,
                delivery_id=delivery_id,
                state=state,
                sequence=sequence,
                at=self._clock(),
                note=_unicode(note),
            )
        )


def _age(event: InboxEvent) -> tuple[datetime, str]:
    return event.received_at, event.delivery_id


def _known(event: InboxEvent | None, delivery_id: str) -> InboxEvent:
    if event is None:
        raise UsageError(f"there is no delivery {delivery_id!r}", "LP933", "`lakepact webhook events list` shows them")
    return event


def _is_free(effect: Effect, draft: Draft) -> bool:
    """Whether nobody is at work on an effect, and nobody will be."""
    if effect.state is EffectState.ABANDONED:
        return True
    owner = draft.event(effect.delivery_id)
    return effect.state is EffectState.BEGUN and (owner is None or owner.state is InboxState.DEAD)


def _unicode(text: str) -> str:
    """Text that every place can hold: reasons come from errors, and those from anywhere."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
