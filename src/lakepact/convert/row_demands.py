"""Predicates that every row must meet (expectations, CHECK constraints), written as clauses where these say the same.

A predicate becomes clauses only where that changes nothing: each part of it is a clause that fits the type of its
column, and the action of the clause is the one that the predicate had. `x > 0` is not met by NULL, so it says
`required` as well as `exclusiveMinimum`. Everything else is kept as SQL, as it is written. `required` is written for
rows that are kept out or stop the update, because only then does the table hold no NULL; else a `nullValues` rule says
it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakepact.contract.model import NOWHERE, Place
from lakepact.convert.building import add_custom, library_rule, property_named
from lakepact.convert.predicates import Clause, clauses_of

__all__ = ["RowDemand", "write_demands"]

_STRENGTH = ("warn", "quarantine", "drop", "fail")
_RULES = ("validValues", "pattern")
_NAMES = "lakepact.expectation"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDemand:
    """A predicate by its name, with what happens to a row that does not meet it: `warn`, `quarantine`, `drop`, `fail`.

    A row for which the predicate is NULL does not meet it. `named` tells that somebody chose the name. `custom` are
    custom properties, which only a rule can have.
    """

    name: str
    predicate: str
    action: str = "warn"
    place: Place = NOWHERE
    named: bool = True
    custom: Mapping[str, Any] = field(default_factory=dict)


def write_demands(
    schema_object: dict[str, Any], demands: Sequence[RowDemand], verbatim: Callable[[RowDemand], dict[str, Any]]
) -> None:
    """Write the demands into an object whose properties are there; `verbatim` makes the rule of one that stays SQL.

    In an object without any properties, those that `required`, lists of text and patterns name are created.
    """
    writer = _Writer(schema_object, demands)
    for index, demand in enumerate(demands):
        if writer.fits(index):
            writer.write(index)
        else:
            writer.holder(index).setdefault("quality", []).append(verbatim(demand))


class _Writer:
    def __init__(self, schema_object: dict[str, Any], demands: Sequence[RowDemand]) -> None:
        self._object = schema_object
        self._demands = demands
        self._undeclared = not schema_object.get("properties")
        read = [clauses_of(demand.predicate) for demand in demands]
        self._clauses = [(*clauses, *self._implied(index, read)) for index, clauses in enumerate(read)]
        self._actions = self._strongest()

    def _implied(self, index: int, read: Sequence[Sequence[Clause]]) -> Iterator[Clause]:
        """That columns are there, which a demand says with its comparisons, unless something says it already."""
        strength = _STRENGTH.index(self._demands[index].action)
        said = {
            clause.column.casefold()
            for demand, clauses in zip(self._demands, read, strict=True)
            if _STRENGTH.index(demand.action) >= strength
            for clause in clauses
            if clause.kind == "required"
        }
        for clause in read[index]:
            entry = property_named(self._object, clause.column) or {}
            key = clause.column.casefold()
            if not clause.null_passes and key not in said and not entry.get("required"):
                said.add(key)
                yield Clause(clause.column, "required")

    def _strongest(self) -> dict[str, str]:
        """The action that each column has as a whole: the strongest of what becomes options of it."""
        found: dict[str, str] = {}
        for demand, clauses in zip(self._demands, self._clauses, strict=True):
            if demand.custom or not all(self._typed(clause) for clause in clauses):
                continue
            for clause in clauses:
                if _is_option(clause, demand):
                    key = clause.column.casefold()
                    found[key] = max(found.get(key, "warn"), demand.action, key=_STRENGTH.index)
        return found

    def fits(self, index: int) -> bool:
        """Whether clauses say what the demand says."""
        clauses = self._clauses[index]
        return bool(clauses) and all(self._typed(clause) and self._free(clause, index) for clause in clauses)

    def _typed(self, clause: Clause) -> bool:
        entry = property_named(self._object, clause.column)
        if entry is None or "logicalType" not in entry:
            named = entry is not None or self._undeclared
            return named and (clause.kind in ("required", "pattern") or _all_text(clause))
        return _fits_type(clause, entry)

    def _free(self, clause: Clause, index: int) -> bool:
        """Whether the clause can stand on its property without changing others, or being changed by them."""
        demand = self._demands[index]
        if not _is_option(clause, demand):
            return True
        if demand.custom or self._actions.get(clause.column.casefold()) != demand.action:
            return False
        entry = property_named(self._object, clause.column) or {}
        key = (clause.column.casefold(), clause.kind)
        twice = [other for other in self._clauses[index] if (other.column.casefold(), other.kind) == key]
        return clause.kind not in entry.get("logicalTypeOptions", {}) and (len(twice) == 1 or clause.kind == "required")

    def holder(self, index: int) -> dict[str, Any]:
        """What a rule belongs to: the one column that it speaks of, else the object."""
        columns = {clause.column.casefold() for clause in self._clauses[index]}
        entry = property_named(self._object, columns.pop()) if len(columns) == 1 else None
        return self._object if entry is None else entry

    def write(self, index: int) -> None:
        """Write the clauses of a demand that fits."""
        demand = self._demands[index]
        for clause in self._clauses[index]:
            entry = property_named(self._object, clause.column, create=True)
            assert entry is not None
            if not _is_option(clause, demand):
                entry.setdefault("quality", []).append(_rule(clause, demand))
                continue
            if clause.kind == "required":
                entry["required"] = True
            else:
                value = clause.value.isoformat() if isinstance(clause.value, dt.date) else clause.value
                entry.setdefault("logicalTypeOptions", {})[clause.kind] = value
            _named(entry, clause.kind, demand)


def _is_option(clause: Clause, demand: RowDemand) -> bool:
    """Whether the clause has no action of its own, but that of its property."""
    return clause.kind not in _RULES and not (clause.kind == "required" and (demand.action == "warn" or demand.custom))


def _rule(clause: Clause, demand: RowDemand) -> dict[str, Any]:
    more: dict[str, Any] = {"name": demand.name, "action": demand.action, "custom": demand.custom}
    if clause.kind == "required":
        return library_rule("nullValues", **more)
    return library_rule("invalidValues", arguments={clause.kind: clause.value}, **more)


def _named(entry: dict[str, Any], kind: str, demand: RowDemand) -> None:
    """Keep the action of the demand where a clause does not have it anyway, and its name."""
    custom = {each["property"]: each["value"] for each in entry.get("customProperties", ())}
    usual = demand.action == "warn" or (demand.action == "quarantine" and kind == "required")
    if not usual and "lakepact.action" not in custom:
        add_custom(entry, {"lakepact.action": demand.action})
    if demand.named and _NAMES in custom:
        custom[_NAMES].setdefault(kind, demand.name)
    elif demand.named:
        add_custom(entry, {_NAMES: {kind: demand.name}})


def _all_text(clause: Clause) -> bool:
    return clause.kind == "validValues" and all(isinstance(value, str) for value in clause.value)


def _fits_type(clause: Clause, entry: Mapping[str, Any]) -> bool:
    logical, physical = entry["logicalType"], str(entry.get("physicalType", "")).upper()
    is_text = logical == "string" and (physical == "STRING" or physical.startswith("VARCHAR"))
    match clause.kind:
        case "required":
            return True
        case "pattern" | "minLength" | "maxLength":
            return is_text
        case "validValues":
            kinds = {"integer": int, "boolean": bool}
            wanted = str if is_text else kinds.get(logical)
            return wanted is not None and all(type(value) is wanted for value in clause.value)
    if isinstance(clause.value, dt.date):
        return bool(logical == "date")
    # `x > 0` is TRUE for NaN, and a bound of the contract is not: floating numbers keep their predicate.
    return bool(logical == "integer") or (logical == "number" and physical.startswith("DECIMAL"))
