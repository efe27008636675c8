"""Thresholds that nothing can meet, that everything meets, or that contradict each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from lakepact.contract.model import Operator, QualityRule, QualityType, Threshold
from lakepact.lint.catalogue import LintCode
from lakepact.lint.subject import Subject, shown
from lakepact.rules.literals import as_fraction

__all__ = ["check_thresholds"]

_BETWEEN = (Operator.MUST_BE_BETWEEN, Operator.MUST_NOT_BE_BETWEEN)


@dataclass(frozen=True, slots=True)
class _Span:
    """The numbers from `low` to `high`; None is without end. `whole`: only whole numbers are in it."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_in: bool = True
    high_in: bool = True
    whole: bool = False

    def and_(self, other: _Span) -> _Span:
        """The numbers in both."""
        low, low_in = self.low, self.low_in
        if other.low is not None and (low is None or (other.low, not other.low_in) > (low, not low_in)):
            low, low_in = other.low, other.low_in
        high, high_in = self.high, self.high_in
        if other.high is not None and (high is None or (other.high, other.high_in) < (high, high_in)):
            high, high_in = other.high, other.high_in
        return _Span(low, high, low_in, high_in, self.whole or other.whole)

    @property
    def empty(self) -> bool:
        """Whether no number is in it."""
        if self.low is None or self.high is None:
            return False
        if self.whole:
            return self._first() > self._last()
        return self.low > self.high or (self.low == self.high and not (self.low_in and self.high_in))

    def _first(self) -> int:
        assert self.low is not None
        return math.floor(self.low) + 1 if not self.low_in else math.ceil(self.low)

    def _last(self) -> int:
        assert self.high is not None
        return math.ceil(self.high) - 1 if not self.high_in else math.floor(self.high)


def check_thresholds(subject: Subject, rule: QualityRule) -> None:
    """Each threshold of a library or SQL rule alone, and all of them together."""
    if rule.type not in (QualityType.LIBRARY, QualityType.SQL):
        return
    measured = _measured(rule)
    numeric = [threshold for threshold in rule.thresholds if _is_numeric(threshold)]
    sound = [threshold for threshold in numeric if _check_one(subject, threshold, measured, rule)]
    for threshold in sound:
        if isinstance(threshold.value, tuple):
            _note_bounds(subject, threshold)
    if len(sound) > 1:
        _check_together(subject, sound, measured)


def _measured(rule: QualityRule) -> _Span:
    """What a rule can measure at all."""
    if rule.type is QualityType.SQL:
        return _Span()
    if rule.unit == "percent":
        return _Span(Fraction(0), Fraction(100))
    return _Span(Fraction(0), None, whole=rule.unit == "rows")


def _is_numeric(threshold: Threshold) -> bool:
    """Whether it compares with numbers, as many as its operator takes."""
    between = threshold.operator in _BETWEEN
    values = threshold.value if isinstance(threshold.value, tuple) else (threshold.value,)
    if len(values) != (2 if between else 1) or between is not isinstance(threshold.value, tuple):
        return False
    return all(isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in values)


def _spans(threshold: Threshold) -> list[_Span]:
    """The numbers that meet the threshold, as spans of which one must hold the number."""
    if isinstance(threshold.value, tuple):
        low, high = (as_fraction(value) for value in threshold.value)
        if threshold.operator is Operator.MUST_BE_BETWEEN:
            return [_Span(low, high)]
        return [_Span()] if low > high else [_Span(None, low, high_in=False), _Span(high, None, low_in=False)]
    value = as_fraction(threshold.value)
    match threshold.operator:
        case Operator.MUST_BE:
            return [_Span(value, value)]
        case Operator.MUST_NOT_BE:
            return [_Span(None, value, high_in=False), _Span(value, None, low_in=False)]
        case Operator.MUST_BE_GREATER_THAN:
            return [_Span(value, None, low_in=False)]
        case Operator.MUST_BE_GREATER_OR_EQUAL_TO:
            return [_Span(value, None)]
        case Operator.MUST_BE_LESS_THAN:
            return [_Span(None, value, high_in=False)]
    return [_Span(None, value)]


def _check_one(subject: Subject, threshold: Threshold, measured: _Span, rule: QualityRule) -> bool:
    """Report a threshold that never or always holds; whether it is worth holding against others."""
    words, path = _words(threshold), threshold.place.path
    if isinstance(threshold.value, tuple):
        low, high = (as_fraction(value) for value in threshold.value)
        if low > high:
            code = LintCode.NEVER_HOLDS if threshold.operator is Operator.MUST_BE_BETWEEN else LintCode.ALWAYS_HOLDS
            effect = "never" if code is LintCode.NEVER_HOLDS else "always"
            subject.report(code, f"`{words}` {effect} holds: its bounds are reversed", path, hint="exchange the bounds")
            return False
    possible = [span for each in _spans(threshold) if not (span := measured.and_(each)).empty]
    if not possible:
        subject.report(LintCode.NEVER_HOLDS, f"`{words}` never holds: {_nature(rule)}", path)
        return False
    if _covers(_spans(threshold), measured):
        subject.report(LintCode.ALWAYS_HOLDS, f"`{words}` always holds: {_nature(rule)}", path)
        return False
    return True


def _covers(spans: Sequence[_Span], measured: _Span) -> bool:
    """Whether every number that can be measured is in one of the spans."""
    if measured.low is None:
        return False
    gaps = [measured]
    for span in spans:
        gaps = [left for gap in gaps for left in _without(gap, span)]
    return not gaps


def _without(gap: _Span, span: _Span) -> list[_Span]:
    below = _Span(None, span.low, high_in=not span.low_in) if span.low is not None else None
    above = _Span(span.high, None, low_in=not span.high_in) if span.high is not None else None
    parts = [gap.and_(part) for part in (below, above) if part is not None]
    return [part for part in parts if not part.empty]


def _nature(rule: QualityRule) -> str:
    if rule.unit == "percent":
        return "a share is from 0 to 100 percent"
    return "a count of rows is a whole number from 0 on" if rule.unit == "rows" else "a count is 0 or more"


def _check_together(subject: Subject, thresholds: list[Threshold], measured: _Span) -> None:
    possible = [measured]
    for threshold in thresholds:
        spans = _spans(threshold)
        possible = [span for left in possible for each in spans if not (span := left.and_(each)).empty]
        if not possible:
            before = ", ".join(f"`{_words(each)}`" for each in thresholds if each is not threshold)
            message = f"`{_words(threshold)}` cannot hold together with {before}"
            subject.report(LintCode.OPERATORS_CONTRADICT, message, threshold.place.path)
            return


def _words(threshold: Threshold) -> str:
    value = threshold.value
    text = f"[{', '.join(shown(each) for each in value)}]" if isinstance(value, tuple) else shown(value)
    return f"{threshold.operator.value}: {text}"


def _note_bounds(subject: Subject, threshold: Threshold) -> None:
    assert isinstance(threshold.value, tuple)
    low, high = (shown(value) for value in threshold.value)
    inside = "meet" if threshold.operator is Operator.MUST_BE_BETWEEN else "break"
    message = f"{low} and {high} themselves {inside} `{threshold.operator.value}` here; the standard excludes them"
    subject.report(LintCode.BOUNDS_INCLUDED, message, threshold.place.path)
