"""Findings for machines: JSON, SARIF, GitHub annotations, JUnit."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from lakepact.errors import Problem, Severity
from lakepact.lint.folder import FileReport
from lakepact.lint.reports import github_lines, json_findings, junit_xml, sarif_log

HOSTILE = Problem(
    code="LP721",
    severity=Severity.ERROR,
    message='100 % of `a\x1b[31m,\nb:c` <&">\ud800',
    file="sales, 100 %:ä/a b.yaml",
    line=3,
    column=7,
    path="schema[0].name",
    hint="rename it",
)
PLACELESS = Problem(code="LP101", severity=Severity.WARNING, message="cannot be read", file="/tmp/x.yaml")
NOTE = Problem(code="LP205", severity=Severity.INFO, message="note", file="b.yaml", line=1, column=1)
REPORTS = [
    FileReport(HOSTILE.file, (HOSTILE,)),
    FileReport("/tmp/x.yaml", (PLACELESS,)),
    FileReport("b.yaml", (NOTE,)),
    FileReport("clean.yaml", ()),
]


def test_json_has_every_field_of_every_finding() -> None:
    assert json_findings(REPORTS)[1:] == [
        {
            "code": "LP101",
            "severity": "warning",
            "message": "cannot be read",
            "file": "/tmp/x.yaml",
            "line": 0,
            "column": 0,
            "path": "",
            "hint": "",
        },
        {
            "code": "LP205",
            "severity": "info",
            "message": "note",
            "file": "b.yaml",
            "line": 1,
            "column": 1,
            "path": "",
            "hint": "",
        },
    ]
    assert list(json_findings(REPORTS)[0]) == ["code", "severity", "message", "file", "line", "column", "path", "hint"]
    assert type(json_findings(REPORTS)[0]["code"]) is str


def test_sarif() -> None:
    log = sarif_log(REPORTS)
    assert (log["version"], log["$schema"]) == ("2.1.0", "https://json.schemastore.org/sarif-2.1.0.json")
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["LP101", "LP205", "LP721"]
    assert rules[0]["shortDescription"] == {"text": "The file cannot be opened or read."}
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("LP721", "error"),
        ("LP101", "warning"),
        ("LP205", "note"),
    ]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert places[0] == {
        "artifactLocation": {"uri": "sales%2C%20100%20%25%3A%C3%A4/a%20b.yaml"},
        "region": {"startLine": 3, "startColumn": 7},
    }
    assert places[1] == {"artifactLocation": {"uri": "file:///tmp/x.yaml"}}
    assert run["results"][0]["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "schema[0].name"}]
    assert run["results"][0]["message"]["text"] == f"{HOSTILE.message}\nHint: rename it"


def test_sarif_of_nothing() -> None:
    (run,) = sarif_log([FileReport("a.yaml", ())])["runs"]
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


def test_github_annotations_are_one_line_each() -> None:
    assert list(github_lines(REPORTS)) == [
        "::error file=sales%2C 100 %25%3Aä/a b.yaml,line=3,col=7,title=LP721::"
        '100 %25 of `a\x1b[31m,%0Ab:c` <&">\ud800%0Ahint: rename it',
        "::warning file=/tmp/x.yaml,title=LP101::cannot be read",
        "::notice file=b.yaml,line=1,col=1,title=LP205::note",
    ]


def test_junit_is_xml_whatever_a_message_holds() -> None:
    text = junit_xml(REPORTS, Severity.WARNING)
    root = ElementTree.fromstring(text)
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "4", "2")
    suites = list(root)
    assert [suite.get("name") for suite in suites] == [report.file for report in REPORTS]
    assert [suite.get("failures") for suite in suites] == ["1", "1", "0", "0"]
    failure = suites[0].find("testcase/failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("LP721", '100 % of `a\\u001b[31m,\nb:c` <&">\\ud800')
    note = suites[2].find("testcase/system-out")
    assert note is not None
    assert note.text == "b.yaml:1:1: info LP205: note"
    (clean,) = suites[3]
    assert (clean.get("classname"), list(clean)) == ("clean.yaml", [])


def test_junit_counts_what_fails_by_the_threshold() -> None:
    failures = {severity: ElementTree.fromstring(junit_xml(REPORTS, severity)).get("failures") for severity in Severity}
    assert failures == {Severity.ERROR: "1", Severity.WARNING: "2", Severity.INFO: "3"}


def test_relative_and_absolute_paths_become_uris(tmp_path: Path) -> None:
    file = tmp_path / "a b.yaml"
    problem = Problem(code="LP101", severity=Severity.ERROR, message="x", file=str(file))
    (result,) = sarif_log([FileReport(str(file), (problem,))])["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == file.as_uri()
