"""Reads the tokens of one SQL statement from left to right, with errors at the place of the token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from lakepact.errors import ConfigurationError
from lakepact.sql_text import Token, TokenKind, join, string_value

__all__ = ["SqlCursor", "sql_error"]

_BLANK = {TokenKind.SPACE, TokenKind.COMMENT}


def sql_error(file: str, token: Token, message: str, hint: str = "", *, code: str = "LP545") -> ConfigurationError:
    """An error at a token of a SQL source."""
    place = f"{file}:{token.line}:{token.column}"
    facts = {"file": file, "line": token.line, "column": token.column}
    return ConfigurationError(f"{place}: {message}", code, hint, facts)


class SqlCursor:
    """A place in a list of tokens; spaces and comments are stepped over, and kept in the text that is taken."""

    def __init__(self, tokens: Sequence[Token], file: str) -> None:
        """`tokens` is one statement, with its spaces and comments."""
        self.file = file
        self._tokens = list(tokens)
        self._places = [index for index, token in enumerate(tokens) if token.kind not in _BLANK]
        self._at = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._places)

    def peek(self, ahead: int = 0) -> Token:
        """The token `ahead` places on; an empty one past the end."""
        if self._at + ahead < len(self._places):
            return self._tokens[self._places[self._at + ahead]]
        last = self._tokens[-1]
        return Token(TokenKind.SPACE, "", last.line, last.column + len(last.text))

    def fail(self, message: str, hint: str = "", *, code: str = "LP545") -> NoReturn:
        """Raise at this place."""
        raise sql_error(self.file, self.peek(), message, hint, code=code)

    def is_next(self, *words: str) -> bool:
        """Whether the next tokens are these keywords or symbols."""
        tokens = (self.peek(ahead) for ahead in range(len(words)))
        return all(token.is_word(word) or token.text == word for token, word in zip(tokens, words, strict=True))

    def accept(self, *words: str) -> bool:
        """Step over these keywords or symbols if they come next, all of them."""
        found = self.is_next(*words)
        self._at += len(words) if found else 0
        return found

    def expect(self, *words: str) -> None:
        """Step over these keywords or symbols; LP545 if something else comes next."""
        if not self.accept(*words):
            found = f"not {self.peek().text}" if not self.done else "but the statement ends"
            self.fail(f"{' '.join(words)} must come here, {found}")

    def take(self) -> Token:
        """The next token."""
        token = self.peek()
        self._at += 1
        return token

    def name(self) -> str:
        """A name of one or more parts, as written."""
        parts = [self._part()]
        while self.accept("."):
            parts.append(self._part())
        return ".".join(parts)

    def _part(self) -> str:
        if self.peek().kind not in {TokenKind.WORD, TokenKind.QUOTED}:
            self.fail("a name must come here")
        return self.take().text

    def string(self) -> str:
        """The value of a string literal."""
        if self.peek().kind is not TokenKind.STRING:
            self.fail("a string in quotes must come here")
        tokens = []
        while self.peek().kind is TokenKind.STRING:
            tokens.append(self.take())
        return string_value(tokens)

    def group(self) -> list[Token]:
        """The tokens between a pair of parentheses."""
        opening = self.peek()
        self.expect("(")
        start, depth = self._at, 1
        while depth:
            if self.done:
                raise sql_error(self.file, opening, "this parenthesis is never closed")
            text = self.take().text
            depth += (text == "(") - (text == ")")
        return self._tokens[self._places[start - 1] + 1 : self._places[self._at - 1]]

    def until(self, *endings: tuple[str, ...]) -> str:
        """The text up to one of the `endings` (keywords outside of parentheses) or the end; LP545 if it is empty."""
        return self.until_any(endings) or self.fail("something is missing here")

    def until_any(self, endings: Sequence[tuple[str, ...]]) -> str:
        """As `until`, and '' where one of the endings comes next."""
        start, depth = self._at, 0
        while not self.done and (depth or not any(self.is_next(*ending) for ending in endings)):
            text = self.take().text
            depth += (text == "(") - (text == ")")
        if start == self._at:
            return ""
        return join(self._tokens[self._places[start] : self._places[self._at - 1] + 1])

    def rest(self) -> str:
        """The text of everything that is left."""
        return self.until()
