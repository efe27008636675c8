"""Collibra, where stewards approve: client, gateways, store and feedback."""

__all__: list[str] = []
