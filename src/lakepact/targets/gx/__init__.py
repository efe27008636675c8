"""Suites for Great Expectations 1.x, as JSON."""

from lakepact.targets.gx.render import GxSuite, render

__all__ = ["GxSuite", "render"]
