"""Predicates of foreign SQL that say the same as clauses of ODCS: `x IS NOT NULL`, `x > 0`, BETWEEN, IN, RLIKE, length.

Only what is beyond doubt is taken: one column against literals. Everything else stays the SQL that it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakepact.rules.literals import Inexpressible
from lakepact.rules.patterns import java_pattern
from lakepact.sql_text import Token, TokenKind, name_parts, significant, string_value, tokenize

__all__ = ["Clause", "clauses_of", "portable_pattern"]

_COMPARISONS = {">": "exclusiveMinimum", ">=": "minimum", "<": "exclusiveMaximum", "<=": "maximum"}
_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "=": "=", "==": "=="}
_LENGTHS = {"LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH", "LEN"}
_PATTERN_WORDS = ("RLIKE", "REGEXP")
_PATTERN_FUNCTIONS = ("RLIKE", "REGEXP", "REGEXP_LIKE")
_NO_COLUMNS = {
    *(
        "TRUE",
        "FALSE",
        "NULL",
        "NOT",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "AND",
        "OR",
        "IN",
        "IS",
        "BETWEEN",
        "LIKE",
    ),
    *("CURRENT_DATE", "CURRENT_TIMESTAMP", "CURRENT_TIME", "CURRENT_USER", "LOCALTIMESTAMP", "USER", "SESSION_USER"),
    *("DATE", "TIMESTAMP", "TIMESTAMP_NTZ", "INTERVAL", "EXISTS", "SELECT"),
}


@dataclass(frozen=True, slots=True)
class Clause:
    """What a part of a predicate demands of one column.

    `kind` is `required`, `validValues` (`value` is a list) or an option of ODCS. `null_passes`: NULL does not break it.
    """

    column: str
    kind: str
    value: Any = True
    null_passes: bool = False


def clauses_of(predicate: str) -> tuple[Clause, ...]:
    """The clauses that together say what `predicate` says; () where a part of it has no clause.

    >>> [(clause.column, clause.kind, clause.value) for clause in clauses_of("id IS NOT NULL AND amount > 0")]
    [('id', 'required', True), ('amount', 'exclusiveMinimum', 0)]
    >>> clauses_of("amount > discount")
    ()
    """
    tokens = significant(tokenize(predicate))
    if any(token.kind is TokenKind.UNTERMINATED for token in tokens):
        return ()
    found: list[Clause] = []
    for part in _conjuncts(tokens):
        clauses = _part(part)
        if not clauses:
            return ()
        found += clauses
    return tuple(found)


def portable_pattern(pattern: str) -> bool:
    r"""Whether a pattern of Java means the same in ODCS; `$` is the very end of the text in both.

    >>> portable_pattern("^[A-Z]{2}$"), portable_pattern(r"\p{Alpha}+"), portable_pattern("a++")
    (True, False, False)
    """
    if r"\z" in pattern:
        return False
    try:
        found = java_pattern(pattern)
    except Inexpressible:
        return False
    return not found.note and found.text.replace(r"\z", "$") == pattern


def _unwrapped(tokens: Sequence[Token]) -> list[Token]:
    """Without parentheses around the whole."""
    found = list(tokens)
    while len(found) > 1 and found[0].text == "(" and _closing(found, 0) == len(found) - 1:
        found = found[1:-1]
    return found


def _closing(tokens: Sequence[Token], start: int) -> int:
    depth = 0
    for index in range(start, len(tokens)):
        depth += (tokens[index].text == "(") - (tokens[index].text == ")")
        if not depth:
            return index
    return -1


def _conjuncts(tokens: Sequence[Token]) -> list[list[Token]]:
    """The parts between the ANDs outside of parentheses; the AND of a BETWEEN is none of them."""
    found: list[list[Token]] = [[]]
    depth, between = 0, False
    for token in _unwrapped(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if not depth and token.is_word("OR", "CASE"):
            return [list(_unwrapped(tokens))]
        if not depth and token.is_word("BETWEEN"):
            between = True
        elif not depth and token.is_word("AND"):
            if not between:
                found.append([])
                continue
            between = False
        found[-1].append(token)
    parts: list[list[Token]] = []
    for part in found:
        inner = _unwrapped(part)
        parts += _conjuncts(inner) if inner != part else [part]
    return parts


def _part(tokens: Sequence[Token]) -> list[Clause]:
    found = _unwrapped(tokens)
    nullable = _null_or(found)
    if nullable is not None:
        column, rest = nullable
        clauses = _simple(_unwrapped(rest))
        if any(clause.column.casefold() != column.casefold() or clause.kind == "required" for clause in clauses):
            return []
        return [Clause(clause.column, clause.kind, clause.value, True) for clause in clauses]
    return _simple(found)


def _null_or(tokens: Sequence[Token]) -> tuple[str, Sequence[Token]] | None:
    """`x IS NULL OR ...`: the column and the rest."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if not depth and token.is_word("OR"):
            left = _unwrapped(tokens[:index])
            if len(left) == 3 and left[1].is_word("IS") and left[2].is_word("NULL") and (name := _column(left[0])):
                return name, tokens[index + 1 :]
            return None
    return None


