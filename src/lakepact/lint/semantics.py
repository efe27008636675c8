"""Measures that are used as if they were stored: a measure is computed by its reader (v3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lakepact.contract.model import QualityRule, SchemaObject, SchemaProperty, SemanticType
from lakepact.contract.yaml_nodes import child_path
from lakepact.lint.catalogue import LintCode
from lakepact.lint.subject import Subject, quoted

__all__ = ["check_measures"]

_PATH = re.compile(r"/?schema/([^/]+)/properties/([^/]+)")


def check_measures(subject: Subject) -> None:
    """Flags of a measure, and references to one; a contract without measures costs nothing."""
    measures = [prop for _, prop in subject.properties if prop.semantic_type is SemanticType.MEASURE]
    if not measures:
        return
    for prop in measures:
        for key, word in _flags(prop):
            message = f"{quoted(prop.name)} is a measure and {word}; it is computed, not stored"
            subject.report(LintCode.MEASURE_AS_COLUMN, message, child_path(prop.place.path, key))
    for path, name in _references(subject):
        message = f"{quoted(name)} is a measure; it is computed, not stored"
        subject.report(LintCode.MEASURE_AS_COLUMN, message, path)


def _flags(prop: SchemaProperty) -> Iterator[tuple[str, str]]:
    flags = (
        ("required", prop.required, "required"),
        ("unique", prop.unique, "unique"),
        ("primaryKey", prop.primary_key, "part of the primary key"),
        ("partitioned", prop.partitioned, "a partition column"),
        ("relationships", bool(prop.relationships), "refers to another property"),
    )
    for key, is_set, word in flags:
        if is_set:
            yield key, word if key == "relationships" else f"is {word}"


def _references(subject: Subject) -> Iterator[tuple[str, str]]:
    """Paths at which a measure is named where a column must be, with the name."""
    contract = subject.contract
    for each in contract.schema:
        for relationship in each.relationships:
            yield from _named(subject, child_path(relationship.place.path, "from"), relationship.source)
            yield from _named(subject, child_path(relationship.place.path, "to"), relationship.target)
        for rule in each.quality:
            yield from _arguments(each, rule)
    for _, prop in subject.properties:
        for relationship in prop.relationships:
            yield from _named(subject, child_path(relationship.place.path, "to"), relationship.target)
    for sla in contract.sla_properties:
        yield from _named(subject, child_path(sla.place.path, "element"), sla.elements)
    if contract.sla_default_element:
        yield from _named(subject, "slaDefaultElement", (contract.sla_default_element,))


def _named(subject: Subject, path: str, addresses: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for address in addresses:
        match = _PATH.fullmatch(address)
        if (f"{match[1]}.{match[2]}" if match else address) in subject.measures:
            yield path, address


def _arguments(schema_object: SchemaObject, rule: QualityRule) -> Iterator[tuple[str, str]]:
    listed = rule.arguments.get("properties")
    if not isinstance(listed, list | tuple) or not listed:
        return
    measures = {prop.name for prop in schema_object.properties if prop.semantic_type is SemanticType.MEASURE}
    for index, name in enumerate(listed):
        if isinstance(name, str) and name in measures:
            yield f"{rule.place.path}.arguments.properties[{index}]", name
