"""Values that a contract lists (`enum`, `validValues`, `examples`) against type and limits of their property."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from lakepact.contract.edit_model import SetValue
from lakepact.contract.model import Bound, LogicalType, SchemaProperty
from lakepact.contract.types import AtomicType
from lakepact.contract.yaml_nodes import child_path, plain_value
from lakepact.lint.catalogue import LintCode
from lakepact.lint.matching import Matcher
from lakepact.lint.moments import seconds_of
from lakepact.lint.quality import argument_path, rules_of
from lakepact.lint.subject import Subject, quoted, shown
from lakepact.rules.fields import Field
from lakepact.rules.literals import Inexpressible, as_fraction, typed_literal
from lakepact.rules.options import zone
from lakepact.rules.predicates import is_number, is_text

__all__ = ["check_values"]

_TEMPORAL = (LogicalType.DATE, LogicalType.TIMESTAMP, LogicalType.TIME)
_TOKEN = re.compile(r"[^\s,\]}#]+")

_Listed = Sequence[tuple[str, object]]


def check_values(subject: Subject) -> None:
    """Every listed value of a stored property with a single value; those of objects and arrays have many forms."""
    judge = _Judge(subject)
    for path, field in subject.fields.items():
        prop = field.prop
        if not isinstance(field.type, AtomicType) or field.type.ddl in ("VARIANT", "BINARY"):
            continue
        if prop.enum:
            judge.listed([(child_path(each.place.path, "value"), each.value) for each in prop.enum], field)
            judge.nulls(prop)
        if prop.examples:
            judge.examples(field, child_path(path, "examples"))
    for found, rule in rules_of(subject):
        values = rule.arguments.get("validValues")
        owner = subject.fields.get(found.place.path) if found else None
        if owner is not None and isinstance(values, list | tuple) and isinstance(owner.type, AtomicType):
            path = argument_path(subject, rule, "validValues")
            judge.listed([(f"{path}[{index}]", value) for index, value in enumerate(values)], owner)


class _Judge:
    """Holds values against their property; one budget for all patterns of a contract."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._matcher = Matcher()

    def listed(self, values: _Listed, field: Field) -> None:
        """Allowed values: of the type, once, inside of the limits."""
        first: dict[str, str] = {}
        for path, value in values:
            if value is None:
                continue
            literal = self._literal(value, field, path)
            if literal is None:
                continue
            before = first.setdefault(literal, path)
            if before != path:
                place = self._subject.contract.places.get(before)
                where = f"; first at {place.line}:{place.column}" if place else ""
                self._subject.report(LintCode.VALUE_TWICE, f"the value {quoted(value)} is listed twice{where}", path)
            elif broken := next(self._broken(value, field), ""):
                self._subject.report(LintCode.VALUE_BREAKS_OPTION, f"the value {quoted(value)} {broken}", path)

    def _literal(self, value: object, field: Field, path: str) -> str | None:
        assert isinstance(field.type, AtomicType)
        name = quoted(field.prop.name or "items")
        if is_text(field.type) and not isinstance(value, str) and field.prop.logical_type is LogicalType.STRING:
            written = self._written(path, value)
            what = "a boolean" if isinstance(value, bool) else "a number"
            message = f"`{written}` without quotes is {what}, and {name} is text"
            edits = (SetValue(path=path, value=written),)
            self._subject.report(LintCode.VALUE_NOT_TEXT, message, path, hint=f'write "{written}"', edits=edits)
        try:
            return typed_literal(value, field.type.ddl, zone=zone(field))
        except Inexpressible:
            message = f"{_as_yaml(value)} is no value of {name}, whose type is {field.type.ddl}"
            self._subject.report(LintCode.VALUE_NOT_OF_TYPE, message, path)
            return None

    def _written(self, path: str, value: object) -> str:
        """The value as the document has it; `1.50` stays `1.50`."""
        place = self._subject.contract.places.get(path)
        lines = self._subject.lines
        if place is not None and 0 < place.line <= len(lines):
            match = _TOKEN.match(lines[place.line - 1], place.column - 1)
            if match and match[0][:1] not in "*&!":
                return match[0]
        return str(value).lower() if isinstance(value, bool) else str(value)

    def nulls(self, prop: SchemaProperty) -> None:
        """The standard allows null in `enum` only where the property is not required."""
        for each in prop.enum if prop.required or prop.primary_key else ():
            if each.value is None:
                path = child_path(each.place.path, "value")
                message = f"null is listed as a value of {quoted(prop.name)}, which is required"
                self._subject.report(LintCode.NULL_WHERE_REQUIRED, message, path)

    def examples(self, field: Field, path: str) -> None:
        """Each example against everything that its property demands."""
        for index, example in enumerate(field.prop.examples):
            if example is None or isinstance(example, dict | list):
                continue
            if broken := self._example(example, field):
                message = f"the example {_as_yaml(example)} of {quoted(field.prop.name or 'items')} {broken}"
                self._subject.report(LintCode.EXAMPLE_BREAKS_RULE, message, f"{path}[{index}]")

    def _example(self, example: object, field: Field) -> str:
        assert isinstance(field.type, AtomicType)
        options = field.prop.options
        try:
            literal = typed_literal(example, field.type.ddl, zone=zone(field))
        except Inexpressible:
            # A text in a format of its own is not read here.
            return "" if options and options.format else f"is no {field.type.ddl}"
        allowed = {self._literal_of(each.value, field) for each in field.prop.enum} - {None}
        if allowed and literal not in allowed:
            return "is not in `enum`"
        return next(self._broken(example, field), "")

    def _literal_of(self, value: object, field: Field) -> str | None:
        assert isinstance(field.type, AtomicType)
        try:
            return typed_literal(value, field.type.ddl, zone=zone(field))
        except Inexpressible:
            return None

    def _broken(self, value: object, field: Field) -> Iterator[str]:
        """What the value breaks, in words that follow it."""
        options = field.prop.options
        if options is None:
            return
        if is_text(field.type) and field.prop.logical_type not in _TEMPORAL:
            yield from self._broken_text(str(value), field)
            return
        found = self._comparable(value, field)
        if found is None:
            return
        for bound, is_lower in [(b, True) for b in options.lower] + [(b, False) for b in options.upper]:
            limit = self._comparable(bound.value, field)
            if limit is not None and _outside(found, limit, bound, is_lower=is_lower):
                key = bound.place.path.rpartition(".")[2]
                side = "below" if is_lower else "above"
                if not bound.inclusive:
                    side = f"not {'above' if is_lower else 'below'}"
                yield f"is {side} `{key}` {bound.value}"
        if options.multiple_of and is_number(field.type) and (found / as_fraction(options.multiple_of)).denominator > 1:
            yield f"is no multiple of {options.multiple_of}"

    def _broken_text(self, text: str, field: Field) -> Iterator[str]:
        options = field.prop.options
        assert options is not None
        if options.min_length is not None and len(text) < options.min_length:
            yield f"is shorter than `minLength` {options.min_length}"
        if options.max_length is not None and len(text) > options.max_length:
            yield f"is longer than `maxLength` {options.max_length}"
        if options.pattern is not None and self._matcher.found(options.pattern, text) is False:
            yield f"does not match the pattern {quoted(options.pattern)}"

    def _comparable(self, value: object, field: Field) -> Fraction | None:
        try:
            if is_number(field.type):
                return as_fraction(value)
            return seconds_of(value, field.prop) if field.prop.logical_type in _TEMPORAL else None
        except Inexpressible:
            return None


def _as_yaml(value: object) -> str:
    """A value as messages show it; a text that would be something else without quotes has them."""
    is_text = isinstance(value, str) and (not value or not isinstance(plain_value(value), str))
    return f'`"{shown(value)}"`' if is_text else quoted(value)


def _outside(found: Fraction, limit: Fraction, bound: Bound, *, is_lower: bool) -> bool:
    if found == limit:
        return not bound.inclusive
    return found < limit if is_lower else found > limit
