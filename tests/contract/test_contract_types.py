"""Types of properties: Spark's names, those of other databases, logical types with options, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from lakepact.contract.model import LogicalType, LogicalTypeOptions, Place, SchemaProperty
from lakepact.contract.types import resolve, resolve_type

PLACE = Place("schema[0].properties[0]", 7, 9)


def prop(logical: str | None = None, physical: str | None = None, /, **more: Any) -> SchemaProperty:
    options = {key: more.pop(key) for key in ("format", "timezone", "element_type", "dimensions") if key in more}
    return SchemaProperty(
        place=PLACE,
        name=more.pop("name", "c"),
        logical_type=LogicalType(logical) if logical else None,
        physical_type=physical,
        options=LogicalTypeOptions(place=PLACE, **options) if options else None,
        **more,
    )


@pytest.mark.parametrize(
    ("given", "ddl"),
    [
        (prop("string"), "STRING"),
        (prop("integer"), "BIGINT"),
        (prop("integer", format="i8"), "TINYINT"),
        (prop("integer", format="u8"), "SMALLINT"),
        (prop("integer", format="u64"), "DECIMAL(20,0)"),
        (prop("integer", format="i128"), "DECIMAL(38,0)"),
        (prop("number"), "DOUBLE"),
        (prop("number", format="f32"), "FLOAT"),
        (prop("boolean"), "BOOLEAN"),
        (prop("date"), "DATE"),
        (prop("date", format="yyyy-MM-dd HH:mm:ss"), "TIMESTAMP"),
        (prop("date", format="HH:mm"), "STRING"),
        (prop("date", format="yyyy-MM-dd"), "DATE"),
        (prop("timestamp"), "TIMESTAMP"),
        (prop("timestamp", timezone=False), "TIMESTAMP_NTZ"),
        (prop("time"), "STRING"),
        (prop("object"), "STRING"),
        (prop("vector", dimensions=3), "ARRAY<FLOAT>"),
        (prop("vector", dimensions=3, element_type="float64"), "ARRAY<DOUBLE>"),
        (prop("array", items=prop("integer")), "ARRAY<BIGINT>"),
        (prop("map", map_key=prop("string"), map_value=prop("number")), "MAP<STRING, DOUBLE>"),
        (
            prop("object", properties=(prop("string", name="a`b"), prop("integer", name="x", physical_name="y"))),
            "STRUCT<`a``b`: STRING, `y`: BIGINT>",
        ),
        (prop(None, None, properties=(prop("string", name="a"),)), "STRUCT<`a`: STRING>"),
        (prop("number", "DECIMAL(18,2)"), "DECIMAL(18,2)"),
        (prop("number", "number(10)"), "DECIMAL(10,0)"),
        (prop("number", "numeric"), "DOUBLE"),
        (prop("integer", "numeric"), "BIGINT"),
        (prop(None, "numeric"), "DECIMAL(38,18)"),
        (prop("integer", "int4"), "INT"),
        (prop("integer", "serial"), "INT"),
        (prop("integer", "bigint unsigned"), "DECIMAL(20,0)"),
        (prop("integer", "int(11)"), "INT"),
        (prop("string", "varchar[50]"), "VARCHAR(50)"),
        (prop("array", "varchar[50]", items=prop("string")), "ARRAY<STRING>"),
        (prop("string", "varchar(2147483647)"), "STRING"),
        (prop("string", "nvarchar(max)"), "STRING"),
        (prop("string", "CHAR(3)"), "VARCHAR(3)"),
        (prop("string", "bpchar"), "STRING"),
        (prop("string", "uuid"), "STRING"),
        (prop("number", "float(53)"), "DOUBLE"),
        (prop("number", "double precision"), "DOUBLE"),
        (prop("timestamp", "datetime2(7)"), "TIMESTAMP"),
        (prop("timestamp", "datetime2(7)", timezone=False), "TIMESTAMP_NTZ"),
        (prop(None, "timestamp(6) without time zone"), "TIMESTAMP_NTZ"),
        (prop("timestamp", "timestamp with time zone"), "TIMESTAMP"),
        (prop("object", "jsonb"), "STRING"),
        (prop("map", "MAP<STRING, STRUCT>", map_key=prop("string"), map_value=prop("date")), "MAP<STRING, DATE>"),
        (
            prop("object", "struct<a int, `b c`: array<decimal(5,1)>>"),
            "STRUCT<`a`: INT, `b c`: ARRAY<DECIMAL(5,1)>>",
        ),
        (prop("array", "text[]"), "ARRAY<STRING>"),
        (prop("object", "STRING", properties=(prop("string", name="a"),)), "STRING"),
    ],
)
def test_a_type_without_problems(given: SchemaProperty, ddl: str) -> None:
    found = resolve(given)
    assert (found.type.ddl, found.problems) == (ddl, ())


def test_variant_is_asked_for() -> None:
    assert resolve_type(prop("object"), variant=True).ddl == "VARIANT"
    assert resolve_type(prop("object", "json"), variant=True).ddl == "VARIANT"
    assert resolve_type(prop(None, "VARIANT")).ddl == "STRING"


@pytest.mark.parametrize(
    ("given", "ddl", "said"),
    [
        (
            prop("number", "geography"),
            "DOUBLE",
            ":7:9: warning LP201: physicalType 'geography' of property 'c' is a type of no known dialect; "
            "DOUBLE is used (logicalType number)\n"
            "  hint: use a Spark type such as STRING, BIGINT or DECIMAL(18,2)",
        ),
        (
            prop(None, "decimal(40,2)"),
            "STRING",
            ":7:9: warning LP201: physicalType 'decimal(40,2)' of property 'c' is a type of no known dialect; "
            "STRING is used (there is no logicalType either)\n"
            "  hint: use a Spark type such as STRING, BIGINT or DECIMAL(18,2)",
        ),
        (
            prop(),
            "STRING",
            ":7:9: warning LP202: property 'c' has neither logicalType nor physicalType; it is read as STRING\n"
            "  hint: add a logicalType",
        ),
        (
            prop("object", "ARRAY<INT>", properties=(prop("string", name="a"),)),
            "STRUCT<`a`: STRING>",
            ":7:9: warning LP203: physicalType 'ARRAY<INT>' and the declared parts of property 'c' have different "
            "shapes; "
            "the declared parts are used: STRUCT<`a`: STRING>\n"
            "  hint: make both say the same, or leave physicalType out",
        ),
        (
            prop("array", "list"),
            "ARRAY<STRING>",
            ":7:9: info LP204: property 'c' says nothing of its elements; it is read as ARRAY<STRING>\n"
            "  hint: add `items`",
        ),
    ],
)
def test_a_type_that_had_to_be_chosen_is_reported(given: SchemaProperty, ddl: str, said: str) -> None:
    found = resolve(given)
    assert found.type.ddl == ddl
    assert [str(problem) for problem in found.problems] == [said]
    assert (found.problems[0].line, found.problems[0].column) == (7, 9)


@pytest.mark.parametrize(
    "text", ["", "<", "array<", "struct<>", "struct<a>", "int int", "a;b", "varchar(0)", "((((", "é("]
)
def test_nonsense_is_refused_and_never_raises(text: str) -> None:
    assert [problem.code for problem in resolve(prop("string", text)).problems] == ["LP201"]


def test_deep_nesting_is_refused_not_a_crash() -> None:
    assert resolve(prop("string", "array<" * 5000 + "int" + ">" * 5000)).type.ddl == "STRING"
