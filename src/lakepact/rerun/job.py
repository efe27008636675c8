"""The rerun job: what stewards validated comes into force, and exactly the pipelines that it concerns run again.

Every step may be repeated: the store takes the same version once, an effect is begun for one delivery, an update that
was started is followed instead of started again, and what was reported is marked. A job that is killed anywhere leaves
an event whose lease runs out, and the next one ends in the same state.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from lakepact.contract import Contract
from lakepact.diff import Level
from lakepact.errors import ContractMissing, EnvironmentLacking, LakepactError, RemoteFailed, StoreConflict
from lakepact.rerun.adopting import Adopted, Adoption, ContractSource, adopt
from lakepact.rerun.bindings import Binding, affected
from lakepact.rerun.inbox import Arrival, Effect, EffectKey, EffectState, Inbox, InboxEvent, InboxState, Origin
from lakepact.rerun.leases import Leases
from lakepact.rerun.payload import EventType
from lakepact.rerun.runner import PipelineRunner, RunState, UpdateOutcome, UpdateRequest
from lakepact.store.encoding import read_time, time_text
from lakepact.store.protocol import ContractStore

__all__ = ["Reported", "Reporter", "Rerun", "RerunJob", "poll"]

_LOG: Final = logging.getLogger(__name__)
_LEASE: Final = timedelta(minutes=10)
_PAUSE: Final = 1.0
_FIRST_RETRY: Final = timedelta(seconds=30)
_LONGEST_RETRY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What is reported of an update: the version in force, the pipeline, and what came of it."""

    contract: Contract
    pipeline: str
    outcome: UpdateOutcome


class Reporter(Protocol):
    """Takes what came of an update: a table of results, the catalog of the stewards, a channel.

    Reporting the same update twice changes nothing. Raises RemoteFailed where another attempt is worth it.
    """

    def report(self, reported: Reported) -> None:
        """Take it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """What became of one event, and for whom: pipelines that ran, that had run, and that failed."""

    delivery_id: str
    contract_id: str
    version: str = ""
    state: InboxState = InboxState.DONE
    ran: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Progress:
    """What an effect's note says: when it was begun, the id of its update, how it ended, what was reported."""

    since: datetime
    update_id: str = ""
    state: str = ""
    message: str = ""
    reported: int = 0

    def note(self) -> str:
        said = {"since": time_text(self.since), "update_id": self.update_id, "state": self.state}
        return json.dumps(said | {"message": self.message, "reported": self.reported})

    @staticmethod
    def read(effect: Effect) -> _Progress:
        said = json.loads(effect.note or "{}")
        since = read_time(said["since"]) if "since" in said else effect.at
        return _Progress(
            since, said.get("update_id", ""), said.get("state", ""), said.get("message", ""), said.get("reported", 0)
        )


