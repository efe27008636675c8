"""What waits to be sent: entries, receipts, what was given up, news of runs, incidents, mutes; all in one place."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from lakepact.notify.encoding import decoded, encoded
from lakepact.notify.facts import Facts
from lakepact.notify.incidents import Group
from lakepact.notify.model import Notification, Receipt, cause_key
from lakepact.notify.places import Place
from lakepact.notify.planning import Planned
from lakepact.notify.routing import Mute

__all__ = ["Acknowledgement", "ChannelState", "Dead", "Entry", "Outbox", "Sent"]

_LOG: Final = logging.getLogger(__name__)
_KEPT: Final = timedelta(days=30)

_NEWS, _GROUPS, _WAITING, _SENT, _DEAD = "news", "incidents", "outbox", "sent", "dead"
_CHANNELS, _THREADS, _MUTES, _DAMAGED = "channels", "threads", "mutes", "damaged"
_TAKEN, _CLEANED = "acknowledged", "state/cleaned.json"
_CLEAN_EVERY: Final = timedelta(days=1)

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A message that waits for a channel.

    `not_before` is the end of quiet hours, `due` that of a pause after a failure. `in_flight` is set before the message
    is handed over and cleared after: where it is found set, the process was killed, and nobody knows whether the
    service has it; `unknown` counts those times. `held` marks what the rate limit holds back. `covers` are the ids of
    the entries that a summary stands for.
    """

    channel: str
    notification: Notification
    created: datetime
    not_before: datetime
    sequence: int = 0
    due: datetime | None = None
    attempts: int = 0
    reason: str = ""
    in_flight: bool = False
    unknown: int = 0
    held: bool = False
    covers: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """That of its notification."""
        return self.notification.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """That a message was taken, or is part of a summary (`summary` is the id of that)."""

    channel: str
    at: datetime
    receipt: Receipt = Receipt()  # noqa: RUF009 (frozen)
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """A message that was given up, and why; it stays until it is tried again or removed by hand."""

    entry: Entry
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """That somebody takes the incidents of a dataset, or of one rule of it; `*` is any."""

    contract: str
    dataset: str = "*"
    rule: str = "*"
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """What is known of a channel: until when its service wants to be left alone, and when it took messages of late."""

    paused_until: datetime | None = None
    sent: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Outbox:
    """The files below a place, by what they are.

    Only who holds `place.exclusive()` may change anything but news, acknowledgements and mutes."""

    place: Place

    def add_news(self, facts: Facts) -> None:
        """Keep what a run said until it is taken in; the same again changes nothing."""
        moment = facts.at.strftime("%Y%m%dT%H%M%S%fZ")
        self.place.create(f"{_NEWS}/{moment}-{facts.id}.json", encoded(facts))

    def news(self) -> Iterator[tuple[str, Facts]]:
        """The news by name, oldest first."""
        yield from self._all(_NEWS, Facts)

    def remove(self, name: str) -> None:
        """Keep nothing under that name any more."""
        self.place.remove(name)

    def group(self, key: str) -> Group | None:
        """The incidents of a dataset under a contract."""
        return self._one(f"{_GROUPS}/{key}.json", Group)

    def groups(self) -> Iterator[Group]:
        """All of them."""
        yield from (group for _, group in self._all(_GROUPS, Group))

    def put_group(self, group: Group) -> None:
        """Keep the incidents of a dataset."""
        self.place.replace(f"{_GROUPS}/{group.key}.json", encoded(group))

    def add(self, planned: Planned, now: datetime) -> None:
        """Keep a message until it is sent. One that was kept or sent before is not kept again."""
        entry = Entry(
            channel=planned.channel,
            notification=planned.notification,
            created=now,
            not_before=planned.not_before,
            sequence=planned.sequence,
        )
        self.add_entry(entry)

    def add_entry(self, entry: Entry) -> None:
        """Keep an entry, see `add`."""
        if self.place.read(f"{_SENT}/{entry.id}.json") is None:
            self.place.create(f"{_WAITING}/{entry.id}.json", encoded(entry))

    def entries(self) -> list[Entry]:
        """What waits, oldest first; what has a receipt waits no more."""
        found = []
        for name, entry in self._all(_WAITING, Entry):
            if self.place.read(f"{_SENT}/{entry.id}.json") is None:
                found.append(entry)
            else:
                self.place.remove(name)
        return sorted(found, key=lambda each: (each.created, each.sequence, each.id))

    def put(self, entry: Entry) -> None:
        """Keep an entry as it is now."""
        self.place.replace(f"{_WAITING}/{entry.id}.json", encoded(entry))

    def done(self, entry: Entry, sent: Sent) -> None:
        """The entry is sent: first the receipt is kept, then it waits no more."""
        self.place.replace(f"{_SENT}/{entry.id}.json", encoded(sent))
        self.place.remove(f"{_WAITING}/{entry.id}.json")

    def sent(self, entry_id: str) -> Sent | None:
        """The receipt of an entry."""
        return self._one(f"{_SENT}/{entry_id}.json", Sent)

    def bury(self, entry: Entry, reason: str, now: datetime) -> None:
        """Give the entry up."""
        self.place.replace(f"{_DEAD}/{entry.id}.json", encoded(Dead(entry=entry, at=now, reason=reason)))
        self.place.remove(f"{_WAITING}/{entry.id}.json")

    def dead(self) -> list[Dead]:
        """What was given up, oldest first."""
        return sorted((dead for _, dead in self._all(_DEAD, Dead)), key=lambda each: (each.at, each.entry.id))

    def revive(self, dead: Dead) -> None:
        """Let what was given up be tried again, as if it were new."""
        entry = dead.entry
        fresh = Entry(
            channel=entry.channel,
            notification=entry.notification,
            created=entry.created,
            not_before=entry.not_before,
            sequence=entry.sequence,
            covers=entry.covers,
        )
        self.put(fresh)
        self.place.remove(f"{_DEAD}/{entry.id}.json")

    def channel(self, name: str) -> ChannelState:
        """What is known of a channel."""
        return self._one(f"{_CHANNELS}/{cause_key(name)}.json", ChannelState) or ChannelState()

    def put_channel(self, name: str, state: ChannelState) -> None:
        """Keep what is known of a channel."""
        self.place.replace(f"{_CHANNELS}/{cause_key(name)}.json", encoded(state))

    def thread(self, channel: str, cause: str) -> str:
        """The remote id of the first message of an incident on a channel, '' where there was none."""
        found = self._one(f"{_THREADS}/{cause_key(channel, cause)}.json", Receipt)
        return found.remote_id if found else ""

    def put_thread(self, channel: str, cause: str, receipt: Receipt | None) -> None:
        """Keep it for the later ones; None where the incident is over."""
        name = f"{_THREADS}/{cause_key(channel, cause)}.json"
        if receipt is None:
            self.place.remove(name)
        elif receipt.remote_id:
            self.place.replace(name, encoded(receipt))

    def mutes(self) -> tuple[Mute, ...]:
        """All mutes, over or not."""
        return tuple(mute for _, mute in self._all(_MUTES, Mute))

    def put_mute(self, mute: Mute) -> None:
        """Keep a mute."""
        self.place.replace(f"{_MUTES}/{mute.id}.json", encoded(mute))

    def remove_mute(self, mute_id: str) -> bool:
        """End a mute; False where there is none of that id."""
        known = {each.id for each in self.mutes()}
        if mute_id in known:
            self.place.remove(f"{_MUTES}/{mute_id}.json")
        return mute_id in known

    def add_acknowledgement(self, taken: Acknowledgement, now: datetime) -> None:
        """Keep that somebody takes incidents until the sender knows it."""
        key = cause_key(taken.contract, taken.dataset, taken.rule, taken.by, now.isoformat())
        self.place.create(f"{_TAKEN}/{key}.json", encoded(taken))

    def acknowledgements(self) -> Iterator[tuple[str, Acknowledgement]]:
        """What the sender does not know yet, by name."""
        yield from self._all(_TAKEN, Acknowledgement)

    def clean(self, now: datetime) -> None:
        """Once a day, remove receipts that are too old to be asked for, and mutes that are long over."""
        last = self._one(_CLEANED, Sent)
        if last is not None and last.at <= now < last.at + _CLEAN_EVERY:
            return
        for name, sent in self._all(_SENT, Sent):
            if sent.at < now - _KEPT:
                self.place.remove(name)
        for mute in self.mutes():
            if mute.until < now - _KEPT:
                self.remove_mute(mute.id)
        self.place.replace(_CLEANED, encoded(Sent(channel="", at=now)))

    def counts(self) -> Mapping[str, int]:
        """How many files of damaged content were set aside, and how much news waits."""
        return {"damaged": len(self.place.names(_DAMAGED)), "news": len(self.place.names(_NEWS))}

    def _all(self, folder: str, kind: type[_Value]) -> Iterator[tuple[str, _Value]]:
        for name in self.place.names(folder):
            found = self._one(name, kind)
            if found is not None:
                yield name, found

    def _one(self, name: str, kind: type[_Value]) -> _Value | None:
        content = self.place.read(name)
        if content is None:
            return None
        try:
            return decoded(kind, content)
        except ValueError as error:
            _LOG.warning("'%s' is damaged and set aside: %s", name, type(error).__name__)
            self.place.replace(f"{_DAMAGED}/{name.replace('/', '-')}", content)
            self.place.remove(name)
            return None
