"""Checks of Soda and Great Expectations: a rule of the library where the counts are the same, else as it is written."""

from __future__ import annotations

from typing import Any

import pytest
from convert_account import loaded, said
from convert_samples import SODACL, SUITE

from lakepact.convert.expectation_suite import convert_expectation_suite
from lakepact.convert.expectations import read_expectation
from lakepact.convert.soda import convert_soda, read_soda
from lakepact.errors import ConfigurationError


def library(metric: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "library", "metric": metric, operator: value, **more}


def predicate(text: str) -> dict[str, Any]:
    return {"type": "custom", "engine": "lakeflow-expectations", "implementation": f"{{property}} IS NULL OR ({text})"}


def pattern(text: str) -> dict[str, Any]:
    return {"arguments": {"pattern": text}}


@pytest.mark.parametrize(
    ("check", "rule"),
    [
        ("missing_count(a) = 0", library("nullValues", "mustBe", 0)),
        ("missing_count(a) <= 2", library("nullValues", "mustBeLessOrEqualTo", 2)),
        ("missing_percent(a) < 2.5 %", library("nullValues", "mustBeLessThan", 2.5, unit="percent")),
        ("missing_percent(a) != 5", library("nullValues", "mustNotBe", 5, unit="percent")),
        ("duplicate_count(a) = 0", library("duplicateValues", "mustBe", 0)),
        ("row_count > 0", library("rowCount", "mustBeGreaterThan", 0)),
        ("row_count between 5 and 5", library("rowCount", "mustBe", 5)),
        ("row_count between 5 and 9", library("rowCount", "mustBeBetween", [5, 9])),
        ({"invalid_count(a) = 0": {"valid regex": "x"}}, library("invalidValues", "mustBe", 0, **pattern("x"))),
        (
            {"invalid_percent(a) >= 1": {"valid values": [1]}},
            library("invalidValues", "mustBeGreaterOrEqualTo", 1, unit="percent", arguments={"validValues": [1]}),
        ),
        (
            {"missing_count(a) = 0": {"missing values": ["n/a", None]}},
            library("missingValues", "mustBe", 0, arguments={"missingValues": [None, "n/a"]}),
        ),
        ({"invalid_count(a) = 0": {"valid min": 1}}, predicate("{property} >= 1")),
        ({"invalid_count(a) = 0": {"valid max length": 9}}, predicate("char_length({property}) <= 9")),
    ],
)
def test_checks_of_sodacl_with_an_equal(check: Any, rule: dict[str, Any]) -> None:
    (found,) = read_soda(check)
    assert found.rule == rule


@pytest.mark.parametrize(
    "check",
    [
        "duplicate_count(a) < 5",
        "duplicate_percent(a) = 0",
        "avg(a) between 1 and 2",
        "min(a) > 0",
        "row_count > 5 %",
        "anomaly detection for row_count",
        {"invalid_count(a) = 0": {"valid format": "email"}},
        {"invalid_count(a) < 5": {"valid min": 1}},
        {"missing_count(a) = 0": {"filter": "b > 1"}},
        {"missing_count(a) = 0": {"missing regex": "x"}},
        {"row_count > 0": {"warn": "when < 5"}},
        {"schema": {"fail": {"when required column missing": ["a"]}}},
        {"freshness(a) < 1d": {"filter": "b > 1"}},
    ],
)
def test_checks_of_sodacl_without_an_equal_stay_as_they_are_written(check: Any) -> None:
    (found,) = read_soda(check)
    assert found.rule == {"type": "custom", "engine": "soda", "implementation": check}


def test_freshness_is_a_service_level() -> None:
    (found,) = read_soda("freshness(created) < 2d")
    assert (found.rule, found.level) == ({}, {"property": "freshness", "value": 2, "unit": "d"})


def test_a_file_of_checks_has_an_object_for_each_table() -> None:
    contract = loaded(convert_soda(SODACL.encode()))
    assert [table.name for table in contract.schema] == ["users", "orders"]
    assert [level.elements for level in contract.sla_properties] == [("users.created",)]
    assert contract.schema[0].properties[1].quality[1].name == "email looks right"
    with pytest.raises(ConfigurationError, match="LP801: SodaCL needs `checks for <table>:`"):
        convert_soda(b"profile columns: {}")


def expectation(kind: str, **arguments: Any) -> dict[str, Any]:
    rule = read_expectation({"type": kind, "kwargs": arguments}).rule
    assert rule.pop("name") == kind
    return rule


