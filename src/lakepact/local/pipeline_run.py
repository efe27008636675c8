"""Runs one pipeline once on this machine: sources in, tables, states and counts out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from lakepact.errors import EnvironmentLacking, LakepactError, UsageError
from lakepact.local.auto_cdc import expand_auto_cdc
from lakepact.local.auto_loader import auto_loader
from lakepact.local.declared_schema import comment_columns, declared_columns
from lakepact.local.dp import PipelinesModule
from lakepact.local.engine import Graph, definition_context
from lakepact.local.events import FlowState, read_event, readable_error
from lakepact.local.expectations import Tally
from lakepact.local.journal import Journal
from lakepact.local.lowering import LoweredDataset, LoweredPipeline, lower
from lakepact.local.metrics import Observations, observe
from lakepact.local.names import DatasetName, Namespace
from lakepact.local.progress import Progress
from lakepact.local.refresh import Refresher, RefreshScope
from lakepact.local.result import DatasetState, Refresh
from lakepact.local.selection import Selection
from lakepact.local.sources import SourceFile, load_sources
from lakepact.plan.model import DatasetKind
from lakepact.spark.session import LocalSession
from lakepact.sql import identifier

__all__ = ["DatasetOutcome", "PipelineJob", "PipelineOutcome", "run_pipeline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineJob:
    """A pipeline to run: its sources, where its tables live, and Spark settings.

    `watched` names, by table, expectations whose violating rows are counted together, `always` tables that are run even
    where nothing has changed.
    """

    name: str
    namespace: Namespace
    sources: Sequence[SourceFile]
    storage: Path
    warehouse: Path
    root: Path
    configuration: Mapping[str, str] = field(default_factory=dict)
    watched: Mapping[str, frozenset[str]] = field(default_factory=dict)
    always: frozenset[str] = frozenset()

    @property
    def checkpoints(self) -> Path:
        """The folder of the engine's own state for this pipeline."""
        return self.storage / "pipelines" / self.name

    @property
    def journal(self) -> Journal:
        """The journal of this pipeline."""
        return Journal(self.storage / "journal" / f"{self.name}.json")

    @property
    def memory(self) -> Path:
        """What is remembered of the datasets from run to run."""
        return self.storage / "refresh" / f"{self.name}.json"

    @property
    def lock(self) -> Path:
        """The lock file that one run holds at a time."""
        return self.storage / "locks" / f"{self.name}.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetOutcome:
    """How one dataset ended. `tally` is None where the flow did not complete; a view counts what its readers read."""

    dataset: LoweredDataset
    state: DatasetState
    tally: Tally | None
    error: str
    seconds: float
    refresh: Refresh | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOutcome:
    """How the pipeline ended, views included; `error` is set where it failed as a whole."""

    job: PipelineJob
    datasets: tuple[DatasetOutcome, ...]
    restored: tuple[DatasetName, ...]
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether the update failed."""
        return bool(self.error) or any(outcome.state is DatasetState.FAILED for outcome in self.datasets)


def run_pipeline(
    session: LocalSession, job: PipelineJob, *, update_id: str, selection: Selection, dry_run: bool, progress: Progress
) -> PipelineOutcome:
    """Run `job` once. The caller holds `job.lock`.

    Tables of a run that was killed are put back first. A failing flow does not stop independent ones; what it had
    emptied is put back. Raises ConfigurationError for sources that cannot be loaded or lowered, EnvironmentLacking
    where tables cannot be put back (LP538) or Java ends in the middle (LP609).
    """
    _settle(session, job)
    prefix = f"lakepact:{update_id}:"
    graph = Graph(session.connect, job.namespace, job.configuration)
    with auto_loader(session.classic):
        pipeline, plans = _define(session, graph, job, prefix=prefix)
        selected = _selected(pipeline, selection)
        tables = pipeline.tables(warehouse=job.warehouse, checkpoints=job.checkpoints)
        update = _Update(session, job, pipeline, graph, selection, dry_run=dry_run, progress=progress)
        refresher = None if dry_run else Refresher(session, _scope(job, prefix), pipeline, plans, tables)
        with observe(session.classic, prefix) as observations:
            if not dry_run:
                job.journal.begin([table for table in tables if table.name in selected])
            try:
                record = update.run(refresher)
            except BaseException:
                _abandon(session, job)
                raise
            if not session.running:
                raise _java_ended(record.error)
            restored = _settle(session, job, completed=_completed(pipeline, record))
    if refresher is not None:
        refresher.recall(record.unchanged, observations)
    outcomes = tuple(_outcome(dataset, record, observations, selection) for dataset in pipeline.datasets)
    _finish(session.classic, outcomes)
    if refresher is not None:
        completed = _completed(pipeline, record) - record.unchanged
        # What cannot be remembered is run the next time; what is remembered already holds for what it names.
        with suppress(OSError):
            refresher.remember(selected - record.unchanged, completed, observations)
    return PipelineOutcome(job=job, datasets=outcomes, restored=restored, error=record.error)


def _scope(job: PipelineJob, prefix: str) -> RefreshScope:
    return RefreshScope(
        memory=job.memory,
        warehouse=job.warehouse,
        always=job.always,
        prefix=prefix,
        configuration=job.configuration,
    )


def _abandon(session: LocalSession, job: PipelineJob) -> None:
    """Stop what the server still does for this run, and put the tables back when it no longer writes.

    What cannot be done, because Java is gone too or the disk is full, is left to the next run: the journal stays.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    with suppress(Py4JError, PySparkException, LakepactError, OSError):
        session.classic.sparkContext.cancelAllJobs()
        session.connect.interruptAll()
        # Ends the pipeline's threads too, and returns when they have ended.
        session.connect.stop()
        session.classic.sparkContext.cancelAllJobs()
        _settle(session, job)


