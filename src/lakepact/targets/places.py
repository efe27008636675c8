"""Where the objects of a contract are stored, as names for exports."""

from __future__ import annotations

from lakepact.contract.model import Contract, SchemaObject
from lakepact.errors import UsageError
from lakepact.rules.model import ObjectRules

__all__ = ["described_object", "table_parts", "table_parts_of"]


def described_object(contract: Contract, rules: ObjectRules) -> SchemaObject:
    """The object of `contract` that has those rules. Raises UsageError LP301 where it has none."""
    described = contract.object(rules.name)
    if described is None:
        message = f"the rules are not those of contract {contract.id!r}: it has no schema object {rules.name!r}"
        raise UsageError(message, "LP301", "compile the rules of this contract", {"name": rules.name})
    return described


def table_parts(contract: Contract, table: str) -> tuple[str, ...]:
    """Catalog and schema of the contract's first server, where it names them, then the table."""
    settings = contract.servers[0].settings if contract.servers else {}
    parts = (settings.get(key) for key in ("catalog", "schema"))
    return (*(part for part in parts if isinstance(part, str) and part), table)


def table_parts_of(contract: Contract) -> dict[str, tuple[str, ...]]:
    """The parts of every object's table, by the object's name."""
    return {each.name: table_parts(contract, each.table) for each in contract.schema}
