"""SQL that the contract's author wrote: placeholders, and whether it may run at all."""

from __future__ import annotations

import re

from lakepact.rules.literals import Inexpressible

__all__ = ["author_predicate", "author_query"]

_OBJECT_WORDS = "object|table|model|schema"
_PROPERTY_WORDS = "property|column|field"
_PLACEHOLDER = re.compile(rf"\$?\{{\s*(?:(?P<object>{_OBJECT_WORDS})|(?P<property>{_PROPERTY_WORDS}))\s*\}}")
_VARIABLE = re.compile(r"\$\{[^}]*\}?")
_LEXEME = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))|(?P<string>[rR]?'(?:\\.|''|[^'\\])*'|[rR]?\"(?:\\.|\"\"|[^\"\\])*\")"
    r"|(?P<quoted>`(?:``|[^`])*`)|(?P<word>[^\W\d]\w*)|(?P<mark>[();'\"`])|(?P<rest>[^\w\s]|\d\w*)",
    re.DOTALL,
)
_WRITES = {"INSERT", "UPDATE", "DELETE", "MERGE"}
_UNSAFE_FUNCTIONS = {"REFLECT", "TRY_REFLECT", "JAVA_METHOD"}


def author_query(text: str, object_name: str, column: str) -> str:
    """A read-only query with `{object:NAME}` for the object and the SQL `column` for the property, without comments.

    Raises Inexpressible for a query that is not one SELECT, or that still holds a variable.
    """
    found = _without_comments(text).strip()
    while found.endswith(";"):
        found = found[:-1].rstrip()
    words = _checked(found)
    first = next((word.upper() for kind, word in words if kind == "word"), "")
    if first not in ("SELECT", "WITH"):
        raise Inexpressible(f"only a SELECT is run, the query begins with {first or 'nothing'}")
    depth = 0
    for kind, word in words:
        depth += {"(": 1, ")": -1}.get(word, 0) if kind == "mark" else 0
        if kind == "word" and first == "WITH" and depth == 0 and word.upper() in _WRITES:
            raise Inexpressible(f"only a SELECT is run, the query holds {word.upper()}")
    return _substituted(found, "{object:" + object_name + "}", column)


def author_predicate(text: str, column: str) -> str:
    """A predicate on one row, made two-valued; Inexpressible where it is no expression on its own row."""
    found = _without_comments(text).strip()
    words = _checked(found)
    if not words:
        raise Inexpressible("the expression is empty")
    for kind, word in words:
        if kind == "word" and word.upper() in ("SELECT", "OVER", "WITH"):
            raise Inexpressible(f"the expression holds {word.upper()}, a row rule speaks of its own row")
    return f"coalesce(({_substituted(found, '', column)}), FALSE)"


def _without_comments(text: str) -> str:
    return _LEXEME.sub(lambda match: " " if match.lastgroup == "comment" else match[0], text)


def _checked(text: str) -> list[tuple[str, str]]:
    """The lexemes of one statement, placeholders apart, without what may not run."""
    words = [(match.lastgroup or "", match[0]) for match in _LEXEME.finditer(_PLACEHOLDER.sub(" _ ", text))]
    _check_parentheses(words)
    for kind, word in words:
        if kind == "word" and word.upper() in _UNSAFE_FUNCTIONS:
            raise Inexpressible(f"the text calls {word.lower()}, which runs code")
    return words


def _substituted(text: str, shown_object: str, column: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        if match["object"]:
            if not shown_object:
                raise Inexpressible(f"{match[0]} has no meaning in an expression on one row")
            return shown_object
        if not column:
            raise Inexpressible(f"{match[0]} stands in a rule of an object, which has no property")
        return column

    # What is put in may itself hold '${': look for variables in what the author wrote.
    left = _VARIABLE.search(_PLACEHOLDER.sub("", text))
    if left:
        raise Inexpressible(f"the variable {left[0]} is not resolved")
    return _PLACEHOLDER.sub(replaced, text)


def _check_parentheses(words: list[tuple[str, str]]) -> None:
    depth = 0
    for kind, word in words:
        if kind != "mark":
            continue
        if word == ";":
            raise Inexpressible("only one statement is run, the text holds ';'")
        if word in "'\"`":
            raise Inexpressible("a quote is not closed")
        depth += 1 if word == "(" else -1
        if depth < 0:
            break
    if depth:
        raise Inexpressible("the parentheses do not match")
