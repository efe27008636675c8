"""The branch that a Git store is on: read, and moved on only from where it was seen, here or at a remote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol

from lakepact.errors import ConfigurationError, RemoteFailed
from lakepact.git_command import git_words, run_git
from lakepact.store.git_objects import GitObjects

__all__ = ["Branch", "LocalBranch", "RemoteBranch"]

# A writer holds the lock of a branch for a moment; who waits this long waits for one that was killed.
_PATIENCE: Final = ("-c", "core.filesRefLockTimeout=5000", "-c", "reftable.lockTimeout=5000")
_DURABLE: Final = ("-c", "core.fsync=committed,loose-object,reference")
_NOWHERE: Final = "0" * 40
_LISTED: Final = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\t(.*)")
_NOT_FOUND: Final = 2


class Branch(Protocol):
    """A branch, which is changed by replacing one commit by another, if it still is the one that was seen."""

    def tip(self) -> str | None:
        """The commit that the branch is at, whose objects are here; None where there is no such branch."""
        ...

    def refuse_change(self) -> None:
        """Raise where the branch must not be moved from here."""
        ...

    def move(self, new: str, old: str | None) -> bool:
        """Go from `old` (None: from no branch) to `new`; False where the branch is at something else by now."""
        ...


@dataclass(frozen=True, slots=True)
class LocalBranch:
    """A branch of the repository itself."""

    objects: GitObjects
    name: str

    def tip(self) -> str | None:
        """The commit that the branch is at; None where there is no such branch."""
        return self.objects.find(f"refs/heads/{self.name}")

    def refuse_change(self) -> None:
        """Raise ConfigurationError LP860 where a work tree is on the branch: its files would not go along."""
        listed = self.objects.ask("worktree", "list", "--porcelain").decode("utf-8", "surrogateescape")
        worktree = ""
        for line in listed.split("\n"):
            if line.startswith("worktree "):
                worktree = line.removeprefix("worktree ")
            if line == f"branch refs/heads/{self.name}":
                message = f"the branch '{self.name}' is checked out in '{worktree}', whose files would be left behind"
                hint = "use a branch that is not checked out (?branch=contracts), or a bare repository"
                raise ConfigurationError(message, "LP860", hint)

    def move(self, new: str, old: str | None) -> bool:
        """Go from `old` to `new` by `git update-ref`. Raises ConfigurationError LP861 where git cannot."""
        ref = f"refs/heads/{self.name}"
        words = ("update-ref", "-m", "lakepact: contracts changed", ref, new, old or _NOWHERE[: len(new)])
        # Killed together with this process, git would leave its lock behind.
        done = run_git(self.objects.root, (*_PATIENCE, *_DURABLE, *words), apart=True)
        if done.returncode == 0:
            return True
        if self.tip() != old:
            return False
        message = f"`git update-ref` failed in '{self.objects.root}': {git_words(done.stderr)}"
        hint = ""
        if b"File exists" in done.stderr:
            hint = "where no git is at work, one that was killed has left its `.lock` file behind: delete that"
        raise ConfigurationError(message, "LP861", hint)


@dataclass(frozen=True, slots=True)
class RemoteBranch:
    """A branch of a remote, which every change is pushed to at once; nothing here follows it but its objects."""

    objects: GitObjects
    remote: str
    name: str

    def tip(self) -> str | None:
        """The commit that the remote has now, fetched if need be. Raises RemoteFailed LP861 where it is away."""
        ref = f"refs/heads/{self.name}"
        done = run_git(self.objects.root, ("ls-remote", "--exit-code", "--", self.remote, ref))
        if done.returncode not in (0, _NOT_FOUND):
            raise self._failed("ls-remote", done.stderr)
        listed = [found for line in done.stdout.decode("utf-8", "replace").split("\n") if (found := _match(line))]
        tip = next((commit for commit, name in listed if name == ref), None)
        if tip is not None and self.objects.find(tip) is None:
            self._fetch(tip)
        return tip

    def refuse_change(self) -> None:
        """A remote may be pushed to, unless it says otherwise then."""

    def move(self, new: str, old: str | None) -> bool:
        """Push `new` if the remote is at `old`. Raises RemoteFailed LP861 where it refuses."""
        ref = f"refs/heads/{self.name}"
        lease = f"--force-with-lease={ref}:{old or ''}"
        words = ("push", "--quiet", "--no-follow-tags", lease, "--", self.remote, f"{new}:{ref}")
        done = run_git(self.objects.root, words)
        if done.returncode == 0:
            return True
        tip = self.tip()
        if tip == new:
            return True
        if tip != old:
            return False
        raise self._failed("push", done.stderr)

    def _fetch(self, tip: str) -> None:
        """Have the objects of a commit, and a reference to it, so that they stay."""
        spec = f"+refs/heads/{self.name}:refs/lakepact/{self.remote}/{self.name}"
        words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", "--", self.remote, spec)
        done = run_git(self.objects.root, (*_PATIENCE, *words))
        # Another process may have fetched at the same time, and have moved the reference.
        if self.objects.find(tip) is None:
            raise self._failed("fetch", done.stderr)

    def _failed(self, command: str, stderr: bytes) -> RemoteFailed:
        complaints = [line for line in stderr.split(b"\n") if line.startswith((b"fatal: ", b" ! ", b"remote: "))]
        words = git_words(complaints[0].strip() if complaints else stderr)
        message = f"`git {command}` failed at the remote '{self.remote}' of '{self.objects.root}': {words}"
        hint = "check the network, the credentials of git, and what may be pushed; to have changes reviewed, name a"
        return RemoteFailed(message, "LP861", f"{hint} branch of your own by ?branch=")


def _match(line: str) -> tuple[str, str] | None:
    found = _LISTED.fullmatch(line)
    return (found[1], found[2]) if found else None
