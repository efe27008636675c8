"""The one Spark context of this process, shared by the local sessions that are open."""

from __future__ import annotations

import os
import signal
import socket
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lakepact.errors import EnvironmentLacking
from lakepact.spark.class_archive import archive_option
from lakepact.spark.environment import ScopedEnvironment
from lakepact.spark.jars import SHIPPED_WITH_SPARK, delta_jars
from lakepact.spark.java import Java, ensure_java
from lakepact.spark.jvm import Jvm, launch_jvm, logging_option, resolve_packages

__all__ = ["Engine", "Settings", "acquire_engine", "ensure_jars", "free_port", "release_engine"]

_PORT_ATTEMPTS = 5
_NO_PROXY = "no_grpc_proxy"
_MODE = "SPARK_CONNECT_MODE_ENABLED"


# A pipeline on a laptop is many small queries, each with code of its own: what Java's second compiler gains in speed
# it costs in compiling (the flights demo takes a third less CPU without it), and the first compiler's code needs room.
# Many rules on one table make one long method, which Java would interpret unless told to compile it too.
_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseParallelGC -XX:-DontCompileHugeMethods"


@dataclass(frozen=True, slots=True)
class Settings:
    """What cannot change while Spark runs: sessions share it only when these are the same."""

    heap: str
    extra_conf: Mapping[str, str]


@dataclass(eq=False, slots=True)
class Engine:
    """The running context: its root session, the port of its Connect server, and how many sessions use it."""

    jvm: Jvm
    root: Any
    port: int
    settings: Settings
    app_name: str
    sessions: int = 0
    connect_mode: int = 0
    _mode: ScopedEnvironment = field(default_factory=ScopedEnvironment)

    def enter(self, *, connect_functions: bool) -> None:
        """One more session; with `connect_functions` pyspark's functions make Connect columns from now on."""
        self.sessions += 1
        if connect_functions:
            self.connect_mode += 1
            if self.connect_mode == 1:
                self._mode.set({_MODE: "1"})

    def leave(self, *, connect_functions: bool) -> None:
        """One session less."""
        self.sessions -= 1
        if connect_functions:
            self.connect_mode -= 1
            if self.connect_mode == 0:
                self._mode.restore()


# pyspark allows one context a process and keeps it in module state itself; this is the handle to it.
_running: Engine | None = None


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def acquire_engine(
    settings: Settings, *, warehouse: Path, app_name: str, choose_port: Callable[[], int] = free_port
) -> Engine:
    """The running engine when its settings are the same, else a new one; `choose_port` is asked again on a clash.

    Raises what `open_local_session` documents.
    """
    global _running
    if _running is None:
        _refuse_foreign_context()
        _running = _start(settings, warehouse=warehouse, app_name=app_name, choose_port=choose_port)
    elif _running.settings != settings:
        differing = _difference(_running.settings, settings)
        raise _taken(f"{_running.app_name} is open with other settings ({differing})")
    return _running


def release_engine(engine: Engine) -> None:
    """Stop Spark and Java when no session is left."""
    global _running
    if engine.sessions or engine is not _running:
        return
    _running = None
    from py4j.protocol import Py4JError

    try:
        engine.root.stop()
    except (Py4JError, ConnectionError):
        if engine.jvm.running:
            raise
    finally:
        engine.jvm.stop()


def ensure_jars(java: Java) -> tuple[Path, ...]:
    """The jars of Delta Lake, fetched where they are not here. Raises EnvironmentLacking LP604 where they cannot be."""
    return delta_jars(lambda coordinates: resolve_packages(coordinates, java=java, without=SHIPPED_WITH_SPARK))


def _start(settings: Settings, *, warehouse: Path, app_name: str, choose_port: Callable[[], int]) -> Engine:
    java = ensure_java()
    jars = ensure_jars(java)
    own = _conf(settings, warehouse=warehouse, app_name=app_name, jars=jars, archive=archive_option(java, jars))
    conf = {**own, **settings.extra_conf}
    jvm = launch_jvm(java=java, conf=conf, environment=_client_environment())
    try:
        port = _start_context(jvm, conf, choose_port)
        root = _root_session()
    except BaseException:
        jvm.stop()
        raise
    return Engine(jvm=jvm, root=root, port=port, settings=settings, app_name=app_name)


