from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.convert.building import predicate_rule
from lakepact.convert.predicates import clauses_of, portable_pattern
from lakepact.convert.row_demands import RowDemand, write_demands

TYPES = {
    "id": {"logicalType": "integer", "physicalType": "BIGINT"},
    "name": {"logicalType": "string", "physicalType": "STRING"},
    "amount": {"logicalType": "number", "physicalType": "DECIMAL(9,2)"},
    "ratio": {"logicalType": "number", "physicalType": "DOUBLE"},
    "day": {"logicalType": "date", "physicalType": "DATE"},
}


def written(*demands: tuple[str, str]) -> dict[str, Any]:
    """The object after the demands (predicate, action) were written, by column; '' is the object itself."""
    table: dict[str, Any] = {"name": "t", "properties": [{"name": name, **keys} for name, keys in TYPES.items()]}
    given_demands = [RowDemand(name=f"d{n}", predicate=text, action=action) for n, (text, action) in enumerate(demands)]
    write_demands(table, given_demands, lambda each: predicate_rule(each.predicate, name=each.name, action=each.action))
    found = {entry["name"]: entry for entry in table["properties"]}
    return {key: {k: v for k, v in entry.items() if k not in TYPES[key]} for key, entry in found.items()} | {"": table}


def custom(entry: dict[str, Any]) -> dict[str, Any]:
    return {each["property"]: each["value"] for each in entry.get("customProperties", ())}


@pytest.mark.parametrize(
    ("predicate", "clauses"),
    [
        ("id IS NOT NULL", [("id", "required", True)]),
        ("(id > 0)", [("id", "exclusiveMinimum", 0)]),
        ("0 <= `unit price`", [("unit price", "minimum", 0)]),
        (
            "x BETWEEN -1 AND 2.5 AND y < 3L",
            [("x", "minimum", -1), ("x", "maximum", 2.5), ("y", "exclusiveMaximum", 3)],
        ),
        ("k in ('a', 'b''c') -- two", [("k", "validValues", ["a", "b'c"])]),
        ("k = 'a'", [("k", "validValues", ["a"])]),
        ("s RLIKE '^[A-Z]$'", [("s", "pattern", "^[A-Z]$")]),
        (r"regexp_like(s, r'\d')", [("s", "pattern", r"\d")]),
        ("length(s) BETWEEN 2 AND 5", [("s", "minLength", 2), ("s", "maxLength", 5)]),
        ("char_length(s) > 2", [("s", "minLength", 3)]),
        (
            "(x IS NOT NULL) AND (x > 1 AND y > 2)",
            [("x", "required", True), ("x", "exclusiveMinimum", 1), ("y", "exclusiveMinimum", 2)],
        ),
    ],
)
def test_predicates_of_one_column_and_literals_are_clauses(predicate: str, clauses: list[tuple[str, str, Any]]) -> None:
    found = clauses_of(predicate)
    assert [(clause.column, clause.kind, clause.value) for clause in found] == clauses
    assert not any(clause.null_passes for clause in found)


def test_null_or_lets_null_pass() -> None:
    (clause,) = clauses_of("amount IS NULL OR (amount >= 1)")
    assert (clause.column, clause.kind, clause.value, clause.null_passes) == ("amount", "minimum", 1, True)


@pytest.mark.parametrize(
    "predicate",
    [
        *("a > b", "a <> 1", "a = 1 OR b = 2", "coalesce(a, 0) > 1", "a.b > 1", "a IN (1, b)", "a IN (SELECT 1)"),
        *("a LIKE 'x%'", "current_date > 3", "a > '2020-01-01'", "a BETWEEN 'a' AND 'b'", "NOT a IS NULL", "a <=> 1"),
        *("a > 0 AND b > c", "b IS NULL OR a > 1", "case when a then b end", "a RLIKE '\\\\p{Alpha}'", "", "'", "a > "),
        *("a > 0.12345678901234567890123", "a IS NULL", "a IN (1, NULL)", "length(a) > b", "a in ()", "between"),
    ],
)
def test_everything_else_has_no_clause(predicate: str) -> None:
    assert clauses_of(predicate) == ()


