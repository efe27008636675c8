"""The shapes of Spark and Delta types; `lakepact.contract.types` is where they are imported from."""

from __future__ import annotations

from dataclasses import dataclass

from lakepact.sql import identifier

__all__ = ["ArrayType", "AtomicType", "MapType", "SparkType", "StructField", "StructType"]


@dataclass(frozen=True, slots=True)
class AtomicType:
    """A type without parts; `ddl` as Spark writes it: `BIGINT`, `DECIMAL(18,2)`, `VARCHAR(5)`, `TIMESTAMP_NTZ`."""

    ddl: str


@dataclass(frozen=True, slots=True)
class ArrayType:
    """ARRAY<element>."""

    element: SparkType

    @property
    def ddl(self) -> str:
        """As Spark writes it."""
        return f"ARRAY<{self.element.ddl}>"


@dataclass(frozen=True, slots=True)
class MapType:
    """MAP<key, value>."""

    key: SparkType
    value: SparkType

    @property
    def ddl(self) -> str:
        """As Spark writes it."""
        return f"MAP<{self.key.ddl}, {self.value.ddl}>"


@dataclass(frozen=True, slots=True)
class StructField:
    """A field of a struct; `required` is what the contract says, not Spark's nullability."""

    name: str
    type: SparkType
    required: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class StructType:
    """STRUCT<fields>."""

    fields: tuple[StructField, ...]

    @property
    def ddl(self) -> str:
        """As Spark writes it, names quoted."""
        return "STRUCT<" + ", ".join(f"{identifier(f.name)}: {f.type.ddl}" for f in self.fields) + ">"


SparkType = AtomicType | ArrayType | MapType | StructType