def _conf(settings: Settings, *, warehouse: Path, app_name: str, jars: Sequence[Path], archive: str) -> dict[str, str]:
    return {
        "spark.master": f"local[{max(2, os.cpu_count() or 2)}]",
        "spark.app.name": app_name,
        "spark.api.mode": "classic",
        "spark.driver.memory": settings.heap,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": f"{logging_option()} {_JAVA_OPTIONS} {archive}".rstrip(),
        # On the class path rather than in `spark.jars`: nothing is copied or served to executors at start.
        "spark.driver.extraClassPath": os.pathsep.join(str(jar) for jar in jars),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.sql.artifact.isolation.enabled": "true",
        "spark.sql.warehouse.dir": str(warehouse),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.sources.default": "delta",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        # Spark would replace `${…}` inside of quoted names and strings too.
        "spark.sql.variable.substitute": "false",
        "spark.sql.shuffle.partitions": "2",
        # Generated code is kept for the next run of the same pipeline; the default of 100 classes is less than one run.
        "spark.sql.codegen.cache.maxEntries": "5000",
        # The state of a small table in one partition rather than 50: halves the time of a run.
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.pipelines.maxFlowRetryAttempts": "0",
    }


def _client_environment() -> dict[str, str | None]:
    own = "localhost,127.0.0.1"
    passed_by = next((os.environ[name] for name in (_NO_PROXY, "no_proxy", "NO_PROXY") if os.environ.get(name)), "")
    return {
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": str(uuid.uuid4()),
        # Inherited from a process that has a session open, or meant for another Spark: pyspark would take them for an
        # order to be a client of that one.
        **dict.fromkeys((_MODE, "SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "SPARK_API_MODE")),
        # gRPC sends even loopback traffic through http_proxy unless told otherwise.
        _NO_PROXY: f"{passed_by},{own}" if passed_by else own,
    }


def _start_context(jvm: Jvm, conf: Mapping[str, str], choose_port: Callable[[], int]) -> int:
    """Start the context and give the port of its Connect server.

    Another process may take the port between the choice and the bind: then another one is tried.
    """
    from py4j.protocol import Py4JError

    for _ in range(_PORT_ATTEMPTS):
        port = choose_port()
        try:
            _create_context(jvm, {**conf, "spark.connect.grpc.binding.port": str(port)})
        except Py4JError as error:
            if "BindException" not in str(error):
                raise _not_started(str(error)) from error
        else:
            return port
    raise _not_started(f"{_PORT_ATTEMPTS} ports in a row were taken by other processes")


def _create_context(jvm: Jvm, conf: Mapping[str, str]) -> None:
    from pyspark import SparkConf, SparkContext

    spark_conf = SparkConf(loadDefaults=False)
    for key, value in conf.items():
        spark_conf.set(key, value)
    handler = signal.getsignal(signal.SIGINT)
    SparkContext(conf=spark_conf, gateway=jvm.gateway)
    # pyspark's own handler calls Java wherever the signal hits, also in the middle of another call, and breaks that.
    if handler is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)


def _root_session() -> Any:
    from pyspark.sql import SparkSession

    return SparkSession.builder.getOrCreate()


def _refuse_foreign_context() -> None:
    from pyspark import SparkContext

    if SparkContext._active_spark_context is not None or SparkContext._gateway is not None:
        raise _taken("this process already runs Spark, started by other code")


def _difference(ours: Settings, theirs: Settings) -> str:
    one, other = ({"heap": each.heap, **each.extra_conf} for each in (ours, theirs))
    return ", ".join(key for key in sorted({*one, *other}) if one.get(key) != other.get(key))


def _taken(why: str) -> EnvironmentLacking:
    return EnvironmentLacking(
        message=f"a local Spark session cannot be opened: {why}",
        code="LP606",
        hint="stop that session first, or work in a process of its own: one process runs one Spark",
    )


def _not_started(why: str) -> EnvironmentLacking:
    return EnvironmentLacking(
        message=f"Spark did not start: {why.splitlines()[0] if why else 'no reason given'}",
        code="LP605",
        hint="`lakepact doctor` shows what this machine lacks",
        facts={"reason": why},
    )
