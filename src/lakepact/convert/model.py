"""What a converter gives: a contract as plain data, and what it could not carry over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lakepact.errors import Problem

__all__ = ["Converted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """An ODCS v3.1.0 document as plain data, and every part of the source that it does not hold, with its place."""

    document: dict[str, Any]
    problems: tuple[Problem, ...] = ()
