"""Pipeline SQL as Databricks documents it, recorded as the Python API records its calls.

Datasets: `CREATE [OR REFRESH] [PRIVATE] STREAMING TABLE | MATERIALIZED VIEW`, `CREATE TEMPORARY VIEW`, and the older
`LIVE TABLE`, `STREAMING LIVE TABLE`, `LIVE VIEW` with `LIVE.` before names. Flows: `CREATE FLOW ... AS INSERT INTO` and
`AUTO CDC INTO`, `APPLY CHANGES INTO`. `SET key = value` holds for what follows in the file, also as `${key}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from lakepact.errors import LakepactError
from lakepact.local.definitions import AutoCdcFlow, DatasetDefinition, FlowDefinition, QueryFunction, SourcePlace
from lakepact.local.dp import PipelinesModule
from lakepact.local.source_faults import together
from lakepact.local.sql_clauses import TableClauses, auto_cdc_clauses, columns, table_clauses
from lakepact.local.sql_cursor import SqlCursor, sql_error
from lakepact.local.sql_functions import FileFunction, rewrite
from lakepact.plan.model import DatasetKind
from lakepact.sql import identifier
from lakepact.sql_text import Token, TokenKind, join, significant, statements, tokenize

__all__ = ["load_sql"]

_ALLOWED = (
    "possible are CREATE STREAMING TABLE, CREATE MATERIALIZED VIEW, CREATE TEMPORARY VIEW, CREATE FLOW, "
    "APPLY CHANGES INTO, SET"
)
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_KINDS = (
    (("STREAMING", "TABLE"), DatasetKind.STREAMING_TABLE),
    (("STREAMING", "LIVE", "TABLE"), DatasetKind.STREAMING_TABLE),
    (("INCREMENTAL", "LIVE", "TABLE"), DatasetKind.STREAMING_TABLE),
    (("MATERIALIZED", "VIEW"), DatasetKind.MATERIALIZED_VIEW),
    (("LIVE", "TABLE"), DatasetKind.MATERIALIZED_VIEW),
    (("STREAMING", "LIVE", "VIEW"), DatasetKind.TEMPORARY_VIEW),
    (("LIVE", "VIEW"), DatasetKind.TEMPORARY_VIEW),
    (("VIEW",), DatasetKind.TEMPORARY_VIEW),
)


def load_sql(
    text: str,
    path: str,
    *,
    spark: Any,
    module: PipelinesModule,
    configuration: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Record what the SQL source `text` defines in `module`; queries run as `spark.sql(...)`.

    Raises ConfigurationError with all faults of the file: LP545 (not pipeline SQL), LP546 (known to Databricks, not
    supported on this machine), LP520 to LP523 as for Python.
    """
    errors: list[LakepactError] = []
    source = _Source(path, spark, module, dict(configuration))
    for statement in statements(tokenize(text)):
        try:
            source.record(statement)
        except LakepactError as error:
            errors.append(error)
    if errors:
        raise together(errors, path)


