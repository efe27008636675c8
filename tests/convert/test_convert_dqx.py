from __future__ import annotations

import json
from typing import Any

import pytest
from importing import custom, loaded, objects, properties, told

from lakepact.convert.dqx import convert_dqx
from lakepact.convert.dqx_predicates import Untranslatable, predicate_of
from lakepact.errors import ConfigurationError
from lakepact.rules.derive import compile_rules

SCHEMA = """
- check:
    function: has_valid_schema
    arguments:
      expected_schema: "id BIGINT, name STRING, amount DECIMAL(9,2), kind STRING"
      strict: true
"""


def converted(text: str, *, typed: bool = True) -> Any:
    return convert_dqx(((SCHEMA if typed else "") + text).encode(), file="orders.yml")


def column(text: str, name: str) -> dict[str, Any]:
    return properties(objects(converted(text))["orders"])[name]


def test_a_schema_check_gives_the_columns() -> None:
    found = objects(converted("\n"))["orders"]
    assert [(p["name"], p["physicalType"]) for p in found["properties"]] == [
        ("id", "BIGINT"),
        ("name", "STRING"),
        ("amount", "DECIMAL(9,2)"),
        ("kind", "STRING"),
    ]


def test_for_each_column_and_names() -> None:
    found = converted("- name: given\n  check: {function: is_not_null, for_each_column: [id, name]}\n")
    columns = properties(objects(found)["orders"])
    assert columns["id"]["required"] is columns["name"]["required"] is True
    assert custom(columns["id"]) == {"lakepact.expectation": {"required": "given"}}
    assert found.problems == ()


def test_a_warning_is_a_rule_and_not_required() -> None:
    found = column("- {criticality: warn, check: {function: is_not_null, arguments: {column: id}}}\n", "id")
    assert "required" not in found
    (rule,) = found["quality"]
    assert (rule["metric"], rule["mustBe"], custom(rule)) == ("nullValues", 0, {"lakepact.action": "warn"})


def test_ranges_are_options_with_the_action_of_the_check() -> None:
    text = "- check: {function: is_in_range, arguments: {column: amount, min_limit: 0, max_limit: 9.5}}\n"
    found = column(text, "amount")
    assert found["logicalTypeOptions"] == {"minimum": 0, "maximum": 9.5}
    assert custom(found) == {"lakepact.action": "quarantine"}
    assert "required" not in found
    rules = compile_rules(loaded(converted(text))).objects[0].row_rules
    assert {rule.id: rule.action.value for rule in rules}["orders.amount.minimum"] == "quarantine"


def test_a_condition_makes_it_a_predicate() -> None:
    text = (
        "- {name: big, filter: \"kind = 'a' -- c\", criticality: warn, "
        "check: {function: is_not_less_than, arguments: {column: amount, limit: 1}}}\n"
    )
    (rule,) = objects(converted(text))["orders"]["quality"]
    assert rule["implementation"] == ("NOT coalesce((kind = 'a' -- c\n), FALSE) OR (`amount` IS NULL OR `amount` >= 1)")
    assert (rule["name"], rule["engine"], custom(rule)) == ("big", "lakeflow-expectations", {"lakepact.action": "warn"})


def test_lists_and_patterns_are_library_rules_with_their_metadata() -> None:
    text = (
        "- {check: {function: is_in_list, arguments: {column: kind, allowed: [\"'a'\", \"'it''s'\"]}}}\n"
        "- {user_metadata: {team: x}, check: {function: regex_match, arguments: {column: name, regex: '^[A-Z]$'}}}\n"
    )
    assert column(text, "kind")["quality"][0]["arguments"] == {"validValues": ["a", "it's"]}
    (rule,) = column(text, "name")["quality"]
    assert rule["arguments"] == {"pattern": "^[A-Z]$"}
    assert custom(rule) == {"lakepact.action": "quarantine", "dqx.user_metadata": {"team": "x"}}


def test_bare_text_in_a_list_is_told() -> None:
    found = converted("- {name: k, check: {function: is_in_list, arguments: {column: kind, allowed: [a, b]}}}\n")
    assert properties(objects(found)["orders"])["kind"]["quality"][0]["arguments"] == {"validValues": ["a", "b"]}
    message = "k: text without quotes of its own is taken as a value, as before DQX 0.16"
    assert told(found.problems) == [("LP825", 7, message)]


def test_keys_become_unique_and_duplicate_values() -> None:
    text = (
        "- check: {function: is_unique, arguments: {columns: [id]}}\n"
        "- {name: both, check: {function: is_unique, arguments: {columns: [id, kind]}}}\n"
    )
    found = converted(text)
    table = objects(found)["orders"]
    assert properties(table)["id"]["unique"] is True
    assert [(r["metric"], r["arguments"], r["severity"]) for r in table["quality"]] == [
        ("duplicateValues", {"properties": ["id", "kind"]}, "error")
    ]
    assert told(found.problems) == [("LP822", 8, "both: DQX keeps the rows of repeated keys out, the rule fails")]


