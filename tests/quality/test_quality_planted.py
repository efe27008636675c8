"""lakepact's own engines on the planted data: they count what Soda and Great Expectations count there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from foreign_engines import context_of, planted_files
from planted import FRESH, SPARK_TYPES, VALUES, VIOLATIONS, Planted, planted

from lakepact.quality.engine import FrameData
from lakepact.quality.opening import open_engine
from lakepact.results import RuleResult, RuleStatus
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
