"""Which materialized views need no run: nothing that they are made from has changed since they were made.

A view is left as it is only where all of this is known and equal: its definition, the settings that it ran under, the
files and Delta tables that its query was seen to read, and its own table. All of it is looked at before a run, so a
change in the middle of one is found by the next. What is not understood is run.

Streaming tables always run. A view behind one is left as it is where no new rows are expected; where they came after
all, it is run at the end (`Refresher.outdated`).
"""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lakepact import __version__
from lakepact.local.delta_log import TableState, commits_after, data_state, table_state
from lakepact.local.fingerprints import covering, digest, files_state, local_path, query_facts
from lakepact.local.journal import StoredTable
from lakepact.local.lowering import LoweredDataset, LoweredPipeline
from lakepact.local.metrics import Observations
from lakepact.local.names import DatasetName
from lakepact.local.query_reads import QueryReads, reads_of
from lakepact.local.refresh_memory import Made, load_memory, save_memory
from lakepact.plan.model import DatasetKind
from lakepact.spark.session import LocalSession

__all__ = ["RefreshScope", "Refresher"]

# Settings of a session that say where and when it runs, not how.
_PASSING = ("spark.app.", "spark.connect.", "spark.driver.", "spark.databricks.delta.lastCommitVersionInSession")
# What a run does to the table of a view. Whatever else is in the log was done by somebody else.
_OWN_SETTINGS = frozenset({"CREATE TABLE", "SET TBLPROPERTIES", "CHANGE COLUMN", "ADD COLUMNS", "CLUSTER BY"})
_EMPTIES, _WRITES = "TRUNCATE", "WRITE"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshScope:
    """Where a pipeline's memory is, and what of it is asked.

    `always` names tables that are run whatever is remembered; `prefix` starts the names of this run's observations.
    """

    memory: Path
    warehouse: Path
    always: Collection[str]
    prefix: str
    configuration: Mapping[str, str]


