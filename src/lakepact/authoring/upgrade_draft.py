"""A document on its way to another version of the standard: its text, what was changed, where that stood at first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lakepact.contract.edit_data import expected_data, moved_paths
from lakepact.contract.edit_model import texts_taken
from lakepact.contract.edits import Append, Edit, EditRefused, Insert, SetValue, edited
from lakepact.contract.grammar_shapes import Grammar, grammar_of
from lakepact.contract.model import ApiVersion, Contract, Place
from lakepact.contract.yaml_nodes import YamlDocument, child_path, read_yaml
from lakepact.errors import Problem, Severity

__all__ = [
    "PREFIX",
    "Draft",
    "Note",
    "Proposal",
    "children",
    "elements",
    "parent_path",
    "steps_of",
    "value_at",
]

PREFIX = "lakepact."
"""How the custom properties begin that hold what a version has no place for."""

_STEP = re.compile(r"\.?([\w$-]+)|\[(\d+)\]|\[(\"(?:[^\"\\]|\\.)*\")\]")
_SEVERITIES = {"LP701": Severity.INFO, "LP702": Severity.WARNING, "LP703": Severity.ERROR, "LP704": Severity.INFO}


@dataclass(frozen=True, slots=True)
class Note:
    """What happened at a path of the document.

    Codes: LP701 written in another way, LP702 kept as a custom property or as mere text, LP703 not carried,
    LP704 deprecated.
    """

    code: str
    path: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Edits that belong together, custom properties `(holder, name, value)` that come with them, and their notes."""

    edits: tuple[Edit, ...] = ()
    customs: tuple[tuple[str, str, object], ...] = ()
    notes: tuple[Note, ...] = ()


class Draft:
    """The document; `document` is the data of its present text."""

    def __init__(self, contract: Contract, to: ApiVersion) -> None:
        """Starts with the text of a contract."""
        self.source = contract.source
        self.file = contract.file
        self.declared = contract.api_version
        self.to = to
        self.first = contract.places
        self.origins: dict[str, str] | None = None
        self.document = _read(self.source)
        self.changes: list[Problem] = []
        self.losses: list[Problem] = []

    @property
    def data(self) -> dict[str, Any]:
        """The root of the document."""
        data: dict[str, Any] = self.document.data
        return data

    @property
    def grammar(self) -> Grammar:
        """The grammar of the version that the document shall have."""
        return grammar_of(self.to)

    @property
    def one_operator(self) -> bool:
        """Whether the document shall follow v3.1.0 or later."""
        return self.grammar.one_operator

    def value(self, path: str) -> Any:
        """What stands at a path; None where nothing does."""
        return value_at(self.data, path)

    def apply(self, proposals: Sequence[Proposal]) -> bool:
        """Makes the edits of all proposals, one after the other where they do not go together; whether any was made."""
        if not proposals:
            return False
        try:
            self._edit([edit for proposal in proposals for edit in proposal.edits], proposals)
        except EditRefused as refused:
            if len(proposals) > 1:
                return self._apply_each(proposals)
            self._refused(proposals[0], refused)
            return False
        return True

    def _apply_each(self, proposals: Sequence[Proposal]) -> bool:
        """From the last to the first, so that what is removed does not move what is still to come."""
        return any([self.apply([proposal]) for proposal in reversed(proposals)])

    def _refused(self, proposal: Proposal, refused: EditRefused) -> None:
        reason = refused.problems[0].message
        for note in proposal.notes:
            self.note(Note("LP702", note.path, f"not done, because {reason}: {note.message}"))

    def _edit(self, edits: list[Edit], proposals: Sequence[Proposal]) -> None:
        edits = [*edits, *self._custom_edits([custom for proposal in proposals for custom in proposal.customs])]
        source = edited(self.source, edits, file=self.file) if edits else self.source
        for proposal in proposals:
            for note in proposal.notes:
                self.note(note)
        taken = {path: self.value(path) for edit in edits for path in texts_taken(edit)}
        moved = moved_paths(self.data, edits, taken)
        before = self.origins
        self.origins = moved if before is None else {new: before[old] for new, old in moved.items() if old in before}
        self.source = source
        self.document = _read(source)

    def _custom_edits(self, customs: Sequence[tuple[str, str, object]]) -> Iterator[Edit]:
        by_holder: dict[str, list[dict[str, object]]] = {}
        for holder, name, value in customs:
            by_holder.setdefault(holder, []).append({"property": name, "value": value})
        for holder, entries in by_holder.items():
            path = child_path(holder, "customProperties")
            there = self.value(path)
            if isinstance(there, list):
                yield from (Append(parent=path, value=entry) for entry in entries)
            elif there is None and "customProperties" in (self.value(holder) or {}):
                yield SetValue(path=path, value=entries)
            else:
                yield Insert(parent=holder, key="customProperties", value=entries)

    def preview(self, edits: Sequence[Edit]) -> YamlDocument:
        """What the document would hold after edits, without places."""
        taken = {path: self.value(path) for edit in edits for path in texts_taken(edit)}
        return YamlDocument(data=expected_data(self.data, edits, taken), texts=self.document.texts)

    def note(self, note: Note) -> None:
        """Keeps a note with the place that its element had in the document at first."""
        place = self._place(note.path)
        problem = Problem(
            code=note.code,
            severity=_SEVERITIES[note.code],
            message=note.message,
            file=self.file,
            line=place.line,
            column=place.column,
            path=place.path or note.path,
            hint=note.hint,
        )
        (self.changes if note.code in ("LP701", "LP704") else self.losses).append(problem)

    def _place(self, path: str) -> Place:
        while True:
            origin = path if self.origins is None else self.origins.get(path)
            if origin is not None and origin in self.first:
                return self.first[origin]
            if not path:
                return Place()
            path = parent_path(path)


