"""Bundle, pipeline source and notebooks at the top of this repository: current, without faults, and running."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import tempfile
from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from lakepact.bundle import bundle_files, check_bundle, file_text
from lakepact.cli import main
from lakepact.contract import load_contract
from lakepact.project import load_project
from lakepact.rerun import Arrival, EffectKey, EffectState, open_inbox
from lakepact.store import Status, create_store, open_store
from lakepact.testing.recording_pipelines import RecordingPipelines, RecordingSpark
from lakepact.testing.workspace_pipelines import WorkspacePipelines

ROOT = Path(__file__).resolve().parent.parent.parent
FLIGHTS = ROOT / "examples" / "flights"


class Session:
    """The recording session with a configuration."""

    def __init__(self, configuration: dict[str, str]) -> None:
        self._recording = RecordingSpark()
        self.conf = configuration

    def __getattr__(self, name: str) -> Any:
        return getattr(self._recording, name)


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The address of a store in which the contract of the flights is in force."""
    address = f"file:{tmp_path / 'store'}"
    create_store(address)
    contract = load_contract(FLIGHTS / "contracts" / "nyc-flights.odcs.yaml")
    opened = open_store(address)
    opened.put(contract, actor="ada", reason="first", status=Status.IN_REVIEW)
    opened.set_status(contract.id, contract.version, Status.VALIDATED, actor="ada", reason="agreed")
    return address


def test_the_bundle_is_current() -> None:
    stale = [
        each.path
        for each in bundle_files(load_project(FLIGHTS / "lakepact.yml"), ROOT)
        if (ROOT / each.path).read_text(encoding="utf-8") != file_text(each)
    ]
    assert stale == [], "`lakepact bundle generate examples/flights --out .` writes them anew"


def test_the_bundle_has_no_faults() -> None:
    checked = check_bundle(ROOT)
    assert checked.problems == ()
    assert checked.targets == ("dev", "staging", "prod")
    assert checked.resources == 13


def test_tasks_call_commands_with_options_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    jobs = yaml.safe_load((ROOT / "bundles" / "jobs.yml").read_text(encoding="utf-8"))["resources"]["jobs"]
    tasks = [task.get("for_each_task", {"task": task})["task"] for job in jobs.values() for task in job["tasks"]]
    called = [task["python_wheel_task"]["parameters"] for task in tasks if "python_wheel_task" in task]
    assert [words[0] for words in called] == ["rerun", "collibra", "sla", "quarantine", "results", "results", "webhook"]
    for words in called:
        command = list(takewhile(str.isalpha, words))
        assert main([*command, "--help"]) == 0
        known = capsys.readouterr().out
        options = [word for word in words if word.startswith("--")]
        assert [option for option in options if f"{option} " not in known] == []


def test_only_what_runs_there_is_uploaded() -> None:
    bundle = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))
    assert bundle["sync"]["paths"] == ["bundles", "examples/flights", "notebooks", "pipelines"]


def defined(store: str, versions: str) -> RecordingPipelines:
    """What the source of the pipeline defines, where its configuration has this store and these versions."""
    text = (ROOT / "pipelines" / "flights.py").read_text(encoding="utf-8")
    dp = RecordingPipelines()
    configuration = {
        "lakepact.store": store,
        "lakepact.landing": "/Volumes/main/flights/landing",
        "lakepact.contract": "nyc-flights",
        "lakepact.versions": versions,
    }
    # The double stands for what the import gives on Databricks.
    source = text.replace("from pyspark import pipelines as dp\n", "")
    assert source != text
    exec(compile(source, "flights.py", "exec"), {"dp": dp, "spark": Session(configuration)})
    return dp


def test_the_pipeline_source_defines_the_datasets_of_the_version_in_force(store: str) -> None:
    dp = defined(store, ">=1.0,<2")
    names = {call.name for call in dp.calls}
    assert {"flights", "flights__quarantine", "weather", "planes", "airports", "airlines", "delays"} <= names
    (flights,) = [call for call in dp.calls if call.name == "flights"]
    assert flights.decorator == "table"
    assert "/Volumes/main/flights/landing/flights" in str(dp.calls)


def test_the_version_of_a_pipeline_is_pinned_and_stamped(store: str) -> None:
    opened = open_store(store)
    later = load_contract(
        (FLIGHTS / "contracts" / "nyc-flights.odcs.yaml").read_bytes().replace(b"version: 1.2.0\n", b"version: 1.2.1\n")
    )
    opened.put(later, actor="ada", reason="words", status=Status.IN_REVIEW)
    opened.set_status(later.id, later.version, Status.VALIDATED, actor="ada", reason="agreed")
    for versions, expected in ((">=1.0,<2", "1.2.1"), ("==1.2.0", "1.2.0")):
        tables = [call for call in defined(store, versions).calls if call.name in ("flights", "weather")]
        stamped = [cast("dict[str, str]", call.arguments["table_properties"]) for call in tables]
        assert [each["lakepact.contract.version"] for each in stamped] == [expected] * 2


def test_the_pipeline_source_defines_what_the_project_does() -> None:
    project = load_project(FLIGHTS / "lakepact.yml")
    text = (ROOT / "pipelines" / "flights.py").read_text(encoding="utf-8")
    for name, entry in project.pipelines["flights"].objects.items():
        assert f'"{name}": ' in text or f"def {name}(" in text
        if sql := getattr(entry, "sql", ""):
            assert sql in text


