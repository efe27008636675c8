"""ALTER TABLE for an object whose table is there: only what loses nothing; the rest is a refusal with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lakepact.plan.metadata import cluster_columns, comment, partition_columns
from lakepact.plan.model import DatasetRole
from lakepact.rules.model import TypedColumn
from lakepact.sql import identifier, string
from lakepact.targets.ddl.create import column_definition, mask_name, primary_key_name
from lakepact.targets.ddl.types import Dialect, Entry, ExistingColumn, ExistingTable, Target

__all__ = ["alter_table"]

_WIDENING = "delta.enableTypeWidening"
_INTEGERS = ("tinyint", "smallint", "int", "bigint")
_DIGITS = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 20}
_ALIASES = {"byte": "tinyint", "short": "smallint", "integer": "int", "long": "bigint", "real": "float"}
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)\Z")


def alter_table(target: Target, existing: ExistingTable) -> Iterator[Entry]:
    """The statements that bring the table to the contract without losing anything."""
    there = {column.name.lower(): column for column in existing.columns}
    yield from _properties(target, existing)
    for column in target.rules.columns:
        old = there.pop(column.name.lower(), None)
        yield from _added(target, column) if old is None else _changed(target, column, old)
    for extra in there.values():
        reason = "the contract does not have it; it would be lost with its data"
        yield target.refusal(f"ALTER TABLE {target.name} DROP COLUMN {identifier(extra.name)}", reason)
    yield from _layout(target, existing)


def _properties(target: Target, existing: ExistingTable) -> Iterator[Entry]:
    text = comment(DatasetRole.PUBLISHED, target.described, target.rules.table)
    if text and text != existing.comment:
        yield target.statement(f"COMMENT ON TABLE {target.name} IS {string(text)}", "description")
    wanted = dict(target.properties)
    if any(_widens(_old_type(existing, column), _plain(column.type.ddl)) for column in target.rules.columns):
        wanted[_WIDENING] = "true"
    changed = {name: value for name, value in wanted.items() if existing.properties.get(name) != value}
    if changed:
        pairs = ", ".join(f"{string(name)} = {string(value)}" for name, value in changed.items())
        yield target.statement(f"ALTER TABLE {target.name} SET TBLPROPERTIES ({pairs})", "table properties")


def _old_type(existing: ExistingTable, column: TypedColumn) -> str:
    found = [old.type for old in existing.columns if old.name.lower() == column.name.lower()]
    return _plain(found[0]) if found else ""


def _added(target: Target, column: TypedColumn) -> Iterator[Entry]:
    definition = column_definition(target, column, required=False)
    yield target.statement(f"ALTER TABLE {target.name} ADD COLUMNS ({definition})", f"new column {column.name}")
    if column.required:
        yield _not_null(target, column, "rows that are there have no value for it")


def _changed(target: Target, column: TypedColumn, old: ExistingColumn) -> Iterator[Entry]:
    alter = f"ALTER TABLE {target.name} ALTER COLUMN {identifier(old.name)}"
    before, after = _plain(old.type), _plain(column.type.ddl)
    if _widens(before, after):
        yield target.statement(f"{alter} TYPE {column.type.ddl}", f"{column.name}: {old.type} becomes wider")
    elif before != after:
        reason = f"the column is {old.type}; the change is no widening and would need its data written again"
        yield target.refusal(f"{alter} TYPE {column.type.ddl}", reason)
    if column.comment and column.comment != old.comment:
        yield target.statement(f"{alter} COMMENT {string(column.comment)}", f"{column.name}: description")
    if column.required and old.nullable:
        yield _not_null(target, column, "rows that are there may be NULL; the pipeline checks new ones")
    yield from _mask(target, column, old, alter)


def _not_null(target: Target, column: TypedColumn, reason: str) -> Entry:
    return target.refusal(f"ALTER TABLE {target.name} ALTER COLUMN {identifier(column.name)} SET NOT NULL", reason)


def _mask(target: Target, column: TypedColumn, old: ExistingColumn, alter: str) -> Iterator[Entry]:
    mask = mask_name(target, column.name)
    if not mask or target.dialect is Dialect.SPARK:
        return
    if old.mask is None:
        yield target.statement(f"{alter} SET MASK {mask}", f"{column.name}: mask of its classification")
    elif old.mask.replace("`", "") != mask.replace("`", ""):
        yield target.refusal(f"{alter} SET MASK {mask}", f"the column is masked by {old.mask} already")


def _layout(target: Target, existing: ExistingTable) -> Iterator[Entry]:
    partitions, clusters = partition_columns(target.described), cluster_columns(target.described)
    if partitions != existing.partition_by:
        what = f"PARTITIONED BY ({', '.join(map(identifier, partitions))})"
        yield target.refusal(what, "partitions of a table that is there cannot change without writing it again")
    if clusters and clusters != existing.cluster_by:
        what = f"ALTER TABLE {target.name} CLUSTER BY ({', '.join(map(identifier, clusters))})"
        yield target.refusal(what, "changes how the whole table is laid out; run it by hand when that is wanted")
    key = target.rules.primary_key
    if key and target.dialect is Dialect.DATABRICKS and primary_key_name(target) not in existing.constraints:
        what = f"ADD CONSTRAINT {identifier(primary_key_name(target))} PRIMARY KEY ({', '.join(map(identifier, key))})"
        yield target.refusal(what, "its columns must be NOT NULL first, which rows that are there may break")


def _plain(ddl: str) -> str:
    text = re.sub(r"[\s`]", "", ddl.lower())
    text = re.sub(r"\bnumeric\b|\bdec\b", "decimal", text)
    return re.sub(r"[a-z]+", lambda found: _ALIASES.get(found.group(), found.group()), text)


def _widens(before: str, after: str) -> bool:
    if before in _INTEGERS and after in _INTEGERS:
        return _INTEGERS.index(before) < _INTEGERS.index(after)
    if (before, after) in {("float", "double"), ("date", "timestamp_ntz")} or (
        after == "double" and before in _INTEGERS[:3]
    ):
        return True
    new, old = _DECIMAL.match(after), _DECIMAL.match(before)
    if new is None:
        return False
    precision, scale = int(new[1]), int(new[2])
    if old is not None:
        whole = int(old[1]) - int(old[2])
        return after != before and scale >= int(old[2]) and precision - scale >= whole
    return before in _DIGITS and precision - scale >= _DIGITS[before]
