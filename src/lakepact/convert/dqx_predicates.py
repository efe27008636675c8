"""What checks of DQX demand of a row, as SQL predicates that are TRUE for a row that passes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lakepact.sql import identifier, literal, string
from lakepact.sql_text import name_parts

__all__ = ["Untranslatable", "has_bare_text", "plain_column", "predicate_of"]

_PLAIN = re.compile(r"[A-Za-z_]\w*|`(?:[^`]|``)+`")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.|'')*)'|\"([^\"\\]*)\"")


class Untranslatable(ValueError):
    """The check has no predicate that surely says the same; the text says why, where that is not plain."""


def plain_column(text: str) -> str | None:
    """The name, where `text` is the name of a column and no expression.

    >>> plain_column("`unit price`"), plain_column("a.b")
    ('unit price', None)
    """
    return name_parts(text)[0] if _PLAIN.fullmatch(text) else None


def has_bare_text(arguments: Mapping[str, Any]) -> bool:
    """Whether a list of values holds text without quotes of its own, which DQX 0.16 and later take for a column."""
    listed = arguments.get("allowed") or arguments.get("forbidden")
    return isinstance(listed, list) and any(isinstance(each, str) and not _QUOTED.fullmatch(each) for each in listed)


def predicate_of(function: str, arguments: Mapping[str, Any], condition: str = "") -> str:
    """What `function` demands of each row, or of those that meet `condition`.

    Raises Untranslatable for a check that has no such predicate.

    >>> predicate_of("is_in_range", {"column": "amount", "min_limit": 0, "max_limit": 9})
    '`amount` IS NULL OR `amount` BETWEEN 0 AND 9'
    """
    make = _MAKERS.get(function)
    if make is None:
        raise Untranslatable
    predicate = make(_Arguments(arguments))
    return f"NOT coalesce(({_closed(condition)}), FALSE) OR ({predicate})" if condition else predicate


class _Arguments:
    """The arguments of one check; those that nobody takes make it untranslatable."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = dict(given)

    def column(self) -> str:
        """The column as SQL: DQX takes names and expressions alike."""
        text = str(self._given.pop("column", "") or "")
        if not text:
            raise Untranslatable("it names no column")
        name = plain_column(text)
        return identifier(name) if name else f"({_closed(text)})"

    def take(self, key: str, default: Any = None) -> Any:
        return self._given.pop(key, default)

    def number(self, key: str) -> str:
        value = self._given.pop(key, None)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Untranslatable(f"{key} is an expression" if value is not None else f"{key} is missing")
        return repr(value)

    def values(self, key: str) -> list[Any]:
        """Literals. Since 0.16 text without quotes inside is an expression; before, it was the value."""
        found = self._given.pop(key, None)
        if not isinstance(found, list) or not found:
            raise Untranslatable(f"{key} is no list")
        quoted = [_QUOTED.fullmatch(value) if isinstance(value, str) else None for value in found]
        if any(quoted) and any(isinstance(v, str) and not q for v, q in zip(found, quoted, strict=True)):
            raise Untranslatable(f"{key} holds columns")
        if any(value is None or isinstance(value, dict | list) for value in found):
            raise Untranslatable(f"{key} holds more than plain values")
        return [_content(match) if match else value for value, match in zip(found, quoted, strict=True)]

    def end(self) -> None:
        if self._given:
            raise Untranslatable(f"{', '.join(sorted(self._given))} has no equal")


def _content(match: re.Match[str]) -> str:
    return match[1].replace("''", "'") if match[1] is not None else match[2]


def _closed(text: str) -> str:
    """SQL that somebody wrote, so that a comment at its end does not swallow what follows."""
    return f"{text.strip()}\n" if "--" in text else text.strip()


def _listed(values: list[Any]) -> str:
    return ", ".join(repr(value) if isinstance(value, float) else literal(value) for value in values)


def _not_null(given: _Arguments) -> str:
    column = given.column()
    given.end()
    return f"{column} IS NOT NULL"


def _not_empty(given: _Arguments, *, null_passes: bool) -> str:
    column, trimmed = given.column(), given.take("trim_strings", False)
    given.end()
    text = f"trim({column})" if trimmed else column
    return f"{column} IS {'NULL OR' if null_passes else 'NOT NULL AND'} length({text}) >= 1"


def _in_list(given: _Arguments, *, null_passes: bool = True, forbidden: bool = False) -> str:
    column = given.column()
    values = given.values("forbidden" if forbidden else "allowed")
    folded = given.take("case_sensitive", True) is False
    given.end()
    if folded:
        values = [value.lower() if isinstance(value, str) else value for value in values]
    member = f"{f'lower({column})' if folded else column} IN ({_listed(values)})"
    if forbidden:
        return f"NOT coalesce({member}, FALSE)"
    return f"{column} IS NULL OR {member}" if null_passes else f"{column} IS NOT NULL AND {member}"


def _limit(given: _Arguments, key: str, operator: str) -> str:
    column, limit = given.column(), given.number(key)
    given.end()
    return f"{column} IS NULL OR {column} {operator} {limit}"


def _in_range(given: _Arguments, *, inside: bool) -> str:
    column, lower, upper = given.column(), given.number("min_limit"), given.number("max_limit")
    given.end()
    return f"{column} IS NULL OR {column} {'' if inside else 'NOT '}BETWEEN {lower} AND {upper}"


def _regex(given: _Arguments) -> str:
    column, pattern, negate = given.column(), given.take("regex"), given.take("negate", False)
    given.end()
    if not isinstance(pattern, str):
        raise Untranslatable("regex is missing")
    return f"{column} IS NULL OR {'NOT ' if negate else ''}{column} RLIKE {string(pattern)}"


def _moment(given: _Arguments, key: str) -> str:
    column, pattern = given.column(), given.take(key)
    given.end()
    written = f", {string(str(pattern))}" if pattern else ""
    return f"{column} IS NULL OR try_to_timestamp({column}{written}) IS NOT NULL"


def _expression(given: _Arguments) -> str:
    text, negate = given.take("expression"), given.take("negate", False)
    for key in ("msg", "name", "columns"):
        given.take(key)
    given.end()
    if not isinstance(text, str) or not text.strip():
        raise Untranslatable("expression is missing")
    return f"NOT coalesce(({_closed(text)}), FALSE)" if negate else f"coalesce(({_closed(text)}), TRUE)"


_MAKERS: Mapping[str, Callable[[_Arguments], str]] = {
    "is_not_null": _not_null,
    "is_not_empty": lambda given: _not_empty(given, null_passes=True),
    "is_not_null_and_not_empty": lambda given: _not_empty(given, null_passes=False),
    "is_in_list": _in_list,
    "is_not_null_and_is_in_list": lambda given: _in_list(given, null_passes=False),
    "is_not_in_list": lambda given: _in_list(given, forbidden=True),
    "is_not_less_than": lambda given: _limit(given, "limit", ">="),
    "is_not_greater_than": lambda given: _limit(given, "limit", "<="),
    "is_equal_to": lambda given: _limit(given, "value", "="),
    "is_in_range": lambda given: _in_range(given, inside=True),
    "is_not_in_range": lambda given: _in_range(given, inside=False),
    "regex_match": _regex,
    "is_valid_date": lambda given: _moment(given, "date_format"),
    "is_valid_timestamp": lambda given: _moment(given, "timestamp_format"),
    "sql_expression": _expression,
}
