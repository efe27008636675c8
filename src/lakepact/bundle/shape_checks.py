"""Checks the keys and values of a bundle's files against what they may be."""

from __future__ import annotations

import re
from typing import Any, Final

from lakepact.bundle.shapes import ROOT, Choice, Keys, ListOf, MapOf, Spec, Value
from lakepact.contract.checked_document import CheckedDocument, nearest

__all__ = ["check_shapes"]

_REFERENCE: Final = re.compile(r"\$\{[^}]*\}")
_FLAGS: Final = frozenset(("true", "false", "yes", "no", "on", "off", "y", "n"))

_Path = tuple[str | int, ...]


def check_shapes(document: CheckedDocument) -> None:
    """Report unknown and missing keys (LP962, LP963) and values of a wrong kind (LP963) to the document."""
    _check(document, document.data, ROOT, ())


def _check(document: CheckedDocument, value: Any, spec: Spec, at: _Path) -> None:
    # A key without a value is one that is not there; a value may be a reference, whatever it stands for.
    if value is None or (isinstance(value, str) and _REFERENCE.search(value) and not isinstance(spec, Keys | MapOf)):
        return
    if isinstance(value, str) and _REFERENCE.fullmatch(value):
        return
    match spec:
        case Keys():
            _check_keys(document, value, spec, at)
        case MapOf(values):
            if _is(document, value, dict, "a mapping", at):
                for key, each in value.items():
                    _check(document, each, values, (*at, key))
        case ListOf(items):
            if _is(document, value, list, "a list", at):
                for index, each in enumerate(value):
                    _check(document, each, items, (*at, index))
        case Choice(options):
            if value not in options:
                shown = f"'{value}'" if isinstance(value, str) else _word(value)
                hint = nearest(str(value), options)
                document.report("LP963", f"'{_name(at)}' must be {' or '.join(options)}, not {shown}", at, hint=hint)
        case Value():
            if not _fits(value, spec):
                document.report("LP963", f"'{_name(at)}' must be {spec}, not {_word(value)}", at)


def _check_keys(document: CheckedDocument, value: Any, spec: Keys, at: _Path) -> None:
    if not _is(document, value, dict, "a mapping", at):
        return
    for key, each in value.items():
        if key in spec.known:
            _check(document, each, spec.known[key], (*at, key))
        else:
            where = f" in '{_name(at)}'" if at else ""
            document.report("LP962", f"unknown key '{key}'{where}", (*at, key), hint=nearest(key, spec.known), key=True)
    # What a target says is laid over what all targets have: there only a part may be written.
    if at[:1] != ("targets",):
        for key in spec.required:
            if key not in value:
                document.report("LP963", f"key '{key}' is missing in '{_name(at)}'", at, key=True)


def _is(document: CheckedDocument, value: Any, kind: type, words: str, at: _Path) -> bool:
    if isinstance(value, kind):
        return True
    subject = f"'{_name(at)}'" if at else "the file"
    document.report("LP963", f"{subject} must be {words}, not {_word(value)}", at)
    return False


def _fits(value: Any, spec: Value) -> bool:
    match spec:
        case Value.ANY:
            return True
        case Value.TEXT:
            return not isinstance(value, dict | list)
        case Value.NUMBER:
            return (isinstance(value, int) and not isinstance(value, bool)) or (
                isinstance(value, str) and value.lstrip("-").isdigit()
            )
    return isinstance(value, bool) or (isinstance(value, str) and value.lower() in _FLAGS)


def _word(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return f"'{value}'"
    return str(value)


def _name(at: _Path) -> str:
    """The path for messages, such as `resources.jobs.poll.tasks[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at)
    return text.removeprefix(".")
