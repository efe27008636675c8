"""Reads a bundle: databricks.yml and what it includes, each with the place of everything in it."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from lakepact.contract.checked_document import CheckedDocument
from lakepact.contract.yaml_nodes import read_yaml
from lakepact.errors import ConfigurationError
from lakepact.project.files import shown_path

__all__ = ["ROOT_FILE", "Part", "Source", "load_bundle", "mapping_of"]

ROOT_FILE: Final = "databricks.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of a bundle: what is in it, and the folder from which its paths start."""

    document: CheckedDocument
    folder: Path

    def parts(self) -> Iterator[Part]:
        """The file itself, and each of its targets, which has the same keys again."""
        yield Part(self, "", (), self.document.data)
        for name, target in mapping_of(self.document.data.get("targets")).items():
            yield Part(self, name, ("targets", name), mapping_of(target))


@dataclass(frozen=True, slots=True)
class Part:
    """What a file says for all targets, or for the one of that name; `at` is where in the file."""

    source: Source
    target: str
    at: tuple[str | int, ...]
    data: dict[str, Any]

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """The resources of that kind, by key."""
        kinds = mapping_of(self.data.get("resources"))
        return {key: mapping_of(each) for key, each in mapping_of(kinds.get(kind)).items()}


def mapping_of(value: object) -> dict[str, Any]:
    """The value where it is a mapping, else an empty one: what else it is has been reported."""
    return value if isinstance(value, dict) else {}


def load_bundle(root: Path) -> tuple[Source, ...]:
    """The files of the bundle in `root`, databricks.yml first; each document holds its own problems.

    Raises ConfigurationError LP961 where there is no databricks.yml.
    """
    file = root / ROOT_FILE
    if not file.is_file():
        hint = "`lakepact bundle generate` writes one"
        raise ConfigurationError(f"there is no {ROOT_FILE} in '{root}'", "LP961", hint)
    first = _source(file)
    return (first, *(_source(each) for each in _included(first)))


def _source(file: Path) -> Source:
    document = CheckedDocument(file=shown_path(file))
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        document.report("LP961", f"the file cannot be read: {getattr(error, 'strerror', '') or error}", ())
        return Source(document=document, folder=file.parent)
    found, problems = read_yaml(text)
    document.problems += [replace(problem, code="LP961", file=document.file) for problem in problems]
    document.yaml = found or document.yaml
    document.data = mapping_of(document.yaml.data)
    if found is not None and not isinstance(found.data, dict | None):
        document.report("LP963", "the file must be a mapping of keys to values", ())
    return Source(document=document, folder=file.parent)


def _included(first: Source) -> Iterator[Path]:
    patterns = first.document.data.get("include")
    seen: set[Path] = set()
    for index, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
        if not isinstance(pattern, str):
            continue
        # Not recursive: `**` is one folder there, as for whoever deploys the bundle.
        named = glob.glob(pattern, root_dir=first.folder)
        found = sorted(file for file in (first.folder / name for name in named) if file.is_file())
        if not found:
            hint = "`**` means one folder here, not several" if "**" in pattern else f"looked in {first.folder}"
            first.document.report("LP965", f"no file fits '{pattern}'", ("include", index), hint=hint)
        for file in found:
            if file not in seen:
                seen.add(file)
                yield file
