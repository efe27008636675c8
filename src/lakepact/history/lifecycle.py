"""What the status of a contract promises: whether others may rely on it, and whether it may be removed."""

from __future__ import annotations

from typing import Final

from lakepact.contract import Contract
from lakepact.contract.statuses import DRAFT_STATUSES, plain_status
from lakepact.diff.model import Level

__all__ = ["REMOVAL_PATH", "is_published", "removal_level"]

REMOVAL_PATH: Final = "contract"
"""The path by which a waiver speaks of the removal of a whole contract."""


def is_published(contract: Contract) -> bool:
    """Whether others may rely on that version: every status, or none, but those of drafts.

    >>> from lakepact.contract import load_contract
    >>> text = b"apiVersion: v3.2.0\\nkind: DataContract\\nid: orders\\nversion: 1.0.0\\nstatus: Draft\\n"
    >>> is_published(load_contract(text))
    False
    """
    return plain_status(contract.status) not in DRAFT_STATUSES


def removal_level(contract: Contract | None) -> Level:
    """How large a change it is to remove a contract: major, unless it is retired or was never published.

    None is a contract that cannot be read, on which somebody may rely all the same.
    """
    harmless = contract is not None and (plain_status(contract.status) == "retired" or not is_published(contract))
    return Level.NONE if harmless else Level.MAJOR
