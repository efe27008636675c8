"""Meaning rather than text: grammars, types, bounds, units, rules and renames in detail."""

from __future__ import annotations

import cProfile
from typing import Any

import pytest
from diff_samples import Data, changes, column_changes, document, loaded

from lakepact.diff import ChangeKind, compare

OLD_HEAD = {"apiVersion": "v3.0.2", "status": "active"}
NEW_HEAD = {"apiVersion": "v3.1.0", "status": "active"}


def old_rule(**rule: Any) -> Data:
    return {"name": "a", "logicalType": "string", "quality": [rule]}


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
        (moment("time"), moment("time", format="HH:mm"), ["format major both"]),
        (
            {"logicalType": "date"},
            moment("date", format="dd/MM/yyyy HH:mm"),
            ["type major both", "format major producer"],
        ),
        (moment("timestamp"), moment("timestamp", timezone=False), ["type major both"]),
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
            {"name": "x", "physicalType": "INT"},
            {"name": "y", "logicalType": "array", "items": {"logicalType": "string", "required": True}},
        ],
    }
    assert column_changes(physical, declared) == ["properties.y.items.required major producer"]


def test_a_nested_rename_shows_what_else_changed_under_the_new_name() -> None:
    def nested(name: str, kind: str) -> Data:
        inner = {"name": name, "id": "i", "physicalType": kind}
        return document({"name": "a", "logicalType": "object", "properties": [inner, {"name": "other"}]})

    renamed, widened = changes(nested("x", "INT"), nested("y", "BIGINT"))
    assert (renamed.path, renamed.kind, renamed.old, renamed.new) == (
        "schema.t.properties.a.properties.y",
        ChangeKind.RENAMED,
        "x",
        "y",
    )
    assert renamed.sentence == (
        "`t.a.y` was called `x` before (same id): readers of the old name need an alias for a while."
    )
    assert (widened.path, widened.old, widened.new) == ("schema.t.properties.a.properties.y.type", "INT", "BIGINT")


def test_what_refers_to_a_renamed_property_follows_it() -> None:
    def named(name: str) -> Data:
        return document(
            {"name": name, "id": "i", "primaryKey": True, "partitioned": True},
            {"name": "b", "relationships": [{"to": f"t.{name}"}]},
            of_object={
                "quality": [{"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": [name]}, "id": "q"}]
            },
            slaProperties=[{"property": "latency", "value": 1, "unit": "d", "element": f"t.{name}"}],
        )

    assert [change.kind.value for change in changes(named("a"), named("z"))] == ["renamed"]


def test_addresses_of_both_notations_are_one() -> None:
    columns = ({"name": "a", "id": "ai"}, {"name": "b"})
    old = document(columns[0], {**columns[1], "relationships": [{"to": "t.a"}]}, of_object={"id": "ti"})
    new = document(
        columns[0], {**columns[1], "relationships": [{"to": "schema/ti/properties/ai"}]}, of_object={"id": "ti"}
    )
    assert changes(old, new) == ()


def test_a_name_of_another_case_is_one_property() -> None:
    (change,) = changes(document({"name": "a"}), document({"name": "A"}))
    assert (change.kind, change.path) == (ChangeKind.RENAMED, "schema.t.properties.A")
    assert "(only the case differs)" in change.sentence


def test_an_explicit_physical_name_of_the_old_column_keeps_it() -> None:
    old, new = document({"name": "a", "id": "i"}), document({"name": "b", "id": "i", "physicalName": "a"})
    assert [(c.kind.value, c.breaks.value) for c in changes(old, new)] == [("renamed", "consumer")]


def test_a_swap_of_names_is_two_renames() -> None:
    old = document({"name": "a", "id": "1"}, {"name": "b", "id": "2"})
    new = document({"name": "b", "id": "1"}, {"name": "a", "id": "2"})
    assert [(c.path, c.kind.value) for c in changes(old, new)] == [
        ("schema.t.properties.b", "renamed"),
        ("schema.t.properties.a", "renamed"),
    ]


def test_doubled_names_are_told_apart() -> None:
    old, new = document({"name": "a"}, {"name": "a"}), document({"name": "a"}, {"name": "a", "required": True})
    assert [change.path for change in changes(old, new)] == ['schema.t.properties["a[2]"].required']


def test_nested_requirements_may_be_listed_by_the_object() -> None:
    inner = {"name": "x", "logicalType": "string"}
    listed = {"logicalType": "object", "properties": [inner], "logicalTypeOptions": {"required": ["x"]}}
    direct = {"logicalType": "object", "properties": [{**inner, "required": True}]}
    assert column_changes(listed, direct) == []
    assert column_changes(listed, {**direct, "properties": [inner]}) == ["properties.x.required major consumer"]


def rules(*entries: Data) -> Data:
    return {"quality": list(entries)}


