"""Elements that are found again: renames, references, rules, service levels, servers, and what the model lacks."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from diff_samples import Data, changes, column_changes, document, loaded

from lakepact.contract import load_contract
from lakepact.diff import ChangeKind, compare
from lakepact.diff.thresholds import threshold_relation


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
        (rules({**SQL, "mustBe": True}), rules(SQL), ["sql.threshold major both"]),
        (rules(SQL), rules({**SQL, "unit": "percent"}), ["sql.unit patch nobody"]),
        (rules(NULLS), rules({**NULLS, "unit": "percent"}), []),
        (rules({**NULLS, "method": "x"}), rules({**NULLS, "method": "y"}), ["nullValues.method minor nobody"]),
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
        return document(
            {"name": "a", "quality": [{"rule": "between", "customProperties": own}]},
            apiVersion="v3.0.2",
            status="active",
        )

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
            ["property patch nobody"],
        ),
        (
            level(property="freshness", value=60, unit="min"),
            level(property="latency", value=1, unit="h"),
            ["property patch nobody"],
        ),
        (level(property="retention", value=12, unit="months"), level(property="retention", value=1, unit="year"), []),
        (level(property="latency", value=1, unit="m"), level(property="latency", value=1, unit="m"), []),
        (
            level(property="latency", value=1, unit="m"),
            level(property="latency", value=1, unit="min"),
            ["value major consumer"],
        ),
        (
            level(property="endOfLife", value="2030-01-01"),
            level(property="endOfLife", value="2031-01-01"),
            ["value minor nobody"],
        ),
        (
            level(property="endOfLife", value="2031-01-01"),
            level(property="endOfLife", value="2030-01-01"),
            ["value major consumer"],
        ),
        (
            level(property="timeOfAvailability", value="09:00-08:00"),
            level(property="timeOfAvailability", value="17:00Z"),
            [],
        ),
        (
            level(property="timeOfAvailability", value="09:00"),
            level(property="timeOfAvailability", value="08:00"),
            ["value minor nobody"],
        ),
        (
            level(property="availability", value=99, unit="%"),
            level(property="availability", value=99.0, unit="percent"),
            [],
        ),
        (level(property="availability", value=99), level(property="availability", value=98), ["value major consumer"]),
        (level(property="mine", value=1), level(property="mine", value=2), ["value major consumer"]),
        (level(property="mine", value="x"), level(property="mine", value="y"), ["value major consumer"]),
        (
            level(property="latency", value=1, unit="d", element="t.a"),
            level(property="latency", value=1, unit="d", element="t.a, t.b"),
            ["element major producer"],
        ),
    ],
)
def test_service_levels_are_compared_in_one_unit(old: Data, new: Data, found: list[str]) -> None:
    shown = [f"{c.path.rpartition('.')[2]} {c.level.value} {c.breaks.value}" for c in changes(old, new)]
    assert shown == found


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ("1000 ms", "1 s"),
        ("60 sec", "1 min"),
        ("60 minutes", "1 h"),
        ("24 hours", "1 d"),
        ("7 d", "1 wk"),
        ("12 mo", "1 y"),
    ],
)
def test_units_of_time_are_one(small: str, large: str) -> None:
    sides = [dict(zip(("value", "unit"), text.split(), strict=True)) for text in (small, large)]
    assert changes(*(level(property="latency", **side) for side in sides)) == ()


def test_a_service_level_of_another_kind_shows_both_kinds() -> None:
    sides = [document(slaProperties=[{"id": "s", "property": name, "value": 1}]) for name in ("latency", "retention")]
    assert [(c.path, c.old, c.new, c.breaks.value) for c in changes(*sides)] == [
        ("slaProperties.s.property", "latency", "retention", "both")
    ]


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
    moved = changes(document(**old), document(**new))[0]
    assert (moved.old_place.path, moved.new_place.path) == ("support[0].url", "support[1].url")


def test_six_levels_of_nesting_cost_no_more_for_a_property_than_flat_ones() -> None:
    def calls(column: Data, *more: Data) -> int:
        contract = loaded(document(column, *more))
        made: list[str] = []
        # The profiler of the standard library may loop for ever where garbage is collected under it.
        sys.setprofile(lambda frame, event, arg: made.append(event) if event in ("call", "c_call") else None)
        try:
            found = compare(contract, contract)
        finally:
            sys.setprofile(None)
        assert found.changes == ()
        return len(made)

    nested: Data = {"name": "x", "logicalType": "string"}
    for _ in range(6):
        nested = {"name": "x", "logicalType": "object", "properties": [nested]}
    flat = [{"name": f"x{index}", "logicalType": "string"} for index in range(7)]
    assert calls(nested) < 1.5 * calls(flat[0], *flat[1:])


@pytest.mark.parametrize(
    ("old", "new", "relation"),
    [
        ({"mustBeGreaterOrEqualTo": 0}, {"mustBeGreaterOrEqualTo": 0, "unit": "percent"}, "SAME"),
        ({"mustBeGreaterOrEqualTo": 0}, {"mustBeLessThan": 5, "unit": "percent"}, "TIGHTER"),
        ({"mustBeLessThan": 5}, {"mustBeLessOrEqualTo": 100, "unit": "percent"}, "LOOSER"),
        ({"mustBe": 0}, {"mustBeLessThan": 5, "unit": "percent"}, "LOOSER"),
        ({"mustBeLessThan": 5}, {"mustBe": 0, "unit": "percent"}, "TIGHTER"),
        ({"mustBe": 0}, {"mustBeGreaterThan": 5, "unit": "percent"}, "OTHER"),
        ({"mustBeLessThan": 5}, {"mustBeLessThan": 5, "unit": "percent"}, "OTHER"),
        ({"mustBeLessThan": 5.5}, {"mustBeLessOrEqualTo": 5}, "SAME"),
        ({"mustBeLessThan": 5.5, "unit": "percent"}, {"mustBeLessOrEqualTo": 5, "unit": "percent"}, "TIGHTER"),
        ({"mustNotBe": 3}, {"mustNotBeBetween": [2, 4]}, "TIGHTER"),
        ({"mustNotBeBetween": [2, 4]}, {"mustBeLessThan": 2}, "TIGHTER"),
        ({"mustNotBeBetween": [0, 4]}, {"mustBeGreaterThan": 4}, "SAME"),
        ({"mustBe": 1}, {"mustBe": 2}, "OTHER"),
        ({"mustNotBe": 3.5}, {"mustBeGreaterOrEqualTo": 0}, "SAME"),
        ({"mustBeBetween": [1, 2]}, {"mustBeBetween": [0.5, 2.5]}, "SAME"),
        ({"mustBeGreaterThan": 1}, {"mustBeGreaterOrEqualTo": 1}, "LOOSER"),
    ],
)
def test_thresholds_are_sets_of_values(old: Data, new: Data, relation: str) -> None:
    sides = [document({"name": "a", "quality": [{"metric": "nullValues", **one}]}) for one in (old, new)]
    before, after = (loaded(side).schema[0].properties[0].quality[0] for side in sides)
    assert threshold_relation(before, after).name == relation
    mirrored = {"TIGHTER": "LOOSER", "LOOSER": "TIGHTER"}
    assert threshold_relation(after, before).name == mirrored.get(relation, relation)


def test_elements_that_moved_are_compared_with_what_they_were() -> None:
    first = {"name": "a", "synonyms": [{"synonym": "x", "locale": "de"}], "description": "same"}
    second = {"name": "b", "synonyms": [{"synonym": "x", "locale": "en"}]}
    found = changes(document(first, second), document(second, {**first, "description": "other"}))
    assert [change.path for change in found] == ["schema.t.properties", "schema.t.properties.a.description"]
    assert (found[1].old_place.path, found[1].new_place.path) == (
        "schema[0].properties[0].description",
        "schema[0].properties[1].description",
    )


def test_keys_of_a_renamed_object_are_its_keys() -> None:
    def of(name: str, *key: str) -> Data:
        columns = [{"name": one, "primaryKey": one in key, "partitioned": True, "required": True} for one in "ab"]
        return document(*columns, of_object={"name": name, "id": "o"})

    assert [change.kind.value for change in changes(of("t", "a"), of("u", "a"))] == ["renamed"]
    assert [change.kind.value for change in changes(of("t", "a", "b"), of("u", "a", "b"))] == ["renamed"]


def test_a_server_may_be_renamed_by_id() -> None:
    def at(name: str) -> Data:
        return document(servers=[{"server": name, "id": "i", "type": "custom", "host": "h"}])

    (change,) = changes(at("p"), at("q"))
    assert (change.path, change.kind, change.level.value, change.sentence) == (
        "servers.q",
        ChangeKind.RENAMED,
        "minor",
        "Server `q` was called `p` before.",
    )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ({"tags": ["x", "y"]}, {"tags": ["y", "z"]}, "`t.a`: `tags` gained 'z' and lost 'x'."),
        (
            {"physicalType": "int"},
            {"physicalType": "INT"},
            "`t.a`: the type is spelled 'INT', it was 'int'.",
        ),
        ({"tags": ["x"]}, {}, "`t.a`: `tags` was removed, it was 'x'."),
        ({}, {"enum": [{"value": 1}]}, "`t.a`: the value must be one of 1 now."),
        ({"enum": [{"value": 1}]}, {}, "`t.a`: every value is allowed now."),
        (
            {"enum": [{"value": "x"}]},
            {"enum": [{"value": "y"}]},
            "`t.a`: the allowed values gained 'y' and lost 'x'.",
        ),
        (
            {"physicalType": "INT"},
            {"physicalType": "DOUBLE"},
            "`t.a`: the type widened from INT to DOUBLE: Delta widens it only by ALTER COLUMN TYPE.",
        ),
        (
            {"primaryKey": True, "required": True, "unique": True},
            {"required": True, "unique": True},
            "`t`: the primary key was removed, it was 'a'.",
        ),
        ({"required": True, "unique": True}, {"primaryKey": True}, "`t`: the primary key was added, 'a'."),
    ],
)
def test_sentences_say_what_happened(old: Data, new: Data, sentence: str) -> None:
    assert [change.sentence for change in changes(document({"name": "a", **old}), document({"name": "a", **new}))] == [
        sentence
    ]


def test_tags_for_people_are_patches_and_marks_of_personal_data_are_not() -> None:
    assert column_changes({"tags": ["x"]}, {"tags": ["y"]}) == ["tags patch nobody"]
    assert column_changes({"tags": ["x"]}, {"tags": ["x", "class:PII"]}) == ["tags minor nobody"]


def test_an_address_by_id_is_read_in_the_contract_that_it_stands_in() -> None:
    def of(table: str, column: str) -> Data:
        columns = (
            {"name": "a", "id": column},
            {"name": "b", "relationships": [{"to": f"schema/{table}/properties/{column}"}]},
        )
        return document(*columns, of_object={"id": table})

    assert [change.path for change in changes(of("t1", "a1"), of("t2", "a2"))] == [
        "schema.t.id",
        "schema.t.properties.a.id",
    ]


def test_what_came_stands_only_in_the_new_document() -> None:
    (change,) = changes(document(), document(team={"name": "x"}))
    assert (change.path, change.old_place.line, change.new_place.path) == ("team.name", 0, "team.name")
    assert changes(document(team={"name": "x"}), document())[0].new_place.line == 0


def test_an_object_of_another_case_has_not_the_same_id() -> None:
    (change,) = changes(document(of_object={"id": "o"}), document(of_object={"name": "T"}))[:1]
    assert change.sentence == (
        "`T` was called `t` before (only the case differs): readers of the old name need an alias for a while."
    )


def test_arguments_of_a_rule_on_a_query_result_have_no_direction() -> None:
    def of(*values: str) -> Data:
        return rules({"metric": "invalidValues", "mustBe": "x", "arguments": {"validValues": list(values)}})

    assert column_changes(of("a"), of("a", "b")) == ["quality.invalidValues.arguments.validValues major both"]


def test_a_kind_of_object_that_is_said_for_the_first_time_is_a_patch() -> None:
    (there,) = changes(document(), document(of_object={"physicalType": "topic"}))
    (back,) = changes(document(of_object={"physicalType": "topic"}), document())
    assert (there.kind, there.level.value, back.kind, back.level.value) == (
        ChangeKind.ADDED,
        "patch",
        ChangeKind.REMOVED,
        "patch",
    )
