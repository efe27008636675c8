"""What Collibra holds, as frozen values: assets, contracts, versions of manifests, notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

__all__ = [
    "Asset",
    "ContractAsset",
    "ImportProblem",
    "ImportedAsset",
    "ManifestUpload",
    "ManifestVersion",
    "Note",
    "Relation",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAsset:
    """A data contract: `id` is that of its asset, `manifest_id` the id in its documents.

    `name`, `domain` and `active_version` are empty where Collibra leaves them out of a list.
    """

    id: str
    manifest_id: str
    name: str = ""
    domain: str = ""
    active_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestVersion:
    """A version of the manifest of a contract. It has no status: at most one is `active`, and the asset has a status.

    `format` is ODCS, DCS or CUSTOM. Who is the id of a user; times are in UTC.
    """

    version: str
    active: bool
    format: str
    created_by: str
    created_on: datetime
    changed_by: str
    changed_on: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestUpload:
    """A document on its way to Collibra; `name` names the asset that is made for the first version."""

    manifest_id: str
    version: str
    content: bytes = field(repr=False)
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """An asset: a product, a port, a contract, a table. `type` and `status` are names."""

    id: str
    name: str
    type: str
    domain_id: str
    domain: str
    status: str
    changed_by: str
    changed_on: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A comment at an asset: Collibra itself says who wrote it and when."""

    id: str
    text: str
    created_by: str
    created_on: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A relation, which has a direction: from `source` to `target`."""

    id: str
    type_id: str
    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAsset:
    """An asset that an import makes or updates; its name in its domain says which it is. `type` is a name.

    `attributes` has values as text by the name of their type, `sources` the assets that relations to it start from, by
    the type of the relation.
    """

    name: str
    type: str
    domain_id: str
    display_name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProblem:
    """What an import could not do; `name` is that of the asset, empty where Collibra does not say which."""

    name: str
    why: str
