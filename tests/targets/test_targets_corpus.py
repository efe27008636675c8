"""The official examples: each loads, is explained clause by clause, and its DDL is SQL that Spark's parser reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakepact.contract import load_contract
from lakepact.contract.model import Contract
from lakepact.rules import compile_rules
from lakepact.rules.model import Enforcement, RuleSet
from lakepact.targets import ddl


def examples(corpus: Path) -> Iterator[tuple[str, Contract]]:
    """Every example of a v3 standard, by its path in the corpus."""
    for entry in json.loads((corpus / "manifest.json").read_text()):
        if entry["path"].startswith("examples/v3"):
            yield entry["path"], load_contract(corpus / entry["path"])


@pytest.fixture(scope="module")
def compiled(odcs_corpus: Path) -> list[tuple[str, Contract, RuleSet]]:
    return [(path, contract, compile_rules(contract)) for path, contract in examples(odcs_corpus)]


def test_each_clause_of_each_example_is_explained_once(compiled: list[tuple[str, Contract, RuleSet]]) -> None:
    assert len(compiled) == 98
    for path, _, rules in compiled:
        paths = [clause.path for clause in rules.coverage.clauses]
        assert paths, path
        assert len(paths) == len(set(paths)), path
        silent = [
            c.path for c in rules.coverage.clauses if c.enforcement is Enforcement.NOT_ENFORCEABLE and not c.reason
        ]
        assert silent == [], path


@pytest.mark.parametrize("dialect", list(ddl.Dialect))
def test_the_ddl_of_each_example_is_sql(
    spark: Any, compiled: list[tuple[str, Contract, RuleSet]], dialect: ddl.Dialect
) -> None:
    parser = spark._jsparkSession.sessionState().sqlParser()
    parsed = 0
    for path, contract, rules in compiled:
        for entry in ddl.render(contract, rules, catalog="main", schema="s", dialect=dialect):
            # Spark's grammar has no tags; those statements are golden files.
            if isinstance(entry, ddl.Statement) and " SET TAGS " not in entry.sql:
                assert parser.parsePlan(entry.sql) is not None, path
                parsed += 1
    assert parsed > 400
