"""Starts the job that works off the inbox when a notice was kept: soon, once for many, and never at anybody's cost.

It is a courtesy. A start that fails is logged and forgotten, for whoever polls starts the job all the same.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from lakepact.errors import ExtraMissing

__all__ = ["JobStarter", "StartFailed", "databricks_job"]

_LOG: Final = logging.getLogger("lakepact.webhook")
_ANSWER_SECONDS: Final = 10
_REPEAT_SECONDS: Final = 20


class StartFailed(Exception):
    """The job could not be started; the text says why."""


class JobStarter:
    """Calls `start` after somebody has called this object, in a thread of its own.

    Who calls never waits and never sees an error. Calls within `gathering` seconds are one start, and between two
    starts are `apart` seconds; a call after a start has begun is followed by another one, because the job may have
    looked already. `start` raises StartFailed where it cannot.
    """

    def __init__(self, start: Callable[[], object], *, gathering: float = 1.0, apart: float = 15.0) -> None:
        self._start = start
        self._gathering = gathering
        self._apart = apart
        self._asked = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __call__(self) -> None:
        """Ask for a start."""
        self._asked.set()
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                thread = threading.Thread(target=self._work, name="lakepact-job-start", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    _LOG.error("the job is not started: %s", error)
                else:
                    self._thread = thread

    def close(self) -> None:
        """End; what was asked for and has not begun is left to whoever polls."""
        self._ended.set()
        self._asked.set()
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout=_ANSWER_SECONDS)

    def _work(self) -> None:
        while not self._ended.is_set():
            self._asked.wait()
            if self._ended.wait(self._gathering):
                return
            self._asked.clear()
            try:
                self._start()
            except StartFailed as error:
                _LOG.error("the job is not started, and waits for its schedule: %s", error)
            if self._ended.wait(self._apart):
                return


def databricks_job(job_id: int, *, client: Any = None) -> Callable[[], None]:
    """What starts the job of that id in the workspace; `client` is a WorkspaceClient (default: as the SDK finds it).

    Raises ExtraMissing LP947 where databricks-sdk is not installed.
    """
    try:
        from databricks.sdk.errors.base import DatabricksError
    except ImportError as missing:
        hint = "pip install 'lakepact[databricks]'"
        raise ExtraMissing("databricks-sdk is not installed", "LP947", hint) from missing
    from lakepact.workspace_login import NoLogin, workspace_client

    kept = client

    def start() -> None:
        nonlocal kept
        try:
            if kept is None:
                kept = workspace_client(answer_seconds=_ANSWER_SECONDS, repeat_seconds=_REPEAT_SECONDS)
            run = kept.jobs.run_now(job_id)
        except (DatabricksError, NoLogin, OSError, ValueError) as error:
            # To a refusal the SDK adds how it is set up.
            raise StartFailed(str(error).partition(" Config: ")[0].strip() or type(error).__name__) from error
        _LOG.info("job %s: run %s is started", job_id, run.run_id)

    return start
