"""Values as JSON and back, ids, templates of places."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quarantine_samples import orders_contract

from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType
from lakepact.errors import ConfigurationError, UsageError
from lakepact.quarantine.content import checked_values, content_digest, given_value, plain, python_value, record_id
from lakepact.quarantine.settings import QuarantineSettings, settings_of

TEXT = AtomicType("STRING")
MOMENT = datetime(2024, 1, 31, 10, 0, 0, 5, tzinfo=UTC)
SAMPLES: list[tuple[SparkType, Any, Any]] = [
    (AtomicType("BIGINT"), 12, 12),
    (AtomicType("BOOLEAN"), True, True),
    (AtomicType("DOUBLE"), 1.5, 1.5),
    (AtomicType("DOUBLE"), float("-inf"), "-Infinity"),
    (AtomicType("DECIMAL(10,2)"), Decimal("1.50"), "1.5"),
    (AtomicType("DECIMAL(10,0)"), Decimal("100"), "100"),
    (AtomicType("DATE"), date(2024, 1, 31), "2024-01-31"),
    (AtomicType("TIMESTAMP"), MOMENT, "2024-01-31T10:00:00.000005Z"),
    (AtomicType("TIMESTAMP_NTZ"), MOMENT.replace(tzinfo=None), "2024-01-31T10:00:00.000005"),
    (AtomicType("BINARY"), b"\x00\xff", "AP8="),
    (ArrayType(TEXT), ["a", None], ["a", None]),
    (MapType(TEXT, AtomicType("INT")), {"b": 1, "a": 2}, {"a": 2, "b": 1}),
    (MapType(AtomicType("INT"), TEXT), {1: "x"}, [[1, "x"]]),
]


@pytest.mark.parametrize(("kind", "value", "expected"), SAMPLES, ids=[each[0].ddl for each in SAMPLES])
def test_a_value_goes_to_json_and_back(kind: SparkType, value: Any, expected: Any) -> None:
    assert plain(value, kind) == expected
    assert python_value(expected, kind) == value
    assert plain(None, kind) is None
    assert python_value(None, kind) is None


def test_maps_that_come_as_pairs_and_structs_in_them() -> None:
    struct = StructType((StructField("at", AtomicType("DATE")), StructField("n", AtomicType("INT"))))
    kind = MapType(TEXT, struct)
    given_pairs = [("b", {"at": date(2024, 1, 1), "n": 1}), ("a", None)]
    assert plain(given_pairs, kind) == {"a": None, "b": {"at": "2024-01-01", "n": 1}}
    assert python_value({"a": {"n": 3}}, kind) == {"a": (None, 3)}
    with pytest.raises(ValueError, match="it has no field 'm'"):
        python_value({"m": 3}, struct)


def test_nan_is_text() -> None:
    assert plain(float("nan"), AtomicType("FLOAT")) == "NaN"


@pytest.mark.parametrize(
    ("ddl", "value", "words"),
    [
        ("BIGINT", True, "True is no whole number"),
        ("TINYINT", 128, "128 is too large"),
        ("DOUBLE", "1", "'1' is no number"),
        ("DECIMAL(4,2)", "100", "'100' does not fit DECIMAL(4,2)"),
        ("DECIMAL(4,2)", "1.234", "'1.234' does not fit DECIMAL(4,2)"),
        ("DECIMAL(4,2)", 1.5, "1.5 is no decimal number; write it as text"),
        ("DATE", "31.1.2024", "Invalid isoformat string: '31.1.2024'"),
        ("TIMESTAMP", "2024-01-31T10:00:00", "has no time zone"),
        ("TIMESTAMP_NTZ", "2024-01-31T10:00:00Z", "has a time zone"),
        ("STRING", 3, "3 is no text"),
        ("VARIANT", 3, "a value of type VARIANT cannot be given"),
    ],
)
def test_a_corrected_value_must_be_one_of_its_column(ddl: str, value: Any, words: str) -> None:
    with pytest.raises(UsageError, match=rf"LP985.*column 'c' is {re.escape(ddl)}: .*{re.escape(words)}"):
        checked_values({"C": value}, [StructField("c", AtomicType(ddl))])


def test_all_that_is_wrong_with_a_correction_is_said_at_once() -> None:
    columns = [StructField("id", AtomicType("INT")), StructField("name", TEXT)]
    with pytest.raises(UsageError, match="column 'id' is INT: 'x' is no whole number; there is no column 'nam'"):
        checked_values({"id": "x", "nam": 1}, columns)
    with pytest.raises(UsageError, match="no corrected value is given"):
        checked_values({}, columns)
    assert checked_values({"ID": 1, "name": None}, columns) == {"id": 1, "name": None}


def test_typed_text_is_what_the_column_takes() -> None:
    assert given_value("007", TEXT) == "007"
    assert given_value("1.50", AtomicType("DECIMAL(10,2)")) == "1.50"
    assert given_value("[1]", ArrayType(AtomicType("INT"))) == [1]
    assert given_value("x", AtomicType("INT")) == "x"


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()), st.dictionaries(st.text(), st.text()))
def test_the_digest_does_not_depend_on_order_nor_on_columns_without_a_value(row: Any, raw: Any) -> None:
    turned = dict(reversed(list(row.items()))) | {"a later column": None}
    assert content_digest(turned, dict(reversed(list(raw.items())))) == content_digest(row, raw)
    assert content_digest({**row, "a later column": 1}, raw) != content_digest(row, raw)


def test_every_part_of_a_record_is_part_of_its_id() -> None:
    base: dict[str, Any] = {"dataset": "orders", "contract_id": "c", "run_id": "r", "content": "x", "occurrence": 1}
    ids = {record_id(**base)} | {record_id(**base | {name: 2 if name == "occurrence" else "y"}) for name in base}
    assert len(ids) == 6


def test_a_contract_says_where_batches_go_and_how_long_data_is_kept() -> None:
    found = settings_of(orders_contract(retention_days=3))
    assert found.retention_days == 3
    assert found.url({"TENANT": "north", "ASSET": "orders"}) == "memory://bad-north/quarantine/north/orders"
    assert settings_of(orders_contract()) == QuarantineSettings(retention_days=30)


@pytest.mark.parametrize(
    ("settings", "variables", "words"),
    [
        (QuarantineSettings(), {}, "no bucket for batches is named"),
        (QuarantineSettings(bucket="b", prefix="${A}/${B}"), {"A": "x"}, "${B} in '${A}/${B}' has no value"),
        (QuarantineSettings(bucket="b", prefix="${A}"), {"A": ""}, "${A} in '${A}' has no value"),
        (QuarantineSettings(bucket="b", prefix="${A}"), {"A": ".."}, "which leads elsewhere"),
        (QuarantineSettings(bucket="b", prefix="${A}"), {"A": "x/y"}, "which leads elsewhere"),
        (QuarantineSettings(bucket="/data/${A}"), {"A": "../x"}, "which leads elsewhere"),
    ],
)
def test_a_place_that_is_not_clear_is_refused(
    settings: QuarantineSettings, variables: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"LP980: .*" + re.escape(words)):
        settings.url(variables)


def test_variables_come_from_the_environment_where_none_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEPACT_TEST_TENANT", "south")
    assert QuarantineSettings(bucket="b", prefix="/${LAKEPACT_TEST_TENANT}/").url() == "s3://b/south"


@pytest.mark.parametrize("days", ["soon", 0, True, 99999])
def test_a_retention_that_is_none_is_refused(days: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"LP980: .*retention_days is {days!r}"):
        settings_of(orders_contract(retention_days=f"'{days}'" if isinstance(days, str) else days))
