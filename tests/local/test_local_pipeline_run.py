"""Whole pipelines on the open-source engine: each runs twice, and then once more with new data."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lakepact.errors import ConfigurationError, UsageError
from lakepact.local.delta_log import commits_after
from lakepact.local.expectations import Tally
from lakepact.local.names import Namespace
from lakepact.local.pipeline_run import PipelineJob, PipelineOutcome, run_pipeline
from lakepact.local.progress import Silent
from lakepact.local.result import DatasetState
from lakepact.local.selection import Selection
from lakepact.local.sources import SourceFile
from lakepact.spark.session import LocalSession, open_local_session


class Lake:
    """A lake of its own for one test: one schema, one pipeline."""

    def __init__(self, session: LocalSession, folder: Path) -> None:
        self.session = session
        self.folder = folder
        self.schema = f"lake_{uuid.uuid4().hex[:8]}"
        session.attach([self.schema])

    def run(
        self,
        source: str,
        selection: Selection = Selection(),  # noqa: B008
        *,
        dry_run: bool = False,
        configuration: Mapping[str, str] | None = None,
    ) -> PipelineOutcome:
        job = PipelineJob(
            name="p",
            namespace=Namespace("spark_catalog", self.schema),
            sources=[SourceFile("pipeline.py", source)],
            storage=self.folder,
            warehouse=self.session.warehouse,
            root=self.folder,
            configuration=configuration or {},
        )
        return run_pipeline(
            self.session, job, update_id=uuid.uuid4().hex, selection=selection, dry_run=dry_run, progress=Silent()
        )

    def write_rows(self, name: str, first: int, last: int) -> None:
        frame = self.session.classic.range(first, last).selectExpr("id", "id % 7 AS m").coalesce(1)
        frame.write.mode("append").parquet(str(self.folder / name))

    def count(self, table: str) -> int:
        return int(self.session.classic.sql(f"SELECT count(*) FROM {self.schema}.{table}").first()[0])

    def table_folder(self, table: str) -> Path:
        return self.session.warehouse / f"{self.schema}.db" / table


@pytest.fixture(scope="module")
def session(local_session: LocalSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSession]:
    with open_local_session(warehouse=tmp_path_factory.mktemp("lake"), app_name="tests") as opened:
        yield opened


@pytest.fixture
def lake(session: LocalSession, tmp_path: Path) -> Lake:
    return Lake(session, tmp_path)


def states(outcome: PipelineOutcome) -> dict[str, DatasetState]:
    return {found.dataset.name.table: found.state for found in outcome.datasets if found.dataset.stored}


def tallies(outcome: PipelineOutcome) -> dict[str, Tally | None]:
    return {found.dataset.name.table: found.tally for found in outcome.datasets if found.dataset.stored}


def error(outcome: PipelineOutcome, table: str) -> str:
    return next(found.error for found in outcome.datasets if found.dataset.name.table == table)


ORDERS = """
from pyspark import pipelines as dp

@dp.temporary_view()
def incoming():
    return (spark.readStream.format("cloudFiles").option("cloudFiles.format", "parquet")
            .load("{folder}/orders").selectExpr("id", "m"))

@dp.table(cluster_by=["id"], comment="orders that may be used")
@dp.expect_all_or_drop({{"small": "m < 5", "known": "id IS NOT NULL -- a comment"}})
@dp.expect("late", "id > 10")
def orders():
    return spark.readStream.table("incoming")

@dp.table()
def rejected():
    return spark.readStream.table("incoming").where("NOT (m < 5)")

@dp.materialized_view()
@dp.expect_or_fail("few", "n < {limit}")
def by_m():
    return spark.sql("SELECT m, count(*) AS n FROM orders GROUP BY m")

@dp.materialized_view()
def total():
    return spark.sql("SELECT sum(n) AS n FROM by_m")
