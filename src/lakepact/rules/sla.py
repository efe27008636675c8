"""`slaProperties` as drafts: freshness and retention measure a column against the clock, the rest is metadata."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from lakepact.contract.durations import UNIT_SECONDS
from lakepact.contract.model import Contract, SlaProperty
from lakepact.contract.types import AtomicType
from lakepact.rules.drafting import DatasetDraft, Ledger, ObjectScope, Origin
from lakepact.rules.fields import Field
from lakepact.rules.literals import Inexpressible, as_fraction
from lakepact.rules.model import Aggregate, Enforcement
from lakepact.rules.references import Scopes, find_field

__all__ = ["AGE", "sla_drafts"]

AGE: Final = "unix_seconds(current_timestamp()) - "
"""How measures of age begin: the present time, from which that of a row is taken."""

# The age of the newest value may not exceed the limit; "latency" is what the standard calls freshness.
_NEWEST = frozenset(("latency", "ly", "freshness", "fr"))
_OLDEST = frozenset(("retention", "re"))


def sla_drafts(contract: Contract, scopes: Scopes, ledger: Ledger) -> Iterator[tuple[ObjectScope, DatasetDraft]]:
    """The service levels that a table can be measured by, with the object of each."""
    for sla in contract.sla_properties:
        name = sla.property.casefold()
        if name not in _NEWEST | _OLDEST:
            ledger.note(sla.place.path, Enforcement.METADATA, f"{sla.property} is a promise of people")
            continue
        try:
            yield from _measured(sla, contract, scopes)
        except Inexpressible as refused:
            ledger.refuse(sla.place.path, str(refused), code="LP208", place=sla.place)


def _measured(sla: SlaProperty, contract: Contract, scopes: Scopes) -> Iterator[tuple[ObjectScope, DatasetDraft]]:
    seconds = _limit(sla)
    elements = sla.elements or ((contract.sla_default_element,) if contract.sla_default_element else ())
    if not elements:
        raise Inexpressible("the clause names no element (object.property) to measure")
    # All or none: a clause that is half enforced would look enforced.
    found = [find_field(element, None, scopes) for element in elements]
    yield from [(owner, _draft(sla, field, seconds)) for owner, field in found]


def _limit(sla: SlaProperty) -> int:
    unit = (sla.unit or "").casefold()
    if unit == "m":
        raise Inexpressible("unit 'm' may be minutes or months; write 'min' or 'month'")
    if unit not in UNIT_SECONDS:
        raise Inexpressible(f"unit {sla.unit!r} is no unit of time" if unit else "the clause has no unit")
    # Ages are counted in whole seconds: a limit below one is met by what is younger than one.
    return math.ceil(as_fraction(sla.value) * UNIT_SECONDS[unit])


def _draft(sla: SlaProperty, field: Field, seconds: int) -> DatasetDraft:
    if field.type not in (AtomicType("DATE"), AtomicType("TIMESTAMP"), AtomicType("TIMESTAMP_NTZ")):
        raise Inexpressible(f"{field.label} is of type {field.type.ddl}, which is no point in time")
    if not field.per_row:
        raise Inexpressible(f"{field.label} has many values in a row, which is no point in time")
    newest = sla.property.casefold() in _NEWEST
    extreme = f"{'max' if newest else 'min'}(CAST({field.expression} AS TIMESTAMP))"
    # A table without any value is not fresh; it keeps nothing too long either.
    empty = "FALSE" if newest else "TRUE"
    return DatasetDraft(
        label=f"{field.label}.sla.{sla.id or sla.property}",
        measure=Aggregate(f"{AGE}unix_seconds({extreme})"),
        condition=f"coalesce(value <= {seconds}, {empty})",
        threshold=f"{sla.property} {sla.value} {sla.unit} ({seconds} seconds)",
        clauses=(sla.place.path,),
        description=sla.description
        or f"the {'newest' if newest else 'oldest'} {field.label} is at most {sla.value} {sla.unit} old",
        origin=Origin(property=field.label, place=sla.place, level=True),
    )
