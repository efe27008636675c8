"""Datasets and expectations of pipeline SQL: `CREATE ... (columns, CONSTRAINT x EXPECT (...) ON VIOLATION ...) AS`."""

from __future__ import annotations

from collections.abc import Sequence

from lakepact.contract.model import Place
from lakepact.convert.building import Losses
from lakepact.convert.column_types import DeclaredColumn, TypeReading, read_columns
from lakepact.convert.lakeflow_model import Dataset, ForeignKey
from lakepact.convert.reading import not_readable
from lakepact.convert.row_demands import RowDemand
from lakepact.sql_text import (
    Token,
    TokenKind,
    join,
    name_parts,
    significant,
    split_at_commas,
    statements,
    string_value,
    tokenize,
)

__all__ = ["column_items", "sql_datasets"]

_KINDS = (
    (("MATERIALIZED", "VIEW"), "materialized view"),
    (("STREAMING", "LIVE", "TABLE"), "table"),
    (("INCREMENTAL", "LIVE", "TABLE"), "table"),
    (("STREAMING", "TABLE"), "table"),
    (("STREAMING", "LIVE", "VIEW"), "view"),
    (("LIVE", "TABLE"), "table"),
    (("LIVE", "VIEW"), "view"),
    (("TABLE",), "table"),
    (("VIEW",), "view"),
)
_TEXT_CLAUSES = ("SCHEDULE", "TRIGGER", "LOCATION")


def sql_datasets(text: str, file: str, losses: Losses) -> list[Dataset]:
    """The datasets that the statements of `text` define. Raises ConfigurationError (LP820) for text without an end."""
    found = []
    for statement in statements(tokenize(text)):
        broken = next((token for token in statement if token.kind is TokenKind.UNTERMINATED), None)
        if broken is not None:
            place = Place("", broken.line, broken.column)
            raise not_readable("what begins here is never closed", file=file, what="pipeline SQL", place=place)
        cursor = _Cursor(statement)
        if cursor.accept("CREATE") and not cursor.accept("FLOW"):
            dataset = _dataset(cursor, losses)
            if dataset is not None:
                found.append(dataset)
    return found


