"""What came of holding history and data against the service levels of a contract: one result a level and dataset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lakepact.contract.model import Contract, SlaProperty
from lakepact.rules import compile_rules
from lakepact.rules.model import RuleSet

__all__ = ["LevelResult", "LevelSource", "LevelState", "level_names", "levels_by_rule"]


class LevelState(StrEnum):
    """How a service level stands. UNKNOWN: nothing measures it, or what was measured does not decide it."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"


class LevelSource(StrEnum):
    """What decided: a rule on the data, the history of runs, the clock, or nothing."""

    DATA = "data"
    RUNS = "runs"
    CLOCK = "clock"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelResult:
    """How one service level of a contract stands for one dataset.

    `level` names it in its contract: its id, else its property, with a number from the second of that property on.
    `property` is as the document writes it, `element` what it is about ('' for the whole object). `dataset` is '' where
    nothing is recorded of the object. `measured` and `limit` are for people; `measured` is '' where nothing was.
    `since` is when it came to stand so, and for a share over a window the start of the window; None where that is not
    known.
    `unused` names fields of the document that are not evaluated (`scheduler`, `schedule`, `valueExt`).
    """

    contract_id: str
    contract_version: str
    level: str
    property: str
    object: str
    element: str
    dataset: str
    state: LevelState
    measured: str
    limit: str
    since: datetime | None
    source: LevelSource
    reason: str
    at: datetime
    driver: str | None = None
    unused: tuple[str, ...] = ()


def level_names(levels: Iterable[SlaProperty]) -> tuple[str, ...]:
    """A name of its own for each: its id, else its property, with a number from the second of that name on."""
    seen: dict[str, int] = {}
    names = []
    for sla in levels:
        name = sla.id or sla.property
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return tuple(names)


def levels_by_rule(contract: Contract, rules: RuleSet | None = None) -> dict[str, str]:
    """The names of the service levels that rules measure on data, by the ids of the rules."""
    if not contract.sla_properties:
        return {}
    names = dict(
        zip((sla.place.path for sla in contract.sla_properties), level_names(contract.sla_properties), strict=True)
    )
    compiled = compile_rules(contract) if rules is None else rules
    return {rule.id: names[path] for rule in compiled.all_rules() for path in rule.clauses if path in names}
