"""The clauses of pipeline SQL: columns with expectations, table clauses, and the parts of AUTO CDC."""

from __future__ import annotations

from dataclasses import dataclass, field

from lakepact.local.definitions import ExpectationAction, ExpectationDefinition, ScdType
from lakepact.local.sql_cursor import SqlCursor
from lakepact.sql import identifier, string
from lakepact.sql_text import Token, TokenKind, join, name_parts, split_at_commas

__all__ = ["AutoCdcClauses", "TableClauses", "auto_cdc_clauses", "column_list", "columns", "table_clauses"]

_ENDINGS_OF_TYPES = (
    ("NOT", "NULL"),
    ("NULL",),
    ("COMMENT",),
    ("DEFAULT",),
    ("GENERATED",),
    ("MASK",),
    ("PRIMARY",),
    ("REFERENCES",),
    ("FOREIGN",),
    ("CONSTRAINT",),
    ("COLLATE",),
)
_ENDINGS_OF_CLAUSES = (
    ("PARTITIONED",),
    ("CLUSTER",),
    ("COMMENT",),
    ("TBLPROPERTIES",),
    ("SCHEDULE",),
    ("TRIGGER",),
    ("LOCATION",),
    ("USING",),
    ("DEFAULT", "COLLATION"),
    ("WITH", "ROW", "FILTER"),
    ("ROW", "FILTER"),
    ("REFRESH", "POLICY"),
    ("AS",),
)
_ALLOWED_CLAUSES = "PARTITIONED BY, CLUSTER BY, COMMENT, TBLPROPERTIES, SCHEDULE, TRIGGER, WITH ROW FILTER, AS query"
_AUTO_CDC_ENDINGS = (
    ("WHERE",),
    ("IGNORE", "NULL"),
    ("APPLY", "AS"),
    ("SEQUENCE", "BY"),
    ("COLUMNS",),
    ("STORED", "AS"),
    ("TRACK", "HISTORY"),
)


@dataclass(slots=True)
class TableClauses:
    """What stands between the name of a dataset and its query. `names` are columns without types."""

    schema: str | None = None
    names: tuple[str, ...] = ()
    expectations: list[ExpectationDefinition] = field(default_factory=list)
    comment: str | None = None
    table_properties: dict[str, str] = field(default_factory=dict)
    partition_cols: tuple[str, ...] = ()
    cluster_by: tuple[str, ...] = ()
    ignored: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class AutoCdcClauses:
    """The clauses after the source of an AUTO CDC flow."""

    keys: tuple[str, ...] = ()
    sequence_by: str = ""
    where: str | None = None
    ignore_null_updates: bool = False
    apply_as_deletes: str | None = None
    apply_as_truncates: str | None = None
    column_list: tuple[str, ...] = ()
    except_column_list: tuple[str, ...] = ()
    stored_as_scd_type: ScdType = ScdType.SCD_1
    track_history_column_list: tuple[str, ...] = ()
    track_history_except_column_list: tuple[str, ...] = ()


def columns(cursor: SqlCursor, file: str, clauses: TableClauses) -> None:
    """Read `(columns, constraints)` into `clauses`; nothing where no parenthesis comes next."""
    if not cursor.is_next("("):
        return
    typed: list[str] = []
    for item in split_at_commas(cursor.group()):
        inner = SqlCursor(item, file)
        if inner.is_next("CONSTRAINT") and inner.peek(2).is_word("EXPECT"):
            clauses.expectations.append(_expectation(inner))
        elif inner.is_next("CONSTRAINT") or inner.is_next("PRIMARY", "KEY") or inner.is_next("FOREIGN", "KEY"):
            _ignore(clauses, "constraints", join(item))
        else:
            _column(inner, clauses, typed)
    if typed and len(typed) == len(clauses.names):
        clauses.schema, clauses.names = ", ".join(typed), ()
    elif typed:
        cursor.fail("either all columns have types, or none has")


def _expectation(cursor: SqlCursor) -> ExpectationDefinition:
    cursor.expect("CONSTRAINT")
    name = name_parts(cursor.name())[-1]
    cursor.expect("EXPECT")
    constraint = join(cursor.group()).strip()
    action = ExpectationAction.WARN
    if cursor.accept("ON", "VIOLATION"):
        if cursor.accept("DROP", "ROW"):
            action = ExpectationAction.DROP
        elif cursor.accept("FAIL", "UPDATE"):
            action = ExpectationAction.FAIL
        else:
            cursor.fail("after ON VIOLATION comes DROP ROW or FAIL UPDATE")
    if not cursor.done:
        cursor.fail(f"nothing may follow an expectation, but here is {cursor.peek().text}")
    return ExpectationDefinition(name, constraint, action)


def _column(cursor: SqlCursor, clauses: TableClauses, typed: list[str]) -> None:
    name = name_parts(cursor.name())[-1]
    clauses.names += (name,)
    kind = ""
    if not cursor.done and not any(cursor.is_next(*ending) for ending in _ENDINGS_OF_TYPES):
        cursor.accept(":")
        kind = cursor.until(*_ENDINGS_OF_TYPES)
    comment = ""
    while not cursor.done:
        if cursor.accept("COMMENT"):
            comment = cursor.string()
            continue
        ending = next((words for words in _ENDINGS_OF_TYPES if cursor.is_next(*words)), ("",))
        words = " ".join(cursor.take().text for _ in ending)
        _ignore(clauses, "columns", f"{name} {words} {cursor.until_any(_ENDINGS_OF_TYPES)}".strip())
    if kind:
        typed.append(f"{identifier(name)} {kind}" + (f" COMMENT {string(comment)}" if comment else ""))
    elif comment:
        _ignore(clauses, "columns", f"{name} COMMENT {string(comment)}")


