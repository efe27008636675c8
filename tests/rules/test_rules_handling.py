"""What a contract says of all its violations: modes, responses, and what they make of the actions of rules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakepact.contract import Contract, load_contract
from lakepact.rules import EnforcementMode, Handling, Policy, Response, SchemaContract, compile_rules, handling_of
from lakepact.rules.model import Action
from lakepact.rules.policy import PolicyEntry


def contract(**custom: Any) -> Contract:
    """A contract whose customProperties are these, with rules of every kind."""
    soda = {"type": "custom", "engine": "soda", "implementation": "x", "name": "soda"}
    asked = {"property": "lakepact.action", "value": "drop"}
    document = {
        **{"apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "version": "1.0.0", "status": "active"},
        "schema": [
            {
                "name": "t",
                "properties": [
                    {"name": "id", "logicalType": "integer", "required": True},
                    {"name": "at", "logicalType": "timestamp"},
                    {"name": "a", "logicalType": "string", "logicalTypeOptions": {"maxLength": 3}},
                    {
                        "name": "b",
                        "logicalType": "string",
                        "quality": [
                            {"metric": "nullValues", "mustBe": 0, "name": "soft", "severity": "warning"},
                            {"metric": "nullValues", "mustBe": 0, "name": "own", "customProperties": [asked]},
                        ],
                    },
                ],
                "quality": [{"metric": "rowCount", "mustBeGreaterThan": 0, "name": "rows"}, soda],
            }
        ],
        "slaProperties": [{"property": "freshness", "value": 2, "unit": "h", "element": "t.at"}],
        "customProperties": [{"property": f"lakepact.{name}", "value": value} for name, value in custom.items()],
    }
    return load_contract(json.dumps(document).encode(), file="c.yaml")


def actions(found: Contract, policy: Policy | None = None, handling: Handling | None = None) -> dict[str, str]:
    rules = compile_rules(found, policy=policy, handling=handling)
    every = [*rules.all_rules(), *rules.engine_rules()]
    return {rule.id.removeprefix("t."): f"{rule.action} ({rule.action_from})" for rule in every}


SILENT = {
    "id.type": "quarantine (default)",
    "id.required": "quarantine (default)",
    "at.type": "quarantine (default)",
    "a.maxLength": "warn (default)",
    "b.quality.soft": "warn (severity)",
    "b.quality.own": "drop (customProperties)",
    "quality.rows": "warn (default)",
    "at.sla.freshness": "warn (default)",
    "quality.soda": "warn (default)",
}


def test_a_contract_that_says_nothing_has_the_defaults() -> None:
    assert handling_of(contract()) == Handling()
    assert actions(contract()) == SILENT


def test_each_kind_of_violation_is_handled_for_itself() -> None:
    found = contract(onSchemaViolation="block", onQualityViolation="quarantine", onSlaViolation="block")
    assert handling_of(found) == Handling(
        on_schema=Response.BLOCK, on_quality=Response.QUARANTINE, on_sla=Response.BLOCK
    )
    schema = dict.fromkeys(("id.type", "id.required", "at.type"), "fail (lakepact.onSchemaViolation)")
    quality = dict.fromkeys(("a.maxLength", "quality.soda"), "quarantine (lakepact.onQualityViolation)")
    assert actions(found) == SILENT | schema | quality | {"at.sla.freshness": "fail (lakepact.onSlaViolation)"}


def test_strict_stops_where_nothing_is_said_and_warn_stops_nothing() -> None:
    stopped = actions(contract(enforcement="strict", onSlaViolation="warn"))
    assert {name for name, action in stopped.items() if action.startswith("fail")} == SILENT.keys() - {
        "b.quality.soft",
        "b.quality.own",
        "at.sla.freshness",
    }
    for mode in ("warn", "disabled"):
        found = actions(contract(enforcement=mode, onSchemaViolation="block"))
        assert found == dict.fromkeys(SILENT, "warn (lakepact.enforcement)")


def test_the_name_of_the_mode_in_converted_assets_is_known() -> None:
    assert handling_of(contract(enforcementMode="STRICT")).mode is EnforcementMode.STRICT


def test_a_policy_and_the_caller_go_before_the_contract() -> None:
    found = contract(onQualityViolation="block")
    policy = Policy((PolicyEntry(action=Action.DROP, rule="t.a.*"),), "p.yml")
    assert actions(found, policy)["a.maxLength"] == "drop (policy p.yml)"
    assert actions(found, handling=Handling(on_quality=Response.QUARANTINE))["a.maxLength"].startswith("quarantine")


def test_rows_that_are_set_aside_although_the_quarantine_is_off_are_told() -> None:
    on = compile_rules(contract(quarantine={"enabled": True}))
    off = compile_rules(contract(quarantine={"enabled": False}))
    whole = compile_rules(contract(quarantine={"enabled": False}, onSchemaViolation="block"))
    assert (
        (on.problems, on.coverage.not_enforceable()) == (whole.problems, whole.coverage.not_enforceable()) == ((), ())
    )
    (clause,) = off.coverage.not_enforceable()
    assert clause.path == "customProperties[0]"
    assert clause.reason.startswith(
        "the contract turns its quarantine off, which holds for files that fail as a whole; "
    )
    assert [problem.code for problem in off.problems] == ["LP211"]


def test_required_columns_that_may_expand_only_warn() -> None:
    found = contract(onSchemaViolation="block", schemaContract={"allow_nullable_expansion": True, "strict_mode": True})
    assert handling_of(found).schema == SchemaContract(strict_mode=True, allow_nullable_expansion=True)
    assert actions(found)["id.required"] == "warn (lakepact.schemaContract)"
    assert actions(found)["id.type"] == "fail (lakepact.onSchemaViolation)"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("onQualityViolation", "page", "`lakepact.onQualityViolation` is 'page', not one of block, warn, quarantine"),
        ("enforcement", "off", "`lakepact.enforcement` is 'off', not one of strict, warn, disabled"),
        (
            "schemaContract",
            "strict",
            "`lakepact.schemaContract` is no mapping of strict_mode, allow_nullable_expansion, allow_type_changes",
        ),
        (
            "schemaContract",
            {"strict_mode": "yes"},
            "`lakepact.schemaContract`: 'strict_mode' is 'yes', not true or false",
        ),
        (
            "schemaContract",
            {"loose": True},
            "`lakepact.schemaContract` has 'loose'; known are "
            "strict_mode, allow_nullable_expansion, allow_type_changes",
        ),
    ],
)
def test_words_that_are_none_are_told_and_not_heeded(name: str, value: object, said: str) -> None:
    rules = compile_rules(contract(**{name: value}))
    assert [(each.code, each.message, each.line > 0) for each in rules.problems] == [
        ("LP211", f"{said}; it is not heeded", True)
    ]
    assert actions(contract(**{name: value})) == SILENT
