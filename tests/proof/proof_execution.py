"""A contract executed on a Spark session through the whole chain: document, rules, plan, queries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakepact.contract import load_contract
from lakepact.plan import Dataset, DatasetRole, ObjectSource, TableSource, build_plan
from lakepact.plan.calls import api_name, steps
from lakepact.rules import compile_rules, load_policy
from lakepact.rules.model import Action, ObjectRules
from lakepact.sql import identifier

ROW = "row"
SOURCE = "proof_source"


@dataclass
class Observed:
    """What Spark made of rows, by the number that each row carries in its column `row`."""

    rules: ObjectRules
    published: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    quarantined: dict[int, set[str]] = field(default_factory=dict)
    held: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    warned: dict[int, set[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    checks: dict[str, tuple[float | None, bool]] = field(default_factory=dict)


def document(*properties: Mapping[str, Any], quality: Sequence[Mapping[str, Any]] = (), **more: Any) -> dict[str, Any]:
    """A contract with one object `t`, whose first column numbers the rows."""
    numbered = {"name": ROW, "logicalType": "integer"}
    described = {"name": "t", "logicalType": "object", "properties": [numbered, *properties], **more}
    if quality:
        described["quality"] = list(quality)
    head = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "proof", "version": "1.0.0", "status": "active"}
    return head | {"schema": [described]}


def execute(
    spark: Any,
    contract: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    *,
    text: bool = False,
    policy: Sequence[Mapping[str, str]] = (),
    source_types: Mapping[str, str] | None = None,
) -> Observed:
    """`rows` with their numbers as position, as the contract's types or as text, through the datasets of the plan."""
    loaded = load_contract(json.dumps(contract, ensure_ascii=False).encode(), file="proof.odcs.yaml")
    rules = compile_rules(loaded, policy=load_policy(json.dumps({"version": 1, "actions": list(policy)}).encode()))
    (of_object,) = rules.objects
    _offer(spark, of_object, rows, text=text, types=source_types or {})
    plan = build_plan(
        loaded, rules, {of_object.name: ObjectSource(source=TableSource(name=(SOURCE,)))}, pipeline="proof"
    )
    observed = Observed(of_object)
    for dataset in plan.datasets:
        _define(spark, dataset, observed)
    return observed


def _offer(
    spark: Any, rules: ObjectRules, rows: Sequence[Mapping[str, Any]], *, text: bool, types: Mapping[str, str]
) -> None:
    kinds = [types.get(c.name, "STRING" if text else c.type.ddl) for c in rules.columns]
    schema = ", ".join(f"{identifier(c.name)} {kind}" for c, kind in zip(rules.columns, kinds, strict=True))
    given = [{ROW: str(number) if text else number, **row} for number, row in enumerate(rows)]
    cells = [tuple(row[column.name] for column in rules.columns) for row in given]
    spark.createDataFrame(cells, schema).createOrReplaceTempView(SOURCE)


def _define(spark: Any, dataset: Dataset, observed: Observed) -> None:
    frame = spark
    for step in steps(dataset):
        frame = getattr(frame, step.name) if step.arguments is None else getattr(frame, step.name)(*step.arguments)
    kept = frame
    for expectation in dataset.expectations:
        if expectation.action is Action.DROP:
            kept = kept.where(f"({expectation.predicate})")
    kept.createOrReplaceTempView(api_name(dataset.name))
    if dataset.expectations or dataset.role in (DatasetRole.PUBLISHED, DatasetRole.QUARANTINE, DatasetRole.CHECKS):
        _observe(frame, dataset, observed)


def _observe(frame: Any, dataset: Dataset, observed: Observed) -> None:
    judged = frame.selectExpr("*", *(f"({each.predicate}) AS _p{i}" for i, each in enumerate(dataset.expectations)))
    rows = [row.asDict(recursive=True) for row in judged.collect()]
    for i, each in enumerate(dataset.expectations):
        verdicts = [row[f"_p{i}"] for row in rows]
        assert set(verdicts) <= {True, False}, f"{each.predicate} is neither true nor false"
        if each.rule_id and dataset.role is not DatasetRole.CHECKS:
            observed.counts[each.rule_id] = observed.counts.get(each.rule_id, 0) + verdicts.count(False)
    for row in rows:
        if dataset.role is DatasetRole.CHECKS:
            value = None if row["value"] is None else float(row["value"])
            observed.checks[row["rule_id"]] = value, row["passed"]
        else:
            _place(row, dataset, observed)


def _place(row: Mapping[str, Any], dataset: Dataset, observed: Observed) -> None:
    if ROW not in row:
        return
    number = row[ROW]
    broken = [each for i, each in enumerate(dataset.expectations) if not row[f"_p{i}"]]
    kept = all(each.action is not Action.DROP for each in broken)
    if dataset.role is DatasetRole.QUARANTINE and kept:
        assert number not in observed.quarantined, f"row {number} is in the quarantine twice"
        observed.quarantined[number] = set(row["_lakepact_failed_rules"])
        observed.held[number] = row
    elif dataset.role in (DatasetRole.PUBLISHED, DatasetRole.INPUT):
        observed.warned.setdefault(number, set()).update(each.rule_id for each in broken)
        if dataset.role is DatasetRole.PUBLISHED and kept:
            assert number not in observed.published, f"row {number} is published twice"
            observed.published[number] = row
