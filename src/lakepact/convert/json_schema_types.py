"""Properties of ODCS from resolved JSON Schemas: types, formats, options and values."""

from __future__ import annotations

import json
from typing import Any

from lakepact.convert.building import Losses, add_custom, library_rule, plain_data
from lakepact.convert.json_schema_merge import Schema, Schemas

__all__ = ["TypeWriter"]

_TEXT_FORMATS = {"password", "byte", "binary", "email", "uuid", "uri", "hostname", "ipv4", "ipv6"}
_MOMENTS = {"date": "date", "date-time": "timestamp", "time": "time"}
_INTEGERS = {
    "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64",
}  # fmt: skip
_NUMBERS = {"float": "f32", "double": "f64"}
_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_OPTIONS = {
    "string": ("minLength", "maxLength", "pattern"),
    "integer": _LIMITS,
    "number": _LIMITS,
    "array": ("minItems", "maxItems", "uniqueItems"),
    "object": ("minProperties", "maxProperties"),
}
_SPARK = {"string": "STRING", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE"}
_SPARK |= {"timestamp": "TIMESTAMP", "time": "STRING"}


class TypeWriter:
    """Writes the schemas of one document as properties."""

    def __init__(self, schemas: Schemas, losses: Losses) -> None:
        """`losses` takes what has no equal."""
        self._schemas = schemas
        self._losses = losses

    def properties(self, schema: Schema) -> list[dict[str, Any]]:
        """The properties of an object."""
        found = []
        for name, described in schema.properties.items():
            part = self._schemas.resolved(described)
            entry: dict[str, Any] = {"name": name} | self._keys(part, name)
            if name in schema.required:
                if part.nullable:
                    self._losses.kept(
                        f"{name!r} must be there and may be null, which is no demand on a column", part.place
                    )
                else:
                    entry["required"] = True
            found.append(entry)
        for name in sorted(schema.required - set(schema.properties)):
            self._losses.lost(f"{name!r} is required and not described", schema.place)
        return found

    def _keys(self, schema: Schema, name: str) -> dict[str, Any]:
        keys: dict[str, Any] = {}
        if schema.title:
            keys["businessName"] = schema.title
        if schema.description:
            keys["description"] = schema.description
        keys |= self._type(schema, name)
        options = self._options(schema, keys.get("logicalType"), name)
        if options:
            keys["logicalTypeOptions"] = options
        examples = plain_data([example for example in schema.examples if example is not None])
        if examples:
            keys["examples"] = examples
        if schema.values is not None:
            self._values(schema, keys, name)
        add_custom(keys, {key: plain_data(value) for key, value in schema.custom.items()})
        default = schema.options.get("default")
        add_custom(keys, {"default": plain_data(default)})
        return keys

    def _type(self, schema: Schema, name: str) -> dict[str, Any]:
        kind = self._kind(schema, name)
        if kind == "string":
            return {"logicalType": _MOMENTS.get(str(schema.options.get("format")), "string")}
        if kind == "array":
            if schema.items is None or schema.items.node.value is True:
                return {"logicalType": "array"}
            items = self._schemas.resolved(schema.items)
            keys = self._keys(items, f"{name}[]")
            # The elements of JSON are there unless null is one of their types.
            return {"logicalType": "array", "items": keys if items.nullable else keys | {"required": True}}
        if kind == "object":
            return self._object(schema, name)
        return {"logicalType": kind} if kind else {}

    def _kind(self, schema: Schema, name: str) -> str:
        types = schema.types or self._implied(schema)
        if set(types) == {"integer", "number"}:
            return "number"
        if len(types) > 1:
            self._losses.lost(f"{name!r} has the types {', '.join(types)}; a property has one", schema.place)
            return ""
        if not types:
            message = f"{name!r} is always null" if schema.nullable else f"{name!r} has no type"
            self._losses.lost(message, schema.place, code="LP823", hint="give it a logicalType")
            return ""
        return types[0] if types[0] in _OPTIONS or types[0] == "boolean" else ""

    def _implied(self, schema: Schema) -> tuple[str, ...]:
        """The type of one that does not say it: by its parts, or by its values."""
        if schema.properties:
            return ("object",)
        if schema.items is not None:
            return ("array",)
        kinds = {bool: "boolean", str: "string", int: "integer", float: "number"}
        found = {kinds.get(type(value), "") for value in schema.values or ()}
        return tuple(sorted(found)) if found and "" not in found else ()

    def _object(self, schema: Schema, name: str) -> dict[str, Any]:
        if schema.properties:
            if schema.additional is not None:
                self._losses.lost(f"{name!r} has further properties of one type", schema.place)
            return {"logicalType": "object", "properties": self.properties(schema)}
        if schema.additional is None:
            return {"logicalType": "object"}
        value = self._keys(self._schemas.resolved(schema.additional), f"{name}{{}}")
        spark = _SPARK.get(value.get("logicalType", ""))
        if spark is None:
            self._losses.lost(f"{name!r} is a map of values that no physical type names", schema.place)
            return {"logicalType": "object"}
        if set(value) - {"logicalType"}:
            self._losses.lost(f"what the values of the map {name!r} must be, besides their type", schema.place)
        return {"logicalType": "object", "physicalType": f"MAP<STRING, {spark}>"}

    def _options(self, schema: Schema, logical: str | None, name: str) -> dict[str, Any]:
        fitting = _OPTIONS.get(logical or "", ())
        found = {key: value for key, value in schema.options.items() if key in fitting}
        for key, value in schema.options.items():
            if key in fitting or key == "default" or (key == "uniqueItems" and value is False):
                continue
            if key != "format":
                self._losses.lost(f"{name!r}: `{key}` does not go with {logical or 'no type'}", schema.place)
            elif logical in ("integer", "number"):
                known = (_INTEGERS if logical == "integer" else _NUMBERS).get(str(value))
                if known:
                    found["format"] = known
                else:
                    self._losses.lost(f"{name!r}: format {value}", schema.place)
            elif logical == "string":
                found["format"] = str(value)
                if value not in _TEXT_FORMATS:
                    self._losses.kept(f"{name!r}: format {value} is kept, and tested by nothing", schema.place)
        return {key: found[key] for key in found if key != "uniqueItems" or found[key]}

    def _values(self, schema: Schema, keys: dict[str, Any], name: str) -> None:
        if any(isinstance(value, dict | list) for value in schema.values or ()):
            self._losses.lost(f"{name!r}: the allowed values {json.dumps(schema.values)[:80]}", schema.place)
            return
        rule = library_rule("invalidValues", arguments={"validValues": schema.values})
        keys["quality"] = [rule]
