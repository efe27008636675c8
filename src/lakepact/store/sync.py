"""Copies between two stores, in both directions; what contradicts itself is reported, and nobody's work is undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lakepact.contract import Version
from lakepact.diff import Waiver
from lakepact.errors import ConfigurationError, ContractMissing, LakepactError, RemoteFailed, StoreConflict
from lakepact.store.model import Event, EventKind, Status
from lakepact.store.protocol import ContractStore

__all__ = ["Outcome", "Synced", "sync"]


class Outcome(StrEnum):
    """What a sync did with a version."""

    SAME = "same"
    COPIED = "copied"
    CONFLICT = "conflict"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """One version after a sync: `target` is the address of the store that was written, `steps` how many events it got.

    `why` says what is in the way. For a contract that cannot be read at all `version` is empty.
    """

    contract_id: str
    version: str
    outcome: Outcome
    target: str = ""
    steps: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Side:
    """A store, and what happened there to one version; empty where it is not there."""

    store: ContractStore
    events: tuple[Event, ...]

    @property
    def tail(self) -> tuple[Event, ...]:
        """From the put of the bytes that are there now on."""
        last = max((index for index, event in enumerate(self.events) if event.kind is EventKind.PUT), default=0)
        return self.events[last:]

    @property
    def sha256(self) -> str:
        return self.events[-1].sha256

    def statuses(self, sha256: str) -> tuple[Status, ...]:
        """The statuses that those bytes went through since they were put the last time, from draft on."""
        puts = [i for i, event in enumerate(self.events) if event.kind is EventKind.PUT and event.sha256 == sha256]
        if not puts:
            return ()
        found: list[Status] = [] if self.events[puts[-1]].status is Status.DRAFT else [Status.DRAFT]
        for index, event in enumerate(self.events[puts[-1] :]):
            if index and event.kind is EventKind.PUT:
                break
            found.append(event.status)
        return tuple(found)


_NOTHING: Final[tuple[Event, ...]] = ()


def sync(
    left: ContractStore, right: ContractStore, *, dry_run: bool = False, waivers: Sequence[Waiver] = ()
) -> tuple[Synced, ...]:
    """Bring both stores to where the one that is ahead stands, version by version; says how each one stands after.

    A version that one store lacks is put there, with the steps that its bytes went through, their actors and reasons;
    one that stopped on the way goes on. Each store decides by its own rules. What went on differently in both, and
    what a store refuses, stays as it is and is a conflict. Raises RemoteFailed where a store cannot be reached.
    """
    found: list[Synced] = []
    for contract_id in sorted({*left.list_contracts(), *right.list_contracts()}):
        try:
            trails = _trails(left, contract_id), _trails(right, contract_id)
        except ConfigurationError as error:
            found.append(Synced(contract_id=contract_id, version="", outcome=Outcome.DAMAGED, why=error.message))
            continue
        for version in sorted({*trails[0], *trails[1]}, key=Version.parse):
            sides = (
                _Side(left, trails[0].get(version, _NOTHING)),
                _Side(right, trails[1].get(version, _NOTHING)),
            )
            found.append(_synced(contract_id, version, *sides, dry_run=dry_run, waivers=waivers))
    return tuple(found)


def _trails(store: ContractStore, contract_id: str) -> dict[str, tuple[Event, ...]]:
    """The events of each version of a contract; none where it is not there."""
    found: dict[str, tuple[Event, ...]] = {}
    try:
        for event in store.history(contract_id):
            found[event.version] = (*found.get(event.version, ()), event)
    except ContractMissing:
        pass
    return found


def _synced(
    contract_id: str, version: str, left: _Side, right: _Side, *, dry_run: bool, waivers: Sequence[Waiver]
) -> Synced:
    for behind, ahead in ((left, right), (right, left)):
        missing = _missing(behind, ahead)
        if missing is None:
            continue
        if not missing:
            return Synced(contract_id=contract_id, version=version, outcome=Outcome.SAME)
        target = behind.store.address
        try:
            if not dry_run:
                _replay(missing, ahead, behind, waivers)
        except RemoteFailed:
            raise
        except LakepactError as error:
            damaged = isinstance(error, ConfigurationError)
            outcome = Outcome.DAMAGED if damaged else Outcome.CONFLICT
            return Synced(contract_id=contract_id, version=version, outcome=outcome, target=target, why=error.message)
        steps = len(missing)
        return Synced(contract_id=contract_id, version=version, outcome=Outcome.COPIED, target=target, steps=steps)
    return Synced(contract_id=contract_id, version=version, outcome=Outcome.CONFLICT, why=_contradiction(left, right))


def _missing(behind: _Side, ahead: _Side) -> tuple[Event, ...] | None:
    """The events that one side lacks to stand where the other does; None where it is not behind it."""
    if not ahead.events:
        return None
    if not behind.events:
        return ahead.tail
    mine = behind.statuses(behind.sha256)
    theirs = ahead.statuses(behind.sha256)
    if behind.sha256 == ahead.sha256:
        if mine[-1] is theirs[-1]:
            return ()
        return ahead.tail[len(mine) - len(theirs) :] if theirs[: len(mine)] == mine else None
    known_there = ahead.sha256 in {event.sha256 for event in behind.events}
    return ahead.tail if theirs[: len(mine)] == mine and not known_there else None


def _replay(events: Sequence[Event], source: _Side, target: _Side, waivers: Sequence[Waiver]) -> None:
    """Do in `target` what the events tell."""
    status = target.events[-1].status if target.events else None
    there = target.events and target.sha256
    for event in events:
        if event.kind is EventKind.PUT and event.sha256 != there:
            _put(event, source, target)
        else:
            target.store.set_status(
                event.contract_id,
                event.version,
                event.status,
                actor=event.actor,
                reason=event.reason or f"put as {event.status}",
                expected=status,
                expected_sha256=event.sha256,
                waivers=waivers,
            )
        status = event.status


def _put(event: Event, source: _Side, target: _Side) -> None:
    contract = source.store.get(event.contract_id, event.version)
    if contract.sha256 != event.sha256:
        raise StoreConflict(f"'{event.contract_id}' {event.version} changes meanwhile", "LP851", "sync again")
    expected = target.sha256 if target.events else None
    target.store.put(contract, actor=event.actor, reason=event.reason, status=event.status, expected=expected)


def _contradiction(left: _Side, right: _Side) -> str:
    """What both sides hold, for people."""
    what = "other bytes" if left.sha256 != right.sha256 else "the same bytes"
    stands = (
        f"{side.events[-1].status} in {side.store.address} ({side.events[-1].actor}, {side.events[-1].at:%Y-%m-%d})"
        for side in (left, right)
    )
    return f"{what}: {' and '.join(stands)}"
