"""Reads YAML and JSON that is no contract: plain data with the place of every element, and what nobody asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakepact.contract.model import Place
from lakepact.contract.yaml_nodes import MAX_DEPTH, child_path, read_yaml
from lakepact.errors import ConfigurationError, Severity

__all__ = ["Node", "not_readable", "read_node"]

# The place of each element costs memory; beyond this size only the path is given.
_PLACED_BYTES = 4 * 1024 * 1024
_LARGEST_BYTES = 512 * 1024 * 1024


@dataclass(slots=True)
class _Origin:
    """What the nodes of one source share: places, the paths that were asked for, those taken with all below."""

    places: Mapping[str, Place] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the source with its JSON path. What is asked for counts as carried over; `unread` lists the rest."""

    value: Any
    path: str = ""
    origin: _Origin = field(default_factory=_Origin, repr=False, compare=False)

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.origin.places.get(self.path) or Place(self.path)

    def get(self, key: str) -> Node:
        """The entry of a mapping; its value is None where there is none."""
        value = self.value.get(key) if isinstance(self.value, Mapping) else None
        path = child_path(self.path, key)
        self.origin.asked.add(path)
        return Node(value, path, self.origin)

    def whole(self) -> Any:
        """The value with all that is in it; nothing of it is left to ask for."""
        self.origin.taken.add(self.path)
        return self.value

    def skip(self, *keys: str) -> None:
        """Count these entries as carried over: what they say is said otherwise, or is no matter of a contract."""
        for key in keys:
            self.get(key).whole()

    def unread(self) -> Iterator[Node]:
        """The entries of mappings, here and below, that nobody asked for and that say something."""
        if self.path in self.origin.taken or not isinstance(self.value, Mapping | list):
            return
        if isinstance(self.value, list):
            for entry in self.items():
                yield from entry.unread()
            return
        for key, value in self.value.items():
            path = child_path(self.path, str(key))
            node = Node(value, path, self.origin)
            if path in self.origin.asked:
                yield from node.unread()
            elif value is not None and value not in ("", [], {}):
                yield node

    def text(self, key: str) -> str:
        """The entry of a mapping as text; '' where it is no scalar."""
        value = self.get(key).value
        return "" if value is None or isinstance(value, dict | list) else str(value)

    def entries(self, key: str) -> tuple[Node, ...]:
        """The entries of a list under `key`; a single value counts as a list of one, nothing as an empty one."""
        return self.get(key).items()

    def items(self) -> tuple[Node, ...]:
        """The entries of this list; a single value counts as a list of one, nothing as an empty one."""
        if self.value is None:
            return ()
        if not isinstance(self.value, list):
            return (self,)
        return tuple(Node(entry, f"{self.path}[{index}]", self.origin) for index, entry in enumerate(self.value))

    def pairs(self) -> Iterator[tuple[str, Node]]:
        """The keys of this mapping with their values."""
        for key in self.value if isinstance(self.value, Mapping) else ():
            yield str(key), self.get(key)

    @property
    def is_mapping(self) -> bool:
        """Whether this has keys."""
        return isinstance(self.value, Mapping)


def read_node(source: bytes, *, file: str, what: str) -> Node:
    """The data in `source`, YAML or JSON; `what` names the format in messages.

    Raises ConfigurationError (LP820) with every fault of the text, or where it is larger than 512 MB.
    """
    if len(source) > _LARGEST_BYTES:
        raise not_readable(f"{len(source):,} bytes; the limit is {_LARGEST_BYTES:,}", file=file, what=what)
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_readable(f"not UTF-8 at offset {error.start}", file=file, what=what) from error
    if text.lstrip()[:1] in ("{", "["):
        found = _json(text)
        if found is not None:
            return found
    document, problems = read_yaml(text)
    faults = [problem for problem in problems if problem.severity is Severity.ERROR]
    if document is None or faults:
        raise ConfigurationError(
            message=f"{file or 'the source'} cannot be read as {what}",
            code="LP820",
            facts={"file": file},
            problems=faults or problems,
        )
    return Node(document.data, "", _Origin(document.places))


def _json(text: str) -> Node | None:
    """JSON by the reader of JSON, which knows pairs of surrogates and is fast; None where it is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if _is_deep(data):
        return None
    document = read_yaml(text)[0] if len(text) <= _PLACED_BYTES else None
    return Node(data, "", _Origin(document.places if document is not None else {}))


def _is_deep(data: Any) -> bool:
    """Whether data is nested deeper than YAML may be; the reader of YAML then says so with the place."""
    level = [data]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def not_readable(reason: str, *, file: str, what: str, place: Place | None = None) -> ConfigurationError:
    """The error for a source that is not what it was taken for."""
    where = f"{file or 'the source'}:{place.line}:{place.column}" if place and place.line else file or "the source"
    facts = {"file": file} | ({"line": place.line, "column": place.column, "path": place.path} if place else {})
    return ConfigurationError(f"{where} cannot be read as {what}: {reason}", "LP820", facts=facts)
