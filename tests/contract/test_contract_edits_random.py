"""Edits of any document, in any layout: the right data, and every other line as it was."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.contract.edit_data import expected_data, same_data
from lakepact.contract.edit_tree import Node, tree_of
from lakepact.contract.edits import (
    Append,
    Edit,
    EditRefused,
    Insert,
    Remove,
    RenameKey,
    Replace,
    SetValue,
    TextOf,
    edited,
)
from lakepact.contract.writing import scalar_text
from lakepact.contract.yaml_nodes import read_yaml


class Layout:
    """Writes data as YAML with whatever layout a random generator picks, and comments wherever they can stand."""

    def __init__(self, seed: int, *, newline: str) -> None:
        self.random = random.Random(seed)
        self.newline = newline
        self.step = self.random.choice((2, 2, 4))
        self.dash = self.random.choice((0, 2, 4))
        self.count = 0

    def document(self, data: dict[str, Any]) -> str:
        if self.random.random() < 0.1:
            return json.dumps(data, indent=self.random.choice((None, 2, 4)), ensure_ascii=False).replace(
                "\n", self.newline
            )
        start = ["---"] if self.random.random() < 0.2 else []
        lines = [*self.notes(0), *start, *(self.block(data, 0) if data else ["{}"]), *self.notes(0)]
        return self.newline.join(lines) + self.newline

    def block(self, value: Any, column: int) -> list[str]:
        lines = []
        entries = value.items() if isinstance(value, dict) else ((None, entry) for entry in value)
        for key, entry in entries:
            lines += self.notes(column)
            head, below = self.value(entry, column, key is None)
            start = " " * column + ("-" if key is None else self.key(key) + ":")
            lines += [f"{start} {head}" if head else start, *below]
        return lines

    def value(self, value: Any, column: int, dashed: bool) -> tuple[str, list[str]]:
        if value is None and self.random.random() < 0.7:
            return self.comment(), []
        if isinstance(value, dict | list) and value and self.random.random() < 0.8:
            return self.nested(value, column, dashed)
        if isinstance(value, dict | list):
            return self.flow(value, column) + self.comment(), []
        if isinstance(value, str) and "\n" in value and value[0].isalpha() and self.random.random() < 0.8:
            inner = " " * (column + self.random.choice((1, 2, 4)))
            chomp = "-" if not value.endswith("\n") else "+" if value.endswith("\n\n") else ""
            lines = [inner + line if line else "" for line in value.removesuffix("\n").split("\n")]
            return f"|{chomp}" + self.comment(), lines
        return self.scalar(value) + self.comment(), []

    def nested(self, value: Any, column: int, dashed: bool) -> tuple[str, list[str]]:
        if not dashed:
            return self.comment(), self.block(value, column + (self.step if isinstance(value, dict) else self.dash))
        below = self.block(value, column + self.random.choice((2, 2, 4)))
        first = next(at for at, line in enumerate(below) if line.strip() and not line.lstrip().startswith("#"))
        if first == 0 and self.random.random() < 0.8:
            return below[0][column + 2 :] if below[0][column : column + 2] == "  " else below[0], below[1:]
        return self.comment(), below

    def flow(self, value: Any, column: int) -> str:
        wide = self.random.random() < 0.3
        gap = self.newline + " " * (column + 6) if wide else self.random.choice(("", " "))
        if isinstance(value, dict):
            parts = [f"{self.key(key, flow=True)}: {self.flow(entry, column + 2)}" for key, entry in value.items()]
        elif isinstance(value, list):
            parts = [self.flow(entry, column + 2) for entry in value]
        else:
            return self.scalar(value, flow=True)
        start, end = "{}" if isinstance(value, dict) else "[]"
        tail = "," if parts and self.random.random() < 0.2 else ""
        note = self.comment() if wide and parts else ""
        return start + (note if wide else "") + gap + f",{gap or ' '}".join(parts) + tail + (gap if parts else "") + end

    def scalar(self, value: Any, *, flow: bool = False) -> str:
        text = scalar_text(value)
        if not isinstance(value, str):
            return text
        quoted = json.dumps(value, ensure_ascii=False)
        if "\n" not in value and self.random.random() < 0.3:
            return "'" + value.replace("'", "''") + "'"
        plain = text[0] not in "'\"" and not (flow and set(text) & set(",[]{}:?#"))
        return text if plain and self.random.random() < 0.7 else quoted

    def key(self, key: str, *, flow: bool = False) -> str:
        return self.scalar(key, flow=flow)

    def comment(self) -> str:
        self.count += 1
        return f"  # c{self.count}: - [x" if self.random.random() < 0.2 else ""

    def notes(self, column: int) -> list[str]:
        lines = []
        while self.random.random() < 0.2:
            self.count += 1
            indent = " " * self.random.choice((column, column, 0, column + 3))
            lines.append("" if self.random.random() < 0.4 else f"{indent}# n{self.count} ? : &a")
        return lines


KEYS = st.sampled_from(["a", "b", "name", "schema", "x y", "1", "yes", "é"])
TEXTS = st.one_of(
    st.sampled_from(
        ["", "no", "1.0", "2020-01-31", "a: b", "x # y", "it's", 'say "x"', "{a}", "a\nb", "a\n", "a\n\n  b\n\n", "-"]
    ),
    st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=6),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 99), st.sampled_from([0.5, 1e20]), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, min_size=2, max_size=5)


@st.composite
def documents_and_edits(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    data = draw(DOCUMENTS)
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = Layout(draw(st.integers(0, 10**6)), newline=newline).document(data)
    tree = tree_of(text)
    assert tree is not None
    edits: list[Edit] = []
    nodes = list(tree.nodes.values())
    for node in draw(st.lists(st.sampled_from(nodes[1:] * 3 + nodes[:1]), min_size=1, max_size=4)):
        edits.append(draw(edits_of(node)))
    return text, compatible(text, edits)


def compatible(text: str, edits: Sequence[Edit]) -> list[Edit]:
    """The edits without those that stand in the way of one before them."""
    kept: list[Edit] = []
    for edit in edits:
        try:
            edited(text.encode(), [*kept, edit])
        except EditRefused as refused:
            if refused.problems[0].message.split(": ")[-1] not in CLASHES:
                raise AssertionError(f"{text}\n{[*kept, edit]}") from refused
        else:
            kept.append(edit)
    return kept


def edits_of(node: Node) -> st.SearchStrategy[Edit]:
    path = node.path
    choices: list[st.SearchStrategy[Edit]] = [
        st.builds(SetValue, path=st.just(path), value=VALUES),
        st.just(Remove(path=path)),
    ]
    if node.parent is not None and node.parent.kind == "map":
        choices.append(st.builds(RenameKey, path=st.just(path), key=KEYS))
    if node.kind == "map":
        names = st.sampled_from([None, *(entry.name for entry in node.entries)])
        choices.append(st.builds(Insert, parent=st.just(path), key=KEYS, value=VALUES, after=names))
        choices.append(st.builds(Insert, parent=st.just(path), key=KEYS, value=VALUES, before=names))
    if node.kind == "list":
        numbers = st.sampled_from([None, *range(len(node.entries))])
        choices.append(st.builds(Append, parent=st.just(path), value=VALUES, before=numbers))
    choices.append(st.just(SetValue(path=path, value={"outer": TextOf(path)})))
    if node.kind == "scalar" and node.style:
        choices.append(st.sampled_from([Replace(path=path, old="a", new=new) for new in ("b", "it's", '"', "", "\\")]))
    return st.one_of(choices)


CLASHES = (
    "is edited twice",
    "is replaced or removed, and another edit is inside of it",
    "is there already",
    "the document as a whole is not edited",
)


@settings(max_examples=300)
@given(documents_and_edits())
def test_the_edited_text_holds_the_edited_data_and_every_other_line(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    document, problems = read_yaml(text)
    assert (document is not None, problems) == (True, []), text
    assert document is not None
    result = edited(text.encode(), edits).decode()
    taken = {value.path: at(document.data, text, value.path) for value in values_taken(edits)}
    again, problems = read_yaml(result)
    assert again is not None
    assert problems == []
    assert same_data(again.data, expected_data(document.data, edits, taken)), result
    assert yaml.safe_load(result) is not None
    untouched = lines_outside(text, edits)
    left = iter([core(line) for line in result.splitlines()])
    assert [line for line in untouched if line not in left] == [], result


def core(line: str) -> str:
    """A line without its indent and the dashes before its first key."""
    return line.lstrip(" -").rstrip()


def values_taken(edits: Sequence[Edit]) -> Iterator[TextOf]:
    for edit in edits:
        if isinstance(edit, SetValue) and isinstance(edit.value, dict):
            yield from (value for value in edit.value.values() if isinstance(value, TextOf))


def at(data: Any, text: str, path: str) -> Any:
    tree = tree_of(text)
    assert tree is not None
    node: Node | None = tree.nodes[path]
    names = []
    while node is not None and node.parent is not None and node.entry is not None:
        names.append(int(node.entry.name) if node.parent.kind == "list" else node.entry.name)
        node = node.parent
    for name in reversed(names):
        data = data[name]
    return data


def lines_outside(text: str, edits: Sequence[Edit]) -> list[str]:
    """The lines with words, whose element no edit speaks of."""
    tree = tree_of(text)
    assert tree is not None
    touched: set[int] = set()
    for edit in edits:
        node = tree.nodes[edit.parent if isinstance(edit, Insert | Append) else edit.path]
        if isinstance(edit, Insert | Append) and node.block:
            continue
        if isinstance(edit, Remove) and node.parent is not None:
            removed = {other.path for other in edits if isinstance(other, Remove)}
            if all(entry.value.path in removed for entry in node.parent.entries):
                node = node.parent
        while node.parent is not None and node.parent.flow:
            node = node.parent
        touched |= lines_of(text, node)
    return [core(line) for number, line in enumerate(text.splitlines()) if number not in touched and core(line)]


def lines_of(text: str, node: Node) -> set[int]:
    """The numbers of the lines of an element, with the comments around it."""
    start = node.entry.start if node.entry is not None else 0
    first, last = text.count("\n", 0, start), text.count("\n", 0, node.end)
    lines = text.splitlines()
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    while last + 1 < len(lines) and lines[last + 1].lstrip().startswith("#"):
        last += 1
    return set(range(first, last + 1))
