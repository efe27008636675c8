"""Paths of a project file: globs, and how a path is shown to people."""

from __future__ import annotations

import glob
from pathlib import Path

__all__ = ["matching_files", "shown_path"]


def matching_files(root: Path, pattern: str) -> tuple[Path, ...]:
    """The files that a path or glob below `root` (or an absolute one) means, sorted."""
    found = glob.glob(pattern, root_dir=root, recursive=True)
    return tuple(sorted(file for file in (root / name for name in found) if file.is_file()))


def shown_path(file: Path) -> str:
    """The path for messages: relative where the file is below the current folder, else absolute."""
    absolute = file.resolve()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)
