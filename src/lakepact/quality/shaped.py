"""Data in the shape of a contract as tables of Spark or DuckDB, for engines of other makers."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from lakepact.contract.types import AtomicType
from lakepact.errors import ExtraMissing
from lakepact.quality.duckdb_expression import Translator
from lakepact.quality.duckdb_files import open_files
from lakepact.quality.duckdb_input import input_rows
from lakepact.quality.duckdb_queries import QueryRows, translated_query
from lakepact.quality.duckdb_regex import NeedsSpark, Unresolved
from lakepact.quality.duckdb_text import Value, quoted
from lakepact.quality.engine import Data, EngineContext, FileData, FrameData
from lakepact.quality.native import align_frame
from lakepact.rules import compile_rules
from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import DatasetRule, ObjectRules, RowRule, RowRuleKind
from lakepact.spark.frames import session_of
from lakepact.sql import identifier
from lakepact.targets.queries import Tables

__all__ = ["ShapedData", "Unanswerable", "opened"]

_OWN: Final = "lakepact_data"
_OBJECT: Final = re.compile(r"\{object:([^{}]*)\}")


class Unanswerable(Inexpressible):
    """A rule that nothing can evaluate on this data, because of a column that is not there, or no function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapedData:
    """The data with the contract's types, a value that does not fit being NULL; further columns are as they were.

    `view` is the name of the table, `columns` those that it has; `unreadable` says of columns why they are not among
    them, by name without case. One of `session` and `connection` (of DuckDB) is there.
    """

    view: str
    columns: tuple[str, ...]
    tables: Tables
    unreadable: Mapping[str, str] = field(default_factory=dict)
    session: Any = None
    connection: Any = None

    def check_columns(self, rule: RowRule | DatasetRule) -> None:
        """Raises Unanswerable where the data lacks a column of a rule on rows."""
        if isinstance(rule, RowRule) and rule.kind is not RowRuleKind.TYPE:
            for column in rule.columns:
                if reason := self.obstacle(column):
                    raise Unanswerable(reason)

    def obstacle(self, column: str) -> str:
        """Why a column cannot be asked for, '' where it can."""
        name = column.casefold()
        if name in self.unreadable:
            return self.unreadable[name]
        return "" if name in {each.casefold() for each in self.columns} else f"there is no column {column!r}"


@contextmanager
def opened(data: Data, rules: ObjectRules, context: EngineContext, *, extra: str) -> Iterator[ShapedData]:
    """The data as a table while this is open, and that of `context.references` beside.

    Raises ExtraMissing LP974, naming the extra, for files without DuckDB, and what `open_files` raises.
    """
    if isinstance(data, FrameData):
        with _frames(data, rules, context) as shaped:
            yield shaped
        return
    try:
        import duckdb
    except ImportError:
        raise ExtraMissing("duckdb is not installed", "LP974", f"pip install 'lakepact[{extra}]'") from None
    with duckdb.connect() as connection, context.stop.ending(connection.interrupt):
        connection.execute("SET TimeZone = 'UTC'")
        yield _files(connection, data, rules, context)


@contextmanager
def _frames(data: FrameData, rules: ObjectRules, context: EngineContext) -> Iterator[ShapedData]:
    spark = session_of(data.frame)
    shaped = _shaped(spark, data.frame, rules)
    frames = {rules.name: shaped}
    for name, other in _references(rules, context).items():
        each = context.references[name]
        if isinstance(each, FrameData):
            frames[name] = _shaped(spark, each.frame, other)
    views = {name: f"_lakepact_{uuid.uuid4().hex}" for name in frames}
    try:
        for name, frame in frames.items():
            frame.createOrReplaceTempView(views[name])
        names = {name: identifier(view) for name, view in views.items()}
        yield ShapedData(
            view=views[rules.name],
            columns=tuple(shaped.columns),
            tables=Tables(own=names[rules.name], others=names),
            session=spark,
        )
    finally:
        for view in views.values():
            spark.catalog.dropTempView(view)


def _shaped(spark: Any, frame: Any, rules: ObjectRules) -> Any:
    alignment = align_frame(spark, frame, rules)
    there = [each for each in alignment.columns if each.present]
    kept = [each.sql if each.value else f"{each.raw} AS {each.name}" for each in there]
    return frame.selectExpr(*kept, *map(identifier, alignment.extra))


def _references(rules: ObjectRules, context: EngineContext) -> dict[str, ObjectRules]:
    """The rules of the other objects whose data is at hand."""
    others = context.references.keys() - {rules.name}
    if not others:
        return {}
    return {each.name: each for each in compile_rules(context.run.contract).objects if each.name in others}