def _settle(
    session: LocalSession, job: PipelineJob, *, completed: Set[DatasetName] = frozenset()
) -> tuple[DatasetName, ...]:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        return job.journal.settle(session.classic, completed=completed)
    except (Py4JError, PySparkException, OSError) as error:
        raise EnvironmentLacking(
            f"tables that a run had emptied cannot be put back: {readable_error(str(error))}",
            code="LP538",
            hint="nothing is lost: remove the cause and run again, which puts them back first",
        ) from error


def _java_ended(reason: str) -> EnvironmentLacking:
    return EnvironmentLacking(
        "the Java process of Spark ended in the middle of the run",
        code="LP609",
        hint="it may have been killed for its memory; the next run puts back what this one had emptied",
        facts={"reason": reason},
    )


def _define(
    session: LocalSession, graph: Graph, job: PipelineJob, *, prefix: str
) -> tuple[LoweredPipeline, Mapping[DatasetName, Sequence[Any]]]:
    """The pipeline, told to `graph`, and the unresolved plans of each dataset's flows."""
    module = PipelinesModule(spark=session.connect)
    with _configured(session.connect, job.configuration):
        definitions = load_sources(
            job.sources,
            spark=session.connect,
            module=module,
            root=job.root,
            around=lambda: definition_context(session.connect, graph.id),
            configuration=job.configuration,
        )
        pipeline = lower(expand_auto_cdc(definitions), namespace=job.namespace, prefix=prefix, watched=job.watched)
        return pipeline, pipeline.register(graph)


@contextmanager
def _configured(spark: Any, configuration: Mapping[str, str]) -> Iterator[None]:
    """While this is open, `spark.conf` has the pipeline's configuration, which sources read as on Databricks."""
    before = {key: spark.conf.get(key, None) for key in configuration}
    for key, value in configuration.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, value)


def _selected(pipeline: LoweredPipeline, selection: Selection) -> frozenset[DatasetName]:
    known = {dataset.name for dataset in pipeline.datasets if dataset.stored}
    asked = [pipeline.namespace.resolve(name) for name in selection.names]
    unknown = sorted(str(name) for name in asked if name not in known)
    if unknown:
        raise UsageError(
            f"no dataset {', '.join(unknown)} in this pipeline",
            code="LP533",
            hint=f"it has {', '.join(sorted(name.table for name in known))}",
        )
    return frozenset(known if selection.full_refresh_all or not asked else asked)


@dataclass(slots=True)
class _Record:
    """What the engine said, and the views that it was not asked to run because nothing had changed."""

    states: dict[str, FlowState] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    error: str = ""
    unchanged: frozenset[DatasetName] = frozenset()

    @property
    def failed(self) -> bool:
        """Whether a flow failed, or the run."""
        return bool(self.error) or FlowState.FAILED in self.states.values()


@dataclass(frozen=True, slots=True)
class _Update:
    """One update: what to run, and where."""

    session: LocalSession
    job: PipelineJob
    pipeline: LoweredPipeline
    graph: Graph
    selection: Selection
    _: KW_ONLY
    dry_run: bool
    progress: Progress

    def run(self, refresher: Refresher | None) -> _Record:
        """Run what is selected, but for views that have nothing new where nobody has named datasets."""
        everything = not self.selection.names and not self.selection.full_refresh_all
        unchanged = refresher.unchanged() if refresher is not None and everything else frozenset()
        if refresher is None or not unchanged:
            return self._watch(self.graph, self.selection)
        for name in sorted(map(str, unchanged)):
            self.progress.dataset(name, FlowState.COMPLETED.value, 0.0)
        stored = [dataset for dataset in self.pipeline.datasets if dataset.stored]
        rest = [dataset for dataset in stored if dataset.name not in unchanged]
        record = self._watch(self.graph, _only(rest)) if rest else _Record()
        outdated = refresher.outdated(unchanged)
        record.unchanged = unchanged - outdated
        if outdated and not record.failed:
            self._run_late(record)
        return record

    def _run_late(self, record: _Record) -> None:
        """Streams have brought rows that nothing foretold: run the views, with those that have read the old ones."""
        kind = DatasetKind.MATERIALIZED_VIEW
        views = [each for each in self.pipeline.datasets if each.definition.kind is kind]
        graph = Graph(self.session.connect, self.job.namespace, self.job.configuration)
        with _configured(self.session.connect, self.job.configuration):
            self.pipeline.register(graph)
        late = self._watch(graph, _only([each for each in views if each.name not in record.unchanged]))
        record.error = late.error
        for flow, state in late.states.items():
            if state is not FlowState.EXCLUDED:
                record.states[flow], record.seconds[flow] = state, late.seconds[flow]
        record.errors |= late.errors

    def _watch(self, graph: Graph, selection: Selection) -> _Record:
        from pyspark.errors import PySparkException

        record = _Record()
        started = time.monotonic()
        self.job.checkpoints.mkdir(parents=True, exist_ok=True)
        sentences = graph.run(
            storage=self.job.checkpoints,
            refresh=selection.refresh,
            full_refresh=selection.full_refresh,
            full_refresh_all=selection.full_refresh_all,
            dry=self.dry_run,
        )
        try:
            for sentence in sentences:
                _note(record, sentence, time.monotonic() - started, self.progress.dataset)
        except PySparkException as error:
            if FlowState.FAILED not in record.states.values():
                record.error = readable_error(str(error))
        return record


