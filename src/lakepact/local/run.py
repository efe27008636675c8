"""`lakepact run`: the pipelines of a project, on this machine."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakepact.errors import ConfigurationError, Problem, Severity
from lakepact.local.event_log import append_events, update_events
from lakepact.local.files import only_run
from lakepact.local.names import DatasetName, Namespace
from lakepact.local.outcome import pipeline_result, watched_expectations
from lakepact.local.pipeline_run import PipelineJob, run_pipeline
from lakepact.local.progress import Progress, Silent
from lakepact.local.result import DatasetState, PipelineResult, UpdateResult, UpdateState
from lakepact.local.selection import Selection, selections_by_pipeline
from lakepact.local.sources import SourceFile
from lakepact.plan.model import FileSource, Plan, Select
from lakepact.project.model import Environment, Project, ResolvedPipeline
from lakepact.project.planning import plan_pipeline
from lakepact.project.resolve import resolve_pipeline, select_environment, select_pipelines
from lakepact.spark.session import LocalSession, open_local_session
from lakepact.targets import pipeline_python

__all__ = ["run_project"]

_LOCAL_CATALOG = "spark_catalog"
_WAIT_SECONDS = 3600.0
_FILE_SUFFIXES = {".py", ".sql"}


def run_project(
    project: Project,
    *,
    environment: str | None = None,
    pipelines: Sequence[str] = (),
    refresh: Sequence[str] = (),
    full_refresh: Sequence[str] | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> UpdateResult:
    """Run the pipelines of `project` on this machine and say what became of every dataset and rule.

    `refresh` and `full_refresh` name datasets, or schema objects with all that belongs to them; an empty
    `full_refresh` means all. A second run of the same pipeline waits for the first. Raises ConfigurationError for a
    project that cannot run here (LP534 to LP536), UsageError (LP533) for unknown names, EnvironmentLacking without Java
    or pyspark; a pipeline that fails is not an exception but FAILED in the result.
    """
    progress = progress or Silent()
    chosen = select_environment(project, environment)
    lake = _lake(project, chosen)
    prepared = [
        _prepare(project, resolve_pipeline(project, pipeline, chosen), lake)
        for pipeline in select_pipelines(project, pipelines)
    ]
    _require_files(prepared)
    selections = selections_by_pipeline(
        [(each.plan, each.hand_written) for each in prepared], refresh=refresh, full_refresh=full_refresh
    )
    update_id = str(uuid.uuid4())
    progress.phase("starting Spark")
    with open_local_session(warehouse=lake.warehouse, app_name="lakepact") as session:
        results = []
        for each, selection in zip(prepared, selections, strict=True):
            if selection is None:
                continue
            with only_run(each.job.lock, wait_seconds=_WAIT_SECONDS, waiting=progress.phase):
                session.attach([chosen.schema])
                progress.phase(f"{each.job.name}: running")
                result = _run_one(session, each, selection, update_id=update_id, dry_run=dry_run, progress=progress)
                results.append(result)
                if not dry_run:
                    _log(session, each.job, result, update_id=update_id, now=clock())
    return _update(update_id, results)


@dataclass(frozen=True, slots=True)
class _Lake:
    storage: Path
    warehouse: Path
    namespace: Namespace


@dataclass(frozen=True, slots=True)
class _Prepared:
    job: PipelineJob
    plan: Plan | None

    @property
    def hand_written(self) -> bool:
        """Whether the pipeline has sources beside the generated one."""
        return len(self.job.sources) > (1 if self.plan else 0)


def _lake(project: Project, environment: Environment) -> _Lake:
    if environment.storage is None:
        raise ConfigurationError(
            f"environment '{environment.name}' has no storage: it is not on this machine",
            code="LP534",
            hint="choose a local environment with --env, or deploy the pipeline there",
        )
    if environment.catalog != _LOCAL_CATALOG:
        raise ConfigurationError(
            f"environment '{environment.name}' is local, where the only catalog is {_LOCAL_CATALOG}, "
            f"not '{environment.catalog}'",
            code="LP534",
            hint=f"write catalog: {_LOCAL_CATALOG}",
        )
    storage = Path(project.absolute(environment.storage))
    return _Lake(storage, storage / "warehouse", Namespace(environment.catalog, environment.schema))


def _prepare(project: Project, resolved: ResolvedPipeline, lake: _Lake) -> _Prepared:
    plan = plan_pipeline(project, resolved, absolute_paths=True) if resolved.contract is not None else None
    written = [_read_source(path, project.root) for path in resolved.sources]
    planned = [SourceFile(f"{resolved.name} (generated)", pipeline_python.render(plan), "python")] if plan else []
    job = PipelineJob(
        name=resolved.name,
        namespace=lake.namespace,
        sources=(*planned, *written),
        storage=lake.storage,
        warehouse=lake.warehouse,
        root=project.root,
        configuration=resolved.configuration,
        watched=watched_expectations(plan) if plan else {},
    )
    return _Prepared(job, plan)


def _read_source(path: Path, root: Path) -> SourceFile:
    shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    if path.suffix not in _FILE_SUFFIXES:
        raise ConfigurationError(f"{shown} is neither Python nor SQL", code="LP536", hint="sources end in .py or .sql")
    return SourceFile(str(path), path.read_text(encoding="utf-8"), "python" if path.suffix == ".py" else "sql")


def _require_files(prepared: Sequence[_Prepared]) -> None:
    """Every source that is missing, in one message, before Spark is started."""
    problems = [
        Problem(
            code="LP535",
            severity=Severity.ERROR,
            message=f"pipeline {each.job.name}: object {name} reads {path}, and nothing is there",
            hint="create the data, or correct `path` in lakepact.yml",
        )
        for each in prepared
        for name, path in _file_sources(each.plan)
        if _is_local(path) and not _exists(path)
    ]
    if problems:
        raise ConfigurationError("source data is missing", code="LP535", problems=problems)


def _file_sources(plan: Plan | None) -> Iterator[tuple[str, str]]:
    for dataset in plan.datasets if plan else ():
        if isinstance(dataset.query, Select) and isinstance(dataset.query.source, FileSource):
            yield dataset.object, dataset.query.source.path


def _is_local(path: str) -> bool:
    return "://" not in path and not path.startswith("dbfs:")


def _exists(path: str) -> bool:
    found = Path(path.removeprefix("file:"))
    if any(character in path for character in "*?[{"):
        return any(True for _ in found.parent.glob(found.name)) or not found.parent.exists()
    return found.is_file() or (found.is_dir() and any(True for _ in found.iterdir()))


def _run_one(
    session: LocalSession,
    prepared: _Prepared,
    selection: Selection,
    *,
    update_id: str,
    dry_run: bool,
    progress: Progress,
) -> PipelineResult:
    outcome = run_pipeline(
        session, prepared.job, update_id=update_id, selection=selection, dry_run=dry_run, progress=progress
    )
    return pipeline_result(outcome, prepared.plan, session.classic)


def _log(session: LocalSession, job: PipelineJob, result: PipelineResult, *, update_id: str, now: dt.datetime) -> None:
    update = _update(update_id, [result])
    table = DatasetName(job.namespace.catalog, job.namespace.schema, f"event_log_{job.name}")
    events = list(update_events(update, result))
    append_events(session.classic, table, events, update_id=update_id, pipeline=job.name, now=now)


def _update(update_id: str, results: Sequence[PipelineResult]) -> UpdateResult:
    failed = any(
        result.error or any(dataset.state is DatasetState.FAILED for dataset in result.datasets) for result in results
    )
    state = UpdateState.FAILED if failed else UpdateState.COMPLETED
    return UpdateResult(update_id=update_id, state=state, pipelines=tuple(results))
