"""Quarantined data as people work with it: records, and the decisions about them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lakepact.contract.model import Contract
from lakepact.errors import LifecycleRefused, StoreConflict, UsageError
from lakepact.quarantine.content import checked_values
from lakepact.quarantine.file_place import FilePlace
from lakepact.quarantine.lifecycle import State, fold, next_status, seen_status
from lakepact.quarantine.model import (
    Act,
    Correction,
    Decision,
    FailedRule,
    Header,
    Kind,
    Record,
    Status,
    Stored,
    Wanted,
)
from lakepact.quarantine.protocol import QuarantinePlace
from lakepact.quarantine.settings import RETENTION_DAYS, settings_of
from lakepact.rules.derive import compile_rules

__all__ = ["Draft", "Quarantine", "record_data"]

_SHORTEST_ID: Final = 6
_ALL: Final = Wanted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A decision that is to be made about a record as it was seen."""

    record: Record
    act: Act
    replay_run: str = ""
    correction: str = ""
    failed_rules: tuple[str, ...] | None = None
    skipped_checks: bool = False


class Quarantine:
    """The records of one place, see `open_quarantine`.

    With a `contract` failed rules have their descriptions, and it says how long data is kept; `retention` overrides
    that (default: 30 days from when the data was set aside). `clock` gives the time with its zone.
    """

    def __init__(
        self,
        place: QuarantinePlace,
        *,
        contract: Contract | None = None,
        retention: timedelta | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.place = place
        self.contract = contract
        days = settings_of(contract).retention if contract else timedelta(days=RETENTION_DAYS)
        self._retention = days if retention is None else retention
        self._said = retention is not None
        self._messages = _messages_of(contract)
        self._clock = clock

    @property
    def now(self) -> datetime:
        """The time."""
        return self._clock().astimezone(UTC)

    def records(self, wanted: Wanted = _ALL) -> tuple[Record, ...]:
        """The records that are asked for, oldest first, also those whose data is gone.

        Raises UsageError LP984 for an id of `wanted` that no record has, or several.
        """
        found = self._all()
        if wanted.ids:
            chosen = dict.fromkeys(_whole_id(each, found) for each in wanted.ids)
            return tuple(found[each] for each in chosen if wanted.takes(found[each]))
        return tuple(sorted((each for each in found.values() if wanted.takes(each)), key=_age))

    def record(self, record_id: str) -> Record:
        """The record with that id, or whose id alone begins so. Raises UsageError LP984."""
        return self.records(Wanted(ids=(record_id,)))[0]

    def decisions(self, record_id: str) -> tuple[Decision, ...]:
        """What was decided about a record, oldest first. Raises UsageError LP984."""
        key = self.record(record_id).id
        return tuple(each for each in self.place.decisions() if each.header.id == key)

    def review(
        self, record_ids: Sequence[str], *, actor: str, reason: str = "", expected: int | None = None
    ) -> tuple[Record, ...]:
        """Take records into review; what was decided before is open again.

        `expected` is the version of the records that the caller has seen. Raises StoreConflict LP981 where somebody
        else has decided meanwhile, LifecycleRefused LP982 where that is not possible and LP983 for data that is gone.
        """
        return self._decided(record_ids, Act.REVIEW, actor, reason, expected)

    def approve(
        self, record_ids: Sequence[str], *, actor: str, reason: str, expected: int | None = None
    ) -> tuple[Record, ...]:
        """Say that records may be replayed as they are, with their corrected values where they have some.

        Raises as `review`.
        """
        return self._decided(record_ids, Act.APPROVE, actor, reason, expected)

    def reject(
        self, record_ids: Sequence[str], *, actor: str, reason: str, expected: int | None = None
    ) -> tuple[Record, ...]:
        """Say that records are not to be replayed. Raises as `review`."""
        return self._decided(record_ids, Act.REJECT, actor, reason, expected)

    def correct(
        self, record_id: str, values: Mapping[str, Any], *, actor: str, reason: str, expected: int | None = None
    ) -> Record:
        """Give a record values, by column, that take the place of those that were set aside; others stay.

        They are JSON-able, see `content`. Raises as `review`, and UsageError LP985 where they do not fit the columns.
        """
        record = self.record(record_id)
        if record.header.kind is Kind.BATCH:
            raise UsageError(
                f"the batch {_short(record.id)} cannot be corrected value by value",
                "LP985",
                "correct the file, and give it in place of the batch: `correct --file`",
            )
        kept = {**record.corrected, **checked_values(values, self.place.columns())}
        _refuse_unwritable(json.dumps(kept, ensure_ascii=False))
        correction = Correction(id=uuid.uuid4().hex, record_id=record.id, values=kept)
        # Before anything is written: a correction of what cannot be corrected must leave no value behind.
        self._decision(Draft(record=record, act=Act.CORRECT), actor, reason, expected)
        self.place.keep_correction(correction)
        return self._corrected(record, correction.id, actor, reason, expected)

    def correct_batch(
        self,
        record_id: str,
        source: str,
        *,
        actor: str,
        reason: str,
        expected: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Record:
        """Give a batch another file or folder, which a replay takes in its place; the first one stays until a purge.

        `metadata` may say the `format` of the files and the `options` by which Spark reads them; what was said of the
        first one does not count for them. Raises as `review`, UsageError LP985 for a row, LP984 where nothing is at
        `source`.
        """
        record, place = self.record(record_id), self.place
        if record.header.kind is not Kind.BATCH or not isinstance(place, FilePlace):
            message = f"{_short(record.id)} is a row, which no file can take the place of"
            raise UsageError(message, "LP985", "correct its values by column")
        self._decision(Draft(record=record, act=Act.CORRECT), actor, reason, expected)
        correction = place.keep_files(record.id, source, metadata=metadata)
        return self._corrected(record, correction, actor, reason, expected)

    def _corrected(self, record: Record, correction: str, actor: str, reason: str, expected: int | None) -> Record:
        """Decide for a correction that is kept."""
        draft = Draft(record=record, act=Act.CORRECT, correction=correction)
        try:
            self.decide([draft], actor=actor, reason=reason, expected=expected)
        except StoreConflict:
            if self.record(record.id).status is Status.PURGED:
                self.place.remove([record.id])
            raise
        return self.record(record.id)

    def decide(self, drafts: Sequence[Draft], *, actor: str, reason: str, expected: int | None = None) -> None:
        """Make decisions. Raises as `review`; what is not possible for one of them is written for none."""
        made = [self._decision(each, actor, reason, expected) for each in drafts]
        refused = self.place.append(made)
        if refused:
            raise _conflict([each.header.id for each in refused], decided=len(made) - len(refused))

    def stats(self) -> dict[str, Any]:
        """Counts of all records, also of those whose data is gone: by status, by rule, by contract and by run."""
        found = self.records()
        rules = [rule for each in found for rule in each.header.failed_rules]
        return {
            "records": len(found),
            "held": sum(each.held for each in found),
            "status": _counted(each.status.value for each in found),
            "rules": _counted(rules),
            "contracts": _counted(f"{each.header.contract_id} {each.header.contract_version}" for each in found),
            "runs": _counted(each.header.run_id or "-" for each in found),
            "oldest": min((each.quarantined_at for each in found if each.held and each.quarantined_at), default=None),
        }

    def _decided(
        self, record_ids: Sequence[str], act: Act, actor: str, reason: str, expected: int | None
    ) -> tuple[Record, ...]:
        records = self.records(Wanted(ids=tuple(record_ids))) if record_ids else ()
        drafts = [Draft(record=each, act=act) for each in records]
        self.decide(drafts, actor=actor, reason=reason, expected=expected)
        return self.records(Wanted(ids=tuple(each.id for each in records))) if records else ()

    def _decision(self, draft: Draft, actor: str, reason: str, expected: int | None) -> Decision:
        record = draft.record
        _refuse_blank("actor", actor)
        if draft.act not in (Act.REVIEW, Act.CLAIM, Act.RELEASE, Act.RETURN, Act.REPLAY):
            _refuse_blank("reason", reason)
        _refuse_unwritable(actor, reason)
        if expected is not None and expected != record.version:
            raise _conflict([record.id], decided=0)
        if not record.held and draft.act is not Act.PURGE and record.status is not Status.PURGED:
            raise LifecycleRefused(
                f"{draft.act} of {_short(record.id)} is refused: its data is gone",
                "LP983",
                "the table was made again without it; take the data from its source",
                {"record": record.id},
            )
        state = State(status=record.decided, version=record.version, replay_run=record.replay_run)
        expired = record.status is Status.EXPIRED
        status = next_status(state, draft.act, record=_short(record.id), expired=expired)
        known = tuple(each.rule_id for each in record.failed_rules)
        return Decision(
            header=record.header,
            sequence=record.version + 1,
            act=draft.act,
            status=status,
            actor=actor,
            reason=reason,
            at=self.now,
            token=uuid.uuid4().hex,
            replay_run=draft.replay_run,
            correction=draft.correction,
            failed_rules=known if draft.failed_rules is None else draft.failed_rules,
            skipped_checks=draft.skipped_checks,
        )

    def _all(self) -> dict[str, Record]:
        trails: dict[str, list[Decision]] = {}
        for each in self.place.decisions():
            trails.setdefault(each.header.id, []).append(each)
        corrections = self.place.corrections() if any(d.correction for t in trails.values() for d in t) else {}
        # Read after the decisions, so that a purge in between hides the data of a record and not the record.
        stored = {each.header.id: each for each in self.place.stored()}
        found = {}
        for key in {**stored, **trails}:
            state, held = fold(trails.get(key, ())), stored.get(key)
            header = held.header if held is not None else trails[key][0].header
            found[key] = self._record(header, state, held, corrections)
        return found

    def _record(
        self, header: Header, state: State, stored: Stored | None, corrections: Mapping[str, Mapping[str, Any]]
    ) -> Record:
        held = (
            stored is not None and state.status is not Status.PURGED and (stored.row is not None or bool(stored.path))
        )
        data = stored if held and stored is not None else Stored(header=header)
        expires = self._expires(header, stored)
        rules = header.failed_rules if state.failed_rules is None else state.failed_rules
        messages = {**self._messages, **(stored.messages if stored else {})}
        return Record(
            header=header,
            status=seen_status(state.status, expires, self.now),
            decided=state.status,
            version=state.version,
            failed_rules=tuple(FailedRule(each, messages.get(each, "")) for each in rules),
            row=data.row,
            raw_values=data.raw_values,
            corrected=corrections.get(state.correction, {}) if held else {},
            expires_at=expires,
            held=held,
            twins=stored.twins if stored else "",
            path=data.path,
            source=stored.source if stored else "",
            replay_run=state.replay_run,
            claimed_at=state.claimed_at,
            skipped_checks=state.skipped_checks,
            correction=state.correction,
            metadata=stored.metadata if stored else {},
        )

    def _expires(self, header: Header, stored: Stored | None) -> datetime | None:
        if stored is not None and stored.expires_at is not None and not self._said:
            return stored.expires_at
        return header.quarantined_at + self._retention if header.quarantined_at else None


def record_data(record: Record, *, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A record as JSON-able data; `values` take the place of row, raw_values and corrected, each by its name."""
    header = record.header
    shown = {"row": record.row, "raw_values": dict(record.raw_values), "corrected": dict(record.corrected)}
    return {
        "id": record.id,
        "kind": header.kind.value,
        "status": record.status.value,
        "version": record.version,
        "dataset": header.dataset,
        "object": header.object,
        "contract_id": header.contract_id,
        "contract_version": header.contract_version,
        "run_id": header.run_id,
        "failed_rules": [{"rule_id": each.rule_id, "message": each.message} for each in record.failed_rules],
        "quarantined_at": _iso(record.quarantined_at),
        "expires_at": _iso(record.expires_at),
        "held": record.held,
        **(shown if values is None else values),
        "path": record.path,
        "source": record.source,
        "metadata": dict(record.metadata),
        "replay_run": record.replay_run,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _messages_of(contract: Contract | None) -> Mapping[str, str]:
    if contract is None:
        return {}
    return {rule.id: rule.description for rule in compile_rules(contract).all_rules()}


def _whole_id(text: str, known: Mapping[str, Record]) -> str:
    if text in known:
        return text
    found = [key for key in known if key.startswith(text)] if len(text) >= _SHORTEST_ID else []
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} records have ids that begin with" if found else "no record has the id"
    hint = f"give more of the id; at least {_SHORTEST_ID} characters"
    raise UsageError(f"{what} '{text}'", "LP984", hint, {"record": text})


def _short(record_id: str) -> str:
    return record_id[:12]


def _age(record: Record) -> tuple[bool, datetime, str]:
    at = record.quarantined_at
    return (at is None, at or datetime.min.replace(tzinfo=UTC), record.id)


def _counted(values: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in values:
        counts[each] = counts.get(each, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _conflict(record_ids: Sequence[str], *, decided: int) -> StoreConflict:
    listed = ", ".join(map(_short, record_ids[:5])) + (", …" if len(record_ids) > 5 else "")
    others = f"; {decided} others are decided" if decided else ""
    return StoreConflict(
        f"somebody else has decided meanwhile about {listed}{others}",
        "LP981",
        "read the record again, and decide anew",
        {"records": list(record_ids)},
    )


def _refuse_blank(name: str, value: str) -> None:
    if not value.strip():
        raise UsageError(f"a decision needs the {name}", "LP989", f"give the {name}")


def _refuse_unwritable(*texts: str) -> None:
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            bad = error.object[error.start]
            raise UsageError(f"{bad!r} is not valid Unicode", "LP985", "remove it from the text") from error
