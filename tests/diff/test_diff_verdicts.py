"""Each kind of change: its level and whom it breaks, as docs/diff.md lists them and as the reference measured them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from diff_samples import Case, Data, cases, changes, document, loaded

from lakepact.diff import Breaks, ChangeKind, Level, compare

ALL = list(cases())
MIRRORED = {Breaks.CONSUMER: Breaks.PRODUCER, Breaks.PRODUCER: Breaks.CONSUMER}
KINDS = {ChangeKind.ADDED: ChangeKind.REMOVED, ChangeKind.REMOVED: ChangeKind.ADDED}


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.what)
def test_a_change_has_the_level_that_the_documentation_says(case: Case) -> None:
    (change,) = changes(case.old, case.new)
    assert (change.path, change.level, change.breaks) == (case.path, case.level, case.breaks)
    assert re.fullmatch(r"[^\n]+\.", change.sentence)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.what)
def test_the_reverse_is_at_the_same_place_and_adds_what_was_removed(case: Case) -> None:
    (there,), (back,) = changes(case.old, case.new), changes(case.new, case.old)
    assert back.kind is KINDS.get(there.kind, there.kind)
    if there.kind is not ChangeKind.RENAMED:
        assert back.path == there.path
        assert (back.old, back.new) == (there.new, there.old)


def test_the_documentation_lists_exactly_these_cases(repository: Path) -> None:
    page = (repository / "docs" / "diff.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (.+?) \| (major|minor|patch) \| (nobody|consumer|producer|both) \|$", page, re.MULTILINE)
    assert listed == [(case.what, case.level.value, case.breaks.value) for case in ALL]
    assert re.findall(r"^### (.+)$", page, re.MULTILINE) == list(dict.fromkeys(case.chapter for case in ALL))


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.what)
def test_a_change_is_major_exactly_where_it_breaks_somebody(case: Case) -> None:
    for change in (*changes(case.old, case.new), *changes(case.new, case.old)):
        assert (change.level is Level.MAJOR) is (change.breaks is not Breaks.NOBODY)


# Clauses that a set of accepted values decides: what loosens one way tightens the other way.
SETS = (".required", ".unique", ".minimum", ".maximum", ".maxLength", ".minItems", ".multipleOf", ".enum", ".threshold")
SETS += (".validValues", ".missingValues", ".pattern", ".relationships.r", ".quality.r", "t.primaryKey")


@pytest.mark.parametrize("case", [case for case in ALL if case.path.endswith(SETS)], ids=lambda case: case.what)
def test_what_loosens_one_way_tightens_the_other_way(case: Case) -> None:
    (there,), (back,) = changes(case.old, case.new), changes(case.new, case.old)
    assert back.level is there.level
    if case.what != "a primary key gains a column":
        assert back.breaks is MIRRORED.get(there.breaks, there.breaks)


def _column(old: Data, new: Data) -> tuple[Data, Data]:
    return document({"name": "a", **old}), document({"name": "a", **new})


def _option(kind: str, old: Data, new: Data) -> tuple[Data, Data]:
    sides = ({"logicalType": kind, **({"logicalTypeOptions": one} if one else {})} for one in (old, new))
    return _column(*sides)


def _rule(old: Data | None, new: Data | None) -> tuple[Data, Data]:
    sides = ({"quality": [{"id": "r", **one}]} if one else {} for one in (old, new))
    return _column(*sides)


def _sla(name: str, old: int, new: int | None, unit: str) -> tuple[Data, Data]:
    values = ({"id": "s", "property": name, "value": value, "unit": unit} for value in (old, new) if value is not None)
    sides = [{"slaProperties": [one]} for one in values]
    sides += [{}] * (2 - len(sides))
    before, after = (document({"name": "a"}, **side) for side in sides)
    return before, after


A = {"name": "a"}
NULLS = {"metric": "nullValues", "mustBe": 0}
SERVER = {"server": "p", "type": "databricks", "catalog": "c", "schema": "s"}
M, m, p = Level.MAJOR, Level.MINOR, Level.PATCH

# The table of measured verdicts, with its suggestion for consumers and for producers.
REFERENCE: list[Any] = [
    ("remove a property", (document({"name": "a"}, {"name": "b"}), document({"name": "a"})), M, m),
    ("rename a property by id", (document({"name": "a", "id": "i"}), document({"name": "b", "id": "i"})), M, M),
    ("add an optional property", (document(A), document(A, {"name": "b"})), m, m),
    ("add a required property", (document(A), document(A, {"name": "b", "required": True})), m, M),
    ("required true->false", _column({"required": True}, {}), M, m),
    ("required false->true", _column({}, {"required": True}), m, M),
    ("unique removed", _column({"unique": True}, {}), M, m),
    ("unique added", _column({}, {"unique": True}), m, M),
    ("decimal widened", _column({"physicalType": "DECIMAL(18,2)"}, {"physicalType": "DECIMAL(20,2)"}), m, m),
    ("varchar widened", _column({"physicalType": "VARCHAR(2)"}, {"physicalType": "VARCHAR(5)"}), m, m),
    ("type by case only", _column({"physicalType": "varchar(5)"}, {"physicalType": "VARCHAR(5)"}), p, p),
    ("type narrowed", _column({"physicalType": "BIGINT"}, {"physicalType": "INT"}), M, M),
    ("logical type changed", _column({"logicalType": "string"}, {"logicalType": "boolean"}), M, M),
    ("maximum raised", _option("integer", {"maximum": 5}, {"maximum": 6}), M, m),
    ("maximum lowered", _option("integer", {"maximum": 6}, {"maximum": 5}), m, M),
    ("pattern changed", _option("string", {"pattern": "a"}, {"pattern": "b"}), M, M),
    ("integer format u32->i32", _option("integer", {"format": "u32"}, {"format": "i32"}), M, M),
    ("timezone flag", _option("timestamp", {}, {"timezone": False}), M, M),
    ("enum extended", _column({"enum": [{"value": 1}]}, {"enum": [{"value": 1}, {"value": 2}]}), M, m),
    ("enum reduced", _column({"enum": [{"value": 1}, {"value": 2}]}, {"enum": [{"value": 1}]}), m, M),
    ("quality rule removed", _rule(NULLS, None), M, m),
    ("quality rule removed that warned", _rule({**NULLS, "severity": "warning"}, None), m, m),
    ("threshold loosened", _rule({**NULLS}, {"metric": "nullValues", "mustBeLessThan": 5}), M, m),
    ("severity lowered", _rule({**NULLS, "severity": "error"}, {**NULLS, "severity": "info"}), M, m),
    ("freshness loosened", _sla("freshness", 4, 24, "h"), M, m),
    ("freshness removed", _sla("freshness", 4, None, "h"), M, m),
    ("latency 4h->24h", _sla("latency", 4, 24, "h"), M, m),
    ("retention 3y->1y", _sla("retention", 3, 1, "y"), M, M),
    ("relationship removed", _column({"relationships": [{"to": "t.b"}]}, {}), M, m),
    ("physicalName changed", _column({}, {"physicalName": "x"}), M, M),
    ("server catalog changed", (document(servers=[SERVER]), document(servers=[{**SERVER, "catalog": "d"}])), M, M),
    ("partition column", _column({}, {"partitioned": True}), m, m),
    ("classification lowered", _column({"classification": "restricted"}, {"classification": "public"}), M, m),
    ("pii tag removed", _column({"tags": ["pii"]}, {}), M, m),
    ("criticalDataElement removed", _column({"criticalDataElement": True}, {}), M, m),
    ("status active->deprecated", (document(status="active"), document(status="deprecated")), m, m),
    ("status active->retired", (document(status="active"), document(status="retired")), M, m),
    ("description", _column({"description": "x"}, {"description": "y"}), p, p),
    ("order of columns", (document({"name": "a"}, {"name": "b"}), document({"name": "b"}, {"name": "a"})), m, m),
    ("id changed", (document(id="x"), document(id="y")), M, M),
]  # fmt: skip


@pytest.mark.parametrize(
    ("pair", "consumer", "producer"), [row[1:] for row in REFERENCE], ids=[row[0] for row in REFERENCE]
)
def test_the_verdicts_of_the_reference(pair: tuple[Data, Data], consumer: Level, producer: Level) -> None:
    found = changes(*pair)
    assert max((c.level_for(Breaks.CONSUMER) for c in found), key=lambda one: one.rank) is consumer
    assert max((c.level_for(Breaks.PRODUCER) for c in found), key=lambda one: one.rank) is producer


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"logicalType": "integer", "physicalType": "BIGINT"}, {"logicalType": "integer"}),
        ({"logicalType": "integer"}, {"physicalType": "bigint"}),
        ({"physicalName": "a"}, {}),
        ({"primaryKey": True}, {"primaryKey": True, "required": True, "unique": True, "primaryKeyPosition": 1}),
        ({"physicalType": "STRUCT<x: INT>"}, {"properties": [{"name": "x", "physicalType": "int"}]}),
        ({"tags": []}, {}),
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}),
        ({"description": None}, {}),
        ({"enum": [{"value": "a"}, {"value": "b"}]}, {"enum": [{"value": "b"}, {"value": "a"}]}),
    ],
)
def test_what_means_the_same_is_no_change(old: Data, new: Data) -> None:
    assert changes(*_column(old, new)) == ()
    assert changes(*_column(new, old)) == ()


def test_version_label_alone_is_no_change() -> None:
    old, new = loaded(document(version="1.0.0")), loaded(document(version="7.0.0"))
    found = compare(old, new)
    assert (found.changes, found.level, found.required_version, found.version_ok) == ((), Level.NONE, "1.0.0", True)
