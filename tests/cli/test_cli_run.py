"""`lakepact run`: its arguments, and one whole run of the project that `init` writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lakepact.cli.main import main
from lakepact.cli.run import joined_full_refresh
from lakepact.notify import open_notifier
from lakepact.spark.session import LocalSession

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Path:
    """The project that `init` writes, as the current folder."""
    root = tmp_path / "shop"
    assert main(["init", str(root)]) == 0
    monkeypatch.chdir(root)
    capsys.readouterr()
    return root


@pytest.mark.parametrize(
    ("arguments", "joined"),
    [
        ([], []),
        (["run", "--full-refresh"], ["run", "--full-refresh=*"]),
        (["run", "--full-refresh", "--dry-run"], ["run", "--full-refresh=*", "--dry-run"]),
        (["run", "--full-refresh", "-p", "x"], ["run", "--full-refresh=*", "-p", "x"]),
        (["run", "--full-refresh", "a,b", "--dry-run"], ["run", "--full-refresh", "a,b", "--dry-run"]),
        (["run", "--full-refresh=a"], ["run", "--full-refresh=a"]),
    ],
)
def test_full_refresh_may_come_without_a_value(arguments: list[str], joined: list[str]) -> None:
    assert joined_full_refresh(arguments) == joined


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["--full-refresh", ","],
            2,
            "error LP421: --full-refresh has an empty list of datasets\n  hint: leave the list",
        ),
        (["--json", "data"], 2, "error LP420: --json: 'data' is a folder\n"),
        (["--json", "no/where.json"], 2, "error LP420: --json: there is no folder 'no'\n"),
        (["--env", "prod"], 3, "error LP534: environment 'prod' has no storage: it is not on this machine\n"),
        (["--env", "x"], 2, "error LP411: the project has no environment 'x'\n"),
        (["--refresh", "nothing"], 2, "error LP533: no pipeline has a dataset nothing\n"),
        (["missing"], 3, "error LP400: there is no folder 'missing'\n"),
    ],
)
def test_a_call_that_cannot_run_ends_before_spark_starts(
    project: Path, capsys: Captured, arguments: list[str], code: int, message: str
) -> None:
    assert main(["run", *arguments]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(message)
    assert not (project / ".lakepact").exists()


def test_a_missing_source_is_said_before_spark_starts(project: Path, capsys: Captured) -> None:
    (project / "data" / "customers" / "customers.json").unlink()
    assert main(["run"]) == 3
    assert capsys.readouterr().err.startswith(
        f"error LP535: source data is missing\n{project}/lakepact.yml:12:7: error LP535: pipeline orders: object"
    )


def run_process(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`lakepact run` in a process of its own: the suite has its own Spark in this one."""
    command = [sys.executable, "-m", "lakepact", "run", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600, check=False)


def counts(text: str) -> dict[str, tuple[str, int, int]]:
    """State, published and quarantined rows of each dataset that readers see."""
    (pipeline,) = json.loads(text)["pipelines"]
    return {
        one["name"]: (one["state"], one["output_records"], one["quarantined_records"])
        for one in pipeline["datasets"]
        if "__" not in one["name"]
    }


NOTIFICATIONS = """
notifications:
  channels: {chat: {type: slack, webhook: "${env:HOOK}"}}
  routes: [{channels: [chat]}]
"""


@pytest.mark.process
@pytest.mark.timeout(1300)
def test_the_new_project_runs_as_it_is_and_once_more_with_new_data(
    project: Path, local_session: LocalSession, capsys: Captured
) -> None:
    with (project / "lakepact.yml").open("a") as file:
        file.write(NOTIFICATIONS)
    first = run_process(project, "--json", "-")
    assert first.returncode == 0, first.stderr
    assert counts(first.stdout) == {
        "customers": ("COMPLETED", 4, 2),
        "orders": ("COMPLETED", 7, 4),
        "revenue": ("COMPLETED", 2, 0),
    }
    assert first.stderr == f"update {json.loads(first.stdout)['update_id']} COMPLETED\n"

    (project / "data" / "orders" / "2024-02.csv").write_text(
        "order_id,customer_id,ordered_at,status,amount,coupon\nO-0012,1,2024-02-01 08:00:00,placed,5.00,\n"
    )
    assert main(["run", "--json", "out.json"]) == 0
    second = capsys.readouterr()
    assert counts((project / "out.json").read_text())["orders"] == ("COMPLETED", 1, 0)
    assert "pipeline orders  contract orders 1.0.0\n" in second.out
    assert second.err == ""

    news = {
        (facts.dataset.rpartition(".")[2], facts.run_id == json.loads(first.stdout)["update_id"]): facts
        for _, facts in open_notifier(project / "lakepact.yml").outbox.news()
    }
    assert {key: (facts.verdict.value, len(facts.violations)) for key, facts in news.items()} == {
        ("customers", True): ("quarantine", 3),
        ("orders", True): ("quarantine", 7),
        ("customers", False): ("quarantine", 3),
        ("orders", False): ("warn", 1),
    }
    told = news["customers", True]
    assert told.quarantine == "spark_catalog.shop.customers__quarantine"
    rows = {each.rule_id: each.samples for each in told.violations}["customers.primaryKey"]
    assert [(row["customer_id"], row["email"]) for row in rows] == [("5", "***"), ("5", "***")]
