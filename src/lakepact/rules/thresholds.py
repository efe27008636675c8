"""Thresholds of quality rules as SQL over a measured `value`, and in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from lakepact.contract.model import Operator, Scalar, Threshold
from lakepact.rules.literals import Inexpressible, as_fraction
from lakepact.sql import literal, string

__all__ = ["is_zero", "numeric_condition", "query_condition", "threshold_text"]

_COMPARISONS = {
    Operator.MUST_BE: "=",
    Operator.MUST_NOT_BE: "<>",
    Operator.MUST_BE_GREATER_THAN: ">",
    Operator.MUST_BE_GREATER_OR_EQUAL_TO: ">=",
    Operator.MUST_BE_LESS_THAN: "<",
    Operator.MUST_BE_LESS_OR_EQUAL_TO: "<=",
}


def is_zero(thresholds: Sequence[Threshold], unit: str) -> bool:
    """Whether the demand is exactly `mustBe: 0` rows, which each row can be asked."""
    if len(thresholds) != 1 or unit != "rows" or thresholds[0].operator is not Operator.MUST_BE:
        return False
    value = thresholds[0].value
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value == 0


def threshold_text(thresholds: Sequence[Threshold], unit: str = "") -> str:
    """The thresholds for people.

    >>> from lakepact.contract.model import Place
    >>> threshold_text([Threshold(Operator.MUST_BE_BETWEEN, (1, 5), Place())], "percent")
    'mustBeBetween 1 and 5 percent'
    """
    parts = []
    for threshold in thresholds:
        value = threshold.value
        shown = " and ".join(str(v) for v in value) if isinstance(value, tuple) else str(value)
        parts.append(f"{threshold.operator.value} {shown}{' ' + unit if unit else ''}")
    return ", ".join(parts)


def numeric_condition(thresholds: Sequence[Threshold]) -> str:
    """SQL over the number `value`; all thresholds hold. Two-valued if the value is not NULL."""
    return _joined(thresholds, lambda _: "value", _number)


def query_condition(thresholds: Sequence[Threshold]) -> str:
    """SQL over the result of a query, whose type is not known: two-valued, and FALSE for NULL."""
    if not thresholds:
        return "coalesce(try_cast(value AS BOOLEAN), FALSE)"
    return f"coalesce({_joined(thresholds, _shown_as, _scalar)}, FALSE)"


def _joined(thresholds: Sequence[Threshold], side: Callable[[Scalar], str], shown: Callable[[Scalar], str]) -> str:
    parts = [_one(threshold, side, shown) for threshold in thresholds]
    return parts[0] if len(parts) == 1 else " AND ".join(f"({part})" for part in parts)


def _one(threshold: Threshold, side: Callable[[Scalar], str], shown: Callable[[Scalar], str]) -> str:
    value = threshold.value
    if threshold.operator in (Operator.MUST_BE_BETWEEN, Operator.MUST_NOT_BE_BETWEEN):
        if not isinstance(value, tuple) or len(value) != 2:
            raise Inexpressible(f"{threshold.operator.value} needs two bounds")
        between = f"{side(value[0])} BETWEEN {shown(value[0])} AND {shown(value[1])}"
        return between if threshold.operator is Operator.MUST_BE_BETWEEN else f"NOT ({between})"
    if isinstance(value, tuple):
        raise Inexpressible(f"{threshold.operator.value} needs one value")
    return f"{side(value)} {_COMPARISONS[threshold.operator]} {shown(value)}"


def _number(value: Scalar) -> str:
    exact = as_fraction(value)
    if exact.denominator == 1 and abs(exact) < 2**63:
        return literal(int(exact))
    return literal(float(exact))


def _shown_as(value: Scalar) -> str:
    if isinstance(value, bool):
        return "try_cast(value AS BOOLEAN)"
    return "CAST(value AS STRING)" if isinstance(value, str) else "try_cast(value AS DOUBLE)"


def _scalar(value: Scalar) -> str:
    if isinstance(value, bool):
        return literal(value)
    if isinstance(value, str):
        return string(value)
    return _number(value)
