"""Environment variables for as long as a session needs them, and the folder for what is fetched once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["ScopedEnvironment", "cache_folder", "environment"]


class ScopedEnvironment:
    """Sets environment variables and puts the former values back.

    A value of None removes the variable. What somebody else changed in between is left as it is.

    >>> scope = ScopedEnvironment()
    >>> scope.set({"LAKEPACT_EXAMPLE": "1"})
    >>> os.environ["LAKEPACT_EXAMPLE"]
    '1'
    >>> scope.restore()
    >>> "LAKEPACT_EXAMPLE" in os.environ
    False
    """

    def __init__(self) -> None:
        self._changes: list[tuple[str, str | None, str | None]] = []
        self._watched: dict[str, str | None] = {}

    def set(self, values: Mapping[str, str | None]) -> None:
        """Set (or with None remove) each variable, remembering what it was."""
        for name, value in values.items():
            self._changes.append((name, os.environ.get(name), value))
            _put(name, value)

    def watch(self, names: Iterable[str]) -> None:
        """Remember variables that a library we call sets by itself: they go back whatever they are by then."""
        self._watched.update({name: os.environ.get(name) for name in names})

    def restore(self) -> None:
        """Undo every change, the last one first. A second call does nothing."""
        while self._changes:
            name, before, ours = self._changes.pop()
            if os.environ.get(name) == ours:
                _put(name, before)
        while self._watched:
            _put(*self._watched.popitem())


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """While this is open, the process has these variables; then they are as they were."""
    scope = ScopedEnvironment()
    scope.watch(variables)
    os.environ.update(variables)
    try:
        yield
    finally:
        scope.restore()


def cache_folder() -> Path:
    """Where lakepact keeps what it fetches once: `$LAKEPACT_CACHE`, else the user's cache folder of this system."""
    chosen = os.environ.get("LAKEPACT_CACHE")
    if chosen:
        return Path(chosen)
    return _system_cache() / "lakepact"


def _system_cache() -> Path:
    xdg = os.environ.get("XDG_CACHE_HOME")
    if xdg:
        return Path(xdg)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path.home() / ".cache"


def _put(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
