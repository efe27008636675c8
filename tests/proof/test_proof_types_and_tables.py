"""Texts as values of a type, keys that collide, and what whole tables measure: the judge and Spark agree."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from oracle import Oracle
from oracle_values import identity
from proof_execution import Observed, document, execute

WARN = [{"rule": "*", "action": "warn"}]
OPERATORS: Sequence[Mapping[str, Any]] = (
    {"mustBe": 2},
    {"mustNotBe": 2},
    {"mustBeGreaterThan": 2},
    {"mustBeGreaterOrEqualTo": 2},
    {"mustBeLessThan": 2},
    {"mustBeLessOrEqualTo": 2},
    {"mustBeBetween": [1, 2]},
    {"mustBeBetween": [2, 3]},
    {"mustNotBeBetween": [1, 2]},
    {"mustNotBeBetween": [3, 4]},
)
PERCENTS: Sequence[Mapping[str, Any]] = (
    {"mustBe": 0},
    {"mustBeLessOrEqualTo": 40},
    {"mustBeLessThan": 40},
    {"mustBeBetween": [33.3, 33.4]},
)


@dataclass(frozen=True)
class Texts:
    """A type, texts that are values of it, and texts that are not."""

    name: str
    declared: Mapping[str, Any]
    fits: Mapping[str, Any]
    misfits: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return (*self.fits, *self.misfits)


def typed(kind: str, **given: Any) -> dict[str, Any]:
    return {"logicalType": kind, "logicalTypeOptions": given}


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text + "+00:00")


TYPES = (
    Texts(
        "i64",
        typed("integer"),
        {"0": 0, "-7": -7, "+7": 7, "007": 7, str(2**63 - 1): 2**63 - 1, str(-(2**63)): -(2**63)},
        ("", "x", "1.5", "1,000", str(2**63), str(-(2**63) - 1), "0x1", "--1", "1 2", "NaN", "NULL", "null"),
    ),
    Texts("i8", typed("integer", format="i8"), {"127": 127, "-128": -128}, ("128", "-129", "1.1")),
    Texts("u8", typed("integer", format="u8"), {"255": 255, "256": 256, "-1": -1}, ("99999", "a")),
    Texts(
        "f64",
        typed("number"),
        {"1": 1.0, "-1.5": -1.5, ".5": 0.5, "1e3": 1000.0, "NaN": float("nan"), "Infinity": float("inf"), "1.": 1.0},
        ("", "x", "1,5", "1e", "1e999", "--1", "1 2", "0x1p3", "1d", "1.5f", "null"),
    ),
    Texts(
        "dec",
        {"logicalType": "number", "physicalType": "DECIMAL(5,2)"},
        {"1": Decimal(1), "999.99": Decimal("999.99"), "-0.10": Decimal("-0.1"), "1.500": Decimal("1.5")},
        ("", "x", "1000", "999.999", "0.001", "NaN", "Infinity"),
    ),
    Texts(
        "wide",
        {"logicalType": "number", "physicalType": "DECIMAL(38,0)"},
        {"9" * 38: Decimal("9" * 38), "0": Decimal(0)},
        ("1" + "0" * 38, "0.5"),
    ),
    Texts("bool", typed("boolean"), {"true": True, "FALSE": False}, ("", "2", "maybe", "truee")),
    Texts(
        "date",
        typed("date"),
        {"2024-02-29": dt.date(2024, 2, 29), "0001-01-01": dt.date.min, "9999-12-31": dt.date.max},
        ("", "2023-02-29", "2024-13-01", "29.02.2024", "today", "2024-02-29x", "20240229"),
    ),
    Texts(
        "german",
        typed("date", format="dd.MM.yyyy"),
        {"29.02.2024": dt.date(2024, 2, 29)},
        ("", "29.02.2023", "2024-02-29", "29.02.2024 x", "31.04.2024"),
    ),
    Texts(
        "ts",
        typed("timestamp"),
        {
            "2024-02-29T01:02:03": utc("2024-02-29T01:02:03"),
            "2024-02-29 01:02:03.5": utc("2024-02-29T01:02:03.500000"),
            "2024-02-29T01:02:03+02:00": utc("2024-02-28T23:02:03"),
            "2024-02-29T01:02:03Z": utc("2024-02-29T01:02:03"),
            "2024-02-29": utc("2024-02-29T00:00:00"),
        },
        ("", "2023-02-29T00:00:00", "2024-02-29T25:00:00", "now", "x"),
    ),
    Texts(
        "ts_zone",
        typed("timestamp", defaultTimezone="Europe/Berlin"),
        {"2024-07-01T00:00:00": utc("2024-06-30T22:00:00"), "2024-07-01T00:00:00Z": utc("2024-07-01T00:00:00")},
        ("2024-07-32T00:00:00",),
    ),
    Texts(
        "ts_form",
        typed("timestamp", format="yyyy-MM-dd HH:mm", defaultTimezone="Europe/Berlin"),
        {"2024-07-01 00:30": utc("2024-06-30T22:30:00")},
        ("2024-07-01", "2024-07-01T00:30:00", "2024-07-01 00:60"),
    ),
    Texts(
        "ts_ntz",
        typed("timestamp", timezone=False),
        {"2024-03-31T02:30:00": dt.datetime(2024, 3, 31, 2, 30)},
        ("", "2024-03-31T02:60:00"),
    ),
    Texts("text", typed("string"), {"": "", " a ": " a ", "NULL": "NULL"}, ()),
)


def text_table() -> tuple[dict[str, Any], list[dict[str, str | None]]]:
    height = max(len(each.texts) for each in TYPES) + 1
    rows: list[dict[str, str | None]] = [
        {each.name: each.texts[n] if n < len(each.texts) else None for each in TYPES} | {"row": str(n)}
        for n in range(height)
    ]
    return document(*({"name": each.name, **each.declared} for each in TYPES)), rows


@pytest.fixture(scope="module")
def read(spark: Any) -> Observed:
    contract, rows = text_table()
    return execute(spark, contract, rows, text=True, policy=WARN)


@pytest.mark.parametrize("each", TYPES, ids=lambda each: each.name)
def test_the_judge_reads_texts_as_the_table_says(each: Texts) -> None:
    contract, rows = text_table()
    judged = Oracle(contract, name="t").judge(rows, text=True)
    for n, text in enumerate(each.texts):
        assert (f"t.{each.name}.type" in judged.broken[n]) == (text in each.misfits), f"on {text!r}"
        assert identity(judged.typed[n][each.name]) == identity(each.fits.get(text)), f"on {text!r}"


@pytest.mark.spark
@pytest.mark.parametrize("each", TYPES, ids=lambda each: each.name)
def test_spark_reads_texts_as_the_judge_does(read: Observed, each: Texts, spark: Any) -> None:
    contract, rows = text_table()
    judged = Oracle(contract, name="t").judge(rows, text=True)
    for n, text in enumerate((*each.texts, None)):
        broken = f"t.{each.name}.type"
        assert (broken in read.warned[n]) == (broken in judged.broken[n]), f"on {text!r}"
        found = read.published[n][each.name]
        if isinstance(found, dt.datetime) and each.name != "ts_ntz":
            found = found.astimezone(dt.UTC)
        assert identity(found) == identity(judged.typed[n][each.name]), f"on {text!r}"


NUMERIC = {"i": typed("integer"), "i8": typed("integer", format="i8"), "d": TYPES[4].declared}


@pytest.mark.spark
@pytest.mark.parametrize(
    ("name", "kind", "fits", "misfits"),
    [
        ("i", "DOUBLE", (None, 1.0, -0.0, 2.0**62), (1.5, float("nan"), float("inf"), 1e19, -1e300)),
        ("i8", "BIGINT", (None, 127, -128), (128, -129, 2**62)),
        ("d", "DOUBLE", (None, 1.5, 999.0), (1000.0, float("nan"), float("-inf"))),
        ("d", "DECIMAL(10,4)", (None, Decimal("1.2300")), (Decimal("1.2301"), Decimal("1000"))),
    ],
)
def test_numbers_of_another_type_fit_or_are_reported(
    spark: Any, name: str, kind: str, fits: tuple[Any, ...], misfits: tuple[Any, ...]
) -> None:
    contract = document({"name": name, **NUMERIC[name]})
    rows = [{name: value} for value in (*fits, *misfits)]
    observed = execute(spark, contract, rows, policy=WARN, source_types={name: kind})
    assert [f"t.{name}.type" in observed.warned[n] for n in range(len(rows))] == [
        *([False] * len(fits)),
        *([True] * len(misfits)),
    ]
    assert [observed.published[n][name] for n in range(len(fits))] == list(fits)


@pytest.mark.spark
def test_keys_collide_where_they_are_complete_and_equal(spark: Any) -> None:
    contract = document(
        {"name": "a", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 2},
        {"name": "b", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1},
        {"name": "u", "logicalType": "number", "unique": True},
    )
    nan = float("nan")
    cells = [
        *((1, "x", 1.0), (1, "x", 2.0), (1, "y", 3.0), (2, "x", 3.0), (None, "x", None), (None, "x", None)),
        *((3, "", nan), (4, "", nan), (5, "", 0.0), (6, "", -0.0), (7, None, 5.0), (7, None, 6.0), (8, "z", 5.0)),
    ]
    rows = [dict(zip("abu", each, strict=True)) for each in cells]
    judged = Oracle(contract, name="t").judge(rows)
    observed = execute(spark, contract, rows)
    assert {n: broken for n, broken in enumerate(judged.broken) if broken} == {
        **{n: {"t.primaryKey"} for n in (0, 1)},
        **{n: {"t.u.unique"} for n in (2, 3, 6, 7, 8, 9, 12)},
        **{n: {"t.a.required"} for n in (4, 5)},
        10: {"t.b.required", "t.u.unique"},
        11: {"t.b.required"},
    }
    assert observed.quarantined == {n: judged.held_for[n] for n in judged.quarantined}
    assert sorted(observed.published) == judged.published == []
    assert observed.counts | judged.counts == observed.counts


def _metric(metric: str, threshold: Mapping[str, Any], unit: str, **arguments: Any) -> dict[str, Any]:
    rule = {"metric": metric, "unit": unit, **threshold}
    return rule | {"arguments": arguments} if arguments else rule


def measured() -> dict[str, Any]:
    of_text: list[dict[str, Any]] = []
    of_object: list[dict[str, Any]] = []
    for unit, thresholds in (("rows", OPERATORS), ("percent", PERCENTS)):
        for threshold in thresholds:
            of_text += [
                _metric("nullValues", threshold, unit),
                _metric("missingValues", threshold, unit, missingValues=[None, ""]),
                _metric("invalidValues", threshold, unit, validValues=["a", "b"]),
                _metric("duplicateValues", threshold, unit),
            ]
            of_object.append(_metric("duplicateValues", threshold, unit, properties=["s", "n"]))
    of_object += [_metric("rowCount", threshold, "rows") for threshold in OPERATORS]
    properties = (
        {"name": "s", "logicalType": "string", "quality": of_text},
        {"name": "n", "logicalType": "number", "quality": [_metric("duplicateValues", {"mustBe": 0}, "rows")]},
    )
    return document(*properties, quality=of_object)


TABLES: Mapping[str, Sequence[tuple[str | None, float | None]]] = {
    "empty": (),
    "one NULL": ((None, None),),
    "two": (("a", 1.0), ("a", 1.0)),
    "mixed": (("a", 1.0), ("a", 1.0), ("a", None), ("", 0.0), ("", -0.0)),
    "missing": ((None, float("nan")), (None, float("nan")), ("c", 1.0), ("d", 2.0), ("a", 3.0), ("b", 4.0)),
}


@pytest.mark.spark
@pytest.mark.parametrize("name", TABLES)
def test_checks_measure_and_compare_alike(spark: Any, name: str) -> None:
    contract = measured()
    rows = [{"s": text, "n": number} for text, number in TABLES[name]]
    judged = Oracle(contract, name="t").judge(rows)
    observed = execute(spark, contract, rows)
    assert observed.checks == {
        id_: (pytest.approx(value, rel=1e-12), passed) for id_, (value, passed) in judged.checks.items()
    }
    assert len(judged.checks) > 60
