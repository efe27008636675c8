"""What a contract says of violations, in a check: modes, responses, and columns that its schema allows or not."""

from __future__ import annotations

from typing import Any

import pytest
from quality_samples import FILE, Small, Telling, contract, engine_rule

from lakepact.contract.types import AtomicType, StructField, StructType
from lakepact.quality.engine import FileData
from lakepact.quality.orchestration import check_quality
from lakepact.quality.report import QualityReport
from lakepact.results.model import RuleStatus, Verdict
from lakepact.rules import EnforcementMode, Handling, Response

TEXT, BIGINT = AtomicType("STRING"), AtomicType("BIGINT")
BROKEN = {"quality.rows": RuleStatus.FAIL, "quality.s": RuleStatus.FAIL}


def checked(custom: dict[str, Any], statuses: dict[str, RuleStatus] = BROKEN, **more: Any) -> QualityReport:
    found = contract(engine_rule("soda", "s"), custom=custom)
    return check_quality(FILE, found, engines=[Small("own", statuses), Small("soda", statuses)], **more)


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ({}, Verdict.WARN),
        ({"onQualityViolation": "warn"}, Verdict.WARN),
        ({"onQualityViolation": "quarantine"}, Verdict.QUARANTINE),
        ({"onQualityViolation": "block"}, Verdict.FAIL),
        ({"onQualityViolation": "quarantine", "enforcement": "strict"}, Verdict.QUARANTINE),
        ({"enforcement": "strict"}, Verdict.FAIL),
        ({"onQualityViolation": "block", "enforcement": "warn"}, Verdict.WARN),
        ({"onSchemaViolation": "block", "onSlaViolation": "block"}, Verdict.WARN),
    ],
)
def test_the_contract_decides_what_violations_of_quality_come_to(said: dict[str, Any], verdict: Verdict) -> None:
    report = checked(said)
    assert report.overall_result is verdict
    assert [each.rule_name for each in report.violations] == ["quality.rows", "quality.s"]
    assert report.mode is (EnforcementMode(said["enforcement"]) if "enforcement" in said else None)


def test_a_required_value_is_of_the_schema() -> None:
    broken = {"id.required": RuleStatus.FAIL}
    assert checked({}, broken).overall_result is Verdict.QUARANTINE
    assert checked({"onSchemaViolation": "block"}, broken).overall_result is Verdict.FAIL
    assert checked({"schemaContract": {"allow_nullable_expansion": True}}, broken).overall_result is Verdict.WARN


def test_a_rule_goes_before_its_contract_and_the_caller_before_both() -> None:
    own = engine_rule("soda", "s", customProperties=[{"property": "lakepact.action", "value": "warn"}])
    found = contract(own, custom={"onQualityViolation": "block"}, own=False)
    soda = Small("soda", {"quality.s": RuleStatus.FAIL})
    assert check_quality(FILE, found, engines=[soda]).overall_result is Verdict.WARN
    strict = checked({"enforcement": "warn"}, mode="strict")
    assert (strict.overall_result, strict.mode) == (Verdict.FAIL, EnforcementMode.STRICT)
    given = checked({"onQualityViolation": "block"}, handling=Handling(on_quality=Response.QUARANTINE))
    assert given.overall_result is Verdict.QUARANTINE


def test_nothing_is_evaluated_where_enforcement_is_disabled() -> None:
    own = Small("own", BROKEN)
    report = check_quality(FILE, contract(), engines=[own], mode="disabled")
    assert (own.seen, report.overall_result, report.checks_executed) == ([], Verdict.PASS, 0)
    assert {(each.status, each.message) for each in report.results} == {(RuleStatus.SKIPPED, "enforcement is disabled")}
    assert report.checks_skipped == 2


EXTRA = [StructField("id", TEXT, required=True), StructField("more", TEXT)]


@pytest.mark.parametrize(
    ("columns", "said", "status"),
    [
        (EXTRA, {}, RuleStatus.FAIL),
        (EXTRA, {"onSchemaViolation": "warn"}, RuleStatus.WARN),
        (EXTRA, {"onSchemaViolation": "quarantine"}, RuleStatus.FAIL),
        (EXTRA, {"schemaContract": {"strict_mode": False}}, RuleStatus.PASS),
        ([], {"schemaContract": {"strict_mode": False}}, RuleStatus.FAIL),
        ([StructField("id", BIGINT, required=True)], {}, RuleStatus.PASS),
        (
            [StructField("id", BIGINT, required=True)],
            {"schemaContract": {"allow_type_changes": False}},
            RuleStatus.FAIL,
        ),
        ([StructField("id", BIGINT, required=True)], {"schemaContract": {"allow_type_changes": True}}, RuleStatus.PASS),
    ],
)
def test_columns_that_differ(columns: list[StructField], said: dict[str, Any], status: RuleStatus) -> None:
    report = check_quality(FILE, contract(custom=said), engines=[Telling("own", StructType(tuple(columns)))])
    assert (report.results[0].rule_id, report.results[0].status) == ("schema", status)
    asked = Verdict.QUARANTINE if said.get("onSchemaViolation") == "quarantine" else Verdict.FAIL
    assert report.overall_result is {RuleStatus.PASS: Verdict.PASS, RuleStatus.WARN: Verdict.WARN}.get(status, asked)


def test_text_files_have_no_types_that_could_change() -> None:
    found = contract(custom={"schemaContract": {"allow_type_changes": False}}, kind="integer")
    telling = Telling("own", StructType((StructField("id", TEXT, required=True),)))
    csv = FileData(paths=("orders.csv",), format="csv")
    assert check_quality(csv, found, engines=[telling]).overall_result is Verdict.PASS
    assert check_quality(FILE, found, engines=[telling]).overall_result is Verdict.FAIL
