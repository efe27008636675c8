"""What every Collibra tenant has out of the box: types, statuses, roles of relations, with their fixed ids.

Types whose id is not known from the real thing get an id of the double: a client has to look them up by name or
publicId, as it has to on a tenant.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

__all__ = [
    "CATALOG",
    "CONTRACT",
    "GOVERNS",
    "IMPLEMENTED_AS",
    "INITIAL_STATUS",
    "OUTPUT_PORT",
    "PORT",
    "PRODUCT",
    "SLA_ATTRIBUTES",
    "START_EVENTS",
    "accepted_types",
    "asset_types",
    "attribute_types",
    "fixed",
    "named",
    "relation_types",
    "statuses",
]


def fixed(number: str) -> str:
    """The id of something that has the same id on every tenant.

    >>> fixed("050003")
    '00000000-0000-0000-0000-000000050003'
    """
    return f"00000000-0000-0000-0000-{number:>012}"


def named(kind: str, name: str) -> str:
    """An id of the double for something whose real id is not known; the same in every run."""
    return str(uuid5(NAMESPACE_URL, f"collibra-double/{kind}/{name}"))


PRODUCT = fixed("050000")
CONTRACT = fixed("050003")
PORT = named("assetType", "Data Product Port")
CATALOG = fixed("050010")
OUTPUT_PORT = fixed("050040")
IMPLEMENTED_AS = fixed("050042")
GOVERNS = fixed("050044")
INITIAL_STATUS = fixed("005008")

_ASSET = named("assetType", "Asset")
_TABLE = fixed("031007")
_COLUMN = fixed("031008")
_SCHEMA = "00000000-0000-0000-0001-000400000002"
_INPUT_PORT = named("relationType", "DataProductHasInputPort")
_GOVERNANCE = named("assetType", "Governance Asset")
_METRIC = named("assetType", "Data Quality Metric")

# Collibra turns these names of ODCS `slaProperties` into attributes of the contract asset, no others.
SLA_ATTRIBUTES = {
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

START_EVENTS = (
    "ASSET_ADDED",
    "ASSET_REMOVED",
    "ASSET_STATUS_CHANGED",
    "ASSET_ATTRIBUTE_ADDED",
    "ASSET_ATTRIBUTE_CHANGED",
    "ASSET_ATTRIBUTE_REMOVED",
    "ASSET_TYPE_CHANGED",
    "ASSET_NAME_CHANGED",
    "ASSET_DISPLAY_NAME_CHANGED",
    "ASSET_DOMAIN_CHANGED",
    "TAG_ASSIGN_CHANGED",
    "WORKFLOW_STARTED",
    "WORKFLOW_CANCELED",
    "WORKFLOW_TASK_COMPLETED",
)

_STATUSES = {
    "Candidate": "5008",
    "Accepted": "5009",
    "Rejected": "5010",
    "Obsolete": "5011",
    "In Progress": "5019",
    "Under Review": "5020",
    "Reviewed": "5021",
    "Invalid": "5022",
    "Approval Pending": "5023",
    "Access Granted": "5024",
    "Approved": "5025",
    "Archived": "5084",
}


def statuses() -> dict[str, dict[str, Any]]:
    """The statuses out of the box; there is no Draft, Validated or Deprecated among them."""
    return {fixed(number): {"id": fixed(number), "name": name} for name, number in _STATUSES.items()}


def asset_types() -> dict[str, dict[str, Any]]:
    """The asset types by id; `parent` is the id of the type they inherit from."""
    described = [
        (_ASSET, "Asset", "Asset", None),
        (PRODUCT, "Data Product", "DataProduct", _ASSET),
        (CONTRACT, "Data Contract", "DataContract", _ASSET),
        (PORT, "Data Product Port", "DataProductPort", _ASSET),
        (named("assetType", "Output"), "Data Product Output Port", "DataProductOutputPort", PORT),
        (named("assetType", "Input"), "Data Product Input Port", "DataProductInputPort", PORT),
        (_TABLE, "Table", "Table", _ASSET),
        (_COLUMN, "Column", "Column", _ASSET),
        (_SCHEMA, "Schema", "Schema", _ASSET),
        (_GOVERNANCE, "Governance Asset", "GovernanceAsset", _ASSET),
        (_METRIC, "Data Quality Metric", "DataQualityMetric", _GOVERNANCE),
    ]
    return {key: {"id": key, "name": name, "publicId": public, "parent": up} for key, name, public, up in described}


def accepted_types() -> dict[str, list[str]]:
    """By type of domain, the asset types it accepts, with their subtypes."""
    return {
        "Data Product Catalog": [PRODUCT, CONTRACT, PORT],
        "Physical Data Dictionary": [_TABLE, _COLUMN, _SCHEMA],
        "Rulebook": [_METRIC],
    }


def relation_types() -> dict[str, dict[str, Any]]:
    """The relation types by id; a relation goes from the source type to the target type, never back."""
    described = [
        (OUTPUT_PORT, PRODUCT, "exposes data as", "exposes data of", PORT, "DataProductHasOutputPort"),
        (_INPUT_PORT, PRODUCT, "consumes data through", "provides data to", PORT, "DataProductHasInputPort"),
        (IMPLEMENTED_AS, PORT, "is implemented as", "implements", _TABLE, "DataProductPortIsImplementedAsTable"),
        (GOVERNS, CONTRACT, "governs functioning of", "is governed by", PORT, "DataContractGovernsPort"),
        (fixed("007042"), _COLUMN, "is part of", "contains", _TABLE, "ColumnIsPartOfTable"),
        (fixed("007043"), _SCHEMA, "contains", "is part of", _TABLE, "SchemaContainsTable"),
        (fixed("007018"), _ASSET, "complies to", "applies to", _GOVERNANCE, "AssetCompliesToGovernanceAsset"),
    ]
    return {
        key: {"id": key, "sourceType": source, "role": role, "coRole": co, "targetType": target, "publicId": public}
        for key, source, role, co, target, public in described
    }


def attribute_types() -> dict[str, dict[str, Any]]:
    """The attribute types by id; `kind` says what a value may be."""
    kinds = {
        "Description": "STRING",
        "Definition": "STRING",
        "Version": "STRING",
        "Manifest ID": "STRING",
        "Passing Fraction": "NUMERIC",
        "Threshold": "NUMERIC",
        "Rows Passed": "NUMERIC",
        "Rows Failed": "NUMERIC",
        "Loaded Rows": "NUMERIC",
        "Result": "BOOLEAN",
        **{name: "STRING" for name in SLA_ATTRIBUTES.values()},
        "Unlimited Retention": "BOOLEAN",
    }
    known = {"Description": fixed("003114"), "Definition": fixed("000202")}
    ids = {name: known.get(name) or named("attributeType", name) for name in kinds}
    return {
        ids[name]: {"id": ids[name], "name": name, "publicId": name.replace(" ", ""), "kind": kind}
        for name, kind in kinds.items()
    }
