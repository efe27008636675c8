"""What rules demand in the words that engines of data quality share: a kind of check, or SQL where there is none.

A compiled rule is SQL of Spark. Engines have names for what it says most often (no value is missing, a value is one of
a list, a key occurs once); from the clauses that a rule comes from, this finds such a name again. It is used only where
it means exactly what the rule means; `nan` of `Within` marks the one exception.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakepact.contract.model import Bound, Metric, Operator, Place, QualityRule, SchemaObject, SchemaProperty, Threshold
from lakepact.contract.types import SparkType
from lakepact.rules.access import column_sql
from lakepact.rules.literals import INTEGER_RANGES
from lakepact.rules.model import (
    Aggregate,
    DatasetRule,
    DuplicateRows,
    ObjectRules,
    OrphanRows,
    Query,
    RowRule,
    RowRuleKind,
)
from lakepact.rules.patterns import java_pattern
from lakepact.rules.predicates import is_number, is_text
from lakepact.rules.sla import AGE

__all__ = [
    "Answer",
    "Demand",
    "Fresh",
    "Holds",
    "Keyed",
    "Listed",
    "Matching",
    "Orphans",
    "Present",
    "RowCount",
    "Sized",
    "Surplus",
    "Typed",
    "Value",
    "What",
    "Within",
    "demands_of",
]

_NONE = (Threshold(Operator.MUST_BE, 0, Place()),)


@dataclass(frozen=True, slots=True)
class Present:
    """No value of the column is NULL."""

    column: str


@dataclass(frozen=True, slots=True)
class Listed:
    """Every value of the column is one of `values`: all text, or all integers."""

    column: str
    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """Every text of the column has a place that matches the pattern, which is one of Java."""

    column: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Within:
    """Every number of the column keeps one bound. `nan`: NaN breaks it too, which engines do not see."""

    column: str
    bound: Bound
    lower: bool
    integer: bool
    nan: bool


@dataclass(frozen=True, slots=True)
class Sized:
    """Every text of the column has at least `shortest` or at most `longest` characters."""

    column: str
    shortest: int | None = None
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """Values of the source become values of the column's type."""

    column: str
    type: str


@dataclass(frozen=True, slots=True)
class Keyed:
    """No complete key occurs twice. What breaks it is every row of such a key."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Surplus:
    """Rows with a complete key minus distinct keys. `columns` are the keys where all of them are columns, else ()."""

    keys: tuple[str, ...]
    columns: tuple[str, ...]
    percent: bool


@dataclass(frozen=True, slots=True)
class RowCount:
    """The number of rows."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """The newest value of the column is at most so many seconds old; there is one. `measure` is its age as SQL."""

    column: str
    seconds: int
    measure: str


@dataclass(frozen=True, slots=True)
class Orphans:
    """Rows whose complete key has no match in the object `parent`."""

    keys: tuple[str, ...]
    parent: str
    parent_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holds:
    """A predicate is TRUE for every row."""

    predicate: str


@dataclass(frozen=True, slots=True)
class Value:
    """The value of an aggregate expression."""

    expression: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The one value that a query returns; `{object:NAME}` stands for the data of an object."""

    text: str


