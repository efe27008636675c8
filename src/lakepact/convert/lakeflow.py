"""Expectations of existing Lakeflow pipelines, from their Python and SQL sources; nothing of them is executed.

An expectation that a clause of ODCS says exactly becomes that clause; every other one stays the SQL that it is, as a
rule of the engine `lakeflow-expectations`, which lakepact runs on rows like Databricks does: a row for which it is NULL
breaks it. `expect` has the action `warn`, `expect_or_drop` is `drop`, `expect_or_fail` is `fail`.
"""

from __future__ import annotations

import ast
from pathlib import PurePath
from typing import Any

from lakepact.convert.building import (
    Losses,
    add_custom,
    free_name,
    lay_out,
    new_document,
    predicate_rule,
    relate,
    report_type,
    set_primary_key,
)
from lakepact.convert.column_types import column_property
from lakepact.convert.lakeflow_model import Dataset
from lakepact.convert.lakeflow_python import python_datasets
from lakepact.convert.lakeflow_sql import sql_datasets
from lakepact.convert.model import Converted
from lakepact.convert.reading import not_readable
from lakepact.convert.row_demands import RowDemand, write_demands
from lakepact.sql_text import name_parts

__all__ = ["convert_lakeflow"]


def convert_lakeflow(source: bytes, *, file: str = "") -> Converted:
    """The datasets that a pipeline source defines, with their columns, comments and expectations.

    Python and SQL are told apart by the name of the file, else by trying. What cannot be read without running the
    source (a name or a predicate that is computed) is listed. Raises ConfigurationError (LP820) for a source that is
    neither.

    >>> found = convert_lakeflow(b"CREATE STREAMING TABLE t (id BIGINT, CONSTRAINT k EXPECT (id IS NOT NULL) "
    ...                          b"ON VIOLATION DROP ROW) AS SELECT * FROM STREAM raw", file="orders.sql")
    >>> found.document["schema"][0]["properties"][0]["required"]
    True
    """
    losses = Losses(file)
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_readable(f"not UTF-8 at offset {error.start}", file=file, what="a pipeline source") from error
    read = sql_datasets if _is_sql(text, file) else python_datasets
    datasets = read(text, file, losses)
    document = new_document(PurePath(file).stem or "pipeline")
    document["schema"] = []
    objects = [_Object(document, dataset, losses) for dataset in datasets]
    if not datasets:
        losses.lost("the source defines no dataset")
    for each in objects:
        each.write_keys(objects)
        each.write_expectations()
    if not document["schema"]:
        del document["schema"]
    return Converted(document=document, problems=losses.problems)


def _is_sql(text: str, file: str) -> bool:
    suffix = PurePath(file).suffix.lower()
    if suffix in (".sql", ".py"):
        return suffix == ".sql"
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return False


class _Object:
    """One dataset and its schema object."""

    def __init__(self, document: dict[str, Any], dataset: Dataset, losses: Losses) -> None:
        self.dataset = dataset
        self.parts = name_parts(dataset.name) or (dataset.name,)
        self._losses = losses
        name = free_name(document, self.parts)
        self.element: dict[str, Any] = {"name": name, "physicalType": dataset.kind}
        if self.parts[-1] != name:
            self.element["physicalName"] = self.parts[-1]
        document["schema"].append(self.element)
        self._describe()

    def _describe(self) -> None:
        dataset = self.dataset
        if dataset.comment:
            self.element["description"] = dataset.comment
        for column in dataset.columns:
            entry = column_property(column.name, column.type, required=column.required, comment=column.comment)
            add_custom(
                entry,
                {
                    "lakepact.default": column.default,
                    "lakepact.generated": column.generated,
                    "lakepact.mask": column.mask,
                },
            )
            self.element.setdefault("properties", []).append(entry)
            report_type(self._losses, self.element["name"], column.name, column.type, dataset.place)
            for other in column.others:
                self._losses.lost(f"{self.element['name']}.{column.name}: {other}", dataset.place)
        qualified = {"lakepact.dataset": dataset.name} if len(self.parts) > 1 else {}
        add_custom(self.element, qualified | dataset.properties)
        lay_out(
            self.element,
            self._losses,
            partitions=dataset.partitions,
            clusters=dataset.clusters,
            place=dataset.place,
        )

    def write_keys(self, objects: list[_Object]) -> None:
        dataset = self.dataset
        keys = dataset.primary_key or tuple(column.name for column in dataset.columns if column.primary_key)
        if keys:
            set_primary_key(self.element, keys, self._losses, dataset.place)
        for key in dataset.foreign_keys:
            wanted = "".join(key.parent[-1:]).casefold()
            parent = next((each for each in objects if each.parts[-1].casefold() == wanted), None)
            referenced = key.referenced or (parent.dataset.primary_key if parent else ())
            if parent is None or not relate(self.element, key.columns, parent.element, referenced):
                message = f"the foreign key of {dataset.name} to {'.'.join(key.parent)}, which is not in this source"
                self._losses.lost(message, dataset.place)

    def write_expectations(self) -> None:
        dataset = self.dataset
        if dataset.demands and not dataset.columns:
            self._losses.lost(
                f"the source does not declare the columns of {dataset.name}: types are missing, and all columns that "
                "no expectation names",
                dataset.place,
                code="LP824",
                hint="import the table itself, and add these rules to it",
            )
        write_demands(self.element, dataset.demands, _verbatim)


def _verbatim(demand: RowDemand) -> dict[str, Any]:
    return predicate_rule(demand.predicate, name=demand.name, action=demand.action)
