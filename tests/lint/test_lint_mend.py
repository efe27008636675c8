"""Mends: what is certain is mended, every other byte stays, and mending again changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint_documents import document, properties, said

from lakepact.lint import lint
from lakepact.lint.mend import mend
from lakepact.lint.spelling import _one_slip

BEFORE = """\
# a comment
apiVersion: 3.1.0   # no v
kind: data-contract
id: 0815 # leading zero
version: 1.10
status: Active
name: "orders"

contractCreatedTs: 2022-10-03
schema:
  - name: orders
    properties:
      - name: order_id
        logicalType: String      # wrong case
        primaryKey: true
        primaryKeyPosition: 1
        requierd: "yes"
      # the line
      - name: line
        logicalType: integer
        primaryKey: True
        primaryKeyPosition: 3
        quality:
          - metric: NullValues
            mustBe: 0
            dimension: cp
      - {name: day, logicalType: DATE, physical_type: date}
"""

AFTER = """\
# a comment
apiVersion: v3.1.0   # no v
kind: DataContract
id: "0815" # leading zero
version: "1.10"
status: active
name: "orders"

contractCreatedTs: "2022-10-03"
schema:
  - name: orders
    properties:
      - name: order_id
        logicalType: string      # wrong case
        primaryKey: true
        primaryKeyPosition: 1
        required: true
      # the line
      - name: line
        logicalType: integer
        primaryKey: True
        primaryKeyPosition: 2
        quality:
          - metric: nullValues
            mustBe: 0
            dimension: completeness
      - {name: day, logicalType: date, physicalType: date}
"""


def test_everything_that_is_certain_is_mended_and_the_rest_stays() -> None:
    mended = mend(BEFORE.encode())
    assert mended.content.decode() == AFTER
    assert mended.linted.problems == ()
    assert sorted({str(fix.code) for fix in mended.fixes}) == [
        *("LP120", "LP121", "LP131", "LP132", "LP133", "LP134", "LP728", "LP729", "LP741")
    ]
    again = mend(mended.content)
    assert (again.content, again.fixes) == (mended.content, ())


def test_line_ends_and_a_byte_order_mark_stay() -> None:
    before = b"\xef\xbb\xbf" + BEFORE.replace("\n", "\r\n").encode()
    assert mend(before).content == b"\xef\xbb\xbf" + AFTER.replace("\n", "\r\n").encode()


def test_only_what_is_wanted_is_mended() -> None:
    mended = mend(BEFORE.encode(), wanted=lambda code: code == "LP133")
    assert mended.content.decode() == BEFORE.replace("0815", '"0815"').replace("1.10", '"1.10"')


@pytest.mark.parametrize(
    "line",
    [
        "requierd: true, required: false",  # both are there
        "pattern: a",  # no slip of any key of a property
        "minLenght: 3",  # right elsewhere, unknown here
        "desc: x",
        "itms: x",  # shorter than five letters apart from the slip
    ],
)
def test_keys_that_could_mean_something_else_stay(line: str) -> None:
    source = properties(f"- {{name: a, logicalType: string, {line}}}\n")
    assert "LP131" in {problem.code for problem in lint(source).problems}
    assert mend(source).content == source


@pytest.mark.parametrize(
    "line",
    [
        "logicalType: strng",
        "logicalType: int",
        "logicalType: string, required: maybe",
        "logicalType: string, quality: [{metric: nullValues, mustBe: 0, dimension: validity}]",
    ],
)
def test_values_that_could_mean_something_else_stay(line: str) -> None:
    source = properties(f"- {{name: a, {line}}}\n")
    assert mend(source).content == source
    assert len(said(source)) == 1


def test_a_mend_that_does_not_help_is_taken_back() -> None:
    # A boolean is not what a number of items can be.
    source = properties('- {name: a, logicalType: string, logicalTypeOptions: {minLength: "yes", maxLength: "5"}}\n')
    mended = mend(source)
    assert mended.content == source.replace(b'"5"', b"5")
    assert [str(fix.path) for fix in mended.fixes] == ["schema[0].properties[0].logicalTypeOptions.maxLength"]


def test_one_mend_may_show_another() -> None:
    source = properties('- {name: a, logicalType: STRING, logicalTypeOptions: {minLength: "5"}}\n')
    assert mend(source).content == source.replace(b"STRING", b"string").replace(b'"5"', b"5")


def test_positions_that_are_not_clear_stay() -> None:
    for marks in ("primaryKeyPosition: 3}\n- {name: b, logicalType: string, primaryKey: true, primaryKeyPosition: 3}",
                  "primaryKeyPosition: 3}\n- {name: b, logicalType: string, primaryKey: true}"):  # fmt: skip
        source = properties(f"- {{name: a, logicalType: string, primaryKey: true, {marks}\n")
        assert mend(source).content == source


def test_texts_among_values_keep_how_they_are_written() -> None:
    source = properties("- {name: a, logicalType: string, enum: [{value: 1.50}, {value: TRUE}]}\n", version="v3.2.0")
    assert mend(source).content == source.replace(b"1.50", b'"1.50"').replace(b"TRUE", b'"TRUE"')


def test_a_document_that_is_no_yaml_stays() -> None:
    for source in (b"a: [", b"\xff", b"", b"apiVersion: v2.2.2\nkind: Datacontract\n"):
        assert mend(source).content == source


def test_an_alias_is_not_written_over() -> None:
    source = document("name: &x no\ntags: [*x]\n")
    assert mend(source).content in (source, source.replace(b"&x no", b'&x "no"'))
    assert lint(mend(source).content).contract is not None


def test_mending_the_official_examples_changes_only_quotes(odcs_corpus: Path) -> None:
    changed = 0
    for file in sorted((odcs_corpus / "examples").rglob("*.yaml")):
        source = file.read_bytes()
        mended = mend(source).content
        changed += mended != source
        assert mended.replace(b'"', b"") == source.replace(b'"', b"")
    assert changed > 0


@pytest.mark.parametrize(
    ("one", "other", "is_slip"),
    [
        ("requierd", "required", True),
        ("requred", "required", True),
        ("requireed", "required", True),
        ("requited", "required", True),
        ("reqirde", "required", False),
        ("required", "required", True),
        ("name", "nmae", False),
        ("domain", "domains", True),
        ("abcdef", "abdcfe", False),
    ],
)
def test_slips(one: str, other: str, is_slip: bool) -> None:
    assert _one_slip(one, other) is is_slip
    assert _one_slip(other, one) is is_slip
