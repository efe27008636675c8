"""Reads a lakepact.yml by its JSON Schema: clean data, the place of everything, and all problems at once.

Only the keywords that `lakepact.project.schema` uses are understood. What is wrong is reported and left out of the
data, so that the rest can still be checked in the same pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from lakepact.contract.checked_document import (
    MISSING,
    CheckedDocument,
    Path,
    json_path,
    kind_of,
    nearest,
    parsed,
    subject_at,
    within,
)

__all__ = ["read_document"]

_WORDS: Final = {
    "string": "a text",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
    "array": "a list",
    "object": "a mapping of keys to values",
}


def read_document(source: bytes, file: str, schema: Mapping[str, Any]) -> CheckedDocument:
    """Read `source` by `schema`. Never raises for what is in the bytes: see `CheckedDocument.problems`."""
    document, is_yaml = parsed(source, file, code="LP401", most="a project file has")
    if is_yaml:
        data = _Reader(document, schema).value(document.yaml.data, schema, ())
        document.data = data if isinstance(data, dict) else {}
    return document


class _Reader:
    """Walks data and schema together; recursion is as deep as the schema, whatever the document holds."""

    def __init__(self, document: CheckedDocument, schema: Mapping[str, Any]) -> None:
        self._document = document
        self._definitions: Mapping[str, Mapping[str, Any]] = schema.get("$defs", {})

    def value(self, value: object, schema: Mapping[str, Any], at: Path) -> Any:
        """The value as text, list or dict, or `MISSING` where it does not fit."""
        if "$ref" in schema:
            schema = self._definitions[schema["$ref"].removeprefix("#/$defs/")]
        if "oneOf" in schema:
            return self._one_of(value, schema["oneOf"], at)
        if "const" in schema or "enum" in schema:
            return self._choice(value, schema, at)
        if "type" not in schema:
            return value  # of another grammar
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if _kind(value) not in kinds:
            return self._wrong_kind(value, kinds, at)
        if isinstance(value, dict):
            return self._object(value, schema, at)
        return self._array(value, schema, at) if isinstance(value, list) else self._scalar(value, schema, at)

    def _wrong_kind(self, value: object, kinds: list[str], at: Path) -> object:
        kind = _kind(value)
        scalar = kind in ("string", "number", "boolean")
        found = repr(self._text(value, at)) if scalar else _WORDS[kind]
        hint = "put it in quotes" if scalar and kind != "string" and "string" in kinds else ""
        wanted = "a text, a number or true or false" if len(kinds) == 3 else " or ".join(_WORDS[one] for one in kinds)
        self._document.report("LP403", f"{subject_at(at)} must be {wanted}, not {found}", at, hint=hint)
        return MISSING

    def _text(self, value: object, at: Path) -> str:
        """A scalar as it was written, so that `1.10` stays `1.10`; true and false in Spark's spelling."""
        if isinstance(value, bool):
            return str(value).lower()
        return self._document.yaml.texts.get(json_path(at), str(value))

    def _scalar(self, value: object, schema: Mapping[str, Any], at: Path) -> object:
        text = self._text(value, at)
        if len(text.strip()) < schema.get("minLength", 0):
            self._document.report("LP403", f"{subject_at(at)} must not be empty", at)
            return MISSING
        return text

    def _choice(self, value: object, schema: Mapping[str, Any], at: Path) -> object:
        allowed = schema.get("enum", [schema.get("const")])
        if value in allowed and not isinstance(value, bool):
            return value
        scalar = _kind(value) in ("string", "number", "boolean")
        found = repr(value) if isinstance(value, str) else (self._text(value, at) if scalar else _WORDS[_kind(value)])
        hint = nearest(str(value), allowed) if "enum" in schema else ""
        words = " or ".join(str(choice) for choice in allowed)
        self._document.report("LP403", f"{subject_at(at)} must be {words}, not {found}", at, hint=hint)
        return MISSING

    def _array(self, value: list[object], schema: Mapping[str, Any], at: Path) -> list[Any]:
        if len(value) < schema.get("minItems", 0):
            self._document.report("LP403", f"{subject_at(at)} must not be empty", at)
        values = [self.value(item, schema["items"], (*at, index)) for index, item in enumerate(value)]
        return [item for item in values if item is not MISSING]

    def _object(self, value: dict[str, object], schema: Mapping[str, Any], at: Path) -> dict[str, Any]:
        known: Mapping[str, Any] = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        if len(value) < schema.get("minProperties", 0):
            self._document.report("LP403", f"{subject_at(at)} must not be empty", at)
        result: dict[str, Any] = {}
        for key, entry in value.items():
            inner = known.get(key, rest)
            if not inner:
                hint = nearest(key, known)
                self._document.report("LP402", f"unknown key '{key}'{within(at)}", (*at, key), hint=hint, key=True)
            elif self._named_well(key, schema.get("propertyNames", {}), at):
                read = self.value(entry, inner, (*at, key))
                if read is not MISSING:
                    result[key] = read
        for key in schema.get("required", ()):
            if key not in value:
                self._document.report("LP404", f"key '{key}' is missing{within(at)}", at, key=True)
        return result

    def _one_of(self, value: object, branches: list[Mapping[str, Any]], at: Path) -> object:
        """The branch is told by the first key that it requires; exactly one of them must be there."""
        if not isinstance(value, dict):
            return self._wrong_kind(value, ["object"], at)
        fitting = [branch for branch in branches if branch["required"][0] in value]
        if len(fitting) == 1:
            return self._object(value, fitting[0], at)
        names = [branch["required"][0] for branch in branches]
        known = {name for branch in branches for name in branch["properties"]}
        unknown = [key for key in value if key not in known]
        hint = f"'{unknown[0]}' is unknown; {nearest(unknown[0], known)}" if unknown else ""
        listed = f"{', '.join(names[:-1])} or {names[-1]}"
        self._document.report("LP404", f"{subject_at(at)} needs exactly one of {listed}", at, hint=hint, key=True)
        return MISSING

    def _named_well(self, key: str, rule: Mapping[str, Any], at: Path) -> bool:
        if len(key.strip()) >= rule.get("minLength", 0) and re.search(rule.get("pattern", ""), key):
            return True
        hint = "letters, digits, '_', '-' and '.', at most 100, no '-' or '.' in front" if "pattern" in rule else ""
        self._document.report("LP403", f"{key!r} is not a name{within(at)}", (*at, key), hint=hint, key=True)
        return False


def _kind(value: object) -> str:
    kind = kind_of(value)
    return "number" if kind == "integer" else kind
