"""The tables beside a quarantine table: one layout, whichever engine writes them.

`quarantine_decisions` only grows and holds no value of the data. `quarantine_corrections` holds corrected values, which
a purge deletes. The data itself stays in the quarantine table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from lakepact.contract.types import StructField, StructType
from lakepact.errors import ConfigurationError
from lakepact.plan.model import DatasetRole
from lakepact.plan.names import FAILED_RULES, RESERVED, SET_ASIDE_AT
from lakepact.quarantine.content import content_digest, plain, record_id
from lakepact.quarantine.model import Act, Correction, Decision, Header, Kind, Status, Stored
from lakepact.store.tables import Column, ColumnType, Table

__all__ = [
    "CORRECTIONS",
    "DECISIONS",
    "RUN_ID",
    "correction_row",
    "data_columns",
    "dataset_of",
    "decision_row",
    "read_corrections",
    "read_decision",
    "stored_rows",
    "stream_moment",
    "stream_run",
]

RUN_ID: Final = f"{RESERVED}run_id"
"""The column that a governed write adds; a pipeline does not."""

_STREAM: Final = "stream "
_RAW: Final = f"{RESERVED}raw_values"
_CONTRACT: Final = f"{RESERVED}contract_id"
_VERSION: Final = f"{RESERVED}contract_version"
_SUFFIX: Final = f"__{DatasetRole.QUARANTINE.value}"
_LAYOUT: Final = MappingProxyType({"lakepact.quarantine": "1"})

DECISIONS: Final = Table(
    name="quarantine_decisions",
    comment="Decisions about quarantined data: one row a decision, never changed. No value of the data is here.",
    columns=(
        Column("record_id", ColumnType.STRING, "Id of the record"),
        Column("sequence", ColumnType.LONG, "Number of the decision about its record, from 1 without gaps"),
        Column("act", ColumnType.STRING, "review, approve, correct, reject, claim, release, return, replay or purge"),
        Column("status", ColumnType.STRING, "Status of the record after the decision"),
        Column("actor", ColumnType.STRING, "Who decided"),
        Column("reason", ColumnType.STRING, "Why"),
        Column("at", ColumnType.TIMESTAMP, "When (UTC)"),
        Column("token", ColumnType.STRING, "Random, to recognise a decision that was sent twice"),
        Column("replay_run", ColumnType.STRING, "Run of a replay, in the commit of the target too"),
        Column("correction", ColumnType.STRING, "Id of the corrected values in quarantine_corrections"),
        Column("failed_rules", ColumnType.STRINGS, "Rules that the record breaks now"),
        Column("skipped_checks", ColumnType.LONG, "1 where a replay was asked not to check the contract"),
        Column("kind", ColumnType.STRING, "row or batch"),
        Column("dataset", ColumnType.STRING, "Table that the data was meant for"),
        Column("object", ColumnType.STRING, "Schema object of the contract"),
        Column("contract_id", ColumnType.STRING, "Id of the contract"),
        Column("contract_version", ColumnType.STRING, "Version of the contract that set it aside"),
        Column("run_id", ColumnType.STRING, "Run that set it aside"),
        Column("quarantined_at", ColumnType.TIMESTAMP, "When it was set aside (UTC)", nullable=True),
        Column("first_rules", ColumnType.STRINGS, "Rules for which it was set aside"),
    ),
    key=("record_id", "sequence"),
    properties=MappingProxyType({"delta.appendOnly": "true", "delta.isolationLevel": "Serializable", **_LAYOUT}),
)
"""One row a decision."""

CORRECTIONS: Final = Table(
    name="quarantine_corrections",
    comment="Corrected values of quarantined rows; they are deleted with the row.",
    columns=(
        Column("correction", ColumnType.STRING, "Id of the correction"),
        Column("record_id", ColumnType.STRING, "Id of the record"),
        Column("corrected", ColumnType.STRING, "The corrected values by column, as JSON"),
    ),
    key=("correction",),
    properties=_LAYOUT,
)
"""One row a correction."""


def decision_row(decision: Decision) -> dict[str, Any]:
    """The row of a decision, by column; times are in UTC."""
    header = decision.header
    return {
        "record_id": header.id,
        "sequence": decision.sequence,
        "act": decision.act.value,
        "status": decision.status.value,
        "actor": decision.actor,
        "reason": decision.reason,
        "at": decision.at.astimezone(UTC),
        "token": decision.token,
        "replay_run": decision.replay_run,
        "correction": decision.correction,
        "failed_rules": list(decision.failed_rules),
        "skipped_checks": int(decision.skipped_checks),
        "kind": header.kind.value,
        "dataset": header.dataset,
        "object": header.object,
        "contract_id": header.contract_id,
        "contract_version": header.contract_version,
        "run_id": header.run_id,
        "quarantined_at": header.quarantined_at.astimezone(UTC) if header.quarantined_at else None,
        "first_rules": list(header.failed_rules),
    }


def read_decision(row: Mapping[str, Any], *, where: str) -> Decision:
    """The decision of a row. Raises ConfigurationError LP988 for what is none."""
    try:
        at = _utc(row["at"])
        if at is None:
            raise ValueError("it has no time")
        return Decision(
            header=Header(
                id=str(row["record_id"]),
                kind=Kind(row["kind"]),
                dataset=row["dataset"],
                object=row["object"],
                contract_id=row["contract_id"],
                contract_version=row["contract_version"],
                run_id=row["run_id"],
                quarantined_at=_utc(row["quarantined_at"]),
                failed_rules=tuple(row["first_rules"]),
            ),
            sequence=int(row["sequence"]),
            act=Act(row["act"]),
            status=Status(row["status"]),
            actor=row["actor"],
            reason=row["reason"],
            at=at,
            token=row["token"],
            replay_run=row["replay_run"],
            correction=row["correction"],
            failed_rules=tuple(row["failed_rules"]),
            skipped_checks=bool(row["skipped_checks"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(where, f"no decision: {error}") from error


def correction_row(correction: Correction) -> dict[str, Any]:
    """The row of a correction, by column."""
    corrected = json.dumps(correction.values, ensure_ascii=False)
    return {"correction": correction.id, "record_id": correction.record_id, "corrected": corrected}


def read_corrections(rows: Iterable[Mapping[str, Any]], *, where: str) -> dict[str, Mapping[str, Any]]:
    """The corrected values of rows, by the id of the correction. Raises ConfigurationError LP988."""
    try:
        return {row["correction"]: json.loads(row["corrected"]) for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(where, f"no correction: {error}") from error


def data_columns(schema: StructType) -> tuple[StructField, ...]:
    """The columns of a quarantine table that are those of the data."""
    return tuple(each for each in schema.fields if not each.name.casefold().startswith(RESERVED))


def dataset_of(name: str) -> str:
    """The name of the table that a quarantine table belongs to, without its schema or folder.

    >>> dataset_of("/data/orders__quarantine/"), dataset_of("orders__quarantine"), dataset_of("bad_orders")
    ('orders', 'orders', 'bad_orders')
    """
    return name.rstrip("/").rpartition("/")[2].removesuffix(_SUFFIX)


def stream_run(moment: datetime) -> str:
    """Stands for the run of rows that a stream set aside: all at one moment, which the pipeline records and no run.

    >>> stream_run(datetime(2024, 5, 1, 12, tzinfo=UTC))
    'stream 2024-05-01T12:00:00.000000Z'
    """
    return f"{_STREAM}{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def stream_moment(run_id: str) -> datetime | None:
    """The moment that `stream_run` made a run of; None for a run of a governed write.

    >>> stream_moment("stream 2024-05-01T12:00:00.000000Z"), stream_moment("run-7")
    (datetime.datetime(2024, 5, 1, 12, 0, tzinfo=datetime.timezone.utc), None)
    """
    if not run_id.startswith(_STREAM):
        return None
    try:
        return datetime.fromisoformat(run_id.removeprefix(_STREAM))
    except ValueError:
        return None


def stored_rows(
    columns: Mapping[str, Sequence[Any]], schema: StructType, *, dataset: str, object_name: str = "", where: str
) -> tuple[Stored, ...]:
    """The rows of a quarantine table, whose values are given by column as Arrow gives them to Python.

    A row's number among equal ones of a run is counted, so that each has an id of its own. Raises ConfigurationError
    LP988 where the table is no quarantine.
    """
    lacking = [name for name in (FAILED_RULES, _RAW, _CONTRACT, _VERSION) if name not in columns]
    if lacking:
        raise _damaged(where, f"no quarantine: it lacks the column {lacking[0]!r}")
    types = {each.name: each.type for each in schema.fields}
    data = [each.name for each in data_columns(schema)]
    seen: dict[str, int] = {}
    found = []
    for at in range(len(columns[FAILED_RULES])):
        row = {name: plain(columns[name][at], types[name]) for name in data}
        raw = plain(columns[_RAW][at], types[_RAW]) or {}
        moment = _utc(columns[SET_ASIDE_AT][at]) if SET_ASIDE_AT in columns else None
        run_id = (columns[RUN_ID][at] if RUN_ID in columns else moment and stream_run(moment)) or ""
        contract_id = columns[_CONTRACT][at] or ""
        content = content_digest(row, raw)
        twins = record_id(dataset=dataset, contract_id=contract_id, run_id=run_id, content=content, occurrence=0)
        seen[twins] = seen.get(twins, 0) + 1
        header = Header(
            id=record_id(
                dataset=dataset, contract_id=contract_id, run_id=run_id, content=content, occurrence=seen[twins]
            ),
            kind=Kind.ROW,
            dataset=dataset,
            object=object_name or dataset,
            contract_id=contract_id,
            contract_version=columns[_VERSION][at] or "",
            run_id=run_id,
            quarantined_at=moment,
            failed_rules=tuple(columns[FAILED_RULES][at] or ()),
        )
        found.append(Stored(header=header, row=row, raw_values=raw, twins=twins))
    return tuple(found)


def _damaged(where: str, what: str) -> ConfigurationError:
    return ConfigurationError(f"{where} holds {what}", "LP988", "name another place, or put it back from a backup")


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
