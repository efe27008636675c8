"""SQL sources: golden files, and every query and predicate as Spark reads it."""

from __future__ import annotations

from typing import Any

import pytest
from golden_files import assert_golden

import plan_samples as samples
from lakepact.plan.build import build_plan
from lakepact.plan.model import FileSource, Mode, ObjectPlan, Plan, TableSource
from lakepact.plan.sources import ObjectSource
from lakepact.targets import pipeline_sql


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_source_is_the_golden_one(name: str) -> None:
    assert_golden("pipeline_sql", f"{name}.sql", pipeline_sql.render(samples.SAMPLES[name]().plan()))


@pytest.mark.spark
@pytest.mark.parametrize("name", samples.SAMPLES)
def test_spark_parses_every_query_of_the_source(spark: Any, name: str) -> None:
    parser = spark._jsparkSession.sessionState().sqlParser()
    text = pipeline_sql.render(samples.SAMPLES[name]().plan())
    queries = [statement.split("\nAS\n", 1)[1] for statement in text.split(";\n") if "\nAS\n" in statement]
    assert len(queries) == len(samples.SAMPLES[name]().plan().datasets)
    for query in queries:
        parser.parsePlan(query)


def test_a_query_of_the_user_that_ends_in_a_comment_stays_closed() -> None:
    contract = samples.contract_of()
    plan = build_plan(contract, samples.rule_set(contract), {}, pipeline="p", derived={"d": "SELECT 1 AS a -- one;"})
    assert pipeline_sql.render(plan).endswith("AS\nSELECT 1 AS a -- one\n;\n")


def test_a_stream_of_a_table_and_options_with_odd_names() -> None:
    columns = (samples.column("a"),)
    contract = samples.contract_of(samples.described("t", columns), samples.described("f", columns))
    rules = samples.rule_set(contract, samples.rules_of("t", columns), samples.rules_of("f", columns))
    files = FileSource(path="a'b", format="parquet", options={"odd-name": "x"})
    sources = {
        "t": ObjectSource(source=TableSource(name=("raw", "t"), mode=Mode.STREAM)),
        "f": ObjectSource(source=files),
    }
    text = pipeline_sql.render(samples.Sample(contract, rules, sources).plan())
    assert "FROM STREAM `raw`.`t`;" in text
    assert "FROM read_files(\n  'a\\'b',\n  format => 'parquet',\n  `odd-name` => 'x'\n);" in text


def test_an_empty_plan_is_its_header() -> None:
    plan = Plan(
        pipeline="p",
        contract_id="a\nDROP TABLE x",
        contract_version="1",
        contract_sha256="0",
        objects=tuple[ObjectPlan](),
    )
    assert pipeline_sql.render(plan).splitlines()[1] == "-- contract: a\\nDROP TABLE x"
