"""`lakepact run`: its arguments, and one whole run of the project that `init` writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lakepact.cli.main import main
from lakepact.cli.run import joined_full_refresh

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
        "error LP535: source data is missing\nerror LP535: pipeline orders: object"
    )


def test_the_new_project_runs_as_it_is(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--json", "-"]) == 0

    printed = capfd.readouterr()
    (pipeline,) = json.loads(printed.out)["pipelines"]
    datasets = {dataset["name"]: dataset for dataset in pipeline["datasets"]}
    assert {"customers", "orders", "revenue"} <= set(datasets)
    counts = {name: (one["state"], one["output_records"], one["quarantined_records"]) for name, one in datasets.items()}
    assert counts["revenue"][0] == "COMPLETED"
    assert counts["customers"] == ("COMPLETED", 4, 2)
    assert counts["orders"] == ("COMPLETED", 7, 4)
    assert printed.err.splitlines()[-1].endswith(" COMPLETED")

    (project / "data" / "orders" / "2024-02.csv").write_text(
        "order_id,customer_id,ordered_at,status,amount,coupon\nO-0012,1,2024-02-01 08:00:00,placed,5.00,\n"
    )
    assert main(["run", "--json", "out.json"]) == 0
    (again,) = json.loads((project / "out.json").read_text())["pipelines"]
    orders = next(dataset for dataset in again["datasets"] if dataset["name"] == "orders")
    assert (orders["output_records"], orders["quarantined_records"]) == (1, 0)
    assert "pipeline orders  contract orders 1.0.0" in capfd.readouterr().out
