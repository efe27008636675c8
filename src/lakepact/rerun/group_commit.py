"""Many threads that write at once share one commit: each waits until what it wrote is kept, and none waits for two."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lakepact.errors import LakepactError
from lakepact.rerun.records import Draft

__all__ = ["GroupCommit", "Waiting"]

_T = TypeVar("_T")


@dataclass(eq=False, slots=True)
class Waiting(Generic[_T]):
    """What one thread wants to decide, and what became of it: a result, or an error."""

    decide: Callable[[Draft], _T]
    result: _T | None = None
    error: BaseException | None = None
    wrote: bool = False
    woken: threading.Event = field(default_factory=threading.Event)
    leads: bool = False

    def try_on(self, draft: Draft) -> None:
        """Decide on a draft, anew where it was decided before."""
        before = len(draft.records)
        self.result, self.error = None, None
        try:
            self.result = self.decide(draft)
        except LakepactError as error:
            # The thread that wanted it is told, not the one that commits for all.
            self.error = error
        self.wrote = len(draft.records) > before


class GroupCommit:
    """Hands what threads want to `commit`, all that came while it was at work together, in the order of their coming.

    `commit` decides each (`Waiting.try_on`), writes, and returns when that is kept; what it raises, all of them get.
    Between two commits are `gathering` seconds at least: who comes alone does not wait, who comes in a crowd shares.
    The pause is longer where commits are so fast that who comes at the wrong moment has its answer within `soon`
    seconds all the same: fewer commits cost less.
    """

    def __init__(
        self, commit: Callable[[list[Waiting[object]]], None], *, gathering: float = 0.0, soon: float = 0.0
    ) -> None:
        self._commit = commit
        self._gathering = gathering
        self._soon = soon
        self._again_at = 0.0
        self._lock = threading.Lock()
        self._queue: list[Waiting[object]] = []
        self._led = False

    def run(self, decide: Callable[[Draft], _T]) -> _T:
        """What `decide` gave, once it is kept; or what it raised."""
        waiting: Waiting[object] = Waiting(decide)
        with self._lock:
            self._queue.append(waiting)
            leads, self._led = not self._led, True
        if not leads:
            leads = self._led_by_others(waiting)
        if leads:
            self._lead()
        if waiting.error is not None:
            raise waiting.error
        return waiting.result  # type: ignore[return-value]

    def _led_by_others(self, waiting: Waiting[object]) -> bool:
        """Wait for an answer; whether there is none yet, and this thread is to lead."""
        try:
            waiting.woken.wait()
        except BaseException:
            # An interrupt: the others must not wait for one who is gone.
            with self._lock:
                if waiting in self._queue and not waiting.leads:
                    self._queue.remove(waiting)
            if waiting.leads:
                self._lead()
            raise
        return waiting.leads

    def _lead(self) -> None:
        """Commit all that waits, this thread's own among it; then the next in line leads: this one has its answer."""
        batch: list[Waiting[object]] = []
        began = time.monotonic()
        try:
            time.sleep(max(self._again_at - began, 0))
            began = time.monotonic()
            batch = self._taken()
            self._commit(batch)
        except BaseException as error:
            batch = batch or self._taken()
            for each in batch:
                each.error = error
            raise
        finally:
            ended = time.monotonic()
            # Who came just after it began waits for its end, the pause, and the next one.
            self._again_at = ended + max(self._gathering, self._soon - 2 * (ended - began))
            with self._lock:
                self._led = bool(self._queue)
                if self._queue:
                    self._queue[0].leads = True
                    self._queue[0].woken.set()
            for each in batch:
                each.woken.set()

    def _taken(self) -> list[Waiting[object]]:
        with self._lock:
            batch, self._queue = self._queue, []
        return batch
