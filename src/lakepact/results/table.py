"""The table `rule_results`: one row a rule, run and dataset; it only grows, until somebody removes what is old."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from types import MappingProxyType
from typing import Any, Final

from lakepact.results.model import RuleResult
from lakepact.sql import identifier, qualified, string

__all__ = [
    "APPEND_ONLY",
    "COLUMNS",
    "DAILY",
    "RESULTS_COMMENT",
    "RULE_RESULTS",
    "ResultColumn",
    "append_results",
    "create_results",
    "create_table",
    "results_schema",
]

RULE_RESULTS: Final = "rule_results"
DAILY: Final = f"{RULE_RESULTS}_daily"
APPEND_ONLY: Final = "delta.appendOnly"
"""The property by which the table refuses to forget; whoever removes rows for their age sets it to false."""

RESULTS_COMMENT: Final = "Results of the rules of data contracts: one row a rule, run and dataset, never changed."


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column with its type as SQL writes it, and its comment."""

    name: str
    type: str
    comment: str


COLUMNS: Final = (
    ResultColumn("run_id", "STRING", "The run that evaluated the rule"),
    ResultColumn("contract_id", "STRING", "Id of the contract"),
    ResultColumn("contract_version", "STRING", "Version of the contract"),
    ResultColumn("object", "STRING", "Schema object of the contract"),
    ResultColumn("dataset", "STRING", "Table, or path of the table, whose data was looked at"),
    ResultColumn("rule_id", "STRING", "Id of the rule; `schema` for the comparison of columns"),
    ResultColumn("rule_name", "STRING", "Name of the rule in its object"),
    ResultColumn("action", "STRING", "What a violation does: warn, drop, quarantine or fail"),
    ResultColumn("status", "STRING", "pass, warn, fail, error (not evaluated for a fault) or skipped"),
    ResultColumn("at", "TIMESTAMP", "When it was evaluated (UTC)"),
    ResultColumn("engine", "STRING", "What evaluated the rule"),
    ResultColumn("violations", "BIGINT", "Rows that break the rule; NULL for a rule on the whole dataset"),
    ResultColumn("tested", "BIGINT", "Rows that were looked at"),
    ResultColumn("value", "STRING", "Measured value of a rule on the whole dataset"),
    ResultColumn("threshold", "STRING", "What the value should be"),
    ResultColumn("dimension", "STRING", "Quality dimension, from the contract"),
    ResultColumn("severity", "STRING", "Severity, from the contract"),
    ResultColumn("seconds", "DOUBLE", "How long it took, where the rule was evaluated alone"),
    ResultColumn("sample", "STRING", "Where violating rows can be found"),
    ResultColumn("message", "STRING", "What was found, for people"),
)
assert [column.name for column in COLUMNS] == [field.name for field in fields(RuleResult)]


def results_schema() -> str:
    """The columns as Spark's DDL."""
    return ", ".join(f"{identifier(column.name)} {column.type}" for column in COLUMNS)


def append_results(spark: Any, schema: Sequence[str], results: Iterable[RuleResult], *, key: str) -> None:
    """Append results to the table in `schema` (the parts of its name); schema and table are made where they are absent.

    `key` names what the results are of: the same key again appends nothing, so a repeated run leaves no second copy.
    """
    rows = [_row(result) for result in results]
    if not rows:
        return
    name = qualified([*schema, RULE_RESULTS])
    if not spark.catalog.tableExists(name):
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {qualified(schema)}")
        spark.sql(create_results(schema))
    frame = spark.createDataFrame(rows, results_schema()).coalesce(1)
    frame.write.format("delta").mode("append").option("txnAppId", f"lakepact:results:{key}").option(
        "txnVersion", 1
    ).saveAsTable(name)


def create_results(schema: Sequence[str]) -> str:
    """The statement that makes the table in `schema` (the parts of its name) where it is absent."""
    properties = {APPEND_ONLY: "true"}
    return create_table([*schema, RULE_RESULTS], COLUMNS, comment=RESULTS_COMMENT, properties=properties)


def create_table(
    name: Sequence[str],
    columns: Iterable[ResultColumn],
    *,
    comment: str,
    properties: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The statement that makes the table of that name (its parts) where it is absent."""
    listed = ", ".join(f"{identifier(each.name)} {each.type} COMMENT {string(each.comment)}" for each in columns)
    made = f"CREATE TABLE IF NOT EXISTS {qualified(name)} ({listed}) USING DELTA COMMENT {string(comment)}"
    said = ", ".join(f"{string(key)} = {string(value)}" for key, value in properties.items())
    return f"{made} TBLPROPERTIES ({said})" if said else made


def _row(result: RuleResult) -> tuple[Any, ...]:
    return astuple(result)
