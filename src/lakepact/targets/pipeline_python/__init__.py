"""Pipelines as Python source."""

from lakepact.targets.pipeline_python.render import render

__all__ = ["render"]
