"""Renderings of a plan or a contract, one folder an output."""

__all__: list[str] = []
