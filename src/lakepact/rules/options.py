"""`required`, `logicalTypeOptions`, `enum` and types of one field, as drafts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from lakepact.contract.model import Bound, LogicalType, LogicalTypeOptions
from lakepact.contract.types import ArrayType, AtomicType, StructType
from lakepact.contract.yaml_nodes import child_path
from lakepact.rules import predicates
from lakepact.rules.drafting import Draft, Ledger, Origin, RowDraft
from lakepact.rules.fields import Field
from lakepact.rules.formats import TIME_PATTERN, date_pattern, string_format_test
from lakepact.rules.literals import Inexpressible, number_test, zone_of
from lakepact.rules.model import Enforcement, RowRuleKind
from lakepact.rules.patterns import java_pattern
from lakepact.sql import string

__all__ = ["field_drafts", "origin_of", "text_format", "zone"]

_UNSIGNED_BITS = {"u8": 8, "u16": 16, "u32": 32, "u64": 64, "u128": 128}
_SIGNED_BITS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "i128": 128}
_TIME_ONLY = string(r"([.]0*)?(Z|[+-][0-9:]*)?$")


def origin_of(field: Field, *, structural: bool = False) -> Origin:
    """The origin of a rule that the property itself makes."""
    return Origin(
        property=field.label,
        structural=structural,
        critical=field.critical,
        asked=field.action,
        place=field.prop.place,
    )


def text_format(field: Field) -> str | None:
    """The Java pattern by which texts become this column's dates or timestamps, None for ISO 8601."""
    options = field.prop.options
    if options is None or options.format is None or not predicates.is_moment(field.type):
        return None
    try:
        return date_pattern(options.format)
    except Inexpressible:
        return None


def zone(field: Field) -> str:
    """The zone of texts and bounds that name none."""
    options = field.prop.options
    return (options.default_timezone if options else None) or "UTC"


def field_drafts(field: Field, ledger: Ledger) -> Iterator[Draft]:
    """Every rule that type, `required`, options and `enum` of one field make; refusals go to the ledger."""
    yield from _type_draft(field, ledger)
    yield from _time_of_day_draft(field)
    yield from _required_draft(field)
    if field.prop.options is not None:
        yield from _OptionDrafts(field, field.prop.options, ledger).all()
    yield from _enum_draft(field, ledger)


def _type_draft(field: Field, ledger: Ledger) -> Iterator[Draft]:
    if field.nested or field.type == AtomicType("STRING"):
        return
    base = field.prop.place.path
    keys = ["logicalType"] if field.prop.logical_type else []
    keys += ["physicalType"] if field.prop.physical_type else []
    # A physical type that was refused is not what the rule checks.
    clauses = [path for key in keys if (path := child_path(base, key)) not in ledger.claims]
    yield RowDraft(
        label=f"{field.label}.type",
        kind=RowRuleKind.TYPE,
        predicate="",
        columns=(field.column,),
        clauses=tuple(clauses) or (child_path(base, "name"),),
        description=f"{field.label} is a value of type {field.type.ddl}",
        origin=origin_of(field, structural=True),
    )


def _required_draft(field: Field) -> Iterator[Draft]:
    prop = field.prop
    if not (prop.required or prop.primary_key):
        return
    keys = [key for key, on in (("required", prop.required), ("primaryKey", prop.primary_key)) if on]
    yield RowDraft(
        label=f"{field.label}.required",
        predicate=field.present(),
        columns=(field.column,),
        clauses=tuple(child_path(prop.place.path, key) for key in keys),
        description=f"{field.label} is there",
        origin=replace(origin_of(field, structural=True), presence=True),
    )


