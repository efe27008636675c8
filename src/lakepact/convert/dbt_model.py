"""What a dbt project says of its tables, whichever file it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lakepact.contract.model import NOWHERE, Place

__all__ = ["Column", "Constraint", "DataTest", "Freshness", "Relation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTest:
    """A data test. `name` is with its package, as in `dbt_utils.accepted_range`; `title` is what a person called it."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    description: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A constraint; `columns` is empty on a column."""

    type: str
    name: str = ""
    expression: str = ""
    columns: tuple[str, ...] = ()
    to: str = ""
    to_columns: tuple[str, ...] = ()
    place: Place = NOWHERE


@dataclass(slots=True, kw_only=True)
class Column:
    """A column. `custom` become custom properties."""

    name: str
    data_type: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    custom: dict[str, Any] = field(default_factory=dict)
    constraints: list[Constraint] = field(default_factory=list)
    tests: list[DataTest] = field(default_factory=list)
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old the newest row may be: `count` of `period` (minute, hour, day), by the column `field`."""

    count: int
    period: str
    field: str


@dataclass(slots=True, kw_only=True)
class Relation:
    """A model, seed, snapshot or source table. `references` are the ways in which others name it."""

    name: str
    kind: str
    references: tuple[tuple[str, ...], ...] = ()
    physical_name: str = ""
    database: str = ""
    schema: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    custom: dict[str, Any] = field(default_factory=dict)
    columns: list[Column] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    tests: list[DataTest] = field(default_factory=list)
    freshness: Freshness | None = None
    place: Place = NOWHERE