def _files(connection: Any, data: FileData, rules: ObjectRules, context: EngineContext) -> ShapedData:
    typed, unreadable, columns = _view(connection, _OWN, data, rules)
    others = {rules.name: quoted(_OWN)}
    rows = {rules.name: _rows(others[rules.name], typed, unreadable)}
    for number, (name, other) in enumerate(sorted(_references(rules, context).items()), 1):
        each = context.references[name]
        if isinstance(each, FileData):
            others[name] = quoted(f"lakepact_reference_{number}")
            there, lacking, _ = _view(connection, f"lakepact_reference_{number}", each, other)
            rows[name] = _rows(others[name], there, lacking)
    value = {"value": Value('"value"', AtomicType("DOUBLE"))}
    tables = Tables(
        own=quoted(_OWN),
        others=others,
        quote=quoted,
        expression=_dialect(lambda: Translator(typed, unreadable)),
        aggregate=_dialect(lambda: Translator(typed, unreadable, aggregates=True)),
        condition=_dialect(lambda: Translator(value)),
        query=lambda text: _query(text, rows),
    )
    return ShapedData(view=_OWN, columns=columns, tables=tables, unreadable=unreadable, connection=connection)


def _view(
    connection: Any, name: str, data: FileData, rules: ObjectRules
) -> tuple[dict[str, Value], dict[str, str], tuple[str, ...]]:
    """Makes the view; its columns by name without case as SQL, why others cannot be read, and their names."""
    files = open_files(connection, data, rules)
    rows = input_rows(files, rules)
    known = {column.name.casefold() for column in rules.columns}
    extra = {f"x{n}": each for n, each in enumerate(files.columns) if each.name.casefold() not in known}
    query = rows.sql.removeprefix("SELECT ")
    listed = ", ".join(f"{each.sql} AS {alias}" for alias, each in extra.items())
    source = f"SELECT {listed}, {query}" if listed else rows.sql
    unreadable = dict(rows.unavailable) | _doubtful(connection, source, rows.undecided)
    shown: dict[str, str] = {}
    typed: dict[str, Value] = {}
    for aligned in rows.alignment.columns:
        column = aligned.column
        folded = column.name.casefold()
        if aligned.present and folded not in unreadable:
            shown[column.name] = rows.values[folded].sql
            typed[folded] = Value(quoted(column.name), column.type)
    for alias, each in extra.items():
        shown[each.name] = alias
        if each.type is not None:
            typed[each.name.casefold()] = Value(quoted(each.name), each.type)
    columns = ", ".join(f"{sql} AS {quoted(column)}" for column, sql in shown.items()) or "1 AS nothing"
    connection.execute(f"CREATE VIEW {quoted(name)} AS SELECT {columns} FROM (\n{source}\n)")
    return typed, unreadable, tuple(shown)


def _doubtful(connection: Any, source: str, undecided: Mapping[str, str]) -> dict[str, str]:
    """The columns with values that only Spark reads as it does."""
    if not undecided:
        return {}
    counts = ", ".join(f"count_if({column})" for column in undecided.values())
    found = connection.execute(f"SELECT {counts} FROM (\n{source}\n)").fetchone()
    return {
        name: f"{count} values of the column {name!r} are read by Spark only"
        for name, count in zip(undecided, found, strict=True)
        if count
    }


def _rows(view: str, typed: Mapping[str, Value], unreadable: Mapping[str, str]) -> QueryRows:
    return QueryRows(sql=f"SELECT * FROM {view}", values=typed, unavailable=unreadable)


@contextmanager
def _said() -> Iterator[None]:
    """What has no equal in DuckDB's dialect, or is no SQL, as the one error of such rules."""
    try:
        yield
    except NeedsSpark as reason:
        raise Inexpressible(f"only Spark can tell: {reason}") from reason
    except Unresolved as reason:
        raise Unanswerable(str(reason)) from reason


def _dialect(translator: Callable[[], Translator]) -> Callable[[str], str]:
    def translate(text: str) -> str:
        with _said():
            found = translator().expression(text)
        if found.undecided:
            raise Inexpressible("of some values only Spark can tell")
        return found.value.sql

    return translate


def _query(text: str, rows: Mapping[str, QueryRows]) -> str:
    absent = sorted(set(_OBJECT.findall(text)) - rows.keys())
    if absent:
        raise Inexpressible(f"the rule reads {absent[0]!r}, whose data is not at hand")
    with _said():
        found = translated_query(text.strip().rstrip(";").rstrip(), rows)
    if found.undecided:
        raise Inexpressible("of some values only Spark can tell")
    return found.sql
