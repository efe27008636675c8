"""What ten checks cost on each quality engine, against one hand-written aggregation and one exact grouping of the key.

Written by hand is also what gives the same answers: the floor counts keys that occur twice, and measures all rows.

The checks are those of most contracts: values that must be there, a key, a pattern, two lists, a range, freshness, the
number of rows and a mean. One per cent of the rows breaks each rule on rows. Soda and Great Expectations are measured
by themselves too, with the same checks: what is more is what their adapters add.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.bare import bare_gx, bare_soda
from benchmarks.measure import Line, cpu_seconds
from lakepact.contract import load_contract
from lakepact.quality.engine import Data, EngineContext, FileData, FrameData, QualityEngine
from lakepact.quality.native import Run
from lakepact.quality.opening import open_engine
from lakepact.results import RuleStatus
from lakepact.rules import compile_rules
from lakepact.rules.model import RowRuleKind
from lakepact.spark.session import open_local_session

__all__ = ["measure_engines"]

# After those that warm up: a check is measured as Java runs it after a while, and not while it compiles it.
_WARM, _ROUNDS, _ROUNDS_OF_MANY = 2, 7, 3
# Of the floor, by engine: Spark evaluates lakepact's rules, DuckDB does without Java, the others are measured beside.
_LIMITS = {"native": 1.1, "duckdb": 0.3, "soda": 2.0, "gx": 3.0}
# Seconds that a million rows may take, warm; more rows in proportion, fewer as long.
_SECONDS = {"native": 10.0, "duckdb": 10.0, "soda": 10.0, "gx": 20.0}
_ALL_SECONDS = 30.0
# Of the time of the engine by itself.
_ADAPTER = 1.1
_BARE = {"soda": bare_soda, "gx": bare_gx}
# Rows from which on Java needs more than its usual memory.
_MANY = 3_000_000
# CPU seconds of one rule on a million rows, the key among them: what checks cost is told so, and not as a share of a
# pipeline, which may be anything.
_A_RULE = 0.5
_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: bench
version: 1.0.0
status: active
slaProperties:
  - {property: freshness, value: 100000, unit: d, element: customers.created}
schema:
  - name: customers
    quality:
      - {id: rows, metric: rowCount, mustBeBetween: [100, 1000000000]}
      - {id: mean, type: sql, query: 'SELECT avg(balance) FROM {object}', mustBeBetween: [0, 10000]}
    properties:
      - {name: id, logicalType: integer, required: true, unique: true}
      - {name: created, logicalType: timestamp, required: true}
      - {name: email, logicalType: string, logicalTypeOptions: {pattern: '^[a-z0-9.]+@[a-z]+[.][a-z]{2,}$'}}
      - name: currency
        logicalType: string
        quality: [{id: known, metric: invalidValues, arguments: {validValues: [USD, EUR, GBP, CAD]}, mustBe: 0}]
      - name: status
        logicalType: string
        quality: [{id: known, metric: invalidValues, arguments: {validValues: [active, closed]}, mustBe: 0}]
      - {name: balance, logicalType: number, logicalTypeOptions: {minimum: -10000, maximum: 1000000}}
"""
_COLUMNS = (
    "CASE WHEN id % 100 = 1 THEN NULL WHEN id % 100 = 2 THEN id + 2 ELSE id END AS id",
    "IF(id % 100 = 3, NULL, timestamp_seconds(1700000000 + id)) AS created",
    "IF(id % 100 = 4, 'nobody', concat('u', id, '@example.com')) AS email",
    "IF(id % 100 = 5, 'XXX', element_at(array('USD', 'EUR', 'GBP', 'CAD'), CAST(id % 4 + 1 AS INT))) AS currency",
    "IF(id % 100 = 6, 'gone', element_at(array('active', 'closed'), CAST(id % 2 + 1 AS INT))) AS status",
    "IF(id % 100 = 7, -99999D, CAST(id % 10000 AS DOUBLE)) AS balance",
    *(f"concat('text ', id % {97 + number}) AS filler_{number}" for number in range(6)),
)
_FLOOR = """
SELECT count(1), count_if(id IS NULL), count_if(created IS NULL),
  count_if(NOT coalesce(email RLIKE '^[a-z0-9.]+@[a-z]+[.][a-z]{{2,}}$', TRUE)),
  count_if(NOT coalesce(currency IN ('USD', 'EUR', 'GBP', 'CAD'), TRUE)),
  count_if(NOT coalesce(status IN ('active', 'closed'), TRUE)),
  count_if(NOT coalesce(balance BETWEEN -10000 AND 1000000, TRUE)), max(created), avg(balance)
FROM parquet.`{path}`
"""
_KEYS = "SELECT count(1) FROM (SELECT 1 FROM parquet.`{path}` WHERE id IS NOT NULL GROUP BY id HAVING count(1) > 1)"

# What the floor leaves out: rows with keys that occur twice are removed too, and what is measured are the kept rows.
_SAME_ANSWERS = """
WITH repeated AS (SELECT id FROM parquet.`{path}` WHERE id IS NOT NULL GROUP BY id HAVING count(1) > 1),
judged AS (
  SELECT /*+ BROADCAST(repeated) */ created, balance, rows.id IS NULL AS b0, repeated.id IS NOT NULL AS b1,
    created IS NULL AS b2, NOT coalesce(email RLIKE '^[a-z0-9.]+@[a-z]+[.][a-z]{{2,}}$', TRUE) AS b3,
    NOT coalesce(currency IN ('USD', 'EUR', 'GBP', 'CAD'), TRUE) AS b4,
    NOT coalesce(status IN ('active', 'closed'), TRUE) AS b5,
    NOT coalesce(balance BETWEEN -10000 AND 1000000, TRUE) AS b6
  FROM parquet.`{path}` AS rows LEFT JOIN repeated ON rows.id = repeated.id
)
SELECT count(1), count_if(b0), count_if(b1), count_if(b2), count_if(b3), count_if(b4), count_if(b5), count_if(b6),
  count_if(NOT (b0 OR b1 OR b2 OR b3 OR b4 OR b5 OR b6)),
  max(created) FILTER (WHERE NOT (b0 OR b1 OR b2 OR b3 OR b4 OR b5 OR b6)),
  avg(balance) FILTER (WHERE NOT (b0 OR b1 OR b2 OR b3 OR b4 OR b5 OR b6))
FROM judged
"""