def run_notebook(name: str, **variables: str) -> str:
    """What a notebook prints as a plain script."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LAKEPACT_")} | variables
    done = subprocess.run(
        [sys.executable, str(ROOT / "notebooks" / name)],
        env=environment | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda path: path.name)
def test_notebooks_have_the_format_of_databricks(notebook: Path) -> None:
    first, *cells = notebook.read_text(encoding="utf-8").split("\n# COMMAND ----------\n")
    assert first.startswith("# Databricks notebook source\n")
    for cell in (each.strip().splitlines() for each in cells):
        magic = [line.startswith("# MAGIC ") for line in cell]
        assert all(magic) or not any(magic)


@pytest.mark.process
def test_a_contract_is_authored(tmp_path: Path) -> None:
    address = f"file:{tmp_path / 'store'}"
    printed = run_notebook("author_contract.py", LAKEPACT_STORE=address, LAKEPACT_ACTOR="ada")
    assert "notebook-orders 1.0.0: 1 object\n" in printed
    assert "in force: 1.0.0\n" in printed
    assert printed.splitlines()[-1].startswith("major ")
    assert open_store(address).latest("notebook-orders").changed_by == "ada"


@pytest.mark.process
def test_a_rerun_is_followed(tmp_path: Path) -> None:
    address = f"delta:{tmp_path / 'inbox'}"
    inbox = open_inbox(address)
    inbox.receive(Arrival(delivery_id="msg_1", type="x", contract_id="orders", version="1.2.0"))
    (event,) = inbox.claim("job", timedelta(minutes=5))
    key = EffectKey(contract_id="orders", version="1.2.0", sha256="ab", pipeline="sales")
    inbox.begin_effect(key, "msg_1")
    inbox.settle_effect(key, "msg_1", EffectState.DONE, note='{"update_id": "u-7"}')
    inbox.complete(event)
    printed = run_notebook("follow_rerun.py", LAKEPACT_INBOX=address)
    assert " msg_1 done orders " in printed
    assert "sales 1.2.0 done u-7 \n" in printed


@pytest.mark.process
def test_an_empty_inbox_is_said() -> None:
    assert run_notebook("follow_rerun.py") == "no event has arrived\nno pipeline has run for it\n"


class Widgets:
    """`dbutils` of Databricks, with widgets that somebody has filled in."""

    def __init__(self, **values: str) -> None:
        self.widgets = self
        self._values = values

    def text(self, name: str, default: str) -> None:
        self._values.setdefault(name, default)

    def get(self, name: str) -> str:
        return self._values[name]


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a notebook of this process makes its folders."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.spark
@pytest.mark.usefixtures("local_session", "scratch")
def test_a_pipeline_is_generated_and_run(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "notebooks" / "generate_and_run.py"), init_globals={"dbutils": Widgets()})
    printed = capsys.readouterr().out
    assert printed.startswith("pipeline orders in spark_catalog.sales\n")
    assert '"amount.minimum": "`amount` IS NULL OR' in printed
    assert "\norders COMPLETED 3 rows \n" in printed
    assert "\n    amount.minimum quarantine 1 of 5\n" in printed
    assert "\norders__quarantine COMPLETED 2 rows \n" in printed


@pytest.mark.usefixtures("scratch")
def test_a_deployed_pipeline_is_started_and_followed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counted = {"name": "amount.minimum", "dataset": "main.sales.orders", "passed_records": 4, "failed_records": 1}
    progress = {"status": "RUNNING", "data_quality": {"expectations": [counted]}}
    event = {"event_type": "flow_progress", "level": "INFO", "details": {"flow_progress": progress}}
    with WorkspacePipelines() as workspace:
        pipeline = workspace.add_pipeline("orders")
        workspace.next_update(pipeline, looks=0, events=[event])
        for name, value in {"HOST": workspace.url, "TOKEN": workspace.token, "CONFIG_FILE": os.devnull}.items():
            monkeypatch.setenv(f"DATABRICKS_{name}", value)
        dbutils = Widgets(pipeline_id=pipeline)
        runpy.run_path(str(ROOT / "notebooks" / "generate_and_run.py"), init_globals={"dbutils": dbutils})
        assert workspace.started(pipeline) == (False,)
    assert " COMPLETED \norders.amount.minimum fail 1 of 5\n" in capsys.readouterr().out


@pytest.mark.spark
def test_a_quarantine_is_reviewed(spark: Any, scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = str(ROOT / "notebooks" / "review_quarantine.py")

    def printed(**widgets: str) -> tuple[str, dict[str, Any]]:
        left = runpy.run_path(notebook, init_globals={"spark": spark, "dbutils": Widgets(actor="ada", **widgets)})
        return capsys.readouterr().out, left

    example, left = printed()
    assert "'amount': -5.0, 'email': '***'" in example
    assert "correct by ada - looked at with the finance team" in example
    assert "1 written, 1 back in review\n" in example
    assert example.endswith("in_review 1\nreplayed 1\n")
    (scratch / "orders.odcs.yaml").write_bytes(left["CONTRACT"])
    there = {"place": left["place"], "target": left["target"], "contract": str(scratch / "orders.odcs.yaml")}
    # Of a place that is named nothing is decided that no widget names.
    assert printed(**there)[0].splitlines()[-2:] == ["in_review 1", "replayed 1"]
    (bad,) = [each.id for each in left["quarantine"].records() if each.status == "in_review"]
    assert printed(reject=bad[:8], reason="a test", **there)[0].splitlines()[-2:] == ["rejected 1", "replayed 1"]
