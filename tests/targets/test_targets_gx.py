"""Suites for Great Expectations 1.x: the golden file, how rules for it are translated, and that GX loads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from golden_files import assert_golden

from lakepact.contract import Contract, load_contract
from lakepact.contract.model import Place
from lakepact.rules import compile_rules
from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import Action, EngineRule, RuleSet
from lakepact.targets.gx import render
from lakepact.targets.gx.catalogue import ANY_ARGUMENTS, EXPECTATIONS
from lakepact.targets.gx.expectations import BATCH, batch_query
from lakepact.targets.gx.legacy import translate_gx
from quality.planted import CONTRACT

ODD = r"""
apiVersion: v3.1.0
kind: DataContract
id: odd
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: code, logicalType: string, logicalTypeOptions: {pattern: '^\d{2}.$'}}
      - {name: price, logicalType: number, logicalTypeOptions: {exclusiveMinimum: 0}}
      - name: address
        logicalType: object
        properties: [{name: zip, logicalType: string, logicalTypeOptions: {pattern: '^[0-9]{5}$'}}]
    quality:
      - {id: some, metric: rowCount, mustBe: 5}
      - {id: two, metric: rowCount, mustNotBeBetween: [5, 9]}
      - {id: three, metric: rowCount, mustBeBetween: [1.5, 9]}
      - {id: same, metric: duplicateValues, arguments: {properties: [code]}, mustBe: 0}
