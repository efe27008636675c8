"""The format of a file by what is in it, and the table of formats."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from convert_samples import DATA_CONTRACT, FLAT_ASSET, NESTED_ASSET

from lakepact.convert import FORMATS, convert, detect, format_named, live_source
from lakepact.errors import ConfigurationError, UsageError


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("apiVersion: v2.2.1\n", "odcs-v2"),
        ("standardVersion: 2.1.0\nkind: virtualDataset\n", "odcs-v2"),
        ("uuid: a\ndataset: []\n", "odcs-v2"),
        ("asset: {name: a}\n", "asset"),
        ("asset: {name: a, data_contract: {name: b}}\ndata_contract: {name: c}\n", "asset"),
        ("apiVersion: v3.0.2\nkind: DataContract\nsource_type: csv\nschema: [{name: a, type: string}]\n", "asset"),
        ("data_contract: {name: a}\n", "data-contract"),
        ("data_contract: {sla: {}}\n", "data-contract"),
        ("asset: a\ndata_contract: {contract_path: c.yaml}\n", "data-contract-job"),
        ('{"expectation_suite_name": "s", "expectations": []}', "great-expectations"),
        ("checks for users: []\n", "soda"),
        ('{"$schema": "https://json-schema.org/draft/2020-12/schema"}', "json-schema"),
        ("type: object\nproperties: {a: {type: string}}\n", "json-schema"),
        ('{"metadata": {"dbt_schema_version": "x"}, "nodes": {}}', "dbt"),
        ("version: 2\nmodels: [{name: a}]\n", "dbt"),
        ("version: 2\nsources: [{name: a}]\n", "dbt"),
        ("- {criticality: error, check: {function: is_not_null}}\n", "dqx"),
        ("checks: [{check: {function: is_not_null}}]\n", "dqx"),
        ("from pyspark import pipelines as dp\n\n@dp.table\ndef a(): ...\n", "lakeflow"),
        ("import dlt\n", "lakeflow"),
        ("-- a comment\n/* more */ CREATE OR REFRESH STREAMING TABLE a AS SELECT 1", "lakeflow"),
        ("CREATE MATERIALIZED VIEW a AS SELECT 1", "lakeflow"),
    ],
)
def test_a_format_is_recognised(source: str, name: str) -> None:
    assert detect(source.encode()) == name


@pytest.mark.parametrize("file", ["a.py", "a.sql"])
def test_code_is_recognised_by_its_name(file: str) -> None:
    assert detect(b"anything", file=file) == "lakeflow"


@pytest.mark.parametrize(
    "source", [b"", b"a: [", b"\xff\xfe", b"- a", b"data_contract: {contract_path: x}", b"{", b"7"]
)
def test_what_is_not_recognised(source: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"LP811: the format of x\.yaml is not recognised\n  hint: name it"):
        detect(source, file="x.yaml")


def test_a_contract_needs_no_conversion() -> None:
    with pytest.raises(ConfigurationError, match="LP812: the source is an ODCS contract already"):
        convert(b"apiVersion: v3.1.0\nkind: DataContract\nid: a\nversion: 1.0.0\nstatus: a\nschema: []\n")


def test_every_format_has_its_function() -> None:
    for function in [entry.function for entry in FORMATS]:
        module, _, name = function.partition(":")
        assert callable(getattr(importlib.import_module(module), name)), function


def test_a_name_decides_over_the_content() -> None:
    with pytest.raises(ConfigurationError, match="LP801: an asset needs `name`"):
        convert(b"data_contract: {name: a, version: 1}", format_name="asset")
    with pytest.raises(UsageError, match=r"LP810: `soad` is no format that is converted\n  hint: one of odcs-v2, "):
        format_named("soad")


def test_the_page_names_custom_properties_that_are_written(repository: Path) -> None:
    page = (repository / "docs" / "convert.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(lakepact\.[a-zA-Z]+)`", page))
    written = str([convert(text.encode()).document for text in (DATA_CONTRACT, FLAT_ASSET, NESTED_ASSET)])
    assert len(named) > 8
    assert {name for name in named if f"'{name}'" not in written} == set()


def test_live_sources_have_a_prefix() -> None:
    named = live_source("delta:/data/orders")
    assert named is not None
    assert (named[0].prefix, named[1]) == ("delta", "/data/orders")
    assert [live_source(text) for text in ("orders", "c:/orders.yaml", "./uc:x")] == [None, None, None]