def test_a_count_of_rows_is_row_count() -> None:
    text = "- {check: {function: is_aggr_not_less_than, arguments: {column: '*', limit: 5, aggr_type: count}}}\n"
    (rule,) = objects(converted(text))["orders"]["quality"]
    assert (rule["metric"], rule["mustBeGreaterOrEqualTo"]) == ("rowCount", 5)


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ("{function: is_valid_email, arguments: {column: name}}", ""),
        ("{function: is_in_list, arguments: {column: kind, allowed: [\"'a'\", b]}}", ": allowed holds columns"),
        (
            "{function: is_in_range, arguments: {column: amount, min_limit: a, max_limit: 1}}",
            ": min_limit is an expression",
        ),
        ("{function: is_not_null, arguments: {column: id, odd: 1}}", ": odd has no equal"),
        ("{function: is_unique, arguments: {columns: [id], nulls_distinct: false}}", ""),
        ("{function: foreign_key, arguments: {columns: [id], ref_columns: [id], ref_table: a.b.c}}", ""),
    ],
)
def test_what_only_dqx_knows_is_kept_for_it(check: str, why: str) -> None:
    found = converted(f"- {{name: x, criticality: warn, filter: id > 1, check: {check}}}\n")
    table = objects(found)["orders"]
    every = [*table.get("quality", ()), *(r for p in table["properties"] for r in p.get("quality", ()))]
    (rule,) = every
    assert (rule["engine"], rule["name"], rule["severity"]) == ("dqx", "x", "warning")
    assert rule["implementation"]["criticality"] == "warn"
    assert rule["implementation"]["filter"] == "id > 1"
    function = rule["implementation"]["check"]["function"]
    assert told(found.problems) == [("LP822", 7, f"x: {function} is kept for the engine dqx{why}")]


@pytest.mark.parametrize(
    ("function", "arguments", "predicate"),
    [
        ("is_not_empty", {"column": "a"}, "`a` IS NULL OR length(`a`) >= 1"),
        (
            "is_not_null_and_not_empty",
            {"column": "a", "trim_strings": True},
            "`a` IS NOT NULL AND length(trim(`a`)) >= 1",
        ),
        ("is_not_in_list", {"column": "a", "forbidden": [1]}, "NOT coalesce(`a` IN (1), FALSE)"),
        (
            "is_in_list",
            {"column": "a", "allowed": ["'X'"], "case_sensitive": False},
            "`a` IS NULL OR lower(`a`) IN ('x')",
        ),
        ("regex_match", {"column": "a", "regex": "b$", "negate": True}, "`a` IS NULL OR NOT `a` RLIKE 'b\\u0024'"),
        ("is_valid_date", {"column": "a"}, "`a` IS NULL OR try_to_timestamp(`a`) IS NOT NULL"),
        (
            "is_valid_timestamp",
            {"column": "a", "timestamp_format": "y"},
            "`a` IS NULL OR try_to_timestamp(`a`, 'y') IS NOT NULL",
        ),
        ("sql_expression", {"expression": "a > b", "msg": "m"}, "coalesce((a > b), TRUE)"),
        ("sql_expression", {"expression": "a > b -- c", "negate": True}, "NOT coalesce((a > b -- c\n), FALSE)"),
        ("is_not_null", {"column": "a.b"}, "(a.b) IS NOT NULL"),
    ],
)
def test_predicates_let_null_pass_as_dqx_does(function: str, arguments: dict[str, Any], predicate: str) -> None:
    assert predicate_of(function, arguments) == predicate


def test_an_unknown_function_has_no_predicate() -> None:
    with pytest.raises(Untranslatable, match=r"^$"):
        predicate_of("odd", {})


def test_tables_named_in_metadata_are_objects_of_their_own() -> None:
    text = (
        "- {user_metadata: {schema: a}, check: {function: is_not_null, arguments: {column: x}}}\n"
        "- {user_metadata: {schema: b}, check: {function: is_not_null, arguments: {column: y}}}\n"
    )
    assert list(objects(converted(text, typed=False))) == ["a", "b"]


def test_json_and_a_mapping_of_checks_are_read_alike() -> None:
    checks = [{"check": {"function": "is_not_null", "arguments": {"column": "id"}}}]
    for data in (checks, {"checks": checks}):
        found = convert_dqx(json.dumps(data).encode(), file="t.json")
        assert objects(found)["t"]["properties"] == [{"name": "id", "required": True}]
        assert [problem.code for problem in found.problems] == ["LP824"]


def test_what_is_not_understood_is_told() -> None:
    found = converted("- {odd: 1, check: {function: is_not_null, arguments: {column: id}}}\n- {check: {}}\n")
    assert told(found.problems) == [
        ("LP821", 7, "`[1].odd` is not understood"),
        ("LP821", 8, "`[2]` names no function"),
    ]


@pytest.mark.parametrize("source", [b"a: 1", b"", b"- [", b"\xff", b"[1, 2", b'"x"'])
def test_what_is_no_list_of_checks_is_refused(source: bytes) -> None:
    with pytest.raises(
        ConfigurationError, match=r"x\.yml cannot be read as DQX checks|x\.yml:1:1 cannot be read"
    ) as caught:
        convert_dqx(source, file="x.yml")
    assert caught.value.code == "LP820"
