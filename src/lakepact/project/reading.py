"""Reads a lakepact.yml by its JSON Schema: clean data, the place of everything, and all problems at once.

Only the keywords that `lakepact.project.schema` uses are understood. What is wrong is reported and left out of the
data, so that the rest can still be checked in the same pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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
from lakepact.contract.schema_reader import WORDS, Codes, SchemaReader

__all__ = ["read_document"]


def read_document(source: bytes, file: str, schema: Mapping[str, Any]) -> CheckedDocument:
    """Read `source` by `schema`. Never raises for what is in the bytes: see `CheckedDocument.problems`."""
    document, is_yaml = parsed(source, file, code="LP401", most="a project file has")
    if is_yaml:
        data = _Reader(document, schema).value(document.yaml.data, schema, ())
        document.data = data if isinstance(data, dict) else {}
    return document


class _Reader(SchemaReader):
    codes = Codes(unknown_key="LP402", missing_key="LP404", wrong_value="LP403")

    def __init__(self, document: CheckedDocument, schema: Mapping[str, Any]) -> None:
        super().__init__(document)
        self._definitions: Mapping[str, Mapping[str, Any]] = schema.get("$defs", {})

    def value(self, value: object, schema: Mapping[str, Any], at: Path) -> Any:
        """Scalars as text."""
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
            return self.mapping(value, schema, at)
        return self.array(value, schema, at) if isinstance(value, list) else self._scalar(value, schema, at)

    def is_name(self, key: str, rule: Mapping[str, Any], at: Path) -> bool:
        if len(key.strip()) >= rule.get("minLength", 0) and re.search(rule.get("pattern", ""), key):
            return True
        hint = "letters, digits, '_', '-' and '.', at most 100, no '-' or '.' in front" if "pattern" in rule else ""
        message = f"{key!r} is not a name{within(at)}"
        self.document.report(self.codes.wrong_value, message, (*at, key), hint=hint, key=True)
        return False

    def _wrong_kind(self, value: object, kinds: list[str], at: Path) -> object:
        kind = _kind(value)
        scalar = kind in ("string", "number", "boolean")
        found = repr(self._text(value, at)) if scalar else WORDS[kind]
        hint = "put it in quotes" if scalar and kind != "string" and "string" in kinds else ""
        wanted = "a text, a number or true or false" if len(kinds) == 3 else " or ".join(WORDS[one] for one in kinds)
        return self.wrong(at, f"must be {wanted}, not {found}", hint)

    def _text(self, value: object, at: Path) -> str:
        """A scalar as it was written, so that `1.10` stays `1.10`; true and false in Spark's spelling."""
        if isinstance(value, bool):
            return str(value).lower()
        return self.document.yaml.texts.get(json_path(at), str(value))

    def _scalar(self, value: object, schema: Mapping[str, Any], at: Path) -> object:
        text = self._text(value, at)
        if len(text.strip()) < schema.get("minLength", 0):
            return self.wrong(at, "must not be empty")
        return text

    def _choice(self, value: object, schema: Mapping[str, Any], at: Path) -> object:
        allowed = schema.get("enum", [schema.get("const")])
        if value in allowed and not isinstance(value, bool):
            return value
        scalar = _kind(value) in ("string", "number", "boolean")
        found = repr(value) if isinstance(value, str) else (self._text(value, at) if scalar else WORDS[_kind(value)])
        hint = nearest(str(value), allowed) if "enum" in schema else ""
        words = " or ".join(str(choice) for choice in allowed)
        return self.wrong(at, f"must be {words}, not {found}", hint)

    def _one_of(self, value: object, branches: list[Mapping[str, Any]], at: Path) -> object:
        """The branch is told by the first key that it requires; exactly one of them must be there."""
        if not isinstance(value, dict):
            return self._wrong_kind(value, ["object"], at)
        fitting = [branch for branch in branches if branch["required"][0] in value]
        if len(fitting) == 1:
            return self.mapping(value, fitting[0], at)
        names = [branch["required"][0] for branch in branches]
        known = {name for branch in branches for name in branch["properties"]}
        unknown = [key for key in value if key not in known]
        hint = f"'{unknown[0]}' is unknown; {nearest(unknown[0], known)}" if unknown else ""
        message = f"{subject_at(at)} needs exactly one of {', '.join(names[:-1])} or {names[-1]}"
        self.document.report(self.codes.missing_key, message, at, hint=hint, key=True)
        return MISSING


def _kind(value: object) -> str:
    kind = kind_of(value)
    return "number" if kind == "integer" else kind
