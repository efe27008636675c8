"""The official documents: valid ones have no error, invalid ones are refused for the fault that they were made for."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from lakepact.errors import Severity
from lakepact.lint import lint

# Where the fault of each document stands, and as what it is reported.
NEGATIVES = {
    "additional-unknown-property": ("LP131", "unknownRootField"),
    "enum-duplicate-values": ("LP137", "schema[0].properties[0].enum[1]"),
    "enum-empty": ("LP135", "schema[0].properties[0].enum"),
    "enum-missing-value": ("LP130", "schema[0].properties[0].enum[0].value"),
    "invalid-api-version": ("LP121", "apiVersion"),
    "invalid-kind": ("LP120", "kind"),
    "invalid-quality-dimension": ("LP134", "schema[0].properties[0].quality[0].dimension"),
    "invalid-quality-metric": ("LP134", "schema[0].properties[0].quality[0].metric"),
    "invalid-quality-type": ("LP134", "schema[0].properties[0].quality[0].type"),
    "map-missing-block": ("LP130", "schema[0].properties[0].map"),
    "map-missing-key": ("LP130", "schema[0].properties[0].map.key"),
    "map-missing-value": ("LP130", "schema[0].properties[0].map.value"),
    "missing-required-fields": ("LP130", "id"),
    "quality-custom-missing-implementation": ("LP130", "schema[0].properties[0].quality[0].implementation"),
    "quality-element-field": ("LP131", "schema[0].properties[0].quality[0].element"),
    "quality-library-missing-metric": ("LP130", "schema[0].properties[0].quality[0].metric"),
    "quality-multiple-operators": ("LP138", "schema[0].properties[0].quality[0]"),
    "quality-mustbebetween-wrong-size": ("LP135", "schema[0].quality[0].mustBeBetween"),
    "quality-sql-missing-query": ("LP130", "schema[0].properties[0].quality[0].query"),
    "relationship-property-level-with-from": ("LP139", "schema[0].properties[0].relationships[0].from"),
    "relationship-schema-level-missing-from-to": ("LP130", "schema[0].relationships[0].from"),
    "schema-property-invalid-logicaltype": ("LP134", "schema[0].properties[0].logicalType"),
    "schema-property-missing-name": ("LP130", "schema[0].properties[0].name"),
    "server-invalid-type": ("LP134", "servers[0].type"),
    "server-missing-conditional-fields": ("LP130", "servers[0].schema"),
    "server-missing-required-fields": ("LP130", "servers[0].server"),
    "sla-missing-required-value": ("LP130", "slaProperties[0].value"),
    "synonym-missing-term": ("LP130", "schema[0].properties[0].synonyms[0].synonym"),
}

# Every finding in the official examples that lint itself makes, with the reason why it is one.
JUDGED = {
    "LP728": "`current`, `in development`, … are no status that the standard names (info)",
    "LP729": "dates without quotes, which PyYAML reads as dates",
    "LP750": "service levels of tab1.txn_ref_dt, and no object is called tab1",
    "LP759": "a query that names its table",
}


def test_each_negative_is_refused_for_its_fault(odcs_corpus: Path) -> None:
    files = sorted((odcs_corpus / "negative").glob("*.yaml"))
    assert [file.name.removesuffix(".odcs.yaml") for file in files] == sorted(NEGATIVES)
    for file in files:
        linted = lint(file)
        errors = [(str(p.code), p.path) for p in linted.problems if p.severity is Severity.ERROR]
        assert linted.contract is None
        assert NEGATIVES[file.name.removesuffix(".odcs.yaml")] in errors, (file.name, errors)
        assert all(p.line for p in linted.problems)


def test_negatives_have_no_second_error_that_nobody_made(odcs_corpus: Path) -> None:
    # These lack two keys, or have two that are unknown.
    with_two = {
        "missing-required-fields",
        "quality-element-field",
        "relationship-schema-level-missing-from-to",
        "server-missing-required-fields",
    }
    for name in NEGATIVES:
        problems = lint(odcs_corpus / "negative" / f"{name}.odcs.yaml").problems
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        assert len(errors) == 1 or name in with_two, (name, [str(error) for error in errors])


def test_examples_have_no_error_beyond_the_verdict_of_the_manifest(odcs_corpus: Path) -> None:
    manifest = json.loads((odcs_corpus / "manifest.json").read_text())
    examples = [entry for entry in manifest if entry["path"].startswith("examples/")]
    assert len(examples) > 90
    for entry in examples:
        linted = lint(odcs_corpus / entry["path"], strict=True)
        errors = [str(problem) for problem in linted.problems if problem.severity is Severity.ERROR]
        assert bool(errors) is not entry["valid"], (entry["path"], errors)
        lenient = lint(odcs_corpus / entry["path"])
        assert [str(p) for p in lenient.problems if p.severity is Severity.ERROR] == [], entry["path"]


def test_lint_itself_says_little_of_the_examples(odcs_corpus: Path) -> None:
    said: Counter[str] = Counter()
    for file in sorted((odcs_corpus / "examples").rglob("*.yaml")):
        found = Counter(str(problem.code) for problem in lint(file).problems if problem.code.startswith("LP7"))
        assert max(found.values(), default=0) <= 2, (file, found)
        said += found
    assert set(said) <= set(JUDGED)


@pytest.mark.parametrize("folder", ["negative", "examples", "v2.2.2"])
def test_findings_have_a_place_and_a_path(odcs_corpus: Path, folder: str) -> None:
    for file in sorted((odcs_corpus / folder).rglob("*.yaml")):
        for problem in lint(file).problems:
            assert problem.line, (file, problem)
            assert problem.column, (file, problem)
            assert problem.file == str(file)
