"""Quarantine tables as governed writes leave them, made without Spark, and a clock that is set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa

from lakepact.contract import Contract, load_contract

START = datetime(2024, 1, 1, 12, tzinfo=UTC)
RULE = "orders.amount.positive"
CONTRACT_ID = "test.orders"


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """The time that is set."""
        return self.now

    def pass_by(self, **span: float) -> None:
        """Move it."""
        self.now += timedelta(**span)


def set_aside(
    path: Path,
    rows: Sequence[tuple[int, float | None, str]],
    *,
    run: str | None = "run-1",
    at: datetime = START,
    raw: Mapping[str, str] | None = None,
    rules: Sequence[str] = (RULE,),
    stream: bool = False,
) -> Path:
    """Append rows of order_id, amount and e-mail to the quarantine table at `path`.

    Without a run they are of a pipeline: of a materialized view, or of a `stream`, which says when.
    """
    count = len(rows)
    data: dict[str, Any] = {
        "order_id": pa.array([row[0] for row in rows], pa.int64()),
        "amount": pa.array([row[1] for row in rows], pa.float64()),
        "email": pa.array([row[2] for row in rows], pa.string()),
        "_lakepact_failed_rules": pa.array([list(rules)] * count, pa.list_(pa.string())),
        "_lakepact_raw_values": pa.array([list((raw or {}).items())] * count, pa.map_(pa.string(), pa.string())),
        "_lakepact_contract_id": pa.array([CONTRACT_ID] * count),
        "_lakepact_contract_version": pa.array(["1.0.0"] * count),
    }
    if run is not None:
        data["_lakepact_run_id"] = pa.array([run] * count)
    if run is not None or stream:
        data["_lakepact_quarantined_at"] = pa.array([at] * count, pa.timestamp("us", "UTC"))
    deltalake.write_deltalake(str(path), pa.table(data), mode="append")
    return path


def orders_contract(
    *,
    retention_days: int | str | None = None,
    version: str = "1.0.0",
    minimum: float = 0,
    at_most_rows: int | None = None,
) -> Contract:
    """The contract of orders: a positive amount, else the row is set aside; e-mail addresses are confidential."""
    said = (
        ""
        if retention_days is None
        else (
            f"customProperties: [{{property: lakepact.quarantine, value: {{s3_bucket: 'memory://bad-${{TENANT}}', "
            f"s3_prefix: 'quarantine/${{TENANT}}/${{ASSET}}/', retention_days: {retention_days}}}}}]\n"
        )
    )
    rows = (
        ""
        if at_most_rows is None
        else (f"    quality: [{{id: few, metric: rowCount, mustBeLessOrEqualTo: {at_most_rows}, severity: error}}]\n")
    )
    return load_contract(
        f"""apiVersion: v3.2.0
kind: DataContract
id: {CONTRACT_ID}
version: {version}
status: active
{said}schema:
  - name: orders
{rows}    properties:
      - {{name: order_id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}}
      - name: amount
        logicalType: number
        logicalTypeOptions: {{exclusiveMinimum: {minimum}}}
        customProperties: [{{property: lakepact.action, value: quarantine}}]
      - {{name: email, logicalType: string, classification: confidential}}
""".encode(),
        file="orders.odcs.yaml",
    )
