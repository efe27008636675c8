"""Edits of YAML text: what changes, what stays, what is refused."""

from __future__ import annotations

import difflib
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
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

DOCUMENT = """\
# A contract of the orders team
apiVersion: v3.0.2  # the oldest we accept
version: "1.0.0"
tags: [a, b , c]
limits: {x: 1, 'y': 2}

schema:
  # about orders
  - name: orders  # as in the shop

    # its columns
    properties:
      # the key
      - name: id
        required: true
      - name: amount
        quality:
        - rule: x
          mustBe: 0
    description: |
      Two
        lines

# the end
nothing:
none: []
"""


def changed(*edits: Edit, document: str = DOCUMENT) -> list[str]:
    """The lines that the edits take out and put in, as a diff shows them."""
    result = edited(document.encode(), edits).decode()
    return diff(document.splitlines(), result.splitlines())


def diff(old: Sequence[str], new: Sequence[str]) -> list[str]:
    return [line for line in difflib.ndiff(old, new) if line[:1] in "+-"]


def refusal(*edits: Edit, document: str = DOCUMENT) -> str:
    with pytest.raises(EditRefused, match="the document cannot be edited") as caught:
        edited(document.encode(), edits, file="x.yaml")
    assert caught.value.code == "LP700"
    assert caught.value.exit_code == 3
    (problem,) = caught.value.problems
    return str(problem)


def test_no_edit_changes_nothing() -> None:
    source = b"\xef\xbb\xbfa: 1\r\n# no line break at the end"
    assert edited(source, []) == source


@pytest.mark.parametrize(
    ("edit", "lines"),
    [
        (
            SetValue(path="apiVersion", value="v3.1.0"),
            ["- apiVersion: v3.0.2  # the oldest we accept", "+ apiVersion: v3.1.0  # the oldest we accept"],
        ),
        (SetValue(path="version", value="2.0"), ['- version: "1.0.0"', '+ version: "2.0"']),
        (SetValue(path="apiVersion", value="1.0"), None),
        (SetValue(path="nothing", value="no"), ["- nothing:", '+ nothing: "no"']),
        (SetValue(path="nothing", value=[{"a": 1}]), ["+   - a: 1"]),
        (SetValue(path="none", value={"a": [1, 2]}), ["- none: []", "+ none:", "+   a:", "+     - 1", "+     - 2"]),
        (SetValue(path="tags", value=["x", "1"]), ["- tags: [a, b , c]", '+ tags: [x, "1"]']),
        (SetValue(path="tags[1]", value="a, b"), ["- tags: [a, b , c]", '+ tags: [a, "a, b" , c]']),
        (SetValue(path="limits.y", value=None), ["- limits: {x: 1, 'y': 2}", "+ limits: {x: 1, 'y': null}"]),
        (
            SetValue(path="schema[0].name", value="z"),
            ["-   - name: orders  # as in the shop", "+   - name: z  # as in the shop"],
        ),
        (
            SetValue(path="schema[0].description", value="One\n"),
            ["+       One", "-       Two", "-         lines"],
        ),
        (
            SetValue(path="schema[0].description", value="One"),
            ["-     description: |", "+     description: One", "-       Two", "-         lines"],
        ),
        (RenameKey(path="limits.y", key="no"), ["- limits: {x: 1, 'y': 2}", "+ limits: {x: 1, 'no': 2}"]),
        (
            RenameKey(path="schema[0].properties[1].quality[0].rule", key="metric"),
            ["-         - rule: x", "+         - metric: x"],
        ),
        (Remove(path="tags[0]"), ["- tags: [a, b , c]", "+ tags: [b , c]"]),
        (Remove(path="tags[2]"), ["- tags: [a, b , c]", "+ tags: [a, b]"]),
        (
            Remove(path="schema[0].properties[0]"),
            ["-       # the key", "-       - name: id", "-         required: true"],
        ),
        (
            Remove(path="schema[0].properties[0].name"),
            ["-       - name: id", "-         required: true", "+       - required: true"],
        ),
        (
            Remove(path="schema[0].name"),
            ["-   - name: orders  # as in the shop", "- ", "-     # its columns", "+   - # its columns"],
        ),
        (
            Insert(parent="schema[0].properties[0]", key="unique", value=True, after="name"),
            ["+         unique: true"],
        ),
        (
            Insert(parent="limits", key="a b", value={"k": []}),
            ["- limits: {x: 1, 'y': 2}", "+ limits: {x: 1, 'y': 2, a b: {k: []}}"],
        ),
        (Insert(parent="", key="id", value="a\nb", after="version"), ["+ id: |-", "+   a", "+   b"]),
        (
            Append(parent="schema[0].properties", value={"name": "c", "tags": ["t"]}),
            ["+       - name: c", "+         tags:", "+           - t"],
        ),
        (Append(parent="tags", value="d"), ["- tags: [a, b , c]", "+ tags: [a, b , c, d]"]),
        (Append(parent="none", value=1), ["- none: []", "+ none:", "+   - 1"]),
        (Replace(path="schema[0].description", old="lines", new="rows"), ["-         lines", "+         rows"]),
    ],
)
def test_an_edit_changes_its_lines_only(edit: Edit, lines: list[str] | None) -> None:
    if lines is None:
        lines = ["- apiVersion: v3.0.2  # the oldest we accept", '+ apiVersion: "1.0"  # the oldest we accept']
    assert changed(edit) == lines


