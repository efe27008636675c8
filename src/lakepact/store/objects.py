"""A journal in object storage: S3, Google Cloud, Azure, and whatever else fsspec serves and can create exclusively.

lakepact-store.json                               tells that this is a store, and its layout
events/<contract>/000001.json                     one object an event
documents/<contract>/<version>-<hash>.yaml        the documents
manifest.json                                     all events at once, as of when somebody last listed many
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from lakepact.errors import ConfigurationError, Problem, RemoteFailed, UsageError
from lakepact.store.encoding import event_data, event_of, original_name, safe_name
from lakepact.store.event_files import (
    MARK,
    MARK_BYTES,
    Damaged,
    checked,
    damaged_documents,
    document_name,
    event_in,
    event_name,
    event_number,
    refuse_other_mark,
    trail,
)
from lakepact.store.model import Event
from lakepact.store.object_places import Create, ObjectPlace

__all__ = ["ObjectJournal", "create_objects", "open_objects"]

_EVENTS: Final = "events"
_DOCUMENTS: Final = "documents"
_MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1
_MEMORY: Final = "memory-fs:"
_ANY: Final = "fsspec:"
# Fewer objects than this are read one by one, and are no reason to write the manifest again.
_FEW: Final = 32


class ObjectJournal:
    """Events and documents below `url`, which `create_objects` has made a store.

    An event is an object that the storage makes only where there is none. Lists read the manifest, and beside it what
    it lacks or has otherwise than the storage; where that is much, they write it again if they may. Credentials are
    those of the environment and of the configuration files of fsspec, or come in `storage_options`. `create` makes an
    object exclusively where lakepact does not know how. A journal may be used by several threads.

    Raises ConfigurationError LP863 where `url` is no store or cannot create exclusively, LP854 where the objects of a
    contract are damaged, RemoteFailed LP864 where the storage fails, ExtraMissing LP862 without its library.
    """

    def __init__(
        self, url: str, *, storage_options: Mapping[str, Any] | None = None, create: Create | None = None
    ) -> None:
        self._place = ObjectPlace(url, options=storage_options, create=create)
        # By name: what tells whether the object is still the same, and the event that it holds.
        self._known: dict[str, tuple[str, Event]] = {}
        self._trusted = False
        _refuse_no_store(self._place)

    @property
    def address(self) -> str:
        """The URL, without secrets; with `fsspec:` before it where no scheme of a store has its name."""
        return _address_of(self._place.address)

    def contract_ids(self) -> tuple[str, ...]:
        """The ids of all contracts that have an event, sorted; of a damaged one too, where its folder tells it."""
        place = self._place
        # Only on disks there are folders without objects; elsewhere a list of folders is far shorter.
        names = sorted(_by_folder(place.stamps(_EVENTS)) if place.is_local else place.folders(_EVENTS))
        shortened = [name for name in names if original_name(name) is None]
        firsts = place.read([f"{_EVENTS}/{name}/{event_name(1)}" for name in shortened])
        found = {name: original_name(name) for name in names}
        for name, content in zip(shortened, firsts, strict=True):
            event = event_in(content, name)
            if isinstance(event, Event) and safe_name(event.contract_id) == name:
                found[name] = event.contract_id
        return tuple(sorted(contract_id for contract_id in found.values() if contract_id is not None))

    def events(self, contract_id: str) -> tuple[Event, ...]:
        """The events of a contract, in sequence; empty where there is none."""
        name = safe_name(contract_id)
        found = self._trails(self._place.stamps(f"{_EVENTS}/{name}"), contract_id).get(name, ())
        if isinstance(found, Damaged):
            raise found
        return found

    def all_events(self) -> dict[str, tuple[Event, ...]]:
        """The events of all contracts by id, without those of damaged ones, which `damaged` tells."""
        trails = self._trails(self._place.stamps(_EVENTS)).values()
        found = {events[0].contract_id: events for events in trails if not isinstance(events, Damaged)}
        return dict(sorted(found.items()))

    def document(self, contract_id: str, version: str, sha256: str) -> bytes:
        """The bytes that were put under that hash. Raises ConfigurationError LP854 where they are gone or others."""
        name = _document(contract_id, version, sha256)
        content = self._place.read([name])[0]
        if content is None:
            raise Damaged(f"{self.address}/{name}", "it is missing")
        return checked(content, sha256, f"{self.address}/{name}")

    def append(self, event: Event, document: bytes | None) -> bool:
        """Add `event`, with the bytes of a put; False where its number is taken."""
        name = f"{_EVENTS}/{safe_name(event.contract_id)}/{event_name(event.sequence)}"
        if not self._trusted:
            self._place.refuse_overwriting(MARK, MARK_BYTES)
            self._trusted = True
        if self._place.read([name])[0] is not None:
            return False
        if document is not None:
            kept = _document(event.contract_id, event.version, event.sha256)
            if not self._place.create(kept, document):
                self._place.replace(kept, document)
        # Tells our own object from that of another writer with the same event.
        data = event_data(event) | {"writer": secrets.token_hex(8)}
        return self._place.create(name, json.dumps(data, indent=2).encode() + b"\n")

    def damaged(self) -> tuple[Problem, ...]:
        """Every contract whose events, and every document whose bytes, are not what was written."""
        problems: list[Problem] = []
        for name, events in self._trails(self._place.stamps(_EVENTS)).items():
            if isinstance(events, Damaged):
                problems.append(events.problem)
            else:
                problems += damaged_documents(events, self.document, f"{self.address}/{_EVENTS}/{name}")
        return tuple(dict.fromkeys(problems))

    def _trails(
        self, stamps: Mapping[str, str], contract_id: str | None = None
    ) -> dict[str, tuple[Event, ...] | Damaged]:
        """The events of contracts by folder, or what is wrong with them."""
        folders = _by_folder(stamps)
        for folder, names in folders.items():
            # A listing may miss an object that is made meanwhile; that those before the last are there is known.
            names |= {number: f"{_EVENTS}/{folder}/{event_name(number)}" for number in range(1, max(names))}
        read = self._events([name for names in folders.values() for name in names.values()], stamps)
        found: dict[str, tuple[Event, ...] | Damaged] = {}
        for folder, names in folders.items():
            there = {number: event for number, name in names.items() if (event := read[name]) is not None}
            try:
                found[folder] = trail(folder, there, self._naming(folder), contract_id)
            except Damaged as error:
                found[folder] = error
        return found

    def _naming(self, folder: str) -> Callable[[int], str]:
        return lambda number: f"{self.address}/{_EVENTS}/{folder}/{event_name(number)}"

    def _events(self, names: list[str], stamps: Mapping[str, str]) -> dict[str, Event | Damaged | None]:
        """What these objects hold, None where one is not there; those that are known are not read again."""
        unknown = [name for name in names if self._known_event(name, stamps) is None]
        stale = False
        if len(unknown) > _FEW:
            self._learn_from_manifest()
            unknown = [name for name in names if self._known_event(name, stamps) is None]
            stale = len(unknown) > _FEW
        found: dict[str, Event | Damaged | None] = {}
        for name, content in zip(unknown, self._place.read(unknown), strict=True):
            event = found[name] = None if content is None else event_in(content, f"{self.address}/{name}")
            if isinstance(event, Event) and name in stamps:
                self._known[name] = stamps[name], event
        if stale:
            self._write_manifest()
        return {name: found[name] if name in found else self._known[name][1] for name in names}

    def _known_event(self, name: str, stamps: Mapping[str, str]) -> Event | None:
        stamp, event = self._known.get(name, ("", None))
        return event if event is not None and stamps.get(name) == stamp else None

    def _learn_from_manifest(self) -> None:
        """Take in the events of the manifest that are not known; one that is damaged or of another format has none."""
        content = self._place.read([_MANIFEST])[0]
        with suppress(ValueError, TypeError, KeyError, AttributeError, ConfigurationError):
            manifest = json.loads(content or b"{}")
            if manifest["format"] == _FORMAT:
                for name, (stamp, data) in manifest["events"].items():
                    self._known.setdefault(name, (str(stamp), event_of(data)))

    def _write_manifest(self) -> None:
        events = {name: [stamp, event_data(event)] for name, (stamp, event) in sorted(self._known.copy().items())}
        content = json.dumps({"format": _FORMAT, "events": events}, separators=(",", ":")).encode()
        # Who may only read lists all the same.
        with suppress(RemoteFailed):
            self._place.replace(_MANIFEST, content)


def open_objects(address: str) -> ObjectJournal:
    """The journal at `s3://bucket/prefix` and the like, `memory-fs:/prefix`, or `fsspec:` and any URL of fsspec."""
    return ObjectJournal(_url_of(address))


def create_objects(address: str) -> None:
    """Make the place of such an address a store; where it is one, nothing changes."""
    place = ObjectPlace(_url_of(address))
    place.create(MARK, MARK_BYTES)
    place.refuse_overwriting(MARK, MARK_BYTES)
    _refuse_no_store(place)


def _refuse_no_store(place: ObjectPlace) -> None:
    mark = place.read([MARK])[0]
    address = _address_of(place.address)
    if mark is None:
        hint = f"`lakepact store init --store '{address}'` makes one"
        raise ConfigurationError(f"'{address}' is no contract store: it has no {MARK}", "LP863", hint)
    refuse_other_mark(mark, address)


def _by_folder(names: Iterable[str]) -> dict[str, dict[int, str]]:
    """The names of the objects of events, by the folder of their contract and by number."""
    folders: dict[str, dict[int, str]] = {}
    for name in names:
        parts = name.split("/")
        if len(parts) == 3 and (number := event_number(parts[2])) is not None:
            folders.setdefault(parts[1], {})[number] = name
    return folders


def _url_of(address: str) -> str:
    if address.startswith(_MEMORY):
        return f"memory://{address.removeprefix(_MEMORY)}"
    url = address.removeprefix(_ANY)
    if "://" not in url:
        hint = "write for example s3://bucket/contracts, or fsspec: and a URL"
        raise UsageError(f"'{address}' is no address of object storage", "LP857", hint)
    return url


def _address_of(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme == "memory":
        return f"{_MEMORY}{rest}"
    return url if scheme in ("s3", "gs", "abfs", "abfss", "az") else f"{_ANY}{url}"


def _document(contract_id: str, version: str, sha256: str) -> str:
    return f"{_DOCUMENTS}/{safe_name(contract_id)}/{document_name(version, sha256)}"
