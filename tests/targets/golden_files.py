"""Golden files: what a renderer wrote when it was last looked at."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent / "golden"


def assert_golden(target: str, file: str, text: str) -> None:
    """`text` is what the golden file holds; LAKEPACT_UPDATE_GOLDEN=1 writes it instead, printing the difference."""
    path = GOLDEN / target / file
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    difference = "".join(
        difflib.unified_diff(before.splitlines(keepends=True), text.splitlines(keepends=True), "golden", "rendered")
    )
    if before != text and os.environ.get("LAKEPACT_UPDATE_GOLDEN") == "1":
        print(difference)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        return
    hint = "LAKEPACT_UPDATE_GOLDEN=1 writes it anew"
    assert before == text, f"{target}/{file} differs; {hint}\n{difference}"
