"""Demands of a contract as checks of Soda 4's contract language."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lakepact.contract.model import Operator, Threshold
from lakepact.rules.literals import Inexpressible, as_fraction
from lakepact.rules.model import Action, Aggregate, DatasetRule
from lakepact.targets.demands import (
    Answer,
    Demand,
    Fresh,
    Holds,
    Keyed,
    Listed,
    Matching,
    Orphans,
    Present,
    RowCount,
    Sized,
    Surplus,
    Typed,
    Value,
    Within,
)
from lakepact.targets.queries import Tables, broken_query, complete, key_rows_query, orphans_query, surplus_query

__all__ = ["RULE", "SodaCheck", "levelled", "soda_check", "soda_threshold"]

# The attribute by which a result is matched with its rule.
RULE = "lakepact_rule"

_COMPARISONS = {
    Operator.MUST_BE: "must_be",
    Operator.MUST_NOT_BE: "must_not_be",
    Operator.MUST_BE_GREATER_THAN: "must_be_greater_than",
    Operator.MUST_BE_GREATER_OR_EQUAL_TO: "must_be_greater_than_or_equal",
    Operator.MUST_BE_LESS_THAN: "must_be_less_than",
    Operator.MUST_BE_LESS_OR_EQUAL_TO: "must_be_less_than_or_equal",
}
_FRESH_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))
# Soda puts variables into any text of a contract, and there is no way to write one that is none.
_VARIABLE = re.compile(r"\$\{ *[a-z]+\.[a-zA-Z_][a-zA-Z_0-9]* *\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SodaCheck:
    """One check: `kind` as Soda calls it, `column` where it stands at one, `body` without name and attributes.

    `qualifier` tells checks of one kind apart. `note` says how it differs from the rule, '' if it does not.
    """

    rule: str
    kind: str
    body: Mapping[str, object]
    column: str | None = None
    qualifier: str = ""
    name: str = ""
    note: str = ""

    def document(self) -> dict[str, object]:
        """The check as an element of `checks`."""
        named = {"name": self.name} if self.name else {}
        body = {**named, "qualifier": self.qualifier, **self.body, "attributes": {RULE: self.rule}}
        return {self.kind: body}


def soda_check(demand: Demand, tables: Tables, *, exact: bool = False) -> SodaCheck:
    """The check of a demand. Raises Inexpressible with the reason where Soda has none.

    Kinds of Soda are used where it has one. With `exact` only those whose number is the rule's own: every row of a key
    that occurs twice is counted (Soda's `duplicate` counts the surplus), NaN breaks bounds, and patterns and ages are
    SQL, which means the same wherever it runs.
    """
    rule = demand.rule
    kind, column, body, note = _Checks(demand, tables, exact=exact).check()
    check = SodaCheck(
        rule=rule.id,
        kind=kind,
        column=column,
        body=levelled(body, warns=rule.action is Action.WARN),
        qualifier=rule.name,
        name=rule.description,
        note=note,
    )
    if found := _VARIABLE.search(repr(check.document())):
        raise Inexpressible(f"Soda would put a variable in place of {found[0]}")
    return check


_Check = tuple[str, str | None, dict[str, object], str]


class _Checks:
    def __init__(self, demand: Demand, tables: Tables, *, exact: bool) -> None:
        self._demand = demand
        self._tables = tables
        self._exact = exact

    def check(self) -> _Check:
        demand = self._demand
        match demand.what:
            case Present(column=column):
                return self._counted("missing", column, {})
            case Listed(column=column, values=values):
                return self._counted("invalid", column, {"valid_values": list(values)})
            case Matching() if self._exact and demand.predicate:
                return self._rows(demand.predicate)
            case Matching(column=column, pattern=pattern):
                return self._counted("invalid", column, {"valid_format": {"name": demand.rule.name, "regex": pattern}})
            case Sized(column=column, shortest=shortest, longest=longest):
                size = {"valid_min_length": shortest, "valid_max_length": longest}
                return self._counted("invalid", column, {key: n for key, n in size.items() if n is not None})
            case Within() as within:
                return self._bound(within)
            case Typed(type=type_name):
                raise Inexpressible(f"Soda sees stored values, not those from which values of {type_name} are made")
            case Keyed(columns=columns):
                return self._key(columns)
            case RowCount():
                return self._measured("row_count", {}) or self._broken("count(1)")
            case Fresh() as fresh:
                return self._fresh(fresh)
            case Holds(predicate=predicate):
                return self._rows(predicate)
            case Value(expression=expression):
                return self._measured("metric", {"expression": self._tables.aggregate(expression)}) or self._broken(
                    expression
                )
            case Surplus() as surplus:
                return self._surplus(surplus)
            case Orphans() as orphans:
                return "failed_rows", None, {"query": orphans_query(orphans, self._tables)}, ""
            case Answer(text=text):
                return self._answer(self._tables.resolved(text))

    def _counted(self, kind: str, column: str, body: Mapping[str, object], note: str = "") -> _Check:
        """A check that counts rows, under the demand's own thresholds."""
        demand = self._demand
        threshold = soda_threshold(demand.thresholds, percent=demand.percent)
        if threshold is None:
            rule = demand.rule
            assert isinstance(rule, DatasetRule), "a rule on rows allows none"
            assert isinstance(rule.measure, Aggregate), "rows are counted by an aggregate"
            return self._broken(rule.measure.expression)
        return kind, column, {**body, "threshold": threshold}, note

    def _bound(self, within: Within) -> _Check:
        bound = within.bound
        if self._exact and within.nan:
            return self._rows(self._demand.predicate)
        value = bound.value
        if within.integer:
            exact = as_fraction(value)
            whole = math.ceil(exact) if within.lower else math.floor(exact)
            if not bound.inclusive and whole == exact:
                whole += 1 if within.lower else -1
            value = whole
        elif not bound.inclusive:
            # Soda's bounds belong to what is valid.
            return self._rows(self._demand.predicate)
        note = "Soda takes NaN for valid" if within.nan else ""
        key = "valid_min" if within.lower else "valid_max"
        return self._counted("invalid", within.column, {key: _plain(value)}, note)

    def _rows(self, predicate: str) -> _Check:
        return "failed_rows", None, {"expression": f"NOT ({self._tables.expression(predicate)})"}, ""

    def _key(self, columns: Sequence[str]) -> _Check:
        if self._exact:
            query = key_rows_query([self._tables.quote(column) for column in columns], self._tables)
            return "metric", None, {"query": query, "threshold": {"must_be": 0}}, ""
        return self._duplicate(columns, {"must_be": 0})

    def _duplicate(self, columns: Sequence[str], threshold: Mapping[str, object]) -> _Check:
        if len(columns) == 1:
            return "duplicate", columns[0], {"threshold": threshold}, ""
        # A check of several columns counts incomplete keys too.
        whole = complete([self._tables.quote(column) for column in columns])
        return "duplicate", None, {"columns": list(columns), "filter": whole, "threshold": threshold}, ""

    def _surplus(self, surplus: Surplus) -> _Check:
        threshold = soda_threshold(self._demand.thresholds)
        query = surplus_query(surplus, self._tables)
        if threshold is None:
            return "failed_rows", None, {"query": broken_query(query, self._condition)}, ""
        # Soda's percentage is that of complete keys, the contract's that of rows.
        if not surplus.columns or surplus.percent:
            return "metric", None, {"query": query, "threshold": threshold}, ""
        return self._duplicate(surplus.columns, threshold)

    def _fresh(self, fresh: Fresh) -> _Check:
        unit = next(((name, size) for name, size in _FRESH_UNITS if fresh.seconds % size == 0), None)
        if self._exact or unit is None:
            return (
                "metric",
                None,
                {"expression": self._tables.aggregate(fresh.measure), "threshold": _at_most(fresh.seconds)},
                "",
            )
        name, size = unit
        threshold = {"unit": name, **_at_most(fresh.seconds // size)}
        return "freshness", None, {"column": fresh.column, "threshold": threshold}, "timestamps without a zone are UTC"

    def _answer(self, query: str) -> _Check:
        thresholds = self._demand.thresholds
        if thresholds and all(_is_number(threshold.value) for threshold in thresholds):
            found = self._measured("metric", {"query": query})
            if found is not None:
                return found
        return "failed_rows", None, {"query": broken_query(f"SELECT (\n{query}\n) AS value", self._condition)}, ""

    def _measured(self, kind: str, body: Mapping[str, object]) -> _Check | None:
        threshold = soda_threshold(self._demand.thresholds)
        return None if threshold is None else (kind, None, {**body, "threshold": threshold}, "")

    def _broken(self, expression: str) -> _Check:
        """For a threshold that Soda lacks: a query with a row where the value is not as it must be."""
        measured = f"SELECT {self._tables.aggregate(expression)} AS value FROM {self._tables.own}"
        return "failed_rows", None, {"query": broken_query(measured, self._condition)}, ""

    @property
    def _condition(self) -> str:
        rule = self._demand.rule
        assert isinstance(rule, DatasetRule), "a rule on rows has no threshold of its own"
        return self._tables.condition(rule.condition)


def soda_threshold(thresholds: Sequence[Threshold], *, percent: bool = False) -> dict[str, object] | None:
    """The `threshold` of a check, None where Soda cannot say it: it takes one comparison of numbers.

    >>> from lakepact.contract.model import Place
    >>> soda_threshold([Threshold(Operator.MUST_BE_BETWEEN, (1, 5), Place())])
    {'must_be_between': {'greater_than_or_equal': 1, 'less_than_or_equal': 5}}
    """
    if len(thresholds) != 1:
        return None
    operator, value = thresholds[0].operator, thresholds[0].value
    if not _is_number(value):
        return None
    metric: dict[str, object] = {"metric": "percent"} if percent else {}
    if not isinstance(value, tuple):
        return {**metric, _COMPARISONS[operator]: _plain(value)} if operator in _COMPARISONS else None
    low, high = (as_fraction(each) for each in value)
    if low >= high:
        # Soda refuses a range without extent.
        between = operator is Operator.MUST_BE_BETWEEN
        only = _plain(value[0])
        return {**metric, "must_be" if between else "must_not_be": only} if low == high else None
    if operator is Operator.MUST_BE_BETWEEN:
        inner = {"greater_than_or_equal": _plain(value[0]), "less_than_or_equal": _plain(value[1])}
        return {**metric, "must_be_between": inner}
    return {**metric, "must_be_not_between": {"greater_than": _plain(value[1]), "less_than": _plain(value[0])}}


def _is_number(value: object) -> bool:
    if isinstance(value, tuple):
        return len(value) == 2 and all(_is_number(each) for each in value)
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _plain(value: object) -> int | float:
    """A number as YAML writes it."""
    exact = as_fraction(value)
    return int(exact) if exact.denominator == 1 else float(exact)


def _at_most(value: int) -> dict[str, object]:
    return {"must_be_less_than_or_equal": value}


def levelled(body: Mapping[str, object], *, warns: bool) -> dict[str, object]:
    """The body of a check with its level: what breaks a rule that only warns is no failure."""
    threshold = body.get("threshold", {"must_be": 0})
    if not warns or not isinstance(threshold, Mapping) or threshold.keys() & {"level", "additional"}:
        return dict(body)
    return {**body, "threshold": {**threshold, "level": "warn"}}
