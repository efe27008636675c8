"""Writes a contract that has no text of its own yet: plain data to YAML, in the order of the standard."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lakepact.contract.grammar_shapes import Grammar, Section, Shape, grammar_of
from lakepact.contract.model import ApiVersion
from lakepact.contract.problems import Code
from lakepact.contract.yaml_nodes import MAX_DEPTH, child_path, plain_value
from lakepact.errors import ContractInvalid, Problem, Severity

__all__ = ["key_text", "scalar_text", "write_document"]

_VERSIONS = {version.value: version for version in ApiVersion}
# Words that some reader of YAML 1.1 or 1.2 takes for a boolean or for nothing, in any case.
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"))
_PLAIN_START = frozenset("_/$(")
_NOT_PLAIN = re.compile(r":(?=\s|\Z)|\s#|[\s:]\Z|[\t\r\n]")
# No YAML text may hold these as they are, or they break lines in YAML 1.1, or they hide or reverse what is shown.
_ESCAPED = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
_NEEDS_ESCAPE = re.compile(f"[{_ESCAPED}\t\r\n]")
_NOT_LITERAL = re.compile(f"[{_ESCAPED}\r]")
_ESCAPE = re.compile(f'[{_ESCAPED}\t\r\n"\\\\]')
_NAMED = {"\t": "\\t", "\r": "\\r", "\n": "\\n", '"': '\\"', "\\": "\\\\"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANK_LINE = re.compile(r"^[ \t]+$", re.MULTILINE)
# Readers refuse a longer key that is not marked with `?`.
_LONGEST_KEY = 1000
_MOST_BITS = 10_000
_OPTIONS_OF = {"time": "timestamp"}
_QUALITY = ("quality", "quality.library", "quality.sql", "quality.custom", "quality.operators")


def write_document(document: Mapping[str, Any]) -> bytes:
    """The document as YAML: keys in the order of the standard, text in quotes where a reader could mistake it.

    Keys that the standard does not know follow those that it does, in the order given. Raises ContractInvalid (LP182)
    with every value that JSON cannot hold.

    >>> print(write_document({"id": "orders", "version": "1.0", "tags": ["no", "so"]}).decode(), end="")
    version: "1.0"
    id: orders
    tags:
      - "no"
      - so
    """
    declared = document.get("apiVersion")
    version = _VERSIONS.get(declared, ApiVersion.V3_2_0) if isinstance(declared, str) else ApiVersion.V3_2_0
    writer = _Writer(grammar_of(version))
    inline, lines = writer.value(document, Shape("contract"), "", 1)
    if writer.problems:
        message = "the document cannot be written"
        raise ContractInvalid(message=message, code=Code.UNWRITABLE, problems=writer.problems)
    return "".join(f"{line}\n" for line in ([inline] if inline else lines)).encode()


def scalar_text(value: str | int | float | bool | None) -> str:
    r"""A single value on one line, as every reader of YAML takes it back.

    Raises ValueError for a number or a text that no reader could take back (NaN, half of a surrogate pair).

    >>> [scalar_text(value) for value in ("so", "no", "1.0", "2020-01-31", r"^\d$", 1e20, None)]
    ['so', '"no"', '"1.0"', '"2020-01-31"', "'^\\d$'", '1.0e+20', 'null']
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value) if isinstance(value, str) else _number(value)


def key_text(key: str) -> str:
    """The key of a mapping with its colon; a key that is too long for one stands behind `?`, with the colon below.

    >>> key_text("name"), key_text("on")
    ('name:', '"on":')
    """
    text = _text(key)
    return f"{text}:" if len(text) <= _LONGEST_KEY else f"? {text}\n:"


