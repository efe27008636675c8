"""A contract's cost a row: published, quarantine and counts against the same pipeline without a contract."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Line, median_cpu
from lakepact.contract import load_contract
from lakepact.local.names import Namespace
from lakepact.local.outcome import watched_expectations
from lakepact.local.pipeline_run import PipelineJob, run_pipeline
from lakepact.local.progress import Silent
from lakepact.local.selection import Selection
from lakepact.local.sources import SourceFile
from lakepact.plan import FileSource, ObjectSource, build_plan
from lakepact.rules import compile_rules
from lakepact.spark.session import LocalSession
from lakepact.targets import pipeline_python

__all__ = ["COLUMNS", "measure_rows"]

_ROUNDS = 3
# A view of which nothing has changed would not be run again.
_ANEW = Selection(full_refresh_all=True)
COLUMNS = {
    "id": "id",
    "customer": "concat('c', id % 5000)",
    "country": "element_at(array('DE', 'FR', 'IT', 'XX'), CAST(if(id % 101 = 0, 4, 1 + id % 3) AS INT))",
    "amount": "CAST(id % 1000 AS DOUBLE) - 5",
    "quantity": "CAST(id % 50 AS BIGINT)",
    "email": "concat('user', id, if(id % 200 = 0, '', '@example.com'))",
    "note": "if(id % 3 = 0, NULL, repeat('x', CAST(id % 40 AS INT)))",
    "ordered": "timestampadd(SECOND, id, TIMESTAMP'2024-01-01 00:00:00Z')",
}
_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: bench
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {{name: id, logicalType: integer, required: true{key}}}
      - {{name: customer, logicalType: string, required: true, criticalDataElement: true,
          logicalTypeOptions: {{pattern: '^c[0-9]+$'}}}}
      - name: country
        logicalType: string
        quality:
          - {{id: known, metric: invalidValues, arguments: {{validValues: [DE, FR, IT]}}, mustBe: 0, severity: error}}
      - {{name: amount, logicalType: number, criticalDataElement: true,
          logicalTypeOptions: {{minimum: 0, maximum: 5000}}}}
      - {{name: quantity, logicalType: integer, logicalTypeOptions: {{minimum: 0, maximum: 100}}}}
      - {{name: email, logicalType: string, logicalTypeOptions: {{pattern: '@'}}}}
      - {{name: note, logicalType: string, logicalTypeOptions: {{maxLength: 40}}}}
      - {{name: ordered, logicalType: timestamp, required: true}}
"""
_BARE = """
from pyspark import pipelines as dp

@dp.materialized_view()
def orders():
    return spark.read.parquet({path!r})
"""


def measure_rows(session: LocalSession, folder: Path, *, rows: int) -> Iterator[Line]:
    """Two lines: ten row rules, and the same with a unique key."""
    data = folder / "orders"
    columns = [f"{expression} AS {name}" for name, expression in COLUMNS.items()]
    session.classic.range(rows).repartition(4).selectExpr(*columns).write.parquet(str(data))
    bare = _cost(session, folder, _BARE.format(path=str(data)), {})
    for name, key, limit in (("ten row rules", "", 2.0), ("ten row rules and a unique key", ", unique: true", 3.5)):
        source, watched = _contracted(data, key)
        cost = _cost(session, folder, source, watched)
        detail = f"{cost:.1f} against {bare:.1f} CPU s"
        yield Line(f"{name}, {rows:,} rows", cost / bare, limit, "x CPU", detail)


def _contracted(data: Path, key: str) -> tuple[str, dict[str, frozenset[str]]]:
    contract = load_contract(_CONTRACT.format(key=key).encode())
    source = ObjectSource(source=FileSource(path=str(data), format="parquet"))
    plan = build_plan(contract, compile_rules(contract), {"orders": source}, pipeline="bench")
    return pipeline_python.render(plan), watched_expectations(plan)


def _cost(session: LocalSession, folder: Path, source: str, watched: dict[str, frozenset[str]]) -> float:
    schema = f"bench_{uuid.uuid4().hex[:8]}"
    session.attach([schema])
    job = PipelineJob(
        name=schema,
        namespace=Namespace("spark_catalog", schema),
        sources=[SourceFile("bench.py", source)],
        storage=folder,
        warehouse=session.warehouse,
        root=folder,
        watched=watched,
    )

    def run() -> None:
        outcome = run_pipeline(
            session, job, update_id=uuid.uuid4().hex, selection=_ANEW, dry_run=False, progress=Silent()
        )
        if outcome.failed:
            raise RuntimeError(f"the benchmark's pipeline failed: {outcome}")

    return median_cpu(session.classic, run, rounds=_ROUNDS)
