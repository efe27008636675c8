"""The one Java process of this Python process: how it is launched, kept quiet and ended.

Its output goes to a log file, never to the terminal; when it does not come up, the end of that file is in the error.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from lakepact.errors import EnvironmentLacking
from lakepact.spark.class_archive import is_written
from lakepact.spark.environment import ScopedEnvironment
from lakepact.spark.java import Java

__all__ = ["Jvm", "launch_jvm", "logging_option", "resolve_packages"]

_END_SECONDS = 20
# For one that writes an archive of its classes.
_WRITING_SECONDS = 600
_SET_BY_PYSPARK = ("SPARK_AUTH_SOCKET_TIMEOUT", "SPARK_BUFFER_SIZE")
_LOG_LINES = 12


class Jvm:
    """A running Java process with py4j's gateway to it."""

    def __init__(self, *, gateway: Any, log: Path, environment: ScopedEnvironment) -> None:
        self.gateway = gateway
        self.log = log
        self._environment = environment

    @property
    def running(self) -> bool:
        """Whether the process is there; it is not after a kill, nor after running out of memory."""
        return bool(self.gateway.proc.poll() is None)

    def stop(self) -> None:
        """End the process, wait for it, remove its log file and put the environment variables back."""
        from pyspark import SparkContext

        with contextlib.suppress(OSError):
            self.gateway.shutdown()
        process: subprocess.Popen[bytes] = self.gateway.proc
        if process.stdin is not None:
            # The gateway ends itself when its input ends.
            process.stdin.close()
        try:
            process.wait(_WRITING_SECONDS if is_written() else _END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if SparkContext._gateway is self.gateway:
            SparkContext._gateway = None
            SparkContext._jvm = None
        self._environment.restore()
        self.log.unlink(missing_ok=True)


def launch_jvm(*, java: Java, conf: Mapping[str, str], environment: Mapping[str, str | None]) -> Jvm:
    """Start Java with Spark's class path and these settings, and connect to it.

    Raises EnvironmentLacking (LP605) with the end of the log when it does not come up.
    """
    from pyspark import SparkConf, java_gateway
    from pyspark.errors import PySparkRuntimeError

    launch: Callable[..., Any] = java_gateway.launch_gateway
    scope = ScopedEnvironment()
    scope.watch(_SET_BY_PYSPARK)
    scope.set({**_environment(java), **environment})
    spark_conf = SparkConf(loadDefaults=False)
    for key, value in conf.items():
        spark_conf.set(key, value)
    handle, name = tempfile.mkstemp(prefix="lakepact-spark-", suffix=".log")
    log = Path(name)
    try:
        gateway = launch(spark_conf, {"stdout": handle, "stderr": handle})
    except (PySparkRuntimeError, OSError) as error:
        scope.restore()
        raise _not_up(log, error) from None
    except BaseException:
        scope.restore()
        log.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    return Jvm(gateway=gateway, log=log, environment=scope)


def resolve_packages(coordinates: str, *, java: Java, without: Sequence[str] = ()) -> tuple[Path, ...]:
    """Download packages with their dependencies through Spark's own resolver (Ivy), and give the jars.

    Artifacts of the groups in `without` are left out. Raises EnvironmentLacking (LP605) with what the resolver said.
    """
    conf = {"spark.jars.packages": coordinates, "spark.jars.excludes": ",".join(f"{group}:*" for group in without)}
    jvm = launch_jvm(java=java, conf=conf, environment={})
    try:
        resolved = str(jvm.gateway.jvm.System.getProperty("spark.jars") or "")
    finally:
        jvm.stop()
    return tuple(Path(entry.removeprefix("file:")) for entry in resolved.split(",") if entry)


def logging_option() -> str:
    """The Java option that points Log4j at the configuration lakepact ships."""
    with resources.as_file(resources.files("lakepact.spark") / "log4j2.properties") as file:
        return f'"-Dlog4j2.configurationFile={file.as_uri()}"'


def _environment(java: Java) -> dict[str, str | None]:
    import pyspark

    return {
        "JAVA_HOME": str(java.home),
        # Another Spark on this machine would be launched in place of the installed pyspark's.
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_CONF_DIR": None,
        "SPARK_REMOTE": None,
        # Without it Spark looks the host name up, warns about loopback addresses, and fails where there is no DNS.
        "SPARK_LOCAL_IP": "127.0.0.1",
        # Workers run `python3` of PATH otherwise, which may lack pyarrow.
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }


def _not_up(log: Path, error: Exception) -> EnvironmentLacking:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    log.unlink(missing_ok=True)
    tail = "\n".join(f"  | {line}" for line in lines[-_LOG_LINES:])
    said = f"; it said:\n{tail}" if tail else f" ({error})"
    return EnvironmentLacking(
        message=f"the Java process for Spark did not start{said}",
        code="LP605",
        hint="`lakepact doctor` shows what this machine lacks",
        facts={"log": tuple(lines)},
    )
