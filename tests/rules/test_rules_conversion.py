"""Conversion on Spark: what a raw value becomes, what does not fit, and that equal types cost nothing."""

from __future__ import annotations

from typing import Any

import pytest

from lakepact.contract.model import Place
from lakepact.contract.physical_types import parse_physical_type
from lakepact.rules.conversion import converted, fits
from lakepact.rules.model import TypedColumn

pytestmark = pytest.mark.spark

NO = object()  # the value does not fit


def column(ddl: str, **more: Any) -> TypedColumn:
    found = parse_physical_type(ddl).type
    assert found is not None
    return TypedColumn(name="c", property="c", type=found, required=False, comment=None, place=Place(), **more)


def check(spark: Any, target: TypedColumn, source: str, cases: dict[str, object]) -> None:
    rows = ", ".join(f"({index}, CAST({value} AS {source}))" for index, value in enumerate(cases))
    inner = f"SELECT id, raw, {converted('raw', target)} AS typed FROM VALUES {rows} AS t(id, raw)"
    query = f"SELECT CAST(typed AS STRING), {fits('raw', 'typed', target)} FROM ({inner}) ORDER BY id"
    found = {value: tuple(row) for value, row in zip(cases, spark.sql(query).collect(), strict=True)}
    expected = {value: (None, False) if text is NO else (text, True) for value, text in cases.items()}
    assert found == expected


TEXTS: list[tuple[TypedColumn, dict[str, object]]] = [
    (
        column("BIGINT"),
        {
            **{"'1'": "1", "' 12 '": "12", "'abc'": NO, "'1.5'": NO, "'1.0'": NO, "''": NO, "' '": NO, "'NaN'": NO},
            **{"NULL": None, "'9223372036854775807'": "9223372036854775807", "'9223372036854775808'": NO},
        },
    ),
    (column("TINYINT"), {"'127'": "127", "'128'": NO}),
    (
        column("DECIMAL(5,2)"),
        {"'1.20'": "1.20", "'1.234'": NO, "'1.2300'": "1.23", "'1e2'": "100.00", "'1000'": NO, "''": NO, "NULL": None},
    ),
    (column("DECIMAL(38,0)"), {"'1.5'": NO, "'1.0'": "1", f"'{'9' * 38}'": "9" * 38, f"'{'9' * 39}'": NO}),
    (
        column("DOUBLE"),
        {
            **{"'1.5'": "1.5", "'1e3'": "1000.0", "'NaN'": "NaN", "'Infinity'": "Infinity", "'-inf'": "-Infinity"},
            **{"'1e400'": NO, "'1d'": NO, "'1.0f'": NO, "'0x1p3'": NO, "''": NO, "'x'": NO, "NULL": None},
        },
    ),
    (column("FLOAT"), {"'0.1'": "0.1", "'1e39'": NO}),
    (column("BOOLEAN"), {"'true'": "true", "'N'": "false", "'2'": NO, "''": NO, "NULL": None}),
    (
        column("DATE"),
        {
            **{"'2024-02-29'": "2024-02-29", "'2023-02-29'": NO, "'2024'": NO, "'2024-01'": NO, "'today'": NO},
            **{"'2024-01-01 00:00:00'": "2024-01-01", "'2024-01-01T00:00'": "2024-01-01", "'2024-01-01 10:00'": NO},
            **{"''": NO, "NULL": None, "'2024-01-01x'": NO},
        },
    ),
    (column("DATE", format="dd/MM/yyyy"), {"'31/12/2024'": "2024-12-31", "'31/02/2024'": NO, "'2024-12-31'": NO}),
    (column("DATE", format="yyyy-MM-dd HH:mm"), {"'2024-12-31 00:00'": "2024-12-31", "'2024-12-31 10:00'": NO}),
    (
        column("TIMESTAMP", zone="Europe/Paris"),
        {
            **{"'2024-06-01 10:00:00'": "2024-06-01 08:00:00", "'2024-06-01T10:00'": "2024-06-01 08:00:00"},
            **{"'2024-06-01 10:00:00Z'": "2024-06-01 10:00:00", "'2024-06-01T10:00+02:00'": "2024-06-01 08:00:00"},
            **{"'2024-06-01'": "2024-05-31 22:00:00", "'10:30'": NO, "'2024'": NO, "''": NO, "NULL": None},
            **{"'2024-06-01 10:00:00.123456Z'": "2024-06-01 10:00:00.123456", "'2024-06-01 10:00:00.1234567Z'": NO},
            **{"'2024-06-01 25:00:00'": NO, "'2024-06-01 10:00:00 Mars/Base'": NO},
        },
    ),
    (
        column("TIMESTAMP", format="dd/MM/yyyy HH:mm", zone="Europe/Paris"),
        {"'01/06/2024 10:00'": "2024-06-01 08:00:00", "'x'": NO, "''": NO, "NULL": None},
    ),
    (column("TIMESTAMP", format="yyyy-MM-dd HH:mm:ssXXX"), {"'2024-06-01 10:00:00+02:00'": "2024-06-01 08:00:00"}),
    (
        column("TIMESTAMP_NTZ"),
        {"'2024-06-01 10:00:00'": "2024-06-01 10:00:00", "'2024-06-01 10:00:00Z'": NO, "'2024'": NO, "NULL": None},
    ),
    (column("VARCHAR(2)"), {"'ab'": "ab", "'abc'": NO, "''": "", "'😀é'": "😀é", "NULL": None}),
    (column("STRING"), {"'a'": "a", "''": "", "NULL": None}),
    (column("BINARY"), {"'ab'": "ab", "NULL": None}),
]


