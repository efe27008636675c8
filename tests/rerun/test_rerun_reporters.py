"""Where the results of updates go."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lakepact.contract import Contract, load_contract
from lakepact.notify import FolderPlace, Notification, Notifier, Receipt, Route, Severity, Traits
from lakepact.rerun.job import Reported
from lakepact.rerun.reporters import FileReporter, NotifyReporter, TableReporter
from lakepact.rerun.runner import RunState, UpdateOutcome
from lakepact.results import RuleResult, RuleStatus
from lakepact.results.reading import read_results
from lakepact.rules.model import Action

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
_CONTRACT = b"apiVersion: v3.1.0\nkind: DataContract\nid: orders\nversion: 1.0.0\nstatus: active\n"


class Chat:
    """A channel that takes everything."""

    name = "chat"
    traits = Traits()

    def __init__(self) -> None:
        self.taken: list[Notification] = []

    def send(self, notification: Notification) -> Receipt:
        self.taken.append(notification)
        return Receipt(remote_id=str(len(self.taken)))


def _contract() -> Contract:
    return load_contract(_CONTRACT)


def _reported(run: str, status: RuleStatus) -> Reported:
    result = RuleResult(
        run_id=run,
        contract_id="orders",
        contract_version="1.0.0",
        object="orders",
        dataset="orders",
        rule_id="orders.id.required",
        rule_name="id.required",
        action=Action.FAIL,
        status=status,
        at=NOW,
        violations=0 if status is RuleStatus.PASS else 2,
        tested=7,
    )
    outcome = UpdateOutcome(update_id=run, state=RunState.COMPLETED, results=(result,))
    return Reported(contract=_contract(), pipeline="orders", outcome=outcome)


def test_results_are_lines_of_a_file_that_is_the_same_when_it_is_told_again(tmp_path: Path) -> None:
    reporter = FileReporter(tmp_path / "results")
    for _ in range(2):
        reporter.report(_reported("u1", RuleStatus.FAIL))
    (file,) = (tmp_path / "results").iterdir()
    (line,) = file.read_text().splitlines()
    found = json.loads(line)
    assert file.name == "u1.jsonl"
    assert (found["rule_id"], found["status"], found["at"]) == (
        "orders.id.required",
        "fail",
        "2026-01-01T12:00:00.000000Z",
    )


def test_people_hear_of_a_broken_rule_once_and_of_its_recovery(tmp_path: Path) -> None:
    chat = Chat()
    notifier = Notifier([Route(channels=("chat",))], [chat], FolderPlace(tmp_path / "outbox"), lambda: NOW)
    reporter = NotifyReporter(notifier)
    for run, status in (("u1", RuleStatus.FAIL), ("u1", RuleStatus.FAIL), ("u2", RuleStatus.PASS)):
        reporter.report(_reported(run, status))
    assert [(str(each.state), each.run_id) for each in chat.taken] == [("firing", "u1"), ("resolved", "u2")]


def test_people_hear_of_an_update_that_ended_before_a_rule_was_asked(tmp_path: Path) -> None:
    chat = Chat()
    notifier = Notifier([Route(channels=("chat",))], [chat], FolderPlace(tmp_path / "outbox"), lambda: NOW)
    reporter = NotifyReporter(notifier, clock=lambda: NOW)
    failed = UpdateOutcome(update_id="u1", state=RunState.FAILED, message="no such column: a")
    for _ in range(2):
        reporter.report(Reported(contract=_contract(), pipeline="sales", outcome=failed))
    (told,) = chat.taken
    assert (str(told.state), told.dataset, told.run_id, told.severity) == (
        "firing",
        "pipeline sales",
        "u1",
        Severity.ERROR,
    )
    assert [(each.rule_name, each.message) for each in told.violations] == [
        ("the update completes", "no such column: a")
    ]
    reporter.report(replace(_reported("u2", RuleStatus.PASS), pipeline="sales"))
    assert [str(each.state) for each in chat.taken] == ["firing", "resolved"]


def test_what_several_datasets_of_a_table_say_is_one_incident(tmp_path: Path) -> None:
    document = b"""schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, required: true, quality: [{metric: nullValues, mustBe: 0, severity: critical}]}
"""
    contract = load_contract(_CONTRACT + document)
    chat = Chat()
    notifier = Notifier([Route(channels=("chat",))], [chat], FolderPlace(tmp_path / "outbox"), lambda: NOW)
    (found,) = _reported("u1", RuleStatus.FAIL).outcome.results
    rule = "orders.id.quality.nullValues"
    results = (
        replace(found, dataset="main.sales.orders__quarantine", rule_id=rule, tested=2),
        replace(found, dataset="main.sales.orders", rule_id=rule, status=RuleStatus.PASS, violations=0),
    )
    outcome = UpdateOutcome(update_id="u1", state=RunState.COMPLETED, results=results)
    NotifyReporter(notifier).report(Reported(contract=contract, pipeline="orders", outcome=outcome))
    (told,) = chat.taken
    assert (told.dataset, told.severity) == ("main.sales.orders", Severity.CRITICAL)
    assert [(each.rule_id, each.tested) for each in told.violations] == [(rule, 2)]


def test_results_go_to_the_table_of_all_results_once(tmp_path: Path) -> None:
    reporter = TableReporter(str(tmp_path / "lake"))
    first, second = _reported("u1", RuleStatus.FAIL), _reported("u2", RuleStatus.PASS)
    for reported in (first, second, first):
        reporter.report(reported)
    found = read_results(tmp_path / "lake")
    assert sorted((each.run_id, each.status, each.violations) for each in found) == [
        ("u1", RuleStatus.FAIL, 2),
        ("u2", RuleStatus.PASS, 0),
    ]
    assert (tmp_path / "lake" / "rule_results" / "_delta_log").is_dir()
