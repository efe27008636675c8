"""One run at a time, and the log of a Delta table."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakepact.errors import EnvironmentLacking
from lakepact.local.delta_log import Commit, commits_after, latest_version
from lakepact.local.files import only_run

HOLDER = """
import sys, time
from pathlib import Path
from lakepact.local.files import only_run
with only_run(Path(sys.argv[1]), wait_seconds=0, waiting=print):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def held_lock(tmp_path: Path):  # type: ignore[no-untyped-def]
    lock = tmp_path / "locks" / "flights.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield lock, holder
        holder.kill()


def test_a_second_run_is_told_who_holds_the_lock(held_lock) -> None:  # type: ignore[no-untyped-def]
    lock, holder = held_lock
    said: list[str] = []
    expected = rf"another run of this pipeline is under way \(flights, {{\"pid\": {holder.pid}}}\)"
    with pytest.raises(EnvironmentLacking, match=expected), only_run(lock, wait_seconds=0.5, waiting=said.append):
        pass
    assert said == ["waiting for another run of flights to end"]


def test_a_killed_run_gives_the_lock_back(held_lock) -> None:  # type: ignore[no-untyped-def]
    lock, holder = held_lock
    holder.kill()
    holder.wait()
    started = time.monotonic()
    with only_run(lock, wait_seconds=5, waiting=print):
        assert time.monotonic() - started < 5


def test_commits_are_read_newest_first(tmp_path: Path) -> None:
    log = tmp_path / "_delta_log"
    log.mkdir()
    for version, operation in enumerate(["CREATE TABLE", "WRITE", "TRUNCATE"]):
        lines = [{"protocol": {}}, {"commitInfo": {"operation": operation}}]
        (log / f"{version:020d}.json").write_text("\n".join(map(json.dumps, lines)))
    assert latest_version(tmp_path) == 2
    assert commits_after(tmp_path, 0) == (Commit(2, "TRUNCATE"), Commit(1, "WRITE"))
    assert len(commits_after(tmp_path, None)) == 3


def test_a_folder_without_a_table_has_no_version(tmp_path: Path) -> None:
    assert latest_version(tmp_path / "absent") is None
    assert commits_after(tmp_path / "absent", None) == ()
