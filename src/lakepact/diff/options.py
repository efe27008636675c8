"""Compares `logicalTypeOptions` as what they accept: bounds, lengths, patterns, formats, zones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lakepact.contract.model import LogicalTypeOptions, SchemaProperty
from lakepact.diff.bounds import (
    Limit,
    fewest,
    highest,
    lowest,
    most,
    relation_of_steps,
    step_of,
)
from lakepact.diff.effects import (
    EVERYBODY,
    MINOR,
    PATCH,
    READERS,
    WRITERS,
    Effect,
    Relation,
    between_sets,
    effect_of,
    ordered,
)
from lakepact.diff.facts import difference
from lakepact.diff.findings import Findings, Spot
from lakepact.diff.formats import format_effect
from lakepact.diff.plain import compare_plain
from lakepact.diff.tree import Typed
from lakepact.diff.values import clipped
from lakepact.diff.widening import shape
from lakepact.rules.literals import Inexpressible
from lakepact.rules.patterns import java_pattern

__all__ = ["compare_options", "pattern_relation"]

_UTC = frozenset(("utc", "etc/utc", "z", "gmt", "etc/gmt"))
_WIDTHS: Mapping[str, str] = {"uint8": "values from 0 to 255", "binary": "values from 0 to 1"}
# An embedding of one model says nothing in the space of another.
_EMBEDDING = frozenset(("embeddingModel", "embeddingModelVersion", "distanceMetric"))


@dataclass(frozen=True, slots=True)
class _Sides:
    spot: Spot
    old: Typed
    new: Typed
    before: LogicalTypeOptions
    after: LogicalTypeOptions


def compare_options(findings: Findings, spot: Spot, old: Typed, new: Typed) -> None:
    """Note every option whose accepted values differ."""
    if old.prop.options is None and new.prop.options is None:
        return
    sides = _Sides(spot.inside("logicalTypeOptions"), old, new, _options(old.prop), _options(new.prop))
    for key, limit, written in (
        ("minimum", lowest, ("minimum", "exclusiveMinimum")),
        ("maximum", highest, ("maximum", "exclusiveMaximum")),
    ):
        _limit(findings, sides, key, limit(old, new), written)
    for key in ("minLength", "minItems", "minProperties"):
        _limit(findings, sides, key, fewest(old, new, key), (key,))
    for key in ("maxLength", "maxItems", "maxProperties"):
        _limit(findings, sides, key, most(old, new, key), (key,))
    _steps(findings, sides)
    _set_like(findings, sides)
    effect = format_effect(old, new)
    if effect is not None:
        _value(findings, sides, "format", effect, sides.before.format, sides.after.format)
    _zones(findings, sides)
    _vector(findings, sides)
    _others(findings, sides)


def _options(prop: SchemaProperty) -> LogicalTypeOptions:
    return prop.options or LogicalTypeOptions(place=prop.place)


def _value(findings: Findings, sides: _Sides, key: str, effect: Effect, old: object, new: object) -> None:
    findings.changed(sides.spot, key, effect, difference(sides.spot, key, old, new), old=old, new=new)


def _limit(
    findings: Findings, sides: _Sides, key: str, limit: tuple[Relation, Limit, Limit], written: tuple[str, ...]
) -> None:
    relation, old, new = limit
    if relation is Relation.SAME:
        return
    whys = {Relation.TIGHTER: "fewer values are accepted", Relation.LOOSER: "more values are accepted"}
    effect = effect_of(relation).because(whys.get(relation, "other values are accepted"))
    before, after = clipped(str(old)), clipped(str(new))
    if old is None:
        words = f"`{key}` was added, {after}"
    else:
        words = f"`{key}` was removed, it was {before}" if new is None else f"`{key}` changed from {before} to {after}"
    findings.changed(sides.spot, key, effect, f"{sides.spot.label}: {words}", old=old, new=new, at=written)


def _steps(findings: Findings, sides: _Sides) -> None:
    before, after = sides.before.multiple_of, sides.after.multiple_of
    step_old, step_new = step_of(before, sides.old.type), step_of(after, sides.new.type)
    relation = relation_of_steps(step_old, step_new)
    if relation is not Relation.SAME:
        shown_old, shown_new = None if step_old is None else before, None if step_new is None else after
        _value(findings, sides, "multipleOf", effect_of(relation), shown_old, shown_new)


def _set_like(findings: Findings, sides: _Sides) -> None:
    """Options that accept everything or less."""
    before, after = sides.before, sides.after
    relation = pattern_relation(before.pattern, after.pattern)
    if before.pattern != after.pattern:
        _value(findings, sides, "pattern", effect_of(relation), before.pattern, after.pattern)
    for key, old, new in (
        ("uniqueItems", before.unique_items, after.unique_items),
        ("normalized", before.normalized, after.normalized),
    ):
        if bool(old) != bool(new):
            _value(findings, sides, key, WRITERS if new else READERS, bool(old), bool(new))
    was, now = _free_members(sides.old), _free_members(sides.new)
    relation = ordered(subset=set(now) >= set(was), superset=set(now) <= set(was))
    if relation is not Relation.SAME:
        _value(findings, sides, "required", effect_of(relation), was or None, now or None)


def _free_members(side: Typed) -> tuple[str, ...]:
    """The names that an object demands and does not declare: those that it declares are required there."""
    declared = {prop.name for prop in side.prop.properties}
    return tuple(name for name in _options(side.prop).required if name not in declared)


def pattern_relation(old: str | None, new: str | None) -> Relation:
    """How two patterns relate: the same where they are one for Java's engine; else nothing can be proved."""
    if old == new:
        return Relation.SAME
    if old is None or new is None:
        return Relation.TIGHTER if old is None else Relation.LOOSER
    return Relation.SAME if _normal_pattern(old) == _normal_pattern(new) else Relation.OTHER


