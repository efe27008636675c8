"""Rules on the whole dataset that take a query of their own: duplicates, orphans, and queries of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lakepact.contract.types import AtomicType
from lakepact.quality.duckdb_expression import Translator
from lakepact.quality.duckdb_input import InputRows
from lakepact.quality.duckdb_judge import shown
from lakepact.quality.duckdb_queries import QueryRows, translated_query
from lakepact.quality.duckdb_regex import NeedsSpark
from lakepact.quality.duckdb_results import Results, spark_text
from lakepact.quality.duckdb_rules import condition_of
from lakepact.quality.duckdb_text import Value
from lakepact.results.model import RuleResult
from lakepact.rules.model import DatasetRule, DuplicateRows, OrphanRows, Query

__all__ = ["ObjectRows", "WholeMeasures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRows:
    """The rows of an object that rules on the whole speak of: a query of them, and what is known of its columns.

    `undecided` are the numbers of values of which only Spark can tell, by column, where they have been counted.
    """

    sql: str
    rows: InputRows
    undecided: Mapping[str, int] | None = None

    def translator(self) -> Translator:
        """Translates expressions over the rows."""
        return Translator(self.rows.values, self.rows.unavailable)


@dataclass(frozen=True, slots=True)
class _Measured:
    sql: str
    value: Value


@dataclass(slots=True)
class WholeMeasures:
    """Measures the rows of the object `name`; `open_object` gives those of another object of the contract."""

    connection: Any
    name: str
    own: ObjectRows
    open_object: Callable[[str], ObjectRows]

    def result(self, rule: DatasetRule, results: Results) -> RuleResult:
        """The result of one rule. Raises NeedsSpark and Unresolved, and what DuckDB raises."""
        made = self._measured(rule)
        condition = condition_of(rule, made.value)
        query = f"SELECT {shown(made.value)}, coalesce({condition}, FALSE) FROM (\n{made.sql}\n)"
        text, passed = self.connection.execute(query).fetchone()
        return results.of_whole(rule, spark_text(text, made.value.ddl), passed=passed)

    def _measured(self, rule: DatasetRule) -> _Measured:
        match rule.measure:
            case DuplicateRows(keys=keys, percent=percent):
                return self._duplicates(keys, percent=percent)
            case OrphanRows() as orphans:
                return self._orphans(orphans)
            case Query(text=text):
                return self._query(text)
        raise NeedsSpark("a measure of this kind")

    def _keys(self, owner: ObjectRows, keys: Iterable[str]) -> list[Value]:
        found = []
        for key in keys:
            translator = owner.translator()
            made = translator.expression(key)
            if not isinstance(made.value.type, AtomicType):
                raise NeedsSpark(f"a key of {made.value.ddl}")
            self._decide(owner, translator.used, made.undecided)
            found.append(made.value)
        return found

    def _decide(self, owner: ObjectRows, columns: Iterable[str], undecided: str) -> None:
        """Raise NeedsSpark where the columns hold values of which only Spark can tell."""
        counted = owner.undecided
        asked = [name for name in columns if name in owner.rows.undecided and (counted is None or counted[name])]
        tests = [owner.rows.undecided[name] for name in asked]
        tests += [undecided] if undecided else []
        if not tests:
            return
        query = f"SELECT count(*) FROM (\n{owner.sql}\n) WHERE {' OR '.join(f'({each})' for each in tests)}"
        if number := self.connection.execute(query).fetchone()[0]:
            raise NeedsSpark(f"{number} values that it reads in its own way")

    def _duplicates(self, keys: tuple[str, ...], *, percent: bool) -> _Measured:
        found = [each.sql for each in self._keys(self.own, keys)]
        complete = " AND ".join(f"{key} IS NOT NULL" for key in found)
        groups = f"SELECT count(*) AS n FROM (\n{self.own.sql}\n) WHERE {complete} GROUP BY {', '.join(found)}"
        surplus = f"(SELECT coalesce(sum(n - 1), 0) FROM (\n{groups}\n))"
        if not percent:
            return _Measured(f"SELECT CAST({surplus} AS BIGINT) AS v", Value("v", AtomicType("BIGINT")))
        rows = f"(SELECT count(*) FROM (\n{self.own.sql}\n))"
        share = "CASE WHEN n = 0 THEN CAST(0 AS DOUBLE) ELSE CAST(100 AS DOUBLE) * s / n END"
        return _Measured(
            f"SELECT {share} AS v FROM (SELECT CAST({surplus} AS DOUBLE) AS s, CAST({rows} AS DOUBLE) AS n)",
            Value("v", AtomicType("DOUBLE")),
        )

    def _orphans(self, orphans: OrphanRows) -> _Measured:
        parent = self.own if orphans.parent == self.name else self.open_object(orphans.parent)
        pairs = [
            Translator({}).alike(child, other)
            for child, other in zip(
                self._keys(self.own, orphans.keys), self._keys(parent, orphans.parent_keys), strict=True
            )
        ]
        children = ", ".join(f"{child.sql} AS a{n}" for n, (child, _) in enumerate(pairs))
        others = ", ".join(f"{other.sql} AS b{n}" for n, (_, other) in enumerate(pairs))
        complete = " AND ".join(f"a{n} IS NOT NULL" for n in range(len(pairs)))
        same = " AND ".join(f"a{n} = b{n}" for n in range(len(pairs)))
        sql = (
            f"SELECT count(*) AS v FROM (SELECT {children} FROM (\n{self.own.sql}\n)) AS child\n"
            f"ANTI JOIN (SELECT {others} FROM (\n{parent.sql}\n)) AS parent ON {same}\nWHERE {complete}"
        )
        return _Measured(sql, Value("v", AtomicType("BIGINT")))

    def _query(self, text: str) -> _Measured:
        opened: dict[str, ObjectRows] = {self.name: self.own}
        lazily = _Opening(opened, self.open_object)
        made = translated_query(text, lazily)
        for name, columns in made.read.items():
            self._decide(opened[name], columns, made.undecided.get(name, ""))
        return _Measured(f"SELECT (\n{made.sql}\n) AS v", Value("v", made.value.type))


class _Opening(Mapping[str, QueryRows]):
    """The objects that a query reads, opened when it does."""

    def __init__(self, opened: dict[str, ObjectRows], open_object: Callable[[str], ObjectRows]) -> None:
        self._opened = opened
        self._open = open_object

    def __getitem__(self, name: str) -> QueryRows:
        if name not in self._opened:
            self._opened[name] = self._open(name)
        found = self._opened[name]
        return QueryRows(sql=found.sql, values=found.rows.values, unavailable=found.rows.unavailable)

    def __iter__(self) -> Any:
        return iter(self._opened)

    def __len__(self) -> int:
        return len(self._opened)
