"""Asset definitions: the nested form, the flat one, their checks and what happens to bad data."""

from __future__ import annotations

from typing import Any

import pytest
from convert_account import loaded, said
from convert_samples import FLAT_ASSET, NESTED_ASSET

from lakepact.convert.asset import convert_asset
from lakepact.errors import ConfigurationError
from lakepact.rules import compile_rules

HEAD = "asset:\n  name: a_t\n  object: t\n  version: '1.0'\n  status: active\n"


def table(body: str) -> dict[str, Any]:
    """The one object of an asset with `body`."""
    converted = convert_asset((HEAD + body).encode())
    loaded(converted)
    found: dict[str, Any] = converted.document["schema"][0]
    return found


def fields(body: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table(f"  schema:\n    - {body}\n")["properties"]
    return found


def checked(checks: str, mode: str = "") -> dict[str, Any]:
    schema = "  schema: [{name: n, type: integer}, {name: s, type: string}]\n"
    found = table(f"{schema}  data_contract: {{inline_checks: [{checks}]{mode}}}\n")
    return {entry["name"]: entry for entry in found["properties"]}


def test_the_nested_form() -> None:
    contract = loaded(convert_asset(NESTED_ASSET.encode()))
    assert (contract.id, contract.name, contract.version, contract.status) == (
        "shop_orders",
        "shop_orders",
        "2.1",
        "active",
    )
    (orders,) = contract.schema
    assert [(entry.name, str(entry.logical_type), entry.physical_type) for entry in orders.properties] == [
        ("id", "integer", None),
        ("amount", "number", "decimal(10,2)"),
        ("day", "date", None),
        ("address", "object", "struct"),
        ("lines", "array", None),
    ]
    assert (orders.properties[2].partitioned, orders.properties[2].partition_key_position) == (True, 1)
    assert orders.properties[3].properties[0].name == "city"
    assert orders.properties[4].items is not None
    assert orders.properties[4].items.properties[0].name == "sku"
    assert {rule.id: rule.action.value for rule in compile_rules(contract).all_rules() if "quality" in rule.id} == {
        "orders.id.quality.nullValues": "fail",
        "orders.amount.quality.lakeflow-expectations": "fail",
    }


def test_the_flat_form() -> None:
    contract = loaded(convert_asset(FLAT_ASSET.encode()))
    assert (contract.id, contract.name, contract.api_version) == ("shop-items-1", "shop_items", "v3.1.0")
    sku, price, stock = contract.schema[0].properties
    assert (sku.physical_name, sku.primary_key, sku.unique, sku.critical_data_element) == ("SKU", True, True, True)
    assert (price.logical_type, price.physical_type, stock.logical_type) == ("number", "DECIMAL(10,2)", None)
    assert [(rule.type.value, rule.name, rule.metric) for rule in sku.quality] == [
        ("library", "there", "nullValues"),
        ("custom", "known", None),
        ("library", "list", "invalidValues"),
        ("sql", "pay", None),
        ("custom", "loose", None),
        ("text", "words", None),
        ("custom", "tool", None),
        ("library", None, "nullValues"),
        ("library", None, "invalidValues"),
        ("custom", None, None),
    ]
    assert sku.quality[3].query == "SELECT COUNT(*) FROM {table} WHERE {column} = ''"
    assert contract.team is not None
    assert [(member.username, member.role, member.name) for member in contract.team.members] == [
        ("items@example.com", "owner", None),
        ("steward@example.com", "Steward", None),
    ]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("{name: c, type: bigint}", {"name": "c", "logicalType": "integer", "physicalType": "bigint"}),
        ("{name: c, type: String, nullable: false}", {"name": "c", "logicalType": "string", "required": True}),
        (
            "{name: c, data_type: double, physical_name: C}",
            {"name": "c", "logicalType": "number", "physicalType": "double", "physicalName": "C"},
        ),
        (
            "{name: c, type: array<string>}",
            {
                "name": "c",
                "logicalType": "array",
                "physicalType": "ARRAY",
                "items": {"logicalType": "string", "physicalType": "string"},
            },
        ),
        (
            "{name: c, type: date, mask: x}",
            {"name": "c", "logicalType": "date", "customProperties": [{"property": "mask", "value": "x"}]},
        ),
    ],
)
def test_fields(written: str, found: dict[str, Any]) -> None:
    assert fields(written) == [found]


