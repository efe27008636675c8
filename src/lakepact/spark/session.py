"""A local Spark session with Delta and, in the same Java process, the Spark Connect session that pipelines need.

The recipe: a classic session carries Delta and the Connect plugin, which listens on a free port of 127.0.0.1 and asks
for a token that only this process knows. There is no Hive metastore: the catalog lives in memory, and
`LocalSession.attach` makes the Delta tables known that lie below the warehouse folder.

While a session is open with `connect_functions` (the default), `pyspark.sql.functions` make Connect columns, because
pyspark decides by an environment variable: use them on data frames of `.connect`, and SQL text on those of `.classic`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

from lakepact.spark.connect import require_local_pyspark
from lakepact.spark.engine import Engine, Settings, acquire_engine, release_engine
from lakepact.spark.tables import attach_tables, detach_schemas

__all__ = ["LocalSession", "open_local_session"]

_RETRIES = 4  # with pauses of up to 5 seconds together
_NOTHING: Mapping[str, str] = MappingProxyType({})


class LocalSession:
    """An open local session. Close it, or use it as a context manager.

    `classic` is the session with Delta (DDL, reading, listeners), `connect` the Spark Connect client of the same
    catalog (pipelines), `warehouse` the folder that holds its tables.
    """

    def __init__(self, *, engine: Engine, classic: Any, connect: Any, warehouse: Path, connect_functions: bool) -> None:
        self.classic = classic
        self.connect = connect
        self.warehouse = warehouse
        self._engine = engine
        self._connect_functions = connect_functions
        self._schemas: set[str] = set()
        self._open = True

    @property
    def user_id(self) -> str:
        """The user that the Connect server knows this session by; with `session_id` its key."""
        return str(self.connect.client._user_id or "")

    @property
    def session_id(self) -> str:
        """The id that the Connect server knows this session by."""
        return str(self.connect.client._session_id)

    @property
    def log(self) -> Path:
        """The file that Spark writes its errors to; it goes when the last session of the process is closed."""
        return self._engine.jvm.log

    @property
    def running(self) -> bool:
        """Whether the Java process of this session is there."""
        return self._engine.jvm.running

    def attach(self, schemas: Sequence[str]) -> int:
        """Make the schemas and the Delta tables below `warehouse` known; how many tables were attached.

        They are forgotten (not deleted) when the session is closed. Raises EnvironmentLacking (LP606) when another
        session of this process has a schema of the same name in another warehouse.
        """
        attached = attach_tables(self.classic, self.warehouse, schemas)
        self._schemas.update(schemas)
        return attached

    def __enter__(self) -> LocalSession:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the session; the last one ends Java and puts environment variables back. A second call does nothing."""
        if not self._open:
            return
        self._open = False
        try:
            self.connect.stop()
            if self._engine.sessions > 1 and self.running:
                detach_schemas(self.classic, sorted(self._schemas))
        finally:
            self._engine.leave(connect_functions=self._connect_functions)
            release_engine(self._engine)


def open_local_session(
    *,
    warehouse: Path,
    app_name: str,
    heap: str = "2g",
    extra_conf: Mapping[str, str] = _NOTHING,
    connect_functions: bool = True,
) -> LocalSession:
    """A local session whose tables lie below `warehouse`; Java, the Delta jars and a free port are found on the way.

    While a session is open, another one shares its Java process, provided that `heap` and `extra_conf` are the same;
    the warehouse may differ as long as the schemas have other names. `connect_functions=False` leaves
    `pyspark.sql.functions` to classic data frames.

    Raises JavaMissing (LP601), ExtraMissing (LP602) without pyspark, EnvironmentLacking LP603 when databricks-connect
    shadows it, LP604 without the Delta jars, LP605 when Spark does not start, LP606 when this process already runs
    Spark with other settings.
    """
    require_local_pyspark()
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    folder = warehouse.resolve()
    engine = acquire_engine(Settings(heap=heap, extra_conf=dict(extra_conf)), warehouse=folder, app_name=app_name)
    classic = engine.root if engine.sessions == 0 else engine.root.newSession()
    engine.enter(connect_functions=connect_functions)
    try:
        # The host has to be `localhost`: a token for any other name makes the client insist on TLS.
        connect = ConnectSession.builder.remote(f"sc://localhost:{engine.port}/;user_id=lakepact").create()
        # A server that does not answer on this machine is gone: the default policies would ask it for ten minutes.
        connect.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES)])
    except BaseException:
        engine.leave(connect_functions=connect_functions)
        release_engine(engine)
        raise
    return LocalSession(
        engine=engine, classic=classic, connect=connect, warehouse=folder, connect_functions=connect_functions
    )
