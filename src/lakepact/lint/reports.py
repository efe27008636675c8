"""Findings in the forms that machines read: JSON, SARIF 2.1.0, GitHub annotations, JUnit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakepact import __version__
from lakepact.contract.problems import MEANINGS
from lakepact.errors import Problem, Severity
from lakepact.lint.catalogue import CHECKS
from lakepact.lint.folder import FileReport

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["github_lines", "json_findings", "junit_xml", "reaches", "sarif_log"]

_SARIF_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_GITHUB_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_RANKS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MEANINGS = {code.value: meaning for code, meaning in MEANINGS.items()} | {
    code.value: check.meaning for code, check in CHECKS.items()
}


def reaches(problem: Problem, threshold: Severity) -> bool:
    """Whether a finding is at least as bad as the threshold."""
    return _RANKS[problem.severity] >= _RANKS[threshold]


def json_findings(reports: Iterable[FileReport]) -> list[dict[str, Any]]:
    """One mapping a finding: code, severity, message, file, line, column, path, hint."""
    return [asdict(problem) for report in reports for problem in report.problems]


def sarif_log(reports: Sequence[FileReport]) -> dict[str, Any]:
    """A SARIF 2.1.0 log with one run; columns count code points, as those of findings do."""
    problems = [problem for report in reports for problem in report.problems]
    codes = sorted({str(problem.code) for problem in problems})
    driver = {"name": "lakepact", "version": __version__, "rules": [_sarif_rule(code) for code in codes]}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_sarif_result(problem, codes.index(str(problem.code))) for problem in problems],
            }
        ],
    }


def _sarif_rule(code: str) -> dict[str, Any]:
    meaning = _MEANINGS.get(code)
    return {"id": code, "shortDescription": {"text": meaning}} if meaning else {"id": code}


def _sarif_result(problem: Problem, rule: int) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(problem.file)}}
    if problem.line:
        physical["region"] = {"startLine": problem.line, "startColumn": max(problem.column, 1)}
    location: dict[str, Any] = {"physicalLocation": physical}
    if problem.path:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.path}]
    text = problem.message + (f"\nHint: {problem.hint}" if problem.hint else "")
    return {
        "ruleId": str(problem.code),
        "ruleIndex": rule,
        "level": _SARIF_LEVELS[problem.severity],
        "message": {"text": text},
        "locations": [location],
    }


def _uri(file: str) -> str:
    from urllib.parse import quote

    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def github_lines(reports: Iterable[FileReport]) -> Iterator[str]:
    """One workflow command a finding, which GitHub shows at its line."""
    for report in reports:
        for problem in report.problems:
            places = [("file", problem.file), ("line", problem.line), ("col", problem.column), ("title", problem.code)]
            properties = ",".join(f"{key}={_property(str(value))}" for key, value in places if value)
            text = problem.message + (f"\nhint: {problem.hint}" if problem.hint else "")
            yield f"::{_GITHUB_LEVELS[problem.severity]} {properties}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def junit_xml(reports: Sequence[FileReport], threshold: Severity) -> str:
    """A suite a file and a case a finding; findings below the threshold pass, a file without findings is one case."""
    from xml.etree import ElementTree

    root = ElementTree.Element("testsuites", name="lakepact lint")
    for report in reports:
        failed = [problem for problem in report.problems if reaches(problem, threshold)]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_xml(report.file),
            tests=str(max(len(report.problems), 1)),
            failures=str(len(failed)),
            errors="0",
            skipped="0",
        )
        if not report.problems:
            ElementTree.SubElement(suite, "testcase", classname=_xml(report.file), name="lint")
        for problem in report.problems:
            _junit_case(suite, problem, failed=reaches(problem, threshold))
    root.set("tests", str(sum(int(suite.get("tests", "0")) for suite in root)))
    root.set("failures", str(sum(int(suite.get("failures", "0")) for suite in root)))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _junit_case(suite: Element, problem: Problem, *, failed: bool) -> None:
    from xml.etree import ElementTree

    name = f"{problem.code} {problem.path or 'document'}:{problem.line}:{problem.column}"
    case = ElementTree.SubElement(suite, "testcase", classname=_xml(problem.file), name=_xml(name))
    if failed:
        kind = {"type": str(problem.code), "message": _xml(problem.message)}
        ElementTree.SubElement(case, "failure", kind).text = _xml(str(problem))
    else:
        ElementTree.SubElement(case, "system-out").text = _xml(str(problem))


def _xml(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold."""
    return _NOT_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
