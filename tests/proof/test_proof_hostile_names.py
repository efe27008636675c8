"""Names that break what is assembled carelessly: in explain, in every target, and in queries that Spark executes."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from oracle import Oracle
from proof_execution import execute

from lakepact.cli.main import main
from lakepact.contract import load_contract
from lakepact.local.dp import PipelinesModule
from lakepact.local.sql_sources import load_sql
from lakepact.plan import ObjectSource, Plan, TableSource, build_plan
from lakepact.plan.calls import decorators, steps
from lakepact.rules import compile_rules
from lakepact.sql import identifier, string
from lakepact.targets import pipeline_python, pipeline_sql
from lakepact.targets.ddl import Dialect, Statement, render
from lakepact.testing.recording_pipelines import RecordingPipelines, RecordingSpark

NAMES = {
    "backticks": "a`b``c`",
    "single quotes": "it's ''x'",
    "double quotes": '"""q"',
    "dots": "a.b..c",
    "variable": "${x} $y {object} {t}",
    "backslash": "c:\\new\\u0041\\",
    "spaces": " two  words ",
    "comment": "-- x /* y */ # z",
    "statement": "x); DROP TABLE t; --",
    "keyword": "select",
    "python keyword": "class",
    "unicode": "größe 𝄞 \u202e\u00a0",
    "newline": "a\nb",
    "tab and equals": "a\tb=c,d;e",
    "percent": "%s %(x)s {0} {{",
    "brackets": "a[0]{key}",
    "digits": "1st",
    "longest": "n" * 255,
}


def contract_of(name: str, *, table: str | None = None) -> dict[str, Any]:
    """One object and five columns with that name: the column, its field, and every kind of rule upon them."""
    nested = {"name": name, "logicalType": "string", "required": True, "logicalTypeOptions": {"pattern": "^.$"}}
    described = {
        "name": name,
        "physicalName": table if table is not None else name,
        "description": name,
        "properties": [
            {"name": "row", "logicalType": "integer"},
            {
                "name": name,
                "logicalType": "integer",
                "unique": True,
                "required": True,
                "description": name,
                "logicalTypeOptions": {"minimum": 1},
            },
            {"name": "nested", "logicalType": "object", "properties": [nested]},
            {"name": "items", "logicalType": "array", "items": {"logicalType": "object", "properties": [nested]}},
            {"name": "listed", "logicalType": "string", "enum": [{"value": name}, {"value": "a"}]},
        ],
        "quality": [
            {"id": "few", "metric": "duplicateValues", "arguments": {"properties": [name, "row"]}, "mustBe": 0},
        ],
    }
    head = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": name, "version": "1.0.0", "status": "active"}
    return head | {"schema": [described]}


def planned(name: str) -> Plan:
    contract = load_contract(json.dumps(contract_of(name), ensure_ascii=False).encode())
    source = ObjectSource(source=TableSource(name=("raw", name)))
    return build_plan(contract, compile_rules(contract), {name: source}, pipeline=name)


hostile = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)


@hostile
def test_explain_shows_every_rule(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "c.odcs.yaml"
    file.write_text(json.dumps(contract_of(name), ensure_ascii=False))
    assert main(["explain", str(file)]) == 0
    assert capsys.readouterr().out
    assert main(["explain", str(file), "--json"]) == 0
    shown = capsys.readouterr().out
    json.loads(shown)
    # The document is data: what is in it reaches the reader as it was written.
    for rule in compile_rules(load_contract(file)).all_rules():
        assert json.dumps(rule.id, ensure_ascii=False) in shown or json.dumps(rule.id) in shown


@hostile
def test_python_source_makes_the_calls_of_the_plan(name: str) -> None:
    plan = planned(name)
    dp = RecordingPipelines()
    tree = ast.parse(pipeline_python.render(plan))
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom)]
    exec(compile(tree, "generated", "exec"), {"dp": dp, "spark": RecordingSpark()})
    for call, dataset in zip(dp.calls, plan.datasets, strict=True):
        above, *expectations = decorators(dataset)
        assert (call.decorator, call.arguments) == (above.name, above.arguments)
        assert call.expectations == tuple((e.name, *pair) for e in expectations for pair in e.expectations.items())
        assert call.steps == tuple((step.name, *(step.arguments or ())) for step in steps(dataset))


class _Session:
    def sql(self, text: str) -> str:
        return text


