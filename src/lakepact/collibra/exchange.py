"""Contracts that go out of Collibra to files and stores, and into it as drafts; what is the same is left alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from lakepact.atomic_files import replace_file
from lakepact.collibra.discovery import candidates
from lakepact.collibra.gateway import CollibraGateway
from lakepact.collibra.journal import PortOf
from lakepact.collibra.mapping import Mapping as PortMapping
from lakepact.collibra.store import CollibraContractStore
from lakepact.contract import Contract
from lakepact.diff import Waiver
from lakepact.errors import ConfigurationError, ContractMissing, LakepactError, RemoteFailed, StoreConflict, UsageError
from lakepact.store.encoding import safe_name, sha256_of
from lakepact.store.lifecycle import steps_towards
from lakepact.store.model import Status, StoredVersion
from lakepact.store.protocol import ContractStore

__all__ = ["PULLED", "Moved", "Outcome", "port_finder", "promote", "pull_to_folder", "pull_to_store", "push"]

PULLED: Final = ".lakepact-pulled.json"
"""The file of a folder that says which bytes were pulled into it, so that changes made here are noticed."""

_LARGEST: Final = 16_000_000


class Outcome(StrEnum):
    """What became of a version on its way."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One version after its way; `why` says what was in it, where it did not arrive."""

    contract_id: str
    version: str
    outcome: Outcome
    where: str
    why: str = ""


