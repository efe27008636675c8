"""Who runs pipelines: this machine, or a workspace. The rerun job sees nothing else of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from lakepact.contract import Contract
from lakepact.results import RuleResult

__all__ = ["PipelineRunner", "RunState", "UpdateOutcome", "UpdateRequest"]


class RunState(StrEnum):
    """How an update stands, under Databricks' names."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self is not RunState.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRequest:
    """An update to be started. `key` names what it is for: the same key is never asked for twice on purpose.

    `contracts` are the versions in force that it must run under; `full_refresh` empties tables first. `refresh` names
    the tables that it is for, as the pipeline does; all where it is empty. `since` is when it was first asked for: an
    update that was started for the same key after that is this one.
    """

    pipeline: str
    key: str
    contracts: tuple[Contract, ...]
    since: datetime
    full_refresh: bool = False
    refresh: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOutcome:
    """What is known of an update; results only when it ended. `message` says why it failed."""

    update_id: str
    state: RunState
    message: str = ""
    results: tuple[RuleResult, ...] = ()


class PipelineRunner(Protocol):
    """Starts updates and tells how they stand.

    Raises RemoteFailed where the place that runs them is away, which is worth another attempt; ConfigurationError and
    UsageError where another attempt would end the same.
    """

    @property
    def address(self) -> str:
        """Where pipelines run, for people."""
        ...

    def start(self, request: UpdateRequest) -> str:
        """Start an update, once a running one has ended; its id. One that was started for this key is given again."""
        ...

    def outcome(self, pipeline: str, update_id: str, contract: Contract) -> UpdateOutcome:
        """How an update stands; its results are those of the rules of `contract`."""
        ...
