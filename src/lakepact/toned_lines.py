"""Lines of a report in pieces with tones: a terminal draws them in colours, a pipe gets the text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Line", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line. `tone` says how a terminal may draw it: '', `title`, `good`, `bad`, `warn` or `dim`."""

    text: str
    tone: str = ""


Line = tuple[Span, ...]
"""The pieces of one line, from left to right."""
