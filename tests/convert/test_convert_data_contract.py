"""`data_contract:` files: the examples of the format, and what each part of it becomes."""

from __future__ import annotations

from typing import Any

import pytest
from convert_account import loaded, said
from convert_samples import DATA_CONTRACT

from lakepact.convert.data_contract import convert_data_contract
from lakepact.errors import ConfigurationError
from lakepact.rules import compile_rules

HEAD = "data_contract:\n  name: t\n  version: '1.0'\n  status: active\n"


def table(body: str) -> dict[str, Any]:
    """The one object of a contract with `body`."""
    converted = convert_data_contract((HEAD + body).encode())
    loaded(converted)
    found: dict[str, Any] = converted.document["schema"][0]
    return found


def soda(check: str) -> dict[str, Any]:
    return table(f"  quality_checks: {{soda: {{checks: [{check}]}}}}\n")


def test_the_fundamentals() -> None:
    contract = loaded(convert_data_contract(DATA_CONTRACT.encode()))
    assert (contract.id, contract.name, contract.version, contract.status) == (
        "crm_users",
        "crm_users",
        "1.0",
        "deprecated",
    )
    assert contract.team is not None
    assert [(member.username, member.role) for member in contract.team.members] == [("crm@example.com", "owner")]
    assert contract.tags == ("pii", "crm")
    assert [(link.type, link.url) for link in contract.authoritative_definitions] == [
        ("documentation", "https://example.com/crm_users")
    ]
    custom = {entry.property: entry.value for entry in contract.custom_properties}
    assert custom["lakepact.assetRef"] == "assets/crm/v1.0/users.yaml"
    assert custom["lakepact.classification"] == "RESTRICTED"
    assert custom["lakepact.notification"] == {"channels": ["slack"], "recipients": ["crm@example.com"]}
    assert custom["lakepact.quarantine"] == {"enabled": True, "s3_bucket": "${BUCKET}", "retention_days": 30}
    assert custom["lakepact.schemaContract"] == {
        "strict_mode": True,
        "allow_nullable_expansion": False,
        "allow_type_changes": False,
    }


def test_service_levels() -> None:
    contract = loaded(convert_data_contract(DATA_CONTRACT.encode()))
    assert [(level.property, level.value, level.unit, level.elements) for level in contract.sla_properties] == [
        ("freshness", 2, "h", ()),
        ("completeness", 100, "rows/d", ()),
        ("availability", 99.5, "percent", ()),
        ("latency", 5, None, ()),
        ("retention", 400, "d", ()),
        ("freshness", 24, "h", ("crm_users.since",)),
    ]


def test_rules_run_with_the_actions_that_the_contract_asks_for() -> None:
    contract = loaded(convert_data_contract(DATA_CONTRACT.encode()))
    actions = {rule.id.removeprefix("crm_users."): rule.action.value for rule in compile_rules(contract).all_rules()}
    assert actions == {
        **{f"{name}.type": "fail" for name in ("id", "balance", "since")},
        "id.required": "fail",
        "id.quality.nullValues": "quarantine",
        "id.quality.expect_column_values_to_not_be_null": "quarantine",
        "since.quality.nullValues": "quarantine",
        "email.quality.email_format": "quarantine",
        "colour.quality.expect_column_values_to_be_in_set": "quarantine",
        "balance.quality.range": "warn",
        "email.quality.no_doubles": "fail",
        "email.quality.expect_column_values_to_not_be_null": "warn",
        "quality.duplicateValues": "warn",
        "quality.expect_table_row_count_to_be_between": "warn",
        "since.sla.freshness": "warn",
    }


