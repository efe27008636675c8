"""Which change of a column's type keeps every value: Delta's type widening."""

from __future__ import annotations

import re
from enum import Enum, auto

from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructType

__all__ = ["Step", "shape", "type_step"]

_INTEGERS = ("TINYINT", "SMALLINT", "INT", "BIGINT")
_DIGITS = {"TINYINT": 10, "SMALLINT": 10, "INT": 10, "BIGINT": 20}
_SIZED = re.compile(r"(DECIMAL|VARCHAR)\((\d+)(?:,(\d+))?\)")


class Step(Enum):
    """What happened to a type. EXPLICIT is wider, but Delta does it only when it is told to (`ALTER COLUMN TYPE`)."""

    SAME = auto()
    WIDER = auto()
    EXPLICIT = auto()
    NARROWER = auto()
    OTHER = auto()


def shape(found: SparkType) -> str:
    """The type without its parts: `STRUCT`, `ARRAY`, `MAP`, or all of an atomic type."""
    match found:
        case StructType():
            return "STRUCT"
        case ArrayType():
            return "ARRAY"
        case MapType():
            return "MAP"
        case AtomicType():
            return found.ddl


def type_step(old: SparkType, new: SparkType) -> Step:
    """What becomes of a type, its parts aside.

    Wider is what Delta's type widening allows: byte, short, int, long in this order, float to double, more digits
    before and after the point of a decimal, date to timestamp_ntz, and integers to decimal or double where told to;
    also a longer VARCHAR, and VARCHAR to STRING.

    >>> type_step(AtomicType("INT"), AtomicType("BIGINT")).name, type_step(AtomicType("INT"), AtomicType("DOUBLE")).name
    ('WIDER', 'EXPLICIT')
    >>> type_step(AtomicType("DECIMAL(18,2)"), AtomicType("DECIMAL(18,4)")).name
    'OTHER'
    """
    before, after = shape(old), shape(new)
    if before == after:
        return Step.SAME
    if (step := _widened(before, after)) is not None:
        return step
    return Step.NARROWER if _widened(after, before) is not None else Step.OTHER


def _widened(old: str, new: str) -> Step | None:
    if old in _INTEGERS:
        return _widened_integer(old, new)
    if (old, new) in (("FLOAT", "DOUBLE"), ("DATE", "TIMESTAMP_NTZ")):
        return Step.WIDER
    sized = _SIZED.fullmatch(old)
    if sized is None:
        return None
    if sized[1] == "VARCHAR" and new == "STRING":
        return Step.WIDER
    other = _SIZED.fullmatch(new)
    if other is None or other[1] != sized[1]:
        return None
    if sized[1] == "VARCHAR":
        return Step.WIDER if int(other[2]) >= int(sized[2]) else None
    more_scale = int(other[3]) - int(sized[3])
    return Step.WIDER if more_scale >= 0 and int(other[2]) - int(sized[2]) >= more_scale else None


def _widened_integer(old: str, new: str) -> Step | None:
    if new in _INTEGERS:
        return Step.WIDER if _INTEGERS.index(new) > _INTEGERS.index(old) else None
    if new == "DOUBLE":
        return Step.EXPLICIT if old != "BIGINT" else None
    found = _SIZED.fullmatch(new)
    if found is None or found[1] != "DECIMAL":
        return None
    return Step.EXPLICIT if int(found[2]) - int(found[3]) >= _DIGITS[old] else None
