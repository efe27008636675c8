"""Where events and documents are kept: the one thing that differs between the stores.

A journal appends and reads; what may be appended is decided by `JournalStore`, once for all of them.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from lakepact.errors import Problem
from lakepact.store.model import Event

__all__ = ["Journal", "ReportsDamage"]


class Journal(Protocol):
    """Events and documents of many contracts. Ids and versions are any text; documents are bytes and come back equal.

    Every method raises RemoteFailed or ConfigurationError (LP85x) where the place cannot be reached, or holds something
    that is not readable; what is damaged in one contract never hides the others.
    """

    @property
    def address(self) -> str:
        """The address that `open_store` opens this place by, without secrets."""
        ...

    def contract_ids(self) -> tuple[str, ...]:
        """The ids of all contracts that have an event, sorted."""
        ...

    def events(self, contract_id: str) -> tuple[Event, ...]:
        """The events of a contract, in sequence; empty where there is none."""
        ...

    def all_events(self) -> dict[str, tuple[Event, ...]]:
        """The events of all contracts by id: what search and lists read, in as few requests as the place allows."""
        ...

    def document(self, contract_id: str, version: str, sha256: str) -> bytes:
        """The bytes that were put under that hash. Raises where they are gone or no longer have that hash."""
        ...

    def append(self, event: Event, document: bytes | None) -> bool:
        """Add `event`, with the bytes of a put, as one atomic and durable step.

        False, and nothing is written, where the contract already has an event of that sequence number: another writer
        was first. A writer that is killed leaves either the whole event or nothing that readers see.
        """
        ...


@runtime_checkable
class ReportsDamage(Protocol):
    """What a journal has beside, where parts of it can be damaged and the rest is served."""

    def damaged(self) -> tuple[Problem, ...]:
        """Everything that it holds and that cannot be read, each a problem LP854 that names the place."""
        ...
