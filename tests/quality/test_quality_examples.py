"""Rows that break rules as Soda's results quote them: few, by their keys, and masked by the query itself."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("soda_core")

from foreign_engines import write_parquet

from lakepact.contract import load_contract
from lakepact.quality.engine import Data, EngineContext, FrameData
from lakepact.quality.native import Run
from lakepact.quality.soda import SodaEngine
from lakepact.rules import compile_rules

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
