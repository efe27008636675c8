"""What every part of a bundle is made from: the project, the bundle's root, and names that parts call each other by."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lakepact.bundle.wheel import Wheel, wheel_of
from lakepact.errors import ConfigurationError, UsageError
from lakepact.project.model import Environment, Project

__all__ = ["INBOX", "INBOX_SCHEMA", "LANDING", "RECORDS", "STORE", "STORE_SCHEMA", "Context", "context_of"]

# Keys are unique across all kinds of resources, so that each ends with its kind.
STORE_SCHEMA: Final = "${resources.schemas.store_schema.name}"
"""The schema of the contract store, with the prefix that a development target gives it."""

INBOX_SCHEMA: Final = "${resources.schemas.inbox_schema.name}"
"""The schema of the inbox: one of its own, because the app may write to it and to nothing else."""

STORE: Final = f"uc:${{var.catalog}}.{STORE_SCHEMA}?warehouse=${{var.warehouse_id}}"
"""The address of the contract store, and of the results beside it."""

INBOX: Final = f"uc:${{var.catalog}}.{INBOX_SCHEMA}?warehouse=${{var.warehouse_id}}"
"""The address of the inbox."""

_DATA_SCHEMA: Final = "${resources.schemas.data_schema.name}"
LANDING: Final = f"/Volumes/${{var.catalog}}/{_DATA_SCHEMA}/${{resources.volumes.landing_volume.name}}"
"""Where files arrive."""

RECORDS: Final = f"/Volumes/${{var.catalog}}/{STORE_SCHEMA}/${{resources.volumes.records_volume.name}}"
"""Where jobs keep what they have to remember."""

_NOT_IN_A_KEY: Final = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One project in one bundle. `environments` are those of the project on Databricks; the first is the default."""

    project: Project
    root: Path
    environments: Mapping[str, Environment]
    keys: Mapping[str, str]
    wheel: Wheel

    @property
    def environment(self) -> Environment:
        """The environment of targets that have none of their own name."""
        return next(iter(self.environments.values()))

    @property
    def name(self) -> str:
        """The bundle's name: that of the project's folder."""
        return _NOT_IN_A_KEY.sub("-", self.project.root.name) or "lakepact"

    @property
    def folder(self) -> str:
        """The project's folder in the workspace."""
        below = self.project.root.relative_to(self.root).as_posix()
        return "${workspace.file_path}" + ("" if below == "." else f"/{below}")

    def from_bundles(self, path: Path) -> str:
        """How a file in `bundles/` names `path`."""
        return Path(os.path.relpath(path, self.root / "bundles")).as_posix()


def context_of(project: Project, root: Path) -> Context:
    """The context of a bundle in the folder `root`.

    Raises UsageError LP960 where the project is not in that folder, ConfigurationError LP960 where it has no
    environment on Databricks, or names of pipelines that no bundle can tell apart.
    """
    absolute = root.resolve()
    if not project.root.is_relative_to(absolute):
        message = f"the project in '{project.root}' is not below the bundle's folder '{absolute}'"
        raise UsageError(message, "LP960", "a deployment takes only files below its databricks.yml")
    environments = {name: each for name, each in project.environments.items() if each.storage is None}
    if not environments:
        hint = "add an environment with catalog and schema and without storage"
        raise ConfigurationError(f"'{project.file.name}' has no environment on Databricks", "LP960", hint)
    return Context(
        project=project, root=absolute, environments=environments, keys=_keys(project), wheel=wheel_of(absolute)
    )


def _keys(project: Project) -> dict[str, str]:
    keys: dict[str, str] = {}
    for name in project.pipelines:
        key = f"{_NOT_IN_A_KEY.sub('_', name)}_pipeline"
        if key in keys.values():
            other = next(one for one, taken in keys.items() if taken == key)
            message = f"pipelines '{other}' and '{name}' would both be the resource '{key}'"
            raise ConfigurationError(message, "LP960", "rename one of them")
        keys[name] = key
    return keys
