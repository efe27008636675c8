"""What the DDL target reads of existing tables and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lakepact.contract.model import SchemaObject
from lakepact.rules.model import ObjectRules
from lakepact.sql import qualified

__all__ = ["Dialect", "Entry", "ExistingColumn", "ExistingTable", "Refusal", "Statement", "Target"]


class Dialect(StrEnum):
    """Whose SQL: Databricks with Unity Catalog, or open-source Spark with Delta (no keys, tags and masks)."""

    DATABRICKS = "databricks"
    SPARK = "spark"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingColumn:
    """A column of a table that is there; `type` as the catalog writes it (`bigint`, `struct<a:int>`)."""

    name: str
    type: str
    nullable: bool = True
    comment: str | None = None
    mask: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingTable:
    """A table that is there. `constraints` are the names of its keys."""

    columns: tuple[ExistingColumn, ...]
    comment: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    partition_by: tuple[str, ...] = ()
    cluster_by: tuple[str, ...] = ()
    constraints: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One SQL statement, without semicolon, and what it is for."""

    sql: str
    why: str
    object: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the contract asks and no statement does, with the reason."""

    object: str
    what: str
    reason: str


Entry = Statement | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One object with the place of its table."""

    described: SchemaObject
    rules: ObjectRules
    catalog: str
    schema: str
    dialect: Dialect
    properties: Mapping[str, str]
    masks: Mapping[str, str]

    @property
    def name(self) -> str:
        """The table's full name, quoted."""
        return qualified((self.catalog, self.schema, self.rules.table))

    def statement(self, sql: str, why: str) -> Statement:
        """A statement for this object."""
        return Statement(sql=sql, why=why, object=self.rules.name)

    def refusal(self, what: str, reason: str) -> Refusal:
        """A refusal for this object."""
        return Refusal(object=self.rules.name, what=what, reason=reason)
