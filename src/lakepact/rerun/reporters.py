"""Where the results of updates go."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from lakepact.atomic_files import replace_file
from lakepact.local.rule_results import told_once
from lakepact.notify import Notifier
from lakepact.rerun.job import Reported
from lakepact.rerun.runner import RunState
from lakepact.results import RuleResult, RuleStatus
from lakepact.results.recording import record_results
from lakepact.rules import compile_rules
from lakepact.rules.model import Action
from lakepact.store.encoding import time_text

__all__ = ["FileReporter", "NotifyReporter", "TableReporter"]


class FileReporter:
    """Results as JSON lines in a folder, one file an update: for machines without a lake, and for tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def report(self, reported: Reported) -> None:
        """Write the file of the update; the same update again writes the same file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        place = self._folder / f"{reported.outcome.update_id}.jsonl"
        lines = [json.dumps(asdict(each) | {"at": time_text(each.at)}) for each in reported.outcome.results]
        replace_file(place, "".join(f"{line}\n" for line in lines).encode())


class TableReporter:
    """Results in the table `rule_results`, beside those of governed reads, writes and checks."""

    def __init__(self, place: str) -> None:
        """`place` is what `record_results` takes."""
        self._place = place

    def report(self, reported: Reported) -> None:
        """Add the results of the update, each rule once for a table; the same update again adds nothing."""
        results = told_once(reported.outcome.results, compile_rules(reported.contract))
        record_results(self._place, results, key=f"update:{reported.outcome.update_id}:{reported.contract.id}")


class NotifyReporter:
    """People hear of what an update broke, and of what is well again; a channel that fails is tried again later.

    That an update did not complete is an incident of its own, of `pipeline NAME`: it may have ended before a rule was
    asked.
    """

    def __init__(
        self,
        notifier: Notifier,
        *,
        seconds: float = 30.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Messages are sent for at most about so long; what is left waits for `lakepact notify send`."""
        self._notifier = notifier
        self._seconds = seconds
        self._clock = clock

    def report(self, reported: Reported) -> None:
        """Write down how the update ended and what the rules said, each once for a table, and send what is due."""
        results = told_once(reported.outcome.results, compile_rules(reported.contract))
        self._notifier.notify([*results, self._update(reported)], reported.contract)
        self._notifier.flush(seconds=self._seconds)

    def _update(self, reported: Reported) -> RuleResult:
        """How the update ended, as the result of a rule that it completes."""
        outcome = reported.outcome
        good = outcome.state is RunState.COMPLETED
        return RuleResult(
            run_id=outcome.update_id,
            contract_id=reported.contract.id,
            contract_version=reported.contract.version,
            object="",
            dataset=f"pipeline {reported.pipeline}",
            rule_id="update",
            rule_name="the update completes",
            action=Action.FAIL,
            status=RuleStatus.PASS if good else RuleStatus.FAIL,
            at=self._clock(),
            message="" if good else outcome.message or outcome.state.value,
        )
