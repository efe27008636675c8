"""Which service levels of a contract Collibra shows as attributes, and as what."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lakepact.contract import Contract

__all__ = ["SLA_ATTRIBUTES", "sla_attributes", "unshown_service_levels"]

SLA_ATTRIBUTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "backupFrequency": "Backup Frequency",
        "latency": "Latency",
        "mostRecentRecordDate": "Most Recent Record Date",
        "processingFrequency": "Processing Frequency",
        "processingMethod": "Processing Method",
        "recency": "Recency",
        "recoveryPoint": "Recovery Point",
        "recoveryTime": "Recovery Time",
        "responseTime": "Response Time",
        "retentionPeriod": "Retention Period",
        "supportAvailability": "Support Availability",
        "isRetentionUnlimited": "Unlimited Retention",
        "uptimePercentage": "Uptime Percentage",
    }
)
"""The attribute type of each service level that Collibra reads, by the name that it must have, to the letter."""


def sla_attributes(contract: Contract) -> dict[str, str | bool]:
    """What Collibra makes of the service levels when the contract is applied: value and unit as one text.

    >>> from lakepact.contract import load_contract
    >>> text = b"apiVersion: v3.1.0\\nkind: DataContract\\nid: a\\nversion: 1.0.0\\n"
    >>> text += b"slaProperties: [{property: latency, value: 4, unit: hours}, {property: retention, value: 1, unit: y}]"
    >>> sla_attributes(load_contract(text)), unshown_service_levels(load_contract(text))
    ({'Latency': '4 hours'}, ('retention',))
    """
    found: dict[str, str | bool] = {}
    for each in contract.sla_properties:
        name = SLA_ATTRIBUTES.get(each.property)
        if name is None:
            continue
        text = " ".join(str(part) for part in (each.value, each.unit) if part is not None)
        found[name] = text.lower() == "true" if each.property == "isRetentionUnlimited" else text
    return found


def unshown_service_levels(contract: Contract) -> tuple[str, ...]:
    """The names of service levels that Collibra keeps in the document and shows nowhere, such as `retention`."""
    return tuple(
        dict.fromkeys(each.property for each in contract.sla_properties if each.property not in SLA_ATTRIBUTES)
    )
