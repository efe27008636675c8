"""Numbers in the types that Spark chooses for literals, comparisons and arithmetic, where DuckDB computes the same."""

from __future__ import annotations

import math
import re
from typing import Final

from lakepact.contract.types import AtomicType
from lakepact.quality.duckdb_regex import NeedsSpark
from lakepact.quality.duckdb_text import Value, duckdb_type

__all__ = [
    "INTEGERS",
    "arithmetic_type",
    "common_number",
    "floating_literal",
    "is_number",
    "number_literal",
    "widened",
]

INTEGERS: Final = ("TINYINT", "SMALLINT", "INT", "BIGINT")
_DIGITS: Final = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 20}
_MOST: Final = 38
# As many digits as a DOUBLE holds exactly, so that dividing them by a power of ten rounds once.
_EXACT: Final = 15


def is_number(ddl: str) -> bool:
    """Whether values of the type are numbers."""
    return ddl in INTEGERS or ddl in ("FLOAT", "DOUBLE") or ddl.startswith("DECIMAL")


def common_number(left: str, right: str, *, known: bool) -> str:
    """The type in which two numbers compare; `known` says that one of them is written in the rule.

    >>> common_number("INT", "DECIMAL(4,2)", known=False)
    'DECIMAL(12,2)'
    """
    if left == right:
        return left
    if left in INTEGERS and right in INTEGERS:
        return max(left, right, key=INTEGERS.index)
    if {left, right} & {"FLOAT", "DOUBLE"}:
        for each in (left, right):
            if each.startswith("DECIMAL") and _parts(each)[0] > _EXACT:
                raise NeedsSpark(f"{left} beside {right}")
        if "FLOAT" in (left, right) and "DOUBLE" not in (left, right) and not known:
            raise NeedsSpark(f"{left} beside {right}")
        return "DOUBLE"
    (p1, s1), (p2, s2) = _parts(left), _parts(right)
    scale = max(s1, s2)
    precision = max(p1 - s1, p2 - s2) + scale
    if precision > _MOST:
        raise NeedsSpark(f"{left} beside {right}")
    return f"DECIMAL({precision},{scale})"


def arithmetic_type(operator: str, left: str, right: str) -> tuple[tuple[str, str], str]:
    """The types that both sides are given, and the type of the result.

    >>> arithmetic_type("*", "DECIMAL(4,2)", "DECIMAL(4,2)")
    (('DECIMAL(4,2)', 'DECIMAL(4,2)'), 'DECIMAL(9,4)')
    """
    if not any(each.startswith("DECIMAL") for each in (left, right)) or {left, right} & {"FLOAT", "DOUBLE"}:
        common = common_number(left, right, known=False)
        return (common, common), common
    (p1, s1), (p2, s2) = _parts(left), _parts(right)
    if operator == "*":
        precision, scale = p1 + p2 + 1, s1 + s2
        sides = f"DECIMAL({p1},{s1})", f"DECIMAL({p2},{s2})"
    elif operator in "+-":
        scale = max(s1, s2)
        precision = max(p1 - s1, p2 - s2) + scale + 1
        sides = (f"DECIMAL({precision},{scale})",) * 2
    else:
        raise NeedsSpark(f"{left} {operator} {right}")
    if precision > _MOST:
        raise NeedsSpark(f"{left} {operator} {right}")
    return sides, f"DECIMAL({precision},{scale})"


def widened(value: Value, wanted: AtomicType) -> Value:
    """The number in a type that holds it."""
    if value.type == wanted:
        return value
    return Value(f"CAST({value.sql} AS {duckdb_type(wanted)})", wanted, value.known)


def number_literal(written: str) -> Value:
    """A number without a letter behind it: an INT or BIGINT, or a decimal of as many digits."""
    if written.isdigit():
        value = int(written)
        ddl = "INT" if value < 2**31 else "BIGINT" if value < 2**63 else f"DECIMAL({len(str(value))},0)"
        if len(str(value)) > 38:
            raise NeedsSpark(f"the number {written}")
        return Value(f"CAST({value} AS {duckdb_type(AtomicType(ddl))})", AtomicType(ddl), value)
    found = re.fullmatch(r"([0-9]*)\.([0-9]*)", written)
    if not found:
        raise NeedsSpark(f"the number {written}")
    scale = len(found[2])
    digits = max(len(found[1].lstrip("0")) + scale, scale, 1)
    if digits > 38:
        raise NeedsSpark(f"the number {written}")
    ddl = f"DECIMAL({digits},{scale})"
    return Value(f"CAST('{written}' AS {ddl})", AtomicType(ddl))


def floating_literal(written: str, ddl: str) -> Value:
    """A number with a D or F behind it, or the text of one."""
    try:
        value = float(written)
    except ValueError:
        raise NeedsSpark(f"the number {written}") from None
    if math.isinf(value) and "inf" not in written.casefold():
        raise NeedsSpark(f"the number {written}")
    return Value(f"CAST('{value!r}' AS {ddl})", AtomicType(ddl))


def _parts(ddl: str) -> tuple[int, int]:
    if ddl in _DIGITS:
        return _DIGITS[ddl], 0
    precision, scale = re.findall(r"\d+", ddl)
    return int(precision), int(scale)
