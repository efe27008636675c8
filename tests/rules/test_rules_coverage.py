"""Coverage: every clause of every official document exactly once, and every rule's SQL is read by Spark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakepact.contract import load_contract, read_contract
from lakepact.contract.model import Contract
from lakepact.rules import compile_rules
from lakepact.rules.conversion import converted, fits
from lakepact.rules.coverage import enumerate_clauses
from lakepact.rules.model import Aggregate, DuplicateRows, Enforcement, OrphanRows
from speed import best_cpu_seconds, cpu_limit


def documents(corpus: Path) -> Iterator[tuple[Path, Contract]]:
    for file in sorted(corpus.glob("examples/**/*.yaml")):
        contract, _ = read_contract(file)
        assert contract is not None, file
        yield file, contract


def leaves(value: object, path: str = "") -> Iterator[str]:
    """Every scalar of a document: what coverage must hold, or something above it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{index}]")
    else:
        yield path


def test_every_clause_of_the_corpus_is_covered_once(odcs_corpus: Path) -> None:
    for file, contract in documents(odcs_corpus):
        rules = compile_rules(contract)
        paths = [clause.path for clause in rules.coverage.clauses]
        assert len(set(paths)) == len(paths), file
        assert paths == list(enumerate_clauses(contract)), file
        known = set(paths)
        for leaf in leaves(contract.document):
            above = [leaf[:end] for end in range(len(leaf) + 1) if end == len(leaf) or leaf[end] in ".["]
            assert sum(prefix in known for prefix in above) == 1, (file, leaf)
        every = [*rules.all_rules(), *rules.engine_rules()]
        for rule in every:
            assert set(rule.clauses) <= known, (file, rule.id)
        enforced = {path for path in paths if path in {c for rule in every for c in rule.clauses}}
        claimed = {c.path for c in rules.coverage.clauses if c.rules}
        assert enforced == claimed, file
        lines = [clause.place.line for clause in rules.coverage.clauses]
        assert 0 not in lines, file


def test_nothing_in_the_corpus_is_unknown(odcs_corpus: Path) -> None:
    for file, contract in documents(odcs_corpus):
        for clause in compile_rules(contract).coverage.clauses:
            assert clause.reason != "lakepact does not know this clause", (file, clause.path)
            silent = clause.enforcement in (Enforcement.METADATA, Enforcement.NOT_ENFORCEABLE)
            assert clause.reason or not silent, (file, clause.path)


@pytest.mark.spark
def test_spark_reads_every_expression_of_the_corpus(spark: Any, odcs_corpus: Path) -> None:
    parser = spark._jsparkSession.sessionState().sqlParser()
    seen: set[str] = set()
    for _, contract in documents(odcs_corpus):
        for rules in compile_rules(contract).objects:
            for column in rules.columns:
                seen |= {converted("`r`", column), fits("`r`", "`t`", column)}
            seen |= {rule.predicate for rule in rules.row_rules if rule.predicate}
            for rule in rules.dataset_rules:
                seen.add(rule.condition)
                match rule.measure:
                    case Aggregate(expression=expression):
                        seen.add(expression)
                    case DuplicateRows(keys=keys):
                        seen |= set(keys)
                    case OrphanRows(keys=keys, parent_keys=parent_keys):
                        seen |= {*keys, *parent_keys}
    assert len(seen) > 100
    for expression in sorted(seen):
        parser.parseExpression(expression)


def test_an_unknown_key_is_never_skipped() -> None:
    document = {
        **{"apiVersion": "v3.0.2", "kind": "DataContract", "id": "c", "version": "1.0.0", "status": "active"},
        "schema": [{"name": "t", "properties": [{"name": "a", "logicalType": "string"}]}],
        "description": {"purpose": "p", "odd": 1},
    }
    coverage = compile_rules(load_contract(json.dumps(document).encode())).coverage
    found = {clause.path: (clause.enforcement, clause.reason) for clause in coverage.clauses}
    assert found["description.odd"] == (Enforcement.NOT_ENFORCEABLE, "lakepact does not know this clause")
    assert found["description.purpose"] == (Enforcement.METADATA, "description of the contract")
    assert [clause.path for clause in coverage.not_enforceable()] == ["description.odd"]
    assert coverage.counts()[Enforcement.NOT_ENFORCEABLE] == 1


def test_flags_that_are_off_demand_nothing() -> None:
    document = {
        **{"apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "version": "1.0.0", "status": "active"},
        "schema": [{"name": "t", "properties": [{"name": "a", "required": False, "primaryKeyPosition": -1}]}],
    }
    coverage = compile_rules(load_contract(json.dumps(document).encode())).coverage
    found = {clause.path: (clause.text, clause.enforcement, clause.reason) for clause in coverage.clauses}
    at = "schema[0].properties[0]"
    assert found[f"{at}.required"] == ("required: false", Enforcement.METADATA, "demands nothing")
    assert found[f"{at}.primaryKeyPosition"][2] == "a position in no key"


def test_68_tables_compile_in_a_quarter_of_a_second(odcs_corpus: Path) -> None:
    (file,) = odcs_corpus.glob("examples/v3.0.2/all/postgresql-adventureworks*")
    contract, _ = read_contract(file)
    assert contract is not None
    assert best_cpu_seconds(lambda: compile_rules(contract)) < cpu_limit(0.25)
    assert len(compile_rules(contract).objects) == 68
