from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.contract import load_contract
from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType, resolve_type
from lakepact.contract.writing import write_document
from lakepact.convert.column_types import column_property, read_columns, read_json_type, read_type
from lakepact.rules.derive import compile_rules
from lakepact.targets.ddl import Statement, render

MATRIX = [
    *("STRING", "BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(18,2)", "DECIMAL(38,0)"),
    *("DATE", "TIMESTAMP", "TIMESTAMP_NTZ", "BINARY", "VARIANT", "VARCHAR(5)"),
]
ATOMS = st.sampled_from([AtomicType(ddl) for ddl in MATRIX])
NAMES = st.text("abc `:<>,()'\"é-", min_size=1, max_size=6).filter(
    lambda name: name.strip() == name and name.strip("`")
)


def _composed(inner: st.SearchStrategy[SparkType]) -> st.SearchStrategy[SparkType]:
    fields = st.lists(
        st.builds(StructField, NAMES, inner), min_size=1, max_size=3, unique_by=lambda f: f.name.casefold()
    )
    return st.one_of(
        st.builds(ArrayType, inner),
        st.builds(MapType, st.just(AtomicType("STRING")), inner),
        st.builds(lambda found: StructType(tuple(found)), fields),
    )


TYPES = st.recursive(ATOMS, _composed, max_leaves=6)


def resolved(keys: dict[str, Any]) -> SparkType:
    """The type that lakepact resolves for a property with these keys, after writing and strict reading."""
    document = {
        **{"apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1.0.0", "status": "draft"},
        "schema": [{"name": "t", "properties": [{"name": "c"} | keys]}],
    }
    (prop,) = load_contract(write_document(document)).schema[0].properties
    return resolve_type(prop, variant=True)


@pytest.mark.parametrize("ddl", MATRIX)
def test_each_type_comes_back_as_it_was(ddl: str) -> None:
    reading = read_type(ddl.lower())
    assert reading.losses == ()
    assert resolved(reading.keys) == AtomicType(ddl)


@settings(max_examples=150)
@given(TYPES)
def test_types_of_any_shape_come_back_as_they_were(found: SparkType) -> None:
    reading = read_type(found.ddl)
    assert reading.losses == ()
    assert resolved(reading.keys).ddl == found.ddl


@pytest.mark.parametrize(
    ("text", "logical", "physical"),
    [
        ("long", "integer", "BIGINT"),
        ("decimal", "number", "DECIMAL(10,0)"),
        ("char(3)", "string", "CHAR(3)"),
        ("double precision", "number", "DOUBLE"),
        ("map<string,struct<a:int not null>>", "object", "MAP<STRING, STRUCT<`a`: INT NOT NULL>>"),
        ("variant", "object", "VARIANT"),
        ("struct", "object", "STRUCT"),
        ("array", "array", "ARRAY"),
    ],
)
def test_names_are_written_as_spark_writes_them(text: str, logical: str, physical: str) -> None:
    keys = read_type(text).keys
    assert (keys["logicalType"], keys["physicalType"]) == (logical, physical)


@pytest.mark.parametrize(
    ("text", "logical"), [("numeric", "number"), ("int4", "integer"), ("varchar[50]", "string"), ("time", "time")]
)
def test_names_of_other_databases_are_kept(text: str, logical: str) -> None:
    assert read_type(text, spark=False).keys == {"logicalType": logical, "physicalType": text}


def test_structs_keep_nullability_and_comments_at_every_depth() -> None:
    keys = read_type("array<struct<a: int not null comment 'it''s', b c: struct<d: string>>>").keys
    assert keys["items"]["properties"] == [
        {"name": "a", "logicalType": "integer", "physicalType": "INT", "description": "it's", "required": True},
        {
            **{"name": "b c", "logicalType": "object", "physicalType": "STRUCT"},
            "properties": [{"name": "d", "logicalType": "string", "physicalType": "STRING"}],
        },
    ]


@pytest.mark.parametrize(
    ("text", "loss"),
    [
        ("interval day to second", "type interval day to second: no logical type is known for it"),
        ("string collate UTF8_LCASE", "collation UTF8_LCASE"),
        ("struct<a: map<string, struct<b: int comment 'x'>>>", "comment of the field 'b' in a map of a"),
        ("struct<a: array<geometry>>", "type geometry of a[]: no logical type is known for it"),
    ],
)
def test_what_a_type_cannot_say_is_told(text: str, loss: str) -> None:
    assert read_type(text).losses == (loss,)


