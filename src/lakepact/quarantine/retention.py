"""What was kept long enough is removed: the data, not the record of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lakepact.errors import LifecycleRefused
from lakepact.quarantine.lifecycle import seen_status
from lakepact.quarantine.model import Act, Kind, Record, Status, Wanted
from lakepact.quarantine.records import Draft, Quarantine
from lakepact.quarantine.tables import stream_moment

__all__ = ["LEFT_NOTE", "VACUUM_NOTE", "Purged", "purge"]

VACUUM_NOTE = (
    "the rows are deleted from the table; their bytes go when old files do: run VACUUM on the quarantine table and on "
    "quarantine_corrections, after the time for which older versions can be read"
)
"""What a purge of rows leaves to be done."""

LEFT_NOTE = (
    "no moment is known from which their time counts: a pipeline computes them anew from its source at every update "
    "(a materialized view), or set them aside before its source was generated with that moment; remove them at the "
    "source, and refresh the pipeline"
)
"""Why a purge leaves rows that a pipeline set aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What a purge removed: records, by id. `waiting` are records that a replay has claimed and that were left.

    `left` are rows of a pipeline that never come to the end of their time, see `LEFT_NOTE`.
    """

    records: tuple[str, ...]
    waiting: tuple[str, ...]
    left: tuple[str, ...] = ()


def purge(
    quarantine: Quarantine, record_ids: tuple[str, ...] = (), *, actor: str, reason: str, dry_run: bool = False
) -> Purged:
    """Remove the data of these records; without ids that of all whose time is over, whatever was decided.

    Counts and decisions stay. Equal rows of one run go together, because nobody could tell which of them is left, and
    so do rows that a stream set aside at one moment. A purge that was interrupted is ended by the next one. Raises as
    `Quarantine.review`, LifecycleRefused LP982 for an id that a replay has claimed, LP987 where the rows cannot be
    removed: a pipeline computes them, or a stream set others aside with them that are not named.
    """
    everything = quarantine.records()
    chosen = {each.id for each in quarantine.records(Wanted(ids=record_ids))} if record_ids else _expired(quarantine)
    bound = {_together(each) for each in everything if each.id in chosen}
    group = [each for each in everything if _together(each) in bound and each.status is not Status.PURGED]
    if record_ids:
        _refuse_left(quarantine.place.address, [each for each in group if _is_left(each)])
        _refuse_others(group, chosen)
    claimed = {_together(each) for each in group if each.replay_run}
    waiting = [each for each in group if _together(each) in claimed]
    if waiting and record_ids:
        run = next(each.replay_run for each in waiting if each.replay_run)
        raise LifecycleRefused(
            f"purge of {waiting[0].id[:12]} is refused: the replay {run} has claimed it, or its twin",
            "LP982",
            "run the replay again: it ends what was begun",
        )
    going = [each for each in group if each not in waiting]
    if not dry_run:
        # The decision first: what it says is carried out by the next purge, should this one be interrupted.
        drafts = [Draft(record=each, act=Act.PURGE) for each in going]
        quarantine.decide(drafts, actor=actor, reason=reason)
        left = {each.header.id for each in quarantine.place.stored()}
        over = {each.id for each in everything if each.status is Status.PURGED} | {each.id for each in going}
        if over & left:
            quarantine.place.remove(over & left)
    return Purged(
        records=tuple(each.id for each in going),
        waiting=tuple(each.id for each in waiting),
        left=tuple(each.id for each in everything if _is_left(each)),
    )


def _together(record: Record) -> str:
    """What is the same for records that can only be removed together."""
    run = record.header.run_id
    return run if stream_moment(run) is not None else record.twins or record.id


def _is_left(record: Record) -> bool:
    return record.held and record.header.kind is Kind.ROW and not record.header.run_id


def _refuse_left(address: str, found: Sequence[Record]) -> None:
    if found:
        raise LifecycleRefused(
            f"the rows of {address} have no run: a pipeline makes them",
            "LP987",
            "remove them at their source, and refresh the pipeline",
        )


def _refuse_others(group: Sequence[Record], chosen: Collection[str]) -> None:
    """Raise where rows would go that a stream set aside at the same moment, and that nobody names."""
    others = [each for each in group if each.id not in chosen and stream_moment(each.header.run_id) is not None]
    if others:
        raise LifecycleRefused(
            f"purge of {group[0].id[:12]} is refused: {len(others)} more were set aside by the same update of a stream",
            "LP987",
            "name them too, or wait until their time is over",
            {"others": [each.id for each in others]},
        )


def _expired(quarantine: Quarantine) -> set[str]:
    now = quarantine.now
    return {
        each.id
        for each in quarantine.records()
        if each.held and seen_status(Status.QUARANTINED, each.expires_at, now) is Status.EXPIRED
    }
