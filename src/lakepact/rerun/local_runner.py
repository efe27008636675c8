"""Pipelines of a project, run on this machine under the contract versions that are in force."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lakepact.contract import Contract
from lakepact.errors import ConfigurationError, UsageError
from lakepact.local.result import DatasetResult, PipelineResult, UpdateResult, UpdateState
from lakepact.local.run import run_project
from lakepact.project import find_project, load_project
from lakepact.project.model import Project
from lakepact.rerun.runner import RunState, UpdateOutcome, UpdateRequest
from lakepact.results import RuleResult, RuleStatus
from lakepact.rules.model import Action
from lakepact.store.encoding import read_time, time_text

__all__ = ["LocalRunner", "results_of", "under"]

_STATES: Final = {UpdateState.COMPLETED: RunState.COMPLETED, UpdateState.FAILED: RunState.FAILED}


class LocalRunner:
    """Runs the pipelines of the project in `folder`. What an update came to is kept below `records`.

    An update runs while it is started; a process that is killed meanwhile leaves none, and the next attempt runs it
    again from the start, which the local engine makes safe.
    """

    def __init__(
        self,
        folder: Path,
        *,
        records: Path,
        environment: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder = folder
        self._records = records
        self._environment = environment
        self._clock = clock

    @property
    def address(self) -> str:
        """The project's folder."""
        return str(self._folder)

    def start(self, request: UpdateRequest) -> str:
        """Run the update to its end, unless it was run for that key already; its id."""
        place = self._place(request)
        if (kept := _read(place)) is not None and read_time(kept["ended"]) >= request.since:
            return str(kept["update_id"])
        project = under(load_project(find_project(self._folder)), request.contracts)
        result = run_project(
            project,
            environment=self._environment,
            pipelines=(request.pipeline,),
            full_refresh=() if request.full_refresh else None,
        )
        self._keep(place, result)
        return result.update_id

    def outcome(self, pipeline: str, update_id: str, contract: Contract) -> UpdateOutcome:
        """What an update came to. Raises UsageError LP943 for one that this runner does not know."""
        for place in sorted(self._records.glob("*.json")):
            kept = _read(place)
            if kept is not None and kept["update_id"] == update_id:
                return _outcome(kept)
        raise UsageError(f"no update {update_id} of pipeline '{pipeline}' is known here", "LP943")

    def _place(self, request: UpdateRequest) -> Path:
        named = json.dumps([request.pipeline, request.key])
        return self._records / f"{hashlib.sha256(named.encode()).hexdigest()[:32]}.json"

    def _keep(self, place: Path, result: UpdateResult) -> None:
        now = self._clock()
        kept = {
            "update_id": result.update_id,
            "state": _STATES[result.state].value,
            "message": "; ".join(_failures(result)),
            "ended": time_text(now),
            "results": [asdict(each) | {"at": time_text(each.at)} for each in results_of(result, at=now)],
        }
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_suffix(".part")
        part.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        part.replace(place)


def under(project: Project, contracts: Iterable[Contract]) -> Project:
    """The project with these versions of its contracts in place of all others of the same ids."""
    chosen = {contract.id: contract for contract in contracts}
    others = tuple(each for each in project.documents if each.id not in chosen)
    return replace(project, documents=(*others, *chosen.values()))


def results_of(update: UpdateResult, *, at: datetime) -> tuple[RuleResult, ...]:
    """What an update says of the rules of its contracts, as results."""
    return tuple(
        result
        for pipeline in update.pipelines
        for dataset in pipeline.datasets
        for result in _dataset_results(update.update_id, pipeline, dataset, at)
    )


def _dataset_results(
    update_id: str, pipeline: PipelineResult, dataset: DatasetResult, at: datetime
) -> Iterator[RuleResult]:
    common: dict[str, Any] = {
        "run_id": update_id,
        "contract_id": pipeline.contract_id,
        "contract_version": pipeline.contract_version,
        "object": dataset.name.rpartition(".")[2],
        "dataset": dataset.name,
        "at": at,
    }
    for expectation in dataset.expectations:
        if expectation.rule_id:
            action, failed = Action(expectation.action), expectation.failed_records
            tested = failed + expectation.passed_records
            yield RuleResult(
                **common,
                rule_id=expectation.rule_id,
                rule_name=expectation.name,
                action=action,
                status=_status(action, passed=not failed),
                violations=failed,
                tested=tested,
                message=f"{failed} of {tested} rows" if failed else "",
            )
    for check in dataset.checks:
        yield RuleResult(
            **common,
            rule_id=check.rule_id,
            rule_name=check.name,
            action=Action(check.action),
            status=_status(Action(check.action), passed=check.passed),
            value=None if check.value is None else str(check.value),
            threshold=check.threshold,
            message="" if check.passed else f"{check.value}, {check.threshold}",
        )


def _status(action: Action, *, passed: bool) -> RuleStatus:
    if passed:
        return RuleStatus.PASS
    return RuleStatus.WARN if action is Action.WARN else RuleStatus.FAIL


def _failures(update: UpdateResult) -> Iterator[str]:
    for pipeline in update.pipelines:
        if pipeline.failure is not None:
            yield pipeline.failure.message
        elif pipeline.error:
            yield pipeline.error
        for dataset in pipeline.datasets:
            if dataset.error:
                yield f"{dataset.name}: {dataset.error.partition(chr(10))[0]}"


def _read(place: Path) -> dict[str, Any] | None:
    """What is kept of an update; None where nothing is. Raises ConfigurationError LP944 where it is damaged."""
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        kept: dict[str, Any] = json.loads(text)
        kept["update_id"], kept["ended"], kept["state"]
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(f"'{place}' is damaged", "LP944", "remove it; the update then runs again") from None
    return kept


def _outcome(kept: dict[str, Any]) -> UpdateOutcome:
    results = tuple(
        RuleResult(
            **each
            | {"at": read_time(each["at"]), "action": Action(each["action"]), "status": RuleStatus(each["status"])}
        )
        for each in kept["results"]
    )
    return UpdateOutcome(
        update_id=kept["update_id"], state=RunState(kept["state"]), message=kept["message"], results=results
    )
