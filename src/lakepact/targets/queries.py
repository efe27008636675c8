"""Queries that engines of data quality run where they have no kind of check for a rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lakepact.rules.literals import Inexpressible
from lakepact.sql import identifier
from lakepact.targets.demands import Orphans, Surplus

__all__ = [
    "Tables",
    "broken_query",
    "broken_rows_query",
    "complete",
    "key_rows_query",
    "orphans_query",
    "surplus_query",
]

_OBJECT = re.compile(r"\{object:([^{}]*)\}")
_PLAIN = re.compile(r"`[^`]+`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """How SQL names data: `own` is the SQL name of the object's own, `others` those of objects by name.

    The functions write what is Spark's in another dialect, and raise Inexpressible for what has no equal there:
    `quote` a name, `expression` SQL over a row, `aggregate` SQL over all rows, `condition` SQL over a number `value`,
    `query` a whole query in which `{object:NAME}` stands for data.
    """

    own: str
    others: Mapping[str, str] = field(default_factory=dict)
    quote: Callable[[str], str] = identifier
    expression: Callable[[str], str] = str
    aggregate: Callable[[str], str] = str
    condition: Callable[[str], str] = str
    query: Callable[[str], str] | None = None

    def named(self, name: str) -> str:
        """The SQL name of an object's data. Raises Inexpressible where it is not at hand."""
        if name not in self.others:
            raise Inexpressible(f"the rule reads {name!r}, whose data is not at hand")
        return self.others[name]

    def named_in(self, text: str) -> str:
        """The text of a query with names of data in place of `{object:NAME}`, in the dialect that it is written in."""
        return _OBJECT.sub(lambda found: self.named(found[1]), text.strip().rstrip(";").rstrip())

    def resolved(self, text: str) -> str:
        """A query that is written for Spark, on the data, in this dialect."""
        return self.query(text) if self.query is not None else self.named_in(text)


def key_rows_query(keys: Sequence[str], tables: Tables, *, source: str = "") -> str:
    """The query of how many rows have a complete key that occurs more than once; keys are SQL of the dialect."""
    return f"SELECT coalesce(sum(n), 0) AS value FROM (\n{_repeated(keys, source or tables.own)}\n) AS repeated"


def surplus_query(surplus: Surplus, tables: Tables) -> str:
    """The query of rows with a complete key minus distinct keys, in percent of all rows where that is asked."""
    keys = [tables.expression(key) for key in surplus.keys]
    counted = f"SELECT coalesce(sum(n - 1), 0) AS value FROM (\n{_repeated(keys, tables.own)}\n) AS repeated"
    if not surplus.percent:
        return counted
    rows = f"SELECT count(1) FROM {tables.own}"
    return f"SELECT coalesce(100.0 * (\n{counted}\n) / nullif(({rows}), 0), 0.0) AS value"


def _repeated(keys: Sequence[str], table: str) -> str:
    listed = ", ".join(keys)
    return f"SELECT count(1) AS n FROM {table} WHERE {complete(keys)} GROUP BY {listed} HAVING count(1) > 1"


def orphans_query(orphans: Orphans, tables: Tables) -> str:
    """The query of the keys that have no match, one row for each row of the child."""
    parent = tables.named(orphans.parent)
    keys = [tables.expression(key) for key in orphans.keys]
    same = " AND ".join(f"parent.key_{number} = child.key_{number}" for number in range(1, len(keys) + 1))
    # Columns of the parent are not those that the dialect knows by type.
    parents = [
        tables.quote(key[1:-1]) if _PLAIN.fullmatch(key) else tables.expression(key) for key in orphans.parent_keys
    ]
    return (
        f"SELECT * FROM (SELECT {_named(keys)} FROM {tables.own} WHERE {complete(keys)}) AS child\n"
        f"WHERE NOT EXISTS (SELECT 1 FROM (SELECT {_named(parents)} FROM {parent}) AS parent WHERE {same})"
    )


def broken_query(measured: str, condition: str) -> str:
    """The query of one row where the `value` that the query `measured` gives is not as it must be, else none."""
    return f"SELECT value FROM (\n{measured}\n) AS measured\nWHERE NOT coalesce({condition}, FALSE)"


def broken_rows_query(predicate: str, table: str) -> str:
    """The query of the rows for which a predicate is not TRUE."""
    return f"SELECT * FROM {table} WHERE NOT (\n{predicate}\n)"


def complete(keys: Sequence[str]) -> str:
    """SQL that is TRUE where no key is NULL."""
    return " AND ".join(f"{key} IS NOT NULL" for key in keys)


def _named(keys: Sequence[str]) -> str:
    return ", ".join(f"{key} AS key_{number}" for number, key in enumerate(keys, 1))
