"""How a run tells what it is doing while it does it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "Silent"]


class Progress(Protocol):
    """Receives what a run is doing; the command line draws it on a terminal."""

    def phase(self, text: str) -> None:
        """A new phase of the run begins (`starting Spark`, `flights: running 12 flows`)."""

    def dataset(self, name: str, state: str, seconds: float) -> None:
        """A dataset has a new state (RUNNING, COMPLETED, FAILED, SKIPPED), `seconds` after the start of the update."""

    def close(self) -> None:
        """The run is over; nothing follows."""


class Silent:
    """Says nothing: for notebooks, tests and pipes."""

    def phase(self, text: str) -> None:
        """Do nothing."""

    def dataset(self, name: str, state: str, seconds: float) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
