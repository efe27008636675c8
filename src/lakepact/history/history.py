"""The history of one contract, from Git or from a folder of its versions: who, when, and how large each change was."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Final

from lakepact.contract import Contract
from lakepact.diff import compare
from lakepact.diff.model import Comparison, Level
from lakepact.errors import ConfigurationError, EnvironmentLacking, Problem, UsageError
from lakepact.history.documents import SUFFIXES, ContractFile, bytes_of, contract_files, read
from lakepact.history.git import Repository
from lakepact.history.layout import versions_of
from lakepact.history.lifecycle import removal_level
from lakepact.history.revisions import Happening, Revision, renamed_from, revisions

__all__ = ["Entry", "history"]

_KEPT: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step in the life of a contract.

    `commit`, `author`, `email` and `subject` are empty and `time` is None where Git does not know the content: what is
    not committed, and files outside of a repository (the times of files are no evidence). `contract` is None where the
    file was deleted or `problems` has errors. `comparison` is that with the step before; `level` is its level, and None
    where there is nothing to compare with.
    """

    file: str
    happening: Happening
    contract: Contract | None
    problems: tuple[Problem, ...] = ()
    comparison: Comparison | None = None
    level: Level | None = None
    commit: str = ""
    author: str = ""
    email: str = ""
    time: datetime | None = None
    subject: str = ""


def history(contract: str, *, directory: Path | None = None, limit: int | None = None) -> tuple[Entry, ...]:
    """The steps of one contract, newest first, at most `limit` of them.

    `contract` is a path (also one that only the history of the repository knows), or an id: then its versions are
    looked for in `directory` (default: the working directory), and the first step of each is compared with the version
    before it. In a Git repository every commit that changed the file is a step, across renames; elsewhere every version
    is one. What is not committed yet comes first. A revision that cannot be read is a step with its problems.

    Raises UsageError LP783 where there is no such contract, ConfigurationError LP785 where Git fails.
    """
    base = directory or Path()
    files = _files(contract, base)
    entries: list[Entry] = []
    for file, before in zip(files, [*files[1:], None], strict=True):
        left = None if limit is None else limit - len(entries)
        with closing(_steps(file, before, left)) as steps:
            entries += islice(steps, left)
    if not entries and limit != 0:
        raise _unknown(contract, base)
    return tuple(entries)


def _files(contract: str, base: Path) -> list[Path]:
    """The file of that name; else those of the versions of that id, highest first; else a file of the past."""
    named = base / contract
    if named.is_file() or not base.is_dir():
        return [named]
    versions = versions_of(contract_files(base, contract_id=contract), contract)
    return [base / version.path for version in reversed(versions)] or [named]


def _steps(file: Path, before: Path | None, limit: int | None) -> Generator[Entry]:
    """The steps of one file, newest first; its first one ever follows the file of the version before."""
    predecessor = _on_disk(before) if before else None
    folder, repository = _repository(file)
    if repository is None:
        now = _on_disk(file)
        if now:
            yield _entry(now, predecessor, happening=Happening.ADDED)
        return
    path = (folder.resolve() / file.relative_to(folder)).relative_to(repository.root).as_posix()
    with repository.contents() as contents:
        reader = _Reader(contents)
        start = repository.find("HEAD")
        if not repository.bare:
            entry, path = _uncommitted(repository, reader, path, start, predecessor)
            if entry:
                yield entry
        for revision in revisions(repository, path, start=start, limit=limit) if start else ():
            yield _committed(reader, revision, predecessor)


