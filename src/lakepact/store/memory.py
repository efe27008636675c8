"""A journal in the memory of this process, for tests and for what needs no place."""

from __future__ import annotations

import threading

from lakepact.errors import ConfigurationError
from lakepact.store.encoding import sha256_of
from lakepact.store.model import Event

__all__ = ["MemoryJournal", "open_memory"]


class MemoryJournal:
    """Events and documents that are gone with the process. Threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[str, tuple[Event, ...]] = {}
        self._documents: dict[tuple[str, str, str], bytes] = {}

    @property
    def address(self) -> str:
        """`memory:`, by which every call of `open_store` opens an empty one."""
        return "memory:"

    def contract_ids(self) -> tuple[str, ...]:
        """The ids of all contracts that have an event, sorted."""
        with self._lock:
            return tuple(sorted(self._events))

    def events(self, contract_id: str) -> tuple[Event, ...]:
        """The events of a contract, in sequence; empty where there is none."""
        return self._events.get(contract_id, ())

    def all_events(self) -> dict[str, tuple[Event, ...]]:
        """The events of all contracts by id."""
        with self._lock:
            return dict(sorted(self._events.items()))

    def document(self, contract_id: str, version: str, sha256: str) -> bytes:
        """The bytes that were put under that hash. Raises ConfigurationError LP854 where there are none."""
        found = self._documents.get((contract_id, version, sha256))
        if found is None:
            message = f"{self.address} holds no bytes of '{contract_id}' {version} with the hash {sha256}"
            raise ConfigurationError(message, "LP854")
        return found

    def append(self, event: Event, document: bytes | None) -> bool:
        """Add `event`, with the bytes of a put; False where its number is taken."""
        with self._lock:
            before = self._events.get(event.contract_id, ())
            if event.sequence <= len(before):
                return False
            if document is not None:
                self._documents[event.contract_id, event.version, sha256_of(document)] = bytes(document)
            self._events[event.contract_id] = (*before, event)
            return True


def open_memory(_address: str) -> MemoryJournal:
    """An empty journal."""
    return MemoryJournal()
