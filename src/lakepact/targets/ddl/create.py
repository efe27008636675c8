"""CREATE TABLE for an object whose table is not there."""

from __future__ import annotations

from collections.abc import Iterator

from lakepact.plan.metadata import cluster_columns, comment, partition_columns
from lakepact.plan.model import DatasetRole
from lakepact.rules.model import TypedColumn
from lakepact.sql import identifier, qualified, string
from lakepact.targets.ddl.types import Dialect, Entry, Target

__all__ = ["column_definition", "create_table", "listed", "mask_name", "primary_key_name"]


def create_table(target: Target) -> Iterator[Entry]:
    """The statement that makes the table, and what its dialect cannot say."""
    described, rules = target.described, target.rules
    if not rules.columns:
        yield target.refusal(
            f"table {target.name}", "the schema object has no stored properties, and a table needs columns"
        )
        return
    parts = [column_definition(target, column) for column in rules.columns]
    if rules.primary_key:
        key = f"CONSTRAINT {identifier(primary_key_name(target))} PRIMARY KEY ({listed(rules.primary_key)})"
        if target.dialect is Dialect.DATABRICKS:
            parts.append(key)
        else:
            yield target.refusal(key, "Spark has no key constraints; the pipeline checks the key")
    if target.dialect is Dialect.SPARK:
        yield from _unmasked(target)
    body = ",\n".join(f"  {part}" for part in parts)
    lines = [f"CREATE TABLE IF NOT EXISTS {target.name} (\n{body}\n)", "USING DELTA"]
    if partitions := partition_columns(described):
        lines.append(f"PARTITIONED BY ({listed(partitions)})")
    if clusters := cluster_columns(described):
        lines.append(f"CLUSTER BY ({listed(clusters)})")
    if text := comment(DatasetRole.PUBLISHED, described, rules.table):
        lines.append(f"COMMENT {string(text)}")
    pairs = ",\n".join(f"  {string(name)} = {string(value)}" for name, value in target.properties.items())
    lines.append(f"TBLPROPERTIES (\n{pairs}\n)")
    yield target.statement("\n".join(lines), f"table of schema object {rules.name}")


def _unmasked(target: Target) -> Iterator[Entry]:
    for column in target.rules.columns:
        if mask := mask_name(target, column.name):
            yield target.refusal(f"{identifier(column.name)} MASK {mask}", "Spark has no column masks")


def column_definition(target: Target, column: TypedColumn, *, required: bool | None = None) -> str:
    """A column with its type, NOT NULL, comment and mask. `required` overrides what the contract says."""
    needed = column.required or column.name in target.rules.primary_key
    parts = [identifier(column.name), column.type.ddl]
    if needed if required is None else required:
        parts.append("NOT NULL")
    if column.comment:
        parts.append(f"COMMENT {string(column.comment)}")
    mask = mask_name(target, column.name)
    if mask and target.dialect is Dialect.DATABRICKS:
        parts.append(f"MASK {mask}")
    return " ".join(parts)


def mask_name(target: Target, column: str) -> str:
    """The function that masks `column`, quoted; '' where its classification has none."""
    classification = next((c.classification for c in target.described.columns if c.column == column), None)
    function = target.masks.get(classification or "", "")
    return qualified(function.split(".")) if function else ""


def primary_key_name(target: Target) -> str:
    """The name of the table's primary key."""
    return f"pk_{target.rules.table}"


def listed(columns: tuple[str, ...]) -> str:
    """Names of columns, quoted, with commas between."""
    return ", ".join(identifier(column) for column in columns)
