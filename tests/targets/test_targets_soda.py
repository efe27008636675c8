"""Contracts for Soda 4: the golden file, how thresholds and rules for Soda are translated, and that Soda reads it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from golden_files import assert_golden

from lakepact.contract import Contract, load_contract
from lakepact.contract.model import Operator, Place, Threshold
from lakepact.errors import UsageError
from lakepact.rules import compile_rules
from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import Action, EngineRule, RuleSet
from lakepact.targets.queries import Tables
from lakepact.targets.soda import render
from lakepact.targets.soda.checks import soda_threshold
from lakepact.targets.soda.sodacl import translate_soda
from quality.planted import CONTRACT

PLACE = Place("schema[0].quality[0]", 7, 3)
ODD = r"""
apiVersion: v3.2.0
kind: DataContract
id: odd
version: 1.0.0
status: active
servers:
  - {server: lake, type: databricks, catalog: main, schema: sales}
schema:
  - name: orders
    physicalName: t_orders
    properties:
      - {name: no, logicalType: string, enum: [{value: '1e3'}, {value: '${env.HOME}'}]}
      - {name: code, logicalType: string, enum: [{value: '1e3'}, {value: 'on'}, {value: "it's"}]}
      - {name: price, logicalType: number, logicalTypeOptions: {exclusiveMinimum: 0}}
      - name: address
        logicalType: object
        properties: [{name: city, logicalType: string, required: true}]
    quality:
      - {id: some, metric: rowCount, mustBeBetween: [5, 9]}
      - {id: two, metric: rowCount, mustNotBeBetween: [5, 9]}
      - {id: rate, metric: duplicateValues, unit: percent, arguments: {properties: [code]}, mustBeLessThan: 1.5}
      - {id: text, type: sql, query: "SELECT max(code) FROM {object}", mustBe: a}
