"""Rows that break rules as Soda's results quote them: few, by their keys, and masked by the query itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("soda_core")

from foreign_engines import write_parquet

from lakepact.contract import load_contract
from lakepact.quality.engine import Data, EngineContext, FrameData
from lakepact.quality.native import Run
from lakepact.quality.orchestration import check_quality
from lakepact.quality.soda import SodaEngine
from lakepact.rules import compile_rules
from lakepact.rules.model import Action, EngineRule

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: shop
version: 1.0.0
status: active
schema:
  - name: people
    properties:
      - {name: id, logicalType: integer, primaryKey: true, classification: PUBLIC}
      - {name: email, logicalType: string, logicalTypeOptions: {pattern: '@'}, classification: restricted}
      - name: country
        logicalType: string
        classification: public
        logicalTypeOptions: {maxLength: 4}
        quality:
          - {type: custom, engine: soda, name: known,
             implementation: {type: invalid_count, column: country, valid_values: [DE, "it's"], must_be: 0}}
          - {type: custom, engine: soda, name: there, implementation: "missing_count(country) = 0"}
          - {type: custom, engine: soda, name: few, implementation: {'failed rows': {'fail condition': 'id > 3'}}}
          - {type: custom, engine: soda, name: asked, implementation:
             {'failed rows': {'fail query': "SELECT email AS country FROM {object} WHERE id > 3"}}}
          - {type: custom, engine: soda, name: once, implementation: "duplicate_count(country) = 0"}
          - {type: custom, engine: soda, name: many, implementation: "row_count > 100"}
"""
ROWS: list[dict[str, object]] = [
    {"id": 1, "email": "a@x", "country": "DE"},
    {"id": 2, "email": "secret 2", "country": "it's"},
    {"id": 3, "email": "secret 3", "country": None},
    {"id": 4, "email": None, "country": "it's"},
    {"id": 5, "email": "secret 5", "country": "x" * 200},
]
LONG = f"country='{'x' * 98}…"
PRIVATE = CONTRACT.replace("PUBLIC", "internal").replace("classification: public", "classification: internal")


def messages(data: Data, text: str = CONTRACT, *, samples: int) -> dict[str, str]:
    contract = load_contract(text.encode())
    run = Run(run_id="r", contract=contract, dataset="d", clock=lambda: dt.datetime(2024, 5, 1, tzinfo=dt.UTC))
    context = EngineContext(run=run, samples=samples)
    rules = compile_rules(contract).objects[0]
    return {
        each.rule_name: each.message
        for each in SodaEngine(compiled=True).evaluate(data, rules, context)
        if each.message and each.status.value != "skipped"
    }


# Of each rule the count, and two rows that break it.
TOLD = {
    "email.pattern": "3 of 5 rows, for example id=2 email=***, id=3 email=***",
    "country.maxLength": f"1 of 5 rows, for example id=5 {LONG}",
    "country.quality.known": f"1 of 5 rows, for example id=5 {LONG}",
    "country.quality.there": "1 of 5 rows, for example id=3 country=NULL",
    "country.quality.few": f'2 of 5 rows, for example id=4 country="it\'s", id=5 {LONG}',
    "country.quality.asked": "2 of 5 rows",
    "country.quality.once": '2 of 5 rows, for example id=2 country="it\'s", id=4 country="it\'s"',
    "country.quality.many": "5, must_be_greater_than 100",
}
PLAIN = {name: text.partition(", for")[0] for name, text in TOLD.items()}


@pytest.fixture
def people(tmp_path: Path) -> Data:
    return write_parquet(tmp_path / "people.parquet", "id BIGINT, email VARCHAR, country VARCHAR", ROWS)


def test_rows_of_files_are_few_and_masked(people: Data) -> None:
    assert messages(people, samples=2) == TOLD


def test_none_where_nothing_is_public_or_asked_for(people: Data) -> None:
    assert messages(people, samples=0) == PLAIN
    assert messages(people, PRIVATE, samples=2) == PLAIN


@pytest.mark.spark
def test_rows_of_a_data_frame(spark: Any) -> None:
    frame = spark.createDataFrame([tuple(row.values()) for row in ROWS], "id BIGINT, email STRING, country STRING")
    assert messages(FrameData(frame.coalesce(1)), samples=2) == TOLD


def test_without_a_key_the_columns_of_the_rule_tell_the_row(people: Data) -> None:
    text = CONTRACT.replace("primaryKey: true, ", "")
    assert messages(people, text, samples=1)["country.quality.few"] == '2 of 5 rows, for example country="it\'s"'


