"""Checks that are Python functions: what may be run, on what, and what comes of what they give back."""

from __future__ import annotations

import datetime as dt
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakepact.contract import load_contract
from lakepact.contract.model import NOWHERE, Operator, Threshold
from lakepact.quality.custom import CustomEngine
from lakepact.quality.engine import EngineContext, FileData, FrameData
from lakepact.quality.native import Run
from lakepact.results import RuleResult, RuleStatus
from lakepact.rules import compile_rules
from lakepact.rules.model import Action, EngineRule, ObjectRules

MODULE = "lakepact_example_checks.orders"
OTHER = "lakepact_example_other"
OUTSIDE = "outside of lakepact_example_checks.*"
ALLOWED = ("lakepact_example_checks.*",)
SOURCE = """
import os
import sys
import threading
import time
from os import getcwd

from lakepact.quality.custom import CheckOutcome

released = threading.Event()


def true(data):
    return True


def false(data):
    print("secret on stdout")
    return False


def negative(data, column, limit=0):
    return int((data[column] < limit).sum())


def relation(data, limit):
    return data.filter(f"a < {limit}").aggregate("count(*)").fetchall()[0][0]


def arrow(data):
    return {"violations": 0, "tested": data.num_rows, "passed": data.column_names == ["a", "b"]}


def spark(data):
    return data.where("a < 0").count()


def outcome(data):
    return CheckOutcome(violations=2, tested=4, samples=[-1, -2, -3])


def share(data):
    return {"value": 0.25}


def words(data):
    return {"passed": False, "message": "x" * 2000}


def text(data):
    return "yes"


def strange(data):
    return {"pased": True}


def nothing(data):
    return CheckOutcome()


def boolean_count(data):
    return {"violations": True}


def broken(data):
    raise ValueError("no such\\norder " + "x" * 2000)


def leaves(data):
    sys.exit(0)


def hangs(data):
    released.wait(60)
    return True


not_callable = 5
"""


@pytest.fixture(autouse=True)
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "site" / "lakepact_example_checks"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "orders.py").write_text(SOURCE)
    other = tmp_path / "site" / "lakepact_example_other.py"
    other.write_text("raise RuntimeError('imported')\n")
    info = tmp_path / "site" / "lakepact_example-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lakepact-example\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[lakepact.checks]\nexample_true = {MODULE}:true\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield
    for name in [each for each in sys.modules if each.startswith("lakepact_example")]:
        del sys.modules[name]


@pytest.fixture
def files(tmp_path: Path) -> FileData:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,x\n-1,y\n-2,z\n4,\n")
    return FileData(paths=(str(path),), format="csv")


CONTRACT = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "custom",
    "version": "1.0.0",
    "status": "active",
    "schema": [
        {
            "name": "t",
            "properties": [
                {"name": "a", "logicalType": "integer", "classification": "public"},
                {"name": "b", "logicalType": "string", "classification": "restricted"},
            ],
        }
    ],
}


def asked(*implementations: Any, **more: Any) -> tuple[Any, ObjectRules]:
    contract = load_contract(json.dumps(CONTRACT).encode())
    rules = tuple(
        EngineRule(
            id=f"t.{number}",
            name=f"rule {number}",
            object="t",
            engine="custom",
            implementation=implementation,
            columns=(),
            clauses=(),
            description="",
            action=Action.FAIL,
            action_from="default",
        )
        for number, implementation in enumerate(implementations)
    )
    changed = tuple(replace(rule, **more) for rule in rules)
    return contract, replace(compile_rules(contract).objects[0], engine_rules=changed)


def run(data: Any, *implementations: Any, engine: CustomEngine | None = None, seconds: float | None = None,
        samples: int = 0, **more: Any) -> tuple[RuleResult, ...]:  # fmt: skip
    contract, rules = asked(*implementations, **more)
    made = Run(run_id="r", contract=contract, dataset="d", clock=lambda: dt.datetime(2024, 5, 1, tzinfo=dt.UTC))
    context = EngineContext(run=made, seconds=seconds, samples=samples)
    return (engine or CustomEngine(ALLOWED)).evaluate(data, rules, context)


