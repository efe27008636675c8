"""Types as a document writes them, in the words of its version of the standard, and what of a type fits a clause."""

from __future__ import annotations

from typing import Any, Final

from lakepact.contract import ApiVersion
from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType

__all__ = ["OPTIONS_OF", "VOID", "field_entry", "type_keys"]

VOID: Final = AtomicType("VOID")
"""The type of a column that holds nothing but NULL: nothing is known of it."""

_LOGICAL: Final = {
    **dict.fromkeys(("STRING", "CHAR", "VARCHAR", "BINARY"), "string"),
    "BOOLEAN": "boolean",
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "BIGINT"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "number"),
    "DATE": "date",
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_NTZ"), "timestamp"),
    "VARIANT": "object",
}
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_OLD: Final = frozenset((ApiVersion.V3_0_0, ApiVersion.V3_0_1, ApiVersion.V3_0_2))

OPTIONS_OF: Final[dict[str, frozenset[str]]] = {
    "string": frozenset(("minLength", "maxLength", "pattern", "format")),
    "date": frozenset((*_BOUNDS, "format")),
    "timestamp": frozenset((*_BOUNDS, "format", "timezone", "defaultTimezone")),
    "time": frozenset((*_BOUNDS, "format", "timezone", "defaultTimezone")),
    "integer": frozenset((*_BOUNDS, "multipleOf", "format")),
    "number": frozenset((*_BOUNDS, "multipleOf", "format")),
    "object": frozenset(("maxProperties", "minProperties", "required")),
    "array": frozenset(("maxItems", "minItems", "uniqueItems")),
}
"""The options that a logical type can have."""


def type_keys(found: SparkType, version: ApiVersion, *, required: bool = False) -> dict[str, Any]:
    """The keys of a property that has this type; with `required` nested fields that are never NULL say so.

    A type that no logical type stands for gives its physical type only, a column of nothing but NULL no key at all.

    >>> type_keys(AtomicType("DECIMAL(12,4)"), ApiVersion.V3_1_0)
    {'logicalType': 'number', 'physicalType': 'DECIMAL(12,4)'}
    """
    match found:
        case StructType():
            inner = [field_entry(field, version, required=required) for field in found.fields]
            return {"logicalType": "object", "physicalType": "STRUCT"} | ({"properties": inner} if inner else {})
        case ArrayType():
            items = type_keys(found.element, version, required=required)
            return {"logicalType": "array", "physicalType": "ARRAY"} | ({"items": items} if items else {})
        case MapType():
            return _map_keys(found, version, required=required)
    return _atomic_keys(found, version)


def field_entry(field: StructField, version: ApiVersion, *, required: bool) -> dict[str, Any]:
    """A property for a field, with the keys in the order of the standard."""
    entry: dict[str, Any] = {"name": field.name} | type_keys(field.type, version, required=required)
    if field.comment:
        entry["description"] = field.comment
    if required and field.required:
        entry["required"] = True
    return entry


def _map_keys(found: MapType, version: ApiVersion, *, required: bool) -> dict[str, Any]:
    if version is not ApiVersion.V3_2_0:
        return {"logicalType": "object", "physicalType": found.ddl}
    parts = {
        "key": type_keys(found.key, version, required=required),
        "value": type_keys(found.value, version, required=required),
    }
    return {"logicalType": "map", "physicalType": found.ddl, "map": parts}


def _atomic_keys(found: AtomicType, version: ApiVersion) -> dict[str, Any]:
    if found == VOID:
        return {}
    logical = _LOGICAL.get(found.ddl.partition("(")[0])
    if logical == "timestamp" and version in _OLD:
        logical = "date"  # until v3.0.2 there is no other logical type for a moment; the physical type tells
    keys: dict[str, Any] = ({"logicalType": logical} if logical else {}) | {"physicalType": found.ddl}
    if found.ddl == "TIMESTAMP_NTZ" and version not in _OLD:
        keys["logicalTypeOptions"] = {"timezone": False}
    return keys
