"""What it costs to say of every row which rules it breaks, and to write rows to two places, against bare writes."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import Line, cpu_seconds
from benchmarks.rows import COLUMNS
from lakepact.contract import load_contract
from lakepact.quality.native import NativeEvaluation, Run
from lakepact.rules import compile_rules
from lakepact.rules.model import RowRuleKind
from lakepact.spark.session import LocalSession

__all__ = ["measure_marking"]

_ROUNDS = 5
_REMOVES = [{"property": "lakepact.action", "value": "quarantine"}]
_PROPERTIES = [
    {"name": "id", "logicalType": "integer", "required": True},
    {"name": "customer", "logicalType": "string", "required": True, "logicalTypeOptions": {"pattern": "^c[0-9]+$"}},
    {"name": "country", "logicalType": "string", "logicalTypeOptions": {"maxLength": 2, "pattern": "^(DE|FR|IT)$"}},
    {"name": "amount", "logicalType": "number", "logicalTypeOptions": {"minimum": 0, "maximum": 5000}},
    {"name": "quantity", "logicalType": "integer", "logicalTypeOptions": {"minimum": 0, "maximum": 100}},
    {"name": "email", "logicalType": "string", "logicalTypeOptions": {"pattern": "@"}},
    {"name": "note", "logicalType": "string", "logicalTypeOptions": {"maxLength": 40}},
    {"name": "ordered", "logicalType": "timestamp", "required": True},
]


def measure_marking(session: LocalSession, folder: Path, *, rows: int) -> Iterator[Line]:
    """Two lines: rows that are marked and kept against a plain filter, and both tables against a copy."""
    spark = session.classic
    data = str(folder / "marking")
    columns = [f"{expression} AS {name}" for name, expression in COLUMNS.items()]
    spark.range(rows).repartition(4).selectExpr(*columns).write.parquet(data)
    document = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "bench", "version": "1.0.0", "status": "active"}
    properties = [{**each, "customProperties": _REMOVES} for each in _PROPERTIES]
    schema = [{"name": "orders", "properties": properties}]
    contract = load_contract(json.dumps({**document, "schema": schema}).encode())
    (compiled,) = compile_rules(contract).objects
    # The columns have their types already.
    rules = replace(compiled, row_rules=tuple(rule for rule in compiled.row_rules if rule.kind is RowRuleKind.VALUE))
    passes = " AND ".join(f"({rule.predicate})" for rule in rules.row_rules)

    def written(frame: Any, name: str) -> None:
        frame.write.mode("overwrite").parquet(str(folder / name))

    def marked(*, aside: bool) -> None:
        run = Run(run_id="bench", contract=contract, dataset="orders", clock=lambda: datetime.now(UTC))
        with NativeEvaluation(spark, spark.read.parquet(data), rules=rules, run=run) as judged:
            judged.find_clashes()
            written(judged.kept(), "kept")
            if aside:
                written(judged.quarantined(added={}), "aside")

    works: dict[str, Callable[[], None]] = {
        "copy": lambda: written(spark.read.parquet(data), "copy"),
        "filter": lambda: written(spark.read.parquet(data).where(passes), "filter"),
        "marked": lambda: marked(aside=False),
        "both": lambda: marked(aside=True),
    }
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(_ROUNDS + 1):
        for name, work in works.items():
            before = cpu_seconds(spark)
            work()
            spent[name].append(cpu_seconds(spark) - before)
    for what, mine, bare, limit in (
        ("rows marked and kept, against a filter", "marked", "filter", 1.5),
        ("published and quarantine, against a copy", "both", "copy", 1.6),
    ):
        pairs = list(zip(spent[mine], spent[bare], strict=True))[1:]
        detail = f"{statistics.median(spent[mine]):.1f} against {statistics.median(spent[bare]):.1f} CPU s"
        ratio = statistics.median(one / other for one, other in pairs)
        yield Line(f"{what}, {rows:,} rows", ratio, limit, "x CPU", f"{detail}, {len(rules.row_rules)} rules")
