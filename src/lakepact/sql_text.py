"""Tokens of Spark SQL text, and the statements, names and literals that they make up.

The tokenizer never fails and loses nothing: the texts of the tokens joined are the text that was read. What is not
terminated (a string, a quoted name, a comment) becomes one UNTERMINATED token up to the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Token",
    "TokenKind",
    "join",
    "name_parts",
    "significant",
    "split_at_commas",
    "statements",
    "string_value",
    "tokenize",
]


class TokenKind(StrEnum):
    """What a token is."""

    SPACE = "space"
    COMMENT = "comment"
    WORD = "word"
    QUOTED = "quoted name"
    STRING = "string"
    NUMBER = "number"
    SYMBOL = "symbol"
    UNTERMINATED = "unterminated"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL text; `line` and `column` count from 1."""

    kind: TokenKind
    text: str
    line: int
    column: int

    def is_word(self, *words: str) -> bool:
        """Whether this is one of the keywords, in any case.

        >>> Token(TokenKind.WORD, "Select", 1, 1).is_word("SELECT")
        True
        """
        return self.kind is TokenKind.WORD and self.text.upper() in words


_PATTERNS = (
    (TokenKind.SPACE, r"\s+"),
    (TokenKind.COMMENT, r"--(?:\\\r?\n|[^\r\n])*"),
    (TokenKind.STRING, r"[rR](?:'[^']*'|\"[^\"]*\")"),
    (TokenKind.STRING, r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""),
    (TokenKind.QUOTED, r"`(?:[^`]|``)*`"),
    (TokenKind.NUMBER, r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:BD|[LSYDF])?(?!\w)"),
    (TokenKind.WORD, r"\w+"),
    (TokenKind.UNTERMINATED, r"['\"`][\s\S]*"),
    (TokenKind.SYMBOL, r"=>|<=>|[\s\S]"),
)
_TOKEN = re.compile("|".join(f"(?P<p{number}>{pattern})" for number, (_, pattern) in enumerate(_PATTERNS)), re.DOTALL)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_BLANK = {TokenKind.SPACE, TokenKind.COMMENT}
_ESCAPED = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)


def tokenize(text: str, *, line: int = 1, column: int = 1) -> list[Token]:
    """The tokens of `text`, which begins at `line` and `column` of its file.

    >>> [token.text for token in tokenize("SELECT 'a;b' -- c")]
    ['SELECT', ' ', "'a;b'", ' ', '-- c']
    """
    tokens, position = [], 0
    while position < len(text):
        kind, end = _next(text, position)
        piece = text[position:end]
        tokens.append(Token(kind, piece, line, column))
        if "\n" in piece:
            line, column = line + piece.count("\n"), len(piece) - piece.rindex("\n")
        else:
            column += len(piece)
        position = end
    return tokens


def _next(text: str, start: int) -> tuple[TokenKind, int]:
    if text.startswith("/*", start):
        return _bracketed_comment(text, start)
    match = _TOKEN.match(text, start)
    assert match is not None, "the last pattern takes any character"
    assert match.lastgroup is not None
    return _PATTERNS[int(match.lastgroup[1:])][0], match.end()


def _bracketed_comment(text: str, start: int) -> tuple[TokenKind, int]:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return TokenKind.COMMENT, edge.end()
    return TokenKind.UNTERMINATED, len(text)


def significant(tokens: Iterable[Token]) -> list[Token]:
    """The tokens without spaces and comments."""
    return [token for token in tokens if token.kind not in _BLANK]


def join(tokens: Iterable[Token]) -> str:
    """The text of the tokens."""
    return "".join(token.text for token in tokens)


def statements(tokens: Iterable[Token]) -> list[list[Token]]:
    """The statements between semicolons, each with its comments and without blank edges; empty ones are left out.

    >>> [join(statement) for statement in statements(tokenize("SELECT ';';; SELECT 2 -- x;"))]
    ["SELECT ';'", 'SELECT 2']
    """
    found: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind is TokenKind.SYMBOL and token.text == ";":
            found.append([])
        else:
            found[-1].append(token)
    return [stripped for statement in found if (stripped := _strip(statement))]


def _strip(tokens: Sequence[Token]) -> list[Token]:
    places = [index for index, token in enumerate(tokens) if token.kind not in _BLANK]
    return list(tokens[places[0] : places[-1] + 1]) if places else []


def split_at_commas(tokens: Iterable[Token]) -> list[list[Token]]:
    """The items of a list: split at commas outside of parentheses, brackets and `STRUCT<...>`.

    >>> [join(item) for item in split_at_commas(tokenize("a STRUCT<x: INT, y: INT>,b DECIMAL(1,2)"))]
    ['a STRUCT<x: INT, y: INT>', 'b DECIMAL(1,2)']
    """
    items: list[list[Token]] = [[]]
    depth = angles = 0
    before: Token | None = None
    for token in tokens:
        symbol = token.text if token.kind is TokenKind.SYMBOL else ""
        if symbol == "," and not depth and not angles:
            items.append([])
            before = token
            continue
        depth += (symbol in {"(", "["}) - (symbol in {")", "]"})
        if symbol == "<" and (angles or (before is not None and before.is_word("STRUCT", "ARRAY", "MAP"))):
            angles += 1
        elif symbol == ">" and angles:
            angles -= 1
        items[-1].append(token)
        before = before if token.kind in _BLANK else token
    return [stripped for item in items if (stripped := _strip(item))]


def name_parts(name: str) -> tuple[str, ...]:
    """The parts of a name as written, unquoted.

    >>> name_parts("main.`my schema`.t"), name_parts("`a``.b`")
    (('main', 'my schema', 't'), ('a`.b',))
    """
    found = re.findall(r"`((?:[^`]|``)*)`|([^.`\s]+)", name)
    return tuple(quoted.replace("``", "`") if quoted else plain for quoted, plain in found)


def string_value(tokens: Sequence[Token]) -> str:
    r"""The value of a string literal, which may be several STRING tokens in a row.

    >>> string_value(tokenize("'it''s'")), string_value(tokenize(r"r'\n'")), string_value(tokenize(r"'\u0024'"))
    ("it's", '\\n', '$')
    """
    value, before = "", None
    for token in tokens:
        if token.kind is not TokenKind.STRING:
            continue
        touching = before is not None and (before.line, before.column + len(before.text)) == (token.line, token.column)
        if touching and before is not None and before.text[-1] == token.text[0]:
            value += token.text[0]
        value += _unquoted(token.text)
        before = token
    return value


def _unquoted(text: str) -> str:
    if text[0] in "rR":
        return text[2:-1]
    return _ESCAPE.sub(_unescaped, text[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    short, long, octal, char = match.groups()
    if short or long:
        return chr(int(short or long, 16))
    return chr(int(octal, 8)) if octal else _ESCAPED.get(char, char)
