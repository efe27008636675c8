"""Sentences of the open-source engine, as pyspark 4.2 says them."""

from __future__ import annotations

import pytest

from lakepact.local.events import FlowEvent, FlowState, read_event, readable_error


@pytest.mark.parametrize(
    ("sentence", "event"),
    [
        ("Flow spark_catalog.s.t is QUEUED.", FlowEvent("spark_catalog.s.t", FlowState.QUEUED)),
        ("Flow spark_catalog.s.t is RUNNING.", FlowEvent("spark_catalog.s.t", FlowState.RUNNING)),
        ("Flow spark_catalog.s.t has COMPLETED.", FlowEvent("spark_catalog.s.t", FlowState.COMPLETED)),
        ("Flow 'spark_catalog.s.t' is EXCLUDED.", FlowEvent("spark_catalog.s.t", FlowState.EXCLUDED)),
        ("Flow 'c.s.t' SKIPPED due to upstream failure(s).", FlowEvent("c.s.t", FlowState.SKIPPED)),
        ("Flow 'c.s.t' has FAILED.\nError: boom\nmore", FlowEvent("c.s.t", FlowState.FAILED, "boom\nmore")),
        (
            "Failed to resolve flow: 'c.s.t'.\nError: [UNRESOLVED_COLUMN] x",
            FlowEvent("c.s.t", FlowState.FAILED, "[UNRESOLVED_COLUMN] x"),
        ),
        (
            "Failed to resolve flow due to upstream failure: 'c.s.t'.\nError: Failed to read dataset 'c.s.u'.",
            FlowEvent("c.s.t", FlowState.SKIPPED),
        ),
        ("Run is COMPLETED.", None),
    ],
)
def test_a_sentence_becomes_an_event(sentence: str, event: FlowEvent | None) -> None:
    assert read_event(sentence) == event


def test_a_failure_outranks_the_completion_that_is_said_before_it() -> None:
    assert FlowState.FAILED.rank > FlowState.COMPLETED.rank


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[TASK_WRITE_FAILED] Task failed while writing rows to file:/x. SQLSTATE: 58030\n"
            '[USER_RAISED_EXCEPTION] EXPECTATION_FAILED c.s.t: ["id.required","n.minimum"] SQLSTATE: P0001',
            'a row of c.s.t breaks "id.required", "n.minimum", which must stop the update',
        ),
        (
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name `nope` cannot be resolved. Did you mean `id`? "
            "SQLSTATE: 42703; line 1 pos 0;\n'Project [id#1L]\n+- LocalRelation",
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name `nope` cannot be resolved. Did you mean `id`?",
        ),
        ("plain words\n\nJVM stacktrace:\norg.x\n\tat y", "plain words"),
    ],
)
def test_an_error_is_told_without_stack_and_plan(text: str, message: str) -> None:
    assert readable_error(text) == message
