"""How rows are to be written, once everything that a call may leave out is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lakepact.drafts import DraftSink
from lakepact.io.model import ChecksOn, OnMismatch, WriteMode
from lakepact.io.tables import Table

__all__ = ["WriteOrder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOrder:
    """How rows are to be written.

    `transaction` names the commit for Delta, so that it is made once; None: by the run, where it is `repeatable`.
    With `batch_aside`, data that would stop the write goes to the quarantine as a whole; `degraded` marks the commit
    of rows that are written although they break the contract.
    """

    table: Table
    mode: WriteMode
    keys: tuple[str, ...] = ()
    on_mismatch: OnMismatch = OnMismatch.RAISE
    checks_on: ChecksOn = ChecksOn.TABLE
    references: Mapping[str, Any] = field(default_factory=dict)
    quarantine: Table | None = None
    run_id: str = ""
    repeatable: bool = False
    transaction: tuple[str, int] | None = None
    batch_aside: bool = False
    degraded: bool = False
    pin: bool | None = None
    sinks: tuple[DraftSink, ...] = ()
    actor: str = "lakepact"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def options(self, table: Table) -> dict[str, Any]:
        """The writer's options by which Delta makes a repeated commit once."""
        transaction = self.transaction or ((self.run_id, 1) if self.repeatable else None)
        if transaction is None:
            return {}
        return {"txnAppId": f"lakepact:{table}:{transaction[0]}", "txnVersion": transaction[1]}
