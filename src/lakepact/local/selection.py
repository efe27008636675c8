"""Which datasets an update refreshes, from the names that a user gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakepact.errors import UsageError
from lakepact.plan.model import DatasetKind, Plan

__all__ = ["Selection", "selections_by_pipeline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which datasets to update; names as sources write them. All, incrementally, where nothing is said."""

    refresh: tuple[str, ...] = ()
    full_refresh: tuple[str, ...] = ()
    full_refresh_all: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, of both kinds."""
        return (*self.refresh, *self.full_refresh)


def selections_by_pipeline(
    pipelines: Sequence[tuple[Plan | None, bool]], *, refresh: Sequence[str], full_refresh: Sequence[str] | None
) -> list[Selection | None]:
    """What each pipeline updates; None for a pipeline of which nothing was selected.

    Each pipeline is its plan and whether it has hand-written sources. A schema object, or its published dataset, stands
    for all of the object's datasets. An empty `full_refresh` means everything. Names that no plan knows are left to the
    hand-written sources; where there are none, UsageError (LP533) lists what can be named.
    """
    if not refresh and not full_refresh:
        everything = Selection(full_refresh_all=full_refresh is not None)
        return [everything for _ in pipelines]
    names = [_names(plan) for plan, _ in pipelines]
    known = frozenset().union(*names)
    unknown = tuple(name for name in (*refresh, *(full_refresh or ())) if name not in known)
    if unknown and not any(hand_written for _, hand_written in pipelines):
        raise UsageError(
            f"no pipeline has a dataset {', '.join(unknown)}",
            code="LP533",
            hint=f"there are {', '.join(sorted(known))}",
        )
    return [
        _selection(found, refresh, full_refresh or (), foreign=unknown if hand_written else ())
        for found, (_, hand_written) in zip(names, pipelines, strict=True)
    ]


def _selection(
    names: Mapping[str, tuple[str, ...]], refresh: Sequence[str], full_refresh: Sequence[str], *, foreign: Sequence[str]
) -> Selection | None:
    def chosen(wanted: Sequence[str]) -> tuple[str, ...]:
        found = (names.get(name, (name,) if name in foreign else ()) for name in wanted)
        return tuple(dict.fromkeys(dataset for datasets in found for dataset in datasets))

    selection = Selection(refresh=chosen(refresh), full_refresh=chosen(full_refresh))
    return selection if selection.names else None


def _names(plan: Plan | None) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for each in plan.objects if plan else ():
        stored = tuple(dataset.name for dataset in each.datasets if dataset.kind is not DatasetKind.TEMPORARY_VIEW)
        names |= {name: (name,) for name in stored}
        names |= dict.fromkeys((each.name, each.table), stored)
    return names