def test_texts(spark: Any) -> None:
    for target, cases in TEXTS:
        check(spark, target, "STRING", cases)


TYPED: list[tuple[TypedColumn, str, dict[str, object]]] = [
    (
        column("BIGINT"),
        "DOUBLE",
        {
            **{"1.0": "1", "1.5": NO, "'NaN'": NO, "'Infinity'": NO, "-0.0": "0", "NULL": None},
            **{"9223372036854775807D": NO, "-9223372036854775808D": "-9223372036854775808"},
        },
    ),
    (column("INT"), "BIGINT", {"2147483647": "2147483647", "2147483648": NO, "NULL": None}),
    (column("BIGINT"), "DECIMAL(38,37)", {"1": "1", "1.0000000000000000000000000000000000001BD": NO}),
    (column("BIGINT"), "BOOLEAN", {"TRUE": "1", "NULL": None}),
    (column("BIGINT"), "TIMESTAMP", {"TIMESTAMP'2024-01-01 00:00:00Z'": NO, "NULL": None}),
    (column("DECIMAL(5,2)"), "DOUBLE", {"0.1": "0.10", "1.234": NO, "'NaN'": NO, "1000": NO}),
    (column("DECIMAL(5,2)"), "DECIMAL(20,10)", {"1.2300000000BD": "1.23", "1.2340000000BD": NO, "NULL": None}),
    (column("DECIMAL(5,2)"), "FLOAT", {"0.1": "0.10", "NULL": None}),
    (column("DOUBLE"), "BIGINT", {"1": "1.0", "9007199254740993L": NO, "9223372036854775807L": NO}),
    (column("FLOAT"), "DOUBLE", {"0.1": "0.1", "1e300": NO, "'Infinity'": "Infinity", "'NaN'": "NaN"}),
    (column("BOOLEAN"), "BIGINT", {"0": "false", "1": "true", "2": NO, "NULL": None}),
    (column("BOOLEAN"), "DOUBLE", {"1.0": "true", "0.5": NO}),
    (
        column("DATE"),
        "TIMESTAMP",
        {"TIMESTAMP'2024-01-01 00:00:00'": "2024-01-01", "TIMESTAMP'2024-01-01 00:00:01'": NO},
    ),
    (column("DATE", format="yyyyMMdd"), "INT", {"20240131": "2024-01-31", "20240132": NO, "NULL": None}),
    (column("DATE", format="yyyyMMdd"), "DATE", {"DATE'2024-01-31'": "2024-01-31", "NULL": None}),
    (column("TIMESTAMP"), "BIGINT", {"1700000000": NO, "NULL": None}),
    (column("TIMESTAMP"), "DATE", {"DATE'2024-01-31'": "2024-01-31 00:00:00"}),
    (column("VARCHAR(2)"), "INT", {"10": "10", "100": NO}),
]


