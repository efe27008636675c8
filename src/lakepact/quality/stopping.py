"""Ends work that nobody waits for any more: jobs of Spark by a tag, queries of DuckDB by an interrupt.

What a thread waits for can be ended: then the query fails where it was asked. What it computes in Python goes on to the
next place where it asks whether anybody still waits (`Stop.check`).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

__all__ = ["GivenUp", "Stop", "stoppable_jobs"]

# Between two queries there is nothing to end, so that it is tried again; what goes on for long is asked less often.
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0
# Seconds after which a server that tells no progress is taken for one that never does.
_SILENCE: Final = 10.0


class GivenUp(BaseException):
    """Nobody waits for an evaluation any more. No library that goes on after errors goes on after it."""


class Stop:
    """The way to end an evaluation from outside. Whoever begins what can be ended, says how.

    >>> stop, ended = Stop(), []
    >>> with stop.ending(lambda: ended.append("query")):
    ...     stop.end_once()
    >>> stop.asked, ended
    (True, ['query'])
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._endings: list[Callable[[], object]] = []
        self._asked = threading.Event()

    @property
    def asked(self) -> bool:
        """Whether the end was asked for: what has not begun yet need not begin."""
        return self._asked.is_set()

    def check(self) -> None:
        """Go on. Raises GivenUp where the end was asked for."""
        if self.asked:
            raise GivenUp

    @contextmanager
    def ending(self, end: Callable[[], object]) -> Iterator[None]:
        """While this is open, `end` is called whenever the end is asked for, from another thread."""
        with self._lock:
            self._endings.append(end)
        try:
            yield
        finally:
            with self._lock:
                self._endings = [each for each in self._endings if each is not end]

    def end_once(self) -> None:
        """End what runs at this moment. What cannot be ended because it is gone is not asked again."""
        self._asked.set()
        # Held all the while, so that nobody closes what is being ended.
        with self._lock:
            self._endings = [each for each in self._endings if _done(each)]

    def end(self, running: threading.Thread) -> None:
        """End what runs, again and again in a thread of its own, until the thread `running` has ended. Never waits."""

        def work() -> None:
            pause = _FIRST_PAUSE
            while running.is_alive():
                self.end_once()
                running.join(pause)
                pause = min(pause * 1.5, _LONGEST_PAUSE)

        self._asked.set()
        threading.Thread(target=work, name="lakepact-stop", daemon=True).start()


def _done(end: Callable[[], object]) -> bool:
    try:
        end()
    except Exception:  # drivers of others: a session or connection that is gone, in whatever words they say so
        return False
    return True


@contextmanager
def stoppable_jobs(stop: Stop, session: Any) -> Iterator[None]:
    """While this is open, jobs of Spark that this thread begins in the session end with `stop`. None is no session.

    Only this thread's: tags belong to threads. A session that takes no tags runs as it would without.
    """
    if session is None:
        yield
        return
    context = _context_of(session)
    jobs = _Operations(session) if context is None else _Jobs(context)
    if not _done(jobs.begin):
        yield
        return
    try:
        with stop.ending(jobs.end):
            yield
    finally:
        # A session that is gone has no tags.
        _done(jobs.leave)


def _context_of(session: Any) -> Any:
    """The Spark context of a classic session, None for Spark Connect, which has none."""
    try:
        return session.sparkContext
    except (AttributeError, NotImplementedError):
        return None


class _Jobs:
    """Jobs of a thread by a tag of the context: one of a classic session is known to no other thread."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._tag = _new_tag()

    def begin(self) -> None:
        self._context.addJobTag(self._tag)

    def end(self) -> None:
        self._context.cancelJobsWithTag(self._tag)

    def leave(self) -> None:
        self._context.removeJobTag(self._tag)


class _Operations:
    """Operations of a thread on Spark Connect.

    The server forgets an operation that is interrupted, and a job that it begins after that is one that nobody can end.
    So only those are interrupted of which it has told that tasks run; all of them where it tells nothing for a while.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._tag = _new_tag()
        self._thread = threading.get_ident()
        self._running: tuple[str, ...] = ()
        self._told = False
        self._asked: float | None = None

    def begin(self) -> None:
        self._session.addTag(self._tag)
        self._session.registerProgressHandler(self._hear)

    def end(self) -> None:
        self._asked = self._asked or monotonic()
        for operation in self._running:
            self._session.interruptOperation(operation)
        if not self._told and monotonic() - self._asked > _SILENCE:
            self._session.interruptTag(self._tag)

    def leave(self) -> None:
        self._session.removeProgressHandler(self._hear)
        self._session.removeTag(self._tag)

    def _hear(self, stages: object, inflight_tasks: int, operation_id: str | None, done: bool) -> None:
        """What the session tells, in the thread that waits for the operation."""
        if threading.get_ident() != self._thread or not operation_id:
            return
        self._told = self._told or not done
        others = tuple(each for each in self._running if each != operation_id)
        self._running = others if done or not inflight_tasks else (*others, operation_id)


def _new_tag() -> str:
    return f"lakepact-{uuid.uuid4().hex}"
