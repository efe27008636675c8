"""Definitions as Databricks' API states them, lowered onto the open-source engine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lakepact.errors import ConfigurationError, Problem, Severity
from lakepact.local.declared_schema import declared_columns
from lakepact.local.definitions import DatasetDefinition, Definitions, FlowDefinition, QueryFunction
from lakepact.local.engine import Graph
from lakepact.local.expectations import Guard, Tally, guard
from lakepact.local.journal import StoredTable
from lakepact.local.metrics import Observations
from lakepact.local.names import DatasetName, Namespace
from lakepact.plan.model import DatasetKind
from lakepact.spark.tables import schema_folder

__all__ = ["LoweredDataset", "LoweredPipeline", "lower"]


# Spark's catalog in memory takes no other names, quoted or not.
_STORABLE = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class LoweredDataset:
    """A dataset as the engine will run it. `observations` are the names its flows count under."""

    definition: DatasetDefinition
    name: DatasetName
    guard: Guard
    flows: tuple[FlowDefinition, ...]
    observations: tuple[str, ...]

    @property
    def stored(self) -> bool:
        """Whether it is a table, not a view."""
        return self.definition.kind is not DatasetKind.TEMPORARY_VIEW

    def tally(self, observations: Observations) -> Tally:
        """What the update counted; zero where no rows came.

        A view counts what one of its readers read: each of them reads the same rows.
        """
        total: Counter[str] = Counter()
        for observation in self.observations:
            for name in self.guard.observed_as(observation):
                for counts in self._counted(observations, name):
                    total.update(counts)
        return self.guard.tally(total)

    def _counted(self, observations: Observations, name: str) -> Sequence[Mapping[str, int]]:
        batches = observations.stream(name)
        if self.definition.kind is DatasetKind.STREAMING_TABLE or (batches and not self.stored):
            return batches
        whole = observations.batch(name)
        return () if whole is None else (whole,)


@dataclass(frozen=True, slots=True)
class LoweredPipeline:
    """All datasets of a pipeline, and the flows of its sinks."""

    namespace: Namespace
    datasets: tuple[LoweredDataset, ...]
    definitions: Definitions
    sink_flows: tuple[FlowDefinition, ...]

    def tables(self, *, warehouse: Path, checkpoints: Path) -> tuple[StoredTable, ...]:
        """The tables that a run writes, with their folders."""
        return tuple(
            StoredTable(
                dataset.name,
                schema_folder(warehouse, dataset.name.schema) / dataset.name.table.lower(),
                checkpoints / "_checkpoints" / Path(*dataset.name.parts)
                if dataset.definition.kind is DatasetKind.STREAMING_TABLE
                else None,
            )
            for dataset in self.datasets
            if dataset.stored
        )

    def register(self, graph: Graph) -> dict[DatasetName, tuple[Any, ...]]:
        """Tell the engine every output, then every flow; returns the unresolved plans of each dataset's flows."""
        for dataset in self.datasets:
            _register_output(graph, dataset)
        for sink in self.definitions.sinks:
            graph.add_sink(sink.name, sink_format=sink.format, options=sink.options, place=sink.place)
        plans: dict[DatasetName, tuple[Any, ...]] = {}
        for dataset in self.datasets:
            for flow, observation in zip(dataset.flows, dataset.observations, strict=True):
                query = _guarded(flow.query, dataset, observation)
                plan = graph.add_flow(flow.name, flow.target, query, spark_conf=flow.spark_conf, place=flow.place)
                plans[dataset.name] = (*plans.get(dataset.name, ()), plan)
        for flow in self.sink_flows:
            graph.add_flow(flow.name, flow.target, flow.query, spark_conf=flow.spark_conf, place=flow.place)
        return plans


