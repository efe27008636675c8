"""Pipelines of a project, run on this machine under the contract versions that are in force."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lakepact.atomic_files import replace_file
from lakepact.contract import Contract
from lakepact.errors import ConfigurationError, UsageError
from lakepact.local.names import Namespace
from lakepact.local.result import UpdateResult, UpdateState
from lakepact.local.rule_results import results_of
from lakepact.local.run import run_project
from lakepact.project import find_project, load_project
from lakepact.project.model import Project
from lakepact.project.resolve import select_environment
from lakepact.rerun.runner import RunState, UpdateOutcome, UpdateRequest
from lakepact.results import RuleResult, RuleStatus
from lakepact.rules.model import Action
from lakepact.store.encoding import read_time, time_text

__all__ = ["LocalRunner", "under"]

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
        environment = select_environment(project, self._environment)
        result = run_project(
            project,
            environment=environment.name,
            pipelines=(request.pipeline,),
            refresh=() if request.full_refresh else request.refresh,
            full_refresh=request.refresh if request.full_refresh else None,
        )
        self._keep(place, result, Namespace(environment.catalog, environment.schema))
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

    def _keep(self, place: Path, result: UpdateResult, namespace: Namespace) -> None:
        now = self._clock()
        results = results_of(result, at=now, namespace=namespace)
        kept = {
            "update_id": result.update_id,
            "state": _STATES[result.state].value,
            "message": "; ".join(_failures(result)),
            "ended": time_text(now),
            "results": [asdict(each) | {"at": time_text(each.at)} for each in results],
        }
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_file(place, json.dumps(kept, ensure_ascii=False).encode())


def under(project: Project, contracts: Iterable[Contract]) -> Project:
    """The project with these versions of its contracts in place of all others of the same ids."""
    chosen = {contract.id: contract for contract in contracts}
    others = tuple(each for each in project.documents if each.id not in chosen)
    return replace(project, documents=(*others, *chosen.values()))


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