def _text(text: str) -> str:
    if _SURROGATE.search(text):
        raise ValueError("half of a surrogate pair is no text")
    if _is_plain(text):
        return text
    if ("\\" in text or '"' in text) and not _NEEDS_ESCAPE.search(text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + _ESCAPE.sub(_escape, text) + '"'


def _is_plain(text: str) -> bool:
    return (
        bool(text)
        and (text[0].isalpha() or text[0] in _PLAIN_START)
        and text.casefold() not in _WORDS
        and not _NOT_PLAIN.search(text)
        and not _NEEDS_ESCAPE.search(text)
    )


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    return _NAMED.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _number(value: int | float) -> str:
    if isinstance(value, int):
        text = str(int(value)) if value.bit_length() < _MOST_BITS else ""
        if not text or plain_value(text) is NotImplemented:
            raise ValueError("the number has too many digits")
        return text
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    text = repr(float(value))
    # YAML 1.1 takes a number with an exponent for text where it has no point.
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _literal(text: str) -> tuple[str, list[str]] | None:
    """The text as a block that is indented below `|`; None where that would not be read back as it is."""
    content = text.strip("\n")
    if "\n" not in text or not content or content[0] in " \t":
        return None
    if _NOT_LITERAL.search(text) or _SURROGATE.search(text) or _BLANK_LINE.search(text):
        return None
    if not text.endswith("\n"):
        return "|-", text.split("\n")
    lines = text[:-1].split("\n")
    return ("|+" if lines[-1] == "" else "|"), lines


class _Writer:
    """Turns data into lines; `problems` are the values that have no form."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.problems: list[Problem] = []

    def value(self, value: Any, shape: Shape, path: str, depth: int) -> tuple[str, list[str]]:
        """What stands on the line of the key or dash, and the lines below it, not yet indented."""
        if depth > MAX_DEPTH and isinstance(value, Mapping | list | tuple):
            return self._refuse(path, f"the document is nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, Mapping):
            return ("", list(self._mapping(value, shape, path, depth))) if value else ("{}", [])
        if isinstance(value, list | tuple):
            return ("", list(self._list(value, shape, path, depth))) if value else ("[]", [])
        if value is not None and not isinstance(value, str | int | float):
            return self._refuse(path, f"a value of type {type(value).__name__} has no form in JSON")
        literal = _literal(value) if isinstance(value, str) else None
        if literal is not None:
            return literal
        try:
            return scalar_text(value), []
        except ValueError as error:
            return self._refuse(path, str(error))

    def _mapping(self, data: Mapping[Any, Any], shape: Shape, path: str, depth: int) -> Iterator[str]:
        section = self._section(data, shape)
        for key in _ordered(data, section):
            if not isinstance(key, str) or _SURROGATE.search(key):
                self._refuse(path, f"the key {key!r} is no text")
                continue
            row = section.rows.get(key) if section else None
            inner = self._options(data) if key == "logicalTypeOptions" else row.shape if row else _ANY
            inline, lines = self.value(data[key], inner, child_path(path, key), depth + 1)
            head = key_text(key)
            yield from f"{head} {inline}".split("\n") if inline else head.split("\n")
            yield from _indented(lines)

    def _list(self, data: list[Any] | tuple[Any, ...], shape: Shape, path: str, depth: int) -> Iterator[str]:
        entry_shape = _list_shape(shape)
        for index, entry in enumerate(data):
            inline, lines = self.value(entry, entry_shape, f"{path}[{index}]", depth + 1)
            yield f"- {inline or lines[0]}"
            yield from _indented(lines if inline else lines[1:])

    def _section(self, data: Mapping[Any, Any], shape: Shape) -> Section | None:
        """The section of the standard that the mapping is."""
        sections = self.grammar.sections
        kinds = [option.kind for option in shape.options] if shape.kind == "union" else [shape.kind]
        kind = next((kind for kind in kinds if kind in (*sections, "property")), "")
        if kind == "quality":
            first, *others = (sections[name] for name in _QUALITY)
            return first.extended(*others)
        if kind == "server":
            declared = data.get("type")
            return self.grammar.servers.get(declared if isinstance(declared, str) else "", sections[kind])
        return sections.get("item" if kind == "property" else kind)

    def _options(self, data: Mapping[Any, Any]) -> Shape:
        kind = str(data.get("logicalType", ""))
        return Shape(f"options.{_OPTIONS_OF.get(kind, kind)}")

    def _refuse(self, path: str, message: str) -> tuple[str, list[str]]:
        self.problems.append(
            Problem(code=Code.UNWRITABLE, severity=Severity.ERROR, message=f"`{path}`: {message}", path=path)
        )
        return "null", []


_ANY = Shape("any")


def _list_shape(shape: Shape) -> Shape:
    options = shape.options if shape.kind == "union" else (shape,)
    return next((option.of for option in options if option.of is not None), _ANY)


def _ordered(data: Mapping[Any, Any], section: Section | None) -> list[Any]:
    known = [key for key in section.rows if key in data] if section else []
    return [*known, *(key for key in data if key not in section.rows)] if section else list(data)


def _indented(lines: list[str]) -> Iterator[str]:
    return (f"  {line}" if line else "" for line in lines)