def _enum_draft(field: Field, ledger: Ledger) -> Iterator[Draft]:
    prop = field.prop
    if not prop.enum:
        return
    path = child_path(prop.place.path, "enum")
    allowed = [entry.value for entry in prop.enum]
    try:
        test = predicates.member_test(field.expression, field.type, allowed, zone=zone(field))
    except Inexpressible as refused:
        ledger.refuse(path, str(refused), code="LP205", place=prop.place)
        return
    shown = ", ".join(str(value) for value in allowed if value is not None)
    yield RowDraft(
        label=f"{field.label}.enum",
        predicate=field.holds(test),
        columns=(field.column,),
        clauses=(path,),
        description=f"{field.label} is one of {_shortened(shown)}",
        origin=origin_of(field),
    )


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


class _OptionDrafts:
    """The drafts of one `logicalTypeOptions`."""

    def __init__(self, field: Field, options: LogicalTypeOptions, ledger: Ledger) -> None:
        self._field = field
        self._options = options
        self._ledger = ledger
        self._value = field.expression
        self._type = field.type

    def all(self) -> Iterator[Draft]:
        for key in self._options.places:
            yield from self._one(key)

    def _one(self, key: str) -> Iterator[Draft]:
        make = self._tests().get(key)
        try:
            if make is not None:
                yield from self._drafts(key, *make())
            else:
                yield from self._special(key)
        except Inexpressible as refused:
            self._ledger.refuse(self._path(key), str(refused), code="LP205", place=self._options.places[key])

    def _path(self, key: str) -> str:
        return child_path(self._options.place.path, key)

    def _drafts(self, key: str, test: str, what: str, *, structural: bool = False) -> Iterator[Draft]:
        yield RowDraft(
            label=f"{self._field.label}.{key}",
            predicate=self._field.holds(test),
            columns=(self._field.column,),
            clauses=(self._path(key), *self._modifiers(key)),
            description=f"{self._field.label} {what}",
            origin=origin_of(self._field, structural=structural),
        )

    def _modifiers(self, key: str) -> tuple[str, ...]:
        """Until v3.0.2 `exclusiveMinimum: true` only modifies `minimum`."""
        exclusive = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}.get(key, "")
        return (self._path(exclusive),) if exclusive in self._options.places and not self._bound(exclusive) else ()

    def _bound(self, key: str) -> Bound | None:
        sides = (*self._options.lower, *self._options.upper)
        return next((bound for bound in sides if bound.place.path == self._path(key)), None)

    def _tests(self) -> dict[str, Callable[[], tuple[str, str]]]:
        options = self._options
        numbers: dict[str, Callable[[], tuple[str, str]]] = {}
        for key, count, make in (
            ("minLength", options.min_length, self._length),
            ("maxLength", options.max_length, self._length),
            ("minItems", options.min_items, self._items),
            ("maxItems", options.max_items, self._items),
            ("minProperties", options.min_properties, self._members),
            ("maxProperties", options.max_properties, self._members),
        ):
            if count is not None:
                numbers[key] = partial(make, key, count)
        if options.multiple_of is not None:
            numbers["multipleOf"] = self._multiple
        if options.pattern is not None:
            numbers["pattern"] = self._pattern
        if options.dimensions is not None:
            numbers["dimensions"] = self._dimensions
        if options.unique_items:
            numbers["uniqueItems"] = self._unique_items
        return numbers

    def _length(self, key: str, count: int) -> tuple[str, str]:
        lower = key.startswith("min")
        test = predicates.length_test(self._value, self._type, count, lower=lower)
        return test, f"has at {'least' if lower else 'most'} {count} characters"

    def _items(self, key: str, count: int) -> tuple[str, str]:
        lower = key.startswith("min")
        test = predicates.items_test(self._value, self._type, count, operator=">=" if lower else "<=")
        return test, f"has at {'least' if lower else 'most'} {count} items"

    def _members(self, key: str, count: int) -> tuple[str, str]:
        lower = key.startswith("min")
        test = predicates.members_test(self._value, self._type, count, operator=">=" if lower else "<=")
        return test, f"has at {'least' if lower else 'most'} {count} properties"

    def _multiple(self) -> tuple[str, str]:
        step = self._options.multiple_of
        return predicates.multiple_test(self._value, self._type, step), f"is a multiple of {step}"

    def _pattern(self) -> tuple[str, str]:
        pattern = self._options.pattern or ""
        test = predicates.pattern_test(self._value, self._type, pattern)
        if note := java_pattern(pattern).note:
            self._ledger.note(self._path("pattern"), Enforcement.ROW, note)
            self._ledger.problem("LP205", f"{self._path('pattern')}: {note}", place=self._options.places["pattern"])
        return test, f"matches {pattern}"

    def _dimensions(self) -> tuple[str, str]:
        count = self._options.dimensions or 0
        return predicates.items_test(self._value, self._type, count, operator="="), f"has {count} dimensions"

    def _unique_items(self) -> tuple[str, str]:
        return predicates.unique_items_test(self._value, self._type), "has no item twice"

    def _special(self, key: str) -> Iterator[Draft]:
        if key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            yield from self._bounds(key)
        elif key == "format":
            yield from self._format()
        elif key == "required":
            yield from self._required()
        elif key == "elementType":
            yield from self._element_type()
        elif key == "uniqueItems":
            self._note(key, Enforcement.METADATA, "false: demands nothing")
        elif key in ("timezone", "defaultTimezone"):
            self._zones(key)
        elif key in ("distanceMetric", "embeddingModel", "embeddingModelVersion", "normalized"):
            self._note(key, Enforcement.METADATA, "describes how the vector was made")
        else:
            self._ledger.refuse(self._path(key), "lakepact does not know this option")

    def _note(self, key: str, enforcement: Enforcement, reason: str) -> None:
        self._ledger.note(self._path(key), enforcement, reason)

    def _bounds(self, key: str) -> Iterator[Draft]:
        bound = self._bound(key)
        if bound is None:
            inclusive = "minimum" if key == "exclusiveMinimum" else "maximum"
            if self._bound(inclusive) is None:
                self._note(key, Enforcement.METADATA, f"a switch of {inclusive}, which is not there")
            return
        lower = bound in self._options.lower
        words = f"{'above' if lower else 'below'}" if not bound.inclusive else f"at {'least' if lower else 'most'}"
        if self._is_time():
            test = self._time_test(bound, lower=lower)
        else:
            test = predicates.bound_test(
                self._value,
                self._type,
                bound.value,
                lower=lower,
                inclusive=bound.inclusive,
                zone=zone(self._field),
                pattern=self._options.format,
            )
        yield from self._drafts(key, test, f"is {words} {bound.value}")

    def _is_time(self) -> bool:
        return predicates.is_text(self._type) and self._field.prop.logical_type in (
            LogicalType.TIME,
            LogicalType.DATE,
            LogicalType.TIMESTAMP,
        )

    def _time_test(self, bound: Bound, *, lower: bool) -> str:
        operator = (">" if lower else "<") + ("=" if bound.inclusive else "")
        if self._options.format is not None:
            pattern = string(date_pattern(self._options.format))
            limit = f"try_to_timestamp({string(str(bound.value))}, {pattern})"
            return f"coalesce(try_to_timestamp({self._value}, {pattern}) {operator} {limit}, FALSE)"
        if self._field.prop.logical_type is not LogicalType.TIME:
            raise Inexpressible("dates that are stored as text have no order without a format")
        limit = str(bound.value) + (":00" if str(bound.value).count(":") == 1 else "")
        return f"regexp_replace({self._value}, {_TIME_ONLY}, '') {operator} {string(limit)}"

    def _format(self) -> Iterator[Draft]:
        name = self._options.format or ""
        if self._is_time():
            pattern = string(date_pattern(name))
            test = f"try_to_timestamp({self._value}, {pattern}) IS NOT NULL"
            yield from self._drafts("format", test, f"is text in the format {name}", structural=True)
        elif predicates.is_moment(self._type):
            date_pattern(name)
            if self._field.nested:
                raise Inexpressible("texts inside of structs, arrays and maps are read as ISO 8601 only")
            self._ledger.claim(
                self._path("format"), Enforcement.TABLE, reason="texts of the source are read with this pattern"
            )
        elif name in _UNSIGNED_BITS or name in _SIGNED_BITS:
            yield from self._integer_format(name)
        elif name in ("f32", "f64"):
            self._note("format", Enforcement.TABLE, f"decides the type: {self._type.ddl}")
        elif predicates.is_text(self._type):
            yield from self._drafts("format", string_format_test(self._value, name), f"is in the format {name}")
        else:
            raise Inexpressible(f"format {name!r} has no meaning for values of type {self._type.ddl}")

    def _integer_format(self, name: str) -> Iterator[Draft]:
        if not predicates.is_number(self._type):
            raise Inexpressible(f"format {name!r} has no meaning for values of type {self._type.ddl}")
        bits = _UNSIGNED_BITS.get(name) or _SIGNED_BITS[name]
        low = 0 if name in _UNSIGNED_BITS else -(2 ** (bits - 1))
        high = 2**bits - 1 if name in _UNSIGNED_BITS else 2 ** (bits - 1) - 1
        tests = [
            number_test(self._value, self._type.ddl, low, lower=True, inclusive=True),
            number_test(self._value, self._type.ddl, high, lower=False, inclusive=True),
        ]
        needed = [test for test in tests if test != "TRUE"]
        if needed:
            yield from self._drafts("format", " AND ".join(needed), f"is an integer of format {name}", structural=True)
        else:
            self._note("format", Enforcement.TABLE, f"decides the type: {self._type.ddl}")

    def _required(self) -> Iterator[Draft]:
        tests: list[str] = []
        for name in self._options.required:
            if isinstance(self._type, StructType):
                child = self._field.child(name)
                if child is None:
                    raise Inexpressible(f"the object has no property {name!r}")
                tests.append(f"{child.expression} IS NOT NULL")
            else:
                tests.append(predicates.required_members_test(self._value, self._type, name))
        has = f"has {', '.join(self._options.required)}"
        yield from self._drafts("required", " AND ".join(tests) or "TRUE", has, structural=True)

    def _element_type(self) -> Iterator[Draft]:
        name = self._options.element_type or ""
        limits = {"uint8": 255, "binary": 1}
        if name in limits and isinstance(self._type, ArrayType) and predicates.is_number(self._type.element):
            item = f"_v{len(self._field.frames) + 1}"
            test = f"forall({self._value}, {item} -> {item} IS NULL OR {item} BETWEEN 0 AND {limits[name]})"
            yield from self._drafts("elementType", test, f"holds values from 0 to {limits[name]}")
        else:
            self._note("elementType", Enforcement.TABLE, f"decides the type: {self._type.ddl}")

    def _zones(self, key: str) -> None:
        if key == "defaultTimezone":
            zone_of(self._options.default_timezone or "UTC")
            self._note(key, Enforcement.TABLE, "the zone of texts and bounds that name none")
        elif predicates.is_moment(self._type):
            self._note(key, Enforcement.TABLE, f"decides the type: {self._type.ddl}")
        elif self._is_time():
            self._note(key, Enforcement.METADATA, "times are stored as text")
        else:
            raise Inexpressible(f"a time zone has no meaning for values of type {self._type.ddl}")


def _time_of_day_draft(field: Field) -> Iterator[Draft]:
    """The rule of a `time` without a format: ISO 8601 with seconds."""
    options = field.prop.options
    is_time = field.prop.logical_type is LogicalType.TIME and predicates.is_text(field.type)
    if not is_time or (options is not None and options.format is not None):
        return
    yield RowDraft(
        label=f"{field.label}.time",
        predicate=field.holds(f"{field.expression} RLIKE {string(TIME_PATTERN)}"),
        columns=(field.column,),
        clauses=(child_path(field.prop.place.path, "logicalType"),),
        description=f"{field.label} is a time of day, HH:mm:ss",
        origin=origin_of(field, structural=True),
    )
