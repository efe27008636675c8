"""Quality rules of the document as the model has them: v3.0 `rule` names become metrics, units get one spelling."""

from __future__ import annotations

from typing import Any

from lakepact.contract.build_parts import Element, authoritative_definitions, custom_properties
from lakepact.contract.model import Metric, Operator, Place, QualityRule, QualityType, Threshold

__all__ = ["ARGUMENTS", "ROWS_AND_PERCENT", "quality_rules"]

ARGUMENTS = ("validValues", "missingValues", "pattern", "properties")
ROWS_AND_PERCENT = {"rows": "rows", "row": "rows", "percent": "percent", "percentage": "percent", "%": "percent"}

_METRICS = {metric.value.casefold(): metric for metric in Metric} | {
    "nullcheck": Metric.NULL_VALUES,
    "duplicatecount": Metric.DUPLICATE_VALUES,
    "unique": Metric.DUPLICATE_VALUES,
    "validvalues": Metric.INVALID_VALUES,
    "countcheck": Metric.ROW_COUNT,
}
_RULES_THAT_ALLOW_NONE = {"unique", "validvalues"}


def quality_rules(element: Element) -> tuple[QualityRule, ...]:
    """The `quality` of a property or an object."""
    return element.each("quality", _quality_rule)


def _quality_rule(element: Element) -> QualityRule:
    written = "metric" if element.has("metric") else "rule"
    metric_text = element.text(written)
    return QualityRule(
        place=element.place,
        type=QualityType(element.text("type") or "library"),
        id=element.text("id"),
        name=element.text("name"),
        description=element.text("description"),
        metric=_METRICS.get(metric_text.casefold()) if metric_text else None,
        metric_text=metric_text,
        arguments=_arguments(element),
        query=element.text("query"),
        engine=element.text("engine"),
        implementation=element.data.get("implementation"),
        thresholds=_thresholds(element, metric_text, element.place_of(written)),
        unit=_unit(element.text("unit")),
        dimension=element.text("dimension"),
        severity=element.text("severity"),
        business_impact=element.text("businessImpact"),
        method=element.text("method"),
        schedule=element.text("schedule"),
        scheduler=element.text("scheduler"),
        tags=element.texts("tags"),
        custom_properties=custom_properties(element),
        authoritative_definitions=authoritative_definitions(element),
    )


def _arguments(element: Element) -> dict[str, Any]:
    """The `arguments`, with those that v3.0 documents write beside the rule itself."""
    beside = {name: element.exact(name) for name in ARGUMENTS if element.has(name)}
    inner = element.element("arguments")
    return beside | ({key: inner.exact(key) for key in inner.data} if inner else {})


def _thresholds(element: Element, metric_text: str | None, implied_at: Place) -> tuple[Threshold, ...]:
    written = tuple(
        Threshold(operator, element.exact(operator.value), element.place_of(operator.value))
        for operator in Operator
        if operator.value in element.data
    )
    if not written and metric_text and metric_text.casefold() in _RULES_THAT_ALLOW_NONE:
        return (Threshold(Operator.MUST_BE, 0, implied_at),)
    return written


def _unit(text: str | None) -> str:
    if text is None:
        return "rows"
    return ROWS_AND_PERCENT.get(text.strip().casefold(), text)
