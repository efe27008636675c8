"""Policy files and `lakepact.action`: what decides, what is refused, and what a dataset rule cannot do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lakepact.contract import load_contract
from lakepact.errors import ConfigurationError
from lakepact.rules import Policy, compile_rules, load_policy
from lakepact.rules.model import Action, RuleSet


def compiled(policy: Policy | None = None, *, ask: Any = None, where: str = "property", rows: bool = True) -> RuleSet:
    rule: dict[str, Any] = {"metric": "nullValues", "mustBe": 0 if rows else 1, "severity": "warning"}
    rule["dimension"] = "completeness"
    prop: dict[str, Any] = {"name": "c", "logicalType": "string", "quality": [rule]}
    schema_object: dict[str, Any] = {"name": "t", "properties": [prop]}
    if ask is not None:
        custom = [{"property": "lakepact.action", "value": ask}]
        {"rule": rule, "property": prop, "object": schema_object}[where]["customProperties"] = custom
    document = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "p", "version": "1.0.0", "status": "active"}
    source = json.dumps(document | {"schema": [schema_object]}).encode()
    return compile_rules(load_contract(source, file="p.yaml"), policy=policy)


def action(rules: RuleSet) -> tuple[Action, str]:
    (rule,) = rules.all_rules()
    return rule.action, rule.action_from


@pytest.mark.parametrize(
    "condition",
    [
        "rule: t.c.quality.nullValues",
        "rule: 't.*'",
        "rule: '*.nullValues'",
        "property: t.c",
        "property: 't.*'",
        "dimension: completeness",
        "severity: WARNING",
        "severity: warning\n    rule: 't.c.*'",
    ],
)
def test_every_condition_decides(condition: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.yml"
    file.write_text(f"version: 1\nactions:\n  - {condition}\n    action: drop\n")
    assert action(compiled(load_policy(file))) == (Action.DROP, "policy policy.yml")


@pytest.mark.parametrize("condition", ["rule: 'x.*'", "property: t.d", "dimension: accuracy", "severity: error"])
def test_other_rules_keep_their_default(condition: str) -> None:
    policy = load_policy(f"actions:\n  - {condition}\n    action: drop\n".encode())
    assert action(compiled(policy)) == (Action.WARN, "severity")


def test_the_first_entry_that_matches_decides_and_goes_before_the_contract() -> None:
    policy = load_policy(b"actions: [{rule: 't.*', action: fail}, {severity: warning, action: drop}]")
    assert action(compiled(policy, ask="drop")) == (Action.FAIL, "policy")


@pytest.mark.parametrize("where", ["rule", "property", "object"])
def test_the_contract_asks_for_an_action(where: str) -> None:
    assert action(compiled(ask="quarantine", where=where)) == (Action.QUARANTINE, "customProperties")


def test_an_unknown_action_is_reported() -> None:
    rules = compiled(ask="explode")
    said = "lakepact.action 'explode' is not one of warn, drop, quarantine, fail"
    assert action(rules) == (Action.WARN, "severity")
    assert [p.message for p in rules.problems] == [f"rule 't.c.quality.nullValues': {said}"]
    assert rules.problems[0].code == "LP209"
    assert said in next(c.reason for c in rules.coverage.clauses if "quality" in c.path)


def test_a_dataset_rule_cannot_drop_rows() -> None:
    rules = compiled(ask="quarantine", rows=False)
    assert action(rules) == (Action.WARN, "severity")
    assert "asks for quarantine, which a rule on the whole dataset cannot do" in rules.problems[0].message


def test_an_index_in_a_rule_id_is_no_set_of_characters() -> None:
    policy = load_policy(b"actions: [{rule: 'orders.lines[].sku.*', action: fail}]")
    (entry,) = policy.entries
    from lakepact.rules.drafting import Origin

    assert entry.matches("orders.lines[].sku.pattern", "orders", Origin())
    assert not entry.matches("orders.lines.sku.pattern", "orders", Origin())


def test_all_problems_of_a_policy_come_together(tmp_path: Path) -> None:
    file = tmp_path / "p.yml"
    file.write_text("version: 2\nmore: 1\nactions:\n  - {rule: x, action: explode}\n  - {action: warn}\n  - {rul: x}\n")
    with pytest.raises(ConfigurationError, match="is not valid") as caught:
        load_policy(file)
    assert caught.value.code == "LP210"
    assert [(p.line, p.column, p.message) for p in caught.value.problems] == [
        (1, 10, "version '2' is not known, only 1 is"),
        (2, 1, "unknown key 'more'"),
        (4, 5, "`action` is one of warn, drop, quarantine, fail"),
        (5, 5, "an entry needs a condition: rule, property, dimension, severity"),
        (6, 6, "unknown key 'rul'; known are rule, property, dimension, severity, action"),
        (6, 5, "`action` is one of warn, drop, quarantine, fail"),
    ]


@pytest.mark.parametrize(
    ("text", "said"), [(b"a: [", "is not YAML"), (b"\xff\xfe\xff", "cannot be read"), (b"- 1", "not valid")]
)
def test_what_is_no_policy(text: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load_policy(text)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yml cannot be read"):
        load_policy(tmp_path / "none.yml")


def test_an_empty_policy_changes_nothing() -> None:
    assert load_policy(b"") == Policy()