def test_a_bare_range_is_an_option_of_a_number_and_a_rule_of_anything_else() -> None:
    found = checked("{type: range_check, column: n, min: 1, max: 9}, {type: range_check, column: s, min: a}")
    assert found["n"]["logicalTypeOptions"] == {"minimum": 1, "maximum": 9}
    assert found["s"]["quality"][0]["implementation"] == "{property} IS NULL OR ({property} >= 'a')"


def test_a_second_range_or_one_with_more_to_say_is_a_rule() -> None:
    ranges = "{type: range_check, column: n, min: 1}, {type: range_check, column: n, min: 2}"
    found = checked(f"{ranges}, {{type: range_check, column: n, max: 9, severity: warning}}")
    assert found["n"]["logicalTypeOptions"] == {"minimum": 1}
    assert [(rule["implementation"], rule.get("severity")) for rule in found["n"]["quality"]] == [
        ("{property} IS NULL OR ({property} >= 2)", None),
        ("{property} IS NULL OR ({property} <= 9)", "warning"),
    ]


def test_lengths_are_options_of_text() -> None:
    found = checked("{type: length_check, column: s, max: 3}, {type: length_check, column: n, max: 3}")
    assert found["s"]["logicalTypeOptions"] == {"maxLength": 3}
    assert found["n"]["quality"][0]["implementation"] == "{property} IS NULL OR (char_length({property}) <= 3)"


@pytest.mark.parametrize(("mode", "action"), [("strict", "fail"), ("warn", "warn")])
def test_the_mode_of_enforcement_is_the_action_of_inline_checks(mode: str, action: str) -> None:
    (rule,) = checked("{type: null_check, column: n}", f", enforcement_mode: {mode}")["n"]["quality"]
    assert rule["customProperties"] == [{"property": "lakepact.action", "value": action}]


@pytest.mark.parametrize("off", [", enforcement_mode: disabled", ", enabled: false"])
def test_checks_that_are_switched_off_are_no_rules(off: str) -> None:
    text = HEAD + f"  data_contract: {{inline_checks: [{{type: null_check, column: n}}]{off}}}\n"
    converted = convert_asset(text.encode(), file="a.yaml")
    assert said(converted) == [
        "a.yaml:6:19: warning LP808: the data contract is switched off; its inline checks are kept as a custom "
        "property, not as rules"
    ]
    assert "quality" not in str(converted.document["schema"])
    assert "null_check" in str(converted.document["customProperties"])


def test_a_nested_column_is_found_by_its_dots() -> None:
    schema = "  schema: [{name: a, type: object, properties: [{name: b, type: string}]}]\n"
    found = table(f"{schema}  data_contract: {{inline_checks: [{{type: null_check, column: a.b}}]}}\n")
    assert found["properties"][0]["properties"][0]["quality"][0]["metric"] == "nullValues"
    assert len(found["properties"]) == 1


def test_partition_columns_that_the_schema_lacks_stay_as_they_are_written() -> None:
    found = table("  schema: [{name: n, type: integer}]\n  target: {partitioning: [n, ingest_date]}\n")
    assert found["customProperties"] == [
        {"property": "lakepact.target", "value": {"partitioning": ["n", "ingest_date"]}}
    ]
    assert "partitioned" not in found["properties"][0]


def test_an_asset_without_name_version_or_names_of_fields_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"LP800: a\.yaml cannot be converted") as caught:
        convert_asset(b"asset:\n  schema:\n    - {type: string}\n", file="a.yaml")
    assert [str(problem) for problem in caught.value.problems if problem.severity == "error"] == [
        "a.yaml:1:1: error LP801: an asset needs `name`",
        "a.yaml:1:1: error LP801: an asset needs `version`",
        "a.yaml:3:7: error LP801: a field needs `name`",
    ]


def test_what_would_make_the_contract_invalid_is_refused() -> None:
    text = HEAD + "  schema: [{name: n, type: integer, primaryKey: true, primaryKeyPosition: 1.5}]\n"
    with pytest.raises(ConfigurationError, match="cannot be converted") as caught:
        convert_asset(text.encode(), file="a.yaml")
    assert [problem.message for problem in caught.value.problems] == [
        "the converted document would not be valid at `schema[0].properties[0].primaryKeyPosition`: "
        "`primaryKeyPosition` must be a whole number, not 1.5"
    ]
