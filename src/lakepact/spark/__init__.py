"""Spark sessions: the one that is active, Databricks Connect, or a local one with Delta.

Nothing in here imports pyspark until a function is called.
"""

__all__: list[str] = []
