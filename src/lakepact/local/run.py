"""`lakepact run`: the pipelines of a project, on this machine."""

from __future__ import annotations

import datetime as dt
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lakepact.errors import (
    ConfigurationError,
    EnvironmentLacking,
    LakepactError,
    PipelineFailed,
    Problem,
    Severity,
    UsageError,
)
from lakepact.local.event_log import append_events, update_events
from lakepact.local.events import readable_error
from lakepact.local.files import only_run, only_writer
from lakepact.local.names import DatasetName, Namespace
from lakepact.local.outcome import pipeline_result, tables_that_stop, watched_expectations
from lakepact.local.pipeline_run import PipelineJob, run_pipeline
from lakepact.local.preflight import check_pipeline, refuse, source_place
from lakepact.local.progress import Progress, Silent
from lakepact.local.result import DatasetState, PipelineResult, UpdateResult, UpdateState
from lakepact.local.selection import Selection, selections_by_pipeline
from lakepact.local.sources import SourceFile
from lakepact.local.telling import tell_people
from lakepact.plan.model import FileSource, Plan, Select
from lakepact.project.model import Environment, Project, ResolvedPipeline
from lakepact.project.planning import pipeline_rules, plan_pipeline
from lakepact.project.resolve import resolve_pipeline, select_environment, select_pipelines
from lakepact.spark.quiet import errors_expected
from lakepact.spark.session import LocalSession, open_local_session
from lakepact.targets import pipeline_python

if TYPE_CHECKING:
    from lakepact.notify import Notifier

__all__ = ["run_project"]

_LOCAL_CATALOG = "spark_catalog"
_WAIT_SECONDS = 3600.0
_RULE_NOT_MADE = "LP206"
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
    notifier: Notifier | None = None,
) -> UpdateResult:
    """Run the pipelines of `project` on this machine and say what became of every dataset and rule.

    `refresh` and `full_refresh` name datasets, or schema objects with all that belongs to them; an empty
    `full_refresh` means all. `notifier` is given the results of each pipeline that has a contract. A second run of the
    same pipeline waits for the first. Raises ConfigurationError for a
    project that cannot run here (LP534 to LP536), sources and rules that do not fit the contract (LP543, LP544),
    UsageError (LP533) for unknown names, EnvironmentLacking without Java or pyspark and for a storage that cannot be
    written (LP537): then nothing was run. A pipeline that fails is not an exception but FAILED in the result.
    """
    progress = progress or Silent()
    chosen = select_environment(project, environment)
    lake = _lake(project, chosen)
    prepared = [
        _prepare(project, resolve_pipeline(project, pipeline, chosen), lake)
        for pipeline in select_pipelines(project, pipelines)
    ]
    _require_files(project, prepared)
    selections = selections_by_pipeline(
        [(each.plan, each.hand_written) for each in prepared], refresh=refresh, full_refresh=full_refresh
    )
    _require_storage(lake.storage)
    update_id = str(uuid.uuid4())
    progress.phase("starting Spark")
    with _quiet_pyspark(), open_local_session(warehouse=lake.warehouse, app_name="lakepact") as session:
        asked = [(each, found) for each, found in zip(prepared, selections, strict=True) if found is not None]
        session.attach([chosen.schema])
        _require_fit(session, project, [each for each, _ in asked])
        run = _Run(session, update_id, dry_run=dry_run, progress=progress, clock=clock, notifier=notifier)
        return _update(update_id, [run.attempt(each, selection) for each, selection in asked])


@contextmanager
def _quiet_pyspark() -> Iterator[None]:
    """Errors are ours to tell; pyspark would log those of analysis with their stacks, and warn when Java is gone."""
    with errors_expected(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\[RETRIES_EXCEEDED\]|.*RPC could not be completed")
        warnings.filterwarnings("ignore", module=r"pyspark\.")
        yield


@dataclass(frozen=True, slots=True)
class _Lake:
    storage: Path
    warehouse: Path
    namespace: Namespace


@dataclass(frozen=True, slots=True)
class _Prepared:
    resolved: ResolvedPipeline
    job: PipelineJob
    plan: Plan | None
    # Warnings: written rules that no rule could be made of, and objects without a source.
    problems: tuple[Problem, ...] = ()

    @property
    def tables(self) -> frozenset[DatasetName]:
        """The tables that the plan writes."""
        resolve = self.job.namespace.resolve
        return frozenset(resolve(dataset.name) for dataset in (self.plan.datasets if self.plan else ()))

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
        always=tables_that_stop(plan) if plan else frozenset(),
    )
    if resolved.contract is None or plan is None:
        return _Prepared(resolved, job, plan)
    rules = pipeline_rules(resolved, resolved.contract)
    not_made = (problem for problem in rules.problems if problem.code == _RULE_NOT_MADE)
    return _Prepared(resolved, job, plan, problems=(*not_made, *plan.problems))


def _read_source(path: Path, root: Path) -> SourceFile:
    shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    if path.suffix not in _FILE_SUFFIXES:
        raise ConfigurationError(f"{shown} is neither Python nor SQL", code="LP536", hint="sources end in .py or .sql")
    return SourceFile(str(path), path.read_text(encoding="utf-8"), "python" if path.suffix == ".py" else "sql")


