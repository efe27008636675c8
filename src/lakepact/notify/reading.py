"""Reads notify.yml by its JSON Schema: clean data, the place of everything, and all problems at once.

Only the keywords that `lakepact.notify.schema` uses are understood. What is wrong is reported and left out of the data,
so that the rest can still be checked in the same pass. No value is repeated where a secret could stand.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lakepact.contract.yaml_nodes import YamlDocument, child_path, clipped, read_yaml
from lakepact.errors import Problem, Severity
from lakepact.notify.schema import SECRET
from lakepact.notify.secret_references import TOKEN_SHAPES

__all__ = ["Path", "SettingsDocument", "json_path", "read_settings_document"]

Path = tuple[str | int, ...]

_MOST_BYTES: Final = 1_000_000
_MISSING: Final = object()
_REFERENCE_HINT: Final = "write ${env:NAME}, ${file:PATH} or ${secret:SCOPE/KEY}"
_WORDS: Final = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
    "array": "a list",
    "object": "a mapping of keys to values",
}


@dataclass(slots=True)
class SettingsDocument:
    """What was read: `data` without its faulty parts, where everything stands, and the problems found so far."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    yaml: YamlDocument = field(default_factory=YamlDocument)
    problems: list[Problem] = field(default_factory=list)

    def report(self, code: str, message: str, at: Path, *, hint: str = "", key: bool = False) -> None:
        """Add an error about the element at the path, or about its `key`; at its nearest ancestor that is written."""
        paths = [json_path(at[:length]) for length in range(len(at), -1, -1)]
        place = self.yaml.key_places.get(paths[0]) if key else None
        place = place or next((self.yaml.places[path] for path in paths if path in self.yaml.places), None)
        self.problems.append(
            Problem(
                code=code,
                severity=Severity.ERROR,
                message=message,
                file=self.file,
                line=place.line if place else 1,
                column=place.column if place else 1,
                path=paths[0],
                hint=hint,
            )
        )


def read_settings_document(source: bytes, file: str, schema: Mapping[str, Any]) -> SettingsDocument:
    """Read `source` by `schema`. Never raises for what is in the bytes: see `SettingsDocument.problems`."""
    document = SettingsDocument(file=file)
    if _parse(source, document):
        data = _Reader(document).value(document.yaml.data, schema, ())
        document.data = data if isinstance(data, dict) else {}
    return document


def json_path(at: Path) -> str:
    """The path as text.

    >>> json_path(("routes", 0, "channels"))
    'routes[0].channels'
    """
    text = ""
    for part in at:
        text = child_path(text, part)
    return text


def _parse(source: bytes, document: SettingsDocument) -> bool:
    if len(source) > _MOST_BYTES:
        document.report("LP950", f"the file has {len(source):,} bytes; settings have at most {_MOST_BYTES:,}", ())
        return False
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        document.report("LP950", f"the file is not UTF-8: byte {error.start + 1} cannot be read", ())
        return False
    found, problems = read_yaml(text)
    document.problems.extend(replace(problem, code="LP950", file=document.file) for problem in problems)
    document.yaml = found or document.yaml
    return found is not None


class _Reader:
    """Walks data and schema together; recursion is as deep as the schema, whatever the document holds."""

    def __init__(self, document: SettingsDocument) -> None:
        self._document = document

    def value(self, value: object, schema: Mapping[str, Any], at: Path) -> Any:
        """The value, or `_MISSING` where it does not fit."""
        if "oneOf" in schema:
            return self._by_type(value, schema["oneOf"], at)
        if "const" in schema or "enum" in schema:
            return self._choice(value, schema.get("enum", [schema.get("const")]), at)
        kind = _kind(value)
        if schema.get("pattern") == SECRET:
            return self._secret(value, at)
        if kind != schema["type"]:
            hint = "put it in quotes" if schema["type"] == "string" and kind in ("integer", "number", "boolean") else ""
            return self._wrong(at, f"must be {_WORDS[schema['type']]}, not {_WORDS[kind]}", hint)
        if isinstance(value, dict):
            return self._object(value, schema, at)
        return self._array(value, schema, at) if isinstance(value, list) else self._scalar(value, schema, at)

    def _wrong(self, at: Path, message: str, hint: str = "") -> object:
        self._document.report("LP952", f"{_subject(at)} {message}", at, hint=hint)
        return _MISSING

    def _secret(self, value: object, at: Path) -> object:
        if isinstance(value, str) and re.search(SECRET, value):
            return value
        self._document.report("LP953", f"{_subject(at)} must be a reference to a secret", at, hint=_REFERENCE_HINT)
        return _MISSING

    def _scalar(self, value: object, schema: Mapping[str, Any], at: Path) -> object:
        if isinstance(value, str):
            if TOKEN_SHAPES.search(value):
                self._document.report(
                    "LP953", f"{_subject(at)} holds what looks like a secret", at, hint=_REFERENCE_HINT
                )
                return _MISSING
            if len(value.strip()) < schema.get("minLength", 0):
                return self._wrong(at, "must not be empty")
            if not re.search(schema.get("pattern", ""), value):
                return self._wrong(at, f"is not right: '{clipped(value)}'", schema.get("description", ""))
        elif isinstance(value, int) and not schema["minimum"] <= value <= schema["maximum"]:
            return self._wrong(at, f"must be from {schema['minimum']} to {schema['maximum']}")
        return value

    def _choice(self, value: object, allowed: list[str], at: Path) -> object:
        if isinstance(value, str) and value in allowed:
            return value
        text = value if isinstance(value, str) else ""
        found = "what looks like a secret" if TOKEN_SHAPES.search(text) else f"'{clipped(text)}'"
        return self._wrong(at, f"must be {' or '.join(allowed)}, not {found if text else _WORDS[_kind(value)]}")

    def _array(self, value: list[object], schema: Mapping[str, Any], at: Path) -> Any:
        if len(value) < schema.get("minItems", 0):
            return self._wrong(at, "must not be empty")
        values = [self.value(item, schema["items"], (*at, index)) for index, item in enumerate(value)]
        return [item for item in values if item is not _MISSING]

    def _by_type(self, value: object, branches: list[Mapping[str, Any]], at: Path) -> object:
        """The branch whose `type` the mapping names."""
        if not isinstance(value, dict):
            return self._wrong(at, f"must be a mapping of keys to values, not {_WORDS[_kind(value)]}")
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
        return _MISSING

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
                message = f"unknown key '{clipped(key)}'{_within(at)}"
                self._document.report("LP951", message, (*at, key), hint=_nearest(key, known), key=True)
            elif not names.search(key) or TOKEN_SHAPES.search(key):
                hint = "letters, digits, '_', '-' and '.', at most 100, and not `contract`"
                self._document.report("LP952", f"a key{_within(at)} is not a name", (*at, key), hint=hint, key=True)
            else:
                read = self.value(entry, inner, (*at, key))
                if read is not _MISSING:
                    result[key] = read
        for key in schema.get("required", ()):
            if key not in value:
                self._document.report("LP952", f"key '{key}' is missing{_within(at)}", at, key=True)
        return result


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case list():
            return "array"
        case dict():
            return "object"
    return "number"


def _nearest(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean '{found[0]}'?" if found else _known(known)


def _known(names: Iterable[str]) -> str:
    return f"known: {', '.join(sorted(names))}"


def _subject(at: Path) -> str:
    return f"'{json_path(at)}'" if at else "the file"


def _within(at: Path) -> str:
    return f" in '{json_path(at)}'" if at else ""
