"""What is remembered of a pipeline's datasets from run to run: what each was made from, and what its run counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lakepact.atomic_files import replace_file
from lakepact.local.delta_log import TableState

__all__ = ["Made", "load_memory", "save_memory"]

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How a dataset was made, when its flow last completed.

    `definition` is a digest of everything but the data, `files` holds the states of files and folders that it read,
    `tables` those of Delta tables, by folder. `left` is the state in which the run left its own table, `counts` what
    was observed, by observation name without the part that names the run.
    """

    definition: str
    files: Mapping[str, str]
    tables: Mapping[str, TableState]
    left: TableState
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def load_memory(path: Path) -> dict[str, Made]:
    """What is remembered, by full name of the dataset; nothing where the file is absent, damaged or of another form."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT or document["sha256"] != _sum(document["datasets"]):
            return {}
        return {name: _made(entry) for name, entry in document["datasets"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def save_memory(path: Path, datasets: Mapping[str, Made]) -> None:
    """Remember `datasets`, and nothing else; a reader finds the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = {name: asdict(made) for name, made in datasets.items()}
    content = json.dumps({"format": _FORMAT, "sha256": _sum(entries), "datasets": entries}, indent=1)
    replace_file(path, content.encode(), durable=True, private=True)


def _sum(entries: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()


def _made(entry: Mapping[str, Any]) -> Made:
    return Made(
        definition=entry["definition"],
        files=entry["files"],
        tables={folder: TableState(**state) for folder, state in entry["tables"].items()},
        left=TableState(**entry["left"]),
        counts=entry["counts"],
    )
