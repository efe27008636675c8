"""The table of an inbox: one row a record, never changed. Nothing here needs an engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from lakepact.errors import ConfigurationError
from lakepact.rerun.inbox import Arrival, Effect, EffectKey, EffectState, Origin
from lakepact.rerun.records import Kind, Record
from lakepact.store.tables import Column, ColumnType, Table

__all__ = ["APPEND_ONLY", "CONTRACT_INBOX", "INBOX_LAYOUT", "check_layout", "read_record", "record_row"]

INBOX_LAYOUT: Final = 1
"""The version of the layout that this release writes."""

APPEND_ONLY: Final = "delta.appendOnly"
"""The property by which the table refuses to forget; whoever removes rows for their age sets it to false."""

_LAYOUT_PROPERTY: Final = "lakepact.inbox"

CONTRACT_INBOX: Final = Table(
    name="contract_inbox",
    comment="Notices about contracts and what became of them: one row a record, never changed.",
    columns=(
        Column("key", ColumnType.STRING, "Id of the delivery, or `effect:` and a hash"),
        Column("sequence", ColumnType.LONG, "Number of the record for its key, from 1 without gaps"),
        Column("kind", ColumnType.STRING, "received, claimed, extended, completed, failed, died, replayed or effect"),
        Column("at", ColumnType.TIMESTAMP, "When it was written (UTC)"),
        Column("delivery_id", ColumnType.STRING, "Id of the delivery; of an effect, the one that it is done for"),
        Column("worker", ColumnType.STRING, "Who has the event"),
        Column("until", ColumnType.TIMESTAMP, "End of the lease, or when it is tried again (UTC)", nullable=True),
        Column("reason", ColumnType.STRING, "Why; of an effect, a note such as the id of the update"),
        Column("origin", ColumnType.STRING, "webhook, run-now or poller; only where kind is received", nullable=True),
        Column("event_type", ColumnType.STRING, "Type of the notice; only where kind is received", nullable=True),
        Column("asset_id", ColumnType.STRING, "Asset in Collibra that the notice names", nullable=True),
        Column("contract_id", ColumnType.STRING, "Contract of the notice or effect", nullable=True),
        Column("version", ColumnType.STRING, "Version that the notice claims, or of the effect", nullable=True),
        Column("status", ColumnType.STRING, "Status that the notice claims, or of the effect", nullable=True),
        Column("occurred_at", ColumnType.TIMESTAMP, "When it happened, says the notice (UTC)", nullable=True),
        Column("sha256", ColumnType.STRING, "Hash of the document; only of effects", nullable=True),
        Column("pipeline", ColumnType.STRING, "Pipeline that is updated; only of effects", nullable=True),
    ),
    key=("key", "sequence"),
    properties=MappingProxyType(
        {
            APPEND_ONLY: "true",
            # A commit costs what the log says of all files; nobody looks for rows by what it says.
            "delta.dataSkippingNumIndexedCols": "0",
            "delta.enableChangeDataFeed": "true",
            "delta.isolationLevel": "Serializable",
            # A commit also costs what the folder of the log holds. A writer must never sleep for so long in a commit:
            # the number that it takes might be free again.
            "delta.logRetentionDuration": "interval 7 days",
            _LAYOUT_PROPERTY: str(INBOX_LAYOUT),
        }
    ),
)
"""One row a record. The table only grows, until somebody removes what is old."""


def check_layout(properties: Mapping[str, str | None], *, where: str) -> None:
    """Raise ConfigurationError LP936 for a table that is no inbox, or one that a newer lakepact made."""
    text = properties.get(_LAYOUT_PROPERTY) or ""
    if not (text.isascii() and text.isdecimal()):
        message = f"{where} is no inbox: it has no property `{_LAYOUT_PROPERTY}`"
        raise ConfigurationError(message, "LP936", "name a folder of its own for the inbox")
    if int(text) > INBOX_LAYOUT:
        message = f"{where} has layout {text}, this release of lakepact knows up to {INBOX_LAYOUT}"
        raise ConfigurationError(message, "LP936", "upgrade lakepact")


def record_row(record: Record) -> dict[str, Any]:
    """The row of a record, by column; times are in UTC."""
    row: dict[str, Any] = dict.fromkeys(column.name for column in CONTRACT_INBOX.columns)
    row |= {
        "key": record.key,
        "sequence": record.sequence,
        "kind": record.kind.value,
        "at": _utc(record.at),
        "delivery_id": record.key,
        "worker": record.worker,
        "until": _utc(record.until),
        "reason": record.reason,
    }
    if record.arrival is not None:
        row |= {
            "origin": record.arrival.origin.value,
            "event_type": record.arrival.type,
            "asset_id": record.arrival.asset_id,
            "contract_id": record.arrival.contract_id,
            "version": record.arrival.version,
            "status": record.arrival.status,
            "occurred_at": _utc(record.arrival.occurred_at),
        }
    if record.effect is not None:
        row |= {
            "delivery_id": record.effect.delivery_id,
            "reason": record.effect.note,
            "contract_id": record.effect.key.contract_id,
            "version": record.effect.key.version,
            "status": record.effect.state.value,
            "sha256": record.effect.key.sha256,
            "pipeline": record.effect.key.pipeline,
        }
    return row


def read_record(row: Mapping[str, Any], *, where: str) -> Record:
    """The record of a row. Raises ConfigurationError LP936 for what is none."""
    try:
        kind, at = Kind(row["kind"]), _utc(row["at"])
        if at is None:
            raise ValueError("it has no time")
        return Record(
            key=str(row["key"]),
            sequence=int(row["sequence"]),
            kind=kind,
            at=at,
            worker=row["worker"] or "",
            until=_utc(row["until"]),
            reason=row["reason"] or "",
            arrival=_arrival(row) if kind is Kind.RECEIVED else None,
            effect=_effect(row, at) if kind is Kind.EFFECT else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        message = f"{where} has a row that is no record: {error}"
        raise ConfigurationError(message, "LP936", "put the table back to an earlier version") from error


def _arrival(row: Mapping[str, Any]) -> Arrival:
    return Arrival(
        delivery_id=row["key"],
        type=row["event_type"],
        contract_id=row["contract_id"],
        asset_id=row["asset_id"],
        version=row["version"],
        status=row["status"],
        occurred_at=_utc(row["occurred_at"]),
        origin=Origin(row["origin"]),
    )


def _effect(row: Mapping[str, Any], at: datetime) -> Effect:
    key = EffectKey(
        contract_id=row["contract_id"], version=row["version"], sha256=row["sha256"], pipeline=row["pipeline"]
    )
    return Effect(
        key=key,
        delivery_id=row["delivery_id"],
        state=EffectState(row["status"]),
        sequence=int(row["sequence"]),
        at=at,
        note=row["reason"],
    )


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