@dataclass(slots=True)
class _Source:
    """A SQL file that is being read; `settings` are those that SET gave."""

    path: str
    spark: Any
    module: PipelinesModule
    variables: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)

    def record(self, statement: list[Token]) -> None:
        self._check_terminated(statement)
        tokens = self._without_live(self._substituted(statement))
        start = significant(tokens)[0]
        cursor = SqlCursor(tokens, self.path)
        if cursor.accept("SET"):
            self._set(cursor)
            return
        place = SourcePlace(self.path, start.line)
        views = len(self.module.definitions.datasets)
        tokens, functions = rewrite(tokens, self.path, first=views)
        cursor = SqlCursor(tokens, self.path)
        if cursor.accept("APPLY", "CHANGES"):
            self._auto_cdc(cursor, None, place)
        elif not cursor.accept("CREATE"):
            raise sql_error(self.path, start, f"{start.text} is not a statement of pipeline SQL", _ALLOWED)
        elif cursor.accept("FLOW"):
            self._flow(cursor, place)
        else:
            self._dataset(cursor, place)
        for function in functions:
            self.module.add_dataset(self._file_view(function, place))

    def _check_terminated(self, statement: list[Token]) -> None:
        for token in statement:
            if token.kind is TokenKind.UNTERMINATED:
                what = {"'": "string", '"': "string", "`": "quoted name"}.get(token.text[0], "comment")
                raise sql_error(self.path, token, f"this {what} is never closed")

    def _substituted(self, statement: list[Token]) -> list[Token]:
        text = join(statement)
        values = self.variables | self.settings
        replaced = _VARIABLE.sub(lambda match: values.get(match[1].strip(), match[0]), text)
        return statement if replaced == text else tokenize(replaced, line=statement[0].line, column=statement[0].column)

    def _without_live(self, tokens: list[Token]) -> list[Token]:
        kept: list[Token] = []
        index = 0
        while index < len(tokens):
            following = tokens[index + 1 : index + 3]
            is_prefix = tokens[index].is_word("LIVE") and len(following) == 2 and following[0].text == "."
            if is_prefix and (not kept or kept[-1].text != "."):
                index += 2
            else:
                kept.append(tokens[index])
                index += 1
        return kept

    def _set(self, cursor: SqlCursor) -> None:
        key = cursor.until(("=",))
        cursor.expect("=")
        quoted = cursor.peek().kind is TokenKind.STRING
        self.settings[key.strip("`")] = cursor.string() if quoted else cursor.rest()

    def _dataset(self, cursor: SqlCursor, place: SourcePlace) -> None:
        if not cursor.accept("OR", "REFRESH"):
            cursor.accept("OR", "REPLACE")
        private = cursor.accept("PRIVATE")
        temporary = cursor.accept("TEMPORARY") or cursor.accept("TEMP")
        kind = self._kind(cursor, temporary=temporary)
        cursor.accept("IF", "NOT", "EXISTS")
        name = cursor.name()
        cursor.accept("IF", "NOT", "EXISTS")
        clauses = TableClauses()
        columns(cursor, self.path, clauses)
        table_clauses(cursor, clauses)
        self.module.add_dataset(
            DatasetDefinition(
                name=name,
                kind=kind,
                place=place,
                query=self._query(cursor, kind, clauses),
                comment=clauses.comment,
                expectations=tuple(clauses.expectations),
                spark_conf=dict(self.settings),
                table_properties=clauses.table_properties,
                partition_cols=clauses.partition_cols,
                cluster_by=clauses.cluster_by,
                schema=clauses.schema,
                private=private or (temporary and kind is not DatasetKind.TEMPORARY_VIEW),
                ignored=clauses.ignored,
            )
        )

    def _kind(self, cursor: SqlCursor, *, temporary: bool) -> DatasetKind:
        if cursor.is_next("VIEW") and not temporary:
            cursor.fail("CREATE VIEW is not supported on this machine", "use CREATE TEMPORARY VIEW", code="LP546")
        for words, kind in _KINDS:
            if cursor.accept(*words):
                return kind
        cursor.fail(f"CREATE {cursor.peek().text} is not a statement of pipeline SQL", _ALLOWED)

    def _query(self, cursor: SqlCursor, kind: DatasetKind, clauses: TableClauses) -> QueryFunction | None:
        if cursor.done:
            if kind is not DatasetKind.STREAMING_TABLE:
                cursor.fail("AS and a query must come here, but the statement ends")
            return None
        cursor.expect("AS")
        text = cursor.until()
        if clauses.names:
            names = ", ".join(identifier(name) for name in clauses.names)
            text = f"SELECT * FROM (\n{text}\n) AS renamed({names})"
        return self._sql(text)

    def _sql(self, text: str) -> QueryFunction:
        spark = self.spark

        def query() -> Any:
            return spark.sql(text)

        return query

    def _flow(self, cursor: SqlCursor, place: SourcePlace) -> None:
        name = cursor.name()
        if cursor.accept("COMMENT"):
            cursor.string()
        cursor.expect("AS")
        if cursor.accept("AUTO", "CDC") or cursor.accept("APPLY", "CHANGES"):
            self._auto_cdc(cursor, name, place)
            return
        cursor.expect("INSERT")
        once = cursor.accept("ONCE")
        cursor.expect("INTO")
        once = (cursor.is_next("ONCE") and not cursor.peek(1).is_word("BY") and cursor.accept("ONCE")) or once
        cursor.accept("TABLE")
        target = cursor.name()
        cursor.expect("BY", "NAME")
        self.module.add_flow(
            FlowDefinition(
                name=name,
                target=target,
                place=place,
                query=self._sql(cursor.until()),
                spark_conf=dict(self.settings),
                once=once,
            )
        )

    def _auto_cdc(self, cursor: SqlCursor, name: str | None, place: SourcePlace) -> None:
        cursor.accept("ONCE")
        cursor.expect("INTO")
        target = cursor.name()
        cursor.expect("FROM")
        if cursor.accept("STREAM", "("):
            source = cursor.name()
            cursor.expect(")")
        else:
            cursor.accept("STREAM")
            source = cursor.name()
        clauses = auto_cdc_clauses(cursor)
        options = {option: getattr(clauses, option) for option in clauses.__dataclass_fields__}
        flow = AutoCdcFlow(name=name or target, target=target, source=source, place=place, **options)
        self.module.add_auto_cdc_flow(flow)

    def _file_view(self, function: FileFunction, place: SourcePlace) -> DatasetDefinition:
        spark = self.spark

        def query() -> Any:
            return function.read(spark)

        return DatasetDefinition(
            name=function.view,
            kind=DatasetKind.TEMPORARY_VIEW,
            place=place,
            query=query,
            spark_conf=dict(self.settings),
        )
