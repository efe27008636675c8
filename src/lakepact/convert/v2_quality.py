"""Quality rules of ODCS v2.2.2: those whose name says what v3.1.0 measures; the others for the tool that they name."""

from __future__ import annotations

from typing import Any

from lakepact.convert import checks
from lakepact.convert.building import add_custom, custom_rule
from lakepact.convert.checks import Bounds, Check
from lakepact.convert.source import Element

__all__ = ["quality_check"]

_NULLS = frozenset(("nullcheck", "notnullcheck"))
_DUPLICATES = frozenset(("duplicatecheck", "duplicatecount", "uniquecheck", "uniquenesscheck", "unique"))
_RANGES = frozenset(("rangecheck", "between", "mincheck", "maxcheck"))
_COUNTS = frozenset(("countcheck", "rowcount", "rowcountcheck"))
_DESCRIPTIONS = ("description", "dimension", "severity")


def quality_check(element: Element, column: str | None) -> Check:
    """What a rule became. `column` is the one that it stands on; None for the rule of a table."""
    about = {key: element.text(key) for key in _DESCRIPTIONS if element.has(key)}
    named = _columns(element, column)
    custom, limits = _custom_properties(element)
    kind = (element.text(element.first("code", "templateName")) or "").casefold()
    found = _equal(kind, named, column, limits)
    if found is None:
        custom = [*custom, *({"property": key, "value": value} for key, value in limits.items())]
        tool = element.text("toolName") or "unknown"
        rule = custom_rule(tool, _implementation(element) or {"templateName": "unknown"})
        found = Check(rule=rule, columns=named, on_column=column is not None or len(named) == 1)
    found = checks.described(found, about)
    rule = dict(found.rule)
    for key, name in (("type", "method"), ("businessImpact",) * 2, ("scheduleCronExpression", "schedule")):
        text = element.text(key)
        if text:
            rule[name] = text
    if "schedule" in rule:
        rule["scheduler"] = "cron"
    if custom:
        rule["customProperties"] = [*rule.get("customProperties", ()), *custom]
    add_custom(rule, element.rest())
    return Check(rule=rule, columns=found.columns, on_column=found.on_column)


def _columns(element: Element, column: str | None) -> tuple[str, ...]:
    if column is not None:
        return (column,)
    text = (
        element.text(element.first("columns", "column")) if not isinstance(element.data.get("columns"), list) else None
    )
    names = element.texts("columns") if text is None else text.split(",")
    return tuple(name.strip() for name in names if name.strip())


def _custom_properties(element: Element) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The custom properties, and apart from them the limits of a range."""
    others, limits = [], {}
    for entry in element.elements("customProperties"):
        name, value = entry.text("property"), entry.value("value")
        if name in ("min", "max") and isinstance(value, int | float) and not isinstance(value, bool):
            limits[name] = value
        elif name:
            others.append({"property": name, "value": value})
    return others, limits


def _equal(kind: str, columns: tuple[str, ...], column: str | None, limits: dict[str, Any]) -> Check | None:
    bounds = Bounds(limits.get("min"), limits.get("max"))
    if kind in _COUNTS and column is None and not columns:
        return checks.bounded_rows(bounds)
    if kind in _DUPLICATES and columns and not limits:
        return checks.no_duplicates(columns)
    if len(columns) != 1:
        return None
    if kind in _NULLS and not limits:
        return checks.no_nulls(columns[0])
    return checks.bounded_values(columns[0], bounds) if kind in _RANGES else None


def _implementation(element: Element) -> dict[str, Any]:
    keys = ("code", "templateName", "toolRuleName")
    return {key: text for key in keys if (text := element.text(key))}