JSON_DOCUMENT = '{\n  "a": 1,\n  "b": {\n    "c": [1, 2]\n  }\n}'


@pytest.mark.parametrize("text", ["1.5.0", "2.0.0-rc.1", "10.0", "2020-01-31", "1_0", "1e5", "0x1", "1:30", "x"])
def test_a_text_without_quotes_gets_them_only_where_a_reader_needs_them(text: str) -> None:
    result = edited(b"a: 1.4.2\n", [SetValue(path="a", value=text)])
    assert yaml.safe_load(result) == {"a": text}
    assert (b'"' not in result) is (text in ("1.5.0", "2.0.0-rc.1", "x"))


def test_json_stays_json() -> None:
    edits = [
        Insert(parent="b", key="d", value={"e": ["no"]}),
        SetValue(path="a", value="x"),
        Remove(path="b.c"),
        Insert(parent="", key="é", value=None),
    ]
    result = edited(JSON_DOCUMENT.encode(), edits).decode()
    assert json.loads(result) == {"a": "x", "b": {"d": {"e": ["no"]}}, "é": None}
    assert result.splitlines()[:3] == ["{", '  "a": "x",', '  "b": {']


def test_byte_order_mark_and_line_breaks_stay() -> None:
    source = b"\xef\xbb\xbfa: 1\r\nb: [x]\r\n"
    edits = [Insert(parent="", key="c", value={"d": 1}, after="a"), SetValue(path="b", value="z")]
    assert edited(source, edits) == b"\xef\xbb\xbfa: 1\r\nc:\r\n  d: 1\r\nb: z\r\n"


def test_a_last_line_without_break_gets_none() -> None:
    assert edited(b"a: 1", [Insert(parent="", key="b", value=2)]) == b"a: 1\nb: 2"


def test_the_indent_of_the_document_is_used() -> None:
    source = b"a:\n    b:\n    -   c: 1\n"
    edits = [Append(parent="a.b", value={"d": 1, "e": [1]}), Insert(parent="a", key="f", value={"g": 2})]
    assert edited(source, edits).decode() == (
        "a:\n    b:\n    -   c: 1\n    -   d: 1\n        e:\n        -   1\n    f:\n        g: 2\n"
    )


def test_a_text_that_comments_could_join_is_written_on_one_line() -> None:
    source = b"a: 1\n      # a comment far to the right\n"
    assert (
        edited(source, [SetValue(path="a", value="x\ny\n")]) == b'a: "x\\ny\\n"\n      # a comment far to the right\n'
    )