@pytest.mark.parametrize(
    ("check", "rule"),
    [
        (
            "{type: regex, column: c, pattern: 'a+'}",
            {"type": "library", "metric": "invalidValues", "arguments": {"pattern": "a+"}, "mustBe": 0},
        ),
        (
            "{type: regex, column: c, pattern: '(?<!a+)b'}",
            {
                "type": "custom",
                "engine": "soda",
                "implementation": {"type": "regex", "column": "c", "pattern": "(?<!a+)b"},
            },
        ),
        ("{type: uniqueness, columns: [c]}", {"type": "library", "metric": "duplicateValues", "mustBe": 0}),
        (
            "{type: range, column: c, max: 5}",
            {
                "type": "custom",
                "engine": "lakeflow-expectations",
                "implementation": "{property} IS NULL OR ({property} <= 5)",
            },
        ),
        (
            "{type: range, column: c, max: 2 hours ago}",
            {
                "type": "custom",
                "engine": "soda",
                "implementation": {"type": "range", "column": "c", "max": "2 hours ago"},
            },
        ),
        (
            "{type: accepted_values, column: c, values: [a, 1]}",
            {"type": "library", "metric": "invalidValues", "arguments": {"validValues": ["a", 1]}, "mustBe": 0},
        ),
        (
            "{type: uniqueness, columns: [c], threshold: 3}",
            {
                "type": "custom",
                "engine": "soda",
                "implementation": {"type": "uniqueness", "columns": ["c"], "threshold": 3},
            },
        ),
    ],
)
def test_a_check_becomes_a_rule_of_the_library_only_where_it_is_equal(check: str, rule: dict[str, Any]) -> None:
    (found,) = soda(check)["properties"]
    assert found == {"name": "c", "quality": [rule]}


def test_checks_of_rows_or_of_several_columns_stand_on_the_object() -> None:
    found = soda("{type: uniqueness, columns: [a, b]}, {type: row_count, min: 1, max: 1}, {type: row_count, max: 9}")
    assert found["properties"] == [{"name": "a"}, {"name": "b"}]
    assert [(rule["metric"], rule.get("arguments")) for rule in found["quality"]] == [
        ("duplicateValues", {"properties": ["a", "b"]}),
        ("rowCount", None),
        ("rowCount", None),
    ]
    assert (found["quality"][1]["mustBe"], found["quality"][2]["mustBeLessOrEqualTo"]) == (1, 9)


def test_columns_without_a_type_are_told() -> None:
    text = HEAD + "  quality_checks:\n    soda: {checks: [{type: regex, column: c, pattern: a}]}\n"
    assert said(convert_data_contract(text.encode(), file="a.yaml")) == [
        "a.yaml:5:3: warning LP809: no type is known for c of `t`\n  hint: give each a logicalType"
    ]


def test_an_action_without_an_equal_is_told_and_not_written() -> None:
    body = "  quality_checks: {soda: {checks: [{type: null_check, column: c}]}}\n"
    text = (
        HEAD + "  schema: [{name: c, type: string}]\n" + body + "  violation_handling: {on_quality_violation: page}\n"
    )
    converted = convert_data_contract(text.encode(), file="a.yaml")
    assert said(converted) == [
        "a.yaml:7:24: warning LP808: `on_quality_violation` is `page`, which is no action of lakepact; "
        "the default of each rule holds\n  hint: one of block, strict, fail, warn, quarantine, drop"
    ]
    assert converted.document["schema"][0]["properties"][0]["quality"] == [
        {"type": "library", "metric": "nullValues", "mustBe": 0}
    ]


def test_checks_of_all_rows_together_are_told_where_rows_are_to_be_held_back() -> None:
    problems = [
        problem for problem in convert_data_contract(DATA_CONTRACT.encode()).problems if problem.code == "LP808"
    ]
    assert [(problem.severity, problem.message, problem.path) for problem in problems] == [
        (
            "info",
            "a check of all rows together holds no rows back; with severity error it fails, else it warns: no_doubles, "
            "expect_column_values_to_not_be_null, duplicateValues, expect_table_row_count_to_be_between",
            "data_contract.quality_checks",
        )
    ]


def test_a_reference_to_a_contract_is_none() -> None:
    text = "data_contract: {enabled: true, contract_path: x.yaml, enforcement_mode: strict}\n"
    with pytest.raises(ConfigurationError, match=r"LP800: job\.yaml cannot be converted") as caught:
        convert_data_contract(text.encode(), file="job.yaml")
    assert [str(problem) for problem in caught.value.problems if problem.severity == "error"] == [
        "job.yaml:1:1: error LP801: a data contract needs `name`",
        "job.yaml:1:1: error LP801: a data contract needs `version`",
    ]


def test_a_contract_without_status_is_active() -> None:
    converted = convert_data_contract(b"data_contract: {name: t, version: 2}", file="a.yaml")
    assert (converted.document["status"], converted.document["version"]) == ("active", "2")
    assert said(converted) == [
        "a.yaml:1:1: info LP807: the data contract has no `status`; `active` is written, which is its default"
    ]
