"""Plain data to YAML: what is written reads back the same, in every reader, in the order of the standard."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.contract import Mode, load_contract
from lakepact.contract.writing import key_text, scalar_text, write_document
from lakepact.contract.yaml_nodes import read_yaml
from lakepact.errors import ContractInvalid

HEADER = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "a", "version": "1.0.0", "status": "active"}


def written(document: dict[str, Any]) -> str:
    return write_document(document).decode()


def read_back(text: str) -> Any:
    document, problems = read_yaml(text)
    assert (problems, document is None) == ([], False)
    assert document is not None
    return document.data


def test_keys_come_in_the_order_of_the_standard_and_unknown_ones_after_them() -> None:
    quality = {"mustBe": 0, "metric": "nullValues", "type": "library", "name": "q", "id": "q1"}
    column = {
        "extra": 1,
        "logicalTypeOptions": {"maximum": 2, "multipleOf": 1},
        "logicalType": "integer",
        "name": "c",
        "quality": [quality],
        "items": {"logicalType": "string", "name": "i"},
    }
    server = {"schema": "s", "catalog": "c", "environment": "prod", "type": "databricks", "server": "s"}
    team = {"members": [{"role": "r", "username": "u"}], "name": "t"}
    document = {"team": team, "schema": [{"properties": [column], "name": "t"}], "servers": [server], **HEADER}
    assert written(document) == (
        'version: "1.0.0"\nkind: DataContract\napiVersion: v3.1.0\nid: a\nstatus: active\n'
        "servers:\n  - server: s\n    type: databricks\n    environment: prod\n    catalog: c\n    schema: s\n"
        "schema:\n  - name: t\n    properties:\n      - name: c\n        logicalType: integer\n"
        "        logicalTypeOptions:\n          multipleOf: 1\n          maximum: 2\n"
        "        quality:\n          - id: q1\n            name: q\n            type: library\n"
        "            metric: nullValues\n            mustBe: 0\n"
        "        items:\n          name: i\n          logicalType: string\n        extra: 1\n"
        "team:\n  name: t\n  members:\n    - username: u\n      role: r\n"
    )


def test_the_order_of_what_is_no_part_of_the_standard_is_kept() -> None:
    value = {"z": 1, "name": 2, "id": 3}
    assert written({"customProperties": [{"value": value, "property": "p"}]}) == (
        "customProperties:\n  - property: p\n    value:\n      z: 1\n      name: 2\n      id: 3\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2020-01-31",
            "1.0",
            "1.10.0",
            "yes",
            "No",
            "on",
            "OFF",
            "y",
            "n",
            "True",
            "null",
            "~",
            "",
            "=",
            "<<",
            ".inf",
        ),
        *("1:20", "0x1F", "0o7", "1_000", "1e3", ".5", "+1", "-1", "- a", "a: b", "a #b", " a", "a ", "a:", "#a", "&a"),
        *("*a", "!a", "%a", "@a", "`a", "[a", "{a", "|", ">", "? a", "12:30:45", "2001-12-14t21:59:43-05:00", "NaN"),
    ],
)
def test_text_that_some_reader_takes_for_something_else_is_quoted(text: str) -> None:
    assert scalar_text(text) == f'"{text}"'
    assert yaml.safe_load(scalar_text(text)) == text


@pytest.mark.parametrize("text", ["a", "äö 日本 🎉", "a-b_c.d", "/a/b", "$x", "${VAR:-x}", "a, b:c", "it's", "a#b"])
def test_other_text_is_written_as_it_is(text: str) -> None:
    assert scalar_text(text) == text
    assert yaml.safe_load(text) == text


def test_patterns_stay_readable() -> None:
    assert scalar_text(r"^[\w.'-]+\d$") == r"'^[\w.''-]+\d$'"
    assert scalar_text('"so" it is') == "'\"so\" it is'"


def test_what_is_not_seen_is_escaped() -> None:
    assert scalar_text("a\x00\x85\u2028\u202e\ufeff\tb") == r'"a\x00\x85\u2028\u202e\ufeff\tb"'
    assert yaml.safe_load(scalar_text("a\x00\x85\u2028\u202e\ufeff\tb")) == "a\x00\x85\u2028\u202e\ufeff\tb"


def test_numbers_are_numbers_for_every_reader() -> None:
    numbers = [0, -1, 10**40, 1.5, -0.0, 1e20, 1e-7, 1.5e300, 5e-324]
    assert [scalar_text(number) for number in numbers][5:7] == ["1.0e+20", "1.0e-07"]
    assert [yaml.safe_load(scalar_text(number)) for number in numbers] == numbers
    assert [type(yaml.safe_load(scalar_text(number))) for number in numbers] == [type(number) for number in numbers]


def test_several_lines_stand_in_a_block() -> None:
    document = {"description": {"purpose": "a\n  b: #c\n\nd", "usage": "a\n", "limitations": "\na\n\n\n"}}
    assert written(document) == (
        "description:\n  usage: |\n    a\n  purpose: |-\n    a\n      b: #c\n\n    d\n  limitations: |+\n\n    a\n\n\n"
    )
    assert read_back(written(document)) == document


@pytest.mark.parametrize("text", ["\n", " a\nb", "\n\ta", "a\n  \nb", "a\r\nb", "a\n\x85b"])
def test_lines_that_a_block_would_change_are_escaped(text: str) -> None:
    assert written({"name": text}) == f"name: {json.dumps(text).replace(chr(92) + 'u0085', chr(92) + 'x85')}\n"
    assert read_back(written({"name": text})) == {"name": text}


def test_no_aliases_no_wrapping_and_no_empty_blocks() -> None:
    shared = {"a": ["x " * 200]}
    text = written({"p": shared, "q": shared, "r": {}, "s": [], "t": [[], [1, [2]], {}]})
    assert text.splitlines()[2:6] == [f'    - "{"x " * 200}"', "q:", "  a:", f'    - "{"x " * 200}"']
    assert text.endswith("r: {}\ns: []\nt:\n  - []\n  - - 1\n    - - 2\n  - {}\n")
    assert written({}) == "{}\n"


def test_a_long_key_is_marked() -> None:
    document = {"k" * 2000: {"a": 1}, "b": [{"k" * 2000: 1, "c": "x\ny"}]}
    assert key_text("k" * 2000).endswith("k\n:")
    assert read_back(written(document)) == document


def test_everything_that_json_cannot_hold_is_refused_together() -> None:
    nested: list[Any] = []
    for _ in range(150):
        nested = [nested]
    day = datetime.date(2020, 1, 31)
    values = {"a": [float("inf"), day], "b": 10**5000, "c": "\ud800", 1: 2, "\udfff": 1, "d": nested, "e": -(10**1000)}
    with pytest.raises(ContractInvalid, match="LP182: the document cannot be written") as caught:
        write_document(values)
    assert [problem.message for problem in caught.value.problems][:4] == [
        "`a[0]`: inf is not a finite number",
        "`a[1]`: a value of type date has no form in JSON",
        "`b`: the number has too many digits",
        "`c`: half of a surrogate pair is no text",
    ]
    assert [problem.message.split(": ", 1)[1] for problem in caught.value.problems][4:] == [
        "the key 1 is no text",
        "the key '\\udfff' is no text",
        "the document is nested deeper than 100 levels",
        "the number has too many digits",
    ]


def test_the_deepest_document_that_is_read_is_written() -> None:
    nested: Any = 1
    for _ in range(99):
        nested = [nested]
    assert read_back(written({"a": nested})) == {"a": nested}


def test_every_official_example_is_written_and_read_back_with_the_same_meaning(odcs_corpus: Path) -> None:
    files = sorted(odcs_corpus.glob("examples/*/**/*.yaml"))
    assert len(files) > 90
    for file in files:
        document, _ = read_yaml(file.read_text(encoding="utf-8-sig"))
        assert document is not None
        text = written(document.data)
        assert read_back(text) == document.data, file
        assert sum(": !" in line or line.strip().startswith(("&", "*")) for line in text.splitlines()) == 0


TEXT = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30),
    st.text(alphabet=" \n\t\r:#-'\"\\|>a1.\x85\u2028?%{}[],&*!~=", max_size=12),
    st.sampled_from(["yes", "1e3", "2020-01-31", "null", "~", "<<", "a\n", "\na", "a\n\n", "...", "---", "%a", "NaN"]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(TEXT, st.sampled_from(["schema", "name", "quality", "type"])), inner, max_size=4),
    ),
    max_leaves=12,
)


def same(left: Any, right: Any) -> bool:
    """Equal with equal types, at every depth: True is not 1, 1 is not 1.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def in_any_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: in_any_order(value[key]) for key in sorted(value)}
    return [in_any_order(entry) for entry in value] if isinstance(value, list) else value


@settings(max_examples=300)
@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_any_document_reads_back_the_same_with_both_parsers(document: dict[str, Any]) -> None:
    text = written(document)
    for pure in (False, True):
        found, problems = read_yaml(text, pure=pure)
        assert problems == []
        assert found is not None
        assert same(in_any_order(found.data), in_any_order(document))
    assert written(document) == text
    assert text.encode().decode() == text


@settings(max_examples=100)
@given(TEXT, VALUES)
def test_the_loader_accepts_what_is_written(text: str, value: Any) -> None:
    table = {"name": text, "description": text, "tags": [text]}
    document = {**HEADER, "schema": [table], "customProperties": [{"property": text, "value": value}]}
    contract = load_contract(write_document(document), mode=Mode.STRICT)
    assert (contract.schema[0].name, contract.schema[0].description, contract.schema[0].tags) == (text, text, (text,))
    assert same(contract.document["customProperties"], document["customProperties"])