def _uncommitted(
    repository: Repository, reader: _Reader, path: str, head: str | None, predecessor: ContractFile | None
) -> tuple[Entry | None, str]:
    """The step from the last commit to the work tree, if there is one, and the path of the file in that commit."""
    now = _on_disk(repository.root / path, name=path)
    committed = repository.file(head, path) if head else None
    if committed:
        old = reader.read(committed.object, path, f"HEAD:{path}")
        if now is None:
            return _entry(old, old, happening=Happening.DELETED), path
        changed = repository.objects_on_disk([path])[path] != committed.object
        return (_entry(now, old, happening=Happening.MODIFIED) if changed else None), path
    if now is None or head is None:
        return (_entry(now, predecessor, happening=Happening.ADDED) if now else None), path
    source = renamed_from(repository, ("diff-index", "--cached", head), path=path)
    if source is None:
        return _entry(now, predecessor, happening=Happening.ADDED), path
    old = reader.read(source[1], source[0], f"HEAD:{source[0]}")
    return _entry(now, old, happening=Happening.RENAMED), source[0]


def _committed(reader: _Reader, revision: Revision, predecessor: ContractFile | None) -> Entry:
    name = f"{revision.commit[:12]}:{revision.path}"
    old = predecessor if revision.happening is Happening.ADDED else None
    if revision.old_object:
        old = reader.read(revision.old_object, revision.old_path, f"{revision.commit[:12]}^:{revision.old_path}")
    now = reader.read(revision.object, revision.path, name) if revision.object else old
    if now is None:
        raise ConfigurationError(f"Git names no content for {name}", "LP785")
    return replace(
        _entry(now, old, happening=revision.happening),
        file=revision.path,
        commit=revision.commit,
        author=revision.author,
        email=revision.email,
        time=revision.time,
        subject=revision.subject,
    )


def _entry(now: ContractFile, old: ContractFile | None, *, happening: Happening) -> Entry:
    """The step from `old` to `now`; where the file is deleted, both are what it held before."""
    if happening is Happening.DELETED:
        return Entry(file=now.path, happening=happening, contract=None, level=removal_level(now.contract))
    before = old.contract if old else None
    comparison = compare(before, now.contract) if before and now.contract else None
    return Entry(
        file=now.path,
        happening=happening,
        contract=now.contract,
        problems=now.problems,
        comparison=comparison,
        level=comparison.level if comparison else None,
    )


class _Reader:
    """Reads contracts from a repository. The last few are kept: each is asked for as the old and as the new one."""

    def __init__(self, contents: Callable[[str], bytes | None]) -> None:
        self._contents = contents
        self._read: OrderedDict[str, ContractFile] = OrderedDict()

    def read(self, found: str, path: str, name: str) -> ContractFile:
        """The contract in an object; `name` is the file that its problems show."""
        if found not in self._read:
            self._read[found] = read(path, self._contents(found), name=name)
        self._read.move_to_end(found)
        while len(self._read) > _KEPT:
            self._read.popitem(last=False)
        known = self._read[found]
        return replace(known, path=path, problems=tuple(replace(problem, file=name) for problem in known.problems))


def _on_disk(file: Path, *, name: str = "") -> ContractFile | None:
    """The contract of a file; None where there is no such file. `name` is shown instead of the path."""
    if not file.is_file():
        return None
    return read(name or str(file), bytes_of(file), name=str(file))


def _repository(file: Path) -> tuple[Path, Repository | None]:
    """The nearest folder of the file that exists, and the repository that it is in."""
    folder = next(parent for parent in file.parents if parent.is_dir())
    try:
        return folder, Repository.open(folder)
    except ConfigurationError as error:
        if error.code != "LP781":
            raise
    except EnvironmentLacking:
        if any((parent / ".git").exists() for parent in (folder.resolve() / "x").parents):
            raise
    return folder, None


def _unknown(contract: str, base: Path) -> UsageError:
    if (base / contract).is_dir():
        return UsageError(f"'{contract}' is a folder; name a contract in it by its file or its id", "LP783")
    if "/" in contract or contract.endswith(SUFFIXES):
        return UsageError(f"there is no file '{contract}', and the history has none", "LP783")
    known = {file.contract.id for file in contract_files(base) if file.contract} if base.is_dir() else ()
    near = get_close_matches(contract, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "name its file, or the folder to look in"
    return UsageError(f"there is no contract '{contract}' in '{base}'", "LP783", hint)
