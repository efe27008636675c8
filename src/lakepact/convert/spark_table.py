"""A table that Spark knows, or a Delta table at a path."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from lakepact.convert.building import Losses, new_document
from lakepact.convert.catalog_table import CatalogColumn, CatalogTable, column_of_field, write_table
from lakepact.convert.model import Converted
from lakepact.errors import UsageError
from lakepact.sql import identifier, qualified
from lakepact.sql_text import name_parts

__all__ = ["Session", "convert_spark_table"]

_DETAILS = "# Detailed Table Information"
_PARTITIONS = "# Partition Information"


class Session(Protocol):
    """What is needed of a Spark session."""

    @property
    def read(self) -> Any:
        """A reader of data frames."""

    def sql(self, query: str) -> Any:
        """The data frame of a query."""

    def table(self, name: str) -> Any:
        """The data frame of a table."""


def convert_spark_table(session: Session, name_or_path: str) -> Converted:
    """The schema, comments, properties, constraints, partitions and generated columns of a table or view.

    A text with a slash in it is the path of a Delta table, everything else a name. Raises UsageError (LP826) where
    Spark finds no such table.
    """
    from pyspark.errors import PySparkException

    parts, target = _target(name_or_path)
    losses = Losses(name_or_path)
    try:
        table = _Reader(session, target, losses).table(parts)
    except PySparkException as error:
        reason = error.getCondition() or type(error).__name__
        raise UsageError(
            message=f"Spark cannot read {name_or_path}: {reason}",
            code="LP826",
            hint="name a table as schema.table, or the folder of a Delta table",
            facts={"name": name_or_path, "condition": reason},
        ) from error
    document = new_document("-".join(parts))
    write_table(document, table, losses)
    return Converted(document=document, problems=losses.problems)


def _target(name_or_path: str) -> tuple[tuple[str, ...], str]:
    """The parts of the name, and how SQL names the table."""
    parts = name_parts(name_or_path)
    if len(parts) == 2 and parts[0].casefold() == "delta" and "/" in parts[1]:
        name_or_path = parts[1]
    elif "/" not in name_or_path and "\\" not in name_or_path:
        if not parts:
            raise UsageError("the name of a table is empty", "LP826", "name a table as schema.table")
        return parts, qualified(parts)
    folder = name_or_path.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    return (folder or "table",), f"delta.{identifier(name_or_path)}"


class _Reader:
    def __init__(self, session: Session, target: str, losses: Losses) -> None:
        self._session = session
        self._target = target
        self._losses = losses

    def table(self, name: tuple[str, ...]) -> CatalogTable:
        """Everything that Spark says of the table."""
        schema = json.loads(self._session.table(self._target).schema.json())
        sections = self._described()
        details = dict(sections.get(_DETAILS, ()))
        is_view = "VIEW" in details.get("Type", "")
        table = CatalogTable(
            name=name,
            kind="view" if is_view else "table",
            columns=[column_of_field(field) for field in schema["fields"]],
            comment=details.get("Comment"),
            custom={
                "lakepact.tableType": details.get("Type"),
                "lakepact.format": details.get("Provider"),
                "lakepact.location": details.get("Location"),
                "lakepact.viewDefinition": details.get("View Text"),
            },
        )
        if details.get("Provider", "").casefold() == "delta" and not is_view:
            self._delta(table, schema["fields"])
        else:
            table.partitions = [column for column, _ in sections.get(_PARTITIONS, ()) if not column.startswith("#")]
            if not is_view:
                rows = self._session.sql(f"SHOW TBLPROPERTIES {self._target}").collect()
                table.properties = {row["key"]: row["value"] for row in rows}
        return table

    def _described(self) -> dict[str, list[tuple[str, str]]]:
        """The rows of DESCRIBE by the heading that they stand under."""
        found: dict[str, list[tuple[str, str]]] = {}
        heading = ""
        for row in self._session.sql(f"DESCRIBE TABLE EXTENDED {self._target}").collect():
            name, value = row["col_name"], row["data_type"]
            if name.startswith("# ") and name != "# col_name":
                heading = name
            elif name:
                found.setdefault(heading, []).append((name, value))
        return found

    def _delta(self, table: CatalogTable, fields: Sequence[Mapping[str, Any]]) -> None:
        detail = self._session.sql(f"DESCRIBE DETAIL {self._target}").collect()[0].asDict(recursive=True)
        table.comment = detail.get("description") or table.comment
        table.properties = detail.get("properties") or {}
        table.partitions = detail.get("partitionColumns") or ()
        table.clusters = detail.get("clusteringColumns") or ()
        features = set(detail.get("tableFeatures") or ())
        if features & {"generatedColumns", "identityColumns"}:
            table.columns = self._generated(str(detail["location"]), fields)

    def _generated(self, location: str, fields: Sequence[Mapping[str, Any]]) -> list[CatalogColumn]:
        """The columns with their expressions, which only the log of the table has."""
        log = self._session.read.text(f"{location}/_delta_log/*.json")
        rows = log.where("value LIKE '{\"metaData\"%'").selectExpr("value", "_metadata.file_name AS file").collect()
        if not rows:
            self._losses.lost("how columns are generated: the log of the table does not say it any more")
            return [column_of_field(field) for field in fields]
        newest = max(rows, key=lambda row: str(row["file"]))
        logged = json.loads(json.loads(newest["value"])["metaData"]["schemaString"])["fields"]
        known = {field["name"]: field.get("metadata") or {} for field in logged}
        return [
            column_of_field({**field, "metadata": known.get(field["name"], {}) | (field.get("metadata") or {})})
            for field in fields
        ]