def test_where_rows_cannot_be_asked_for_the_counts_are_there(people: Data) -> None:
    # A group with a name as DuckDB has it, and Spark has not.
    text = CONTRACT.replace('"missing_count(country) = 0"', "{type: regex, pattern: '(?P<first>D)E'}")
    assert messages(people, text, samples=1)["country.quality.there"] == "3 of 5 rows"


OWN = ("email.pattern", "country.maxLength")


def own_messages(data: Data, engine: str, *, samples: int) -> dict[str, str]:
    contract = load_contract(CONTRACT.encode())
    report = check_quality(data, contract, engines=[engine], samples=samples, dataset="d")
    return {each.rule_name: each.message for each in report.violations}


def test_rules_of_lakepact_quote_the_same_rows_on_files(people: Data) -> None:
    assert own_messages(people, "duckdb", samples=2) == {name: TOLD[name] for name in OWN}
    assert own_messages(people, "duckdb", samples=0) == {name: PLAIN[name] for name in OWN}


@pytest.mark.spark
def test_rules_of_lakepact_quote_the_same_rows_of_a_data_frame(spark: Any) -> None:
    frame = spark.createDataFrame([tuple(row.values()) for row in ROWS], "id BIGINT, email STRING, country STRING")
    assert own_messages(FrameData(frame.coalesce(1)), "native", samples=2) == {name: TOLD[name] for name in OWN}


# What an expectation demands, and what is said of the rows that break it.
EXPECTATIONS: list[tuple[dict[str, object], str]] = [
    (
        {"type": "expect_column_values_to_not_be_null", "column": "country"},
        "1 of 5 rows, for example id=3 country=NULL",
    ),
    (
        {"type": "expect_column_values_to_be_in_set", "column": "country", "value_set": ["DE", "it's"]},
        f"1 of 5 rows, for example id=5 {LONG}",
    ),
    (
        {"type": "expect_column_values_to_not_be_in_set", "column": "country", "value_set": ["it's"]},
        '2 of 5 rows, for example id=2 country="it\'s", id=4 country="it\'s"',
    ),
    (
        {"type": "expect_column_value_lengths_to_be_between", "column": "country", "max_value": 4},
        f"1 of 5 rows, for example id=5 {LONG}",
    ),
    (
        {"type": "expect_column_values_to_match_regex", "column": "country", "regex": "^[A-Z]"},
        '3 of 5 rows, for example id=2 country="it\'s", id=4 country="it\'s"',
    ),
    (
        {
            "type": "expect_column_values_to_be_between",
            "column": "id",
            "min_value": 2,
            "max_value": 4,
            "strict_max": True,
        },
        "3 of 5 rows, for example id=1, id=4",
    ),
    (
        {"type": "expect_column_values_to_be_unique", "column": "country"},
        '2 of 5 rows, for example id=2 country="it\'s", id=4 country="it\'s"',
    ),
    (
        {"type": "expect_column_values_to_be_in_set", "column": "email", "value_set": ["a@x"]},
        "3 of 5 rows, for example id=2 email=***, id=3 email=***",
    ),
    # Nothing here says which rows these are.
    ({"type": "expect_column_values_to_be_increasing", "column": "id"}, ""),
    (
        {"type": "expect_column_values_to_not_match_regex", "column": "country", "regex": "^it"},
        '2 of 5 rows, for example "it\'s", "it\'s"',
    ),
]


def test_rows_that_break_expectations_are_told_by_their_key(people: Data) -> None:
    pytest.importorskip("great_expectations")
    from lakepact.quality.gx import GxEngine

    contract = load_contract(CONTRACT.encode())
    run = Run(run_id="r", contract=contract, dataset="d", clock=lambda: dt.datetime(2024, 5, 1, tzinfo=dt.UTC))
    rules = tuple(
        EngineRule(
            id=f"people.{number}",
            name=str(number),
            object="people",
            engine="gx",
            implementation=expectation,
            columns=(),
            clauses=(),
            description="",
            action=Action.FAIL,
            action_from="default",
        )
        for number, (expectation, _) in enumerate(EXPECTATIONS)
    )
    of_object = replace(compile_rules(contract).objects[0], engine_rules=rules)
    found = GxEngine().evaluate(people, of_object, EngineContext(run=run, samples=2))
    assert [each.message for each in found] == [message for _, message in EXPECTATIONS]
