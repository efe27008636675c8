"""Which contract, which of its objects and which rules a read or write is under."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from lakepact.contract import Version
from lakepact.contract.model import Contract, SchemaObject
from lakepact.contract.statuses import DRAFT_STATUSES, plain_status
from lakepact.errors import ContractMissing, ContractViolated, UsageError
from lakepact.io.model import OnViolation
from lakepact.io.tables import Table
from lakepact.rules.derive import compile_rules
from lakepact.rules.model import Action, ObjectRules
from lakepact.rules.policy import Policy
from lakepact.spark.environment import cache_folder
from lakepact.store.last_good import LastGood, Seen
from lakepact.store.model import Status
from lakepact.store.opening import open_store
from lakepact.store.protocol import ContractStore

__all__ = ["Governed", "Surroundings", "current_surroundings", "resolve", "surroundings_of", "using", "with_actions"]

_STORE: Final = "LAKEPACT_STORE"
_COPIES: Final = "contracts"
_OWN: Final = {
    status.value: status for status in (Status.IN_REVIEW, Status.DEPRECATED, Status.RETIRED, Status.REJECTED)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What calls need not say again: the store, where results go, and where copies of contracts are kept.

    `store` is a store or its address; None stands for the address in the environment variable LAKEPACT_STORE.
    `results` names the schema of the table `rule_results`; None records nothing. `cache` is the folder of the last
    good copies; None stands for the user's cache folder.
    """

    store: ContractStore | str | None = None
    results: str | None = "lakepact"
    cache: Path | None = None

    def opened(self) -> ContractStore:
        """The store. Raises UsageError LP891 where none is named."""
        address = self.store if self.store is not None else os.environ.get(_STORE)
        if address is None or address == "":
            hint = "give `store`, open `lakepact.io.using(store=...)` around the call, or set LAKEPACT_STORE"
            raise UsageError("no contract store is named", "LP891", hint)
        return open_store(address) if isinstance(address, str) else address


_CURRENT: ContextVar[Surroundings] = ContextVar("lakepact_surroundings")


def current_surroundings() -> Surroundings:
    """The surroundings of this call."""
    return _CURRENT.get(Surroundings())


def surroundings_of(store: ContractStore | str | None) -> Surroundings:
    """The surroundings of this call, with another store where one is given."""
    current = current_surroundings()
    return current if store is None else replace(current, store=store)


@contextmanager
def using(
    *,
    store: ContractStore | str | None = None,
    results: str | None = "lakepact",
    cache: Path | None = None,
) -> Iterator[Surroundings]:
    """Reads and writes inside of the `with` block use this store, and record results in that schema.

    >>> with using(store="memory:", results=None) as surroundings:
    ...     current_surroundings() is surroundings
    True
    """
    surroundings = Surroundings(store=store, results=results, cache=cache)
    token = _CURRENT.set(surroundings)
    try:
        yield surroundings
    finally:
        _CURRENT.reset(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed:
    """What a read or write is under, and the table that it goes to.

    `seen` is set where the store was away: then the contract is as it was then.
    """

    contract: Contract
    table: Table
    described: SchemaObject
    rules: ObjectRules
    objects: tuple[ObjectRules, ...]
    status: Status | None
    seen: datetime | None = None


def resolve(
    contract: Contract | str,
    *,
    object_name: str | None,
    version: str,
    statuses: Collection[Status],
    on_violation: OnViolation,
    policy: Policy | None,
    place: Table | None,
    surroundings: Surroundings,
) -> Governed:
    """The contract by its id, or as it is given, with the object that `object_name` or the name of the table says.

    Without a `place` the table has the object's own name.

    By id it is the highest version that fits `version` and has one of `statuses`. A contract that is given has the
    status that its document says; one that says nothing, or `active`, may be used. Raises what the store raises;
    ContractViolated LP894 for a status that is not allowed, UsageError LP890 where no object is meant.
    """
    if isinstance(contract, Contract):
        found, status, seen = contract, _own_status(contract, statuses), None
    else:
        found, status, seen = _from_store(contract, version, statuses, surroundings)
    compiled = compile_rules(found, policy=policy)
    chosen = _object(found, object_name, place.parts[-1] if place is not None and place.parts else "")
    rules = next(each for each in compiled.objects if each.name == chosen.name)
    return Governed(
        contract=found,
        table=place or Table((rules.table,)),
        described=chosen,
        rules=with_actions(rules, on_violation),
        objects=compiled.objects,
        status=status,
        seen=seen,
    )


def _from_store(
    contract_id: str, version: str, statuses: Collection[Status], surroundings: Surroundings
) -> tuple[Contract, Status, datetime | None]:
    copies = LastGood(surroundings.opened(), surroundings.cache or cache_folder() / _COPIES)
    found: list[Seen] = []
    missing: list[ContractMissing] = []
    for status in statuses:
        try:
            found.append(copies.latest(contract_id, status=status, specifier=version))
        except ContractMissing as error:
            missing.append(error)
    if missing and not found:
        raise missing[0]
    if not found:
        raise UsageError("no status is allowed", "LP891", "give `statuses` at least one, or leave it out")
    best = max(found, key=lambda seen: Version.parse(seen.contract.version))
    return best.contract, best.status, best.seen if best.stale else None


def _own_status(contract: Contract, statuses: Collection[Status]) -> Status | None:
    """The status that a document gives itself. Raises ContractViolated LP894 where it is not one of `statuses`."""
    said = plain_status(contract.status)
    status = Status.DRAFT if said in DRAFT_STATUSES else _OWN.get(said or "")
    if status is not None and status not in statuses:
        raise ContractViolated(
            f"contract '{contract.id}' {contract.version} is {status}",
            code="LP894",
            hint=f"allowed here is {', '.join(statuses) or 'nothing'}; allow more by `statuses`",
            facts={"contract_id": contract.id, "version": contract.version, "status": status.value},
        )
    return status


def _object(contract: Contract, name: str | None, table: str) -> SchemaObject:
    known = contract.schema
    if name is not None:
        found = next((each for each in known if each.name == name), None)
    else:
        named = [each for each in known if table and table in (each.name, each.physical_name)]
        found = named[0] if len(named) == 1 else known[0] if len(known) == 1 else None
    if found is None:
        listed = ", ".join(repr(each.name) for each in known) or "none"
        asked = f"has no schema object {name!r}" if name is not None else "has several schema objects"
        message = f"contract '{contract.id}' {contract.version} {asked if known else 'has no schema objects'}"
        raise UsageError(message, "LP890", f"give `object_name`; known are: {listed}")
    return found


def with_actions(rules: ObjectRules, on_violation: OnViolation) -> ObjectRules:
    """The rules with the actions that the caller wants."""
    rows = tuple(replace(rule, action=_row_action(rule.action, on_violation)) for rule in rules.row_rules)
    whole = tuple(replace(rule, action=_whole_action(rule.action, on_violation)) for rule in rules.dataset_rules)
    return replace(rules, row_rules=rows, dataset_rules=whole)


def _row_action(action: Action, on_violation: OnViolation) -> Action:
    match on_violation:
        case OnViolation.RAISE if action is not Action.WARN:
            return Action.FAIL
        case OnViolation.QUARANTINE if action is not Action.WARN:
            return Action.QUARANTINE
        case OnViolation.WARN:
            return Action.WARN
    return action


def _whole_action(action: Action, on_violation: OnViolation) -> Action:
    return Action.WARN if on_violation is OnViolation.WARN else action
