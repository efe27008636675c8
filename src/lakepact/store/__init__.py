"""Every version of every contract, with its lifecycle and its audit trail, wherever a team keeps them."""

from __future__ import annotations

__all__: list[str] = []
