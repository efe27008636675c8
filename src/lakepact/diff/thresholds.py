"""Thresholds of quality rules as the sets of measured values that they accept."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from lakepact.contract.model import Operator, QualityRule, QualityType, Scalar, Threshold
from lakepact.diff.accepted import EVERYTHING, NumberSet
from lakepact.diff.effects import Relation, ordered
from lakepact.diff.values import exact, scalar_key
from lakepact.rules.thresholds import threshold_text

__all__ = ["Accepted", "accepted", "allows_fewer", "shown_thresholds", "threshold_relation"]

# Written without an operator, these v3.0 rules allow no row.
_ALLOW_NONE = frozenset(("nullcheck", "duplicatecount", "missingcheck", "invalidcheck"))
_ZERO = NumberSet.interval(Fraction(0), Fraction(0))
_COUNTS = NumberSet.interval(Fraction(0))
_SHARES = NumberSet.interval(Fraction(0), Fraction(100))


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a measured value may be: numbers of a unit, or `other` where the result of a query is no number."""

    numbers: NumberSet
    domain: NumberSet = EVERYTHING
    unit: str = ""
    other: frozenset[object] | None = None


def accepted(rule: QualityRule) -> Accepted:
    """What the rule accepts; a library rule without operator that is not known to allow none accepts everything."""
    counted = rule.type is QualityType.LIBRARY
    unit = rule.unit if counted else ""
    domain = (_SHARES if rule.unit == "percent" else _COUNTS.whole()) if counted else EVERYTHING
    if not rule.thresholds and counted:
        allows_none = (rule.metric_text or "").casefold() in _ALLOW_NONE
        return Accepted(_ZERO if allows_none else domain, domain, unit)
    if not rule.thresholds:
        return Accepted(EVERYTHING, other=frozenset((("=", scalar_key(True)),)))
    if any(not _is_number(value) for one in rule.thresholds for value in _values(one)):
        return Accepted(EVERYTHING, other=frozenset(_words(one) for one in rule.thresholds))
    numbers = NumberSet.intersection(_numbers(one) for one in rule.thresholds) & domain
    return Accepted(numbers.whole() if counted and rule.unit != "percent" else numbers, domain, unit)


def threshold_relation(old: QualityRule, new: QualityRule) -> Relation:
    """How what both rules accept relates."""
    before, after = accepted(old), accepted(new)
    if before.other is not None or after.other is not None:
        return Relation.SAME if before == after else Relation.OTHER
    if before.unit == after.unit:
        return after.numbers.relation_to(before.numbers)
    return _across_units(before, after)


def _across_units(old: Accepted, new: Accepted) -> Relation:
    """No rows are no percent, and everything is everything; nothing else of two units can be compared."""
    if old.numbers == old.domain or new.numbers == new.domain:
        return ordered(subset=old.numbers == old.domain, superset=new.numbers == new.domain)
    if _is_zero(old) or _is_zero(new):
        return ordered(subset=_is_zero(new) and old.numbers.holds(0), superset=_is_zero(old) and new.numbers.holds(0))
    return Relation.OTHER


def _is_zero(one: Accepted) -> bool:
    return one.numbers == _ZERO


def allows_fewer(one: Accepted) -> bool:
    """Whether a value below an accepted one is accepted too, so that fewer bad rows never harm."""
    if one.other is not None or one.domain == EVERYTHING:
        return False
    return not one.numbers.intervals or (
        len(one.numbers.intervals) == 1 and one.numbers.intervals[0][0] == one.domain.intervals[0][0]
    )


def shown_thresholds(rule: QualityRule) -> str:
    """The thresholds in words; '' without any."""
    unit = rule.unit if rule.type is QualityType.LIBRARY or rule.unit == "percent" else ""
    return threshold_text(rule.thresholds, unit)


def _values(one: Threshold) -> tuple[Scalar, ...]:
    return one.value if isinstance(one.value, tuple) else (one.value,)


def _is_number(value: object) -> bool:
    return not isinstance(value, str) and exact(value) is not None


def _words(one: Threshold) -> object:
    operator = "=" if one.operator is Operator.MUST_BE else one.operator.value
    values = tuple(scalar_key(value) for value in _values(one))
    return (operator, values[0] if len(values) == 1 else values)


def _numbers(one: Threshold) -> NumberSet:
    bounds = [number for number in map(exact, _values(one)) if number is not None]
    first, last = bounds[0], bounds[-1]
    match one.operator:
        case Operator.MUST_BE | Operator.MUST_BE_BETWEEN:
            return NumberSet.interval(first, last)
        case Operator.MUST_NOT_BE | Operator.MUST_NOT_BE_BETWEEN:
            return NumberSet.interval(first, last).complement()
        case Operator.MUST_BE_GREATER_THAN:
            return NumberSet.interval(first, low_inclusive=False)
        case Operator.MUST_BE_GREATER_OR_EQUAL_TO:
            return NumberSet.interval(first)
        case Operator.MUST_BE_LESS_THAN:
            return NumberSet.interval(None, first, high_inclusive=False)
        case Operator.MUST_BE_LESS_OR_EQUAL_TO:
            return NumberSet.interval(None, first)
