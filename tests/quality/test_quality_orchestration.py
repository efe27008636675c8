"""The orchestrator: which engine is asked for which rule, what its answer becomes, and what holds up nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from quality_samples import FILE, Small, Telling, contract, engine_rule, hanging

from lakepact.contract.types import AtomicType, StructField, StructType
from lakepact.errors import ExtraMissing, UsageError
from lakepact.quality.engine import EngineContext, FrameData
from lakepact.quality.native import Run
from lakepact.quality.opening import open_engine
from lakepact.quality.orchestration import check_quality
from lakepact.quality.report import QualityReport
from lakepact.results.model import RuleResult, RuleStatus, Verdict
from lakepact.rules.model import ObjectRules

TEXT = AtomicType("STRING")


def statuses(report: QualityReport) -> dict[str, str]:
    return {each.rule_name: f"{each.engine} {each.status}" for each in report.results}


def test_each_engine_gets_its_own_rules_and_the_first_one_those_of_lakepact() -> None:
    found = contract(engine_rule("soda", "s"), engine_rule("greatExpectations", "g"), engine_rule("python", "p"))
    own, soda, gx, custom = (Small(name) for name in ("own", "soda", "gx", "custom"))
    report = check_quality(FILE, found, engines=[own, custom, gx, soda], dataset="d", run_id="r1")
    assert (own.seen, soda.seen) == ([("id.required", "quality.rows")], [("quality.s",)])
    assert (gx.seen, custom.seen) == ([("quality.g",)], [("quality.p",)])
    assert list(statuses(report).items()) == [
        ("schema", "schema skipped"),
        ("id.required", "own pass"),
        ("quality.rows", "own pass"),
        ("quality.s", "soda pass"),
        ("quality.g", "gx pass"),
        ("quality.p", "custom pass"),
    ]
    assert (report.run_id, report.contract_id, report.object, report.dataset) == ("r1", "c", "orders", "d")
    assert (report.overall_result, set(report.seconds)) == (Verdict.PASS, {"own", "soda", "gx", "custom"})
    assert report.total_seconds >= max(report.seconds.values()) >= 0


def test_an_engine_asked_for_alone_evaluates_what_it_can_and_the_rest_is_skipped() -> None:
    found = contract(engine_rule("soda", "s"), engine_rule("gx", "g"))
    soda = Small("soda")
    report = check_quality(FILE, found, engines=[soda])
    assert soda.seen == [("id.required", "quality.rows", "quality.s")]
    assert statuses(report)["quality.g"] == "gx skipped"
    assert report.results[-1].message == "the engine gx was not asked for"
    custom = check_quality(FILE, found, engines=[Small("custom")])
    assert {each.message for each in custom.results if each.engine == "native"} == {
        "no engine was asked that evaluates it"
    }


def test_all_numbers_add_up_and_the_worst_decides() -> None:
    rules = [engine_rule("soda", name, severity="error") for name in "abcd"]
    told = {
        "id.required": RuleStatus.FAIL,
        "quality.rows": RuleStatus.FAIL,
        "quality.a": RuleStatus.WARN,
        "quality.b": RuleStatus.ERROR,
        "quality.c": RuleStatus.SKIPPED,
    }
    report = check_quality(FILE, contract(*rules), engines=[Small("soda", told)])
    numbers = (report.checks_passed, report.checks_failed, report.checks_warned, report.checks_errors)
    # The action of a rule decides what its violation is called: `rows` only warns, `a` is of severity error.
    assert (numbers, report.checks_skipped, report.checks_executed) == ((1, 2, 1, 1), 2, 5)
    assert sum(numbers) == report.checks_executed
    assert len(report.results) == report.checks_executed + report.checks_skipped
    assert [(each.rule_name, each.status) for each in report.violations] == [
        ("id.required", RuleStatus.FAIL),
        ("quality.a", RuleStatus.FAIL),
        ("quality.b", RuleStatus.ERROR),
        ("quality.rows", RuleStatus.WARN),
    ]
    assert report.overall_result is Verdict.FAIL
    written = json.loads(report.to_json())
    assert (written["overall_result"], written["checks_executed"], written["violations"][0]) == (
        "fail",
        5,
        "orders.id.required",
    )
    assert report.summary().startswith("fail: 5 checks executed, 1 passed, 2 failed, 1 warned, 1 errors, 2 skipped; ")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ExtraMissing("Soda is not installed", "LP974", "pip install 'lakepact[soda]'"),
            "Soda is not installed; pip install 'lakepact[soda]'",
        ),
        (ZeroDivisionError("by zero"), "the engine soda failed: ZeroDivisionError: by zero"),
    ],
)
def test_an_engine_that_raises_is_an_error_of_its_rules_and_hides_no_other(error: Exception, said: str) -> None:
    def raising(_: ObjectRules) -> Sequence[RuleResult]:
        raise error

    found = contract(engine_rule("soda", "s", severity="error"), engine_rule("gx", "g"))
    report = check_quality(FILE, found, engines=[Small("own"), Small("soda", instead=raising), Small("gx")])
    assert statuses(report)["quality.s"] == "soda error"
    assert [each.message for each in report.violations] == [said]
    assert (report.checks_errors, report.checks_passed, report.overall_result) == (1, 3, Verdict.FAIL)


def test_an_engine_that_hangs_is_given_up_and_the_others_have_long_answered() -> None:
    release = threading.Event()
    found = contract(engine_rule("soda", "s"), engine_rule("gx", "g"))
    engines = [Small("own"), Small("soda", instead=hanging(release)), Small("gx")]
    try:
        report = check_quality(FILE, found, engines=engines, seconds=0.2)
    finally:
        release.set()
    assert [each.message for each in report.violations] == ["the engine soda gave no answer within 0.2 seconds"]
    assert statuses(report)["quality.g"] == "gx pass"
    assert report.seconds["soda"] >= 0.2
    # It warns by default, and so does its error.
    assert report.overall_result is Verdict.WARN


def test_engines_that_read_files_run_side_by_side_and_those_on_spark_one_after_the_other() -> None:
    meeting = threading.Barrier(2)

    def meet(_: ObjectRules) -> Sequence[RuleResult]:
        meeting.wait(5)
        return ()

    found = contract(engine_rule("soda", "s"), engine_rule("gx", "g"), own=False)
    met = check_quality(FILE, found, engines=[Small("soda", instead=meet), Small("gx", instead=meet)])
    assert {each.message for each in met.violations} == {
        "the engine soda gave no result",
        "the engine gx gave no result",
    }
    running: list[str] = []

    def alone(rules: ObjectRules) -> Sequence[RuleResult]:
        running.append(rules.engine_rules[0].engine)
        assert len(running) == 1
        running.pop()
        return ()

    slow = [Small("soda", instead=alone), Small("gx", instead=alone)]
    assert {each.message for each in check_quality(FrameData(None), found, engines=slow).violations} == {
        "the engine soda gave no result",
        "the engine gx gave no result",
    }


def test_what_an_engine_leaves_out_is_an_error_and_what_it_adds_is_kept() -> None:
    def partly(rules: ObjectRules) -> Sequence[RuleResult]:
        (first, *_) = Small("soda").evaluate(FILE, rules, context())
        return [first, added(first)]

    def added(result: RuleResult) -> RuleResult:
        return replace(result, rule_id="own of soda", rule_name="own of soda")

    found = contract(engine_rule("soda", "a"), engine_rule("soda", "b"), own=False)
    report = check_quality(FILE, found, engines=[Small("soda", instead=partly)])
    assert {name: status for name, status in statuses(report).items() if name != "schema"} == {
        "quality.a": "soda pass",
        "quality.b": "soda error",
        "own of soda": "soda pass",
    }


def context() -> EngineContext:
    run = Run(run_id="r", contract=contract(), dataset="d", clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    return EngineContext(run=run)


def test_an_engine_that_does_not_read_such_data_says_so() -> None:
    report = check_quality(FILE, contract(engine_rule("soda", "s")), engines=[Small("own"), Small("soda", reads=False)])
    assert [each.message for each in report.violations] == ["the engine soda does not read files of the format parquet"]


@pytest.mark.parametrize(
    ("columns", "status", "said"),
    [
        ([StructField("id", TEXT, required=True)], RuleStatus.PASS, ""),
        ([], RuleStatus.FAIL, "column 'id' (STRING) is missing"),
        (
            [StructField("id", TEXT, required=True), StructField("x", TEXT)],
            RuleStatus.FAIL,
            "column 'x' (STRING) is not in the contract",
        ),
    ],
)
def test_columns_are_held_against_the_contract_first(columns: list[StructField], status: RuleStatus, said: str) -> None:
    report = check_quality(FILE, contract(), engines=[Telling("own", StructType(tuple(columns)))])
    assert (report.results[0].rule_id, report.results[0].status, report.results[0].message) == ("schema", status, said)
    assert report.overall_result is (Verdict.PASS if status is RuleStatus.PASS else Verdict.FAIL)


def test_columns_that_cannot_be_read_are_an_error() -> None:
    class Blind(Small):
        def evaluate_data(self, data: object, rules: ObjectRules, context: EngineContext) -> Any:
            raise OSError("no such file")

    report = check_quality(FILE, contract(), engines=[Blind("own")])
    assert [(each.rule_id, each.status) for each in report.results[:2]] == [
        ("schema", RuleStatus.ERROR),
        ("orders.id.required", RuleStatus.ERROR),
    ]
    assert report.results[1].message == "the engine own failed: OSError: no such file"


def test_wrong_calls_are_told() -> None:
    with pytest.raises(UsageError, match="LP976: there is no quality engine 'sodda'"):
        check_quality(FILE, contract(), engines=["sodda"])
    with pytest.raises(UsageError, match="LP977: the quality engine 'native' cannot be opened with speed"):
        open_engine("native", {"speed": 3})
    with pytest.raises(UsageError, match=r"LP978: contract 'c' 1\.0\.0 has no schema object 'x'"):
        check_quality(FILE, contract(), object_name="x")


def test_spark_evaluates_the_rules_of_lakepact_on_a_data_frame(spark: Any) -> None:
    frame = spark.createDataFrame([("a",), (None,)], "id STRING")
    report = check_quality(FrameData(frame), contract())
    assert statuses(report) == {
        "schema": "schema pass",
        "id.required": "native fail",
        "quality.rows": "native pass",
    }
    assert (report.overall_result, report.results[1].violations) == (Verdict.QUARANTINE, 1)
    assert report.counts is not None
    assert (report.counts.rows, report.counts.quarantined) == (2, 1)
