"""The contract store as everybody else sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from lakepact.contract import Contract
from lakepact.diff import Waiver
from lakepact.store.model import Event, Status, StoredVersion

if TYPE_CHECKING:
    from open_data_contract_standard.model import OpenDataContractStandard

__all__ = ["ContractStore"]


class ContractStore(Protocol):
    """Contracts by id and version.

    Errors: ContractMissing (LP850) for what is not there, StoreConflict (LP851) where somebody else wrote first,
    LifecycleRefused (LP852) for a step that the lifecycle does not have, VersionRefused (LP853) for a published version
    that would change, or a version number that would go back or is too low for its changes.
    """

    @property
    def address(self) -> str:
        """The address that `open_store` opens this store by, without secrets."""
        ...

    def put(
        self,
        contract: Contract | OpenDataContractStandard,
        *,
        actor: str,
        reason: str = "",
        status: Status = Status.DRAFT,
        expected: str | None = None,
    ) -> StoredVersion:
        """Keep this version. The same bytes again change nothing.

        Other bytes under a version that is a draft, in review or rejected replace it; `expected` is then the hash of
        the bytes that the writer has seen, and is required. A published version never changes.
        """
        ...

    def get(self, contract_id: str, version: str) -> Contract:
        """The contract, with the very bytes that were put as its `source`."""
        ...

    def version(self, contract_id: str, version: str) -> StoredVersion:
        """How a version stands."""
        ...

    def list_contracts(self) -> tuple[str, ...]:
        """The ids of all contracts, sorted."""
        ...

    def list_versions(
        self, contract_id: str, *, status: Status | None = None, on: datetime | None = None
    ) -> tuple[StoredVersion, ...]:
        """All versions of a contract, lowest first, as they stand, or stood at the moment `on`."""
        ...

    def latest(
        self,
        contract_id: str,
        *,
        status: Status | None = Status.VALIDATED,
        specifier: str = "",
        on: datetime | None = None,
    ) -> StoredVersion:
        """The highest version of that status (None: of any) that fits the specifier, now or at the moment `on`."""
        ...

    def search(
        self, text: str = "", *, status: Status | None = None, domain: str | None = None, tag: str | None = None
    ) -> tuple[StoredVersion, ...]:
        """Versions whose id, name, purpose, objects, tags or owners contain every word of `text`, whatever its case."""
        ...

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
        """Take a version a step through its life; the status that it has already changes nothing.

        `expected` and `expected_sha256` are the status and the hash that the caller has seen (None: any): who judges a
        document names its hash. `waivers` are changes that the version number need not cover when it is validated.
        """
        ...

    def history(self, contract_id: str, version: str | None = None) -> tuple[Event, ...]:
        """The audit trail of a contract, or of one version, oldest first."""
        ...
