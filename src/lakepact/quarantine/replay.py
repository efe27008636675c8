"""The way back: approved and corrected records into their table, under the contract of today, each at most once.

A replay first claims its records by decisions that name its run, then writes them by one governed commit that names the
same run, then decides that they are replayed. Whoever finds records that are claimed knows by that run whether they are
in the table; if they are not, the same records are written under the same run, which Delta commits once.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from lakepact.contract.model import Contract
from lakepact.errors import ContractViolated, LifecycleRefused, StoreConflict, UsageError
from lakepact.io.files import format_of, read_files
from lakepact.io.model import OnViolation, WriteMode
from lakepact.io.order import WriteOrder
from lakepact.io.publishing import merge_keys, standing_rows
from lakepact.io.resolving import Governed, resolve, surroundings_of
from lakepact.io.tables import named_table
from lakepact.io.writing import write_with_contract
from lakepact.quality.native import Run
from lakepact.quarantine.file_place import FilePlace
from lakepact.quarantine.lifecycle import refuse_gone
from lakepact.quarantine.merging import merged_once
from lakepact.quarantine.model import Act, Kind, Record, Status, Wanted
from lakepact.quarantine.records import Draft, Quarantine
from lakepact.quarantine.replay_rows import SCHEMA, judged, typed
from lakepact.rules.policy import Policy
from lakepact.sql import string
from lakepact.store.model import Status as ContractStatus
from lakepact.store.protocol import ContractStore

__all__ = ["Replayed", "Target", "replay"]

_READY: Final = (Status.APPROVED, Status.CORRECTED)
_RUN: Final = "quarantine-replay-"
_MERGE: Final = f"{_RUN}merge-"
_MODES: Final = (WriteMode.APPEND, WriteMode.MERGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where records go, as `write_with_contract` takes it: exactly one of `table` and `path`, or the object's name."""

    contract: Contract | str
    table: str | None = None
    path: str | None = None
    object_name: str | None = None
    version: str = ""
    store: ContractStore | str | None = None
    statuses: Collection[ContractStatus] = (ContractStatus.VALIDATED,)
    policy: Policy | None = None
    references: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay did, by ids of records.

    `written` are in the target now, `returned` break the contract again and are in review with those rules, `already`
    were replayed before, `conflicts` are those that somebody else has decided about meanwhile. `rows` counts the rows
    that this call has written: none for what an interrupted replay had written before.
    """

    written: tuple[str, ...] = ()
    returned: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    already: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    rows: int = 0


def replay(
    quarantine: Quarantine,
    target: Target,
    record_ids: Sequence[str] = (),
    *,
    spark: Any,
    actor: str,
    reason: str = "",
    skip_checks: bool = False,
    give_up_after: timedelta = timedelta(hours=1),
    mode: WriteMode | str = WriteMode.APPEND,
    scratch: Path | None = None,
) -> Replayed:
    """Write records into their target; without ids all that are approved or corrected.

    Rows that break the contract again are not written and go back into review. `skip_checks` writes them all the same
    (a value that does not fit its column becomes NULL); who asked and why is in the decisions. `mode` is append, or
    merge for a contract with a primary key: a row of the target with the same key becomes that of the record. A replay
    that was interrupted is ended first, in its own mode; where its records can no longer be written together, it is
    given up after `give_up_after`, when nobody can be writing them any more. `scratch` is a folder that Spark can read,
    for batches that are on object storage.

    Raises LifecycleRefused LP982 for a record that is not approved or corrected, LP983 for one that is expired or
    purged, ContractViolated where rules on the whole table stop the write (then nothing is written, and the records
    wait as before), UsageError LP989 for `skip_checks` without a reason or together with a merge, for another mode, and
    where the session cannot make a merge once; and what `write_with_contract` raises.
    """
    chosen_mode = _mode_named(mode, skip_checks=skip_checks)
    if skip_checks and not reason.strip():
        raise UsageError("checks are skipped only for a reason", "LP989", "give the reason")
    work = _Replay(quarantine, target, spark, actor, reason, give_up_after, chosen_mode, scratch)
    chosen = quarantine.records(Wanted(ids=tuple(record_ids)))
    found = Replayed(already=tuple(each.id for each in chosen if record_ids and each.status is Status.REPLAYED))
    for run in sorted({each.replay_run for each in chosen if each.replay_run}):
        found = _joined(found, work.end(run))
    done = {*found.already, *found.written, *found.returned}
    again = quarantine.records(Wanted(ids=tuple(each.id for each in chosen))) if chosen else ()
    ready = [each for each in again if each.id not in done and (record_ids or each.status in _READY)]
    for each in ready:
        _refuse_unready(each)
    rows = [each for each in ready if each.header.kind is Kind.ROW]
    for group in ([rows] if rows else []) + [[each] for each in ready if each.header.kind is Kind.BATCH]:
        found = _joined(found, work.begin(group, skip_checks=skip_checks))
    return found


@dataclass(frozen=True, slots=True)
class _Replay:
    quarantine: Quarantine
    target: Target
    spark: Any
    actor: str
    reason: str
    give_up_after: timedelta
    mode: WriteMode
    scratch: Path | None

    def begin(self, records: Sequence[Record], *, skip_checks: bool) -> Replayed:
        """Judge, claim and write records that nobody has claimed."""
        if self.mode is WriteMode.MERGE:
            self._refuse_merge()
        returned = self._judged(records, skip_checks=skip_checks)
        self._return(records, returned)
        holding = [each for each in records if each.id not in returned]
        if not holding:
            return Replayed(returned=returned)
        run = _run_of(holding, self.mode)
        conflicts: tuple[str, ...] = ()
        drafts = [Draft(record=e, act=Act.CLAIM, replay_run=run, skipped_checks=skip_checks) for e in holding]
        try:
            self._decide(drafts)
        except StoreConflict as conflict:
            # Who claimed the same records for the same run does what we do; Delta commits it once.
            claimed = {each.id for each in self._claimed(run)}
            conflicts = tuple(each.id for each in holding if each.id not in claimed)
            if not claimed:
                done = self._replayed([each.id for each in holding])
                if len(done) == len(holding):
                    return Replayed(returned=returned, already=done)
                raise conflict
        try:
            ended = self._write(run)
        except ContractViolated as violated:
            ended = self._stopped(run, violated)
        return _joined(Replayed(returned=returned, conflicts=conflicts), ended)

    def end(self, run: str) -> Replayed:
        """End a replay that was interrupted, or give it up."""
        records = self._claimed(run)
        if not records:
            return Replayed()
        if self._is_written(run):
            return self._finish(run, records, rows=0)
        begun = min(each.claimed_at for each in records if each.claimed_at)
        if self.quarantine.now - begun >= self.give_up_after:
            self._decide([Draft(record=each, act=Act.RELEASE) for each in records])
            return Replayed()
        try:
            return self._write(run)
        except ContractViolated as violated:
            raise LifecycleRefused(
                f"the replay {run}, begun at {begun:%Y-%m-%dT%H:%M:%SZ}, cannot be ended: {violated.message}",
                "LP982",
                f"run the replay again {self.give_up_after} after it was begun: then it is given up",
                {"run": run, "records": [each.id for each in records]},
            ) from violated

    def _write(self, run: str) -> Replayed:
        """Write all that is claimed for the run."""
        records = self._claimed(run)
        if not records:
            return Replayed()
        skipped, mode = any(each.skipped_checks for each in records), _mode_of(run)
        with self._frame(records, run) as frame, merged_once(self.spark, run, wanted=mode is WriteMode.MERGE):
            result = write_with_contract(
                frame,
                self.target.contract,
                object_name=self.target.object_name,
                version=self.target.version,
                table=self.target.table,
                path=self.target.path,
                mode=mode,
                on_violation=OnViolation.WARN if skipped else OnViolation.RAISE,
                policy=self.target.policy,
                references=self.target.references,
                run_id=run,
                store=self.target.store,
                statuses=self.target.statuses,
                actor=self.actor,
                clock=lambda: self.quarantine.now,
            )
        return self._finish(run, records, rows=result.written)

    def _finish(self, run: str, records: Sequence[Record], *, rows: int) -> Replayed:
        drafts = [
            Draft(record=e, act=Act.REPLAY, replay_run=run, failed_rules=(), skipped_checks=e.skipped_checks)
            for e in records
        ]
        ids = tuple(each.id for each in records)
        try:
            self._decide(drafts)
        except StoreConflict:
            # Somebody else has ended the same run.
            if len(self._replayed(ids)) < len(ids):
                raise
        return Replayed(written=ids, runs=(run,), rows=rows)

    def _stopped(self, run: str, violated: ContractViolated) -> Replayed:
        """Where nothing was written rows wait as before, and a batch goes back into review."""
        records = self._claimed(run)
        if self._is_written(run):
            # The error came after the commit, which is what the records are about.
            self._finish(run, records, rows=0)
            raise violated
        if records and records[0].header.kind is Kind.BATCH:
            said = violated.facts.get("rules")
            rules = tuple(map(str, said)) if isinstance(said, tuple | list) and said else (SCHEMA,)
            returned = {each.id: rules for each in records}
            self._return(records, returned)
            return Replayed(returned=returned)
        self._decide([Draft(record=each, act=Act.RELEASE) for each in records])
        raise violated

    def _judged(self, records: Sequence[Record], *, skip_checks: bool) -> dict[str, tuple[str, ...]]:
        """The records that break the contract, with the rules; a batch is judged when it is written."""
        if records[0].header.kind is Kind.BATCH:
            return {}
        governed = self._governed()
        there = governed.table.exists(self.spark)
        order = WriteOrder(table=governed.table, mode=self.mode)
        return judged(
            self.spark,
            records,
            self.quarantine.place.columns(),
            self._run(_RUN, governed),
            governed,
            existing=lambda rows: standing_rows(self.spark, rows, governed, order, governed.table) if there else None,
            checked=not skip_checks,
        )

    @contextmanager
    def _frame(self, records: Sequence[Record], run: str) -> Iterator[Any]:
        governed = self._governed()
        if records[0].header.kind is Kind.ROW:
            columns, named = self.quarantine.place.columns(), self._run(run, governed)
            checked = not any(each.skipped_checks for each in records)
            with typed(self.spark, records, columns, named, governed, checked=checked) as frame:
                yield frame
            return
        place = self.quarantine.place
        assert isinstance(place, FilePlace)
        with tempfile.TemporaryDirectory(prefix="lakepact-replay-", dir=self.scratch) as folder:
            record = records[0]
            path = place.fetch(record.id, Path(folder), correction=record.correction)
            said = record.corrected.get("metadata", {}) if record.correction else record.metadata
            kind = said.get("format") or format_of(path)
            yield read_files(self.spark, path, governed.rules, kind=kind, options=said.get("options", {}))

    def _refuse_merge(self) -> None:
        """Raise UsageError LP898 where the contract has no key to merge by, before anything is claimed."""
        governed = self._governed()
        merge_keys(governed, WriteOrder(table=governed.table, mode=WriteMode.MERGE))

    def _governed(self) -> Governed:
        target = self.target
        return resolve(
            target.contract,
            object_name=target.object_name,
            version=target.version,
            statuses=target.statuses,
            on_violation=OnViolation.QUARANTINE,
            policy=target.policy,
            place=named_table(target.table, target.path),
            surroundings=surroundings_of(target.store),
        )

    def _run(self, run: str, governed: Governed) -> Run:
        quarantine = self.quarantine
        return Run(run_id=run, contract=governed.contract, dataset=str(governed.table), clock=lambda: quarantine.now)

    def _is_written(self, run: str) -> bool:
        """Whether a commit of the target names the run, however long ago."""
        table = self._governed().table
        if not table.exists(self.spark):
            return False
        history = self.spark.sql(f"DESCRIBE HISTORY {table.sql}")
        return bool(history.where(f"contains(userMetadata, {string(run)})").limit(1).collect())

    def _claimed(self, run: str) -> tuple[Record, ...]:
        return tuple(each for each in self.quarantine.records() if each.replay_run == run)

    def _replayed(self, record_ids: Sequence[str]) -> tuple[str, ...]:
        found = self.quarantine.records(Wanted(ids=tuple(record_ids)))
        return tuple(each.id for each in found if each.status is Status.REPLAYED)

    def _return(self, records: Sequence[Record], rules: Mapping[str, tuple[str, ...]]) -> None:
        drafts = [
            Draft(record=each, act=Act.RETURN, failed_rules=rules[each.id]) for each in records if each.id in rules
        ]
        if drafts:
            self.quarantine.decide(drafts, actor=self.actor, reason="the contract is broken again")

    def _decide(self, drafts: Sequence[Draft]) -> None:
        if drafts:
            self.quarantine.decide(drafts, actor=self.actor, reason=self.reason)


def _refuse_unready(record: Record) -> None:
    if record.status in (Status.EXPIRED, Status.PURGED) or not record.held:
        status = record.status if record.status is Status.EXPIRED else Status.PURGED
        raise refuse_gone(record.id[:12], status, Act.REPLAY)
    if record.status not in _READY:
        raise LifecycleRefused(
            f"replay of {record.id[:12]} is refused: it is {record.status}",
            "LP982",
            "review it, then approve or correct it",
            {"record": record.id, "status": record.status.value},
        )


def _mode_named(mode: WriteMode | str, *, skip_checks: bool) -> WriteMode:
    found = next((each for each in _MODES if each == mode), None)
    if found is None:
        known = " or ".join(each.value for each in _MODES)
        raise UsageError(f"a replay cannot {mode}", "LP989", f"choose {known}")
    if found is WriteMode.MERGE and skip_checks:
        message = "a merge needs the checks: without them rows with one key could meet"
        raise UsageError(message, "LP989", "append, or leave the checks on")
    return found


def _run_of(records: Sequence[Record], mode: WriteMode) -> str:
    """The run of a replay: the same for the same records as they stand. Whoever ends it knows by it how to write."""
    text = "\n".join(sorted(f"{each.id} {each.version}" for each in records))
    run = _MERGE if mode is WriteMode.MERGE else _RUN
    return f"{run}{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _mode_of(run: str) -> WriteMode:
    return WriteMode.MERGE if run.startswith(_MERGE) else WriteMode.APPEND


def _joined(one: Replayed, other: Replayed) -> Replayed:
    return Replayed(
        written=one.written + other.written,
        returned={**one.returned, **other.returned},
        already=one.already + other.already,
        conflicts=one.conflicts + other.conflicts,
        runs=one.runs + other.runs,
        rows=one.rows + other.rows,
    )
