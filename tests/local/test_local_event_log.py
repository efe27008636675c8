"""The events of an update, in Databricks' shape."""

from __future__ import annotations

import json

import pytest

from lakepact.local.event_log import update_events
from lakepact.local.result import DatasetResult, DatasetState, PipelineResult, Refresh, UpdateResult, UpdateState

COMPLETE, NO_OP = "MAINTENANCE_TYPE_COMPLETE_RECOMPUTE", "MAINTENANCE_TYPE_NO_OP"


@pytest.mark.parametrize(
    ("kind", "refresh", "techniques"),
    [
        ("materialized view", Refresh.NO_OP, [(COMPLETE, False), (NO_OP, True)]),
        ("materialized view", Refresh.COMPLETE_RECOMPUTE, [(COMPLETE, True)]),
        ("materialized view", None, None),
        ("streaming table", Refresh.INCREMENTAL, None),
        ("streaming table", Refresh.COMPLETE_RECOMPUTE, None),
    ],
)
def test_how_a_view_was_refreshed_is_planning_information(
    kind: str, refresh: Refresh | None, techniques: list[tuple[str, bool]] | None
) -> None:
    dataset = DatasetResult(name="d", kind=kind, state=DatasetState.COMPLETED, output_records=2, refresh=refresh)
    pipeline = PipelineResult(name="p", datasets=(dataset,))
    update = UpdateResult(update_id="u", state=UpdateState.COMPLETED, pipelines=(pipeline,))

    events = [event for event in update_events(update, pipeline) if event.dataset == "d"]

    assert [event.event_type for event in events] == ["planning_information"] * bool(techniques) + ["flow_progress"]
    if techniques and refresh:
        assert events[0].message == f"Flow 'd' has been planned to be executed as {refresh.value}."
        details = json.loads(events[0].details)["planning_information"]["technique_information"]
        assert details == [
            {"maintenance_type": kind, "is_chosen": chosen, "is_applicable": True} for kind, chosen in techniques
        ]
