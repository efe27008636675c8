"""What a dataset carries beside its rows: comments, table properties, partitioning, clustering."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from lakepact.contract.model import Contract, SchemaObject, SchemaProperty
from lakepact.errors import ConfigurationError
from lakepact.plan.model import DatasetRole, Plan, PlannedColumn
from lakepact.rules.model import ObjectRules

__all__ = [
    "cluster_columns",
    "comment",
    "contract_properties",
    "delta_properties",
    "partition_columns",
    "planned_columns",
    "table_properties",
]

_CLUSTER_KEYS = ("lakepact.clusterBy", "clusterBy")
# Characters that Delta refuses in names of columns without column mapping.
_UNSTORABLE = re.compile(r"[ ,;{}()\n\t=]")
_COMMENTS = {
    DatasetRole.INPUT: "The rows of {table} as the source gives them, with the types of the contract.",
    DatasetRole.DUPLICATES: "Keys of {table} that occur more than once in its source.",
    DatasetRole.QUARANTINE: "Rows that {table} must not hold, with the rules that they break.",
    DatasetRole.CHECKS: "What the contract demands of {table} as a whole, with the measured values.",
    DatasetRole.GATE: "Failed checks of {table} that must stop the update.",
}


def comment(role: DatasetRole, described: SchemaObject, table: str) -> str:
    """What a reader of the catalog sees of a dataset."""
    if role is DatasetRole.PUBLISHED:
        return described.description or described.business_name or ""
    return _COMMENTS[role].format(table=table)


def contract_properties(contract: Contract | Plan) -> dict[str, str]:
    """The properties by which a table names the contract version that it keeps."""
    if isinstance(contract, Plan):
        contract_id, version, digest = contract.contract_id, contract.contract_version, contract.contract_sha256
    else:
        contract_id, version, digest = contract.id, contract.version, contract.sha256
    return {
        "lakepact.contract.id": contract_id,
        "lakepact.contract.version": version,
        "lakepact.contract.sha256": digest,
    }


def table_properties(contract: Contract, described: SchemaObject) -> dict[str, str]:
    """The properties of every stored dataset of an object."""
    mapping = {"delta.columnMapping.mode": "name"} if any(map(_needs_mapping, described.columns)) else {}
    return contract_properties(contract) | {"lakepact.object": described.name} | mapping


def _needs_mapping(column: SchemaProperty) -> bool:
    """Whether Delta stores the column, or a field in it, only under another name than its own."""
    nested = (*column.properties, *filter(None, (column.items, column.map_key, column.map_value)))
    return bool(_UNSTORABLE.search(column.column)) or any(map(_needs_mapping, nested))


def delta_properties(described: SchemaObject) -> dict[str, str]:
    """Custom properties of the object that are Delta's own (`delta.*`), as the text that Delta wants."""
    found = {p.property: p.value for p in described.custom_properties if p.property.startswith("delta.")}
    return {name: _text(value) for name, value in sorted(found.items())}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def partition_columns(described: SchemaObject) -> tuple[str, ...]:
    """Columns with `partitioned`, in the order of `partitionKeyPosition`; those without a position come last."""
    chosen = [column for column in described.columns if column.partitioned]
    position = {column.name: max(column.partition_key_position or 0, 0) for column in chosen}
    return tuple(c.column for c in sorted(chosen, key=lambda c: (position[c.name] < 1, position[c.name])))


def cluster_columns(described: SchemaObject) -> tuple[str, ...]:
    """Columns of the custom property `clusterBy` (or `lakepact.clusterBy`): a list, or names with commas between.

    Raises ConfigurationError LP305 for a name that is no column, LP306 where the object is partitioned as well.
    """
    given = {p.property: p.value for p in described.custom_properties}
    value = next((given[key] for key in _CLUSTER_KEYS if key in given), None)
    names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, Iterable):
        return ()
    columns = tuple(_column(described, str(name)) for name in names if str(name))
    if columns and partition_columns(described):
        message = f"object {described.name!r} is partitioned and clustered; Delta has one of the two"
        hint = "remove `partitioned` from its properties, or the custom property clusterBy"
        raise ConfigurationError(message, "LP306", hint, {"object": described.name})
    return columns


def _column(described: SchemaObject, name: str) -> str:
    columns: Mapping[str, str] = {c.column: c.column for c in described.columns} | {
        c.name: c.column for c in described.columns
    }
    if name not in columns:
        message = f"clusterBy: object {described.name!r} has no column {name!r}"
        hint = "known are: " + ", ".join(repr(column.name) for column in described.columns)
        raise ConfigurationError(message, "LP305", hint, {"object": described.name, "name": name})
    return columns[name]


def planned_columns(rules: ObjectRules) -> tuple[PlannedColumn, ...]:
    """The stored columns of an object."""
    return tuple(PlannedColumn(name=c.name, type=c.type, required=c.required, comment=c.comment) for c in rules.columns)
