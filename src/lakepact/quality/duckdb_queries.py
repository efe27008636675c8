"""Queries of a contract's rules that read one object, in SQL of DuckDB."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lakepact.quality.duckdb_expression import Translator, parsed
from lakepact.quality.duckdb_lexemes import Lexemes
from lakepact.quality.duckdb_regex import NeedsSpark, Unresolved
from lakepact.quality.duckdb_text import Value
from lakepact.sql import identifier

__all__ = ["QueryRows", "TranslatedQuery", "translated_query"]

_OBJECT: Final = re.compile(r"\{object:([^{}]*)\}")
_NAMED: Final = "_lakepact_object_"
_CLAUSES: Final = frozenset({"kind", "expressions", "from_", "where", "group", "having"})


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRows:
    """The rows of an object: a query, its columns by name without case, and why some cannot be read."""

    sql: str
    values: Mapping[str, Value]
    unavailable: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslatedQuery:
    """A query with one value; `read` are the columns that it reads, by object, `undecided` tests of the rows of one."""

    sql: str
    value: Value
    read: Mapping[str, frozenset[str]]
    undecided: Mapping[str, str]


def translated_query(text: str, objects: Mapping[str, QueryRows]) -> TranslatedQuery:
    """The query of a rule; its tables are the `{object:NAME}` in it.

    Raises NeedsSpark for a query that is more than SELECT, FROM one relation, WHERE, GROUP BY columns and HAVING.
    """
    named: list[str] = []

    def replaced(found: re.Match[str]) -> str:
        named.append(found[1])
        return identifier(f"{_NAMED}{len(named) - 1}")

    tree, lexemes = parsed(_OBJECT.sub(replaced, text))
    reader = _Reader(lexemes, named, objects)
    sql, columns = reader.select(tree)
    if len(columns) != 1:
        raise Unresolved("the query gives more than one column")
    (value,) = columns.values()
    read = {name: frozenset(used) for name, used in reader.read.items()}
    doubts = {name: " OR ".join(f"({each})" for each in found) for name, found in reader.undecided.items()}
    return TranslatedQuery(sql=sql, value=value, read=read, undecided=doubts)


@dataclass(slots=True)
class _Reader:
    lexemes: Lexemes
    named: list[str]
    objects: Mapping[str, QueryRows]
    read: dict[str, set[str]] = field(default_factory=dict)
    undecided: dict[str, list[str]] = field(default_factory=dict)

    def select(self, tree: Any) -> tuple[str, dict[str, Value]]:
        """SQL of a SELECT, and its columns by name without case, under which the SQL gives them."""
        if type(tree).__name__ != "Select":
            raise NeedsSpark("a query that is no plain SELECT")
        strange = [name for name, given in tree.args.items() if given and name not in _CLAUSES]
        if strange or tree.args.get("from_") is None:
            raise NeedsSpark(f"{(strange or ['a query without FROM'])[0].upper().strip('_')} in a query")
        rows, name, alias = self._source(tree.args["from_"].this)
        plain = Translator(rows.values, rows.unavailable, alias=alias)
        clauses = []
        if where := tree.args.get("where"):
            clauses.append(f"WHERE {self._condition(plain, where.this, name)}")
        groups = [
            self._grouped(plain, each) for each in (tree.args["group"].expressions if tree.args.get("group") else ())
        ]
        folded = bool(groups) or _aggregates(tree)
        translator = Translator(
            rows.values, rows.unavailable, aggregates=folded, alias=alias, grouped=frozenset(each for each, _ in groups)
        )
        listed, columns = [], {}
        for number, node in enumerate(tree.expressions):
            shown, value = self._column(translator, node, number, name)
            listed.append(f"{value.sql} AS q{number}")
            columns[shown] = Value(f"q{number}", value.type)
        if groups:
            clauses.append("GROUP BY " + ", ".join(sql for _, sql in groups))
        if having := tree.args.get("having"):
            clauses.append(f"HAVING {self._condition(translator, having.this, '')}")
        if name:
            self.read.setdefault(name, set()).update(plain.used | translator.used)
        return f"SELECT {', '.join(listed)} FROM (\n{rows.sql}\n) {' '.join(clauses)}", columns

    def _source(self, node: Any) -> tuple[QueryRows, str, str]:
        """The rows, the object that they are ('' for an inner query), and the name that stands before columns."""
        alias = node.args.get("alias")
        shown = self.lexemes.name(alias.this.this) if alias is not None else ""
        if type(node).__name__ == "Subquery":
            sql, columns = self.select(node.this)
            return QueryRows(sql=sql, values=columns, unavailable={}), "", shown
        if type(node).__name__ != "Table" or node.args.get("db") is not None:
            raise NeedsSpark("a relation of this kind")
        written = self.lexemes.name(node.this.this)
        if not written.startswith(_NAMED):
            raise NeedsSpark(f"the table {written!r}, which is no object of the contract")
        name = self.named[int(written[len(_NAMED) :])]
        return self.objects[name], name, shown

    def _column(self, translator: Translator, node: Any, number: int, name: str) -> tuple[str, Value]:
        shown = ""
        if type(node).__name__ == "Alias":
            shown, node = self.lexemes.name(node.args["alias"].this), node.this
        elif type(node).__name__ == "Column":
            shown = translator.name_in(self.lexemes, node.this)
        found = translator.tree(node, self.lexemes)
        self._doubt(found.undecided, name)
        return shown.casefold() or f"\0{number}", found.value

    def _condition(self, translator: Translator, node: Any, name: str) -> str:
        found = translator.tree(node, self.lexemes)
        if found.value.ddl != "BOOLEAN":
            raise NeedsSpark(f"{found.value.ddl} as a condition")
        self._doubt(found.undecided, name)
        return found.value.sql

    def _doubt(self, undecided: str, name: str) -> None:
        if undecided and not name:
            raise NeedsSpark("a text that may have to be read in another way, in a query of a query")
        if undecided:
            self.undecided.setdefault(name, []).append(undecided)

    def _grouped(self, translator: Translator, node: Any) -> tuple[str, str]:
        if type(node).__name__ != "Column":
            raise NeedsSpark("GROUP BY of what is computed")
        name = translator.name_in(self.lexemes, node.this).casefold()
        return name, translator.tree(node, self.lexemes).value.sql


def _aggregates(tree: Any) -> bool:
    from sqlglot import exp

    nodes = [*tree.expressions, *([tree.args["having"]] if tree.args.get("having") else [])]
    return any(each.find(exp.AggFunc) is not None for each in nodes)
