"""Runs updates of pipelines for the workspace double, in a process of its own that keeps Spark from one to the next.

`python -m lakepact.testing.workspace_worker STORAGE` takes one update a line, as JSON, says in lines of JSON how it
goes, and ends with its input. The keys of an update are those of `Update`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lakepact.errors import LakepactError
from lakepact.local.event_log import append_events, update_events
from lakepact.local.events import readable_error
from lakepact.local.files import only_run, only_writer
from lakepact.local.names import DatasetName, Namespace
from lakepact.local.outcome import pipeline_result
from lakepact.local.pipeline_run import PipelineJob, run_pipeline
from lakepact.local.result import DatasetResult, DatasetState, PipelineResult, UpdateResult, UpdateState
from lakepact.local.selection import Selection
from lakepact.local.sources import SourceFile
from lakepact.spark.environment import environment
from lakepact.spark.session import LocalSession, open_local_session
from lakepact.testing.workspace_engine import Update

__all__ = ["Tell", "serve"]

_CATALOG: Final = "spark_catalog"
_WAIT: Final = 60.0

Tell = Callable[[Mapping[str, Any]], None]
"""Takes what an update says of itself.

`{"state": …}` and `{"dataset": …, "status": …}` while it runs, and `{"ended": …}` last, with its `error`, the `events`
of its flows and its `tables`.
"""


def serve(lines: Iterator[str], tell: Tell, storage: Path) -> None:
    """Run the update of each line, until there is none or Java has ended."""
    storage.mkdir(parents=True, exist_ok=True)
    warehouse = storage / "warehouse"
    with open_local_session(warehouse=warehouse, app_name="workspace", connect_functions=False) as kept:
        for line in lines:
            update = Update(**json.loads(line))
            with environment(update.environment):
                tell(_run(update, storage, tell))
            if not kept.running:
                break


def _run(update: Update, storage: Path, tell: Tell) -> Mapping[str, Any]:
    from pyspark.errors import PySparkException

    job = _job(update, storage)
    tell({"state": "INITIALIZING"})
    try:
        with (
            open_local_session(warehouse=job.warehouse, app_name="workspace") as session,
            only_run(job.lock, wait_seconds=_WAIT, waiting=lambda _: None),
            only_writer(session.classic, job.lock.with_suffix(".java")),
        ):
            session.attach([update.schema, *_schemas(job.warehouse)])
            tell({"state": "SETTING_UP_TABLES"})
            outcome = run_pipeline(
                session,
                job,
                update_id=update.id,
                selection=_selection(update),
                dry_run=update.dry_run,
                progress=_Telling(tell),
            )
            result = pipeline_result(outcome, None, session.classic)
            return _ended(update, result, session)
    except LakepactError as error:
        return _failed(str(error))
    except (PySparkException, OSError) as error:
        return _failed(readable_error(str(error)))


def _job(update: Update, storage: Path) -> PipelineJob:
    """What the engine runs."""
    return PipelineJob(
        name=update.pipeline,
        namespace=Namespace(_CATALOG, update.schema),
        sources=[SourceFile(path, text, "sql" if path.endswith(".sql") else "python") for path, text in update.sources],
        storage=storage,
        warehouse=storage / "warehouse",
        root=Path(update.root),
        configuration=update.configuration,
    )


def _selection(update: Update) -> Selection:
    """Which datasets it refreshes."""
    everything = update.full_refresh is not None and not update.full_refresh and not update.refresh
    return Selection(
        refresh=tuple(update.refresh), full_refresh=tuple(update.full_refresh or ()), full_refresh_all=everything
    )


def _ended(update: Update, result: PipelineResult, session: LocalSession) -> Mapping[str, Any]:
    failed = bool(result.error) or any(each.state is DatasetState.FAILED for each in result.datasets)
    state = UpdateState.FAILED if failed else UpdateState.COMPLETED
    whole = UpdateResult(update_id=update.id, state=state, pipelines=(result,))
    _, *events, _ = all_events = list(update_events(whole, result))
    if update.event_log and not update.dry_run:
        table = DatasetName(_CATALOG, update.schema, update.event_log)
        append_events(
            session.classic, table, all_events, update_id=update.id, pipeline=update.pipeline, now=datetime.now(UTC)
        )
    done = [each for each in result.datasets if each.state is DatasetState.COMPLETED and not update.dry_run]
    namespace = Namespace(_CATALOG, update.schema)
    errors = [result.error, *(each.error for each in result.datasets)]
    return {
        "ended": state.value,
        "error": next(filter(None, errors), ""),
        "events": [asdict(each) | {"dataset": str(namespace.resolve(each.dataset))} for each in events],
        "tables": {each.name: _described(each, namespace, session) for each in done},
    }


def _described(dataset: DatasetResult, namespace: Namespace, session: LocalSession) -> dict[str, Any]:
    """A table as Unity Catalog lists it."""
    fields = session.classic.table(namespace.resolve(dataset.name).sql).schema.fields
    columns = [
        {"name": each.name, "type_text": each.dataType.simpleString(), "nullable": each.nullable, "position": position}
        for position, each in enumerate(fields)
    ]
    return {"table_type": dataset.kind.upper().replace(" ", "_"), "columns": columns}


def _failed(message: str) -> Mapping[str, Any]:
    return {"ended": UpdateState.FAILED.value, "error": message, "events": [], "tables": {}}


def _schemas(warehouse: Path) -> list[str]:
    """The schemas of the lake: a source may read those that it does not write."""
    return sorted(folder.stem for folder in warehouse.glob("*.db"))


class _Telling:
    """What the engine does, as states of an update and of its flows."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def phase(self, text: str) -> None:
        """The double has its own words for phases."""

    def dataset(self, name: str, state: str, seconds: float) -> None:
        """A flow has a new state."""
        self._tell({"dataset": name, "status": state})

    def close(self) -> None:
        """Nothing follows."""


def _main() -> None:
    # What sources print is no word of this process: it goes where errors go.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    serve(iter(sys.stdin.readline, ""), lambda said: print(json.dumps(said), file=out), Path(sys.argv[1]))


if __name__ == "__main__":
    _main()
