"""YAML text to plain JSON-like data with the place of every element, in one pass over the parser's events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from lakepact.contract.model import Place
from lakepact.contract.problems import Code
from lakepact.contract.yaml_document import YamlDocument, child_path, clipped
from lakepact.contract.yaml_events import MAX_DEPTH, UnreadableYaml, events_of, problem_at
from lakepact.contract.yaml_scalars import plain_value
from lakepact.errors import Problem

__all__ = [
    "MAX_ALIAS_NODES",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "YamlDocument",
    "child_path",
    "clipped",
    "plain_value",
    "read_yaml",
]

MAX_BYTES = 10 * 1024 * 1024
MAX_NODES = 1_000_000
MAX_ALIAS_NODES = 100_000

_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS = {_TAG + name for name in ("str", "int", "float", "bool", "null")}


@dataclass(slots=True)
class _Anchor:
    value: Any
    path: str
    text: str | None
    complete: bool


class _Frame:
    """A mapping or a list that is being read."""

    __slots__ = ("anchor", "container", "is_map", "key", "merge", "path")

    def __init__(self, container: Any, path: str, is_map: bool, anchor: _Anchor | None) -> None:
        self.container = container
        self.path = path
        self.is_map = is_map
        self.anchor = anchor
        self.key: str | None = None
        self.merge = False


def read_yaml(text: str, *, pure: bool = False) -> tuple[YamlDocument | None, list[Problem]]:
    """The document in `text`, read as YAML 1.2 (dates are text, `yes` is text), and what is wrong with it.

    None where nothing usable could be read. Merge keys (`<<`) are applied. Raises nothing: every fault is a problem.
    `pure` takes the parser in Python also where the one in C is there.
    """
    reader = _Reader()
    try:
        for event in events_of(text, pure=pure):
            reader.feed(event)
    except UnreadableYaml as error:
        return None, [*reader.problems, error.problem]
    if not reader.documents:
        return None, [problem_at(Code.EMPTY, "the document is empty", Place("", 1, 1))]
    return reader.document, reader.problems


class _Reader:
    """Builds the data of the first document from events, without recursion except into what aliases name."""

    def __init__(self) -> None:
        self.document = YamlDocument()
        self.problems: list[Problem] = []
        self.documents = 0
        self.nodes = 0
        self.alias_nodes = 0
        self.anchors: dict[str, _Anchor] = {}
        self.stack: list[_Frame] = []
        self._handlers = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start_mapping,
            yaml.SequenceStartEvent: self._start_sequence,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._start_document,
        }

    def feed(self, event: Any) -> None:
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _start_document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            place = Place("", event.start_mark.line + 1, event.start_mark.column + 1)
            hint = "keep one contract in one file"
            raise UnreadableYaml(problem_at(Code.SEVERAL_DOCUMENTS, "a second YAML document starts here", place, hint))

    def _enter(self, mark: Any) -> str:
        """The path of the value that starts at `mark`, noted with its place."""
        path = self._next_path(mark)
        self.document.places[path] = Place(path, mark.line + 1, mark.column + 1)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise UnreadableYaml(_too_many(self.document.places[path], MAX_NODES))
        return path

    def _next_path(self, mark: Any) -> str:
        if not self.stack:
            return ""
        frame = self.stack[-1]
        if not frame.is_map:
            return f"{frame.path}[{len(frame.container)}]"
        if frame.key is None:
            place = Place(frame.path, mark.line + 1, mark.column + 1)
            raise UnreadableYaml(problem_at(Code.KEY_NOT_TEXT, "a key must be text, not a list or a mapping", place))
        return child_path(frame.path, frame.key)

    def _store(self, value: Any) -> None:
        if not self.stack:
            self.document.data = value
            return
        frame = self.stack[-1]
        if frame.is_map:
            frame.container[frame.key] = value
            frame.key = None
        else:
            frame.container.append(value)

    def _scalar(self, event: Any) -> None:
        if self.stack and self.stack[-1].is_map and self.stack[-1].key is None:
            self._key(event.value, event.start_mark, plain=event.implicit[0])
            if event.anchor is not None:
                self.anchors[event.anchor] = _Anchor(event.value, self.stack[-1].path, event.value, True)
            return
        path = self._enter(event.start_mark)
        value = self._resolve(event, path)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchor(value, path, event.value, True)
        self._store(value)

    def _key(self, key: str, mark: Any, *, plain: bool) -> None:
        frame = self.stack[-1]
        frame.merge = frame.merge or (plain and key == "<<")
        path = child_path(frame.path, key)
        if key in frame.container:
            first = self.document.key_places[path]
            place = Place(path, mark.line + 1, mark.column + 1)
            message = f"the key `{clipped(key)}` is written twice; first at {first.line}:{first.column}"
            self.problems.append(problem_at(Code.DUPLICATE_KEY, message, place))
        else:
            self.document.key_places[path] = Place(path, mark.line + 1, mark.column + 1)
        frame.key = key

    def _resolve(self, event: Any, path: str) -> Any:
        text: str = event.value
        tag: str | None = event.tag
        if tag is not None and tag != "!":
            self._check_tag(tag, _SCALAR_TAGS, path)
            if tag == _TAG + "str":
                return text
        elif tag == "!" or not event.implicit[0]:
            return text
        value = self._plain(text, path)
        if not isinstance(value, str):
            self.document.texts[path] = text
        return value

    def _plain(self, text: str, path: str) -> Any:
        value = plain_value(text)
        return self._not_json(text, path) if value is NotImplemented else value

    def _not_json(self, text: str, path: str) -> int:
        hint = "put it in quotes if text is meant"
        self.problems.append(
            problem_at(
                Code.NOT_A_JSON_NUMBER, f"`{clipped(text)}` is not a finite number", self.document.places[path], hint
            )
        )
        return 0

    def _check_tag(self, tag: str | None, allowed: set[str], path: str) -> None:
        if tag is not None and tag != "!" and tag not in allowed:
            shown = tag.replace(_TAG, "!!")
            place = self.document.places[path]
            self.problems.append(problem_at(Code.CUSTOM_TAG, f"the YAML tag `{clipped(shown)}` is not allowed", place))

    def _start_mapping(self, event: Any) -> None:
        self._start(event, {}, True, _TAG + "map")

    def _start_sequence(self, event: Any) -> None:
        self._start(event, [], False, _TAG + "seq")

    def _start(self, event: Any, container: Any, is_map: bool, tag: str) -> None:
        path = self._enter(event.start_mark)
        self._check_tag(event.tag, {tag}, path)
        self._check_depth(len(self.stack), self.document.places[path])
        anchor = None
        if event.anchor is not None:
            anchor = self.anchors[event.anchor] = _Anchor(container, path, None, False)
        self.stack.append(_Frame(container, path, is_map, anchor))

    def _check_depth(self, depth: int, place: Place) -> None:
        if depth >= MAX_DEPTH:
            raise UnreadableYaml(problem_at(Code.TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels", place))

    def _end(self, _event: Any) -> None:
        frame = self.stack.pop()
        if frame.merge:
            self._apply_merge(frame)
        if frame.anchor is not None:
            frame.anchor.complete = True
        self._store(frame.container)

    def _alias(self, event: Any) -> None:
        mark = event.start_mark
        anchor = self.anchors.get(event.anchor)
        if anchor is None or not anchor.complete:
            what = "names no anchor before it" if anchor is None else "stands inside the element that it names"
            place = Place(self.stack[-1].path if self.stack else "", mark.line + 1, mark.column + 1)
            raise UnreadableYaml(
                problem_at(Code.RECURSIVE_ALIAS, f"the alias `*{clipped(event.anchor)}` {what}", place)
            )
        if self.stack and self.stack[-1].is_map and self.stack[-1].key is None and anchor.text is not None:
            self._key(anchor.text, mark, plain=False)
            return
        path = self._enter(mark)
        place = self.document.places[path]
        self._copy_places(anchor.value, anchor.path, path, len(self.stack))
        self.document.places[path] = place
        if anchor.text is not None and not isinstance(anchor.value, str):
            self.document.texts[path] = anchor.text
        self._store(anchor.value)

    def _copy_places(self, value: Any, source: str, target: str, depth: int) -> None:
        """Notes for every element under `target`, which holds the same value as `source`, where it stands."""
        document = self.document
        origin = document.places.get(source, Place())
        document.places[target] = Place(target, origin.line, origin.column)
        self._count_alias(document.places[target])
        if source in document.texts:
            document.texts[target] = document.texts[source]
        if isinstance(value, dict):
            self._check_depth(depth, document.places[target])
            for key, entry in value.items():
                inner_source, inner_target = child_path(source, key), child_path(target, key)
                self._copy_key_place(inner_source, inner_target)
                self._copy_places(entry, inner_source, inner_target, depth + 1)
        elif isinstance(value, list):
            self._check_depth(depth, document.places[target])
            for index, entry in enumerate(value):
                self._copy_places(entry, f"{source}[{index}]", f"{target}[{index}]", depth + 1)

    def _copy_key_place(self, source: str, target: str) -> None:
        origin = self.document.key_places.get(source)
        if origin is not None:
            self.document.key_places[target] = Place(target, origin.line, origin.column)

    def _count_alias(self, place: Place) -> None:
        self.alias_nodes += 1
        if self.alias_nodes > MAX_ALIAS_NODES:
            raise UnreadableYaml(_too_many(place, MAX_ALIAS_NODES, " through aliases"))

    def _apply_merge(self, frame: _Frame) -> None:
        merged = frame.container.pop("<<", None)
        source = child_path(frame.path, "<<")
        self.document.key_places.pop(source, None)
        several = isinstance(merged, list)
        for index, part in enumerate(merged if several else [merged]):
            part_path = f"{source}[{index}]" if several else source
            if not isinstance(part, dict):
                place = self.document.places[part_path]
                self.problems.append(problem_at(Code.WRONG_MERGE, "`<<` needs a mapping", place))
                continue
            for key, value in part.items():
                if key not in frame.container:
                    target = child_path(frame.path, key)
                    self._copy_key_place(child_path(part_path, key), target)
                    self._copy_places(value, child_path(part_path, key), target, len(self.stack) + 1)
                    frame.container[key] = value


def _too_many(place: Place, limit: int, how: str = "") -> Problem:
    return problem_at(Code.TOO_MANY_NODES, f"more than {limit:,} elements{how}", place)
