"""`lakepact-task`: a command that fails is an exception, because a job looks at nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lakepact.bundle.jobs import ENTRY_POINT
from lakepact.cli.task import TaskFailed, task

ROOT = Path(__file__).resolve().parent.parent.parent


def test_a_command_that_ends_well_ends_without_an_exception(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["lakepact-task", "--version"])
    task()
    assert capsys.readouterr().out.startswith("lakepact ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bundle", "check", "nowhere"], "lakepact bundle ended with exit code 3"),
        (["nothing-such"], "lakepact nothing-such ended with exit code 2"),
    ],
)
def test_a_command_that_fails_is_an_exception(monkeypatch: pytest.MonkeyPatch, words: list[str], message: str) -> None:
    monkeypatch.setattr("sys.argv", ["lakepact-task", *words])
    with pytest.raises(TaskFailed, match=message):
        task()


def test_the_wheel_has_the_entry_point_that_jobs_call() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts[ENTRY_POINT] == "lakepact.cli.task:task"
