"""What happened to a contract inside Collibra, beside lakepact, as events that follow its ledger.

Stewards edit documents, set statuses and activate versions in Collibra. Nothing of that is lost or overruled: it is
read as events of those who did it, and becomes part of the ledger with the next change that lakepact makes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from lakepact.collibra.ledger import Entry, Ledger
from lakepact.collibra.model import Asset, ManifestVersion
from lakepact.collibra.statuses import StatusNames, wanted
from lakepact.contract import Version
from lakepact.errors import ConfigurationError
from lakepact.store.folding import fold
from lakepact.store.model import Event, EventKind, Status, StoredVersion, Summary

__all__ = ["Content", "Seen", "is_under_way", "milliseconds", "observed", "observed_of_active"]

_LOG: Final = logging.getLogger(__name__)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BY_COLLIBRA: Final = "collibra"


@dataclass(frozen=True, slots=True)
class Content:
    """The hash of a document, and what it says; `summary` is None where it is no document of this contract."""

    sha256: str
    summary: Summary | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A contract as Collibra shows it."""

    asset: Asset
    versions: tuple[ManifestVersion, ...]

    @property
    def active(self) -> ManifestVersion | None:
        """The active version."""
        return next((each for each in self.versions if each.active), None)

    def version(self, version: str) -> ManifestVersion | None:
        """A version by its number."""
        return next((each for each in self.versions if each.version == version), None)


def milliseconds(moment: datetime) -> int:
    """A moment as Collibra counts it."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def observed(
    contract_id: str, ledger: Ledger, seen: Seen, names: StatusNames, read: Callable[[ManifestVersion], Content]
) -> tuple[Event, ...]:
    """The events that the ledger lacks: versions and bytes from elsewhere, and the status that a steward set.

    A change that lakepact has decided and not yet carried out is none. `read` gives the content of a version, and is
    called only where it can be another than the ledger says.
    """
    trail = _Trail(contract_id, list(ledger.events))
    for version in sorted(_comparable(contract_id, seen.versions), key=lambda each: (each.created_on, each.version)):
        _observe_bytes(trail, version, seen, ledger, names, read)
    active = seen.active
    status = names.meaning(seen.asset.status)
    if active is not None and status is not None and active.version in trail.standing():
        _observe_status(trail, active.version, status, seen, ledger.last)
    return tuple(trail.events[len(ledger.events) :])


def observed_of_active(
    contract_id: str, ledger: Ledger, asset: Asset, active: str, names: StatusNames
) -> tuple[Event, ...]:
    """The same where the active version is in the ledger with the bytes that it has, and nothing else was looked at.

    Versions that the ledger lacks are drafts or superseded: of what is validated this says all.
    """
    moment = asset.changed_on
    version = ManifestVersion(
        version=active, active=True, format="", created_by="", created_on=moment, changed_by="", changed_on=moment
    )
    trail = _Trail(contract_id, list(ledger.events))
    status = names.meaning(asset.status)
    if status is not None:
        _observe_status(trail, active, status, Seen(asset, (version,)), ledger.last)
    return tuple(trail.events[len(ledger.events) :])


@dataclass
class _Trail:
    contract_id: str
    events: list[Event]

    def standing(self) -> dict[str, StoredVersion]:
        return fold(self.events)

    def add(
        self,
        kind: EventKind,
        version: str,
        sha256: str,
        status: Status,
        *,
        actor: str,
        at: datetime,
        reason: str,
        summary: Summary | None = None,
    ) -> None:
        # Clocks of Collibra and of writers differ; the trail stays in the order of its times all the same.
        moment = max(at, self.events[-1].at) if self.events else at
        event = Event(
            contract_id=self.contract_id,
            sequence=len(self.events) + 1,
            kind=kind,
            version=version,
            sha256=sha256,
            status=status,
            actor=actor or _BY_COLLIBRA,
            at=moment,
            reason=reason,
            summary=summary or Summary(),
        )
        self.events.append(event)


def _comparable(contract_id: str, versions: Iterable[ManifestVersion]) -> Iterable[ManifestVersion]:
    for each in versions:
        try:
            Version.parse(each.version)
        except ConfigurationError:
            _LOG.warning("'%s' %s is left out: it is not a semantic version", contract_id, each.version)
        else:
            yield each


def _observe_bytes(
    trail: _Trail,
    version: ManifestVersion,
    seen: Seen,
    ledger: Ledger,
    names: StatusNames,
    read: Callable[[ManifestVersion], Content],
) -> None:
    known = trail.standing().get(version.version)
    if known is None:
        content = read(version)
        if content.summary is None:
            _LOG.warning("'%s' %s is left out: it is no ODCS contract of that id", trail.contract_id, version.version)
            return
        status = _first_status(version, seen, names)
        trail.add(
            EventKind.PUT,
            version.version,
            content.sha256,
            status,
            actor=version.created_by,
            at=version.created_on,
            reason="found in Collibra",
            summary=content.summary,
        )
        return
    entry = ledger.put_of(version.version)
    if known.status.published or (entry and entry.version_on == milliseconds(version.changed_on)):
        return
    content = read(version)
    if content.sha256 != known.sha256:
        shown = names.meaning(seen.asset.status) if version.active else None
        trail.add(
            EventKind.PUT,
            version.version,
            content.sha256,
            Status.DRAFT if shown is None or shown.published else shown,
            actor=version.changed_by,
            at=version.changed_on,
            reason="changed in Collibra",
            summary=content.summary,
        )


def _first_status(version: ManifestVersion, seen: Seen, names: StatusNames) -> Status:
    """The status of a version that lakepact never saw: a draft, or, below a published one, one that was."""
    active, status = seen.active, names.meaning(seen.asset.status)
    if active is None or version.active or status is None or not status.published:
        return Status.DRAFT
    try:
        superseded = Version.parse(version.version) < Version.parse(active.version)
    except ConfigurationError:
        return Status.DRAFT
    return Status.DEPRECATED if superseded else Status.DRAFT


def _observe_status(trail: _Trail, active: str, status: Status, seen: Seen, last: Entry | None) -> None:
    standing = trail.standing()
    if standing[active].status is status or is_under_way(trail.events, seen, last):
        return
    asset = seen.asset
    _step(trail, standing[active], status, f"set to {asset.status} in Collibra", asset)
    if status is Status.VALIDATED:
        return
    # The asset speaks for the contract: an older version is not what a steward fell back on.
    for other in standing.values():
        if other.status is Status.VALIDATED and other.version != active:
            _step(trail, other, Status.DEPRECATED, f"the contract was set to {asset.status} in Collibra", asset)


def _step(trail: _Trail, version: StoredVersion, status: Status, reason: str, asset: Asset) -> None:
    by = asset.changed_by
    trail.add(EventKind.STATUS, version.version, version.sha256, status, actor=by, at=asset.changed_on, reason=reason)


def is_under_way(events: Sequence[Event], seen: Seen, last: Entry | None) -> bool:
    """Whether Collibra still is as the last writer found it, or half way to what that one decided."""
    if last is None or seen.active is None or last.asset_on != milliseconds(seen.asset.changed_on):
        return False
    active = seen.active.version
    return active in (last.active, wanted(fold(events), active).active)