def _simple(tokens: Sequence[Token]) -> list[Clause]:
    texts = [token.text.upper() if token.kind is TokenKind.WORD else token.text for token in tokens]
    if not texts:
        return []
    if texts[0] in _PATTERN_FUNCTIONS and texts[1:2] == ["("] and texts[-1] == ")":
        return _pattern_call(tokens[2:-1])
    if texts[0] in _LENGTHS and texts[1:2] == ["("] and texts[3:4] == [")"]:
        column = _column(tokens[2])
        return _lengths(column, tokens[4:]) if column else []
    column = _column(tokens[0])
    if column is None:
        return _mirrored(tokens)
    rest, words = tokens[1:], texts[1:]
    if words == ["IS", "NOT", "NULL"]:
        return [Clause(column, "required")]
    if words[:1] == ["BETWEEN"]:
        return _between(column, rest[1:], ("minimum", "maximum"))
    if words[:2] == ["IN", "("] and words[-1] == ")":
        return _members(column, rest[2:-1])
    if words[:1] and words[0] in _PATTERN_WORDS:
        return _pattern(column, rest[1:])
    operator, operand = _operator(rest)
    return _compared(column, operator, operand)


def _operator(tokens: Sequence[Token]) -> tuple[str, Sequence[Token]]:
    """`>=` is two tokens."""
    count = 0
    while count < len(tokens) and count < 2 and tokens[count].text in ("<", ">", "=", "!"):
        count += 1
    return "".join(token.text for token in tokens[:count]), tokens[count:]


def _mirrored(tokens: Sequence[Token]) -> list[Clause]:
    """`0 < x`."""
    for index, token in enumerate(tokens):
        if token.text in ("<", ">", "="):
            operator, right = _operator(tokens[index:])
            column = _column(right[0]) if len(right) == 1 else None
            return _compared(column, _MIRRORED.get(operator, ""), tokens[:index]) if column else []
    return []


def _compared(column: str, operator: str, operand: Sequence[Token]) -> list[Clause]:
    found, value = _literal(operand)
    if not found:
        return []
    if operator in ("=", "=="):
        return [Clause(column, "validValues", [value])]
    orders = isinstance(value, int | float | dt.date) and not isinstance(value, bool)
    return [Clause(column, _COMPARISONS[operator], value)] if operator in _COMPARISONS and orders else []


def _between(column: str, tokens: Sequence[Token], kinds: tuple[str, str]) -> list[Clause]:
    at = next((index for index, token in enumerate(tokens) if token.is_word("AND")), None)
    if at is None:
        return []
    sides = (_literal(tokens[:at]), _literal(tokens[at + 1 :]))
    if not all(found and isinstance(value, int | float | dt.date) for found, value in sides):
        return []
    return [Clause(column, kind, value) for kind, (_, value) in zip(kinds, sides, strict=True)]


def _members(column: str, tokens: Sequence[Token]) -> list[Clause]:
    values: list[Any] = []
    item: list[Token] = []
    for token in [*tokens, None]:
        if token is not None and token.text != ",":
            item.append(token)
            continue
        found, value = _literal(item)
        if not found:
            return []
        values.append(value)
        item = []
    return [Clause(column, "validValues", values)]


def _pattern(column: str, tokens: Sequence[Token]) -> list[Clause]:
    if not tokens or any(token.kind is not TokenKind.STRING for token in tokens):
        return []
    pattern = string_value(tokens)
    return [Clause(column, "pattern", pattern)] if portable_pattern(pattern) else []


def _pattern_call(tokens: Sequence[Token]) -> list[Clause]:
    if len(tokens) != 3 or tokens[1].text != ",":
        return []
    column = _column(tokens[0])
    return _pattern(column, tokens[2:]) if column else []


def _lengths(column: str, tokens: Sequence[Token]) -> list[Clause]:
    if tokens and tokens[0].is_word("BETWEEN"):
        found = _between(column, tokens[1:], ("minLength", "maxLength"))
        return found if all(type(clause.value) is int and clause.value >= 0 for clause in found) else []
    operator, operand = _operator(tokens)
    known, value = _literal(operand)
    if not known or type(value) is not int:
        return []
    limits = {
        ">=": ("minLength", value),
        ">": ("minLength", value + 1),
        "<=": ("maxLength", value),
        "<": ("maxLength", value - 1),
    }
    if operator in ("=", "==") and value >= 0:
        return [Clause(column, "minLength", value), Clause(column, "maxLength", value)]
    kind, limit = limits.get(operator, ("", -1))
    return [Clause(column, kind, limit)] if limit >= 0 else []


def _column(token: Token) -> str | None:
    if token.kind is TokenKind.QUOTED or (token.kind is TokenKind.WORD and token.text.upper() not in _NO_COLUMNS):
        parts = name_parts(token.text)
        return parts[0] if len(parts) == 1 and not token.text[0].isdigit() else None
    return None


def _literal(tokens: Sequence[Token]) -> tuple[bool, Any]:
    """Whether the tokens are one literal, and its value; a number keeps its kind."""
    texts = [token.text for token in tokens]
    if len(tokens) == 2 and tokens[0].is_word("DATE") and tokens[1].kind is TokenKind.STRING:
        try:
            return True, dt.date.fromisoformat(string_value(tokens[1:]))
        except ValueError:
            return False, None
    sign = -1 if texts[:1] == ["-"] else 1
    number = tokens[1:] if texts[:1] in (["-"], ["+"]) else tokens
    if len(number) == 1 and number[0].kind is TokenKind.NUMBER:
        return _number(number[0].text, sign)
    if tokens and all(token.kind is TokenKind.STRING for token in tokens):
        return True, string_value(tokens)
    if len(tokens) != 1:
        return False, None
    return tokens[0].is_word("TRUE", "FALSE"), tokens[0].is_word("TRUE")


def _number(text: str, sign: int) -> tuple[bool, Any]:
    plain = text.upper().removesuffix("BD").rstrip("LSYDF")
    if plain.isdigit():
        return True, sign * int(plain)
    try:
        value = float(plain)
    except ValueError:
        return False, None
    # A decimal that a float does not hold would be another bound.
    return (True, sign * value) if Decimal(repr(value)) == Decimal(plain) else (False, None)
