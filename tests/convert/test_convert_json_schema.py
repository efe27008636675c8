from __future__ import annotations

import json
from typing import Any

import pytest
from importing import custom, loaded, objects, properties, told

from lakepact.convert.json_schema import convert_json_schema
from lakepact.errors import ConfigurationError


def one(schema: dict[str, Any], **root: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The property `p` of a schema, and what was told."""
    found = convert_json_schema(json.dumps({"properties": {"p": schema}, **root}).encode(), file="t.json")
    return properties(objects(found)["t"])["p"], [(problem.code, problem.message) for problem in found.problems]


@pytest.mark.parametrize(
    ("schema", "keys"),
    [
        (
            {"type": "string", "minLength": 1, "pattern": "^a"},
            {"logicalType": "string", "logicalTypeOptions": {"minLength": 1, "pattern": "^a"}},
        ),
        ({"type": "string", "format": "date-time"}, {"logicalType": "timestamp"}),
        ({"type": "string", "format": "date"}, {"logicalType": "date"}),
        ({"type": "string", "format": "time"}, {"logicalType": "time"}),
        ({"type": "string", "format": "uuid"}, {"logicalType": "string", "logicalTypeOptions": {"format": "uuid"}}),
        ({"type": ["string", "null"]}, {"logicalType": "string"}),
        ({"type": "string", "nullable": True}, {"logicalType": "string"}),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, {"logicalType": "boolean"}),
        ({"type": ["integer", "number"]}, {"logicalType": "number"}),
        (
            {"type": "integer", "format": "int64", "multipleOf": 5},
            {"logicalType": "integer", "logicalTypeOptions": {"multipleOf": 5, "format": "i64"}},
        ),
        (
            {"type": "number", "minimum": 0, "exclusiveMinimum": True},
            {"logicalType": "number", "logicalTypeOptions": {"exclusiveMinimum": 0}},
        ),
        (
            {"type": "number", "exclusiveMaximum": 9},
            {"logicalType": "number", "logicalTypeOptions": {"exclusiveMaximum": 9}},
        ),
        (
            {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            {
                "logicalType": "array",
                "items": {"logicalType": "string", "required": True},
                "logicalTypeOptions": {"uniqueItems": True},
            },
        ),
        (
            {"type": "array", "items": {"type": ["string", "null"]}},
            {"logicalType": "array", "items": {"logicalType": "string"}},
        ),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            {"logicalType": "object", "physicalType": "MAP<STRING, BIGINT>"},
        ),
        (
            {"properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"logicalType": "object", "properties": [{"name": "a", "logicalType": "string", "required": True}]},
        ),
        (
            {"title": "T", "description": "d", "type": "string", "examples": ["x"]},
            {"businessName": "T", "description": "d", "logicalType": "string", "examples": ["x"]},
        ),
    ],
)
def test_types_and_options(schema: dict[str, Any], keys: dict[str, Any]) -> None:
    assert one(schema) == ({"name": "p"} | keys, [])


@pytest.mark.parametrize(
    "schema", [{"enum": ["a", "b", None]}, {"oneOf": [{"const": "a"}, {"const": "b"}]}, {"enum": ["a", "b"]}]
)
def test_values_are_a_library_rule(schema: dict[str, Any]) -> None:
    found, problems = one({"type": "string", **schema})
    (rule,) = found["quality"]
    assert (rule["metric"], rule["arguments"], rule["mustBe"]) == ("invalidValues", {"validValues": ["a", "b"]}, 0)
    assert problems == []


def test_a_value_that_must_be_there_and_may_be_null_is_not_required() -> None:
    found, problems = one({"type": ["string", "null"]}, required=["p"])
    assert "required" not in found
    assert problems == [("LP822", "'p' must be there and may be null, which is no demand on a column")]
    assert one({"type": "string"}, required=["p"])[0]["required"] is True


def test_extra_words_and_defaults_are_custom_properties() -> None:
    found, problems = one({"type": "string", "x-owner": "me", "deprecated": True, "default": "a"})
    assert custom(found) == {"x-owner": "me", "deprecated": True, "default": "a"}
    assert problems == []


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "string", "if": {}}, ("LP821", "`if` has no equal in a contract")),
        ({"type": "string", "not": {"const": "a"}}, ("LP821", "`not` has no equal in a contract")),
        (
            {"type": "object", "patternProperties": {"a": {}}},
            ("LP821", "`patternProperties` has no equal in a contract"),
        ),
        ({"type": "array", "prefixItems": [{"type": "string"}]}, ("LP821", "`prefixItems` has no equal in a contract")),
        ({"type": "boolean", "minimum": 1}, ("LP821", "'p': `minimum` does not go with boolean")),
        ({"type": ["string", "integer"]}, ("LP821", "'p' has the types string, integer; a property has one")),
        ({"type": "null"}, ("LP823", "'p' is always null")),
        ({}, ("LP823", "'p' has no type")),
        ({"type": "string", "format": "iri"}, ("LP822", "'p': format iri is kept, and tested by nothing")),
        ({"allOf": [{"type": "string", "pattern": "a"}, {"pattern": "b"}]}, ("LP821", "a second `pattern` in allOf")),
        (
            {"type": "object", "additionalProperties": {"type": "array"}},
            ("LP821", "'p' is a map of values that no physical type names"),
        ),
    ],
)
def test_what_has_no_word_is_told(schema: dict[str, Any], message: tuple[str, str]) -> None:
    assert one(schema)[1] == [message]


def test_unions_of_types_are_told_twice_with_their_place() -> None:
    source = b'{"properties": {\n "p": {"oneOf": [{"type": "string"}, {"type": "integer"}]}}}'
    assert told(convert_json_schema(source, file="t.json").problems) == [
        ("LP823", 2, "'p' has no type"),
        ("LP821", 2, "`oneOf` of 2 schemas: a property has one type"),
    ]


def test_references_and_all_of_are_followed() -> None:
    definitions = {
        "a": {"properties": {"x": {"$ref": "#/$defs/s"}}, "required": ["x"]},
        "b": {"properties": {"y": {"$ref": "#text"}}},
        "s": {"$anchor": "text", "type": "string", "maxLength": 9},
    }
    both = {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}, {"$ref": "#/$defs/a"}]}
    found, problems = one(both, **{"$defs": definitions})
    text = {"logicalType": "string", "logicalTypeOptions": {"maxLength": 9}}
    assert found["properties"] == [{"name": "x", "required": True} | text, {"name": "y"} | text]
    assert problems == [("LP821", "'x' is described twice; the second description is taken")]


def test_limits_of_all_of_are_the_tightest() -> None:
    found, _ = one({"type": "integer", "minimum": 3, "allOf": [{"minimum": 5, "maximum": 9}, {"maximum": 7}]})
    assert found["logicalTypeOptions"] == {"minimum": 5, "maximum": 7}


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("#", "# refers to itself; a contract has no endless types"),
        ("#/$defs/none", "#/$defs/none refers to nothing"),
        ("#none", "#none refers to nothing"),
        ("https://example.com/x.json", "https://example.com/x.json is in another document, and nothing is fetched"),
        ("other.json#/a", "other.json#/a is in another document, and nothing is fetched"),
        ("#/$defs/loop", "#/$defs/loop refers to itself; a contract has no endless types"),
    ],
)
def test_references_that_lead_nowhere_are_refused(reference: str, message: str) -> None:
    schema = {
        "properties": {"p": {"$ref": reference}},
        "$defs": {"loop": {"properties": {"q": {"$ref": "#/$defs/loop"}}}},
    }
    with pytest.raises(ConfigurationError, match=r"cannot be read as JSON Schema: ") as caught:
        convert_json_schema(json.dumps(schema).encode(), file="t.json")
    assert caught.value.message.endswith(message)
    assert caught.value.code == "LP820"


def test_references_that_double_at_every_step_are_refused() -> None:
    definitions = {
        f"d{n}": {"properties": {"a": {"$ref": f"#/$defs/d{n + 1}"}, "b": {"$ref": f"#/$defs/d{n + 1}"}}}
        for n in range(40)
    }
    schema = {"$ref": "#/$defs/d0", "$defs": definitions | {"d40": {"type": "string"}}}
    with pytest.raises(ConfigurationError, match="it describes more than 20,000 properties"):
        convert_json_schema(json.dumps(schema).encode())


def test_references_to_deep_schemas_are_refused_without_a_crash() -> None:
    definitions: dict[str, Any] = {}
    for number in range(55):
        schema: dict[str, Any] = {"$ref": f"#/$defs/d{number + 1}"}
        for _ in range(40):
            schema = {"properties": {"a": schema}}
        definitions[f"d{number}"] = schema
    schema = {"$ref": "#/$defs/d0", "$defs": definitions | {"d55": {"type": "string"}}}
    with pytest.raises(ConfigurationError, match="it is nested too deep"):
        convert_json_schema(json.dumps(schema).encode())


def test_depth_is_refused_without_a_crash() -> None:
    source = b'{"properties":{"a":' * 3000 + b"{}" + b"}}" * 3000
    with pytest.raises(ConfigurationError, match="the source cannot be read as JSON Schema"):
        convert_json_schema(source)


def test_a_list_of_objects_is_a_table_and_the_address_is_kept() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "id": "https://example.com/lines",
        **{"title": "Order Lines", "type": "array"},
        "items": {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
    }
    converted = convert_json_schema(json.dumps(schema).encode(), file="x.json")
    contract = loaded(converted)
    assert (contract.id, contract.name, contract.schema[0].name) == ("order-lines", "Order Lines", "Order_Lines")
    assert contract.authoritative_definitions[0].url == "https://example.com/lines"
    assert [problem.message for problem in converted.problems] == [
        "the schema is of a list; each entry of it is a row",
        "additionalProperties: false: lakepact publishes the declared properties only",
    ]


@pytest.mark.parametrize("source", [b"[]", b'{"type": "string"}', b"{", b"true", b'{"properties": {}}'])
def test_what_describes_no_object_is_refused(source: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"x\.json(:1:1)? cannot be read as JSON Schema") as caught:
        convert_json_schema(source, file="x.json")
    assert caught.value.code == "LP820"
