"""Contracts for the tests of the comparison: from plain data, and the pairs of diff_cases.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lakepact.contract import Contract, load_contract
from lakepact.diff import Breaks, Change, Level, compare

Data = dict[str, Any]


def document(*columns: Mapping[str, Any], of_object: Mapping[str, Any] | None = None, **root: Any) -> Data:
    """A contract in v3.2.0 with the object `t`."""
    described = {"name": "t", **(of_object or {}), "properties": [dict(column) for column in columns]}
    head = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "c", "version": "1.0.0"}
    return {**head, "schema": [described], **root}


def loaded(data: Mapping[str, Any], file: str = "") -> Contract:
    return load_contract(json.dumps(data, ensure_ascii=False, default=str).encode(), file=file)


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    return compare(loaded(old), loaded(new)).changes


def column_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The changes of a column `a`, each as `key level breaks`."""
    prefix = "schema.t.properties.a."
    found = changes(document({"name": "a", **old}), document({"name": "a", **new}))
    return [f"{c.path.removeprefix(prefix)} {c.level.value} {c.breaks.value}" for c in found]


@dataclass(frozen=True)
class Case:
    """A pair of documents with the one change between them."""

    chapter: str
    what: str
    path: str
    level: Level
    breaks: Breaks
    old: Data
    new: Data


def cases() -> Iterator[Case]:
    chapters = yaml.safe_load((Path(__file__).parent / "diff_cases.yaml").read_text(encoding="utf-8"))
    for chapter, entries in chapters.items():
        for entry in entries:
            level, breaks = entry["is"].split()
            old, new = (_side(entry, index) for index in (0, 1))
            yield Case(chapter, entry["what"], entry["at"], Level(level), Breaks(breaks), old, new)


def _side(entry: Mapping[str, Any], index: int) -> Data:
    def given(key: str, default: Any) -> Any:
        return entry[key][index] if key in entry and entry[key][index] is not None else default

    column = {"name": "a", **given("column", {})}
    if option := given("option", {}):
        column["logicalTypeOptions"] = option
    if "kind" in entry:
        column["logicalType"] = entry["kind"]
    if rule := given("rule", {}):
        column["quality"] = [{"id": "r", **rule}]
    columns: Sequence[Data] = given("columns", [column])
    found = document(*columns, of_object=given("object", {}), **given("root", {}))
    found["schema"] += [{"name": name} for name in given("objects", [])]
    if sla := given("sla", {}):
        found["slaProperties"] = [{"id": "s", **sla}]
    if server := given("server", {}):
        found["servers"] = [{"server": "p", **server}]
    return found
