"""lakepact: ODCS data contracts become running Lakeflow / Delta Live Tables pipelines.

Importing this package loads neither pyspark nor pandas nor any SDK; each optional library is imported by the one
module that needs it.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
