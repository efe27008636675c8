"""Whatever the bytes are: a contract or ContractInvalid, nothing else."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.contract import MEANINGS, Code, Mode, load_contract, read_contract
from lakepact.errors import ContractInvalid

DOCUMENT = """\
apiVersion: v3.1.0
kind: DataContract
id: a
version: 1.0.0
status: active
team: {name: x, members: [{username: u}]}
schema:
  - name: t
    quality: [{metric: rowCount, mustBe: 1, unit: percent}]
    relationships: [{from: t.p, to: u.p}]
    properties:
      - name: p
        logicalType: array
        logicalTypeOptions: {minItems: 1}
        items: {logicalType: object, properties: [{name: q, logicalType: number, logicalTypeOptions: {minimum: 1.5}}]}
slaProperties: [{property: latency, value: 4, element: t.p}]
servers: [{server: s, type: databricks, catalog: c, schema: d}]
customProperties: [{property: k, value: {a: [1]}}]
"""
KEYS = sorted(
    {
        *("id", "name", "schema", "properties", "items", "map", "key", "value", "logicalType", "logicalTypeOptions"),
        *("quality", "rule", "metric", "mustBe", "mustBeBetween", "type", "query", "arguments", "validValues", "unit"),
        *(
            "relationships",
            "from",
            "to",
            "team",
            "members",
            "servers",
            "server",
            "slaProperties",
            "property",
            "element",
        ),
        *("minimum", "exclusiveMinimum", "multipleOf", "required", "enum", "synonyms", "context", "version", "kind"),
        *("apiVersion", "description", "tags", "customProperties", "engine", "implementation", "roles", "price", "x y"),
    }
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-3, max_value=3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
    st.sampled_from(["string", "date", "timestamp", "map", "vector", "array", "object", "sql", "library", "rowCount"]),
    st.sampled_from(["t.a", "v3.0.2", "v3.2.0", "v2.2.2", "DataContract", "api", "athena", "unique", "foreignKey"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=12,
)


def loads_or_is_invalid(content: bytes) -> None:
    for mode in Mode:
        contract, problems = read_contract(content, mode=mode)
        assert all(Code(problem.code) in MEANINGS and problem.message for problem in problems)
        if contract is None:
            with pytest.raises(ContractInvalid, match="LP100: the contract has ") as caught:
                load_contract(content, mode=mode)
            assert list(caught.value.problems) == list(problems)
        else:
            assert contract.source == content


@given(st.binary(max_size=300))
def test_any_bytes(content: bytes) -> None:
    loads_or_is_invalid(content)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@` \n\t0.~<?,", max_size=60))
def test_any_yaml_like_text(text: str) -> None:
    loads_or_is_invalid(text.encode())


@settings(max_examples=200)
@given(st.data())
def test_a_contract_with_pieces_cut_out_or_put_in(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(DOCUMENT)))
    end = data.draw(st.integers(start, min(len(DOCUMENT), start + 20)))
    piece = data.draw(st.text(alphabet="abz:-[]{}&*!|'\" \n01.~<", max_size=6))
    loads_or_is_invalid((DOCUMENT[:start] + piece + DOCUMENT[end:]).encode())


def spots(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return ([value] if isinstance(value, dict | list) else []) + [spot for entry in inner for spot in spots(entry)]


BASE: dict[str, Any] = dict(load_contract(DOCUMENT.encode()).document)


@settings(max_examples=150)
@given(st.data())
def test_a_contract_with_any_value_anywhere(data: st.DataObject) -> None:
    document = json.loads(json.dumps(BASE))
    document["apiVersion"] = data.draw(st.sampled_from(["v3.0.0", "v3.0.2", "v3.1.0", "v3.2.0"]))
    for _ in range(data.draw(st.integers(1, 4))):
        spot = data.draw(st.sampled_from(spots(document)))
        value = data.draw(VALUES)
        if isinstance(spot, list):
            spot.append(value)
        else:
            spot[data.draw(st.sampled_from(KEYS))] = value
    loads_or_is_invalid(json.dumps(document).encode())


def test_long_words_are_clipped_in_messages() -> None:
    word = "x" * 1000
    content = DOCUMENT.replace("metric: rowCount", f"metric: {word}").replace("to: u.p", f"to: {word}")
    _, problems = read_contract((content + f"{word}: 1\n").encode())
    assert len(problems) == 3
    assert all(len(problem.message) < 120 for problem in problems)


def test_a_document_full_of_faults_is_judged_in_time() -> None:
    content = DOCUMENT + "".join(f"unknown{index}: {index}\n" for index in range(2000))
    start = time.process_time()
    _, problems = read_contract(content.encode())
    assert len(problems) == 2000
    assert time.process_time() - start < 20


def test_the_cost_of_faulty_rules_does_not_grow_with_their_square() -> None:
    rules = "".join(f"  - {{rule: x{index}, foo: 1}}\n" for index in range(8000))
    content = DOCUMENT.split("schema:")[0] + "schema:\n- name: t\n  quality:\n" + rules
    start = time.process_time()
    _, problems = read_contract(content.encode())
    assert len(problems) == 16_000
    assert time.process_time() - start < 20


def test_deeply_nested_properties_are_judged_and_built() -> None:
    body = "name: p"
    for _ in range(45):
        body = "name: p, logicalType: object, properties: [{" + body + "}]"
    header = "apiVersion: v3.2.0\nkind: DataContract\nid: a\nversion: 1.0.0\n"
    contract = load_contract((header + "schema: [{name: t, properties: [{" + body + "}]}]").encode())
    assert sum(1 for _ in contract.walk_properties()) == 46
