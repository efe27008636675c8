"""The job is started when a notice was kept: once for many, again for those after, and at nobody's cost."""

from __future__ import annotations

import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest

from lakepact.errors import ConfigurationError
from lakepact.rerun.job_start import JobStarter, StartFailed, databricks_job
from lakepact.rerun.memory_inbox import MemoryInbox
from lakepact.rerun.serving import listening
from lakepact.rerun.settings import read_receiver_settings
from lakepact.testing.workspace import Workspace
from lakepact.workspace_login import workspace_client
from webhook_samples import SECRET, body, headers, receiving, settings

SECONDS = 20


class Started:
    """Counts starts; the first waits until it is let go, where it is told to hold."""

    def __init__(self, *, hold: bool = False, failures: int = 0) -> None:
        self.calls: queue.Queue[int] = queue.Queue()
        self.gone = threading.Event()
        self._failures = failures
        if not hold:
            self.gone.set()

    def __call__(self) -> None:
        self.calls.put(1)
        self.gone.wait(SECONDS)
        if self._failures:
            self._failures -= 1
            raise StartFailed("the workspace is away")


@pytest.fixture
def made() -> Iterator[list[JobStarter]]:
    """What is put into it ends with the test."""
    found: list[JobStarter] = []
    yield found
    for each in found:
        each.close()


def test_many_notices_are_one_start_and_later_ones_another(made: list[JobStarter]) -> None:
    start = Started(hold=True)
    starter = JobStarter(start, gathering=0.1, apart=0)
    made.append(starter)
    for _ in range(100):
        starter()
    start.calls.get(timeout=SECONDS)
    # The job may have looked before these came.
    for _ in range(100):
        starter()
    start.gone.set()
    start.calls.get(timeout=SECONDS)
    with pytest.raises(queue.Empty):
        start.calls.get(timeout=0.4)


def test_a_start_that_fails_is_logged_and_the_next_is_made(
    made: list[JobStarter], caplog: pytest.LogCaptureFixture
) -> None:
    start = Started(failures=1)
    starter = JobStarter(start, gathering=0, apart=0)
    made.append(starter)
    with caplog.at_level(logging.ERROR, logger="lakepact.webhook"):
        starter()
        start.calls.get(timeout=SECONDS)
        starter()
        start.calls.get(timeout=SECONDS)
    starter.close()
    assert caplog.messages == ["the job is not started, and waits for its schedule: the workspace is away"]


def test_nothing_is_started_after_the_end() -> None:
    start = Started()
    starter = JobStarter(start, gathering=60)
    starter()
    starter.close()
    starter()
    assert start.calls.empty()


def test_starts_are_apart(made: list[JobStarter]) -> None:
    start = Started()
    starter = JobStarter(start, gathering=0, apart=60)
    made.append(starter)
    starter()
    start.calls.get(timeout=SECONDS)
    starter()
    with pytest.raises(queue.Empty):
        start.calls.get(timeout=0.2)


def test_the_receiver_asks_for_a_start_once_a_notice_is_kept() -> None:
    inbox, seen = MemoryInbox(), list[int]()
    content = body()
    with receiving(inbox, settings(kept=lambda: seen.append(len(inbox.list())))) as address:
        found = [
            httpx.post(address, content=content, headers=headers(content, name), timeout=SECONDS).status_code
            for name in ("msg_1", "msg_1", "msg_2")
        ]
    assert found == [202, 200, 202]
    # It was in the inbox before the start was asked for; what was known is no reason.
    assert seen == [1, 2]


def test_the_job_is_an_id() -> None:
    known = {"LAKEPACT_WEBHOOK_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"}
    assert read_receiver_settings(known).job_id == 0
    assert read_receiver_settings(known | {"LAKEPACT_WEBHOOK_JOB_ID": "812"}).job_id == 812
    with pytest.raises(ConfigurationError, match=r"^LP931: LAKEPACT_WEBHOOK_JOB_ID is no id of a job\n"):
        read_receiver_settings(known | {"LAKEPACT_WEBHOOK_JOB_ID": "contract_rerun"})


def test_a_job_of_a_workspace_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    with Workspace() as workspace:
        for name, value in workspace.environment.items():
            monkeypatch.setenv(name, value)
        client = workspace_client(repeat_seconds=1)
        task = {"task_key": "look", "notebook_task": {"notebook_path": "/Shared/look"}}
        job = client.api_client.do("POST", "/api/2.2/jobs/create", body={"name": "rerun", "tasks": [task]})
        start = databricks_job(int(str(job["job_id"])))  # type: ignore[call-overload]
        start()
        assert workspace.asked("POST", "/api/2.2/jobs/run-now") == ("/api/2.2/jobs/run-now",)
        with pytest.raises(StartFailed, match=r"^Job 999 does not exist"):
            databricks_job(999)()
        assert workspace.unknown == ()


def test_a_workspace_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DATABRICKS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", os.devnull)
    with pytest.raises(StartFailed, match="cannot configure default credentials"):
        databricks_job(1)()


@pytest.mark.process
def test_the_command_starts_the_job_that_the_environment_names() -> None:
    """The port is taken, so that it ends at once: after what it has set up."""
    with listening("127.0.0.1", 0) as taken:
        given = {
            "LAKEPACT_WEBHOOK_SECRET": SECRET,
            "LAKEPACT_WEBHOOK_PORT": str(taken.getsockname()[1]),
            "LAKEPACT_WEBHOOK_JOB_ID": "812",
        }
        command = [sys.executable, "-m", "lakepact", "webhook", "serve", "--inbox", "memory:"]
        done = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 3
    assert "job 812 is started when a notice was kept\n" in done.stderr
