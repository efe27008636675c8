"""Soda as an engine: the counts of the truth file, results of its own rules, and faults."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from foreign_engines import context_of, engine_rules, evaluated, planted_files, told, write_parquet
from planted import DUCKDB_TYPES, FRESH, SPARK_TYPES, VALUES, VIOLATIONS, Planted, planted

from lakepact.quality.engine import FileData, FrameData
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import Action

pytest.importorskip("soda_core")

from lakepact.quality.soda import SodaEngine


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Planted, FileData, FileData]:
    return planted_files(tmp_path_factory.mktemp("planted"))


def assert_true_counts(results: dict[str, RuleResult], *, skipped: set[str]) -> None:
    counts = {name: result.violations for name, result in results.items() if name in VIOLATIONS}
    assert counts == VIOLATIONS
    for name, violations in VIOLATIONS.items():
        result = results[name]
        assert (result.status is RuleStatus.PASS) == (violations == 0), name
        assert result.tested == 200
        if violations:
            expected = RuleStatus.WARN if result.action is Action.WARN else RuleStatus.FAIL
            assert (result.status, result.message) == (expected, f"{violations} of 200 rows")
    for name, (value, kept) in VALUES.items():
        if name not in skipped:
            assert results[name].value == str(value), name
            assert results[name].status is (RuleStatus.PASS if kept else RuleStatus.WARN), name
    types = {name for name in results if name.endswith(".type")}
    assert {name for name, each in results.items() if each.status is RuleStatus.SKIPPED} == types | skipped


def test_the_true_counts_of_files(files: tuple[Planted, FileData, FileData]) -> None:
    sample, customers, regions = files
    rules = sample.rules.objects[0]
    results = evaluated(SodaEngine(compiled=True), customers, rules, context_of(sample, regions=regions))
    assert list(results) == [each.id for each in (*rules.row_rules, *rules.dataset_rules)]
    assert_true_counts(results, skipped=set())
    age = results[FRESH]
    assert age.status is RuleStatus.PASS
    assert 3600 <= int(age.value or "") < 2 * 86_400
    assert results["customers.email.quality.few_nulls"].message == "3.5, mustBeLessOrEqualTo 2 percent"


def test_without_references_a_rule_on_them_is_skipped(files: tuple[Planted, FileData, FileData]) -> None:
    sample, customers, _ = files
    found = evaluated(SodaEngine(compiled=True), customers, sample.rules.objects[0], context_of(sample))
    orphans = found["customers.region.relationship"]
    assert (orphans.status, orphans.message) == (
        RuleStatus.SKIPPED,
        "the rule reads 'regions', whose data is not at hand",
    )


@pytest.mark.spark
def test_the_true_counts_of_a_data_frame(spark: Any) -> None:
    sample = planted()
    frame = spark.createDataFrame([tuple(row.values()) for row in sample.rows], schema=SPARK_TYPES)
    parents = spark.createDataFrame([tuple(row.values()) for row in sample.regions], schema="code STRING")
    before = {row.tableName for row in spark.sql("SHOW TABLES").collect()}
    engine = SodaEngine(compiled=True)
    context = context_of(sample, regions=FrameData(parents))
    assert_true_counts(evaluated(engine, FrameData(frame), sample.rules.objects[0], context), skipped=set())
    assert {row.tableName for row in spark.sql("SHOW TABLES").collect()} == before


def test_only_its_own_rules_unless_asked(files: tuple[Planted, FileData, FileData]) -> None:
    sample, customers, _ = files
    rules = engine_rules(
        sample,
        "soda",
        "missing_count(email) = 0",
        "missing_percent(email) < 5",
        "duplicate_count(id) = 0",
        {"type": "uniqueness", "columns": ["region", "number"]},
        "checks for customers:\n  - invalid_count(currency) = 0:\n      valid values: [EUR, USD, it's]",
        "avg(age) between 1 and 100",
        ["min(score) >= -3", "max(score) <= 5"],
        "freshness(created) < 24h",
        {"row_count": {"warn": "when < 1000", "fail": "when < 100"}},
        {"failed rows": {"fail condition": "balance < 0"}},
    )
    results = evaluated(SodaEngine(), customers, rules, context_of(sample))
    assert list(results) == [f"customers.{number}" for number in range(10)]
    assert told(results) == [
        ("fail", 7, "7", "7 of 200 rows"),
        ("pass", 7, "3.5", ""),
        # What Soda counts is the surplus, what lakepact counts is every row of a repeated key.
        ("fail", 5, "3", "5 of 200 rows"),
        ("fail", 2, "1", "2 of 200 rows"),
        ("fail", 3, "3", "3 of 200 rows"),
        ("pass", None, results["customers.5"].value, ""),
        ("fail", None, None, "no value"),
        ("pass", None, results["customers.7"].value, ""),
        ("warn", None, "200", "200, must_be_greater_than_or_equal 100, additional must_be_greater_than_or_equal 1000"),
        ("fail", 2, "2", "2 of 200 rows"),
    ]
    assert results["customers.0"].threshold == "must_be 0"


def test_nothing_is_done_without_rules_for_it(files: tuple[Planted, FileData, FileData]) -> None:
    sample, _, _ = files
    nowhere = FileData(paths=("/nowhere.parquet",), format="parquet")
    assert SodaEngine().evaluate(nowhere, engine_rules(sample, "gx", {}), context_of(sample)) == ()


def test_one_wrong_check_hides_no_other(files: tuple[Planted, FileData, FileData]) -> None:
    sample, customers, _ = files
    rules = engine_rules(
        sample,
        "soda",
        "missing_count(nowhere) = 0",
        "missing_count(region) = 0",
        "anomaly_score(age) < 1",
        {"failed rows": {"fail condition": "no_function(age)"}},
        "missing_count(number) = 0",
        {"missing": {"column": "age", "threshold": {"must_be_between": {"less_than": 3}}}},
    )
    results = evaluated(SodaEngine(), customers, rules, context_of(sample))
    statuses = [each.status.value for each in results.values()]
    assert statuses == ["error", "fail", "error", "error", "fail", "error"]
    messages = [each.message for each in results.values()]
    assert messages[0] == "there is no column 'nowhere'"
    assert messages[2] == "Soda 4 cannot be given the rule: Soda's check 'anomaly_score(age) < 1' is not known"
    assert "no_function does not exist" in messages[3]
    assert "\n" not in messages[3]
    assert (results["customers.1"].violations, results["customers.4"].violations) == (1, 2)
    assert "no greater bound" in messages[5]


def test_data_without_rows_or_values(tmp_path: Path) -> None:
    sample = planted()
    rules = engine_rules(
        sample, "soda", "missing_count(id) = 0", "avg(age) > 1", "freshness(created) < 1h", "row_count = 0"
    )
    empty = write_parquet(tmp_path / "empty.parquet", DUCKDB_TYPES, [])
    found = evaluated(SodaEngine(compiled=True), empty, rules, context_of(sample))
    assert [
        (found[f"customers.{number}"].status.value, found[f"customers.{number}"].message) for number in range(4)
    ] == [
        ("pass", ""),
        ("fail", "no value, must_be_greater_than 1"),
        ("fail", "no value, unit hour, must_be_less_than 1"),
        ("pass", ""),
    ]
    assert {found[name].violations for name in VIOLATIONS} == {0}
    assert found["customers.email.quality.few_nulls"].value == "0"
    assert (found[FRESH].status, found[FRESH].value) == (RuleStatus.WARN, None)
    nothing = [dict.fromkeys(sample.rows[0])] * 3
    nulls = write_parquet(tmp_path / "nulls.parquet", DUCKDB_TYPES, nothing)
    found = evaluated(SodaEngine(compiled=True), nulls, rules, context_of(sample))
    broken = {name for name in VIOLATIONS if found[name].violations}
    assert broken == {f"customers.{name}.required" for name in ("region", "number", "created")}
    assert {found[name].violations for name in broken} == {3}
    assert (found["customers.1"].status.value, found["customers.1"].value) == ("fail", None)


def test_files_that_cannot_be_read_are_an_error_of_each_rule(tmp_path: Path) -> None:
    sample = planted()
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"no parquet")
    rules = engine_rules(sample, "soda", "row_count > 0", "missing_count(id) = 0")
    data = FileData(paths=(str(broken),), format="parquet")
    found = evaluated(SodaEngine(), data, rules, context_of(sample))
    assert {each.status for each in found.values()} == {RuleStatus.ERROR}
    assert all(each.message.startswith("Soda failed: ConfigurationError: LP970") for each in found.values())


def test_text_files_have_the_types_of_the_contract(tmp_path: Path) -> None:
    sample = planted()
    header = ",".join(sample.rows[0])
    file = tmp_path / "customers.csv"
    file.write_text(f"{header}\n1,north,1,a@b.cde,EUR,1.5,2.00,x,5,2020-01-01,2026-01-01 00:00:00\n", encoding="utf-8")
    rules = engine_rules(sample, "soda", "avg(balance) > 1", "missing_count(age) = 0")
    data = FileData(paths=(str(file),), format="csv", options={"header": "true"})
    found = evaluated(SodaEngine(), data, rules, context_of(sample))
    assert [each[:3] for each in told(found)] == [("pass", None, "1.5"), ("fail", 1, "1")]


def test_it_says_nothing_and_leaves_nothing(
    files: tuple[Planted, FileData, FileData],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sample, customers, _ = files
    for name in ("SODA_CORE_TELEMETRY_ENABLED", "PYTHON_DOTENV_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    names = set(os.environ)
    with caplog.at_level(logging.DEBUG):
        rules = engine_rules(sample, "soda", "missing_count(id) = 0", "min(email) > 0")
        evaluated(SodaEngine(), customers, rules, context_of(sample))
    assert capfd.readouterr() == ("", "")
    assert [each.name for each in caplog.records if each.name.startswith("soda")] == []
    assert not any(type(each).__module__.startswith("soda_core") for each in logging.root.handlers)
    assert set(os.environ) == names
    assert logging.getLogger("soda").propagate


def test_a_column_that_is_not_there_is_an_error_of_its_rules_only(tmp_path: Path) -> None:
    sample = planted()
    data = write_parquet(tmp_path / "few.parquet", "id BIGINT, region VARCHAR", sample.rows)
    found = evaluated(SodaEngine(compiled=True), data, sample.rules.objects[0], context_of(sample))
    assert (found["customers.id.unique"].violations, found["customers.region.required"].violations) == (5, 1)
    for name in ("email.pattern", "score.multipleOf", "number.required", "primaryKey", "balance.minimum"):
        column = "number" if name == "primaryKey" else name.partition(".")[0]
        result = found[f"customers.{name}"]
        assert (result.status, result.message) == (RuleStatus.ERROR, f"there is no column {column!r}")
    assert found["customers.email.quality.few_nulls"].status is RuleStatus.ERROR
    assert found["customers.number.type"].status is RuleStatus.SKIPPED


@pytest.mark.process
def test_without_the_library(repository: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LEAKED=1\n", encoding="utf-8")
    script = """
import datetime, sys
sys.path.append(sys.argv[1])

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "soda_core":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Without())
from foreign_engines import context_of, engine_rules
from planted import planted
from lakepact.errors import ExtraMissing
from lakepact.quality.engine import FileData
from lakepact.quality.soda import SodaEngine

sample = planted()
try:
    rules = engine_rules(sample, "soda", "row_count > 0")
    SodaEngine().evaluate(FileData(paths=(), format="csv"), rules, context_of(sample))
except ExtraMissing as error:
    print(error)
"""
    environment = os.environ | {"PYTHONPATH": str(repository / "src")}
    arguments = [sys.executable, "-c", script, str(repository / "tests" / "quality")]
    done = subprocess.run(arguments, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == (
        "LP973: Soda is not installed: there is no module 'soda_core'\n  hint: pip install 'lakepact[soda]'\n"
    ), done.stderr
