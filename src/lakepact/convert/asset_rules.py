"""Quality rules of flat asset definitions, which follow ODCS v3.0.2 loosely, as rules of v3.1.0."""

from __future__ import annotations

from typing import Any

from lakepact.contract.model import Metric, Operator
from lakepact.convert import checks
from lakepact.convert.building import add_custom, custom_rule
from lakepact.convert.checks import Check
from lakepact.convert.source import Element

__all__ = ["read_rule"]

_OPERATORS = tuple(operator.value for operator in Operator)
_METRICS = {metric.value.casefold(): metric.value for metric in Metric} | {
    "nullcheck": "nullValues",
    "duplicatecount": "duplicateValues",
    "unique": "duplicateValues",
    "validvalues": "invalidValues",
    "countcheck": "rowCount",
}
_ZERO = frozenset(("nullcheck", "duplicatecount", "unique", "validvalues"))
_ARGUMENTS = ("validValues", "missingValues", "pattern", "properties")
_TEXTS = ("businessImpact", "method", "schedule", "scheduler", "unit", "id")


def read_rule(element: Element, column: str | None) -> Check:
    """The rule of a column, or of the object where `column` is None; as it is written where v3.1.0 cannot say it."""
    data = element.everything()
    kind = str(data.get("type", "library"))
    made = {"library": _library, "sql": _sql, "custom": _custom, "text": _text}.get(kind, _nothing)(data)
    if made is None:
        rule = custom_rule(str(data.get("engine", "asset")), data)
        used = set(data)
    else:
        rule, used = made
        for key in _TEXTS:
            if isinstance(data.get(key), str):
                rule[key] = data[key]
        used |= checks.DESCRIPTIONS | {"type", *_TEXTS}
    columns = (column,) if column else ()
    found = checks.described(Check(rule=rule, columns=columns, on_column=bool(column)), data)
    add_custom(found.rule, {key: value for key, value in data.items() if key not in used})
    return found


_Made = tuple[dict[str, Any], set[str]]


def _nothing(_data: dict[str, Any]) -> _Made | None:
    return None


def _library(data: dict[str, Any]) -> _Made | None:
    written = data.get("metric", data.get("rule"))
    name = written.casefold() if isinstance(written, str) else ""
    operators = {key: data[key] for key in _OPERATORS if key in data}
    if not operators and name in _ZERO:
        operators = {"mustBe": 0}
    arguments = data.get("arguments", {key: data[key] for key in _ARGUMENTS if key in data})
    if name not in _METRICS or len(operators) != 1 or not isinstance(arguments, dict):
        return None
    if _METRICS[name] == "invalidValues" and not {"validValues", "pattern"} & set(arguments):
        return None
    rule = {"type": "library", "metric": _METRICS[name], **operators} | ({"arguments": arguments} if arguments else {})
    return rule, {"metric", "rule", "arguments", *_ARGUMENTS, *operators}


def _sql(data: dict[str, Any]) -> _Made | None:
    operators = {key: data[key] for key in _OPERATORS if key in data}
    query = data.get("query")
    if not isinstance(query, str) or len(operators) != 1:
        return None
    for old in ("object", "table", "property", "column"):
        query = query.replace(f"${{{old}}}", f"{{{old}}}")
    return {"type": "sql", "query": query, **operators}, {"query", *operators}


def _custom(data: dict[str, Any]) -> _Made | None:
    engine, implementation = data.get("engine"), data.get("implementation")
    if not isinstance(engine, str) or not isinstance(implementation, str | dict):
        return None
    return custom_rule(engine, implementation), {"engine", "implementation"}


def _text(_data: dict[str, Any]) -> _Made | None:
    return {"type": "text"}, set()
