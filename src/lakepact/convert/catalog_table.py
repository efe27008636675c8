"""What a catalog says of a table, and how a schema object says it; for Unity Catalog and for Spark alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakepact.convert.building import (
    Losses,
    add_custom,
    count_query,
    free_name,
    lay_out,
    property_named,
    query_rule,
    relate,
    report_type,
    set_primary_key,
)
from lakepact.convert.column_types import TypeReading, column_property, read_json_type
from lakepact.convert.row_demands import RowDemand, write_demands

__all__ = ["CatalogColumn", "CatalogTable", "ForeignKey", "column_of_field", "write_foreign_keys", "write_table"]

_CONSTRAINT = "delta.constraints."
# What Delta and Spark note of a table for themselves.
_STATE = {
    *("delta.lastCommitTimestamp", "delta.lastUpdateVersion", "delta.minReaderVersion", "delta.minWriterVersion"),
    *("delta.columnMapping.maxColumnId", "delta.columnMapping.mode", "clusteringColumns", "transient_lastDdlTime"),
    *("delta.clusteringColumns", "delta.liquid.clusteringColumns"),
}
_STATE_PREFIXES = ("delta.feature.", "delta.rowTracking.materialized", "spark.internal.", "view.", "spark.sql.")
_OWN_PREFIXES = ("lakepact.contract.", "lakepact.object")


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference to another table; names of tables in parts."""

    name: str
    columns: tuple[str, ...]
    parent: tuple[str, ...]
    referenced: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class CatalogColumn:
    """A column. `tags` are keys and values; `custom` become custom properties."""

    name: str
    type: TypeReading
    required: bool = False
    comment: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    custom: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class CatalogTable:
    """A table or view. CHECK constraints are among the properties, as Delta has them."""

    name: tuple[str, ...]
    kind: str = "table"
    columns: list[CatalogColumn] = field(default_factory=list)
    comment: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    partitions: Sequence[str] = ()
    clusters: Sequence[str] = ()
    primary_key: Sequence[str] = ()
    foreign_keys: Sequence[ForeignKey] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    custom: Mapping[str, Any] = field(default_factory=dict)


def column_of_field(node: Mapping[str, Any]) -> CatalogColumn:
    """A column from a field of Spark's JSON schema, with what its metadata says."""
    metadata = node.get("metadata") or {}
    identity = {key.rpartition(".")[2]: value for key, value in metadata.items() if key.startswith("delta.identity.")}
    return CatalogColumn(
        name=str(node["name"]),
        type=read_json_type(node.get("type"), metadata),
        required=node.get("nullable") is False,
        comment=metadata.get("comment"),
        custom={
            "lakepact.default": metadata.get("CURRENT_DEFAULT"),
            "lakepact.generated": metadata.get("delta.generationExpression"),
            "lakepact.identity": identity,
        },
    )


def write_table(document: dict[str, Any], table: CatalogTable, losses: Losses) -> dict[str, Any]:
    """Add the table to the document, with all but its foreign keys, which need the other tables."""
    name = free_name(document, table.name)
    element: dict[str, Any] = {"name": name}
    if name != table.name[-1]:
        element["physicalName"] = table.name[-1]
    element["physicalType"] = table.kind
    if table.comment:
        element["description"] = table.comment
    _tag(element, table.tags, column=False)
    add_custom(element, table.custom)
    for column in table.columns:
        element.setdefault("properties", []).append(_property(column))
        report_type(losses, name, column.name, column.type)
    demands = [
        RowDemand(name=key.removeprefix(_CONSTRAINT), predicate=str(value), action="fail")
        for key, value in table.properties.items()
        if key.startswith(_CONSTRAINT)
    ]
    add_custom(element, {key: value for key, value in table.properties.items() if not _is_state(key)})
    lay_out(element, losses, partitions=table.partitions, clusters=_plain_clusters(element, table, losses))
    if table.primary_key:
        set_primary_key(element, list(table.primary_key), losses)
    write_demands(element, demands, _checked)
    document.setdefault("schema", []).append(element)
    return element


def _is_state(key: str) -> bool:
    return key in _STATE or key.startswith((_CONSTRAINT, *_STATE_PREFIXES, *_OWN_PREFIXES))


def _checked(demand: RowDemand) -> dict[str, Any]:
    """A CHECK constraint as a query. Delta refuses a row for which it is NULL."""
    query = count_query(demand.predicate, null_breaks=True)
    return query_rule(query, name=demand.name, severity="error", action=demand.action)


def _property(column: CatalogColumn) -> dict[str, Any]:
    entry: dict[str, Any] = column_property(column.name, column.type, required=column.required, comment=column.comment)
    _tag(entry, column.tags, column=True)
    add_custom(entry, column.custom)
    return entry


def _tag(element: dict[str, Any], tags: Mapping[str, str], *, column: bool) -> None:
    """Tags as `key:value`; those that the standard has a key for are that key."""
    plain = []
    for key, value in tags.items():
        if column and key == "classification" and value:
            element["classification"] = value
        elif column and key == "critical_data_element" and value.lower() == "true":
            element["criticalDataElement"] = True
        else:
            plain.append(f"{key}:{value}" if value else key)
    if plain:
        element["tags"] = plain


def _plain_clusters(element: dict[str, Any], table: CatalogTable, losses: Losses) -> list[str]:
    found = [name for name in table.clusters if property_named(element, name) is not None]
    if len(found) < len(table.clusters):
        missing = ", ".join(name for name in table.clusters if name not in found)
        losses.lost(f"{element['name']!r} is clustered by {missing}, which is no column of its own")
        return []
    return found


def write_foreign_keys(written: Sequence[tuple[CatalogTable, dict[str, Any]]], losses: Losses) -> None:
    """Write the foreign keys between the tables of a document; one to another table becomes a custom property."""
    elements = {tuple(part.casefold() for part in table.name): element for table, element in written}
    for table, element in written:
        for key in table.foreign_keys:
            parent = elements.get(tuple(part.casefold() for part in key.parent))
            custom = {"lakepact.constraint": key.name}
            if parent is not None and relate(element, key.columns, parent, key.referenced, custom=custom):
                continue
            reference = {
                "name": key.name,
                "columns": list(key.columns),
                "references": ".".join(key.parent),
                "referencedColumns": list(key.referenced),
            }
            add_custom(element, {"lakepact.foreignKey": reference})
            message = f"the foreign key {key.name} of {element['name']!r} leads to {reference['references']}"
            losses.kept(f"{message}, which is not in this contract", hint="import both tables into one contract")