def measure_engines(*, rows: int) -> Iterator[Line]:
    """CPU against the floor and seconds of each engine, and what adapters add; the rounds of all are interleaved."""
    with (
        tempfile.TemporaryDirectory(prefix="lakepact-bench-") as name,
        # Great Expectations asks for the functions of classic data frames.
        open_local_session(
            warehouse=Path(name), app_name="lakepact", connect_functions=False, heap="2g" if rows < _MANY else "4g"
        ) as session,
    ):
        yield from _measured(session.classic, str(Path(name) / "customers"), rows=rows)


def _measured(spark: Any, path: str, *, rows: int) -> Iterator[Line]:
    spark.range(1000, 1000 + rows).repartition(max(4, rows // 1_000_000)).selectExpr(*_COLUMNS).write.parquet(path)
    contract = load_contract(_CONTRACT.encode())
    (compiled,) = compile_rules(contract).objects
    # The columns have their types already; Soda and Great Expectations see nothing else.
    stored = tuple(rule for rule in compiled.row_rules if rule.kind is not RowRuleKind.TYPE)
    rules = replace(compiled, row_rules=stored)
    files = FileData(paths=(f"{path}/*.parquet",), format="parquet")

    evaluated: dict[str, int] = {}

    def floor() -> None:
        spark.sql(_FLOOR.format(path=path)).collect()
        spark.sql(_KEYS.format(path=path)).collect()

    def same_answers() -> None:
        spark.sql(_SAME_ANSWERS.format(path=path)).collect()

    def checks(engine: QualityEngine, data: Data) -> Callable[[], None]:
        def work() -> None:
            run = Run(run_id="bench", contract=contract, dataset="customers", clock=lambda: datetime.now(UTC))
            results = engine.evaluate(data, rules, EngineContext(run=run))
            if bad := [each for each in results if each.status is RuleStatus.ERROR]:
                raise RuntimeError(f"{engine.name}: {bad[0].rule_id}: {bad[0].message}")
            evaluated[engine.name] = sum(each.status is not RuleStatus.SKIPPED for each in results)

        return work

    frame = spark.read.parquet(path)
    given: dict[str, Data] = {"native": FrameData(frame), "duckdb": files}
    engines = {name: open_engine(name, {"compiled": True} if name in ("soda", "gx") else {}) for name in _LIMITS}
    works = {name: checks(engine, given.get(name, given["native"])) for name, engine in engines.items()}
    alone = {f"bare {name}": made(spark, frame, contract, rules) for name, made in _BARE.items()}
    rounds = _ROUNDS if rows < _MANY else _ROUNDS_OF_MANY
    spent, taken = _rounds(spark, {"floor": floor, "same": same_answers, **works, **alone}, rounds)
    bare = statistics.median(spent["floor"])
    share = max(1.0, rows / 1e6)
    for name in works:
        ratio = _ratio(spent[name], spent["floor"])
        detail = f"{statistics.median(spent[name]):.1f} against {bare:.1f} CPU s, {evaluated[name]} rules"
        yield Line(f"ten checks, {rows:,} rows, {name}", ratio, _LIMITS[name], "x CPU", detail)
        seconds = statistics.median(taken[name])
        yield Line(f"ten checks, {rows:,} rows, {name}", seconds, _SECONDS[name] * share, "s", "warm")
    same = f"{statistics.median(spent['native']):.1f} against {statistics.median(spent['same']):.1f} CPU s"
    ratio = _ratio(spent["native"], spent["same"])
    yield Line(f"ten checks, {rows:,} rows, native against SQL that answers the same", ratio, 1.1, "x CPU", same)
    total = sum(statistics.median(taken[name]) for name in works)
    yield Line(f"ten checks, {rows:,} rows, all engines", total, _ALL_SECONDS * share, "s", "warm, one after another")
    for name in _BARE:
        own = statistics.median(spent[f"bare {name}"])
        detail = f"{statistics.median(spent[name]):.2f} against {own:.2f} CPU s"
        ratio = _ratio(spent[name], spent[f"bare {name}"])
        yield Line(f"adapter of {name}, {rows:,} rows", ratio, _ADAPTER, "x CPU", detail)
    each = statistics.median(spent["native"]) / rows * 1e6 / evaluated["native"]
    yield Line("a rule on a million rows, native", each, _A_RULE, "CPU s")


def _rounds(
    spark: Any, works: Mapping[str, Callable[[], None]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """CPU seconds and seconds of each piece of work in each round, after those that warm up."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(_WARM + rounds):
        for name, work in works.items():
            before, began = cpu_seconds(spark), time.perf_counter()
            work()
            if number >= _WARM:
                taken[name].append(time.perf_counter() - began)
                spent[name].append(cpu_seconds(spark) - before)
    return spent, taken


def _ratio(mine: list[float], theirs: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(mine, theirs, strict=True))
