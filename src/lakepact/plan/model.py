"""A pipeline plan: the datasets of a pipeline, before any target has written a line.

For a schema object `flights` the plan holds up to six datasets, always in this order:

| dataset | kind | holds |
|---|---|---|
| `flights__input` | temporary view | typed columns, and `_lakepact_raw`: the raw values of columns that are cast |
| `flights__duplicates` | materialized view, private | keys that occur more than once (batch only; one a key rule) |
| `flights` | streaming table or materialized view | the published rows, with the expectations of the row rules |
| `flights__quarantine` | same kind | the exact complement of what was dropped or quarantined, with rule ids |
| `flights__checks` | materialized view | one row a dataset rule: value, threshold, passed |
| `flights__gate` | materialized view, private | the failed checks that must stop the update, as `fail` expectations |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from lakepact.contract.types import SparkType
from lakepact.errors import Problem
from lakepact.rules.model import Action, DatasetRule, RowRule

__all__ = [
    "Conversion",
    "Dataset",
    "DatasetKind",
    "DatasetRole",
    "DatasetSource",
    "Expectation",
    "FileSource",
    "Mode",
    "ObjectPlan",
    "Plan",
    "PlannedColumn",
    "Select",
    "Source",
    "SqlQuery",
    "SqlSource",
    "TableSource",
]


class Mode(StrEnum):
    """How an object is fed."""

    STREAM = "stream"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """Files at a path. A stream of files is read with Auto Loader (`cloudFiles`), a batch with the plain reader.

    `read_schema` is DDL for the reader, given where the format has no types of its own (CSV without header, JSON): then
    every leaf is read as STRING and typed afterwards, so that a value that does not fit is seen and not lost.
    """

    path: str
    format: str
    options: Mapping[str, str] = field(default_factory=dict)
    read_schema: str = ""
    mode: Mode = Mode.BATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource:
    """A table by name (one to three parts, each unquoted)."""

    name: tuple[str, ...]
    mode: Mode = Mode.BATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSource:
    """A query over other datasets of the pipeline, or over tables."""

    text: str
    mode: Mode = Mode.BATCH


Source = FileSource | TableSource | SqlSource


class DatasetKind(StrEnum):
    """Lakeflow's kinds of datasets."""

    TEMPORARY_VIEW = "temporary view"
    STREAMING_TABLE = "streaming table"
    MATERIALIZED_VIEW = "materialized view"


class DatasetRole(StrEnum):
    """What a dataset is for."""

    INPUT = "input"
    DUPLICATES = "duplicates"
    PUBLISHED = "published"
    QUARANTINE = "quarantine"
    CHECKS = "checks"
    GATE = "gate"


@dataclass(frozen=True, slots=True)
class DatasetSource:
    """Another dataset of the plan, read as a stream or whole."""

    name: str
    stream: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """How a column of the input is read: `template` with `Conversion.COLUMN` replaced by `raw`, then ` AS alias`.

    `type` is what the template converts to, for people. Columns of one type share a template, so a target that has
    functions can write it once.
    """

    COLUMN: ClassVar[str] = "<column>"

    type: str
    template: str
    raw: str
    alias: str

    @property
    def expression(self) -> str:
        """The column of the query."""
        return f"{self.template.replace(self.COLUMN, self.raw)} AS {self.alias}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """`SELECT columns FROM source WHERE where`. `columns` are SQL with their alias (none: all); `where` may be empty.

    `conversions` say how some of the columns are made, by their expression.
    """

    columns: tuple[str, ...]
    source: FileSource | TableSource | SqlSource | DatasetSource
    where: str = ""
    conversions: Mapping[str, Conversion] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SqlQuery:
    """A whole query as SQL text (`STREAM name` where a dataset is read as a stream)."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A Lakeflow expectation: `name` is unique in the dataset, `predicate` is SQL over the dataset's columns.

    `rule_id` is the rule that it counts for. `action` here is WARN, DROP or FAIL (QUARANTINE is a drop whose complement
    the quarantine dataset holds); `rule_action` is what the contract asked.
    """

    name: str
    predicate: str
    action: Action
    rule_id: str
    rule_action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedColumn:
    """A column of a stored dataset for DDL."""

    name: str
    type: SparkType
    required: bool
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One dataset of a pipeline. `private` datasets are not for readers outside of the pipeline."""

    name: str
    kind: DatasetKind
    role: DatasetRole
    object: str
    query: Select | SqlQuery
    comment: str = ""
    expectations: tuple[Expectation, ...] = ()
    columns: tuple[PlannedColumn, ...] = ()
    table_properties: Mapping[str, str] = field(default_factory=dict)
    cluster_by: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPlan:
    """The datasets of one schema object, and the rules they enforce."""

    name: str
    table: str
    mode: Mode
    datasets: tuple[Dataset, ...]
    row_rules: tuple[RowRule, ...]
    dataset_rules: tuple[DatasetRule, ...]

    def dataset(self, role: DatasetRole) -> Dataset | None:
        """The dataset of that role, None where the object needs none."""
        return next((candidate for candidate in self.datasets if candidate.role is role), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of a pipeline that comes from one contract version.

    `problems` are warnings: objects without a source, and rules that read one.
    """

    pipeline: str
    contract_id: str
    contract_version: str
    contract_sha256: str
    objects: tuple[ObjectPlan, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """Every dataset in the order of the contract."""
        return tuple(dataset for planned in self.objects for dataset in planned.datasets)
