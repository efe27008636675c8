"""Contracts from other formats, and from what teams already have."""

from __future__ import annotations

__all__: list[str] = []