def test_sparks_json_says_the_same_as_its_text() -> None:
    node = {
        "type": "struct",
        "fields": [
            {"name": "a", "type": "long", "nullable": False, "metadata": {"comment": "key"}},
            {"name": "b", "type": {"type": "array", "elementType": "integer", "containsNull": False}, "nullable": True},
            {"name": "c", "type": "string", "metadata": {"__CHAR_VARCHAR_TYPE_STRING": "char(3)"}},
        ],
    }
    keys = read_json_type(json.loads(json.dumps(node))).keys
    assert keys == {
        **{"logicalType": "object", "physicalType": "STRUCT"},
        "properties": [
            {"name": "a", "logicalType": "integer", "physicalType": "BIGINT", "description": "key", "required": True},
            {
                **{"name": "b", "logicalType": "array", "physicalType": "ARRAY"},
                "items": {"logicalType": "integer", "physicalType": "INT", "required": True},
            },
            {"name": "c", "logicalType": "string", "physicalType": "CHAR(3)"},
        ],
    }


def test_lengths_inside_of_a_type_are_found_beside_it() -> None:
    node = {"type": "array", "elementType": {"type": "struct", "fields": [{"name": "a", "type": "string"}]}}
    keys = read_json_type(node, {"__CHAR_VARCHAR_TYPE_STRING": "array<struct<a:varchar(7)>>"}).keys
    assert keys["items"]["properties"][0]["physicalType"] == "VARCHAR(7)"


def test_values_of_a_map_that_are_never_null_are_told() -> None:
    node = {"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": False}
    reading = read_json_type(node)
    assert reading.keys == {"logicalType": "object", "physicalType": "MAP<STRING, BIGINT>"}
    assert reading.losses == ("NOT NULL of the values of a map",)


def test_columns_are_read_with_their_clauses() -> None:
    text = """id BIGINT NOT NULL COMMENT 'the key' PRIMARY KEY, `odd, name` DECIMAL(9,2) DEFAULT (1 + 2),
        day DATE GENERATED ALWAYS AS (CAST(at AS DATE)) COMMENT 'day', m STRING MASK a.b.f USING COLUMNS (id)"""
    key, odd, day, masked = read_columns(text)
    assert (key.name, key.required, key.comment, key.primary_key) == ("id", True, "the key", True)
    assert (odd.name, odd.default, odd.required) == ("odd, name", "(1 + 2)", False)
    assert (day.generated, day.comment) == ("ALWAYS AS (CAST(at AS DATE))", "day")
    assert masked.mask == "a.b.f USING COLUMNS (id)"
    assert column_property(key.name, key.type, required=True, comment="c") == {
        **{"name": "id", "logicalType": "integer", "physicalType": "BIGINT"},
        **{"description": "c", "required": True},
    }


@settings(max_examples=200)
@given(st.text("struct<array>map,:() `'notnull", max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    read_type(text)
    read_columns(text)


def test_our_own_ddl_comes_back_as_the_contract_was() -> None:
    columns = [
        {"name": f"c{index} x", "description": "it's", **read_type(ddl).keys} for index, ddl in enumerate(MATRIX)
    ]
    nested = read_type("struct<a: array<struct<`b``c`: map<string, decimal(9,2)>>>, d: timestamp_ntz>").keys
    document = {
        **{"apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1.0.0", "status": "draft"},
        "schema": [{"name": "t", "properties": [*columns, {"name": "nested", "required": True} | nested]}],
    }
    contract = load_contract(write_document(document))
    rules = compile_rules(contract, variant=True)
    (statement,) = render(contract, rules, catalog="main", schema="s")
    assert isinstance(statement, Statement)
    listed = statement.sql.split("(\n", 1)[1].split("\n)\nUSING DELTA", 1)[0]
    found = read_columns(listed)
    assert [(c.name, c.required, c.comment) for c in found] == [
        *((f"c{index} x", False, "it's") for index in range(len(MATRIX))),
        ("nested", True, None),
    ]
    assert [resolved(c.type.keys) for c in found] == [
        resolve_type(p, variant=True) for p in contract.schema[0].properties
    ]
