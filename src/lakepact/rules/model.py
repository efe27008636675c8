"""What a contract demands of data, as rules that any target can render.

A *row rule* says something of one row, as a SQL predicate that is TRUE or FALSE and never NULL. A *dataset rule* says
something of a whole table: it measures a value and compares it. *Coverage* lists every clause of the document exactly
once with what became of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lakepact.contract.model import NOWHERE, Place, Threshold
from lakepact.contract.types import SparkType
from lakepact.errors import Problem

__all__ = [
    "Action",
    "Aggregate",
    "Clause",
    "Coverage",
    "DatasetRule",
    "DuplicateRows",
    "Enforcement",
    "EngineRule",
    "Measure",
    "ObjectRules",
    "OrphanRows",
    "Query",
    "RowRule",
    "RowRuleKind",
    "RuleSet",
    "TypedColumn",
]


class Action(StrEnum):
    """What happens to a row, or an update, that breaks a rule. The names are those of the Lakeflow protocol."""

    WARN = "warn"
    DROP = "drop"
    QUARANTINE = "quarantine"
    FAIL = "fail"


class RowRuleKind(StrEnum):
    """Where a row rule can be evaluated.

    VALUE: on the columns of the published dataset. TYPE: only where the raw value is still known, because the
    published column holds NULL after a failed cast. KEY: needs to know which keys occur more than once.
    """

    VALUE = "value"
    TYPE = "type"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What every rule says; see `RowRule`."""

    id: str
    name: str
    object: str
    clauses: tuple[str, ...]
    description: str
    action: Action
    action_from: str
    dimension: str | None = None
    severity: str | None = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule(_Rule):
    """A demand on each row.

    `id` is stable and unique in the contract (`flights.carrier.required`); `name` is unique in its object and is the
    expectation's name. `predicate` is SQL over the published columns (VALUE only; '' for TYPE and KEY), two-valued.
    `columns` are top-level column names: for TYPE the one column that is cast, for KEY the key columns in order.
    `clauses` are the JSON paths in the document that the rule comes from. `action_from` says where the action came
    from: `default`, `severity`, `criticalDataElement`, `policy FILE`, `customProperties`, `stream`.
    """

    kind: RowRuleKind
    predicate: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate expression over the published dataset (`count_if(NOT (…))`), all of an object in one pass."""

    expression: str


@dataclass(frozen=True, slots=True)
class DuplicateRows:
    """Surplus rows over key columns: rows with a complete key minus distinct keys. `percent`: of all rows, 0 if empty.

    `keys` are SQL expressions over the published dataset (quoted columns, or struct access).
    """

    keys: tuple[str, ...]
    percent: bool = False


@dataclass(frozen=True, slots=True)
class OrphanRows:
    """Rows whose complete key has no match in the parent object. Keys are SQL expressions over their own dataset.

    `parent` is the *object name* in the contract; the plan puts the dataset's name.
    """

    keys: tuple[str, ...]
    parent: str
    parent_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A query that returns one value. `{object:NAME}` stands for the dataset of a schema object; the plan puts it."""

    text: str


Measure = Aggregate | DuplicateRows | OrphanRows | Query


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRule(_Rule):
    """A demand on a whole dataset: `measure` gives a value, `condition` is SQL over it, two-valued.

    `condition` names the value `value`, for example `value <= 5`; `threshold` is the same for people
    (`mustBeLessOrEqualTo 5 percent`). `action` is WARN or FAIL.
    """

    measure: Measure
    condition: str
    threshold: str
    thresholds: tuple[Threshold, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRule(_Rule):
    """A demand that only its own quality engine understands: a rule of the contract with `type: custom`.

    `engine` is the name by which results call it: `soda`, `gx` (in documents `greatExpectations`) or `custom` (a
    Python function). `implementation` is what the document says, unchanged. `columns` names the column that the rule
    stands at, if any.
    """

    engine: str
    implementation: Any
    columns: tuple[str, ...]
    thresholds: tuple[Threshold, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedColumn:
    """A stored column: name in the data, resolved type, and how a source value becomes one of that type.

    `converted(raw)` and the check of it are built by `lakepact.rules.conversion` from `type` alone.
    """

    name: str
    property: str
    type: SparkType
    required: bool
    comment: str | None
    place: Place
    # Java date pattern of a text source (`logicalTypeOptions.format` on date, timestamp), or None for Spark's own cast.
    format: str | None = None
    # Zone of texts that carry none (`defaultTimezone`, default UTC).
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRules:
    """All rules of one schema object; `name` is its ODCS name, `table` the name in the data."""

    name: str
    table: str
    columns: tuple[TypedColumn, ...]
    row_rules: tuple[RowRule, ...]
    dataset_rules: tuple[DatasetRule, ...]
    primary_key: tuple[str, ...] = ()
    engine_rules: tuple[EngineRule, ...] = ()


class Enforcement(StrEnum):
    """What became of a clause. ENGINE: a quality engine runs it where data is checked; a pipeline does not."""

    ROW = "row rule"
    DATASET = "dataset rule"
    ENGINE = "quality engine"
    TABLE = "table definition"
    METADATA = "metadata"
    NOT_ENFORCEABLE = "not enforceable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One clause of the document. `path` is unique in a report; `reason` says why it is only metadata, or nothing."""

    path: str
    place: Place
    text: str
    enforcement: Enforcement
    rules: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every clause of a contract, in document order, each exactly once."""

    clauses: tuple[Clause, ...]

    def counts(self) -> Mapping[Enforcement, int]:
        """Number of clauses by what became of them."""
        return {kind: sum(1 for clause in self.clauses if clause.enforcement is kind) for kind in Enforcement}

    def not_enforceable(self) -> tuple[Clause, ...]:
        """The clauses that nothing checks."""
        return tuple(clause for clause in self.clauses if clause.enforcement is Enforcement.NOT_ENFORCEABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """What `compile_rules` returns: rules by object, and the coverage of the document."""

    contract_id: str
    contract_version: str
    objects: tuple[ObjectRules, ...]
    coverage: Coverage
    # What is wrong with clauses of the document, with their places; warnings, since the coverage has the reasons too.
    problems: tuple[Problem, ...] = ()

    def object(self, name: str) -> ObjectRules | None:
        """The rules of the schema object `name`."""
        return next((candidate for candidate in self.objects if candidate.name == name), None)

    def all_rules(self) -> Iterator[RowRule | DatasetRule]:
        """Every rule that lakepact evaluates itself, by object, rows first."""
        for rules in self.objects:
            yield from rules.row_rules
            yield from rules.dataset_rules

    def engine_rules(self) -> Iterator[EngineRule]:
        """Every rule for a quality engine, by object."""
        for rules in self.objects:
            yield from rules.engine_rules