class Refresher:
    """Decides what to run, and remembers what was run. Make it before the run: it looks at everything then."""

    def __init__(
        self,
        session: LocalSession,
        scope: RefreshScope,
        pipeline: LoweredPipeline,
        plans: Mapping[DatasetName, Sequence[Any]],
        tables: Iterable[StoredTable],
    ) -> None:
        """Look at the definitions, the files and the tables; `plans` are the unresolved plans of each flow."""
        self._session = session
        self._scope = scope
        self._pipeline = pipeline
        self._facts = {
            name: [query_facts(plan, prefix=scope.prefix) for plan in flows] for name, flows in plans.items()
        }
        self._tables = {table.name: table for table in tables}
        self._by_folder = {os.path.realpath(table.folder): name for name, table in self._tables.items()}
        self._remembered = load_memory(scope.memory)
        self._definitions = {dataset.name: self._definition(dataset) for dataset in pipeline.datasets if dataset.stored}
        self._files = {path: files_state(path) for path in sorted(self._paths())}
        self._left = {name: table_state(table.folder) for name, table in self._tables.items()}
        self._streams = {name: self._stream_files(dataset) for name, dataset in self._streaming.items()}

    def unchanged(self) -> frozenset[DatasetName]:
        """The views that need no run."""
        if self._pipeline.sink_flows:
            return frozenset()
        quiet = self._quiet_streams()
        left = {dataset.name: self._remembered[str(dataset.name)] for dataset in self._views if self._is_same(dataset)}
        while True:
            kept = {name: made for name, made in left.items() if self._upstream(made) <= left.keys() | quiet}
            if len(kept) == len(left):
                return frozenset(kept)
            left = kept

    def outdated(self, unchanged: Collection[DatasetName]) -> frozenset[DatasetName]:
        """After the run: those of `unchanged` that read other rows now all the same, and those that read these."""
        made = {name: self._remembered[str(name)] for name in unchanged}
        found = {name for name, each in made.items() if not _are_current(each.tables)}
        while True:
            more = {name for name, each in made.items() if name in found or self._upstream(each) & found}
            if more == found:
                return frozenset(found)
            found = more

    def recall(self, unchanged: Iterable[DatasetName], observations: Observations) -> None:
        """Put what the views counted when they were made into `observations`."""
        for name in unchanged:
            for observation, counts in self._remembered[str(name)].counts.items():
                observations.recall(self._scope.prefix + observation, counts)

    def remember(
        self, ran: Collection[DatasetName], completed: Collection[DatasetName], observations: Observations
    ) -> None:
        """After the run: remember what `completed` was made from, and forget the rest of what `ran`."""
        kept = {
            str(name): self._remembered[str(name)]
            for name in self._tables
            if name not in ran and str(name) in self._remembered
        }
        for dataset in self._pipeline.datasets:
            if dataset.name in completed:
                made = self._made(dataset, observations)
                kept |= {} if made is None else {str(dataset.name): made}
        save_memory(self._scope.memory, kept)

    @property
    def _views(self) -> Iterator[LoweredDataset]:
        return (each for each in self._pipeline.datasets if each.definition.kind is DatasetKind.MATERIALIZED_VIEW)

    @cached_property
    def _streaming(self) -> dict[DatasetName, LoweredDataset]:
        kind = DatasetKind.STREAMING_TABLE
        return {each.name: each for each in self._pipeline.datasets if each.definition.kind is kind}

    def _is_same(self, dataset: LoweredDataset) -> bool:
        made = self._remembered.get(str(dataset.name))
        return (
            made is not None
            and dataset.name.table not in self._scope.always
            and self._definitions[dataset.name] == made.definition
            and self._left[dataset.name] == made.left
            and all(self._files.get(path) == state for path, state in made.files.items())
            and _are_current(made.tables)
        )

    def _upstream(self, made: Made) -> set[DatasetName]:
        return {self._by_folder[folder] for folder in made.tables if folder in self._by_folder}

    # Definitions

    def _definition(self, dataset: LoweredDataset) -> str | None:
        """A digest of all that a dataset is made by; None where it may mean something else another time."""
        related = list(self._related(dataset))
        queries = [facts for each in related if not each.stored or each is dataset for facts in self._facts[each.name]]
        if any(facts is None or facts.moving for facts in queries):
            return None
        return digest(
            self._settings,
            [_written(each) if not each.stored or each is dataset else _outline(each) for each in related],
            [facts.digest for facts in queries if facts is not None],
            str(self._pipeline.namespace),
        )

    def _related(self, dataset: LoweredDataset) -> Iterator[LoweredDataset]:
        """The dataset, the views that it is made through, and the tables that these read, in the order of definition.

        What is read is named in the text of a query, plainly or in backticks.
        """
        found = {dataset.name}
        waiting = [dataset]
        while waiting:
            words = self._words(waiting.pop())
            for each in self._pipeline.datasets:
                if each.name not in found and (words is None or _is_named(each, words)):
                    found.add(each.name)
                    waiting += [] if each.stored else [each]
        return (each for each in self._pipeline.datasets if each.name in found)

    def _words(self, dataset: LoweredDataset) -> frozenset[str] | None:
        """The words of its queries; None where they are not known, so that anything may be among them."""
        words: set[str] = set()
        for facts in self._facts[dataset.name]:
            if facts is None:
                return None
            words |= facts.words
        return frozenset(words)

    @cached_property
    def _settings(self) -> tuple[object, ...]:
        session = self._session.connect.conf
        settings = {name: value for name, value in session.getAll.items() if not name.startswith(_PASSING)}
        java = self._session.classic._jvm.java.lang.System
        return (
            *(__version__, *map(importlib.metadata.version, ("pyspark", "delta-spark"))),
            *(java.getProperty("java.version"), java.getProperty("user.timezone"), os.environ.get("TZ")),
            session.get("spark.sql.session.timeZone"),
            sorted(settings.items()),
            sorted(self._scope.configuration.items()),
            os.path.realpath(self._scope.warehouse),
        )

    def _paths(self) -> set[str]:
        found = (local_path(path) for flows in self._facts.values() for facts in flows if facts for path in facts.paths)
        return {path for path in found if path is not None}

    # Streams: guesses, which `outdated` puts right

    def _quiet_streams(self) -> set[DatasetName]:
        """The streaming tables that will hardly get new rows."""
        quiet = {name for name in self._streaming if self._looks_quiet(name)}
        while True:
            kept = {name for name in quiet if self._streams_behind(name) <= quiet}
            if kept == quiet:
                return quiet
            quiet = kept

    def _looks_quiet(self, name: DatasetName) -> bool:
        made, files = self._remembered.get(str(name)), self._streams[name]
        return made is not None and (self._definitions[name], files) == (made.definition, made.files)

    def _streams_behind(self, name: DatasetName) -> set[DatasetName]:
        return {each.name for each in self._related(self._streaming[name])} & self._streaming.keys() - {name}

    def _stream_files(self, dataset: LoweredDataset) -> dict[str, str] | None:
        """The states of the files that a streaming table reads; None where it reads what may always have new rows."""
        states: dict[str, str] = {}
        views = [each for each in self._related(dataset) if not each.stored or each is dataset]
        for facts in (facts for each in views for facts in self._facts[each.name]):
            if facts is None or not facts.known_sources:
                return None
            for path in map(local_path, facts.paths):
                state = self._files[path] if path else None
                if path is None or state is None:
                    return None
                states[path] = state
        return states

    # Remembering

    def _made(self, dataset: LoweredDataset, observations: Observations) -> Made | None:
        definition, left = self._definitions[dataset.name], table_state(self._tables[dataset.name].folder)
        if definition is None or left is None:
            return None
        if dataset.name in self._streaming:
            files = self._streams[dataset.name]
            return None if files is None else Made(definition=definition, files=files, tables={}, left=left)
        execution = observations.execution(dataset.guard.observed_as(dataset.observations[0])[0])
        reads = reads_of(self._session.classic, execution.plan) if execution is not None else None
        if execution is None or reads is None or not self._is_left_alone(dataset, observations):
            return None
        read, tables = self._read_files(reads), _read_tables(reads)
        if read is None or tables is None:
            return None
        start = len(self._scope.prefix)
        counts = {name[start:]: dict(found) for name, found in execution.rows.items()}
        return Made(definition=definition, files=read, tables=tables, left=left, counts=counts)

    def _read_files(self, reads: QueryReads) -> dict[str, str] | None:
        """The states of the files that were read, as they were before the run."""
        states: dict[str, str] = {}
        for path in reads.files:
            folder = covering(path, self._files)
            state = self._files[folder] if folder is not None else None
            if folder is None or state is None:
                return None
            states[folder] = state
        return states

    def _is_left_alone(self, dataset: LoweredDataset, observations: Observations) -> bool:
        """Whether this run alone has written to the table since it began, and all its rows."""
        before = self._left[dataset.name]
        commits = commits_after(self._tables[dataset.name].folder, before.version if before else None)
        of_rows = [commit for commit in commits if commit.operation not in _OWN_SETTINGS]
        written = [int(commit.metrics.get("numOutputRows", -1)) for commit in of_rows if commit.operation == _WRITES]
        operations = [commit.operation for commit in of_rows]
        if operations not in ([], [_EMPTIES], [_WRITES], [_WRITES, _EMPTIES]):
            return False
        return written == [rows for rows in [dataset.tally(observations).output_records] if rows]