@dataclass(frozen=True, kw_only=True)
class RerunJob:
    """Works off the inbox. `worker` names this process in leases; clock and pause are for tests.

    `reporters` get every ended update in this order, each at least once, and are marked when they have it.
    """

    inbox: Inbox
    source: ContractSource
    store: ContractStore
    runner: PipelineRunner
    bindings: tuple[Binding, ...]
    reporters: tuple[Reporter, ...] = ()
    worker: str = "lakepact-rerun"
    lease: timedelta = _LEASE
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    pause: Callable[[float], None] = time.sleep

    def work(self, *, limit: int = 100) -> tuple[Rerun, ...]:
        """Take up to `limit` waiting events, and see each through; empty where none waits.

        Events of one contract are looked at together. Never raises for what goes wrong with an event: that is its
        reason, and it is tried again where that may help.
        """
        events = self.inbox.claim(self.worker, self.lease, limit=limit)
        leases = Leases(self.inbox, events, lease=self.lease, clock=self.clock)
        by_contract: dict[str, list[InboxEvent]] = {}
        done: list[Rerun] = []
        for event in events:
            try:
                by_contract.setdefault(self.source.contract_id(event.arrival), []).append(event)
            except LakepactError as error:
                done.append(self._failed(event, leases, event.arrival.contract_id, error))
        for contract_id, together in by_contract.items():
            leases.renew_when_due()
            if ours := [event for event in together if leases.holds(event)]:
                done += self._contract(contract_id, ours, leases)
        return tuple(done)

    def preview(self, *, contracts: Iterable[str] = (), polls: bool = False) -> tuple[Rerun, ...]:
        """What `work` would do now, without a claim, a write or a run.

        With `contracts` also what it would do if a look at these were asked for, and with `polls` for versions that
        nobody told of.
        """
        events = self.inbox.list()
        found = [event.arrival for event in events if event.waits(self.clock())]
        found += [_asked_for("now", contract_id, Origin.RUN_NOW) for contract_id in contracts]
        if polls:
            known = {event.delivery_id for event in events}
            untold = _untold(self.source, self.store, self.bindings)
            found += [arrival for arrival in untold if arrival.delivery_id not in known]
        return tuple(self._previewed(arrival) for arrival in found)

    def _previewed(self, event: Arrival) -> Rerun:
        contract_id = event.contract_id
        try:
            contract_id = self.source.contract_id(event)
            contract = self.source.validated(contract_id)
        except LakepactError as error:
            return Rerun(
                delivery_id=event.delivery_id, contract_id=contract_id, state=InboxState.FAILED, reason=error.message
            )
        if contract is None:
            return Rerun(delivery_id=event.delivery_id, contract_id=contract_id, reason="nothing is validated")
        effects = {each.key: each for each in self.inbox.effects(contract_id)}
        names = [each.pipeline for each in affected(self.bindings, contract_id, contract.version)]
        finished = {name for name in names if _is_done(effects.get(_key(contract, name)))}
        return Rerun(
            delivery_id=event.delivery_id,
            contract_id=contract_id,
            version=contract.version,
            ran=tuple(name for name in names if name not in finished),
            already=tuple(name for name in names if name in finished),
        )

    def _contract(self, contract_id: str, events: Sequence[InboxEvent], leases: Leases) -> list[Rerun]:
        """One look at the source for all events of a contract; the first one carries the effects."""
        leader = events[0]
        try:
            adopted = adopt(self.source, self.store, contract_id, delivery_id=leader.delivery_id)
            rerun = self._run(leader, leases, adopted)
        except LakepactError as error:
            return [self._failed(event, leases, contract_id, error) for event in events]
        return [self._ended(event, leases, replace(rerun, delivery_id=event.delivery_id), leader) for event in events]

    def _run(self, event: InboxEvent, leases: Leases, adopted: Adopted) -> Rerun:
        found = Rerun(delivery_id=event.delivery_id, contract_id=adopted.contract_id, reason=adopted.reason)
        contract = adopted.contract
        if adopted.adoption is not Adoption.IN_FORCE or contract is None:
            return found
        bound = affected(self.bindings, contract.id, contract.version)
        outcomes = [(binding, self._pipeline(event, leases, contract, binding, adopted.level)) for binding in bound]
        ran = tuple(each.pipeline for each, outcome in outcomes if outcome is not None)
        failed = [
            f"{each.pipeline}: {outcome.message or outcome.state}"
            for each, outcome in outcomes
            if outcome is not None and outcome.state is not RunState.COMPLETED
        ]
        return replace(
            found,
            version=contract.version,
            state=InboxState.FAILED if failed else InboxState.DONE,
            ran=ran,
            already=tuple(each.pipeline for each, outcome in outcomes if outcome is None),
            failed=tuple(failed),
            reason="" if bound else f"no pipeline is bound to '{contract.id}' {contract.version}",
        )

    def _pipeline(
        self, event: InboxEvent, leases: Leases, contract: Contract, binding: Binding, level: Level
    ) -> UpdateOutcome | None:
        """The update of one pipeline, from wherever an earlier attempt left it; None where another delivery has it."""
        key = _key(contract, binding.pipeline)
        begun = _Progress(self.clock())
        effect = self.inbox.begin_effect(key, event.delivery_id, note=begun.note())
        if effect.delivery_id != event.delivery_id or effect.state is EffectState.DONE:
            return None
        progress = _Progress.read(effect)
        if not progress.update_id:
            request = UpdateRequest(
                pipeline=binding.pipeline,
                key=f"{contract.id}@{contract.version}#{contract.sha256[:12]}",
                contracts=(contract,),
                since=progress.since,
                full_refresh=level is Level.MAJOR and binding.full_refresh,
                refresh=binding.refresh,
            )
            progress = replace(progress, update_id=self.runner.start(request))
            self._mark(key, event, progress)
        outcome = self._followed(event, leases, binding.pipeline, progress.update_id, contract)
        progress = replace(progress, state=outcome.state.value, message=outcome.message)
        self._mark(key, event, progress)
        for number, reporter in enumerate(self.reporters):
            if number >= progress.reported:
                reporter.report(Reported(contract=contract, pipeline=binding.pipeline, outcome=outcome))
                progress = replace(progress, reported=number + 1)
                self._mark(key, event, progress)
        ended = EffectState.DONE if outcome.state is RunState.COMPLETED else EffectState.ABANDONED
        self.inbox.settle_effect(key, event.delivery_id, ended, note=progress.note())
        return outcome

    def _followed(
        self, event: InboxEvent, leases: Leases, pipeline: str, update_id: str, contract: Contract
    ) -> UpdateOutcome:
        """The end of an update; all leases are kept meanwhile. Raises StoreConflict where the event's is lost."""
        while True:
            outcome = self.runner.outcome(pipeline, update_id, contract)
            if outcome.state.ended:
                return outcome
            leases.renew_when_due()
            leases.held(event)
            self.pause(_PAUSE)

    def _mark(self, key: EffectKey, event: InboxEvent, progress: _Progress) -> None:
        self.inbox.settle_effect(key, event.delivery_id, EffectState.BEGUN, note=progress.note())

    def _ended(self, event: InboxEvent, leases: Leases, rerun: Rerun, leader: InboxEvent) -> Rerun:
        """Settle an event after its contract's look."""
        said = rerun.reason if event is leader else f"looked at together with {leader.delivery_id}"
        try:
            current = leases.release(event)
            if rerun.failed:
                # The pipeline ran and failed: to run it again by itself would cost the same and end the same.
                self.inbox.fail(current, "; ".join(rerun.failed))
                return replace(rerun, state=InboxState.DEAD)
            self.inbox.complete(current, reason=said)
        except StoreConflict as error:
            return replace(rerun, state=self.inbox.get(event.delivery_id).state, reason=error.message)
        return replace(rerun, reason=said)

    def _failed(self, event: InboxEvent, leases: Leases, contract_id: str, error: LakepactError) -> Rerun:
        """Say why an event could not be seen through, and when that may be tried again."""
        again = isinstance(error, RemoteFailed | EnvironmentLacking | StoreConflict)
        reason = "; ".join([f"{error.code}: {error.message}", *(each.message for each in error.problems)])
        _LOG.warning("event %s of contract %r: %s", event.delivery_id, contract_id, reason)
        try:
            current = leases.release(event)
            settled = self.inbox.fail(current, reason, self._retry_at(current) if again else None)
        except LakepactError as second:
            _LOG.warning("event %s stays as it is: %s", event.delivery_id, second.message)
            settled = event
        return Rerun(delivery_id=event.delivery_id, contract_id=contract_id, state=settled.state, reason=reason)

    def _retry_at(self, event: InboxEvent) -> datetime:
        doubled = 2.0 ** min(max(event.attempts - 1, 0), 10)
        return self.clock() + min(_FIRST_RETRY * doubled, _LONGEST_RETRY)


