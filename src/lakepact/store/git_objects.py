"""Objects of a Git repository, read and written by the plumbing of `git`: no index, no work tree, no filters."""

from __future__ import annotations

import re
import subprocess
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from lakepact.errors import ConfigurationError
from lakepact.git_command import git_words, run_git
from lakepact.store.encoding import safe_name

__all__ = ["GitObject", "GitObjects", "TreeChange", "TreeEntry", "entries_of"]

_HEADER: Final = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) (blob|tree|commit|tag) ([0-9]+)")
_OBJECT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# An event is told to be kept only when it is on the disk; and what is read is what was committed.
_OPTIONS: Final = ("-c", "core.fsync=committed,loose-object,reference", "-c", "core.useReplaceRefs=false")
_FOLDER: Final = "40000"
_FILE: Final = "100644"
_KINDS: Final = {_FOLDER: "tree", "160000": "commit"}
_MAIL: Final = re.compile(r"(.*?)<([^<>\s]+@[^<>\s]+)>\s*|([^<>\s]+@[^<>\s]+)", re.DOTALL)
# What git takes away from both ends of a name.
_CRUD: Final = " .,:;<>\"\\'"
_LONGEST_SUBJECT: Final = 100
_FSCK: Final = "`git fsck` shows what is broken or missing; a clone or a backup has it"


class TreeEntry(NamedTuple):
    """What a folder has under a name: the mode as Git writes it, and the object."""

    mode: str
    object: str

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.mode == _FOLDER


