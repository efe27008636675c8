"""The Delta table that a governed write goes to: by name or by path, on any kind of session."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lakepact.contract.model import Contract, SchemaObject
from lakepact.contract.spark_schema import read_spark_schema
from lakepact.contract.types import SparkType, StructField
from lakepact.diff.widening import Step, type_step
from lakepact.errors import UsageError
from lakepact.plan.metadata import (
    cluster_columns,
    comment,
    contract_properties,
    delta_properties,
    partition_columns,
    table_properties,
)
from lakepact.plan.model import DatasetRole
from lakepact.plan.names import dataset_name
from lakepact.rules.model import ObjectRules
from lakepact.spark.quiet import errors_expected, failure_text
from lakepact.sql import identifier, qualified, string
from lakepact.sql_text import name_parts

__all__ = ["Commit", "Table", "named_table", "table_at", "table_named"]

_HISTORY: Final = 50
_INTEGERS: Final = frozenset({"TINYINT", "SMALLINT", "INT", "BIGINT"})
_TEXTS: Final = frozenset({"STRING", "VARCHAR"})
_FORMAT: Final = "delta"
_PART: Final = r"(?:`(?:[^`]|``)+`|[^.`\s]+)"
_NAME: Final = re.compile(rf"{_PART}(?:\.{_PART}){{0,2}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit of a table: its version and operation, how many rows it wrote (None where it does not say), and what
    lakepact wrote into its metadata.
    """

    version: int
    operation: str
    rows: int | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table by the parts of its name, or by its path."""

    parts: tuple[str, ...] = ()
    path: str = ""

    @property
    def sql(self) -> str:
        """The name as SQL writes it."""
        return f"{_FORMAT}.{identifier(self.path)}" if self.path else qualified(self.parts)

    def __str__(self) -> str:
        return self.path or ".".join(self.parts)

    @property
    def schema(self) -> tuple[str, ...]:
        """The parts of the name of its schema."""
        return self.parts[:-1]

    def beside(self, role: DatasetRole) -> Table:
        """The table that belongs to this one."""
        if self.path:
            return Table(path=f"{self.path.rstrip('/')}__{role.value}")
        return Table((*self.schema, dataset_name(self.parts[-1], role)))

    def sibling(self, table: str) -> Table:
        """Another table in the same place."""
        if self.path:
            folder = self.path.rstrip("/").rpartition("/")[0]
            return Table(path=f"{folder}/{table}")
        return Table((*self.schema, table))

    def exists(self, spark: Any) -> bool:
        """Whether the table is there."""
        from pyspark.errors import AnalysisException

        if not self.path:
            return bool(spark.catalog.tableExists(self.sql))
        try:
            with errors_expected():
                return bool(self.read(spark).schema.fields)
        except AnalysisException:
            return False

    def read(self, spark: Any) -> Any:
        """Its rows."""
        return spark.read.format(_FORMAT).load(self.path) if self.path else spark.table(self.sql)

    def create(self, spark: Any, contract: Contract, described: SchemaObject, rules: ObjectRules) -> None:
        """Make the table as the contract describes it; what is there stays."""
        columns = ", ".join(
            f"{identifier(each.name)} {each.type.ddl}" + (f" COMMENT {string(each.comment)}" if each.comment else "")
            for each in rules.columns
        )
        text = f"CREATE TABLE IF NOT EXISTS {self.sql} ({columns}) USING DELTA"
        if partitions := partition_columns(described):
            text += f" PARTITIONED BY ({_listed(partitions)})"
        if clusters := cluster_columns(described):
            text += f" CLUSTER BY ({_listed(clusters)})"
        if said := comment(DatasetRole.PUBLISHED, described, rules.table):
            text += f" COMMENT {string(said)}"
        pairs = table_properties(contract, described) | delta_properties(described)
        spark.sql(f"{text} TBLPROPERTIES ({_pairs(pairs)})")

    def create_quarantine(
        self, spark: Any, fields: Sequence[StructField], contract: Contract, described: SchemaObject, table: str
    ) -> None:
        """Make the quarantine of `table` with these columns; what is there stays."""
        columns = ", ".join(f"{identifier(each.name)} {each.type.ddl}" for each in fields)
        said = string(comment(DatasetRole.QUARANTINE, described, table))
        pairs = table_properties(contract, described)
        text = f"CREATE TABLE IF NOT EXISTS {self.sql} ({columns}) USING DELTA COMMENT {said}"
        spark.sql(f"{text} TBLPROPERTIES ({_pairs(pairs)})")

    def refuse_types(self, spark: Any, rules: ObjectRules) -> None:
        """Raise UsageError LP896 where a value of the contract could be changed, unseen, by the type of its column."""
        there = {each.name.casefold(): each.type for each in read_spark_schema(self.read(spark).schema.json()).fields}
        wrong = [
            f"column {each.name!r} is {found.ddl}, the contract wants {each.type.ddl}"
            for each in rules.columns
            if (found := there.get(each.name.casefold())) is not None and not _takes(found, each.type)
        ]
        if wrong:
            hint = "change the types of the table, or write to another one"
            raise UsageError(f"{self} cannot take rows of the contract: {'; '.join(wrong)}", "LP896", hint)

    def add_columns(self, spark: Any, fields: Sequence[StructField]) -> None:
        """Give the table the columns that it lacks."""
        there = {name.casefold() for name in self.read(spark).columns}
        lacking = [field for field in fields if field.name.casefold() not in there]
        if lacking:
            listed = ", ".join(f"{identifier(field.name)} {field.type.ddl}" for field in lacking)
            spark.sql(f"ALTER TABLE {self.sql} ADD COLUMNS ({listed})")

    def properties(self, spark: Any) -> dict[str, str]:
        """Its properties."""
        return {row["key"]: row["value"] for row in spark.sql(f"SHOW TBLPROPERTIES {self.sql}").collect()}

    def set_properties(self, spark: Any, properties: Mapping[str, str]) -> None:
        """Give it properties, beside those that it has."""
        spark.sql(f"ALTER TABLE {self.sql} SET TBLPROPERTIES ({_pairs(properties)})")

    def name_contract(self, spark: Any, contract: Contract) -> None:
        """Write into the table's properties which contract version it keeps, where they say something else."""
        wanted, there = contract_properties(contract), self.properties(spark)
        if any(there.get(name) != value for name, value in wanted.items()):
            self.set_properties(spark, wanted)

    def write(self, frame: Any, *, options: Mapping[str, Any]) -> None:
        """Append the rows of a frame by one commit."""
        writer = frame.write.format(_FORMAT).mode("append")
        for name, value in options.items():
            writer = writer.option(name, value)
        if self.path:
            writer.save(self.path)
        else:
            writer.saveAsTable(self.sql)

    def commits(self, spark: Any) -> tuple[Commit, ...]:
        """The latest commits, newest first. Raises UsageError LP896 where this is no Delta table."""
        from pyspark.errors import AnalysisException

        try:
            with errors_expected():
                rows = spark.sql(f"DESCRIBE HISTORY {self.sql} LIMIT {_HISTORY}").collect()
        except AnalysisException as error:
            message = f"{self} is no Delta table: {failure_text(error)}"
            raise UsageError(message, "LP896", "name a Delta table") from error
        return tuple(_commit(row) for row in rows)


