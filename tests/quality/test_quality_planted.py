"""lakepact's own engines on the planted data: they count what Soda and Great Expectations count there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from foreign_engines import context_of, planted_files
from planted import CONTRACT, FRESH, SPARK_TYPES, VALUES, VIOLATIONS, Planted, planted

from lakepact.contract import load_contract
from lakepact.quality.engine import Data, FrameData
from lakepact.quality.opening import open_engine
from lakepact.results import RuleResult, RuleStatus
from lakepact.rules import compile_rules
from lakepact.rules.model import Action, ObjectRules


def warning(sample: Planted) -> ObjectRules:
    """The rules of the customers, none of which removes rows: rules on the whole then speak of all rows."""
    rules = sample.rules.objects[0]
    return replace(rules, row_rules=tuple(replace(rule, action=Action.WARN) for rule in rules.row_rules))


def are_the_planted_ones(results: tuple[RuleResult, ...]) -> None:
    assert {each.rule_id: each.violations for each in results if each.rule_id in VIOLATIONS} == VIOLATIONS
    found = {each.rule_id: each for each in results if each.rule_id in VALUES}
    measured = {id_: (float(each.value or "nan"), each.status is RuleStatus.PASS) for id_, each in found.items()}
    assert measured == {id_: (pytest.approx(value), held) for id_, (value, held) in VALUES.items()}
    (fresh,) = [each for each in results if each.rule_id == FRESH]
    assert fresh.status is RuleStatus.PASS
    bad = [each for each in results if each.status in (RuleStatus.ERROR, RuleStatus.SKIPPED)]
    assert bad == []


def test_duckdb_counts_them(tmp_path: Path) -> None:
    sample, customers, regions = planted_files(tmp_path)
    rules = warning(sample)
    are_the_planted_ones(open_engine("duckdb").evaluate(customers, rules, context_of(sample, regions=regions)))


@pytest.mark.spark
def test_spark_counts_them(spark: Any) -> None:
    sample = planted()
    rules = warning(sample)
    columns = [name.split()[0] for name in SPARK_TYPES.split(", ")]
    frame = spark.createDataFrame([tuple(row[name] for name in columns) for row in sample.rows], SPARK_TYPES)
    regions = spark.createDataFrame([tuple(row.values()) for row in sample.regions], "code STRING")
    context = context_of(sample, regions=FrameData(regions))
    are_the_planted_ones(open_engine("native").evaluate(FrameData(frame), rules, context))


# A slip in each kind of clause: what is written there, what instead of it, and the rule that says something else then.
SLIPS = [
    ("minLength: 7", "minLength: 6", "customers.email.minLength"),
    ("maxLength: 30", "maxLength: 32", "customers.email.maxLength"),
    (r"'^[^@\s]+@[a-z.]+$'", r"'^[^@\s]+@[a-z.]+'", "customers.email.pattern"),
    ('[EUR, USD, "it\'s"]', '[EUR, USD, GBP, "it\'s"]', "customers.currency.quality.known"),
    ("{minimum: -100, ", "{minimum: -101, ", "customers.balance.minimum"),
    ("maximum: 1000}", "maximum: 1001}", "customers.balance.maximum"),
    ("{minimum: 0.05}", "{minimum: 0.04}", "customers.amount.minimum"),
    ("exclusiveMinimum: 0", "exclusiveMinimum: -1", "customers.age.exclusiveMinimum"),
    ("maximum: 120", "maximum: 121", "customers.age.maximum"),
    ("{multipleOf: 5}", "{multipleOf: 1}", "customers.score.multipleOf"),
    ("'2000-01-01'", "'1999-12-31'", "customers.joined.minimum"),
    ("timestamp, required: true", "timestamp, required: false", "customers.created.required"),
    ("integer, unique: true", "integer, unique: false", "customers.id.unique"),
    (
        "primaryKeyPosition: 1\n        relationships: [{to: regions.code}]",
        "primaryKeyPosition: 1",
        "customers.region.relationship",
    ),
    ("mustBeLessOrEqualTo: 2", "mustBeLessOrEqualTo: 4", "customers.email.quality.few_nulls"),
    ("mustBeGreaterThan: 1000", "mustBeGreaterOrEqualTo: 200", "customers.quality.many"),
    ("properties: [id]}, mustBeLessThan: 3", "properties: [id]}, mustBeLessOrEqualTo: 3", "customers.quality.ids"),
    ("WHERE balance < 0", "WHERE balance <= 0", "customers.quality.negative"),
]


def found_in(data: Data, regions: Data, text: str) -> dict[str, tuple[str, int | None, str | None]]:
    """Of each rule of the contract: status, violations and value, but for the age of the data, which changes."""
    contract = load_contract(text.encode())
    sample = Planted(contract, compile_rules(contract), ())
    results = open_engine("duckdb").evaluate(data, warning(sample), context_of(sample, regions=regions))
    return {each.rule_id: (each.status.value, each.violations, each.value) for each in results if each.rule_id != FRESH}


def test_a_slip_in_any_clause_is_noticed_by_its_rule_alone(tmp_path: Path) -> None:
    _, customers, regions = planted_files(tmp_path)
    right = found_in(customers, regions, CONTRACT)
    noticed = {}
    for written, instead, rule in SLIPS:
        assert CONTRACT.count(written) == 1, written
        wrong = found_in(customers, regions, CONTRACT.replace(written, instead))
        noticed[rule] = {name for name in right | wrong if right.get(name) != wrong.get(name)}
    assert noticed == {rule: {rule} for _, _, rule in SLIPS}
