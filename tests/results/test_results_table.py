"""The table `rule_results` on real Delta: what a row holds, and that a repeated run adds nothing."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakepact.results import RuleResult, RuleStatus, Verdict, verdict_of
from lakepact.results.table import RULE_RESULTS, append_results, results_schema
from lakepact.rules.model import Action
from lakepact.sql import string

_NUMBERS = itertools.count(1)
RESULT = RuleResult(
    run_id="run-1",
    contract_id="it's \\ \U0001f600",
    contract_version="1.0.0",
    object="orders",
    dataset="main.sales.orders",
    rule_id="orders.amount.minimum",
    rule_name="amount.minimum",
    action=Action.QUARANTINE,
    status=RuleStatus.FAIL,
    at=dt.datetime(2024, 5, 1, 12, 30, 0, 123456, tzinfo=dt.UTC),
    violations=3,
    tested=10**12,
    dimension="validity",
    severity="error",
    sample="main.sales.orders__quarantine",
    message="3 of 10 rows",
)
DATASET = replace(
    RESULT,
    rule_id="orders.quality.n",
    action=Action.WARN,
    status=RuleStatus.PASS,
    violations=None,
    tested=None,
    value="12",
    threshold="mustBe 12 rows",
    seconds=0.5,
    sample=None,
    message="",
)


@pytest.fixture
def schema(spark: Any, tmp_path: Path) -> Iterator[str]:
    name = f"results_{next(_NUMBERS)}"
    yield name
    spark.sql(f"DROP SCHEMA IF EXISTS {name} CASCADE")


@pytest.mark.spark
@pytest.mark.parametrize("kind", ["classic", "connect"])
def test_results_come_back_as_they_were(local_session: Any, schema: str, tmp_path: Path, kind: str) -> None:
    session = getattr(local_session, kind)
    session.sql(f"CREATE SCHEMA {schema} LOCATION {string(str(tmp_path / schema))}")
    append_results(session, (schema,), [RESULT, DATASET], key="run-1")
    rows = session.table(f"{schema}.{RULE_RESULTS}").orderBy("rule_id").collect()
    assert [row.asDict() for row in rows] == [
        {
            name: getattr(each, name) if name != "at" else dt.datetime(2024, 5, 1, 12, 30, 0, 123456)
            for name in RuleResult.__dataclass_fields__
        }
        for each in (RESULT, DATASET)
    ]
    append_results(session, (schema,), [RESULT, DATASET], key="run-1")
    assert session.table(f"{schema}.{RULE_RESULTS}").count() == 2
    append_results(session, (schema,), [replace(RESULT, run_id="run-2")], key="run-2")
    assert session.table(f"{schema}.{RULE_RESULTS}").count() == 3


@pytest.mark.spark
def test_schema_and_table_are_made_with_words_for_people(spark: Any, schema: str) -> None:
    append_results(spark, (schema,), [], key="nothing")
    assert not spark.catalog.databaseExists(schema)
    append_results(spark, (schema,), [RESULT], key="run-1")
    described = {row["col_name"]: row["comment"] for row in spark.sql(f"DESCRIBE {schema}.rule_results").collect()}
    assert described["run_id"] == "The run that evaluated the rule"
    assert all(described.values())
    from pyspark.errors import PySparkException

    with pytest.raises(PySparkException, match="DELTA_CANNOT_MODIFY_APPEND_ONLY"):
        spark.sql(f"DELETE FROM {schema}.rule_results").collect()
    assert spark.table(f"{schema}.rule_results").count() == 1


def test_the_columns_are_the_fields_of_a_result() -> None:
    columns = [each.strip("`").split("`")[0] for each in results_schema().split(", ")]
    assert columns == list(RuleResult.__dataclass_fields__)


@pytest.mark.parametrize(
    ("status", "action", "verdict"),
    [
        (RuleStatus.PASS, Action.FAIL, Verdict.PASS),
        (RuleStatus.SKIPPED, Action.FAIL, Verdict.PASS),
        (RuleStatus.WARN, Action.WARN, Verdict.WARN),
        (RuleStatus.FAIL, Action.DROP, Verdict.QUARANTINE),
        (RuleStatus.FAIL, Action.QUARANTINE, Verdict.QUARANTINE),
        (RuleStatus.FAIL, Action.FAIL, Verdict.FAIL),
        (RuleStatus.ERROR, Action.WARN, Verdict.WARN),
        (RuleStatus.ERROR, Action.QUARANTINE, Verdict.FAIL),
        (RuleStatus.ERROR, Action.FAIL, Verdict.FAIL),
    ],
)
def test_the_verdict_is_the_worst_of_the_rules(status: RuleStatus, action: Action, verdict: Verdict) -> None:
    found = replace(RESULT, status=status, action=action)
    assert verdict_of([found]) is verdict
    assert verdict_of([DATASET, found, DATASET]) is verdict
    worst = replace(RESULT, status=RuleStatus.FAIL, action=Action.FAIL)
    assert verdict_of([worst, found]) is Verdict.FAIL
