"""Demands of a contract as expectations of Great Expectations 1.x."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lakepact.contract.model import Operator, Threshold
from lakepact.rules.literals import Inexpressible, as_fraction
from lakepact.rules.model import Action, Aggregate, DatasetRule
from lakepact.targets.demands import (
    Answer,
    Demand,
    Fresh,
    Keyed,
    Listed,
    Matching,
    Orphans,
    Present,
    RowCount,
    Sized,
    Surplus,
    Typed,
    What,
    Within,
)
from lakepact.targets.queries import Tables, broken_query, broken_rows_query, orphans_query, surplus_query

__all__ = ["BATCH", "QUERY", "RULE", "GxExpectation", "batch_query", "gx_expectation", "rows_expectation"]

# The key of `meta` by which a result is matched with its rule.
RULE: Final = "lakepact_rule"
# Stands for the data in SQL until braces are escaped: no SQL holds this character.
BATCH: Final = "\ue000"
QUERY: Final = "unexpected_rows_expectation"
_JAVA_ONLY: Final = re.compile(r"\\(?:x\{(?P<code>[0-9A-Fa-f]+)\}|(?P<end>z)|.)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class GxExpectation:
    """One expectation. `note` says how it differs from the rule, '' if it does not."""

    rule: str
    type: str
    kwargs: Mapping[str, object]
    warns: bool = False
    description: str = ""
    note: str = ""

    def document(self) -> dict[str, object]:
        """The expectation as an element of a suite's JSON."""
        found: dict[str, object] = {"type": self.type, "kwargs": dict(self.kwargs)}
        found["severity"] = "warning" if self.warns else "critical"
        if self.description:
            found["description"] = self.description
        return {**found, "meta": {RULE: self.rule}}


def batch_query(query: str) -> str:
    """A query in which `BATCH` stands for the data, as GX formats it: every other brace is doubled.

    >>> batch_query(f"SELECT * FROM {BATCH} WHERE a RLIKE '^x{{2}}'")
    "SELECT * FROM {batch} WHERE a RLIKE '^x{{2}}'"
    """
    return query.replace("{", "{{").replace("}", "}}").replace(BATCH, "{batch}")


def gx_expectation(demand: Demand, tables: Tables) -> GxExpectation:
    """The expectation of a demand; `tables.own` is BATCH. Raises Inexpressible with the reason where GX has none."""
    rule = demand.rule
    kind, kwargs, note = _Expectations(demand, tables).expectation()
    return GxExpectation(
        rule=rule.id,
        type=kind,
        kwargs=kwargs,
        warns=rule.action is Action.WARN,
        description=rule.description,
        note=note,
    )


_Found = tuple[str, dict[str, object], str]


def rows_expectation(what: What, *, exact: bool = False) -> _Found | None:
    """Type, arguments and note of the expectation that asks each row, None where GX has no kind for it."""
    match what:
        case Present(column=column):
            return "expect_column_values_to_not_be_null", {"column": column}, ""
        case Listed(column=column, values=values):
            return "expect_column_values_to_be_in_set", {"column": column, "value_set": list(values)}, ""
        case Matching(column=column, pattern=pattern):
            return "expect_column_values_to_match_regex", {"column": column, "regex": _portable(pattern)}, ""
        case Sized(column=column, shortest=shortest, longest=longest):
            size = {"min_value": shortest, "max_value": longest}
            there = {key: number for key, number in size.items() if number is not None}
            return "expect_column_value_lengths_to_be_between", {"column": column, **there}, ""
        case Within() if what.integer or not exact:
            return _within(what)
        case Keyed(columns=columns):
            return _key(columns)
    return None


def _within(within: Within) -> _Found:
    bound = within.bound
    side = "min" if within.lower else "max"
    kwargs: dict[str, object] = {"column": within.column, f"{side}_value": _plain(bound.value)}
    if not bound.inclusive:
        kwargs[f"strict_{side}"] = True
    note = "GX takes NaN for valid" if within.nan else ""
    return "expect_column_values_to_be_between", kwargs, note


def _key(columns: Sequence[str]) -> _Found:
    if len(columns) == 1:
        return "expect_column_values_to_be_unique", {"column": columns[0]}, ""
    kwargs: dict[str, object] = {"column_list": list(columns), "ignore_row_if": "any_value_is_missing"}
    return "expect_compound_columns_to_be_unique", kwargs, ""


