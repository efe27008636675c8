"""The parser of YAML: events with places, the escapes of JSON that YAML lacks, and faults as problems."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from lakepact.contract.model import Place
from lakepact.contract.problems import Code
from lakepact.errors import Problem, Severity

__all__ = ["MAX_DEPTH", "UnreadableYaml", "events_of", "problem_at"]

MAX_DEPTH = 100

_STARTS = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_ENDS = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)

_TAB_INDENT = re.compile(r" *\t")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

_HIGH = r"u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = r"u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = r"(?:u|U0000)[dD][89a-fA-F][0-9a-fA-F]{2}"
_HALF_ESCAPE = re.compile(rf"\\{_HALF}")
_ESCAPE = re.compile(rf"\\(?:(?P<pair>{_HIGH}\\{_LOW})|(?P<half>{_HALF})|.)", re.DOTALL)
_HALF_HINT = r"write both halves, as in \ud83d\ude00, or the character itself"


class UnreadableYaml(Exception):
    """Reading cannot go on after this problem."""

    def __init__(self, problem: Problem) -> None:
        """Ends the reading with `problem`."""
        super().__init__(problem.message)
        self.problem = problem


def events_of(text: str, *, pure: bool = False) -> Iterator[Any]:
    """The parser's events, each with its marks in `text`. Raises UnreadableYaml at what is not YAML.

    JSON escapes a character beyond U+FFFF as two halves, which YAML does not know; they are taken as that character.
    `pure` takes the parser in Python also where the one in C is there.
    """
    loader: Any = yaml.SafeLoader if pure else getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from _with_pairs(text, loader) if _HALF_ESCAPE.search(text) else yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        raise UnreadableYaml(_syntax_problem(error, text)) from error
    except yaml.reader.ReaderError as error:
        raise UnreadableYaml(_character_problem(error, text)) from error


def _with_pairs(text: str, loader: Any) -> Iterator[Any]:
    """The events of a text with surrogate pairs: values from one reading, marks from another one."""
    placed_events = yaml.parse(_of_the_same_width(text), Loader=loader)
    for placed, event in zip(placed_events, yaml.parse(_joined(text, loader), Loader=loader), strict=True):
        event.start_mark, event.end_mark = placed.start_mark, placed.end_mark
        yield event


def _of_the_same_width(text: str) -> str:
    """The text with escapes that YAML knows, as long as those of halves, so that every place stays what it is."""
    return _HALF_ESCAPE.sub(lambda found: r"\u0020" if found[0][1] == "u" else r"\U00000020", text)


def _joined(text: str, loader: Any) -> str:
    """The text with one escape in the place of each pair. Raises UnreadableYaml at a half without the other."""
    parts: list[str] = []
    done = 0
    for token in _double_quoted(text, loader):
        for escape in _ESCAPE.finditer(text, token.start_mark.index, token.end_mark.index):
            if escape["half"]:
                message = f"not YAML: the escape `{escape[0]}` is half of a character"
                raise UnreadableYaml(problem_at(Code.SYNTAX, message, _place(text, token, escape), _HALF_HINT))
            if escape["pair"]:
                parts += text[done : escape.start()], _one_escape(escape["pair"])
                done = escape.end()
    return "".join([*parts, text[done:]])


def _place(text: str, token: Any, escape: re.Match[str]) -> Place:
    """Where an escape in a token stands."""
    breaks = list(_BREAK.finditer(text, token.start_mark.index, escape.start()))
    if breaks:
        return Place("", token.start_mark.line + len(breaks) + 1, escape.start() - breaks[-1].end() + 1)
    return Place("", token.start_mark.line + 1, token.start_mark.column + escape.start() - token.start_mark.index + 1)


def _one_escape(pair: str) -> str:
    high, low = int(pair[1:5], 16), int(pair[7:11], 16)
    return f"\\U{0x10000 + (high - 0xD800) * 0x400 + (low - 0xDC00):08x}"


def _double_quoted(text: str, loader: Any) -> Iterator[Any]:
    """The tokens of texts in double quotes, up to where the text stops being YAML; the parser says that fault."""
    depth = 0
    try:
        for token in yaml.scan(_of_the_same_width(text), Loader=loader):
            depth += isinstance(token, _STARTS) - isinstance(token, _ENDS)
            if depth > MAX_DEPTH:
                return  # the scanner's time grows with the square of it, and the reader refuses it
            if isinstance(token, yaml.ScalarToken) and token.style == '"' and text[token.start_mark.index] == '"':
                yield token
    except yaml.YAMLError:
        return


def problem_at(code: Code, message: str, place: Place, hint: str = "") -> Problem:
    """An error at `place`."""
    return Problem(
        code=code,
        severity=Severity.ERROR,
        message=message,
        line=place.line,
        column=place.column,
        path=place.path,
        hint=hint,
    )


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place("", mark.line + 1, mark.column + 1) if mark else Place()
    what = error.problem or "not readable"
    context = f" ({error.context})" if error.context else ""
    tab = mark and _TAB_INDENT.match(_line(text, mark.line))
    hint = "indent with spaces, not with tabs" if tab else ""
    return problem_at(Code.SYNTAX, f"not YAML: {what}{context}", place, hint)


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number] if number < len(lines) else ""


def _character_problem(error: Any, text: str) -> Problem:
    code_point = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")
    at = text.find(chr(code_point))
    before = text[: max(at, 0)]
    line = before.count("\n") + 1
    place = Place("", line, len(before) - (before.rfind("\n") + 1) + 1)
    message = f"not YAML: the character U+{code_point:04X} is not allowed"
    hint = "" if code_point else "a binary file, or one in UTF-16? save a contract as UTF-8 text"
    return problem_at(Code.SYNTAX, message, place, hint)
