"""Calls the `git` command so that nothing in the environment turns it to another repository, or to questions.

Whatever a caller names goes behind `--end-of-options` or `--`, paths are taken literally, and the words of git are
English.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lakepact.errors import EnvironmentLacking

__all__ = ["git_command", "git_environment", "git_words", "run_git"]

_KEPT: Final = re.compile(r"GIT_(CONFIG.*|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|EXEC_PATH|SSH.*|ASKPASS)")
# Set by git around a pre-receive hook, where new objects are not yet in the repository.
_QUARANTINE: Final = ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")
_OPTIONS: Final = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "log.showSignature=false"),
    *("-c", "i18n.logOutputEncoding=UTF-8"),
)


def run_git(
    directory: Path, words: Sequence[str], given: bytes = b"", *, apart: bool = False
) -> subprocess.CompletedProcess[bytes]:
    """What `git` did with `given` as its input; it is for the caller to look at its return code.

    With `apart` it does not end with the process group of this process, so that it is not killed half-way. Raises
    EnvironmentLacking LP780 without `git`.
    """
    command = git_command(directory, words)
    try:
        return subprocess.run(
            command, capture_output=True, input=given, env=git_environment(), check=False, start_new_session=apart
        )
    except FileNotFoundError:
        hint = "install Git, or put it on PATH"
        raise EnvironmentLacking("the command `git` is not on this machine", "LP780", hint) from None


def git_command(directory: Path, words: Sequence[str]) -> list[str]:
    """The command that runs `git` in a directory."""
    return ["git", "-C", str(directory.resolve()), *_OPTIONS, *words]


def git_environment() -> dict[str, str]:
    """The environment without what would turn git to another repository, print more, or ask questions."""
    quarantine = _QUARANTINE if "GIT_QUARANTINE_PATH" in os.environ else ()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or _KEPT.fullmatch(name) or name in quarantine
    }
    fixed = {"LC_ALL": "C", "GIT_LITERAL_PATHSPECS": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    return {**kept, **fixed}


def git_words(stderr: bytes) -> str:
    """The first line of what git complained about.

    >>> git_words(b"fatal: not a git repository\\n")
    'not a git repository'
    """
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else "it says nothing"
