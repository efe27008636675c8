"""Views of which nothing has changed are left as they are, and no other: each input is changed in turn."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import pytest

from lakepact.local.delta_log import latest_version
from lakepact.local.expectations import Tally
from lakepact.local.names import Namespace
from lakepact.local.pipeline_run import PipelineJob, PipelineOutcome, run_pipeline
from lakepact.local.progress import Silent
from lakepact.local.result import DatasetState, Refresh
from lakepact.local.selection import Selection
from lakepact.local.sources import SourceFile
from lakepact.spark.session import LocalSession, open_local_session

pytestmark = pytest.mark.spark

SOURCE = """
from pyspark import pipelines as dp

@dp.temporary_view()
@dp.expect("{view_rule}", "id > 2")
def incoming():
    return spark.read.parquet("{folder}/in")

@dp.materialized_view()
def through_view():
    return spark.read.table("incoming").where("{condition}")

@dp.materialized_view(table_properties={{"owner": "{owner}"}})
@dp.expect_or_drop("small", "id < {limit}")
def from_file():
    return spark.read.schema("id INT, name STRING").csv("{folder}/one.csv")

@dp.materialized_view()
def from_table():
    return spark.sql("WITH t AS (SELECT * FROM outside) SELECT count(*) AS n FROM t WHERE id IN (SELECT id FROM t)")

@dp.table()
def arrived():
    return (spark.readStream.format("cloudFiles").option("cloudFiles.format", "parquet")
            .load("{folder}/stream").selectExpr("id"))

@dp.materialized_view()
def from_stream():
    return spark.sql("SELECT count(*) AS n, {constant} AS c FROM arrived")

@dp.materialized_view()
def from_view():
    return spark.read.table("from_stream").selectExpr("n + 1 AS n")
"""
ALWAYS = """
from pyspark import pipelines as dp

@dp.materialized_view()
def still():
    return spark.sql("SELECT id FROM outside WHERE id > 0")

@dp.materialized_view()
def time():
    return spark.sql("SELECT now() AS at, id FROM outside")

@dp.materialized_view()
def day():
    return spark.sql("SELECT DATE 'today' AS at FROM outside")

@dp.materialized_view()
def cast_day():
    return spark.sql("SELECT id FROM outside WHERE to_date('yesterday') < DATE '2020-01-01'")

@dp.materialized_view()
def chance():
    return spark.sql("SELECT id FROM outside WHERE id > (SELECT first(r) FROM (SELECT rand() AS r FROM outside))")

@dp.materialized_view()
def seeded():
    return spark.sql("SELECT uniform(1, 10, 3) AS u FROM outside")

@dp.materialized_view()
def file_name():
    return spark.sql("SELECT input_file_name() AS f FROM outside")

@dp.materialized_view()
def travel():
    return spark.sql("SELECT id FROM outside VERSION AS OF 0")

@dp.materialized_view()
def computed_name():
    return spark.sql("SELECT id FROM IDENTIFIER('out' || 'side')")

@dp.materialized_view()
def by_path():
    return spark.sql("SELECT id FROM parquet.`{folder}/other`")
