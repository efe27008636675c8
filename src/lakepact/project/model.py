"""The typed model of a lakepact.yml, and of one of its pipelines made ready for one environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lakepact.contract.model import Contract, Place
from lakepact.plan.model import Mode

if TYPE_CHECKING:
    from lakepact.notify.settings_model import NotifySettings

__all__ = [
    "Environment",
    "FileEntry",
    "ObjectEntry",
    "Pipeline",
    "Project",
    "ResolvedPipeline",
    "SqlEntry",
    "TableEntry",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """An object that is read from files.

    `rename` maps a property or column of the contract to the name that it has in the source.
    """

    place: Place
    path: str
    format: str
    options: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = Mode.BATCH
    rename: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEntry:
    """An object that is read from a table; `table` is its name as written, one to three parts with dots."""

    place: Place
    table: str
    mode: Mode = Mode.BATCH
    rename: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlEntry:
    """An object that a query over other datasets or tables gives."""

    place: Place
    sql: str
    mode: Mode = Mode.BATCH
    rename: Mapping[str, str] = field(default_factory=dict)


ObjectEntry = FileEntry | TableEntry | SqlEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where a pipeline publishes.

    `storage` is the folder of a local lake; None for an environment on Databricks. `mask_functions` maps a
    classification of the contract to the function that masks its columns.
    """

    place: Place
    name: str
    catalog: str
    schema: str
    storage: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    mask_functions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One pipeline as it is written: variables are not resolved, versions not chosen.

    `contract` is '' where a pipeline has nothing but hand-written sources. `version` is a specifier set such as
    `>=1.0,<2`; '' means the highest release. `sources` are globs of `.py` and `.sql` files beside the generated one.
    """

    place: Place
    name: str
    contract: str = ""
    version: str = ""
    policy: str | None = None
    objects: Mapping[str, ObjectEntry] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    configuration: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A whole lakepact.yml with the contracts that it names.

    `root` is the absolute folder of the file; every relative path and glob starts there. The first environment is the
    one that a command takes where none is named. `notifications` says who is told of broken contracts.
    """

    root: Path
    file: Path
    contracts: tuple[str, ...]
    environments: Mapping[str, Environment]
    pipelines: Mapping[str, Pipeline]
    documents: tuple[Contract, ...] = field(default=(), repr=False)
    notifications: NotifySettings | None = None

    def absolute(self, path: str) -> str:
        """`path` as Spark can open it from any folder: unchanged where it is absolute or a URI, else below `root`."""
        if "://" in path or path.startswith(("dbfs:", "file:")) or Path(path).is_absolute():
            return path
        return str(self.root / path)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedPipeline:
    """A pipeline for one environment: variables resolved, contract version chosen, files found.

    `objects` are the entries of the contract's schema objects, in the contract's order; `derived` maps each dataset
    that only the project file defines to its query: a materialized view without rules. Paths are as written, so that a
    generated source is the same on every machine; `Project.absolute` makes them absolute.
    """

    name: str
    environment: Environment
    contract: Contract | None
    policy: Path | None = None
    objects: Mapping[str, ObjectEntry] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Path, ...] = ()
    configuration: Mapping[str, str] = field(default_factory=dict)
