from __future__ import annotations

import json
from typing import Any

import pytest
from importing import custom, loaded, objects, properties, told

from lakepact.convert.dbt import convert_dbt
from lakepact.errors import ConfigurationError


def column(test: str, kind: str = "bigint") -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The column `c` of a model with one test, and what was told."""
    text = f"models:\n- name: m\n  columns:\n  - name: c\n    data_type: {kind}\n    data_tests:\n    - {test}\n"
    found = convert_dbt(text.encode(), file="schema.yml")
    return properties(objects(found)["m"])["c"], [(problem.code, problem.message) for problem in found.problems]


def table(test: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The only rule of a model with one test on the model, and what was told."""
    text = (
        "models:\n- name: m\n  columns: [{name: a, data_type: int}, {name: b, data_type: int}]\n"
        f"  data_tests:\n  - {test}\n"
    )
    found = convert_dbt(text.encode(), file="schema.yml")
    (rule,) = objects(found)["m"]["quality"]
    return rule, [(problem.code, problem.message) for problem in found.problems]


MODELS = b"""
version: 2
models:
  - name: orders
    description: All orders
    config: {materialized: view, tags: [gold], meta: {owner: me}, contract: {enforced: true}}
    docs: {show: false}
    constraints:
      - {type: primary_key, columns: [id, line]}
      - {type: check, expression: "amount > 0", name: positive}
    columns:
      - name: id
        data_type: bigint
        description: the key
        quote: true
        constraints: [{type: not_null}, {type: foreign_key, to: ref('customers'), to_columns: [id]}]
      - {name: line, data_type: int, tags: [x], meta: {pii: false}}
      - {name: amount, data_type: numeric}
      - {name: cust, data_type: bigint, tests: [relationships: {to: ref('customers'), field: id, severity: warn}]}
      - {name: odd}
  - name: customers
    columns: [{name: id, data_type: bigint, tests: [unique, not_null]}]
sources:
  - name: raw
    database: main
    schema: raw_data
    loaded_at_field: at
    freshness: {warn_after: {count: 6, period: hour}, error_after: {count: 1, period: day}}
    tables:
      - {name: events, identifier: ev, columns: [{name: at, data_type: timestamp}]}
exposures: [{name: e}]
"""


def test_models_and_sources_become_objects() -> None:
    converted = convert_dbt(MODELS, file="schema.yml")
    found = objects(converted)
    assert list(found) == ["orders", "customers", "events"]
    orders = found["orders"]
    assert (orders["physicalType"], orders["description"], orders["tags"]) == ("view", "All orders", ["gold"])
    assert custom(orders) == {"owner": "me", "dbt.contract.enforced": True}
    columns = properties(orders)
    assert columns["id"] == {
        **{"name": "id", "logicalType": "integer", "physicalType": "bigint", "description": "the key"},
        **{"primaryKey": True, "primaryKeyPosition": 1, "required": True},
        "relationships": [{"type": "foreignKey", "to": "customers.id"}],
    }
    assert (columns["line"]["primaryKeyPosition"], columns["line"]["tags"], custom(columns["line"])) == (
        2,
        ["x"],
        {"pii": False},
    )
    assert custom(columns["cust"]["relationships"][0]) == {"lakepact.action": "warn"}
    (check,) = orders["quality"]
    assert (check["name"], check["query"]) == ("positive", "SELECT COUNT(*) FROM {object} WHERE NOT (amount > 0)")
    assert custom(found["events"]) == {"dbt.database": "main", "dbt.schema": "raw_data", "dbt.source": "raw"}
    assert found["events"]["physicalName"] == "ev"
    (level,) = loaded(converted).sla_properties
    assert (level.property, level.value, level.unit, level.elements) == ("latency", 1, "d", ("events.at",))


def test_what_of_a_file_has_no_place_is_told() -> None:
    assert told(convert_dbt(MODELS, file="schema.yml").problems) == [
        ("LP823", 20, "orders.odd has no data_type"),
        ("LP821", 28, "warn_after: a contract has one limit, that of error_after"),
        ("LP821", 31, "`exposures` has no equal in a contract"),
    ]