@settings(max_examples=200)
@given(st.text("ab10 ()<>='\"`ANDORNULLISBETWEEN,-.", max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    clauses_of(text)


@pytest.mark.parametrize(("pattern", "portable"), [("^a$", True), (r"a\z", False), ("(?i)a", False), ("a++", False)])
def test_a_pattern_is_portable_where_java_reads_it_alike(pattern: str, portable: bool) -> None:
    assert portable_pattern(pattern) is portable


def test_what_keeps_rows_out_says_required_and_bounds_with_its_action() -> None:
    found = written(("amount > 0", "drop"))["amount"]
    assert found["logicalTypeOptions"] == {"exclusiveMinimum": 0}
    assert found["required"] is True
    assert custom(found) == {
        "lakepact.action": "drop",
        "lakepact.expectation": {"exclusiveMinimum": "d0", "required": "d0"},
    }
    assert "quality" not in found


def test_what_only_warns_does_not_say_required() -> None:
    found = written(("id BETWEEN 1 AND 5", "warn"))["id"]
    assert found["logicalTypeOptions"] == {"minimum": 1, "maximum": 5}
    assert "required" not in found
    assert "lakepact.action" not in custom(found)
    (rule,) = found["quality"]
    assert (rule["metric"], rule["name"], custom(rule)) == ("nullValues", "d0", {"lakepact.action": "warn"})


def test_null_that_passes_is_not_required() -> None:
    found = written(("id IS NULL OR id < 5", "fail"))["id"]
    assert "required" not in found
    assert found["logicalTypeOptions"] == {"exclusiveMaximum": 5}
    assert custom(found)["lakepact.action"] == "fail"


def test_values_and_patterns_keep_name_and_action_as_rules() -> None:
    found = written(("name IN ('a', 'b')", "fail"))["name"]
    (rule,) = found["quality"]
    assert rule == {
        "type": "library",
        "name": "d0",
        "customProperties": [{"property": "lakepact.action", "value": "fail"}],
        "metric": "invalidValues",
        "arguments": {"validValues": ["a", "b"]},
        "mustBe": 0,
    }
    assert found["required"] is True


def test_the_strongest_action_of_a_column_is_that_of_its_clauses() -> None:
    found = written(("amount IS NULL OR amount < 9", "warn"), ("amount > 0", "drop"))["amount"]
    assert found["logicalTypeOptions"] == {"exclusiveMinimum": 0}
    (rule,) = found["quality"]
    assert rule["implementation"] == "amount IS NULL OR amount < 9"
    assert custom(rule) == {"lakepact.action": "warn"}


@pytest.mark.parametrize(
    "predicate", ["ratio > 0", "day > 3", "name > 1", "id IN ('a')", "amount IN (1)", "id RLIKE 'a'", "length(id) > 1"]
)
def test_what_does_not_fit_its_type_stays_sql(predicate: str) -> None:
    found = written((predicate, "drop"))
    column = clauses_of(predicate)[0].column
    (rule,) = found[column]["quality"]
    assert (rule["engine"], rule["implementation"]) == ("lakeflow-expectations", predicate)
    assert "required" not in found[column]


def test_dates_are_compared_with_dates() -> None:
    found = written(("day >= DATE'2020-01-31'", "drop"))["day"]
    assert found["logicalTypeOptions"] == {"minimum": "2020-01-31"}


def test_a_second_bound_of_the_same_kind_stays_sql() -> None:
    found = written(("id > 0", "drop"), ("id > 5", "drop"))["id"]
    assert found["logicalTypeOptions"] == {"exclusiveMinimum": 0}
    assert [rule["implementation"] for rule in found["quality"]] == ["id > 5"]


def test_what_speaks_of_several_columns_belongs_to_the_object() -> None:
    found = written(("amount > ratio", "warn"))
    assert [rule["implementation"] for rule in found[""]["quality"]] == ["amount > ratio"]
