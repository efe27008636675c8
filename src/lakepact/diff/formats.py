"""What a change of `format` costs: of integers as ranges, of texts as sets, of dates as texts that can be read."""

from __future__ import annotations

from fractions import Fraction

from lakepact.contract.model import LogicalType
from lakepact.diff.accepted import EVERYTHING, NumberSet
from lakepact.diff.effects import EVERYBODY, MINOR, READERS, WRITERS, Effect, Relation, effect_of
from lakepact.diff.tree import Typed
from lakepact.diff.widening import shape
from lakepact.rules.literals import INTEGER_RANGES, decimal_parts

__all__ = ["format_effect", "type_range"]

_MOMENTS = ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ")
_ISO_DAY = "yyyy-MM-dd"
# What they ask of a value is nothing that could be checked.
_WITHOUT_DEMAND = frozenset(("password", "binary"))
_BITS = {f"{sign}{bits}": (sign, bits) for sign in "iu" for bits in (8, 16, 32, 64, 128)}
_WIDTHS = frozenset((*_BITS, "f32", "f64"))


def format_effect(old: Typed, new: Typed) -> Effect | None:
    """What the change of the option costs; None where there is none, or where all of it is in the type."""
    before, after = _format(old), _format(new)
    if before == after:
        return None
    if _is_number(before, old) and _is_number(after, new):
        return _number_effect(old, new)
    # Where only one of them is a number, the type tells all of it.
    before, after = (None if name in _WIDTHS else name for name in (before, after))
    if shape(old.type) in _MOMENTS and shape(new.type) in _MOMENTS:
        if {before or _ISO_DAY, after or _ISO_DAY} == {_ISO_DAY} and shape(new.type) == "DATE":
            return MINOR.because("it is what dates are read by without it")
        return WRITERS.because("texts of dates are read by another pattern")
    if LogicalType.TIME in (old.prop.logical_type, new.prop.logical_type):
        return EVERYBODY
    return _text_effect(before, after)


def type_range(side: Typed) -> NumberSet:
    """The numbers that the type can hold; everything for types that are no exact numbers."""
    ddl = shape(side.type)
    if ddl in INTEGER_RANGES:
        low, high = INTEGER_RANGES[ddl]
        return NumberSet.interval(Fraction(low), Fraction(high))
    if ddl.startswith("DECIMAL"):
        precision, scale = decimal_parts(ddl)
        limit = Fraction(10**precision - 1, 10**scale)
        return NumberSet.interval(-limit, limit)
    return EVERYTHING


def _format(side: Typed) -> str | None:
    options = side.prop.options
    return options.format if options is not None else None


def _is_number(name: str | None, side: Typed) -> bool:
    return name in _WIDTHS or (name is None and _is_exact(side))


def _is_exact(side: Typed) -> bool:
    ddl = shape(side.type)
    return ddl in INTEGER_RANGES or ddl.startswith("DECIMAL") or ddl in ("FLOAT", "DOUBLE")


def _number_effect(old: Typed, new: Typed) -> Effect | None:
    """Only what a format asks beyond its type counts here: that it is unsigned, or narrower than the physical type."""
    before, after = _accepted(old), _accepted(new)
    if before == type_range(old) and after == type_range(new):
        return None
    relation = after.relation_to(before)
    if relation is Relation.SAME:
        return None
    widened = {_BITS.get(_format(side) or "", ("", 0))[0] for side in (old, new)} == {"u"}
    if relation is Relation.LOOSER and widened:
        return MINOR.because("the type is wider")
    return effect_of(relation)


def _accepted(side: Typed) -> NumberSet:
    sign, bits = _BITS.get(_format(side) or "", ("", 0))
    if not sign:
        return type_range(side)
    low, high = (0, 2**bits - 1) if sign == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return type_range(side) & NumberSet.interval(Fraction(low), Fraction(high))


def _text_effect(old: str | None, new: str | None) -> Effect | None:
    before, after = (
        None if name is None or name.casefold() in _WITHOUT_DEMAND else name.casefold() for name in (old, new)
    )
    if before == after:
        return MINOR.because("no value is accepted or refused by it") if before is None and (old or new) else None
    if before is None:
        return WRITERS
    return READERS if after is None else EVERYBODY