NULLS = {"metric": "nullValues", "mustBe": 0}
SQL = {"type": "sql", "query": "SELECT 1", "mustBe": 1}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (rules({**NULLS, "id": "x"}), rules({**NULLS, "id": "x", "name": "n"}), ["x.name patch nobody"]),
        (
            rules({**NULLS, "name": "x"}),
            rules({"metric": "rowCount", "mustBe": 0, "name": "x"}),
            ["x.metric major both"],
        ),
        (rules(NULLS), rules({**NULLS, "mustBe": 3, "id": "new"}), ["new.id patch nobody", "new.threshold major both"]),
        (rules(NULLS, SQL), rules(SQL, NULLS), []),
        (
            rules({"metric": "rowCount", "mustBeGreaterThan": 1}, {"metric": "rowCount", "mustBeLessThan": 9}),
            rules({"metric": "rowCount", "mustBeLessThan": 9}, {"metric": "rowCount", "mustBeGreaterThan": 1}),
            [],
        ),
        (rules(SQL), rules({**SQL, "query": "SELECT 2"}), ["sql.query major both"]),
        (rules(SQL), rules({**SQL, "mustBe": True}), ["sql.threshold major both"]),
        (rules({**SQL, "mustBe": True}), rules({"type": "sql", "query": "SELECT 1", "mustBe": True}), []),
        (rules(SQL), rules({**SQL, "unit": "percent"}), ["sql.unit patch nobody"]),
        (rules(NULLS), rules({**NULLS, "unit": "percent"}), []),
        (rules(NULLS), rules({"metric": "nullValues", "mustBeLessThan": 1}), []),
        (
            rules({"metric": "nullValues", "mustBeLessThan": 1, "unit": "percent"}),
            rules(NULLS),
            ["nullValues.threshold major producer"],
        ),
        (
            rules({"metric": "nullValues", "mustBeLessThan": 5, "severity": "warning"}),
            rules({"metric": "nullValues", "mustBeLessThan": 9, "severity": "warning"}),
            ["nullValues.threshold minor nobody"],
        ),
        (
            rules({"metric": "nullValues", "mustBeLessThan": 5, "severity": "warning"}),
            rules({"metric": "nullValues", "mustBeLessThan": 4, "severity": "error"}),
            ["nullValues.threshold major producer", "nullValues.severity major producer"],
        ),
        (rules({"type": "text", "description": "x"}), rules(), ["text minor nobody"]),
        (
            rules({"type": "text", "description": "x"}),
            rules({"type": "text", "description": "y"}),
            ["text.description minor nobody"],
        ),
        (
            rules({"type": "custom", "engine": "soda", "implementation": "a"}),
            rules({"type": "custom", "engine": "Soda", "implementation": "b"}),
            ["Soda.implementation major both"],
        ),
        (
            rules({"type": "custom", "engine": "soda", "implementation": "a"}),
            rules({"type": "custom", "engine": "soda", "implementation": "b"}),
            ["soda.implementation major both"],
        ),
        (
            rules({"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["a"]}}),
            rules({"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["a"], "pattern": "x"}}),
            ["invalidValues.arguments.pattern major producer"],
        ),
        (
            rules({"metric": "invalidValues", "mustBeGreaterThan": 3, "arguments": {"validValues": ["a"]}}),
            rules({"metric": "invalidValues", "mustBeGreaterThan": 3, "arguments": {"validValues": ["a", "b"]}}),
            ["invalidValues.arguments.validValues major both"],
        ),
    ],
)
def test_rules_are_found_again_and_compared_by_what_they_accept(old: Data, new: Data, found: list[str]) -> None:
    assert [one.removeprefix("quality.") for one in column_changes(old, new)] == found


def test_a_key_of_more_columns_has_fewer_duplicates() -> None:
    def of(*names: str) -> Data:
        rule = {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": list(names)}, "id": "q"}
        return document({"name": "a"}, {"name": "b"}, {"name": "c"}, of_object={"quality": [rule]})

    assert [c.breaks.value for c in changes(of("a"), of("a", "b"))] == ["consumer"]
    assert [c.breaks.value for c in changes(of("a", "b"), of("a"))] == ["producer"]
    assert [c.breaks.value for c in changes(of("a", "b"), of("a", "c"))] == ["both"]
    assert changes(of("a", "b"), of("b", "a")) == ()


def test_limits_of_v3_0_range_rules_are_compared() -> None:
    def of(high: int) -> Data:
        own = [{"property": "min", "value": 1}, {"property": "max", "value": high}]
        return document({"name": "a", "quality": [{"rule": "between", "customProperties": own}]}, **OLD_HEAD)

    assert ("schema.t.properties.a.quality.between.max", "major") in [
        (change.path, change.level.value) for change in changes(of(5), of(6))
    ]


def level(**said: Any) -> Data:
    return document({"name": "a"}, {"name": "b"}, slaProperties=[said])


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            level(property="latency", value=1, unit="d"),
            level(property="ly", value="24", unit="hours"),
            ["property patch"],
        ),
        (
            level(property="freshness", value=60, unit="min"),
            level(property="latency", value=1, unit="h"),
            ["property patch"],
        ),
        (level(property="retention", value=12, unit="months"), level(property="retention", value=1, unit="year"), []),
        (level(property="latency", value=1, unit="m"), level(property="latency", value=1, unit="m"), []),
        (level(property="latency", value=1, unit="m"), level(property="latency", value=1, unit="min"), ["value major"]),
        (
            level(property="endOfLife", value="2030-01-01"),
            level(property="endOfLife", value="2031-01-01"),
            ["value minor"],
        ),
        (
            level(property="endOfLife", value="2031-01-01"),
            level(property="endOfLife", value="2030-01-01"),
            ["value major"],
        ),
        (
            level(property="timeOfAvailability", value="09:00-08:00"),
            level(property="timeOfAvailability", value="17:00Z"),
            [],
        ),
        (
            level(property="timeOfAvailability", value="09:00"),
            level(property="timeOfAvailability", value="08:00"),
            ["value minor"],
        ),
        (
            level(property="availability", value=99, unit="%"),
            level(property="availability", value=99.0, unit="percent"),
            [],
        ),
        (level(property="availability", value=99), level(property="availability", value=98), ["value major"]),
        (level(property="mine", value=1), level(property="mine", value=2), ["value major"]),
        (level(property="mine", value="x"), level(property="mine", value="y"), ["value major"]),
        (
            level(property="latency", value=1, unit="d", element="t.a"),
            level(property="latency", value=1, unit="d", element="t.a, t.b"),
            ["element major"],
        ),
    ],
)
def test_service_levels_are_compared_in_one_unit(old: Data, new: Data, found: list[str]) -> None:
    assert [f"{change.path.rpartition('.')[2]} {change.level.value}" for change in changes(old, new)] == found


