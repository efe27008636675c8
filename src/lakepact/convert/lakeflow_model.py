"""What a pipeline source says of one dataset, whichever language it is written in."""

from __future__ import annotations

from dataclasses import dataclass, field

from lakepact.contract.model import NOWHERE, Place
from lakepact.convert.column_types import DeclaredColumn
from lakepact.convert.row_demands import RowDemand

__all__ = ["Dataset", "ForeignKey"]


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference to another dataset; `referenced` is empty where its primary key is meant."""

    columns: tuple[str, ...]
    parent: tuple[str, ...]
    referenced: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Dataset:
    """A table or view of a pipeline. `properties` become custom properties of the schema object."""

    name: str
    kind: str
    place: Place = NOWHERE
    comment: str | None = None
    columns: tuple[DeclaredColumn, ...] = ()
    demands: list[RowDemand] = field(default_factory=list)
    properties: dict[str, object] = field(default_factory=dict)
    partitions: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    primary_key: tuple[str, ...] = ()
    foreign_keys: list[ForeignKey] = field(default_factory=list)
