"""Where a Git store is: which repository, which branch, which folder of it, and at which remote."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote

from lakepact.errors import ConfigurationError, UsageError
from lakepact.git_command import git_words
from lakepact.store.event_files import MARK, refuse_other_mark
from lakepact.store.git_branches import Branch, LocalBranch, RemoteBranch
from lakepact.store.git_objects import GitObjects

__all__ = ["MAIN", "GitPlace"]

MAIN: Final = "main"
"""The branch where none is named."""

_CONTRACTS: Final = "contracts"
_OPTIONS: Final = ("branch", "folder", "remote")
_PART: Final = re.compile(r"[^/\\:*?\"<>|\x00-\x1f\x7f]+")


class GitPlace:
    """Which branch and folder of which repository a store is in."""

    def __init__(self, root: Path, branch: str, folder: str, remote: str | None) -> None:
        self.root, self.branch, self.folder, self.remote = root, branch, folder.strip("/"), remote
        parts = self.folder.split("/") if self.folder else []
        if any(part.casefold() in (".", "..", ".git") or not _PART.fullmatch(part) for part in parts):
            raise UsageError(f"'{folder}' is no folder of a repository", "LP857", "write for example folder=contracts")
        self.contracts = "/".join((*parts, _CONTRACTS))
        self.mark = "/".join((*parts, MARK))
        given = [("branch", branch), ("folder", self.folder), ("remote", remote or "")]
        self.address = f"git:{root}?" + "&".join(f"{name}={quote(value)}" for name, value in given if value)

    @classmethod
    def of_address(cls, address: str) -> GitPlace:
        """The place that a `git:` address names. Raises UsageError LP857 for what is none."""
        root, options = _parsed(address)
        return cls(root, options.get("branch", MAIN), options.get("folder", ""), options.get("remote") or None)

    def make(self) -> None:
        """Make a folder that is empty, or not there, a bare repository; leave others as they are."""
        if self.remote or "\0" in str(self.root) or (self.root.exists() and not _is_empty(self.root)):
            return
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"'{self.root}' cannot be made: {error.strerror}"
            raise ConfigurationError(message, "LP860", "check the path and its permissions") from error
        words = ("init", "--quiet", "--bare", "--template=", f"--initial-branch={self.branch}")
        GitObjects(self.root.absolute()).ask(*words)

    def named(self, path: str) -> str:
        """A path as messages name it."""
        branch = f"{self.remote}/{self.branch}" if self.remote else self.branch
        return f"{branch}:{path}" if path else branch

    def parents(self, folder: str) -> list[str]:
        """The folders above a folder, from the root on."""
        parts = folder.split("/")
        return ["/".join(parts[:count]) for count in range(len(parts))]

    def opened(self) -> tuple[GitObjects, Branch]:
        """The objects and the branch. Raises ConfigurationError LP860 where the repository is not there."""
        if "\0" in str(self.root) or not self.root.is_dir():
            raise ConfigurationError(f"there is no folder '{self.root}'", "LP860", self._init_hint())
        objects = GitObjects(self.root.absolute())
        done = objects.run(("rev-parse", "--show-prefix"))
        if done.returncode:
            words = git_words(done.stderr)
            if "not a git repository" in words:
                raise ConfigurationError(f"'{self.root}' is not a Git repository", "LP860", self._init_hint())
            hint = "`git config --global --add safe.directory DIR` trusts it" if "safe.directory" in words else ""
            raise ConfigurationError(f"Git refuses '{self.root}': {words}", "LP861", hint)
        prefix = done.stdout.decode("utf-8", "surrogateescape").strip("\n")
        if prefix:
            message = f"'{self.root}' is a folder in a Git repository, not the repository"
            hint = f"name the repository, and the folder by ?folder={prefix.rstrip('/')}"
            raise ConfigurationError(message, "LP860", hint)
        return objects, self._checked_branch(objects)

    def no_store(self) -> ConfigurationError:
        """What to raise where the branch is no store."""
        message = f"'{self.named(self.folder)}' in '{self.root}' is no contract store"
        return ConfigurationError(message, "LP860", self._init_hint())

    def refuse_no_store(self, objects: GitObjects, tip: str | None) -> None:
        """Raise where the branch has no mark, or that of another layout."""
        mark = objects.read([f"{tip}:{self.mark}"])[0] if tip else None
        if mark is None or mark.kind != "blob":
            raise self.no_store()
        refuse_other_mark(mark.content, self.named(self.folder))

    def _checked_branch(self, objects: GitObjects) -> Branch:
        words = ("check-ref-format", f"refs/heads/{self.branch}")
        if "\0" in self.branch or objects.run(words).returncode:
            raise UsageError(f"'{self.branch}' is no name of a branch", "LP857", "write for example branch=main")
        if self.remote is None:
            return LocalBranch(objects, self.branch)
        known = objects.ask("remote").decode("utf-8", "surrogateescape").split("\n")
        if self.remote not in known:
            message = f"'{self.root}' has no remote '{self.remote}'"
            raise ConfigurationError(message, "LP860", "`git remote -v` lists them, `git remote add` makes one")
        return RemoteBranch(objects, self.remote, self.branch)

    def _init_hint(self) -> str:
        return f"`lakepact store init --store '{self.address}'` makes one"


def _is_empty(root: Path) -> bool:
    return root.is_dir() and not any(root.iterdir())


def _parsed(address: str) -> tuple[Path, dict[str, str]]:
    path, _, query = address.removeprefix("git:").partition("?")
    try:
        options = dict(parse_qsl(query, strict_parsing=True)) if query else {}
    except ValueError:
        options = {query: ""}
    unknown = [name for name in options if name not in _OPTIONS]
    if unknown or not path:
        why = f"it has no option '{unknown[0]}'" if unknown else "it has no path"
        hint = "write git:PATH?branch=NAME&folder=PATH&remote=NAME, all but the path as needed"
        raise UsageError(f"'{address}' is no address of a Git store: {why}", "LP857", hint)
    return Path(path), options