def test_typed_sources(spark: Any) -> None:
    for target, source, cases in TYPED:
        check(spark, target, source, cases)


def test_nested_values_are_lost_one_by_one_and_seen(spark: Any) -> None:
    def look(ddl: str, *values: str) -> list[tuple[Any, Any]]:
        target = column(ddl)
        rows = ", ".join(f"({index}, {value})" for index, value in enumerate(values))
        inner = f"SELECT id, raw, {converted('raw', target)} AS typed FROM VALUES {rows} AS t(id, raw)"
        query = f"SELECT CAST(typed AS STRING), {fits('raw', 'typed', target)} FROM ({inner}) ORDER BY id"
        return [tuple(row) for row in spark.sql(query).collect()]

    found = look("ARRAY<INT>", "array('1', 'x', NULL)", "array('1', NULL)", "array()", "NULL")
    assert found == [("[1, null, null]", False), ("[1, null]", True), ("[]", True), (None, True)]
    # By name: the source has its fields in another order, and one more.
    found = look(
        "STRUCT<a: STRING, b: INT>", "struct('1' AS b, 'x' AS a, 1 AS z)", "struct('y' AS b, NULL AS a, 1 AS z)", "NULL"
    )
    assert found == [("{x, 1}", True), ("{null, null}", False), (None, True)]
    found = look("MAP<INT, STRING>", "map('1', 'a')", "map('1', 'a', '01', 'b')", "map('x', 'a')", "NULL")
    assert found == [("{1 -> a}", True), (None, False), (None, False), (None, True)]
    assert look("MAP<STRING, INT>", "map('k', '1')", "map('k', 'x')") == [("{k -> 1}", True), ("{k -> null}", False)]
    found = look("ARRAY<STRUCT<s: ARRAY<INT>>>", "array(struct(array('1') AS s))", "array(struct(array('q') AS s))")
    assert found == [("[{[1]}]", True), ("[{[null]}]", False)]


def test_hostile_field_names(spark: Any) -> None:
    target = column("STRUCT<`a``b`: INT, `${x}`: INT, `it's`: INT>")
    source = r"named_struct('a`b', '1', '\u0024{x}', '2', 'it\'s', '3')"
    row = spark.sql(
        f"SELECT {converted('raw', target)} AS t, {fits('raw', converted('raw', target), target)} AS f "
        f"FROM VALUES ({source}) AS s(raw)"
    ).first()
    assert (row.t.asDict(), row.f) == ({"a`b": 1, "${x}": 2, "it's": 3}, True)


@pytest.mark.parametrize("ddl", ["BIGINT", "DOUBLE", "DECIMAL(10,2)", "BOOLEAN", "DATE", "TIMESTAMP", "STRING"])
def test_a_column_that_has_the_type_is_left_alone(spark: Any, ddl: str) -> None:
    target = column(ddl)
    frame = spark.createDataFrame([], f"raw {ddl}")
    frame.createOrReplaceTempView("rules_same_type")
    query = f"SELECT {converted('raw', target)} AS t FROM rules_same_type WHERE {fits('raw', 'raw', target)}"
    plan = spark.sql(query)._jdf.queryExecution().optimizedPlan().toString()
    assert "CASE" not in plan
    assert "cast" not in plan
    assert "Filter" not in plan


def test_a_text_column_never_fails_to_fit() -> None:
    assert fits("raw", "typed", column("STRING")) == "TRUE"
