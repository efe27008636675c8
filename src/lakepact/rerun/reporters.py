"""Where the results of updates go."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from lakepact.rerun.job import Reported
from lakepact.store.encoding import time_text

__all__ = ["FileReporter"]


class FileReporter:
    """Results as JSON lines in a folder, one file an update: for machines without a lake, and for tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def report(self, reported: Reported) -> None:
        """Write the file of the update; the same update again writes the same file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        place = self._folder / f"{reported.outcome.update_id}.jsonl"
        lines = [json.dumps(asdict(each) | {"at": time_text(each.at)}) for each in reported.outcome.results]
        part = place.with_suffix(".part")
        part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        part.replace(place)
