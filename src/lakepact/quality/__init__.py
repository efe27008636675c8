"""Holding data against the rules of a contract, and what comes of it."""

__all__: list[str] = []
