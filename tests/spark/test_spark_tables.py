"""Tables are found by their folders, and forgotten without losing a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakepact.errors import UsageError
from lakepact.spark.session import LocalSession
from lakepact.spark.tables import attach_tables, delta_tables_of, detach_schemas, schema_folder

pytestmark = pytest.mark.spark


def _files(folder: Path) -> set[str]:
    return {str(entry.relative_to(folder)) for entry in folder.rglob("*") if entry.is_file()}


@pytest.fixture
def classic(local_session: LocalSession) -> Any:
    return local_session.classic


def test_only_folders_with_a_committed_log_are_tables(tmp_path: Path) -> None:
    (tmp_path / "t" / "_delta_log").mkdir(parents=True)
    (tmp_path / "t" / "_delta_log" / "00000000000000000000.json").write_text("{}")
    (tmp_path / "aborted" / "_delta_log").mkdir(parents=True)
    (tmp_path / "parquet").mkdir()
    (tmp_path / "note.txt").write_text("")
    assert delta_tables_of(tmp_path) == ("t",)
    assert delta_tables_of(tmp_path / "absent") == ()


def test_detached_tables_keep_their_files_and_come_back(classic: Any, tmp_path: Path) -> None:
    schema, quoted = "2024", "`2024`"
    tmp_path = tmp_path / "it's a `${HOME}` \\ folder, ü"
    assert attach_tables(classic, tmp_path, [schema]) == 0
    for number in range(4):
        classic.sql(f"CREATE TABLE {quoted}.`t_{number}` AS SELECT {number} AS n, 'x' AS s")
    classic.sql(f"CREATE VIEW {quoted}.v AS SELECT * FROM {quoted}.`t_1`")
    before = _files(tmp_path)
    detach_schemas(classic, [schema])
    assert not classic.catalog.databaseExists(quoted)
    assert _files(tmp_path) == before
    (tmp_path / "2024.db" / "not a table" / "_delta_log").mkdir(parents=True)
    (tmp_path / "2024.db" / "not a table" / "_delta_log" / "0.json").write_text("{}")

    assert attach_tables(classic, tmp_path, [schema]) == 4
    assert attach_tables(classic, tmp_path, [schema]) == 0
    assert [classic.table(f"{quoted}.`t_{number}`").collect()[0].n for number in range(4)] == [0, 1, 2, 3]
    classic.sql(f"INSERT INTO {quoted}.`t_3` VALUES (4, 'y')")
    assert classic.table(f"{quoted}.`t_3`").count() == 2
    detach_schemas(classic, [schema, "never_there"])


def test_a_schema_name_that_spark_refuses_is_explained(classic: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^LP608: the schema name 'my schema' cannot be used locally: Spark"):
        attach_tables(classic, tmp_path, ["my schema"])
    assert list(tmp_path.iterdir()) == []


def test_an_attached_table_has_its_columns_properties_and_history(classic: Any, tmp_path: Path) -> None:
    attach_tables(classic, tmp_path, ["kept"])
    classic.sql("CREATE TABLE kept.a (x INT)")
    classic.sql("CREATE TABLE kept.b (n INT COMMENT 'how many', d DATE) PARTITIONED BY (d) TBLPROPERTIES ('k' = 'v')")
    detach_schemas(classic, ["kept"])
    attach_tables(classic, tmp_path, ["kept"])
    assert [field.simpleString() for field in classic.table("kept.b").schema.fields] == ["n:int", "d:date"]
    assert classic.table("kept.b").schema["n"].metadata == {"comment": "how many"}
    detail = classic.sql("DESCRIBE DETAIL kept.b").collect()[0]
    assert (detail.partitionColumns, detail.properties) == (["d"], {"k": "v"})
    assert [row.operation for row in classic.sql("DESCRIBE HISTORY kept.b").collect()] == ["CREATE TABLE"]
    detach_schemas(classic, ["kept"])


def test_names_are_found_whatever_their_case(classic: Any, tmp_path: Path) -> None:
    attach_tables(classic, tmp_path, ["MixedCase"])
    classic.sql("CREATE TABLE mixedcase.Orders AS SELECT 1 AS a")
    detach_schemas(classic, ["MIXEDCASE"])
    assert attach_tables(classic, tmp_path, ["mixedCASE"]) == 1
    assert classic.table("MIXEDCASE.ORDERS").count() == 1
    assert schema_folder(tmp_path, "MixedCase") == tmp_path / "mixedcase.db"
    detach_schemas(classic, ["mixedcase"])
