"""One pass: what the grammar, the rules and the meaning say of a document, also of one that the grammar refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint_documents import document, found, properties

from lakepact.errors import Severity
from lakepact.lint import lint
from lakepact.lint.paths import ABSENT, parent_of, parts_of, value_at


def test_grammar_and_meaning_of_a_broken_document_come_together() -> None:
    source = properties("""
        - name: a
          logicalType: strng
          logicalTypeOptions: {minLength: [], pattern: 5}
          requierd: true
        - name: b
          logicalType: integer
          logicalTypeOptions: {minimum: 5, maximum: 3, minLenght: 3}
          quality:
            - {metric: nullValues, mustBe: 0, mustNotBe: 1}
            - {metric: nullValues, mustBe: -1}
        - {logicalType: string}
        - name: B
          logicalType: integer
          relationships: [{to: orders.zzz}]
        - nonsense
    """)
    assert lint(source).contract is None
    assert [line.partition(": ")[0] for line in found(source)] == [
        "10:22 error LP134 schema[0].properties[0].logicalType",
        "12:9 error LP131 schema[0].properties[0].requierd",
        "15:51 error LP730 schema[0].properties[1].logicalTypeOptions.maximum",
        "15:54 error LP131 schema[0].properties[1].logicalTypeOptions.minLenght",
        "17:13 error LP138 schema[0].properties[1].quality[0]",
        "18:42 error LP760 schema[0].properties[1].quality[1].mustBe",
        "19:9 error LP130 schema[0].properties[2].name",
        "20:15 error LP721 schema[0].properties[3].name",
        "23:9 error LP132 schema[0].properties[4]",
    ]


@pytest.mark.parametrize(
    ("broken", "doubtful"),
    [
        # The type is not known, so nothing is said of it.
        ("- {name: a, logicalType: strng}", "LP202"),
        ("- {name: a, logicalType: strng, enum: [{value: 1}]}", "LP205"),
        # The object that is meant may be the one without a name.
        ("- {name: a, logicalType: string, relationships: [{to: orders.b}]}\n- {logicalType: string}", "LP207"),
    ],
)
def test_what_only_follows_from_a_fault_of_grammar_is_not_said(broken: str, doubtful: str) -> None:
    codes = [str(problem.code) for problem in lint(properties(broken + "\n", version="v3.2.0")).problems]
    assert len(codes) == 1
    assert doubtful not in codes


def test_a_sound_relationship_is_judged_beside_a_fault_elsewhere() -> None:
    source = properties("""
        - {name: a, logicalType: integer, relationships: [{to: orders.b}]}
        - {name: b, logicalType: string, unique: true, descripton: x}
    """)
    assert [line.split()[2] for line in found(source)] == ["LP751", "LP131"]


def test_grammar_of_another_version() -> None:
    source = properties(
        '- {name: a, logicalType: timestamp, logicalTypeOptions: {minimum: "2024-01-02", maximum: "2024-01-01"}}\n',
        version="v3.0.2",
    )
    meaning = (
        "9:96 error LP730 schema[0].properties[0].logicalTypeOptions.maximum: `minimum` 2024-01-02 is above "
        "`maximum` 2024-01-01: no value has both (exchange or correct them)"
    )
    assert found(source) == [
        "9:32 warning LP141 schema[0].properties[0].logicalType: `logicalType` cannot be `timestamp`; v3.1.0 accepts "
        "this (declare apiVersion: v3.1.0)",
        meaning,
    ]
    assert found(source, strict=True) == [
        "9:32 error LP134 schema[0].properties[0].logicalType: `logicalType` cannot be `timestamp` "
        "(v3.1.0 accepts this)",
        meaning,
    ]
    assert lint(source).contract is not None
    assert lint(source, strict=True).contract is None


def test_an_unknown_version_is_read_as_the_newest_and_a_legacy_one_not_at_all() -> None:
    twice = "- {name: a, logicalType: string}\n- {name: a, logicalType: string}\n"
    codes = {version: [line.split()[2] for line in found(properties(twice, version=version))]
             for version in ("v9.0.0", "v2.2.2")}  # fmt: skip
    assert codes == {"v9.0.0": ["LP121", "LP721"], "v2.2.2": ["LP122"]}


def test_a_key_written_twice_does_not_hide_the_rest() -> None:
    source = document("name: a\nname: b\nschema: [{name: x}, {name: x}]\n")
    assert [line.split()[2] for line in found(source)] == ["LP108", "LP720"]


def test_problems_of_the_rules_stand_at_the_value() -> None:
    source = properties("- {name: a, logicalType: string, physicalType: hierarchyid}\n")
    assert found(source) == [
        "9:54 warning LP201 schema[0].properties[0].physicalType: physicalType 'hierarchyid' of property 'a' is a type "
        "of no known dialect; STRING is used (logicalType string) (use a Spark type such as STRING, BIGINT or "
        "DECIMAL(18,2))"
    ]


def test_errors_of_meaning_leave_the_contract() -> None:
    linted = lint(properties("- {name: a, logicalType: string}\n- {name: a, logicalType: string}\n"))
    assert linted.contract is not None
    assert [problem.severity for problem in linted.problems] == [Severity.ERROR]


def test_a_path_is_read_and_named(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(document("name: a").replace(b"active", b"live"))
    assert [problem.file for problem in lint(file).problems] == [str(file)]
    assert [problem.file for problem in lint(file, file="shown").problems] == ["shown"]
    file.write_bytes(document("nam: a").replace(b"active", b"live"))
    assert [(str(p.code), p.file) for p in lint(file, file="shown").problems] == [
        ("LP728", "shown"),
        ("LP131", "shown"),
    ]


def test_paths_of_a_document() -> None:
    data = {"a b": [{"x": 1}, None], "c": {"d.e": 2}}
    assert [value_at(data, path) for path in ('["a b"][0].x', '["a b"][1]', 'c["d.e"]')] == [1, None, 2]
    assert [value_at(data, path) is ABSENT for path in ("c.d", '["a b"][2]', "c[0]", '["a b"].x')] == [True] * 4
    assert list(parts_of('c["d.e"][3]')) == ["c", "d.e", 3]
    assert [parent_of(path) for path in ('c["d.e"]', "a[0]", "a", "")] == ["c", "a", "", ""]


def test_a_message_has_one_line_whatever_a_name_holds() -> None:
    assert found(document('"a\\nb": 1')) == ['6:1 error LP131 ["a\\nb"]: a contract has no key `a\\nb`']
