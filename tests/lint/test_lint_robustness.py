"""Lint says what is wrong with any document; it never fails on one, and it ends."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lint_documents import properties

from lakepact.contract.yaml_nodes import read_yaml
from lakepact.lint import Linted, lint
from lakepact.lint.mend import mend
from speed import best_cpu_seconds, cpu_limit

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from lint_page import snippets  # noqa: E402

BAD = [snippet.document for snippet in snippets()]
CALM = settings(max_examples=150, suppress_health_check=list(HealthCheck))

RICH = """\
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
slaDefaultElement: orders.changed
servers: [{server: p, type: databricks, catalog: "${C}", schema: s}]
team: {members: [{username: a, replacedByUsername: b}]}
slaProperties: [{property: latency, value: 4, unit: h, element: orders.changed}]
schema:
  - name: orders
    physicalName: o
    quality: [{metric: duplicateValues, arguments: {properties: [id]}, mustBe: 0}]
    relationships: [{from: [orders.id], to: [lines.order_id]}]
    properties:
      - {name: id, logicalType: string, primaryKey: true, primaryKeyPosition: 1, examples: [a, 1]}
      - name: amount
        logicalType: number
        physicalType: decimal(10,2)
        logicalTypeOptions: {minimum: 0, exclusiveMaximum: 10, multipleOf: 0.5}
        enum: [{value: 1}, {value: 2, label: two}]
        quality: [{metric: invalidValues, arguments: {validValues: [1], pattern: "^a$"}, mustBeBetween: [1, 2]}]
      - {name: changed, logicalType: timestamp, logicalTypeOptions: {format: "yyyy-MM-dd", defaultTimezone: UTC}}
      - name: tags
        logicalType: array
        items: {logicalType: object, properties: [{name: x, logicalType: string, required: true}]}
      - {name: m, logicalType: map, map: {key: {logicalType: string}, value: {logicalType: integer}}}
      - {name: v, logicalType: vector, logicalTypeOptions: {dimensions: 3}}
      - {name: total, logicalType: number, semanticType: measure, transformLogic: sum(amount)}
  - name: lines
    properties:
      - {name: order_id, logicalType: string, unique: true, relationships: [{to: orders.id}]}
"""

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(max_size=8),
    st.sampled_from(
        ["a.b", "orders", "2024-01-31", "(a+", "[a&&", "yyyy-MM-DD", "percent", "m", "1e400", "no", "v2.2.2"]
    ),
    st.sampled_from(["integer", "String", "measure", "mustBe", "rowCount", "schema/orders/properties/id", "${X}", ""]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
)


def read(text: str) -> Any:
    """The data of a document; None where it is no mapping."""
    document, _ = read_yaml(text)
    return document.data if document is not None and isinstance(document.data, dict) else None


READABLE = [text for text in BAD if read(text) is not None]


def places_of(value: Any) -> list[tuple[Any, Any]]:
    """Every container of the document with each of its keys or indexes."""
    if isinstance(value, dict):
        return [(value, key) for key in value] + [place for entry in value.values() for place in places_of(entry)]
    if isinstance(value, list):
        indexes = [(value, index) for index in range(len(value))]
        return indexes + [place for entry in value for place in places_of(entry)]
    return []


@st.composite
def mutated(draw: st.DrawFn, *, escaped: bool = False) -> bytes:
    """A document that was right or nearly so, with some of its elements replaced, removed, renamed or repeated."""
    data = read(RICH) if draw(st.booleans()) else read(draw(st.sampled_from(READABLE)))
    for _ in range(draw(st.integers(1, 4))):
        places = places_of(data)
        if not places:
            break
        container, key = draw(st.sampled_from(places))
        how = draw(st.sampled_from(["replace", "replace", "remove", "rename", "copy", "move"]))
        if how == "remove":
            del container[key]
        elif how == "rename" and isinstance(container, dict):
            container[draw(st.one_of(st.text(max_size=6), st.sampled_from(["name", "items", "enum", "metric"])))] = (
                container.pop(key)
            )
        elif how == "copy" and isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        elif how == "move":
            other, at = draw(st.sampled_from(places))
            container[key] = copy.deepcopy(other[at])
        else:
            container[key] = draw(VALUES)
    return json.dumps(data, ensure_ascii=escaped).encode()


def check(source: bytes, linted: Linted) -> None:
    """What holds of every answer."""
    order = [(problem.line, problem.column, problem.code) for problem in linted.problems]
    assert order == sorted(order)
    assert len(set(linted.problems)) == len(linted.problems)
    assert all(problem.message and problem.code.startswith("LP") for problem in linted.problems)
    assert all("\n" not in problem.message for problem in linted.problems)
    assert (linted.contract is None) or linted.contract.source == source


@CALM
@given(st.one_of(mutated(), mutated(escaped=True)), st.booleans())
def test_any_document_gets_an_answer(source: bytes, strict: bool) -> None:
    check(source, lint(source, strict=strict))


@settings(CALM, max_examples=60)
@given(mutated())
def test_mending_ends_and_mending_again_changes_nothing(source: bytes) -> None:
    first = mend(source)
    again = mend(first.content)
    assert (again.content, again.fixes) == (first.content, ())


@settings(CALM, max_examples=100)
@given(st.data())
def test_damaged_text_gets_an_answer(data: st.DataObject) -> None:
    text = bytearray(data.draw(st.sampled_from([RICH, *BAD])).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, max(len(text) - 1, 0)))
        text[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=4))
    source = bytes(text)
    check(source, lint(source))
    mend(source)


@pytest.mark.parametrize("source", [b"", b"\xef\xbb\xbf", b"null", b"[]", b"a", b"---", b"\x00", b"\xff\xfe", b"{}"])
def test_what_is_no_contract_at_all(source: bytes) -> None:
    linted = lint(source)
    check(source, linted)
    assert linted.contract is None
    assert linted.problems


def test_hostile_patterns_are_not_tried() -> None:
    source = properties("""
        - name: a
          logicalType: string
          logicalTypeOptions: {pattern: "^(([a-z])+.)+[A-Z]([a-z])+$"}
          examples: [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]
    """)
    assert lint(source).problems == ()
    assert best_cpu_seconds(lambda: lint(source)) < cpu_limit(1)
