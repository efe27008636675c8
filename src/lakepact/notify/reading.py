"""Reads settings of notifications by their JSON Schema: clean data, and all problems at their places at once.

Only the keywords that `lakepact.notify.schema` uses are understood. What is wrong is reported and left out of the data,
so that the rest can still be checked in the same pass. No value is repeated where a secret could stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from lakepact.contract.checked_document import MISSING, CheckedDocument, Path, kind_of, subject_at, within
from lakepact.contract.schema_reader import WORDS, Codes, SchemaReader
from lakepact.contract.yaml_nodes import clipped
from lakepact.notify.schema import SECRET, SECRET_OR_VARIABLE
from lakepact.notify.secret_references import TOKEN_SHAPES

__all__ = ["read_part"]

_REFERENCE_HINTS: Final = {
    SECRET: "write ${env:NAME}, ${file:PATH} or ${secret:SCOPE/KEY}",
    SECRET_OR_VARIABLE: "write ${NAME}, and have a variable of that name in the environment",
}


def read_part(document: CheckedDocument, value: object, schema: Mapping[str, Any], at: Path) -> dict[str, Any]:
    """What stands in `value`, which is that of the document at the path, by `schema`; problems go to the document."""
    data = _Reader(document).value(value, schema, at)
    return data if isinstance(data, dict) else {}


class _Reader(SchemaReader):
    codes = Codes(unknown_key="LP951", missing_key="LP952", wrong_value="LP952")

    def value(self, value: object, schema: Mapping[str, Any], at: Path) -> Any:
        if "oneOf" in schema:
            return self._by_type(value, schema["oneOf"], at)
        if "const" in schema or "enum" in schema:
            return self._choice(value, schema.get("enum", [schema.get("const")]), at)
        kind = kind_of(value)
        if schema.get("pattern") in _REFERENCE_HINTS:
            return self._secret(value, schema["pattern"], at)
        if kind != schema["type"]:
            hint = "put it in quotes" if schema["type"] == "string" and kind in ("integer", "number", "boolean") else ""
            return self.wrong(at, f"must be {WORDS[schema['type']]}, not {WORDS[kind]}", hint)
        if isinstance(value, dict):
            return self.mapping(value, schema, at)
        return self.array(value, schema, at) if isinstance(value, list) else self._scalar(value, schema, at)

    def is_name(self, key: str, rule: Mapping[str, Any], at: Path) -> bool:
        if re.search(rule.get("pattern", ""), key) and not TOKEN_SHAPES.search(key):
            return True
        hint = "letters, digits, '_', '-' and '.', at most 100, and not `contract`"
        message = f"a key{within(at)} is not a name"
        self.document.report(self.codes.wrong_value, message, (*at, key), hint=hint, key=True)
        return False

    def _secret(self, value: object, pattern: str, at: Path) -> object:
        if isinstance(value, str) and re.search(pattern, value):
            return value
        hint = _REFERENCE_HINTS[pattern]
        self.document.report("LP953", f"{subject_at(at)} must be a reference to a secret", at, hint=hint)
        return MISSING

    def _scalar(self, value: object, schema: Mapping[str, Any], at: Path) -> object:
        if isinstance(value, str):
            if TOKEN_SHAPES.search(value):
                self.document.report(
                    "LP953", f"{subject_at(at)} holds what looks like a secret", at, hint=_REFERENCE_HINTS[SECRET]
                )
                return MISSING
            if len(value.strip()) < schema.get("minLength", 0):
                return self.wrong(at, "must not be empty")
            if not re.search(schema.get("pattern", ""), value):
                return self.wrong(at, f"is not right: '{clipped(value)}'", schema.get("description", ""))
        elif schema["type"] == "integer" and not schema["minimum"] <= value <= schema["maximum"]:
            return self.wrong(at, f"must be from {schema['minimum']} to {schema['maximum']}")
        return value

    def _choice(self, value: object, allowed: list[str], at: Path) -> object:
        if isinstance(value, str) and value in allowed:
            return value
        text = value if isinstance(value, str) else ""
        found = "what looks like a secret" if TOKEN_SHAPES.search(text) else f"'{clipped(text)}'"
        return self.wrong(at, f"must be {' or '.join(allowed)}, not {found if text else WORDS[kind_of(value)]}")

    def _by_type(self, value: object, branches: list[Mapping[str, Any]], at: Path) -> object:
        """The branch whose `type` the mapping names."""
        if not isinstance(value, dict):
            return self.wrong(at, f"must be a mapping of keys to values, not {WORDS[kind_of(value)]}")
        kinds = {branch["properties"]["type"]["const"]: branch for branch in branches}
        kind = value.get("type")
        if isinstance(kind, str) and kind in kinds:
            return self.mapping(value, kinds[kind], at)
        if "type" in value:
            self._choice(kind, list(kinds), (*at, "type"))
        else:
            hint = f"known: {', '.join(sorted(kinds))}"
            self.document.report(self.codes.missing_key, f"key 'type' is missing{within(at)}", at, hint=hint, key=True)
        return MISSING
