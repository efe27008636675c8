"""`lakepact check`: files held against a contract."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from lakepact.cli import main
from lakepact.project.scaffold import template_files

pytestmark = pytest.mark.spark

_CONTRACT = "contracts/orders.odcs.yaml"
_DATA = ["data/customers", "data/orders"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local_session: Any) -> Path:
    for path, text in template_files("shop").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_not_kept_is_listed_for_each_object(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", _CONTRACT, *_DATA]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == [
        "data/customers  QUARANTINE  6 rows, 2 to quarantine",
        "  FAIL  customers.primaryKey       2 of 6 rows",
        "  warn  customers.email.format     1 of 6 rows",
        "  warn  customers.country.pattern  1 of 6 rows",
        "  7 of 10 rules passed",
    ]
    assert lines[5] == "data/orders  QUARANTINE  11 rows, 4 to quarantine"
    assert "  warn  orders.customer_id.relationship      1, mustBe 0 rows" in lines


def test_the_same_for_machines(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", _CONTRACT, *_DATA, "--json"]) == 1
    customers, orders = json.loads(capsys.readouterr().out)
    assert (customers["overall_result"], customers["checks_executed"], customers["checks_failed"]) == (
        "quarantine",
        10,
        1,
    )
    assert orders["rows"] == {"rows": 11, "quarantined": 4, "dropped": 0, "failing": 0}
    assert main(["check", _CONTRACT, *_DATA, "--output", "junit", "--fail-on", "never"]) == 0
    suites = ElementTree.fromstring(capsys.readouterr().out)
    assert [(suite.get("tests"), suite.get("failures")) for suite in suites] == [("10", "1"), ("15", "6")]
    assert main(["check", _CONTRACT, "customers=data/customers", "--output", "sarif"]) == 1
    results = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert [(each["ruleId"], each["level"]) for each in results] == [
        ("customers.primaryKey", "error"),
        ("customers.email.format", "warning"),
        ("customers.country.pattern", "warning"),
    ]
    assert results[0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 16


def test_good_data_passes_and_warnings_count_where_that_is_asked(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = shop / "good.json"
    good.write_text('{"customer_id": 1, "name": "Ada", "email": "ada@example.com", "country": "GB"}\n')
    assert main(["check", _CONTRACT, f"customers={good}"]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("good.json  PASS  1 rows")
    good.write_text('{"customer_id": 1, "name": "Ada", "email": "ada", "country": "GB"}\n')
    assert main(["check", _CONTRACT, f"customers={good}"]) == 0
    assert main(["check", _CONTRACT, f"customers={good}", "--fail-on", "warn"]) == 1


def test_wrong_arguments_are_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", _CONTRACT, "customers=nothing.csv"]) == 2
    assert "error LP899: there is no 'nothing.csv'" in capsys.readouterr().err
    assert main(["check", _CONTRACT, "data/customers", "customers=data/customers"]) == 2
    assert "error LP429: the object 'customers' has data twice" in capsys.readouterr().err
    assert main(["check", _CONTRACT, "lakepact.yml"]) == 2
    assert "error LP429: 'lakepact.yml' is the data of no object of the contract" in capsys.readouterr().err
    (shop / "mixed").mkdir()
    (shop / "mixed" / "a.csv").write_text("a\n1\n")
    (shop / "mixed" / "b.json").write_text("{}\n")
    assert main(["check", _CONTRACT, "customers=mixed"]) == 2
    assert "error LP899: the format of 'mixed' is not clear: it has csv and json" in capsys.readouterr().err


ENGINES = """
apiVersion: v3.1.0
kind: DataContract
id: engines
version: 1.0.0
status: active
schema:
  - name: points
    properties:
      - {name: id, logicalType: integer, required: true}
    quality:
      - {type: custom, engine: soda, name: enough, severity: error, implementation: "row_count > 5"}
      - {type: custom, engine: greatExpectations, name: some, severity: error,
         implementation: {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}}}
