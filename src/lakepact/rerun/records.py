"""What is written down of an inbox: records that only grow in number, and how events and effects follow from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from lakepact.rerun.inbox import Arrival, Effect, EffectKey, InboxEvent, InboxState, Purged

__all__ = ["Book", "Draft", "Kind", "Record", "effect_name", "purged_names"]


class Kind(StrEnum):
    """What a record says."""

    RECEIVED = "received"
    CLAIMED = "claimed"
    EXTENDED = "extended"
    COMPLETED = "completed"
    FAILED = "failed"
    DIED = "died"
    REPLAYED = "replayed"
    EFFECT = "effect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing that happened: the `sequence`-th to what `key` names, from 1 without gaps.

    `until` is the end of a lease, or the time of the next attempt. `arrival` is there where `kind` is received,
    `effect` where it is effect.
    """

    key: str
    sequence: int
    kind: Kind
    at: datetime
    worker: str = ""
    until: datetime | None = None
    reason: str = ""
    arrival: Arrival | None = None
    effect: Effect | None = None


def effect_name(key: EffectKey) -> str:
    """What the records of an effect are kept under; no delivery has such an id, for it has no colon."""
    named = json.dumps([key.contract_id, key.version, key.sha256, key.pipeline])
    return f"effect:{hashlib.sha256(named.encode('ascii')).hexdigest()}"


def purged_names(purged: Purged) -> tuple[str, ...]:
    """What the records of these are kept under."""
    return (*purged.deliveries, *(effect_name(each) for each in purged.effects))


@dataclass(slots=True)
class Book:
    """Events and effects as they stand after all records that were added."""

    events: dict[str, InboxEvent] = field(default_factory=dict)
    effects: dict[str, Effect] = field(default_factory=dict)
    unsettled: dict[str, None] = field(default_factory=dict)
    """The ids of events that are neither done nor dead."""

    def add(self, records: Iterable[Record]) -> None:
        """Count in records; those that were counted in before change nothing."""
        for record in sorted(records, key=lambda each: (each.sequence, each.at)):
            self._add(record)

    def forget(self, names: Iterable[str]) -> None:
        """Leave out what is kept under these names: events by their ids, effects by `effect_name`."""
        for name in names:
            self.events.pop(name, None)
            self.effects.pop(name, None)
            self.unsettled.pop(name, None)

    def draft(self) -> Draft:
        """What is to be added: decided on this book, not yet in it."""
        return Draft(self)

    def _add(self, record: Record) -> None:
        if record.effect is not None:
            before = self.effects.get(record.key)
            if record.sequence == (before.sequence if before else 0) + 1:
                self.effects[record.key] = record.effect
            return
        known = self.events.get(record.key)
        if record.sequence != (known.sequence if known else 0) + 1:
            return
        event = _after(known, record)
        self.events[record.key] = event
        if event.state in (InboxState.DONE, InboxState.DEAD):
            self.unsettled.pop(record.key, None)
        else:
            self.unsettled[record.key] = None


@dataclass(slots=True)
class Draft:
    """Records that are decided on a book and on each other, before they are written down."""

    book: Book
    records: list[Record] = field(default_factory=list)
    _events: dict[str, InboxEvent] = field(default_factory=dict)
    _effects: dict[str, Effect] = field(default_factory=dict)

    def event(self, delivery_id: str) -> InboxEvent | None:
        """The event as it would stand."""
        return self._events.get(delivery_id) or self.book.events.get(delivery_id)

    def effect(self, name: str) -> Effect | None:
        """The effect as it would stand."""
        return self._effects.get(name) or self.book.effects.get(name)

    def unsettled(self) -> Iterator[InboxEvent]:
        """All events that are neither done nor dead, and some that have just become it."""
        for delivery_id in {**self.book.unsettled, **dict.fromkeys(self._events)}:
            event = self.event(delivery_id)
            if event is not None:
                yield event

    def write(self, record: Record) -> InboxEvent:
        """Add a record about an event, and give the event after it."""
        event = _after(self.event(record.key), record)
        self._events[record.key] = event
        self.records.append(record)
        return event

    def write_effect(self, effect: Effect) -> Effect:
        """Add a record about an effect."""
        name = effect_name(effect.key)
        self._effects[name] = effect
        self.records.append(Record(key=name, sequence=effect.sequence, kind=Kind.EFFECT, at=effect.at, effect=effect))
        return effect


def _after(event: InboxEvent | None, record: Record) -> InboxEvent:
    """The event after what the record says."""
    if event is None:
        assert record.arrival is not None
        return InboxEvent(
            arrival=record.arrival,
            state=InboxState.RECEIVED,
            sequence=record.sequence,
            received_at=record.at,
            changed_at=record.at,
        )
    changed = replace(
        event, sequence=record.sequence, changed_at=record.at, lease_until=None, retry_at=None, reason=record.reason
    )
    match record.kind:
        case Kind.CLAIMED:
            attempts = event.attempts + 1
            return replace(
                changed, state=InboxState.CLAIMED, worker=record.worker, lease_until=record.until, attempts=attempts
            )
        case Kind.EXTENDED:
            return replace(changed, lease_until=record.until)
        case Kind.COMPLETED:
            return replace(changed, state=InboxState.DONE)
        case Kind.FAILED:
            return replace(changed, state=InboxState.FAILED, retry_at=record.until)
        case Kind.DIED:
            return replace(changed, state=InboxState.DEAD)
        case Kind.REPLAYED:
            return replace(changed, state=InboxState.RECEIVED, worker="", attempts=0)
    return event
