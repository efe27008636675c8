"""Updates of pipelines in the double: their sources run, and the API tells of them as a workspace does."""

from __future__ import annotations

import base64
import io
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from workspace_samples import client_of

from lakepact.testing.workspace import Workspace
from lakepact.testing.workspace_http import Refused
from lakepact.testing.workspace_updates import PipelineUpdate, Script, chosen_events

errors = pytest.importorskip("databricks.sdk.errors")

HOME = "/Users/ada@example.com/sales"
WHEEL = "/Workspace/Shared/greeting-1.0-py3-none-any.whl"
ORDERS = """\
from greeting import WORD
from pyspark import pipelines as dp

landing = spark.conf.get("sales.landing")


@dp.table
@dp.expect("amount.positive", "amount > 0")
@dp.expect_or_drop("id.required", "id IS NOT NULL")
def orders():
    rows = spark.readStream.format("json").schema("id BIGINT, amount BIGINT").load(f"{landing}/orders")
    return rows.selectExpr("*", f"'{WORD}' AS word")


@dp.materialized_view
def total():
    return spark.sql("SELECT sum(amount) AS amount FROM main.sales.orders")
"""
MOST = b"""\
-- Databricks notebook source
-- MAGIC %md
-- MAGIC # The largest order

-- COMMAND ----------

CREATE MATERIALIZED VIEW most AS SELECT max(amount) AS amount FROM main.sales.orders
"""
FIRST = '{"id": 1, "amount": 5}\n{"id": 2, "amount": -1}\n{"amount": 3}\n'
SPEC: Mapping[str, Any] = {
    "name": "sales",
    "catalog": "main",
    "schema": "sales",
    "configuration": {"sales.landing": "/Volumes/main/sales/landing"},
    "environment": {"dependencies": [WHEEL]},
    "event_log": {"catalog": "main", "schema": "sales", "name": "events"},
    "libraries": [{"glob": {"include": f"/Workspace{HOME}/**"}}],
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(storage=tmp_path) as found:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as wheel:
            wheel.writestr("greeting.py", 'WORD = "hello"\n')
        found.files.put(WHEEL, content.getvalue())
        yield found


@pytest.fixture
def client(workspace: Workspace) -> Any:
    return client_of(workspace)


def make(client: Any, **changed: Any) -> str:
    """A pipeline; its id."""
    return str(client.api_client.do("POST", "/api/2.0/pipelines", body={**SPEC, **changed})["pipeline_id"])


def ended(client: Any, pipeline: str, update: str) -> str:
    """The state that an update ends in."""
    while True:
        state = str(client.pipelines.get_update(pipeline, update).update.state.value)
        if state in ("COMPLETED", "FAILED", "CANCELED"):
            return state
        time.sleep(0.05)


def run(client: Any, pipeline: str, **asked: Any) -> tuple[str, list[dict[str, Any]]]:
    """Run an update; how it ended, and its events, oldest first."""
    update = client.pipelines.start_update(pipeline, **asked).update_id
    state = ended(client, pipeline, update)
    query = {"filter": f"update_id = '{update}'", "order_by": "timestamp asc", "max_results": 250}
    return state, client.api_client.do("GET", f"/api/2.0/pipelines/{pipeline}/events", query=query)["events"]


def said(events: list[dict[str, Any]], kind: str, key: str) -> list[Any]:
    """A value of the details of each event of a kind."""
    return [each["details"][kind].get(key) for each in events if each["event_type"] == kind]


def why(events: list[dict[str, Any]]) -> str:
    """What the last event says went wrong."""
    return str(events[-1]["error"]["exceptions"][0]["message"])


def rows(storage: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table of the lake."""
    deltalake = pytest.importorskip("deltalake")
    found = deltalake.DeltaTable(str(storage / "warehouse" / "sales.db" / table)).to_pyarrow_table()
    return list(found.to_pylist())


@pytest.mark.spark
@pytest.mark.process
@pytest.mark.timeout(300)
def test_an_update_runs_the_sources_that_were_uploaded(workspace: Workspace, client: Any, tmp_path: Path) -> None:
    workspace.files.put(f"{HOME}/orders.py", ORDERS.encode())
    landing = workspace.catalog.volume_folder("main.sales.landing") / "orders"
    landing.mkdir()
    # A notebook in SQL has a language, and no ending.
    body = {"path": f"{HOME}/most", "language": "SQL", "content": base64.b64encode(MOST).decode()}
    client.api_client.do("POST", "/api/2.0/workspace/import", body=body)
    (landing / "a.json").write_text(FIRST, encoding="utf-8")
    pipeline = make(client)
    state, events = run(client, pipeline)
    assert state == "COMPLETED"
    _check_events(events, pipeline)
    assert rows(tmp_path, "orders") == [
        {"id": 1, "amount": 5, "word": "hello"},
        {"id": 2, "amount": -1, "word": "hello"},
    ]
    assert rows(tmp_path, "total") == [{"amount": 4}]
    assert rows(tmp_path, "most") == [{"amount": 5}]
    assert {each["origin"]["update_id"] for each in rows(tmp_path, "events")} == {events[0]["origin"]["update_id"]}
    table = client.tables.get("main.sales.orders")
    assert (table.table_type.value, [each.name for each in table.columns]) == (
        "STREAMING_TABLE",
        ["id", "amount", "word"],
    )

    _check_selections(client, pipeline, landing, tmp_path)

    workspace.files.put(f"{HOME}/orders.py", b"\n\nraise ValueError('no orders today')")
    state, events = run(client, pipeline)
    place = f"/Workspace{HOME}/orders.py:3"
    assert (state, why(events)) == ("FAILED", f"LP541: {place}: ValueError: no orders today")
    assert (events[-1]["level"], events[-1]["details"]) == ("ERROR", {"update_progress": {"state": "FAILED"}})
    _check_that_it_stops(workspace, client, pipeline)


def _check_selections(client: Any, pipeline: str, landing: Path, storage: Path) -> None:
    """An update refreshes what it was asked to."""
    (landing / "a.json").rename(landing.parent / "a.json")
    (landing / "b.json").write_text('{"id": 9, "amount": 9}\n', encoding="utf-8")
    state, _ = run(client, pipeline, full_refresh_selection=["main.sales.orders"])
    assert (state, rows(storage, "total")) == ("COMPLETED", [{"amount": 4}])
    assert rows(storage, "orders") == [{"id": 9, "amount": 9, "word": "hello"}]
    state, events = run(client, pipeline, refresh_selection=["odd"])
    assert (state, why(events)) == (
        "FAILED",
        "LP533: no dataset main.sales.odd in this pipeline\n  hint: it has most, orders, total",
    )


def _check_that_it_stops(workspace: Workspace, client: Any, pipeline: str) -> None:
    """An update that runs keeps another one from starting, and ends when it is asked to."""
    workspace.files.put(f"{HOME}/orders.py", b"import time\ntime.sleep(100)")
    update = client.pipelines.start_update(pipeline).update_id
    while client.pipelines.get_update(pipeline, update).update.state.value != "SETTING_UP_TABLES":
        time.sleep(0.05)
    with pytest.raises(
        errors.ResourceConflict, match=rf"An active update {update} already exists for pipeline 'sales'"
    ):
        client.pipelines.start_update(pipeline)
    client.pipelines.stop(pipeline)
    assert ended(client, pipeline, update) == "CANCELED"
    assert client.pipelines.get(pipeline).state.value == "IDLE"


def _check_events(events: list[dict[str, Any]], pipeline: str) -> None:
    """Those of the first update."""
    states = ["WAITING_FOR_RESOURCES", "INITIALIZING", "SETTING_UP_TABLES", "RUNNING", "COMPLETED"]
    assert said(events, "update_progress", "state") == states
    assert {each["origin"]["pipeline_id"] for each in events} == {pipeline}
    (orders,) = [
        each
        for each in events
        if each["origin"].get("dataset_name") == "main.sales.orders"
        and each["details"].get("flow_progress", {}).get("status") == "COMPLETED"
    ]
    assert orders["details"]["flow_progress"] == {
        "status": "COMPLETED",
        "metrics": {"num_output_rows": 2},
        "data_quality": {
            "dropped_records": 1,
            "expectations": [
                {"name": "amount.positive", "dataset": "orders", "passed_records": 2, "failed_records": 1},
                {"name": "id.required", "dataset": "orders", "passed_records": 2, "failed_records": 1},
            ],
        },
    }


@pytest.mark.parametrize(
    ("changed", "asked", "expected"),
    [
        ({}, {}, f"Unable to access the source '/Workspace{HOME}/**': it does not exist."),
        (
            {"libraries": [{"notebook": {"path": "/Shared/odd"}}]},
            {},
            "Unable to access the source '/Shared/odd': it does not exist.",
        ),
        (
            {"libraries": [{"file": {"path": "/Shared/odd.py"}}]},
            {},
            "Unable to access the source '/Shared/odd.py': it does not exist.",
        ),
        ({"libraries": [{"jar": "a.jar"}]}, {}, "This workspace is a double that does not take a library jar."),
        (
            {},
            {"reset_checkpoint_selection": ["orders"]},
            "This workspace is a double that does not do reset_checkpoint_selection.",
        ),
        ({}, {"parameters": {"day": "1"}}, "This workspace is a double that does not do parameters."),
        ({"parameters": {"day": "1"}}, {}, "This workspace is a double that does not do parameters."),
        ({"continuous": True}, {}, "This workspace is a double that does not do continuous."),
        (
            {"libraries": [], "ingestion_definition": {"source_type": "SALESFORCE"}},
            {},
            "This workspace is a double that does not do ingestion_definition.",
        ),
        (
            {"libraries": [{"file": {"path": WHEEL}}], "environment": {"dependencies": ["/Shared/odd.whl"]}},
            {},
            "Library installation failed: Path (/Shared/odd.whl) doesn't exist.",
        ),
    ],
)
def test_what_cannot_run_fails_before_anything_starts(
    client: Any, tmp_path: Path, changed: dict[str, Any], asked: dict[str, Any], expected: str
) -> None:
    pipeline = make(client, **changed)
    update = client.api_client.do("POST", f"/api/2.0/pipelines/{pipeline}/updates", body=asked)["update_id"]
    assert ended(client, pipeline, update) == "FAILED"
    # As the CLI asks for what went wrong: the newest first.
    query = {"filter": "level='ERROR'", "max_results": 100}
    (event,) = client.api_client.do("GET", f"/api/2.0/pipelines/{pipeline}/events", query=query)["events"]
    assert why([event]) == expected
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_of_two_languages_does_not_run(workspace: Workspace, client: Any) -> None:
    text = b"-- Databricks notebook source\n-- MAGIC %md\n-- MAGIC words\n-- COMMAND ----------\n-- MAGIC %python\n"
    body = {"path": "/Shared/mixed", "language": "SQL", "content": base64.b64encode(text).decode()}
    client.api_client.do("POST", "/api/2.0/workspace/import", body=body)
    state, events = run(client, make(client, libraries=[{"notebook": {"path": "/Shared/mixed"}}], environment={}))
    expected = "This workspace is a double that does not run the %python of 'mixed.sql'."
    assert (state, why(events)) == ("FAILED", expected)


def test_a_told_update_is_followed_by_real_ones(workspace: Workspace, client: Any) -> None:
    pipeline = make(client)
    workspace.pipelines.next_update(pipeline, looks=0, times=2)
    assert [run(client, pipeline)[0] for _ in range(3)] == ["COMPLETED", "COMPLETED", "FAILED"]


def update(**changed: Any) -> PipelineUpdate:
    given: dict[str, Any] = {"cause": "API_CALL", "user": "ada", "clock": lambda: 1.0, "origin": {}, **changed}
    return PipelineUpdate(**given)


def test_an_update_that_is_stopped_goes_on_to_its_end() -> None:
    found = update()
    seen: list[str] = []

    def work(heard: Callable[[Mapping[str, Any]], None], stopped: threading.Event) -> Mapping[str, Any]:
        heard({"state": "SETTING_UP_TABLES"})
        seen.append(found.state)
        found.stop()
        heard({"state": "RUNNING"})
        seen.append(found.state)
        return {"ended": "CANCELED", "error": "", "events": ()}

    assert (found.state, found.active) == ("CREATED", True)
    found.run(work)
    assert seen == ["SETTING_UP_TABLES", "STOPPING"]
    assert (found.state, found.active, found.over.is_set()) == ("CANCELED", False, True)
    # Each is later than the one before, even where the clock stands still.
    assert [each["timestamp"][-5:] for each in found.events] == [".000Z", ".001Z", ".002Z", ".003Z"]


def test_an_update_whose_work_breaks_has_failed() -> None:
    found = update()

    def work(heard: Callable[[Mapping[str, Any]], None], stopped: threading.Event) -> Mapping[str, Any]:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        found.run(work)
    assert (found.state, why(list(map(dict, found.events)))) == ("FAILED", "The engine ended.")


def test_events_are_chosen_by_conditions() -> None:
    levels = ("INFO", "WARN", "ERROR")
    events = [
        {"level": level, "timestamp": f"2026-01-0{day}", "event_type": "flow_progress"}
        for day, level in enumerate(levels, 1)
    ]
    updates = [update(id="a", script=Script(events=events)), update(id="b", script=Script(events=events[:1]))]

    def days(filter: str, order: str = "") -> list[str]:
        return [str(each["timestamp"])[-1] for each in chosen_events(updates, filter, order)]

    assert days("") == ["1", "3", "2", "1"]
    assert days("update_id = 'a'", "timestamp asc") == ["1", "2", "3"]
    assert days("update_id='a' AND timestamp > '2026-01-01' and level <> 'ERROR'") == ["2"]
    assert days("level in ('WARN', 'ERROR') AND timestamp <= '2026-01-02'") == ["2"]
    assert days("timestamp >= '2026-01-03'") == ["3"]
    assert days("timestamp < '2026-01-02' AND event_type = 'flow_progress'") == ["1", "1"]
    for wrong in ("message = 'x'", "level", "level = 'INFO' OR level = 'WARN'"):
        with pytest.raises(Refused, match=r"^Invalid filter: "):
            chosen_events(updates, wrong, "")
