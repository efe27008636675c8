"""Whole processes with a Java of their own: what they print, what they leave behind, what the next one finds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lakepact.spark.jars import cached_delta_jars, delta_coordinates
from lakepact.spark.session import LocalSession

pytestmark = [pytest.mark.spark, pytest.mark.process]


def _python(code: str, *arguments: object, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=280,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(env or {})},
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


LIFE = """
    import json, os, socket, sys
    from pathlib import Path
    from lakepact.errors import EnvironmentLacking
    from lakepact.spark.engine import Settings, acquire_engine, free_port
    from lakepact.spark.session import open_local_session

    warehouse, seen = Path(sys.argv[1]), {}
    before = dict(os.environ)
    taken = socket.create_server(("127.0.0.1", 0))
    ports = iter([taken.getsockname()[1], free_port()])
    engine = acquire_engine(
        Settings(heap="1g", extra_conf={}), warehouse=warehouse, app_name="life", choose_port=lambda: next(ports)
    )
    with open_local_session(warehouse=warehouse, app_name="life", heap="1g") as session:
        log = session.log
        seen["rows"] = session.connect.range(3).count()
        seen["ports_left"] = len(list(ports))
        seen["log_is_there"] = log.exists()
        session.classic._jvm.java.lang.System.err.println("words on stderr")
        pid = engine.jvm.gateway.proc.pid
    seen["log_is_gone"] = not log.exists()
    seen["java_is_gone"] = engine.jvm.gateway.proc.poll() is not None
    seen["environment_is_back"] = dict(os.environ) == before
    with open_local_session(warehouse=warehouse, app_name="again", heap="1g") as session:
        seen["again"] = session.connect.range(4).count()
    from pyspark.sql import SparkSession
    foreign = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config(
        "spark.driver.extraJavaOptions", "-Dlog4j2.level=OFF").getOrCreate()
    try:
        open_local_session(warehouse=warehouse, app_name="third")
    except EnvironmentLacking as error:
        seen["foreign"] = error.message
    seen["foreign_works"] = foreign.range(2).count()
    print(json.dumps(seen))
"""


def test_a_process_opens_closes_and_opens_again(tmp_path: Path) -> None:
    code, out, err = _python(LIFE, tmp_path / "warehouse")
    assert code == 0, err
    assert json.loads(out) == {
        "rows": 3,
        "ports_left": 0,
        "log_is_there": True,
        "log_is_gone": True,
        "java_is_gone": True,
        "environment_is_back": True,
        "again": 4,
        "foreign": "a local Spark session cannot be opened: this process already runs Spark, started by other code",
        "foreign_works": 2,
    }


PIPELINE = """
    import json, sys
    from pathlib import Path
    from lakepact.spark.session import open_local_session

    def update(session, root, *, full, rows):
        from pyspark import pipelines as dp
        from pyspark.pipelines.add_pipeline_analysis_context import add_pipeline_analysis_context
        from pyspark.pipelines.block_session_mutations import block_session_mutations
        from pyspark.pipelines.graph_element_registry import graph_element_registration_context
        from pyspark.pipelines.spark_connect_graph_element_registry import SparkConnectGraphElementRegistry
        from pyspark.pipelines.spark_connect_pipeline import create_dataflow_graph, start_run

        spark, source = session.connect, str(root / "source")
        session.classic.range(rows).write.format("parquet").mode("append").save(source)
        graph = create_dataflow_graph(spark, "spark_catalog", "s", {})
        registry = SparkConnectGraphElementRegistry(spark, graph)
        with (
            graph_element_registration_context(registry),
            add_pipeline_analysis_context(spark=spark, dataflow_graph_id=graph, flow_name=None),
            block_session_mutations(),
        ):
            @dp.table(name="streamed")
            def streamed():
                return spark.readStream.format("parquet").schema("id bigint").load(source)

            @dp.materialized_view(name="counted")
            def counted():
                return spark.sql("SELECT count(*) AS n FROM streamed")

        refresh = {"full_refresh": [], "full_refresh_all": full, "refresh": [], "dry": False}
        for _ in start_run(spark, graph, storage=(root / "storage").as_uri(), **refresh):
            pass
        table = session.classic.sql("DESCRIBE DETAIL s.streamed").collect()[0].id
        return session.classic.table("s.counted").collect()[0].n, table

    root = Path(sys.argv[1])
    with open_local_session(warehouse=root / "warehouse", app_name="pipeline", heap="1g") as session:
        attached = session.attach(["s"])
        for argument in sys.argv[2:]:
            mode, rows = argument.split(":")
            print(json.dumps([attached, *update(session, root, full=mode == "full", rows=int(rows))]))