def test_the_default_element_is_that_of_service_levels_without_one() -> None:
    old = document(slaProperties=[{"property": "latency", "value": 1, "unit": "d"}], slaDefaultElement="t.a")
    new = document(slaProperties=[{"property": "latency", "value": 1, "unit": "d", "element": "t.a"}])
    assert [(change.path, change.level.value) for change in changes(old, new)] == [("slaDefaultElement", "patch")]


def test_unity_catalog_does_not_tell_case_apart() -> None:
    def at(catalog: str, kind: str = "databricks") -> Data:
        return document(servers=[{"server": "p", "type": kind, "catalog": catalog, "schema": "s", "host": "h"}])

    (change,) = changes(at("Main"), at("main"))
    assert (change.path, change.level.value) == ("servers.p.catalog", "patch")


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("restricted", "public", "major"),
        ("restricted", "confidential", "major"),
        ("green", "red", "major"),
        ("Internal", "internal", "patch"),
        ("public", "Top-Secret", "minor"),
    ],
)
def test_classifications_have_an_order(old: str, new: str, found: str) -> None:
    assert [one.split()[1] for one in column_changes({"classification": old}, {"classification": new})] == [found]


def test_another_contract_is_said_to_be_one() -> None:
    (change,) = changes(document(id="a"), document(id="b"))
    assert change.sentence == "The contract: `id` changed from 'a' to 'b': another id is another contract."


def test_places_of_both_documents_are_given() -> None:
    old = b"apiVersion: v3.2.0\nkind: DataContract\nid: c\nversion: 1.0.0\nstatus: active\n"
    new = b"# later\n" + old.replace(b"active", b"retired")
    from lakepact.contract import load_contract

    (change,) = compare(load_contract(old), load_contract(new)).changes
    assert (change.old_place.line, change.old_place.column, change.new_place.line) == (5, 9, 6)
    (removed,) = changes(document({"name": "a"}), document())
    assert (removed.old_place.path, removed.new_place.line) == ("schema[0].properties[0]", 0)


def test_what_the_model_does_not_hold_is_compared_entry_by_entry() -> None:
    old = {
        "support": [{"channel": "a", "url": "https://x"}, {"channel": "b"}],
        "contractCreatedTs": "2024-01-01T00:00:00Z",
    }
    new = {"support": [{"channel": "b"}, {"channel": "a", "url": "https://y"}, {"channel": "c"}]}
    assert [(c.path, c.kind.value) for c in changes(document(**old), document(**new))] == [
        ("support.a.url", "changed"),
        ("support.c", "added"),
        ("contractCreatedTs", "removed"),
    ]


def test_six_levels_of_nesting_cost_no_more_for_a_property_than_flat_ones() -> None:
    def calls(column: Data, *more: Data) -> int:
        contract = loaded(document(column, *more))
        profile = cProfile.Profile()
        assert profile.runcall(compare, contract, contract).changes == ()
        return sum(entry.callcount for entry in profile.getstats())

    nested: Data = {"name": "x", "logicalType": "string"}
    for _ in range(6):
        nested = {"name": "x", "logicalType": "object", "properties": [nested]}
    flat = [{"name": f"x{index}", "logicalType": "string"} for index in range(7)]
    assert calls(nested) < 1.5 * calls(flat[0], *flat[1:])
