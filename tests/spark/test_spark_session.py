"""Local sessions in one Java process: settings, sharing, and what is left behind."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from lakepact.errors import EnvironmentLacking
from lakepact.spark.session import LocalSession, open_local_session

pytestmark = pytest.mark.spark


def test_both_sessions_see_one_catalog(local_session: LocalSession, tmp_path: Path) -> None:
    with open_local_session(warehouse=tmp_path, app_name="second") as session:
        session.attach(["one_catalog"])
        session.classic.sql("CREATE TABLE one_catalog.t AS SELECT 1 AS a")
        assert session.connect.table("one_catalog.t").collect()[0].a == 1
        assert (tmp_path / "one_catalog.db" / "t" / "_delta_log").is_dir()


def test_functions_make_connect_columns_only_while_asked_for(local_session: LocalSession, tmp_path: Path) -> None:
    assert "SPARK_CONNECT_MODE_ENABLED" not in os.environ
    assert local_session.classic.range(3).select(F.max("id")).collect()[0][0] == 2
    one = open_local_session(warehouse=tmp_path, app_name="one")
    two = open_local_session(warehouse=tmp_path, app_name="two")
    one.close()
    assert two.connect.range(3).select(F.max("id")).collect()[0][0] == 2
    two.close()
    two.close()
    assert local_session.classic.range(3).select(F.max("id")).collect()[0][0] == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("spark.sql.session.timeZone", "UTC"),
        ("spark.sql.ansi.enabled", "true"),
        ("spark.sql.sources.default", "delta"),
        ("spark.sql.shuffle.partitions", "2"),
        ("spark.sql.pipelines.maxFlowRetryAttempts", "0"),
        ("spark.sql.catalogImplementation", "in-memory"),
        ("spark.driver.host", "127.0.0.1"),
    ],
)
def test_settings_hold_in_both_sessions(local_session: LocalSession, key: str, value: str) -> None:
    assert local_session.classic.conf.get(key) == value
    assert local_session.connect.conf.get(key) == value


def test_the_connect_server_knows_the_session_by_its_ids(local_session: LocalSession, tmp_path: Path) -> None:
    with open_local_session(warehouse=tmp_path, app_name="ids") as session:
        assert (session.user_id, session.session_id) == ("lakepact", session.connect.session_id)
        assert session.session_id != local_session.session_id


def test_other_settings_are_refused_while_a_session_is_open(local_session: LocalSession, tmp_path: Path) -> None:
    expected = (
        "LP606: a local Spark session cannot be opened: tests is open with other settings (heap, spark.x)\n"
        "  hint: stop that session first, or work in a process of its own: one process runs one Spark"
    )
    with pytest.raises(EnvironmentLacking, match=f"^{re.escape(expected)}$"):
        open_local_session(warehouse=tmp_path, app_name="other", heap="1g", extra_conf={"spark.x": "1"})


def test_sessions_of_two_warehouses_keep_their_tables_apart(local_session: LocalSession, tmp_path: Path) -> None:
    for name in ("a", "b"):
        with open_local_session(warehouse=tmp_path / name, app_name=name) as session:
            assert session.attach(["apart"]) == 0
            session.connect.sql(f"CREATE TABLE apart.t AS SELECT '{name}' AS made_in")
    for name in ("b", "a"):
        with open_local_session(warehouse=tmp_path / name, app_name=name) as session:
            assert session.attach(["apart"]) == 1
            assert session.connect.table("apart.t").collect()[0].made_in == name


def test_a_schema_that_is_open_elsewhere_is_refused(local_session: LocalSession, tmp_path: Path) -> None:
    with (
        open_local_session(warehouse=tmp_path / "a", app_name="a") as one,
        open_local_session(warehouse=tmp_path / "b", app_name="b") as two,
    ):
        one.attach(["taken"])
        one.classic.sql("CREATE TABLE taken.t AS SELECT 1 AS a")
        expected = f"the schema taken is in use by another session of this process, below {tmp_path}/a"
        with pytest.raises(EnvironmentLacking, match=f"^LP606: {re.escape(expected)}\n"):
            two.attach(["taken"])
    with open_local_session(warehouse=tmp_path / "b", app_name="b") as two:
        assert two.attach(["taken"]) == 0


def test_the_default_schema_can_be_used_in_any_warehouse(local_session: LocalSession, tmp_path: Path) -> None:
    for name in ("a", "b"):
        with open_local_session(warehouse=tmp_path / name, app_name=name) as session:
            session.attach(["default"])
            session.connect.sql(f"CREATE TABLE default.t AS SELECT '{name}' AS made_in")
            assert (tmp_path / name / "default.db" / "t" / "_delta_log").is_dir()
