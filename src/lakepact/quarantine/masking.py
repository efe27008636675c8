"""Values of quarantined rows as a listing may show them: those of classified columns are hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakepact.contract.model import Contract, SchemaObject
from lakepact.notify.masking import HIDDEN, masked_samples
from lakepact.quarantine.model import Kind, Record

__all__ = ["described_object", "shown_values"]


def shown_values(record: Record, contract: Contract | None, *, reveal: bool = False) -> dict[str, Mapping[str, Any]]:
    """`row`, `raw_values` and `corrected` of a record; what must not be shown is `***` unless `reveal` is set.

    Hidden are columns with a classification other than `public`, and all that no contract describes. A batch has no
    values here.
    """
    values = {"row": record.row or {}, "raw_values": record.raw_values, "corrected": record.corrected}
    if reveal or record.header.kind is Kind.BATCH:
        return {name: dict(each) for name, each in values.items()}
    described = described_object(contract, record)
    return {
        name: {column: value if _is_shown(column, described) else HIDDEN for column, value in each.items()}
        for name, each in values.items()
    }


def described_object(contract: Contract | None, record: Record) -> SchemaObject | None:
    """The object of the contract that the record is of; None where nobody can tell."""
    if contract is None or contract.id != record.header.contract_id:
        return None
    name = record.header.object
    found = [each for each in contract.schema if name in (each.name, each.physical_name)]
    return found[0] if len(found) == 1 else contract.schema[0] if len(contract.schema) == 1 else None


def _is_shown(column: str, described: SchemaObject | None) -> bool:
    (sample,) = masked_samples([{column: ""}], described)
    return HIDDEN not in sample.values()
