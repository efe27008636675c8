"""Service levels that promise nothing or that can be read in two ways; the rules report latency and retention."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from lakepact.contract.model import SlaProperty
from lakepact.contract.yaml_nodes import child_path
from lakepact.lint.catalogue import LintCode
from lakepact.lint.subject import Subject, quoted

__all__ = ["check_service_levels"]

# What the rules measure, with the short names of the standard.
_MEASURED = frozenset(("latency", "ly", "freshness", "fr", "retention", "re"))
_DURATIONS = frozenset(("frequency", "fy", "timetodetect", "td", "timetonotify", "tn", "timetorepair", "tr"))
_SHARES = frozenset(("availability", "av", "errorrate", "er"))


def check_service_levels(subject: Subject) -> None:
    """Every service level that the rules do not measure."""
    for sla in subject.contract.sla_properties:
        if sla.property.casefold() in _MEASURED:
            continue
        if sla.unit == "m":
            message = f"the unit `m` of {quoted(sla.property)} may be minutes or months"
            subject.report(LintCode.AMBIGUOUS_UNIT, message, child_path(sla.place.path, "unit"))
        for message, hint in _emptiness(sla):
            path = child_path(sla.place.path, "value")
            subject.report(LintCode.EMPTY_SERVICE_LEVEL, f"{quoted(sla.property)} {message}", path, hint=hint)


def _emptiness(sla: SlaProperty) -> Iterator[tuple[str, str]]:
    name, value = sla.property.casefold(), sla.value
    if value is None or (isinstance(value, str) and not value.strip()):
        yield "has no value", "give it a value, or remove it"
        return
    number = value if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None
    if number is not None and number < 0:
        yield f"is {value}, which is below 0", "write 0 or more"
    elif name in _DURATIONS and number is not None and not sla.unit:
        yield f"is {value} and has no unit", "add unit, for example h"
    elif name in _SHARES and number is not None and number > 100 and (sla.unit or "%") in ("%", "percent"):
        yield f"is {value} percent, which is above 100", "write 0 to 100"