@dataclass(frozen=True, slots=True)
class GitObject:
    """An object: its id, whether it is a `blob`, a `tree` or a `commit`, and its bytes."""

    id: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class GitObjects:
    """The objects of the repository in `root`: the top of a work tree, or a Git directory.

    Raises ConfigurationError LP861 where git fails.
    """

    root: Path

    def run(self, words: Sequence[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """What a git command did; raises where it was killed, whose silence must not be taken for a no."""
        done = run_git(self.root, (*_OPTIONS, *words), given)
        if done.returncode < 0:
            message = f"`git {words[0]}` was killed by signal {-done.returncode} in '{self.root}'"
            raise ConfigurationError(message, "LP861", "try again")
        return done

    def ask(self, *words: str, given: bytes = b"") -> bytes:
        """What a git command prints, with `given` as its input."""
        done = self.run(words, given)
        if done.returncode:
            raise ConfigurationError(f"`git {words[0]}` failed in '{self.root}': {git_words(done.stderr)}", "LP861")
        return done.stdout

    def read(self, names: Sequence[str]) -> list[GitObject | None]:
        """The objects of these names (`<commit>:<path>`), in one request; None for what is absent or broken."""
        found: list[GitObject | None] = []
        while len(found) < len(names):
            asked = names[len(found) :]
            given = b"".join(name.encode("utf-8", "surrogateescape") + b"\n" for name in asked)
            done = self.run(("cat-file", "--batch"), given)
            answered = _answers(done.stdout)[: len(asked)]
            found += answered
            if len(answered) < len(asked):
                if not done.returncode:
                    raise ConfigurationError(f"`git cat-file` left out objects in '{self.root}'", "LP861")
                # Git gives up at an object that is broken; those after it may be whole.
                found.append(None)
        return found

    def find(self, revision: str) -> str | None:
        """The id of the commit that `revision` names; None where it names none."""
        done = self.run(("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"))
        found = done.stdout.decode("ascii", "replace").strip()
        return found if done.returncode == 0 and _OBJECT.fullmatch(found) else None

    def write_blob(self, content: bytes) -> str:
        """The id of an object with that content, which is there when this returns."""
        return self.ask("hash-object", "-w", "--no-filters", "--stdin", given=content).decode("ascii").strip()

    def write_tree(self, entries: Mapping[str, TreeEntry]) -> str:
        """The id of a folder of these entries."""
        listed = b"".join(
            f"{each.mode} {_KINDS.get(each.mode, 'blob')} {each.object}\t".encode()
            + name.encode("utf-8", "surrogateescape")
            + b"\0"
            for name, each in entries.items()
        )
        return self.ask("mktree", "-z", "--missing", given=listed).decode("ascii").strip()

    def write_commit(self, tree: str, parent: str | None, *, author: str, at: datetime, subject: str, body: str) -> str:
        """The id of a commit; author and committer are `author`, a name with or without an address."""
        person = f"{_person(author)} {max(0, int(at.timestamp()))} +0000"
        lines = [f"tree {tree}"]
        lines += [f"parent {parent}"] if parent else []
        lines += [f"author {person}", f"committer {person}", "", _line(subject, _LONGEST_SUBJECT)]
        text = "\n".join(lines) + "\n"
        text += "\n" + body.replace("\0", "\N{REPLACEMENT CHARACTER}").strip() + "\n" if body.strip() else ""
        content = text.encode("utf-8", "replace")
        return self.ask("hash-object", "-t", "commit", "-w", "--stdin", given=content).decode("ascii").strip()


class TreeChange:
    """The tree of a commit, with files put into some of its folders; `folders` are these, each after its parent.

    The first folder must be the root, ``. Raises ConfigurationError LP860 where a file has the name of one of them, and
    LP861 where one is there and cannot be read.
    """

    def __init__(self, objects: GitObjects, commit: str | None, folders: Iterable[str]) -> None:
        self._objects = objects
        self._entries: dict[str, dict[str, TreeEntry]] = {}
        self._changed: set[str] = set()
        names = list(folders)
        found = objects.read([f"{commit}:{name}" for name in names]) if commit else [None] * len(names)
        for name, each in zip(names, found, strict=True):
            if each is None and self._is_there(commit, name):
                raise ConfigurationError(f"the folder '{name}' cannot be read in the branch", "LP861", _FSCK)
            if each is not None and each.kind != "tree":
                raise ConfigurationError(f"'{name}' is no folder in the branch", "LP860", "take it away, or rename it")
            self._entries[name] = entries_of(each) if each else {}

    def _is_there(self, commit: str | None, folder: str) -> bool:
        parent, _, name = folder.rpartition("/")
        return name in self._entries[parent] if folder else commit is not None

    def find(self, folder: str, name: str) -> TreeEntry | None:
        """What one of the folders has under that name."""
        return self._entries[folder].get(name)

    def put(self, folder: str, name: str, blob: str) -> None:
        """Have one of the folders hold a file."""
        self._entries[folder][name] = TreeEntry(_FILE, blob)
        self._changed.add(folder)

    def write(self) -> str:
        """The id of the tree with all that was put."""
        tree = ""
        for folder, entries in reversed(self._entries.items()):
            if folder in self._changed or not folder:
                tree = self._objects.write_tree(entries)
            if folder in self._changed and folder:
                parent, _, name = folder.rpartition("/")
                self._entries[parent][name] = TreeEntry(_FOLDER, tree)
                self._changed.add(parent)
        return tree


def entries_of(tree: GitObject) -> dict[str, TreeEntry]:
    """What a folder has, by name."""
    size = len(tree.id) // 2
    entries: dict[str, TreeEntry] = {}
    at = 0
    while at < len(tree.content):
        end = tree.content.index(b"\0", at)
        mode, _, name = tree.content[at:end].partition(b" ")
        at = end + 1 + size
        entries[name.decode("utf-8", "surrogateescape")] = TreeEntry(
            mode.decode("ascii"), tree.content[end + 1 : at].hex()
        )
    return entries


def _answers(printed: bytes) -> list[GitObject | None]:
    """What `git cat-file --batch` printed, up to where it ended."""
    answers: list[GitObject | None] = []
    at = 0
    while (end := printed.find(b"\n", at)) >= 0:
        header = _HEADER.fullmatch(printed, at, end)
        at = end + 1
        if header is None:
            answers.append(None)
            continue
        size = int(header[3])
        if len(printed) < at + size + 1:
            break
        content = printed[at : at + size]
        answers.append(GitObject(header[1].decode("ascii"), header[2].decode("ascii"), content))
        at += size + 1
    return answers


def _person(actor: str) -> str:
    """An actor as Git writes a person. Who gives no address has one that tells people apart and leads nowhere."""
    found = _MAIL.fullmatch(actor.strip())
    if found is None:
        return f"{_name(actor)} <{safe_name(actor)}@lakepact.invalid>"
    return f"{_name(found[1] or found[2])} <{_line(found[2])}>" if found[2] else f"{_name(found[3])} <{found[3]}>"


def _name(text: str) -> str:
    return _line(text.replace("<", " ").replace(">", " "), _LONGEST_SUBJECT).strip(_CRUD) or "nameless"


def _line(text: str, longest: int | None = None) -> str:
    """Any text as one line without characters that move or hide what follows."""
    plain = "".join(" " if unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp") else each for each in text)
    line = " ".join(plain.split())
    return line if longest is None or len(line) <= longest else line[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
