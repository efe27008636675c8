"""What lakepact asks of Collibra: the protocol that the HTTP gateway and the stub speak alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from lakepact.collibra.model import (
    Asset,
    ContractAsset,
    ImportedAsset,
    ImportProblem,
    ManifestUpload,
    ManifestVersion,
    Note,
    Relation,
)

__all__ = [
    "COMPLIES_TO",
    "CONTRACT_TYPE",
    "EXPOSES_AS",
    "GOVERNS",
    "IMPLEMENTED_AS",
    "PORT_TYPE",
    "TABLE_TYPE",
    "CollibraGateway",
    "Value",
]

EXPOSES_AS: Final = "00000000-0000-0000-0000-000000050040"
"""The type of the relation from a data product to its port."""

IMPLEMENTED_AS: Final = "00000000-0000-0000-0000-000000050042"
"""The type of the relation from a port to its table."""

GOVERNS: Final = "00000000-0000-0000-0000-000000050044"
"""The type of the relation from a data contract to its port."""

COMPLIES_TO: Final = "00000000-0000-0000-0000-000000007018"
"""The type of the relation from an asset, such as a table, to what it complies to, such as a metric."""

CONTRACT_TYPE: Final = "DataContract"
"""The public id of the asset type of data contracts."""

PORT_TYPE: Final = "DataProductPort"
"""The public id of the asset type of ports."""

TABLE_TYPE: Final = "Table"
"""The public id of the asset type of tables."""

Value = str | float | bool
"""A value of an attribute."""


class CollibraGateway(Protocol):
    """Contracts, their versions and statuses, notes, attributes, and the graph around them.

    Errors: RemoteUnavailable LP902 where Collibra is away, RemoteFailed LP903 to LP907 where it refuses (LP905: what is
    asked for is not there), ConfigurationError LP910 for a status and LP915 for an attribute type that it has not.
    """

    @property
    def address(self) -> str:
        """Which Collibra this is, without secrets."""
        ...

    def check(self) -> str:
        """The version of Collibra, after a request that needs a login."""
        ...

    def contracts(self, *, manifest_id: str = "") -> tuple[ContractAsset, ...]:
        """The contracts that have that manifest id (empty: all)."""
        ...

    def versions(self, contract: str) -> tuple[ManifestVersion, ...]:
        """The versions of a contract, in no certain order."""
        ...

    def manifest(self, contract: str, version: str) -> bytes:
        """The bytes of a version as they were sent."""
        ...

    def active_manifest(self, contract: str) -> bytes:
        """The bytes of the active version as they were sent."""
        ...

    def activities(self, asset: str, since: datetime) -> frozenset[str] | None:
        """The ids of what happened to an asset from a moment on; None where that is more than one page.

        Collibra may leave out some kinds of changes: nothing in it is no proof that nothing changed.
        """
        ...

    def initialise(self, port: str, upload: ManifestUpload) -> ContractAsset | None:
        """Make the contract of a port with its first version, which is active at once, as Collibra wants it.

        None, and nothing changes, where the port has a contract, or another contract has that manifest id.
        """
        ...

    def push(self, contract: str, upload: ManifestUpload, *, active: bool, force: bool) -> bool:
        """Add a version. With `force` it replaces the one of that number, which stays active if it was.

        False, and nothing changes, where the number is taken and `force` is not given.
        """
        ...

    def activate(self, contract: str, version: str) -> None:
        """Make that version the active one; no other is it then."""
        ...

    def apply(self, contract: str) -> None:
        """Let Collibra write the active manifest into its graph: service levels as attributes, tables of the port."""
        ...

    def asset(self, asset: str) -> Asset:
        """An asset with its status."""
        ...

    def update_status(self, asset: str, status: str) -> None:
        """Give an asset the status of that name."""
        ...

    def statuses(self) -> tuple[str, ...]:
        """The names of all statuses that the tenant has."""
        ...

    def notes(self, asset: str) -> tuple[Note, ...]:
        """The comments at an asset, oldest first."""
        ...

    def add_note(self, asset: str, text: str) -> Note:
        """Write a comment, once; `text` must differ from that of every other."""
        ...

    def attributes(self, asset: str) -> Mapping[str, tuple[Value, ...]]:
        """The values of the attributes of an asset, by the name of their type."""
        ...

    def set_attribute(self, asset: str, name: str, value: Value) -> None:
        """Make that the only value of the attribute of that name."""
        ...

    def assets(self, type_id: str, *, name: str = "") -> tuple[Asset, ...]:
        """The assets of a type (by public id) and its subtypes, whose name is or ends with `name` (empty: all)."""
        ...

    def assets_in(self, domain: str, *, prefix: str) -> tuple[Asset, ...]:
        """The assets of a domain whose name starts with `prefix`."""
        ...

    def import_assets(self, assets: Sequence[ImportedAsset]) -> tuple[ImportProblem, ...]:
        """Make those assets, or make them as they are said to be; what could not be done.

        What is there already stays as it is, other attributes of an asset do too. Raises RemoteUnavailable LP902 where
        Collibra has not done it in time, RemoteFailed LP906 where it does nothing of it.
        """
        ...

    def relations(self, type_id: str, *, source: str = "", target: str = "") -> tuple[Relation, ...]:
        """The relations of a type from `source` or to `target`; all of that type where neither is given."""
        ...

    def mapped(self, system: str, entity: str) -> str | None:
        """The asset that an external system knows by that name; None where there is none."""
        ...

    def start_workflow(self, definition: str, asset: str, properties: Mapping[str, str]) -> None:
        """Start a workflow, such as a review, on an asset."""
        ...
