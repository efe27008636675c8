"""The commits of a Delta table on this machine, read from its log without Spark."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Commit", "TableState", "commits_after", "data_state", "latest_version", "table_state"]

_NEUTRAL_OPERATION = "SET TBLPROPERTIES"
_NEUTRAL_ACTIONS = frozenset({"commitInfo", "metaData"})


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: its version, the operation that Delta recorded (`WRITE`, `TRUNCATE`, …) and its numbers."""

    version: int
    operation: str
    metrics: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableState:
    """A version of a table. The digest of its commit tells it from the same version of a table that was made anew."""

    version: int
    digest: str


def latest_version(table: Path) -> int | None:
    """The version of the table in that folder, None where there is no Delta table."""
    return max(_versions(table), default=None)


def commits_after(table: Path, version: int | None) -> tuple[Commit, ...]:
    """The commits newer than `version` (all for None), newest first."""
    base = -1 if version is None else version
    newer = sorted((found for found in _versions(table) if found > base), reverse=True)
    return tuple(_commit(table, found) for found in newer)


def table_state(table: Path) -> TableState | None:
    """What the table in that folder is now; None where there is no Delta table."""
    version = latest_version(table)
    return None if version is None else TableState(version, _digest(table, version))


def data_state(table: Path, version: int | None = None) -> TableState | None:
    """The state that gave the table its rows at `version`, or now: commits that only set properties are passed over.

    The engine sets the properties of every table that it runs, new rows or not. None where the log does not tell.
    """
    versions = sorted((found for found in _versions(table) if version is None or found <= version), reverse=True)
    if not versions or (version is not None and versions[0] != version):
        return None
    for expected, found in zip(range(versions[0], -1, -1), versions, strict=False):
        if found != expected:
            return None
        if not _is_neutral(table, found):
            return TableState(found, _digest(table, found))
    return None


def _is_neutral(table: Path, version: int) -> bool:
    actions = [action for line in _lines(table, version) for action in line.items()]
    operation = next((said.get("operation") for name, said in actions if name == "commitInfo"), None)
    return operation == _NEUTRAL_OPERATION and {name for name, _ in actions} <= _NEUTRAL_ACTIONS


def _versions(table: Path) -> Iterator[int]:
    log = table / "_delta_log"
    if log.is_dir():
        for entry in log.iterdir():
            if entry.suffix == ".json" and entry.stem.isdecimal():
                yield int(entry.stem)


def _commit(table: Path, version: int) -> Commit:
    for line in _lines(table, version):
        if "commitInfo" in line:
            said = line["commitInfo"]
            return Commit(version, str(said.get("operation", "")), said.get("operationMetrics") or {})
    return Commit(version, "", {})


def _digest(table: Path, version: int) -> str:
    return hashlib.sha256(_file(table, version).read_bytes()).hexdigest()


def _lines(table: Path, version: int) -> Iterator[Mapping[str, Any]]:
    with _file(table, version).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _file(table: Path, version: int) -> Path:
    return table / "_delta_log" / f"{version:020d}.json"
