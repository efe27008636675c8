"""Which Spark this Python has: pyspark for the local engine, or databricks-connect, which ships its own pyspark.

Both at once overwrite each other's files, so that is detected and explained rather than left to fail somewhere inside.
"""

from __future__ import annotations

import os
from importlib import metadata
from typing import Any

from lakepact.errors import EnvironmentLacking, ExtraMissing

__all__ = ["active_session", "require_local_pyspark", "spark_distributions"]

_CONFIGURED_BY = ("DATABRICKS_HOST", "DATABRICKS_CONFIG_PROFILE", "SPARK_REMOTE")


def spark_distributions() -> tuple[str, ...]:
    """The installed distributions that provide the module `pyspark`, with their versions, sorted by name."""
    found: list[str] = []
    for name in ("databricks-connect", "pyspark", "pyspark-client"):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)


def require_local_pyspark() -> None:
    """Raise unless pyspark itself is installed, and alone.

    ExtraMissing (LP602) without it, EnvironmentLacking (LP603) when databricks-connect is installed as well or instead.
    """
    found = spark_distributions()
    has_connect = any(entry.startswith("databricks-connect ") for entry in found)
    has_pyspark = any(entry.startswith("pyspark ") for entry in found)
    if has_connect:
        raise _shadowed(found, both=has_pyspark)
    if not has_pyspark:
        raise _pyspark_missing()


def active_session() -> Any:
    """The Spark session to use when none was given.

    In this order: the session that is active (a notebook, a job, an open local session); Databricks Connect when it is
    installed and configured. Raises EnvironmentLacking (LP607) when there is neither, ExtraMissing (LP602) without
    pyspark.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise _pyspark_missing() from None
    session = SparkSession.getActiveSession()
    if session is not None:
        return session
    if _connect_is_configured():
        from databricks.connect import DatabricksSession

        return DatabricksSession.builder.getOrCreate()
    raise EnvironmentLacking(
        message="no Spark session is active in this process",
        code="LP607",
        hint="open one with lakepact.spark.session.open_local_session, or configure Databricks Connect "
        "(DATABRICKS_HOST or DATABRICKS_CONFIG_PROFILE)",
    )


def _connect_is_configured() -> bool:
    installed = any(entry.startswith("databricks-connect ") for entry in spark_distributions())
    return installed and any(os.environ.get(name) for name in _CONFIGURED_BY)


def _pyspark_missing() -> ExtraMissing:
    return ExtraMissing(
        message="pyspark is not installed",
        code="LP602",
        hint="pip install 'lakepact[local]'",
        facts={"distribution": "pyspark", "extra": "local"},
    )


def _shadowed(found: tuple[str, ...], *, both: bool) -> EnvironmentLacking:
    how = "and pyspark overwrite each other's files" if both else "takes the place of pyspark and cannot run Spark here"
    return EnvironmentLacking(
        message=f"databricks-connect {how} (installed: {', '.join(found)})",
        code="LP603",
        hint="use one environment for lakepact[local] and another for lakepact[connect]; to mend this one: "
        "pip uninstall -y databricks-connect pyspark && pip install 'lakepact[local]'",
        facts={"installed": found},
    )
