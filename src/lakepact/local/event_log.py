"""The event log of a pipeline as a Delta table, in the shape of Databricks' own.

Columns and JSON follow Databricks' schema, so that a query on `details:flow_progress.data_quality` reads both.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lakepact.local.names import DatasetName
from lakepact.local.result import DatasetResult, DatasetState, PipelineResult, Refresh, UpdateResult
from lakepact.plan.model import DatasetKind

__all__ = ["EVENT_LOG_SCHEMA", "Event", "append_events", "update_events"]

EVENT_LOG_SCHEMA = (
    "id STRING, sequence BIGINT, origin STRUCT<pipeline_id: STRING, pipeline_name: STRING, update_id: STRING, "
    "catalog: STRING, schema: STRING, flow_name: STRING, dataset_name: STRING>, timestamp TIMESTAMP, message STRING, "
    "level STRING, maturity_level STRING, error STRUCT<fatal: BOOLEAN, exceptions: ARRAY<STRUCT<class_name: STRING, "
    "message: STRING>>>, details STRING, event_type STRING"
)


# The ways to refresh a materialized view that this engine has.
_PLANNED = (Refresh.COMPLETE_RECOMPUTE, Refresh.NO_OP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One row of the event log. `details` is JSON text; `error` is '' where nothing failed."""

    event_type: str
    message: str
    level: str
    details: str
    dataset: str = ""
    error: str = ""


def update_events(update: UpdateResult, pipeline: PipelineResult) -> Iterator[Event]:
    """The events of one pipeline in one update, in order.

    >>> from lakepact.local.result import UpdateState
    >>> empty = PipelineResult(name="p", datasets=())
    >>> update = UpdateResult(update_id="u", state=UpdateState.COMPLETED, pipelines=(empty,))
    >>> [event.event_type for event in update_events(update, empty)]
    ['create_update', 'update_progress']
    """
    yield Event(
        event_type="create_update",
        message=f"Update {update.update_id} started by lakepact run.",
        level="INFO",
        details=_json({"create_update": {"cause": "USER_ACTION"}}),
    )
    for dataset in pipeline.datasets:
        if dataset.refresh in _PLANNED and dataset.kind == DatasetKind.MATERIALIZED_VIEW.value:
            yield _planning_information(dataset.name, dataset.refresh)
        yield _flow_progress(dataset)
    failed = bool(pipeline.error) or any(each.state is DatasetState.FAILED for each in pipeline.datasets)
    state = "FAILED" if failed else "COMPLETED"
    yield Event(
        event_type="update_progress",
        message=f"Update {update.update_id} is {state}.",
        level="ERROR" if failed else "INFO",
        details=_json({"update_progress": {"state": state}}),
        error=pipeline.error,
    )


def append_events(
    classic: Any, table: DatasetName, events: Sequence[Event], *, update_id: str, pipeline: str, now: dt.datetime
) -> None:
    """Append `events` to the event log; the table is made where it does not exist."""
    pipeline_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"lakepact:{table.catalog}.{table.schema}:{pipeline}"))
    rows = [
        (
            str(uuid.uuid4()),
            number,
            (pipeline_id, pipeline, update_id, table.catalog, table.schema, event.dataset, event.dataset),
            now,
            event.message,
            event.level,
            "STABLE",
            (True, [("", event.error)]) if event.error else None,
            event.details,
            event.event_type,
        )
        for number, event in enumerate(events)
    ]
    frame = classic.createDataFrame(rows, EVENT_LOG_SCHEMA).coalesce(1)
    frame.write.mode("append").saveAsTable(table.sql)


def _planning_information(name: str, refresh: Refresh) -> Event:
    """How a materialized view is refreshed; a complete recompute is always listed, as it is on Databricks."""
    techniques = [
        {"maintenance_type": f"MAINTENANCE_TYPE_{each.value}", "is_chosen": each is refresh, "is_applicable": True}
        for each in _PLANNED
        if each in {refresh, Refresh.COMPLETE_RECOMPUTE}
    ]
    return Event(
        event_type="planning_information",
        message=f"Flow {name!r} has been planned to be executed as {refresh.value}.",
        level="INFO",
        details=_json({"planning_information": {"technique_information": techniques}}),
        dataset=name,
    )


def _flow_progress(dataset: DatasetResult) -> Event:
    progress: dict[str, Any] = {"status": dataset.state.value}
    if dataset.output_records is not None:
        progress["metrics"] = {"num_output_rows": dataset.output_records}
        progress["data_quality"] = {
            "dropped_records": dataset.dropped_records,
            "expectations": [
                {
                    "name": each.name,
                    "dataset": dataset.name,
                    "passed_records": each.passed_records,
                    "failed_records": each.failed_records,
                }
                for each in dataset.expectations
            ],
        }
    details: dict[str, Any] = {"flow_progress": progress}
    if dataset.checks:
        details["lakepact"] = {"checks": [asdict(check) for check in dataset.checks]}
    failed = dataset.state is DatasetState.FAILED
    return Event(
        event_type="flow_progress",
        message=f"Flow {dataset.name!r} is {dataset.state.value}.",
        level="ERROR" if failed else "INFO",
        details=_json(details),
        dataset=dataset.name,
        error=dataset.error,
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
