"""Which pipelines a contract concerns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lakepact.contract import SpecifierSet, Version
from lakepact.project.model import Project

__all__ = ["Binding", "affected", "bindings_of"]

_FULL_REFRESH = "lakepact.rerun.fullRefresh"
_REFRESH = "lakepact.rerun.refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A pipeline that runs under a contract. `versions` is a specifier: other versions do not concern it.

    `full_refresh` allows the tables to be emptied and filled anew where a change is breaking. `refresh` names the
    tables that a rerun is for; without any it is for the whole pipeline.
    """

    pipeline: str
    contract_id: str
    versions: str = ""
    full_refresh: bool = False
    refresh: tuple[str, ...] = ()


def bindings_of(project: Project) -> tuple[Binding, ...]:
    """The bindings that a project's pipelines state.

    A pipeline whose `configuration` has `lakepact.rerun.fullRefresh: "true"` allows full refreshes, and one that has
    `lakepact.rerun.refresh: "orders, customers"` refreshes these tables and leaves its others alone.
    """
    return tuple(
        Binding(
            pipeline=name,
            contract_id=pipeline.contract,
            versions=pipeline.version,
            full_refresh=pipeline.configuration.get(_FULL_REFRESH, "").casefold() == "true",
            refresh=_names(pipeline.configuration.get(_REFRESH, "")),
        )
        for name, pipeline in project.pipelines.items()
        if pipeline.contract
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in text.split(",") if (name := each.strip())))


def affected(bindings: Iterable[Binding], contract_id: str, version: str) -> tuple[Binding, ...]:
    """The bindings that this version of the contract concerns, in their order.

    >>> orders = Binding(pipeline="orders", contract_id="orders", versions=">=1,<2")
    >>> affected([orders], "orders", "1.4.0") == (orders,), affected([orders], "orders", "2.0.0")
    (True, ())
    """
    found = Version.parse(version)
    return tuple(
        each for each in bindings if each.contract_id == contract_id and found in SpecifierSet.parse(each.versions)
    )
