"""What DuckDB is given means what Spark means by it: predicates, patterns and conversions, value by value."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lakepact.contract.model import NOWHERE
from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType
from lakepact.quality.duckdb_conversion import convert
from lakepact.quality.duckdb_expression import Translator
from lakepact.quality.duckdb_regex import NeedsSpark, re2_of
from lakepact.quality.duckdb_text import Value, duckdb_type, text_literal
from lakepact.rules import formats
from lakepact.rules.conversion import converted
from lakepact.rules.model import TypedColumn
from lakepact.sql import string

pytestmark = pytest.mark.spark

INF, NAN = math.inf, math.nan
COLUMNS: dict[str, SparkType] = {
    "n": AtomicType("BIGINT"),
    "i": AtomicType("INT"),
    "d": AtomicType("DOUBLE"),
    "r": AtomicType("FLOAT"),
    "e": AtomicType("DECIMAL(6,2)"),
    "s": AtomicType("STRING"),
    "day": AtomicType("DATE"),
    "ts": AtomicType("TIMESTAMP"),
    "ntz": AtomicType("TIMESTAMP_NTZ"),
    "b": AtomicType("BOOLEAN"),
    "l": ArrayType(AtomicType("BIGINT")),
    "ds": ArrayType(AtomicType("DOUBLE")),
    "o": StructType((StructField("x", AtomicType("BIGINT")), StructField("Y", AtomicType("STRING")))),
    "m": MapType(AtomicType("STRING"), AtomicType("BIGINT")),
}
_MOMENT = "2024-01-31 23:59:59.500000"
# As SQL that both read.
ROWS = [
    f"1, 2, 1.5D, 0.5F, 1.50BD, 'abc', DATE'2024-02-29', TIMESTAMP'{_MOMENT}Z', TIMESTAMP_NTZ'{_MOMENT}', true, "
    "array(1L, 2L), array(0.5D), named_struct('x', 1L, 'Y', 'q'), map('k', 1L)",
    "0, -2, 0.3D, -1.5F, -0.05BD, '', DATE'1969-12-31', TIMESTAMP'1969-12-31 23:59:59.5Z', "
    "TIMESTAMP_NTZ'1969-12-31 00:00:00', false, array(), array(0D, -0D), named_struct('x', NULL, 'Y', ''), map()",
    "-9223372036854775807L, 40000, DOUBLE('NaN'), FLOAT('NaN'), 9999.99BD, 'ABC\\n', DATE'1900-01-01', "
    "TIMESTAMP'2024-03-31 01:30:00Z', TIMESTAMP_NTZ'2024-03-31 02:30:00', NULL, array(NULL, 1L, NULL), "
    "array(DOUBLE('NaN'), DOUBLE('NaN')), NULL, map('a', NULL, 'K', 2L)",
    "10, 3, DOUBLE('Infinity'), FLOAT('Infinity'), 0.00BD, ' é\U0001f600 ', DATE'2023-12-31', "
    "TIMESTAMP'1900-01-01 00:00:00Z', TIMESTAMP_NTZ'1900-01-01 00:00:00', true, array(300L, -1L), array(), "
    "named_struct('x', 5L, 'Y', NULL), NULL",
    "NULL, NULL, -1e300D, -0F, 2.00BD, '12:30:00.000Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
    "7, 7, -0D, 16777216F, 0.10BD, '2024-02-30', DATE'2024-01-01', TIMESTAMP'2024-01-01 00:00:00Z', "
    "TIMESTAMP_NTZ'2024-01-01 00:00:00', false, array(7L, 7L), array(1D, 2D), named_struct('x', 7L, 'Y', 'z'), "
    "map('k', 7L)",
]
PREDICATES = [
    "n IS NULL", "n IS NOT NULL", "NOT (n > 1)", "n >= 1 AND i < 3", "n > 5 OR d > 1", "n = 1L", "n <> i", "n < 1.5",
    "n <= 1.5D", "n > -9223372036854775807L", "n IN (1, 7L, 10)", "n IN (1, NULL)", "n NOT IN (1, 7)",
    "n BETWEEN 0 AND 7", "n <=> NULL", "n <=> i", "n % 2 = 0", "n % 3L = 1", "-i > 1", "i + 1 > 2", "i * i = 4",
    "i - 5L > 0", "i / 2 > 1", "n / 4.0D = 0.25D", "abs(i) = 2", "d > 0.3D", "d >= 0.3D AND NOT isnan(d)",
    "d <= 1.0D", "d = DOUBLE('inf')", "d = DOUBLE('nan')", "d = 0.0D", "d % 0.5D = 0", "d < r", "r > 0.5F", "r >= 1",
    "r % 0.5D = 0", "d IN (1.5D, -0.0D)",
    "abs((d / 0.1D) - rint((d / 0.1D))) <= greatest(1e-9D, abs((d / 0.1D)) * 1e-15D) AND NOT isnan(d)",
    "greatest(n, i) > 2", "least(n, i) < 1", "greatest(d, 1.0D) > 1", "e > 1", "e >= 1.50BD", "e % 0.05BD = 0",
    "e < n", "e + e > 3", "e * 2 = 4", "e - 0.5 > 0", "e > 0.3D", "e = 2.0", "s = 'abc'", "s < 'b'", "s >= 'ABC'",
    "s IN ('', 'abc')", "s LIKE 'a%'", "s LIKE '_b_'", "s LIKE '%\\\\_%'", "s NOT LIKE '%c'", "s RLIKE 'b'",
    "s RLIKE '^[A-Z]+$'", "s RLIKE '^.*$'", "s NOT RLIKE 'B'", "char_length(s) >= 3", "length(s) % 4 = 0",
    "trim(s) = ''", "upper(s) = s", "lower(s) = 'abc'", "concat(s, 'x') = 'abcx'", "s || 'x' = 'x'",
    "substring(s, 2, 2) = 'bc'", "substring(s, 3) = 'c'", "startswith(s, 'a')", "endswith(s, 'c')",
    "contains(s, 'B')", "coalesce(s RLIKE 'a', FALSE)", "if(n > 1, 'a', s) = 'a'",
    "CASE WHEN n > 1 THEN 1 WHEN n IS NULL THEN 2 ELSE 0 END = 2", "nullif(n, 1) IS NULL",
    "regexp_replace(s, '([.]0*)?(Z|[+-][0-9:]*)?$', '') >= '12:30:00'", "try_cast(s AS DATE) IS NULL",
    "try_to_timestamp(s, 'yyyy-MM-dd') IS NULL", "s RLIKE '^2' AND try_cast(s AS BIGINT) IS NULL",
    "day > DATE'2023-12-31'", "day = '2024-02-29'", "day BETWEEN '2023-01-01' AND '2024-01-01'",
    "year(day) = 2024 AND month(day) = 2", "day(day) = 31", "ts >= TIMESTAMP'2024-01-31 23:59:59.500000Z'",
    "ts < TIMESTAMP'2024-01-31 23:59:59.500001Z'", "ts = '2024-01-01 00:00:00'", "ts > '2024-01-01'",
    "ntz >= TIMESTAMP_NTZ'2024-03-31 02:30:00'", "unix_seconds(ts) = -1", "unix_seconds(ts) % 2 = 1",
    "CAST(day AS TIMESTAMP) < ts", "CAST(ts AS DATE) = day", "CAST(ntz AS TIMESTAMP) = ts", "b", "NOT b", "b = true",
    "b IS TRUE", "b IS NOT FALSE", "size(l) >= 2", "size(array_distinct(l)) = size(l)",
    "size(array_distinct(ds)) = size(ds)", "forall(l, v -> v > 0)",
    "forall(l, v -> v IS NULL OR v BETWEEN 0 AND 255)", "exists(l, v -> v = 1)", "exists(l, v -> v > 100)", "o.x > 1",
    "o.y = ''", "o['x'] IS NULL", "o IS NULL OR o.Y IS NOT NULL", "int(o.x IS NOT NULL) + int(o.Y IS NOT NULL) >= 1",
    "size(m) >= 1", "array_contains(map_keys(m), 'k')", "forall(map_values(m), v -> v IS NOT NULL)",
    "CAST(n AS STRING) = '7'", "CAST(e AS STRING) = '2.00'", "CAST(b AS STRING) = 'true'",
    "CAST(day AS STRING) = '2024-01-01'", "CAST(i AS BIGINT) = n", "CAST(n AS DOUBLE) > 6",
    "try_cast(n AS INT) IS NULL", "CAST(n AS BOOLEAN)", "NULL", "TRUE",
]  # fmt: skip


@pytest.fixture
def connection() -> Any:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


PATTERNS = [
    "^a", "a$", "^.$", "b|^$", r"\d+", r"^\w+\z", r"\s", r"\S", "[a-cX]", "[^a-c]", r"[\w.-]+@", "(?i)ABC",
    "(?i)^[a-c]+$", "(?s)^.*$", "a{2,3}", "(ab)+?c", r"\$\{x\}", r"\x{1F600}", r"[\x{E0}-\x{FF}]",
    "^(?=.*[0-9])(?=.*[a-z]).{3,}$", "^(?!abc).*$", "(?!)", formats.TIME_PATTERN, r"a\.b", "x*", r"\t",
    "^[A-Z]{2}[0-9]{2}$", "[.]0*$",
]  # fmt: skip
TEXTS = [
    "", "a", "b", "abc", "ABC", "aab", "abab c", "a\n", "a\r\n", "\n", "a\u2028", "1", "a1b", "é", "ß", "\U0001f600",
    "\x0b", "\t", "\x85", "${x}", "a.b", "x@y.z", "12:30:00Z", "24:00:00", "AB12", "AB12\n", "K\u212a", "\u017f", "_",
    "1.50", " ",
]  # fmt: skip
FORMATS = ["email", "uuid", "ipv4", "ipv6", "hostname", "uri", "byte", "date", "date-time", "time"]
SHAPED = [
    "a@b.c", "a@b", "a..b@c-d.org", "a@b.c.", "@b.c", "00000000-0000-0000-0000-00000000000a", "255.1.1.0",
    "256.1.1.1", "::1", "1:2:3:4:5:6:7:8", "fe80::1%e", "a.b-c.d", "-a.b", "a" * 64 + ".b", ".".join("a" * 126),
    ".".join("a" * 127), ".".join("a" * 128), "x@" + ".".join("a" * 127), "x@" + ".".join("a" * 128),
    "http://x/y?z#%20", "http://x y", "YQ==", "YQ=", "2024-02-29", "2023-02-29", "2024-02-29T10:00:00Z",
    "2024-02-29T10:00:00.123456789+01:00", "2024-02-30T10:00:00Z", "2024-02-29T10:00:00+99:00", "10:00:00",
    "25:00:00", "",
]  # fmt: skip
VALUES = [
    "", " ", "0", "+5", "-5", "007", "\t12 ", "1.5", ".5", "5.", "1e3", "-1E-2", "1_000", "0x1F", "1d", "1f", "NaN",
    "nan", "+NaN", "inf", "-Infinity", "Infinit", "1e400", "1e-400", "127", "128", "-129", "32768", "2147483648",
    "9223372036854775807", "9223372036854775808", "16777217", "0.1", "99.99", "100", "99.995", "1.10", "1.005",
    "-0.00", "1.230", "000000000000000000000000000000000000000001.5", "true", "TRUE", "t", "yes", "1", "f", "No",
    "truex", "2024-02-29", "2024-2-9", "2023-02-29", "2024", "2024-01", "+2024-01-01", "2024-01-01 ", " 2024-01-01",
    "2024-01-01T00:00:00", "2024-01-01 10:00", "2024-01-01 1:2:3", "2024-01-01T10:00:00.5",
    "2024-01-01T10:00:00.1234567", "2024-01-01T10:00:00.1234560", "2024-01-01T10:00:00Z", "2024-01-01T10:00:00+01:00",
    "2024-01-01 10:00:00 UTC", "2024-01-01 10:00:00-5:30", "2024-01-01 10:00:00 Europe/Paris", "2024-01-01T24:00:00",
    "2024-01-01 10:60:00", "2024-10-27 02:30:00", "2024-03-31 02:30:00", "10:30", "10:30:00", "01.02.2024",
    "1.2.2024", "31.02.2024", "20240131", "2024-01-01 10:00:61", "2024-13-01", "x", "é",
]  # fmt: skip
TARGETS = [
    *((kind, None, "UTC") for kind in ("TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "BOOLEAN")),
    *((kind, None, "UTC") for kind in ("DATE", "TIMESTAMP_NTZ")),
    *((kind, None, "UTC") for kind in ("DECIMAL(4,2)", "DECIMAL(38,0)", "DECIMAL(20,10)", "VARCHAR(3)", "STRING")),
    *(("TIMESTAMP", None, zone) for zone in ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")),
    ("DATE", "dd.MM.yyyy", "UTC"), ("DATE", "yyyyMMdd", "UTC"), ("TIMESTAMP", "yyyy-MM-dd HH:mm:ss", "Europe/Berlin"),
    ("DATE", "yyyy-MM-dd HH:mm", "UTC"), ("TIMESTAMP_NTZ", "yyyy-MM-dd HH:mm", "UTC"),
]  # fmt: skip
SOURCES = {
    "BOOLEAN": ["true", "false"],
    "SMALLINT": ["1", "0", "-5", "300"],
    "BIGINT": ["1", "0", "9223372036854775807", "9007199254740993", "127"],
    "DOUBLE": ["1.5", "3", "'NaN'", "'Infinity'", "1e300", "0.1", "9223372036854775808", "99.99", "-0.0"],
    "DECIMAL(10,3)": ["1.500", "3.000", "99.990", "99.995", "1234567.891", "0.100"],
    "DATE": ["'2024-02-29'", "'1969-12-31'"],
}


@pytest.fixture
def rows(connection: Any, spark: Any, tmp_path: Path) -> tuple[Any, Any]:
    listed = ", ".join(f"CAST(c{n} AS {kind.ddl}) AS {name}" for n, (name, kind) in enumerate(COLUMNS.items()))
    names = ", ".join(f"c{n}" for n in range(len(COLUMNS)))
    unioned = " UNION ALL ".join(
        f"SELECT {number} AS row, {listed} FROM (SELECT * FROM VALUES ({row}) AS t({names}))"
        for number, row in enumerate(ROWS)
    )
    frame = spark.sql(unioned).coalesce(1)
    frame.write.option("compression", "none").parquet(str(tmp_path / "rows"))
    return spark.read.parquet(str(tmp_path / "rows")), tmp_path


def test_predicates(connection: Any, rows: tuple[Any, Any]) -> None:
    frame, folder = rows
    there = {
        row["row"]: row
        for row in frame.selectExpr("row", *(f"({p}) AS p{n}" for n, p in enumerate(PREDICATES))).collect()
    }
    columns = {name: Value(name, kind) for name, kind in COLUMNS.items()}
    columns["ts"] = Value("timezone('UTC', ts)", COLUMNS["ts"])
    for number, predicate in enumerate(PREDICATES):
        made = Translator(columns).expression(predicate)
        query = (
            f"SELECT row, {made.value.sql}, {made.undecided or 'FALSE'} FROM read_parquet('{folder}/rows/*.parquet')"
        )
        for row, here, undecided in connection.execute(query).fetchall():
            assert undecided or here is there[row][f"p{number}"], (predicate, ROWS[row])


def test_patterns(connection: Any, spark: Any) -> None:
    made = {pattern: re2_of(pattern) for pattern in PATTERNS}
    listed = ", ".join(f"s RLIKE {string(pattern)} AS p{n}" for n, pattern in enumerate(PATTERNS))
    values = ", ".join(f"({string(text)})" for text in TEXTS)
    there = [row.asDict() for row in spark.sql(f"SELECT {listed} FROM VALUES {values} AS t(s)").collect()]
    column = {"s": Value("s", AtomicType("STRING"))}
    for number, pattern in enumerate(PATTERNS):
        assert made[pattern].wanted
        found = Translator(column).expression(f"s RLIKE {string(pattern)}")
        for text, row in zip(TEXTS, there, strict=True):
            query = f"SELECT {found.value.sql}, {found.undecided or 'FALSE'} FROM (SELECT {text_literal(text)} AS s)"
            here, undecided = connection.execute(query).fetchone()
            assert undecided or here is row[f"p{number}"], (pattern, text)


def test_formats(connection: Any, spark: Any) -> None:
    tests = [formats.string_format_test("`s`", name) for name in FORMATS]
    listed = ", ".join(f"({test}) AS p{n}" for n, test in enumerate(tests))
    values = ", ".join(f"({string(text)})" for text in SHAPED)
    there = [row.asDict() for row in spark.sql(f"SELECT {listed} FROM VALUES {values} AS t(s)").collect()]
    for number, test in enumerate(tests):
        found = Translator({"s": Value("s", AtomicType("STRING"))}).expression(test)
        for text, row in zip(SHAPED, there, strict=True):
            query = f"SELECT {found.value.sql}, {found.undecided or 'FALSE'} FROM (SELECT {text_literal(text)} AS s)"
            here, undecided = connection.execute(query).fetchone()
            assert not undecided, (test, text)
            assert here is row[f"p{number}"], (test, text)


def typed_column(kind: str, pattern: str | None, zone: str) -> TypedColumn:
    return TypedColumn(
        name="s",
        property="s",
        type=AtomicType(kind),
        required=False,
        comment=None,
        place=NOWHERE,
        format=pattern,
        zone=zone,
    )


def same(here: Any, there: Any) -> bool:
    if isinstance(here, float) and isinstance(there, float) and math.isnan(here):
        return math.isnan(there)
    if isinstance(here, dt.datetime) and isinstance(there, dt.datetime):
        return here.replace(tzinfo=None) == there.replace(tzinfo=None)
    return type(here) is type(there) and here == there


def test_conversions_of_text(connection: Any, spark: Any) -> None:
    columns = [typed_column(*target) for target in TARGETS]
    listed = ", ".join(f"{converted('`s`', column)} AS c{n}" for n, column in enumerate(columns))
    values = ", ".join(f"({n}, {string(text)})" for n, text in enumerate(VALUES))
    there = {row["n"]: row for row in spark.sql(f"SELECT n, {listed} FROM VALUES {values} AS t(n, s)").collect()}
    source = " UNION ALL ".join(f"SELECT {n} AS n, {text_literal(text)} AS s" for n, text in enumerate(VALUES))
    left: list[tuple[str, str]] = []
    for number, column in enumerate(columns):
        made = convert("s", AtomicType("STRING"), column.type, zone=column.zone, pattern=column.format)
        query = f"SELECT n, {made.sql}, {made.undecided or 'FALSE'} FROM ({source})"
        for n, here, undecided in connection.execute(query).fetchall():
            if undecided:
                left.append((column.type.ddl, VALUES[n]))
            else:
                shown = here.isoformat() if isinstance(here, dt.date) and not isinstance(here, dt.datetime) else here
                expected = there[n][f"c{number}"]
                expected = expected.isoformat() if type(expected) is dt.date else expected
                assert same(shown, expected), (column.type.ddl, column.format, VALUES[n], here, expected)
    # What is left to Spark is only what few files have: exponents in decimals, far years, zones by name.
    strange = {
        "1e3",
        "-1E-2",
        "1e-400",
        "+2024-01-01",
        "2024-01-01 10:00:00 Europe/Paris",
        "+5",
        "+NaN",
    }
    assert {text for _, text in left} <= strange | {text for text in VALUES if "+" in text}


def test_conversions_of_values(connection: Any, spark: Any) -> None:
    for found, values in SOURCES.items():
        shown = ", ".join(f"({n}, CAST({value} AS {found}))" for n, value in enumerate(values))
        frame = spark.sql(f"SELECT * FROM VALUES {shown} AS t(n, s)")
        there_kind = duckdb_type(AtomicType(found))
        source = " UNION ALL ".join(
            f"SELECT {n} AS n, CAST({value} AS {there_kind}) AS s" for n, value in enumerate(values)
        )
        columns = []
        for kind in (
            "TINYINT",
            "INT",
            "BIGINT",
            "FLOAT",
            "DOUBLE",
            "DECIMAL(4,2)",
            "BOOLEAN",
            "STRING",
            "TIMESTAMP_NTZ",
        ):
            column = typed_column(kind, None, "UTC")
            try:
                columns.append((column, convert("s", AtomicType(found), column.type, zone="UTC", pattern=None)))
            except NeedsSpark:
                continue
        rows = frame.selectExpr(
            "n", *(f"{converted('`s`', column)} AS c{n}" for n, (column, _) in enumerate(columns))
        ).collect()
        there = {row["n"]: row for row in rows}
        for number, (column, made) in enumerate(columns):
            for n, here in connection.execute(f"SELECT n, {made.sql} FROM ({source})").fetchall():
                assert same(here, there[n][f"c{number}"]), (found, column.type.ddl, values[n], here)
