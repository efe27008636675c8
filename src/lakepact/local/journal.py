"""Keeps published data through a failed or killed run.

The open-source engine empties every materialized view at the start of a run, before any flow has succeeded. Before a
run the version of each table is written down; afterwards, or at the start of the next run where this one was killed, a
table that was emptied and never written again goes back to that version (`RESTORE`, which moves no data).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakepact.atomic_files import replace_file
from lakepact.local.delta_log import commits_after, latest_version
from lakepact.local.names import DatasetName

__all__ = ["Journal", "StoredTable"]

_WIPES = {"TRUNCATE", "DELETE"}
_CREATIONS = {"CREATE TABLE", "CREATE OR REPLACE TABLE"}
_SETTINGS = {
    "SET TBLPROPERTIES",
    "UNSET TBLPROPERTIES",
    "CHANGE COLUMN",
    "ADD COLUMNS",
    "CLUSTER BY",
    "REPLACE COLUMNS",
}


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table of the pipeline: where it lies, and for streaming tables the folder of its checkpoints."""

    name: DatasetName
    folder: Path
    checkpoints: Path | None = None


class Journal:
    """The journal of one pipeline, in one file."""

    def __init__(self, path: Path) -> None:
        """The journal in `path`; the file exists only while a run is under way, or after a kill."""
        self._path = path

    def begin(self, tables: Sequence[StoredTable]) -> None:
        """Write down what the tables hold now."""
        entries = [
            {
                "name": table.name.parts,
                "folder": str(table.folder),
                "version": latest_version(table.folder),
                "checkpoints": str(table.checkpoints) if table.checkpoints else None,
                "streams": _stream_numbers(table.checkpoints),
            }
            for table in tables
        ]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._path, json.dumps(entries, indent=1).encode(), durable=True, private=True)

    def settle(self, classic: Any, *, completed: Set[DatasetName] = frozenset()) -> tuple[DatasetName, ...]:
        """Give emptied tables their data back and close the journal; returns the tables that needed it.

        Tables in `completed` stay as they are: a query that gave no rows leaves its table empty, without a commit.
        Does nothing where no run was left open. Safe to repeat: a table that was put back is complete.
        """
        if not self._path.exists():
            return ()
        entries = json.loads(self._path.read_text(encoding="utf-8"))
        left = [entry for entry in entries if DatasetName(*entry["name"]) not in completed]
        restored = tuple(DatasetName(*entry["name"]) for entry in left if _put_back(classic, entry))
        self._path.unlink()
        return restored


def _put_back(classic: Any, entry: Mapping[str, Any]) -> bool:
    folder, version = Path(entry["folder"]), entry["version"]
    name = DatasetName(*entry["name"])
    if not _was_emptied(folder, version):
        return False
    if version is None:
        if entry["checkpoints"] is None:
            classic.sql(f"DROP TABLE IF EXISTS {name.sql}")
            shutil.rmtree(folder, ignore_errors=True)
        return False
    classic.sql(f"RESTORE TABLE {name.sql} TO VERSION AS OF {int(version)}").collect()
    if entry["checkpoints"] is not None:
        _drop_new_streams(Path(entry["checkpoints"]), entry["streams"])
    return True


def _was_emptied(folder: Path, version: int | None) -> bool:
    """Whether the newest commit that touched rows took them away (or, for a new table, none has brought any)."""
    for commit in commits_after(folder, version):
        if commit.operation in _WIPES or commit.operation in _CREATIONS:
            return True
        if commit.operation not in _SETTINGS:
            return False
    return False


def _stream_numbers(checkpoints: Path | None) -> dict[str, int]:
    """The number of the current checkpoint of each flow; a full refresh starts the next number."""
    if checkpoints is None or not checkpoints.is_dir():
        return {}
    return {
        flow.name: max((int(n.name) for n in flow.iterdir() if n.name.isdecimal()), default=-1)
        for flow in checkpoints.iterdir()
        if flow.is_dir()
    }


def _drop_new_streams(checkpoints: Path, numbers: Mapping[str, int]) -> None:
    for flow, newest in _stream_numbers(checkpoints).items():
        for number in range(numbers.get(flow, -1) + 1, newest + 1):
            shutil.rmtree(checkpoints / flow / str(number), ignore_errors=True)
