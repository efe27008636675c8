"""Quality rules: arguments that nothing reads, rules that say nothing, queries that name their own table."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lakepact.contract.build_quality import ARGUMENTS
from lakepact.contract.model import Metric, QualityRule, QualityType, SchemaProperty
from lakepact.contract.yaml_nodes import child_path
from lakepact.lint.catalogue import LintCode
from lakepact.lint.paths import value_at
from lakepact.lint.subject import Subject, quoted
from lakepact.lint.thresholds import check_thresholds

__all__ = ["argument_path", "check_quality", "rules_of"]

_READ = {
    Metric.NULL_VALUES: {"properties"},
    Metric.MISSING_VALUES: {"missingValues", "properties"},
    Metric.INVALID_VALUES: {"validValues", "pattern", "properties"},
    Metric.DUPLICATE_VALUES: {"properties"},
    Metric.ROW_COUNT: set[str](),
}
_PLACEHOLDER = re.compile(r"\{\s*(object|table|model|schema|property|column|field)\s*\}")


def check_quality(subject: Subject) -> None:
    """Every quality rule of the contract."""
    for prop, rule in rules_of(subject):
        match rule.type:
            case QualityType.LIBRARY:
                _library(subject, prop, rule)
            case QualityType.SQL:
                _sql(subject, rule)
            case QualityType.TEXT:
                _text(subject, rule)
        check_thresholds(subject, rule)


def rules_of(subject: Subject) -> Iterator[tuple[SchemaProperty | None, QualityRule]]:
    """Every quality rule with the property that it stands on; None for the rules of objects."""
    for each in subject.contract.schema:
        for rule in each.quality:
            yield None, rule
    for _, prop in subject.properties:
        for rule in prop.quality:
            yield prop, rule


def argument_path(subject: Subject, rule: QualityRule, name: str) -> str:
    """Where an argument is written: under `arguments`, or until v3.0.2 beside the rule."""
    inner = child_path(child_path(rule.place.path, "arguments"), name)
    return inner if subject.written(inner) else child_path(rule.place.path, name)


def _library(subject: Subject, prop: SchemaProperty | None, rule: QualityRule) -> None:
    metric = rule.metric
    if metric is None:
        return
    key = "metric" if subject.written(child_path(rule.place.path, "metric")) else "rule"
    if metric is Metric.ROW_COUNT and prop is not None:
        message = f"`{rule.metric_text}` counts the rows of the object, and stands on {quoted(prop.name or 'items')}"
        subject.report(LintCode.ROW_COUNT_OF_PROPERTY, message, child_path(rule.place.path, key))
    for name in rule.arguments:
        if name in _READ[metric]:
            continue
        readers = [each.value for each, names in _READ.items() if name in names]
        hint = f"{' and '.join(readers)} read{'s' if len(readers) == 1 else ''} it" if readers else _known(name, metric)
        message = f"`{rule.metric_text}` does not read the argument {quoted(name)}"
        subject.report(LintCode.ARGUMENT_NOT_READ, message, argument_path(subject, rule, name), hint=hint)


def _known(name: str, metric: Metric) -> str:
    same = next((known for known in ARGUMENTS if known.lower() == name.lower()), None)
    if same:
        return f"did you mean `{same}`?"
    return f"it reads {', '.join(sorted(_READ[metric]))}" if _READ[metric] else "it reads no argument; remove it"


def _sql(subject: Subject, rule: QualityRule) -> None:
    if rule.query and not _PLACEHOLDER.search(rule.query):
        path = child_path(rule.place.path, "query")
        message = "the query has no placeholder, so it reads the table that it names and no other"
        hint = "write {object} for the table and {property} for the column"
        subject.report(LintCode.QUERY_WITHOUT_PLACEHOLDER, message, path, hint=hint)


def _text(subject: Subject, rule: QualityRule) -> None:
    told = rule.description or rule.name or value_at(subject.contract.document, f"{rule.place.path}.businessImpact")
    if not isinstance(told, str) or not told.strip():
        message = "a rule of type text has no `description`, so it demands nothing"
        subject.report(LintCode.TEXT_SAYS_NOTHING, message, rule.place.path)
