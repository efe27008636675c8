"""A Git repository, asked through the `git` command: revisions, trees, files and their contents.

Only commands that read are used. Whatever a caller names goes behind `--end-of-options` or `--`, paths are taken
literally, and variables of the environment that point `git` at another repository have no effect.
"""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lakepact.contract.yaml_nodes import MAX_BYTES
from lakepact.errors import ConfigurationError, UsageError
from lakepact.git_command import git_command, git_environment, git_words, run_git

__all__ = ["Repository", "TreeFile"]

_OBJECT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFile:
    """A regular file of a tree: its path below the root of the repository, its object, its size in bytes."""

    path: str
    object: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository; `root` is the top of its work tree, or the Git directory of a bare one (`bare`).

    `prefix` is the folder that it was opened from, below the root: `` or for example `contracts/`.
    """

    root: Path
    prefix: str
    bare: bool
    shallow: bool

    @classmethod
    def open(cls, directory: Path) -> Repository:
        """The repository that `directory` is in.

        Raises EnvironmentLacking LP780 without `git`, ConfigurationError LP781 where no repository is, and LP785
        where git refuses it.
        """
        asked = ("rev-parse", "--is-inside-work-tree", "--is-shallow-repository", "--show-prefix")
        if not directory.is_dir():
            raise UsageError(f"there is no folder '{directory}'", "LP783")
        done = run_git(directory, asked)
        if done.returncode:
            raise _not_opened(directory, git_words(done.stderr))
        inside, shallow, prefix = os.fsdecode(done.stdout).removesuffix("\n").split("\n", 2)
        root = directory.resolve()
        for _ in range(prefix.count("/")):
            root = root.parent
        return cls(root=root, prefix=prefix, bare=inside != "true", shallow=shallow == "true")

    def ask(self, *words: str, given: bytes = b"") -> bytes:
        """What a git command prints, with `given` as its input. Raises ConfigurationError LP785 where it fails."""
        done = run_git(self.root, words, given)
        if done.returncode:
            raise ConfigurationError(f"`git {words[0]}` failed in '{self.root}': {git_words(done.stderr)}", "LP785")
        return done.stdout

    def object_of(self, revision: str, kind: str = "commit") -> str:
        """The full id of the object of that kind that `revision` names. Raises UsageError LP782 where none is."""
        found = self.find(revision, kind)
        if found is None:
            raise UsageError(f"there is no revision '{revision}' in '{self.root}'", "LP782", self.hint())
        return found

    def find(self, revision: str, kind: str = "commit") -> str | None:
        """The full id of the object of that kind that `revision` names; None where it names none."""
        if "\0" in revision:
            return None
        done = run_git(self.root, ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{{kind}}}"))
        found = done.stdout.decode("ascii", "replace").strip()
        return found if done.returncode == 0 and _OBJECT.fullmatch(found) else None

    def file(self, tree: str, path: str) -> TreeFile | None:
        """The regular file at `path` in a tree; None where a folder, a link, a submodule or nothing is there."""
        if not _is_below_root(path):
            return None
        listed = self.ask("ls-tree", "-z", "-l", "--full-tree", tree, "--", path)
        return next((file for file in _tree_files(listed) if file.path == path), None)

    def staged(self, path: str) -> str | None:
        """The object that the index has for the regular file at `path`; None where it has none, or a conflict."""
        if self.bare or not _is_below_root(path):
            return None
        for entry in self.ask("ls-files", "-z", "-s", "--", path).split(b"\0"):
            head, _, name = entry.partition(b"\t")
            mode, found, stage = head.decode("ascii").split() if head else ("", "", "")
            if os.fsdecode(name) == path and mode.startswith("100") and stage == "0":
                return found
        return None

    def files(self, tree: str, below: str = "") -> tuple[TreeFile, ...]:
        """The regular files of a tree, at any depth, below a folder (`contracts/`); without links and submodules."""
        paths = ("--", below) if below else ()
        return tuple(_tree_files(self.ask("ls-tree", "-r", "-z", "-l", "--full-tree", tree, *paths)))

    @contextmanager
    def contents(self) -> Iterator[Callable[[str], bytes | None]]:
        """A function from the id of an object to its bytes, over one process; None above the limit of a document."""
        command = git_command(self.root, ("cat-file", "--batch"))
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=git_environment()
        ) as process:
            yield lambda name: _content(process, name)

    def objects_on_disk(self, paths: Sequence[str]) -> dict[str, str]:
        """The ids that files of the work tree would have if they were committed as they are, by path."""
        names = b"".join(os.fsencode(path) + b"\n" for path in paths if "\n" not in path)
        found = self.ask("hash-object", "--stdin-paths", given=names).decode("ascii").split() if names else []
        objects = dict(zip((path for path in paths if "\n" not in path), found, strict=True))
        for path in paths:
            if "\n" in path:
                objects[path] = self.ask("hash-object", "--", path).decode("ascii").strip()
        return objects

    def merge_base(self, one: str, other: str) -> str | None:
        """The commit where two commits parted; None where they have nothing in common, as far as is known here."""
        done = run_git(self.root, ("merge-base", one, other))
        return done.stdout.decode("ascii").strip() or None

    def empty_tree(self) -> str:
        """The id of the tree without files."""
        return self.ask("hash-object", "-t", "tree", "--stdin").decode("ascii").strip()

    def hint(self) -> str:
        """What to do about a revision that is not there."""
        if self.find("HEAD") is None:
            return "the repository has no commits yet"
        if self.shallow:
            return "the clone is shallow: fetch what is missing with `git fetch --unshallow` (in a CI: fetch-depth: 0)"
        return "`git log --oneline --all` lists revisions"


def _is_below_root(path: str) -> bool:
    return "\0" not in path and path == posixpath.normpath(path) and not path.startswith(("/", "../"))


def _content(process: subprocess.Popen[bytes], name: str) -> bytes | None:
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None or not _OBJECT.fullmatch(name):
        raise ConfigurationError(f"`{name}` is not the id of a Git object", "LP785")
    stdin.write(name.encode("ascii") + b"\n")
    stdin.flush()
    header = stdout.readline().decode("utf-8", "replace").split()
    if len(header) != 3 or not header[2].isdigit():
        raise ConfigurationError(
            f"Git cannot read object {name[:12]}", "LP785", "`git fsck` shows what is broken or missing"
        )
    size = int(header[2])
    if size <= MAX_BYTES:
        content = stdout.read(size)
        stdout.read(1)
        return content
    left = size + 1
    while left:
        left -= len(stdout.read(min(left, _CHUNK))) or left
    return None


def _tree_files(listed: bytes) -> Iterator[TreeFile]:
    """Entries `mode type object size TAB path`; only regular files, executable or not."""
    for entry in listed.split(b"\0"):
        head, _, path = entry.partition(b"\t")
        fields = head.split()
        if len(fields) == 4 and fields[0].startswith(b"100"):
            yield TreeFile(path=os.fsdecode(path), object=fields[2].decode("ascii"), size=int(fields[3]))


def _not_opened(directory: Path, words: str) -> ConfigurationError:
    if "not a git repository" in words:
        hint = "name a file, or go to a folder of the repository"
        return ConfigurationError(f"'{directory}' is not in a Git repository", "LP781", hint)
    hint = "`git config --global --add safe.directory DIR` trusts it" if "safe.directory" in words else ""
    return ConfigurationError(f"Git refuses '{directory}': {words}", "LP785", hint)
