"""`lakepact testing collibra`: the double as a command, what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from lakepact.cli.main import main
from lakepact.testing.store_samples import contract

Captured = pytest.CaptureFixture[str]

SEED = """\
statuses: [Validated]
tables: {a>b>orders: [id]}
ports:
  gold: {tables: [a>b>orders], product: Sales, contract: orders.yaml, status: Validated}
  free:
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("seed.yml").write_text(SEED.replace("  free:\n", "  free: {}\n"))
    Path("orders.yaml").write_bytes(contract().source)
    return tmp_path


@contextmanager
def running(*options: str) -> Iterator[subprocess.Popen[str]]:
    """The double in a process of its own, that listens."""
    command = [sys.executable, "-m", "lakepact", "testing", "collibra", *options]
    with Path("errors").open("w") as errors, Path("output").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=errors, text=True)
    try:
        deadline = time.monotonic() + 120
        while not Path("errors").read_text().startswith("listening on "):
            assert process.poll() is None, Path("errors").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait(60)


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_it_prints_what_a_client_needs_and_ends_clean(number: signal.Signals) -> None:
    with running("--seed", "seed.yml", "--folder", "kept") as process:
        printed = Path("output").read_text()
        shell = f"{printed}\nexec '{sys.executable}' -m lakepact collibra list"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("LAKEPACT_COLLIBRA")}
        done = subprocess.run(["/bin/sh", "-c", shell], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[0].startswith("orders  1.0.0  Validated (validated)  gold (")
        ports = dict(re.findall(r"^# port (\w+): (\S+)$", printed, re.MULTILINE))
        assert (len(ports), ports["gold"] in done.stdout, ports["free"] in done.stdout) == (2, True, True)
        process.send_signal(number)
        assert process.wait(60) == 0
    errors = Path("errors").read_text().splitlines()
    assert (len(errors), errors[1].split()[:2]) == (2, ["ended", "after"])
    assert Path("kept/state.json").exists()


@pytest.mark.process
def test_its_state_outlives_it_and_its_port_can_be_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = []
    for _ in range(2):
        with running("--port", str(port), "--seed", "seed.yml", "--folder", "kept", "--json") as process:
            said = json.loads(Path("output").read_text())
            assert said["url"] == f"http://127.0.0.1:{port}"
            address = f"{said['url']}/rest/dataProduct/v1/dataContracts"
            found.append(httpx.get(address, auth=(said["user"], said["password"])).json()["items"])
            process.terminate()
            assert process.wait(60) == 0
    assert len(found[0]) == 1
    assert found[0] == found[1]


def test_a_seed_that_is_none_is_refused(capsys: Captured) -> None:
    Path("seed.yml").write_text("ports: {gold: {tables: [orders]}}")
    assert main(["testing", "collibra", "--seed", "seed.yml"]) == 2
    said = "error LP429: seed.yml is no seed of a Collibra: the port 'gold' has the table 'orders'"
    assert capsys.readouterr().err.startswith(said)
    Path("seed.yml").write_text("ports: {gold: {contract: orders.yaml, status: Blessed}}")
    assert main(["testing", "collibra", "--seed", "seed.yml"]) == 2
    assert "LP429: the seed cannot be made: No status has the name 'Blessed'." in capsys.readouterr().err
    assert main(["testing", "collibra", "--seed", "none.yml"]) == 2
    assert "LP420: there is no file 'none.yml'" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said(capsys: Captured) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["testing", "collibra", "--port", str(port)]) == 3
    assert f"LP429: the double cannot listen on port {port}: " in capsys.readouterr().err
