"""The statuses that a document may give itself; the standard leaves the text free and names these."""

from __future__ import annotations

from typing import Final

__all__ = ["DRAFT_STATUSES", "STATUSES", "plain_status"]

STATUSES: Final = ("proposed", "draft", "active", "deprecated", "retired")
"""The statuses that the standard names, in the order of a contract's life."""

DRAFT_STATUSES: Final = frozenset({"draft", "proposed", "development", "in development", "pending"})
"""The statuses, as `plain_status` gives them, by which nobody may rely on a version yet."""


def plain_status(text: str | None) -> str:
    """A status without regard to case and to space around it; empty where there is none.

    >>> plain_status(" Draft"), plain_status(None)
    ('draft', '')
    """
    return (text or "").strip().casefold()