def _read_tables(reads: QueryReads) -> dict[str, TableState] | None:
    """The states that were read: those at analysis, where they are still the newest, so that none came between."""
    states: dict[str, TableState] = {}
    for read in reads.tables:
        folder = Path(os.path.realpath(read.folder))
        state = data_state(folder, read.version)
        if state is None or state != data_state(folder):
            return None
        states[str(folder)] = state
    return states


def _are_current(tables: Mapping[str, TableState]) -> bool:
    return all(data_state(Path(folder)) == state for folder, state in tables.items())


def _is_named(dataset: LoweredDataset, words: Collection[str]) -> bool:
    table = dataset.name.table.lower()
    return not table.replace("_", "a").isalnum() or table in words


def _outline(dataset: LoweredDataset) -> tuple[object, ...]:
    return (str(dataset.name), dataset.definition.kind.value)


def _written(dataset: LoweredDataset) -> tuple[object, ...]:
    definition = dataset.definition
    schema = definition.schema
    return (
        *_outline(dataset),
        definition.comment,
        [(each.name, each.constraint, each.action.value) for each in definition.expectations],
        [sorted(flow.spark_conf.items()) for flow in dataset.flows],
        sorted(definition.table_properties.items()),
        (definition.partition_cols, definition.cluster_by),
        schema if schema is None or isinstance(schema, str) else schema.json(),
        dataset.guard,
    )
