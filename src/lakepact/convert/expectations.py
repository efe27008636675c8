"""Great Expectations: expectations as ODCS rules, from the configuration of a suite of version 0.x or 1.x.

A library rule is written only where it counts the same rows. `mostly` is a share of all rows for null checks, as
percent is in ODCS, but of the rows with a value for all others; ODCS cannot say that, so these stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from lakepact.convert import checks
from lakepact.convert.building import add_custom, custom_rule, library_rule
from lakepact.convert.checks import Bounds, Check

__all__ = ["ENGINE", "expectation_as_written", "read_expectation"]

ENGINE = "greatExpectations"
_OWN = frozenset(("expectation_type", "type", "name", "kwargs", "meta", "severity", "description", "id"))
_LIMITS = frozenset(("min_value", "max_value", "strict_min", "strict_max"))

_Reader = Callable[[Mapping[str, Any]], Check | None]


def read_expectation(data: Mapping[str, Any]) -> Check:
    """What one expectation became: `expectation_type`, `type` or `name`, and arguments in `kwargs` or beside.

    >>> read_expectation({"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}}).columns
    ('id',)
    """
    kind, arguments, about = _parts(data)
    nested, meta = data.get("kwargs"), data.get("meta")
    keys, reader = _READERS.get(kind, (frozenset[str](), _nothing))
    known = set(data) <= _OWN if isinstance(nested, Mapping) else True
    check = reader(arguments) if known and set(arguments) <= keys else None
    if check is None:
        return _written(data, arguments, about)
    found = checks.described(check, about)
    extra = {key: meta[key] for key in meta if key not in checks.DESCRIPTIONS} if isinstance(meta, Mapping) else {}
    if extra or data.get("id"):
        add_custom(found.rule, {"meta": extra, "expectationId": data.get("id")})
    return found


def expectation_as_written(data: Mapping[str, Any]) -> Check:
    """The expectation for Great Expectations itself, whole.

    >>> expectation_as_written({"name": "expect_column_mean_to_be_between", "column": "c"}).rule["engine"]
    'greatExpectations'
    """
    _, arguments, about = _parts(data)
    return _written(data, arguments, about)


def _parts(data: Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The type of the expectation, its arguments, and what it says of itself."""
    kind = next((data[key] for key in ("expectation_type", "type", "name") if isinstance(data.get(key), str)), "")
    nested, meta = data.get("kwargs"), data.get("meta")
    arguments = dict(nested) if isinstance(nested, Mapping) else {k: v for k, v in data.items() if k not in _OWN}
    return kind, arguments, {"name": kind, **(meta if isinstance(meta, Mapping) else {}), **data}


def _written(data: Mapping[str, Any], arguments: Mapping[str, Any], about: Mapping[str, Any]) -> Check:
    columns = checks.named_columns(arguments)
    return checks.described(
        Check(rule=custom_rule(ENGINE, dict(data)), columns=columns, on_column=len(columns) == 1), about
    )


def _nothing(_data: Mapping[str, Any]) -> Check | None:
    return None


def _column(data: Mapping[str, Any]) -> str:
    column = data.get("column")
    return column if isinstance(column, str) else ""


def _whole(data: Mapping[str, Any]) -> bool:
    """Whether the expectation is about every row."""
    return data.get("mostly") in (None, 1) and not isinstance(data.get("mostly"), bool)


def _not_null(data: Mapping[str, Any]) -> Check | None:
    column, mostly = _column(data), data.get("mostly", 1)
    if not column or isinstance(mostly, bool) or not isinstance(mostly, int | float) or not 0 <= mostly <= 1:
        return None
    if mostly == 1:
        return checks.no_nulls(column)
    percent = 100 * (1 - Decimal(str(mostly)))
    value = int(percent) if percent == int(percent) else float(percent)
    return Check(rule=library_rule("nullValues", "mustBeLessOrEqualTo", value, unit="percent"), columns=(column,))


def _unique(data: Mapping[str, Any]) -> Check | None:
    return checks.no_duplicates((_column(data),)) if _column(data) and _whole(data) else None


def _compound(data: Mapping[str, Any]) -> Check | None:
    # Where a part of a key may be NULL, the expectation takes two such rows as equal unless it is told to ignore them.
    columns = checks.named_columns(data)
    ignores = data.get("ignore_row_if") == "any_value_is_missing"
    return checks.no_duplicates(columns) if len(columns) > 1 and ignores and _whole(data) else None


def _in_set(data: Mapping[str, Any]) -> Check | None:
    return checks.in_values(_column(data), data.get("value_set")) if _column(data) and _whole(data) else None


def _regex(data: Mapping[str, Any]) -> Check | None:
    return checks.in_pattern(_column(data), data.get("regex")) if _column(data) and _whole(data) else None


def _bounds(data: Mapping[str, Any]) -> Bounds | None:
    strict = [data.get(key, False) for key in ("strict_min", "strict_max")]
    if not all(isinstance(flag, bool) for flag in strict):
        return None
    return Bounds(data.get("min_value"), data.get("max_value"), *strict)


def _between(data: Mapping[str, Any]) -> Check | None:
    bounds = _bounds(data)
    return checks.bounded_values(_column(data), bounds) if bounds and _column(data) and _whole(data) else None


def _lengths(data: Mapping[str, Any]) -> Check | None:
    bounds = _bounds(data)
    return checks.bounded_lengths(_column(data), bounds) if bounds and _column(data) and _whole(data) else None


def _length(data: Mapping[str, Any]) -> Check | None:
    bounds = Bounds(data.get("value"), data.get("value"))
    return checks.bounded_lengths(_column(data), bounds) if _column(data) and _whole(data) else None


def _rows(data: Mapping[str, Any]) -> Check | None:
    bounds = _bounds(data)
    return checks.bounded_rows(bounds) if bounds else None


def _exact_rows(data: Mapping[str, Any]) -> Check | None:
    return checks.bounded_rows(Bounds(data.get("value"), data.get("value")))


_VALUES = frozenset(("column", "mostly"))
_READERS: dict[str, tuple[frozenset[str], _Reader]] = {
    "expect_column_values_to_not_be_null": (_VALUES, _not_null),
    "expect_column_values_to_be_unique": (_VALUES, _unique),
    "expect_compound_columns_to_be_unique": (frozenset(("column_list", "ignore_row_if", "mostly")), _compound),
    "expect_column_values_to_be_in_set": (_VALUES | {"value_set"}, _in_set),
    "expect_column_values_to_match_regex": (_VALUES | {"regex"}, _regex),
    "expect_column_values_to_be_between": (_VALUES | _LIMITS, _between),
    "expect_column_value_lengths_to_be_between": (_VALUES | _LIMITS, _lengths),
    "expect_column_value_lengths_to_equal": (_VALUES | {"value"}, _length),
    "expect_table_row_count_to_be_between": (_LIMITS, _rows),
    "expect_table_row_count_to_equal": (frozenset(("value",)), _exact_rows),
}
