"""A contract and rows that break each of its rules a known number of times: what every engine has to report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from lakepact.contract import Contract, load_contract
from lakepact.rules import compile_rules
from lakepact.rules.model import RuleSet

CONTRACT = r"""
apiVersion: v3.1.0
kind: DataContract
id: planted
version: 1.0.0
status: active
schema:
  - name: customers
    properties:
      - {name: id, logicalType: integer, unique: true}
      - name: region
        logicalType: string
        primaryKey: true
        primaryKeyPosition: 1
        relationships: [{to: regions.code}]
      - {name: number, logicalType: integer, primaryKey: true, primaryKeyPosition: 2}
      - name: email
        logicalType: string
        logicalTypeOptions: {pattern: '^[^@\s]+@[a-z.]+$', minLength: 7, maxLength: 30}
        quality:
          - {id: few_nulls, metric: nullValues, unit: percent, mustBeLessOrEqualTo: 2}
      - name: currency
        logicalType: string
        classification: public
        quality:
          - {id: known, metric: invalidValues, arguments: {validValues: [EUR, USD, "it's"]}, mustBe: 0, severity: error}
      - {name: balance, logicalType: number, logicalTypeOptions: {minimum: -100, maximum: 1000}}
      - {name: amount, logicalType: number, physicalType: 'DECIMAL(10,2)', logicalTypeOptions: {minimum: 0.05}}
      - {name: age, logicalType: integer, logicalTypeOptions: {exclusiveMinimum: 0, multipleOf: 1, maximum: 120}}
      - {name: score, logicalType: integer, logicalTypeOptions: {multipleOf: 5}}
      - {name: joined, logicalType: date, logicalTypeOptions: {minimum: '2000-01-01'}}
      - {name: created, logicalType: timestamp, required: true}
    quality:
      - {id: many, metric: rowCount, mustBeGreaterThan: 1000}
      - {id: ids, metric: duplicateValues, arguments: {properties: [id]}, mustBeLessThan: 3}
      - {id: pairs, metric: duplicateValues, arguments: {properties: [region, number]}, mustBeBetween: [0, 5]}
      - {id: negative, type: sql, query: 'SELECT count(*) FROM {object} WHERE balance < 0', mustBeLessThan: 3}
  - name: regions
    properties:
      - {name: code, logicalType: string}
slaProperties:
  - {id: fresh, property: latency, value: 2, unit: d, element: customers.created}
"""

ROWS = 200
REGIONS = ("north", "south", "east")
SPARK_TYPES = (
    "id BIGINT, region STRING, number BIGINT, email STRING, currency STRING, balance DOUBLE, amount DECIMAL(10,2), "
    "age BIGINT, score BIGINT, joined DATE, created TIMESTAMP"
)
DUCKDB_TYPES = SPARK_TYPES.replace("STRING", "VARCHAR").replace("created TIMESTAMP", "created TIMESTAMPTZ")

# Rows that break each rule on rows: every row of a repeated key; NULL and incomplete keys break no other rule.
VIOLATIONS: Mapping[str, int] = {
    "customers.id.unique": 5,
    "customers.primaryKey": 2,
    "customers.region.required": 1,
    "customers.number.required": 2,
    "customers.email.pattern": 4,
    "customers.email.minLength": 1,
    "customers.email.maxLength": 2,
    "customers.currency.quality.known": 3,
    "customers.balance.minimum": 3,
    "customers.balance.maximum": 2,
    "customers.amount.minimum": 1,
    "customers.age.exclusiveMinimum": 2,
    "customers.age.multipleOf": 0,
    "customers.age.maximum": 1,
    "customers.score.multipleOf": 2,
    "customers.joined.minimum": 1,
    "customers.created.required": 1,
}
# The measured value of each rule on the dataset, and whether it is as it must be.
VALUES: Mapping[str, tuple[float, bool]] = {
    "customers.email.quality.few_nulls": (3.5, False),
    "customers.quality.many": (ROWS, False),
    "customers.quality.ids": (3, False),
    "customers.quality.pairs": (1, True),
    "customers.quality.negative": (2, True),
    "customers.region.relationship": (1, False),
}
# An age: it is in this range, in seconds, and low enough.
FRESH = "customers.created.sla.fresh"


@dataclass(frozen=True)
class Planted:
    """The contract, its rules, and the rows of both objects."""

    contract: Contract
    rules: RuleSet
    rows: tuple[Mapping[str, object], ...]
    regions: tuple[Mapping[str, object], ...] = tuple({"code": code} for code in REGIONS)


def planted(now: dt.datetime | None = None) -> Planted:
    """The sample as of `now`: its newest row is an hour old."""
    contract = load_contract(CONTRACT.encode())
    rows = [_good(number, now or dt.datetime.now(dt.UTC)) for number in range(ROWS)]
    for number, column, value in _FAULTS:
        rows[number][column] = value
    return Planted(contract, compile_rules(contract), tuple(rows))


def _good(number: int, now: dt.datetime) -> dict[str, object]:
    return {
        "id": 2**60 + number,
        "region": REGIONS[number % 3],
        "number": number,
        "email": f"person{number}@example.com",
        "currency": ("EUR", "USD", "it's", None)[number % 4],
        "balance": float(number),
        "amount": Decimal(number + 1) / 20,
        "age": 1 + number % 100,
        "score": 5 * number,
        "joined": dt.date(2000, 1, 1) + dt.timedelta(days=number),
        "created": (now - dt.timedelta(hours=1, minutes=number)).replace(microsecond=0),
    }


# Row, column, value. Rows that belong together start with the same digits.
_FAULTS: tuple[tuple[int, str, object], ...] = (
    (11, "id", 2**60 + 10),
    (12, "id", 2**60 + 10),
    (21, "id", 2**60 + 20),
    (25, "id", None),
    (26, "id", None),
    (31, "region", REGIONS[30 % 3]),
    (31, "number", 30),
    (40, "region", None),
    (41, "number", None),
    (42, "number", None),
    (43, "region", "nowhere"),
    (50, "email", "no at sign"),
    (51, "email", "two@@example.com"),
    (52, "email", "person52@example.com\n"),
    (53, "email", "Upper@EXAMPLE.com"),
    (54, "email", "a@b.cd"),
    (55, "email", f"{'long' * 5}@example.com"),
    (56, "email", f"{'long' * 6}@example.com"),
    *((number, "email", None) for number in range(60, 67)),
    (70, "currency", "eur"),
    (71, "currency", ""),
    (72, "currency", "GBP"),
    (80, "balance", -100.5),
    (81, "balance", -101.0),
    (82, "balance", float("nan")),
    (83, "balance", 1000.001),
    (84, "balance", None),
    (90, "amount", Decimal("0.04")),
    (91, "amount", Decimal("0.05")),
    (100, "age", 0),
    (101, "age", -1),
    (102, "age", 121),
    (103, "age", None),
    (110, "score", 7),
    (111, "score", -3),
    (120, "joined", dt.date(1999, 12, 31)),
    (121, "joined", None),
    (130, "created", None),
)
