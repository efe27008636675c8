"""What was kept long enough is removed: the data, not the record of it."""

from __future__ import annotations

from dataclasses import dataclass

from lakepact.errors import LifecycleRefused
from lakepact.quarantine.lifecycle import seen_status
from lakepact.quarantine.model import Act, Kind, Status, Wanted
from lakepact.quarantine.records import Draft, Quarantine

__all__ = ["VACUUM_NOTE", "Purged", "purge"]

VACUUM_NOTE = (
    "the rows are deleted from the table; their bytes go when old files do: run VACUUM on the quarantine table and on "
    "quarantine_corrections, after the time for which older versions can be read"
)
"""What a purge of rows leaves to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What a purge removed: records, by id. `waiting` are records that a replay has claimed and that were left."""

    records: tuple[str, ...]
    waiting: tuple[str, ...]


def purge(
    quarantine: Quarantine, record_ids: tuple[str, ...] = (), *, actor: str, reason: str, dry_run: bool = False
) -> Purged:
    """Remove the data of these records; without ids that of all whose time is over, whatever was decided.

    Counts and decisions stay. Equal rows of one run go together, because nobody could tell which of them is left. A
    purge that was interrupted is ended by the next one. Raises as `Quarantine.review`, LifecycleRefused LP982 for an id
    that a replay has claimed, LP987 where the rows are those of a pipeline.
    """
    everything = quarantine.records()
    chosen = {each.id for each in quarantine.records(Wanted(ids=record_ids))} if record_ids else _expired(quarantine)
    twins = {each.twins for each in everything if each.id in chosen and each.twins}
    group = [
        each for each in everything if (each.id in chosen or each.twins in twins) and each.status is not Status.PURGED
    ]
    claimed = {each.twins or each.id for each in group if each.replay_run}
    waiting = [each for each in group if (each.twins or each.id) in claimed]
    if waiting and record_ids:
        raise LifecycleRefused(
            f"purge of {waiting[0].id[:12]} is refused: the replay {waiting[0].replay_run} has claimed it, or its twin",
            "LP982",
            "run the replay again: it ends what was begun",
        )
    going = [each for each in group if each not in waiting]
    if any(each.header.kind is Kind.ROW and not each.header.run_id for each in going):
        raise LifecycleRefused(
            f"the rows of {quarantine.place.address} have no run: a pipeline makes them",
            "LP987",
            "remove them at their source, and refresh the pipeline",
        )
    if not dry_run:
        # The decision first: what it says is carried out by the next purge, should this one be interrupted.
        drafts = [Draft(record=each, act=Act.PURGE) for each in going]
        quarantine.decide(drafts, actor=actor, reason=reason)
        left = {each.header.id for each in quarantine.place.stored()}
        over = {each.id for each in everything if each.status is Status.PURGED} | {each.id for each in going}
        if over & left:
            quarantine.place.remove(over & left)
    return Purged(records=tuple(each.id for each in going), waiting=tuple(each.id for each in waiting))


def _expired(quarantine: Quarantine) -> set[str]:
    now = quarantine.now
    return {
        each.id
        for each in quarantine.records()
        if each.held and seen_status(Status.QUARANTINED, each.expires_at, now) is Status.EXPIRED
    }
