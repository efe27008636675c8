"""SQL tests of one value that is not NULL, exact for its type.

Each returns TRUE or FALSE for every value of the type and never raises; `Field.holds` adds what NULL means.
Inexpressible says why a clause has no test.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable
from fractions import Fraction

from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructType
from lakepact.rules.access import member_sql
from lakepact.rules.literals import (
    INTEGER_RANGES,
    Inexpressible,
    as_fraction,
    as_moment,
    decimal_parts,
    number_test,
    typed_literal,
)
from lakepact.rules.patterns import java_pattern
from lakepact.sql import literal, string

__all__ = [
    "bound_test",
    "check_comparable",
    "is_moment",
    "is_number",
    "is_text",
    "items_test",
    "length_test",
    "member_test",
    "members_test",
    "multiple_test",
    "pattern_test",
    "required_members_test",
    "unique_items_test",
]


def is_text(found: SparkType) -> bool:
    """Whether values are text."""
    return isinstance(found, AtomicType) and (found.ddl == "STRING" or found.ddl.startswith("VARCHAR"))


def is_number(found: SparkType) -> bool:
    """Whether values are numbers."""
    return isinstance(found, AtomicType) and (
        found.ddl in INTEGER_RANGES or found.ddl in ("FLOAT", "DOUBLE") or found.ddl.startswith("DECIMAL")
    )


def is_moment(found: SparkType) -> bool:
    """Whether values are dates or timestamps."""
    return isinstance(found, AtomicType) and found.ddl in ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ")


def bound_test(
    value: str,
    found: SparkType,
    bound: object,
    *,
    lower: bool,
    inclusive: bool,
    zone: str = "UTC",
    pattern: str | None = None,
) -> str:
    """A number, date or timestamp against one bound. NaN fails both bounds."""
    if is_number(found):
        return number_test(value, found.ddl, bound, lower=lower, inclusive=inclusive)
    if is_moment(found):
        return _moment_test(value, found.ddl, as_moment(bound, pattern), lower=lower, inclusive=inclusive, zone=zone)
    raise Inexpressible(f"values of type {found.ddl} have no order that a bound could use")


def _moment_test(value: str, ddl: str, bound: dt.date, *, lower: bool, inclusive: bool, zone: str) -> str:
    if ddl == "DATE" and isinstance(bound, dt.datetime):
        midnight = bound.time() == dt.time()
        # A date is midnight: it lies above 10:00 of a day exactly if it is a later day.
        inclusive = inclusive if midnight else not lower
        bound = bound.date()
    operator = (">" if lower else "<") + ("=" if inclusive else "")
    return f"{value} {operator} {typed_literal(bound, ddl, zone=zone)}"


def multiple_test(value: str, found: SparkType, divisor: object) -> str:
    """Exact for integers and decimals, and for steps that a floating number holds (3, 0.5); of other steps (0.1) a
    floating number is a multiple within its rounding. NaN and infinities fail.
    """
    step = abs(as_fraction(divisor))
    if not is_number(found) or step == 0:
        raise Inexpressible(f"multipleOf {divisor} has no meaning for {found.ddl}")
    if found.ddl in ("FLOAT", "DOUBLE"):
        return _floating_multiple(value, found.ddl, step)
    scale = 0 if found.ddl in INTEGER_RANGES else decimal_parts(found.ddl)[1]
    # With value = n / 10^scale: n is a multiple of the numerator of step * 10^scale in lowest terms.
    units = (step * 10**scale).numerator
    if units == 1:
        return "TRUE"
    if found.ddl in INTEGER_RANGES:
        return f"{value} = 0" if units >= 2**63 else f"{value} % {literal(units)} = 0"
    precision, _ = decimal_parts(found.ddl)
    if units >= 10**precision:
        return f"{value} = 0"
    return f"{value} % {typed_literal(str(_units(units, scale)), found.ddl)} = 0"


def _units(units: int, scale: int) -> str:
    digits = str(units).rjust(scale + 1, "0")
    return f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits


def _floating_multiple(value: str, ddl: str, step: Fraction) -> str:
    if step > sys.float_info.max:
        return f"{value} = 0"
    divisor = float(step)
    if divisor == 0.0:
        raise Inexpressible("multipleOf is smaller than any floating number")
    if Fraction(divisor) == step:
        return f"{value} % {literal(divisor)} = 0"
    quotient = f"({value} / {literal(divisor)})"
    relative = "1e-15D" if ddl == "DOUBLE" else "2e-7D"
    return f"abs({quotient} - rint({quotient})) <= greatest(1e-9D, abs({quotient}) * {relative}) AND NOT isnan({value})"


def length_test(value: str, found: SparkType, length: int, *, lower: bool) -> str:
    """Number of characters (code points)."""
    if not is_text(found):
        raise Inexpressible(f"values of type {found.ddl} have no length")
    return f"char_length({value}) {'>=' if lower else '<='} {int(length)}"


def pattern_test(value: str, found: SparkType, pattern: str) -> str:
    """A search for the pattern, as in JSON Schema."""
    if not is_text(found):
        raise Inexpressible(f"a pattern reads text, the values are of type {found.ddl}")
    return f"{value} RLIKE {string(java_pattern(pattern).text)}"


def member_test(value: str, found: SparkType, allowed: Iterable[object], *, zone: str = "UTC") -> str:
    """Whether the value is one of `allowed`, without NULL and without values that no column of the type can hold."""
    if not isinstance(found, AtomicType) or found.ddl in ("BINARY", "VARIANT"):
        raise Inexpressible(f"values of type {found.ddl} cannot be compared with a list")
    literals: dict[str, None] = {}
    for entry in allowed:
        if entry is not None:
            try:
                literals[typed_literal(entry, found.ddl, zone=zone)] = None
            except Inexpressible:
                continue
    return f"{value} IN ({', '.join(literals)})" if literals else "FALSE"


def items_test(value: str, found: SparkType, number: int, *, operator: str) -> str:
    """Number of items of an array."""
    if not isinstance(found, ArrayType | MapType):
        raise Inexpressible(f"values of type {found.ddl} have no items")
    return f"size({value}) {operator} {int(number)}"


def unique_items_test(value: str, found: SparkType) -> str:
    """No item occurs twice; two NULLs do."""
    if not isinstance(found, ArrayType):
        raise Inexpressible(f"values of type {found.ddl} have no items")
    check_comparable(found.element)
    return f"size(array_distinct({value})) = size({value})"


def check_comparable(found: SparkType) -> None:
    """Raises Inexpressible for a type whose values Spark cannot group."""
    if _holds_incomparable(found):
        raise Inexpressible(f"Spark cannot compare values of type {found.ddl}")


def _holds_incomparable(found: SparkType) -> bool:
    match found:
        case MapType():
            return True
        case ArrayType():
            return _holds_incomparable(found.element)
        case StructType():
            return any(_holds_incomparable(field.type) for field in found.fields)
    return found.ddl == "VARIANT"


def members_test(value: str, found: SparkType, number: int, *, operator: str) -> str:
    """Number of properties of an object: fields that are not NULL, keys of a map, or names in its JSON text."""
    if isinstance(found, StructType):
        if not found.fields:
            raise Inexpressible("the object has no fields")
        present = " + ".join(f"int({member_sql(value, f.name)} IS NOT NULL)" for f in found.fields)
        return f"{present} {operator} {int(number)}"
    if isinstance(found, MapType):
        return f"size({value}) {operator} {int(number)}"
    return f"coalesce(size({_names(value, found)}) {operator} {int(number)}, FALSE)"


def required_members_test(value: str, found: SparkType, name: str) -> str:
    """An object without declared properties has the property `name`."""
    if isinstance(found, MapType):
        return f"coalesce(array_contains(map_keys({value}), {string(name)}), FALSE)"
    return f"coalesce(array_contains({_names(value, found)}, {string(name)}), FALSE)"


def _names(value: str, found: SparkType) -> str:
    if is_text(found):
        return f"json_object_keys({value})"
    if found.ddl == "VARIANT":
        return f"map_keys(try_cast({value} AS MAP<STRING, VARIANT>))"
    raise Inexpressible(f"values of type {found.ddl} have no properties")
