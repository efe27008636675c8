"""Great Expectations as an engine: the counts of the truth file, results of its own rules, and faults."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from foreign_engines import context_of, engine_rules, evaluated, planted_files, told, write_parquet
from planted import DUCKDB_TYPES, SPARK_TYPES, VALUES, VIOLATIONS, Planted, planted

from lakepact.quality.engine import FileData, FrameData
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import Action
from lakepact.targets import gx as suites

pytest.importorskip("great_expectations")

from lakepact.quality.gx import GxEngine

# What GX has a number for; the others are skipped.
MEASURED = ("customers.email.quality.few_nulls", "customers.quality.many")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Planted, FileData, FileData]:
    return planted_files(tmp_path_factory.mktemp("planted"))


def assert_true_counts(results: dict[str, RuleResult]) -> None:
    assert {name: result.violations for name, result in results.items() if name in VIOLATIONS} == VIOLATIONS
    for name, violations in VIOLATIONS.items():
        result = results[name]
        expected = RuleStatus.WARN if result.action is Action.WARN else RuleStatus.FAIL
        assert result.status is (expected if violations else RuleStatus.PASS), name
        assert result.tested == 200
    for name in MEASURED:
        value, kept = VALUES[name]
        assert (results[name].value, results[name].status is RuleStatus.PASS) == (str(value), kept), name
    left = results.keys() - VIOLATIONS.keys() - set(MEASURED)
    assert {results[name].status for name in left} == {RuleStatus.SKIPPED}


def test_the_true_counts_of_files(files: tuple[Planted, FileData, FileData]) -> None:
    sample, customers, regions = files
    rules = sample.rules.objects[0]
    results = evaluated(GxEngine(compiled=True), customers, rules, context_of(sample, regions=regions))
    assert list(results) == [each.id for each in (*rules.row_rules, *rules.dataset_rules)]
    assert_true_counts(results)
    assert results["customers.id.unique"].message == "5 of 200 rows"
    assert results["customers.quality.ids"].message == "GX has no expectation that measures it"


@pytest.mark.spark
def test_the_true_counts_and_the_exported_suite_on_a_data_frame(spark: Any) -> None:
    sample = planted()
    frame = spark.createDataFrame([tuple(row.values()) for row in sample.rows], schema=SPARK_TYPES)
    # GX asks Spark many times for each rule: one rule of each kind, and queries, which files have not.
    own = {f"customers.{name}" for name in ("id.unique", "primaryKey", "email.pattern", "balance.minimum")}
    asked = ("email.pattern", "score.multipleOf", "quality.ids", "quality.negative", "created.sla.fresh")
    (suite, _) = suites.render(sample.contract, sample.rules)
    exported = suite.document["expectations"]
    assert isinstance(exported, list)
    by_rule = {each["meta"]["lakepact_rule"]: each for each in exported}
    rules = engine_rules(sample, "gx", *(by_rule[f"customers.{name}"] for name in asked))
    rules = replace(
        rules,
        row_rules=tuple(each for each in rules.row_rules if each.id in own),
        dataset_rules=rules.dataset_rules[:1],
    )
    before = {row.tableName for row in spark.sql("SHOW TABLES").collect()}
    results = evaluated(GxEngine(compiled=True), FrameData(frame), rules, context_of(sample))
    assert {row.tableName for row in spark.sql("SHOW TABLES").collect()} == before
    assert {name: results[name].violations for name in own} == {name: VIOLATIONS[name] for name in own}
    assert results["customers.email.quality.few_nulls"].value == "3.5"
    assert told({name: results[name] for name in results if name[-1].isdigit()}) == [
        ("fail", 4, None, "4 of 200 rows"),
        ("fail", 2, None, "2 rows"),
        # A query on all of the data has one row where the value is not as it must be.
        ("fail", 1, None, "1 row"),
        ("pass", 0, None, ""),
        ("pass", 0, None, ""),
    ]


def test_only_its_own_rules_unless_asked(files: tuple[Planted, FileData, FileData]) -> None:
    sample, customers, _ = files
    rules = engine_rules(
        sample,
        "gx",
        {"expectation_type": "expect_column_values_to_not_be_null", "kwargs": {"column": "email"}},
        {"name": "expect_column_values_to_not_be_null", "column": "email", "mostly": 0.9},
        {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}},
        {"name": "expect_column_values_to_match_regex", "column": "currency", "regex": "^[A-Z]{3}$"},
        {"name": "expect_table_row_count_to_be_between", "min_value": 1000},
        {"name": "expect_column_mean_to_be_between", "column": "age", "min_value": 1, "max_value": 100},
        [
            {"name": "expect_column_values_to_be_between", "column": "age", "min_value": 1},
            {"name": "expect_column_values_to_be_between", "column": "age", "max_value": 120},
        ],
    )
    results = evaluated(GxEngine(), customers, rules, context_of(sample))
    assert list(results) == [f"customers.{number}" for number in range(7)]
    assert told(results) == [
        ("fail", 7, None, "7 of 200 rows"),
        ("pass", 7, None, ""),
        ("fail", 5, None, "5 of 200 rows"),
        ("fail", 51, None, "51 of 200 rows"),
        ("fail", None, "200", "200"),
        ("pass", None, results["customers.5"].value, ""),
        ("fail", 3, None, "3 of 200 rows"),
    ]


def test_nothing_is_done_without_rules_for_it(files: tuple[Planted, FileData, FileData]) -> None:
    sample, _, _ = files
    nowhere = FileData(paths=("/nowhere.parquet",), format="parquet")
    assert GxEngine().evaluate(nowhere, engine_rules(sample, "soda", "row_count > 0"), context_of(sample)) == ()


def test_one_wrong_expectation_hides_no_other(files: tuple[Planted, FileData, FileData]) -> None:
    sample, customers, _ = files
    rules = engine_rules(
        sample,
        "gx",
        {"type": "expect_column_values_to_not_be_null", "column": "nowhere"},
        {"type": "expect_column_values_to_not_be_null", "column": "region"},
        {"type": "expect_magic"},
        {"type": "expect_column_values_to_be_between", "column": "age", "min_value": 9, "max_value": 1},
        {"type": "expect_column_mean_to_be_between", "column": "email", "min_value": 1},
        {"type": "unexpected_rows_expectation", "unexpected_rows_query": "SELECT * FROM {batch}"},
        {"type": "expect_column_to_exist", "column": "nowhere"},
    )
    results = evaluated(GxEngine(), customers, rules, context_of(sample))
    statuses = [each.status.value for each in results.values()]
    assert statuses == ["error", "fail", "error", "error", "error", "error", "fail"]
    messages = [each.message for each in results.values()]
    assert messages[0] == "there is no column 'nowhere'"
    assert messages[1] == "1 of 200 rows"
    assert messages[2] == "GX 1.x cannot be given the rule: GX has no expectation 'expect_magic'"
    assert messages[3].startswith(("GX refuses the expectation: ", "GX cannot evaluate it: "))
    assert all(each.startswith("GX cannot evaluate it: ") for each in messages[4:6])
    assert max(map(len, messages)) < 400


def test_data_without_rows_or_values(tmp_path: Path) -> None:
    sample = planted()
    rules = engine_rules(
        sample,
        "gx",
        {"type": "expect_column_values_to_not_be_null", "column": "id"},
        {"type": "expect_column_mean_to_be_between", "column": "age", "min_value": 1},
        {"type": "expect_table_row_count_to_equal", "value": 0},
    )
    empty = write_parquet(tmp_path / "empty.parquet", DUCKDB_TYPES, [])
    found = evaluated(GxEngine(compiled=True), empty, rules, context_of(sample))
    own = {name: each for name, each in found.items() if name[-1].isdigit()}
    assert told(own) == [("pass", 0, None, ""), ("fail", None, None, "no value"), ("pass", None, "0", "")]
    assert {found[name].violations for name in VIOLATIONS} == {0}
    assert found["customers.email.quality.few_nulls"].value == "0"
    nulls = write_parquet(tmp_path / "nulls.parquet", DUCKDB_TYPES, [dict.fromkeys(sample.rows[0])] * 3)
    found = evaluated(GxEngine(compiled=True), nulls, rules, context_of(sample))
    broken = {name for name in VIOLATIONS if found[name].violations}
    assert broken == {f"customers.{name}.required" for name in ("region", "number", "created")}
    assert {found[name].violations for name in broken} == {3}


def test_examples_are_few_and_of_public_columns(tmp_path: Path) -> None:
    sample = planted()
    file = tmp_path / "many.parquet"
    with duckdb.connect() as connection:
        many = "SELECT 'no' || i AS currency, 'secret' AS email FROM range(10_000) AS numbers(i)"
        connection.execute(f"COPY ({many}) TO '{file}' (FORMAT parquet)")
    data = FileData(paths=(str(file),), format="parquet")
    rules = engine_rules(
        sample,
        "gx",
        {"type": "expect_column_values_to_be_in_set", "column": "currency", "value_set": ["EUR"]},
        {"type": "expect_column_values_to_be_in_set", "column": "email", "value_set": ["EUR"]},
    )
    found = evaluated(GxEngine(), data, rules, context_of(sample, samples=2))
    assert found["customers.0"].message == "10000 of 10000 rows, for example currency='no0', currency='no1'"
    assert found["customers.1"].message == "10000 of 10000 rows"
    without = evaluated(GxEngine(), data, rules, context_of(sample))
    assert without["customers.0"].message == "10000 of 10000 rows"


def test_data_docs_quote_nothing(files: tuple[Planted, FileData, FileData], tmp_path: Path) -> None:
    sample, customers, _ = files
    rules = engine_rules(
        sample, "gx", {"type": "expect_column_values_to_match_regex", "column": "email", "regex": "^person"}
    )
    folder = tmp_path / "docs"
    found = evaluated(GxEngine(docs=folder), customers, rules, context_of(sample, samples=5))
    assert found["customers.0"].status is RuleStatus.FAIL
    pages = [page.read_text(encoding="utf-8") for page in folder.rglob("*.html")]
    assert any("expect_column_values_to_match_regex" in page or "must match" in page for page in pages)
    assert not any("no at sign" in page for page in pages)


def test_it_says_nothing_and_leaves_nothing(
    files: tuple[Planted, FileData, FileData], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    sample, customers, _ = files
    names = set(os.environ)
    rules = engine_rules(
        sample,
        "gx",
        {"type": "expect_column_values_to_not_be_null", "column": "id"},
        {"type": "expect_column_values_to_be_between", "column": "age"},
        {"type": "expect_column_mean_to_be_between", "column": "email", "min_value": 1},
    )
    with caplog.at_level(logging.DEBUG):
        evaluated(GxEngine(), customers, rules, context_of(sample))
    assert capfd.readouterr() == ("", "")
    assert [each.name for each in caplog.records if each.name.startswith("great_expectations")] == []
    assert set(os.environ) == names
    assert logging.getLogger("great_expectations").propagate


def test_big_whole_numbers_stay_what_they_are(tmp_path: Path) -> None:
    sample = planted()
    rows = [{"id": 2**60}, {"id": 2**60 + 1}, {"id": None}]
    data = write_parquet(tmp_path / "big.parquet", "id BIGINT", rows)
    rules = engine_rules(sample, "gx", {"type": "expect_column_values_to_be_unique", "column": "id"})
    found = evaluated(GxEngine(), data, rules, context_of(sample))
    assert told(found) == [("pass", 0, None, "")]


def test_a_column_that_is_not_there_is_an_error_of_its_rules_only(tmp_path: Path) -> None:
    sample = planted()
    data = write_parquet(tmp_path / "few.parquet", "id BIGINT, region VARCHAR", sample.rows)
    found = evaluated(GxEngine(compiled=True), data, sample.rules.objects[0], context_of(sample))
    assert (found["customers.id.unique"].violations, found["customers.region.required"].violations) == (5, 1)
    for name in ("email.pattern", "score.multipleOf", "number.required", "primaryKey", "balance.minimum"):
        column = "number" if name == "primaryKey" else name.partition(".")[0]
        result = found[f"customers.{name}"]
        assert (result.status, result.message) == (RuleStatus.ERROR, f"there is no column {column!r}")
    assert found["customers.email.quality.few_nulls"].status is RuleStatus.ERROR
    assert found["customers.number.type"].status is RuleStatus.SKIPPED


@pytest.mark.process
def test_without_the_library(repository: Path, tmp_path: Path) -> None:
    script = """
import sys
sys.path.append(sys.argv[1])

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "great_expectations":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Without())
from foreign_engines import context_of, engine_rules
from planted import planted
from lakepact.errors import ExtraMissing
from lakepact.quality.engine import FileData
from lakepact.quality.gx import GxEngine

sample = planted()
try:
    rules = engine_rules(sample, "gx", {"type": "expect_table_row_count_to_equal", "value": 1})
    GxEngine().evaluate(FileData(paths=(), format="csv"), rules, context_of(sample))
except ExtraMissing as error:
    print(error)
"""
    environment = os.environ | {"PYTHONPATH": str(repository / "src")}
    arguments = [sys.executable, "-c", script, str(repository / "tests" / "quality")]
    done = subprocess.run(arguments, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == (
        "LP975: Great Expectations is not installed: there is no module 'great_expectations'\n"
        "  hint: pip install 'lakepact[gx]'\n"
    ), done.stderr