def table_named(text: str) -> Table:
    """The table of a name with one to three parts, quoted where it must be. Raises UsageError LP890."""
    parts = name_parts(text)
    if not _NAME.fullmatch(text.strip()):
        hint = "write table, schema.table or catalog.schema.table; put unusual names in backticks"
        raise UsageError(f"{text!r} is not the name of a table", "LP890", hint)
    return Table(parts)


def named_table(table: str | None, path: str | None) -> Table | None:
    """The table that a call names, None where it names none. Raises UsageError LP890, and LP891 for both at once."""
    if table is not None and path is not None:
        raise UsageError("both a table and a path are given", "LP891", "give one of them")
    return table_named(table) if table is not None else table_at(path) if path is not None else None


def table_at(path: str) -> Table:
    """The table at a path."""
    return Table(path=path)


def _takes(found: SparkType, wanted: SparkType) -> bool:
    """Whether a column holds every value of another type, or Spark refuses those that it cannot hold."""
    if type_step(wanted, found) in (Step.SAME, Step.WIDER, Step.EXPLICIT):
        return True
    kinds = {each.ddl.partition("(")[0] for each in (found, wanted)}
    return kinds <= _INTEGERS or kinds <= _TEXTS


def _commit(row: Any) -> Commit:
    metrics = row["operationMetrics"] or {}
    # A merge copies rows that it does not change, and may update several rows of the table by one that comes.
    written = metrics.get("numSourceRows", metrics.get("numOutputRows"))
    return Commit(
        version=int(row["version"]),
        operation=row["operation"],
        rows=int(written) if written is not None else None,
        metadata=_metadata(row["userMetadata"]),
    )


def _metadata(text: str | None) -> Mapping[str, Any]:
    """What lakepact wrote into the commit; empty for a commit of somebody else."""
    try:
        read = json.loads(text or "{}")
    except ValueError:
        return {}
    found = read.get("lakepact") if isinstance(read, dict) else None
    return found if isinstance(found, dict) else {}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(identifier(name) for name in names)


def _pairs(properties: Mapping[str, str]) -> str:
    return ", ".join(f"{string(name)} = {string(value)}" for name, value in properties.items())
