"""Rules evaluated by DuckDB: the same numbers as the independent judge, and the traps between the two engines."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import test_proof_random_contracts as proof
from hypothesis import given, settings
from oracle import Oracle
from proof_execution import document

from lakepact.contract import Contract, load_contract
from lakepact.quality.duckdb_engine import DuckDbEngine, DuckDbEvaluation, evaluate_files
from lakepact.quality.duckdb_text import duckdb_type, quoted
from lakepact.quality.engine import EngineContext, FileData
from lakepact.quality.native import NativeEvaluation, Run
from lakepact.results import RuleStatus
from lakepact.rules import compile_rules, load_policy
from lakepact.rules.model import ObjectRules

NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)


def compiled(contract: Mapping[str, Any], policy: Sequence[Mapping[str, str]] = ()) -> tuple[Contract, ObjectRules]:
    loaded = load_contract(json.dumps(contract, ensure_ascii=False).encode())
    actions = load_policy(json.dumps({"version": 1, "actions": list(policy)}).encode())
    return loaded, compile_rules(loaded, policy=actions).objects[0]


def evaluated(
    data: FileData, contract: Mapping[str, Any], policy: Sequence[Mapping[str, str]] = ()
) -> DuckDbEvaluation:
    loaded, rules = compiled(contract, policy)
    run = Run(run_id="run-1", contract=loaded, dataset="data", clock=lambda: NOW)
    return evaluate_files(data, rules, run=run)


def json_file(folder: Path, rows: Sequence[Mapping[str, Any]]) -> FileData:
    """Rows of text as JSON, since CSV has no empty text."""
    path = folder / "rows.json"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return FileData(paths=(str(path),), format="json")


def csv_file(folder: Path, text: str, **options: str) -> FileData:
    path = folder / "rows.csv"
    path.write_bytes(text.encode())
    return FileData(paths=(str(path),), format="csv", options=options)


def parquet_file(folder: Path, select: str) -> FileData:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({select}) TO '{folder / 'rows.parquet'}' (FORMAT parquet)")
    return FileData(paths=(str(folder / "rows.parquet"),), format="parquet")


def typed_file(folder: Path, rules: ObjectRules, rows: Sequence[Mapping[str, Any]]) -> FileData:
    columns = ", ".join(
        f"CAST(${n + 1} AS {duckdb_type(c.type)}) AS {quoted(c.name)}" for n, c in enumerate(rules.columns)
    )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for number, row in enumerate(rows):
            values = [row[c.name] for c in rules.columns]
            connection.execute(f"{'INSERT INTO t' if number else 'CREATE TABLE t AS'} SELECT {columns}", values)
        connection.execute(f"COPY t TO '{folder / 'rows.parquet'}' (FORMAT parquet)")
    return FileData(paths=(str(folder / "rows.parquet"),), format="parquet")


def agree(found: DuckDbEvaluation, case: tuple[Any, Any, Any], *, text: bool) -> None:
    """Every rule of the case is evaluated, to what the independent judge says."""
    contract, policy, rows = case
    judge = Oracle(contract, name="t", policy=policy)
    judged = judge.judge(rows, text=text)
    results = {each.rule_id: each for each in found.results}
    expected = {
        rule.id: sum(rule.id in broken for broken in judged.broken)
        for rule in (*judge.types, *judge.values, *judge.keys)
    }
    assert results.keys() == expected.keys() | judged.checks.keys()
    assert {each.status for each in found.results}.isdisjoint({RuleStatus.SKIPPED, RuleStatus.ERROR})
    assert {id_: results[id_].violations for id_ in expected} == expected
    for id_, (value, passed) in judged.checks.items():
        assert float(results[id_].value or "nan") == pytest.approx(value, rel=1e-12), id_
        assert (results[id_].status is RuleStatus.PASS) is passed, id_
    counts = found.counts
    sides = len(judged.quarantined), len(judged.dropped), len(judged.published)
    assert (counts.rows, counts.quarantined, counts.dropped, counts.kept) == (len(rows), *sides)
    assert (found.complete, counts.failing) == (True, 0)


@given(case=proof._cases(text=True))
@settings(proof.few, max_examples=20)
def test_rows_of_text(tmp_path_factory: pytest.TempPathFactory, case: tuple[Any, Any, Any]) -> None:
    contract, policy, rows = case
    agree(evaluated(json_file(tmp_path_factory.mktemp("rows"), rows), contract, policy), case, text=True)


@given(case=proof._cases(text=False))
@settings(proof.few, max_examples=20)
def test_rows_with_types(tmp_path_factory: pytest.TempPathFactory, case: tuple[Any, Any, Any]) -> None:
    contract, policy, rows = case
    data = typed_file(tmp_path_factory.mktemp("rows"), compiled(contract, policy)[1], rows)
    agree(evaluated(data, contract, policy), case, text=False)


def prop(name: str, kind: str, action: str = "quarantine", **more: Any) -> dict[str, Any]:
    asked = [{"property": "lakepact.action", "value": action}]
    return {"name": name, "logicalType": kind, "customProperties": asked, **more}


def custom(text: str, name: str = "own", **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "custom", "engine": "lakeflow", "implementation": text, **more}


def objects(*properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    contract = document(*properties, **more)
    contract["schema"][0]["properties"].pop(0)
    return contract


def violations(found: DuckDbEvaluation) -> dict[str, int | None]:
    return {each.rule_id.removeprefix("t."): each.violations for each in found.results}


def messages(found: DuckDbEvaluation) -> dict[str, tuple[str, str]]:
    return {each.rule_id.removeprefix("t."): (each.status.value, each.message) for each in found.results}


def test_null_and_empty_text(tmp_path: Path) -> None:
    contract = objects(prop("a", "string", required=True, logicalTypeOptions={"pattern": "^[a-z]+$", "minLength": 1}))
    data = parquet_file(tmp_path, "SELECT unnest([NULL, '', 'abc', 'ABC', 'a' || chr(10), 'é']) AS a")
    assert violations(evaluated(data, contract)) == {"a.required": 1, "a.pattern": 4, "a.minLength": 1}
    # An empty cell of CSV is no value, as Spark reads it.
    data = csv_file(tmp_path, 'a,b\n"",1\n,2\nabc,3\n')
    assert violations(evaluated(data, contract)) == {"a.required": 2, "a.pattern": 0, "a.minLength": 0}


def test_nan_and_zero(tmp_path: Path) -> None:
    limits = {"minimum": 0, "maximum": 10}
    contract = objects(prop("a", "number", unique=True, logicalTypeOptions=limits))
    data = parquet_file(
        tmp_path, "SELECT unnest(['NaN'::DOUBLE, 'NaN'::DOUBLE, 0.0, -0.0, 5, 'Infinity'::DOUBLE]) AS a"
    )
    assert violations(evaluated(data, contract)) == {"a.type": 0, "a.unique": 4, "a.minimum": 2, "a.maximum": 3}


def test_keys_with_null_collide_never(tmp_path: Path) -> None:
    contract = objects(
        prop("a", "integer", primaryKey=True), prop("b", "string", primaryKey=True), prop("c", "string", unique=True)
    )
    rows = "(1,'x',NULL),(1,'x',NULL),(1,'y','q'),(2,NULL,'q'),(2,NULL,'q'),(NULL,NULL,'')"
    data = parquet_file(tmp_path, f"SELECT a::BIGINT AS a, b, c FROM (VALUES {rows}) AS t(a, b, c)")
    found = evaluated(data, contract)
    assert violations(found) == {
        "a.type": 0, "a.required": 1, "b.required": 3, "primaryKey": 2, "c.unique": 3,
    }  # fmt: skip
    assert (found.counts.quarantined, found.counts.kept) == (6, 0)


def test_decimals_and_moments_of_text(tmp_path: Path) -> None:
    contract = objects(
        prop("a", "number", physicalType="DECIMAL(4,2)", logicalTypeOptions={"multipleOf": 0.05}),
        prop(
            "b", "timestamp", logicalTypeOptions={"minimum": "2024-01-01T00:00:00", "defaultTimezone": "Europe/Berlin"}
        ),
    )
    rows = "1.05,2024-01-01T00:00:00\n1.051,2023-12-31T23:30:00Z\n100.00,2023-12-31T22:59:59Z\n"
    rows += "1.01,2024\n 2.00 ,2024-01-01\n"
    found = evaluated(csv_file(tmp_path, "a,b\n" + rows), contract)
    assert violations(found) == {"a.type": 2, "a.multipleOf": 1, "b.type": 1, "b.minimum": 1}


def test_names_without_case_and_columns_that_differ(tmp_path: Path) -> None:
    contract = objects(
        prop("Key", "integer", required=True), prop("gone", "string", required=True), prop("kind", "date")
    )
    data = parquet_file(
        tmp_path, "SELECT 1::BIGINT AS KEY, 5::BIGINT AS kind, 'x' AS more UNION ALL SELECT NULL, NULL, 'y'"
    )
    found = evaluated(data, contract)
    assert violations(found) == {"Key.type": 0, "Key.required": 1, "gone.required": 2, "kind.type": 1}
    assert [str(each) for each in found.alignment.drift] == [
        "column 'Key' may hold NULL, the contract requires a value",
        "column 'gone' (STRING) is missing",
        "column 'kind' is BIGINT, the contract wants DATE: which cannot be converted",
        "column 'more' (STRING) is not in the contract",
    ]


def test_a_rule_that_cannot_be_evaluated_hides_no_other(tmp_path: Path) -> None:
    quality = [
        custom("nosuch > 0"),
        custom("a > ", "half"),
        custom("a * 9223372036854775807 > 0", "large"),
        custom("abs(a) > 0", "edge"),
    ]
    contract = objects(prop("a", "integer", logicalTypeOptions={"minimum": 2}), quality=quality)
    found = evaluated(parquet_file(tmp_path, "SELECT unnest([1, 2, 3, -9223372036854775808])::BIGINT AS a"), contract)
    told = messages(found)
    assert told["a.minimum"] == ("fail", "2 of 4 rows")
    assert told["quality.own"] == ("error", "the rule names 'nosuch', which is no column of the object")
    assert told["quality.half"][0] == "error"
    assert told["quality.large"] == ("skipped", "needs Spark: 3 values that it reads in its own way")
    assert told["quality.edge"][0] == "error"
    assert told["quality.edge"][1].startswith("Out of Range Error: Overflow on abs(-9223372036854775808)")


def test_what_only_spark_can_tell_is_left_to_spark(tmp_path: Path) -> None:
    quality = [custom("soundex(a) = 'A000'", customProperties=[{"property": "lakepact.action", "value": "drop"}])]
    whole = {"id": "n", "metric": "rowCount", "mustBe": 1}
    contract = objects(prop("a", "string", required=True), quality=[*quality, whole])
    found = evaluated(parquet_file(tmp_path, "SELECT 'x' AS a"), contract)
    assert messages(found) == {
        "a.required": ("pass", ""),
        "quality.own": ("skipped", "needs Spark: SOUNDEX"),
        "quality.n": ("skipped", "needs Spark: it measures the rows that are left by the rule 't.quality.own'"),
    }
    assert not found.complete


def test_values_that_spark_reads_in_its_own_way(tmp_path: Path) -> None:
    contract = objects(prop("a", "number", "warn", physicalType="DECIMAL(9,2)"), prop("b", "integer", "warn"))
    found = evaluated(csv_file(tmp_path, "a,b\n1.5,1\n15e-1,x\n"), contract)
    assert messages(found) == {
        "a.type": ("skipped", "needs Spark: 1 values that it reads in its own way"),
        "b.type": ("warn", "1 of 2 rows"),
    }


def test_rules_on_the_whole(tmp_path: Path) -> None:
    keys = {"properties": ["b"]}
    most = "SELECT max(k) FROM (SELECT b, count(*) AS k FROM {object} GROUP BY b) AS g"
    quality = [
        {"id": "n", "metric": "rowCount", "mustBe": 3, "severity": "error"},
        {"id": "twice", "metric": "duplicateValues", "mustBe": 0, "unit": "percent", "arguments": keys},
        {"id": "sum", "type": "sql", "query": "SELECT sum(a) FROM {object} WHERE b <> 'x'", "mustBe": 9},
        {"id": "most", "type": "sql", "query": most, "mustBe": 1},
        {"id": "bad", "type": "sql", "query": "SELECT sum(nosuch) FROM {object}", "mustBe": 0},
        {"id": "join", "type": "sql", "query": "SELECT count(*) FROM {object} a JOIN {object} b", "mustBe": 0},
    ]  # fmt: skip
    contract = objects(prop("a", "integer", logicalTypeOptions={"minimum": 2}), prop("b", "string"), quality=quality)
    data = parquet_file(tmp_path, "SELECT a::BIGINT AS a, b FROM (VALUES (1,'x'),(4,'y'),(5,'y'),(6,'x')) AS t(a, b)")
    assert messages(evaluated(data, contract)) == {
        "a.type": ("pass", ""), "a.minimum": ("fail", "1 of 4 rows"), "quality.n": ("pass", ""),
        "quality.twice": ("warn", "33.333333333333336, mustBe 0 percent"), "quality.sum": ("pass", ""),
        "quality.most": ("warn", "2, mustBe 1"),
        "quality.bad": ("error", "the rule names 'nosuch', which is no column of the object"),
        "quality.join": ("skipped", "needs Spark: JOINS in a query"),
    }  # fmt: skip


def test_other_objects(tmp_path: Path) -> None:
    contract = objects(prop("a", "integer", relationships=[{"to": "parents.id"}]))
    contract["schema"].append({"name": "parents", "properties": [{"name": "id", "logicalType": "integer"}]})
    loaded, rules = compiled(contract)
    run = Run(run_id="run-1", contract=loaded, dataset="data", clock=lambda: NOW)
    data = parquet_file(tmp_path, "SELECT unnest([1, 2, 2, NULL])::BIGINT AS a")
    (without,) = [each for each in evaluate_files(data, rules, run=run).results if "relationship" in each.rule_id]
    assert (without.status.value, without.message) == ("skipped", "the rule reads 'parents', whose data is not at hand")
    parents = csv_file(tmp_path, "id\n1\n7\n")
    found = evaluate_files(data, rules, run=run, references={"parents": parents})
    assert messages(found)["a.relationship"] == ("warn", "2, mustBe 0 rows")


@pytest.mark.parametrize("text", ["", "a,b\n"])
def test_a_file_without_rows(tmp_path: Path, text: str) -> None:
    quality = [{"id": "n", "metric": "rowCount", "mustBeGreaterThan": 0}]
    found = evaluated(
        csv_file(tmp_path, text), objects(prop("a", "integer", required=True, unique=True), quality=quality)
    )
    assert violations(found) == {"a.type": 0, "a.required": 0, "a.unique": 0, "quality.n": None}
    assert messages(found)["quality.n"] == ("warn", "0, mustBeGreaterThan 0 rows")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("gone.parquet", None, "LP970: there is no"),
        ("broken.parquet", b"PAR1", "LP970: "),
        ("broken.json", b'{"a": 1}\n{"a": \n', "LP970: "),
        ("list.json", b"[1]\n", "LP971: "),
        ("twice.json", b'{"a": 1, "a": 2}\n', "LP971: "),
        ("quotes.csv", b'a,b\n1,"x ""y"""\n', "LP971: "),
        ("break.csv", b'a,b\n1,"x\ny"\n', "LP971: "),
        ("more.csv", b"a\n1,2\n", "LP970: "),
        ("blank.csv", b"a\n1\n\n2\n", "LP971: "),
    ],
)
def test_files_that_cannot_be_read_alike(tmp_path: Path, name: str, content: bytes | None, code: str) -> None:
    contract, rules = compiled(objects(prop("a", "string", required=True)))
    if content is not None:
        (tmp_path / name).write_bytes(content)
    data = FileData(paths=(str(tmp_path / name),), format=name.rpartition(".")[2])
    run = Run(run_id="run-1", contract=contract, dataset="data", clock=lambda: NOW)
    (found,) = DuckDbEngine().evaluate(data, rules, EngineContext(run=run))
    assert (found.status, found.message.startswith(code)) == (RuleStatus.ERROR, True), found.message


