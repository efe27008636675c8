"""YAML to plain data with places: what is read, what is refused, and where."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lakepact.contract.model import Place
from lakepact.contract.yaml_nodes import MAX_ALIAS_NODES, MAX_DEPTH, child_path, plain_value, read_yaml

PARSERS = pytest.mark.parametrize("pure", [False, True], ids=["c", "python"])


@PARSERS
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("2020-01-31", "2020-01-31"),
        ("2020-01-31T10:00:00Z", "2020-01-31T10:00:00Z"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("'1'", "1"),
        ('"null"', "null"),
        ("~", None),
        ("null", None),
        ("", None),
        ("true", True),
        ("FALSE", False),
        ("012", 12),
        ("-3", -3),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.0", 1.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("!!str 5", "5"),
        ("!!int 5", 5),
        ("! 5", "5"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_are_read_as_yaml_1_2(text: str, value: object, pure: bool) -> None:
    document, problems = read_yaml(f"a: {text}", pure=pure)
    assert problems == []
    assert document is not None
    assert document.data == {"a": value}
    assert type(document.data["a"]) is type(value)


def test_what_was_written_is_kept_for_all_but_text() -> None:
    document, _ = read_yaml("a: 1.10\nb: [TRUE, x, ~]\nc: {d: 0x10}")
    assert document is not None
    assert document.texts == {"a": "1.10", "b[0]": "TRUE", "b[2]": "~", "c.d": "0x10"}


@PARSERS
def test_every_element_has_its_place(pure: bool) -> None:
    text = (
        "id: orders\n"
        "schema:\n"
        "  - name: lines\n"
        "    properties:\n"
        "    - name: 'größe'\n"
        "      tags: [a, bb]\n"
        "odd key.x:\n"
        "    nested: ''\n"
    )
    document, problems = read_yaml(text, pure=pure)
    assert problems == []
    assert document is not None
    assert {path: (place.line, place.column) for path, place in document.places.items()} == {
        "": (1, 1),
        "id": (1, 5),
        "schema": (3, 3),
        "schema[0]": (3, 5),
        "schema[0].name": (3, 11),
        "schema[0].properties": (5, 5),
        "schema[0].properties[0]": (5, 7),
        "schema[0].properties[0].name": (5, 13),
        "schema[0].properties[0].tags": (6, 13),
        "schema[0].properties[0].tags[0]": (6, 14),
        "schema[0].properties[0].tags[1]": (6, 17),
        '["odd key.x"]': (8, 5),
        '["odd key.x"].nested': (8, 13),
    }
    assert {path: (place.line, place.column) for path, place in document.key_places.items()} == {
        "id": (1, 1),
        "schema": (2, 1),
        "schema[0].name": (3, 5),
        "schema[0].properties": (4, 5),
        "schema[0].properties[0].name": (5, 7),
        "schema[0].properties[0].tags": (6, 7),
        '["odd key.x"]': (7, 1),
        '["odd key.x"].nested': (8, 5),
    }
    assert document.places["id"] == Place("id", 1, 5)


@PARSERS
def test_an_alias_has_its_own_place_and_its_parts_that_of_the_anchor(pure: bool) -> None:
    document, problems = read_yaml("a: &x {b: 1.50}\nc: *x\nd: [*x]", pure=pure)
    assert problems == []
    assert document is not None
    assert document.data == {"a": {"b": 1.5}, "c": {"b": 1.5}, "d": [{"b": 1.5}]}
    assert document.places["c"] == Place("c", 2, 4)
    assert document.places["c.b"] == Place("c.b", 1, 11)
    assert document.places["d[0].b"] == Place("d[0].b", 1, 11)
    assert document.texts["d[0].b"] == "1.50"
    assert document.key_places["c.b"] == Place("c.b", 1, 8)


def test_aliases_of_scalars_and_keys() -> None:
    document, problems = read_yaml("a: &x 1.10\nb: *x\n&k c: 1\nd: *k\ne: {*k : 2}")
    assert problems == []
    assert document is not None
    assert document.data == {"a": 1.1, "b": 1.1, "c": 1, "d": "c", "e": {"c": 2}}
    assert document.texts["b"] == "1.10"


def test_merge_keys_add_what_is_not_there() -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  b: 0\n  <<: [*x, *y]\nw: {'<<': 5}"
    document, problems = read_yaml(text)
    assert document is not None
    assert document.data["z"] == {"b": 0, "a": 1, "c": 4}
    assert document.places["z.c"] == Place("z.c", 2, 17)
    assert document.data["w"] == {"<<": 5}
    assert problems == []


def test_numbers_as_keys_are_text() -> None:
    document, _ = read_yaml("{1: a, true: b}")
    assert document is not None
    assert document.data == {"1": "a", "true": "b"}


DEEP = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)
BAD = [
    ("a: 1\nb:\n  c: 1\n  c: 2", "LP108", 4, 3, "the key `c` is written twice; first at 3:3", ""),
    (DEEP, "LP109", 1, MAX_DEPTH + 1, f"nested deeper than {MAX_DEPTH} levels", ""),
    ("a: &a [1, *a]", "LP111", 1, 11, "the alias `*a` stands inside the element that it names", ""),
    ("a: *b", "LP111", 1, 4, "the alias `*b` names no anchor before it", ""),
    ("a: !foo 1", "LP112", 1, 4, "the YAML tag `!foo` is not allowed", ""),
    ("a: !!binary aGk=", "LP112", 1, 4, "the YAML tag `!!binary` is not allowed", ""),
    ("a: !!python/name:os.system ''", "LP112", 1, 4, "the YAML tag `!!python/name:os.system` is not allowed", ""),
    ("a: !!set {x}", "LP112", 1, 4, "the YAML tag `!!set` is not allowed", ""),
    ("a:\n  ? [1]\n  : 2", "LP113", 2, 5, "a key must be text, not a list or a mapping", ""),
    ("a: .inf", "LP114", 1, 4, "`.inf` is not a finite number", "put it in quotes if text is meant"),
    ("a: 1e999", "LP114", 1, 4, "`1e999` is not a finite number", "put it in quotes if text is meant"),
    (
        "a: " + "1" * 5000,
        "LP114",
        1,
        4,
        "`" + "1" * 40 + "…` is not a finite number",
        "put it in quotes if text is meant",
    ),
    ("a:\n  <<: 5", "LP115", 2, 7, "`<<` needs a mapping", ""),
    ("a: 1\n---\nb: 2", "LP106", 2, 1, "a second YAML document starts here", "keep one contract in one file"),
    ("", "LP105", 1, 1, "the document is empty", ""),
    ("# only a comment\n", "LP105", 1, 1, "the document is empty", ""),
    ("a: 1\nb: \x07", "LP104", 2, 4, "not YAML: the character U+0007 is not allowed", ""),
]


@PARSERS
@pytest.mark.parametrize(
    ("text", "code", "line", "column", "message", "hint"),
    BAD,
    ids=[f"{row[1]}-{index}" for index, row in enumerate(BAD)],
)
def test_faults(text: str, code: str, line: int, column: int, message: str, hint: str, pure: bool) -> None:
    _, problems = read_yaml(text, pure=pure)
    assert [(p.code, p.line, p.column, p.message, p.hint) for p in problems] == [(code, line, column, message, hint)]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        (
            "a:\n\tb: 1",
            2,
            1,
            "not YAML: found character that cannot start any token (while scanning for the next token)",
        ),
        ("a: 'x", 1, 6, "not YAML: found unexpected end of stream (while scanning a quoted scalar)"),
        ("a: [1, 2\nb: 3", 2, 2, "not YAML: did not find expected ',' or ']' (while parsing a flow sequence)"),
        ("a: b: c", 1, 5, "not YAML: mapping values are not allowed in this context"),
    ],
)
def test_syntax_errors_say_where(text: str, line: int, column: int, message: str) -> None:
    document, problems = read_yaml(text)
    assert document is None
    assert [(p.code, p.line, p.column, p.message) for p in problems] == [("LP104", line, column, message)]


def test_a_tab_as_indentation_is_explained() -> None:
    _, problems = read_yaml("a:\n  b: 1\n\tc: 2")
    assert problems[0].hint == "indent with spaces, not with tabs"


@PARSERS
def test_an_alias_bomb_is_refused_at_the_limit(pure: bool) -> None:
    names = "abcdefghij"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join(['*' + old] * 10)}]" for old, new in pairwise(names)]
    document, problems = read_yaml("\n".join(lines), pure=pure)
    assert document is None
    assert [(p.code, p.message) for p in problems] == [
        ("LP110", f"more than {MAX_ALIAS_NODES:,} elements through aliases")
    ]


def test_aliases_cannot_nest_deeper_than_the_limit() -> None:
    deep = "a: &a " + "[" * 60 + "x" + "]" * 60 + "\nb: " + "[" * 60 + "*a" + "]" * 60
    document, problems = read_yaml(deep)
    assert document is None
    assert [(p.code, p.message) for p in problems] == [("LP109", "nested deeper than 100 levels")]


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? "])
def test_endless_nesting_ends_early(opening: str) -> None:
    document, problems = read_yaml(opening * 200_000)
    assert document is None
    assert problems[-1].code in ("LP109", "LP113")


def test_paths() -> None:
    assert child_path("", "a") == "a"
    assert child_path("a", "b-c$") == "a.b-c$"
    assert child_path("a", 'x"y') == 'a["x\\"y"]'
    assert child_path("a", "") == 'a[""]'


def test_plain_value_of_a_number_that_json_cannot_hold() -> None:
    assert plain_value("-.INF") is NotImplemented
    assert plain_value(".nan") is NotImplemented
