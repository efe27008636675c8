"""What pipeline sources define: datasets, flows, expectations, as Databricks' API names them.

`lakepact.local.dp` records these while sources are loaded (Python by its decorators, SQL by `sql_sources`);
`lakepact.local.graph` lowers them onto the open-source engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lakepact.plan.model import DatasetKind

__all__ = [
    "AutoCdcFlow",
    "DatasetDefinition",
    "Definitions",
    "ExpectationAction",
    "ExpectationDefinition",
    "FlowDefinition",
    "QueryFunction",
    "ScdType",
    "SinkDefinition",
    "SourcePlace",
]

QueryFunction = Callable[[], Any]  # returns a (Connect) DataFrame; never tested with isinstance


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """File and line of a definition, for messages."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class ExpectationAction(StrEnum):
    """What Databricks does with a row for which the constraint is not TRUE."""

    WARN = "warn"
    DROP = "drop"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class ExpectationDefinition:
    """One expectation; `constraint` is SQL text. NULL counts as a violation, as on Databricks."""

    name: str
    constraint: str
    action: ExpectationAction


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDefinition:
    """A streaming table, materialized view or temporary view.

    `query` is None for `create_streaming_table`, whose rows come from flows. `name` is as written (one to three parts).
    `ignored` holds Databricks-only arguments that have no effect on this machine, with their values.
    """

    name: str
    kind: DatasetKind
    place: SourcePlace
    query: QueryFunction | None = None
    comment: str | None = None
    expectations: tuple[ExpectationDefinition, ...] = ()
    spark_conf: Mapping[str, str] = field(default_factory=dict)
    table_properties: Mapping[str, str] = field(default_factory=dict)
    partition_cols: tuple[str, ...] = ()
    cluster_by: tuple[str, ...] = ()
    schema: Any = None
    private: bool = False
    ignored: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowDefinition:
    """An append flow into a streaming table or sink; `once` flows are batch and run a single time."""

    name: str
    target: str
    place: SourcePlace
    query: QueryFunction
    spark_conf: Mapping[str, str] = field(default_factory=dict)
    once: bool = False


class ScdType(StrEnum):
    """How AUTO CDC keeps history."""

    SCD_1 = "1"
    SCD_2 = "2"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoCdcFlow:
    """`create_auto_cdc_flow` (was `apply_changes`). Column names are plain names; expressions are SQL text."""

    name: str
    target: str
    source: str
    keys: tuple[str, ...]
    sequence_by: str
    place: SourcePlace
    stored_as_scd_type: ScdType = ScdType.SCD_1
    where: str | None = None
    ignore_null_updates: bool = False
    apply_as_deletes: str | None = None
    apply_as_truncates: str | None = None
    column_list: tuple[str, ...] = ()
    except_column_list: tuple[str, ...] = ()
    track_history_column_list: tuple[str, ...] = ()
    track_history_except_column_list: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkDefinition:
    """`create_sink`."""

    name: str
    format: str
    place: SourcePlace
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Definitions:
    """Everything that the sources of one pipeline define, in the order of definition."""

    datasets: list[DatasetDefinition] = field(default_factory=list)
    flows: list[FlowDefinition] = field(default_factory=list)
    auto_cdc_flows: list[AutoCdcFlow] = field(default_factory=list)
    sinks: list[SinkDefinition] = field(default_factory=list)
    session: Any = None  # the session that the queries of SQL sources and AUTO CDC flows run in

    def dataset(self, name: str) -> DatasetDefinition | None:
        """The dataset of that name as written."""
        return next((candidate for candidate in self.datasets if candidate.name == name), None)
