"""`read_files(...)` in pipeline SQL: each call becomes a temporary view that reads with options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakepact.local.auto_loader import read_files
from lakepact.local.definitions import SourcePlace
from lakepact.local.sql_cursor import SqlCursor, sql_error
from lakepact.sql_text import Token, TokenKind, name_parts, split_at_commas

__all__ = ["FileFunction", "rewrite"]

_BLANK = {TokenKind.SPACE, TokenKind.COMMENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFunction:
    """A call of `read_files` and the view that stands for it."""

    view: str
    path: str
    options: Mapping[str, str]
    streaming: bool
    place: SourcePlace

    def read(self, spark: Any) -> Any:
        """The rows as a data frame."""
        return read_files(spark, self.path, self.options, streaming=self.streaming, place=self.place)


def rewrite(tokens: list[Token], file: str, *, first: int) -> tuple[list[Token], list[FileFunction]]:
    """The statement with names of views in place of `read_files(...)`, and what the views read.

    `first` is the number in the name of the first view. Raises LP545 for arguments that are not literals.
    """
    kept: list[Token] = []
    functions: list[FileFunction] = []
    index = 0
    while index < len(tokens):
        opening = _next(tokens, index + 1)
        is_call = opening < len(tokens) and tokens[opening].text == "("
        if is_call and tokens[index].is_word("CLOUD_FILES"):
            hint = "write STREAM read_files('path', format => '...')"
            raise sql_error(file, tokens[index], "cloud_files is not supported on this machine", hint, code="LP546")
        if not (is_call and tokens[index].is_word("READ_FILES")):
            kept.append(tokens[index])
            index += 1
            continue
        end = _closing(tokens, opening, file)
        call = tokens[opening : end + 1]
        view = f"_lakepact_read_files_{first + len(functions)}"
        place = SourcePlace(file, tokens[index].line)
        functions.append(_function(SqlCursor(call, file), view, place, streaming=_is_stream(kept)))
        kept.append(Token(TokenKind.WORD, view, tokens[index].line, tokens[index].column))
        index = end + 1
    return kept, functions


def _next(tokens: list[Token], index: int) -> int:
    while index < len(tokens) and tokens[index].kind in _BLANK:
        index += 1
    return index


def _closing(tokens: list[Token], opening: int, file: str) -> int:
    depth = 0
    for index in range(opening, len(tokens)):
        depth += (tokens[index].text == "(") - (tokens[index].text == ")")
        if not depth:
            return index
    raise sql_error(file, tokens[opening], "this parenthesis is never closed")


def _is_stream(before: list[Token]) -> bool:
    """Whether `STREAM` or `STREAM(` stands before."""
    texts = [token for token in before if token.kind not in _BLANK]
    if texts and texts[-1].text == "(":
        texts.pop()
    return bool(texts) and texts[-1].is_word("STREAM")


def _function(cursor: SqlCursor, view: str, place: SourcePlace, *, streaming: bool) -> FileFunction:
    options: dict[str, str] = {}
    for position, item in enumerate(split_at_commas(cursor.group())):
        inner = SqlCursor(item, cursor.file)
        name = "path"
        if inner.peek(1).text == "=>":
            name = name_parts(inner.name())[0]
            inner.expect("=>")
        elif position:
            inner.fail("options of read_files are written name => value")
        options[name] = _literal(inner)
    path = next((options.pop(name) for name in list(options) if name.lower() == "path"), "")
    if not path:
        cursor.fail("read_files needs a path")
    return FileFunction(view=view, path=path, options=options, streaming=streaming, place=place)


def _literal(cursor: SqlCursor) -> str:
    if cursor.peek().kind is TokenKind.STRING:
        value = cursor.string()
    else:
        sign = "-" if cursor.accept("-") else ""
        token = cursor.peek()
        if token.kind is not TokenKind.NUMBER and not token.is_word("TRUE", "FALSE"):
            cursor.fail("the value of an option of read_files must be a string, a number, true or false")
        value = sign + cursor.take().text.lower()
    if not cursor.done:
        cursor.fail("the value of an option of read_files must be a single literal")
    return value
