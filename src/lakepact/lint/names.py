"""Names that collide or cannot be used; Spark and Delta do not tell upper from lower case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from lakepact.contract.model import SchemaObject, SchemaProperty, SemanticType
from lakepact.contract.yaml_nodes import child_path
from lakepact.errors import Severity
from lakepact.lint.catalogue import LintCode
from lakepact.lint.subject import Subject, place_of, quoted

__all__ = ["check_names"]

# Controls, and marks that nobody sees: two names that look the same would differ.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")

_Named = SchemaObject | SchemaProperty
_T = TypeVar("_T", SchemaObject, SchemaProperty)


def check_names(subject: Subject) -> None:
    """Objects with one name or one table, properties with one name or one column, and names that cannot be used."""
    objects = subject.contract.schema
    _duplicates(subject, objects, LintCode.DUPLICATE_OBJECT, "object")
    _shared(subject, objects, lambda each: each.table, LintCode.SHARED_TABLE, "table")
    for each in objects:
        _usable(subject, each)
        _properties(subject, each.properties)
    for _, prop in subject.properties:
        if prop.name or subject.written(child_path(prop.place.path, "name")):
            _usable(subject, prop)
        if prop.properties:
            _properties(subject, prop.properties)


def _properties(subject: Subject, properties: tuple[SchemaProperty, ...]) -> None:
    _duplicates(subject, properties, LintCode.DUPLICATE_PROPERTY, "property")
    stored = [each for each in properties if each.semantic_type is not SemanticType.MEASURE]
    _shared(subject, stored, lambda each: each.column, LintCode.SHARED_COLUMN, "column")


def _duplicates(subject: Subject, named: Iterable[_Named], code: LintCode, what: str) -> None:
    first: dict[str, _Named] = {}
    for each in named:
        before = first.setdefault(each.name.lower(), each) if each.name else each
        if before is each:
            continue
        same = before.name == each.name
        other = "another" if same else quoted(before.name)
        why = "" if same else "; Spark does not tell upper from lower case"
        path = child_path(each.place.path, "name")
        where = _where(subject, child_path(before.place.path, "name"))
        subject.report(code, f"the {what} {quoted(each.name)} is there twice: {other} stands at {where}{why}", path)


def _shared(subject: Subject, named: Iterable[_T], stored_as: Callable[[_T], str], code: LintCode, what: str) -> None:
    first: dict[str, _T] = {}
    for each in named:
        before = first.setdefault(stored_as(each).lower(), each) if stored_as(each) else each
        if before is each or before.name.lower() == each.name.lower():
            continue
        path = child_path(each.place.path, "physicalName" if each.physical_name else "name")
        message = f"{quoted(each.name)} has the same {what} as {quoted(before.name)}: {quoted(stored_as(each))}"
        where = _where(subject, before.place.path)
        subject.report(code, message, path, hint=f"{quoted(before.name)} stands at {where}; change one `physicalName`")


def _usable(subject: Subject, named: _Named) -> None:
    for key, name in (("name", named.name), ("physicalName", named.physical_name)):
        path = child_path(named.place.path, key)
        if name is None or (not name and not subject.written(path)):
            continue
        if not name.strip():
            subject.report(LintCode.UNUSABLE_NAME, f"`{key}` is empty", path)
        elif found := _CONTROL.search(name):
            message = f"`{key}` has the invisible character U+{ord(found[0]):04X}"
            subject.report(LintCode.UNUSABLE_NAME, message, path)
        elif name != name.strip():
            message = f'`{key}` has spaces around it: "{name}"'
            subject.report(LintCode.UNUSABLE_NAME, message, path, severity=Severity.WARNING)


def _where(subject: Subject, path: str) -> str:
    place = place_of(subject.contract, path)
    return f"{place.line}:{place.column}"
