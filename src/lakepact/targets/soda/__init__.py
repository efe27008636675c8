"""Contracts for Soda 4, as YAML."""

from lakepact.targets.soda.render import SodaContract, render

__all__ = ["SodaContract", "render"]
