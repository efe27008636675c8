"""Compares service levels: values in one unit, and which way each of them is better."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Hashable
from enum import Enum, auto
from fractions import Fraction

from lakepact.contract.durations import UNIT_SECONDS
from lakepact.contract.model import Contract, SlaProperty
from lakepact.diff.addresses import Addresses
from lakepact.diff.effects import EVERYBODY, MINOR, PATCH, READERS, WRITERS, Effect
from lakepact.diff.facts import difference, fact
from lakepact.diff.findings import Findings, Spot
from lakepact.diff.sections import Section, compare_section
from lakepact.diff.values import clipped, exact, listed, same
from lakepact.rules.literals import Inexpressible, as_moment

__all__ = ["compare_sla", "in_base_unit"]


class _Better(Enum):
    """Which value of a service level is better for readers."""

    LESS = auto()
    MORE = auto()
    KEPT = auto()
    UNKNOWN = auto()


_NAMES = {
    "av": "availability",
    "th": "throughput",
    "er": "errorrate",
    "ga": "generalavailability",
    "es": "endofsupport",
    "el": "endoflife",
    "re": "retention",
    "fy": "frequency",
    "ly": "latency",
    "fr": "latency",
    "freshness": "latency",
    "td": "timetodetect",
    "tn": "timetonotify",
    "tr": "timetorepair",
}
_BETTER = {
    **dict.fromkeys(("latency", "errorrate", "frequency", "generalavailability", "timeofavailability"), _Better.LESS),
    **dict.fromkeys(("timetodetect", "timetonotify", "timetorepair"), _Better.LESS),
    **dict.fromkeys(("availability", "throughput", "endofsupport", "endoflife"), _Better.MORE),
    # The oldest row may be at most that old, and readers count on it being kept so long.
    "retention": _Better.KEPT,
}
# What is measured on the data, so that a stricter value refuses some.
_MEASURED = frozenset(("latency", "retention"))
_PERCENT = frozenset(("%", "percent", "percentage", "pct"))
_KNOWN = frozenset(
    ("id", "property", "value", "valueExt", "unit", "element", "driver", "description", "scheduler", "schedule")
)


def compare_sla(findings: Findings, addresses: Addresses, old: Contract, new: Contract) -> None:
    """Compare the service levels: matched by id, else by property and element, else by property."""
    elements = _Elements(addresses, old, new)
    section: Section[SlaProperty] = Section(
        key="slaProperties",
        noun="service level",
        matched_by=(lambda sla: sla.id, elements.key, lambda sla: _kind(sla)),
        name=lambda sla: sla.id or sla.property,
        value=_shown,
        place=lambda sla: sla.place,
        facts=(fact("id"), fact("driver"), fact("description"), fact("scheduler", MINOR), fact("schedule", MINOR)),
        known=_KNOWN,
        added=_added,
        removed=lambda _: READERS,
        deeper=lambda found, spot, was, now: _compare(found, spot, was, now, elements),
    )
    compare_section(findings, Spot(), section, old.sla_properties, new.sla_properties)


class _Elements:
    """What each service level is about, by names of the new contract; the default element where it says nothing."""

    def __init__(self, addresses: Addresses, old: Contract, new: Contract) -> None:
        self._found = {id(sla): _named(sla, old, addresses.of_old) for sla in old.sla_properties}
        self._found |= {id(sla): _named(sla, new, addresses.of_new) for sla in new.sla_properties}

    def of(self, sla: SlaProperty) -> frozenset[str]:
        """The dotted names."""
        return self._found[id(sla)]

    def key(self, sla: SlaProperty) -> Hashable:
        """What makes a service level without id the same one."""
        return (_kind(sla), self.of(sla))


def _named(sla: SlaProperty, contract: Contract, resolve: Callable[[str], str]) -> frozenset[str]:
    default = (contract.sla_default_element,) if contract.sla_default_element else ()
    return frozenset(resolve(element) for element in sla.elements or default)


def _kind(sla: SlaProperty) -> str:
    name = sla.property.strip().casefold()
    return _NAMES.get(name, name)


def _added(sla: SlaProperty) -> Effect:
    return WRITERS.because("data that is too old is refused") if _kind(sla) in _MEASURED else MINOR


def _shown(sla: SlaProperty) -> str:
    values = [str(part) for part in (sla.value, sla.value_ext) if part is not None]
    return " ".join([sla.property, *values, sla.unit or ""]).strip()


def _compare(findings: Findings, spot: Spot, old: SlaProperty, new: SlaProperty, elements: _Elements) -> None:
    if _kind(old) != _kind(new):
        words = difference(spot, "property", old.property, new.property)
        findings.changed(spot, "property", EVERYBODY, words, old=old.property, new=new.property)
    elif old.property.casefold() != new.property.casefold():
        words = difference(spot, "property", old.property, new.property)
        effect = PATCH.because("both words mean the same")
        findings.changed(spot, "property", effect, words, old=old.property, new=new.property)
    _compare_values(findings, spot, old, new)
    if not same(old.value_ext, new.value_ext):
        words = difference(spot, "valueExt", old.value_ext, new.value_ext)
        effect = READERS if old.value_ext is not None else MINOR
        findings.changed(spot, "valueExt", effect, words, old=old.value_ext, new=new.value_ext)
    _compare_elements(findings, spot, new, elements.of(old), elements.of(new))


def _compare_values(findings: Findings, spot: Spot, old: SlaProperty, new: SlaProperty) -> None:
    before, after = in_base_unit(old), in_base_unit(new)
    if before == after:
        return
    if before[0] != after[0] or isinstance(before[1], str) or isinstance(after[1], str):
        effect = READERS.because("the two cannot be compared")
    else:
        effect = _effect(_kind(new), larger=after[1] > before[1])
    was, now = _shown(old), _shown(new)
    words = f"{spot.label} changed from {clipped(was)} to {clipped(now)}"
    findings.changed(spot, "value", effect, words, old=was, new=now, at=("value", "unit"))


def _effect(kind: str, *, larger: bool) -> Effect:
    better = _BETTER.get(kind, _Better.UNKNOWN)
    if better is _Better.UNKNOWN:
        return READERS.because("which way it is better is not known")
    if better is _Better.KEPT:
        return MINOR.because("it is kept longer") if larger else EVERYBODY.because("it is kept for a shorter time")
    if larger is (better is _Better.LESS):
        return READERS.because("less is promised")
    return (
        WRITERS.because("data that was fresh enough is refused")
        if kind in _MEASURED
        else MINOR.because("more is promised")
    )


def _compare_elements(
    findings: Findings, spot: Spot, new: SlaProperty, before: frozenset[str], after: frozenset[str]
) -> None:
    if before == after:
        return
    old_names, new_names = tuple(sorted(before)) or None, tuple(sorted(after)) or None
    gained, lost = sorted(after - before), sorted(before - after)
    words = [f"holds for {listed(gained)} now"] if gained else []
    words += [f"no longer holds for {listed(lost)}"] if lost else []
    strict = _kind(new) in _MEASURED and bool(gained)
    effect = (EVERYBODY if strict else READERS) if lost else WRITERS if strict else MINOR
    sentence = f"{spot.label} {' and '.join(words)}"
    findings.changed(spot, "element", effect, sentence, old=old_names, new=new_names)


def in_base_unit(sla: SlaProperty) -> tuple[str, Fraction | str]:
    """The value as what can be compared: seconds, percent, a day, a number of the unit as written, else the text.

    >>> from lakepact.contract.model import NOWHERE
    >>> day = in_base_unit(SlaProperty(place=NOWHERE, property="latency", value=1, unit="day"))
    >>> day == in_base_unit(SlaProperty(place=NOWHERE, property="latency", value="24", unit="h"))
    True
    """
    unit = (sla.unit or "").strip().casefold()
    number = exact(sla.value)
    if number is None:
        return _moment(sla, unit)
    if unit in UNIT_SECONDS:
        return ("seconds", number * UNIT_SECONDS[unit])
    if unit in _PERCENT:
        return ("percent", number)
    # `m` is minutes or months: it can only be compared with itself.
    return (unit, number)


def _moment(sla: SlaProperty, unit: str) -> tuple[str, Fraction | str]:
    text = "" if sla.value is None else str(sla.value).strip()
    if (clock := _clock(text)) is not None:
        return ("time of day", clock)
    try:
        moment = as_moment(text)
    except Inexpressible:
        return (unit, text)
    stamp = moment if isinstance(moment, dt.datetime) else dt.datetime.combine(moment, dt.time())
    aware = stamp if stamp.tzinfo else stamp.replace(tzinfo=dt.UTC)
    return ("moment", Fraction(aware.timestamp()))


def _clock(text: str) -> Fraction | None:
    """Seconds since midnight UTC of a time such as `09:00-08:00`."""
    if not re.match(r"\d\d:\d\d", text):
        return None
    try:
        found = dt.time.fromisoformat(text)
    except ValueError:
        return None
    offset = found.utcoffset() or dt.timedelta()
    since = dt.timedelta(hours=found.hour, minutes=found.minute, seconds=found.second) - offset
    return Fraction(since.total_seconds())