"""


def rule(implementation: object, *columns: str, action: Action = Action.FAIL, **given: Any) -> EngineRule:
    return EngineRule(
        id="o.rule",
        name="rule",
        object="o",
        engine=given.pop("engine", "soda"),
        implementation=implementation,
        columns=columns,
        clauses=(),
        description="",
        action=action,
        action_from="default",
        place=PLACE,
        **given,
    )


def compiled(text: str) -> tuple[Contract, RuleSet]:
    contract = load_contract(text.encode(), file="contract.yaml")
    return contract, compile_rules(contract)


def translated(implementation: object, *columns: str, **given: Any) -> tuple[str, str | None, dict[str, object]]:
    (check,) = translate_soda(rule(implementation, *columns, **given), Tables(own="`t`"))
    return check.kind, check.column, dict(check.body)


def test_the_contract_of_every_kind_of_rule() -> None:
    first, second = render(*compiled(CONTRACT))
    assert_golden("soda", "customers.yml", first.text)
    assert_golden("soda", "regions.yml", second.text)
    assert yaml.safe_load(first.text) == first.document
    assert first.notes["customers.balance.minimum"] == "Soda takes NaN for valid"
    assert (first.not_expressed, first.problems) == ({}, ())


def test_what_soda_reads_otherwise_or_cannot_say() -> None:
    (found,) = render(*compiled(ODD))
    assert_golden("soda", "odd.yml", found.text)
    assert found.not_expressed == {
        "orders.address.type": (
            "Soda sees stored values, not those from which values of STRUCT<`city`: STRING> are made"
        ),
        "orders.no.enum": "Soda would put a variable in place of ${env.HOME}",
    }


def test_rules_of_the_contract_for_an_engine_are_part_of_it() -> None:
    contract, rules = compiled(ODD)
    (only,) = rules.objects
    engine_rules = (
        replace(rule("missing_count(code) < 5"), id="orders.a", name="a"),
        replace(rule("schema_drift(code)"), id="orders.b", name="b"),
        replace(rule("expect_column_to_exist", engine="gx"), id="orders.c", name="c"),
    )
    changed = replace(rules, objects=(replace(only, engine_rules=engine_rules),))
    (found,) = render(contract, changed, data_source="mine")
    assert found.document["dataset"] == "mine/main/sales/t_orders"
    columns = found.document["columns"]
    assert isinstance(columns, list)
    code = next(each for each in columns if each["name"] == "code")
    assert code["checks"][-1] == {
        "missing": {
            "qualifier": "a",
            "threshold": {"must_be_less_than": 5},
            "attributes": {"lakepact_rule": "orders.a"},
        }
    }
    assert found.not_expressed["orders.b"] == "Soda's check 'schema_drift(code)' is not known"
    assert found.not_expressed["orders.c"] == "engine 'gx' runs it"
    assert [str(each) for each in found.problems] == [
        "contract.yaml:7:3: warning LP314: rule 'orders.b' is not one that Soda 4 can be given: "
        "Soda's check 'schema_drift(code)' is not known"
    ]


def test_rules_of_another_contract_are_refused() -> None:
    contract, _ = compiled(ODD)
    _, others = compiled(CONTRACT)
    with pytest.raises(UsageError, match=r"^LP301: the rules are not those of contract 'odd': it"):
        render(contract, others)


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        (Operator.MUST_BE, 0, {"must_be": 0}),
        (Operator.MUST_NOT_BE, Decimal("1.5"), {"must_not_be": 1.5}),
        (Operator.MUST_BE_GREATER_OR_EQUAL_TO, 2, {"must_be_greater_than_or_equal": 2}),
        (Operator.MUST_BE_BETWEEN, (3, 3), {"must_be": 3}),
        (Operator.MUST_NOT_BE_BETWEEN, (3, 3), {"must_not_be": 3}),
        (Operator.MUST_BE_BETWEEN, (4, 3), None),
        (Operator.MUST_NOT_BE_BETWEEN, (1, 3), {"must_be_not_between": {"greater_than": 3, "less_than": 1}}),
        (Operator.MUST_BE, "a", None),
        (Operator.MUST_BE, True, None),
    ],
)
def test_thresholds(operator: Operator, value: Any, expected: object) -> None:
    assert soda_threshold([Threshold(operator, value, PLACE)]) == expected


def test_several_thresholds_are_none_of_soda() -> None:
    zero = Threshold(Operator.MUST_BE, 0, PLACE)
    assert soda_threshold([zero, zero]) is None
    assert soda_threshold([]) is None
    assert soda_threshold([zero], percent=True) == {"metric": "percent", "must_be": 0}


@pytest.mark.parametrize(
    ("implementation", "expected"),
    [
        ("missing_count(id) = 0", ("missing", "id", {"threshold": {"must_be": 0}})),
        ("- duplicate_count(x) = 0", ("duplicate", "x", {"threshold": {"must_be": 0}})),
        (
            "checks for t:\n  - invalid_count(email) = 0:\n      valid regex: ^a$",
            (
                "invalid",
                "email",
                {"valid_format": {"name": "rule", "regex": "^a$"}, "threshold": {"must_be": 0}},
            ),
        ),
        (
            {"invalid_percent(c) < 5.5 %": {"valid values": ["a", "b"], "filter": "d > 1"}},
            (
                "invalid",
                "c",
                {
                    "valid_values": ["a", "b"],
                    "filter": "d > 1",
                    "threshold": {"metric": "percent", "must_be_less_than": 5.5},
                },
            ),
        ),
        (
            "freshness(c) < 24h",
            ("freshness", None, {"column": "c", "threshold": {"unit": "hour", "must_be_less_than": 24}}),
        ),
        (
            "freshness(c) <= 1d30m",
            ("freshness", None, {"column": "c", "threshold": {"unit": "minute", "must_be_less_than_or_equal": 1470}}),
        ),
        (
            "avg(x) between -10 and 5.5",
            (
                "aggregate",
                "x",
                {
                    "function": "avg",
                    "threshold": {"must_be_between": {"greater_than_or_equal": -10, "less_than_or_equal": 5.5}},
                },
            ),
        ),
        (
            "max_length(x) not between 1 and 3",
            (
                "aggregate",
                "x",
                {"function": "maxLength", "threshold": {"must_be_not_between": {"greater_than": 3, "less_than": 1}}},
            ),
        ),
        ("row_count > 10", ("row_count", None, {"threshold": {"must_be_greater_than": 10}})),
        (
            {"row_count": {"warn": "when < 10", "fail": "when = 0"}},
            (
                "row_count",
                None,
                {
                    "threshold": {
                        "must_not_be": 0,
                        "additional": {"must_be_greater_than_or_equal": 10, "level": "warn"},
                    }
                },
            ),
        ),
        (
            "type: duplicate_percent\ncolumns: [a, b]\nmust_be_less_than: 1.0",
            (
                "duplicate",
                None,
                {
                    "columns": ["a", "b"],
                    "filter": "`a` IS NOT NULL AND `b` IS NOT NULL",
                    "threshold": {"metric": "percent", "must_be_less_than": 1.0},
                },
            ),
        ),
        (
            {"name": "email_format", "type": "regex", "column": "email", "pattern": "@", "severity": "error"},
            ("invalid", "email", {"valid_format": {"name": "rule", "regex": "@"}, "threshold": {"must_be": 0}}),
        ),
        (
            {"type": "uniqueness", "columns": ["email"]},
            ("duplicate", "email", {"threshold": {"must_be": 0}}),
        ),
        (
            {"type": "range", "column": "x", "min": -1, "max": 5},
            ("invalid", "x", {"valid_min": -1, "valid_max": 5, "threshold": {"must_be": 0}}),
        ),
        (
            {"type": "freshness", "column": "c", "max_age_hours": 24},
            ("freshness", None, {"column": "c", "threshold": {"unit": "hour", "must_be_less_than": 24}}),
        ),
        ({"missing": {"column": "x"}}, ("missing", "x", {})),
        (
            {"failed rows": {"fail condition": "a > b"}},
            ("failed_rows", None, {"expression": "coalesce((a > b), FALSE)"}),
        ),
        (
            {"failed rows": {"fail query": "SELECT * FROM u"}},
            ("failed_rows", None, {"query": "SELECT * FROM u"}),
        ),
    ],
)
def test_rules_for_soda(implementation: object, expected: object) -> None:
    assert translated(implementation) == expected


def test_a_rule_at_a_column_need_not_name_it() -> None:
    zero = (Threshold(Operator.MUST_BE, 0, PLACE),)
    assert translated("missing_count", "x", thresholds=zero) == ("missing", "x", {"threshold": {"must_be": 0}})


def test_a_rule_that_only_warns_is_of_that_level() -> None:
    warned = translated("row_count > 10", action=Action.WARN)
    assert warned == ("row_count", None, {"threshold": {"must_be_greater_than": 10, "level": "warn"}})
    missing = translated({"missing": {"column": "x"}}, action=Action.WARN)
    assert missing == ("missing", "x", {"threshold": {"must_be": 0, "level": "warn"}})


def test_several_checks_have_names_of_their_own() -> None:
    checks = translate_soda(rule(["min(x) > 0", "max(x) < 9"]), Tables(own="`t`"))
    assert [(each.kind, each.qualifier, each.rule) for each in checks] == [
        ("aggregate", "rule 1", "o.rule"),
        ("aggregate", "rule 2", "o.rule"),
    ]


@pytest.mark.parametrize(
    ("implementation", "reason"),
    [
        ("distribution_difference(x) > 0.05", "Soda's check 'distribution_difference(x) > 0.05' is not known"),
        ({"type": "anomaly", "column": "x"}, "Soda has no check of type 'anomaly'"),
        ({"type": "regex", "column": "x"}, "a check of type 'regex' needs 'pattern'"),
        ({"type": "range", "column": "x", "minimum": 1}, "a check of type 'range' has the key 'minimum', which"),
        ("missing_count(id)", "missing_count is compared with nothing"),
        ("missing_count(id) ~ 3", "the condition '~ 3' is not known"),
        ("freshness(c) < 3", "the condition '< 3' is no age, such as < 24h"),
        ("missing_count = 0", "the check names no column"),
        ("missing_count(a, b) = 0", "the check speaks of one column"),
        ("invalid_count(a) = 0", "invalid_count needs to know what is valid, for example 'valid regex'"),
        ({"invalid_count(a) = 0": {"valid format": "email"}}, "the option 'valid format' of a check is not known"),
        ({"failed rows": {"fail condition": "a > (SELECT 1)"}}, "the expression holds SELECT, a row rule speaks of"),
        ({"failed rows": {"samples limit": 1}}, "'failed rows' has the option 'samples limit', which is not known"),
        ({"failed rows": {}}, "'failed rows' needs a 'fail condition' or a 'fail query'"),
        ("a: [", "the implementation is no YAML: expected the node content"),
        ("[]", "the implementation holds no check"),
        (7, "7 is no check of Soda"),
        ({"missing": 3}, "'missing' is no check of Soda"),
    ],
)
def test_rules_that_are_not_known(implementation: object, reason: str) -> None:
    with pytest.raises(Inexpressible) as refused:
        translate_soda(rule(implementation), Tables(own="`t`"))
    assert str(refused.value).startswith(reason)


def soda_errors(text: str) -> str:
    """What Soda says against a contract."""
    from soda_core.common.yaml import ContractYamlSource
    from soda_core.contracts.contract_verification import ContractVerificationSession

    before = list(logging.root.handlers)
    session = ContractVerificationSession.execute(
        contract_yaml_sources=[ContractYamlSource.from_str(text)], only_validate_without_execute=True
    )
    logging.root.handlers[:] = before
    return str(session.get_errors_str() or "")


def test_soda_reads_the_contracts(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("soda_core")
    monkeypatch.setenv("SODA_CORE_TELEMETRY_ENABLED", "false")
    monkeypatch.setenv("PYTHON_DOTENV_DISABLED", "true")
    for text in (CONTRACT, ODD):
        for found in render(*compiled(text)):
            assert soda_errors(found.text) == ""
    nonsense = "dataset: a/b\ncolumns: []\nchecks:\n  - nonsense: {}\n"
    assert soda_errors(nonsense).startswith("Invalid check type 'nonsense'.")


def rules_named_in(found: object) -> Iterator[str]:
    """Every rule that a document names."""
    for key, value in found.items() if isinstance(found, dict) else ():
        if key == "lakepact_rule":
            yield str(value)
        yield from rules_named_in(value)
    for value in found if isinstance(found, list) else ():
        yield from rules_named_in(value)


def test_each_rule_of_each_official_example_is_there_or_has_a_reason(odcs_corpus: Path) -> None:
    texts = [file.read_text(encoding="utf-8") for file in sorted((odcs_corpus / "examples").rglob("*.odcs.yaml"))]
    seen = 0
    for text in texts:
        if "kind: DataContract" not in text or "apiVersion: v3" not in text:
            continue
        contract, rules = compiled(text)
        for compiled_rules, found in zip(rules.objects, render(contract, rules), strict=True):
            ids = {
                each.id
                for each in (*compiled_rules.row_rules, *compiled_rules.dataset_rules, *compiled_rules.engine_rules)
            }
            assert ids <= set(rules_named_in(found.document)) | found.not_expressed.keys() | found.notes.keys()
            assert found.problems == ()
            seen += len(ids)
    assert seen > 300