def _read(source: bytes) -> YamlDocument:
    document, _ = read_yaml(source.decode("utf-8-sig"))
    assert document is not None, "an edited document reads as what it was checked to be"
    return document


def steps_of(path: str) -> list[str | int]:
    """The keys and numbers of a path.

    >>> steps_of('schema[0].properties["a b"]')
    ['schema', 0, 'properties', 'a b']
    """
    return [
        int(match[2]) if match[2] else json.loads(match[3]) if match[3] else match[1] for match in _STEP.finditer(path)
    ]


def parent_path(path: str) -> str:
    """The path of the element that holds the one at `path`.

    >>> parent_path("schema[0].name"), parent_path("schema[0]"), parent_path("schema")
    ('schema[0]', 'schema', '')
    """
    last = 0
    for match in _STEP.finditer(path):
        last = match.start()
    return path[:last]


def value_at(data: Any, path: str) -> Any:
    """What stands at a path of `data`; None where nothing does.

    >>> value_at({"a": [{"b c": 1}]}, 'a[0]["b c"]')
    1
    """
    for step in steps_of(path):
        if isinstance(step, int):
            if not isinstance(data, list) or step >= len(data):
                return None
            data = data[step]
        else:
            data = data.get(step) if isinstance(data, dict) else None
    return data


def children(parent: dict[str, Any], path: str, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The mappings of the list under a key, with their paths."""
    entries = parent.get(key)
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield f"{child_path(path, key)}[{index}]", entry


def elements(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema object and every property at any depth, with its path."""
    for path, schema_object in children(data, "", "schema"):
        yield from _elements(path, schema_object)


def _elements(path: str, element: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, element
    for inner, entry in children(element, path, "properties"):
        yield from _elements(inner, entry)
    parts = element.get("map")
    named = [("items", element.get("items"))]
    if isinstance(parts, dict):
        named += [("map.key", parts.get("key")), ("map.value", parts.get("value"))]
    for key, part in named:
        if isinstance(part, dict):
            yield from _elements(f"{path}.{key}", part)
