"""Files that are named by path or by the address of an object storage."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from lakepact.errors import ConfigurationError, ExtraMissing, UsageError

__all__ = ["Place", "found_files", "head_of"]

_SUFFIXES: Final = (".parquet", ".csv", ".tsv", ".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Place:
    """One file: its name for people, and how to open it."""

    name: str
    system: Any = None

    def open(self) -> AbstractContextManager[Any]:
        """The file, opened for reading of bytes."""
        if self.system is None:
            return Path(self.name).open("rb")
        opened: AbstractContextManager[Any] = self.system.open(self.name, "rb")
        return opened


def found_files(names: Sequence[str]) -> list[Place]:
    """The files that are named; a folder stands for all files in it, at any depth, whose names end as data does.

    Names that start with `_` or `.` are left out, as Spark does. Raises UsageError (LP885) where nothing is there,
    ConfigurationError (LP883) where it cannot be looked at, ExtraMissing (LP884) for an address without fsspec.
    """
    places: list[Place] = []
    for name in names:
        here = _remote(name) if "://" in name else _local(name)
        if not here:
            raise UsageError(f"there is no file of data at '{name}'", "LP885", "name files, or a folder of them")
        places += here
    if not places:
        raise UsageError("no file is named", "LP885", "name files, or a folder of them")
    return places


def head_of(place: Place, size: int) -> tuple[bytes, bool]:
    """The first bytes of a file, and whether there are more. Raises ConfigurationError (LP883)."""
    try:
        with place.open() as stream:
            content = bytes(stream.read(size + 1))
    except OSError as error:
        raise ConfigurationError(f"'{place.name}' cannot be read: {error}", "LP883", "name files to read") from error
    return content[:size], len(content) > size


def _local(name: str) -> list[Place]:
    path = Path(name)
    if path.is_dir():
        inner = (each for each in sorted(path.rglob("*")) if each.is_file())
        return [Place(str(each)) for each in inner if _is_data(each.relative_to(path).as_posix())]
    return [Place(name)] if path.is_file() else []


def _remote(name: str) -> list[Place]:
    try:
        url_to_fs = import_module("fsspec.core").url_to_fs
    except ImportError as error:
        hint = "pip install 'lakepact[objects]'"
        raise ExtraMissing(f"'{name}' needs fsspec, which is not installed", "LP884", hint) from error
    try:
        system, path = url_to_fs(name)
        if system.isdir(path):
            inner = (each for each in sorted(system.find(path)))
            return [Place(each, system) for each in inner if _is_data(each.removeprefix(path).lstrip("/"))]
        return [Place(path, system)] if system.exists(path) else []
    except (ImportError, ValueError) as error:
        raise UsageError(f"'{name}' is no address that fsspec can open: {error}", "LP885") from error
    except OSError as error:
        raise ConfigurationError(f"'{name}' cannot be read: {error}", "LP883", "check what may read it") from error


def _is_data(path: str) -> bool:
    return path.endswith(_SUFFIXES) and not any(part.startswith(("_", ".")) for part in path.split("/"))
