"""Meaning rather than text: grammars, constraints and types in detail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from diff_samples import Data, changes, column_changes, document

from lakepact.contract import Contract, load_contract
from lakepact.diff import compare

OLD_HEAD = {"apiVersion": "v3.0.2", "status": "active"}
NEW_HEAD = {"apiVersion": "v3.1.0", "status": "active"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"logicalType": "integer", "logicalTypeOptions": {"minimum": 1, "exclusiveMinimum": True}},
            {"logicalType": "integer", "logicalTypeOptions": {"exclusiveMinimum": 1}},
        ),
        (
            {"logicalType": "number", "logicalTypeOptions": {"maximum": 1, "exclusiveMaximum": True}},
            {"logicalType": "number", "logicalTypeOptions": {"exclusiveMaximum": 1.0}},
        ),
        (
            {"quality": [{"rule": "duplicateCount", "mustBe": 0, "type": "library"}]},
            {"quality": [{"metric": "duplicateValues", "mustBe": 0}]},
        ),
        ({"quality": [{"rule": "nullCheck"}]}, {"quality": [{"metric": "nullValues", "mustBe": 0}]}),
        ({"quality": [{"rule": "unique"}]}, {"quality": [{"metric": "duplicateValues", "mustBe": 0}]}),
        (
            {"quality": [{"rule": "validValues", "validValues": ["a"]}]},
            {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["a"]}}]},
        ),
        (
            {"quality": [{"type": "sql", "query": "SELECT count(${column}) FROM ${object}", "mustBe": 1}]},
            {"quality": [{"type": "sql", "query": "SELECT  count({property})\nFROM {object}", "mustBe": 1}]},
        ),
        (
            {"quality": [{"rule": "rowCount", "mustBeGreaterThan": 0, "mustBeLessThan": 9}]},
            {"quality": [{"metric": "rowCount", "mustBeBetween": [1, 8]}]},
        ),
    ],
)
def test_both_grammars_mean_the_same(old: Data, new: Data) -> None:
    before, after = document({"name": "a", **old}, **OLD_HEAD), document({"name": "a", **new}, **NEW_HEAD)
    assert [change.path for change in changes(before, after)] == ["apiVersion"]


def test_both_forms_of_the_team_are_one() -> None:
    members = [{"username": "u", "role": "owner"}]
    before, after = document(team=members, **OLD_HEAD), document(team={"members": members}, **NEW_HEAD)
    assert [change.path for change in changes(before, after)] == ["apiVersion"]


def integer(**option: Any) -> Data:
    return {"logicalType": "integer", "logicalTypeOptions": option}


def number(**option: Any) -> Data:
    return {"logicalType": "number", "logicalTypeOptions": option}


def typed(name: str, **option: Any) -> Data:
    return {"physicalType": name} | ({"logicalType": "number", "logicalTypeOptions": option} if option else {})


def moment(kind: str, **option: Any) -> Data:
    return {"logicalType": kind, "logicalTypeOptions": option}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (integer(exclusiveMinimum=0), integer(minimum=1)),
        (integer(minimum=0.5), integer(minimum=1)),
        (integer(minimum=1, exclusiveMinimum=2), integer(minimum=3)),
        (typed("DECIMAL(5,2)", exclusiveMaximum=1), typed("DECIMAL(5,2)", maximum=0.99)),
        (typed("INT", minimum=-2147483648), typed("INT")),
        (typed("TINYINT", maximum=1000), typed("TINYINT")),
        (integer(multipleOf=1), {"logicalType": "integer"}),
        (integer(multipleOf=0.5), {"logicalType": "integer"}),
        (typed("DECIMAL(5,2)", multipleOf=0.01), typed("DECIMAL(5,2)", multipleOf=0.005)),
        (moment("date", exclusiveMinimum="2024-01-01"), moment("date", minimum="2024-01-02")),
        (
            moment("timestamp", minimum="2024-01-01T00:00:00Z"),
            moment("timestamp", minimum="2024-01-01T01:00:00+01:00"),
        ),
        (moment("timestamp", minimum="2024-01-01"), moment("timestamp", minimum="2024-01-01T00:00:00Z")),
        (moment("time", minimum="08:00"), moment("time", minimum="08:00:00")),
        (moment("timestamp", defaultTimezone="Etc/UTC"), {"logicalType": "timestamp"}),
        (moment("timestamp", timezone=True), {"logicalType": "timestamp"}),
        (moment("string", minLength=0), {"logicalType": "string"}),
        (moment("array", uniqueItems=False), {"logicalType": "array"}),
        (integer(format="i64"), {"logicalType": "integer"}),
        (number(format="f64"), {"logicalType": "number"}),
        ({"logicalType": "integer", "physicalType": "BIGINT", **integer(format="i64")}, {"physicalType": "BIGINT"}),
        ({"physicalType": "VARCHAR(5)", **moment("string", maxLength=9)}, {"physicalType": "VARCHAR(5)"}),
    ],
)
def test_constraints_that_accept_the_same_values_are_no_change(old: Data, new: Data) -> None:
    assert column_changes(old, new) == []
    assert column_changes(new, old) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (number(exclusiveMinimum=0), number(minimum=0), ["minimum major consumer"]),
        (number(minimum=0), number(minimum=0, exclusiveMinimum=0), ["minimum major producer"]),
        (
            number(minimum=-1, maximum=1),
            number(minimum=-2, maximum=0),
            ["minimum major consumer", "maximum major producer"],
        ),
        (typed("INT", minimum=-2147483648), typed("BIGINT", minimum=-2147483648), ["type minor nobody"]),
        (typed("INT", minimum=0), typed("INT"), ["minimum major consumer"]),
        (integer(multipleOf=4), integer(multipleOf=2), ["multipleOf major consumer"]),
        (number(multipleOf=0.3), number(multipleOf=0.2), ["multipleOf major both"]),
        (
            moment("timestamp", minimum="2024-01-01"),
            moment("timestamp", minimum="2024-01-02"),
            ["minimum major producer"],
        ),
        (moment("date", minimum="soon"), moment("date", minimum="later"), ["minimum major both"]),
        (moment("date", maximum="2024-01-01"), moment("date", maximum="2025-01-01"), ["maximum major consumer"]),
        (moment("time", minimum="08:00"), moment("time", minimum="09:00"), ["minimum major producer"]),
        (
            moment("timestamp", defaultTimezone="Asia/Tokyo", minimum="2024-01-01"),
            moment("timestamp", minimum="2024-01-01"),
            ["minimum major producer", "defaultTimezone major both"],
        ),
        (integer(format="u8"), integer(format="u16"), ["type minor nobody", "format minor nobody"]),
        (integer(format="i32"), integer(format="i64"), ["type minor nobody"]),
        (integer(format="i32"), integer(format="u32"), ["type minor nobody", "format major both"]),
        (integer(format="u32"), integer(format="i32"), ["type major both", "format major both"]),
        (integer(format="u32"), {"logicalType": "string"}, ["type major both"]),
        (number(format="f32"), number(format="f64"), ["type minor nobody"]),
        (moment("string", format="password"), moment("string", format="binary"), ["format minor nobody"]),
        (moment("string", format="EMAIL"), moment("string", format="email"), []),
        (moment("date"), moment("date", format="yyyy-MM-dd"), ["format minor nobody"]),
        (moment("date", format="dd/MM/yyyy"), moment("date"), ["format major producer"]),
        (moment("time"), moment("time", format="HH:mm"), ["format major both"]),
        (
            {"logicalType": "date"},
            moment("date", format="dd/MM/yyyy HH:mm"),
            ["type major both", "format major producer"],
        ),
        (moment("timestamp"), moment("timestamp", timezone=False), ["type major both"]),
        (moment("string"), moment("string", maxLength=5), ["maxLength major producer"]),
        (moment("array", maxItems=5), moment("array"), ["maxItems major consumer"]),
        (
            moment("time", defaultTimezone="UTC"),
            moment("time", defaultTimezone="Asia/Tokyo"),
            ["defaultTimezone patch nobody"],
        ),
        (typed("INT", minimum=-2147483648), typed("BIGINT"), ["type minor nobody"]),
        (typed("INT"), typed("BIGINT", minimum=-2147483648), ["type minor nobody"]),
        (typed("INT"), typed("BIGINT", minimum=-3000000000), ["type minor nobody", "minimum major consumer"]),
        (
            moment("date", minimum="soon", exclusiveMinimum="2024-01-01"),
            moment("date", minimum="later", exclusiveMinimum="2024-01-01"),
            ["minimum major both"],
        ),
        (
            moment("vector", dimensions=3, elementType="int8"),
            moment("vector", dimensions=3, elementType="uint8"),
            ["elementType major producer", "items.type minor nobody"],
        ),
        (
            moment("vector", dimensions=3, elementType="uint8"),
            moment("vector", dimensions=3, elementType="float64"),
            ["elementType major consumer", "items.type minor nobody"],
        ),
        (
            moment("vector", dimensions=3, elementType="uint8"),
            moment("vector", dimensions=3, elementType="binary"),
            ["elementType major both", "items.type major both"],
        ),
        (
            moment("vector", dimensions=3, embeddingModel="m"),
            moment("vector", dimensions=3),
            ["embeddingModel major consumer"],
        ),
        (
            moment("vector", dimensions=3),
            moment("vector", dimensions=3, embeddingModel="m"),
            ["embeddingModel minor nobody"],
        ),
        (moment("time"), moment("time", timezone=False), ["timezone minor nobody"]),
        (moment("array", uniqueItems=True), moment("array"), ["uniqueItems major consumer"]),
        (moment("object", required=["x"]), moment("object", required=["x", "y"]), ["required major producer"]),
        (
            moment("vector", dimensions=3),
            moment("vector", dimensions=4, elementType="float64"),
            ["dimensions major both", "elementType minor nobody", "items.type minor nobody"],
        ),
        (
            {"physicalType": "VARCHAR(5)", **moment("string", maxLength=9)},
            {"physicalType": "VARCHAR(5)", **moment("string", maxLength=4)},
            ["maxLength major producer"],
        ),
    ],
)
def test_constraints_as_sets_of_accepted_values(old: Data, new: Data, found: list[str]) -> None:
    assert [one.removeprefix("logicalTypeOptions.") for one in column_changes(old, new)] == found


@pytest.mark.parametrize(
    ("old", "new", "level"),
    [
        ("TINYINT", "SMALLINT", "minor"),
        ("SMALLINT", "BIGINT", "minor"),
        ("BIGINT", "INT", "major"),
        ("FLOAT", "DOUBLE", "minor"),
        ("DOUBLE", "FLOAT", "major"),
        ("DECIMAL(18,2)", "DECIMAL(20,4)", "minor"),
        ("DECIMAL(18,2)", "DECIMAL(20,5)", "major"),
        ("DECIMAL(18,2)", "DECIMAL(18,4)", "major"),
        ("DECIMAL(18,2)", "DECIMAL(20,1)", "major"),
        ("INT", "DECIMAL(10,0)", "minor"),
        ("INT", "DECIMAL(11,2)", "major"),
        ("INT", "DECIMAL(12,2)", "minor"),
        ("BIGINT", "DECIMAL(19,0)", "major"),
        ("BIGINT", "DECIMAL(20,0)", "minor"),
        ("BIGINT", "DOUBLE", "major"),
        ("DATE", "TIMESTAMP_NTZ", "minor"),
        ("DATE", "TIMESTAMP", "major"),
        ("TIMESTAMP", "TIMESTAMP_NTZ", "major"),
        ("VARCHAR(5)", "VARCHAR(6)", "minor"),
        ("VARCHAR(5)", "STRING", "minor"),
        ("STRING", "VARCHAR(5)", "major"),
        ("STRING", "BINARY", "major"),
        ("INT", "STRING", "major"),
        ("ARRAY<INT>", "STRING", "major"),
    ],
)
def test_types_widen_as_delta_widens_them(old: str, new: str, level: str) -> None:
    breaks = "nobody" if level == "minor" else "both"
    assert column_changes({"physicalType": old}, {"physicalType": new}) == [f"type {level} {breaks}"]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("ARRAY<INT>", "ARRAY<BIGINT>", ["items.type minor nobody"]),
        ("STRUCT<x: INT>", "STRUCT<X: INT>", ["properties.X major both"]),
        ("MAP<STRING, INT>", "MAP<STRING, DOUBLE>", ["map.value.type minor nobody"]),
        ("MAP<INT, INT>", "MAP<STRING, INT>", ["map.key.type major both"]),
        ("STRUCT<x: INT>", "STRUCT<x: INT, y: INT>", ["properties.y minor nobody"]),
        ("STRUCT<x: INT, y: INT>", "STRUCT<x: INT>", ["properties.y major consumer"]),
        ("STRUCT<x: INT>", "STRUCT<x: INT NOT NULL>", ["properties.x.required major producer"]),
        ("ARRAY<STRUCT<x: INT>>", "ARRAY<STRUCT<x: DATE>>", ["items.properties.x.type major both"]),
    ],
)
def test_parts_of_types_are_compared_one_by_one(old: str, new: str, found: list[str]) -> None:
    assert column_changes({"physicalType": old}, {"physicalType": new}) == found


def test_parts_may_be_declared_in_either_way() -> None:
    physical = {"physicalType": "STRUCT<x: INT, y: ARRAY<STRING>>"}
    declared = {
        "logicalType": "object",
        "properties": [
            {"name": "x", "physicalName": "x", "physicalType": "INT"},
            {"name": "y", "logicalType": "array", "items": {"logicalType": "string", "required": True}},
        ],
    }
    assert column_changes(physical, declared) == ["properties.y.items.required major producer"]


@pytest.mark.parametrize("number", ["1e-999999999", "0e-999999999", "1" + "0" * 400, "1e-350"])
def test_numbers_that_would_fill_the_memory_are_compared_as_they_are_written(number: str) -> None:
    def of(value: str) -> Contract:
        step = "1" if "e-" in value else value
        option = f'{{"minimum": {value}, "multipleOf": {step}}}'
        rule = f'{{"id": "r", "metric": "nullValues", "mustBe": {value}}}'
        column = f'{{"name": "a", "logicalType": "number", "logicalTypeOptions": {option}, "quality": [{rule}]}}'
        level = f'"slaProperties": [{{"property": "latency", "value": "{value}", "unit": "d"}}]'
        text = json.dumps(document({"name": "a"})).replace('{"name": "a"}', column)
        return load_contract((text[:-1] + f", {level}}}").encode())

    assert compare(of(number), of(number)).changes == ()
    assert len(compare(of(number), of("2")).changes) >= 3
    assert all(len(change.sentence) < 300 for change in compare(of(number), of("2")).changes)


def test_a_declared_field_is_that_of_the_physical_type_whatever_its_case() -> None:
    declared = {"physicalType": "STRUCT<X: INT>", "properties": [{"name": "x", "logicalType": "integer"}]}
    assert column_changes(declared, {**declared, "properties": [{"name": "x", "physicalType": "INT"}]}) == []
