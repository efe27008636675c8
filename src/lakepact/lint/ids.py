"""Entries of one list that cannot be told apart: the same `id`, server, role or custom property twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lakepact.contract.yaml_nodes import child_path
from lakepact.lint.catalogue import LintCode
from lakepact.lint.subject import Subject, place_of, quoted

__all__ = ["check_ids"]

# What these hold is the author's own data.
_FOREIGN = frozenset(("value", "examples", "implementation", "arguments"))
# Lists whose entries others name, with the keys that name them.
_NAMED_BY = {
    "servers": ("server", "environment"),
    "roles": ("role",),
    "customProperties": ("property",),
}
_SINGULAR = {"servers": "server", "roles": "role", "customProperties": "custom property"}


def check_ids(subject: Subject) -> None:
    """Walk every list of the document."""
    _mapping(subject, subject.contract.document, "")


def _mapping(subject: Subject, data: Mapping[str, Any], path: str) -> None:
    for key, value in data.items():
        if key in _FOREIGN:
            continue
        if isinstance(value, dict):
            _mapping(subject, value, child_path(path, key))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            _entries(subject, key, value, child_path(path, key))


def _entries(subject: Subject, key: str, entries: list[Any], path: str) -> None:
    mappings = [(f"{path}[{index}]", entry) for index, entry in enumerate(entries) if isinstance(entry, dict)]
    if len(mappings) > 1:
        _twice(subject, mappings, lambda entry: _text(entry, "id"), LintCode.DUPLICATE_ID, "id", "`id`")
        if names := _NAMED_BY.get(key):
            _twice(subject, mappings, lambda e: _names(e, names), LintCode.REPEATED_ENTRY, names[0], _SINGULAR[key])
    for inner, entry in mappings:
        _mapping(subject, entry, inner)


def _twice(
    subject: Subject,
    entries: list[tuple[str, dict[str, Any]]],
    identity: Callable[[dict[str, Any]], object],
    code: LintCode,
    key: str,
    what: str,
) -> None:
    first: dict[object, str] = {}
    for path, entry in entries:
        name = identity(entry)
        if name is None:
            continue
        before = first.setdefault(name, path)
        if before != path:
            place = place_of(subject.contract, child_path(before, key))
            message = f"the {what} {quoted(entry[key])} is in this list twice; first at {place.line}:{place.column}"
            subject.report(code, message, child_path(path, key))


def _text(entry: dict[str, Any], key: str) -> str | None:
    value = entry.get(key)
    return None if value is None or isinstance(value, dict | list) else str(value)


def _names(entry: dict[str, Any], keys: tuple[str, ...]) -> tuple[str | None, ...] | None:
    return None if _text(entry, keys[0]) is None else tuple(_text(entry, key) for key in keys)
