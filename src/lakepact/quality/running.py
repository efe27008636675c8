"""Runs engines, side by side or one after the other, and lets none of them hold up or hide another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from lakepact.errors import LakepactError
from lakepact.quality.stopping import Stop, stoppable_jobs
from lakepact.results.model import RuleResult
from lakepact.spark.quiet import failure_text

__all__ = ["Outcome", "Task", "run_tasks"]

_STACK: Final = "\n\tat "


@dataclass(frozen=True, slots=True)
class Task:
    """The evaluation by one engine, and what ends it. `session` is that of Spark in which it runs, None without."""

    name: str
    evaluate: Callable[[], tuple[RuleResult, ...]]
    stop: Stop = field(default_factory=Stop)
    session: Any = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an engine gave, in how long; or why it gave nothing."""

    results: tuple[RuleResult, ...]
    seconds: float
    fault: str = ""


def run_tasks(tasks: Sequence[Task], *, seconds: float | None, parallel: bool) -> list[Outcome]:
    """The outcome of each task, in their order. A task that takes longer than `seconds` is given up.

    What was given up is not heard any more, and its queries are ended. Its thread, which does not keep the process
    alive, goes on only where it computes without a query.
    """
    if parallel:
        started = [_started(task) for task in tasks]
        return [_outcome(task, run, seconds) for task, run in zip(tasks, started, strict=True)]
    return [_outcome(task, _started(task), seconds) for task in tasks]


@dataclass(slots=True)
class _Run:
    future: Future[tuple[RuleResult, ...]]
    thread: threading.Thread
    began: float
    ended: float | None = None


def _started(task: Task) -> _Run:
    def work() -> None:
        found: Any = None
        fault: Exception | None = None
        try:
            with stoppable_jobs(task.stop, task.session):
                found = tuple(task.evaluate())
        except Exception as error:  # an engine is somebody else's code: whatever it raises is told with its rules
            fault = error
        run.ended = monotonic()
        if fault is not None:
            run.future.set_exception(fault)
        else:
            run.future.set_result(found)

    # What surrounds the call holds in the thread too.
    surrounded = copy_context()
    thread = threading.Thread(target=lambda: surrounded.run(work), name=f"lakepact-{task.name}", daemon=True)
    run = _Run(Future(), thread, monotonic())
    thread.start()
    return run


def _outcome(task: Task, run: _Run, seconds: float | None) -> Outcome:
    left = None if seconds is None else max(run.began + seconds - monotonic(), 0.0)
    wait((run.future,), timeout=left)
    if not run.future.done():
        task.stop.end(run.thread)
        return Outcome((), monotonic() - run.began, f"the engine {task.name} gave no answer within {seconds:g} seconds")
    spent = (run.ended or monotonic()) - run.began
    error = run.future.exception()
    if error is None:
        return Outcome(run.future.result(), spent)
    if isinstance(error, LakepactError):
        hint = f"; {error.hint}" if error.hint else ""
        return Outcome((), spent, f"{error.message}{hint}")
    # The stack of Java says nothing to those who read results.
    said = str(error) if _STACK not in str(error) else failure_text(error)
    text = " ".join(said.split())[:500]
    return Outcome((), spent, f"the engine {task.name} failed: {type(error).__name__}{f': {text}' if text else ''}")
