"""An inbox in a place that others write to as well: it decides on what it knows, and writes where nothing came between.

What many threads of a process want at the same time is decided together and written at once.
"""

from __future__ import annotations

import random
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lakepact.errors import RemoteFailed
from lakepact.rerun.group_commit import GroupCommit, Waiting
from lakepact.rerun.inbox import Purged
from lakepact.rerun.journaled import Clock, JournaledInbox
from lakepact.rerun.records import Book, Draft, Record

__all__ = ["OptimisticInbox", "Patience"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How an inbox waits: for others to share a commit (`gathering`, `soon`, see `GroupCommit`), and for its turn.

    Of `attempts` each fails only because another writer succeeded; between two it waits a little, `pause` seconds at
    most and more the more have failed. `wait` is what waits.
    """

    attempts: int
    pause: float
    gathering: float = 0.0
    soon: float = 0.0
    wait: Callable[[float], None] = time.sleep


class OptimisticInbox(JournaledInbox):
    """An inbox over a book that may be behind what the place holds. A subclass reads and writes the place.

    `_book` and what a subclass keeps beside it are used only by who holds `_lock`.
    """

    def __init__(self, patience: Patience, *, clock: Clock, max_attempts: int) -> None:
        super().__init__(clock=clock, max_attempts=max_attempts)
        self._patience = patience
        self._lock = threading.RLock()
        self._book = Book()
        self._group = GroupCommit(self._commit, gathering=patience.gathering, soon=patience.soon)

    @property
    @abstractmethod
    def address(self) -> str:
        """The address that `open_inbox` opens this place by."""

    @abstractmethod
    def _refresh(self) -> None:
        """Bring the book to what the place holds now."""

    @abstractmethod
    def _is_lost(self) -> bool:
        """Whether the book is known to be behind, so that nothing may be decided on it."""

    @abstractmethod
    def _proves(self, records: Sequence[Record]) -> bool:
        """Whether these can be written only where the book was not behind."""

    @abstractmethod
    def _committed(self, records: list[Record]) -> bool:
        """Write all records, to the place and the book; False, and none, where another writer came between."""

    @abstractmethod
    def _deleted(self, purged: Purged) -> bool:
        """Remove what the book has of these, from the place and the book; False where another writer came between."""

    def _transact(self, decide: Callable[[Draft], _T]) -> _T:
        return self._group.run(decide)

    def _view(self, read: Callable[[Book], _T]) -> _T:
        with self._lock:
            self._refresh()
            return read(self._book)

    def _commit(self, batch: list[Waiting[object]]) -> None:
        """Decide and write for all that wait; return when it is kept."""
        fresh = False

        def attempt() -> bool:
            nonlocal fresh
            if not fresh and not self._is_lost():
                draft = self._decided(batch)
                # What was decided on an old book counts only where the write proves that it is not old.
                if all(waiting.wrote for waiting in batch) and self._proves(draft.records):
                    fresh = True
                    return self._committed(draft.records)
            fresh = True
            self._refresh()
            draft = self._decided(batch)
            return not draft.records or self._committed(draft.records)

        self._until_done(attempt)

    def _remove(self, choose: Callable[[Book], Purged]) -> Purged:
        found = Purged()

        def attempt() -> bool:
            nonlocal found
            self._refresh()
            found = choose(self._book)
            return not found or self._deleted(found)

        self._until_done(attempt)
        return found

    def _decided(self, batch: list[Waiting[object]]) -> Draft:
        draft = self._book.draft()
        for waiting in batch:
            waiting.try_on(draft)
        return draft

    def _until_done(self, attempt: Callable[[], bool]) -> None:
        """Try until nobody came between. Raises RemoteFailed LP935 where that never is."""
        for number in range(self._patience.attempts):
            with self._lock:
                if attempt():
                    return
            self._patience.wait(random.uniform(0, self._patience.pause * min(number + 1, 20)))
        raise RemoteFailed(f"{self.address} is changed by too many writers at once", "LP935", "try again later")
