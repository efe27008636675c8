"""What a tenant has: its ports and contracts at a glance, and one contract in full."""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from typing import Final

from lakepact.collibra.feedback import ATTRIBUTES
from lakepact.collibra.gateway import CONTRACT_TYPE, GOVERNS, PORT_TYPE, CollibraGateway, Value
from lakepact.collibra.mapping import Mapping
from lakepact.collibra.metrics import Metric, read_metrics
from lakepact.collibra.model import ContractAsset, ManifestVersion
from lakepact.collibra.statuses import StatusNames
from lakepact.collibra.store import CollibraContractStore
from lakepact.contract import Version
from lakepact.errors import ConfigurationError, ContractMissing, UsageError
from lakepact.store.model import Status, StoredVersion

__all__ = ["PortRow", "Standing", "overview", "standing"]

_DEFAULT_NAMES: Final = StatusNames()
_NO_MAPPING: Final = Mapping()


@dataclass(frozen=True, slots=True, kw_only=True)
class PortRow:
    """A port and its contract; either may be missing. `meaning` is None for a status that says nothing to lakepact.

    `mapping` is `mapped`, `not mapped`, or `mapped to` another port.
    """

    contract_id: str
    asset: str
    status: str
    meaning: Status | None
    version: str
    port: str
    port_name: str
    mapping: str
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One contract: how its asset stands, its versions, the drafts that wait, and what was told of it last."""

    contract: ContractAsset
    status: str
    meaning: Status | None
    versions: tuple[StoredVersion, ...]
    active: str
    pending: tuple[str, ...]
    port: str
    feedback: AbstractMapping[str, Value]
    metrics: tuple[Metric, ...] = ()


def overview(
    gateway: CollibraGateway,
    *,
    mapping: Mapping = _NO_MAPPING,
    names: StatusNames = _DEFAULT_NAMES,
) -> tuple[PortRow, ...]:
    """All contracts by id, then the ports that have none; a handful of requests, however many there are."""
    contracts = sorted(gateway.contracts(), key=lambda each: (each.manifest_id, each.id))
    assets = {each.id: each for each in gateway.assets(CONTRACT_TYPE)}
    governs = {each.source: each.target for each in gateway.relations(GOVERNS)}
    ports = {each.id: each.name for each in gateway.assets(PORT_TYPE)}
    mapped = {each.contract_id: each for each in mapping.contracts}
    rows = []
    for contract in contracts:
        asset, port, entry = assets.get(contract.id), governs.get(contract.id, ""), mapped.get(contract.manifest_id)
        said = "not mapped" if entry is None else "mapped" if entry.port == port else f"mapped to {entry.port}"
        status = asset.status if asset is not None else ""
        rows.append(
            PortRow(
                contract_id=contract.manifest_id,
                asset=contract.id,
                status=status,
                meaning=names.meaning(status),
                version=contract.active_version or _active(gateway.versions(contract.id)),
                port=port,
                port_name=ports.get(port, ""),
                mapping=said,
                datasets=entry.datasets if entry is not None else (),
            )
        )
    wanted = {each.port: each for each in mapping.contracts}
    for port, name in sorted(ports.items(), key=lambda each: each[1]):
        if port not in governs.values():
            rows.append(_free(port, name, wanted[port].contract_id if port in wanted else ""))
    return tuple(rows)


def standing(
    store: CollibraContractStore,
    contract_id: str,
    *,
    names: StatusNames = _DEFAULT_NAMES,
    attributes: AbstractMapping[str, str] = ATTRIBUTES,
    metrics_domain: str = "",
) -> Standing:
    """How a contract stands, with its metrics in that domain.

    Raises ContractMissing LP913 where there is none, UsageError LP908 where there are two.
    """
    gateway = store.gateway
    found = gateway.contracts(manifest_id=contract_id)
    if not found:
        raise ContractMissing(f"Collibra has no contract '{contract_id}'", "LP913", "see `lakepact collibra list`")
    if len(found) > 1:
        listed = ", ".join(each.id for each in found)
        message = f"Collibra has {len(found)} contracts with the id '{contract_id}': {listed}"
        raise UsageError(message, "LP908", "remove one, or give it another id")
    contract = found[0]
    status, versions = gateway.asset(contract.id).status, gateway.versions(contract.id)
    active = _active(versions)
    shown = gateway.attributes(contract.id)
    return Standing(
        contract=contract,
        status=status,
        meaning=names.meaning(status),
        versions=store.list_versions(contract_id),
        active=active,
        pending=tuple(each.version for each in versions if not each.active and _is_after(each.version, active)),
        port=next((each.target for each in gateway.relations(GOVERNS, source=contract.id)), ""),
        feedback={key: shown[name][0] for key, name in attributes.items() if shown.get(name)},
        metrics=read_metrics(gateway, contract_id, domain=metrics_domain) if metrics_domain else (),
    )


def _active(versions: tuple[ManifestVersion, ...]) -> str:
    return next((each.version for each in versions if each.active), "")


def _is_after(version: str, active: str) -> bool:
    """Whether a version is higher than the active one; what is no semantic version cannot be compared."""
    try:
        return not active or Version.parse(version) > Version.parse(active)
    except ConfigurationError:
        return False


def _free(port: str, name: str, contract_id: str) -> PortRow:
    return PortRow(
        contract_id=contract_id,
        asset="",
        status="",
        meaning=None,
        version="",
        port=port,
        port_name=name,
        mapping="mapped" if contract_id else "not mapped",
    )
