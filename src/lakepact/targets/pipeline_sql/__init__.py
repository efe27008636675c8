"""Pipelines as SQL source."""

from lakepact.targets.pipeline_sql.render import render

__all__ = ["render"]
