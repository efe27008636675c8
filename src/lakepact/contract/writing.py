"""Writes a contract that has no text of its own yet: plain data to YAML, in the order of the standard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["write_document"]


def write_document(document: Mapping[str, Any]) -> bytes:
    """The document as YAML: keys in the order of the standard, text quoted where a reader could take it for something else."""
    raise NotImplementedError