"""
VIEWS = {"through_view", "from_file", "from_table", "from_stream", "from_view"}
MOVING = {"time", "day", "cast_day", "chance", "seeded", "file_name", "travel", "computed_name", "by_path"}


@dataclass
class Lake:
    """One schema with one pipeline, and what may change around it."""

    session: LocalSession
    folder: Path
    schema: str = field(default_factory=lambda: f"refresh_{uuid.uuid4().hex[:8]}")
    text: str = SOURCE
    configuration: Mapping[str, str] = field(default_factory=dict)
    always: frozenset[str] = frozenset()
    values: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.session.attach([self.schema])
        self.values = {"folder": str(self.folder), "condition": "id > 0", "limit": "3", "owner": "me", "constant": "1"}
        self.values["view_rule"] = "more"
        self.write("in", 4)
        self.write("stream", 5)
        (self.folder / "one.csv").write_text("1,a\n2,b\n3,c\n")
        self.sql("CREATE TABLE {}.outside USING delta AS SELECT id FROM range(3)")

    def write(self, name: str, rows: int) -> None:
        self.session.classic.range(rows).coalesce(1).write.mode("append").parquet(str(self.folder / name))

    def sql(self, text: str) -> Any:
        return self.session.classic.sql(text.format(self.schema))

    def run(self, selection: Selection = Selection(), *, dry_run: bool = False) -> PipelineOutcome:  # noqa: B008
        job = PipelineJob(
            name="p",
            namespace=Namespace("spark_catalog", self.schema),
            sources=[SourceFile("pipeline.py", self.text.format(**self.values))],
            storage=self.folder / "storage",
            warehouse=self.session.warehouse,
            root=self.folder,
            configuration=self.configuration,
            always=self.always,
        )
        outcome = run_pipeline(
            self.session, job, update_id=uuid.uuid4().hex, selection=selection, dry_run=dry_run, progress=Silent()
        )
        assert not outcome.failed, list(filter(None, [outcome.error, *(found.error for found in outcome.datasets)]))
        return outcome

    @property
    def memory(self) -> Path:
        return self.folder / "storage" / "refresh" / "p.json"

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        folder = self.session.warehouse / f"{self.schema}.db" / table
        return sorted(tuple(row.values()) for row in deltalake.DeltaTable(folder).to_pyarrow_table().to_pylist())

    def versions(self) -> dict[str, int | None]:
        folder = self.session.warehouse / f"{self.schema}.db"
        return {each.name: latest_version(each) for each in folder.iterdir()}


def refreshed(outcome: PipelineOutcome) -> set[str]:
    """The views that were run; every other one says NO_OP."""
    views = {
        found.dataset.name.table: found.refresh
        for found in outcome.datasets
        if found.dataset.definition.kind.value == "materialized view"
    }
    assert set(views.values()) <= {Refresh.NO_OP, Refresh.COMPLETE_RECOMPUTE}
    assert {found.state for found in outcome.datasets} == {DatasetState.COMPLETED}
    return {name for name, refresh in views.items() if refresh is Refresh.COMPLETE_RECOMPUTE}


def tallies(outcome: PipelineOutcome) -> dict[str, Tally | None]:
    return {found.dataset.name.table: found.tally for found in outcome.datasets}


@pytest.fixture(scope="module")
def session(local_session: LocalSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSession]:
    with open_local_session(warehouse=tmp_path_factory.mktemp("lake"), app_name="tests") as opened:
        yield opened


@dataclass(frozen=True)
class Beginning:
    """The first two runs of a pipeline: their outcomes, and the versions of its tables after each."""

    lake: Lake
    first: PipelineOutcome
    before: Mapping[str, int | None]
    second: PipelineOutcome
    after: Mapping[str, int | None]


@pytest.fixture(scope="module")
def beginning(session: LocalSession, tmp_path_factory: pytest.TempPathFactory) -> Beginning:
    lake = Lake(session, tmp_path_factory.mktemp("refresh"))
    first, before = lake.run(), lake.versions()
    return Beginning(lake, first, before, lake.run(), lake.versions())


@pytest.fixture(scope="module")
def lake(beginning: Beginning) -> Lake:
    """A pipeline that has run, and is run again by each test, which leaves nothing to do."""
    return beginning.lake


def test_an_unchanged_run_touches_nothing_and_reports_the_counts_of_the_run_before(beginning: Beginning) -> None:
    first, second = beginning.first, beginning.second
    assert refreshed(first) == VIEWS
    assert refreshed(second) == set()
    assert {name: version for name, version in beginning.after.items() if name != "arrived"} == {
        name: version for name, version in beginning.before.items() if name != "arrived"
    }
    expected = tallies(first) | {"arrived": Tally(0, 0, ())}
    assert tallies(second) == expected
    assert expected["incoming"] == Tally(4, 0, (3,))
    assert expected["from_file"] == Tally(3, 1, (1,))
    assert second.restored == ()


CHANGES: dict[str, tuple[Callable[[Lake], Any], set[str]]] = {
    "nothing": (lambda lake: None, set()),
    "a row of a table": (lambda lake: lake.sql("INSERT INTO {}.outside VALUES (7)"), {"from_table"}),
    "a table made anew": (
        lambda lake: lake.sql("CREATE OR REPLACE TABLE {}.outside USING delta AS SELECT id FROM range(9)"),
        {"from_table"},
    ),
    "a file touched": (lambda lake: (lake.folder / "one.csv").touch(), {"from_file"}),
    "a file written": (lambda lake: (lake.folder / "one.csv").write_text("1,a\n2,z\n3,c\n"), {"from_file"}),
    "a file more": (lambda lake: lake.write("in", 2), {"through_view"}),
    "a definition": (lambda lake: lake.values.update(condition="id > 1"), {"through_view"}),
    "an expectation": (lambda lake: lake.values.update(limit="2"), {"from_file"}),
    "an expectation of a temporary view": (lambda lake: lake.values.update(view_rule="two"), {"through_view"}),
    "a table property": (lambda lake: lake.values.update(owner="you"), {"from_file"}),
    "what a view reads": (lambda lake: lake.values.update(constant="2"), {"from_stream", "from_view"}),
    "files of a stream": (lambda lake: lake.write("stream", 3), {"from_stream", "from_view"}),
    "its own table": (lambda lake: lake.sql("DELETE FROM {}.from_table"), {"from_table"}),
    "its own table in the middle": (
        lambda lake: lake.sql("INSERT INTO {}.from_stream VALUES (1, 1)"),
        {"from_stream", "from_view"},
    ),
    "the table of the stream": (lambda lake: lake.sql("DELETE FROM {}.arrived"), {"from_stream", "from_view"}),
    "a setting": (lambda lake: setattr(lake, "configuration", {"spark.sql.ansi.enabled": "false"}), VIEWS),
    "the time zone of the session": (
        lambda lake: lake.session.connect.conf.set("spark.sql.session.timeZone", "Asia/Tokyo"),
        VIEWS,
    ),
    "a damaged memory": (
        lambda lake: lake.memory.write_text(lake.memory.read_text().replace('"version": 1', '"version": 2')),
        VIEWS,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_change_concerns_is_run_and_nothing_else(lake: Lake, change: str) -> None:
    # Whatever the run before has not remembered, or not done, would be run here too.
    make, expected = CHANGES[change]
    make(lake)
    assert refreshed(lake.run()) == expected
    assert_fresh(lake)


def assert_fresh(lake: Lake) -> None:
    """Each view holds what its query gives now."""
    values, arrived = lake.values, len(lake.rows("arrived"))
    columns = "columns={'id': 'INTEGER', 'name': 'VARCHAR'}, header=false"
    expected = {
        "through_view": f"SELECT id FROM '{lake.folder}/in/*.parquet' WHERE {values['condition']}",
        "from_file": f"SELECT * FROM read_csv('{lake.folder}/one.csv', {columns}) WHERE id < {values['limit']}",
        "from_table": f"SELECT {len(lake.rows('outside'))}",
        "from_stream": f"SELECT {arrived}, {values['constant']}",
        "from_view": f"SELECT {arrived} + 1",
    }
    for table, query in expected.items():
        assert lake.rows(table) == sorted(duckdb.execute(query).fetchall()), table


def test_what_is_named_or_always_asked_is_run(lake: Lake) -> None:
    named = {found.dataset.name.table: found.refresh for found in select(lake, refresh=("from_view",))}
    assert named["from_view"] is Refresh.COMPLETE_RECOMPUTE
    assert named["from_table"] is None
    assert refreshed(lake.run(Selection(full_refresh_all=True))) == VIEWS
    lake.always = frozenset({"from_table"})
    assert refreshed(lake.run()) == {"from_table"}
    lake.always = frozenset()


def select(lake: Lake, *, refresh: tuple[str, ...]) -> Any:
    return lake.run(Selection(refresh=refresh)).datasets


def test_a_dry_run_neither_uses_nor_changes_what_is_remembered(lake: Lake) -> None:
    before = lake.memory.read_bytes()
    outcome = lake.run(dry_run=True)
    assert {found.refresh for found in outcome.datasets} == {None}
    assert lake.memory.read_bytes() == before


def test_a_memory_from_before_a_killed_run_is_no_reason_to_leave_a_view(lake: Lake) -> None:
    old = lake.memory.read_bytes()
    lake.sql("INSERT INTO {}.outside VALUES (8)")
    assert refreshed(lake.run()) == {"from_table"}

    # What a kill leaves that comes after the table was written, before that was remembered.
    lake.memory.write_bytes(old)
    assert refreshed(lake.run()) == {"from_table"}
    assert_fresh(lake)


def test_what_moves_or_is_not_understood_is_run_every_time(session: LocalSession, tmp_path: Path) -> None:
    lake = Lake(session, tmp_path, text=ALWAYS)
    lake.write("other", 2)
    assert refreshed(lake.run()) == {"still", *MOVING}
    assert refreshed(lake.run()) == MOVING


LATE = """
from pyspark import pipelines as dp

