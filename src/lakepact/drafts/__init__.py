"""Drafts: proposals to change a contract, made from what was seen in the data."""

__all__: list[str] = []