def _normal_pattern(pattern: str) -> str:
    try:
        return "java " + java_pattern(pattern).text
    except Inexpressible:
        return "text " + pattern


def _zones(findings: Findings, sides: _Sides) -> None:
    old, new = (_zone(options) for options in (sides.before, sides.after))
    if old != new:
        in_zone = "TIMESTAMP" in (shape(sides.old.type), shape(sides.new.type))
        effect = EVERYBODY.because("texts without a zone are other moments") if in_zone else PATCH
        _value(findings, sides, "defaultTimezone", effect, sides.before.default_timezone, sides.after.default_timezone)
    was, now = sides.before.timezone, sides.after.timezone
    # What is not said is true; for timestamps the switch decides the type, unless the physical type does.
    if (was is not False) != (now is not False) and shape(sides.old.type) == shape(sides.new.type):
        _value(findings, sides, "timezone", MINOR.because("the type is the same"), was, now)


def _zone(options: LogicalTypeOptions) -> str:
    text = (options.default_timezone or "UTC").casefold()
    return "utc" if text in _UTC else text


def _vector(findings: Findings, sides: _Sides) -> None:
    before, after = sides.before, sides.after
    if before.dimensions != after.dimensions:
        relation = between_sets(
            *(frozenset((n,)) if n is not None else None for n in (before.dimensions, after.dimensions))
        )
        _value(findings, sides, "dimensions", effect_of(relation), before.dimensions, after.dimensions)
    old, new = before.element_type or "float32", after.element_type or "float32"
    if old != new:
        was, now = _WIDTHS.get(old), _WIDTHS.get(new)
        effect = MINOR if was == now else WRITERS if was is None else READERS if now is None else EVERYBODY
        _value(findings, sides, "elementType", effect, before.element_type, after.element_type)


def _others(findings: Findings, sides: _Sides) -> None:
    before, after = sides.before.other, sides.after.other
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        breaks = key in _EMBEDDING and old is not None
        effect = READERS.because("vectors of both cannot be compared") if breaks else MINOR
        compare_plain(findings, sides.spot.inside(key), key, old, new, effect)
