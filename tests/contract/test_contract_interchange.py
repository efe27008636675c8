"""Exchange with the official pydantic model."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
    ServiceLevelAgreementProperty,
)

from lakepact.contract import Contract, load_contract
from lakepact.contract.interchange import InterchangeWarning, from_official, official_losses, to_official
from lakepact.errors import ContractInvalid

HEADER = "apiVersion: v3.2.0\nkind: DataContract\nid: a\nversion: 1.0.0\n"


def load(body: str, version: str = "v3.2.0") -> Contract:
    header = HEADER.replace("v3.2.0", version) + ("" if version == "v3.2.0" else "status: active\n")
    return load_contract((header + body).encode(), file="c.yaml")


def to_official_quietly(contract: Contract) -> OpenDataContractStandard:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return to_official(contract)


def test_to_official_keeps_values_and_types() -> None:
    body = """\
schema:
  - name: t
    relationships: [{from: t.a, to: u.a}]
    properties:
      - name: a
        enum: [{value: null}, {value: true}, {value: 1}]
        examples: [1, 1.5, '1', null]
        quality: [{metric: rowCount, mustBeBetween: [1, 2.5]}]
slaProperties: [{property: x, value: null}, {property: y, value: 1}, {property: z, value: true}]
servers: [{server: s, type: databricks, catalog: c, schema: x}]
"""
    model = to_official_quietly(load(body))
    assert model.model_dump(by_alias=True, exclude_unset=True) == load(body).document
    assert model.schema_ is not None
    assert model.schema_[0].relationships is not None
    assert model.schema_[0].relationships[0].from_ == "t.a"


def test_what_was_meant_as_text_arrives_as_text_and_empty_keys_not_at_all() -> None:
    contract = load("name: 2024\ndescription:\nschema: [{name: t, tags: ~, properties: [{name: 1}]}]\n")
    model = to_official_quietly(contract)
    assert model.name == "2024"
    assert model.schema_ == [SchemaObject(name="t", properties=[SchemaProperty(name="1")])]
    assert "description" not in model.model_fields_set


def test_lost_fields_are_warned_about_and_listed() -> None:
    body = "team: [{username: u, comment: gone}]\nslaProperties: [{property: x, value: 1, column: [gone]}]\n"
    contract = load(body, "v3.0.2")
    assert [str(problem) for problem in official_losses(contract)] == [
        "c.yaml:6:31: warning LP180: the official model has no place for `team[0].comment`",
        "c.yaml:7:49: warning LP180: the official model has no place for `slaProperties[0].column`",
    ]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        to_official(contract)
    assert [(entry.category, str(entry.message)) for entry in caught] == [
        (InterchangeWarning, str(problem)) for problem in official_losses(contract)
    ]


def test_a_value_that_the_official_model_refuses() -> None:
    contract = load("servers: [{server: s, type: duckdb, database: d, schema: 5}]\n", "v3.0.2")
    with pytest.raises(ContractInvalid, match=r"LP181: c\.yaml cannot be exchanged with the official model") as caught:
        to_official(contract)
    assert [str(problem) for problem in caught.value.problems] == [
        "c.yaml:6:58: error LP181: the official model refuses this: Input should be a valid string"
    ]


def test_a_contract_without_document_cannot_be_exchanged() -> None:
    contract = Contract(id="a", version="1", api_version=load("").api_version)
    with pytest.raises(ContractInvalid, match="error LP181: the contract was not read from a document"):
        to_official(contract)


def official(**fields: Any) -> OpenDataContractStandard:
    return OpenDataContractStandard(apiVersion="v3.2.0", kind="DataContract", id="a", version="1.0", **fields)


def test_from_official_writes_yaml_and_reads_it() -> None:
    rule = DataQuality.model_validate({"metric": "rowCount", "mustBe": None})
    table = SchemaObject(name="t", description=None, quality=[rule])
    sla = ServiceLevelAgreementProperty(property="x", value=None)
    contract = from_official(official(schema=[table], slaProperties=[sla]), file="model")
    assert contract.source.decode() == (
        'version: "1.0"\nkind: DataContract\napiVersion: v3.2.0\nid: a\n'
        "schema:\n  - name: t\n    quality:\n      - metric: rowCount\n        mustBe: null\n"
        "slaProperties:\n  - property: x\n    value: null\n"
    )
    assert (contract.file, contract.version, contract.schema[0].name) == ("model", "1.0", "t")


def test_from_official_reports_what_is_wrong_with_the_model() -> None:
    with pytest.raises(ContractInvalid, match="error LP130: a contract needs `id`"):
        from_official(OpenDataContractStandard(apiVersion="v3.2.0", kind="DataContract", version="1"))
    values = [CustomProperty(property="p", value=value) for value in (object(), float("nan"))]
    with pytest.raises(ContractInvalid, match="LP182: the document cannot be written") as caught:
        from_official(official(customProperties=values), file="m")
    assert [str(problem) for problem in caught.value.problems] == [
        "m: error LP182: `customProperties[0].value`: a value of type object has no form in JSON",
        "m: error LP182: `customProperties[1].value`: nan is not a finite number",
    ]


PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(
        ["yes", "1e3", "0o17", "1_000", "2020-01-31", "null", "~", "", " x ", "a: b", "<<", "#", "- a", "!x"]
    ),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b c", "1", ""]), inner)
    ),
    max_leaves=6,
)


@given(VALUES)
def test_any_json_value_survives_both_ways(value: object) -> None:
    model = official(customProperties=[CustomProperty(property="p", value=value)])
    contract = from_official(model)
    assert contract.custom_properties[0].value == value
    assert type(contract.custom_properties[0].value) is type(value)
    assert to_official_quietly(contract) == model


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_survives_both_ways(text: str) -> None:
    contract = from_official(official(name=text, schema=[SchemaObject(name=text)]))
    assert (contract.name, contract.schema[0].name) == (text, text)
