"""The journal of a contract store in Collibra: documents are manifest versions, the trail is the ledger."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from lakepact.collibra.cache import Cached, ContractCache
from lakepact.collibra.failures import is_missing
from lakepact.collibra.gateway import CONTRACT_TYPE, GOVERNS, CollibraGateway
from lakepact.collibra.ledger import Entry, Ledger, entry_text, read_ledger, void_text
from lakepact.collibra.model import Asset, ContractAsset, ManifestUpload, ManifestVersion
from lakepact.collibra.quiet import QuietTimes
from lakepact.collibra.reconcile import Content, Seen, is_under_way, milliseconds, observed, observed_of_active
from lakepact.collibra.statuses import StatusNames, wanted
from lakepact.contract import load_contract
from lakepact.errors import (
    ConfigurationError,
    LakepactError,
    RemoteFailed,
    RemoteUnavailable,
    StoreConflict,
    UsageError,
)
from lakepact.store.encoding import sha256_of
from lakepact.store.folding import fold
from lakepact.store.model import Event, EventKind, Status
from lakepact.store.summary import summary_of

__all__ = ["CollibraJournal", "Freshness", "JournalView", "PortOf"]

_LOG: Final = logging.getLogger(__name__)
_BEGINNING: Final = timedelta(seconds=30)
_PATIENCE: Final = 20
_PAUSE: Final = 0.1
# What is too large to be read: a hash that no document has.
_UNREADABLE: Final = Content("0" * 64, None)
_THREADS: Final = 8

PortOf = Callable[[str], str]
"""Gives the id of the port of a contract by the id of the contract; raises ConfigurationError LP909 without one."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """When a contract was read from Collibra, and whether that was the last try (`live`), or Collibra was away then."""

    seen: datetime
    live: bool


@dataclass(frozen=True, slots=True)
class _Snapshot:
    contract: ContractAsset | None
    ledger: Ledger
    seen: Seen | None
    observed: tuple[Event, ...]
    at: datetime

    @property
    def events(self) -> tuple[Event, ...]:
        return (*self.ledger.events, *self.observed)


@dataclass(frozen=True, slots=True)
class _Recent:
    """What was answered last, and when; `complete` as in `Cached`."""

    events: tuple[Event, ...]
    at: datetime
    complete: bool


@dataclass(frozen=True, slots=True)
class _Listed:
    """What was told already: contracts by their id, where it is that of one, assets by theirs, ledgers by the asset."""

    contracts: Mapping[str, ContractAsset]
    assets: Mapping[str, Asset]
    ledgers: Mapping[str, Ledger] = field(default_factory=dict)


_NOTHING: Final = _Listed({}, {})


class CollibraJournal:
    """Events and documents in the Collibra behind `gateway`, see `lakepact.store.journal.Journal`.

    A contract that is not there yet is made at the port that `port_of` names. What was read stays in `cache`, and is
    what is given while Collibra is away; for `fresh_for` seconds Collibra is not asked again, and for `quiet_for`
    seconds after a look only whether something happened (see `QuietTimes`). `asset_of` gives the asset of a contract
    where that is known, else an empty text. `owners` are the users whose entries in the ledger count (default: whoever
    wrote the first). With `apply` Collibra writes what is validated into its graph.
    """

    def __init__(
        self,
        gateway: CollibraGateway,
        *,
        port_of: PortOf,
        names: StatusNames = StatusNames(),  # noqa: B008 (frozen)
        cache: ContractCache | None = None,
        owners: frozenset[str] = frozenset(),
        fresh_for: float = 0.0,
        quiet_for: float = 0.0,
        asset_of: Callable[[str], str] = lambda contract_id: "",
        apply: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
        token: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._gateway = gateway
        self._port_of = port_of
        self._names = names
        self._cache = cache or ContractCache()
        self._owners = owners
        self._fresh_for = timedelta(seconds=fresh_for)
        self._quiet = QuietTimes(gateway, timedelta(seconds=quiet_for))
        self._asset_of = asset_of
        self._apply = apply
        self._clock = clock
        self._pause = pause
        self._token = token
        self._lock = threading.Lock()
        self._snapshots: dict[str, _Snapshot] = {}
        self._recent: dict[str, _Recent] = {}
        self._stale: dict[str, datetime] = {}

    @property
    def address(self) -> str:
        """The address of the store, without secrets."""
        return f"collibra:{self._gateway.address}"

    def freshness(self, contract_id: str) -> Freshness | None:
        """How old what is known of a contract is; None where nothing is."""
        cached = self._cache.contract(contract_id)
        return None if cached is None else Freshness(cached.seen, contract_id not in self._stale)

    def contract_ids(self) -> tuple[str, ...]:
        """The ids of all contracts, sorted; those that were seen, while Collibra is away."""
        return self._contracts()[0]

    def events(self, contract_id: str) -> tuple[Event, ...]:
        """The events of a contract, in sequence; those that were seen last, while Collibra is away."""
        return self._events(contract_id, _NOTHING)

    def validated_events(self, contract_id: str) -> tuple[Event, ...]:
        """Events that say of validated versions what `events` does, and of others maybe less, in fewer requests."""
        return self._events(contract_id, _NOTHING, complete=False)

    def is_fresh(self, contract_id: str) -> bool:
        """Whether `validated_events` would answer without a request."""
        recent = self._recent.get(contract_id)
        return recent is not None and self._clock() - recent.at < self._fresh_for

    def live_events(self, contract_id: str) -> tuple[Event, ...]:
        """The events as Collibra has them now; raises RemoteUnavailable LP902 while it is away."""
        return self._seen(contract_id, _NOTHING).events

    def _seen(self, contract_id: str, listed: _Listed, *, complete: bool = True) -> _Snapshot:
        short, told = (None, listed) if complete else self._short_look(contract_id, listed)
        found = short or self._look(contract_id, told)
        with self._lock:
            if short is None:
                self._snapshots[contract_id] = found
            self._recent[contract_id] = _Recent(found.events, found.at, short is None)
            self._stale.pop(contract_id, None)
        if found.contract is not None:
            self._quiet.looked(found.contract.id, found.at)
        return found

    def _events(self, contract_id: str, listed: _Listed, *, complete: bool = True) -> tuple[Event, ...]:
        recent, now = self._recent.get(contract_id), self._clock()
        if recent is not None and now - recent.at < self._fresh_for and (recent.complete or not complete):
            return recent.events
        cached = self._cache.contract(contract_id)
        try:
            if cached is not None and (cached.complete or not complete) and self._unchanged(cached, now):
                return cached.events
            return self._seen(contract_id, listed, complete=complete).events
        except RemoteUnavailable as error:
            if cached is None:
                raise
            age = self._clock() - cached.seen
            words = "Collibra is away; '%s' is as it was %.0f s ago: %s"
            _LOG.warning(words, contract_id, age.total_seconds(), error.message)
            with self._lock:
                self._stale[contract_id] = cached.seen
            return cached.events

    def _unchanged(self, cached: Cached, now: datetime) -> bool:
        if not self._quiet.is_quiet(cached.asset, cached.seen, now):
            return False
        with self._lock:
            self._recent[cached.contract_id] = _Recent(cached.events, now, cached.complete)
            self._stale.pop(cached.contract_id, None)
        return True

    def all_events(self) -> dict[str, tuple[Event, ...]]:
        """The events of all contracts by id; one that cannot be read is left out with a warning."""
        ids, contracts = self._contracts()
        try:
            assets = {each.id: each for each in self._gateway.assets(CONTRACT_TYPE)} if len(ids) > 1 else {}
        except RemoteUnavailable:
            assets = {}
        listed = _Listed(contracts, assets)
        with ThreadPoolExecutor(_THREADS) as pool:
            found = dict(zip(ids, pool.map(lambda contract_id: self._readable(contract_id, listed), ids), strict=True))
        return {contract_id: events for contract_id, events in found.items() if events}

    def document(self, contract_id: str, version: str, sha256: str) -> bytes:
        """The bytes of a version. Raises StoreConflict LP911 where Collibra has others now."""
        kept = self._cache.document(sha256)
        if kept is not None:
            return kept
        contract = self._contract(contract_id)
        if contract is None:
            raise RemoteFailed(f"Collibra has no contract '{contract_id}' any more", "LP905")
        try:
            content = self._gateway.manifest(contract.id, version)
        except RemoteFailed as error:
            if not is_missing(error):
                raise
            message = f"the document of '{contract_id}' {version} is not in Collibra"
            raise StoreConflict(message, "LP911", "put it again, with the same bytes") from None
        if self._cache.keep_document(content) != sha256:
            message = f"the bytes of '{contract_id}' {version} in Collibra are not those that were put or reviewed"
            hint = "put the change under a new version, or put the document back in Collibra"
            facts = {"contract_id": contract_id, "version": version, "expected": sha256, "found": sha256_of(content)}
            raise StoreConflict(message, "LP911", hint, facts)
        return content

    def append(self, event: Event, document: bytes | None) -> bool:
        """Write the event into the ledger and do what it says; False where another writer was first."""
        with self._lock:
            snapshot = self._snapshots.pop(event.contract_id, None)
            self._recent.pop(event.contract_id, None)
        if snapshot is None or event.sequence != len(snapshot.events) + 1:
            return False
        if snapshot.contract is None or snapshot.seen is None:
            return self._begin(event, document)
        if not snapshot.ledger.entries and self._beginning(snapshot.contract, snapshot.seen):
            return False
        version = snapshot.seen.version(event.version)
        active = snapshot.seen.active
        entry = Entry(
            token=self._token(),
            first=len(snapshot.ledger.events) + 1,
            events=(*snapshot.observed, event),
            asset_on=milliseconds(snapshot.seen.asset.changed_on),
            active=None if active is None else active.version,
            version_on=None if version is None or document is None else milliseconds(version.changed_on),
        )
        if not self._claimed(snapshot.contract.id, entry):
            return False
        return self._carried_out(snapshot.contract, snapshot.seen, (*snapshot.events, event), document, entry)

    def settle(self, contract_id: str) -> bool:
        """Do what was decided and not done, because a writer was interrupted; whether there was something to do."""
        snapshot = self._look(contract_id)
        ledger, seen = snapshot.ledger, snapshot.seen
        if snapshot.contract is None or seen is None or not is_under_way(ledger.events, seen, ledger.last):
            return False
        return self._show(snapshot.contract.id, seen, ledger.events)

    def interrupted(self, contract_id: str) -> bool:
        """Whether `settle` would do something, by what was read last; no request is made."""
        snapshot = self._snapshots.get(contract_id)
        if snapshot is None or snapshot.seen is None:
            return False
        events = snapshot.ledger.events
        under_way = is_under_way(events, snapshot.seen, snapshot.ledger.last)
        return under_way and self._due(snapshot.seen, events) != (None, None)

    def heal(self, contract_id: str, version: str, content: bytes) -> bool:
        """Send the bytes of a version that its writer was interrupted in sending; whether that was needed."""
        contract = self._contract(contract_id)
        if contract is None:
            return False
        upload = ManifestUpload(manifest_id=contract_id, version=version, content=content)
        there = next((each for each in self._gateway.versions(contract.id) if each.version == version), None)
        if there is not None and self._read(contract_id, contract.id, there).sha256 == sha256_of(content):
            return False
        return self._gateway.push(contract.id, upload, active=False, force=there is not None)

    # --- reading

    def _contracts(self) -> tuple[tuple[str, ...], Mapping[str, ContractAsset]]:
        """The ids of all contracts, sorted, and those contracts that are the only ones with theirs."""
        try:
            found = self._gateway.contracts()
        except RemoteUnavailable as error:
            known = self._cache.contract_ids()
            if not known:
                raise
            _LOG.warning("Collibra is away; the contracts that were seen before are listed: %s", error.message)
            return known, {}
        counts = Counter(each.manifest_id for each in found)
        return tuple(sorted(counts)), {each.manifest_id: each for each in found if counts[each.manifest_id] == 1}

    def _readable(self, contract_id: str, listed: _Listed) -> tuple[Event, ...]:
        try:
            return self._events(contract_id, listed)
        except (ConfigurationError, UsageError) as error:
            _LOG.warning("'%s' is left out: %s", contract_id, error.message)
            return ()

    def _short_look(self, contract_id: str, listed: _Listed) -> tuple[_Snapshot | None, _Listed]:
        """A first look at what is validated, without the list of versions; None where that could miss something.

        With it comes what was told, so that a longer look does not ask for it again.
        """
        if self._cache.contract(contract_id) is not None:
            return None, listed
        now, mapped = self._clock(), self._asset_of(contract_id)
        contract = ContractAsset(id=mapped, manifest_id=contract_id) if mapped else self._contract(contract_id)
        if contract is None:
            return None, listed
        try:
            ledger = read_ledger(self._gateway.notes(contract.id), owners=self._owners)
            asset = self._gateway.asset(contract.id)
            found = self._observed_of_active(contract, ledger, asset)
        except RemoteFailed as error:
            if isinstance(error, RemoteUnavailable) or not is_missing(error):
                raise
            return None, listed
        if found is None:
            # A mapping may name the asset of another contract: that one is not believed any further.
            told = _Listed({contract_id: contract}, {contract.id: asset}, {contract.id: ledger})
            return None, listed if mapped else told
        events = (*ledger.events, *found)
        self._cache.keep(Cached(contract_id=contract_id, seen=now, asset=contract.id, events=events, complete=False))
        return _Snapshot(contract, ledger, None, found, now), listed

    def _observed_of_active(self, contract: ContractAsset, ledger: Ledger, asset: Asset) -> tuple[Event, ...] | None:
        """The events that the ledger lacks, where the active version has the bytes that it says; else None."""
        if self._names.meaning(asset.status) is not Status.VALIDATED:
            return None
        standing, active = fold(ledger.events), contract.active_version
        if active not in standing or standing[active].status is not Status.VALIDATED:
            content = self._gateway.active_manifest(contract.id)
            try:
                read = load_contract(content, file=f"{self.address}#{contract.manifest_id}")
            except LakepactError:
                return None
            active, sha256 = read.version, self._cache.keep_document(content)
            if read.id != contract.manifest_id or active not in standing or standing[active].sha256 != sha256:
                return None
        return observed_of_active(contract.manifest_id, ledger, asset, active, self._names)

    def _look(self, contract_id: str, listed: _Listed = _NOTHING) -> _Snapshot:
        now = self._clock()
        contract = listed.contracts.get(contract_id) or self._contract(contract_id)
        if contract is None:
            return _Snapshot(None, Ledger(), None, (), now)
        try:
            return self._look_at(contract_id, contract, now, listed)
        except RemoteFailed as error:
            if not is_missing(error) or self._cache.contract(contract_id) is None:
                raise
            # The asset that the cache knew is gone; another may have taken its place.
            self._cache.forget(contract_id)
            found = self._contract(contract_id)
            return _Snapshot(None, Ledger(), None, (), now) if found is None else self._look_at(contract_id, found, now)

    def _look_at(
        self,
        contract_id: str,
        contract: ContractAsset,
        now: datetime,
        listed: _Listed = _NOTHING,
    ) -> _Snapshot:
        ledger = listed.ledgers.get(contract.id)
        if ledger is None:
            ledger = read_ledger(self._gateway.notes(contract.id), owners=self._owners)
        asset = listed.assets.get(contract.id) or self._gateway.asset(contract.id)
        seen = Seen(asset, self._gateway.versions(contract.id))
        hashes: dict[str, str] = {}

        def read(version: ManifestVersion) -> Content:
            content = self._read(contract_id, contract.id, version)
            hashes[_moment_key(version)] = content.sha256
            return content

        found = observed(contract_id, ledger, seen, self._names, read)
        events = (*ledger.events, *found)
        self._cache.keep(Cached(contract_id=contract_id, seen=now, asset=contract.id, events=events, hashes=hashes))
        return _Snapshot(contract, ledger, seen, found, now)

    def _contract(self, contract_id: str) -> ContractAsset | None:
        cached = self._cache.contract(contract_id)
        if cached is not None:
            return ContractAsset(id=cached.asset, manifest_id=contract_id)
        found = self._gateway.contracts(manifest_id=contract_id)
        if len(found) > 1:
            where = ", ".join(f"{each.id} ({each.domain or 'domain unknown'})" for each in found)
            message = f"Collibra has {len(found)} contracts with the id '{contract_id}': {where}"
            raise UsageError(message, "LP908", "remove one, or give it another id")
        return found[0] if found else None

    def _read(self, contract_id: str, asset: str, version: ManifestVersion) -> Content:
        """What a version says; its bytes are fetched where they can have changed."""
        cached = self._cache.contract(contract_id)
        sha256 = cached.hashes.get(_moment_key(version)) if cached is not None else None
        content = self._cache.document(sha256) if sha256 is not None else None
        if content is None:
            try:
                content = self._gateway.manifest(asset, version.version)
            except RemoteFailed as error:
                if error.code != "LP907":
                    raise
                return _UNREADABLE
            self._cache.keep_document(content)
        try:
            contract = load_contract(content, file=f"{self.address}#{contract_id}@{version.version}")
        except LakepactError:
            return Content(sha256_of(content), None)
        same = (contract.id, contract.version) == (contract_id, version.version)
        return Content(sha256_of(content), summary_of(contract) if same else None)

    # --- writing

    def _begin(self, event: Event, document: bytes | None) -> bool:
        """Make the contract with its first version, which Collibra makes active: its asset must say draft at once."""
        if document is None:
            return False
        port = self._port_of(event.contract_id)
        status = self._names.name(event.status, self._gateway.statuses())
        for relation in self._gateway.relations(GOVERNS, target=port):
            if self._names.meaning(self._gateway.asset(relation.source).status) not in (Status.DRAFT, Status.IN_REVIEW):
                self._refuse_other(event.contract_id, port)
                self._gateway.update_status(relation.source, status)
        # The name must be free in the domain of the port, where the port itself may have the plain one.
        name = f"{event.contract_id} contract"
        upload = ManifestUpload(manifest_id=event.contract_id, version=event.version, content=document, name=name)
        made = self._gateway.initialise(port, upload)
        if made is None:
            self._refuse_other(event.contract_id, port)
            return False
        self._gateway.update_status(made.id, status)
        return self._claimed(made.id, Entry(token=self._token(), first=1, events=(event,)))

    def _refuse_other(self, contract_id: str, port: str) -> None:
        """Raise StoreConflict LP917 where the port has the contract of another id, as it can have only one."""
        governing = {relation.source for relation in self._gateway.relations(GOVERNS, target=port)}
        other = next((each for each in self._gateway.contracts() if each.id in governing), None)
        if other is not None and other.manifest_id != contract_id:
            message = f"the port of '{contract_id}' has the contract '{other.manifest_id}' already"
            raise StoreConflict(message, "LP917", "map the contract to a port of its own", {"port": port})

    def _beginning(self, contract: ContractAsset, seen: Seen) -> bool:
        """Whether another writer has just made the contract, and is about to write the first entry: then waits."""
        first = min((each.created_on for each in seen.versions), default=None)
        if first is None or abs(self._clock() - first) > _BEGINNING:
            return False
        for _ in range(_PATIENCE):
            if read_ledger(self._gateway.notes(contract.id), owners=self._owners).entries:
                return True
            self._pause(_PAUSE)
        return False

    def _claimed(self, asset: str, entry: Entry) -> bool:
        note = self._gateway.add_note(asset, entry_text(entry))
        ledger = read_ledger(self._gateway.notes(asset), owners=self._owners)
        if any(each.token == entry.token for each in ledger.entries):
            return True
        if note.created_by not in ledger.owners:
            message = f"the user {note.created_by} of Collibra is none whose entries count in this ledger"
            raise ConfigurationError(message, "LP918", "add it to `owners` in the settings of everybody")
        return False

    def _carried_out(
        self, contract: ContractAsset, seen: Seen, events: tuple[Event, ...], document: bytes | None, entry: Entry
    ) -> bool:
        event = events[-1]
        try:
            if event.kind is EventKind.PUT and document is not None:
                upload = ManifestUpload(manifest_id=event.contract_id, version=event.version, content=document)
                there = seen.version(event.version) is not None
                if not self._gateway.push(contract.id, upload, active=False, force=there):
                    self._gateway.add_note(contract.id, void_text(entry.token, "the version was made in Collibra"))
                    return False
            if self._show(contract.id, seen, events) and self._apply and event.status is Status.VALIDATED:
                self._applied(contract.id, event)
        except RemoteUnavailable:
            raise
        except LakepactError as error:
            self._gateway.add_note(contract.id, void_text(entry.token, error.message))
            raise
        if document is not None:
            self._cache.keep_document(document)
        return True

    def _applied(self, contract: str, event: Event) -> None:
        """Let Collibra show what the document says; that it does not is no reason to take the step back."""
        try:
            self._gateway.apply(contract)
        except RemoteFailed as error:
            _LOG.warning("'%s' %s is validated and not applied: %s", event.contract_id, event.version, error.message)

    def _show(self, contract: str, seen: Seen, events: tuple[Event, ...]) -> bool:
        """Make Collibra show what the last event changes, and nothing else; whether something had to be changed."""
        active, status = self._due(seen, events)
        if active is not None:
            self._gateway.activate(contract, active)
        if status is not None:
            self._gateway.update_status(contract, self._names.name(status, self._gateway.statuses()))
        return (active, status) != (None, None)

    def _due(self, seen: Seen, events: tuple[Event, ...]) -> tuple[str | None, Status | None]:
        """The version to activate and the status to set, so that Collibra shows what the last event changes."""
        active = seen.active.version if seen.active is not None else None
        before, after = wanted(fold(events[:-1]), active), wanted(fold(events), active)
        shown = self._names.meaning(seen.asset.status)
        return (
            after.active if after.active not in (None, before.active, active) else None,
            after.status if after.status not in (None, before.status, shown) else None,
        )


class JournalView:
    """The same journal, with the events of a contract as `events` gives them (`live_events`, `validated_events`)."""

    def __init__(self, journal: CollibraJournal, events: Callable[[str], tuple[Event, ...]]) -> None:
        self.address = journal.address
        self.contract_ids = journal.contract_ids
        self.events = events
        self.all_events = journal.all_events
        self.document = journal.document
        self.append = journal.append


def _moment_key(version: ManifestVersion) -> str:
    return f"{version.version}@{milliseconds(version.changed_on)}"
