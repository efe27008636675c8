"""Service levels in what a run says: one incident with what the clock says, and none where a rule was not evaluated."""

from __future__ import annotations

from typing import Any

from lakepact.contract import Contract, load_contract
from lakepact.notify import MemoryPlace, Notifier, Topic
from lakepact.notify.levels import levels_in
from lakepact.results import RuleResult, RuleStatus
from lakepact.rules.model import Action
from result_samples import NOON, result

DOCUMENT = """apiVersion: v3.1.0
kind: DataContract
id: sales.orders
name: Orders
version: {version}
{said}schema:
- name: orders
  properties:
  - {{name: ts, logicalType: timestamp}}
  - {{name: seen, logicalType: timestamp}}
slaProperties:
- {{property: latency, value: 4, unit: h, element: "orders.ts, orders.seen"}}
- {{property: frequency, value: 1, unit: d}}
- {{property: latency, value: 1, unit: d, element: orders.seen, id: slow}}
"""
BLOCK = "customProperties: [{property: lakepact.onSlaViolation, value: block}]\n"


def contract(*, version: str = "1.0.0", said: str = "") -> Contract:
    return load_contract(DOCUMENT.format(version=version, said=said).encode(), file="orders.odcs.yaml")


def measured(rule: str, status: RuleStatus, **changed: Any) -> RuleResult:
    said = {"rule_id": f"orders.{rule}", "rule_name": rule, "status": status, "action": Action.WARN, "value": "9"}
    return result(**(said | changed))


def told(*results: RuleResult, document: Contract | None = None) -> dict[str, tuple[RuleStatus, str]]:
    return {each.rule_id: (each.status, each.rule_name) for each in levels_in(results, document or contract())[1]}


def test_a_level_is_as_the_worst_of_its_rules() -> None:
    well, late = measured("seen.sla.latency", RuleStatus.PASS), measured("ts.sla.latency", RuleStatus.WARN)
    assert told(well, late) == {
        "sla.latency": (RuleStatus.WARN, "latency orders.ts"),
        "sla.frequency": (RuleStatus.SKIPPED, "frequency"),
        "sla.slow": (RuleStatus.SKIPPED, "slow"),
    }
    assert told(well)["sla.latency"] == (RuleStatus.PASS, "latency orders.seen")
    assert told(measured("seen.sla.slow", RuleStatus.WARN))["sla.slow"] == (RuleStatus.WARN, "slow orders.seen")
    assert told(late, document=contract(said=BLOCK))["sla.latency"][0] is RuleStatus.FAIL


def test_a_rule_that_was_not_evaluated_says_nothing_of_its_level() -> None:
    well, fault = measured("ts.sla.latency", RuleStatus.PASS), measured("seen.sla.latency", RuleStatus.ERROR)
    assert told(well, fault)["sla.latency"] == (RuleStatus.SKIPPED, "latency orders.seen")
    assert open_after([well, fault]) == [(Topic.RULES, "orders.seen.sla.latency")]
    # Once it is evaluated, that fault is over, however the level stands.
    late = measured("seen.sla.latency", RuleStatus.WARN, run_id="run-2")
    assert open_after([well, fault], [late]) == [(Topic.LEVELS, "sla.latency")]


def test_each_dataset_and_run_speaks_for_itself() -> None:
    one, other = measured("ts.sla.latency", RuleStatus.WARN), measured("ts.sla.latency", RuleStatus.PASS, dataset="dev")
    found = {(each.dataset, each.status) for each in levels_in([one, other], contract())[1] if each.value}
    assert found == {("main.sales.orders", RuleStatus.WARN), ("dev", RuleStatus.PASS)}


def test_rules_that_only_look_like_levels_are_rules() -> None:
    own = result(rule_id="orders.ts.sla.mine", rule_name="ts.sla.mine", status=RuleStatus.FAIL)
    assert levels_in([own], contract())[1] == ()
    assert open_after([own]) == [(Topic.RULES, "orders.ts.sla.mine")]
    assert levels_in([result()], contract()) == (frozenset(), ())


def test_a_new_version_ends_no_level_that_a_run_does_not_measure() -> None:
    notifier = Notifier([], [], MemoryPlace(), lambda: NOON)
    late = measured("sla.frequency", RuleStatus.WARN, rule_id="sla.frequency")
    notifier.notify([late], contract(), topic=Topic.LEVELS)
    notifier.notify([measured("ts.sla.latency", RuleStatus.PASS, run_id="run-2")], contract(version="1.1.0"))
    notifier.flush()
    assert [each.violation.rule_id for _, each in notifier.status().incidents] == ["sla.frequency"]


def open_after(*runs: list[RuleResult]) -> list[tuple[Topic, str]]:
    """What is open after these runs were told."""
    notifier = Notifier([], [], MemoryPlace(), lambda: NOON)
    for run in runs:
        assert notifier.notify(run, contract())
        notifier.flush()
    return [(facts.topic, each.violation.rule_id) for facts, each in notifier.status().incidents]
