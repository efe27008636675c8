"""Edits of YAML text: what changes, what stays, what is refused."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence

import pytest
import yaml

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
    assert caught.value.code == "LP190"
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
        (SetValue(path="absent", value=1), "x.yaml: error LP190: `absent`: is not in the document"),
        (SetValue(path="use.x", value=1), "x.yaml:2:6: error LP190: `use.x`: comes from an alias or a merge key"),
        (Remove(path="merged.x"), "x.yaml:2:6: error LP190: `merged.x`: comes from an alias or a merge key"),
        (SetValue(path="base.x", value=2), "x.yaml:1:7: error LP190: `base`: is also used elsewhere, as *b"),
        (SetValue(path="twice", value=1), "x.yaml:9:8: error LP190: `twice`: has a key that is written twice"),
        (Insert(parent="", key="use", value=1), "x.yaml:3:6: error LP190: `use`: is there already"),
        (Insert(parent="", key="a", value=1, after="b"), "x.yaml:1:1: error LP190: has no key `b` of its own"),
        (Insert(parent="lone.y", key="a", value=1), "x.yaml:4:14: error LP190: `lone.y`: is not a mapping"),
        (Append(parent="base", value=1, before=2), "x.yaml:1:7: error LP190: `base`: is also used elsewhere, as *b"),
        (Append(parent="lone", value=1), "x.yaml:4:7: error LP190: `lone`: is not a list"),
        (Replace(path="lone.y", old="a", new="b"), "x.yaml:4:14: error LP190: `lone.y`: is not text"),
        (SetValue(path="", value={}), "x.yaml:1:1: error LP190: the document as a whole is not edited"),
        (Remove(path=""), "x.yaml:1:1: error LP190: the document as a whole is not edited"),
        (
            SetValue(path="lone.y", value={1, 2}),
            "x.yaml:4:14: error LP190: `lone.y`: a value of type set has no form in YAML",
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
    assert refusal(*edits).split("LP190: ")[1] == message


@pytest.mark.parametrize("source", [b"a: [", b"", b"a: \xff", b"a: 1\n---\nb: 2\n"])
def test_what_cannot_be_read_is_refused(source: bytes) -> None:
    with pytest.raises(EditRefused, match=r"LP190: the document cannot be edited\n.*error LP190"):
        edited(source, [Remove(path="a")])


def test_a_key_may_be_renamed_to_one_that_goes() -> None:
    edits = [Remove(path="none"), RenameKey(path="nothing", key="none")]
    assert changed(*edits) == ['+ "none":', "- nothing:", "- none: []"]


def test_json_with_escaped_surrogate_pairs_is_edited() -> None:
    source = rb'{"name": "\ud83d\ude00 orders", "version": "1.0.0"}'
    assert edited(source, [SetValue(path="version", value="2.0.0")]) == source.replace(b"1.0.0", b"2.0.0")
