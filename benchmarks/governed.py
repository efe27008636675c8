"""What a governed write costs: rules on rows and a key, against the plain write and one exact grouping of the key."""

from __future__ import annotations

import statistics
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import Line, cpu_seconds
from benchmarks.rows import COLUMNS
from lakepact.contract import load_contract
from lakepact.io import using, write_with_contract
from lakepact.rules import compile_rules
from lakepact.rules.model import RowRuleKind
from lakepact.spark.session import LocalSession

__all__ = ["measure_governed"]

_ROUNDS = 3
_LIMIT = 1.8
_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: bench
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, required: true, unique: true, logicalTypeOptions: {minimum: 0}}
      - {name: customer, logicalType: string, required: true, criticalDataElement: true,
          logicalTypeOptions: {pattern: '^c[0-9]+$', minLength: 2, maxLength: 10}}
      - name: country
        logicalType: string
        required: true
        logicalTypeOptions: {minLength: 2, maxLength: 2}
        quality:
          - {id: known, metric: invalidValues, arguments: {validValues: [DE, FR, IT]}, mustBe: 0, severity: error}
      - {name: amount, logicalType: number, required: true, criticalDataElement: true,
          logicalTypeOptions: {minimum: 0, maximum: 5000}}
      - {name: quantity, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0, maximum: 100}}
      - {name: email, logicalType: string, required: true, logicalTypeOptions: {pattern: '@', maxLength: 60}}
      - {name: note, logicalType: string, logicalTypeOptions: {minLength: 0, maxLength: 40}}
      - {name: ordered, logicalType: timestamp, required: true}
"""


def measure_governed(session: LocalSession, folder: Path, *, rows: int) -> Iterator[Line]:
    """One line: the median of a few rounds, in each of which all three are measured."""
    spark, schema = session.classic, f"bench_{uuid.uuid4().hex[:8]}"
    session.attach([schema])
    data = str(folder / "governed")
    columns = [f"{expression} AS {name}" for name, expression in COLUMNS.items()]
    spark.range(rows).repartition(4).selectExpr(*columns).write.parquet(data)
    frame, contract = spark.read.parquet(data), load_contract(_CONTRACT.encode())
    number = iter(range(1_000))

    def plain() -> None:
        frame.write.format("delta").saveAsTable(f"{schema}.plain_{next(number)}")

    def grouped() -> None:
        spark.sql(f"SELECT count(1) FROM (SELECT 1 FROM parquet.`{data}` GROUP BY id HAVING count(1) > 1)").collect()

    def governed() -> None:
        with using(store="memory:", results=schema, cache=folder / "cache"):
            write_with_contract(frame, contract, table=f"{schema}.governed_{next(number)}")

    rounds = [[_cost(spark, work) for work in (plain, grouped, governed)] for _ in range(_ROUNDS + 1)][1:]
    ratio = statistics.median(kept / (bare + keys) for bare, keys, kept in rounds)
    bare, keys, kept = (statistics.median(each) for each in zip(*rounds, strict=True))
    rules = sum(1 for rule in compile_rules(contract).objects[0].row_rules if rule.kind is RowRuleKind.VALUE)
    detail = f"{kept:.1f} against {bare:.1f} + {keys:.1f} CPU s"
    yield Line(f"governed write, {rows:,} rows, {rules} rules, a key", ratio, _LIMIT, "x CPU", detail)


def _cost(spark: object, work: Callable[[], None]) -> float:
    before = cpu_seconds(spark)
    work()
    return cpu_seconds(spark) - before
