"""Waivers: a file of changes that a version need not cover, each with a reason, an author and an expiry date."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from lakepact.contract.model import NOWHERE, Place
from lakepact.contract.problems import Code
from lakepact.contract.yaml_nodes import YamlDocument, child_path, clipped, read_yaml
from lakepact.errors import ConfigurationError, Problem, Severity

__all__ = ["Waiver", "load_waivers", "reasons_for"]

_KEYS = ("contract", "path", "reason", "author", "expires")
_FORM = "write {contract: ID, path: schema.orders.*, reason: WHY, author: WHO, expires: YYYY-MM-DD}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Changes of one contract that its version need not cover, up to and including the day `expires`.

    `contract` is its id and `path` the path of changes; in both `*` stands for any text and `?` for one character.
    """

    contract: str
    path: str
    reason: str
    author: str
    expires: dt.date
    place: Place = NOWHERE


def load_waivers(source: str | os.PathLike[str] | bytes, *, today: dt.date, file: str = "") -> tuple[Waiver, ...]:
    """The waivers of a YAML file: a list, or a mapping with the list under `waivers`.

    Raises ConfigurationError LP770 with all problems of the file: LP771 not a waiver, LP772 without a reason or an
    author, LP773 expired before `today`, LP774 not a date. Raises OSError where a path cannot be read.

    >>> line = b"[{contract: a, path: '*', reason: asked for, author: me, expires: 2030-01-31}]"
    >>> load_waivers(line, today=dt.date(2030, 1, 31))[0].reason
    'asked for'
    """
    name = file or ("" if isinstance(source, bytes) else str(source))
    content = source if isinstance(source, bytes) else Path(source).read_bytes()
    reader = _Reader(today)
    waivers = reader.read(content)
    if reader.problems:
        found = sorted(reader.problems, key=lambda problem: (problem.line, problem.column))
        problems = tuple(replace(problem, file=name) for problem in found)
        count = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
        raise ConfigurationError(f"{name or 'the file of waivers'} has {count}", "LP770", problems=problems)
    return tuple(waivers)


def reasons_for(contract: str, paths: Sequence[str], waivers: Sequence[Waiver]) -> dict[str, str]:
    """The reason of the first waiver for each path of a change of the contract that has one."""
    ours = [waiver for waiver in waivers if _pattern(waiver.contract).fullmatch(contract)]
    found: dict[str, str] = {}
    for path in paths:
        waiver = next((one for one in ours if _pattern(one.path).fullmatch(path)), None)
        if waiver is not None:
            found[path] = waiver.reason
    return found


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(char) or re.escape(char) for char in glob), re.DOTALL)


class _Reader:
    """Reads one file of waivers and collects what is wrong with it."""

    def __init__(self, today: dt.date) -> None:
        self._today = today
        self._document = YamlDocument()
        self.problems: list[Problem] = []

    def read(self, content: bytes) -> list[Waiver]:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            self._report("LP771", "the file is not UTF-8", "")
            return []
        document, problems = read_yaml(text)
        # A file in which all waivers are gone is still one.
        self.problems += [problem for problem in problems if problem.code != Code.EMPTY]
        if document is None or document.data is None:
            return []
        self._document = document
        data, base = document.data, ""
        if isinstance(data, dict) and set(data) == {"waivers"}:
            data, base = data["waivers"] or [], "waivers"
        if not isinstance(data, list):
            self._report("LP771", "the file is not a list of waivers", base)
            return []
        found = [self._waiver(entry, f"{base}[{index}]") for index, entry in enumerate(data)]
        return [waiver for waiver in found if waiver is not None]

    def _waiver(self, entry: object, path: str) -> Waiver | None:
        before = len(self.problems)
        if not isinstance(entry, Mapping):
            self._report("LP771", "an entry is not a waiver", path)
            return None
        for key in entry:
            if key not in _KEYS:
                self._report("LP771", f"a waiver has no key `{clipped(str(key))}`", child_path(path, key))
        texts = {key: self._text(entry, key, path) for key in _KEYS}
        expires = self._date(texts["expires"], child_path(path, "expires"))
        if len(self.problems) > before or expires is None:
            return None
        return Waiver(
            contract=texts["contract"],
            path=texts["path"],
            reason=texts["reason"],
            author=texts["author"],
            expires=expires,
            place=self._document.places.get(path, NOWHERE),
        )

    def _text(self, entry: Mapping[str, object], key: str, path: str) -> str:
        value = entry.get(key)
        written = value if isinstance(value, str) else self._document.texts.get(child_path(path, key), "")
        if value is None or not written.strip():
            nobody = key in ("reason", "author")
            code = "LP772" if nobody else "LP771"
            self._report(code, f"the waiver has no `{key}`", child_path(path, key) if key in entry else path)
            return ""
        return written.strip()

    def _date(self, text: str, path: str) -> dt.date | None:
        if not text:
            return None
        try:
            expires = dt.date.fromisoformat(text)
        except ValueError:
            self._report("LP774", f"`{clipped(text)}` is not a date", path, "write YYYY-MM-DD")
            return None
        if expires < self._today:
            self._report("LP773", f"the waiver expired on {expires}", path, "mend what it waives, or renew it")
            return None
        return expires

    def _report(self, code: str, message: str, path: str, hint: str = _FORM) -> None:
        place = self._document.places.get(path, NOWHERE)
        self.problems.append(
            Problem(
                code=code,
                severity=Severity.ERROR,
                message=message,
                line=place.line,
                column=place.column,
                path=path,
                hint=hint,
            )
        )
