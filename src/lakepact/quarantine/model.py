"""What is kept of a row or batch that was set aside: the record, and the decisions about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["Act", "Correction", "Decision", "FailedRule", "Header", "Kind", "Record", "Status", "Stored", "Wanted"]


class Kind(StrEnum):
    """What was set aside: one row, or a file or table as a whole."""

    ROW = "row"
    BATCH = "batch"


class Status(StrEnum):
    """How a record stands. EXPIRED is never written: a record that waits for somebody expires as time passes."""

    QUARANTINED = "quarantined"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    CORRECTED = "corrected"
    REJECTED = "rejected"
    REPLAYED = "replayed"
    EXPIRED = "expired"
    PURGED = "purged"


class Act(StrEnum):
    """What a decision does.

    CLAIM: a replay is about to write the record; RELEASE: it gave up, having written nothing; RETURN: the record breaks
    the contract again.
    """

    REVIEW = "review"
    APPROVE = "approve"
    CORRECT = "correct"
    REJECT = "reject"
    CLAIM = "claim"
    RELEASE = "release"
    RETURN = "return"
    REPLAY = "replay"
    PURGE = "purge"


@dataclass(frozen=True, slots=True)
class FailedRule:
    """A rule that the row or batch breaks; `message` is '' where nobody said more."""

    rule_id: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known of a record without its data; it stays when the data is purged.

    `id` is the same whenever and by whichever engine the record is read. `dataset` is the name of the table that the
    data was meant for, `run_id` the run that set it aside. A pipeline records none: for a stream it names the moment,
    and it is '' for a materialized view.
    """

    id: str
    kind: Kind
    dataset: str
    object: str
    contract_id: str
    contract_version: str
    run_id: str
    quarantined_at: datetime | None
    failed_rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a place holds: a header with its data.

    `row` and `raw_values` are JSON-able (see `content`); None and empty for a batch, whose data is at `path` and came
    from `source`. `twins` is equal for rows of one run that cannot be told apart. `messages` are by rule id. `metadata`
    is what was said of a batch when it was set aside.
    """

    header: Header
    row: Mapping[str, Any] | None = None
    raw_values: Mapping[str, str] = field(default_factory=dict)
    twins: str = ""
    path: str = ""
    source: str = ""
    messages: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision about one record; never changed, and without any value of the data.

    `sequence` counts from 1 without gaps; of two decisions with one number the place keeps the first. `status` is the
    record's after it. `replay_run` names the run of a replay, `correction` the corrected values. `failed_rules` are
    those that the record breaks now. `skipped_checks`: the replay was asked not to hold it against the contract.
    """

    header: Header
    sequence: int
    act: Act
    status: Status
    actor: str
    reason: str
    at: datetime
    token: str
    replay_run: str = ""
    correction: str = ""
    failed_rules: tuple[str, ...] = ()
    skipped_checks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Corrected values of a record: kept apart from the decision, because a purge removes them."""

    id: str
    record_id: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as it stands: what is stored of it, and what was decided.

    `decided` is the status by decisions alone, whatever the time; `version` counts them. `row` has the data as it was
    set aside, `corrected` what replaces it, by column; of a batch it describes the files that do. `correction` is the
    id of it. `held` is False where the data is gone. `replay_run` names the replay that is under way since
    `claimed_at`. `metadata` is as in `Stored`.
    """

    header: Header
    status: Status
    decided: Status
    version: int
    failed_rules: tuple[FailedRule, ...]
    row: Mapping[str, Any] | None = None
    raw_values: Mapping[str, str] = field(default_factory=dict)
    corrected: Mapping[str, Any] = field(default_factory=dict)
    expires_at: datetime | None = None
    held: bool = True
    twins: str = ""
    path: str = ""
    source: str = ""
    replay_run: str = ""
    claimed_at: datetime | None = None
    skipped_checks: bool = False
    correction: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id."""
        return self.header.id

    @property
    def quarantined_at(self) -> datetime | None:
        """When it was set aside; None where nobody recorded it."""
        return self.header.quarantined_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records are asked for; what is None or empty does not matter. `ids` may be beginnings of ids."""

    ids: tuple[str, ...] = ()
    contract: str | None = None
    rule: str | None = None
    run: str | None = None
    statuses: tuple[Status, ...] = ()
    since: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is asked for in particular."""
        return self == Wanted()

    def takes(self, record: Record) -> bool:
        """Whether the record is asked for, its id aside."""
        header = record.header
        rules = {each.rule_id for each in record.failed_rules} | set(header.failed_rules)
        return (
            self.contract in (None, header.contract_id)
            and (self.rule is None or self.rule in rules)
            and self.run in (None, header.run_id)
            and (not self.statuses or record.status in self.statuses)
            and (self.since is None or (header.quarantined_at is not None and header.quarantined_at >= self.since))
        )
