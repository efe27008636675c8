"""Checks a bundle without a workspace: keys and values, references, files, targets, all in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lakepact.bundle.file_checks import check_files
from lakepact.bundle.loading import Source, load_bundle, mapping_of
from lakepact.bundle.reference_checks import check_references
from lakepact.bundle.shape_checks import check_shapes
from lakepact.bundle.shapes import RESOURCE_KINDS
from lakepact.errors import Problem

__all__ = ["Checked", "check_bundle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was looked at, and everything that is wrong with it, in the order of files and lines."""

    files: tuple[str, ...]
    targets: tuple[str, ...]
    resources: int
    problems: tuple[Problem, ...] = ()


def check_bundle(root: Path) -> Checked:
    """Check the bundle in the folder `root`, without asking a workspace: who exists there and may do what is not known.

    Raises ConfigurationError LP961 where there is no databricks.yml.
    """
    sources = load_bundle(root)
    for source in sources:
        check_shapes(source.document)
    check_references(sources)
    check_files(sources)
    targets = _check_targets(sources)
    parts = [next(source.parts()) for source in sources]
    return Checked(
        files=tuple(source.document.file for source in sources),
        targets=targets,
        resources=sum(len(part.resources(kind)) for part in parts for kind in RESOURCE_KINDS),
        problems=tuple(each for source in sources for each in _sorted(source.document.problems)),
    )


def _sorted(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda each: (each.line, each.column))


def _check_targets(sources: Sequence[Source]) -> tuple[str, ...]:
    """The names of the targets. Reports what no target says, and what two of them say (LP967)."""
    names: dict[str, None] = {}
    default = ""
    with_mode: set[str] = set()
    for source in sources:
        for part in source.parts():
            if not part.at:
                continue
            names.setdefault(part.target)
            if part.data.get("mode"):
                with_mode.add(part.target)
            if part.data.get("default") is True:
                if default:
                    message = f"target '{part.target}' is a default, and so is '{default}'"
                    source.document.report("LP967", message, (*part.at, "default"))
                default = part.target
    for source in sources:
        for part in source.parts():
            if part.at and part.target not in with_mode:
                with_mode.add(part.target)
                hint = "write `mode: development` for one person, `mode: production` for all"
                source.document.report("LP967", f"target '{part.target}' has no mode", part.at, hint=hint, key=True)
    root = sources[0].document
    if root.data and not names:
        hint = "write `targets:` with dev, staging and prod"
        root.report("LP967", "the bundle has no target", (), hint=hint)
    if root.data and not mapping_of(root.data.get("bundle")).get("name"):
        root.report("LP963", "the bundle has no name", ("bundle",), hint="write `bundle:` with `name:`")
    return tuple(names)
