"""Rules evaluated by Spark: what they count and where rows go, against an independent judge and against pipelines."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import test_proof_random_contracts as proof
from hypothesis import given, settings
from oracle import Oracle
from proof_execution import ROW, document, execute

from lakepact.contract import Contract, load_contract
from lakepact.quality.native import NativeEvaluation, RowCounts, Run
from lakepact.results import RuleResult, RuleStatus
from lakepact.rules import compile_rules, load_policy
from lakepact.rules.model import Aggregate, ObjectRules, RowRuleKind
from lakepact.sql import identifier

pytestmark = pytest.mark.spark

NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)


def compiled(contract: Mapping[str, Any], policy: Sequence[Mapping[str, str]] = ()) -> tuple[Contract, ObjectRules]:
    loaded = load_contract(json.dumps(contract, ensure_ascii=False).encode())
    actions = load_policy(json.dumps({"version": 1, "actions": list(policy)}).encode())
    return loaded, compile_rules(loaded, policy=actions).objects[0]


def opened(
    spark: Any, frame: Any, contract: Mapping[str, Any], policy: Sequence[Mapping[str, str]] = ()
) -> NativeEvaluation:
    loaded, rules = compiled(contract, policy)
    run = Run(run_id="run-1", contract=loaded, dataset="data", clock=lambda: NOW)
    return NativeEvaluation(spark, frame, rules=rules, run=run)


def evaluated(
    spark: Any, frame: Any, contract: Mapping[str, Any], *, existing: Any = None, **more: Any
) -> tuple[RowCounts, dict[str, RuleResult]]:
    with opened(spark, frame, contract) as rows:
        rows.find_clashes(existing)
        counts, results = rows.evaluate(**more)
    return counts, {each.rule_id: each for each in results}


def declared(name: str, kind: str, action: str = "quarantine", **more: Any) -> dict[str, Any]:
    asked = [{"property": "lakepact.action", "value": action}]
    return {"name": name, "logicalType": kind, "customProperties": asked, **more}


def custom(text: str, **more: Any) -> dict[str, Any]:
    return {"id": "own", "type": "custom", "engine": "lakeflow", "implementation": text, **more}


class Observed:
    """What became of rows, by the number in their column `row`."""

    def __init__(self, spark: Any, case: tuple[Any, Any, Any], *, text: bool) -> None:
        contract, policy, rows = case
        _, rules = compiled(contract, policy)
        schema = ", ".join(f"{identifier(c.name)} {'STRING' if text else c.type.ddl}" for c in rules.columns)
        frame = spark.createDataFrame([tuple(row[c.name] for c in rules.columns) for row in rows], schema)
        with opened(spark, frame, contract, policy) as found:
            found.find_clashes()
            self.counts, results = found.evaluate()
            self.kept = {row[ROW]: row.asDict(recursive=True) for row in found.kept().collect()}
            aside = found.quarantined(added={"_run": "'run-1'"}).collect()
        self.results = {each.rule_id: each for each in results}
        self.aside = {row[ROW]: row.asDict(recursive=True) for row in aside}
        assert len(self.aside) == len(aside), "a row is in the quarantine twice"
        assert [each.rule_id for each in results] == [each.id for each in (*rules.row_rules, *rules.dataset_rules)]


def agree(observed: Observed, case: tuple[Any, Any, Any], *, text: bool) -> None:
    """What was observed is what the independent judge says."""
    contract, policy, rows = case
    judge = Oracle(contract, name="t", policy=policy)
    judged = judge.judge(rows, text=text)
    assert sorted(observed.kept) == judged.published
    held = {number: set(row["_lakepact_failed_rules"]) for number, row in observed.aside.items()}
    assert held == {number: judged.held_for[number] for number in judged.quarantined}
    counts = observed.counts
    assert (counts.rows, counts.quarantined, counts.dropped) == (
        len(rows),
        len(judged.quarantined),
        len(judged.dropped),
    )
    assert (counts.kept, counts.failing) == (len(judged.published), 0)
    expected = {
        rule.id: sum(rule.id in broken for broken in judged.broken)
        for rule in (*judge.types, *judge.values, *judge.keys)
    }
    assert {id_: observed.results[id_].violations for id_ in expected} == expected
    for id_, (value, passed) in judged.checks.items():
        result = observed.results[id_]
        assert (result.status is RuleStatus.PASS) is passed, id_
        assert float(result.value or "nan") == pytest.approx(value, rel=1e-12), id_
    for number, row in (observed.kept | observed.aside).items():
        for name, value in judged.typed[number].items():
            assert proof._comparable(row[name]) == proof._comparable(value), f"{name} of row {number}"


@given(case=proof._cases(text=True))
@settings(proof.few, max_examples=12)
def test_rows_of_text(spark: Any, case: tuple[Any, Any, Any]) -> None:
    agree(Observed(spark, case, text=True), case, text=True)


@given(case=proof._cases(text=False))
@settings(proof.few, max_examples=12)
def test_rows_with_types(spark: Any, case: tuple[Any, Any, Any]) -> None:
    agree(Observed(spark, case, text=False), case, text=False)


@given(case=proof._cases(text=True))
@settings(proof.few, max_examples=5)
def test_a_pipeline_keeps_and_sets_aside_the_same_rows(spark: Any, case: tuple[Any, Any, Any]) -> None:
    contract, policy, rows = case
    native, planned = Observed(spark, case, text=True), execute(spark, contract, rows, text=True, policy=policy)
    assert sorted(native.kept) == sorted(planned.published)
    columns = [name for name in native.aside.get(next(iter(native.aside), -1), {}) if name != "_run"]
    shown = [
        {number: {name: proof._comparable(row[name]) for name in columns} for number, row in found.items()}
        for found in (native.aside, planned.held)
    ]
    assert shown[0] == shown[1]
    checks = {
        id_: (None if r.value is None else float(r.value), r.status is RuleStatus.PASS)
        for id_, r in native.results.items()
    }
    assert {id_: checks[id_] for id_ in planned.checks} == {
        id_: (value if value is None else pytest.approx(value), passed)
        for id_, (value, passed) in planned.checks.items()
    }


@pytest.fixture
def executions(spark: Any) -> Callable[[], int]:
    """The number of queries that Spark has executed so far."""

    def count() -> int:
        spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
        # Not the length of the list: the oldest fall out of it after a thousand.
        kept = spark._jsparkSession.sharedState().statusStore().executionsList()
        return int(kept.last().executionId()) if kept.nonEmpty() else -1

    return count


def test_a_hundred_rules_are_one_action(spark: Any, executions: Callable[[], int]) -> None:
    """Columns c0, c1, … of numbers 0 to 99, of which the rules of column n refuse those that are not n+1 to 60+n."""
    columns = [
        declared(
            f"c{n}", "integer", required=True, logicalTypeOptions={"minimum": n + 1, "maximum": 60 + n, "multipleOf": 1}
        )
        for n in range(30)
    ]
    whole = [{"id": "n", "metric": "rowCount", "mustBeGreaterThan": 0}]
    contract = document(*columns, quality=whole)
    frame = spark.range(100).selectExpr("id AS row", *(f"IF(id % 10 = 9, NULL, id) AS c{n}" for n in range(30)))
    with opened(spark, frame, contract) as rows:
        assert len(rows._rules.row_rules) > 120
        rows.find_clashes()
        before = executions()
        counts, results = rows.evaluate()
        assert executions() - before == 1
        kept = sorted(row["row"] for row in rows.kept().collect())
        aside = rows.quarantined(added={}).collect()
    numbers = [number for number in range(100) if number % 10 != 9]
    expected = [number for number in numbers if 30 <= number <= 60]
    assert kept == expected
    assert (counts.rows, counts.quarantined, counts.kept) == (100, 100 - len(expected), len(expected))
    found = {each.rule_id: each.violations for each in results}
    for n in range(30):
        assert found[f"t.c{n}.required"] == 10
        assert found[f"t.c{n}.minimum"] == sum(number < n + 1 for number in numbers)
        assert found[f"t.c{n}.maximum"] == sum(number > 60 + n for number in numbers)
    (row,) = [row for row in aside if row["row"] == 89]
    assert set(row["_lakepact_failed_rules"]) == {f"t.c{n}.required" for n in range(30)}
    assert next(each for each in results if each.rule_id == "t.quality.n").value == str(len(expected))


def test_each_key_is_one_action_more(spark: Any, executions: Callable[[], int]) -> None:
    contract = document(declared("a", "integer", unique=True), declared("b", "integer", unique=True))
    frame = spark.range(100).selectExpr("id AS row", "id AS a", "id DIV 2 AS b")
    with opened(spark, frame, contract) as rows:
        before = executions()
        rows.find_clashes()
        # Each is a view of its clashing keys, and their number.
        assert executions() - before == 4
        counts, results = rows.evaluate()
        assert executions() - before == 5
    assert {each.rule_id: each.violations for each in results if "unique" in each.rule_id} == {
        "t.a.unique": 0,
        "t.b.unique": 100,
    }
    assert counts.kept == 0


@pytest.mark.parametrize("unclear", ["", "percentile(a, 0.5)"], ids=["one pass", "rows apart"])
def test_queries_on_the_rows_speak_of_the_kept_ones(spark: Any, unclear: str, executions: Callable[[], int]) -> None:
    quality = [
        {"id": "mean", "type": "sql", "query": "SELECT avg(a) FROM {object}", "mustBe": 3},
        {"id": "odd", "type": "sql", "query": "SELECT count(*) AS n FROM {object} WHERE a % 2 = 1", "mustBe": 2},
        {"id": "kinds", "type": "sql", "query": "SELECT count(DISTINCT a) FROM {object}", "mustBe": 3},
    ]
    contract, rules = compiled(document(declared("a", "integer", logicalTypeOptions={"minimum": 2}), quality=quality))
    if unclear:
        first, *others = rules.dataset_rules
        rules = replace(rules, dataset_rules=(replace(first, measure=Aggregate(unclear)), *others))
    run = Run(run_id="run-1", contract=contract, dataset="data", clock=lambda: NOW)
    frame = spark.range(5).selectExpr("id AS row", "id AS a")
    with NativeEvaluation(spark, frame, rules=rules, run=run) as rows:
        before = executions()
        counts, results = rows.evaluate()
        # One for the rows and what is measured of them; a view of the kept rows, and one for the query that is more.
        assert executions() - before == 3
    found = {each.rule_id.rpartition(".")[2]: (each.value, each.status.value) for each in results}
    assert (counts.kept, counts.quarantined) == (3, 2)
    assert found["mean"] == ("3.0", "pass")
    assert found["odd"] == ("1", "warn")
    assert found["kinds"] == ("3", "pass")


def test_keys_that_clash_are_found_once_and_forgotten(spark: Any) -> None:
    def kept() -> int:
        return int(spark.sparkContext._jsc.getPersistentRDDs().size())

    contract = document(declared("a", "integer", unique=True), declared("b", "string", unique=True))
    frame = spark.range(100).selectExpr("id AS row", "id DIV 2 AS a", "CAST(id AS STRING) AS b")
    before = kept()
    with opened(spark, frame, contract) as rows:
        rows.find_clashes()
        assert kept() == before + 1, "a text is hashed first"
        plan = spark.sql(rows._rows.kept())._jdf.queryExecution().executedPlan().toString()
        assert "InMemoryTableScan" in plan
        assert rows.kept().count() == 0
    assert kept() == before
    with opened(spark, frame, contract) as rows:
        rows.find_clashes(cached=False)
        assert kept() == before
        assert rows.kept().count() == 0


@pytest.mark.parametrize("rows", [0, 3], ids=["no rows", "everything is removed"])
def test_rules_on_the_whole_where_nothing_is_kept(spark: Any, rows: int) -> None:
    quality = [
        {"id": "some", "metric": "rowCount", "mustBeGreaterThan": 0, "severity": "error"},
        {"id": "few", "metric": "rowCount", "mustBeLessThan": 5},
        {"id": "keys", "metric": "duplicateValues", "mustBe": 0, "unit": "percent", "arguments": {"properties": ["a"]}},
        {"id": "sum", "type": "sql", "query": "SELECT sum(a) FROM {object}", "mustBe": 0},
    ]
    nulls = {"id": "nulls", "metric": "nullValues", "mustBeLessThan": 5, "unit": "percent"}
    contract = document(
        declared("a", "integer", logicalTypeOptions={"minimum": 1000}, quality=[nulls]), quality=quality
    )
    counts, found = evaluated(spark, spark.range(rows).selectExpr("id AS row", "id AS a"), contract)
    assert (counts.rows, counts.kept, counts.quarantined) == (rows, 0, rows)
    values = {
        id_.rpartition(".")[2]: (each.value, each.status.value) for id_, each in found.items() if ".quality." in id_
    }
    assert values["some"] == ("0", "fail")
    assert values["few"] == ("0", "pass")
    assert (float(values["nulls"][0] or -1), values["nulls"][1]) == (0.0, "pass")
    assert (float(values["keys"][0] or -1), values["keys"][1]) == (0.0, "pass")
    assert values["sum"] == (None, "warn")
    assert found["t.quality.sum"].message == "no value, mustBe 0"


@pytest.mark.parametrize("text", ["nosuch > 0", "CAST(b AS INT) > 0", "a > ", "max(a) > 0"])
def test_a_rule_that_cannot_be_evaluated_hides_no_other(spark: Any, text: str) -> None:
    contract = document(
        declared("a", "integer", unique=True, logicalTypeOptions={"minimum": 2}),
        declared("b", "string"),
        quality=[custom(text), {"id": "n", "metric": "rowCount", "mustBe": 1}],
    )
    frame = spark.sql("SELECT * FROM VALUES (0L, 1L, 'x'), (1L, 3L, 'x'), (2L, 4L, 'y'), (3L, 4L, 'y') AS t(row, a, b)")
    with opened(spark, frame, contract) as rows:
        rows.find_clashes()
        counts, results = rows.evaluate()
        assert [row["row"] for row in rows.kept().collect()] == [1]
        assert sorted(row["row"] for row in rows.quarantined(added={}).collect()) == [0, 2, 3]
    found = {each.rule_id: each for each in results}
    assert (counts.kept, counts.quarantined) == (1, 3)
    assert (found["t.a.unique"].violations, found["t.a.minimum"].violations) == (2, 1)
    assert (found["t.quality.n"].value, found["t.quality.n"].status) == ("1", RuleStatus.PASS)
    assert found["t.quality.own"].status is RuleStatus.ERROR
    assert found["t.quality.own"].message.startswith("Spark refuses the rule: [")
    assert found["t.quality.own"].violations is None


@pytest.mark.parametrize(("key", "kept"), [("a", [0]), ("m", [0, 1, 2])], ids=["a rule on rows", "a key too"])
def test_what_spark_refuses_is_left_out_whatever_is_asked_first(spark: Any, key: str, kept: list[int]) -> None:
    """Maps are not hashed, so that no key is made of them."""
    own = custom("nosuch > 0", customProperties=[{"property": "lakepact.action", "value": "quarantine"}])
    held = declared("m", "object", physicalType="MAP<STRING, STRING>")
    contract, rules = compiled(document(declared("a", "integer", unique=True), held, quality=[own]))
    keyed = [replace(each, columns=(key,)) if each.kind is RowRuleKind.KEY else each for each in rules.row_rules]
    run = Run(run_id="run-1", contract=contract, dataset="data", clock=lambda: NOW)
    frame = spark.sql("SELECT id AS row, IF(id = 0, 0L, 1L) AS a, map('k', 'v') AS m FROM RANGE(3)")
    with NativeEvaluation(spark, frame, rules=replace(rules, row_rules=tuple(keyed)), run=run) as rows:
        rows.find_clashes()
        assert sorted(row["row"] for row in rows.kept().collect()) == kept
        assert rows.quarantined(added={}).count() == 3 - len(kept)
        _, results = rows.evaluate()
    refused = {each.rule_id for each in results if each.status is RuleStatus.ERROR}
    assert refused == {"t.quality.own"} | ({"t.a.unique"} if key == "m" else set())


def test_a_rule_on_the_whole_that_cannot_be_measured_hides_no_other(spark: Any) -> None:
    quality = [
        {"id": "bad", "type": "sql", "query": "SELECT sum(nosuch) FROM {object}", "mustBe": 0},
        {"id": "late", "type": "sql", "query": "SELECT sum(CAST(b AS INT)) FROM {object}", "mustBe": 0},
        {"id": "good", "type": "sql", "query": "SELECT sum(a) FROM {object}", "mustBe": 3},
    ]
    frame = spark.sql("SELECT * FROM VALUES (0L, 1L, 'x'), (1L, 2L, 'y') AS t(row, a, b)")
    contract = document(declared("a", "integer"), declared("b", "string"), quality=quality)
    _, found = evaluated(spark, frame, contract)
    statuses = {id_: found[f"t.quality.{id_}"].status.value for id_ in ("bad", "late", "good")}
    assert statuses == {"bad": "error", "late": "error", "good": "pass"}


@pytest.mark.parametrize("text", ["sum(CAST(b AS INT))", "sum(nosuch)"])
def test_an_aggregate_that_fails_hides_no_other(spark: Any, text: str) -> None:
    quality = [{"id": "bad", "metric": "rowCount", "mustBe": 1}, {"id": "n", "metric": "rowCount", "mustBe": 2}]
    minimum = declared("a", "integer", logicalTypeOptions={"minimum": 2})
    contract, rules = compiled(document(minimum, declared("b", "string"), quality=quality))
    bad, good = rules.dataset_rules
    changed = replace(rules, dataset_rules=(replace(bad, measure=Aggregate(text)), good))
    frame = spark.sql("SELECT * FROM VALUES (0L, 1L, '1'), (1L, 2L, 'x'), (2L, 3L, 'y') AS t(row, a, b)")
    run = Run(run_id="run-1", contract=contract, dataset="data", clock=lambda: NOW)
    with NativeEvaluation(spark, frame, rules=changed, run=run) as rows:
        counts, results = rows.evaluate()
    found = {each.rule_id: each for each in results}
    assert counts.kept == 2
    assert (found["t.a.minimum"].violations, found["t.quality.n"].value) == (1, "2")
    assert found["t.quality.bad"].status is RuleStatus.ERROR
    assert found["t.quality.bad"].message.startswith("Spark refuses the rule: [")


def test_data_that_cannot_be_read_is_no_fault_of_a_rule(spark: Any) -> None:
    contract = document(declared("a", "integer", logicalTypeOptions={"minimum": 2}))
    frame = spark.sql("SELECT CAST(raise_error('the disk is gone') AS BIGINT) AS row, 1L AS a FROM RANGE(2)").where(
        "row > 0"
    )
    from pyspark.errors import PySparkException

    with pytest.raises(PySparkException, match="the disk is gone"):
        evaluated(spark, frame, contract)


def test_keys_that_are_there_already(spark: Any) -> None:
    contract = document(declared("a", "integer", primaryKey=True), declared("b", "string", primaryKey=True))
    frame = spark.sql(
        "SELECT * FROM VALUES (0L, 1L, 'x'), (1L, 1L, 'y'), (2L, 2L, 'x'), (3L, 2L, 'x'), (4L, NULL, 'x') "
        "AS t(row, a, b)"
    )
    existing = spark.sql("SELECT * FROM VALUES (1L, 'y'), (1L, 'y'), (9L, 'x'), (NULL, 'x') AS t(A, b)")
    with opened(spark, frame, contract) as rows:
        rows.find_clashes(existing)
        _, results = rows.evaluate()
        assert sorted(row["row"] for row in rows.kept().collect()) == [0]
        aside = rows.quarantined(added={}).collect()
    assert {row["row"]: row["_lakepact_failed_rules"] for row in aside} == {
        1: ["t.primaryKey"],
        2: ["t.primaryKey"],
        3: ["t.primaryKey"],
        4: ["t.a.required"],
    }
    assert next(each.violations for each in results if each.rule_id == "t.primaryKey") == 3
    # A table that has no such column yet has no such key.
    _, found = evaluated(spark, frame, contract, existing=existing.select("b"))
    assert found["t.primaryKey"].violations == 2


def test_other_objects_are_read_or_the_rule_is_skipped(spark: Any) -> None:
    contract = document(declared("a", "integer", relationships=[{"to": "parents.id"}]))
    contract["schema"].append({"name": "parents", "properties": [{"name": "id", "logicalType": "integer"}]})
    frame = spark.sql("SELECT * FROM VALUES (0L, 1L), (1L, 2L), (2L, NULL) AS t(row, a)")
    _, found = evaluated(spark, frame, contract)
    (skipped,) = [each for each in found.values() if each.status is RuleStatus.SKIPPED]
    assert skipped.message == "the rule reads 'parents', whose data is not at hand"
    _, found = evaluated(spark, frame, contract, references={"parents": spark.sql("SELECT 1L AS id")})
    assert (found[skipped.rule_id].value, found[skipped.rule_id].status) == ("1", RuleStatus.WARN)
    _, found = evaluated(spark, frame, contract, references={"parents": spark.sql("SELECT id FROM RANGE(5)")})
    assert (found[skipped.rule_id].value, found[skipped.rule_id].status) == ("0", RuleStatus.PASS)


def test_no_view_is_left_behind(spark: Any) -> None:
    before = {row.tableName for row in spark.sql("SHOW TABLES").collect()}
    contract = document(
        declared("a", "integer", unique=True),
        quality=[{"metric": "duplicateValues", "mustBeLessThan": 5, "arguments": {"properties": ["a"]}}],
    )
    evaluated(spark, spark.range(3).selectExpr("id AS row", "id AS a"), contract)
    assert {row.tableName for row in spark.sql("SHOW TABLES").collect()} - before == set()
