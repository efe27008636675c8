"""What happened to the contracts of a folder between two revisions, or a revision and the work tree."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lakepact.errors import UsageError
from lakepact.history.documents import ContractFile, bytes_of, is_contract, may_be_contract, may_have_id, read
from lakepact.history.git import Repository
from lakepact.history.references import split_revision
from lakepact.history.revisions import Happening

__all__ = ["Changed", "Changes", "changes_between"]

_NO_COMMIT: Final = re.compile(r"0{40}(0{24})?")
_FORM: Final = "write BASE..HEAD, BASE...HEAD (from where they parted), or BASE for what is in the work tree"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A contract that changed: its file before (None: added) and after (None: deleted); `path` is the newer one's."""

    path: str
    happening: Happening
    old: ContractFile | None
    new: ContractFile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The changed contracts between two sides, and all contracts of the new side that share an id with one of them.

    `base` and `head` name the sides for people. `prefix` is the folder below the root of the repository; paths of files
    start at the root. Files are paired by the id of their contract, so that one that was moved is not one that was
    deleted and another that was added.
    """

    base: str
    head: str
    prefix: str
    changed: tuple[Changed, ...]
    related: Mapping[str, tuple[ContractFile, ...]]


@dataclass(frozen=True, slots=True)
class _Span:
    """Both sides: a tree (`base`) and another or the work tree (`head` is None)."""

    base_name: str
    base: str
    head_name: str
    head: str | None


def changes_between(text: str, *, directory: Path) -> Changes:
    """The changed contracts of a folder in the span of revisions that `text` names.

    `A..B` compares both revisions, `A...B` the merge base of both with B, and `A`, `A..` and `A...` compare with the
    work tree, untracked files included. An A of zeros, as a CI gives for a new branch, is a tree without files.

    Raises UsageError LP782 where the span names no revisions, ConfigurationError LP781 and LP785 as `Repository` does.
    """
    repository = Repository.open(directory)
    span = _span(repository, text)
    base = _objects(repository, span.base)
    head = _objects(repository, span.head) if span.head else _work_tree(repository, span.base, base)
    with repository.contents() as contents:
        sources = _Sources(repository, span, contents)
        olds, news = _changed_files(sources, base, head)
        ids = frozenset(file.contract.id for file in (*olds, *news) if file.contract)
        unchanged = {path: found for path, found in head.items() if base.get(path) == found}
        related = _related(sources, news, ids, unchanged)
    alone = {each for each, files in related.items() if len(files) == 1}
    return Changes(
        base=span.base_name,
        head=span.head_name,
        prefix=repository.prefix,
        changed=_paired(olds, news, gone=base.keys() - head.keys(), alone=alone),
        related=related,
    )


def _span(repository: Repository, text: str) -> _Span:
    parted = split_revision(text, "...")
    first, second = parted or split_revision(text, "..") or (text, "")
    if not first:
        raise UsageError(f"'{text}' names no base", "LP782", _FORM)
    head = repository.object_of(second, "tree") if second else None
    if head is None and repository.bare:
        raise UsageError(f"'{repository.root}' has no work tree", "LP782", "name both revisions: BASE..HEAD")
    head_name = second or "the work tree"
    if _NO_COMMIT.fullmatch(first):
        return _Span("nothing", repository.empty_tree(), head_name, head)
    if not parted:
        return _Span(first, repository.object_of(first, "tree"), head_name, head)
    commits = (repository.object_of(first), repository.object_of(second or "HEAD"))
    common = repository.merge_base(*commits)
    if common is None:
        message = f"'{first}' and '{second or 'HEAD'}' have no common commit"
        hint = repository.hint() if repository.shallow else "compare both as they are: BASE..HEAD"
        raise UsageError(message, "LP782", hint)
    return _Span(common[:12], repository.object_of(common, "tree"), head_name, head)


def _objects(repository: Repository, tree: str) -> dict[str, str]:
    """Path and object of each file of a tree that can be a contract."""
    files = repository.files(tree, repository.prefix)
    return {file.path: file.object for file in files if may_be_contract(file.path.removeprefix(repository.prefix))}


def _work_tree(repository: Repository, tree: str, base: Mapping[str, str]) -> dict[str, str]:
    """The same for the work tree: what is tracked, and what is neither tracked nor ignored."""
    found = dict(base)
    below = ("--", repository.prefix) if repository.prefix else ("--",)
    differing = repository.ask("diff-index", "-z", "--name-only", "--no-renames", tree, *below)
    untracked = repository.ask("ls-files", "-z", "--others", "--exclude-standard", *below)
    paths = {os.fsdecode(path) for path in (differing + untracked).split(b"\0")}
    candidates = sorted(path for path in paths if may_be_contract(path.removeprefix(repository.prefix)))
    there = [path for path in candidates if _is_regular(repository.root / path)]
    for path in candidates:
        found.pop(path, None)
    return found | repository.objects_on_disk(there)


def _is_regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


@dataclass(frozen=True, slots=True)
class _Sources:
    """Reads the contents of files of both sides."""

    repository: Repository
    span: _Span
    contents: Callable[[str], bytes | None]

    def old(self, found: str) -> bytes | None:
        """The content on the old side; None where it is too large."""
        return self.contents(found)

    def new(self, path: str, found: str) -> bytes | None:
        """The content, from the disk where the new side is the work tree; None where it is too large."""
        if self.span.head is not None:
            return self.contents(found)
        return bytes_of(self.repository.root / path)

    def old_name(self, path: str) -> str:
        """The name that problems of the old side show."""
        return f"{self.span.base_name}:{path}"


def _changed_files(
    sources: _Sources, base: Mapping[str, str], head: Mapping[str, str]
) -> tuple[list[ContractFile], list[ContractFile]]:
    """The contracts among the files that differ, before and after. What was a contract stays one, however damaged."""
    olds, news = [], []
    for path in sorted(base.keys() | head.keys()):
        before, after = base.get(path), head.get(path)
        if before == after:
            continue
        was_contract = False
        if before is not None:
            content = sources.old(before)
            was_contract = is_contract(path, content or b"")
            if was_contract:
                olds.append(read(path, content, name=sources.old_name(path)))
        if after is not None:
            content = sources.new(path, after)
            if was_contract or is_contract(path, content or b""):
                news.append(read(path, content, name=path))
    return olds, news


def _related(
    sources: _Sources, news: Sequence[ContractFile], ids: frozenset[str], unchanged: Mapping[str, str]
) -> dict[str, tuple[ContractFile, ...]]:
    """All contracts of the new side with one of those ids. Unchanged files are read only where they may have one."""
    found: dict[str, list[ContractFile]] = {each: [] for each in sorted(ids)}
    for path, name in unchanged.items() if ids else ():
        content = sources.old(name)
        if content is None or not is_contract(path, content):
            continue
        if any(may_have_id(content, each) for each in ids):
            file = read(path, content, name=path)
            if file.contract and file.contract.id in ids:
                found[file.contract.id].append(file)
    for file in news:
        if file.contract:
            found[file.contract.id].append(file)
    return {each: tuple(files) for each, files in found.items()}


def _paired(
    olds: Sequence[ContractFile], news: Sequence[ContractFile], *, gone: Set[str], alone: Set[str]
) -> tuple[Changed, ...]:
    """Each changed file with what it was, sorted by path. The surest signs are tried first, over all files.

    `gone` are the paths that are no more; `alone` are the ids that only one file of the new side has, so that another
    version in another place is the same contract moved on.
    """
    left, unpaired = list(olds), list(news)
    found: list[Changed] = []
    for sign in (_same_version_and_path, _same_version, _same_id_and_path, _same_id, _same_path, _same_bytes):
        by_sign: dict[Hashable, list[ContractFile]] = {}
        for old in left:
            if sign is not _same_id or (old.path in gone and sign(old) in alone):
                by_sign.setdefault(sign(old), []).append(old)
        by_sign.pop(None, None)
        still = []
        for new in unpaired:
            if matching := by_sign.get(sign(new)):
                found.append(_pair(matching.pop(0), new))
            else:
                still.append(new)
        paired = {id(pair.old) for pair in found}
        left, unpaired = [old for old in left if id(old) not in paired], still
    found += [Changed(path=new.path, happening=Happening.ADDED, old=None, new=new) for new in unpaired]
    found += [Changed(path=old.path, happening=Happening.DELETED, old=old, new=None) for old in left]
    return tuple(sorted(found, key=lambda changed: changed.path))


def _pair(old: ContractFile, new: ContractFile) -> Changed:
    happening = Happening.MODIFIED if old.path == new.path else Happening.RENAMED
    return Changed(path=new.path, happening=happening, old=old, new=new)


def _same_version_and_path(file: ContractFile) -> Hashable:
    return file.contract and (file.path, _same_version(file))


def _same_version(file: ContractFile) -> Hashable:
    return file.contract and (file.contract.id, file.version or file.contract.version)


def _same_id_and_path(file: ContractFile) -> Hashable:
    return file.contract and (file.path, file.contract.id)


def _same_id(file: ContractFile) -> Hashable:
    return file.contract and file.contract.id


def _same_path(file: ContractFile) -> Hashable:
    return file.path


def _same_bytes(file: ContractFile) -> Hashable:
    return file.content
