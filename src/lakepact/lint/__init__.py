"""Everything that is wrong with a contract or will surprise its users, in one pass."""

from __future__ import annotations

__all__: list[str] = []
