"""Reads settings of notifications by their JSON Schema: clean data, and all problems at their places at once.

Only the keywords that `lakepact.notify.schema` uses are understood. What is wrong is reported and left out of the data,
so that the rest can still be checked in the same pass. No value is repeated where a secret could stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lakepact.contract.checked_document import (
    MISSING,
    CheckedDocument,
    Path,
    json_path,
    kind_of,
    nearest,
    subject_at,
    within,
)
from lakepact.contract.yaml_nodes import clipped
from lakepact.notify.schema import SECRET, SECRET_OR_VARIABLE
from lakepact.notify.secret_references import TOKEN_SHAPES

__all__ = ["read_part"]

_WORDS: Final = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
    "array": "a list",
    "object": "a mapping of keys to values",
}
_REFERENCE_HINTS: Final = {
    SECRET: "write ${env:NAME}, ${file:PATH} or ${secret:SCOPE/KEY}",
    SECRET_OR_VARIABLE: "write ${NAME}, and have a variable of that name in the environment",
}


def read_part(document: CheckedDocument, value: object, schema: Mapping[str, Any], at: Path) -> dict[str, Any]:
    """What stands in `value`, which is that of the document at the path, by `schema`; problems go to the document."""
    data = _Reader(document).value(value, schema, at)
    return data if isinstance(data, dict) else {}


class _Reader:
    """Walks data and schema together; recursion is as deep as the schema, whatever the document holds."""

    def __init__(self, document: CheckedDocument) -> None:
        self._document = document

    def value(self, value: object, schema: Mapping[str, Any], at: Path) -> Any:
        """The value, or `MISSING` where it does not fit."""
        if "oneOf" in schema:
            return self._by_type(value, schema["oneOf"], at)
        if "const" in schema or "enum" in schema:
            return self._choice(value, schema.get("enum", [schema.get("const")]), at)
        kind = kind_of(value)
        if schema.get("pattern") in _REFERENCE_HINTS:
            return self._secret(value, schema["pattern"], at)
        if kind != schema["type"]:
            hint = "put it in quotes" if schema["type"] == "string" and kind in ("integer", "number", "boolean") else ""
            return self._wrong(at, f"must be {_WORDS[schema['type']]}, not {_WORDS[kind]}", hint)
        if isinstance(value, dict):
            return self._object(value, schema, at)
        return self._array(value, schema, at) if isinstance(value, list) else self._scalar(value, schema, at)

    def _wrong(self, at: Path, message: str, hint: str = "") -> object:
        self._document.report("LP952", f"{subject_at(at)} {message}", at, hint=hint)
        return MISSING

    def _secret(self, value: object, pattern: str, at: Path) -> object:
        if isinstance(value, str) and re.search(pattern, value):
            return value
        hint = _REFERENCE_HINTS[pattern]
        self._document.report("LP953", f"{subject_at(at)} must be a reference to a secret", at, hint=hint)
        return MISSING

    def _scalar(self, value: object, schema: Mapping[str, Any], at: Path) -> object:
        if isinstance(value, str):
            if TOKEN_SHAPES.search(value):
                self._document.report(
                    "LP953", f"{subject_at(at)} holds what looks like a secret", at, hint=_REFERENCE_HINTS[SECRET]
                )
                return MISSING
            if len(value.strip()) < schema.get("minLength", 0):
                return self._wrong(at, "must not be empty")
            if not re.search(schema.get("pattern", ""), value):
                return self._wrong(at, f"is not right: '{clipped(value)}'", schema.get("description", ""))
        elif schema["type"] == "integer" and not schema["minimum"] <= value <= schema["maximum"]:
            return self._wrong(at, f"must be from {schema['minimum']} to {schema['maximum']}")
        return value

    def _choice(self, value: object, allowed: list[str], at: Path) -> object:
        if isinstance(value, str) and value in allowed:
            return value
        text = value if isinstance(value, str) else ""
        found = "what looks like a secret" if TOKEN_SHAPES.search(text) else f"'{clipped(text)}'"
        return self._wrong(at, f"must be {' or '.join(allowed)}, not {found if text else _WORDS[kind_of(value)]}")

    def _array(self, value: list[object], schema: Mapping[str, Any], at: Path) -> Any:
        if len(value) < schema.get("minItems", 0):
            return self._wrong(at, "must not be empty")
        values = [self.value(item, schema["items"], (*at, index)) for index, item in enumerate(value)]
        return [item for item in values if item is not MISSING]

    def _by_type(self, value: object, branches: list[Mapping[str, Any]], at: Path) -> object:
        """The branch whose `type` the mapping names."""
        if not isinstance(value, dict):
            return self._wrong(at, f"must be a mapping of keys to values, not {_WORDS[kind_of(value)]}")
        kinds = {branch["properties"]["type"]["const"]: branch for branch in branches}
        kind = value.get("type")
        if isinstance(kind, str) and kind in kinds:
            return self._object(value, kinds[kind], at)
        if "type" in value:
            self._choice(kind, list(kinds), (*at, "type"))
        else:
            self._document.report(
                "LP952", f"key 'type' is missing in '{json_path(at)}'", at, hint=_known(kinds), key=True
            )
        return MISSING

    def _object(self, value: dict[str, object], schema: Mapping[str, Any], at: Path) -> dict[str, Any]:
        known: Mapping[str, Any] = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        names = re.compile(schema.get("propertyNames", {}).get("pattern", ""))
        if len(value) < schema.get("minProperties", 0):
            self._wrong(at, "must not be empty")
        result: dict[str, Any] = {}
        for key, entry in value.items():
            inner = known.get(key) or rest
            if not inner:
                message = f"unknown key '{clipped(key)}'{within(at)}"
                self._document.report("LP951", message, (*at, key), hint=nearest(key, known), key=True)
            elif not names.search(key) or TOKEN_SHAPES.search(key):
                hint = "letters, digits, '_', '-' and '.', at most 100, and not `contract`"
                self._document.report("LP952", f"a key{within(at)} is not a name", (*at, key), hint=hint, key=True)
            else:
                read = self.value(entry, inner, (*at, key))
                if read is not MISSING:
                    result[key] = read
        for key in schema.get("required", ()):
            if key not in value:
                self._document.report("LP952", f"key '{key}' is missing{within(at)}", at, key=True)
        return result


def _known(names: Iterable[str]) -> str:
    return f"known: {', '.join(sorted(names))}"