"""


def test_expectations_count_and_drop_over_runs(lake: Lake) -> None:
    lake.write_rows("orders", 0, 700)
    source = ORDERS.format(folder=lake.folder, limit=10_000)

    first = lake.run(source)
    assert set(states(first).values()) == {DatasetState.COMPLETED}
    assert tallies(first)["orders"] == Tally(700, 200, (200, 0, 11))
    assert (lake.count("orders"), lake.count("rejected"), lake.count("by_m")) == (500, 200, 5)

    second = lake.run(source)
    assert tallies(second)["orders"] == Tally(0, 0, (0, 0, 0))
    assert tallies(second)["by_m"] == Tally(5, 0, (0,))
    assert lake.count("orders") == 500

    lake.write_rows("orders", 700, 770)
    third = lake.run(source)
    assert tallies(third)["orders"] == Tally(70, 20, (20, 0, 0))
    assert tallies(third)["rejected"] == Tally(20, 0, ())
    assert (lake.count("orders"), lake.count("rejected")) == (550, 220)
    detail = lake.session.classic.sql(f"DESCRIBE DETAIL {lake.schema}.orders").first()
    assert list(detail["clusteringColumns"]) == ["id"]
    assert detail["description"] == "orders that may be used"


def test_a_failing_expectation_keeps_what_was_published(lake: Lake) -> None:
    lake.write_rows("orders", 0, 700)
    assert not lake.run(ORDERS.format(folder=lake.folder, limit=10_000)).failed

    lake.write_rows("orders", 700, 1400)
    failed = lake.run(ORDERS.format(folder=lake.folder, limit=150))

    assert states(failed) == {
        "orders": DatasetState.COMPLETED,
        "rejected": DatasetState.COMPLETED,
        "by_m": DatasetState.FAILED,
        "total": DatasetState.SKIPPED,
    }
    assert error(failed, "by_m") == (
        f'a row of spark_catalog.{lake.schema}.by_m breaks "few", which must stop the update'
    )
    assert {name.table for name in failed.restored} == {"by_m", "total"}
    rows = lake.session.classic.sql(f"SELECT n FROM {lake.schema}.total").collect()
    assert [row[0] for row in rows] == [500]
    assert lake.count("orders") == 1000

    mended = lake.run(ORDERS.format(folder=lake.folder, limit=10_000))
    assert not mended.failed
    assert lake.session.classic.sql(f"SELECT n FROM {lake.schema}.total").first()[0] == 1000


def test_a_first_run_that_fails_leaves_no_empty_table(lake: Lake) -> None:
    lake.write_rows("orders", 0, 700)
    failed = lake.run(ORDERS.format(folder=lake.folder, limit=1))
    assert states(failed)["by_m"] is DatasetState.FAILED
    assert not lake.table_folder("by_m").exists()
    assert not lake.session.classic.catalog.tableExists(f"{lake.schema}.by_m")
    assert not lake.run(ORDERS.format(folder=lake.folder, limit=10_000)).failed


UNRESOLVED = """
from pyspark import pipelines as dp

@dp.materialized_view()
def good():
    return spark.range(3)

@dp.materialized_view()
def bad():
    return spark.sql("SELECT {column} FROM good")
"""


def test_a_query_that_cannot_be_resolved_touches_nothing(lake: Lake) -> None:
    assert not lake.run(UNRESOLVED.format(column="id")).failed
    before = {table: commits_after(lake.table_folder(table), None) for table in ("good", "bad")}

    failed = lake.run(UNRESOLVED.format(column="nope"))

    assert failed.failed
    assert states(failed)["bad"] is DatasetState.FAILED
    assert error(failed, "bad").startswith("[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function")
    assert {table: commits_after(lake.table_folder(table), None) for table in before} == before


CONFIGURED = """
from pyspark import pipelines as dp

first = spark.conf.get("lakepact.first")

@dp.materialized_view()
def numbers():
    return spark.sql(f"SELECT id FROM range({first}, {spark.conf.get('lakepact.last')})")
