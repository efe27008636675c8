"""Which stretches of a text give way to which others, so that edits are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lakepact.contract.edit_model import Append, Edit, Insert, Remove, RenameKey, Replace, SetValue
from lakepact.contract.edit_text import PLAIN, Text, Writer, scalar
from lakepact.contract.edit_tree import Entry, Node, Tree

__all__ = ["changed_text"]

_New = tuple[str | None, object]  # the key (None: an entry of a list) and the value


@dataclass(slots=True)
class _Structure:
    """What becomes of the entries of one collection: numbers of those that go, new ones after a number."""

    removed: set[int] = field(default_factory=set)
    added: dict[int, list[_New]] = field(default_factory=dict)


def changed_text(tree: Tree, data: Any, edits: Sequence[Edit], *, careful: bool = False) -> str:
    """The text of `tree`, which holds `data`, with all edits made; they are known not to stand in each other's way.

    With `careful`, new values are written so that the lines around them cannot change them, if less handsomely.
    Raises ValueError where that is not possible.
    """
    gone = {edit.path for edit in edits if isinstance(edit, Remove)}
    replaced = {edit.path for edit in edits if isinstance(edit, SetValue)}
    planner = _Planner(tree, Writer(tree, data, gone=gone, replaced=replaced, careful=careful))
    for edit in edits:
        planner.plan(edit)
    return planner.text()


class _Planner:
    def __init__(self, tree: Tree, writer: Writer) -> None:
        self.tree = tree
        self.lines = tree.lines
        self.writer = writer
        self.style = writer.style
        self.changes: list[tuple[int, int, int, int, str]] = []
        self.structures: dict[str, _Structure] = {}
        self.replaced: dict[str, list[Replace]] = {}
        self.as_json = tree.root.flow and all(
            entry.key is not None and entry.key.style == '"' for entry in tree.root.entries[:1]
        )

    def plan(self, edit: Edit) -> None:
        """Notes what an edit asks for."""
        nodes = self.tree.nodes
        match edit:
            case SetValue():
                self._set(nodes[edit.path], edit.value)
            case Replace():
                self.replaced.setdefault(edit.path, []).append(edit)
            case RenameKey():
                self._rename(nodes[edit.path], edit.key)
            case Remove():
                node = nodes[edit.path]
                assert node.parent is not None
                assert node.entry is not None
                self._structure(node.parent).removed.add(node.parent.entries.index(node.entry))
            case Insert():
                parent = nodes[edit.parent]
                names = [entry.name for entry in parent.entries]
                at = len(names) - 1 if edit.after is None else names.index(edit.after)
                at = at if edit.before is None else names.index(edit.before) - 1
                self._structure(parent).added.setdefault(at, []).append((edit.key, edit.value))
            case Append():
                parent = nodes[edit.parent]
                at = (len(parent.entries) if edit.before is None else edit.before) - 1
                self._structure(parent).added.setdefault(at, []).append((None, edit.value))

    def text(self) -> str:
        """The text with all changes made."""
        for path, replaced in self.replaced.items():
            self._replace(self.tree.nodes[path], replaced)
        for path, structure in self.structures.items():
            self._restructure(self.tree.nodes[path], structure)
        parts, at = [], 0
        # At one offset, what is put in comes before what is taken out, and inner elements before outer ones.
        for start, end, _, _, new in sorted(
            self.changes, key=lambda change: (*change[:1], change[1] > change[0], *change[2:4])
        ):
            if start < at:
                raise ValueError("the edits stand in each other's way")
            parts += [self.tree.text[at:start], new]
            at = end
        return "".join([*parts, self.tree.text[at:]])

    def _change(self, start: int, end: int, new: str, depth: int = 0) -> None:
        self.changes.append((start, end, -depth, len(self.changes), new))

    def _structure(self, node: Node) -> _Structure:
        return self.structures.setdefault(node.path, _Structure())

    # Values

    def _set(self, node: Node, value: object) -> None:
        parent, entry = node.parent, node.entry
        if parent is None or entry is None:
            raise ValueError("the document as a whole is not edited")
        if not parent.flow:
            self._set_in_block(node, parent, entry, value)
            return
        new = self._flow(value, parent, quote=_quote(node))
        if node.end > node.start:
            self._change(node.start, node.end, new)
        elif entry.after >= 0:
            self._change(node.start, node.start, f" {new}")
        else:
            self._change(node.start, node.start, f": {new}")

    def _flow(self, value: object, parent: Node, *, quote: str = "") -> str:
        indent, step = self._layout(parent)
        return self.writer.flow(value, as_json=self._json(parent), quote=quote, indent=indent, step=step)

    def _layout(self, node: Node) -> tuple[int | None, int]:
        """The column of the entries of a collection in brackets that has each on its own line, and their step."""
        if not node.entries or not self._own_line(node.entries[0]):
            return None, 2
        column = self._column(node.entries[0].start)
        start = self.lines.start(node.start)
        line = self.tree.text[start : node.start]
        step = column - (len(line) - len(line.lstrip(" ")))
        return column, step if step > 0 else 2

    def _json(self, node: Node | None) -> bool:
        while node is not None and node.flow:
            if node.kind == "map" and node.entries:
                key = node.entries[0].key
                return key is not None and key.style == '"'
            node = node.parent
        return self.as_json

    def _set_in_block(self, node: Node, parent: Node, entry: Entry, value: object) -> None:
        if entry.after < 0:
            raise ValueError("the key has no colon")
        head, lines = self._block_text(node, parent, entry, value)
        newline = self.style.newline
        gap = self.style.gap - 1 if parent.kind == "list" else 1
        spaced = " " * gap + head if head else ""
        below = "".join(newline + line for line in lines)
        if node.block:
            end = self.lines.end(node.end)
            if node.anchor is not None or node.tag is not None:
                self._change(entry.after, end, spaced + below)
            elif self._own_line(node.entries[0]):
                if head:
                    self._change(entry.after, entry.after, spaced)
                self._change(self.lines.end(entry.after), end, below)
            else:
                self._change(node.first, end, head + below)
            return
        if node.start == node.end and head:
            self._change(entry.after, entry.after, spaced)
        elif node.start < node.end:
            self._change(node.start if head else entry.after, node.end, head)
        if lines:
            end = self.lines.end(node.end)
            self._change(end, end, below)

    def _block_text(self, node: Node, parent: Node, entry: Entry, value: object) -> Text:
        if node.flow and node.entries and isinstance(value, dict | list | tuple) and value:
            return self._flow(value, node), []
        if parent.kind == "map":
            if (
                node.block
                and isinstance(value, dict) == (node.kind == "map")
                and isinstance(value, dict | list | tuple)
            ):
                head, lines = self.writer.after_dash(value, node.column)
                return ("", [" " * node.column + head, *lines]) if value else (head, lines)
            return self.writer.under_key(value, parent.column, quote=_quote(node))
        same_line = node.start > entry.after and self.lines.start(node.start) == self.lines.start(entry.start)
        column = self._column(node.start) if same_line else self._column(entry.start) + self.style.gap
        return self.writer.after_dash(value, column, quote=_quote(node))

    def _replace(self, node: Node, edits: Sequence[Replace]) -> None:
        """In the text as it is written where that has each part as often as the value; else the value written anew."""
        value = str(self.writer.data_of(node))
        raw = self.tree.text[node.start : node.end]
        certain = not self.writer.careful
        for edit in edits:
            certain = certain and raw.count(edit.old) == value.count(edit.old) and _fits(node, edit.new)
            raw, value = raw.replace(edit.old, edit.new), value.replace(edit.old, edit.new)
        plain = node.style or (scalar(value) == value and not (node.parent is not None and node.parent.flow))
        if certain and plain:
            self._change(node.start, node.end, raw)
        else:
            self._set(node, value)

    def _rename(self, node: Node, key: str) -> None:
        entry, parent = node.entry, node.parent
        if entry is None or parent is None or entry.key is None or entry.key.kind != "scalar" or entry.key.anchor:
            raise ValueError("the key cannot be renamed")
        old = entry.key
        if parent.flow:
            new = self.writer.flow_key(key, as_json=self._json(parent), quote=old.style)
        else:
            new = scalar(key, quote=old.style)
        self._change(old.start, old.end, new)

    # Entries

    def _restructure(self, node: Node, structure: _Structure) -> None:
        added = [new for at in sorted(structure.added) for new in structure.added[at]]
        if not node.entries and node.parent is not None and not node.parent.flow:
            self._set(node, _data(node, added))
        elif node.flow:
            self._restructure_flow(node, structure, added)
        elif len(structure.removed) == len(node.entries):
            self._set(node, _data(node, added))
        else:
            self._restructure_block(node, structure)

    def _restructure_flow(self, node: Node, structure: _Structure, added: list[_New]) -> None:
        if self.tree.text[node.end - 1] not in "]}":
            raise ValueError("a pair inside of a list is not edited")
        kept = [at for at in range(len(node.entries)) if at not in structure.removed]
        between = self._between(node)
        if not kept:
            if node.anchor or node.tag:
                raise ValueError("an anchor or a tag stands before it")
            multiline = node.entries and self._own_line(node.entries[0])
            items = ("," + between).join(self._item(new, node) for new in added)
            inner = between + items + self.style.newline + self._indent_of(node) if multiline and items else items
            self._change(node.start + 1, node.end - 1, inner)
            return
        for at, items_after in structure.added.items():
            before = [index for index in kept if index <= at]
            new = [self._item(item, node) for item in items_after]
            if before:
                end = node.entries[before[-1]].value.end
                self._change(end, end, "".join(f",{between}{item}" for item in new))
            else:
                start = node.entries[kept[0]].start
                self._change(start, start, "".join(f"{item},{between}" for item in new))
        for at in structure.removed:
            self._remove_in_flow(node, at, kept)

    def _remove_in_flow(self, node: Node, at: int, kept: list[int]) -> None:
        entries = node.entries
        if any(index > at for index in kept):
            self._change(entries[at].start, entries[at + 1].start, "")
            return
        before = entries[at - 1].value.end
        gap = self.tree.text[before : entries[at].start]
        if at - 1 not in kept or "#" not in gap:
            self._change(before, entries[at].value.end, "")
            return
        self._change(before + gap.index(","), before + gap.index(",") + 1, "")
        self._change(entries[at].start, entries[at].value.end, "")

    def _between(self, node: Node) -> str:
        """What stands between a comma and the next entry."""
        if node.entries and self._own_line(node.entries[0]):
            return self.style.newline + " " * self._column(node.entries[0].start)
        return " "

    def _indent_of(self, node: Node) -> str:
        start = self.lines.start(node.start)
        line = self.tree.text[start : node.start]
        return " " * (len(line) - len(line.lstrip(" ")))

    def _item(self, new: _New, node: Node) -> str:
        key, value = new
        text = self._flow(value, node)
        return text if key is None else f"{self.writer.flow_key(key, as_json=self._json(node))}: {text}"

    def _restructure_block(self, node: Node, structure: _Structure) -> None:
        entries, column = node.entries, node.column
        leading = 0
        while leading in structure.removed:
            leading += 1
        depth = _depth(node)
        if leading and not self._own_line(entries[0]):
            stop = self.tree.lines_of(node, leading - 1)[1]
            while self.tree.text[stop].isspace():
                stop += 1
            self._change(entries[0].start, stop, "")
            for at in range(leading):
                self._add_behind_dash(stop, structure.added.get(at, []), column, depth)
        else:
            leading = 0
        first = structure.added.get(-1, [])
        if self._own_line(entries[0]):
            self._add_lines(self.tree.lines_of(node, 0)[0], first, column, depth)
        else:
            self._add_behind_dash(entries[0].start, first, column, depth)
        for at in sorted(structure.removed):
            if at >= leading:
                self._change(*self._removed_lines(node, at), "")
        for at, added in structure.added.items():
            if at >= leading:
                self._add_lines(self.tree.lines_of(node, at)[1], added, column, depth)

    def _removed_lines(self, node: Node, at: int) -> tuple[int, int]:
        start, end = self.tree.lines_of(node, at)
        if self.writer.careful:  # blank lines that are left would join a text above that keeps its last ones
            while end < len(self.tree.text) and not self.tree.text[end : self.lines.end(end)].strip():
                end = self.lines.next(end)
        return start, end

    def _add_behind_dash(self, at: int, added: list[_New], column: int, depth: int) -> None:
        for text in self._new_lines(added, column):
            self._change(at, at, text.lstrip(" ") + self.style.newline + " " * column, depth)

    def _add_lines(self, at: int, added: list[_New], column: int, depth: int) -> None:
        newline = self.style.newline
        open_end = at == len(self.tree.text) and self.lines.start(at) != at
        for text in self._new_lines(added, column):
            self._change(at, at, newline + text if open_end else text + newline, depth)

    def _new_lines(self, added: list[_New], column: int) -> list[str]:
        texts = []
        for key, value in added:
            head, lines = self.writer.entry(key, value, column)
            texts.append(self.style.newline.join([" " * column + head, *lines]))
        return texts

    def _own_line(self, entry: Entry) -> bool:
        start = self.lines.start(entry.start)
        return not self.tree.text[start : entry.start].strip(" \t")

    def _column(self, at: int) -> int:
        return at - self.lines.start(at)


def _quote(node: Node) -> str:
    """The quote of a value that was, for the one in its place."""
    return node.style or (PLAIN if node.kind == "scalar" and node.start < node.end else "")


def _depth(node: Node) -> int:
    depth = 0
    while node.parent is not None:
        node, depth = node.parent, depth + 1
    return depth


def _data(node: Node, added: list[_New]) -> object:
    if node.kind == "map":
        return {key: value for key, value in added if key is not None}
    return [value for _, value in added]


def _fits(node: Node, part: str) -> bool:
    """Whether `part` can stand in the text of a scalar of that style as it is."""
    unfit = {"'": "'\n", '"': '"\\\n'}.get(node.style, "\n")
    return not set(unfit) & set(part)
