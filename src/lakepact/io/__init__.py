"""Reads and writes of data under a contract."""

__all__: list[str] = []
