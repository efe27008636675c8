"""Tables in memory are checked as the Parquet files that they would be, without Spark."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakepact.contract import Contract, load_contract
from lakepact.errors import ConfigurationError, ExtraMissing, UsageError
from lakepact.io import check_with_contract, write_with_contract
from lakepact.quality.engine import FileData, TableData
from lakepact.quality.orchestration import check_quality
from lakepact.quality.report import QualityReport
from lakepact.quality.table_data import on_disk
from lakepact.results.model import RuleStatus, Verdict

AT = datetime(2024, 1, 1, tzinfo=UTC)


def declared(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": kind, **more}


def described(*properties: dict[str, Any]) -> Contract:
    head = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "c", "version": "1.0.0", "status": "active"}
    orders = {"name": "orders", "logicalType": "object", "properties": list(properties)}
    people = {"name": "people", "logicalType": "object", "properties": [declared("id", "string")]}
    return load_contract(json.dumps(head | {"schema": [orders, people]}).encode())


ORDERS = described(
    declared("id", "integer", primaryKey=True, primaryKeyPosition=1),
    declared("amount", "number", required=True),
    declared("name", "string", required=True),
    declared("at", "timestamp", required=True),
    declared("kind", "string", enum=[{"value": "a"}]),
    declared("note", "string", required=True),
    declared("price", "number", physicalType="decimal(10,2)"),
)


def broken(report: QualityReport) -> dict[str, int | None]:
    assert {each.status for each in report.results} <= {RuleStatus.PASS, RuleStatus.FAIL, RuleStatus.WARN}
    return {each.rule_name: each.violations for each in report.results if each.status is not RuleStatus.PASS}


def test_what_pandas_calls_missing_is_null_and_its_index_is_no_column() -> None:
    frame = pd.DataFrame(
        {
            "id": [1, 2, 2],
            "amount": [1.0, float("nan"), 3.0],
            "name": ["x", None, float("nan")],
            "at": pd.to_datetime(["2024-01-01", "2024-01-02", None]).tz_localize("Europe/Berlin"),
            "kind": pd.Categorical(["a", "b", None]),
            "note": [None, None, None],
            "price": [Decimal("1.20"), None, Decimal("3")],
        },
        index=[7, 8, 9],
    )
    report = check_quality(TableData(frame), ORDERS, object_name="orders")
    assert broken(report) == {
        "amount.required": 1,
        "name.required": 2,
        "at.required": 1,
        "kind.enum": 1,
        "note.required": 3,
        "primaryKey": 2,
    }
    assert (report.overall_result, {each.engine for each in report.results}) == (
        Verdict.QUARANTINE,
        {"schema", "duckdb"},
    )
    assert {each.kind.value for each in report.drift} == {"nullable"}


@pytest.mark.parametrize("kind", ["float64", "Float64"])
def test_whole_numbers_that_pandas_holds_as_fractions_fit(kind: str) -> None:
    ids = pd.DataFrame({"id": pd.array([1, None, 2.5], dtype=kind)})
    report = check_quality(TableData(ids), described(declared("id", "integer", required=True)), object_name="orders")
    assert broken(report) == {"id.type": 1, "id.required": 2}


def test_tables_of_arrow_are_checked_as_the_files_that_they_would_be(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2, 3], pa.uint32()),
            "amount": [1.0, float("nan"), None],
            "name": ["x", "y", None],
            "at": pa.array([AT] * 3, pa.timestamp("us", "UTC")),
            "kind": pa.array(["a", "b", "b"]).dictionary_encode(),
            "note": ["", "n", None],
            "price": pa.array([Decimal("1.20")] * 3, pa.decimal128(10, 2)),
        }
    )
    pq.write_table(table, tmp_path / "orders.parquet")
    file = FileData(paths=(str(tmp_path / "orders.parquet"),), format="parquet")
    report, of_file = (check_quality(each, ORDERS, object_name="orders") for each in (TableData(table), file))
    # NaN of Arrow is a number.
    assert broken(report) == {"amount.required": 1, "name.required": 1, "kind.enum": 2, "note.required": 1}
    assert broken(report) == broken(of_file)
    assert report.drift == of_file.drift


def test_the_file_is_gone_afterwards_and_references_are_tables_too() -> None:
    people = pa.table({"id": ["a"]})
    with on_disk(TableData(people), {"orders": TableData(people)}) as (data, references):
        assert isinstance(data, FileData)
        assert isinstance(references["orders"], FileData)
        paths = [Path(each) for held in (data, references["orders"]) for each in held.paths]
        assert len(set(paths)) == 2
        assert all(pq.read_table(each).to_pydict() == {"id": ["a"]} for each in paths)
    assert not any(each.parent.exists() for each in paths)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            pd.DataFrame({"id": [1, "secret"]}),
            "pandas.DataFrame cannot be read: Conversion failed for column id with type object",
        ),
        (pd.DataFrame(), "pandas.DataFrame cannot be read: it has no columns"),
        (
            pd.DataFrame([[1, 2]], columns=["a", "a"]),
            "pandas.DataFrame cannot be read: Duplicate column names found: ['a', 'a']",
        ),
        (
            pd.DataFrame({"d": [pd.Timedelta(1)]}),
            "pandas.DataFrame cannot be read: column 'd' is of the type duration[ns], which no file has",
        ),
        ([1], "builtins.list cannot be read: it is no table that gives Arrow data"),
    ],
)
def test_what_no_file_can_hold_is_said_without_values(table: Any, said: str) -> None:
    hint = "give each column values of one type, or let Spark check it: FrameData(spark.createDataFrame(...))"
    with pytest.raises(ConfigurationError, match=f"^LP979: the {re.escape(said)}\n  hint: {re.escape(hint)}$"):
        check_quality(TableData(table), ORDERS, object_name="orders")


def test_a_frame_without_its_wrapping_is_told_what_to_do() -> None:
    frame: Any = pd.DataFrame({"id": [1]})
    with pytest.raises(
        ConfigurationError, match=r"^LP979: a pandas\.DataFrame is no data that is checked\n  hint: wrap it: "
    ):
        check_quality(frame, ORDERS, object_name="orders")
    for governed in (check_with_contract, write_with_contract):
        with pytest.raises(UsageError, match=r"^LP891: the data is a pandas\.DataFrame, not a data frame of Spark\n"):
            governed(frame, ORDERS, object_name="orders")


def test_without_pyarrow_the_hint_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExtraMissing, match=r"^LP972: pyarrow is not installed, .*\n  hint: pip install pyarrow$"):
        check_quality(TableData(pd.DataFrame({"id": [1]})), ORDERS, object_name="orders")
