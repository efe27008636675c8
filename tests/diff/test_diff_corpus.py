"""The official documents: none differs from itself, and any two can be compared."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from lakepact.contract import Contract, read_contract
from lakepact.diff import Breaks, Level, compare
from lakepact.diff.report import comparison_json, markdown, text_lines


@pytest.fixture(scope="module")
def contracts(odcs_corpus: Path) -> list[Contract]:
    files = sorted((odcs_corpus / "examples").rglob("*.yaml"))
    return [contract for contract, _ in map(read_contract, files) if contract is not None]


def test_no_document_differs_from_itself(contracts: list[Contract]) -> None:
    assert len(contracts) > 90
    for contract in contracts:
        found = compare(contract, contract)
        assert (found.changes, found.level, found.version_ok) == ((), Level.NONE, True), contract.file


def test_any_two_documents_can_be_compared_and_reported(contracts: list[Contract]) -> None:
    sample = [contract for contract in contracts if len(contract.source) < 60_000][::3]
    for old, new in itertools.permutations(sample, 2):
        found = compare(old, new)
        for change in found.changes:
            assert (change.level is Level.MAJOR) is (change.breaks is not Breaks.NOBODY), change
        assert len(list(text_lines(found))) >= 2
        assert markdown(found).startswith("### ")
        assert len(comparison_json(found)["changes"]) == len(found.changes)


def test_the_same_example_in_two_versions_of_the_standard_means_the_same(odcs_corpus: Path) -> None:
    compared = 0
    for old_file in sorted((odcs_corpus / "examples/v3.0.1").rglob("*.yaml")):
        new_file = odcs_corpus / "examples/v3.0.2" / old_file.relative_to(odcs_corpus / "examples/v3.0.1")
        old, new = read_contract(old_file)[0], read_contract(new_file)[0] if new_file.exists() else None
        if old is None or new is None or old.source.replace(b"v3.0.1", b"v3.0.2") != new.source:
            continue
        compared += 1
        assert {change.path for change in compare(old, new).changes} <= {"apiVersion"}, old_file
    assert compared > 5
