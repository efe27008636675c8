"""Contracts in a pipeline that is running: its datasets, defined through `pyspark.pipelines`."""

from lakepact.pipeline.define import define_datasets
from lakepact.pipeline.register import register

__all__ = ["define_datasets", "register"]
