"""Tests of dbt, of `dbt_utils` and of `dbt_expectations`, as clauses and rules of ODCS.

A test fails when more rows break it than it allows. Those that the standard can say become its clauses; a test with a
condition (`where`, `row_condition`) or with bounds that are SQL becomes a query that counts the rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lakepact.convert.building import (
    Losses,
    add_custom,
    custom_rule,
    library_rule,
    plain_data,
    property_named,
    query_rule,
)
from lakepact.convert.dbt_model import DataTest
from lakepact.convert.predicates import portable_pattern
from lakepact.sql import identifier, literal, string

__all__ = ["DataTestWriter"]

_THRESHOLD = re.compile(r"\s*(!=|<>|>=|>|=|==|<=|<)\s*(\d+)\s*")
# The rows that a test fails for, turned into what the count must be.
_OPPOSITE = {
    "!=": "mustBe",
    "<>": "mustBe",
    ">": "mustBeLessOrEqualTo",
    ">=": "mustBeLessThan",
    "=": "mustNotBe",
    "==": "mustNotBe",
    "<": "mustBeGreaterOrEqualTo",
    "<=": "mustBeGreaterThan",
}
# Configuration that says how a test is run and where its rows go.
_RUNNING = {
    *("severity", "where", "error_if", "warn_if", "enabled", "tags", "meta", "store_failures", "store_failures_as"),
    *("alias", "schema", "database", "materialized", "group", "fail_calc", "limit", "event_time", "concurrent_batches"),
    *("sql_header", "static_analysis", "quote_columns"),
}
_ALIASES = {
    "dbt_expectations.expect_column_values_to_not_be_null": "not_null",
    "dbt_expectations.expect_column_values_to_be_unique": "unique",
    "dbt_expectations.expression_is_true": "dbt_utils.expression_is_true",
}


class _Kept(ValueError):
    """The test is not one that the standard can say; caught here."""


class DataTestWriter:
    """Writes tests into one schema object."""

    def __init__(
        self,
        element: dict[str, Any],
        losses: Losses,
        related: Callable[[dict[str, Any], str, str, str, Mapping[str, Any]], bool],
    ) -> None:
        """`related(object, column, to, field, custom)` writes a reference, and says whether it could."""
        self._element = element
        self._losses = losses
        self._related = related

    def write(self, test: DataTest, column: str | None) -> None:
        """Write a test of a column, or of the object."""
        entry = property_named(self._element, column) if column else None
        holder = self._element if entry is None else entry
        if str(test.config.get("enabled", True)).lower() == "false":
            self._losses.lost(f"{self._element['name']}: the test {test.name} is disabled", test.place)
            return
        try:
            written = _Writing(self._element, entry, test).rule()
        except _Kept as reason:
            if self._reference(test, column):
                return
            self._keep(test, holder, str(reason))
            return
        if written is not None:
            holder.setdefault("quality", []).append(written)

    def _reference(self, test: DataTest, column: str | None) -> bool:
        if test.name != "relationships" or column is None or test.config.get("where"):
            return False
        to, field = test.arguments.get("to"), test.arguments.get("field")
        custom = {"dbt.test.relationships": test.title} if test.title else {}
        custom |= {"lakepact.action": "warn"} if _severity(test) == "warning" else {}
        return bool(to and field) and self._related(self._element, column, str(to), str(field), custom)

    def _keep(self, test: DataTest, holder: dict[str, Any], reason: str) -> None:
        config = {key: value for key, value in test.config.items() if value not in (None, [], {}, "")}
        parts = {"test": test.name, "arguments": plain_data(test.arguments), "config": plain_data(config)}
        implementation = {key: value for key, value in parts.items() if value}
        rule = custom_rule(
            "dbt", implementation, name=test.title, description=test.description, severity=_severity(test)
        )
        holder.setdefault("quality", []).append(rule)
        why = f": {reason}" if reason else ""
        message = f"{holder['name']}: the test {test.name} is kept for the engine dbt{why}"
        self._losses.kept(message, test.place, hint="lakepact does not run dbt")


def _severity(test: DataTest) -> str:
    return "warning" if str(test.config.get("severity", "error")).lower() == "warn" else "error"


class _Writing:
    """One test on its way into the contract."""

    def __init__(self, element: dict[str, Any], entry: dict[str, Any] | None, test: DataTest) -> None:
        self._element = element
        self._entry = entry
        self._test = test
        self._given = dict(test.arguments)
        self._condition = self._joined_condition()
        self._operator, self._limit = self._threshold()

    def _joined_condition(self) -> str:
        conditions = [self._test.config.get("where"), self._given.pop("row_condition", None)]
        texts = [str(text) for text in conditions if text]
        if any("{{" in text for text in texts):
            raise _Kept("its condition is a template")
        return " AND ".join(f"({text})" for text in texts)

    def _threshold(self) -> tuple[str, int]:
        config = self._test.config
        if config.get("fail_calc", "count(*)") not in ("count(*)", None) or config.get("limit"):
            raise _Kept("it counts its failures in its own way")
        unknown = set(config) - _RUNNING
        if unknown:
            raise _Kept(f"{', '.join(sorted(unknown))} is not known")
        key = "warn_if" if _severity(self._test) == "warning" else "error_if"
        match = _THRESHOLD.fullmatch(str(config.get(key) or "!= 0"))
        if match is None:
            raise _Kept(f"{key} is no comparison")
        return _OPPOSITE[match[1]], int(match[2])

    @property
    def _strict(self) -> bool:
        """Whether no row may break it, which is what a clause of a property means."""
        return (self._operator, self._limit) == ("mustBe", 0) and not self._condition

    @property
    def _plain(self) -> bool:
        """Whether a clause says all of it: also the severity."""
        return self._strict and _severity(self._test) == "error" and not self._test.description

    @property
    def _column(self) -> str:
        if self._entry is None:
            raise _Kept("it is not on a column")
        return identifier(self._entry["name"])

    def rule(self) -> dict[str, Any] | None:
        """The rule; None where a clause of the property says it. Raises _Kept."""
        name = _ALIASES.get(self._test.name, self._test.name)
        make = _MAKERS.get(name)
        if make is None:
            raise _Kept("")
        rule = make(self)
        if self._given:
            raise _Kept(f"{', '.join(sorted(self._given))} has no equal")
        return rule

    def _take(self, key: str, default: Any = None) -> Any:
        return self._given.pop(key, default)

    def _clause(self, key: str) -> None:
        assert self._entry is not None
        if self._given:
            raise _Kept(f"{', '.join(sorted(self._given))} has no equal")
        self._entry[key] = True
        if self._test.title:
            add_custom(self._entry, {f"dbt.test.{key}": self._test.title})

    def _library(self, metric: str, **arguments: Any) -> dict[str, Any]:
        test = self._test
        return library_rule(
            metric,
            self._operator,
            self._limit,
            name=test.title,
            description=test.description,
            severity=_severity(test),
            arguments=arguments,
        )

    def _counted(self, broken: str) -> dict[str, Any]:
        """A query for the rows of which `broken` is TRUE."""
        test = self._test
        conditions = f"{self._condition} AND ({broken})" if self._condition else broken
        query = f"SELECT COUNT(*) FROM {{object}} WHERE {conditions}"
        return query_rule(
            query, self._operator, self._limit, name=test.title, description=test.description, severity=_severity(test)
        )

    def not_null(self) -> dict[str, Any] | None:
        column = self._column
        if self._plain:
            self._clause("required")
            return None
        return self._counted(f"{column} IS NULL") if self._condition else self._library("nullValues")

    def unique(self) -> dict[str, Any] | None:
        column = self._column
        if self._plain:
            self._clause("unique")
            return None
        if self._strict:
            return self._library("duplicateValues")
        return self._repeated([column])

    def _repeated(self, columns: list[str]) -> dict[str, Any]:
        """dbt counts the keys that are there more than once, the standard counts the surplus rows."""
        test = self._test
        listed = ", ".join(columns)
        present = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        where = f"{self._condition} AND {present}" if self._condition else present
        grouped = f"SELECT {listed} FROM {{object}} WHERE {where} GROUP BY {listed} HAVING COUNT(*) > 1"
        return query_rule(
            f"SELECT COUNT(*) FROM ({grouped})",
            self._operator,
            self._limit,
            name=test.title,
            description=test.description,
            severity=_severity(test),
        )

    def unique_together(self, key: str) -> dict[str, Any]:
        columns = self._take(key)
        self._take("quote_columns")
        if not isinstance(columns, list) or self._take("ignore_row_if", "all_values_are_missing") is None:
            raise _Kept(f"{key} is no list")
        names = [str(name) for name in columns]
        if any(property_named(self._element, name) is None for name in names):
            raise _Kept("one of its columns is not described")
        if self._strict:
            return self._library("duplicateValues", properties=names)
        return self._repeated([identifier(name) for name in names])

    def values(self, key: str, *, forbidden: bool = False) -> dict[str, Any]:
        column, values = self._column, self._take(key)
        quoted = bool(self._take("quote", self._take("quote_values", True)))
        if not isinstance(values, list) or any(isinstance(value, dict | list) or value is None for value in values):
            raise _Kept("its values are not plain")
        textual = self._entry is not None and self._entry.get("logicalType") == "string"
        typed = [str(value) if quoted and textual else value for value in values]
        if not quoted and any(isinstance(value, str) for value in values):
            raise _Kept("its values are SQL")
        if not self._condition and not forbidden:
            return self._library("invalidValues", validValues=typed)
        listed = ", ".join(repr(value) if isinstance(value, float) else literal(value) for value in typed)
        return self._counted(f"{column} IN ({listed})" if forbidden else f"{column} NOT IN ({listed})")

    def between(self, strictly: str, *, inverted: bool = False) -> dict[str, Any] | None:
        column = self._column
        lower, upper = self._take("min_value"), self._take("max_value")
        flag = bool(self._take(strictly, inverted))
        return self._bounded(column, lower, upper, exclusive=flag is not inverted)

    def _bounded(self, column: str, lower: Any, upper: Any, *, exclusive: bool) -> dict[str, Any] | None:
        keys = ("exclusiveMinimum", "exclusiveMaximum") if exclusive else ("minimum", "maximum")
        bounds = {key: value for key, value in zip(keys, (lower, upper), strict=True) if value is not None}
        if not bounds:
            raise _Kept("it has no bounds")
        if self._options(bounds, ("integer", "number")):
            return None
        signs = (">", "<") if exclusive else (">=", "<=")
        tests = [f"{column} {sign} {_bound(v)}" for sign, v in zip(signs, (lower, upper), strict=True) if v is not None]
        return self._counted(f"NOT ({' AND '.join(tests)})")

    def _options(self, found: Mapping[str, Any], types: tuple[str, ...]) -> bool:
        """Write options, if they say all of the test and the type has them."""
        assert self._entry is not None
        plain = all(isinstance(value, int | float) and not isinstance(value, bool) for value in found.values())
        taken = self._entry.get("logicalTypeOptions", {})
        if not plain or not self._plain or self._given or self._entry.get("logicalType") not in types:
            return False
        if set(found) & set(taken):
            return False
        self._entry.setdefault("logicalTypeOptions", {}).update(found)
        if self._test.title:
            add_custom(self._entry, {"dbt.test." + "+".join(found): self._test.title})
        return True

    def pattern(self) -> dict[str, Any]:
        column, pattern = self._column, self._take("regex")
        if self._take("flags", "") or not isinstance(pattern, str):
            raise _Kept("its pattern has flags")
        # Without is_raw the pattern goes through a string of SQL, which takes a backslash away.
        if not self._take("is_raw", False) and "\\" in pattern:
            raise _Kept("its pattern is escaped twice")
        if not self._condition and portable_pattern(pattern):
            return self._library("invalidValues", pattern=pattern)
        return self._counted(f"NOT ({column} RLIKE {string(pattern)})")

    def lengths(self) -> dict[str, Any] | None:
        column = self._column
        equal = self._take("value")
        lower, upper = self._take("min_value", equal), self._take("max_value", equal)
        exclusive = bool(self._take("strictly", False))
        found = {key: value for key, value in (("minLength", lower), ("maxLength", upper)) if value is not None}
        if not found or any(type(value) is not int for value in found.values()):
            raise _Kept("its bounds are not whole numbers")
        if not exclusive and self._options(found, ("string",)):
            return None
        signs = (">", "<") if exclusive else (">=", "<=")
        tests = [f"length({column}) {sign} {v}" for sign, v in zip(signs, (lower, upper), strict=True) if v is not None]
        return self._counted(f"NOT ({' AND '.join(tests)})")

    def not_empty(self) -> dict[str, Any] | None:
        column = self._column
        trimmed = bool(self._take("trim_whitespace", True))
        if not trimmed and self._options({"minLength": 1}, ("string",)):
            return None
        return self._counted(f"{f'trim({column})' if trimmed else column} = ''")

    def expression(self) -> dict[str, Any]:
        text = self._take("expression")
        if not isinstance(text, str) or not text.strip() or "{{" in text:
            raise _Kept("its expression is a template")
        if self._take("group_by_columns"):
            raise _Kept("it groups")
        closed = f"{text.strip()}\n" if "--" in text else text.strip()
        return self._counted(f"NOT ({f'{self._column} ' if self._entry is not None else ''}{closed})")

    def proportion(self) -> dict[str, Any]:
        at_least, at_most = self._take("at_least", 0), self._take("at_most", 1)
        self._column  # noqa: B018  - raises where there is none
        if not self._strict or at_most != 1 or not isinstance(at_least, int | float):
            raise _Kept("its bounds are not those of a share of NULL")
        limit = round((1 - at_least) * 100, 9)
        return library_rule(
            "nullValues",
            "mustBeLessOrEqualTo",
            int(limit) if limit == int(limit) else limit,
            unit="percent",
            name=self._test.title,
            severity=_severity(self._test),
        )

    def row_count(self) -> dict[str, Any]:
        lower, upper, equal = (self._take(key) for key in ("min_value", "max_value", "value"))
        exclusive = bool(self._take("strictly", False))
        numbers = [value for value in (lower, upper, equal) if value is not None]
        if not self._strict or not numbers or any(type(value) is not int for value in numbers):
            raise _Kept("its bounds are not whole numbers")
        if equal is not None:
            operator, value = "mustBe", equal
        elif lower is not None and upper is not None:
            if exclusive or lower == upper:
                raise _Kept("its bounds are not included")
            operator, value = "mustBeBetween", [lower, upper]
        elif lower is not None:
            operator, value = "mustBeGreaterThan" if exclusive else "mustBeGreaterOrEqualTo", lower
        else:
            operator, value = "mustBeLessThan" if exclusive else "mustBeLessOrEqualTo", upper
        test = self._test
        return library_rule(
            "rowCount", operator, value, name=test.title, description=test.description, severity=_severity(test)
        )


def _bound(value: Any) -> str:
    """A bound of a comparison; text is SQL that somebody wrote."""
    if isinstance(value, str):
        if "{{" in value:
            raise _Kept("its bounds are templates")
        return f"({value})"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Kept("its bounds are not plain")
    return repr(value)


_EXPECT = "dbt_expectations.expect_"
_MAKERS: Mapping[str, Callable[[_Writing], dict[str, Any] | None]] = {
    "not_null": _Writing.not_null,
    "unique": _Writing.unique,
    "accepted_values": lambda test: test.values("values"),
    "dbt_utils.accepted_range": lambda test: test.between("inclusive", inverted=True),
    "dbt_utils.expression_is_true": _Writing.expression,
    "dbt_utils.not_accepted_values": lambda test: test.values("values", forbidden=True),
    "dbt_utils.not_empty_string": _Writing.not_empty,
    "dbt_utils.not_null_proportion": _Writing.proportion,
    "dbt_utils.unique_combination_of_columns": lambda test: test.unique_together("combination_of_columns"),
    f"{_EXPECT}column_values_to_be_in_set": lambda test: test.values("value_set"),
    f"{_EXPECT}column_values_to_not_be_in_set": lambda test: test.values("value_set", forbidden=True),
    f"{_EXPECT}column_values_to_be_between": lambda test: test.between("strictly"),
    f"{_EXPECT}column_values_to_match_regex": _Writing.pattern,
    f"{_EXPECT}column_value_lengths_to_be_between": _Writing.lengths,
    f"{_EXPECT}column_value_lengths_to_equal": _Writing.lengths,
    f"{_EXPECT}compound_columns_to_be_unique": lambda test: test.unique_together("column_list"),
    f"{_EXPECT}table_row_count_to_be_between": _Writing.row_count,
    f"{_EXPECT}table_row_count_to_equal": _Writing.row_count,
}
