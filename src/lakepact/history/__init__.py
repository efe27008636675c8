"""Contracts over time: references into Git, folder layouts, the history of one contract, and the gate."""

from __future__ import annotations

__all__: list[str] = []
