"""The audit trail of a contract, kept as comments at its asset: readable for people, exact for lakepact.

Collibra has no compare-and-set. Comments only grow and have an order, so they decide: an entry says the number of its
first event, and counts only where that is the next one; whoever comes second reads that, and tries again.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lakepact.collibra.model import Note
from lakepact.errors import ConfigurationError
from lakepact.store.encoding import event_data, event_of
from lakepact.store.model import Event, EventKind

__all__ = ["Entry", "Ledger", "entry_text", "read_ledger", "void_text"]

_ENTRY: Final = re.compile(r"lakepact:1:([A-Za-z0-9_-]+={0,2})\s*\Z")
_LARGEST: Final = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Events that were written together, and how Collibra looked to the writer before.

    `asset_on` and `version_on` are when the asset, and the version that is put, had changed last (milliseconds), and
    `active` was the active version: while they still are, what follows from the events has not been done yet.
    """

    token: str
    first: int
    events: tuple[Event, ...]
    asset_on: int | None = None
    active: str | None = None
    version_on: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The entries that count, in order. `owners` are the users whose entries do."""

    entries: tuple[Entry, ...] = ()
    owners: frozenset[str] = frozenset()

    @property
    def events(self) -> tuple[Event, ...]:
        """All events, in sequence."""
        return tuple(event for entry in self.entries for event in entry.events)

    @property
    def last(self) -> Entry | None:
        """The entry written last."""
        return self.entries[-1] if self.entries else None

    def put_of(self, version: str) -> Entry | None:
        """The entry that put the bytes of a version last."""
        return next(
            (
                entry
                for entry in reversed(self.entries)
                if any(event.version == version and event.kind is EventKind.PUT for event in entry.events)
            ),
            None,
        )


def entry_text(entry: Entry) -> str:
    """An entry as the text of a comment: a sentence, and a line for `read_ledger`."""
    data = {
        "token": entry.token,
        "first": entry.first,
        "events": [event_data(event) for event in entry.events],
        "asset_on": entry.asset_on,
        "active": entry.active,
        "version_on": entry.version_on,
    }
    return f"{_sentence(entry.events[-1])}\n\n{_packed(data)}"


def void_text(token: str, why: str) -> str:
    """The text of a comment that takes an entry back, because what it says could not be done."""
    return f"lakepact took its last change back: {why}\n\n{_packed({'void': token})}"


def read_ledger(notes: Iterable[Note], *, owners: frozenset[str] = frozenset()) -> Ledger:
    """The ledger in comments, oldest first.

    Anybody may comment, so only entries of `owners` count; where none are given, only those of whoever wrote the first.
    What is no entry, or comes too late, is passed over.
    """
    state = _State(owners=owners)
    for note in notes:
        data = _unpacked(note.text)
        if data is None or (state.owners and note.created_by not in state.owners):
            continue
        state.take(data, note)
    return Ledger(entries=tuple(state.entries), owners=state.owners)


@dataclass
class _State:
    owners: frozenset[str]
    entries: list[Entry] = field(default_factory=list)
    following: int = 1

    def take(self, data: Mapping[str, Any], note: Note) -> None:
        if "void" in data:
            if self.entries and self.entries[-1].token == data["void"]:
                self.following = self.entries.pop().first
            return
        try:
            entry = _entry(data)
        except (ConfigurationError, KeyError, TypeError):
            return
        if entry.first == self.following and entry.events:
            self.entries.append(entry)
            self.following += len(entry.events)
            self.owners = self.owners or frozenset({note.created_by})


def _entry(data: Mapping[str, Any]) -> Entry:
    events = tuple(event_of(each, where="a comment in Collibra") for each in data["events"])
    first = data["first"]
    if [event.sequence for event in events] != list(range(first, first + len(events))):
        raise TypeError("events out of sequence")
    return Entry(
        token=str(data["token"]),
        first=first,
        events=events,
        asset_on=data.get("asset_on"),
        active=data.get("active"),
        version_on=data.get("version_on"),
    )


def _packed(data: Mapping[str, Any]) -> str:
    # Comments are HTML that Collibra may rewrite: only letters and digits come back certainly.
    packed = zlib.compress(json.dumps(data, sort_keys=True).encode(), 9)
    return f"lakepact:1:{base64.urlsafe_b64encode(packed).decode('ascii')}"


def _unpacked(text: str) -> Mapping[str, Any] | None:
    found = _ENTRY.search(text)
    if found is None:
        return None
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(base64.urlsafe_b64decode(found[1]), _LARGEST)
        data = json.loads(content) if unpacking.eof else None
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        return None
    return data if isinstance(data, Mapping) else None


def _sentence(event: Event) -> str:
    done = f"put version {event.version} as" if event.kind is EventKind.PUT else f"made version {event.version}"
    reason = f": {event.reason}" if event.reason else ""
    return f"{event.actor} {done} {event.status}{reason}"
