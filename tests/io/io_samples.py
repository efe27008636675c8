"""Contracts and rows for reads and writes under a contract."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lakepact.contract import Contract, load_contract
from lakepact.store import Status, open_store
from lakepact.store.journal_store import JournalStore
from lakepact.store.memory import MemoryJournal
from lakepact.store.protocol import ContractStore

COLUMNS = "order_id, customer_id, order_ts, amount, currency"
GOOD = ("1, 101, TIMESTAMP'2024-01-01 10:00:00', 10.0D, 'EUR'", "2, 102, TIMESTAMP'2024-01-02 10:00:00', 20.5D, 'USD'")
NEGATIVE = "3, 103, TIMESTAMP'2024-01-03 10:00:00', -5.0D, 'EUR'"
POUNDS = "4, 104, TIMESTAMP'2024-01-04 10:00:00', 7.0D, 'GBP'"


def declared(name: str, kind: str, *, action: str = "", **more: Any) -> dict[str, Any]:
    """A property; `action` is what a row that breaks one of its rules asks for."""
    asked = {"customProperties": [{"property": "lakepact.action", "value": action}]} if action else {}
    return {"name": name, "logicalType": kind, **asked, **more}


def amount(*, action: str = "quarantine", limit: float = 0) -> dict[str, Any]:
    """The amount, above a limit."""
    options = {"exclusiveMinimum": limit}
    return declared("amount", "number", action=action, required=True, logicalTypeOptions=options)


def currency(*, action: str = "warn") -> dict[str, Any]:
    """The currency: one of two."""
    listed = [{"value": "EUR"}, {"value": "USD"}]
    return declared("currency", "string", action=action, required=True, enum=listed)


def properties(*others: dict[str, Any]) -> list[dict[str, Any]]:
    """The columns of an order; `others` take the place of those of the same name, or come after."""
    found = [
        declared("order_id", "integer", primaryKey=True, primaryKeyPosition=1, description="Number of the order"),
        declared("customer_id", "integer", required=True),
        declared("order_ts", "timestamp", required=True),
        amount(),
        currency(),
    ]
    given = {each["name"]: each for each in others}
    return [given.pop(each["name"], each) for each in found] + list(given.values())


def orders(
    *others: dict[str, Any],
    version: str = "1.0.0",
    status: str = "active",
    quality: Sequence[Mapping[str, Any]] = (),
    objects: Sequence[Mapping[str, Any]] = (),
    contract_id: str = "test.orders",
    **more: Any,
) -> Contract:
    """The contract of orders."""
    described = {
        "name": "orders",
        "logicalType": "object",
        "description": "Orders of the shop",
        "properties": properties(*others),
        **more,
    }
    if quality:
        described["quality"] = list(quality)
    head = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": contract_id, "version": version, "status": status}
    return load_contract(json.dumps(head | {"schema": [described, *objects]}).encode(), file="orders.odcs.yaml")


def rows(session: Any, *given: str, columns: str = COLUMNS) -> Any:
    """A data frame of rows that are SQL; integers are BIGINT."""
    first, *others = columns.split(", ")
    names = ", ".join([f"CAST({first} AS BIGINT) AS {first}", *(f"{name}" for name in others)])
    values = ", ".join(f"({row})" for row in given)
    return session.sql(f"SELECT {names} FROM VALUES {values} AS t({columns})")


def memory_store(*contracts: Contract, status: Status = Status.VALIDATED) -> ContractStore:
    """A store in memory that holds the contracts with that status."""
    store = JournalStore(MemoryJournal(), review_required=False)
    fill(store, *contracts, status=status)
    return store


def fill(store: ContractStore, *contracts: Contract, status: Status = Status.VALIDATED) -> None:
    """Put the contracts and take them to the status."""
    for each in contracts:
        store.put(each, actor="ada", reason="test", status=Status.DRAFT)
        steps = {
            Status.DRAFT: (),
            Status.VALIDATED: (Status.VALIDATED,),
            Status.DEPRECATED: (Status.VALIDATED, Status.DEPRECATED),
        }
        for step in steps[status]:
            store.set_status(each.id, each.version, step, actor="ada", reason="test")


def file_store(address: str) -> ContractStore:
    """The store at an address, where a draft may be validated at once."""
    return open_store(address, review_required=False)


def listed(frame: Any, *, order: str = "order_id") -> list[tuple[Any, ...]]:
    """The rows as tuples, in order."""
    return [tuple(row) for row in frame.orderBy(order).collect()]
