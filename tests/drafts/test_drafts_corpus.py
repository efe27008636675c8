"""Drafts over the official documents: the schema that one describes gives none, another one a draft that holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lakepact.contract import Contract, read_contract
from lakepact.contract.types import ArrayType, AtomicType, SparkType, StructField, StructType, resolve_type
from lakepact.drafts import Provenance, draft_from_schema

WHY = Provenance(cause="drift")
LARGEST = 30_000


def contracts(corpus: Path) -> Iterator[Contract]:
    for file in sorted((corpus / "examples").rglob("*.odcs.yaml")):
        contract, _ = read_contract(file) if file.stat().st_size < LARGEST else (None, ())
        if contract is not None:
            yield contract


def other(found: SparkType) -> SparkType:
    return ArrayType(AtomicType("INT")) if isinstance(found, AtomicType) else AtomicType("DATE")


def test_what_a_contract_describes_gives_no_draft_and_what_differs_one_that_holds(odcs_corpus: Path) -> None:
    seen = 0
    for contract in contracts(odcs_corpus):
        for each in contract.schema:
            fields = tuple(StructField(prop.column, resolve_type(prop)) for prop in each.columns)
            assert draft_from_schema(contract, each.name, StructType(fields), provenance=WHY) is None
            changed = StructType(tuple(StructField(found.name, other(found.type)) for found in fields))
            draft = draft_from_schema(contract, each.name, changed, provenance=WHY)
            if fields:
                seen += 1
                assert draft is not None
                assert len(draft.changes) == len(fields)
                assert draft_from_schema(draft.contract, each.name, changed, provenance=WHY) is None
    assert seen > 20
