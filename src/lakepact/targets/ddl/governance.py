"""Tags and foreign keys: statements that need the tables to be there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lakepact.rules.model import DatasetRule, OrphanRows
from lakepact.sql import identifier, qualified, string
from lakepact.targets.ddl.create import listed
from lakepact.targets.ddl.types import Dialect, Entry, ExistingTable, Target

__all__ = ["foreign_keys", "tags"]

_KEY = re.compile(r"[^0-9A-Za-z_ ]")


def tags(target: Target) -> Iterator[Entry]:
    """SET TAGS for the table and its columns: `tags`, `classification`, `criticalDataElement`."""
    wanted = [(f"ALTER TABLE {target.name}", _tags(target.described.tags), "tags of the table")]
    for column in target.described.columns:
        found = _tags(column.tags)
        if column.classification:
            found["classification"] = column.classification
        if column.critical_data_element:
            found["critical_data_element"] = "true"
        where = f"ALTER TABLE {target.name} ALTER COLUMN {identifier(column.column)}"
        wanted.append((where, found, f"tags of {column.column}"))
    for alter, found, why in wanted:
        if not found:
            continue
        pairs = ", ".join(f"{string(name)} = {string(value)}" for name, value in found.items())
        sql = f"{alter} SET TAGS ({pairs})"
        if target.dialect is Dialect.DATABRICKS:
            yield target.statement(sql, why)
        else:
            yield target.refusal(sql, "Spark has no tags")


def _tags(given: tuple[str, ...]) -> dict[str, str]:
    """Tags as key and value. A key that Unity Catalog would refuse is spelled with `_`; its value is the whole tag.

    >>> _tags(("gold", "team:sales", "data-product"))
    {'gold': '', 'team': 'sales', 'data_product': 'data-product'}
    """
    found: dict[str, str] = {}
    for tag in given:
        key, separator, value = (part.strip() for part in tag.partition(":"))
        plain = _KEY.sub("_", key)
        found[plain] = value if separator and plain == key else ("" if plain == tag else tag)
    return found


def foreign_keys(target: Target, parents: Mapping[str, Target], existing: ExistingTable | None) -> Iterator[Entry]:
    """ADD CONSTRAINT FOREIGN KEY for every reference to the primary key of another object."""
    for rule in target.rules.dataset_rules:
        if isinstance(rule.measure, OrphanRows):
            yield from _foreign_key(target, rule, rule.measure, parents, existing)


def _foreign_key(
    target: Target,
    rule: DatasetRule,
    orphans: OrphanRows,
    parents: Mapping[str, Target],
    existing: ExistingTable | None,
) -> Iterator[Entry]:
    parent = parents[orphans.parent]
    columns, referenced = _columns(target, orphans.keys), _columns(parent, orphans.parent_keys)
    name = f"fk_{target.rules.table}_{rule.name}"
    what = f"CONSTRAINT {identifier(name)} FOREIGN KEY ({', '.join(orphans.keys)}) REFERENCES {parent.name}"
    if existing is not None and name in existing.constraints:
        return
    if target.dialect is Dialect.SPARK:
        yield target.refusal(what, "Spark has no foreign keys; the pipeline checks the reference")
    elif not columns or not referenced or sorted(referenced) != sorted(parent.rules.primary_key):
        yield target.refusal(what, "a foreign key names columns of a primary key; the pipeline checks the reference")
    else:
        sql = (
            f"ALTER TABLE {target.name} ADD CONSTRAINT {identifier(name)} FOREIGN KEY ({listed(columns)}) "
            f"REFERENCES {qualified((parent.catalog, parent.schema, parent.rules.table))} ({listed(referenced)})"
        )
        yield target.statement(sql, f"reference to {orphans.parent}")


def _columns(target: Target, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that key expressions are; () if one is something else."""
    known = {identifier(column.name): column.name for column in target.rules.columns}
    return tuple(known[key] for key in keys) if all(key in known for key in keys) else ()
