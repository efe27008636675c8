"""Lint and comparison of contracts, as whole processes; `datacontract` in the same run where it is installed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Line
from benchmarks.process import Cost, lakepact_cost, process_cost

__all__ = ["measure_contracts"]

_EXAMPLE = Path("odcs/examples/v3.0.2/all/postgresql-adventureworks-contract.odcs.yaml")
_CORPUS = Path(__file__).resolve().parent.parent.parent / "shared"
_CONTRACTS = 1_000


def measure_contracts() -> Iterator[Line]:
    """One large contract, a thousand small ones, and what nesting costs."""
    with tempfile.TemporaryDirectory(prefix="lakepact-bench-") as name:
        folder = Path(name)
        yield from _large(folder)
        yield from _many(folder)
        yield from _nested(folder)


def _large(folder: Path) -> Iterator[Line]:
    document = folder / "large.odcs.yaml"
    official = _CORPUS / _EXAMPLE
    document.write_bytes(official.read_bytes() if official.exists() else _flat("large", properties=456).encode())
    peer = shutil.which("datacontract")
    for command, arguments, limit, theirs in (
        ("lint", [str(document)], 0.5, ["lint", str(document)]),
        ("diff", [str(document), str(document)], 0.8, ["breaking", str(document), str(document)]),
    ):
        cost = _succeeded(lakepact_cost(command, *arguments))
        detail = f"datacontract: {process_cost([peer, *theirs], rounds=1).cpu:.2f} CPU s" if peer else ""
        yield Line(f"lakepact {command}, 456 properties", cost.cpu, limit, "CPU s", detail)


def _many(folder: Path) -> Iterator[Line]:
    contracts = folder / "many"
    contracts.mkdir()
    for number in range(_CONTRACTS):
        (contracts / f"c{number}.odcs.yaml").write_text(_flat(f"c{number}", properties=20), encoding="utf-8")
    cost = _succeeded(lakepact_cost("lint", str(contracts), rounds=1))
    yield Line(f"lakepact lint, {_CONTRACTS:,} contracts of 20 properties", cost.cpu, 6.0, "CPU s")
    yield Line(f"lakepact lint, {_CONTRACTS:,} contracts, memory", cost.megabytes, 150.0, "MB")


def _nested(folder: Path) -> Iterator[Line]:
    start = lakepact_cost("lint", "--help").cpu
    costs = []
    for name, text in (("flat", _flat("flat", properties=2_400)), ("deep", _deep(chains=400))):
        document = folder / f"{name}.odcs.yaml"
        document.write_text(text, encoding="utf-8")
        costs.append(_succeeded(lakepact_cost("lint", str(document))).cpu - start)
    detail = f"flat {costs[0]:.2f}, six levels {costs[1]:.2f} CPU s for 2,400 properties"
    yield Line("lint of six levels against flat", costs[1] / costs[0], 1.5, "x CPU", detail)


def _succeeded(cost: Cost) -> Cost:
    if cost.exit_code != 0:
        raise RuntimeError(f"the command ended with {cost.exit_code}")
    return cost


def _header(name: str) -> list[str]:
    return [
        "apiVersion: v3.1.0",
        "kind: DataContract",
        f"id: {name}",
        "version: 1.0.0",
        "status: active",
        "schema:",
        f"  - name: {name}",
        "    properties:",
    ]


def _flat(name: str, *, properties: int) -> str:
    lines = _header(name)
    for number in range(properties):
        lines += [
            f"      - name: column_{number}",
            f"        description: Column {number}, as the source describes it.",
            f"        logicalType: {'integer' if number % 2 else 'string'}",
            f"        required: {'true' if number % 3 else 'false'}",
        ]
    return "\n".join(lines) + "\n"


def _deep(*, chains: int) -> str:
    """Properties in chains of six, each inside of the one before it."""
    lines = _header("deep")
    for chain in range(chains):
        for level in range(6):
            indent = "      " + "    " * level
            lines += [
                f"{indent}- name: column_{chain}_{level}",
                f"{indent}  description: Column {chain}, as the source describes it.",
                f"{indent}  logicalType: {'integer' if level == 5 else 'object'}",
                f"{indent}  required: {'true' if chain % 3 else 'false'}",
            ]
            if level < 5:
                lines.append(f"{indent}  properties:")
    return "\n".join(lines) + "\n"
