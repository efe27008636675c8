"""From the events of a contract to how its versions stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from lakepact.errors import ConfigurationError
from lakepact.store.model import Event, EventKind, StoredVersion

__all__ = ["fold", "until"]


def fold(events: Iterable[Event]) -> dict[str, StoredVersion]:
    """The versions that follow from the events of one contract, in the order in which they came.

    Raises ConfigurationError LP854 where the events cannot be the whole trail of one contract: a number is missing or
    twice, or a version changes its status before it was put.
    """
    versions: dict[str, StoredVersion] = {}
    contract_id = None
    for number, event in enumerate(events, 1):
        contract_id = event.contract_id if contract_id is None else contract_id
        known = versions.get(event.version)
        if event.sequence != number or event.contract_id != contract_id:
            why = (
                f"event {number} is missing"
                if event.contract_id == contract_id
                else "another contract's are among them"
            )
            raise _damaged(contract_id, why)
        if event.kind is EventKind.PUT:
            versions[event.version] = _put(known, event)
        elif known is None or known.sha256 != event.sha256:
            raise _damaged(contract_id, f"event {number} is about bytes of {event.version} that were never put")
        else:
            versions[event.version] = replace(
                known, status=event.status, changed_by=event.actor, changed_at=event.at, reason=event.reason
            )
    return versions


def until(events: Sequence[Event], on: datetime | None) -> tuple[Event, ...]:
    """The events up to and including the moment `on`; all of them where it is None."""
    return tuple(events if on is None else takewhile(lambda event: event.at <= on, events))


def _put(known: StoredVersion | None, event: Event) -> StoredVersion:
    return StoredVersion(
        contract_id=event.contract_id,
        version=event.version,
        status=event.status,
        sha256=event.sha256,
        created_by=known.created_by if known else event.actor,
        created_at=known.created_at if known else event.at,
        changed_by=event.actor,
        changed_at=event.at,
        reason=event.reason,
        summary=event.summary,
    )


def _damaged(contract_id: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the events of '{contract_id}' are damaged: {why}", "LP854", "put them back from a backup"
    )
