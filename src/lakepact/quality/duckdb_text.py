"""Names, values and types as DuckDB writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType

__all__ = ["Value", "duckdb_type", "is_text", "quoted", "spark_type", "text_literal"]

_TYPES: Final = {
    "STRING": "VARCHAR",
    "BOOLEAN": "BOOLEAN",
    "TINYINT": "TINYINT",
    "SMALLINT": "SMALLINT",
    "INT": "INTEGER",
    "BIGINT": "BIGINT",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP_NTZ": "TIMESTAMP",
    "BINARY": "BLOB",
}
# Spark reads numbers without a sign as the next wider type.
_FOUND: Final = {
    **{name: spark for spark, name in _TYPES.items()},
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INT",
    "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(20,0)",
    '"NULL"': "VOID",
    "NULL": "VOID",
}


@dataclass(frozen=True, slots=True)
class Value:
    """A piece of SQL of DuckDB with the type that it has in Spark; `known` is the value of a text or a number."""

    sql: str
    type: SparkType
    known: str | int | None = None

    @property
    def ddl(self) -> str:
        """The type as Spark writes it."""
        return self.type.ddl


def is_text(value: Value) -> bool:
    """Whether values are text."""
    return value.ddl == "STRING" or value.ddl.startswith("VARCHAR")


def quoted(name: str) -> str:
    """`name` as one identifier.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """`text` as a string literal.

    >>> text_literal("it's")
    "'it''s'"
    """
    # DuckDB's parser reads a statement up to the first NUL.
    return (
        "(" + " || chr(0) || ".join(_plain(part) for part in text.split("\0")) + ")" if "\0" in text else _plain(text)
    )


def _plain(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def duckdb_type(found: SparkType) -> str:
    """A type of Spark as DuckDB writes it; KeyError for one that it has not."""
    match found:
        case ArrayType(element=element):
            return duckdb_type(element) + "[]"
        case MapType(key=key, value=value):
            return f"MAP({duckdb_type(key)}, {duckdb_type(value)})"
        case StructType(fields=fields):
            return "STRUCT(" + ", ".join(f"{quoted(f.name)} {duckdb_type(f.type)}" for f in fields) + ")"
    if found.ddl.startswith("DECIMAL"):
        return found.ddl
    return "VARCHAR" if found.ddl.startswith("VARCHAR") else _TYPES[found.ddl]


def spark_type(found: object) -> SparkType | None:
    """What Spark reads where DuckDB has the type `found` (a DuckDBPyType); None for a type that only DuckDB has."""
    kind = found.id  # type: ignore[attr-defined]
    children = dict(found.children) if kind in ("list", "struct", "map", "array", "decimal") else {}  # type: ignore[attr-defined]
    if kind == "decimal":
        return AtomicType(f"DECIMAL({children['precision']},{children['scale']})")
    if kind in ("list", "map", "struct"):
        parts = {name: spark_type(child) for name, child in children.items()}
        read = {name: part for name, part in parts.items() if part is not None}
        if len(read) < len(parts):
            return None
        if kind == "list":
            return ArrayType(read["child"])
        if kind == "map":
            return MapType(read["key"], read["value"])
        return StructType(tuple(StructField(name, part) for name, part in read.items()))
    name = re.sub(r"^ENUM\(.*", "VARCHAR", str(found), flags=re.DOTALL)
    return AtomicType(_FOUND[name]) if name in _FOUND else None