@pytest.mark.parametrize(
    ("written", "value", "lines"),
    [
        ("query: SELECT ${object}", "SELECT {object}", "query: SELECT {object}"),
        ("query: ${object} {object}", "{object} {object}", 'query: "{object} {object}"'),
        ('query: "${object}\\t${object}"', "{object}\t{object}", 'query: "{object}\\t{object}"'),
        ("query: >-\n  SELECT  # no comment\n  FROM ${object}", "SELECT  # no comment FROM {object}", None),
        ("query: 'a\n\n  ${object}'", "a\n{object}", "query: 'a\n\n  {object}'"),
    ],
)
def test_a_part_of_a_text_is_replaced_in_the_way_it_is_written(written: str, value: str, lines: str | None) -> None:
    result = edited(f"{written}\n".encode(), [Replace(path="query", old="${object}", new="{object}")]).decode()
    assert read_yaml(result)[0].data == {"query": value}  # type: ignore[union-attr]
    assert result == (lines or written.replace("${object}", "{object}")) + "\n"


def test_several_parts_of_a_text_are_replaced_one_after_the_other() -> None:
    edits = [Replace(path="q", old="${a}", new="{b}"), Replace(path="q", old="{b}", new="{c}")]
    assert edited(b"q: |\n  ${a} {b}\n", edits) == b"q: |\n  {c} {c}\n"


def test_a_text_taken_elsewhere_keeps_its_comments() -> None:
    source = "team:  # of four\n  # the lead\n  - username: a  # since 2020\n\n  - username: b\n\nname: x\n"
    assert edited(source.encode(), [SetValue(path="team", value={"members": TextOf("team")})]).decode() == (
        "team:  # of four\n  members:\n    # the lead\n    - username: a  # since 2020\n\n    - username: b\n"
        "\nname: x\n"
    )
    object_form = "team:\n  # all\n  members:\n    # the lead\n    - username: a  # since 2020\nname: x\n"
    assert edited(object_form.encode(), [SetValue(path="team", value=TextOf("team.members"))]).decode() == (
        "team:\n  # all\n  # the lead\n  - username: a  # since 2020\nname: x\n"
    )


MOVED = """\
a:
  # about b
  b: 1 # one
  # about c
  c: # each
    # first
    - x # xx
    # deep
  # about d
  d: |
    text
  e: "q
    r" # two
z: 1
"""


def test_comments_of_a_key_that_goes_come_along_with_its_text() -> None:
    edits: list[Edit] = [Remove(path=f"a.{key}") for key in "bcd"]
    edits.append(Insert(parent="", key="m", value=[{"p": key, "value": TextOf(f"a.{key}")} for key in "bcd"]))
    assert (
        edited(MOVED.encode(), edits).decode()
        == """\
a:
  e: "q
    r" # two
z: 1
m:
  - p: b
    value: 1 # one
      # about b
  - p: c
    value: # each
      # about c
      # first
      - x # xx
      # deep
  - p: d
    value: |
      text
     # about d
"""
    )


def test_comments_of_a_key_that_stays_are_not_doubled() -> None:
    result = edited(MOVED.encode(), [Insert(parent="", key="m", value=TextOf("a.b"))]).decode()
    assert result == MOVED + "m: 1\n"


@pytest.mark.parametrize(
    ("document", "edit", "result"),
    [
        ("l:\n- a: 1\n- c\n", Append(parent="l", value=9, before=0), "l:\n- 9\n- a: 1\n- c\n"),
        ("l:\n- a: 1\n- c\n", Append(parent="l", value={"q": 8}, before=1), "l:\n- a: 1\n- q: 8\n- c\n"),
        ("l:\n- a: 1\n", Insert(parent="l[0]", key="z", value=1, before="a"), "l:\n- z: 1\n  a: 1\n"),
        ("# a\na: 1\n", Insert(parent="", key="z", value=1, before="a"), "z: 1\n# a\na: 1\n"),
        ("l: [a, b]\n", Append(parent="l", value=9, before=0), "l: [9, a, b]\n"),
        ("l: {a: 1}\n", Insert(parent="l", key="z", value=1, before="a"), "l: {z: 1, a: 1}\n"),
    ],
)
def test_a_place_before_another_entry_can_be_asked_for(document: str, edit: Edit, result: str) -> None:
    assert edited(document.encode(), [edit]).decode() == result


