"""What can be asked of a data frame on any kind of session."""

from __future__ import annotations

from typing import Any

__all__ = ["is_deterministic", "session_of"]


def session_of(frame: Any) -> Any:
    """The session that the frame belongs to."""
    return frame.sparkSession


def is_deterministic(frame: Any) -> bool | None:
    """Whether the frame gives the same rows each time it is computed from the same tables; None where nobody can tell.

    Only a classic session tells; Spark Connect keeps its plans to itself.
    """
    plan = getattr(frame, "_jdf", None)
    if plan is None:
        return None
    return bool(plan.queryExecution().analyzed().deterministic())
