"""Drafts from results: each kind of clause is loosened as far as the data needs it, or only noted, never deleted."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.contract import Contract, load_contract
from lakepact.diff import Level
from lakepact.drafts import Draft, Evidence, ProposalKind, Provenance, draft_from_results
from lakepact.results import RuleResult, RuleStatus
from lakepact.rules import compile_rules
from lakepact.rules.model import Action

WHY = Provenance(cause="rules are violated", dataset="t")
HEAD = "apiVersion: {version}\nkind: DataContract\nid: orders\nversion: 1.2.0\nstatus: active\n"


def contract(column: str, *, version: str = "v3.1.0", more: str = "") -> Contract:
    text = HEAD.format(version=version) + f"schema:\n  - name: orders\n    properties:\n      - {column}  # c\n{more}"
    return load_contract(text.encode())


def result(rule_id: str, **more: Any) -> RuleResult:
    said: dict[str, Any] = {"contract_id": "orders", "contract_version": "1.2.0", "object": "orders", "run_id": "r1"}
    said |= {"dataset": "t", "rule_name": rule_id.partition(".")[2], "action": Action.QUARANTINE}
    said |= {"status": RuleStatus.FAIL, "at": dt.datetime(2024, 5, 1, tzinfo=dt.UTC), "violations": 3, "tested": 50}
    return RuleResult(rule_id=rule_id, **(said | more))


def drafted(base: Contract, rule: str, evidence: Evidence | None = None, **more: Any) -> Draft:
    assert rule in {each.id for each in compile_rules(base).all_rules()}
    values = {rule: evidence} if evidence else {}
    draft = draft_from_results(base, [result(rule, **more)], observed_values=values, provenance=WHY)
    assert draft is not None
    return draft


def column_of(draft: Draft) -> str:
    """The line of the column."""
    return draft.contract.source.decode().splitlines()[8].strip()


def test_required_is_relaxed_with_the_evidence() -> None:
    draft = drafted(contract("{name: id, logicalType: integer, required: true}"), "orders.id.required")
    assert column_of(draft) == "- {name: id, logicalType: integer, required: false}  # c"
    (change,) = draft.changes
    assert (change.kind, change.path, change.clause) == (
        ProposalKind.RELAXED,
        "schema.orders.properties.id",
        "required",
    )
    assert (change.text, change.evidence) == ("`id` is not required", "3 of 50 rows break it")
    assert draft.level is Level.MAJOR
    assert draft.contract.version == f"2.0.0-draft.{draft.key[:12]}"
    (said,) = draft.contract.custom_properties
    assert isinstance(said.value, dict)
    assert said.value["rules"] == ["orders.id.required"]


def test_a_primary_key_is_not_relaxed() -> None:
    draft = drafted(contract("{name: id, logicalType: integer, primaryKey: true}"), "orders.id.required")
    assert draft.contract.schema[0].properties[0].primary_key
    assert [(change.text, change.adopted) for change in draft.changes] == [
        ("loosen the rule id.required (id is there)?", False)
    ]


@pytest.mark.parametrize(
    ("version", "options", "rule", "evidence", "expected"),
    [
        ("v3.1.0", "maximum: 100", "maximum", Evidence(highest=250.5), "maximum: 250.5"),
        ("v3.1.0", "minimum: 0", "minimum", Evidence(lowest=-5), "minimum: -5"),
        ("v3.1.0", "exclusiveMinimum: 0", "exclusiveMinimum", Evidence(lowest=0), "minimum: 0"),
        ("v3.1.0", "exclusiveMaximum: 9", "exclusiveMaximum", Evidence(highest=12), "maximum: 12"),
        (
            "v3.0.2",
            "maximum: 9, exclusiveMaximum: true",
            "maximum",
            Evidence(highest=9),
            "maximum: 9, exclusiveMaximum: false",
        ),
    ],
)
def test_a_bound_moves_to_the_extreme(version: str, options: str, rule: str, evidence: Evidence, expected: str) -> None:
    base = contract(f"{{name: n, logicalType: number, logicalTypeOptions: {{{options}}}}}", version=version)
    draft = drafted(base, f"orders.n.{rule}", evidence)
    assert column_of(draft) == f"- {{name: n, logicalType: number, logicalTypeOptions: {{{expected}}}}}  # c"
    assert draft.changes[0].kind is ProposalKind.LOOSENED


def test_bounds_of_dates_and_lengths_move() -> None:
    dates = contract("{name: d, logicalType: date, logicalTypeOptions: {minimum: '2024-01-01'}}")
    assert "minimum: '2023-12-30'" in column_of(drafted(dates, "orders.d.minimum", Evidence(lowest="2023-12-30")))
    codes = contract("{name: c, logicalType: string, logicalTypeOptions: {minLength: 2, maxLength: 3}}")
    assert "minLength: 2, maxLength: 7" in column_of(drafted(codes, "orders.c.maxLength", Evidence(highest=7)))


def test_two_bounds_of_one_side_are_not_loosened_by_one_key() -> None:
    column = "{name: n, logicalType: number, logicalTypeOptions: {maximum: 9, exclusiveMaximum: 9}}"
    draft = drafted(contract(column), "orders.n.exclusiveMaximum", Evidence(highest=9))
    assert column_of(draft).startswith(column[:-1].replace("{name", "- {name"))
    assert not draft.changes[0].adopted


@pytest.mark.parametrize("evidence", [None, Evidence(highest=50), Evidence(highest="many")])
def test_without_a_value_outside_the_bound_stays_and_is_noted(evidence: Evidence | None) -> None:
    base = contract("{name: n, logicalType: number, logicalTypeOptions: {maximum: 100}}")
    draft = drafted(base, "orders.n.maximum", evidence)
    prop = draft.contract.schema[0].properties[0]
    assert prop.options is not None
    assert prop.options.upper[0].value == 100
    assert [(each.property, each.value) for each in prop.custom_properties] == [
        (
            "lakepact.proposals",
            [
                {
                    "kind": "loosened",
                    "clause": "logicalTypeOptions.maximum",
                    "text": "loosen the rule n.maximum (n is at most 100)?",
                }
            ],
        )
    ]


def test_a_length_below_nothing_is_no_evidence() -> None:
    base = contract("{name: c, logicalType: string, logicalTypeOptions: {minLength: 2}}")
    assert "minLength: 2" in column_of(drafted(base, "orders.c.minLength", Evidence(lowest=-1)))


def test_an_enumeration_gets_the_observed_values() -> None:
    base = contract("{name: c, logicalType: string, enum: [{value: EUR, label: Euro}]}", version="v3.2.0")
    draft = drafted(base, "orders.c.enum", Evidence(values=["USD", "EUR", "CAD"]))
    assert column_of(draft) == (
        "- {name: c, logicalType: string, enum: [{value: EUR, label: Euro}, {value: CAD}, {value: USD}]}  # c"
    )
    assert (draft.changes[0].kind, draft.changes[0].text) == (ProposalKind.WIDENED, "`c` may also be CAD, USD")


@pytest.mark.parametrize(
    ("version", "rule", "expected"),
    [
        (
            "v3.1.0",
            "metric: invalidValues, arguments: {validValues: [EUR]}, mustBe: 0",
            "arguments: {validValues: [EUR, CAD]}",
        ),
        ("v3.0.2", "rule: invalidValues, validValues: [EUR], mustBe: 0", "validValues: [EUR, CAD]"),
    ],
)
def test_valid_values_get_the_observed_ones(version: str, rule: str, expected: str) -> None:
    base = contract(f"{{name: c, logicalType: string, quality: [{{type: library, {rule}}}]}}", version=version)
    draft = drafted(base, "orders.c.quality.invalidValues", Evidence(values=["CAD"]))
    assert expected in column_of(draft)
    assert "mustBe: 0" in column_of(draft)


@pytest.mark.parametrize(
    ("metric", "threshold", "measured", "expected"),
    [
        ("nullValues", "mustBeLessThan: 5", {"value": "7"}, "mustBeLessOrEqualTo: 7"),
        ("nullValues", "mustBeLessOrEqualTo: 5", {"value": "7"}, "mustBeLessOrEqualTo: 7"),
        ("nullValues", "mustBe: 0", {"violations": 3}, "mustBeLessOrEqualTo: 3"),
        ("nullValues", "mustBe: 0, unit: percent", {"violations": 1, "tested": 3}, "mustBeLessOrEqualTo: 33.3334"),
        ("nullValues", "mustBe: 4", {"value": "9"}, "mustBeBetween: [4, 9]"),
        ("nullValues", "mustBeBetween: [1, 2]", {"value": "0"}, "mustBeBetween: [0, 2]"),
        ("nullValues", "mustBeGreaterThan: 5", {"value": "5"}, "mustBeGreaterOrEqualTo: 5"),
    ],
)
def test_a_threshold_moves_to_what_was_measured(
    metric: str, threshold: str, measured: dict[str, Any], expected: str
) -> None:
    rule = f"{{type: library, metric: {metric}, {threshold}}}"
    base = contract(f"{{name: c, logicalType: string, quality: [{rule}]}}")
    line = column_of(drafted(base, f"orders.c.quality.{metric}", **measured))
    assert expected in line
    assert threshold.split(":")[0] + ": " in line or expected.split(":")[0] in line


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ("unique: true", "orders.c.unique"),
        ("logicalTypeOptions: {pattern: 'a+'}", "orders.c.pattern"),
        ("quality: [{type: sql, query: 'select 1', mustBe: 0}]", "orders.c.quality.sql"),
        ("quality: [{type: library, metric: nullValues, mustNotBe: 3}]", "orders.c.quality.nullValues"),
        ("quality: [{type: custom, engine: lakepact, implementation: 'c > 1'}]", "orders.c.quality.lakepact"),
    ],
)
def test_what_has_no_safe_loosening_is_only_noted(keys: str, rule: str) -> None:
    draft = drafted(contract(f"{{name: c, logicalType: string, {keys}}}"), rule, value="3")
    assert keys.rstrip("]}") in column_of(draft)
    assert "lakepact.proposals" in column_of(draft)
    assert not draft.changes[0].adopted


def test_what_passes_and_what_is_about_another_version_gives_no_draft() -> None:
    base = contract("{name: id, logicalType: integer, required: true}")
    others = [
        result("orders.id.required", status=RuleStatus.PASS, violations=0),
        result("orders.id.required", status=RuleStatus.ERROR, violations=None),
        result("orders.id.required", contract_version="1.1.0"),
        result("orders.id.required", contract_id="returns"),
        result("schema"),
    ]
    assert draft_from_results(base, others, provenance=WHY) is None


def test_the_same_results_on_the_draft_give_nothing() -> None:
    base = contract("{name: id, logicalType: integer, unique: true}")
    draft = drafted(base, "orders.id.unique")
    again = result("orders.id.unique", contract_version=draft.contract.version)
    assert draft_from_results(draft.contract, [again], provenance=WHY) is None


_BASE = contract(
    "{name: a, logicalType: number, required: true, unique: true, logicalTypeOptions: {maximum: 10}}",
    more="    quality:\n      - {type: library, metric: rowCount, mustBeGreaterThan: 100}\n",
)


@settings(max_examples=30)
@given(
    counts=st.lists(st.tuples(st.integers(1, 99), st.integers(0, 99)), min_size=1, max_size=4),
    seed=st.integers(0, 999),
    highest=st.integers(11, 10_000),
)
def test_the_key_knows_no_order_no_run_and_no_value(counts: list[tuple[int, int]], seed: int, highest: int) -> None:
    results = [
        made
        for number, (rows, value) in enumerate(counts)
        for made in (
            result("orders.a.required", run_id=f"r{number}", violations=rows),
            result("orders.a.maximum", run_id=f"r{number}", violations=rows),
            result("orders.a.unique", run_id=f"r{number}", violations=rows),
            result("orders.quality.rowCount", run_id=f"r{number}", violations=None, value=str(value)),
        )
    ]
    observed = {"orders.a.maximum": Evidence(highest=highest)}
    first = draft_from_results(_BASE, results, observed_values=observed, provenance=WHY)
    random.Random(seed).shuffle(results)
    second = draft_from_results(_BASE, results, observed_values=observed, provenance=WHY)
    assert first == second
    single = {each.rule_id: each for each in results}.values()
    values = {"orders.a.maximum": Evidence(highest=11)}
    why = Provenance(cause="else", run="r9", dataset_version="9")
    third = draft_from_results(_BASE, list(single), observed_values=values, provenance=why)
    assert first is not None
    assert third is not None
    assert (first.key, first.contract.version) == (third.key, third.contract.version)
    assert len(first.changes) == 4
