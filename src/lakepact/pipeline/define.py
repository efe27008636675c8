"""The datasets of a plan, defined in the pipeline that is running."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lakepact.plan.calls import decorators, steps
from lakepact.plan.model import Dataset, Plan

__all__ = ["define_datasets"]


def define_datasets(plan: Plan, *, dp: Any, spark: Any) -> None:
    """Call the decorators of `dp` (`pyspark.pipelines`) for every dataset of `plan`, in order.

    The same calls as those of a generated source: `lakepact.targets.pipeline_python`.
    """
    for dataset in plan.datasets:
        above, *expectations = decorators(dataset)
        function = _query(dataset, spark)
        for each in reversed(expectations):
            function = getattr(dp, each.name)(dict(each.expectations))(function)
        getattr(dp, above.name)(**above.arguments)(function)


def _query(dataset: Dataset, spark: Any) -> Callable[[], Any]:
    chain = steps(dataset)

    def query() -> Any:
        result = spark
        for step in chain:
            result = getattr(result, step.name)
            result = result if step.arguments is None else result(*step.arguments)
        return result

    return query
