"""A job with its contract and asset, and a contract of model features: from files to one verdict, without Java."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from quality_samples import Small

from lakepact.contract import Contract, load_contract
from lakepact.contract.writing import write_document
from lakepact.convert import convert
from lakepact.quality.engine import FileData
from lakepact.quality.orchestration import check_quality
from lakepact.quality.report import QualityReport
from lakepact.results.model import RuleStatus, Verdict
from quality_job_samples import FEATURES, write_job

Row = dict[str, Any]
BUYERS = "buyer VARCHAR, mail VARCHAR, credit DOUBLE, coin VARCHAR, seen TIMESTAMPTZ"
MADE = "interest DOUBLE, made TIMESTAMPTZ"


def contract(source: bytes, file: str = "", **named: str) -> Contract:
    return load_contract(write_document(convert(source, file=file, **named).document))


def written(folder: Path, columns: str, rows: Sequence[Row]) -> FileData:
    """The rows as a Parquet file."""
    file = folder / "data.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE t ({columns})")
        connection.executemany(
            f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", [[*row.values()] for row in rows]
        )
        connection.execute(f"COPY t TO '{file}' (FORMAT parquet)")
    return FileData(paths=(str(file),), format="parquet")


def buyers(seed: int) -> list[Row]:
    """Rows that keep the contract of the job, at its limits too."""
    chance, now = random.Random(seed), datetime.now(UTC)
    return [
        {
            "buyer": f"B{number:04}",
            "mail": None if number % 9 == 0 else f"b.{number}-{chance.randrange(9)}@shop-{number % 4}.example.com",
            "credit": chance.choice([-500.0, 50000.0, None, chance.uniform(-500, 50000)]),
            "coin": chance.choice(["EUR", "SEK", "NOK", "DKK", None]),
            "seen": now - timedelta(minutes=chance.randrange(60)),
        }
        for number in range(chance.randrange(10, 60))
    ]


def checked(folder: Path, rows: Sequence[Row], columns: str = BUYERS) -> QualityReport:
    job = write_job(folder)
    found = contract(job.read_bytes(), str(job))
    custom = Small("custom")
    return check_quality(
        written(folder, columns, rows), found, engines=["duckdb", "soda", "gx", custom], dataset="buyers"
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_good_data_violates_nothing(tmp_path: Path, seed: int) -> None:
    report = checked(tmp_path, buyers(seed))
    assert [(each.rule_id, each.status.value, each.message) for each in report.violations] == []
    assert (report.overall_result, report.checks_skipped) == (Verdict.PASS, 0)
    assert report.checks_executed == len(report.results) == report.checks_passed
    assert list(report.seconds) == ["duckdb", "soda", "gx", "custom"]


def test_each_violation_is_found_by_its_engine_and_the_data_goes_to_quarantine(tmp_path: Path) -> None:
    rows = buyers(3)
    rows[1] |= {"mail": "nobody"}
    rows[2] |= {"mail": rows[3]["mail"], "coin": "GBP"}
    rows[4] |= {"credit": 50001.0, "seen": None}
    report = checked(tmp_path, rows)
    assert {each.rule_name: (each.engine, each.status.value, each.violations) for each in report.violations} == {
        "credit.maximum": ("duckdb", "fail", 1),
        "seen.quality.nullValues": ("duckdb", "fail", 1),
        "mail.quality.mail_form": ("soda", "fail", 1),
        "mail.quality.one_row_a_mail": ("soda", "fail", 2),
        "credit.quality.credit_range": ("soda", "warn", 1),
        "mail.quality.expect_column_values_to_match_regex": ("gx", "fail", 1),
        "coin.quality.expect_column_values_to_be_in_set": ("gx", "fail", 1),
    }
    assert report.overall_result is Verdict.QUARANTINE
    assert (report.checks_failed, report.checks_warned, report.checks_errors) == (6, 1, 0)


def test_a_python_function_of_the_team_is_one_of_the_engines(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    file = tmp_path / "contracts" / "shop_buyers_contract.yaml"
    called = "function: quality_job_samples:check_credit\n        data: pandas"
    file.write_text(file.read_text().replace("function: check_credit", called))
    found = contract(job.read_bytes(), str(job))
    rows = [row | {"credit": 10.0} for row in buyers(5)]
    rows[0] |= {"credit": 45_000.0}
    data = written(tmp_path, BUYERS, rows)
    refused = check_quality(data, found, engines=["duckdb", "custom"])
    assert [(each.rule_name, each.status) for each in refused.violations] == [
        ("quality.credit_makes_sense", RuleStatus.ERROR)
    ]
    allowed = {"custom": {"allow": ["quality_job_samples.*"]}}
    report = check_quality(data, found, engines=["duckdb", "custom"], settings=allowed)
    assert [(each.rule_name, each.engine, each.status, each.violations) for each in report.violations] == [
        ("quality.credit_makes_sense", "custom", RuleStatus.FAIL, 1)
    ]
    assert report.overall_result is Verdict.QUARANTINE


def test_columns_that_differ_block(tmp_path: Path) -> None:
    rows = [row | {"note": "x"} for row in buyers(4)]
    report = checked(tmp_path, rows, f"{BUYERS}, note VARCHAR")
    assert report.overall_result is Verdict.FAIL
    assert [(each.rule_id, each.message) for each in report.violations] == [
        ("schema", "column 'note' (STRING) is not in the contract")
    ]


@pytest.mark.parametrize(
    ("interests", "hours", "violated"),
    [
        ([0.2, 0.4, 0.6, 0.8], 1, set()),
        ([0.2, 0.4, 0.6, 1.2], 1, {"values_to_be_between", "stdev_to_be_between"}),
        ([0.2, 0.4, None, 0.8], 3, {"values_to_not_be_null", "max_to_be_between"}),
        ([0.8, 0.9, 1.0, 1.0], 1, {"mean_to_be_between", "stdev_to_be_between"}),
    ],
)
def test_features_of_a_model(tmp_path: Path, interests: list[float | None], hours: int, violated: set[str]) -> None:
    found = contract(FEATURES.encode(), format_name="data-contract-job")
    made = datetime.now(UTC) - timedelta(hours=hours)
    data = written(tmp_path, MADE, [{"interest": each, "made": made} for each in interests])
    report = check_quality(data, found)
    names = {each.rule_name.rpartition("expect_column_")[2]: each.status for each in report.violations}
    assert names == dict.fromkeys(violated, RuleStatus.FAIL)
    assert report.overall_result is (Verdict.FAIL if violated else Verdict.PASS)