"""


@pytest.fixture
def points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "c.yaml").write_text(ENGINES)
    (tmp_path / "points.csv").write_text("id\n1\n2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> dict[str, Any]:
    assert main(["check", "c.yaml", "points.csv", "--json", *arguments]) == code
    (found,) = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def by_engine(found: dict[str, Any]) -> dict[str, str]:
    return {each["rule_name"]: f"{each['engine']} {each['status']}" for each in found["results"]}


def test_each_engine_of_the_contract_is_asked(points: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(capsys, code=1)
    assert by_engine(found) == {
        "schema": "schema pass",
        "id.type": "duckdb pass",
        "id.required": "duckdb pass",
        "quality.enough": "soda fail",
        "quality.some": "gx pass",
    }
    numbers = [found[f"checks_{name}"] for name in ("executed", "passed", "failed", "warned", "errors", "skipped")]
    assert (found["overall_result"], numbers, found["enforcement"]) == ("fail", [5, 4, 1, 0, 0, 0], None)
    assert set(found["engine_seconds"]) == {"duckdb", "soda", "gx"}
    assert found["summary"].startswith("fail: 5 checks executed, 4 passed, 1 failed, 0 warned, 0 errors, 0 skipped; ")


def test_only_the_engines_that_are_named_are_asked(points: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(capsys, "--engine", "duckdb", "--engine", "gx", code=0)
    assert by_engine(found)["quality.enough"] == "soda skipped"
    assert main(["check", "c.yaml", "points.csv", "--engine", "duckdb"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "points.csv  PASS  2 rows"
    assert lines[-1].startswith(
        "points.csv: pass: 3 checks executed, 3 passed, 0 failed, 0 warned, 0 errors, 2 skipped; "
    )
    assert main(["check", "c.yaml", "points.csv", "--engine", "deequ"]) == 2
    assert "error LP429: there is no quality engine 'deequ'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mode", "verdict", "code"), [("strict", "fail", 1), ("warn", "warn", 0), ("disabled", "pass", 0)]
)
def test_enforcement_may_be_set(
    points: Path, capsys: pytest.CaptureFixture[str], mode: str, verdict: str, code: int
) -> None:
    (points / "points.csv").write_text("id\nx\n\n")
    found = checked(capsys, "--enforce", mode, "--engine", "duckdb", code=code)
    assert (found["overall_result"], found["enforcement"]) == (verdict, mode)


def test_spark_evaluates_what_duckdb_does_not_read(
    points: Path, capsys: pytest.CaptureFixture[str], local_session: Any
) -> None:
    folder = points / "points.orc"
    local_session.classic.sql("SELECT 1 AS id").write.orc(str(folder))
    assert main(["check", "c.yaml", "points.orc", "--engine", "native", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (by_engine(found)["id.required"], found["rows"]["rows"]) == ("native pass", 1)


ONCE = """
apiVersion: v3.1.0
kind: DataContract
id: once
version: 1.0.0
status: active
schema:
  - name: points
    properties:
      - {name: id, logicalType: integer, required: true}
    quality:
      - {type: custom, engine: custom, name: seen, implementation: "lakepact_example_seen:seen"}
"""
ONLY_SPARK = """\
      - {type: sql, name: spark, mustBe: 0,
         query: "SELECT count(*) FROM {object} WHERE soundex(CAST(id AS STRING)) = 'x'"}
"""


@pytest.mark.parametrize(("rule", "by"), [("", "duckdb"), (ONLY_SPARK, "native")])
def test_every_engine_is_asked_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    local_session: Any,
    rule: str,
    by: str,
) -> None:
    (tmp_path / "c.yaml").write_text(ONCE + rule)
    (tmp_path / "points.csv").write_text("id\n1\n2\n")
    (tmp_path / "lakepact_example_seen.py").write_text(
        "calls = []\n\n\ndef seen(data):\n    calls.append(type(data).__name__)\n    return len(calls) == 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "lakepact_example_seen", raising=False)
    found = checked(capsys, "--allow", "lakepact_example_seen.*", code=0)
    expected = {"schema": "schema pass", "id.type": f"{by} pass", "id.required": f"{by} pass"}
    spark = {"quality.spark": "native pass"} if rule else {}
    assert by_engine(found) == {**expected, **spark, "quality.seen": "custom pass"}
    assert {each["run_id"] for each in found["results"]} == {found["run_id"]}
    assert found["engine_seconds"][by] > 0.001
    sys.modules.pop("lakepact_example_seen")


def test_data_that_spark_cannot_read_is_an_error_of_its_rules_and_hides_no_other(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "cut.parquet").write_bytes(b"PAR1 and no end")
    assert main(["check", _CONTRACT, "customers=cut.parquet", "data/orders", "--json"]) == 1
    customers, orders = json.loads(capsys.readouterr().out)
    assert {each["status"] for each in customers["results"]} == {"error"}
    (said,) = {each["message"] for each in customers["results"] if each["rule_id"] != "schema"}
    assert said.startswith("'cut.parquet' cannot be read: org.apache.spark.SparkException: [FAILED_READ_FILE")
    assert said.endswith("; see that the data is whole, and of the format")
    assert orders["rows"]["rows"] == 11


def test_a_table_of_the_session_is_checked_by_its_name(
    points: Path, capsys: pytest.CaptureFixture[str], spark: Any
) -> None:
    view = "lakepact_check_points"
    spark.sql("SELECT * FROM VALUES (1), (NULL) AS t(id)").createOrReplaceTempView(view)
    try:
        assert main(["check", "c.yaml", f"spark:{view}", "--engine", "native", "--json"]) == 1
        (found,) = json.loads(capsys.readouterr().out)
        assert (found["dataset"], by_engine(found)["id.required"]) == (view, "native fail")
    finally:
        spark.catalog.dropTempView(view)
    assert main(["check", "c.yaml", f"spark:{view}"]) == 3
    said = capsys.readouterr().err
    assert said.startswith(f"error LP430: '{view}' cannot be read: [TABLE_OR_VIEW_NOT_FOUND]")