"""


def test_sources_read_the_configuration_of_their_pipeline(lake: Lake) -> None:
    lake.session.connect.conf.set("lakepact.last", "7")
    try:
        outcome = lake.run(CONFIGURED, configuration={"lakepact.first": "3", "lakepact.last": "5"})
        assert states(outcome) == {"numbers": DatasetState.COMPLETED}
        assert lake.count("numbers") == 2
        assert lake.session.connect.conf.get("lakepact.first", None) is None
        assert lake.session.connect.conf.get("lakepact.last") == "7"
    finally:
        lake.session.connect.conf.unset("lakepact.last")


def test_a_dry_run_writes_nothing(lake: Lake) -> None:
    outcome = lake.run(UNRESOLVED.format(column="id"), dry_run=True)
    assert not outcome.failed
    assert set(states(outcome).values()) == {DatasetState.SKIPPED}
    assert not lake.table_folder("good").exists()


def test_only_what_is_selected_is_refreshed(lake: Lake) -> None:
    lake.write_rows("orders", 0, 700)
    source = ORDERS.format(folder=lake.folder, limit=10_000)
    lake.run(source)
    lake.write_rows("orders", 700, 770)

    outcome = lake.run(source, Selection(refresh=("total",)))
    assert states(outcome)["total"] is DatasetState.COMPLETED
    assert states(outcome)["orders"] is DatasetState.SKIPPED
    assert lake.count("orders") == 500

    whole = lake.run(source, Selection(full_refresh_all=True))
    assert tallies(whole)["orders"] == Tally(770, 220, (220, 0, 11))
    assert lake.count("orders") == 550


def test_an_unknown_selection_names_the_datasets(lake: Lake) -> None:
    with pytest.raises(UsageError, match=r"no dataset spark_catalog\.lake_\w+\.nope in this pipeline") as raised:
        lake.run(UNRESOLVED.format(column="id"), Selection(refresh=("nope",)))
    assert raised.value.hint == "it has bad, good"


def test_faults_of_the_graph_are_told_together(lake: Lake) -> None:
    source = """
from pyspark import pipelines as dp
dp.create_streaming_table("alone")

@dp.append_flow(target="nowhere")
def loose():
    return spark.readStream.table("alone")
"""
    with pytest.raises(ConfigurationError, match="LP532: the pipeline cannot be run") as raised:
        lake.run(source)
    assert [(problem.file, problem.line, problem.message) for problem in raised.value.problems] == [
        ("pipeline.py", 3, f"spark_catalog.{lake.schema}.alone has no flow"),
        ("pipeline.py", 5, "flow loose writes to nowhere, which the pipeline does not define"),
    ]


def test_a_killed_run_is_put_right_by_the_next(lake: Lake) -> None:
    assert not lake.run(UNRESOLVED.format(column="id")).failed
    job_journal = lake.folder / "journal" / "p.json"
    assert not job_journal.exists()

    # What a kill leaves: the journal of the run, and a view that was emptied but not filled again.
    from lakepact.local.journal import Journal, StoredTable
    from lakepact.local.names import DatasetName

    name = DatasetName("spark_catalog", lake.schema, "good")
    Journal(job_journal).begin([StoredTable(name, lake.table_folder("good"))])
    lake.session.classic.sql(f"TRUNCATE TABLE {name.sql}")
    assert lake.count("good") == 0

    lake.run(UNRESOLVED.format(column="id"), dry_run=True)
    assert lake.count("good") == 3
    assert not job_journal.exists()


def test_a_query_without_rows_leaves_its_table_empty(lake: Lake) -> None:
    source = """
from pyspark import pipelines as dp

@dp.materialized_view()
def few():
    return spark.sql("SELECT id FROM range(3) WHERE id < {limit}")

@dp.materialized_view()
def none():
    return spark.sql("SELECT id FROM few WHERE id > 10")
"""
    first = lake.run(source.format(limit=3))
    assert not first.failed
    assert (lake.count("few"), lake.count("none")) == (3, 0)

    second = lake.run(source.format(limit=0))
    assert states(second) == {"few": DatasetState.COMPLETED, "none": DatasetState.COMPLETED}
    assert second.restored == ()
    assert (lake.count("few"), lake.count("none")) == (0, 0)


def test_counts_of_many_expectations_are_exact(lake: Lake) -> None:
    rules = {f"r{n}": f"id % {n} <> 0" for n in range(2, 42)}
    lake.write_rows("orders", 1, 1001)
    source = f"""
from pyspark import pipelines as dp

@dp.materialized_view()
@dp.expect_all({rules!r})
@dp.expect_all_or_drop({{"even": "id % 2 = 0", "unknown": "id > NULL OR id <= 500"}})
def numbers():
    return spark.read.parquet("{lake.folder}/orders")
"""
    tally: Any = tallies(lake.run(source))["numbers"]
    expected = tuple(1000 // n for n in range(2, 42))
    assert sorted(tally.failed_records) == sorted((*expected, 500, 500))
    assert (tally.input_records, tally.output_records) == (1000, 250)
