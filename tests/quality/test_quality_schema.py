"""The columns of data against those of a contract, column by column."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakepact.contract import load_contract
from lakepact.contract.spark_schema import read_spark_schema
from lakepact.quality.schema import Alignment, DriftKind, align
from lakepact.rules import compile_rules
from lakepact.rules.model import TypedColumn


def aligned(properties: list[dict[str, Any]], fields: list[dict[str, Any]], **more: Any) -> Alignment:
    head = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "c", "version": "1.0.0", "status": "active"}
    document = head | {"schema": [{"name": "t", "properties": properties}]}
    (rules,) = compile_rules(load_contract(json.dumps(document).encode())).objects
    return align(rules, read_spark_schema({"type": "struct", "fields": fields}), **more)


def declared(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": kind, **more}


def field(name: str, kind: Any, *, nullable: bool = True, **metadata: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "nullable": nullable, "metadata": metadata}


def structure(**fields: Any) -> dict[str, Any]:
    return {"type": "struct", "fields": [field(name, kind) for name, kind in fields.items()]}


def said(found: Alignment) -> list[str]:
    return [str(each) for each in found.drift]


def test_columns_that_are_as_they_should_be() -> None:
    found = aligned(
        [declared("id", "integer", required=True), declared("name", "string")],
        [field("name", "string"), field("id", "long", nullable=False)],
    )
    assert (found.drift, found.extra, found.fitting) == ((), (), True)
    # In the contract's order, and nothing is converted.
    assert [each.sql for each in found.columns] == ["`id`", "`name`"]
    assert [each.raw for each in found.columns] == ["", ""]


def test_a_missing_column_is_null() -> None:
    found = aligned([declared("id", "integer"), declared("name", "string")], [field("id", "long")])
    assert said(found) == ["column 'name' (STRING) is missing"]
    assert not found.fitting
    assert found.columns[1].sql == "CAST(NULL AS STRING) AS `name`"


def test_columns_beside_those_of_the_contract() -> None:
    found = aligned([declared("id", "integer")], [field("b", "integer"), field("id", "long"), field("a", "string")])
    assert said(found) == ["column 'b' (INT) is not in the contract", "column 'a' (STRING) is not in the contract"]
    assert found.extra == ("b", "a")
    assert not found.fitting


def test_names_are_compared_without_case() -> None:
    found = aligned([declared("Id", "integer")], [field("iD", "long")])
    assert found.drift == ()
    assert found.columns[0].sql == "`iD` AS `Id`"


def test_columns_whose_names_differ_in_case_alone_are_none() -> None:
    found = aligned(
        [declared("id", "integer")],
        [field("id", "long"), field("x", "long"), field("ID", "string"), field("X", "long")],
    )
    assert said(found) == ["column 'id' is there more than once: id, ID", "column 'x' is there more than once: x, X"]
    assert [each.kind for each in found.drift] == [DriftKind.REPEATED, DriftKind.REPEATED]
    assert (found.fitting, found.extra) == (False, ())
    assert found.columns[0].sql == "CAST(NULL AS BIGINT) AS `id`"


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (declared("x", "integer"), "integer"),
        (declared("x", "integer"), "byte"),
        (declared("x", "number"), "float"),
        (declared("x", "number", physicalType="DECIMAL(10,2)"), "decimal(8,2)"),
        (declared("x", "number", physicalType="DECIMAL(10,2)"), "decimal(8,1)"),
        (declared("x", "string", physicalType="VARCHAR(10)"), "string"),
    ],
)
def test_wider_types_are_no_drift_and_converted(kind: dict[str, Any], found: str) -> None:
    alignment = aligned([kind], [field("x", found)])
    assert alignment.drift == ()
    assert alignment.columns[0].raw == "`x`"
    assert alignment.columns[0].value != "`x`"


@pytest.mark.parametrize(
    ("kind", "found", "words"),
    [
        (declared("x", "integer"), "string", "STRING, the contract wants BIGINT"),
        (declared("x", "integer"), "double", "DOUBLE, the contract wants BIGINT"),
        (declared("x", "integer", physicalType="INT"), "long", "BIGINT, the contract wants INT"),
        (declared("x", "number"), "integer", "INT, the contract wants DOUBLE"),
        (
            declared("x", "number", physicalType="DECIMAL(8,2)"),
            "decimal(10,2)",
            "DECIMAL(10,2), the contract wants DECIMAL(8,2)",
        ),
        (declared("x", "string"), "long", "BIGINT, the contract wants STRING"),
        (declared("x", "timestamp"), "timestamp_ntz", "TIMESTAMP_NTZ, the contract wants TIMESTAMP"),
        (declared("x", "date"), "timestamp", "TIMESTAMP, the contract wants DATE"),
    ],
)
def test_other_types_are_drift_and_each_value_is_checked(kind: dict[str, Any], found: str, words: str) -> None:
    alignment = aligned([kind], [field("x", found)])
    assert said(alignment) == [f"column 'x' is {words}: each value is converted and checked"]
    assert alignment.fitting


def test_a_type_that_spark_cannot_convert_loses_every_value() -> None:
    def convertible(column: TypedColumn, raw: str) -> bool:
        assert (column.name, raw) == ("x", "`X`")
        return False

    found = aligned([declared("x", "integer")], [field("X", "date")], convertible=convertible)
    assert said(found) == ["column 'x' is DATE, the contract wants BIGINT: which cannot be converted"]
    assert not found.fitting
    assert found.columns[0].sql == "CAST(NULL AS BIGINT) AS `x`"
    assert found.columns[0].fits("`raw`.`x`") == "`raw`.`x` IS NULL"


def test_nothing_is_asked_of_spark_where_types_are_the_same() -> None:
    asked: list[str] = []

    def convertible(column: TypedColumn, raw: str) -> bool:
        asked.append(column.name)
        return True

    aligned(
        [declared("a", "integer"), declared("b", "integer")],
        [field("a", "long"), field("b", "string")],
        convertible=convertible,
    )
    assert asked == ["b"]


def test_a_column_that_may_be_null_is_told_where_a_value_is_required() -> None:
    properties = [
        declared("a", "integer", required=True),
        declared("b", "integer"),
        declared("k", "integer", primaryKey=True),
    ]
    found = aligned(properties, [field(name, "long") for name in "abk"])
    assert said(found) == [
        "column 'a' may hold NULL, the contract requires a value",
        "column 'k' may hold NULL, the contract requires a value",
    ]
    assert found.fitting


def test_structs_are_taken_by_name_and_in_order() -> None:
    inner = [declared("x", "integer"), declared("y", "string")]
    nested = declared("s", "object", properties=inner)
    assert aligned([nested], [field("s", structure(x="long", y="string"))]).columns[0].value == "`s`"
    wanted = "STRUCT<`x`: BIGINT, `y`: STRING>"
    for there in (
        structure(y="string", x="long"),
        structure(x="long", y="string", z="date"),
        structure(X="long", y="string"),
    ):
        found = aligned([nested], [field("s", there)])
        assert found.fitting
        (drift,) = found.drift
        assert (drift.kind, drift.adapted) == (DriftKind.TYPE, True)
        assert drift.expected.replace(" ", "") == wanted.replace("`", "").replace(" ", "") or drift.expected == wanted
    plain = aligned([nested], [field("s", "string")], convertible=lambda *_: False)
    assert not plain.fitting


@pytest.mark.parametrize(
    ("kind", "same", "other"),
    [
        (
            declared("l", "array", items={"logicalType": "integer"}),
            {"type": "array", "elementType": "long", "containsNull": True},
            {"type": "array", "elementType": "string", "containsNull": True},
        ),
        (
            declared("m", "map", map={"key": {"logicalType": "string"}, "value": {"logicalType": "integer"}}),
            {"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": True},
            {"type": "map", "keyType": "string", "valueType": "integer", "valueContainsNull": True},
        ),
    ],
)
def test_arrays_and_maps(kind: dict[str, Any], same: dict[str, Any], other: dict[str, Any]) -> None:
    name = kind["name"]
    assert aligned([kind], [field(name, same)]).drift == ()
    found = aligned([kind], [field(name, other)])
    assert [(each.kind, each.adapted) for each in found.drift] == [(DriftKind.TYPE, True)]


def test_a_varchar_of_a_table_is_known_by_its_metadata() -> None:
    kind = declared("x", "string", physicalType="VARCHAR(10)")
    same = field("x", "string", __CHAR_VARCHAR_TYPE_STRING="varchar(10)")
    longer = field("x", "string", __CHAR_VARCHAR_TYPE_STRING="varchar(20)")
    assert aligned([kind], [same]).columns[0].raw == ""
    # The length is a rule of its own.
    assert aligned([kind], [longer]).drift == ()
    assert aligned([kind], [longer]).columns[0].raw == "`x`"