@dp.table()
def copied():
    return spark.sql("SELECT id FROM STREAM outside")

@dp.materialized_view()
def counted():
    return spark.sql("SELECT count(*) AS n FROM copied")

@dp.materialized_view()
def doubled():
    return spark.sql("SELECT 2 * n AS n, {constant} AS c FROM counted")

@dp.materialized_view()
def beside():
    return spark.range(3)
"""


def test_a_stream_that_brings_rows_unexpectedly_has_its_views_run_after_it(
    session: LocalSession, tmp_path: Path
) -> None:
    lake = Lake(session, tmp_path, text=LATE)
    lake.run()
    assert refreshed(lake.run()) == set()

    lake.sql("INSERT INTO {}.outside VALUES (7)")
    lake.values["constant"] = "2"
    outcome = lake.run()

    assert {"counted", "doubled"} <= refreshed(outcome)
    assert tallies(outcome)["copied"] == Tally(1, 0, ())
    assert (lake.rows("counted"), lake.rows("doubled")) == ([(4,)], [(8, 2)])
    lake.run()
    assert refreshed(lake.run()) == set()


FAILING = """
from pyspark import pipelines as dp

@dp.materialized_view()
@dp.expect_or_fail("few", "id < {limit}")
def judged():
    return spark.read.table("outside")

@dp.materialized_view()
def after():
    return spark.read.table("judged")
"""


def test_a_view_that_stopped_an_update_is_asked_again(session: LocalSession, tmp_path: Path) -> None:
    lake = Lake(session, tmp_path, text=FAILING)
    lake.run()
    lake.sql("INSERT INTO {}.outside VALUES (7)")
    for _ in range(2):
        with pytest.raises(AssertionError, match="which must stop the update"):
            lake.run()
        assert lake.rows("after") == [(0,), (1,), (2,)]

    lake.sql("DELETE FROM {}.outside WHERE id = 7")
    assert refreshed(lake.run()) == {"judged", "after"}
    assert refreshed(lake.run()) == set()


def test_the_memory_of_another_pipeline_is_not_used(lake: Lake, session: LocalSession, tmp_path: Path) -> None:
    other = Lake(session, tmp_path, configuration=lake.configuration)
    other.values = lake.values | {"folder": str(tmp_path)}
    other.memory.parent.mkdir(parents=True)
    shutil.copy(lake.memory, other.memory)
    assert refreshed(other.run()) == VIEWS
