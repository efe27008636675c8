"""Compiled rules: ids, exact SQL, keys, streams, references, service levels, and the time that compiling takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakepact.contract import load_contract
from lakepact.contract.model import Contract
from lakepact.rules import Policy, compile_rules
from lakepact.rules.model import (
    Action,
    Aggregate,
    DatasetRule,
    DuplicateRows,
    Enforcement,
    ObjectRules,
    OrphanRows,
    RowRule,
    RowRuleKind,
    RuleSet,
)
from lakepact.rules.policy import PolicyEntry
from speed import best_cpu_seconds, cpu_limit


def contract(*objects: dict[str, Any], version: str = "v3.2.0", **more: Any) -> Contract:
    document = {"apiVersion": version, "kind": "DataContract", "id": "shop", "version": "1.0.0", "status": "active"}
    return load_contract(json.dumps(document | {"schema": list(objects)} | more).encode(), file="shop.yaml")


def table(*properties: dict[str, Any], name: str = "orders", **more: Any) -> dict[str, Any]:
    return {"name": name, "properties": list(properties)} | more


def prop(name: str, logical_type: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": logical_type} | more


def rows(rules: ObjectRules | None) -> dict[str, str]:
    assert rules is not None
    return {rule.name: rule.predicate for rule in rules.row_rules}


def one(rules: RuleSet, rule_id: str) -> RowRule | DatasetRule:
    return next(rule for rule in rules.all_rules() if rule.id == rule_id)


def clause(rules: RuleSet, path: str) -> tuple[Enforcement, tuple[str, ...], str]:
    found = next(clause for clause in rules.coverage.clauses if clause.path == path)
    return found.enforcement, found.rules, found.reason


ORDERS = table(
    prop("id", "integer", primaryKey=True, required=True, logicalTypeOptions={"minimum": 1}),
    prop("unit price", "number", physicalName="price`s", logicalTypeOptions={"minimum": 0, "maximum": 9.5}),
    prop("sku", logicalTypeOptions={"pattern": "^[A-Z]{2}$", "maxLength": 9}, unique=True),
    prop("placed", "timestamp", logicalTypeOptions={"minimum": "2020-01-01", "defaultTimezone": "Asia/Tokyo"}),
    prop("address", "object", properties=[prop("city", required=True, logicalTypeOptions={"minLength": 1})]),
    prop("lines", "array", items={"logicalType": "object", "properties": [prop("n", "integer", required=True)]}),
)


def test_the_sql_of_rules() -> None:
    assert rows(compile_rules(contract(ORDERS)).object("orders")) == {
        "id.type": "",
        "id.required": "`id` IS NOT NULL",
        "id.minimum": "`id` IS NULL OR `id` >= 1",
        "unit price.type": "",
        "unit price.minimum": "`price``s` IS NULL OR (`price``s` >= 0.0D AND NOT isnan(`price``s`))",
        "unit price.maximum": "`price``s` IS NULL OR `price``s` <= 9.5D",
        "sku.pattern": r"`sku` IS NULL OR `sku` RLIKE '^[A-Z]{2}\\z'",
        "sku.maxLength": "`sku` IS NULL OR char_length(`sku`) <= 9",
        "placed.type": "",
        "placed.minimum": "`placed` IS NULL OR `placed` >= TIMESTAMP'2019-12-31 15:00:00Z'",
        "address.type": "",
        "address.city.required": "`address` IS NULL OR `address`.`city` IS NOT NULL",
        "address.city.minLength": "`address`.`city` IS NULL OR char_length(`address`.`city`) >= 1",
        "lines.type": "",
        "lines[].n.required": "`lines` IS NULL OR forall(`lines`, _v1 -> _v1 IS NULL OR _v1.`n` IS NOT NULL)",
        "primaryKey": "",
        "sku.unique": "",
    }


def test_what_a_rule_knows_of_itself() -> None:
    rules = compile_rules(contract(ORDERS))
    rule = one(rules, "orders.unit price.minimum")
    assert isinstance(rule, RowRule)
    assert rule.columns == ("price`s",)
    assert rule.clauses == ("schema[0].properties[1].logicalTypeOptions.minimum",)
    assert rule.description == "unit price is at least 0"
    assert rule.place.path == "schema[0].properties[1]"
    assert clause(rules, rule.clauses[0]) == (Enforcement.ROW, (rule.id,), "")


def test_typed_columns() -> None:
    found = compile_rules(contract(ORDERS)).objects[0].columns
    assert [(c.name, c.property, c.type.ddl, c.required, c.zone) for c in found[:4]] == [
        ("id", "id", "BIGINT", True, "UTC"),
        ("price`s", "unit price", "DOUBLE", False, "UTC"),
        ("sku", "sku", "STRING", False, "UTC"),
        ("placed", "placed", "TIMESTAMP", False, "Asia/Tokyo"),
    ]


def test_a_format_that_spark_cannot_read_is_reported_and_not_used() -> None:
    given = prop("d", "date", logicalTypeOptions={"format": "YYYY-MM-DD"})
    rules = compile_rules(contract(table(given)))
    assert rules.objects[0].columns[0].format is None
    reason = "date pattern 'YYYY-MM-DD': Spark does not read the letter 'Y' for a year, which is y"
    path = "schema[0].properties[0].logicalTypeOptions.format"
    assert clause(rules, path) == (Enforcement.NOT_ENFORCEABLE, (), reason)
    assert [str(p).partition(" ")[2] for p in rules.problems] == [f"warning LP205: {path}: {reason}"]
    assert str(rules.problems[0]).startswith("shop.yaml:1:")


def test_exclusive_bounds_of_both_grammars_are_one_rule() -> None:
    old = prop("n", "integer", logicalTypeOptions={"maximum": 5, "exclusiveMaximum": True})
    new = prop("n", "integer", logicalTypeOptions={"exclusiveMaximum": 5})
    first = compile_rules(contract(table(old), version="v3.0.2"))
    second = compile_rules(contract(table(new)))
    assert (
        rows(first.objects[0])["n.maximum"]
        == rows(second.objects[0])["n.exclusiveMaximum"]
        == "`n` IS NULL OR `n` <= 4"
    )
    path = "schema[0].properties[0].logicalTypeOptions.exclusiveMaximum"
    assert clause(first, path) == (Enforcement.ROW, ("orders.n.maximum",), "")


COMPOSITE = table(
    prop("b", primaryKey=True, primaryKeyPosition=2),
    prop("a", "integer", primaryKey=True, primaryKeyPosition=1),
    prop("u", unique=True),
)


def test_keys_quarantine_rows_of_a_batch() -> None:
    rules = compile_rules(contract(COMPOSITE))
    key = one(rules, "orders.primaryKey")
    assert isinstance(key, RowRule)
    assert (key.kind, key.columns, key.predicate) == (RowRuleKind.KEY, ("a", "b"), "")
    assert (key.action, key.action_from) == (Action.QUARANTINE, "default")
    assert rules.objects[0].primary_key == ("a", "b")
    assert clause(rules, "schema[0].properties[0].primaryKey") == (
        Enforcement.ROW,
        ("orders.b.required", "orders.primaryKey"),
        "",
    )
    assert clause(rules, "schema[0].properties[0].primaryKeyPosition")[1] == ("orders.primaryKey",)


def test_keys_of_a_stream_are_checked_on_the_table() -> None:
    rules = compile_rules(contract(COMPOSITE), streaming=["orders"])
    key = one(rules, "orders.primaryKey")
    assert isinstance(key, DatasetRule)
    assert key.measure == DuplicateRows(("`a`", "`b`"))
    assert (key.condition, key.action, key.action_from) == ("value = 0", Action.WARN, "stream")
    enforcement, _, reason = clause(rules, "schema[0].properties[2].unique")
    assert enforcement is Enforcement.DATASET
    assert reason.startswith("a stream cannot hold back a row whose twin comes later")
    failing = Policy((PolicyEntry(action=Action.FAIL, rule="*.primaryKey"),), "p.yml")
    key = one(compile_rules(contract(COMPOSITE), streaming=["orders"], policy=failing), "orders.primaryKey")
    assert (key.action, key.action_from) == (Action.FAIL, "policy p.yml")


@pytest.mark.parametrize("action", [Action.WARN, Action.FAIL])
def test_keys_that_only_warn_or_fail_are_checked_on_the_table(action: Action) -> None:
    policy = Policy((PolicyEntry(action=action, rule="orders.u.unique"),))
    key = one(compile_rules(contract(COMPOSITE), policy=policy), "orders.u.unique")
    assert isinstance(key, DatasetRule)
    assert (key.measure, key.action) == (DuplicateRows(("`u`",)), action)


def test_unique_on_the_only_primary_key_is_the_same_rule() -> None:
    rules = compile_rules(contract(table(prop("id", primaryKey=True, unique=True))))
    assert list(rows(rules.objects[0])) == ["id.required", "primaryKey"]
    assert clause(rules, "schema[0].properties[0].unique") == (Enforcement.ROW, ("orders.primaryKey",), "")


def test_unique_inside_a_struct_and_inside_an_array() -> None:
    nested = prop("s", "object", properties=[prop("u", unique=True)])
    listed = prop("l", "array", items={"logicalType": "string", "unique": True})
    rules = compile_rules(contract(table(nested, listed)))
    rule = one(rules, "orders.s.u.unique")
    assert isinstance(rule, DatasetRule)
    assert rule.measure == DuplicateRows(("`s`.`u`",))
    assert clause(rules, "schema[0].properties[1].items.unique")[0] is Enforcement.NOT_ENFORCEABLE


PARENT = table(
    prop("id", "integer", id="pid"),
    prop("code"),
    prop("home", "object", properties=[prop("zip")]),
    name="customers",
    physicalName="tbl_customers",
    id="cust",
)


@pytest.mark.parametrize(
    ("to", "keys", "parent_keys"),
    [
        ("customers.id", ("`c`",), ("`id`",)),
        ("tbl_customers.id", ("`c`",), ("`id`",)),
        ("schema/cust/properties/pid", ("`c`",), ("`id`",)),
        ("customers.code", ("CAST(`c` AS STRING)",), ("CAST(`code` AS STRING)",)),
        ("customers.home.zip", ("CAST(`c` AS STRING)",), ("CAST(`home`.`zip` AS STRING)",)),
    ],
)
def test_references(to: str, keys: tuple[str, ...], parent_keys: tuple[str, ...]) -> None:
    child = table(prop("c", "integer", relationships=[{"to": to}]))
    rule = one(compile_rules(contract(PARENT, child)), "orders.c.relationship")
    assert isinstance(rule, DatasetRule)
    assert rule.measure == OrphanRows(keys, "customers", parent_keys)
    assert (rule.condition, rule.action) == ("value = 0", Action.WARN)


def test_composite_external_and_dangling_references() -> None:
    relationships = [
        {"from": ["orders.a", "orders.b"], "to": ["customers.id", "customers.code"]},
        {"from": "orders.a", "to": "other.yaml#/schema/x/properties/y"},
        {"from": "orders.a", "to": "customers.nothing"},
    ]
    child = table(prop("a", "integer"), prop("b"), relationships=relationships)
    rules = compile_rules(contract(PARENT, child))
    rule = one(rules, "orders.relationship")
    assert isinstance(rule, DatasetRule)
    assert rule.measure == OrphanRows(("`a`", "`b`"), "customers", ("`id`", "`code`"))
    assert [clause(rules, f"schema[1].relationships[{i}]")[::2] for i in (1, 2)] == [
        (Enforcement.METADATA, "it refers to another document, whose data is not part of this pipeline"),
        (Enforcement.NOT_ENFORCEABLE, "'customers.nothing' is no property of this contract"),
    ]
    assert [problem.code for problem in rules.problems] == ["LP207"]


def test_service_levels() -> None:
    levels = [
        {"property": "freshness", "value": 4, "unit": "d", "element": "orders.at"},
        {"property": "retention", "value": 3, "unit": "y", "element": "orders.day", "id": "keep"},
        {"property": "latency", "value": 4, "unit": "m", "element": "orders.at"},
        {"property": "availability", "value": "99.9"},
        {"property": "latency", "value": 1, "unit": "h"},
        {"property": "latency", "value": 1, "unit": "h", "element": "orders.name"},
    ]
    given = table(prop("at", "timestamp"), prop("day", "date"), prop("name"))
    rules = compile_rules(contract(given, slaProperties=levels))
    found = [(r.id, r.measure, r.condition, r.threshold) for r in rules.objects[0].dataset_rules]
    now = "unix_seconds(current_timestamp())"
    assert found == [
        (
            "orders.at.sla.freshness",
            Aggregate(f"{now} - unix_seconds(max(CAST(`at` AS TIMESTAMP)))"),
            "coalesce(value <= 345600, FALSE)",
            "freshness 4 d (345600 seconds)",
        ),
        (
            "orders.day.sla.keep",
            Aggregate(f"{now} - unix_seconds(min(CAST(`day` AS TIMESTAMP)))"),
            "coalesce(value <= 94670856, TRUE)",
            "retention 3 y (94670856 seconds)",
        ),
    ]
    assert [clause(rules, f"slaProperties[{i}]")[::2] for i in (2, 3, 4, 5)] == [
        (Enforcement.NOT_ENFORCEABLE, "unit 'm' may be minutes or months; write 'min' or 'month'"),
        (Enforcement.METADATA, "availability is a promise of people"),
        (Enforcement.NOT_ENFORCEABLE, "the clause names no element (object.property) to measure"),
        (Enforcement.NOT_ENFORCEABLE, "name is of type STRING, which is no point in time"),
    ]


def test_names_that_differ_only_by_case_get_a_number() -> None:
    rules = compile_rules(contract(table(prop("a", required=True), prop("A", required=True))))
    assert [rule.name for rule in rules.objects[0].row_rules] == ["a.required", "A.required_2"]


def test_parts_of_a_value_that_is_stored_whole_are_not_enforceable() -> None:
    given = prop("s", "object", physicalType="STRING", properties=[prop("u", required=True)])
    rules = compile_rules(contract(table(given)))
    assert rows(rules.objects[0]) == {}
    assert clause(rules, "schema[0].properties[0].properties[0].required") == (
        Enforcement.NOT_ENFORCEABLE,
        (),
        "it is stored as STRING, which has no such part",
    )


def test_measures_are_no_columns() -> None:
    measure = prop("total", "number", semanticType="measure", required=True, transformLogic="sum(x)")
    rules = compile_rules(contract(table(prop("x", "number"), measure)))
    assert [column.name for column in rules.objects[0].columns] == ["x"]
    assert clause(rules, "schema[0].properties[1].required")[::2] == (
        Enforcement.METADATA,
        "a measure is computed by its reader, not stored",
    )


def test_options_that_have_no_meaning_for_the_type_are_not_enforceable() -> None:
    given = prop("n", "string", physicalType="INT", logicalTypeOptions={"minLength": 2, "format": "password"})
    rules = compile_rules(contract(table(given)))
    assert (
        clause(rules, "schema[0].properties[0].logicalTypeOptions.minLength")[2] == "values of type INT have no length"
    )
    hidden = prop("n", logicalTypeOptions={"format": "password"})
    assert clause(compile_rules(contract(table(hidden))), "schema[0].properties[0].logicalTypeOptions.format")[2] == (
        "a hint to hide the value, which demands nothing of it"
    )


def test_400_rules_compile_in_less_than_half_a_second() -> None:
    columns = [
        prop(f"c{i}", "number", required=True, logicalTypeOptions={"minimum": 0, "maximum": 9, "multipleOf": 0.5})
        for i in range(100)
    ]
    given = contract(table(*columns))
    assert best_cpu_seconds(lambda: compile_rules(given)) < cpu_limit(0.5)
    assert len(compile_rules(given).objects[0].row_rules) == 500


def test_a_refused_physical_type_is_not_enforced_and_the_logical_type_is() -> None:
    rules = compile_rules(contract(table(prop("n", "integer", physicalType="Quantity"))))
    assert clause(rules, "schema[0].properties[0].logicalType") == (Enforcement.ROW, ("orders.n.type",), "")
    said = "physicalType 'Quantity' of property 'n' is a type of no known dialect; BIGINT is used (logicalType integer)"
    assert clause(rules, "schema[0].properties[0].physicalType") == (Enforcement.NOT_ENFORCEABLE, (), said)
    assert [(problem.code, problem.file) for problem in rules.problems] == [("LP201", "shop.yaml")]


def test_the_format_of_a_nested_date_is_reported() -> None:
    inner = prop("d", "date", logicalTypeOptions={"format": "dd/MM/yyyy"})
    rules = compile_rules(contract(table(prop("s", "object", properties=[inner]))))
    assert clause(rules, "schema[0].properties[0].properties[0].logicalTypeOptions.format")[::2] == (
        Enforcement.NOT_ENFORCEABLE,
        "texts inside of structs, arrays and maps are read as ISO 8601 only",
    )


def test_what_belongs_to_the_type_or_to_presence_quarantines() -> None:
    inner = prop("x", "integer")
    properties = (
        prop("o", "object", properties=[inner], logicalTypeOptions={"required": ["x"], "minProperties": 1}),
        prop("u", "integer", logicalTypeOptions={"format": "u8", "minimum": 1}),
        prop("t", "time", logicalTypeOptions={"format": "HH:mm"}),
        prop("s", "string", logicalTypeOptions={"format": "email"}),
    )
    rules = compile_rules(contract(table(*properties))).objects[0].row_rules
    assert {rule.name: rule.action.value for rule in rules if rule.kind is RowRuleKind.VALUE} == {
        "o.required": "quarantine",
        "o.minProperties": "warn",
        "u.format": "quarantine",
        "u.minimum": "warn",
        "t.format": "quarantine",
        "s.format": "warn",
    }
