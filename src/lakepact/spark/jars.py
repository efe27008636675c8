"""The Delta Lake jars for local Spark: resolved once through Maven Central, afterwards taken from the user's cache.

The coordinates are delta-spark's own (`configure_spark_with_delta_pip`). Of the 33 jars they resolve to, pyspark
already ships all but Delta's and Unity Catalog's; only those are fetched (13 MB in place of 87), and no second Jackson
or Parquet comes near Spark's own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from lakepact.errors import EnvironmentLacking, ExtraMissing
from lakepact.spark.environment import cache_folder

__all__ = ["SHIPPED_WITH_SPARK", "cached_delta_jars", "delta_coordinates", "delta_jars", "keep_jars"]

SHIPPED_WITH_SPARK = (
    "com.fasterxml.jackson.core",
    "com.fasterxml.jackson.datatype",
    "com.github.luben",
    "com.google.code.findbugs",
    "commons-logging",
    "commons-pool",
    "io.airlift",
    "javax.annotation",
    "org.apache.hadoop",
    "org.apache.logging.log4j",
    "org.apache.parquet",
    "org.locationtech.jts",
    "org.roaringbitmap",
    "org.slf4j",
    "org.xerial.snappy",
)

_DELTA = "delta-spark_"

Resolve = Callable[[str], Sequence[Path]]


def delta_coordinates() -> str:
    """The Maven coordinates of Delta for the installed pyspark and delta-spark.

    Raises ExtraMissing (LP602) when one of them is not installed.
    """
    spark_version = _installed("pyspark")
    delta_version = _installed("delta-spark")
    minor = ".".join(spark_version.split(".")[:2])
    return f"io.delta:delta-spark_{minor}_2.13:{delta_version}"


def delta_jars(resolve: Resolve) -> tuple[Path, ...]:
    """The jars to put on Spark's class path, from `$LAKEPACT_JARS` or the cache; fetched by `resolve` the first time.

    `resolve` gets the coordinates and gives the jars it has put on this machine. Raises EnvironmentLacking (LP604),
    naming the coordinates, when there are no jars and they cannot be fetched.
    """
    coordinates = delta_coordinates()
    cached = cached_delta_jars(coordinates)
    if cached:
        return cached
    try:
        resolved = resolve(coordinates)
    except EnvironmentLacking as error:
        raise _unavailable(coordinates, _reason(error)) from None
    return keep_jars(resolved, _cache_of(coordinates), coordinates)


def cached_delta_jars(coordinates: str) -> tuple[Path, ...]:
    """The jars that are already on this machine; empty when they are yet to be fetched.

    Raises EnvironmentLacking (LP604) when `$LAKEPACT_JARS` is set and holds no Delta.
    """
    given = os.environ.get("LAKEPACT_JARS")
    if not given:
        return _jars_in(_cache_of(coordinates))
    jars = tuple(sorted(Path(given).glob("*.jar")))
    if not _has_delta(jars):
        raise _unavailable(coordinates, f"LAKEPACT_JARS={given} holds no delta-spark jar")
    return jars


def keep_jars(resolved: Sequence[Path], cache: Path, coordinates: str) -> tuple[Path, ...]:
    """Copy the resolved jars into the folder `cache`, all of them or none, and give the copies.

    Another process may do the same at the same time: whoever is second uses the copies of the first.
    """
    if not _has_delta(resolved):
        raise _unavailable(coordinates, "the resolver gave no delta-spark jar")
    cache.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{cache.name}-", dir=cache.parent))
    try:
        for jar in resolved:
            shutil.copy2(jar, staging / jar.name)
        # A rename is atomic, so a half-filled folder is never taken for a full one.
        staging.chmod(0o755)
        staging.rename(cache)
    except OSError as error:
        if not _jars_in(cache):
            raise _unavailable(coordinates, f"cannot write {cache}: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _jars_in(cache)


def _cache_of(coordinates: str) -> Path:
    return cache_folder() / "jars" / coordinates.replace(":", "_")


def _jars_in(folder: Path) -> tuple[Path, ...]:
    jars = tuple(sorted(folder.glob("*.jar")))
    return jars if _has_delta(jars) else ()


def _has_delta(jars: Sequence[Path]) -> bool:
    return any(_DELTA in jar.name for jar in jars)


def _reason(error: EnvironmentLacking) -> str:
    log = error.facts.get("log")
    lines = [str(line).strip() for line in log] if isinstance(log, tuple) else []
    telling = [line for line in lines if "not found" in line or "Exception" in line or "ERROR" in line]
    return telling[0] if telling else error.message


def _installed(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        raise ExtraMissing(
            message=f"{distribution} is not installed",
            code="LP602",
            hint="pip install 'lakepact[local]'",
            facts={"distribution": distribution, "extra": "local"},
        ) from None


def _unavailable(coordinates: str, why: str) -> EnvironmentLacking:
    return EnvironmentLacking(
        message=f"the Delta Lake jars {coordinates} cannot be fetched ({why})",
        code="LP604",
        hint="connect to a Maven repository once, or set LAKEPACT_JARS to a folder that holds these jars",
        facts={"coordinates": coordinates},
    )
