"""The `schema` that a source declares for a dataset: casts before the write, comments after it.

Databricks writes the rows of a query into the declared columns; the open-source engine wants a declared schema to be
equal to the inferred one down to nullability. So the declaration is not handed on: the rows are cast to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lakepact.errors import ConfigurationError
from lakepact.local.sql_clauses import TableClauses, columns
from lakepact.local.sql_cursor import SqlCursor
from lakepact.sql import identifier, string
from lakepact.sql_text import Token, join, name_parts, significant, split_at_commas, string_value, tokenize

__all__ = ["DeclaredColumn", "comment_columns", "declared_columns"]


@dataclass(frozen=True, slots=True)
class DeclaredColumn:
    """A column with its type as SQL text."""

    name: str
    type: str
    comment: str = ""

    @property
    def cast(self) -> str:
        """The expression that gives the column its declared type."""
        return f"CAST({identifier(self.name)} AS {self.type}) AS {identifier(self.name)}"


def declared_columns(schema: Any, *, file: str = "") -> tuple[DeclaredColumn, ...]:
    """The columns of a DDL text or a StructType; constraints and defaults are passed over.

    Raises ConfigurationError (LP545) for text that is no list of columns with types.

    >>> [column.cast for column in declared_columns("id BIGINT NOT NULL COMMENT 'key', `unit price` DECIMAL(9,2)")]
    ['CAST(`id` AS BIGINT) AS `id`', 'CAST(`unit price` AS DECIMAL(9,2)) AS `unit price`']
    """
    if schema is None:
        return ()
    if not isinstance(schema, str):
        return tuple(
            DeclaredColumn(each.name, each.dataType.simpleString(), str((each.metadata or {}).get("comment", "")))
            for each in schema.fields
        )
    clauses = TableClauses()
    columns(SqlCursor(significant(tokenize(f"({schema})")), file), file, clauses)
    if clauses.schema is None:
        raise ConfigurationError(f"{schema!r} is not a list of columns with types", code="LP545")
    return tuple(_column(item) for item in split_at_commas(tokenize(clauses.schema)))


def comment_columns(classic: Any, table: str, declared: Sequence[DeclaredColumn]) -> None:
    """Give the columns of `table` (a quoted name) their declared comments where they have others."""
    wanted = {column.name: column.comment for column in declared if column.comment}
    if not wanted:
        return
    for each in classic.sql(f"SELECT * FROM {table} LIMIT 0").schema.fields:
        comment = wanted.get(each.name)
        if comment and (each.metadata or {}).get("comment") != comment:
            classic.sql(f"ALTER TABLE {table} ALTER COLUMN {identifier(each.name)} COMMENT {string(comment)}").collect()


def _column(item: Sequence[Token]) -> DeclaredColumn:
    rest = list(item[1:])
    at = next((index for index, token in enumerate(rest) if token.is_word("COMMENT")), len(rest))
    return DeclaredColumn(name_parts(item[0].text)[0], join(rest[:at]).strip(), string_value(rest[at:]))
