"""Which contract, which of its objects and which rules a read or write is under."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lakepact.contract import Version
from lakepact.contract.model import Contract, SchemaObject
from lakepact.contract.statuses import DRAFT_STATUSES, plain_status
from lakepact.errors import ContractMissing, ContractViolated, UsageError
from lakepact.io.model import OnMismatch, OnViolation
from lakepact.io.tables import Table
from lakepact.quality.handling import batch_rules, handled_alignment
from lakepact.quality.native import align_frame
from lakepact.quality.schema import Alignment
from lakepact.rules.derive import compile_rules
from lakepact.rules.handling import Concern, Handling, Response, handling_of
from lakepact.rules.model import Action, ObjectRules
from lakepact.rules.policy import Policy
from lakepact.spark.environment import cache_folder
from lakepact.spark.frames import session_of
from lakepact.store.last_good import LastGood, Seen
from lakepact.store.model import Status
from lakepact.store.opening import open_store
from lakepact.store.protocol import ContractStore

if TYPE_CHECKING:
    from lakepact.notify import Notifier

__all__ = [
    "Governed",
    "Surroundings",
    "aligned",
    "current_surroundings",
    "refuse_foreign",
    "resolve",
    "results_of_checks",
    "surroundings_of",
    "telling_nobody",
    "using",
    "with_actions",
    "with_whole_quarantine",
]

_STORE: Final = "LAKEPACT_STORE"
_NOTIFY: Final = "LAKEPACT_NOTIFY"
_COPIES: Final = "contracts"
_OWN: Final = {
    status.value: status for status in (Status.IN_REVIEW, Status.DEPRECATED, Status.RETIRED, Status.REJECTED)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What calls need not say again: the store, where results go, and where copies of contracts are kept.

    `store` is a store or its address; None stands for the address in the environment variable LAKEPACT_STORE.
    `results` names the schema of the table `rule_results`; None records nothing. `cache` is the folder of the last
    good copies; None stands for the user's cache folder. `notify` is what is given the results, to tell people of them:
    a notifier, or the file of its settings; None stands for the file in the environment variable LAKEPACT_NOTIFY, and
    '' for nobody.
    """

    store: ContractStore | str | None = None
    results: str | None = "lakepact"
    cache: Path | None = None
    notify: Notifier | Path | str | None = None

    def opened(self) -> ContractStore:
        """The store. Raises UsageError LP891 where none is named."""
        address = self.store if self.store is not None else os.environ.get(_STORE)
        if address is None or address == "":
            hint = "give `store`, open `lakepact.io.using(store=...)` around the call, or set LAKEPACT_STORE"
            raise UsageError("no contract store is named", "LP891", hint)
        return open_store(address) if isinstance(address, str) else address

    def notifier(self) -> Notifier | None:
        """What is given the results. Raises ConfigurationError LP950 for settings that cannot be used."""
        told = self.told()
        if not isinstance(told, str | Path):
            return told
        if not str(told):
            return None
        from lakepact.notify import open_notifier

        return open_notifier(Path(told))

    def told(self) -> Notifier | Path | str:
        """What `notify` says, or the environment."""
        return self.notify if self.notify is not None else os.environ.get(_NOTIFY, "")


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
    notify: Notifier | Path | str | None = None,
) -> Iterator[Surroundings]:
    """Reads and writes inside of the `with` block use this store, record results in that schema, and tell people.

    See `Surroundings`. Raises ConfigurationError LP950 for settings in `notify` that cannot be used.

    >>> with using(store="memory:", results=None) as surroundings:
    ...     current_surroundings() is surroundings
    True
    """
    surroundings = Surroundings(store=store, results=results, cache=cache, notify=notify)
    if notify:
        surroundings.notifier()
    token = _CURRENT.set(surroundings)
    try:
        yield surroundings
    finally:
        _CURRENT.reset(token)


def results_of_checks() -> str | None:
    """Where checks record results: as the `using` around them says; nowhere without one.

    >>> results_of_checks() is None
    True
    """
    surroundings = _CURRENT.get(None)
    return surroundings.results if surroundings is not None else None


@contextmanager
def telling_nobody() -> Iterator[None]:
    """Inside of the `with` block nobody is told of results, and checks record none."""
    token = _CURRENT.set(replace(current_surroundings(), notify="", results=None))
    try:
        yield
    finally:
        _CURRENT.reset(token)


def refuse_foreign(df: Any) -> None:
    """Raise UsageError LP891 for what is no data frame of Spark."""
    if not hasattr(df, "sparkSession"):
        kind = f"{type(df).__module__.partition('.')[0]}.{type(df).__qualname__}"
        hint = (
            "hold a table in memory against the contract by `check_quality(TableData(df), contract)`, or give "
            "`spark.createDataFrame(df)`, in which NaN may stay a number"
        )
        raise UsageError(f"the data is a {kind}, not a data frame of Spark", "LP891", hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed:
    """What a read or write is under, and the table that it goes to.

    `seen` is set where the store was away: then the contract is as it was then. `handling` is what the contract says
    is done about violations, where the caller does not say otherwise.
    """

    contract: Contract
    table: Table
    described: SchemaObject
    rules: ObjectRules
    objects: tuple[ObjectRules, ...]
    status: Status | None
    seen: datetime | None = None
    handling: Handling = field(default_factory=Handling)

    @property
    def on_schema(self) -> Response | None:
        """What columns that do not fit lead to; None where the contract does not say."""
        return self.handling.response(Concern.SCHEMA)


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
    said = handling_of(found)
    # Who asks for something else than the contract is not held to its handling; what its schema allows stays.
    handling = said if on_violation is OnViolation.CONTRACT else Handling(schema=said.schema)
    compiled = compile_rules(found, policy=policy, handling=handling)
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
        handling=handling,
    )


def aligned(df: Any, governed: Governed) -> Alignment:
    """The columns of the data frame against those of the contract, as far as its `schemaContract` allows."""
    return handled_alignment(align_frame(session_of(df), df, governed.rules), governed.rules, governed.handling)


def with_whole_quarantine(governed: Governed, on_mismatch: OnMismatch = OnMismatch.RAISE) -> Governed:
    """For callers that can set all of the data aside: rules on the whole dataset quarantine where the contract says.

    Who lets columns that do not fit pass as a draft has decided on them.
    """
    decided = on_mismatch is not OnMismatch.RAISE
    handling = replace(governed.handling, on_schema=Response.WARN) if decided else governed.handling
    return replace(governed, rules=batch_rules(governed.rules, governed.handling), handling=handling)


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
