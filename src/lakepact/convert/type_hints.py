"""The type of a column that nobody has declared, where the checks of it leave no doubt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["hinted_type"]

_LIMITS = ("min_value", "max_value", "min", "max")
_MOMENT = re.compile(r"now|\d+ (minute|hour|day|week)s? ago|\d{4}-\d{2}-\d{2}([T ].*)?")
_TEXTS = ("regex", "pattern", "regex_list", "like_pattern")


def hinted_type(rules: Sequence[Mapping[str, Any]]) -> str | None:
    """The `logicalType` that all checks agree on: number, timestamp or string; None where they say none or several.

    >>> hinted_type([{"implementation": {"name": "expect_column_mean_to_be_between", "min_value": 0.3}}])
    'number'
    """
    found = {hint for rule in rules for hint in _hints(rule.get("implementation"))}
    return found.pop() if len(found) == 1 else None


def _hints(written: Any) -> Iterator[str]:
    if not isinstance(written, Mapping):
        return
    said = {**written, **(written["kwargs"] if isinstance(written.get("kwargs"), Mapping) else {})}
    name = str(said.get("type", said.get("expectation_type", said.get("name", ""))))
    if "length" not in name:
        yield from (_of_value(said[key]) for key in _LIMITS if said.get(key) is not None)
    if "max_age_hours" in said:
        yield "timestamp"
    if any(key in said for key in _TEXTS) or "length" in name:
        yield "string"
    for value in said.get("value_set") or ():
        yield _of_value(value)


def _of_value(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "timestamp" if _MOMENT.fullmatch(str(value)) else "string"
