"""Tables of a contract as DDL that never loses data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lakepact.contract.model import Contract
from lakepact.errors import UsageError
from lakepact.plan.metadata import delta_properties, table_properties
from lakepact.rules.model import ObjectRules, RuleSet
from lakepact.targets.ddl.alter import alter_table
from lakepact.targets.ddl.create import create_table
from lakepact.targets.ddl.governance import foreign_keys, tags
from lakepact.targets.ddl.types import Dialect, Entry, ExistingTable, Statement, Target
from lakepact.targets.header import comment_text

__all__ = ["render", "render_text"]


def render(
    contract: Contract,
    rules: RuleSet,
    *,
    catalog: str,
    schema: str,
    existing: Mapping[str, ExistingTable] | None = None,
    mask_functions: Mapping[str, str] | None = None,
    dialect: Dialect = Dialect.DATABRICKS,
) -> tuple[Entry, ...]:
    """The statements that make the tables of `contract`, or bring those that are there closer to it.

    `existing` holds the tables that are there, by name; `mask_functions` the function that masks columns of a
    classification, with its full name. Nothing is dropped, replaced or narrowed: what would be, and what the dialect
    cannot say, comes back as a Refusal with the reason. Foreign keys follow after all tables. Raises UsageError LP301
    for rules of another contract.
    """
    there = existing or {}
    targets = [
        _target(contract, each, catalog=catalog, schema=schema, masks=mask_functions or {}, dialect=dialect)
        for each in rules.objects
    ]
    by_name = {target.rules.name: target for target in targets}
    entries: list[Entry] = []
    for target in targets:
        table = there.get(target.rules.table)
        entries += create_table(target) if table is None else alter_table(target, table)
        if target.rules.columns:
            entries += tags(target)
    for target in targets:
        entries += foreign_keys(target, by_name, there.get(target.rules.table))
    return tuple(entries)


def _target(
    contract: Contract, rules: ObjectRules, *, catalog: str, schema: str, masks: Mapping[str, str], dialect: Dialect
) -> Target:
    described = contract.object(rules.name)
    if described is None:
        message = f"the rules are not those of contract {contract.id!r}: it has no schema object {rules.name!r}"
        raise UsageError(message, "LP301", "compile the rules of this contract", {"name": rules.name})
    return Target(
        described=described,
        rules=rules,
        catalog=catalog,
        schema=schema,
        dialect=dialect,
        properties=table_properties(contract, described) | delta_properties(described),
        masks=masks,
    )


def render_text(entries: Iterable[Entry]) -> str:
    """The entries as a .sql file: why each statement is there, and as comments what none does."""
    return "\n\n".join(_text(entry) for entry in entries) + "\n"


def _text(entry: Entry) -> str:
    if isinstance(entry, Statement):
        return f"-- {comment_text(entry.why)}\n{entry.sql};"
    return f"-- not done: {comment_text(entry.what)}\n--   because: {comment_text(entry.reason)}"
