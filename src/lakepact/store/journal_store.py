"""The contract store over any journal: it alone decides what may be written."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lakepact.contract import Contract, SpecifierSet, Version, from_official, load_contract
from lakepact.diff import Waiver
from lakepact.errors import ConfigurationError, ContractMissing, Problem, StoreConflict, UsageError, VersionRefused
from lakepact.store.encoding import sha256_of
from lakepact.store.folding import fold, until
from lakepact.store.guards import refuse_downgrade, refuse_low_version, semantic
from lakepact.store.journal import Journal, ReportsDamage
from lakepact.store.lifecycle import refuse_first, refuse_step
from lakepact.store.model import Event, EventKind, Status, StoredVersion, Summary
from lakepact.store.summary import matches, summary_of

if TYPE_CHECKING:
    from open_data_contract_standard.model import OpenDataContractStandard

__all__ = ["JournalStore"]

_LOG: Final = logging.getLogger(__name__)
_ATTEMPTS: Final = 200
_LONGEST_PAUSE: Final = 0.2


@dataclass(frozen=True, slots=True)
class _Standing:
    """A contract as a writer finds it: its versions, and what its next event must have."""

    contract_id: str
    versions: Mapping[str, StoredVersion]
    next_sequence: int
    now: datetime

    def event(
        self,
        kind: EventKind,
        version: str,
        sha256: str,
        status: Status,
        *,
        actor: str,
        reason: str,
        summary: Summary | None = None,
    ) -> Event:
        return Event(
            contract_id=self.contract_id,
            sequence=self.next_sequence,
            kind=kind,
            version=version,
            sha256=sha256,
            status=status,
            actor=actor,
            at=self.now,
            reason=reason,
            summary=summary or Summary(),
        )

    def others(self, version: str) -> tuple[StoredVersion, ...]:
        return tuple(each for each in self.versions.values() if each.version != version)


class JournalStore:
    """Contracts whose truth is a journal of events, see `ContractStore`.

    Without `review_required` a draft can be validated at once. `clock` gives the time with its zone, `pause` waits some
    seconds before another attempt where several write to one contract.

    >>> from lakepact.store.memory import MemoryJournal
    >>> store = JournalStore(MemoryJournal())
    >>> contract = load_contract(b"apiVersion: v3.2.0\\nkind: DataContract\\nid: orders\\nversion: 1.0.0\\n")
    >>> store.put(contract, actor="ada").status.value
    'draft'
    >>> store.get("orders", "1.0.0").source == contract.source
    True
    """

    def __init__(
        self,
        journal: Journal,
        *,
        review_required: bool = True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._journal = journal
        self._review_required = review_required
        self._clock = clock
        self._pause = pause

    @property
    def address(self) -> str:
        """The address that `open_store` opens this store by, without secrets."""
        return self._journal.address

    def put(
        self,
        contract: Contract | OpenDataContractStandard,
        *,
        actor: str,
        reason: str = "",
        status: Status = Status.DRAFT,
        expected: str | None = None,
    ) -> StoredVersion:
        """Keep this version, see `ContractStore.put`. Raises UsageError LP855 for a contract without its document."""
        kept = _as_document(contract)
        _refuse_blank("actor", actor)
        _refuse_unwritable(id=kept.id, version=kept.version, actor=actor, reason=reason)
        semantic(kept.id, kept.version)
        refuse_first(f"'{kept.id}' {kept.version}", status, review_required=self._review_required)
        sha256, summary = sha256_of(kept.source), summary_of(kept)

        def decide(standing: _Standing) -> Event | StoredVersion:
            current = standing.versions.get(kept.version)
            if current is not None and current.sha256 == sha256:
                return current
            _refuse_lost_bytes(kept, current, expected)
            refuse_downgrade(kept.id, kept.version, standing.others(kept.version))
            if status is Status.VALIDATED:
                refuse_low_version(kept, standing.others(kept.version), self._read, ())
            return standing.event(
                EventKind.PUT, kept.version, sha256, status, actor=actor, reason=reason, summary=summary
            )

        return self._write(kept.id, decide, kept.source)

    def get(self, contract_id: str, version: str) -> Contract:
        """The contract, with the very bytes that were put as its `source`."""
        return self._read(self.version(contract_id, version))

    def version(self, contract_id: str, version: str) -> StoredVersion:
        """How a version stands. Raises ContractMissing LP850."""
        versions = fold(self._events(contract_id))
        return self._found(contract_id, version, versions)

    def list_contracts(self) -> tuple[str, ...]:
        """The ids of all contracts, sorted."""
        return self._journal.contract_ids()

    def list_versions(
        self, contract_id: str, *, status: Status | None = None, on: datetime | None = None
    ) -> tuple[StoredVersion, ...]:
        """All versions of a contract, lowest first, as they stand, or stood at the moment `on`."""
        _refuse_local_time(on)
        versions = fold(until(self._events(contract_id), on)).values()
        return tuple(sorted((each for each in versions if status in (None, each.status)), key=_rank))

    def latest(
        self,
        contract_id: str,
        *,
        status: Status | None = Status.VALIDATED,
        specifier: str = "",
        on: datetime | None = None,
    ) -> StoredVersion:
        """The highest version of that status (None: of any) that fits, now or at the moment `on`.

        A pre-release is never chosen unless the specifier names it. Raises ContractMissing LP850 where none fits, and
        ConfigurationError LP171 for what is no specifier.
        """
        wanted = SpecifierSet.parse(specifier)
        there = self.list_versions(contract_id, on=on)
        fitting = [each for each in there if status in (None, each.status) and each.version in wanted]
        if not fitting:
            raise _none_fits(contract_id, there, status, specifier, on)
        return fitting[-1]

    def search(
        self, text: str = "", *, status: Status | None = None, domain: str | None = None, tag: str | None = None
    ) -> tuple[StoredVersion, ...]:
        """Versions whose id, name, purpose, objects, tags or owners contain every word of `text`, whatever its case.

        A damaged contract is left out with a warning in the log, so that it does not hide the others.
        """
        found: list[StoredVersion] = []
        for _, events in sorted(self._journal.all_events().items()):
            try:
                found += sorted(fold(events).values(), key=_rank)
            except ConfigurationError as error:
                _LOG.warning("a contract is left out: %s", error.message)
        return tuple(
            each for each in found if status in (None, each.status) and matches(each, text, domain=domain, tag=tag)
        )

    def set_status(
        self,
        contract_id: str,
        version: str,
        status: Status,
        *,
        actor: str,
        reason: str,
        expected: Status | None = None,
        expected_sha256: str | None = None,
        waivers: Sequence[Waiver] = (),
    ) -> StoredVersion:
        """Take a version a step through its life, see `ContractStore.set_status`.

        The reasons of the waivers that a version needs become part of the reason.
        """
        _refuse_blank("actor", actor)
        _refuse_blank("reason", reason)
        _refuse_unwritable(actor=actor, reason=reason)

        def decide(standing: _Standing) -> Event | StoredVersion:
            current = self._found(contract_id, version, standing.versions)
            _refuse_other(current, expected, expected_sha256)
            if current.status is status:
                return current
            what = f"'{contract_id}' {version}"
            refuse_step(what, current.status, status, review_required=self._review_required)
            others, waived = standing.others(version), None
            if status is Status.VALIDATED:
                refuse_downgrade(contract_id, version, others)
                waived = refuse_low_version(self._read(current), others, self._read, waivers)
            said = f"{reason} (waived: {waived})" if waived and waived not in reason else reason
            return standing.event(EventKind.STATUS, version, current.sha256, status, actor=actor, reason=said)

        return self._write(contract_id, decide, None)

    def history(self, contract_id: str, version: str | None = None) -> tuple[Event, ...]:
        """The audit trail of a contract, or of one version, oldest first. Raises ContractMissing LP850."""
        events = self._events(contract_id)
        versions = fold(events)
        if version is None:
            return events
        self._found(contract_id, version, versions)
        return tuple(event for event in events if event.version == version)

    def damaged(self) -> tuple[Problem, ...]:
        """What the journal holds and cannot be read (LP854); empty for a journal that cannot tell."""
        return self._journal.damaged() if isinstance(self._journal, ReportsDamage) else ()

    def _write(
        self, contract_id: str, decide: Callable[[_Standing], Event | StoredVersion], document: bytes | None
    ) -> StoredVersion:
        """Decide and append; where another writer was first, decide anew on what is there now."""
        for attempt in range(_ATTEMPTS):
            events = self._journal.events(contract_id)
            decided = decide(self._standing(contract_id, events))
            if isinstance(decided, StoredVersion):
                return decided
            if self._journal.append(decided, document):
                return fold((*events, decided))[decided.version]
            self._pause(random.uniform(0, min(_LONGEST_PAUSE, 0.001 * 2 ** min(attempt, 10))))
        message = f"'{contract_id}' was written by others {_ATTEMPTS} times while this writer tried"
        raise StoreConflict(message, "LP851", "try again", {"contract_id": contract_id})

    def _standing(self, contract_id: str, events: Sequence[Event]) -> _Standing:
        now = self._clock().astimezone(UTC)
        # Clocks of several machines differ; the trail stays in the order of its times all the same.
        latest = max(now, events[-1].at) if events else now
        return _Standing(contract_id, fold(events), len(events) + 1, latest)

    def _events(self, contract_id: str) -> tuple[Event, ...]:
        events = self._journal.events(contract_id)
        if not events:
            raise _no_contract(contract_id, self.address)
        return events

    def _found(self, contract_id: str, version: str, versions: Mapping[str, StoredVersion]) -> StoredVersion:
        if not versions:
            raise _no_contract(contract_id, self.address)
        found = versions.get(version)
        if found is None:
            known = ", ".join(each.version for each in sorted(versions.values(), key=_rank))
            facts = {"contract_id": contract_id, "version": version}
            message = f"'{contract_id}' has no version {version}"
            raise ContractMissing(message, "LP850", f"its versions are {known}", facts)
        return found

    def _read(self, version: StoredVersion) -> Contract:
        content = self._journal.document(version.contract_id, version.version, version.sha256)
        return load_contract(content, file=f"{self.address}#{version.contract_id}@{version.version}")


def _rank(version: StoredVersion) -> Version:
    return Version.parse(version.version)


def _as_document(contract: Contract | OpenDataContractStandard) -> Contract:
    """The contract with the document that is kept. Raises UsageError LP855 where it is not the document of it."""
    if not isinstance(contract, Contract):
        return from_official(contract)
    if not contract.source:
        message = f"the contract '{contract.id}' was not read from a document"
        raise UsageError(message, "LP855", "write its document and read that with load_contract")
    document = contract.document
    if (document.get("id"), document.get("version")) != (contract.id, contract.version):
        read = load_contract(contract.source, file=contract.file)
        if (read.id, read.version) != (contract.id, contract.version):
            message = (
                f"the contract calls itself '{contract.id}' {contract.version}, its document '{read.id}' {read.version}"
            )
            raise UsageError(message, "LP855", "change the document, with lakepact.contract.edits for example")
    return contract


def _refuse_lost_bytes(contract: Contract, current: StoredVersion | None, expected: str | None) -> None:
    """Raise where other bytes would be lost that the writer has not seen, or that are published."""
    what = f"'{contract.id}' {contract.version}"
    facts = {"contract_id": contract.id, "version": contract.version, "expected": expected}
    if current is None:
        if expected is not None:
            message = f"{what} is not there, and was expected to have the hash {expected}"
            raise StoreConflict(message, "LP851", "leave out `expected` to put a new version", facts)
        return
    facts["found"] = current.sha256
    if current.status.published:
        hint = "put the change under a higher version"
        raise VersionRefused(f"{what} is {current.status}; its bytes never change", "LP853", hint, facts)
    if expected is None:
        hint = f"get it, and put what you make of it with the hash that you saw as `expected` (now {current.sha256})"
        raise StoreConflict(f"{what} is there with other bytes, of {current.changed_by}", "LP851", hint, facts)
    if expected != current.sha256:
        message = f"{what} was changed by {current.changed_by}: its hash is {current.sha256}, not {expected}"
        raise StoreConflict(message, "LP851", "get it again and decide anew", facts)


def _refuse_other(current: StoredVersion, status: Status | None, sha256: str | None) -> None:
    """Raise StoreConflict LP851 where the version is not what the caller has seen."""
    what = f"'{current.contract_id}' {current.version}"
    facts = {"contract_id": current.contract_id, "version": current.version, "found": current.sha256}
    hint = "get it again and decide anew"
    if sha256 is not None and sha256 != current.sha256:
        message = f"{what} was changed by {current.changed_by}: its hash is {current.sha256}, not {sha256}"
        raise StoreConflict(message, "LP851", hint, facts | {"expected": sha256})
    if status is not None and status is not current.status:
        message = f"{what} was made {current.status} by {current.changed_by}, and was expected to be {status}"
        raise StoreConflict(message, "LP851", hint, facts | {"expected": status.value, "status": current.status.value})


def _refuse_blank(name: str, text: str) -> None:
    if not text.strip():
        raise UsageError(f"a change needs its {name}", "LP855", f"give `{name}`")


def _refuse_unwritable(**texts: str) -> None:
    """Raise UsageError LP855 for text that not every place can keep: what is not Unicode, and NUL."""
    for name, text in texts.items():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UsageError(f"the {name} is not Unicode text: {text!r}", "LP855") from None
        if "\0" in text:
            raise UsageError(f"the {name} has a NUL character: {text!r}", "LP855")


def _refuse_local_time(on: datetime | None) -> None:
    if on is not None and on.utcoffset() is None:
        raise UsageError(f"the moment {on.isoformat()} has no time zone", "LP855", "say for example tzinfo=UTC")


def _no_contract(contract_id: str, address: str) -> ContractMissing:
    message = f"there is no contract '{contract_id}' in {address}"
    return ContractMissing(
        message, "LP850", "`lakepact store list` shows which there are", {"contract_id": contract_id}
    )


def _none_fits(
    contract_id: str, there: Sequence[StoredVersion], status: Status | None, specifier: str, on: datetime | None
) -> ContractMissing:
    asked = " ".join(text for text in (str(status or ""), "version") if text)
    fitting = f" that fits '{specifier}'" if specifier else ""
    then = f" on {on.isoformat()}" if on is not None else ""
    known = ", ".join(f"{each.version} ({each.status})" for each in there)
    hint = f"its versions are {known}" if known else "it had no version then"
    facts = {"contract_id": contract_id, "status": status and status.value, "specifier": specifier}
    return ContractMissing(f"'{contract_id}' has no {asked}{fitting}{then}", "LP850", hint, facts)
