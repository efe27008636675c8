"""`python -m benchmarks [PART ...] [--rows N] [--seconds N]`: measures, and says which targets were held."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.collibra import measure_collibra
from benchmarks.contracts import measure_contracts
from benchmarks.demo import measure_demo
from benchmarks.engines import measure_engines
from benchmarks.governed import measure_governed
from benchmarks.marking import measure_marking
from benchmarks.measure import Line
from benchmarks.receiver import measure_receiver
from benchmarks.rows import measure_rows
from benchmarks.rules import measure_evaluation, measure_planning
from benchmarks.startup import measure_commands, measure_session
from benchmarks.store import measure_store
from lakepact.spark.session import open_local_session

_PARTS = (
    "startup",
    "contracts",
    "store",
    "collibra",
    "receiver",
    "rules",
    "rows",
    "governed",
    "marking",
    "engines",
    "demo",
)


def _lines(parts: list[str], *, rows: int, seconds: int) -> Iterator[Line]:
    if "startup" in parts:
        yield from measure_commands()
        yield from measure_session()
    if "contracts" in parts:
        yield from measure_contracts()
    if "store" in parts:
        yield from measure_store()
    if "collibra" in parts:
        yield from measure_collibra()
    if "receiver" in parts:
        yield from measure_receiver(seconds=seconds)
    if "rules" in parts:
        yield from measure_planning()
    if "engines" in parts:
        yield from measure_engines(rows=rows)
    if not {"rules", "rows", "governed", "marking", "demo"} & set(parts):
        return
    with tempfile.TemporaryDirectory(prefix="lakepact-bench-") as name:
        folder = Path(name)
        with open_local_session(warehouse=folder / "warehouse", app_name="lakepact") as session:
            if "rules" in parts:
                yield from measure_evaluation(session)
            if "rows" in parts:
                yield from measure_rows(session, folder, rows=rows)
            if "governed" in parts:
                yield from measure_governed(session, folder, rows=2 * rows)
            if "marking" in parts:
                yield from measure_marking(session, folder, rows=rows)
            if "demo" in parts:
                yield from measure_demo(folder)


def main() -> int:
    """Print a line for each measurement; 1 where a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(_PARTS)}; all where none is named")
    parser.add_argument(
        "--rows",
        type=int,
        default=1_000_000,
        help="rows of `rows` and `engines` (a million), half those of `governed`",
    )
    parser.add_argument("--seconds", type=int, default=60, help="how long `receiver` is sent to (default: 60)")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(_PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}")
    held = True
    for line in _lines(arguments.parts or list(_PARTS), rows=arguments.rows, seconds=arguments.seconds):
        print(line, flush=True)
        held = held and line.held
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