def test_results_of_functions(files: FileData) -> None:
    found = run(
        files,
        f"{MODULE}:true",
        f"{MODULE}:false",
        {"function": f"{MODULE}:negative", "arguments": {"column": "a"}, "data": "pandas"},
        {"function": f"{MODULE}:relation", "arguments": {"limit": 0}},
        {"function": f"{MODULE}:arrow", "data": "arrow"},
        f"{MODULE}:outcome",
        "example_true",
    )
    assert [each.status.value for each in found] == ["pass", "fail", "fail", "fail", "pass", "fail", "pass"]
    assert [each.violations for each in found] == [None, None, 2, 2, 0, 2, None]
    assert [each.message for each in found] == [
        "", "the check is not passed", "2 rows", "2 rows", "", "2 of 4 rows", "",
    ]  # fmt: skip
    assert {each.engine for each in found} == {"custom"}
    assert found[4].tested == 4


@pytest.mark.parametrize(
    ("name", "operator", "limit", "status", "message"),
    [
        ("outcome", Operator.MUST_BE_LESS_THAN, 5, "pass", ""),
        ("outcome", Operator.MUST_BE_BETWEEN, (3, 5), "fail", "2 of 4 rows"),
        ("share", Operator.MUST_BE_GREATER_THAN, 0.2, "pass", ""),
        ("share", Operator.MUST_NOT_BE_BETWEEN, (0, 1), "fail", "0.25, mustNotBeBetween 0 and 1"),
        ("share", Operator.MUST_BE, "a", "error", "the value 0.25 cannot be compared with 'a'"),
    ],
)
def test_a_threshold_decides_on_numbers(
    files: FileData, name: str, operator: Operator, limit: Any, status: str, message: str
) -> None:
    (found,) = run(files, f"{MODULE}:{name}", thresholds=(Threshold(operator, limit, NOWHERE),))
    assert (found.status.value, found.message) == (status, message)


def test_a_value_alone_is_no_verdict(files: FileData) -> None:
    (found,) = run(files, f"{MODULE}:share")
    assert found.message == "the check measures a value, and the rule has no mustBe… to compare it with"
    assert found.status is RuleStatus.ERROR


@pytest.mark.parametrize(
    ("implementation", "message"),
    [
        (f"{OTHER}:check", f"'{OTHER}:check' is not allowed: '{OTHER}.check' is {OUTSIDE}"),
        ("os:getcwd", f"'os:getcwd' is not allowed: 'os.getcwd' is {OUTSIDE}"),
        (f"{MODULE}:getcwd", f"'{MODULE}:getcwd' is not allowed: 'posix.getcwd' is {OUTSIDE}"),
        (f"{MODULE}:released.set", f"'{MODULE}:released.set' is no path of a function, package.module:function"),
        (f"{MODULE}:nosuch", f"the module '{MODULE}' has no function 'nosuch'"),
        (f"{MODULE}:not_callable", f"'{MODULE}:not_callable' is not allowed: 'builtins.not_callable' is {OUTSIDE}"),
        (
            "nosuch",
            "there is no check 'nosuch': no entry point of the group 'lakepact.checks' has that name, "
            "and it is no MODULE:FUNCTION",
        ),
        ({"arguments": {}}, "the implementation names no function"),
        ({"function": "x:y", "timeout": 3}, "the implementation has 'timeout'; it may have function, arguments, data"),
        ({"function": "x:y", "data": "r"}, "the data of a check is one of spark, duckdb, pandas, arrow, not 'r'"),
        ({"function": "x:y", "arguments": [1]}, "the arguments of a check are given by name"),
        ({"function": f"{MODULE}:true", "data": "spark"}, "the data are files, which are no data frame of Spark"),
        (f"{MODULE}:text", f"{MODULE}:text gave back str, not a bool, an int, a mapping or a CheckOutcome"),
        (f"{MODULE}:strange", f"{MODULE}:strange gave back 'pased', which an outcome does not have"),
        (f"{MODULE}:nothing", f"{MODULE}:nothing gave back neither passed, nor violations, nor value"),
        (f"{MODULE}:boolean_count", f"{MODULE}:boolean_count gave back violations True, which is no count"),
        (f"{MODULE}:leaves", f"{MODULE}:leaves raised SystemExit: 0"),
    ],
)  # fmt: skip
def test_what_is_no_check_is_an_error(files: FileData, implementation: Any, message: str) -> None:
    (refused, after) = run(files, implementation, f"{MODULE}:true")
    assert (refused.status, refused.message) == (RuleStatus.ERROR, message)
    assert after.status is RuleStatus.PASS
    assert "lakepact_example_other" not in sys.modules


