"""Where each element of a YAML text stands, as offsets into the text: what edits are placed by."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from lakepact.contract.yaml_events import events_of
from lakepact.contract.yaml_nodes import child_path

__all__ = ["Entry", "Lines", "Node", "Tree", "tree_of"]

# What ends a line for a reader of YAML 1.1.
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_SPACE = " \t\r\n\x85\u2028\u2029"
_KEEPS = re.compile(r"[|>][0-9]*\+[0-9]*[ \t]*(?:#.*)?\Z")


@dataclass(slots=True, eq=False)
class Node:
    """An element: `start` is where its anchor, tag or content begins, `end` where its content ends.

    `style` is the quote or the indicator of a scalar. A collection is `flow` when it stands between brackets.
    """

    kind: str  # scalar, map, list, alias
    path: str
    start: int
    end: int
    style: str = ""
    flow: bool = False
    anchor: str | None = None
    tag: str | None = None
    parent: Node | None = None
    entry: Entry | None = None
    entries: list[Entry] = field(default_factory=list)
    column: int = 0

    @property
    def collection(self) -> bool:
        """Whether it is a mapping or a list."""
        return self.kind in ("map", "list")

    @property
    def block(self) -> bool:
        """Whether it is a mapping or a list without brackets."""
        return self.collection and not self.flow

    @property
    def first(self) -> int:
        """Where its content begins, after an anchor or a tag."""
        return self.entries[0].start if self.block and self.entries else self.start


@dataclass(slots=True, eq=False)
class Entry:
    """One entry of a collection.

    It begins at its key, its dash or its `?`. `name` is the key, or the number in a list; `after` the offset after the
    colon or the dash, -1 where none is.
    """

    start: int
    value: Node
    key: Node | None = None
    name: str = ""
    after: int = -1

    @property
    def end(self) -> int:
        """Where the content of its value ends."""
        return self.value.end


@dataclass(slots=True)
class Tree:
    """All elements of a text by path; `repeated` are paths whose key is written twice, `aliased` the anchors in use."""

    text: str
    lines: Lines
    root: Node
    nodes: dict[str, Node]
    repeated: set[str]
    aliased: set[str]

    def lines_of(self, node: Node, at: int) -> tuple[int, int]:
        """Where the lines of an entry of a block collection begin and end, with the comments that belong to it.

        These are the ones right above it at its own column, and the ones right below it that are indented deeper.
        """
        entry = node.entries[at]
        if at:
            floor = self._lines_end(node.entries[at - 1], node.column)
        else:
            floor = self.lines.next(node.entry.after) if node.entry is not None else 0
        start = self.lines.start(entry.start)
        while start > floor:
            above = self.lines.start(start - 1)
            if above < floor or self._comment_column(above) != node.column:
                break
            start = above
        return start, self._lines_end(entry, node.column)

    def _lines_end(self, entry: Entry, column: int) -> int:
        end = self.lines.next(entry.value.end)
        while end < len(self.text) and self._comment_column(end) > column:
            end = self.lines.next(end)
        return end

    def _comment_column(self, at: int) -> int:
        """The column of the comment that the line at `at` consists of; -1 for another line."""
        line = self.text[at : self.lines.end(at)]
        return len(line) - len(line.lstrip(" ")) if line.lstrip(" ").startswith("#") else -1


class Lines:
    """The lines of a text, by offset."""

    def __init__(self, text: str) -> None:
        """Finds every break of `text` once."""
        self.breaks = [(match.start(), match.end()) for match in _BREAK.finditer(text)]
        self.starts = [0, *(end for _, end in self.breaks)]
        self.length = len(text)

    def start(self, at: int) -> int:
        """The offset of the first character of the line that holds `at`."""
        return self.starts[bisect_right(self.starts, at) - 1]

    def end(self, at: int) -> int:
        """The offset of the break that ends the line of `at`, or of the end of the text."""
        number = bisect_right(self.starts, at) - 1
        return self.breaks[number][0] if number < len(self.breaks) else self.length

    def next(self, at: int) -> int:
        """The offset of the first character of the line after that of `at`, or of the end of the text."""
        number = bisect_right(self.starts, at) - 1
        return self.breaks[number][1] if number < len(self.breaks) else self.length


def tree_of(text: str) -> Tree | None:
    """The elements of a text that can be read; None for one without a document. Raises UnreadableYaml for no YAML."""
    builder = _Builder(text)
    for event in events_of(text):
        builder.feed(event)
    if builder.root is None:
        return None
    return Tree(text, builder.lines, builder.root, builder.nodes, builder.repeated, builder.aliased)


@dataclass(slots=True)
class _Frame:
    node: Node
    key: Node | None = None
    name: str = ""
    names: set[str] = field(default_factory=set)


class _Builder:
    """Builds the tree from the parser's events; gaps between them hold only indicators, space and comments."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = Lines(text)
        self.root: Node | None = None
        self.nodes: dict[str, Node] = {}
        self.repeated: set[str] = set()
        self.aliased: set[str] = set()
        self.stack: list[_Frame] = []
        self.texts: dict[str, str] = {}

    def feed(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._leaf(event, "scalar", str(event.value))
        elif isinstance(event, yaml.AliasEvent):
            name = str(event.anchor)
            self.aliased.add(name)
            self._leaf(event, "alias", self.texts.get(name, ""))
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close(event)

    def _leaf(self, event: Any, kind: str, value: str) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        style = (getattr(event, "style", None) or "") if kind == "scalar" else ""
        if style in ("|", ">"):
            end = self._end_of_block(start, end)
        node = Node(
            kind,
            "",
            start,
            end,
            style,
            anchor=None if kind == "alias" else event.anchor,
            tag=getattr(event, "tag", None),
        )
        node.column = event.start_mark.column
        frame = self.stack[-1] if self.stack else None
        if kind == "scalar" and event.anchor is not None:
            self.texts[event.anchor] = value
        if frame is not None and frame.node.kind == "map" and frame.key is None:
            frame.key, frame.name = node, value
        else:
            self._place(node)

    def _end_of_block(self, start: int, end: int) -> int:
        """Where the content of a block scalar ends, before the break of its last line."""
        header = self.text[start : self.lines.end(start)]
        content = self.text[start:end]
        if not _KEEPS.search(header):
            return self.lines.end(start + len(content.rstrip(_SPACE)))
        match = list(_BREAK.finditer(content))
        return start + match[-1].start() if match and match[-1].end() == len(content) else end

    def _open(self, event: Any) -> None:
        kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
        node = Node(kind, "", event.start_mark.index, -1, anchor=event.anchor, tag=event.tag)
        node.flow = bool(event.flow_style)
        node.column = event.start_mark.column
        self._place(node)
        self.stack.append(_Frame(node))

    def _place(self, node: Node) -> None:
        """Gives a value its path and its entry in the collection that is open."""
        if not self.stack:
            self.root = node
            self.nodes[""] = node
            return
        frame = self.stack[-1]
        parent = frame.node
        node.parent = parent
        entry = self._map_entry(frame, node) if parent.kind == "map" else self._list_entry(parent, node)
        node.entry = entry
        parent.entries.append(entry)
        if node.path in self.nodes:
            self.repeated.add(node.path)
        self.nodes[node.path] = node

    def _map_entry(self, frame: _Frame, node: Node) -> Entry:
        key = frame.key
        if key is None:  # a collection as key: nothing below it has a path that anybody asks for
            node.path = child_path(frame.node.path, "?")
            frame.key = key = node
        else:
            node.path = child_path(frame.node.path, frame.name)
        floor = frame.node.entries[-1].end if frame.node.entries else frame.node.start
        mark = next(self._indicators("?", min(floor, key.start), key.start), None)
        colon = next(self._indicators(":", key.end, node.start), None)
        after = -1 if colon is None else colon + 1
        if node.kind == "scalar" and not node.style and node.start == node.end:
            node.start = node.end = key.end if colon is None else after
        entry = Entry(key.start if mark is None else mark, node, key, frame.name, after)
        frame.key = None
        return entry

    def _list_entry(self, parent: Node, node: Node) -> Entry:
        node.path = child_path(parent.path, len(parent.entries))
        name = str(len(parent.entries))
        if parent.flow:
            return Entry(node.start, node, name=name)
        floor = parent.entries[-1].end if parent.entries else parent.start
        dash = next(self._indicators("-", floor, node.start), floor)
        if node.kind == "scalar" and not node.style and node.start == node.end:
            node.start = node.end = dash + 1
        return Entry(dash, node, name=name, after=dash + 1)

    def _indicators(self, wanted: str, at: int, limit: int) -> Iterator[int]:
        """Where `wanted` stands between two elements, outside of comments, anchors and tags."""
        text = self.text
        while at < limit:
            char = text[at]
            if char == "#":
                at = self.lines.end(at)
            elif char in "&!":
                while at < limit and not text[at].isspace():
                    at += 1
            elif char == wanted:
                yield at
                at += 1
            else:
                at += 1

    def _close(self, event: Any) -> None:
        node = self.stack.pop().node
        if node.flow:
            node.end = event.end_mark.index
        else:
            node.end = node.entries[-1].end if node.entries else node.start
            if node.entries:
                node.column = node.first - self.lines.start(node.first)
