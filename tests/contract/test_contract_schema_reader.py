"""The walk over a document and its schema that grammars of settings share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakepact.contract.checked_document import Path, parsed
from lakepact.contract.schema_reader import Codes, SchemaReader

_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["teams", "version"],
    "properties": {
        "teams": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"prefix": "team-"},
            "additionalProperties": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        },
    },
}


class _Lists(SchemaReader):
    """A grammar of mappings, lists and texts."""

    codes = Codes(unknown_key="LP001", missing_key="LP002", wrong_value="LP003")

    def value(self, value: object, schema: Mapping[str, Any], at: Path) -> Any:
        if schema["type"] == "object" and isinstance(value, dict):
            return self.mapping(value, schema, at)
        if schema["type"] == "array" and isinstance(value, list):
            return self.array(value, schema, at)
        return value if schema["type"] == "string" and isinstance(value, str) else self.wrong(at, "is something else")

    def is_name(self, key: str, rule: Mapping[str, Any], at: Path) -> bool:
        if key.startswith(rule.get("prefix", "")):
            return True
        self.document.report(self.codes.wrong_value, "no name", (*at, key), key=True)
        return False


def _read(text: str) -> tuple[Any, list[str]]:
    document, _ = parsed(text.encode(), "teams.yml", code="LP000", most="it has")
    data = _Lists(document).value(document.yaml.data, _SCHEMA, ())
    return data, [f"{each.line}:{each.column} {each.code} {each.message} ({each.hint})" for each in document.problems]


def test_what_does_not_fit_is_reported_at_its_place_and_left_out() -> None:
    data, problems = _read("teams:\n  team-a: [x, 1]\n  b: [x]\n  team-c: 1\n  team-d: []\ntaems: 1\n")
    assert data == {"teams": {"team-a": ["x"], "team-d": []}}
    assert problems == [
        "2:15 LP003 'teams.team-a[1]' is something else ()",
        "3:3 LP003 no name ()",
        "4:11 LP003 'teams.team-c' is something else ()",
        "5:11 LP003 'teams.team-d' must not be empty ()",
        "6:1 LP001 unknown key 'taems' (did you mean 'teams'?)",
        "1:1 LP002 key 'version' is missing ()",
    ]


def test_a_mapping_without_entries_is_told_and_a_long_key_is_clipped() -> None:
    data, problems = _read(f"version: 1\nteams: {{}}\n{'k' * 50}: 1\n")
    assert data == {"teams": {}}
    assert problems == [
        "1:1 LP001 unknown key 'version' (known: teams)",
        "2:8 LP003 'teams' must not be empty ()",
        f"3:1 LP001 unknown key '{'k' * 40}…' (known: teams)",
    ]