@pytest.mark.parametrize(
    ("kind", "arguments", "rule"),
    [
        ("expect_column_values_to_not_be_null", {}, library("nullValues", "mustBe", 0)),
        ("expect_column_values_to_not_be_null", {"mostly": 1.0}, library("nullValues", "mustBe", 0)),
        (
            "expect_column_values_to_not_be_null",
            {"mostly": 0.999},
            library("nullValues", "mustBeLessOrEqualTo", 0.1, unit="percent"),
        ),
        ("expect_column_values_to_be_unique", {}, library("duplicateValues", "mustBe", 0)),
        (
            "expect_column_values_to_be_in_set",
            {"value_set": [1, "a"]},
            library("invalidValues", "mustBe", 0, arguments={"validValues": [1, "a"]}),
        ),
        ("expect_column_values_to_match_regex", {"regex": "a"}, library("invalidValues", "mustBe", 0, **pattern("a"))),
        ("expect_column_values_to_be_between", {"min_value": 1, "strict_min": True}, predicate("{property} > 1")),
        (
            "expect_column_values_to_be_between",
            {"min_value": "2020-01-01", "max_value": "2020-12-31"},
            predicate("{property} >= '2020-01-01' AND {property} <= '2020-12-31'"),
        ),
        (
            "expect_column_value_lengths_to_equal",
            {"value": 2},
            predicate("char_length({property}) >= 2 AND char_length({property}) <= 2"),
        ),
    ],
)
def test_expectations_of_a_column_with_an_equal(kind: str, arguments: dict[str, Any], rule: dict[str, Any]) -> None:
    assert expectation(kind, column="c", **arguments) == rule


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"min_value": 1, "max_value": 5}, library("rowCount", "mustBeBetween", [1, 5])),
        ({"min_value": 1, "strict_min": True}, library("rowCount", "mustBeGreaterThan", 1)),
        ({"max_value": 5}, library("rowCount", "mustBeLessOrEqualTo", 5)),
    ],
)
def test_expectations_of_the_number_of_rows(arguments: dict[str, Any], rule: dict[str, Any]) -> None:
    assert expectation("expect_table_row_count_to_be_between", **arguments) == rule


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("expect_column_values_to_be_unique", {"mostly": 0.9}),
        ("expect_column_values_to_be_in_set", {"value_set": ["a"], "mostly": 0.9}),
        ("expect_column_values_to_be_in_set", {"value_set": ["a", None]}),
        ("expect_column_values_to_match_regex", {"regex": r"a\Z"}),
        ("expect_column_values_to_not_be_null", {"row_condition": "a > 1"}),
        ("expect_column_values_to_be_between", {"min_value": {"$PARAMETER": "low"}}),
        ("expect_column_max_to_be_between", {"min_value": 1}),
        ("expect_column_values_to_be_null", {}),
    ],
)
def test_expectations_without_an_equal_stay_as_they_are_written(kind: str, arguments: dict[str, Any]) -> None:
    whole = {"type": kind, "kwargs": {"column": "c", **arguments}}
    assert expectation(kind, column="c", **arguments) == {
        "type": "custom",
        "engine": "greatExpectations",
        "implementation": whole,
    }


def test_keys_of_several_columns_are_equal_only_where_rows_with_nulls_are_left_out() -> None:
    kind = "expect_compound_columns_to_be_unique"
    found = expectation(kind, column_list=["a", "b"], ignore_row_if="any_value_is_missing")
    assert found == library("duplicateValues", "mustBe", 0, arguments={"properties": ["a", "b"]})
    assert expectation(kind, column_list=["a", "b"])["engine"] == "greatExpectations"


def test_a_suite_becomes_a_draft_of_its_name() -> None:
    converted = convert_expectation_suite(SUITE.encode(), file="s.json")
    contract = loaded(converted)
    assert (contract.id, contract.version, contract.status) == ("users_suite", "0.1.0", "draft")
    email = contract.schema[0].properties[1]
    assert (email.quality[0].severity, email.quality[0].arguments) == ("error", {"pattern": r"^[\w.-]+@[\w.-]+$"})
    assert {entry.property: entry.value for entry in email.quality[0].custom_properties} == {
        "severity": "critical",
        "meta": {"notes": "by legal"},
    }
    assert said(converted) == [
        "s.json:5:3: warning LP809: no type is known for id, email, age, a, b of `users_suite`\n"
        "  hint: give each a logicalType"
    ]
    with pytest.raises(ConfigurationError, match="error LP801: a suite needs `expectation_suite_name`"):
        convert_expectation_suite(b'{"expectations": []}')
