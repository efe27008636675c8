"""Renderings of a plan or a contract, one folder an output."""
