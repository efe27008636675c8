"""What the tests of engines of other makers share: the planted data as files, and rules for an engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from planted import DUCKDB_TYPES, Planted, planted

from lakepact.quality.engine import Data, EngineContext, FileData, QualityEngine
from lakepact.quality.native import Run
from lakepact.results.model import RuleResult
from lakepact.rules.model import Action, EngineRule, ObjectRules

REGION_TYPES = "code VARCHAR"


def write_parquet(file: Path, types: str, rows: Sequence[Mapping[str, object]]) -> FileData:
    """Rows as a Parquet file."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE rows ({types})")
        names = [each[0] for each in connection.execute("DESCRIBE rows").fetchall()]
        if rows:
            marks = ", ".join("?" for _ in names)
            connection.executemany(
                f"INSERT INTO rows VALUES ({marks})", [[row[name] for name in names] for row in rows]
            )
        connection.execute(f"COPY rows TO '{file}' (FORMAT parquet)")
    return FileData(paths=(str(file),), format="parquet")


def planted_files(folder: Path) -> tuple[Planted, FileData, FileData]:
    """The planted sample, and the files of its two objects."""
    sample = planted()
    customers = write_parquet(folder / "customers.parquet", DUCKDB_TYPES, sample.rows)
    return sample, customers, write_parquet(folder / "regions.parquet", REGION_TYPES, sample.regions)


def context_of(sample: Planted, *, samples: int = 0, **references: Data) -> EngineContext:
    run = Run(run_id="run", contract=sample.contract, dataset="customers", clock=lambda: dt.datetime.now(dt.UTC))
    return EngineContext(run=run, references=references, samples=samples)


def engine_rules(sample: Planted, engine: str, *implementations: Any, action: Action = Action.FAIL) -> ObjectRules:
    """Rules of the object that only `engine` understands: `customers.0`, `customers.1`, …"""
    rules = tuple(
        EngineRule(
            id=f"customers.{number}",
            name=str(number),
            object="customers",
            engine=engine,
            implementation=implementation,
            columns=(),
            clauses=(),
            description="",
            action=action,
            action_from="default",
        )
        for number, implementation in enumerate(implementations)
    )
    return replace(sample.rules.objects[0], engine_rules=rules)


def evaluated(engine: QualityEngine, data: Data, rules: ObjectRules, context: EngineContext) -> dict[str, RuleResult]:
    results = engine.evaluate(data, rules, context)
    assert {each.engine for each in results} <= {engine.name}
    return {each.rule_id: each for each in results}


def told(results: Mapping[str, RuleResult]) -> list[tuple[str, int | None, str | None, str]]:
    """Status, violations, value and message of each result, in order."""
    return [(each.status.value, each.violations, each.value, each.message) for each in results.values()]