ANCHORS = "base: &b\n  x: 1\nuse: *b\nlone: &c {y: 2}\nmerged:\n  <<: *b\n  z: 3\ntwice: 1\ntwice: 2\n"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (SetValue(path="absent", value=1), "x.yaml: error LP700: `absent`: is not in the document"),
        (SetValue(path="use.x", value=1), "x.yaml:2:6: error LP700: `use.x`: comes from an alias or a merge key"),
        (Remove(path="merged.x"), "x.yaml:2:6: error LP700: `merged.x`: comes from an alias or a merge key"),
        (SetValue(path="base.x", value=2), "x.yaml:1:7: error LP700: `base`: is also used elsewhere, as *b"),
        (SetValue(path="twice", value=1), "x.yaml:9:8: error LP700: `twice`: has a key that is written twice"),
        (Insert(parent="", key="use", value=1), "x.yaml:3:6: error LP700: `use`: is there already"),
        (Insert(parent="", key="a", value=1, after="b"), "x.yaml:1:1: error LP700: has no key `b` of its own"),
        (Insert(parent="lone.y", key="a", value=1), "x.yaml:4:14: error LP700: `lone.y`: is not a mapping"),
        (Append(parent="base", value=1, before=2), "x.yaml:1:7: error LP700: `base`: is also used elsewhere, as *b"),
        (Append(parent="lone", value=1), "x.yaml:4:7: error LP700: `lone`: is not a list"),
        (Replace(path="lone.y", old="a", new="b"), "x.yaml:4:14: error LP700: `lone.y`: is not text"),
        (SetValue(path="", value={}), "x.yaml:1:1: error LP700: the document as a whole is not edited"),
        (Remove(path=""), "x.yaml:1:1: error LP700: the document as a whole is not edited"),
        (
            SetValue(path="lone.y", value={1, 2}),
            "x.yaml:4:14: error LP700: `lone.y`: a value of type set has no form in YAML",
        ),
    ],
)
def test_what_is_not_certain_is_refused_with_its_place(edit: Edit, message: str) -> None:
    assert refusal(edit, document=ANCHORS) == message


def test_what_is_certain_beside_anchors_is_done() -> None:
    edits = [SetValue(path="use", value=1), SetValue(path="lone.y", value=3), Insert(parent="merged", key="w", value=4)]
    assert changed(*edits, document=ANCHORS) == [
        *("- use: *b", "+ use: 1", "- lone: &c {y: 2}", "+ lone: &c {y: 3}", "+   w: 4"),
    ]


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([SetValue(path="tags", value=1), Remove(path="tags")], "`tags`: is edited twice"),
        (
            [SetValue(path="tags", value=1), Remove(path="tags[0]")],
            "`tags`: is replaced or removed, and another edit is inside of it",
        ),
        (
            [Remove(path="limits"), Insert(parent="limits", key="z", value=1)],
            "`limits`: is replaced or removed, and another edit is inside of it",
        ),
        ([Insert(parent="", key="z", value=1), Insert(parent="", key="z", value=1)], "`z`: is there already"),
        ([RenameKey(path="tags", key="none")], "`none`: is there already"),
        ([RenameKey(path="tags[0]", key="none")], "`tags[0]`: has no key to rename"),
    ],
)
def test_edits_that_meet_are_refused(edits: list[Edit], message: str) -> None:
    assert refusal(*edits).split("LP700: ")[1] == message


@pytest.mark.parametrize("source", [b"a: [", b"", b"a: \xff", b"a: 1\n---\nb: 2\n"])
def test_what_cannot_be_read_is_refused(source: bytes) -> None:
    with pytest.raises(EditRefused, match=r"LP700: the document cannot be edited\n.*error LP700"):
        edited(source, [Remove(path="a")])


def test_a_key_may_be_renamed_to_one_that_goes() -> None:
    edits = [Remove(path="none"), RenameKey(path="nothing", key="none")]
    assert changed(*edits) == ['+ "none":', "- nothing:", "- none: []"]


# Any document, any layout, any edits


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


@settings(max_examples=300, deadline=None)
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
