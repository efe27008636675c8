"""Compares two contracts by what they mean, and says which version the difference asks for."""

from __future__ import annotations

__all__: list[str] = []
