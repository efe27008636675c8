"""Limits of one property that leave nothing, demand nothing, or contradict its type."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from lakepact.contract.model import Bound, LogicalType, LogicalTypeOptions, SchemaProperty
from lakepact.contract.types import AtomicType, SparkType, StructType
from lakepact.lint.catalogue import LintCode
from lakepact.lint.moments import seconds_of
from lakepact.lint.paths import value_at
from lakepact.lint.subject import Subject, option_path, quoted
from lakepact.rules.literals import INTEGER_RANGES, Inexpressible, as_fraction, decimal_parts
from lakepact.rules.predicates import is_number

__all__ = ["check_bounds"]

_FORMATS = {
    **{f"i{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64, 128)},
    **{f"u{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64, 128)},
}
_TEMPORAL = (LogicalType.DATE, LogicalType.TIMESTAMP, LogicalType.TIME)


@dataclass(frozen=True, slots=True)
class _Limit:
    """A bound as it compares (a moment as its seconds); `key` is the option that says it."""

    value: Fraction
    inclusive: bool
    bound: Bound

    @property
    def key(self) -> str:
        return self.bound.place.path.rpartition(".")[2]


def check_bounds(subject: Subject) -> None:
    """Every limit of every property."""
    for _, prop in subject.properties:
        if prop.options is not None:
            _PropertyBounds(subject, prop, prop.options).check()


class _PropertyBounds:
    """The limits of one property."""

    def __init__(self, subject: Subject, prop: SchemaProperty, options: LogicalTypeOptions) -> None:
        self._subject = subject
        self._prop = prop
        self._options = options
        field = subject.fields.get(prop.place.path)
        self._type: SparkType | None = field.type if field else None

    def check(self) -> None:
        options = self._options
        self._counts("minLength", options.min_length, "maxLength", options.max_length)
        self._counts("minItems", options.min_items, "maxItems", options.max_items)
        self._counts("minProperties", options.min_properties, "maxProperties", options.max_properties)
        self._length()
        self._members()
        if options.lower or options.upper:
            self._range()
        self._switches()
        if self._is_integer():
            self._fractions()

    def _report(self, code: LintCode, message: str, key: str, hint: str = "") -> None:
        self._subject.report(code, message, option_path(self._options, key), hint=hint)

    def _counts(self, lower_key: str, lower: int | None, upper_key: str, upper: int | None) -> None:
        if lower is not None and upper is not None and lower > upper:
            message = f"`{lower_key}` {lower} is more than `{upper_key}` {upper}: no value has both"
            self._report(LintCode.REVERSED_BOUNDS, message, upper_key)

    def _length(self) -> None:
        """Lengths against a VARCHAR(n), which holds no longer text."""
        found = re.fullmatch(r"VARCHAR\((\d+)\)", self._type.ddl) if isinstance(self._type, AtomicType) else None
        if found is None:
            return
        longest = int(found[1])
        shortest, most = self._options.min_length, self._options.max_length
        if shortest is not None and shortest > longest:
            message = f"`minLength` {shortest} is more than the {longest} characters of {found[0]}: no value fits"
            self._report(LintCode.NOTHING_FITS, message, "minLength")
        if most is not None and most > longest:
            message = f"`maxLength` {most} demands nothing: {found[0]} holds at most {longest} characters"
            self._report(LintCode.DEMANDS_NOTHING, message, "maxLength")

    def _members(self) -> None:
        """Numbers of properties against the properties that the object declares."""
        options = self._options
        if not isinstance(self._type, StructType) or not self._type.fields:
            return
        declared = len(self._type.fields)
        if options.min_properties is not None and options.min_properties > declared:
            message = f"`minProperties` {options.min_properties} is more than the {declared} properties declared"
            self._report(LintCode.NOTHING_FITS, message, "minProperties")
        needed = {each.name for each in self._prop.properties if each.required} | set(options.required)
        reversed_limits = (options.min_properties or 0) > (options.max_properties or 0)
        if options.max_properties is not None and options.max_properties < len(needed) and not reversed_limits:
            message = f"`maxProperties` {options.max_properties} is less than the {len(needed)} properties required"
            self._report(LintCode.NOTHING_FITS, message, "maxProperties")

    def _switches(self) -> None:
        """Until v3.0.2 `exclusiveMinimum: true` only says how `minimum` is meant."""
        data = self._options.places
        bounds = {limit.place.path for limit in (*self._options.lower, *self._options.upper)}
        for key, needed in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            path = option_path(self._options, key)
            if key not in data or needed in data or path in bounds:
                continue
            if value_at(self._subject.contract.document, path) is True:
                message = f"`{key}: true` says how `{needed}` is meant, and there is no `{needed}`"
                self._report(LintCode.SWITCH_WITHOUT_BOUND, message, key)

    def _limits(self, bounds: tuple[Bound, ...]) -> Iterator[_Limit]:
        for bound in bounds:
            try:
                if self._is_number():
                    yield _Limit(as_fraction(bound.value), bound.inclusive, bound)
                elif self._prop.logical_type in _TEMPORAL:
                    yield _Limit(seconds_of(bound.value, self._prop), bound.inclusive, bound)
            except Inexpressible:
                continue  # the rules have reported it

    def _range(self) -> None:
        """The strongest limit of each side against the other, and each against the type."""
        lowers, uppers = list(self._limits(self._options.lower)), list(self._limits(self._options.upper))
        lower = max(lowers, key=lambda limit: (limit.value, not limit.inclusive), default=None)
        upper = min(uppers, key=lambda limit: (limit.value, limit.inclusive), default=None)
        if lower is not None and upper is not None and self._contradict(lower, upper):
            return
        for limit in lowers:
            self._against_type(limit, is_lower=True)
        for limit in uppers:
            self._against_type(limit, is_lower=False)

    def _contradict(self, lower: _Limit, upper: _Limit) -> bool:
        both = f"`{lower.key}` {_written(lower)} and `{upper.key}` {_written(upper)}"
        if lower.value > upper.value:
            message = f"`{lower.key}` {_written(lower)} is above `{upper.key}` {_written(upper)}: no value has both"
            self._report(LintCode.REVERSED_BOUNDS, message, upper.key)
            return True
        if lower.value == upper.value and not (lower.inclusive and upper.inclusive):
            message = f"{both} leave no value, because a limit is excluded"
            self._report(LintCode.NOTHING_FITS, message, upper.key)
            return True
        return self._is_number() and self._nothing_between(lower, upper, both)

    def _is_number(self) -> bool:
        return self._type is not None and is_number(self._type)

    def _nothing_between(self, lower: _Limit, upper: _Limit, both: str) -> bool:
        """No multiple of the step lies between, where the values are integers or `multipleOf` is given."""
        step = self._step()
        if step is None:
            return False
        first, last = _steps(lower, step, up=True), _steps(upper, step, up=False)
        if first <= last:
            return False
        what = "integer" if step == 1 else f"multiple of {_number(step)}"
        self._report(LintCode.NOTHING_FITS, f"no {what} lies between {both}", upper.key)
        return True

    def _step(self) -> Fraction | None:
        """What every value is a multiple of; None where nothing is said."""
        multiple = None if self._options.multiple_of is None else as_fraction(self._options.multiple_of)
        if self._is_integer():
            return Fraction(multiple.numerator) if multiple else Fraction(1)
        return multiple or None

    def _is_integer(self) -> bool:
        by_type = isinstance(self._type, AtomicType) and (
            self._type.ddl in INTEGER_RANGES or re.fullmatch(r"DECIMAL\(\d+,0\)", self._type.ddl) is not None
        )
        return by_type or (self._type is None and self._prop.logical_type is LogicalType.INTEGER)

    def _against_type(self, limit: _Limit, *, is_lower: bool) -> None:
        """A limit beyond what the format or the column can hold."""
        known = self._type_range()
        if known is None:
            return
        name, low, high = known
        value = limit.value
        if value > high if is_lower else value < low:
            most = f"at most {_number(high)}" if is_lower else f"at least {_number(low)}"
            message = f"`{limit.key}` {_written(limit)} leaves no value: {name} is {most}"
            self._report(LintCode.NOTHING_FITS, message, limit.key)
        elif value < low if is_lower else value > high:
            least = f"at least {_number(low)}" if is_lower else f"at most {_number(high)}"
            message = f"`{limit.key}` {_written(limit)} demands nothing: {name} is {least}"
            self._report(LintCode.DEMANDS_NOTHING, message, limit.key)

    def _type_range(self) -> tuple[str, Fraction, Fraction] | None:
        format_name = self._options.format or ""
        if format_name in _FORMATS and self._prop.logical_type is LogicalType.INTEGER:
            low, high = _FORMATS[format_name]
            return format_name, Fraction(low), Fraction(high)
        if not isinstance(self._type, AtomicType):
            return None
        ddl = self._type.ddl
        if ddl in INTEGER_RANGES:
            low, high = INTEGER_RANGES[ddl]
            return ddl, Fraction(low), Fraction(high)
        if ddl.startswith("DECIMAL"):
            precision, scale = decimal_parts(ddl)
            largest = Fraction(10**precision - 1, 10**scale)
            return ddl, -largest, largest
        return None

    def _fractions(self) -> None:
        options = self._options
        for bound in (*options.lower, *options.upper):
            key = bound.place.path.rpartition(".")[2]
            self._fraction(key, bound.value)
        if options.multiple_of is not None:
            self._fraction("multipleOf", options.multiple_of)

    def _fraction(self, key: str, value: object) -> None:
        try:
            exact = as_fraction(value)
        except Inexpressible:
            return
        if exact.denominator != 1:
            message = f"`{key}` {value} of {quoted(self._prop.name or 'items')} is a fraction, its values are integers"
            self._report(LintCode.FRACTION_FOR_INTEGER, message, key)


def _steps(limit: _Limit, step: Fraction, *, up: bool) -> int:
    """The first (or last) whole number of steps inside of the limit."""
    count = limit.value / step
    whole = math.ceil(count) if up else math.floor(count)
    if whole == count and not limit.inclusive:
        whole += 1 if up else -1
    return whole


def _written(limit: _Limit) -> str:
    return str(limit.bound.value)


def _number(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"
