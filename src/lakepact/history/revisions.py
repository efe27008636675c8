"""The commits that changed one file, across renames, newest first."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from lakepact.history.git import Repository

__all__ = ["Happening", "Revision", "renamed_from", "revisions"]

_FORMAT: Final = "--format=%x01%H%x00%P%x00%aN%x00%aE%x00%aI%x00%s"
_FIELDS: Final = 6
_RAW: Final = ("-z", "--raw", "--no-abbrev")
_REGULAR: Final = "100"


class Happening(StrEnum):
    """What a revision did to the file."""

    ADDED = "added"
    MODIFIED = "modified"
    RENAMED = "renamed"
    DELETED = "deleted"
    EARLIEST_KNOWN = "earliest known"
    """The clone is shallow and ends here: whether the file was older, nobody can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One commit that changed a file.

    `path` is the file's path from that commit on, `object` its content (empty where deleted); `old_path` and
    `old_object` the same before (empty where it was not there).
    """

    commit: str
    author: str
    email: str
    time: datetime | None
    subject: str
    happening: Happening
    path: str
    object: str
    old_path: str
    old_object: str


@dataclass(frozen=True, slots=True)
class _Difference:
    """One entry of a raw difference; the object is empty where no regular file is."""

    path: str
    object: str
    old_path: str
    old_object: str


def revisions(repository: Repository, path: str, *, start: str, limit: int | None = None) -> Iterator[Revision]:
    """The commits reachable from commit `start` that changed the file at `path`, at most `limit` of them.

    A merge is listed where its content differs from that of every parent. Where the file appears under its name by a
    rename, the history goes on under the old one.
    """
    ends = _shallow_ends(repository)
    left = limit
    while left is None or left > 0:
        listed = list(_listed(repository, path, start, left))
        renamed = None
        for index, (revision, parents) in enumerate(listed):
            if index == len(listed) - 1 and revision.happening is Happening.ADDED:
                revision = _beginning(repository, revision, parents, ends)
                renamed = revision if revision.happening is Happening.RENAMED else None
            yield revision
        if renamed is None:
            return
        path, start = renamed.old_path, listed[-1][1][0]
        left = None if left is None else left - len(listed)


def _listed(repository: Repository, path: str, start: str, limit: int | None) -> Iterator[tuple[Revision, list[str]]]:
    """The revisions under one name, with the parents of each commit."""
    most = () if limit is None else (f"--max-count={limit}",)
    output = repository.ask("log", *_RAW, "--no-renames", _FORMAT, *most, start, "--", path)
    for header, raw in _commits(output):
        commit, parents, author, email, time, subject = (field.decode("utf-8", "replace") for field in header)
        before = parents.split()
        if len(before) > 1:
            # Git lists such a merge without its differences.
            raw = repository.ask("diff-tree", "-r", *_RAW, "--no-renames", before[0], commit, "--", path).split(b"\0")
        difference = next((each for each in _differences(raw) if each.path == path), None)
        if difference is not None and (difference.old_object or difference.object):
            revision = Revision(
                commit=commit,
                author=author,
                email=email,
                time=_time(time),
                subject=subject,
                happening=_happening(difference),
                path=path,
                object=difference.object,
                old_path=path if difference.old_object else "",
                old_object=difference.old_object,
            )
            yield revision, before


def _commits(output: bytes) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """The fields of each commit and its raw differences; told apart by position, as a name may hold any mark."""
    tokens = output.split(b"\0")
    at = 0
    while at + _FIELDS <= len(tokens):
        header = [tokens[at].removeprefix(b"\x01"), *tokens[at + 1 : at + _FIELDS]]
        start = at = at + _FIELDS
        while at + 1 < len(tokens) and tokens[at].lstrip(b"\n").startswith(b":"):
            at += 2
        yield header, tokens[start:at]


def _differences(raw: Iterable[bytes]) -> Iterator[_Difference]:
    """The entries of `--raw -z`: `:mode mode object object status`, then the old path of a rename, then the path."""
    tokens = iter(raw)
    for token in tokens:
        if token.strip():
            old_mode, mode, old_object, found, status = token.strip().removeprefix(b":").decode("ascii").split()
            first = os.fsdecode(next(tokens))
            yield _Difference(
                path=os.fsdecode(next(tokens)) if status.startswith("R") else first,
                object=found if mode.startswith(_REGULAR) else "",
                old_path=first,
                old_object=old_object if old_mode.startswith(_REGULAR) else "",
            )


def _time(text: str) -> datetime | None:
    """The time with its zone; None for what is no date of the calendar, which a commit may claim all the same."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _happening(difference: _Difference) -> Happening:
    if difference.old_object and difference.object:
        return Happening.MODIFIED
    return Happening.ADDED if difference.object else Happening.DELETED


def _beginning(repository: Repository, first: Revision, parents: list[str], ends: frozenset[str]) -> Revision:
    """The oldest revision under a name, told apart: added, renamed, or the end of a shallow clone."""
    if first.commit in ends:
        return replace(first, happening=Happening.EARLIEST_KNOWN)
    if not parents:
        return first
    source = renamed_from(repository, ("diff-tree", "-r", parents[0], first.commit), path=first.path)
    if source is None:
        return first
    return replace(first, happening=Happening.RENAMED, old_path=source[0], old_object=source[1])


def renamed_from(repository: Repository, difference: tuple[str, ...], *, path: str) -> tuple[str, str] | None:
    """The path and object that the file at `path` was renamed from, in what a git command says differs."""
    command, *words = difference
    output = repository.ask(command, *_RAW, "-M", "--diff-filter=R", *words)
    for renamed in _differences(output.split(b"\0")):
        if renamed.path == path and renamed.old_object:
            return renamed.old_path, renamed.old_object
    return None


def _shallow_ends(repository: Repository) -> frozenset[str]:
    """The commits at which a shallow clone was cut off."""
    if not repository.shallow:
        return frozenset()
    name = os.fsdecode(repository.ask("rev-parse", "--git-path", "shallow")).removesuffix("\n")
    return frozenset((repository.root / name).read_text(encoding="ascii").split())
