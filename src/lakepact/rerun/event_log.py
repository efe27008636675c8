"""Results of rules from the event log of a Lakeflow pipeline, as its REST endpoint gives it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lakepact.contract import Contract
from lakepact.results import RuleResult, RuleStatus
from lakepact.rules import compile_rules
from lakepact.rules.model import Action, DatasetRule, RowRule

__all__ = ["first_error", "results_of_events"]


@dataclass(slots=True)
class _Counts:
    """Rows of one expectation, over all events of an update: an update reports them in parts."""

    passed: int = 0
    failed: int = 0


def results_of_events(
    events: Iterable[Mapping[str, Any]], contract: Contract, *, run_id: str, at: datetime
) -> tuple[RuleResult, ...]:
    """One result for each expectation of the contract that the update reported, in the contract's order.

    An expectation is known by its name and its dataset: the table of the object, or one that belongs to it
    (`orders__quarantine`). Datasets have their full names, as those of other runs have, so that tables of two schemas
    are told apart. Expectations of other contracts are left out. `events` are the JSON objects of the API.
    """
    counted: dict[tuple[str, str], _Counts] = {}
    for event in events:
        for each in _expectations(event):
            key = (_full_name(event, str(each.get("dataset", ""))), str(each.get("name", "")))
            counts = counted.setdefault(key, _Counts())
            counts.passed += int(each.get("passed_records") or 0)
            counts.failed += int(each.get("failed_records") or 0)
    found = []
    for rules in compile_rules(contract).objects:
        known: dict[str, RowRule | DatasetRule] = {rule.name: rule for rule in rules.row_rules}
        known |= {rule.name: rule for rule in rules.dataset_rules}
        for (dataset, name), counts in counted.items():
            table = dataset.rpartition(".")[2]
            if name in known and (table == rules.table or table.startswith(f"{rules.table}__")):
                found.append(_result(known[name], counts, contract, dataset, run_id, at))
    order = {rule.id: number for number, rule in enumerate(compile_rules(contract).all_rules())}
    return tuple(sorted(found, key=lambda result: order[result.rule_id]))


def first_error(events: Iterable[Mapping[str, Any]]) -> str:
    """What the first event of level ERROR says, its exception before its message; '' without one."""
    for event in events:
        if event.get("level") == "ERROR":
            exceptions = (event.get("error") or {}).get("exceptions") or []
            said = next(
                (str(each["message"]) for each in exceptions if each.get("message")), str(event.get("message", ""))
            )
            if said:
                return said.partition("\n")[0]
    return ""


def _expectations(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The counts that an event reports; `details` is an object, or JSON text as in a published event log."""
    if event.get("event_type") != "flow_progress":
        return []
    details = event.get("details") or {}
    if isinstance(details, str):
        details = json.loads(details)
    quality = (details.get("flow_progress") or {}).get("data_quality") or {}
    return list(quality.get("expectations") or [])


def _full_name(event: Mapping[str, Any], dataset: str) -> str:
    """The name of a dataset with catalog and schema, which are those of the event where its own name has none."""
    place = str((event.get("origin") or {}).get("dataset_name") or "").rpartition(".")[0]
    return dataset if "." in dataset or not place else f"{place}.{dataset}"


def _result(
    rule: RowRule | DatasetRule, counts: _Counts, contract: Contract, dataset: str, run_id: str, at: datetime
) -> RuleResult:
    tested = counts.passed + counts.failed
    violated = RuleStatus.WARN if rule.action is Action.WARN else RuleStatus.FAIL
    whole = isinstance(rule, DatasetRule)
    return RuleResult(
        run_id=run_id,
        contract_id=contract.id,
        contract_version=contract.version,
        object=rule.object,
        dataset=dataset,
        rule_id=rule.id,
        rule_name=rule.name,
        action=rule.action,
        status=violated if counts.failed else RuleStatus.PASS,
        at=at,
        engine="lakeflow",
        # An expectation on the line of a check says whether it holds, not how many rows do.
        violations=None if whole else counts.failed,
        tested=None if whole else tested,
        threshold=rule.threshold if isinstance(rule, DatasetRule) else None,
        dimension=rule.dimension,
        severity=rule.severity,
        message=("not kept" if whole else f"{counts.failed} of {tested} rows") if counts.failed else "",
    )
