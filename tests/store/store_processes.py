"""Processes that put versions of a contract into one store: all at once, or until they are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

from lakepact.store import open_store

_PUTTING = """
import sys
from lakepact.store import open_store
from lakepact.testing.store_samples import contract
store = open_store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    store.put(contract("orders", f"{sys.argv[2]}.{number}.0"), actor=sys.argv[2])
"""
_PUTTING_FOR_EVER = """
import itertools, sys
from lakepact.store import open_store
from lakepact.testing.store_samples import contract
store = open_store(sys.argv[1])
print("ready", flush=True)
for number in itertools.count():
    version = f"{sys.argv[2]}.{number}.0"
    store.put(contract("orders", version), actor="w")
    print(version, flush=True)
"""


def put_at_once(address: str, *, writers: int, versions: int) -> None:
    """Let so many processes put so many versions each at the same time; fails where one of them is lost."""
    with ExitStack() as ends:
        started: list[subprocess.Popen[str]] = []
        for number in range(writers):
            command = [sys.executable, "-c", _PUTTING, address, str(number), str(versions)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            started.append(ends.enter_context(process))
            ends.callback(process.kill)
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in started:
            process.communicate(timeout=120)
        assert [process.returncode for process in started] == [0] * writers
    trail = open_store(address).history("orders")
    assert [event.sequence for event in trail] == list(range(1, writers * versions + 1))
    assert len({event.version for event in trail}) == writers * versions


def told_by_killed_writers(address: str, *, longest: float) -> set[str]:
    """The versions of which eight processes, each killed within so many seconds, said that they were kept."""
    chance, told = random.Random(7), set[str]()
    for number in range(8):
        command = [sys.executable, "-c", _PUTTING_FOR_EVER, address, str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline()
            time.sleep(chance.uniform(0, longest))
            # With what it started: git is a process of its own.
            os.killpg(writer.pid, signal.SIGKILL)
            told.update(line.strip() for line in writer.stdout if line.endswith("\n"))
        assert first == "ready\n"
    assert told
    return told