def table_clauses(cursor: SqlCursor, clauses: TableClauses) -> None:
    """Read the clauses up to `AS` or the end into `clauses`."""
    while not cursor.done and not cursor.is_next("AS"):
        if cursor.accept("PARTITIONED", "BY"):
            clauses.partition_cols = column_list(cursor.group())
        elif cursor.accept("CLUSTER", "BY"):
            _cluster_by(cursor, clauses)
        elif cursor.accept("COMMENT"):
            clauses.comment = cursor.string()
        elif cursor.accept("TBLPROPERTIES"):
            clauses.table_properties.update(_properties(cursor))
        elif not _without_effect(cursor, clauses):
            cursor.fail(f"{cursor.peek().text} is not a clause of pipeline SQL", f"possible are {_ALLOWED_CLAUSES}")


def _cluster_by(cursor: SqlCursor, clauses: TableClauses) -> None:
    if cursor.accept("AUTO"):
        clauses.ignored["cluster_by_auto"] = True
    elif not cursor.accept("NONE"):
        clauses.cluster_by = column_list(cursor.group())


def _without_effect(cursor: SqlCursor, clauses: TableClauses) -> bool:
    for words, name in (
        (("SCHEDULE",), "schedule"),
        (("TRIGGER",), "trigger"),
        (("LOCATION",), "path"),
        (("USING", "DELTA"), "format"),
        (("DEFAULT", "COLLATION"), "default_collation"),
        (("WITH", "ROW", "FILTER"), "row_filter"),
        (("ROW", "FILTER"), "row_filter"),
        (("REFRESH", "POLICY"), "refresh_policy"),
    ):
        if cursor.accept(*words):
            # SCHEDULE REFRESH and the like begin with what could also end them.
            first = cursor.take().text if name != "format" and not cursor.done else "DELTA"
            clauses.ignored[name] = f"{first} {cursor.until_any(_ENDINGS_OF_CLAUSES)}".strip()
            return True
    return False


def _properties(cursor: SqlCursor) -> dict[str, str]:
    properties = {}
    for item in split_at_commas(cursor.group()):
        inner = SqlCursor(item, cursor.file)
        key = inner.string() if inner.peek().kind is TokenKind.STRING else inner.name()
        inner.accept("=")
        if inner.done:
            inner.fail(f"the property {key} has no value")
        properties[key] = inner.string() if inner.peek().kind is TokenKind.STRING else inner.rest().lower()
    return properties


def column_list(tokens: list[Token]) -> tuple[str, ...]:
    """The plain names in a list of columns."""
    return tuple(name_parts(join(item))[-1] for item in split_at_commas(tokens))


def auto_cdc_clauses(cursor: SqlCursor) -> AutoCdcClauses:
    """Read `KEYS (...) ... SEQUENCE BY ...` up to the end of the statement."""
    clauses = AutoCdcClauses()
    while not cursor.done:
        if cursor.accept("KEYS"):
            clauses.keys = column_list(cursor.group())
        elif cursor.accept("WHERE"):
            clauses.where = cursor.until(*_AUTO_CDC_ENDINGS)
        elif cursor.accept("IGNORE", "NULL", "UPDATES"):
            clauses.ignore_null_updates = True
        elif cursor.accept("APPLY", "AS", "DELETE", "WHEN"):
            clauses.apply_as_deletes = cursor.until(*_AUTO_CDC_ENDINGS)
        elif cursor.accept("APPLY", "AS", "TRUNCATE", "WHEN"):
            clauses.apply_as_truncates = cursor.until(*_AUTO_CDC_ENDINGS)
        elif cursor.accept("SEQUENCE", "BY"):
            clauses.sequence_by = cursor.until(*_AUTO_CDC_ENDINGS)
        elif cursor.accept("COLUMNS"):
            clauses.column_list, clauses.except_column_list = _chosen(cursor)
        elif cursor.accept("STORED", "AS", "SCD", "TYPE"):
            clauses.stored_as_scd_type = _scd_type(cursor)
        elif cursor.accept("TRACK", "HISTORY", "ON"):
            clauses.track_history_column_list, clauses.track_history_except_column_list = _chosen(cursor)
        else:
            cursor.fail(
                f"{cursor.peek().text} is not a clause of AUTO CDC",
                "possible are KEYS, WHERE, IGNORE NULL UPDATES, APPLY AS DELETE WHEN, APPLY AS TRUNCATE WHEN, "
                "SEQUENCE BY, COLUMNS, STORED AS SCD TYPE, TRACK HISTORY ON",
            )
    if not clauses.keys or not clauses.sequence_by:
        cursor.fail("AUTO CDC needs KEYS (...) and SEQUENCE BY")
    return clauses


def _chosen(cursor: SqlCursor) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that are chosen, and those that are excluded."""
    if cursor.accept("*"):
        cursor.expect("EXCEPT")
        return (), column_list(cursor.group())
    if cursor.is_next("("):
        return column_list(cursor.group()), ()
    names = [name_parts(cursor.name())[-1]]
    while cursor.accept(","):
        names.append(name_parts(cursor.name())[-1])
    return tuple(names), ()


def _scd_type(cursor: SqlCursor) -> ScdType:
    if cursor.peek().text not in {"1", "2"}:
        cursor.fail("SCD TYPE is 1 or 2")
    return ScdType(cursor.take().text)


def _ignore(clauses: TableClauses, name: str, text: str) -> None:
    before = clauses.ignored.get(name, ())
    assert isinstance(before, tuple)
    clauses.ignored[name] = (*before, text)
