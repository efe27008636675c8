"""The latest validated contract as Collibra itself tells it, in at most three requests."""

from __future__ import annotations

from lakepact.collibra.gateway import CollibraGateway
from lakepact.collibra.statuses import StatusNames
from lakepact.contract import Contract, load_contract
from lakepact.errors import ContractMissing, UsageError
from lakepact.store.model import Status

__all__ = ["latest_validated"]

_DEFAULT_NAMES = StatusNames()


def latest_validated(gateway: CollibraGateway, contract_id: str, *, names: StatusNames = _DEFAULT_NAMES) -> Contract:
    """The active version of a contract whose asset is validated; nothing else is, whatever its document says.

    It needs no ledger and no cache, and does not know whether the bytes are those that were reviewed: the store does.
    Raises ContractMissing LP913 where there is no validated version, UsageError LP908 where two contracts have the id.
    """
    found = gateway.contracts(manifest_id=contract_id)
    if len(found) > 1:
        listed = ", ".join(each.id for each in found)
        message = f"Collibra has {len(found)} contracts with the id '{contract_id}': {listed}"
        raise UsageError(message, "LP908", "remove one, or give it another id")
    facts = {"contract_id": contract_id, "address": gateway.address}
    if not found:
        raise ContractMissing(f"Collibra has no contract '{contract_id}'", "LP913", "see which there are", facts)
    contract = found[0]
    status = gateway.asset(contract.id).status
    active = contract.active_version or next(
        (each.version for each in gateway.versions(contract.id) if each.active), ""
    )
    if names.meaning(status) is not Status.VALIDATED or not active:
        shown = f"its version {active or '(none)'} is {status}"
        raise ContractMissing(f"'{contract_id}' is not validated in Collibra: {shown}", "LP913", "", facts)
    document = load_contract(gateway.manifest(contract.id, active), file=f"{gateway.address}#{contract_id}@{active}")
    if (document.id, document.version) != (contract_id, active):
        message = f"the document of '{contract_id}' {active} calls itself '{document.id}' {document.version}"
        raise ContractMissing(message, "LP913", "mend it in Collibra", facts)
    return document
