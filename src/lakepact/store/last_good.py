"""The last good copy of contracts, for times when their store cannot be asked."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lakepact.atomic_files import UNFINISHED, replace_file
from lakepact.contract import Contract, SpecifierSet, Version, load_contract
from lakepact.errors import ContractMissing, EnvironmentLacking, LakepactError, RemoteFailed
from lakepact.store.encoding import read_time, safe_name, sha256_of, time_text
from lakepact.store.model import Status
from lakepact.store.protocol import ContractStore

__all__ = ["LastGood", "Seen"]

_LOG: Final = logging.getLogger(__name__)
# The second is what earlier releases left behind.
_UNFINISHED: Final = (UNFINISHED, ".unfinished")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A contract with the status that it had when the store was last asked, at `seen` (UTC).

    `stale` says that the store could not be asked now.
    """

    contract: Contract
    status: Status
    seen: datetime
    stale: bool = False


class LastGood:
    """Asks a store for a contract, keeps a copy in `folder`, and gives that copy when the store is away.

    A copy keeps the status that the version had: a draft is never given to who asks for a validated version. Only an
    unreachable store is helped out for; what the store refuses, or does not have, stays refused.
    """

    def __init__(
        self,
        store: ContractStore,
        folder: Path,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._folder = folder / safe_name(store.address)
        self._clock = clock

    def latest(self, contract_id: str, *, status: Status | None = Status.VALIDATED, specifier: str = "") -> Seen:
        """The highest version of that status that fits, as `ContractStore.latest` chooses it.

        Raises what the store raises where there is no copy that fits.
        """
        try:
            version = self._store.latest(contract_id, status=status, specifier=specifier)
            contract = self._store.get(contract_id, version.version)
        except (RemoteFailed, EnvironmentLacking, OSError) as error:
            return self._copy(contract_id, status, specifier, error)
        except ContractMissing:
            self._forget(contract_id, status, specifier, above=None)
            raise
        self._forget(contract_id, status, specifier, above=version.version)
        seen = Seen(contract=contract, status=version.status, seen=self._clock())
        self._keep(seen)
        return seen

    def _forget(self, contract_id: str, status: Status | None, specifier: str, *, above: str | None) -> None:
        """Remove copies that the store would have answered with, were they still what they were."""
        for file, copy in self._copies(contract_id).items():
            higher = above is None or Version.parse(copy.contract.version) > Version.parse(above)
            if higher and _fits(copy, status, specifier):
                with suppress(OSError):
                    file.unlink()

    def _keep(self, seen: Seen) -> None:
        """Write the copy; a folder that cannot be written makes the copy missing, not the contract."""
        header = {"version": seen.contract.version, "status": seen.status.value, "seen": time_text(seen.seen)}
        header["sha256"] = sha256_of(seen.contract.source)
        content = json.dumps(header).encode() + b"\n" + seen.contract.source
        place = self._place(seen.contract.id) / safe_name(seen.contract.version)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            replace_file(place, content, private=True)
        except OSError as error:
            _LOG.warning("no copy of contract %r is kept in %s: %s", seen.contract.id, place.parent, error)

    def _copy(self, contract_id: str, status: Status | None, specifier: str, error: Exception) -> Seen:
        fitting = [each for each in self._copies(contract_id).values() if _fits(each, status, specifier)]
        if not fitting:
            raise error
        found = max(fitting, key=lambda each: Version.parse(each.contract.version))
        age = self._clock() - found.seen
        said = error.message if isinstance(error, LakepactError) else str(error)
        _LOG.warning(
            "the store %s cannot be asked (%s): contract %r %s is used as it was %s ago",
            self._store.address,
            said,
            contract_id,
            found.contract.version,
            str(age).partition(".")[0],
        )
        return found

    def _copies(self, contract_id: str) -> dict[Path, Seen]:
        folder = self._place(contract_id)
        files = sorted(file for file in folder.iterdir() if file.suffix not in _UNFINISHED) if folder.is_dir() else []
        return {file: copy for file in files if (copy := _read(file)) is not None}

    def _place(self, contract_id: str) -> Path:
        return self._folder / safe_name(contract_id)


def _fits(copy: Seen, status: Status | None, specifier: str) -> bool:
    return status in (None, copy.status) and copy.contract.version in SpecifierSet.parse(specifier)


def _read(file: Path) -> Seen | None:
    """The copy in a file; None, with a warning, where it is damaged."""
    try:
        first, _, content = file.read_bytes().partition(b"\n")
        header = json.loads(first)
        if sha256_of(content) != header["sha256"]:
            raise ValueError("the bytes are not those of the hash")
        seen = read_time(header["seen"])
        contract = load_contract(content, file=str(file))
        return Seen(contract=contract, status=Status(header["status"]), seen=seen, stale=True)
    except (OSError, ValueError, KeyError, LakepactError) as error:
        _LOG.warning("the copy %s is not used: %s", file, error)
        return None