def test_what_a_function_raises_is_told_within_bounds(files: FileData) -> None:
    raised, told = run(files, f"{MODULE}:broken", f"{MODULE}:words")
    assert raised.status is RuleStatus.ERROR
    assert raised.message.startswith(f"{MODULE}:broken raised ValueError: no such order xxx")
    assert (len(raised.message) < 400, len(told.message)) == (True, 500)


def test_a_check_that_hangs_is_left_behind(files: FileData) -> None:
    hanging, after = run(files, f"{MODULE}:hangs", f"{MODULE}:true", seconds=1.5)
    assert (hanging.status, hanging.message) == (
        RuleStatus.ERROR,
        "it took longer than 1.5 s; its queries are ended, the function goes on",
    )
    assert after.status is RuleStatus.PASS
    sys.modules[MODULE].released.set()
    for thread in threading.enumerate():
        if thread.name == "lakepact-check":
            thread.join(30)
    assert not [thread for thread in threading.enumerate() if thread.name == "lakepact-check"]


def test_prints_do_not_reach_stdout(files: FileData, capsys: pytest.CaptureFixture[str]) -> None:
    stdout = sys.stdout
    run(files, f"{MODULE}:false")
    assert sys.stdout is stdout
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "secret on stdout" in captured.err


def test_more_rows_than_may_be_handed_out(files: FileData) -> None:
    few = CustomEngine(ALLOWED, rows=3)
    found = run(
        files,
        {"function": f"{MODULE}:negative", "arguments": {"column": "a"}, "data": "pandas"},
        {"function": f"{MODULE}:relation", "arguments": {"limit": 0}},
        engine=few,
    )
    assert found[0].status is RuleStatus.ERROR
    assert found[0].message == "the data has more than 3 rows: let the check take 'spark' or 'duckdb'"
    assert found[1].violations == 2


def test_only_values_of_public_columns_are_quoted(files: FileData) -> None:
    assert run(files, f"{MODULE}:outcome", samples=2, columns=("a",))[0].message == "2 of 4 rows, for example -1, -2"
    assert run(files, f"{MODULE}:outcome", samples=2, columns=("b",))[0].message == "2 of 4 rows"
    assert run(files, f"{MODULE}:outcome", samples=2)[0].message == "2 of 4 rows"
    assert run(files, f"{MODULE}:outcome", columns=("a",))[0].message == "2 of 4 rows"


def test_nothing_to_do_reads_nothing() -> None:
    assert run(FileData(paths=("/nosuch.csv",), format="csv")) == ()


def test_files_that_are_not_there() -> None:
    (found,) = run(FileData(paths=("/nosuch.csv",), format="csv"), f"{MODULE}:true")
    assert (found.status, found.message) == (RuleStatus.ERROR, "LP970: there is no '/nosuch.csv'")


@pytest.mark.spark
def test_data_frames(spark: Any) -> None:
    frame = FrameData(spark.sql("SELECT * FROM VALUES ('1', 'x'), ('-1', 'y'), (NULL, NULL) AS t(a, b)"))
    found = run(
        frame,
        f"{MODULE}:spark",
        {"function": f"{MODULE}:negative", "arguments": {"column": "a"}, "data": "pandas"},
        {"function": f"{MODULE}:relation", "arguments": {"limit": 0}, "data": "duckdb"},
    )
    assert [each.violations for each in found] == [1, 1, None]
    assert found[2].message == "the data is a data frame, which is no relation of DuckDB"
