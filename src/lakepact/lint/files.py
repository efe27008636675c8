"""Finds the contracts among files and folders."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lakepact.contract.problems import Code
from lakepact.contract.yaml_nodes import MAX_BYTES
from lakepact.errors import Problem, Severity

__all__ = ["Candidate", "candidates", "is_contract"]

_ENDINGS = (".yaml", ".yml", ".json")
_CONTRACT_ENDINGS = tuple(f".odcs{ending}" for ending in _ENDINGS)
# A key of the root stands at the beginning of a line; in a document with brackets it may stand anywhere.
_KEYS = rb"[\"']?(?:kind[\"']?\s*:\s*[\"']?DataContract|apiVersion[\"']?\s*:\s*[\"']?v?[23]\.\d+\.\d+)\b"
_ROOT = re.compile(rb"^" + _KEYS, re.MULTILINE)
_FLOW = re.compile(rb"[{,\s]" + _KEYS)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to look at. `certain`: it was named, or its ending says that it is a contract."""

    path: Path
    certain: bool


def candidates(paths: Iterable[Path]) -> Iterator[Candidate | Problem]:
    """The files among `paths` and in the folders among them, each once, in order of their names.

    In a folder these are `*.odcs.yaml`, `*.odcs.yml`, `*.odcs.json` and, where `is_contract` finds one in them,
    `*.yaml`, `*.yml` and `*.json`. Hidden files and folders are left out; a folder that links lead to again is read
    once. A folder that cannot be read is a problem (LP101).
    """
    seen: set[str] = set()
    for path in paths:
        found = _in_folder(path, seen) if path.is_dir() else [Candidate(path, True)]
        for each in found:
            if isinstance(each, Problem):
                yield each
            elif (real := os.path.realpath(each.path)) not in seen:
                seen.add(real)
                yield each


def _in_folder(folder: Path, seen: set[str]) -> Iterator[Candidate | Problem]:
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield _unreadable(folder, error)
        return
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            yield from _in_folder(path, seen)
        elif entry.name.lower().endswith(_ENDINGS):
            yield Candidate(path, entry.name.lower().endswith(_CONTRACT_ENDINGS))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads to itself


def _unreadable(path: Path, error: OSError) -> Problem:
    message = f"cannot be read: {error.strerror or error}"
    return Problem(code=Code.UNREADABLE, severity=Severity.ERROR, message=message, file=str(path))


def is_contract(path: Path) -> bool:
    """Whether the root of the document says `kind: DataContract`, or an `apiVersion` of ODCS.

    True for a file that cannot be read, so that reading it says why; False for what is no file, such as a named pipe.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES).removeprefix(_BOM)
    except OSError:
        return True
    return (_FLOW if content.lstrip()[:1] == b"{" else _ROOT).search(content) is not None