def test_options_of_csv(tmp_path: Path) -> None:
    contract = objects(prop("a", "integer"), prop("b", "string", logicalTypeOptions={"pattern": '^x "y"$'}))
    data = csv_file(tmp_path, '5;"x ""y"""\nNA;NA\n', header="false", sep=";", escape='"', nullValue="NA")
    assert violations(evaluated(data, contract)) == {"a.type": 0, "b.pattern": 0}


def test_time_that_is_over(tmp_path: Path) -> None:
    contract, rules = compiled(objects(prop("a", "integer", unique=True)))
    data = parquet_file(tmp_path, "SELECT range AS a FROM range(300000)")
    run = Run(run_id="run-1", contract=contract, dataset="data", clock=lambda: NOW)
    results = DuckDbEngine().evaluate(data, rules, EngineContext(run=run, seconds=0.000001))
    assert {(each.status.value, each.message) for each in results} == {("error", "it took longer than 1e-06 s")}


@pytest.mark.spark
def test_the_same_results_as_on_spark(spark: Any, tmp_path: Path) -> None:
    quality = [
        {"id": "n", "metric": "rowCount", "mustBe": 3},
        {"id": "share", "metric": "nullValues", "mustBe": 0, "unit": "percent", "arguments": {"properties": ["b"]}},
        {"id": "avg", "type": "sql", "query": "SELECT avg(a) FROM {object} WHERE b LIKE '%y%'", "mustBe": 0},
        {"id": "sum", "type": "sql", "query": "SELECT sum(e) FROM {object}", "mustBe": "x"},
        {"id": "new", "type": "sql", "query": "SELECT max(m) > '2024-01-01' FROM {object}"},
        custom("a % 2 = 0 AND upper(b) <> 'Q'"),
    ]
    contract = objects(
        prop("a", "integer", "drop", unique=True, logicalTypeOptions={"maximum": 50}),
        prop("b", "string", required=True, logicalTypeOptions={"format": "email"}),
        prop("e", "number", physicalType="DECIMAL(6,2)"),
        prop("m", "timestamp"),
        quality=quality,
    )
    spark.sql(
        "SELECT id AS a, IF(id % 7 = 0, NULL, concat('y', id, '@x.org')) AS b, CAST(id / 8 AS DECIMAL(9,4)) AS e, "
        "timestamp_seconds(1704067200 + id) AS m FROM range(60) UNION ALL SELECT 4L, 'y', 1, NULL"
    ).write.parquet(str(tmp_path / "rows"))
    loaded, rules = compiled(contract)
    run = Run(run_id="run-1", contract=loaded, dataset="data", clock=lambda: NOW)
    found = evaluate_files(FileData(paths=(str(tmp_path / "rows"),), format="parquet"), rules, run=run)
    with NativeEvaluation(spark, spark.read.parquet(str(tmp_path / "rows")), rules=rules, run=run) as there:
        there.find_clashes()
        counts, results = there.evaluate()
        drift = there.alignment.drift
    assert found.counts == counts
    assert found.alignment.drift == drift
    assert [replace(each, engine="native") for each in found.results] == list(results)
