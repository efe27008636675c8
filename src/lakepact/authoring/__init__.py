"""New contracts, upgrades between versions of the standard, and version bumps."""

from __future__ import annotations

__all__: list[str] = []
