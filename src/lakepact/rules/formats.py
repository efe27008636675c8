"""Formats: what `format` of a string demands, and which Java date patterns Spark can read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lakepact.rules.literals import Inexpressible
from lakepact.sql import string

__all__ = ["TIME_PATTERN", "date_pattern", "string_format_test"]

# A time of day in ISO 8601, with seconds; fraction and offset may be there.
TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})?\z"

_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DATE_TIME = _DATE + r"[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})\z"
_EMAIL = (
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(?:[.][A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?){1,126}\z"
)
_UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\z"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:[.]{_OCTET}){{3}}"
_GROUP = r"[0-9a-fA-F]{1,4}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = rf"^(?=.{{1,253}}\z){_LABEL}(?:[.]{_LABEL}){{0,126}}\z"
_URI = r"^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+\z"


def _ipv6() -> str:
    """RFC 4291 text, with '::' at most once and an IPv4 address as the last two groups."""
    tail = rf"(?:{_GROUP}:{_GROUP}|{_IPV4})"
    forms = [rf"(?:{_GROUP}:){{6}}{tail}"]
    for left in range(6):
        head = rf"(?:(?:{_GROUP}:){{0,{left}}}{_GROUP})?" if left else ""
        forms.append(rf"{head}::(?:{_GROUP}:){{{5 - left}}}{tail}")
    forms.append(rf"(?:(?:{_GROUP}:){{0,5}}{_GROUP})?::{_GROUP}")
    forms.append(rf"(?:(?:{_GROUP}:){{0,6}}{_GROUP})?::")
    return "^(?:" + "|".join(forms) + r")\z"


def _matching(pattern: str) -> Callable[[str], str]:
    return lambda value: f"{value} RLIKE {string(pattern)}"


_BASE64 = string(r"^[A-Za-z0-9+/]*={0,2}\z")
_TESTS: Mapping[str, Callable[[str], str]] = {
    "email": _matching(_EMAIL),
    "uuid": _matching(_UUID),
    "ipv4": _matching(rf"^{_IPV4}\z"),
    "ipv6": _matching(_ipv6()),
    "hostname": _matching(_HOSTNAME),
    "uri": _matching(_URI),
    "byte": lambda value: f"char_length({value}) % 4 = 0 AND {value} RLIKE {_BASE64}",
    "date": lambda v: f"{v} RLIKE {string(_DATE + chr(92) + 'z')} AND try_cast({v} AS DATE) IS NOT NULL",
    "date-time": lambda v: f"{v} RLIKE {string(_DATE_TIME)} AND try_cast(upper({v}) AS TIMESTAMP) IS NOT NULL",
    "time": _matching(TIME_PATTERN),
}
_UNTESTABLE = {
    "password": "a hint to hide the value, which demands nothing of it",
    "binary": "any sequence of bytes, which demands nothing of the value",
}


def string_format_test(value: str, name: str) -> str:
    """SQL that a text (never NULL) has the format `name`; Inexpressible for formats that demand nothing or are unknown.

    >>> string_format_test("`a`", "byte")
    "char_length(`a`) % 4 = 0 AND `a` RLIKE '^[A-Za-z0-9+/]*={0,2}\\\\\\\\z'"
    """
    if test := _TESTS.get(name.casefold()):
        return test(value)
    raise Inexpressible(_UNTESTABLE.get(name.casefold(), f"format {name!r} is not one that lakepact can test"))


# Longest run of each letter that Spark accepts.
_LETTERS = {
    **{"G": 4, "y": 6, "u": 6, "D": 3, "M": 4, "L": 4, "d": 2, "Q": 4, "q": 4, "E": 4},
    **{"a": 1, "h": 2, "K": 2, "k": 2, "H": 2, "m": 2, "s": 2, "S": 9},
    **{"V": 2, "z": 4, "O": 4, "X": 5, "x": 5, "Z": 5},
}


def date_pattern(pattern: str) -> str:
    """`pattern`, if Spark can read texts with it; else Inexpressible says which part of it is wrong.

    >>> date_pattern("dd/MM/yyyy HH:mm")
    'dd/MM/yyyy HH:mm'
    """
    if pattern.count("'") % 2:
        raise Inexpressible(f"date pattern {pattern!r}: a quote is not closed")
    depth = 0
    for match in re.finditer(r"'[^']*'|([A-Za-z])\1*|.", pattern, re.DOTALL):
        run = match[0]
        if match[1]:
            _check_letters(pattern, run)
        elif run in "{}#":
            raise Inexpressible(f"date pattern {pattern!r}: {run!r} is reserved in Java patterns")
        depth += {"[": 1, "]": -1}.get(run, 0)
        if depth < 0:
            break
    if depth:
        raise Inexpressible(f"date pattern {pattern!r}: '[' and ']' do not match")
    if not re.search(r"[yuDMLdQqhKkHmsS]", re.sub(r"'[^']*'", "", pattern)):
        raise Inexpressible(f"date pattern {pattern!r} has no part of a date or time")
    return pattern


def _check_letters(pattern: str, run: str) -> None:
    letter = run[0]
    hint = {"T": ", quote it: 'T'", "Y": " for a year, which is y", "n": ", fractions are S"}.get(letter, "")
    if letter not in _LETTERS:
        raise Inexpressible(f"date pattern {pattern!r}: Spark does not read the letter {letter!r}{hint}")
    if len(run) > _LETTERS[letter] or (letter == "V" and len(run) != 2) or (letter == "O" and len(run) not in (1, 4)):
        raise Inexpressible(f"date pattern {pattern!r}: Spark does not read {run!r}")
