"""Results of rules, and a `rule_results` table of them without Java, for tests of several folders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import arro3.core as arro3
import deltalake

from lakepact.results import RuleResult, RuleStatus
from lakepact.rules.model import Action

NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
_TYPES: dict[str, Any] = {
    "at": arro3.DataType.int64(),
    "violations": arro3.DataType.int64(),
    "tested": arro3.DataType.int64(),
    "seconds": arro3.DataType.float64(),
}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def result(**changed: Any) -> RuleResult:
    """A result of `sales.orders` that holds, but for what is said."""
    said: dict[str, Any] = {
        "run_id": "run-1",
        "contract_id": "sales.orders",
        "contract_version": "1.0.0",
        "object": "orders",
        "dataset": "main.sales.orders",
        "rule_id": "orders.amount.minimum",
        "action": Action.QUARANTINE,
        "status": RuleStatus.PASS,
        "at": NOON,
    } | changed
    return RuleResult(**({"rule_name": said["rule_id"]} | said))


def write_results(folder: Path, results: Iterable[RuleResult]) -> Path:
    """Append to the table `rule_results` in `folder`; the folder."""
    found = list(results)
    columns: dict[str, Any] = {}
    for name in (field.name for field in fields(RuleResult)):
        values = [getattr(each, name) for each in found]
        if name == "at":
            values = [(value - _EPOCH) // dt.timedelta(microseconds=1) for value in values]
        column = arro3.Array(values, _TYPES.get(name, arro3.DataType.utf8()))
        columns[name] = column.cast(arro3.DataType.timestamp("us", tz="UTC")) if name == "at" else column
    deltalake.write_deltalake(folder / "rule_results", arro3.Table.from_pydict(columns), mode="append")
    return folder
