"""The files of a Databricks Asset Bundle as data: what each holds, what it is for, and why a setting is as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["BundleFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFile:
    """One file of a bundle.

    `path` is relative to the bundle's root. `data` is a mapping for a YAML file, lines for a text file. `purpose` are
    the lines below the header; `comments` are the lines above an element, by its JSON path
    (`resources.jobs.contract_rerun.queue`).
    """

    path: str
    data: Mapping[str, Any] | tuple[str, ...]
    purpose: tuple[str, ...] = ()
    comments: Mapping[str, str] = field(default_factory=dict)
