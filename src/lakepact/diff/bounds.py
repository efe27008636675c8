"""Bounds of values as cuts: the lowest and the highest value that old and new accept, exact for their types.

Both grammars of exclusive bounds, and bounds that a type makes needless, compare as equal: `exclusiveMinimum: 0` of an
integer is `minimum: 1`, and `minimum: -2147483648` of an INT is none.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

from lakepact.contract.model import Bound, LogicalType, LogicalTypeOptions
from lakepact.contract.types import SparkType
from lakepact.diff.effects import Relation, ordered
from lakepact.diff.formats import type_range
from lakepact.diff.tree import Typed
from lakepact.diff.values import exact
from lakepact.diff.widening import shape
from lakepact.rules.literals import INTEGER_RANGES, Inexpressible, as_moment, decimal_parts, zone_of

__all__ = ["Limit", "fewest", "highest", "lowest", "most", "relation_of_steps", "step_of"]

Limit = str | int | None
"""A limit as a change shows it: `>= 5`, a number of items, or None."""

_DAY = dt.timedelta(days=1)
_FIELDS = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_items",
    "maxItems": "max_items",
    "minProperties": "min_properties",
    "maxProperties": "max_properties",
}
# What can be compared with each other, the value, and 0 or 1 for just below or just above it.
_Cut = tuple[str, Any, int]


def lowest(old: Typed, new: Typed) -> tuple[Relation, Limit, Limit]:
    """How the lower bounds relate, and what they are."""
    return _limits(old, new, lower=True)


def highest(old: Typed, new: Typed) -> tuple[Relation, Limit, Limit]:
    """How the upper bounds relate, and what they are."""
    return _limits(old, new, lower=False)


def fewest(old: Typed, new: Typed, key: str) -> tuple[Relation, Limit, Limit]:
    """How two least counts relate; 0 is none."""
    before, after = _count(old, key) or 0, _count(new, key) or 0
    return ordered(subset=after >= before, superset=after <= before), before or None, after or None


def most(old: Typed, new: Typed, key: str) -> tuple[Relation, Limit, Limit]:
    """How two largest counts relate; a length is also limited by VARCHAR."""
    before, after = _count(old, key), _count(new, key)
    if before is None and after is None:
        return Relation.SAME, None, None
    was, now = (_within(count, side, key) for count, side in ((before, old), (after, new)))
    return ordered(subset=now <= was, superset=now >= was), before, after


def _count(side: Typed, key: str) -> int | None:
    found: int | None = getattr(side.prop.options, _FIELDS[key]) if side.prop.options is not None else None
    return found


def _within(count: int | None, side: Typed, key: str) -> float:
    sized = re.fullmatch(r"VARCHAR\((\d+)\)", shape(side.type)) if key == "maxLength" else None
    return min(math.inf if count is None else count, int(sized[1]) if sized else math.inf)


def _limits(old: Typed, new: Typed, *, lower: bool) -> tuple[Relation, Limit, Limit]:
    before, after = (_cuts(side, lower=lower) for side in (old, new))
    numbers = {cut[0] for cut in before + after} == {"number"}
    types = [[_type_cut(side, lower=lower)] if numbers else [] for side in (old, new)]
    was, now = (_strictest(cuts + of_type, lower=lower) for cuts, of_type in zip((before, after), types, strict=True))
    # A bound that the type has anyway is none.
    shown_old = _shown(was, lower=lower) if before and [was] != types[0] else None
    shown_new = _shown(now, lower=lower) if after and [now] != types[1] else None
    if shown_old is None and shown_new is None:
        return Relation.SAME, None, None
    return _relation(was, now, lower=lower), shown_old, shown_new


def _relation(old: _Cut | None, new: _Cut | None, *, lower: bool) -> Relation:
    if old == new:
        return Relation.SAME
    if old is None or new is None:
        return Relation.TIGHTER if old is None else Relation.LOOSER
    if old[0] != new[0] or old[0] == "text":
        return Relation.OTHER
    tighter = _key(new) > _key(old) if lower else _key(new) < _key(old)
    return Relation.TIGHTER if tighter else Relation.LOOSER


def _key(cut: _Cut) -> tuple[Any, int]:
    return cut[1:]


def _strictest(cuts: list[_Cut], *, lower: bool) -> _Cut | None:
    if len({cut[0] for cut in cuts}) > 1 or any(cut[0] == "text" for cut in cuts):
        return ("text", " and ".join(sorted(str(cut[1]) for cut in cuts)), 0)
    return (max if lower else min)(cuts, key=_key, default=None)


def _shown(cut: _Cut | None, *, lower: bool) -> Limit:
    if cut is None or isinstance(cut[1], float):
        return None
    kind, value, above = cut
    if kind == "text":
        return str(value)
    operator = (">" if lower else "<") + ("" if bool(above) is lower else "=")
    return f"{operator} {_number_text(value) if isinstance(value, Fraction) else value}"


def _number_text(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    written = Decimal(value.numerator) / Decimal(value.denominator)
    return str(written) if Fraction(written) == value else str(float(value))


def _cuts(side: Typed, *, lower: bool) -> list[_Cut]:
    options = side.prop.options
    if options is None:
        return []
    return [_cut(bound, side, options, lower=lower) for bound in (options.lower if lower else options.upper)]


def _cut(bound: Bound, side: Typed, options: LogicalTypeOptions, *, lower: bool) -> _Cut:
    above = int(bound.inclusive is not lower)
    ddl = shape(side.type)
    try:
        if ddl in INTEGER_RANGES or ddl.startswith("DECIMAL"):
            return _unit_cut(_number(bound.value), ddl, above, lower=lower)
        if isinstance(bound.value, str):
            return _moment_cut(bound, side, options, above, lower=lower)
        return ("number", _number(bound.value), above)
    except Inexpressible:
        return ("text", f"{'' if bound.inclusive else 'exclusive '}{bound.value}", 0)


def _number(value: object) -> Fraction:
    found = exact(value)
    if found is None:
        raise Inexpressible(f"{value!r} is not a number")
    return found


def _unit_cut(value: Fraction, ddl: str, above: int, *, lower: bool) -> _Cut:
    """The same cut at a value that the type has, inclusive."""
    scale = 1 if ddl in INTEGER_RANGES else 10 ** decimal_parts(ddl)[1]
    units = value * scale
    if lower:
        whole = math.floor(units) + 1 if above else math.ceil(units)
        return ("number", Fraction(whole, scale), 0)
    whole = math.floor(units) if above else math.ceil(units) - 1
    return ("number", Fraction(whole, scale), 1)


def _type_cut(side: Typed, *, lower: bool) -> _Cut:
    low, high = type_range(side).intervals[0]
    value, above = low if lower else high
    return ("number", value, above)


def _moment_cut(bound: Bound, side: Typed, options: LogicalTypeOptions, above: int, *, lower: bool) -> _Cut:
    ddl = shape(side.type)
    if side.prop.logical_type is LogicalType.TIME and options.format is None:
        text = str(bound.value)
        return ("time", text + ":00" if text.count(":") == 1 else text, above)
    moment = as_moment(bound.value, options.format)
    if ddl == "DATE" and (not isinstance(moment, dt.datetime) or moment.time() == dt.time()):
        return _day_cut(moment.date() if isinstance(moment, dt.datetime) else moment, above, lower=lower)
    stamp = moment if isinstance(moment, dt.datetime) else dt.datetime.combine(moment, dt.time())
    if ddl != "TIMESTAMP":
        return ("wall clock", stamp.replace(tzinfo=None), above)
    aware = stamp if stamp.tzinfo else stamp.replace(tzinfo=zone_of(options.default_timezone or "UTC"))
    try:
        return ("moment", aware.astimezone(dt.UTC), above)
    except OverflowError as error:
        raise Inexpressible(f"{stamp.isoformat()} is out of range") from error


def _day_cut(day: dt.date, above: int, *, lower: bool) -> _Cut:
    """Inclusive, as for whole numbers: after the 1st is from the 2nd on."""
    if lower and above and day < dt.date.max:
        return ("day", day + _DAY, 0)
    if not lower and not above and day > dt.date.min:
        return ("day", day - _DAY, 1)
    return ("day", day, above)


def step_of(value: int | float | Decimal | None, found: SparkType) -> Fraction | None:
    """The distance of accepted multiples, on the raster of the type; None where every value is one."""
    step = exact(value)
    ddl = shape(found)
    if step is None or step <= 0 or not (ddl in INTEGER_RANGES or ddl.startswith("DECIMAL")):
        return step
    unit = Fraction(1, 10 ** (0 if ddl in INTEGER_RANGES else decimal_parts(ddl)[1]))
    common = _least_common_multiple(step, unit)
    return None if common == unit else common


def relation_of_steps(old: Fraction | None, new: Fraction | None) -> Relation:
    """How two sets of multiples relate: multiples of 4 are multiples of 2.

    >>> relation_of_steps(Fraction(2), Fraction(4)).name
    'TIGHTER'
    """
    if old == new:
        return Relation.SAME
    if old is None or new is None or 0 in (old, new):
        return Relation.TIGHTER if old is None else Relation.LOOSER if new is None else Relation.OTHER
    return ordered(subset=(new / old).denominator == 1, superset=(old / new).denominator == 1)


def _least_common_multiple(left: Fraction, right: Fraction) -> Fraction:
    return Fraction(math.lcm(left.numerator, right.numerator), math.gcd(left.denominator, right.denominator))
