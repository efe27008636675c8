"""Fields of the `schema` of asset definitions as ODCS properties."""

from __future__ import annotations

from typing import Any

from lakepact.convert.building import add_custom
from lakepact.convert.source import Element, put, says_something
from lakepact.convert.table import type_keys

__all__ = ["definitions", "finish_field", "read_field"]

_TEXTS = ("description", "businessName", "physicalName", "classification", "encryptedName")
_MORE_TEXTS = ("transformLogic", "transformDescription")
_FLAGS = ("required", "unique", "primaryKey", "partitioned", "criticalDataElement")
_POSITIONS = ("primaryKeyPosition", "partitionKeyPosition")
_LISTS = ("tags", "transformSourceObjects")
_SNAKE = {
    "business_name": "businessName",
    "physical_name": "physicalName",
    "primary_key": "primaryKey",
    "critical_data_element": "criticalDataElement",
}


def read_field(element: Element) -> dict[str, Any]:
    """The property that a field is; keys that ODCS does not have become custom properties."""
    found: dict[str, Any] = {"name": element.require("name", "a field")}
    logical = element.first("logicalType", "type", "data_type")
    physical = element.first("physicalType", "physical_type")
    found |= type_keys(element.text(logical), element.text(physical))
    for key in (*_TEXTS, *_MORE_TEXTS):
        put(found, key, element.text(key))
    for key in _FLAGS:
        put(found, key, element.flag(key))
    for key, name in _SNAKE.items():
        if name not in found:
            put(found, name, element.flag(key) if name in _FLAGS else element.text(key))
    nullable = element.flag("nullable")
    if nullable is not None and "required" not in found:
        found["required"] = not nullable
    for key in _POSITIONS:
        put(found, key, element.number(key))
    for key in _LISTS:
        put(found, key, element.texts(key))
    examples = element.value("examples")
    put(found, "examples", examples if isinstance(examples, list) or examples is None else [examples])
    put(found, "authoritativeDefinitions", definitions(element))
    _nested(found, element)
    if "logicalType" not in found and says_something(found.get("physicalType")):
        element.source.note(
            "LP805",
            f"the type `{found['physicalType']}` has no logicalType in ODCS; it is kept as physicalType",
            element.at(logical if element.has(logical) else physical),
        )
    return found


def definitions(element: Element) -> list[dict[str, Any]]:
    """The `authoritativeDefinitions` that have a url and a type."""
    found = []
    for entry in element.elements("authoritativeDefinitions"):
        if entry.has("url") and entry.has("type"):
            made = {key: entry.text(key) for key in ("url", "type", "description", "id")}
            found.append({key: value for key, value in made.items() if value})
        entry.tell_rest()
    return found


def finish_field(found: dict[str, Any], element: Element) -> dict[str, Any]:
    """The property with everything else of the field as custom properties."""
    for entry in element.elements("customProperties"):
        name = entry.text("property")
        if name:
            add_custom(found, {name: entry.value("value")})
            entry.skip("value")
    add_custom(found, element.rest())
    return found


def _nested(found: dict[str, Any], element: Element) -> None:
    key = element.first("properties", "fields")
    inner = [finish_field(read_field(field), field) for field in element.elements(key)]
    if inner and "properties" not in found:
        found["properties"] = inner
        found.setdefault("logicalType", "object")
    items = element.element("items")
    if items is not None and "items" not in found:
        found["items"] = finish_field(_item(items), items)
        found.setdefault("logicalType", "array")


def _item(element: Element) -> dict[str, Any]:
    logical, physical = element.first("logicalType", "type"), element.first("physicalType")
    item = type_keys(element.text(logical), element.text(physical))
    _nested(item, element)
    return item
