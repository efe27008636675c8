"""The one place where names and values become SQL text.

Spark and Databricks read the same three forms: a name in backticks with inner backticks doubled; a string in single
quotes with backslash escapes; a typed literal (`DATE'…'`, `TIMESTAMP'…'`, `1.5BD`). `$` is written as `\\u0024` inside
strings, because both Spark (`spark.sql.variable.substitute`) and Databricks pipelines replace `${…}` in SQL text.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from decimal import Decimal

__all__ = ["identifier", "literal", "qualified", "string"]

_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\0": "\\0",
    "\b": "\\b",
    "\x1a": "\\Z",
    "$": "\\u0024",
}


def identifier(name: str) -> str:
    """`name` as one quoted SQL identifier.

    >>> identifier("unit price")
    '`unit price`'
    >>> identifier("a`b")
    '`a``b`'
    """
    return "`" + name.replace("`", "``") + "`"


def qualified(parts: Sequence[str]) -> str:
    """The parts of a name, each quoted, joined by dots.

    >>> qualified(["main", "sales", "orders"])
    '`main`.`sales`.`orders`'
    """
    return ".".join(identifier(part) for part in parts)


def string(text: str) -> str:
    r"""`text` as a SQL string literal, with nothing left for the parser or a variable substitution to read.

    >>> string("it's")
    "'it\\'s'"
    """
    return "'" + "".join(_ESCAPES.get(char, char) for char in text) + "'"


def literal(value: object) -> str:
    """A Python value as a SQL literal of the fitting type.

    Raises TypeError for a type that has no literal.

    >>> literal(3), literal("a"), literal(None), literal(True)
    ('3', "'a'", 'NULL', 'TRUE')
    >>> literal(Decimal("1.50"))
    '1.50BD'
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return _integer(value)
        case float():
            return _double(value)
        case Decimal():
            return f"{value:f}BD" if value.is_finite() else _double(float(value))
        case str():
            return string(value)
        case dt.datetime():
            return f"TIMESTAMP'{value.isoformat(sep=' ')}'"
        case dt.date():
            return f"DATE'{value.isoformat()}'"
    raise TypeError(f"no SQL literal for {type(value).__name__}")


def _integer(value: int) -> str:
    if -(2**31) <= value < 2**31:
        return str(value)
    return f"{value}L" if -(2**63) < value < 2**63 else f"{value}BD"


def _double(value: float) -> str:
    if math.isfinite(value):
        return f"{value!r}D"
    return f"DOUBLE({string(str(value))})"
