"""What the status of a contract promises: whether others may rely on it, and whether it may be removed."""

from __future__ import annotations

from typing import Final

from lakepact.contract import Contract
from lakepact.diff.model import Level

__all__ = ["REMOVAL_PATH", "is_published", "removal_level"]

_UNPUBLISHED: Final = frozenset({"draft", "proposed", "development", "in development", "pending"})

REMOVAL_PATH: Final = "contract"
"""The path by which a waiver speaks of the removal of a whole contract."""


def is_published(contract: Contract) -> bool:
    """Whether others may rely on that version: every status, or none, but those of drafts.

    >>> from lakepact.contract import load_contract
    >>> text = b"apiVersion: v3.2.0\\nkind: DataContract\\nid: orders\\nversion: 1.0.0\\nstatus: Draft\\n"
    >>> is_published(load_contract(text))
    False
    """
    return _status(contract) not in _UNPUBLISHED


def removal_level(contract: Contract | None) -> Level:
    """How large a change it is to remove a contract: major, unless it is retired or was never published.

    None is a contract that cannot be read, on which somebody may rely all the same.
    """
    harmless = contract is not None and (_status(contract) == "retired" or not is_published(contract))
    return Level.NONE if harmless else Level.MAJOR


def _status(contract: Contract) -> str:
    return (contract.status or "").strip().casefold()
