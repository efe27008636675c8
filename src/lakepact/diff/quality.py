"""Compares quality rules: what they measure, what they accept, and how much a broken one matters."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import Any

from lakepact.contract.model import Metric, QualityRule, QualityType, SchemaObject, SchemaProperty
from lakepact.diff.addresses import Addresses
from lakepact.diff.effects import MINOR, PATCH, READERS, WRITERS, Effect, Relation, between_sets, major_for
from lakepact.diff.facts import difference, fact, said
from lakepact.diff.findings import Findings, Spot
from lakepact.diff.options import pattern_relation
from lakepact.diff.sections import Section, compare_attachments, compare_section
from lakepact.diff.thresholds import accepted, allows_fewer, shown_thresholds, threshold_relation
from lakepact.diff.values import clipped, listed, same, scalar_key, shown

__all__ = ["compare_quality"]

_MILD = frozenset(("warning", "warn", "info", "information", "informational", "notice", "low", "minor", "hint"))
_PLACEHOLDER = re.compile(r"\$?\{\s*(?:(object|table|model|schema)|(property|column|field))\s*\}")
# v3.0 examples name these checks and put the limits into customProperties.
_RANGE_RULES = frozenset(("between", "mincheck", "maxcheck"))
_FACTS = (
    fact("id"),
    fact("name"),
    fact("dimension"),
    fact("business_impact"),
    fact("method", MINOR),
    fact("schedule", MINOR),
    fact("scheduler", MINOR),
    fact("tags"),
)
_KNOWN = frozenset(
    (
        *("id", "name", "type", "description", "metric", "rule", "arguments", "query", "engine", "implementation"),
        *("mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan"),
        *("mustBeLessOrEqualTo", "mustBeBetween", "mustNotBeBetween", "unit", "dimension", "severity"),
        *("businessImpact", "method", "schedule", "scheduler", "tags", "customProperties", "authoritativeDefinitions"),
        *("validValues", "missingValues", "pattern", "properties"),
    )
)
_OPERATORS = tuple(key for key in _KNOWN if key.startswith("must"))


def compare_quality(
    findings: Findings,
    spot: Spot,
    addresses: Addresses,
    old: SchemaObject | SchemaProperty,
    new: SchemaObject | SchemaProperty,
) -> None:
    """Compare the rules of a property or an object: matched by id, else by name, else by what they measure."""
    if not old.quality and not new.quality:
        return
    keys = _KeyNames(addresses, old, new)
    section: Section[QualityRule] = Section(
        key="quality",
        noun="rule",
        matched_by=(lambda rule: rule.id, lambda rule: rule.name, _whole, _meaning, _kind),
        name=_name,
        value=_value,
        place=lambda rule: rule.place,
        facts=_FACTS,
        known=_KNOWN,
        added=lambda rule: _weighed(Relation.TIGHTER, rule, rule),
        removed=lambda rule: _weighed(Relation.LOOSER, rule, rule),
        deeper=lambda found, where, was, now: _Pair(found, where, was, now, keys).compare(),
    )
    compare_section(findings, spot, section, old.quality, new.quality)


def _is_mild(rule: QualityRule) -> bool:
    """Whether breaking the rule refuses nothing: it only warns, or only people can check it."""
    return (rule.severity or "").strip().casefold() in _MILD or rule.type is QualityType.TEXT


def _weighed(relation: Relation, old: QualityRule, new: QualityRule) -> Effect:
    """Readers lose what the old rule promised, writers meet what the new one asks; mild rules do neither."""
    readers = relation in (Relation.LOOSER, Relation.OTHER)
    writers = relation in (Relation.TIGHTER, Relation.OTHER)
    effect = major_for(readers=readers and not _is_mild(old), writers=writers and not _is_mild(new))
    mild = effect is MINOR and (_is_mild(old) or _is_mild(new))
    return effect.because("the rule only warns") if mild else effect


def _name(rule: QualityRule) -> str:
    return rule.id or rule.name or _word(rule)


def _word(rule: QualityRule) -> str:
    match rule.type:
        case QualityType.LIBRARY:
            return rule.metric.value if rule.metric else rule.metric_text or "library"
        case QualityType.CUSTOM:
            return rule.engine or "custom"
        case _:
            return rule.type.value


def _value(rule: QualityRule) -> str:
    """The rule as one line."""
    thresholds = shown_thresholds(rule)
    what = {QualityType.SQL: rule.query, QualityType.TEXT: rule.description}.get(rule.type) or _word(rule)
    return f"{what} {thresholds}" if thresholds else what


def _kind(rule: QualityRule) -> Hashable:
    """What a rule without id and name is known by where it measures something else."""
    if rule.id or rule.name:
        return None
    return _metric(rule) if rule.type is QualityType.LIBRARY else (rule.type, (rule.engine or "").casefold())


def _whole(rule: QualityRule) -> Hashable:
    return (_meaning(rule), accepted(rule))


def _meaning(rule: QualityRule) -> Hashable:
    match rule.type:
        case QualityType.LIBRARY:
            return (*_metric(rule), _frozen(rule.arguments))
        case QualityType.SQL:
            return ("sql", _normal_query(rule.query or ""))
        case QualityType.CUSTOM:
            return ("custom", (rule.engine or "").casefold(), _frozen(rule.implementation))
        case QualityType.TEXT:
            return ("text", rule.description)


def _metric(rule: QualityRule) -> tuple[str, str]:
    return ("library", _word(rule).casefold())


def _frozen(value: object) -> Hashable:
    if isinstance(value, Mapping):
        return frozenset((key, _frozen(entry)) for key, entry in value.items())
    if isinstance(value, list | tuple):
        return tuple(_frozen(entry) for entry in value)
    return scalar_key(value)


def _normal_query(query: str) -> str:
    """The query with one spelling of its placeholders, without blanks that cannot matter."""
    text = _PLACEHOLDER.sub(lambda match: "{object}" if match[1] else "{property}", query)
    return text.strip() if any(mark in text for mark in ("'", '"', "--", "/*", "`")) else " ".join(text.split())


class _KeyNames:
    """The properties that a rule on duplicates compares, by their names in the new contract."""

    def __init__(
        self, addresses: Addresses, old: SchemaObject | SchemaProperty, new: SchemaObject | SchemaProperty
    ) -> None:
        self._addresses = addresses
        self._old = old
        self._new = new

    def of(self, named: object, *, old: bool) -> frozenset[object]:
        """The names; those of a rule without names are the property that it stands on."""
        owner = self._old if old else self._new
        if not isinstance(named, list | tuple):
            return frozenset((self._new.name,)) if isinstance(owner, SchemaProperty) else frozenset()
        full = (f"{owner.name}.{name}" if isinstance(owner, SchemaObject) else str(name) for name in named)
        return frozenset(self._addresses.renamed(name) if old else name for name in full)


class _Pair:
    """One rule in both contracts."""

    def __init__(self, findings: Findings, spot: Spot, old: QualityRule, new: QualityRule, keys: _KeyNames) -> None:
        self._findings = findings
        self._spot = spot
        self._old = old
        self._new = new
        self._keys = keys

    def compare(self) -> None:
        old, new = self._old, self._new
        self._measured()
        self._severity()
        if said(old.description) != said(new.description):
            effect = MINOR.because("the text is the rule") if new.type is QualityType.TEXT else PATCH
            self._note("description", effect, old.description, new.description)
        if new.type is not QualityType.LIBRARY and old.unit != new.unit:
            self._note("unit", PATCH, old.unit, new.unit)
        compare_attachments(
            self._findings,
            self._spot,
            old.custom_properties,
            new.custom_properties,
            old.authoritative_definitions,
            new.authoritative_definitions,
        )

    def _note(self, key: str, effect: Effect, old: object, new: object) -> None:
        self._findings.changed(self._spot, key, effect, difference(self._spot, key, old, new), old=old, new=new)

    def _severity(self) -> None:
        old, new = self._old, self._new
        if (old.severity or "").casefold() == (new.severity or "").casefold():
            return
        effect = MINOR
        if _is_mild(old) is not _is_mild(new):
            effect = READERS if _is_mild(new) else WRITERS
            effect = effect.because(
                "a broken rule only warns now" if _is_mild(new) else "a broken rule refuses data now"
            )
        self._note("severity", effect, old.severity, new.severity)

    def _other(self) -> Effect:
        return _weighed(Relation.OTHER, self._old, self._new)

    def _measured(self) -> None:
        old, new = self._old, self._new
        if old.type is not new.type:
            self._note("type", self._other(), old.type.value, new.type.value)
            return
        if old.type is QualityType.LIBRARY:
            self._library()
        elif old.type is QualityType.SQL and _normal_query(old.query or "") != _normal_query(new.query or ""):
            self._note("query", self._other(), old.query, new.query)
        elif old.type is QualityType.CUSTOM:
            if (old.engine or "").casefold() != (new.engine or "").casefold():
                self._note("engine", self._other(), old.engine, new.engine)
            if not same(old.implementation, new.implementation):
                self._note("implementation", self._other(), old.implementation, new.implementation)
        self._threshold()

    def _threshold(self) -> None:
        relation = threshold_relation(self._old, self._new)
        if relation is Relation.SAME:
            return
        before, after = shown_thresholds(self._old), shown_thresholds(self._new)
        verb = {Relation.TIGHTER: "tightened", Relation.LOOSER: "loosened"}.get(relation, "changed")
        shown_old, shown_new = clipped(before or "none"), clipped(after or "none")
        words = f"{self._spot.label}: the threshold was {verb} from {shown_old} to {shown_new}"
        effect = _weighed(relation, self._old, self._new)
        self._findings.changed(
            self._spot, "threshold", effect, words, old=before or None, new=after or None, at=_OPERATORS
        )

    def _library(self) -> None:
        old, new = self._old, self._new
        if _metric(old) != _metric(new):
            self._note("metric", self._other(), _word(old), _word(new))
            return
        monotone = allows_fewer(accepted(old)) and allows_fewer(accepted(new))
        for key in {**old.arguments, **new.arguments}:
            before, after = old.arguments.get(key), new.arguments.get(key)
            relation = self._arguments(key, before, after)
            if relation is not Relation.SAME:
                self._argument(key, relation if monotone else Relation.OTHER, before, after)
        if new.metric is None and _word(new).casefold() in _RANGE_RULES:
            self._limits()

    def _argument(self, key: str, relation: Relation, old: object, new: object) -> None:
        words = f"{self._spot.label}: {_argument_words(key, old, new)}"
        effect = _weighed(relation, self._old, self._new)
        spot = self._spot.inside("arguments")
        self._findings.changed(spot, key, effect, words, old=old, new=new)

    def _arguments(self, key: str, old: object, new: object) -> Relation:
        """How the rows that break the rule change, where fewer of them are always better."""
        if key == "properties" and self._new.metric is Metric.DUPLICATE_VALUES:
            before, after = self._keys.of(old, old=True), self._keys.of(new, old=False)
            # More columns in a key make fewer duplicates.
            return between_sets(before, after)
        if key == "validValues":
            return between_sets(_members(old, null=False), _members(new, null=False))
        if key == "missingValues":
            # The more values count as missing, the more rows do.
            return between_sets(_members((None,) if new is None else new), _members((None,) if old is None else old))
        if key == "pattern":
            return pattern_relation(*(None if text is None else str(text) for text in (old, new)))
        return Relation.SAME if same(old, new) else Relation.OTHER

    def _limits(self) -> None:
        before, after = (
            {entry.property.casefold(): entry.value for entry in rule.custom_properties}
            for rule in (self._old, self._new)
        )
        for key in ("min", "max"):
            if not same(before.get(key), after.get(key)):
                self._note(key, self._other(), before.get(key), after.get(key))


def _members(value: object, *, null: bool = True) -> frozenset[object] | None:
    if value is None:
        return None
    entries = value if isinstance(value, list | tuple) else (value,)
    return frozenset(scalar_key(entry) for entry in entries if null or entry is not None)


def _argument_words(key: str, old: Any, new: Any) -> str:
    if not isinstance(old, list | tuple) or not isinstance(new, list | tuple):
        return f"`{key}` changed from {shown(old)} to {shown(new)}"
    gained = [entry for entry in new if scalar_key(entry) not in map(scalar_key, old)]
    lost = [entry for entry in old if scalar_key(entry) not in map(scalar_key, new)]
    words = ([f"gained {listed(gained)}"] if gained else []) + ([f"lost {listed(lost)}"] if lost else [])
    return f"`{key}` {' and '.join(words)}"
