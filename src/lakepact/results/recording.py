"""Recording results where they are asked for: in a table at a path, or in one of a catalog."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lakepact.errors import RemoteFailed
from lakepact.results.model import RuleResult
from lakepact.results.table import COLUMNS, RULE_RESULTS, create_results
from lakepact.sql import identifier, qualified
from lakepact.store.sql_statements import StatementFailed, Statements, schema_of

__all__ = ["catalog_of", "record_results"]

_SPARK: Final = "spark:"
_WAREHOUSE: Final = "uc:"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ABSENT: Final = re.compile(r"(TABLE_OR_VIEW|DELTA_TABLE)_NOT_FOUND")
# What makes a result the one that is there already.
_KEY: Final = ("run_id", "contract_id", "dataset", "rule_id")


def catalog_of(place: str) -> tuple[Statements, tuple[str, ...]] | None:
    """What runs statements on the schema at `place`, and the parts of its name; None where `place` is a path.

    `spark:[CATALOG.]SCHEMA` is one of the session that runs, `uc:CATALOG.SCHEMA?warehouse=ID` one behind a SQL
    warehouse. Raises what opening a session or a warehouse raises.
    """
    if place.startswith(_SPARK):
        from lakepact.spark.connect import active_session
        from lakepact.store.spark_session import SparkStatements

        parts = schema_of(place.removeprefix(_SPARK), address=place, parts=(1, 2), example=f"{_SPARK}main.lakepact")
        return SparkStatements(active_session()), parts
    if place.startswith(_WAREHOUSE):
        from lakepact.store.warehouse import statements_at

        return statements_at(place)
    return None


def record_results(place: str, results: Sequence[RuleResult], *, key: str) -> None:
    """Add results to `rule_results` at `place`, a path of delta-rs or what `catalog_of` takes; it is made if absent.

    `key` names what the results are of, which is recorded once however often it is asked for. Raises RemoteFailed
    LP992 where they cannot be recorded, ExtraMissing LP991 without deltalake, and what `catalog_of` raises.
    """
    if not results:
        return
    rows = [asdict(result) for result in results]
    catalog = catalog_of(place)
    if catalog is None:
        from lakepact.results.delta import DeltaPlace

        DeltaPlace(place).append(rows, key=key)
        return
    statements, schema = catalog
    added = {"results": json.dumps([_plain(row) for row in rows], ensure_ascii=False)}
    try:
        try:
            statements.run(_merge(schema), added)
        except StatementFailed as failed:
            if not _ABSENT.search(failed.condition or failed.message):
                raise
            # Only now: who may add rows need not have the right to make tables.
            statements.run(create_results(schema), {})
            statements.run(_merge(schema), added)
    except StatementFailed as failed:
        message = f"the results of '{key}' cannot be recorded in '{place}': {failed.message}"
        raise RemoteFailed(message, "LP992", "check that you may use the schema, and change its tables") from failed


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "at": (row["at"] - _EPOCH) // timedelta(microseconds=1)}


def _merge(schema: Sequence[str]) -> str:
    """Adds the results of the JSON `:results` that are not there."""
    types = ", ".join(
        f"{identifier(each.name)}: {'BIGINT' if each.type == 'TIMESTAMP' else each.type}" for each in COLUMNS
    )
    names = [identifier(each.name) for each in COLUMNS]
    values = [
        f"timestamp_micros(s.{name})" if each.type == "TIMESTAMP" else f"s.{name}"
        for name, each in zip(names, COLUMNS, strict=True)
    ]
    same = " AND ".join(f"t.{identifier(name)} = s.{identifier(name)}" for name in _KEY)
    return (
        f"MERGE INTO {qualified([*schema, RULE_RESULTS])} t "
        f"USING (SELECT inline(from_json(:results, 'ARRAY<STRUCT<{types}>>'))) s ON {same} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({', '.join(values)})"
    )