@pytest.mark.parametrize(
    ("test", "kind", "keys"),
    [
        ("not_null", "bigint", {"required": True}),
        ("unique", "bigint", {"unique": True}),
        (
            "dbt_utils.accepted_range: {min_value: 0, max_value: 9}",
            "int",
            {"logicalTypeOptions": {"minimum": 0, "maximum": 9}},
        ),
        (
            "dbt_utils.accepted_range: {arguments: {min_value: 0, inclusive: false}}",
            "int",
            {"logicalTypeOptions": {"exclusiveMinimum": 0}},
        ),
        (
            "dbt_expectations.expect_column_values_to_be_between: {max_value: 1.5, strictly: true}",
            "double",
            {"logicalTypeOptions": {"exclusiveMaximum": 1.5}},
        ),
        (
            "dbt_expectations.expect_column_value_lengths_to_equal: {value: 2}",
            "text",
            {"logicalTypeOptions": {"minLength": 2, "maxLength": 2}},
        ),
        ("dbt_utils.not_empty_string: {trim_whitespace: false}", "text", {"logicalTypeOptions": {"minLength": 1}}),
        ("dbt_expectations.expect_column_values_to_not_be_null", "text", {"required": True}),
    ],
)
def test_tests_that_clauses_say(test: str, kind: str, keys: dict[str, Any]) -> None:
    found, problems = column(test, kind)
    assert {key: value for key, value in found.items() if key not in ("name", "logicalType", "physicalType")} == keys
    assert problems == []


@pytest.mark.parametrize(
    ("test", "rule"),
    [
        (
            "accepted_values: {values: [a, b]}",
            {"severity": "error", "metric": "invalidValues", "arguments": {"validValues": ["a", "b"]}, "mustBe": 0},
        ),
        (
            "accepted_values: {arguments: {values: [1, 2]}}",
            {"severity": "error", "metric": "invalidValues", "arguments": {"validValues": ["1", "2"]}, "mustBe": 0},
        ),
        ("not_null: {config: {severity: warn}}", {"severity": "warning", "metric": "nullValues", "mustBe": 0}),
        (
            "not_null: {config: {error_if: '>10'}}",
            {"severity": "error", "metric": "nullValues", "mustBeLessOrEqualTo": 10},
        ),
        (
            "not_null: {name: n, description: why, severity: warn, warn_if: '>= 3'}",
            {"name": "n", "description": "why", "severity": "warning", "metric": "nullValues", "mustBeLessThan": 3},
        ),
        ("unique: {severity: warn}", {"severity": "warning", "metric": "duplicateValues", "mustBe": 0}),
        (
            "dbt_utils.not_null_proportion: {at_least: 0.95}",
            {"severity": "error", "unit": "percent", "metric": "nullValues", "mustBeLessOrEqualTo": 5},
        ),
        (
            "dbt_expectations.expect_column_values_to_match_regex: {regex: '^[A-Z]$'}",
            {"severity": "error", "metric": "invalidValues", "arguments": {"pattern": "^[A-Z]$"}, "mustBe": 0},
        ),
    ],
)
def test_tests_that_library_rules_say(test: str, rule: dict[str, Any]) -> None:
    found, problems = column(test, "text")
    assert found["quality"] == [{"type": "library"} | rule]
    assert problems == []


@pytest.mark.parametrize(
    ("test", "query"),
    [
        ("not_null: {config: {where: a > 1}}", "(a > 1) AND (`c` IS NULL)"),
        ("dbt_utils.expression_is_true: {expression: '>= 0'}", "NOT (`c` >= 0)"),
        ("dbt_utils.accepted_range: {min_value: other}", "NOT (`c` >= (other))"),
        (
            "dbt_expectations.expect_column_values_to_be_between: {min_value: 1, row_condition: x}",
            "(x) AND (NOT (`c` >= 1))",
        ),
        ("dbt_utils.not_accepted_values: {values: [1]}", "`c` IN (1)"),
        ("accepted_values: {values: [1], quote: false, config: {where: x}}", "(x) AND (`c` NOT IN (1))"),
    ],
)
def test_tests_with_conditions_are_queries(test: str, query: str) -> None:
    found, problems = column(test)
    (rule,) = found["quality"]
    assert rule["query"] == f"SELECT COUNT(*) FROM {{object}} WHERE {query}"
    assert problems == []