"""


@pytest.mark.timeout(900)  # two Java processes and three updates, on a machine that may be busy
def test_tables_of_one_process_are_pipeline_targets_in_the_next(tmp_path: Path) -> None:
    results: list[Any] = []
    for updates in (["update:10"], ["update:5", "full:2"]):
        code, out, err = _python(PIPELINE, tmp_path, *updates)
        assert (code, err) == (0, "")
        results += [json.loads(line) for line in out.splitlines()]
    assert [(attached, total) for attached, total, _ in results] == [(0, 10), (2, 15), (2, 17)]
    assert len({table for _, _, table in results}) == 1


def test_no_repository_means_one_message_with_the_coordinates(tmp_path: Path) -> None:
    settings = tmp_path / "ivysettings.xml"
    settings.write_text(
        '<ivysettings><settings defaultResolver="none"/><resolvers><filesystem name="none">'
        f'<artifact pattern="{tmp_path}/none/[artifact].jar"/></filesystem></resolvers></ivysettings>'
    )
    options = f"--conf spark.jars.ivySettings={settings} --conf spark.jars.ivy={tmp_path}/ivy pyspark-shell"
    code, out, err = _python(
        """
        import sys
        from pathlib import Path
        from lakepact.errors import EnvironmentLacking
        from lakepact.spark.session import open_local_session
        try:
            open_local_session(warehouse=Path(sys.argv[1]), app_name="offline")
        except EnvironmentLacking as error:
            print(error)
        """,
        tmp_path / "warehouse",
        env={"LAKEPACT_CACHE": str(tmp_path / "cache"), "PYSPARK_SUBMIT_ARGS": options},
    )
    assert (code, err) == (0, "")
    start = "LP604: the Delta Lake jars io.delta:delta-spark_4.2_2.13:4.4.0 cannot be fetched ("
    assert out.startswith(start)
    assert "not found" in out.splitlines()[0]
    assert out.splitlines()[1].startswith("  hint: connect to a Maven repository once, or set LAKEPACT_JARS")
    assert not list((tmp_path / "cache").rglob("*.jar"))


def test_java_that_does_not_start_spark_shows_what_it_said(local_session: LocalSession, tmp_path: Path) -> None:
    jars = cached_delta_jars(delta_coordinates())[0].parent
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text('#!/bin/sh\n[ "$1" = -version ] && { echo \'openjdk version "17.0.1"\' >&2; exit 0; }\n'
                    "echo 'Error: cannot map the heap' >&2\nexit 1\n")  # fmt: skip
    java.chmod(0o755)
    code, out, err = _python(
        """
        import sys
        from pathlib import Path
        from lakepact.errors import EnvironmentLacking
        from lakepact.spark.session import open_local_session
        try:
            open_local_session(warehouse=Path(sys.argv[1]), app_name="broken")
        except EnvironmentLacking as error:
            print(error)
        """,
        tmp_path / "warehouse",
        env={
            "JAVA_HOME": str(tmp_path / "jdk"),
            "LAKEPACT_JARS": str(jars),
        },
    )
    assert (code, err) == (0, "")
    assert out.startswith("LP605: the Java process for Spark did not start; it said:\n")
    assert "  | Error: cannot map the heap" in out.splitlines()
    assert out.splitlines()[-1] == "  hint: `lakepact doctor` shows what this machine lacks"


def test_without_any_session_the_error_says_how_to_get_one() -> None:
    code, out, _ = _python(
        """
        from lakepact.errors import EnvironmentLacking
        from lakepact.spark.connect import active_session
        try:
            active_session()
        except EnvironmentLacking as error:
            print(error)
        """
    )
    assert code == 0
    assert out.splitlines()[0] == "LP607: no Spark session is active in this process"
