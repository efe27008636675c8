"""What came of holding history and data against the service levels of a contract: one result a level and dataset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["LevelResult", "LevelSource", "LevelState"]


class LevelState(StrEnum):
    """How a service level stands. UNKNOWN: nothing measures it, or what was measured does not decide it."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"


class LevelSource(StrEnum):
    """What decided: a rule on the data, the history of runs, the clock, or nothing."""

    DATA = "data"
    RUNS = "runs"
    CLOCK = "clock"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelResult:
    """How one service level of a contract stands for one dataset.

    `level` names it in its contract: its id, else its property, with a number from the second of that property on.
    `property` is as the document writes it, `element` what it is about ('' for the whole object). `dataset` is '' where
    nothing is recorded of the object. `measured` and `limit` are for people; `measured` is '' where nothing was.
    `since` is when it came to stand so, and for a share over a window the start of the window; None where that is not
    known.
    `unused` names fields of the document that are not evaluated (`scheduler`, `schedule`, `valueExt`).
    """

    contract_id: str
    contract_version: str
    level: str
    property: str
    object: str
    element: str
    dataset: str
    state: LevelState
    measured: str
    limit: str
    since: datetime | None
    source: LevelSource
    reason: str
    at: datetime
    driver: str | None = None
    unused: tuple[str, ...] = ()
