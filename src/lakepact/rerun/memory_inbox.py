"""An inbox in the memory of this process, for tests and for trying things out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from lakepact.rerun.inbox import Purged
from lakepact.rerun.journaled import Clock, JournaledInbox, utc_now
from lakepact.rerun.records import Book, Draft, Record, purged_names

__all__ = ["MemoryInbox", "open_memory"]

_T = TypeVar("_T")


class MemoryInbox(JournaledInbox):
    """Events that are gone with the process. Threads may share one."""

    def __init__(self, *, clock: Clock = utc_now, max_attempts: int = 10) -> None:
        super().__init__(clock=clock, max_attempts=max_attempts)
        self._lock = threading.RLock()
        self._book = Book()
        self._records: dict[str, list[Record]] = {}

    @property
    def address(self) -> str:
        """`memory:`, by which every call of `open_inbox` opens an empty one."""
        return "memory:"

    def _transact(self, decide: Callable[[Draft], _T]) -> _T:
        with self._lock:
            draft = self._book.draft()
            found = decide(draft)
            self._book.add(draft.records)
            for record in draft.records:
                self._records.setdefault(record.key, []).append(record)
            return found

    def _view(self, read: Callable[[Book], _T]) -> _T:
        with self._lock:
            return read(self._book)

    def _remove(self, choose: Callable[[Book], Purged]) -> Purged:
        with self._lock:
            found = choose(self._book)
            names = purged_names(found)
            self._book.forget(names)
            for name in names:
                del self._records[name]
            return found

    def _records_of(self, delivery_id: str) -> Sequence[Record]:
        with self._lock:
            return tuple(self._records.get(delivery_id, ()))


def open_memory(_address: str) -> MemoryInbox:
    """An empty inbox."""
    return MemoryInbox()
