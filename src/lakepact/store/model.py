"""What a contract store keeps: events, and the versions that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

__all__ = ["Event", "EventKind", "Status", "StoredVersion", "Summary"]


class Status(StrEnum):
    """Where a version is in its life. It is the store's own word: the `status` in the document stays what it is."""

    DRAFT = "draft"
    IN_REVIEW = "in review"
    VALIDATED = "validated"
    REJECTED = "rejected"
    DEPRECATED = "deprecated"
    RETIRED = "retired"

    @property
    def published(self) -> bool:
        """Whether somebody may rely on a version with this status; its bytes never change again."""
        return self in (Status.VALIDATED, Status.DEPRECATED, Status.RETIRED)


class EventKind(StrEnum):
    """What an event records."""

    PUT = "put"
    STATUS = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What search looks at, taken from the document when it was put."""

    name: str | None = None
    domain: str | None = None
    data_product: str | None = None
    purpose: str | None = None
    tags: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of the audit trail of a contract; never changed, never removed.

    `sequence` counts the events of one contract from 1 without gaps: two writers cannot both have the same number.
    `status` and `sha256` are those of the version after the event. `at` is in UTC.
    """

    contract_id: str
    sequence: int
    kind: EventKind
    version: str
    sha256: str
    status: Status
    actor: str
    at: datetime
    reason: str = ""
    summary: Summary = field(default_factory=Summary)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """One version as it stands: its status, the hash of its bytes, who made and who last changed it, and when (UTC)."""

    contract_id: str
    version: str
    status: Status
    sha256: str
    created_by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime
    reason: str = ""
    summary: Summary = field(default_factory=Summary)