def poll(inbox: Inbox, source: ContractSource, store: ContractStore, bindings: Iterable[Binding]) -> tuple[str, ...]:
    """Write an event for every bound contract whose validated version is not the one in force; their delivery ids.

    The id follows from what was found, so that polling again writes nothing, and a webhook that was lost is made good.
    """
    return tuple(found.delivery_id for found in _untold(source, store, bindings) if inbox.receive(found).created)


def _untold(source: ContractSource, store: ContractStore, bindings: Iterable[Binding]) -> Iterator[Arrival]:
    """An arrival for each validated version of a bound contract that is not in force."""
    for contract_id in sorted({binding.contract_id for binding in bindings}):
        try:
            contract = source.validated(contract_id)
        except LakepactError as error:
            _LOG.warning("contract %r cannot be looked at: %s", contract_id, error.message)
            continue
        if contract is not None and not _is_in_force(store, contract):
            yield _asked_for(f"poll-{contract.sha256[:32]}", contract_id, Origin.POLLER, contract.version)


def _asked_for(delivery_id: str, contract_id: str, origin: Origin, version: str = "") -> Arrival:
    kind = EventType.RERUN_REQUESTED.value
    return Arrival(delivery_id=delivery_id, type=kind, contract_id=contract_id, version=version, origin=origin)


def _is_in_force(store: ContractStore, contract: Contract) -> bool:
    try:
        stored = store.version(contract.id, contract.version)
    except ContractMissing:
        return False
    return stored.sha256 == contract.sha256 and stored.status.published


def _key(contract: Contract, pipeline: str) -> EffectKey:
    return EffectKey(contract_id=contract.id, version=contract.version, sha256=contract.sha256, pipeline=pipeline)


def _is_done(effect: Effect | None) -> bool:
    return effect is not None and effect.state is EffectState.DONE
