"""Pipeline plan: datasets, expectations, table checks, quarantine, metadata, before any target has written a line."""

from lakepact.plan.build import build_plan
from lakepact.plan.model import (
    Dataset,
    DatasetKind,
    DatasetRole,
    DatasetSource,
    Expectation,
    FileSource,
    Mode,
    ObjectPlan,
    Plan,
    PlannedColumn,
    Select,
    Source,
    SqlQuery,
    SqlSource,
    TableSource,
)
from lakepact.plan.sources import ObjectSource

__all__ = [
    "Dataset",
    "DatasetKind",
    "DatasetRole",
    "DatasetSource",
    "Expectation",
    "FileSource",
    "Mode",
    "ObjectPlan",
    "ObjectSource",
    "Plan",
    "PlannedColumn",
    "Select",
    "Source",
    "SqlQuery",
    "SqlSource",
    "TableSource",
    "build_plan",
]
