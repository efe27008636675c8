"""Mends for what the grammar refuses, where nothing else can be meant: quotes, upper and lower case, typing errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from lakepact.contract.edit_model import Edit, RenameKey, SetValue
from lakepact.contract.grammar_shapes import grammar_of
from lakepact.contract.model import ApiVersion
from lakepact.contract.problems import Code
from lakepact.contract.yaml_nodes import child_path, plain_value
from lakepact.errors import Problem
from lakepact.lint.paths import ABSENT, parent_of, parts_of, value_at
from lakepact.lint.subject import Fix, lines_of

__all__ = ["spelling_fixes"]

_WORD = re.compile(r"[-+.\w]+")
# The short names that the documentation of the standard gives for dimensions, and its grammar refuses.
_DIMENSIONS = {
    "ac": "accuracy",
    "cp": "completeness",
    "cf": "conformity",
    "cs": "consistency",
    "cv": "coverage",
    "tm": "timeliness",
    "uq": "uniqueness",
}
_BOOLEANS = {"yes": True, "no": False, "on": True, "off": False, "y": True, "n": False, "true": True, "false": False}
_VERSIONS = {version.value.removeprefix("v"): version.value for version in ApiVersion}


def spelling_fixes(source: bytes, data: Mapping[str, Any], problems: Sequence[Problem]) -> Iterator[Fix]:
    """The mends for problems of the grammar; `data` is the document as it is."""
    for problem in problems:
        make = _MAKERS.get(problem.code)
        edit = make(source, data, problem) if make else None
        if edit is not None:
            yield Fix(problem.code, problem.path, (edit,))


def _quoted(source: bytes, data: Mapping[str, Any], problem: Problem) -> Edit | None:
    """Quotes around what was written: `1.10` stays `1.10`."""
    lines = lines_of(source)
    value = value_at(data, problem.path)
    if not 0 < problem.line <= len(lines):
        return None
    match = _WORD.match(lines[problem.line - 1], problem.column - 1)
    same = match is not None and (read := plain_value(match[0])) == value and type(read) is type(value)
    return SetValue(path=problem.path, value=match[0]) if match and same else None


def _enum_word(_source: bytes, data: Mapping[str, Any], problem: Problem) -> Edit | None:
    """Another case of an allowed word, or a short name of a dimension."""
    value = value_at(data, problem.path)
    if not isinstance(value, str):
        return None
    if problem.path.endswith(".dimension") and value.strip().lower() in _DIMENSIONS:
        return SetValue(path=problem.path, value=_DIMENSIONS[value.strip().lower()])
    allowed = problem.hint.rpartition("accepted: ")[2].split(", ")
    meant = [word for word in allowed if _plain(word) == _plain(value)]
    return SetValue(path=problem.path, value=meant[0]) if len(meant) == 1 else None


def _kind(_source: bytes, data: Mapping[str, Any], problem: Problem) -> Edit | None:
    value = value_at(data, "kind")
    same = isinstance(value, str) and _plain(value) == "datacontract"
    return SetValue(path=problem.path, value="DataContract") if same else None


def _api_version(_source: bytes, data: Mapping[str, Any], problem: Problem) -> Edit | None:
    """`3.1.0` and `V3.1.0` for `v3.1.0`."""
    value = value_at(data, "apiVersion")
    meant = _VERSIONS.get(value.strip().lower().removeprefix("v")) if isinstance(value, str) else None
    return SetValue(path=problem.path, value=meant) if meant else None


def _plain_type(_source: bytes, data: Mapping[str, Any], problem: Problem) -> Edit | None:
    """A boolean or a number in quotes; the edit is kept only if the grammar accepts it."""
    value = value_at(data, problem.path)
    if not isinstance(value, str):
        return None
    word = value.strip().lower()
    meant = _BOOLEANS[word] if word in _BOOLEANS else plain_value(word) if word else None
    if isinstance(meant, bool | int | float):
        return SetValue(path=problem.path, value=meant)
    return None


def _key(_source: bytes, data: Mapping[str, Any], problem: Problem) -> Edit | None:
    """A key that differs from one of this place by a slip of the keys, and from no other of the standard."""
    written = list(parts_of(problem.path))[-1]
    suggested = re.fullmatch(r"did you mean `(.+)`\?", problem.hint)
    if suggested is None or not isinstance(written, str):
        return None
    meant = suggested[1]
    sibling = child_path(parent_of(problem.path), meant)
    if value_at(data, sibling) is not ABSENT:
        return None
    near = [key for key in _all_keys() if _plain(key) == _plain(written)]
    near = near or [key for key in _all_keys() if _one_slip(written.lower(), key.lower())]
    return RenameKey(path=problem.path, key=meant) if near == [meant] else None


_Maker = Callable[[bytes, Mapping[str, Any], Problem], Edit | None]
_MAKERS: dict[str, _Maker] = {
    Code.UNQUOTED_TEXT: _quoted,
    Code.NOT_ALLOWED: _enum_word,
    Code.WRONG_KIND: _kind,
    Code.UNKNOWN_API_VERSION: _api_version,
    Code.WRONG_TYPE: _plain_type,
    Code.UNKNOWN_KEY: _key,
}


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())


@cache
def _all_keys() -> tuple[str, ...]:
    """Every key of the standard, in any version and at any place."""
    keys = {
        key
        for version in ApiVersion
        for sections in (grammar_of(version).sections, grammar_of(version).servers)
        for section in sections.values()
        for key in section.rows
    }
    return tuple(sorted(keys))


def _one_slip(one: str, other: str) -> bool:
    """Whether one letter too many, too few, wrong, or exchanged with its neighbour makes one of the other.

    Words of less than five letters are too near to each other to tell.
    """
    if min(len(one), len(other)) < 5 or abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest, others = one[start:], other[start:]
    if len(one) == len(other):
        return rest[1:] == others[1:] or (rest[:2] == others[1::-1] and rest[2:] == others[2:])
    return rest[1:] == others if len(one) > len(other) else rest == others[1:]
