"""Measures of whole datasets that are taken from some of the rows of a query, beside what it counts of all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lakepact.rules.model import Aggregate, DatasetRule, Query
from lakepact.sql_text import Token, TokenKind, join, significant, tokenize

__all__ = ["RowMeasure", "filtered", "row_measure"]

_AGGREGATES: Final = {
    *("avg", "bool_and", "bool_or", "count", "count_if", "every", "max", "mean", "min", "stddev", "stddev_pop"),
    *("stddev_samp", "sum", "var_pop", "var_samp", "variance"),
}
# What may stand before a parenthesis and aggregates nothing. Any other word may be an aggregate.
_OTHERS: Final = {
    *("abs", "and", "between", "by", "case", "cast", "ceil", "ceiling", "coalesce", "current_date"),
    *("current_timestamp", "date_diff", "datediff", "div", "else", "floor", "greatest", "if", "ifnull", "in", "is"),
    *("isnan", "isnull", "least", "length", "like", "lower", "not", "nullif", "nvl", "or", "rlike", "round"),
    *("sqrt", "substring", "then", "to_date", "to_timestamp", "trim", "try_cast", "try_divide", "unix_seconds"),
    *("upper", "when", "year", "month", "day", "hour"),
}
# What makes more of a query than one line of aggregates over one relation.
_MORE: Final = {
    *("all", "cluster", "cross", "distinct", "distribute", "except", "filter", "from", "full", "group", "having"),
    *("inner", "intersect", "join", "lateral", "left", "limit", "minus", "natural", "offset", "order", "over"),
    *("pivot", "qualify", "right", "select", "sort", "tablesample", "union", "unpivot", "values", "window"),
    *("where", "with", "within"),
}
_OBJECT: Final = re.compile(r"\{object:([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class RowMeasure:
    """An expression of aggregates, over the rows for which `where` is true ('': over all)."""

    expression: str
    where: str = ""

    def over(self, condition: str) -> str | None:
        """The expression over the rows for which `condition` ('': any) is true as well; None where that is unclear."""
        conditions = [f"({each})" for each in (condition, self.where) if each]
        return filtered(self.expression, " AND ".join(conditions)) if conditions else self.expression


def row_measure(rule: DatasetRule) -> RowMeasure | None:
    """What the rule measures, where one pass over the rows of its own object gives it.

    Of queries these are `SELECT aggregates FROM {object}`, with WHERE or without.
    """
    match rule.measure:
        case Aggregate(expression=expression):
            return RowMeasure(expression)
        case Query(text=text):
            return _of_query(text, rule.object)
    return None


def _of_query(text: str, name: str) -> RowMeasure | None:
    parts = _OBJECT.split(text.strip().rstrip(";"))
    if len(parts) != 3 or parts[1] != name:
        return None
    head, tail = tokenize(parts[0]), tokenize(parts[2])
    first, last = significant(head), significant(tail)
    if len(first) < 3 or first[0].text.casefold() != "select" or first[-1].text.casefold() != "from":
        return None
    if last and last[0].text.casefold() != "where":
        return None
    expression = _without_alias(head[head.index(first[0]) + 1 : head.index(first[-1])])
    where = join(tail[tail.index(last[0]) + 1 :]).strip() if last else ""
    if last and (not where or _unclear(tail[tail.index(last[0]) + 1 :])):
        return None
    return RowMeasure(expression, where) if filtered(expression, "TRUE") is not None else None


def _without_alias(tokens: list[Token]) -> str:
    """The text of one column of a query without its name."""
    seen = significant(tokens)
    named = len(seen) > 2 and seen[-2].text.casefold() == "as" and seen[-3].text == ")"
    return join(tokens[: tokens.index(seen[-2])] if named else tokens).strip()


def filtered(expression: str, condition: str) -> str | None:
    """`expression` with each of its aggregates over the rows alone for which `condition` is true.

    None where it is not certain what aggregates: for functions that are not known here, windows and queries within.

    >>> filtered("count_if(a > 1) / count(*)", "b")
    'count_if(a > 1) FILTER (WHERE b) / count(*) FILTER (WHERE b)'
    >>> filtered("my_sum(a)", "b") is None
    True
    """
    tokens = tokenize(expression)
    if _unclear(tokens):
        return None
    made, opened, found = list[str](), list[bool](), False
    before: Token | None = None
    for token in tokens:
        made.append(token.text)
        if token.text == "(":
            # What an aggregate is made of is computed row by row, whatever the functions are.
            aggregates = False if any(opened) else _aggregates(before)
            if aggregates is None:
                return None
            opened.append(aggregates)
        elif token.text == ")":
            if not opened:
                return None
            if opened.pop():
                made.append(f" FILTER (WHERE {condition})")
                found = True
        if token.kind is not TokenKind.SPACE:
            before = token
    return "".join(made) if found and not opened else None


def _unclear(tokens: list[Token]) -> bool:
    """Whether it holds a comment, two columns, an aggregate of distinct values, a window or a query."""
    depth = 0
    for token in tokens:
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if token.kind in (TokenKind.COMMENT, TokenKind.UNTERMINATED) or (depth == 0 and token.text == ","):
            return True
    return bool(_MORE & _words(tokens))


def _words(tokens: list[Token]) -> set[str]:
    return {token.text.casefold() for token in tokens if token.kind is TokenKind.WORD}


def _aggregates(before: Token | None) -> bool | None:
    """Whether a parenthesis after that token holds what is aggregated; None where nobody knows."""
    if before is None or before.kind not in (TokenKind.WORD, TokenKind.QUOTED):
        return False
    word = before.text.casefold()
    if word in _AGGREGATES:
        return True
    return False if word in _OTHERS else None