class _Cursor:
    """A place in the tokens of a statement."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = list(tokens)
        blank = {id(token) for token in tokens} - {id(token) for token in significant(tokens)}
        self._places = [index for index, token in enumerate(tokens) if id(token) not in blank]
        self._at = 0

    def peek(self, ahead: int = 0) -> Token:
        at = self._at + ahead
        return self._tokens[self._places[at]] if at < len(self._places) else Token(TokenKind.SPACE, "", 0, 0)

    @property
    def done(self) -> bool:
        return self._at >= len(self._places)

    def accept(self, *words: str) -> bool:
        found = all(self.peek(n).is_word(word) or self.peek(n).text == word for n, word in enumerate(words))
        self._at += len(words) if found else 0
        return found

    def take(self) -> Token:
        token = self.peek()
        self._at += 1
        return token

    def name(self) -> str:
        parts = [self.take().text]
        while self.accept("."):
            parts.append(self.take().text)
        return ".".join(parts)

    def strings(self) -> str:
        taken = []
        while self.peek().kind is TokenKind.STRING:
            taken.append(self.take())
        return string_value(taken)

    def group(self) -> list[Token]:
        """The tokens between a pair of parentheses, which comes next; [] where none does."""
        if not self.accept("("):
            return []
        start, depth = self._at, 1
        while depth and not self.done:
            text = self.take().text
            depth += (text == "(") - (text == ")")
        end = self._at - (0 if depth else 1)
        return self._tokens[self._places[start - 1] + 1 : self._places[end] if end < len(self._places) else None]


def _dataset(cursor: _Cursor, losses: Losses) -> Dataset | None:
    start = cursor.peek()
    if not cursor.accept("OR", "REFRESH"):
        cursor.accept("OR", "REPLACE")
    private = cursor.accept("PRIVATE")
    temporary = cursor.accept("TEMPORARY") or cursor.accept("TEMP")
    kind = next((kind for words, kind in _KINDS if cursor.accept(*words)), None)
    if kind is None:
        return None
    cursor.accept("IF", "NOT", "EXISTS")
    place = Place("", start.line, start.column)
    name = cursor.name()
    dataset = Dataset(name=name.removeprefix("LIVE.").removeprefix("live."), kind=kind, place=place)
    if private or temporary:
        dataset.properties["lakeflow.private"] = True
    column_items(split_at_commas(cursor.group()), dataset, losses)
    _clauses(cursor, dataset, losses)
    return dataset if kind != "view" or dataset.demands else None


def column_items(items: Sequence[Sequence[Token]], dataset: Dataset, losses: Losses) -> None:
    """Read a list of columns and constraints into `dataset`."""
    columns: list[DeclaredColumn] = []
    for item in items:
        cursor = _Cursor(item)
        named = cursor.peek().is_word("CONSTRAINT")
        name = name_parts(cursor.peek(1).text)[-1:] if named else ()
        if named:
            cursor.take()
            cursor.take()
        if named and cursor.accept("EXPECT"):
            dataset.demands.append(_expectation(cursor, name[0] if name else "", item, losses))
        elif cursor.accept("PRIMARY", "KEY"):
            dataset.primary_key = _names(cursor.group())
        elif cursor.accept("FOREIGN", "KEY"):
            dataset.foreign_keys.append(_foreign_key(cursor))
        elif named:
            losses.lost(f"{dataset.name}: {join(item)}", Place("", item[0].line, item[0].column))
        else:
            columns.append(_column(item))
    dataset.columns = tuple(columns)


def _column(item: Sequence[Token]) -> DeclaredColumn:
    words = significant(item)
    if len(words) > 1 and not words[1].is_word("COMMENT", "NOT", "MASK"):
        return read_columns(join(item))[0]
    # A column of a view or of a query has no type here.
    column = read_columns(f"{words[0].text} STRING {join(item[item.index(words[0]) + 1 :])}")[0]
    return DeclaredColumn(
        name=column.name, type=TypeReading({}), required=column.required, comment=column.comment, mask=column.mask
    )


def _expectation(cursor: _Cursor, name: str, item: Sequence[Token], losses: Losses) -> RowDemand:
    place = Place("", item[0].line, item[0].column)
    predicate = join(cursor.group()).strip()
    action = "warn"
    if cursor.accept("ON", "VIOLATION"):
        if cursor.accept("DROP", "ROW"):
            action = "drop"
        elif cursor.accept("FAIL", "UPDATE"):
            action = "fail"
    if not cursor.done:
        losses.lost(f"expectation {name}: {cursor.peek().text} is not understood", place)
    return RowDemand(name=name, predicate=predicate, action=action, place=place)


def _foreign_key(cursor: _Cursor) -> ForeignKey:
    columns = _names(cursor.group())
    cursor.accept("REFERENCES")
    return ForeignKey(columns, name_parts(cursor.name()), _names(cursor.group()))


def _names(tokens: Sequence[Token]) -> tuple[str, ...]:
    found: list[str] = []
    for item in split_at_commas(tokens):
        parts = name_parts(item[0].text)
        found += parts[-1:]
    return tuple(found)


def _clauses(cursor: _Cursor, dataset: Dataset, losses: Losses) -> None:
    """What stands between the columns and the query."""
    while not cursor.done and not cursor.accept("AS"):
        token = cursor.peek()
        if cursor.accept("COMMENT"):
            dataset.comment = cursor.strings()
        elif cursor.accept("PARTITIONED", "BY"):
            dataset.partitions = _names(cursor.group())
        elif cursor.accept("CLUSTER", "BY"):
            if not cursor.accept("AUTO") and not cursor.accept("NONE"):
                dataset.clusters = _names(cursor.group())
        elif cursor.accept("TBLPROPERTIES"):
            dataset.properties |= _properties(cursor.group())
        elif cursor.accept("ROW", "FILTER") or cursor.accept("WITH", "ROW", "FILTER"):
            function = cursor.name()
            cursor.accept("ON")
            dataset.properties["lakepact.rowFilter"] = {"function": function, "columns": list(_names(cursor.group()))}
        elif cursor.accept("USING") or cursor.accept("DEFAULT", "COLLATION"):
            cursor.take()
        else:
            cursor.take()
            if token.is_word(*_TEXT_CLAUSES):
                place = Place("", token.line, token.column)
                losses.lost(f"{dataset.name}: {token.text.upper()} is no matter of a contract", place)


def _properties(tokens: Sequence[Token]) -> dict[str, object]:
    found: dict[str, object] = {}
    for item in split_at_commas(tokens):
        cursor = _Cursor(item)
        key = cursor.strings() if cursor.peek().kind is TokenKind.STRING else cursor.name()
        cursor.accept("=")
        if cursor.peek().kind is TokenKind.STRING:
            found[key] = cursor.strings()
        else:
            found[key] = cursor.take().text
    return found
