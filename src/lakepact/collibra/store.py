"""The contract store whose truth is in Collibra: what stewards validate there is what pipelines are given."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lakepact.collibra.cache import ContractCache
from lakepact.collibra.gateway import CollibraGateway
from lakepact.collibra.http_gateway import HttpGateway
from lakepact.collibra.journal import CollibraJournal, Freshness, JournalView, PortOf
from lakepact.collibra.mapping import Mapping, read_mapping
from lakepact.collibra.settings import CollibraSettings, read_settings
from lakepact.collibra.statuses import StatusNames
from lakepact.contract import Contract
from lakepact.diff import Waiver
from lakepact.errors import ContractMissing
from lakepact.store.encoding import sha256_of
from lakepact.store.journal_store import JournalStore
from lakepact.store.model import Status, StoredVersion

if TYPE_CHECKING:
    from open_data_contract_standard.model import OpenDataContractStandard

__all__ = ["CollibraContractStore", "collibra_store", "open_collibra", "settings_at"]

_SCHEME: Final = "collibra:"


class CollibraContractStore(JournalStore):
    """Contracts in Collibra, see `ContractStore`; `latest` gives validated ones only, unless another status is asked.

    While Collibra is away reads give what was seen last (see `freshness`), and writes raise RemoteUnavailable LP902.
    What stewards do in Collibra is read as what it is: an edited draft, a status, an activated version.
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
        review_required: bool = True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.gateway = gateway
        self._now = clock
        self._collibra = CollibraJournal(
            gateway,
            port_of=port_of,
            names=names,
            cache=cache,
            owners=owners,
            fresh_for=fresh_for,
            quiet_for=quiet_for,
            asset_of=asset_of,
            apply=apply,
            clock=clock,
            pause=pause,
        )
        # Who asks for validated versions only may be answered sooner.
        validated = JournalView(self._collibra, self._collibra.validated_events)
        self._validated = JournalStore(validated, clock=clock, pause=pause)
        # Nothing is decided on what the cache remembers.
        live = JournalView(self._collibra, self._collibra.live_events)
        self._writer = JournalStore(live, review_required=review_required, clock=clock, pause=pause)
        super().__init__(self._collibra, review_required=review_required, clock=clock, pause=pause)

    def put(
        self,
        contract: Contract | OpenDataContractStandard,
        *,
        actor: str,
        reason: str = "",
        status: Status = Status.DRAFT,
        expected: str | None = None,
    ) -> StoredVersion:
        """Keep this version, see `ContractStore.put`. The same bytes again finish what was interrupted, if need be."""
        began = self._now()
        stored = self._writer.put(contract, actor=actor, reason=reason, status=status, expected=expected)
        if isinstance(contract, Contract) and stored.changed_at < began:
            self._collibra.heal(stored.contract_id, stored.version, contract.source)
            self._collibra.settle(stored.contract_id)
        return stored

    def latest(
        self,
        contract_id: str,
        *,
        status: Status | None = Status.VALIDATED,
        specifier: str = "",
        on: datetime | None = None,
    ) -> StoredVersion:
        """The highest version of that status that fits, see `ContractStore.latest`."""
        if status is Status.VALIDATED and on is None:
            try:
                return self._validated.latest(contract_id, specifier=specifier)
            except ContractMissing:
                pass  # What else there is, and what to do, only the whole trail tells.
        return super().latest(contract_id, status=status, specifier=specifier, on=on)

    def get(self, contract_id: str, version: str) -> Contract:
        """The contract, with the very bytes that were put as its `source`."""
        if self._collibra.is_fresh(contract_id):
            try:
                if self._validated.version(contract_id, version).status is Status.VALIDATED:
                    return self._validated.get(contract_id, version)
            except ContractMissing:
                pass  # A version that is no validated one may be there all the same.
        return super().get(contract_id, version)

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
        """Take a version a step through its life, see `ContractStore.set_status`; the same step again finishes it."""
        began = self._now()
        stored = self._writer.set_status(
            contract_id,
            version,
            status,
            actor=actor,
            reason=reason,
            expected=expected,
            expected_sha256=expected_sha256,
            waivers=waivers,
        )
        if stored.changed_at < began:
            self._collibra.settle(contract_id)
        return stored

    def look(self, contract_id: str) -> None:
        """Read a contract now, whatever was read lately. Raises RemoteUnavailable LP902 while Collibra is away."""
        self._collibra.live_events(contract_id)

    def freshness(self, contract_id: str) -> Freshness | None:
        """How old what is known of a contract is, and whether Collibra answered last; None where nothing is known."""
        return self._collibra.freshness(contract_id)

    def interrupted(self, contract_id: str) -> bool:
        """Whether `settle` has something to do, by what was read last of the contract."""
        return self._collibra.interrupted(contract_id)

    def settle(self, contract_id: str) -> bool:
        """Make Collibra show what was decided, where a writer was interrupted; whether there was something to do."""
        return self._collibra.settle(contract_id)


def open_collibra(address: str) -> CollibraContractStore:
    """The store at `collibra:`, `collibra:https://host/path` or `collibra:settings.yml`; see `read_settings`."""
    return collibra_store(settings_at(address))


def settings_at(address: str) -> CollibraSettings:
    """The settings that such an address means."""
    rest = address.removeprefix(_SCHEME)
    if rest.startswith(("http://", "https://")):
        return read_settings(url=rest)
    return read_settings(file=Path(rest)) if rest else read_settings()


def collibra_store(
    settings: CollibraSettings, *, review_required: bool = True, port_of: PortOf | None = None
) -> CollibraContractStore:
    """The store that settings describe; `port_of` goes before their mapping. Nothing is asked of Collibra yet."""
    mapping = read_mapping(settings.mapping) if settings.mapping is not None else Mapping()
    folder = None
    if settings.cache is not None:
        folder = settings.cache / sha256_of(settings.url.encode())[:16]
    return CollibraContractStore(
        HttpGateway(settings.client()),
        port_of=port_of or mapping.port_of,
        names=settings.names,
        cache=ContractCache(folder),
        owners=frozenset(settings.owners),
        fresh_for=settings.fresh_seconds,
        quiet_for=settings.quiet_seconds,
        asset_of=mapping.asset_of,
        apply=settings.apply,
        review_required=review_required,
    )