class _Expectations:
    def __init__(self, demand: Demand, tables: Tables) -> None:
        self._demand = demand
        self._tables = tables

    def expectation(self) -> _Found:
        demand = self._demand
        if isinstance(demand.rule, DatasetRule):
            return self._on_dataset(demand.rule)
        if isinstance(demand.what, Typed):
            raise Inexpressible(f"GX sees stored values, not those from which values of {demand.what.type} are made")
        found = rows_expectation(demand.what)
        return found or self._query(broken_rows_query(demand.predicate, self._tables.own))

    def _on_dataset(self, rule: DatasetRule) -> _Found:
        demand, own = self._demand, self._tables.own
        match demand.what:
            case RowCount():
                return self._row_count(demand.thresholds) or self._broken(f"SELECT count(1) AS value FROM {own}")
            case Surplus() as surplus:
                if surplus.columns and _is_none(demand.thresholds):
                    kind, kwargs, _ = _key(surplus.columns)
                    return kind, kwargs, "every row of a repeated key is counted"
                return self._broken(surplus_query(surplus, self._tables))
            case Orphans() as orphans:
                return self._query(orphans_query(orphans, self._tables))
            case Answer(text=text):
                return self._broken(f"SELECT (\n{self._tables.resolved(text)}\n) AS value")
            case Fresh(measure=measure):
                return self._broken(f"SELECT {measure} AS value FROM {own}")
        assert isinstance(rule.measure, Aggregate), "no other measure is left"
        return self._broken(f"SELECT {rule.measure.expression} AS value FROM {own}")

    def _row_count(self, thresholds: Sequence[Threshold]) -> _Found | None:
        if len(thresholds) != 1:
            return None
        operator, value = thresholds[0].operator, thresholds[0].value
        if not _is_count(value):
            return None
        if operator is Operator.MUST_BE and _plain(value) == math.floor(_plain(value)):
            return "expect_table_row_count_to_equal", {"value": _plain(value)}, ""
        kwargs: dict[str, object] = {}
        match operator:
            case Operator.MUST_BE_GREATER_THAN | Operator.MUST_BE_GREATER_OR_EQUAL_TO:
                kwargs["min_value"] = _whole(value, lower=True, inclusive=operator is not Operator.MUST_BE_GREATER_THAN)
            case Operator.MUST_BE_LESS_THAN | Operator.MUST_BE_LESS_OR_EQUAL_TO:
                kwargs["max_value"] = _whole(value, lower=False, inclusive=operator is not Operator.MUST_BE_LESS_THAN)
            case Operator.MUST_BE_BETWEEN if isinstance(value, tuple):
                low, high = value
                kwargs = {
                    "min_value": _whole(low, lower=True, inclusive=True),
                    "max_value": _whole(high, lower=False, inclusive=True),
                }
        return ("expect_table_row_count_to_be_between", kwargs, "") if kwargs else None

    def _broken(self, measured: str) -> _Found:
        rule = self._demand.rule
        assert isinstance(rule, DatasetRule), "a rule on rows has no threshold of its own"
        return self._query(broken_query(measured, rule.condition))

    def _query(self, query: str) -> _Found:
        return QUERY, {"unexpected_rows_query": batch_query(query)}, ""


def _portable(pattern: str) -> str:
    r"""A pattern of Java as Python's `re` reads it too: only the end of the text and long code points differ.

    >>> _portable(r"^[^\x{2028}]+\\z\z")
    '^[^\\u2028]+\\\\z(?![\\s\\S])'
    """

    def written(match: re.Match[str]) -> str:
        if match["end"]:
            return r"(?![\s\S])"
        if match["code"] and int(match["code"], 16) < 0x10000:
            return f"\\u{int(match['code'], 16):04x}"
        return match[0]

    return _JAVA_ONLY.sub(written, pattern)


def _is_none(thresholds: Sequence[Threshold]) -> bool:
    return len(thresholds) == 1 and thresholds[0].operator is Operator.MUST_BE and thresholds[0].value == 0


def _is_count(value: object) -> bool:
    if isinstance(value, tuple):
        return len(value) == 2 and all(_is_count(each) for each in value)
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _plain(value: object) -> int | float:
    exact = as_fraction(value)
    return int(exact) if exact.denominator == 1 else float(exact)


def _whole(value: object, *, lower: bool, inclusive: bool) -> int:
    exact = as_fraction(value)
    whole = math.ceil(exact) if lower else math.floor(exact)
    if not inclusive and whole == exact:
        whole += 1 if lower else -1
    return whole
