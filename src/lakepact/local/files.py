"""Lock files of the engine: one run of a pipeline at a time."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lakepact.errors import EnvironmentLacking

__all__ = ["only_run", "only_writer"]

_POLL_SECONDS = 0.2


@contextmanager
def only_run(path: Path, *, wait_seconds: float, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file of a pipeline, as a workspace allows one update of a pipeline at a time.

    While another process holds it, `waiting` is told once, and after `wait_seconds` EnvironmentLacking (LP531) is
    raised. The system gives the lock back when its process ends, however it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        _acquire(file.fileno(), path, wait_seconds=wait_seconds, waiting=waiting)
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid()}))
        file.flush()
        try:
            yield
        finally:
            fcntl.flock(file.fileno(), fcntl.LOCK_UN)


@contextmanager
def only_writer(classic: Any, path: Path, *, wait_seconds: float = 60.0) -> Iterator[None]:
    """Hold the lock file at `path` from inside of Spark's Java process.

    That process outlives this one for a moment when this one is killed, and may still write: the next run, which gets
    the pipeline's own lock at once, waits here. Raises EnvironmentLacking (LP531) after `wait_seconds`.
    """
    from py4j.protocol import Py4JError

    file = classic._jvm.java.io.RandomAccessFile(str(path), "rw")
    try:
        deadline = time.monotonic() + wait_seconds
        while file.getChannel().tryLock() is None:
            if time.monotonic() >= deadline:
                raise EnvironmentLacking(
                    f"the Java process of a run of {path.stem} that was killed still writes",
                    code="LP531",
                    hint="wait for it to end, or end it",
                )
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        with suppress(Py4JError, ConnectionError):
            file.close()


def _acquire(descriptor: int, path: Path, *, wait_seconds: float, waiting: Callable[[str], None]) -> None:
    deadline = time.monotonic() + wait_seconds
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = path.read_text(encoding="utf-8") or "{}"
            if time.monotonic() >= deadline:
                raise EnvironmentLacking(
                    f"another run of this pipeline is under way ({path.stem}, {holder})",
                    code="LP531",
                    hint="wait for it to end, or end it",
                ) from None
            if not told:
                waiting(f"waiting for another run of {path.stem} to end")
                told = True
            time.sleep(_POLL_SECONDS)
        else:
            return
