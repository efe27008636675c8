"""The report of an update: JSON for machines, text for people."""

from __future__ import annotations

import pytest

from lakepact.local.report import render_text, to_json
from lakepact.local.result import (
    CheckResult,
    DatasetResult,
    DatasetState,
    ExpectationResult,
    PipelineResult,
    Refresh,
    UpdateResult,
    UpdateState,
)

FLIGHTS = DatasetResult(
    name="flights",
    kind="streaming table",
    state=DatasetState.COMPLETED,
    output_records=334_264,
    dropped_records=0,
    quarantined_records=2_512,
    refresh=Refresh.INCREMENTAL,
    expectations=(
        ExpectationResult(
            name="tailnum_required",
            rule_id="flights.tailnum.required",
            action="quarantine",
            passed_records=334_264,
            failed_records=2_512,
        ),
        ExpectationResult(
            name="carrier_required",
            rule_id="flights.carrier.required",
            action="quarantine",
            passed_records=336_776,
            failed_records=0,
        ),
    ),
    checks=(
        CheckResult(
            name="tailnum in planes",
            rule_id="flights.tailnum.planes",
            value=50_094,
            threshold="mustBe 0",
            passed=False,
            action="warn",
        ),
        CheckResult(
            name="late", rule_id="flights.late", value=2.4553, threshold="mustBeLessThan 5", passed=True, action="fail"
        ),
    ),
)
FAILED = DatasetResult(
    name="delays",
    kind="materialized view",
    state=DatasetState.FAILED,
    error="LP510: [UNRESOLVED_COLUMN] no column `x`\n== SQL ==\nSELECT x",
)
RESULT = UpdateResult(
    update_id="u-1",
    state=UpdateState.FAILED,
    pipelines=(
        PipelineResult(name="flights", datasets=(FLIGHTS, FAILED), contract_id="nyc-flights", contract_version="1.2.0"),
    ),
)


def test_the_json_has_exactly_the_documented_keys() -> None:
    assert to_json(RESULT) == {
        "update_id": "u-1",
        "state": "FAILED",
        "pipelines": [
            {
                "name": "flights",
                "datasets": [
                    {
                        "name": "flights",
                        "kind": "streaming table",
                        "state": "COMPLETED",
                        "refresh": "INCREMENTAL",
                        "output_records": 334_264,
                        "dropped_records": 0,
                        "quarantined_records": 2_512,
                        "expectations": [
                            {
                                "name": "tailnum_required",
                                "rule_id": "flights.tailnum.required",
                                "action": "quarantine",
                                "passed_records": 334_264,
                                "failed_records": 2_512,
                            },
                            {
                                "name": "carrier_required",
                                "rule_id": "flights.carrier.required",
                                "action": "quarantine",
                                "passed_records": 336_776,
                                "failed_records": 0,
                            },
                        ],
                        "checks": [
                            {
                                "name": "tailnum in planes",
                                "rule_id": "flights.tailnum.planes",
                                "value": 50_094,
                                "threshold": "mustBe 0",
                                "passed": False,
                                "action": "warn",
                            },
                            {
                                "name": "late",
                                "rule_id": "flights.late",
                                "value": 2.4553,
                                "threshold": "mustBeLessThan 5",
                                "passed": True,
                                "action": "fail",
                            },
                        ],
                    },
                    {
                        "name": "delays",
                        "kind": "materialized view",
                        "state": "FAILED",
                        "refresh": None,
                        "output_records": None,
                        "dropped_records": None,
                        "quarantined_records": None,
                        "expectations": [],
                        "checks": [],
                    },
                ],
            }
        ],
    }


def test_the_text_lists_what_failed_and_every_check() -> None:
    assert render_text(RESULT) == (
        "update u-1  FAILED\n"
        "\n"
        "pipeline flights  contract nyc-flights 1.2.0\n"
        "  dataset  kind               state       output  dropped  quarantined\n"
        "  flights  streaming table    COMPLETED  334,264        0        2,512\n"
        "  delays   materialized view  FAILED           -        -            -\n"
        "\n"
        "  flights: 1 of 2 expectations with failed rows, 1 of 2 checks failed\n"
        "    expectation       action      failed   passed\n"
        "    tailnum_required  quarantine   2,512  334,264\n"
        "    check              action   value  threshold         result\n"
        "    tailnum in planes  warn    50,094  mustBe 0          FAILED\n"
        "    late               fail    2.4553  mustBeLessThan 5  passed\n"
        "\n"
        "  delays\n"
        "    error: LP510: [UNRESOLVED_COLUMN] no column `x`\n"
    )


def test_a_pipeline_that_never_started_says_why() -> None:
    result = UpdateResult(
        update_id="u-2",
        state=UpdateState.FAILED,
        pipelines=(PipelineResult(name="p", datasets=(), error="LP501: no source"),),
    )
    assert render_text(result) == "update u-2  FAILED\n\npipeline p\n  error: LP501: no source\n"


def test_values_of_checks_are_readable() -> None:
    values = (None, True, 1_234_567, 0.333333333, "2013-01-01")
    checks = tuple(
        CheckResult(name=str(number), rule_id="", value=value, threshold="t", passed=True, action="warn")
        for number, value in enumerate(values)
    )
    dataset = DatasetResult(name="d", kind="k", state=DatasetState.COMPLETED, checks=checks)
    text = render_text(
        UpdateResult(
            update_id="u", state=UpdateState.COMPLETED, pipelines=(PipelineResult(name="p", datasets=(dataset,)),)
        )
    )
    shown = [line.split()[2] for line in text.splitlines() if line.endswith("passed")]
    assert shown == ["-", "true", "1,234,567", "0.333333", "2013-01-01"]


@pytest.mark.parametrize(
    ("name", "state", "contract", "told"),
    [
        ("flights__quarantine", DatasetState.COMPLETED, "nyc-flights", False),
        ("flights__duplicates_2", DatasetState.COMPLETED, "nyc-flights", False),
        ("flights__checks", DatasetState.FAILED, "nyc-flights", True),
        ("planes__checks", DatasetState.COMPLETED, "nyc-flights", True),
        ("flights__daily", DatasetState.COMPLETED, "nyc-flights", True),
        ("flights__checks", DatasetState.COMPLETED, "", True),
    ],
)
def test_what_the_published_dataset_tells_is_not_told_twice(
    name: str, state: DatasetState, contract: str, told: bool
) -> None:
    helper = DatasetResult(name=name, kind="materialized view", state=state, output_records=1)
    pipeline = PipelineResult(name="p", datasets=(FLIGHTS, helper), contract_id=contract)
    result = UpdateResult(update_id="u", state=UpdateState.COMPLETED, pipelines=(pipeline,))

    assert (name in render_text(result)) is told
    assert [dataset["name"] for dataset in to_json(result)["pipelines"][0]["datasets"]] == ["flights", name]


def test_the_text_names_what_was_not_refreshed() -> None:
    datasets = tuple(
        DatasetResult(
            name=name, kind="materialized view", state=DatasetState.COMPLETED, output_records=1, refresh=refresh
        )
        for name, refresh in (("a", Refresh.NO_OP), ("b", Refresh.COMPLETE_RECOMPUTE), ("c", Refresh.NO_OP))
    )
    pipeline = PipelineResult(name="p", datasets=datasets)
    text = render_text(UpdateResult(update_id="u", state=UpdateState.COMPLETED, pipelines=(pipeline,)))
    assert text.splitlines()[-1] == "  nothing new for a, c: counts of the update that made them"