def test_a_condition_on_unique_counts_keys() -> None:
    (rule,) = column("unique: {config: {where: x > 1}}")[0]["quality"]
    assert rule["query"] == (
        "SELECT COUNT(*) FROM (SELECT `c` FROM {object} WHERE (x > 1) AND `c` IS NOT NULL "
        "GROUP BY `c` HAVING COUNT(*) > 1)"
    )


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("my.odd: {x: 1}", ""),
        ("not_null: {odd: 1}", ": odd has no equal"),
        ("not_null: {config: {where: \"{{ var('x') }}\"}}", ": its condition is a template"),
        ("not_null: {config: {fail_calc: sum(x)}}", ": it counts its failures in its own way"),
        ("not_null: {config: {odd: 1}}", ": odd is not known"),
        ("dbt_expectations.expect_column_values_to_match_regex: {regex: '\\d'}", ": its pattern is escaped twice"),
        ("relationships: {to: ref('none'), field: id}", ""),
        ("accepted_values: {values: [a], quote: false}", ": its values are SQL"),
    ],
)
def test_tests_that_only_dbt_knows_are_kept_for_it(test: str, reason: str) -> None:
    found, problems = column(test)
    (rule,) = found["quality"]
    name = test.partition(":")[0]
    assert (rule["engine"], rule["implementation"]["test"]) == ("dbt", name)
    assert problems == [("LP822", f"c: the test {name} is kept for the engine dbt{reason}")]


def test_a_disabled_test_is_told() -> None:
    found, problems = column("unique: {config: {enabled: false}}")
    assert "unique" not in found
    assert problems == [("LP821", "m: the test unique is disabled")]


@pytest.mark.parametrize(
    ("test", "rule"),
    [
        (
            "dbt_utils.unique_combination_of_columns: {combination_of_columns: [a, b]}",
            {"metric": "duplicateValues", "arguments": {"properties": ["a", "b"]}, "mustBe": 0},
        ),
        (
            "dbt_expectations.expect_compound_columns_to_be_unique: {arguments: {column_list: [a, b]}}",
            {"metric": "duplicateValues", "arguments": {"properties": ["a", "b"]}, "mustBe": 0},
        ),
        (
            "dbt_expectations.expect_table_row_count_to_be_between: {min_value: 1, max_value: 9}",
            {"metric": "rowCount", "mustBeBetween": [1, 9]},
        ),
        ("dbt_expectations.expect_table_row_count_to_equal: {value: 3}", {"metric": "rowCount", "mustBe": 3}),
    ],
)
def test_tests_of_a_whole_table(test: str, rule: dict[str, Any]) -> None:
    assert table(test) == ({"type": "library", "severity": "error"} | rule, [])


def test_an_expression_on_a_table_keeps_a_comment_from_swallowing_its_end() -> None:
    rule, _ = table('dbt_utils.expression_is_true: {expression: "a > b -- why"}')
    assert rule["query"] == "SELECT COUNT(*) FROM {object} WHERE NOT (a > b -- why\n)"


def test_versions_of_a_model_are_objects() -> None:
    text = b"""
models:
  - name: m
    latest_version: 2
    columns: [{name: a, data_type: int}, {name: b, data_type: int}]
    versions:
      - {v: 1, defined_in: m_old, columns: [{include: all, exclude: [b]}]}
      - {v: 2, config: {alias: m}, columns: [{include: '*'}, {name: c, data_type: date}]}
  - name: n
    columns: [{name: a, data_type: int, tests: [relationships: {to: ref('m'), field: c}]}]
"""
    converted = convert_dbt(text, file="s.yml")
    found = objects(converted)
    assert {name: list(properties(entry)) for name, entry in found.items()} == {
        **{"m_v1": ["a"], "m_v2": ["a", "b", "c"], "n": ["a"]},
    }
    assert found["m_v2"]["physicalName"] == "m"
    assert custom(found["m_v1"])["dbt.version"] == "1"
    assert properties(found["n"])["a"]["relationships"] == [{"type": "foreignKey", "to": "m_v2.c"}]
    assert converted.problems == ()


