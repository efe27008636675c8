"""What a user waits for before anything happens."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Line
from benchmarks.process import lakepact_cost

__all__ = ["measure_commands", "measure_session"]


def measure_commands() -> Iterator[Line]:
    """`--version`, and `explain` of a large contract with 68 tables, as whole processes."""
    yield Line("lakepact --version", lakepact_cost("--version").cpu, 0.3, "CPU s")
    with tempfile.TemporaryDirectory() as folder:
        contract = Path(folder) / "large.odcs.yaml"
        contract.write_text(_large_contract(), encoding="utf-8")
        yield Line("lakepact explain, 68 tables", lakepact_cost("explain", str(contract)).cpu, 1.0, "CPU s")


def measure_session() -> Iterator[Line]:
    """From nothing to the first answer of Spark Connect, in a process of its own."""
    code = (
        "import tempfile; from pathlib import Path; from lakepact.spark.session import open_local_session\n"
        "with open_local_session(warehouse=Path(tempfile.mkdtemp()), app_name='bench') as session:\n"
        "    session.connect.sql('SELECT 1').collect()\n"
        "    print('up', flush=True)\n"
    )
    started = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        up = time.monotonic() - started
    yield Line("local session up, jars cached", up, 8.0, "s")


def _large_contract() -> str:
    lines = ["apiVersion: v3.0.2", "kind: DataContract", "id: large", "version: 1.0.0", "status: active", "schema:"]
    for table in range(68):
        lines += [f"  - name: table_{table}", "    physicalType: table", "    properties:"]
        for column in range(7):
            lines += [
                f"      - name: column_{column}",
                f"        description: Column {column} of table {table}, as the source describes it.",
                "        logicalType: integer",
                f"        required: {'true' if column % 2 else 'false'}",
            ]
    return "\n".join(lines) + "\n"