What = (
    Present
    | Listed
    | Matching
    | Within
    | Sized
    | Typed
    | Keyed
    | Surplus
    | RowCount
    | Fresh
    | Orphans
    | Holds
    | Value
    | Answer
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A rule, what it speaks of, and what the count of violations or the value has to be.

    With `percent` the count is compared in percent of all rows. `thresholds` is empty where only the rule's own
    `condition` says it. `predicate` is what each row must answer with TRUE, '' for rules that ask no row.
    """

    rule: RowRule | DatasetRule
    what: What
    thresholds: tuple[Threshold, ...] = _NONE
    percent: bool = False
    predicate: str = ""


def demands_of(rules: ObjectRules, described: SchemaObject) -> tuple[Demand, ...]:
    """One demand for each rule on rows and on the dataset, in their order."""
    finder = _Finder(rules, described)
    return (
        *(finder.of_rows(rule) for rule in rules.row_rules),
        *(finder.of_dataset(rule) for rule in rules.dataset_rules),
    )


class _Finder:
    def __init__(self, rules: ObjectRules, described: SchemaObject) -> None:
        self._types = {column.name: column.type for column in rules.columns}
        self._properties = {prop.place.path: prop for prop in described.columns if prop.column in self._types}
        self._by_sql = {column_sql(name): name for name in self._types}
        self._quality = {rule.place.path: (None, rule) for rule in described.quality} | {
            rule.place.path: (prop, rule) for prop in self._properties.values() for rule in prop.quality
        }

    def of_rows(self, rule: RowRule) -> Demand:
        what: What | None
        match rule.kind:
            case RowRuleKind.TYPE:
                what = Typed(rule.columns[0], self._types[rule.columns[0]].ddl)
            case RowRuleKind.KEY:
                what = Keyed(rule.columns)
            case RowRuleKind.VALUE:
                what = self._clause(rule.clauses[0]) or Holds(rule.predicate)
        return Demand(rule=rule, what=what, predicate=rule.predicate)

    def of_dataset(self, rule: DatasetRule) -> Demand:
        match rule.measure:
            case DuplicateRows(keys=keys, percent=percent):
                columns = tuple(self._by_sql[key] for key in keys if key in self._by_sql)
                surplus = Surplus(keys, columns if len(columns) == len(keys) else (), percent)
                return Demand(rule=rule, what=surplus, thresholds=rule.thresholds or _NONE)
            case OrphanRows(keys=keys, parent=parent, parent_keys=parents):
                return Demand(rule=rule, what=Orphans(keys, parent, parents))
            case Query(text=text):
                return Demand(rule=rule, what=Answer(text), thresholds=rule.thresholds)
            case Aggregate(expression=expression):
                return self._measured(rule, expression)

    def _measured(self, rule: DatasetRule, expression: str) -> Demand:
        if expression == "count(1)":
            return Demand(rule=rule, what=RowCount(), thresholds=rule.thresholds)
        if fresh := self._fresh(rule, expression):
            return Demand(rule=rule, what=fresh, thresholds=())
        _, quality = self._quality.get(rule.clauses[0], (None, None))
        asked = self._clause(rule.clauses[0])
        if asked is not None and quality is not None and rule.thresholds:
            percent = quality.unit == "percent"
            return Demand(rule=rule, what=asked, thresholds=rule.thresholds, percent=percent)
        return Demand(rule=rule, what=Value(expression), thresholds=rule.thresholds)

    def _fresh(self, rule: DatasetRule, expression: str) -> Fresh | None:
        asked = re.search(r"\((\d+) seconds\)\Z", rule.threshold)
        found = re.fullmatch(re.escape(AGE) + r"unix_seconds\(max\(CAST\((.*) AS TIMESTAMP\)\)\)", expression)
        column = self._by_sql.get(found[1]) if found else None
        return Fresh(column, int(asked[1]), expression) if column is not None and asked else None

    def _clause(self, path: str) -> What | None:
        """What the clause at `path` says of one column, where there is a name for it."""
        if path in self._quality:
            prop, rule = self._quality[path]
            return self._library(prop, rule)
        prop = next((found for base, found in self._properties.items() if path.startswith(f"{base}.")), None)
        if prop is None:
            return None
        key = path[len(prop.place.path) + 1 :]
        if key in ("required", "primaryKey"):
            return Present(prop.column)
        if key == "enum":
            return self._listed(prop, [entry.value for entry in prop.enum])
        return self._option(prop, key.removeprefix("logicalTypeOptions."), path)

    def _option(self, prop: SchemaProperty, key: str, path: str) -> What | None:
        options, found = prop.options, self._types[prop.column]
        if options is None:
            return None
        if is_text(found):
            match key:
                case "pattern" if options.pattern is not None:
                    return Matching(prop.column, java_pattern(options.pattern).text)
                case "minLength":
                    return Sized(prop.column, shortest=options.min_length)
                case "maxLength":
                    return Sized(prop.column, longest=options.max_length)
            return None
        # A FLOAT is widened when it is compared with a literal, and then differs from what the literal meant.
        if is_number(found) and found.ddl != "FLOAT":
            for bound in (*options.lower, *options.upper):
                if bound.place.path == path and not isinstance(bound.value, str):
                    lower = bound in options.lower
                    return Within(prop.column, bound, lower, found.ddl in INTEGER_RANGES, lower and _has_nan(found))
        return None

    def _library(self, prop: SchemaProperty | None, rule: QualityRule) -> What | None:
        prop = prop or self._named(rule)
        if prop is None:
            return None
        arguments = rule.arguments
        match rule.metric:
            case Metric.NULL_VALUES:
                return Present(prop.column)
            case Metric.MISSING_VALUES if arguments.get("missingValues") is None:
                return Present(prop.column)
            case Metric.INVALID_VALUES if "pattern" not in arguments:
                values = arguments.get("validValues")
                return self._listed(prop, list(values) if isinstance(values, list | tuple) else [values])
            case Metric.INVALID_VALUES if "validValues" not in arguments and is_text(self._types[prop.column]):
                return Matching(prop.column, java_pattern(str(arguments["pattern"])).text)
        return None

    def _named(self, rule: QualityRule) -> SchemaProperty | None:
        names = rule.arguments.get("properties")
        if not isinstance(names, list | tuple) or len(names) != 1:
            return None
        return next((prop for prop in self._properties.values() if prop.name == str(names[0])), None)

    def _listed(self, prop: SchemaProperty, values: list[object]) -> Listed | None:
        found = self._types[prop.column]
        there = [value for value in values if value is not None]
        integers = [value for value in there if isinstance(value, int) and not isinstance(value, bool)]
        texts = [value for value in there if isinstance(value, str)]
        if there and is_text(found) and len(texts) == len(there):
            return Listed(prop.column, tuple(dict.fromkeys(texts)))
        if there and is_number(found) and found.ddl in INTEGER_RANGES and len(integers) == len(there):
            return Listed(prop.column, tuple(dict.fromkeys(integers)))
        return None


def _has_nan(found: SparkType) -> bool:
    return found.ddl in ("FLOAT", "DOUBLE")
