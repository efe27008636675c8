"""The demo, run twice in one process."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Line
from lakepact.local.result import UpdateState
from lakepact.local.run import run_project
from lakepact.project.load import load_project

__all__ = ["measure_demo"]

_EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "flights"


def measure_demo(folder: Path) -> Iterator[Line]:
    """The second of two runs. The caller holds a session open, so that both are in one Java process."""
    project = folder / "flights"
    shutil.copytree(_EXAMPLE, project, ignore=shutil.ignore_patterns("data", ".lakepact"))
    subprocess.run([sys.executable, str(project / "make_data.py")], check=True, capture_output=True)
    loaded = load_project(project / "lakepact.yml")
    took = []
    for _ in range(2):
        started = time.monotonic()
        if run_project(loaded).state is not UpdateState.COMPLETED:
            raise RuntimeError("the demo failed")
        took.append(time.monotonic() - started)
    yield Line("second run of the demo in one process", took[1], 15.0, "s", f"first {took[0]:.0f} s")
