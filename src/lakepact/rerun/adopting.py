"""A version that a steward validated comes into force: read again, judged, and put into the store of the platform."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from lakepact.contract import Contract, Version
from lakepact.diff import Level, compare
from lakepact.errors import ContractMissing, UsageError
from lakepact.rerun.inbox import Arrival
from lakepact.store.lifecycle import steps_towards
from lakepact.store.model import Status, StoredVersion
from lakepact.store.protocol import ContractStore

__all__ = ["Adopted", "Adoption", "ContractSource", "StoreSource", "adopt"]

_ACTOR: Final = "lakepact rerun"


class Adoption(StrEnum):
    """What the look at the source came to."""

    IN_FORCE = "in force"
    """The validated version is in the platform's store, validated there too."""
    NOTHING_VALIDATED = "nothing validated"
    OLDER = "older than the version in force"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """The contract as it is in force, with the level of the change to it; None where nothing is to be done."""

    adoption: Adoption
    contract_id: str
    contract: Contract | None = None
    level: Level = Level.NONE
    reason: str = ""


class ContractSource(Protocol):
    """Where stewards validate contracts."""

    @property
    def address(self) -> str:
        """Which place this is, without secrets."""
        ...

    def contract_id(self, arrival: Arrival) -> str:
        """The id of the contract that an event is about. Raises UsageError LP942 where nobody can tell."""
        ...

    def validated(self, contract_id: str) -> Contract | None:
        """The highest validated version as it is now, with the very bytes that were validated; None without one."""
        ...


class StoreSource:
    """Any contract store as the place where contracts are validated."""

    def __init__(self, store: ContractStore) -> None:
        self._store = store

    @property
    def address(self) -> str:
        """The address of the store."""
        return self._store.address

    def contract_id(self, arrival: Arrival) -> str:
        """The id that the event names."""
        if not arrival.contract_id:
            message = f"the event {arrival.delivery_id} names an asset, and {self.address} has no assets"
            raise UsageError(message, "LP942", "send the id of the contract (manifestId) with the event")
        return arrival.contract_id

    def validated(self, contract_id: str) -> Contract | None:
        """The highest validated version."""
        try:
            found = self._store.latest(contract_id, status=Status.VALIDATED)
        except ContractMissing:
            return None
        return self._store.get(contract_id, found.version)


def adopt(source: ContractSource, store: ContractStore, contract_id: str, *, delivery_id: str) -> Adopted:
    """Bring the version that is validated at the source into force in `store`; the same again changes nothing.

    Raises what the source and the store raise: ContractInvalid for a document that is none, VersionRefused for a
    version number that is too low for its changes, RemoteFailed where one of them is away.
    """
    contract = source.validated(contract_id)
    if contract is None:
        reason = f"{source.address} has no validated version of '{contract_id}'"
        return Adopted(adoption=Adoption.NOTHING_VALIDATED, contract_id=contract_id, reason=reason)
    before = _in_force(store, contract_id)
    if before is not None and Version.parse(before.version) > Version.parse(contract.version):
        reason = f"{contract.version} is validated at {source.address}, {before.version} is in force already"
        return Adopted(adoption=Adoption.OLDER, contract_id=contract_id, reason=reason)
    if before is None or (before.version, before.sha256) != (contract.version, contract.sha256):
        _validate(store, contract, f"validated in {source.address} ({delivery_id})")
    previous = _previous(store, contract)
    level = compare(previous, contract).level if previous is not None else Level.NONE
    return Adopted(adoption=Adoption.IN_FORCE, contract_id=contract_id, contract=contract, level=level)


def _in_force(store: ContractStore, contract_id: str) -> StoredVersion | None:
    try:
        return store.latest(contract_id, status=Status.VALIDATED)
    except ContractMissing:
        return None


def _validate(store: ContractStore, contract: Contract, reason: str) -> None:
    """Take the version to VALIDATED; a run that was killed in between goes on where it was."""
    held = _held(store, contract)
    expected = held.sha256 if held is not None and held.sha256 != contract.sha256 else None
    stored = store.put(contract, actor=_ACTOR, reason=reason, expected=expected)
    for status in steps_towards(stored.status, Status.VALIDATED):
        store.set_status(
            contract.id,
            contract.version,
            status,
            actor=_ACTOR,
            reason=reason,
            expected_sha256=contract.sha256,
        )


def _held(store: ContractStore, contract: Contract) -> StoredVersion | None:
    try:
        return store.version(contract.id, contract.version)
    except ContractMissing:
        return None


def _previous(store: ContractStore, contract: Contract) -> Contract | None:
    """The published version before this one."""
    here = Version.parse(contract.version)
    earlier = [
        each
        for each in store.list_versions(contract.id)
        if each.status.published and Version.parse(each.version) < here
    ]
    return store.get(contract.id, earlier[-1].version) if earlier else None
