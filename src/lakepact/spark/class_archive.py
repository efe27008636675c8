"""An archive of the classes that Spark loads, from which Java starts in about half the time.

Java writes it when a process ends that was started for that, and reads it where the next ones start with the same Java
and class path (dynamic archives of class data sharing, JEP 350). An archive that does not fit, Java leaves alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from lakepact.errors import EnvironmentLacking
from lakepact.spark.environment import cache_folder
from lakepact.spark.java import Java

__all__ = ["archive_option", "class_archive", "is_written", "make_class_archive"]

# Where the process that this one starts is to write an archive.
_WRITTEN: Final = "LAKEPACT_CLASS_ARCHIVE_TO_WRITE"
_SECONDS: Final = 900
# Each environment has its own: their jars lie in other places.
_KEPT: Final = 3


def class_archive(java: Java, jars: Sequence[Path]) -> Path:
    """The place of the archive for this Java with pyspark's jars and `jars`, whether there is one or not."""
    import pyspark

    shipped = sorted((Path(pyspark.__file__).parent / "jars").glob("*.jar"))
    parts = [*_identity([java.executable.resolve(), java.home / "release"]), *_identity(jars), *_identity(shipped)]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return cache_folder() / "classes" / f"{key}.jsa"


def archive_option(java: Java, jars: Sequence[Path]) -> str:
    """Java's option to use the archive, or to write one where this process was started for that; '' without one."""
    if place := os.environ.get(_WRITTEN):
        return f'"-XX:ArchiveClassesAtExit={place}"'
    archive = class_archive(java, jars)
    return f'"-XX:SharedArchiveFile={archive}"' if archive.is_file() else ""


def is_written() -> bool:
    """Whether the Java of this process writes an archive when it ends, which takes it a while."""
    return bool(os.environ.get(_WRITTEN))


def make_class_archive(java: Java, jars: Sequence[Path], work: Sequence[str]) -> Path:
    """The archive of what the command `work` loads, made where there is none; `work` opens a local session.

    Of many archives the last three are kept. Raises EnvironmentLacking LP605 where the command fails, with its last
    words, or where Java writes none.
    """
    archive = class_archive(java, jars)
    if archive.is_file():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    # Whoever reads it never sees half of one; of two who write at once, the last one's stays.
    staging = archive.with_name(f".{archive.stem}-{os.getpid()}.jsa")
    try:
        ended = subprocess.run(
            work,
            env={**os.environ, _WRITTEN: str(staging)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if ended.returncode or not staging.is_file():
            raise _not_made((ended.stderr.strip().splitlines() or ["Java wrote nothing"])[-1])
        staging.replace(archive)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _not_made(str(error)) from error
    finally:
        with contextlib.suppress(OSError):
            staging.unlink(missing_ok=True)
    written = sorted(archive.parent.glob("[!.]*.jsa"), key=lambda each: each.stat().st_mtime)
    for old in written[:-_KEPT]:
        # One that is in use stays where the system does not let it go.
        with contextlib.suppress(OSError):
            old.unlink()
    return archive


def _identity(files: Iterable[Path]) -> list[str]:
    """What Java compares of each file: its path, size and time."""
    found = []
    for file in files:
        with contextlib.suppress(OSError):
            stat = file.stat()
            found.append(f"{file}:{stat.st_size}:{stat.st_mtime_ns}")
    return found


def _not_made(why: str) -> EnvironmentLacking:
    return EnvironmentLacking(
        message=f"the archive of Java's classes was not made: {why}",
        code="LP605",
        hint="runs work without it; `lakepact doctor` shows what this machine lacks",
    )
