"""Quality checks of other formats as ODCS rules: one of the library where it counts the same, else as it is written.

A check is taken as equal only where every one of its keys is understood; one key more (a filter, a tolerance) and it is
kept for its own engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakepact.convert.building import add_custom, custom_rule, library_rule, predicate_rule
from lakepact.rules.literals import Inexpressible
from lakepact.rules.patterns import java_pattern
from lakepact.sql import literal

__all__ = [
    "Bounds",
    "Check",
    "as_written",
    "bounded_lengths",
    "bounded_rows",
    "bounded_values",
    "described",
    "in_pattern",
    "in_values",
    "named_columns",
    "no_duplicates",
    "no_nulls",
    "read_check",
]

# What a check may say of itself beside what it checks.
DESCRIPTIONS = frozenset(("name", "description", "severity", "dimension", "tags"))
DIMENSIONS = frozenset(
    ("accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness")
)
# The short forms and the older name that the standard itself has, and words that come near one of its own.
_SAME = {
    **{"ac": "accuracy", "cp": "completeness", "cf": "conformity", "cs": "consistency", "cv": "coverage"},
    **{"tm": "timeliness", "uq": "uniqueness", "validity": "conformity"},
}
_NEAR = {"integrity": "consistency", "freshness": "timeliness", "volume": "completeness"}
_SEVERITIES = {"warn": "warning", "fail": "error", "critical": "error", "blocker": "error"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest value; None where there is none."""

    low: Any = None
    high: Any = None
    low_open: bool = False
    high_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a check became: a quality rule, or a service level.

    A rule stands on its column where `columns` names one that is `on_column`, else on the object. `options` are the
    `logicalTypeOptions` that say the same, where the rule says nothing beside them.
    """

    rule: dict[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    on_column: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    level: dict[str, Any] = field(default_factory=dict)

    @property
    def per_row(self) -> bool:
        """Whether lakepact can ask each row for itself, so that rows can be held back."""
        rule = self.rule
        if rule.get("type") == "custom":
            return True
        return rule.get("metric") in ("nullValues", "invalidValues", "missingValues") and rule.get("mustBe") == 0


def described(check: Check, data: Mapping[str, Any]) -> Check:
    """The check with the name, description, severity, dimension and tags that `data` gives it."""
    found: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for key in ("name", "description"):
        if isinstance(data.get(key), str):
            found[key] = data[key]
    severity, dimension = data.get("severity"), data.get("dimension")
    if isinstance(severity, str):
        found["severity"] = _SEVERITIES.get(severity.casefold(), severity)
        custom["severity"] = severity if severity.casefold() in ("critical", "blocker") else None
    if isinstance(dimension, str):
        word = dimension.casefold()
        known = _SAME.get(word) or _NEAR.get(word) or word
        if known in DIMENSIONS:
            found["dimension"] = known
        custom["dimension"] = dimension if word not in DIMENSIONS | _SAME.keys() else None
    if isinstance(data.get("tags"), list) and all(isinstance(tag, str) for tag in data["tags"]):
        found["tags"] = data["tags"]
    if not found and not any(custom.values()):
        return check
    rule = {**check.rule, **found}
    rule["customProperties"] = [*check.rule.get("customProperties", ())]
    add_custom(rule, custom)
    if not rule["customProperties"]:
        del rule["customProperties"]
    return Check(rule=rule, columns=check.columns, on_column=check.on_column, level=check.level)


def as_written(engine: str, data: Mapping[str, Any]) -> Check:
    """The check for its own engine, whole."""
    columns = named_columns(data)
    check = Check(rule=custom_rule(engine, dict(data)), columns=columns, on_column=len(columns) == 1)
    return described(check, data)


def named_columns(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that a check names, as `column` or as `columns`.

    >>> named_columns({"columns": ["id", "created"]}), named_columns({"column": "id"})
    (('id', 'created'), ('id',))
    """
    column = data.get("column")
    several = data.get("columns", data.get("column_list", [] if column is None else [column]))
    if isinstance(several, str):
        several = [several]
    found = several if isinstance(several, list) else []
    return tuple(found) if all(isinstance(name, str) and name for name in found) else ()