def lower(
    definitions: Definitions,
    *,
    namespace: Namespace,
    prefix: str,
    watched: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> LoweredPipeline:
    """The pipeline of `definitions`; observations are named `<prefix><dataset>`.

    `watched` names, by table, expectations whose violating rows are counted together.

    Raises ConfigurationError (LP532) with all faults of the graph at once: datasets defined twice, flows into nothing,
    streaming tables without a flow, names that cannot be stored here.
    """
    datasets = tuple(
        _lowered(definition, definitions, namespace=namespace, prefix=prefix, watched=watched)
        for definition in definitions.datasets
    )
    targets = {dataset.name for dataset in datasets}
    sinks = {sink.name for sink in definitions.sinks}
    loose = [flow for flow in definitions.flows if namespace.resolve(flow.target) not in targets]
    sink_flows = tuple(flow for flow in loose if flow.target in sinks)
    problems = [*_faults(datasets), *(_no_target(flow) for flow in loose if flow.target not in sinks)]
    if problems:
        raise ConfigurationError("the pipeline cannot be run", code="LP532", problems=problems)
    return LoweredPipeline(namespace, datasets, definitions, sink_flows)


def _lowered(
    definition: DatasetDefinition,
    definitions: Definitions,
    *,
    namespace: Namespace,
    prefix: str,
    watched: Mapping[str, frozenset[str]],
) -> LoweredDataset:
    name = namespace.resolve(definition.name)
    flows = tuple(_flows(definition, definitions, namespace))
    observations = tuple(f"{prefix}{name}#{index}" for index in range(len(flows)))
    around = guard(str(name), definition.expectations, watched=watched.get(name.table, frozenset()))
    return LoweredDataset(definition, name, around, flows, observations)


def _flows(definition: DatasetDefinition, definitions: Definitions, namespace: Namespace) -> Iterator[FlowDefinition]:
    if definition.query is not None:
        yield FlowDefinition(
            name=definition.name,
            target=definition.name,
            place=definition.place,
            query=definition.query,
            spark_conf=definition.spark_conf,
        )
    target = namespace.resolve(definition.name)
    yield from (flow for flow in definitions.flows if namespace.resolve(flow.target) == target)


def _register_output(graph: Graph, dataset: LoweredDataset) -> None:
    definition = dataset.definition
    if not dataset.stored:
        graph.add_view(definition.name, comment=definition.comment, place=definition.place)
        return
    graph.add_table(
        definition.name,
        definition.kind,
        comment=definition.comment,
        place=definition.place,
        table_properties=definition.table_properties,
        partition_cols=definition.partition_cols,
    )


def _guarded(query: QueryFunction, dataset: LoweredDataset, observation: str) -> QueryFunction:
    if not dataset.stored and not dataset.definition.expectations:
        return query
    casts = [column.cast for column in declared_columns(dataset.definition.schema, file=dataset.definition.place.file)]

    def guarded() -> Any:
        rows = query()
        return dataset.guard.apply(rows.selectExpr(*casts) if casts else rows, observation=observation)

    return guarded


def _faults(datasets: Sequence[LoweredDataset]) -> Iterator[Problem]:
    times: Mapping[DatasetName, int] = Counter(dataset.name for dataset in datasets)
    for dataset in datasets:
        if times[dataset.name] > 1:
            yield _problem(dataset.definition, f"{dataset.name} is defined {times[dataset.name]} times", "name it once")
        if dataset.stored and not _STORABLE.fullmatch(dataset.name.table):
            message = f"a table on this machine cannot have the name {dataset.name.table!r}"
            yield _problem(dataset.definition, message, "use A-Z, a-z, 0-9 and _, for example as `physicalName`")
        if not dataset.flows:
            yield _problem(dataset.definition, f"{dataset.name} has no flow", "add an append_flow or an AUTO CDC flow")


def _no_target(flow: FlowDefinition) -> Problem:
    return Problem(
        code="LP532",
        severity=Severity.ERROR,
        message=f"flow {flow.name} writes to {flow.target}, which the pipeline does not define",
        file=flow.place.file,
        line=flow.place.line,
        column=1,
        hint=f"define it with create_streaming_table({flow.target!r})",
    )


def _problem(definition: DatasetDefinition, message: str, hint: str) -> Problem:
    return Problem(
        code="LP532",
        severity=Severity.ERROR,
        message=message,
        file=definition.place.file,
        line=definition.place.line,
        column=1,
        hint=hint,
    )
