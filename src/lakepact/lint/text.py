"""Texts that other readers take for something else, and variables that have no value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml

from lakepact.contract.edit_model import SetValue
from lakepact.contract.variables import unresolved_variables
from lakepact.contract.yaml_nodes import child_path
from lakepact.errors import Severity
from lakepact.lint.catalogue import LintCode
from lakepact.lint.subject import Subject, quoted

__all__ = ["check_texts"]

_TAG = "tag:yaml.org,2002:"
# What PyYAML, which reads YAML 1.1, makes of a text without quotes, by its first character.
_RESOLVERS: Mapping[str, list[tuple[str, Any]]] = {
    first: found
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if first and (found := [(tag, test) for tag, test in resolvers if tag != _TAG + "null"])
}
_KINDS = {"bool": "a boolean", "int": "a number", "float": "a number", "timestamp": "a date"}


def check_texts(subject: Subject) -> None:
    """Texts without quotes that YAML 1.1 reads otherwise, and variables without a default."""
    _Walk(subject).mapping(subject.contract.document, "")
    if b"${" in subject.contract.source:
        found = unresolved_variables(subject.contract, values={})
        subject.problems += [replace(problem, severity=Severity.INFO) for problem in found]


class _Walk:
    """Looks at every text; paths are made only where they are needed, for there are many texts."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def mapping(self, data: Mapping[str, Any], path: str) -> None:
        for key, value in data.items():
            if isinstance(value, str):
                if kind := _other_kind(value):
                    self._report(child_path(path, key), value, kind)
            elif isinstance(value, dict):
                self.mapping(value, child_path(path, key))
            elif isinstance(value, list):
                self._list(value, child_path(path, key))

    def _list(self, entries: list[Any], path: str) -> None:
        for index, entry in enumerate(entries):
            if isinstance(entry, str):
                if kind := _other_kind(entry):
                    self._report(f"{path}[{index}]", entry, kind)
            elif isinstance(entry, dict):
                self.mapping(entry, f"{path}[{index}]")
            elif isinstance(entry, list):
                self._list(entry, f"{path}[{index}]")

    def _report(self, path: str, text: str, kind: str) -> None:
        if self._is_plain(path, text):
            message = f"{quoted(text)} without quotes is {kind} to readers of YAML 1.1, such as PyYAML"
            edits = (SetValue(path=path, value=text),)
            self._subject.report(LintCode.READ_OTHERWISE, message, path, hint=f'write "{text}"', edits=edits)

    def _is_plain(self, path: str, text: str) -> bool:
        """Whether the text stands there as it is; quotes, blocks, tags and aliases begin with another character."""
        place = self._subject.contract.places.get(path)
        lines = self._subject.lines
        if place is None or not 0 < place.line <= len(lines):
            return False
        return lines[place.line - 1].startswith(text, place.column - 1)


def _other_kind(text: str) -> str:
    """What the text is without quotes to a reader of YAML 1.1; '' for a text."""
    resolvers = _RESOLVERS.get(text[:1])
    tag = next((tag for tag, test in resolvers if test.match(text)), "") if resolvers else ""
    return _KINDS.get(tag.removeprefix(_TAG), "no text") if tag else ""