def no_nulls(column: str) -> Check:
    """No value is missing."""
    return Check(rule=library_rule("nullValues"), columns=(column,))


def no_duplicates(columns: Sequence[str]) -> Check:
    """The values of the columns together occur once; NULL never collides."""
    if len(columns) == 1:
        return Check(rule=library_rule("duplicateValues"), columns=tuple(columns))
    rule = library_rule("duplicateValues", arguments={"properties": list(columns)})
    return Check(rule=rule, columns=tuple(columns), on_column=False)


def in_pattern(column: str, pattern: Any) -> Check | None:
    """Every value has a match of the pattern somewhere; None where the pattern means something else in ECMA-262."""
    if not isinstance(pattern, str):
        return None
    try:
        java_pattern(pattern)
    except Inexpressible:
        return None
    return Check(rule=library_rule("invalidValues", arguments={"pattern": pattern}), columns=(column,))


def in_values(column: str, values: Any) -> Check | None:
    """Every value is one of these; None where they are no list of single values."""
    if not isinstance(values, list) or not values or any(isinstance(v, dict | list) or v is None for v in values):
        return None
    return Check(rule=library_rule("invalidValues", arguments={"validValues": values}), columns=(column,))


def bounded_values(column: str, bounds: Bounds) -> Check | None:
    """Every value lies within the bounds; None where they are no numbers and no text."""
    limits = [limit for limit in (bounds.low, bounds.high) if limit is not None]
    if not limits or any(isinstance(v, bool) or not isinstance(v, int | float | str) for v in limits):
        return None
    if any(isinstance(v, str) for v in limits) and not _are_plain_texts(limits):
        return None
    options = _options(bounds, "minimum", "maximum") if not isinstance(limits[0], str) else {}
    return Check(rule=predicate_rule(_within("{property}", bounds)), columns=(column,), options=options)


def bounded_lengths(column: str, bounds: Bounds) -> Check | None:
    """Every text has a length within the bounds; None where they are no counts."""
    limits = [limit for limit in (bounds.low, bounds.high) if limit is not None]
    if not limits or any(isinstance(v, bool) or not isinstance(v, int) or v < 0 for v in limits):
        return None
    options = _options(bounds, "minLength", "maxLength") if not bounds.low_open and not bounds.high_open else {}
    return Check(rule=predicate_rule(_within("char_length({property})", bounds)), columns=(column,), options=options)


def bounded_rows(bounds: Bounds) -> Check | None:
    """The dataset has that many rows; None where the bounds are no counts, or cannot be said by one operator."""
    limits = [limit for limit in (bounds.low, bounds.high) if limit is not None]
    if not limits or any(isinstance(v, bool) or not isinstance(v, int) for v in limits):
        return None
    if len(limits) == 2 and (bounds.low_open or bounds.high_open):
        return None
    if len(limits) == 2:
        same = bounds.low == bounds.high
        operator, value = ("mustBe", bounds.low) if same else ("mustBeBetween", [bounds.low, bounds.high])
    elif bounds.high is None:
        operator, value = "mustBeGreaterThan" if bounds.low_open else "mustBeGreaterOrEqualTo", bounds.low
    else:
        operator, value = "mustBeLessThan" if bounds.high_open else "mustBeLessOrEqualTo", bounds.high
    return Check(rule=library_rule("rowCount", operator, value), on_column=False)


def _are_plain_texts(limits: Sequence[Any]) -> bool:
    # A date or a name; anything with a blank may be an expression of its engine, such as `2 hours ago`.
    return all(isinstance(v, str) and v and v != "now" and not set(v) & set(" ${}") for v in limits)


def _within(value: str, bounds: Bounds) -> str:
    parts = []
    if bounds.low is not None:
        parts.append(f"{value} {'>' if bounds.low_open else '>='} {literal(bounds.low)}")
    if bounds.high is not None:
        parts.append(f"{value} {'<' if bounds.high_open else '<='} {literal(bounds.high)}")
    return f"{{property}} IS NULL OR ({' AND '.join(parts)})"


