"""A dataset as calls of `pyspark.pipelines` and of a Spark session: what a source writes and what `register` does.

Both come from here, so a generated source and a registered contract are the same pipeline. Only calls that keep the
dependencies of a flow are used: `select`-like projections, `where`, `table`, `sql` and the readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lakepact.plan.model import (
    Dataset,
    DatasetKind,
    DatasetSource,
    FileSource,
    Mode,
    Select,
    SqlQuery,
    SqlSource,
    TableSource,
)
from lakepact.plan.names import API_NAME
from lakepact.rules.model import Action
from lakepact.sql import identifier, qualified

__all__ = ["Decorator", "Step", "api_name", "decorators", "steps"]

_DATASET_DECORATORS = {
    DatasetKind.TEMPORARY_VIEW: "temporary_view",
    DatasetKind.STREAMING_TABLE: "table",
    DatasetKind.MATERIALIZED_VIEW: "materialized_view",
}
_EXPECTATION_DECORATORS = {
    Action.WARN: "expect_all",
    Action.DROP: "expect_all_or_drop",
    Action.FAIL: "expect_all_or_fail",
}


@dataclass(frozen=True, slots=True)
class Decorator:
    """One decorator: its name in `pyspark.pipelines` and either keyword arguments or a dictionary of expectations."""

    name: str
    arguments: Mapping[str, object]
    expectations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a session to a data frame: an attribute, or a method where `arguments` is not None."""

    name: str
    arguments: tuple[str, ...] | None = None


def api_name(name: str) -> str:
    """A dataset's name as the API reads it: quoted where it would not be one plain name.

    >>> api_name("orders"), api_name("order items")
    ('orders', '`order items`')
    """
    return name if API_NAME.match(name) else identifier(name)


def decorators(dataset: Dataset) -> tuple[Decorator, ...]:
    """The decorators of a dataset from top to bottom; expectations stand below the dataset's own."""
    grouped = {
        action: {e.name: e.predicate for e in dataset.expectations if e.action is action}
        for action in _EXPECTATION_DECORATORS
    }
    return (
        Decorator(_DATASET_DECORATORS[dataset.kind], _arguments(dataset), {}),
        *(Decorator(_EXPECTATION_DECORATORS[action], {}, group) for action, group in grouped.items() if group),
    )


def _arguments(dataset: Dataset) -> dict[str, object]:
    given: dict[str, object] = {
        "name": api_name(dataset.name),
        "comment": dataset.comment,
        "table_properties": dict(dataset.table_properties),
        "partition_cols": list(dataset.partition_by),
        "cluster_by": list(dataset.cluster_by),
        "private": dataset.private,
    }
    return {name: value for name, value in given.items() if value}


def steps(dataset: Dataset) -> tuple[Step, ...]:
    """The steps from a Spark session to the rows of a dataset."""
    query = dataset.query
    match query:
        case SqlQuery(text=text):
            return (Step("sql", (text,)),)
        case Select(columns=columns, source=source, where=where):
            filtered = (Step("where", (where,)),) if where else ()
            projected = (Step("selectExpr", columns),) if columns else ()
            return (*_read(source), *filtered, *projected)


def _read(source: FileSource | TableSource | SqlSource | DatasetSource) -> tuple[Step, ...]:
    match source:
        case SqlSource(text=text):
            return (Step("sql", (text.strip().rstrip(";").rstrip(),)),)
        case DatasetSource(name=name, stream=stream):
            return (_reader(stream), Step("table", (api_name(name),)))
        case TableSource(name=name, mode=mode):
            return (_reader(mode is Mode.STREAM), Step("table", (_table_name(name),)))
        case FileSource():
            return _read_files(source)


def _reader(stream: bool) -> Step:
    return Step("readStream" if stream else "read")


def _table_name(parts: tuple[str, ...]) -> str:
    return ".".join(parts) if all(API_NAME.match(part) for part in parts) else qualified(parts)


def _read_files(source: FileSource) -> tuple[Step, ...]:
    stream = source.mode is Mode.STREAM
    options = {"cloudFiles.format": source.format} if stream else {}
    options |= source.options
    return (
        _reader(stream),
        Step("format", ("cloudFiles" if stream else source.format,)),
        *(Step("option", (name, value)) for name, value in options.items()),
        *([Step("schema", (source.read_schema,))] if source.read_schema else []),
        Step("load", (source.path,)),
    )
