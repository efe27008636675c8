"""The commits of a Delta table on this machine, read from its log without Spark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Commit", "commits_after", "latest_version"]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: its version and the operation that Delta recorded (`WRITE`, `TRUNCATE`, …)."""

    version: int
    operation: str


def latest_version(table: Path) -> int | None:
    """The version of the table in that folder, None where there is no Delta table."""
    return max(_versions(table), default=None)


def commits_after(table: Path, version: int | None) -> tuple[Commit, ...]:
    """The commits newer than `version` (all for None), newest first."""
    base = -1 if version is None else version
    newer = sorted((found for found in _versions(table) if found > base), reverse=True)
    return tuple(Commit(found, _operation(table, found)) for found in newer)


def _versions(table: Path) -> Iterator[int]:
    log = table / "_delta_log"
    if log.is_dir():
        for entry in log.iterdir():
            if entry.suffix == ".json" and entry.stem.isdecimal():
                yield int(entry.stem)


def _operation(table: Path, version: int) -> str:
    with (table / "_delta_log" / f"{version:020d}.json").open(encoding="utf-8") as lines:
        for line in lines:
            action = json.loads(line)
            if "commitInfo" in action:
                return str(action["commitInfo"].get("operation", ""))
    return ""