@hostile
def test_sql_source_defines_the_datasets_of_the_plan(name: str) -> None:
    plan = planned(name)
    module = PipelinesModule(spark=_Session())
    load_sql(pipeline_sql.render(plan), "generated.sql", spark=_Session(), module=module)
    found = {each.name: each for each in module.definitions.datasets}
    assert len(found) == len(plan.datasets)
    for dataset in plan.datasets:
        read = next(each for key, each in found.items() if key in (dataset.name, identifier(dataset.name)))
        assert read.kind is dataset.kind
        assert {each.name: each.constraint for each in read.expectations} == {
            each.name: each.predicate for each in dataset.expectations
        }
        assert (read.comment or "") == dataset.comment
        assert dict(read.table_properties) == dict(dataset.table_properties)


@pytest.fixture(scope="module")
def schema(spark: Any) -> Iterator[str]:
    spark.conf.set("spark.sql.variable.substitute", "false")
    spark.sql("CREATE SCHEMA proof_names")
    yield "proof_names"
    spark.sql("DROP SCHEMA proof_names CASCADE")
    spark.conf.unset("spark.sql.variable.substitute")


@pytest.mark.spark
@hostile
def test_spark_parses_the_sql_source(spark: Any, schema: str, name: str) -> None:
    parser = spark._jsparkSession.sessionState().sqlParser()
    plan = planned(name)
    module = PipelinesModule(spark=_Session())
    load_sql(pipeline_sql.render(plan), "generated.sql", spark=_Session(), module=module)
    for read in module.definitions.datasets:
        assert read.query is not None
        parser.parsePlan(str(read.query()))
        for expectation in read.expectations:
            parser.parseExpression(expectation.constraint)


@pytest.mark.spark
@hostile
def test_tables_are_made_with_the_names_and_hold_values(spark: Any, schema: str, name: str) -> None:
    table = f"t{list(NAMES.values()).index(name)}"
    contract = load_contract(json.dumps(contract_of(name, table=table), ensure_ascii=False).encode())
    entries = render(contract, compile_rules(contract), catalog="spark_catalog", schema=schema, dialect=Dialect.SPARK)
    for entry in entries:
        if isinstance(entry, Statement):
            spark.sql(entry.sql)
    full = f"{schema}.{table}"
    made = spark.table(full)
    assert made.columns == ["row", name, "nested", "items", "listed"]
    assert made.schema["nested"].dataType.fieldNames() == [name]
    assert made.schema[name].metadata["comment"] == name
    field = f"named_struct({string(name)}, 'x')"
    spark.sql(f"INSERT INTO {full} VALUES (1, 2, {field}, array({field}), {string(name)})")
    assert [row.asDict(recursive=True) for row in spark.table(full).collect()] == [
        {"row": 1, name: 2, "nested": {name: "x"}, "items": [{name: "x"}], "listed": name}
    ]


@pytest.mark.spark
@hostile
def test_queries_judge_rows_as_the_oracle_does(spark: Any, schema: str, name: str) -> None:
    contract = contract_of(name)
    rows = [
        {name: 1, "nested": {name: "x"}, "items": [{name: "y"}], "listed": name},
        {name: 2, "nested": {name: None}, "items": [], "listed": "a"},
        {name: 3, "nested": None, "items": [{name: None}], "listed": "b"},
        {name: 4, "nested": {name: "xy"}, "items": None, "listed": None},
        {name: 5, "nested": None, "items": None, "listed": None},
        {name: 5, "nested": None, "items": None, "listed": None},
        {name: None, "nested": None, "items": [{name: "xy"}], "listed": None},
        {name: 0, "nested": None, "items": None, "listed": None},
    ]
    rows = [{**row, "row": number} for number, row in enumerate(rows)]
    judged = Oracle(contract, name=name).judge(rows)
    observed = execute(spark, contract, rows)
    assert observed.quarantined == {n: judged.held_for[n] for n in judged.quarantined}
    assert {n: observed.warned[n] for n in judged.published} == {n: judged.broken[n] for n in judged.published}
    assert {n: row[name] for n, row in observed.published.items()} == {0: 1, 3: 4, 7: 0}
    assert observed.published[0]["listed"] == name
    assert observed.published[0]["nested"] == {name: "x"}
    assert observed.checks == {f"{name}.quality.few": (0.0, True)}