def manifest(adapter: str = "databricks") -> dict[str, Any]:
    """A small manifest with the keys that dbt writes."""
    model = {
        **{
            "resource_type": "model",
            "package_name": "shop",
            "database": "main",
            "schema": "gold",
            "raw_code": "select 1",
        },
        "config": {"materialized": "table", "meta": {}},
    }
    test = {"resource_type": "test", "package_name": "shop", "config": {"severity": "ERROR", "where": None}}
    return {
        "metadata": {"project_name": "shop", "adapter_type": adapter, "dbt_schema_version": "x/v12.json"},
        "nodes": {
            "model.shop.orders": {
                **model,
                **{"name": "orders", "alias": "orders_t", "unique_id": "model.shop.orders", "description": "d"},
                "columns": {"id": {"name": "id", "data_type": "decimal", "description": "k", "meta": {}, "tags": []}},
                "constraints": [{"type": "check", "expression": "id > 0", "columns": []}],
            },
            "model.other.x": {**model, "name": "x", "package_name": "other", "columns": {}},
            "test.shop.not_null": {
                **test,
                **{"name": "not_null_orders_id", "attached_node": "model.shop.orders", "column_name": "id"},
                "test_metadata": {"name": "not_null", "kwargs": {"column_name": "id", "model": "{{ x }}"}},
            },
            "test.shop.range": {
                **test,
                **{"name": "range", "depends_on": {"nodes": ["model.shop.orders"]}},
                "test_metadata": {
                    **{"name": "accepted_range", "namespace": "dbt_utils"},
                    "kwargs": {"column_name": "id", "arguments": {"min_value": 1}},
                },
            },
            "test.shop.own": {
                **test,
                **{"name": "own", "attached_node": "model.shop.orders", "original_file_path": "tests/own.sql"},
            },
        },
        "sources": {},
        "exposures": {"e": {}},
    }


def test_a_manifest_is_read_with_its_tests() -> None:
    converted = convert_dbt(json.dumps(manifest()).encode(), file="manifest.json")
    contract = loaded(converted)
    (server,) = contract.servers
    assert (contract.id, server.type, server.settings["catalog"], server.settings["schema"]) == (
        *("shop", "databricks"),
        *("main", "gold"),
    )
    (orders,) = objects(converted).values()
    assert (orders["name"], orders["physicalName"], orders["description"]) == ("orders", "orders_t", "d")
    assert properties(orders)["id"] == {
        **{"name": "id", "logicalType": "number", "physicalType": "DECIMAL(10,0)", "description": "k"},
        **{"required": True, "logicalTypeOptions": {"minimum": 1}},
    }
    (check,) = orders["quality"]
    assert check["query"] == "SELECT COUNT(*) FROM {object} WHERE NOT coalesce((id > 0), FALSE)"
    assert sorted(problem.message for problem in converted.problems) == [
        "1 relations of other packages than shop",
        "exposures: 1, which are no part of a contract",
        "the SQL of the models: a contract says what the data is, not how it is made",
        "the test own is a query of its own, in tests/own.sql",
    ]


def test_another_adapter_keeps_its_places_and_types() -> None:
    converted = convert_dbt(json.dumps(manifest("snowflake")).encode(), file="manifest.json")
    (orders,) = objects(converted).values()
    assert "servers" not in converted.document
    assert custom(orders)["dbt.database"] == "main"
    assert properties(orders)["id"]["physicalType"] == "decimal"
    assert orders["quality"][0]["query"] == "SELECT COUNT(*) FROM {object} WHERE NOT (id > 0)"


def test_what_has_no_name_or_one_twice_is_told() -> None:
    source = b"models: [{}, {name: m, columns: [{}, {name: a, data_type: int}, {name: A}], constraints: [{name: x}]}]"
    converted = convert_dbt(source, file="s.yml")
    assert list(properties(objects(converted)["m"])) == ["a"]
    assert [problem.message for problem in converted.problems] == [
        *("a relation without a name", "m has a column without a name", "m describes the column 'A' twice"),
        "m: a constraint without a type",
    ]


@pytest.mark.parametrize("source", [b"a: 1", b"[]", b"models: [", b"\xff", b""])
def test_what_is_no_dbt_file_is_refused(source: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"x\.yml(:1:1)? cannot be read as a dbt manifest") as caught:
        convert_dbt(source, file="x.yml")
    assert caught.value.code == "LP820"


@pytest.mark.parametrize(
    "source",
    [
        b"models: [1, null, {}, {name: [a]}, {name: x, columns: {a: 1}}, {columns: [null, 1, {name: {}}]}]",
        b"sources: [{tables: 1}, {name: s, freshness: 1, tables: [{}, {name: t, freshness: {error_after: 1}}]}]",
        b"models: [{name: m, versions: [1, {v: [1]}], tests: [1, [], {}, {a: 1}], constraints: [1, {type: check}]}]",
        b'{"metadata": {}, "nodes": {"a": 1, "b": {"resource_type": "model"}, "c": {"resource_type": "test"}}}',
        b'{"metadata": 1, "nodes": []}',
    ],
)
def test_odd_shapes_do_not_crash(source: bytes) -> None:
    try:
        loaded(convert_dbt(source, file="x.yml"))
    except ConfigurationError as error:
        assert error.code == "LP820"  # noqa: PT017  - either outcome is right, a crash is not
