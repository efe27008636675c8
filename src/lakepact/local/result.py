"""What an update did: the values behind the report, `--json` and the event log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lakepact.errors import LakepactError, Problem

__all__ = [
    "CheckResult",
    "DatasetResult",
    "DatasetState",
    "ExpectationResult",
    "PipelineResult",
    "Refresh",
    "UpdateResult",
    "UpdateState",
]


class UpdateState(StrEnum):
    """How an update ended."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class DatasetState(StrEnum):
    """How a dataset ended; SKIPPED where something upstream failed, or it was not selected."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class Refresh(StrEnum):
    """How a dataset got its rows, in Databricks' words; NO_OP where nothing had changed and it was left as it was."""

    NO_OP = "NO_OP"
    COMPLETE_RECOMPUTE = "COMPLETE_RECOMPUTE"
    INCREMENTAL = "INCREMENTAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationResult:
    """Counts of one expectation in one update. `rule_id` is '' for expectations of hand-written sources."""

    name: str
    rule_id: str
    action: str
    passed_records: int
    failed_records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Outcome of one dataset rule."""

    name: str
    rule_id: str
    value: int | float | str | bool | None
    threshold: str
    passed: bool
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetResult:
    """One published dataset; counts are rows of this update, None where the flow failed and nothing is known.

    A dataset that was not refreshed (NO_OP) has the counts of the update that made it. `refresh` is None where its flow
    did not complete.
    """

    name: str
    kind: str
    state: DatasetState
    output_records: int | None = None
    dropped_records: int | None = None
    quarantined_records: int | None = None
    expectations: tuple[ExpectationResult, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    error: str = ""
    seconds: float = 0.0
    refresh: Refresh | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineResult:
    """One pipeline of the update.

    `error` is set where it failed as a whole, `failure` where that was before or beside its datasets (sources that do
    not load). `problems` are warnings of its plan, such as objects without a source.
    """

    name: str
    datasets: tuple[DatasetResult, ...]
    error: str = ""
    contract_id: str = ""
    contract_version: str = ""
    problems: tuple[Problem, ...] = ()
    failure: LakepactError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateResult:
    """A whole `lakepact run`."""

    update_id: str
    state: UpdateState
    pipelines: tuple[PipelineResult, ...]