def pull_to_folder(
    store: CollibraContractStore, found: Iterable[StoredVersion], folder: Path, *, overwrite: bool = False
) -> tuple[Moved, ...]:
    """Bring documents into a folder, a file a contract, byte by byte.

    A file that was changed here since it was pulled, or that never was, stays as it is and is a conflict, unless
    `overwrite`. Raises OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pulled = _pulled(folder)
    moved = []
    for version in found:
        file = folder / f"{safe_name(version.contract_id)}.odcs.yaml"
        try:
            content = store.get(version.contract_id, version.version).source
        except RemoteFailed:
            raise
        except LakepactError as error:
            moved.append(_moved(version, Outcome.CONFLICT, str(file), error.message))
            continue
        outcome, why = _written(file, content, pulled.get(file.name, ""), overwrite=overwrite)
        moved.append(_moved(version, outcome, str(file), why))
        if outcome is not Outcome.CONFLICT and pulled.get(file.name) != sha256_of(content):
            pulled[file.name] = sha256_of(content)
            replace_file(folder / PULLED, json.dumps(pulled, indent=1, sort_keys=True).encode())
    return tuple(moved)


def pull_to_store(
    store: CollibraContractStore, found: Iterable[StoredVersion], target: ContractStore
) -> tuple[Moved, ...]:
    """Bring versions into another store, with the status that they have in Collibra, and who gave it.

    Versions that have other bytes there, and those that the store refuses, stay as they are and are conflicts. Nothing
    goes back to Collibra. Raises RemoteFailed where one of both is away.
    """
    return tuple(_copied(store, each, target) for each in found)


def push(
    store: CollibraContractStore,
    contracts: Iterable[Contract],
    *,
    actor: str,
    reason: str = "",
    expected: str | None = None,
) -> tuple[Moved, ...]:
    """Bring contracts to Collibra as drafts; bytes that are there change nothing, whatever became of them.

    Other bytes under a version that is there are a conflict, unless `expected` is the hash of those that are there.
    Raises RemoteFailed where Collibra is away.
    """
    moved = []
    for contract in contracts:
        before = _held(store, contract.id, contract.version)
        same = before is not None and before.sha256 == contract.sha256
        outcome, why = Outcome.SAME if same else Outcome.NEW if before is None else Outcome.CHANGED, ""
        try:
            # What is there is put again all the same: that finishes what was interrupted.
            store.put(contract, actor=actor, reason=reason, expected=None if same or before is None else expected)
        except RemoteFailed:
            raise
        except LakepactError as error:
            outcome, why = Outcome.CONFLICT, f"{error.code}: {error.message}"
        moved.append(
            Moved(contract_id=contract.id, version=contract.version, outcome=outcome, where=store.address, why=why)
        )
    return tuple(moved)


def promote(
    store: CollibraContractStore,
    contract_id: str,
    version: str,
    *,
    sha256: str,
    actor: str,
    reason: str,
    to: Status = Status.VALIDATED,
    waivers: Sequence[Waiver] = (),
) -> StoredVersion:
    """Take a version to a status by all the steps that lead there, where its bytes are the ones with that hash.

    They are read from Collibra now, not from a cache. Raises StoreConflict LP911 where a steward has edited since, and
    what the store raises: LifecycleRefused LP852 where no steps lead there.
    """
    current = store.version(contract_id, version)
    asset = store.gateway.contracts(manifest_id=contract_id)[0].id
    there = sha256_of(store.gateway.manifest(asset, version))
    if there != sha256:
        message = f"the bytes of '{contract_id}' {version} in Collibra are not those that were reviewed"
        facts = {"contract_id": contract_id, "version": version, "expected": sha256, "found": there}
        raise StoreConflict(message, "LP911", f"review what is there now: its hash is {there}", facts)
    # Where no steps lead there, the store says so.
    for status in steps_towards(current.status, to) or (to,):
        current = store.set_status(
            contract_id, version, status, actor=actor, reason=reason, expected_sha256=sha256, waivers=waivers
        )
    return current


def port_finder(
    gateway: Callable[[], CollibraGateway],
    contracts: Mapping[str, Contract],
    *,
    port: str = "",
    mapping: PortMapping = PortMapping(),  # noqa: B008 (frozen)
    external_system: str = "",
) -> PortOf:
    """Gives the port of a new contract: `port`, else what the mapping says, else that of the tables that it names.

    What it gives raises ConfigurationError LP909 where there is none, UsageError LP908 where there are several.
    """

    def found(contract_id: str) -> str:
        if port:
            return port
        try:
            return mapping.port_of(contract_id)
        except ConfigurationError:
            named = [each.physical_name for each in contracts[contract_id].schema if each.physical_name]
            tables = [each for each in named if "." in each]
            ports = {
                one.port: f"{one.port} ({one.why})"
                for each in tables
                for one in candidates(gateway(), each, mapping=mapping, external_system=external_system)
            }
            if not ports:
                raise
        if len(ports) > 1:
            message = f"the tables of '{contract_id}' have {len(ports)} ports in Collibra: {'; '.join(ports.values())}"
            raise UsageError(message, "LP908", "say with --port, or in the mapping file, which it is")
        return next(iter(ports))

    return found


def _pulled(folder: Path) -> dict[str, str]:
    """The hashes of what was pulled into a folder; a note that cannot be read says nothing, which is no harm."""
    try:
        data = json.loads((folder / PULLED).read_bytes()[:_LARGEST])
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(key): str(value) for key, value in data.items()} if isinstance(data, dict) else {}


def _written(file: Path, content: bytes, pulled: str, *, overwrite: bool) -> tuple[Outcome, str]:
    there = file.read_bytes() if file.exists() else None
    if there == content:
        return Outcome.SAME, ""
    if there is not None and not overwrite and sha256_of(there) != pulled:
        why = "the file was changed here since it was pulled" if pulled else "the file is there, and was never pulled"
        return Outcome.CONFLICT, why
    replace_file(file, content)
    return Outcome.NEW if there is None else Outcome.CHANGED, ""


def _copied(store: CollibraContractStore, version: StoredVersion, target: ContractStore) -> Moved:
    contract_id, number = version.contract_id, version.version
    there = _held(target, contract_id, number)
    if there is not None and (there.sha256, there.status) == (version.sha256, version.status):
        return _moved(version, Outcome.SAME, target.address)
    if there is not None and there.sha256 != version.sha256:
        known = {each.sha256 for each in store.history(contract_id, number)}
        if there.status.published or there.sha256 not in known:
            why = f"it has other bytes there, of {there.changed_by}"
            return _moved(version, Outcome.CONFLICT, target.address, why)
    elif there is not None and not steps_towards(there.status, version.status):
        why = f"it is {there.status} there, {version.status} in Collibra"
        return _moved(version, Outcome.CONFLICT, target.address, why)
    actor, reason = version.changed_by, version.reason or f"{version.status} in Collibra"
    try:
        expected = there.sha256 if there is not None and there.sha256 != version.sha256 else None
        stored = target.put(store.get(contract_id, number), actor=actor, reason=reason, expected=expected)
        for status in steps_towards(stored.status, version.status):
            target.set_status(contract_id, number, status, actor=actor, reason=reason, expected_sha256=version.sha256)
    except RemoteFailed:
        raise
    except LakepactError as error:
        return _moved(version, Outcome.CONFLICT, target.address, f"{error.code}: {error.message}")
    return _moved(version, Outcome.NEW if there is None else Outcome.CHANGED, target.address)


def _held(store: ContractStore, contract_id: str, version: str) -> StoredVersion | None:
    try:
        return store.version(contract_id, version)
    except ContractMissing:
        return None


def _moved(version: StoredVersion, outcome: Outcome, where: str, why: str = "") -> Moved:
    return Moved(contract_id=version.contract_id, version=version.version, outcome=outcome, where=where, why=why)
