"""YAML text to plain JSON-like data with the place of every element, in one pass over the parser's events."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from lakepact.contract.model import Place
from lakepact.contract.problems import Code
from lakepact.errors import Problem, Severity

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
MAX_DEPTH = 100
MAX_NODES = 1_000_000
MAX_ALIAS_NODES = 100_000
_MAX_DIGITS = 1000

_TAG = "tag:yaml.org,2002:"
_PLAIN_KEY = re.compile(r"[\w$-]+\Z")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_TAB_INDENT = re.compile(r" *\t")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_CONSTANTS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_SCALAR_TAGS = {_TAG + name for name in ("str", "int", "float", "bool", "null")}


@dataclass(slots=True)
class YamlDocument:
    """What one YAML text holds.

    `places` maps each JSON path to where its value starts, `key_places` to where its key starts (mapping entries only);
    `texts` holds what was written for every value that is not text. `as_text` are the paths of those that are meant as
    text and `absent` those of keys without a value (the grammar fills both in).
    """

    data: Any = None
    places: dict[str, Place] = field(default_factory=dict)
    key_places: dict[str, Place] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    as_text: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)


class _Fatal(Exception):
    """Reading cannot go on after this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


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


def child_path(path: str, key: str | int) -> str:
    """The JSON path of an entry of `path`.

    >>> child_path("schema[0]", "name"), child_path("schema", 0), child_path("", "a b")
    ('schema[0].name', 'schema[0]', '["a b"]')
    """
    if isinstance(key, int):
        return f"{path}[{key}]"
    if _PLAIN_KEY.match(key):
        return f"{path}.{key}" if path else key
    return f"{path}[{json.dumps(key, ensure_ascii=False)}]"


def plain_value(text: str) -> Any:
    """What `text` without quotes is in YAML 1.2; NotImplemented for a number that JSON cannot hold.

    >>> plain_value("1.50"), plain_value("2020-01-31"), plain_value("yes"), plain_value("null")
    (1.5, '2020-01-31', 'yes', None)
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "-+.0123456789":
        return text
    if _INTEGER.match(text):
        if len(text) > _MAX_DIGITS:
            return NotImplemented
        return int(text, 0) if text[1:2] in ("o", "x") else int(text)
    if _FLOAT.match(text):
        number = float(text)
        return number if math.isfinite(number) else NotImplemented
    return NotImplemented if _NOT_FINITE.match(text) else text


def read_yaml(text: str, *, pure: bool = False) -> tuple[YamlDocument | None, list[Problem]]:
    """The document in `text`, read as YAML 1.2 (dates are text, `yes` is text), and what is wrong with it.

    None where nothing usable could be read. Merge keys (`<<`) are applied. Raises nothing: every fault is a problem.
    `pure` takes the parser in Python also where the one in C is there.
    """
    reader = _Reader()
    try:
        for event in _events(text, pure=pure):
            reader.feed(event)
    except _Fatal as fatal:
        return None, [*reader.problems, fatal.problem]
    except yaml.MarkedYAMLError as error:
        return None, [*reader.problems, _syntax_problem(error, text)]
    except yaml.reader.ReaderError as error:
        return None, [*reader.problems, _character_problem(error, text)]
    if not reader.documents:
        return None, [_problem(Code.EMPTY, "the document is empty", Place("", 1, 1))]
    return reader.document, reader.problems


def _events(text: str, *, pure: bool) -> Iterator[Any]:
    loader: Any = yaml.SafeLoader if pure else getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return iter(yaml.parse(text, Loader=loader))


def _problem(code: Code, message: str, place: Place, hint: str = "") -> Problem:
    return Problem(
        code=code,
        severity=Severity.ERROR,
        message=message,
        line=place.line,
        column=place.column,
        path=place.path,
        hint=hint,
    )


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place("", mark.line + 1, mark.column + 1) if mark else Place()
    what = error.problem or "not readable"
    context = f" ({error.context})" if error.context else ""
    hint = "indent with spaces, not with tabs" if mark and _TAB_INDENT.match(_line(text, mark.line)) else ""
    return _problem(Code.SYNTAX, f"not YAML: {what}{context}", place, hint)


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number] if number < len(lines) else ""


def _character_problem(error: Any, text: str) -> Problem:
    code_point = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")
    at = text.find(chr(code_point))
    before = text[: max(at, 0)]
    line = before.count("\n") + 1
    place = Place("", line, len(before) - (before.rfind("\n") + 1) + 1)
    return _problem(Code.SYNTAX, f"not YAML: the character U+{code_point:04X} is not allowed", place)


def clipped(text: str) -> str:
    """`text` as messages show it: at most 40 characters.

    >>> clipped("a" * 50)
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'
    """
    return text if len(text) <= 40 else text[:40] + "…"


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
            raise _Fatal(_problem(Code.SEVERAL_DOCUMENTS, "a second YAML document starts here", place, hint))

    def _enter(self, mark: Any) -> str:
        """The path of the value that starts at `mark`, noted with its place."""
        path = self._next_path(mark)
        self.document.places[path] = Place(path, mark.line + 1, mark.column + 1)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _Fatal(_too_many(self.document.places[path], MAX_NODES))
        return path

    def _next_path(self, mark: Any) -> str:
        if not self.stack:
            return ""
        frame = self.stack[-1]
        if not frame.is_map:
            return f"{frame.path}[{len(frame.container)}]"
        if frame.key is None:
            place = Place(frame.path, mark.line + 1, mark.column + 1)
            raise _Fatal(_problem(Code.KEY_NOT_TEXT, "a key must be text, not a list or a mapping", place))
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
            self.problems.append(_problem(Code.DUPLICATE_KEY, message, place))
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
            _problem(
                Code.NOT_A_JSON_NUMBER, f"`{clipped(text)}` is not a finite number", self.document.places[path], hint
            )
        )
        return 0

    def _check_tag(self, tag: str | None, allowed: set[str], path: str) -> None:
        if tag is not None and tag != "!" and tag not in allowed:
            shown = tag.replace(_TAG, "!!")
            place = self.document.places[path]
            self.problems.append(_problem(Code.CUSTOM_TAG, f"the YAML tag `{clipped(shown)}` is not allowed", place))

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
            raise _Fatal(_problem(Code.TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels", place))

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
            raise _Fatal(_problem(Code.RECURSIVE_ALIAS, f"the alias `*{clipped(event.anchor)}` {what}", place))
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
            raise _Fatal(_too_many(place, MAX_ALIAS_NODES, " through aliases"))

    def _apply_merge(self, frame: _Frame) -> None:
        merged = frame.container.pop("<<", None)
        source = child_path(frame.path, "<<")
        self.document.key_places.pop(source, None)
        several = isinstance(merged, list)
        for index, part in enumerate(merged if several else [merged]):
            part_path = f"{source}[{index}]" if several else source
            if not isinstance(part, dict):
                place = self.document.places[part_path]
                self.problems.append(_problem(Code.WRONG_MERGE, "`<<` needs a mapping", place))
                continue
            for key, value in part.items():
                if key not in frame.container:
                    target = child_path(frame.path, key)
                    self._copy_key_place(child_path(part_path, key), target)
                    self._copy_places(value, child_path(part_path, key), target, len(self.stack) + 1)
                    frame.container[key] = value


def _too_many(place: Place, limit: int, how: str = "") -> Problem:
    return _problem(Code.TOO_MANY_NODES, f"more than {limit:,} elements{how}", place)
