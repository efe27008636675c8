"""A schema object that is being put together: its properties by name, and the checks that find their place in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lakepact.convert.building import add_custom
from lakepact.convert.checks import Check
from lakepact.convert.column_types import read_type
from lakepact.convert.source import Source

__all__ = ["ACTION", "TableDraft", "type_keys"]

ACTION = "lakepact.action"
_LOGICAL_TYPES = frozenset(("string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean"))
_ELEMENT = re.compile(r"[\s,]")


def type_keys(logical: str | None, physical: str | None) -> dict[str, Any]:
    """The type keys of a property, from a type that may be logical or a database's, and from a physical type.

    A type without an equal in ODCS gives no `logicalType`; what was written is then the `physicalType`.

    >>> type_keys("bigint", None), type_keys("Numeric", "int4")
    ({'logicalType': 'integer', 'physicalType': 'bigint'}, {'logicalType': 'number', 'physicalType': 'int4'})
    """
    if logical is None:
        return read_type(physical, spark=False).keys if physical else {}
    if logical.casefold() in _LOGICAL_TYPES:
        keys: dict[str, Any] = {"logicalType": logical.casefold()}
    else:
        keys = read_type(logical, spark=False).keys
    return keys | ({"physicalType": physical} if physical else {})


@dataclass(slots=True)
class TableDraft:
    """One object of the schema. `elsewhere` collects the service levels that its checks became."""

    name: str
    keys: dict[str, Any] = field(default_factory=dict)
    properties: list[dict[str, Any]] = field(default_factory=list)
    quality: list[dict[str, Any]] = field(default_factory=list)
    levels: list[dict[str, Any]] = field(default_factory=list)

    def find(self, name: str) -> dict[str, Any] | None:
        """The property of that name, or with dots the nested one; None where there is none."""
        exact = next((entry for entry in self.properties if entry.get("name") == name), None)
        if exact is not None or "." not in name:
            return exact
        level: Sequence[dict[str, Any]] = self.properties
        found = None
        for part in name.split("."):
            found = next((entry for entry in level if entry.get("name") == part), None)
            if found is None:
                return None
            level = found.get("properties") or found.get("items", {}).get("properties") or []
        return found

    def property(self, name: str) -> dict[str, Any]:
        """The property of that name; a new one where there is none."""
        found = self.find(name)
        if found is None:
            found = {"name": name}
            self.properties.append(found)
        return found

    def add(self, check: Check, action: str | None = None) -> None:
        """Puts a check where it belongs. `action` is that of broken checks; those of severity warning or info warn."""
        if check.level:
            self._add_level(check)
            return
        for name in check.columns:
            self.property(name)
        entry = self.property(check.columns[0]) if check.on_column and len(check.columns) == 1 else None
        # What stands on the property is for its structure; a rule would inherit it.
        inherits = entry is not None and any(own["property"] == ACTION for own in entry.get("customProperties", ()))
        found = _action(check, action, entry or {}) if action or inherits else None
        if entry is not None and check.options and not found and _takes(entry, check.options):
            entry.setdefault("logicalTypeOptions", {}).update(check.options)
            return
        rule = {**check.rule, "customProperties": [*check.rule.get("customProperties", ())]}
        add_custom(rule, {ACTION: found})
        if not rule["customProperties"]:
            del rule["customProperties"]
        (self.quality if entry is None else entry.setdefault("quality", [])).append(rule)

    def tell_untyped(self, source: Source, path: str) -> None:
        """Notes the properties that nothing is known of but their names (LP809)."""
        untyped = [entry["name"] for entry in self.properties if not {"logicalType", "physicalType"} & set(entry)]
        if untyped:
            source.note(
                "LP809",
                f"no type is known for {', '.join(untyped)} of `{self.name}`",
                path,
                hint="give each a logicalType",
            )

    def document(self) -> dict[str, Any]:
        """The object as plain data."""
        parts = {"properties": self.properties, "quality": self.quality}
        return {"name": self.name} | self.keys | {key: value for key, value in parts.items() if value}

    def _add_level(self, check: Check) -> None:
        for name in check.columns:
            self.property(name)
        element = ",".join(f"{self.name}.{name}" for name in check.columns)
        rule = check.rule
        level = dict(check.level) | ({"element": element} if element and not _ELEMENT.search(self.name) else {})
        about = [rule[key] for key in ("name", "description") if key in rule]
        if about:
            level["description"] = ": ".join(about)
        self.levels.append(level)


def _action(check: Check, asked: str | None, entry: dict[str, Any]) -> str:
    """The action of a rule: what is asked for where it is possible, else what lakepact would do by default."""
    severity = check.rule.get("severity")
    if asked and severity in (None, "error") and (check.per_row or asked in ("warn", "fail")):
        return asked
    if not check.per_row:
        return "fail" if severity == "error" else "warn"
    return "quarantine" if severity == "error" or entry.get("criticalDataElement") else "warn"


def _takes(entry: dict[str, Any], options: dict[str, Any]) -> bool:
    """Whether the options are those of the property's type, and none of them is set."""
    kind = entry.get("logicalType")
    lengths = any(key.endswith("Length") for key in options)
    fits = kind == "string" if lengths else kind in ("integer", "number")
    return fits and not set(options) & set(entry.get("logicalTypeOptions", ()))
