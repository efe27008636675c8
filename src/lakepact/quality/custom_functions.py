"""Functions of users that are checks: found by an entry point or a path that is allowed, and run apart."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.metadata import entry_points
from typing import Any, Final, TextIO, cast

from lakepact.quality.stopping import Stop, stoppable_jobs

__all__ = ["GROUP", "CheckRefused", "Ended", "found_function", "run_apart"]

GROUP: Final = "lakepact.checks"


class CheckRefused(Exception):
    """A check that is not run; the text says why."""


def found_function(name: str, allowed: Sequence[str]) -> Callable[..., Any]:
    """The function of that name: of an entry point of the group `lakepact.checks`, or `package.module:function`.

    A path is only imported where `package.module.function` fits one of the patterns `allowed`, and so must the place
    where the function was made. Raises CheckRefused.
    """
    if ":" not in name:
        found = entry_points(group=GROUP, name=name)
        if not found:
            nowhere = f"no entry point of the group {GROUP!r} has that name, and it is no MODULE:FUNCTION"
            raise CheckRefused(f"there is no check {name!r}: {nowhere}")
        return _callable(name, next(iter(found)).load())
    module, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), attribute)):
        raise CheckRefused(f"{name!r} is no path of a function, package.module:function")
    _check_allowed(name, f"{module}.{attribute}", allowed)
    function = getattr(importlib.import_module(module), attribute, None)
    if function is None:
        raise CheckRefused(f"the module {module!r} has no function {attribute!r}")
    # A module that is allowed may hold functions of others by name.
    made_in = getattr(function, "__module__", None) or type(function).__module__
    if made_in != module:
        _check_allowed(name, f"{made_in}.{getattr(function, '__qualname__', attribute)}", allowed)
    return _callable(name, function)


def _check_allowed(name: str, path: str, allowed: Sequence[str]) -> None:
    if not any(fnmatchcase(path, pattern) for pattern in allowed):
        patterns = ", ".join(allowed) or "no path"
        raise CheckRefused(f"{name!r} is not allowed: {path!r} is outside of {patterns}")


def _callable(name: str, found: Any) -> Callable[..., Any]:
    if not callable(found):
        raise CheckRefused(f"{name!r} is no function")
    return cast("Callable[..., Any]", found)


@dataclass(slots=True)
class Ended:
    """How a call ended: with a value, or with what it raised."""

    value: Any = None
    error: BaseException | None = None


def run_apart(call: Callable[[], Any], seconds: float | None, *, stop: Stop, session: Any = None) -> Ended | None:
    """The end of a call in a thread of its own; None where it took longer, and nobody waits for it any more.

    Then `stop` ends its queries: jobs in the Spark `session`, and what the call said there. Nobody can end a thread: it
    may hold memory, locks and files until the process ends, which it does not keep alive. What the thread prints goes
    to stderr.
    """
    ended = Ended()

    def work() -> None:
        with _APART, stoppable_jobs(stop, session):
            try:
                ended.value = call()
            except BaseException as error:  # (code of others, which may even raise SystemExit)
                ended.error = error

    thread = threading.Thread(target=work, name="lakepact-check", daemon=True)
    thread.start()
    thread.join(seconds)
    if not thread.is_alive():
        return ended
    stop.end(thread)
    return None


@dataclass(slots=True)
class _StdoutOfOthers:
    """Stands for `sys.stdout` while checks run: their threads write to stderr, all others where they always do."""

    threads: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    real: TextIO | None = None

    def __enter__(self) -> None:
        with self.lock:
            if not self.threads:
                self.real, sys.stdout = sys.stdout, cast(TextIO, self)
            self.threads.add(threading.get_ident())

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.threads.discard(threading.get_ident())
            if not self.threads and cast(Any, sys.stdout) is self and self.real is not None:
                sys.stdout = self.real

    def _chosen(self) -> TextIO:
        return sys.stderr if threading.get_ident() in self.threads or self.real is None else self.real

    def write(self, text: str) -> int:
        return self._chosen().write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chosen(), name)


_APART: Final = _StdoutOfOthers()