"""


def rule(implementation: object, *columns: str, action: Action = Action.FAIL, engine: str = "gx") -> EngineRule:
    return EngineRule(
        id="orders.rule",
        name="rule",
        object="orders",
        engine=engine,
        implementation=implementation,
        columns=columns,
        clauses=(),
        description="",
        action=action,
        action_from="default",
        place=Place("schema[0].quality[0]", 7, 3),
    )


def compiled(text: str) -> tuple[Contract, RuleSet]:
    contract = load_contract(text.encode(), file="contract.yaml")
    return contract, compile_rules(contract)


def test_the_suite_of_every_kind_of_rule() -> None:
    first, second = render(*compiled(CONTRACT))
    assert_golden("gx", "customers.json", first.text)
    assert_golden("gx", "regions.json", second.text)
    assert json.loads(first.text) == first.document
    assert first.notes == {"customers.balance.minimum": "GX takes NaN for valid"}
    assert sorted(first.not_expressed) == [
        f"customers.{name}.type" for name in ("age", "amount", "balance", "created", "id", "joined", "number", "score")
    ]


def test_what_has_no_kind_is_a_query() -> None:
    (found,) = render(*compiled(ODD))
    assert_golden("gx", "odd.json", found.text)
    assert found.notes == {
        "orders.price.exclusiveMinimum": "GX takes NaN for valid",
        "orders.quality.same": "every row of a repeated key is counted",
    }


def test_patterns_are_those_of_java_and_python_alike() -> None:
    (found,) = render(*compiled(ODD))
    expectations = found.document["expectations"]
    assert isinstance(expectations, list)
    (pattern,) = (each["kwargs"]["regex"] for each in expectations if "regex" in each["kwargs"])
    assert re.search(pattern, "12x")
    assert not re.search(pattern, "12x\n")
    assert not re.search(pattern, "12\u2028")


def test_rules_of_the_contract_for_an_engine_are_part_of_it() -> None:
    contract, rules = compiled(ODD)
    (only,) = rules.objects
    good = replace(rule({"name": "expect_column_values_to_not_be_null", "column": "code"}), id="orders.a")
    unknown = replace(rule({"type": "expect_magic", "kwargs": {}}), id="orders.b")
    foreign = replace(rule("row_count > 0", engine="soda"), id="orders.c")
    (found,) = render(contract, replace(rules, objects=(replace(only, engine_rules=(good, unknown, foreign)),)))
    expectations = found.document["expectations"]
    assert isinstance(expectations, list)
    assert expectations[-1] == {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "code"},
        "severity": "critical",
        "meta": {"lakepact_rule": "orders.a"},
    }
    assert found.not_expressed["orders.b"] == "GX has no expectation 'expect_magic'"
    assert found.not_expressed["orders.c"] == "engine 'soda' runs it"
    assert [str(each) for each in found.problems] == [
        "contract.yaml:7:3: warning LP314: rule 'orders.b' is not one that GX 1.x can be given: "
        "GX has no expectation 'expect_magic'"
    ]


@pytest.mark.parametrize(
    ("implementation", "kind", "kwargs"),
    [
        (
            {
                "expectation_type": "expect_column_values_to_be_unique",
                "kwargs": {"column": "id", "catch_exceptions": 1},
            },
            "expect_column_values_to_be_unique",
            {"column": "id"},
        ),
        (
            "type: expect_table_row_count_to_be_between\nkwargs:\n  min_value: 10000\n  max_value: 50000",
            "expect_table_row_count_to_be_between",
            {"min_value": 10000, "max_value": 50000},
        ),
        (
            {"name": "expect_column_values_to_be_in_set", "column": "c", "value_set": ["a"], "severity": "error"},
            "expect_column_values_to_be_in_set",
            {"column": "c", "value_set": ["a"]},
        ),
        (
            {"type": "ExpectColumnValuesToMatchRegex", "column": "c", "regex": "a", "mostly": 0.9},
            "expect_column_values_to_match_regex",
            {"column": "c", "regex": "a", "mostly": 0.9},
        ),
        ("expect_column_values_to_not_be_null", "expect_column_values_to_not_be_null", {"column": "own"}),
        (
            '{"expectations": [{"expectation_type": "expect_column_to_exist", "kwargs": {"column": "a"}}]}',
            "expect_column_to_exist",
            {"column": "a"},
        ),
    ],
)
def test_rules_for_gx(implementation: object, kind: str, kwargs: dict[str, object]) -> None:
    (found,) = translate_gx(rule(implementation, "own", action=Action.WARN))
    assert (found.type, found.kwargs, found.warns) == (kind, kwargs, True)


@pytest.mark.parametrize(
    ("implementation", "reason"),
    [
        ({"type": "expect_magic"}, "GX has no expectation 'expect_magic'"),
        ({"kwargs": {}}, "no expectation is named"),
        ({"type": "expect_column_to_exist"}, "expect_column_to_exist names no column"),
        (
            {"type": "expect_column_values_to_be_between", "column": "a", "parse_strings_as_datetimes": True},
            "expect_column_values_to_be_between has no argument 'parse_strings_as_datetimes' in GX 1.x",
        ),
        ("a: [", "the implementation is no YAML: expected the node content, but found '<stream end>'"),
        ([], "the implementation holds no expectation"),
        (3, "3 is no expectation"),
    ],
)
def test_rules_that_are_not_known(implementation: object, reason: str) -> None:
    with pytest.raises(Inexpressible) as refused:
        translate_gx(rule(implementation))
    assert str(refused.value) == reason


def test_braces_of_sql_are_not_placeholders() -> None:
    assert batch_query(f"SELECT '{{}}' FROM {BATCH}").format(batch="t") == "SELECT '{}' FROM t"


def test_gx_loads_the_suites() -> None:
    gx = pytest.importorskip("great_expectations")
    for text in (CONTRACT, ODD):
        for found in render(*compiled(text)):
            suite = gx.ExpectationSuite(**json.loads(found.text))
            assert len(suite.expectations) == len(json.loads(found.text)["expectations"])
            for each in suite.expectations:
                query = getattr(each, "unexpected_rows_query", "{batch}")
                assert "t" in query.format(batch="t")


def test_the_catalogue_is_that_of_the_library() -> None:
    pytest.importorskip("great_expectations")
    from great_expectations.expectations import registry

    there = {name for name in registry.list_registered_expectation_implementations() if name in EXPECTATIONS}
    assert there == EXPECTATIONS.keys()
    for name, arguments in EXPECTATIONS.items():
        fields = registry.get_expectation_impl(name).__fields__.keys()
        assert arguments <= fields, name
        asked = {field for field in fields if registry.get_expectation_impl(name).__fields__[field].required}
        assert asked <= arguments | ANY_ARGUMENTS, name


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
            assert ids <= set(rules_named_in(found.document)) | found.not_expressed.keys()
            assert found.problems == ()
            seen += len(ids)
    assert seen > 300
