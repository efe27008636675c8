"""The inbox: every notice is kept before it is answered, handed to one worker at a time, and not forgotten.

The states of an event, and what leads from one to the next:

    received ──claim──▶ claimed ──complete──▶ done
        ▲                 │  ▲ ╲
        │                 │  │  ╲ lease is over, attempts are left: claim
        │               fail │   ╲ lease is over, none is left: dead
        │                 ▼  │
        └──replay──── failed ┘ (from `retry_at` on: claim)      dead ──replay──▶ received

The webhook, a run that somebody asks for and the poller write to it alike. Whatever they write, there is one effect for
a contract, version, hash and pipeline. Only what ended long ago is forgotten, and only where somebody asks for that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from lakepact.errors import UsageError
from lakepact.rerun.signatures import DELIVERY_ID

__all__ = [
    "Arrival",
    "Effect",
    "EffectKey",
    "EffectState",
    "Inbox",
    "InboxEvent",
    "InboxState",
    "Origin",
    "Passage",
    "Purged",
    "Receipt",
]


_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Origin(StrEnum):
    """Who wrote an event into the inbox."""

    WEBHOOK = "webhook"
    RUN_NOW = "run-now"
    POLLER = "poller"


class InboxState(StrEnum):
    """How an event stands."""

    RECEIVED = "received"
    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"
    """It is tried again, from `retry_at` on."""
    DEAD = "dead"
    """It is not tried again unless somebody replays it."""


class EffectState(StrEnum):
    """How an effect stands."""

    BEGUN = "begun"
    DONE = "done"
    ABANDONED = "abandoned"
    """Whoever comes next may begin it anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What came in. `delivery_id` tells one delivery from every other; the same id again is the same delivery.

    Raises UsageError LP940 for an id that is none, for an arrival that names no contract, for a time without a zone.
    """

    delivery_id: str
    type: str
    contract_id: str = ""
    asset_id: str = ""
    version: str = ""
    status: str = ""
    occurred_at: datetime | None = None
    origin: Origin = Origin.WEBHOOK

    def __post_init__(self) -> None:
        if not DELIVERY_ID.fullmatch(self.delivery_id):
            hint = "use 1 to 128 of A-Z a-z 0-9 _ -"
            raise UsageError(f"{self.delivery_id!r} cannot be the id of a delivery", "LP940", hint)
        if not self.contract_id and not self.asset_id:
            message = f"the delivery {self.delivery_id} names no contract"
            raise UsageError(message, "LP940", "give `contract_id` or `asset_id`")
        if self.occurred_at is not None and self.occurred_at.tzinfo is None:
            raise UsageError(f"the time of the delivery {self.delivery_id} has no zone", "LP940", "give it in UTC")
        texts = (self.type, self.contract_id, self.asset_id, self.version, self.status)
        if any(_SURROGATE.search(text) for text in texts):
            message = f"the delivery {self.delivery_id} has text that is not valid Unicode"
            raise UsageError(message, "LP940", "leave out what is no character")

    @property
    def dedup_key(self) -> str:
        """64 characters that are the same for all that claim the same of a contract, whoever says it and when."""
        said = [self.type, self.contract_id, self.asset_id, self.version, self.status]
        return hashlib.sha256(json.dumps(said).encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEvent:
    """An event as it stands. `sequence` counts what happened to it; who holds an older one holds it no more."""

    arrival: Arrival
    state: InboxState
    sequence: int
    received_at: datetime
    changed_at: datetime
    attempts: int = 0
    worker: str = ""
    lease_until: datetime | None = None
    retry_at: datetime | None = None
    reason: str = ""

    @property
    def delivery_id(self) -> str:
        """The id of its delivery."""
        return self.arrival.delivery_id

    def waits(self, now: datetime) -> bool:
        """Whether a worker may take it now, or a worker that took it is gone."""
        match self.state:
            case InboxState.RECEIVED:
                return True
            case InboxState.CLAIMED:
                return self.lease_until is None or self.lease_until <= now
            case InboxState.FAILED:
                return self.retry_at is None or self.retry_at <= now
        return False


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an event stands after it was received; `created` is false where it was there before."""

    event: InboxEvent
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One thing that happened to an event: the `sequence`-th, what, when, to whom, and why."""

    sequence: int
    what: str
    at: datetime
    worker: str = ""
    until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectKey:
    """What happens once: the document with this hash, of this version of a contract, reaches this pipeline.

    Raises UsageError LP940 for text that is not valid Unicode.
    """

    contract_id: str
    version: str
    sha256: str
    pipeline: str

    def __post_init__(self) -> None:
        if any(_SURROGATE.search(text) for text in (self.contract_id, self.version, self.sha256, self.pipeline)):
            raise UsageError("the effect has text that is not valid Unicode", "LP940", "leave out what is no character")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An effect, the delivery that it is done for, and a note such as the id of the update."""

    key: EffectKey
    delivery_id: str
    state: EffectState
    sequence: int
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What was removed for its age: ids of deliveries, oldest first, and effects. It is false where that is nothing.

    >>> bool(Purged()), bool(Purged(deliveries=("msg_1",)))
    (False, True)
    """

    deliveries: tuple[str, ...] = ()
    effects: tuple[EffectKey, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.deliveries or self.effects)


@runtime_checkable
class Inbox(Protocol):
    """Where events wait. Threads may share one object, and processes one place.

    Every method raises RemoteFailed LP935 or ConfigurationError LP936 where the place cannot be used. What a method
    returned is kept: it is there after the process is killed.
    """

    @property
    def address(self) -> str:
        """The address that `open_inbox` opens this place by, without secrets."""
        ...

    def receive(self, arrival: Arrival) -> Receipt:
        """Keep an arrival, unless one with its id is kept already: then that one, unchanged."""
        ...

    def claim(self, worker: str, lease: timedelta, *, limit: int = 1) -> tuple[InboxEvent, ...]:
        """Take up to `limit` events that wait, oldest first, for as long as the lease; nobody else gets them meanwhile.

        An event whose worker let its lease run out as often as it may be tried becomes dead instead.
        """
        ...

    def extend(self, event: InboxEvent, lease: timedelta) -> InboxEvent:
        """Keep a claimed event for that long from now. Raises StoreConflict LP934 where it is not held any more."""
        ...

    def complete(self, event: InboxEvent, *, reason: str = "") -> InboxEvent:
        """Say that all is done. Raises StoreConflict LP934 where the event is not held any more."""
        ...

    def fail(self, event: InboxEvent, reason: str, retry_at: datetime | None = None) -> InboxEvent:
        """Say why it could not be done, and when to try again; with None, or when attempts are used up, never.

        Raises StoreConflict LP934 where the event is not held any more.
        """
        ...

    def replay(self, delivery_id: str, *, reason: str) -> InboxEvent:
        """Let a done, failed or dead event wait again, with all attempts before it; one that waits stays as it is.

        Raises UsageError LP933 for an unknown id, StoreConflict LP934 while a worker has it.
        """
        ...

    def get(self, delivery_id: str) -> InboxEvent:
        """The event of that delivery. Raises UsageError LP933 where there is none."""
        ...

    def list(self, states: Collection[InboxState] = (), *, limit: int | None = None) -> tuple[InboxEvent, ...]:
        """Events in one of these states (any where none is named), oldest first; with `limit` the newest of them."""
        ...

    def history(self, delivery_id: str) -> tuple[Passage, ...]:
        """What happened to an event, oldest first. Raises UsageError LP933 where there is none."""
        ...

    def begin_effect(self, key: EffectKey, delivery_id: str, *, note: str = "") -> Effect:
        """The effect of that key: begun for this delivery, unless another delivery was first.

        Whoever gets an effect of another `delivery_id`, or one that is done, leaves it alone. An effect that was
        abandoned, or whose delivery is dead, is begun anew.
        """
        ...

    def settle_effect(self, key: EffectKey, delivery_id: str, state: EffectState, *, note: str = "") -> Effect:
        """Change how an effect of this delivery stands. Raises StoreConflict LP934 where it is another's, or done."""
        ...

    def effects(self, contract_id: str | None = None) -> tuple[Effect, ...]:
        """All effects, or those of a contract, oldest first."""
        ...

    def purge(self, older_than: timedelta, *, dry_run: bool = False) -> Purged:
        """Remove events that are done or dead for longer, with all that happened to them; the same id then is new.

        Effects go with the event that they were done for, but the last one that was done of a contract and a pipeline
        stays. With `dry_run` nothing is removed. Raises UsageError LP940 for less than a day.
        """
        ...
