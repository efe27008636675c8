"""A plan executed on a Spark session the plain way: each dataset a temporary view, expectations as filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lakepact.plan.calls import Step, api_name, steps
from lakepact.plan.model import Dataset, DatasetKind, Plan
from lakepact.rules.model import Action


@dataclass
class Outcome:
    """Frames by dataset, and failed rows by dataset and expectation."""

    frames: dict[str, Any] = field(default_factory=dict)
    failed: dict[tuple[str, str], int] = field(default_factory=dict)

    def rows(self, name: str) -> list[Any]:
        """The rows of a dataset."""
        rows: list[Any] = self.frames[name].collect()
        return rows


def applied(spark: Any, chain: tuple[Step, ...]) -> Any:
    """The data frame at the end of `chain`."""
    result = spark
    for step in chain:
        result = getattr(result, step.name) if step.arguments is None else getattr(result, step.name)(*step.arguments)
    return result


def executed(spark: Any, plan: Plan, inputs: Mapping[str, Any]) -> Outcome:
    """Every dataset of a batch plan in order; `inputs` are the frames that stand for tables, by view name."""
    for name, frame in inputs.items():
        frame.createOrReplaceTempView(name)
    outcome = Outcome()
    for dataset in plan.datasets:
        frame = applied(spark, steps(dataset))
        if dataset.kind is not DatasetKind.TEMPORARY_VIEW:
            frame = spark.createDataFrame(frame.collect(), frame.schema)
        frame = _kept(frame, dataset, outcome)
        frame.createOrReplaceTempView(api_name(dataset.name))
        outcome.frames[dataset.name] = frame
    return outcome


def _kept(frame: Any, dataset: Dataset, outcome: Outcome) -> Any:
    if not dataset.expectations:
        return frame
    counts = [f"count_if(NOT coalesce(({each.predicate}), FALSE))" for each in dataset.expectations]
    counted = frame.selectExpr(*counts).first()
    for expectation, failed in zip(dataset.expectations, counted, strict=True):
        outcome.failed[dataset.name, expectation.name] = failed
    for expectation in dataset.expectations:
        if expectation.action is Action.DROP:
            frame = frame.where(f"({expectation.predicate})")
    return frame