def _only(datasets: Sequence[LoweredDataset]) -> Selection:
    return Selection(refresh=tuple(dataset.definition.name for dataset in datasets))


def _note(record: _Record, sentence: str, seconds: float, tell: Callable[[str, str, float], None]) -> None:
    event = read_event(sentence)
    if event is None:
        return
    known = record.states.get(event.flow)
    if known is None or event.state.rank > known.rank:
        record.states[event.flow] = event.state
        record.seconds[event.flow] = seconds
        if event.error:
            record.errors[event.flow] = readable_error(event.error)
        tell(event.flow, event.state.value, seconds)


def _outcome(
    dataset: LoweredDataset, record: _Record, observations: Observations, selection: Selection
) -> DatasetOutcome:
    if not dataset.stored:
        counted = dataset.tally(observations)
        return DatasetOutcome(dataset=dataset, state=DatasetState.COMPLETED, tally=counted, error="", seconds=0.0)
    errors = [record.errors[flow] for flow in _flow_keys(dataset) if flow in record.errors]
    state = _state(dataset, record)
    return DatasetOutcome(
        dataset=dataset,
        state=state,
        tally=dataset.tally(observations) if state is DatasetState.COMPLETED else None,
        error="; ".join(errors),
        seconds=max((record.seconds.get(flow, 0.0) for flow in _flow_keys(dataset)), default=0.0),
        refresh=_refresh(dataset, record, selection) if state is DatasetState.COMPLETED else None,
    )


def _refresh(dataset: LoweredDataset, record: _Record, selection: Selection) -> Refresh:
    if dataset.name in record.unchanged:
        return Refresh.NO_OP
    anew = selection.full_refresh_all or dataset.definition.name in selection.full_refresh
    streaming = dataset.definition.kind is DatasetKind.STREAMING_TABLE
    return Refresh.INCREMENTAL if streaming and not anew else Refresh.COMPLETE_RECOMPUTE


def _completed(pipeline: LoweredPipeline, record: _Record) -> frozenset[DatasetName]:
    stored = (dataset for dataset in pipeline.datasets if dataset.stored)
    return frozenset(dataset.name for dataset in stored if _state(dataset, record) is DatasetState.COMPLETED)


def _state(dataset: LoweredDataset, record: _Record) -> DatasetState:
    if dataset.name in record.unchanged:
        return DatasetState.COMPLETED
    states = [record.states.get(flow, FlowState.EXCLUDED) for flow in _flow_keys(dataset)]
    if FlowState.FAILED in states:
        return DatasetState.FAILED
    completed = all(found is FlowState.COMPLETED for found in states)
    return DatasetState.COMPLETED if completed else DatasetState.SKIPPED


def _flow_keys(dataset: LoweredDataset) -> list[str]:
    namespace = Namespace(dataset.name.catalog, dataset.name.schema)
    return [str(namespace.resolve(flow.name)) for flow in dataset.flows]


def _finish(classic: Any, outcomes: Sequence[DatasetOutcome]) -> None:
    """What the engine cannot be told, set on the tables that it completed: clustering and comments of columns."""
    for outcome in outcomes:
        dataset = outcome.dataset
        if dataset.stored and outcome.state is DatasetState.COMPLETED and outcome.refresh is not Refresh.NO_OP:
            _cluster(classic, dataset)
            comment_columns(classic, dataset.name.sql, declared_columns(dataset.definition.schema))


def _cluster(classic: Any, dataset: LoweredDataset) -> None:
    columns = dataset.definition.cluster_by
    if not columns:
        return
    detail = classic.sql(f"DESCRIBE DETAIL {dataset.name.sql}").select("clusteringColumns").first()
    if list(detail[0] or ()) != list(columns):
        names = ", ".join(identifier(column) for column in columns)
        classic.sql(f"ALTER TABLE {dataset.name.sql} CLUSTER BY ({names})").collect()