def _require_files(project: Project, prepared: Sequence[_Prepared]) -> None:
    """Every source that is missing, in one message, before Spark is started."""
    problems = [
        Problem(
            code="LP535",
            severity=Severity.ERROR,
            message=f"pipeline {each.job.name}: object {name} reads {path}, and nothing is there",
            hint="create the data, or correct `path` in lakepact.yml",
            **source_place(project, each.resolved, name),
        )
        for each in prepared
        for name, path in _file_sources(each.plan)
        if _is_local(path) and not _exists(path)
    ]
    if problems:
        raise ConfigurationError("source data is missing", code="LP535", problems=problems)


def _require_storage(storage: Path) -> None:
    """A folder that can be written, before Spark is started and fails in the middle."""
    try:
        storage.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=storage):
            pass
    except OSError as error:
        raise _not_writable(storage, error) from error


def _not_writable(storage: Path, error: OSError) -> EnvironmentLacking:
    return EnvironmentLacking(
        f"the storage '{storage}' cannot be written: {error.strerror or error}",
        code="LP537",
        hint="free or unlock it, or give the environment another `storage` in lakepact.yml",
    )


def _require_fit(session: LocalSession, project: Project, prepared: Sequence[_Prepared]) -> None:
    """Every source and written rule that does not fit, in one message, before anything is written."""
    anything = any(each.hand_written for each in prepared)
    made_here = None if anything else frozenset().union(*(each.tables for each in prepared))
    refuse(
        [
            problem
            for each in prepared
            if each.plan is not None
            for problem in check_pipeline(
                session.classic,
                each.plan,
                project=project,
                resolved=each.resolved,
                namespace=each.job.namespace,
                made_here=made_here,
            )
        ]
    )


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


class _Run:
    """One update of a project: each pipeline in turn, so that one that fails does not stop the next."""

    def __init__(
        self,
        session: LocalSession,
        update_id: str,
        *,
        dry_run: bool,
        progress: Progress,
        clock: Callable[[], dt.datetime],
        notifier: Notifier | None,
    ) -> None:
        self._session = session
        self._update_id = update_id
        self._dry_run = dry_run
        self._progress = progress
        self._clock = clock
        self._notifier = notifier

    def attempt(self, prepared: _Prepared, selection: Selection) -> PipelineResult:
        """What became of one pipeline; also where its sources do not load, or its tables cannot be written."""
        from pyspark.errors import PySparkException

        job = prepared.job
        result = PipelineResult(name=job.name, datasets=(), problems=prepared.problems)
        try:
            with (
                only_run(job.lock, wait_seconds=_WAIT_SECONDS, waiting=self._progress.phase),
                only_writer(self._session.classic, job.lock.with_suffix(".java")),
            ):
                self._session.attach([job.namespace.schema])
                self._progress.phase(f"{job.name}: running")
                result = self._run(prepared, selection)
                if not self._dry_run:
                    self._log(job, result)
                    self._tell(prepared, result)
        except UsageError:
            raise
        except LakepactError as error:
            return _failed(result, error)
        except OSError as error:
            return _failed(result, _not_writable(job.storage, error))
        except PySparkException as error:
            return _failed(result, PipelineFailed(f"Spark says: {readable_error(str(error))}", "LP539"))
        return result

    def _run(self, prepared: _Prepared, selection: Selection) -> PipelineResult:
        outcome = run_pipeline(
            self._session,
            prepared.job,
            update_id=self._update_id,
            selection=selection,
            dry_run=self._dry_run,
            progress=self._progress,
        )
        return replace(pipeline_result(outcome, prepared.plan, self._session.classic), problems=prepared.problems)

    def _tell(self, prepared: _Prepared, result: PipelineResult) -> None:
        contract = prepared.resolved.contract
        if self._notifier is not None and contract is not None:
            update = _update(self._update_id, [result])
            rules = pipeline_rules(prepared.resolved, contract)
            namespace = prepared.job.namespace
            classic = self._session.classic
            tell_people(self._notifier, classic, update, contract, rules, namespace, at=self._clock())

    def _log(self, job: PipelineJob, result: PipelineResult) -> None:
        from pyspark.errors import PySparkException

        update = _update(self._update_id, [result])
        table = DatasetName(job.namespace.catalog, job.namespace.schema, f"event_log_{job.name}")
        events = list(update_events(update, result))
        try:
            append_events(
                self._session.classic, table, events, update_id=self._update_id, pipeline=job.name, now=self._clock()
            )
        except PySparkException as error:
            raise EnvironmentLacking(
                f"the tables are written, but not the event log {table}: "
                f"{readable_error(str(error)).partition(chr(10))[0]}",
                code="LP537",
                hint="where its columns are not those of an event log, drop or rename the table",
            ) from error


def _failed(result: PipelineResult, error: LakepactError) -> PipelineResult:
    return replace(result, error=result.error or str(error), failure=error)


def _update(update_id: str, results: Sequence[PipelineResult]) -> UpdateResult:
    failed = any(
        result.error or any(dataset.state is DatasetState.FAILED for dataset in result.datasets) for result in results
    )
    state = UpdateState.FAILED if failed else UpdateState.COMPLETED
    return UpdateResult(update_id=update_id, state=state, pipelines=tuple(results))
