"""A registered contract makes the calls of its generated source."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import plan_samples as samples
from lakepact.contract.loader import load_contract
from lakepact.errors import EnvironmentLacking, UsageError
from lakepact.pipeline import define_datasets, register
from lakepact.plan.model import Plan
from lakepact.rules.policy import load_policy
from lakepact.targets import pipeline_python
from lakepact.testing.recording_pipelines import RecordingPipelines, RecordingSpark

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: shop
version: 1.2.0
status: active
schema:
  - name: orders
    physicalName: orders
    description: Orders of the shop.
    properties:
      - {name: order_id, logicalType: integer, required: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: amount, logicalType: number, logicalTypeOptions: {minimum: 0}}
    quality:
      - {type: library, metric: rowCount, mustBeGreaterThan: 0, severity: error}
  - name: events
    properties:
      - {name: event_id, logicalType: integer, unique: true}
      - {name: order_id, logicalType: integer, relationships: [{to: orders.order_id}]}
"""
SOURCES: dict[str, dict[str, object]] = {
    "orders": {"path": "data/orders.csv", "format": "csv", "options": {"header": "true"}, "rename": {"order_id": "ID"}},
    "events": {"table": "raw.events", "mode": "stream"},
}


def of_source(plan: Plan) -> RecordingPipelines:
    """What the generated source of `plan` defines."""
    dp = RecordingPipelines()
    tree = ast.parse(pipeline_python.render(plan))
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom)]
    exec(compile(tree, "generated", "exec"), {"dp": dp, "spark": RecordingSpark()})
    return dp


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_the_same_calls_as_the_generated_source(name: str) -> None:
    plan = samples.SAMPLES[name]().plan()
    dp = RecordingPipelines()
    define_datasets(plan, dp=dp, spark=RecordingSpark())
    assert dp.calls == of_source(plan).calls


def test_a_contract_document_with_entries(tmp_path: Path) -> None:
    file = tmp_path / "shop.odcs.yaml"
    file.write_text(CONTRACT)
    dp = RecordingPipelines()
    plan = register(file, SOURCES, dp=dp, spark=RecordingSpark())
    assert plan.pipeline == "shop"
    assert dp.calls == of_source(plan).calls
    assert [(call.decorator, call.name) for call in dp.calls] == [
        ("temporary_view", "orders__input"),
        ("materialized_view", "orders__duplicates"),
        ("materialized_view", "orders"),
        ("materialized_view", "orders__quarantine"),
        ("materialized_view", "orders__checks"),
        ("materialized_view", "orders__gate"),
        ("temporary_view", "events__input"),
        ("table", "events"),
        ("table", "events__quarantine"),
        ("materialized_view", "events__checks"),
    ]
    assert dp.calls[6].steps is not None
    assert dp.calls[6].steps[:2] == (("readStream",), ("table", "raw.events"))


def test_a_contract_and_a_policy(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yml"
    policy.write_text("version: 1\nactions:\n  - {property: orders.amount, action: warn}\n")
    contract = load_contract(CONTRACT.encode())
    given = {"orders": SOURCES["orders"]}
    plans = [
        register(contract, given, pipeline="mine", policy=chosen, dp=RecordingPipelines(), spark=RecordingSpark())
        for chosen in (None, str(policy), load_policy(policy))
    ]
    assert [plan.pipeline for plan in plans] == ["mine"] * 3
    assert {problem.code for problem in plans[0].problems} == {"LP308"}
    actions = [{rule.id: rule.action.value for rule in plan.objects[0].row_rules} for plan in plans]
    assert actions[0]["orders.amount.type"] == "quarantine"
    assert actions[1]["orders.amount.type"] == "warn"
    assert actions[2] == actions[1]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "needs exactly one of path, table, sql"),
        ({"table": "a", "sql": "SELECT 1"}, "needs exactly one of path, table, sql"),
        ({"table": "a", "formt": "csv"}, "has no 'formt'"),
        ({"path": "a", "fromat": "csv"}, "has no 'fromat', did you mean 'format'\\?"),
        ({"path": "a"}, "format must be text that is not empty"),
        ({"table": "a", "mode": "batsch"}, "mode is 'batsch'; it is stream or batch"),
        ({"path": "a", "format": "csv", "options": {"header": True}}, "options must be a dictionary of texts"),
    ],
)
def test_entries_that_cannot_be_read(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"^LP312: source of 'orders': {message}$"):
        register(load_contract(CONTRACT.encode()), {"orders": entry}, dp=RecordingPipelines(), spark=RecordingSpark())


def test_the_double_is_as_strict_as_databricks() -> None:
    dp = RecordingPipelines()
    with pytest.raises(TypeError, match=r"^table\(\) got an unexpected keyword argument 'coment'$"):
        dp.table(coment="x")
    with pytest.raises(TypeError, match=r"^materialized_view: cluster_by must be list, not str$"):
        dp.materialized_view(cluster_by="a")
    with pytest.raises(TypeError, match=r"^expect_all takes a dictionary, not str$"):
        dp.expect_all("a > 0")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^expect_all: names and predicates are text that is not empty, not 1$"):
        dp.expect_all({"a": 1})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match=r"^expect_all stands above a dataset's decorator; it belongs below it$"):
        dp.expect_all({"a": "a > 0"})(dp.table(name="t")(RecordingSpark))
    with pytest.raises(ValueError, match=r"^dataset 'T' is defined twice$"):
        dp.table(name="T")(RecordingSpark)
    with pytest.raises(TypeError, match=r"^table decorates a function, not int$"):
        dp.table(name="u")(3)
    with pytest.raises(AttributeError, match=r"^a pipeline source must not use \.collect$"):
        dp.table(name="v")(lambda: RecordingSpark().collect())


def test_two_expectations_of_one_name() -> None:
    dp = RecordingPipelines()
    query = dp.expect("x", "a > 0")(dp.expect_or_drop("x", "a > 1")(lambda: RecordingSpark().sql("SELECT 1")))
    with pytest.raises(ValueError, match=r"^dataset 't' has two expectations named 'x'$"):
        dp.table(name="t")(query)


def test_without_a_session() -> None:
    pytest.importorskip("pyspark")
    from pyspark.sql import SparkSession

    if SparkSession.getActiveSession() is not None:
        pytest.skip("another test of this run has a session open")
    with pytest.raises(EnvironmentLacking, match=r"^LP607: no Spark session is active in this process"):
        register(load_contract(CONTRACT.encode()), {"events": {"table": "t"}}, dp=RecordingPipelines())