def _options(bounds: Bounds, lowest: str, highest: str) -> dict[str, Any]:
    found = {}
    if bounds.low is not None:
        found["exclusiveMinimum" if bounds.low_open else lowest] = bounds.low
    if bounds.high is not None:
        found["exclusiveMaximum" if bounds.high_open else highest] = bounds.high
    return found


_Reader = Callable[[Mapping[str, Any], tuple[str, ...]], "list[Check] | None"]


def read_check(engine: str, data: Mapping[str, Any]) -> list[Check]:
    """What a check with a `type` became (`null_check`, `range`, ...); one for each column where it names many."""
    kind = data.get("type")
    keys, reader = _READERS.get(kind.casefold() if isinstance(kind, str) else "", (frozenset[str](), _nothing))
    if set(data) <= keys | DESCRIPTIONS | {"type", "column", "columns"}:
        found = reader(data, named_columns(data))
        if found:
            return [described(check, data) for check in found]
    return [as_written(engine, data)]


def _nothing(_data: Mapping[str, Any], _columns: tuple[str, ...]) -> list[Check] | None:
    return None


def _nulls(_data: Mapping[str, Any], columns: tuple[str, ...]) -> list[Check] | None:
    return [no_nulls(column) for column in columns]


def _uniques(_data: Mapping[str, Any], columns: tuple[str, ...]) -> list[Check] | None:
    return [no_duplicates(columns)] if columns else None


def _ranges(data: Mapping[str, Any], columns: tuple[str, ...]) -> list[Check] | None:
    return _each(columns, lambda column: bounded_values(column, Bounds(data.get("min"), data.get("max"))))


def _lengths(data: Mapping[str, Any], columns: tuple[str, ...]) -> list[Check] | None:
    return _each(columns, lambda column: bounded_lengths(column, Bounds(data.get("min"), data.get("max"))))


def _patterns(data: Mapping[str, Any], columns: tuple[str, ...]) -> list[Check] | None:
    pattern = data.get("pattern", data.get("regex"))
    return None if {"pattern", "regex"} <= set(data) else _each(columns, lambda column: in_pattern(column, pattern))


def _values(data: Mapping[str, Any], columns: tuple[str, ...]) -> list[Check] | None:
    given = [data[key] for key in ("values", "valid_values", "value_set") if key in data]
    return _each(columns, lambda column: in_values(column, given[0])) if len(given) == 1 else None


def _rows(data: Mapping[str, Any], columns: tuple[str, ...]) -> list[Check] | None:
    check = bounded_rows(Bounds(data.get("min"), data.get("max")))
    return [check] if check and not columns else None


def _fresh(data: Mapping[str, Any], columns: tuple[str, ...]) -> list[Check] | None:
    hours = data.get("max_age_hours")
    if isinstance(hours, bool) or not isinstance(hours, int | float) or len(columns) != 1:
        return None
    return [Check(level={"property": "freshness", "value": hours, "unit": "h"}, columns=columns)]


def _each(columns: tuple[str, ...], made: Callable[[str], Check | None]) -> list[Check] | None:
    checks = [made(column) for column in columns]
    return [check for check in checks if check] if all(checks) else None


_LIMITS = frozenset(("min", "max"))
_READERS: dict[str, tuple[frozenset[str], _Reader]] = {
    **dict.fromkeys(("null_check", "not_null", "missing", "nulls", "completeness"), (frozenset(), _nulls)),
    **dict.fromkeys(("unique_check", "unique", "uniqueness", "duplicate"), (frozenset(), _uniques)),
    **dict.fromkeys(("range_check", "range"), (_LIMITS, _ranges)),
    **dict.fromkeys(("length_check", "length"), (_LIMITS, _lengths)),
    **dict.fromkeys(("regex_check", "regex", "pattern"), (frozenset(("pattern", "regex")), _patterns)),
    **dict.fromkeys(
        ("accepted_values", "values_check", "enum", "valid_values"),
        (frozenset(("values", "valid_values", "value_set")), _values),
    ),
    **dict.fromkeys(("row_count", "row_count_check"), (_LIMITS, _rows)),
    "freshness": (frozenset(("max_age_hours",)), _fresh),
}
