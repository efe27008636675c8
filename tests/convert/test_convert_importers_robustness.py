"""Importers meet what is not of their format: each gives a strictly valid contract, or says why not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from importing import loaded
from test_convert_dbt import MODELS, manifest
from test_convert_dqx import SCHEMA
from test_convert_lakeflow import PYTHON, SQL

from lakepact.convert.dbt import convert_dbt
from lakepact.convert.dqx import convert_dqx
from lakepact.convert.json_schema import convert_json_schema
from lakepact.convert.lakeflow import convert_lakeflow
from lakepact.convert.model import Converted
from lakepact.errors import ConfigurationError

CHECKS = yaml.safe_load(
    SCHEMA
    + """
- {name: n, criticality: warn, filter: x, check: {function: is_in_range, arguments: {column: a, min_limit: 0}}}
- {check: {function: is_in_list, for_each_column: [name, kind], arguments: {allowed: ["'a'", "'b'"]}}}
- {check: {function: is_unique, arguments: {columns: [id, name]}}, user_metadata: {a: 1}}
- {check: {function: sql_expression, arguments: {expression: a > b}}}
- {check: {function: regex_match, arguments: {column: name, regex: a}}}
"""
)
JSON_SCHEMA = {
    **{"title": "t", "type": "object", "required": ["a"], "additionalProperties": False},
    "properties": {
        "a": {"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "enum": [1, 2], "format": "int64"},
        "b": {"anyOf": [{"type": "string", "maxLength": 9, "pattern": "a"}, {"type": "null"}]},
        "c": {"type": "array", "items": {"$ref": "#/$defs/d"}, "minItems": 1},
        "e": {"type": "object", "additionalProperties": {"type": "number"}, "examples": [{}]},
    },
    "$defs": {"d": {"allOf": [{"properties": {"x": {"type": "string", "format": "date"}}}, {"required": ["x"]}]}},
}
SCALARS = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "a",
    "a b",
    "*",
    "`",
    "${x}",
    "{{ x }}",
    "'",
    "é\u2028",
    "#/x",
    ">1",
    "a\nb",
]
NESTED: list[Any] = [
    [],
    {},
    [1],
    [None],
    ["a", "a"],
    [[]],
    {"a": 1},
    {"type": "x"},
    {"$ref": "#"},
    {"": ""},
    "ref('x')",
]
ODD = st.sampled_from([*SCALARS, *NESTED])


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys."""
    if isinstance(value, dict):
        return [(value, key) for key in value] + [place for entry in value.values() for place in _places(entry)]
    if isinstance(value, list):
        return [(value, index) for index in range(len(value))] + [place for entry in value for place in _places(entry)]
    return []


@st.composite
def damaged(draw: st.DrawFn, document: Any) -> Any:
    """The document with one to four of its values replaced, removed or added to."""
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 4))):
        places = _places(changed)
        container, key = places[draw(st.integers(0, len(places) - 1))]
        odd = copy.deepcopy(draw(ODD))
        if draw(st.booleans()) and isinstance(container, dict):
            container[
                draw(st.sampled_from(["name", "columns", "tests", "type", "properties", "$ref", "check", "odd"]))
            ] = odd
        else:
            container[key] = odd
    return changed


def survives(convert: Callable[..., Converted], source: bytes, file: str) -> None:
    try:
        converted = convert(source, file=file)
    except ConfigurationError as error:
        assert error.code == "LP820"  # noqa: PT017  - the other outcome is a valid contract
        return
    loaded(converted)


@settings(max_examples=250)
@given(damaged(CHECKS))
def test_damaged_checks(document: Any) -> None:
    survives(convert_dqx, json.dumps(document).encode(), "x.json")


@settings(max_examples=250)
@given(damaged(JSON_SCHEMA))
def test_damaged_schemas(document: Any) -> None:
    survives(convert_json_schema, json.dumps(document).encode(), "x.json")


@settings(max_examples=250)
@given(damaged(yaml.safe_load(MODELS)))
def test_damaged_property_files(document: Any) -> None:
    survives(convert_dbt, json.dumps(document).encode(), "x.yml")


@settings(max_examples=150)
@given(damaged(manifest()))
def test_damaged_manifests(document: Any) -> None:
    survives(convert_dbt, json.dumps(document).encode(), "manifest.json")


@pytest.mark.parametrize(("source", "file"), [(PYTHON, "x.py"), (SQL, "x.sql"), (SQL, ""), (PYTHON, "")])
@settings(max_examples=60)
@given(data=st.data())
def test_damaged_pipeline_sources(source: bytes, file: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, min(len(source), start + 40)))
    put = data.draw(
        st.sampled_from([b"", b"'", b"(", b")", b"`", b",", b"/*", b";", b"\n", b"\xff", b"\0", b"<", b"  "])
    )
    survives(convert_lakeflow, source[:start] + put + source[end:], file)
