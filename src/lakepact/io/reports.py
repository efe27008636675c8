"""What came of holding data against a contract, for people and for machines: lines, JSON, JUnit, SARIF 2.1.0."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from lakepact import __version__
from lakepact.contract.model import Place
from lakepact.io.model import CheckResult
from lakepact.quality.schema import DriftKind
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import RuleSet

__all__ = ["check_json", "check_lines", "junit_xml", "places_of", "sarif_log"]

_LEVELS: Final = {RuleStatus.FAIL: "error", RuleStatus.ERROR: "error", RuleStatus.WARN: "warning"}
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def places_of(rules: RuleSet) -> dict[str, Place]:
    """Where in the contract each rule comes from, by its id."""
    return {rule.id: rule.place for rule in (*rules.all_rules(), *rules.engine_rules())}


def check_lines(check: CheckResult) -> Iterator[str]:
    """The check as lines for people: the verdict, columns that differ, and the rules that are not kept."""
    counts = check.counts
    removed = [
        f"{number:,} {word}"
        for number, word in ((counts.quarantined, "to quarantine"), (counts.dropped, "to drop"))
        if number
    ]
    yield f"{check.dataset}  {check.verdict.upper()}  {', '.join([f'{counts.rows:,} rows', *removed])}"
    for drift in check.drift:
        # Text is what CSV and JSON are read as, and that a column may hold NULL is for its rules to say.
        if not drift.adapted or (drift.kind is DriftKind.TYPE and drift.found != "STRING"):
            yield f"  {'warn' if drift.adapted else 'FAIL'}  {drift}"
    width = max((len(each.rule_id) for each in check.violated), default=0)
    for each in check.violated:
        if each.rule_id != "schema":
            word = each.status.value if each.status is RuleStatus.WARN else each.status.upper()
            yield f"  {word}  {each.rule_id:<{width}}  {each.message}"
    skipped = [each for each in check.results if each.status is RuleStatus.SKIPPED]
    for each in skipped:
        yield f"  skipped  {each.rule_id}  {each.message}"
    passed = sum(1 for each in check.results if each.status is RuleStatus.PASS)
    yield f"  {passed} of {len(check.results)} rules passed"


def check_json(check: CheckResult) -> dict[str, Any]:
    """The check as JSON values; counts of the whole, and one entry a rule."""
    statuses = [each.status for each in check.results]
    return {
        "run_id": check.run_id,
        "contract_id": check.contract_id,
        "contract_version": check.contract_version,
        "object": check.object,
        "dataset": check.dataset,
        "overall_result": check.verdict.value,
        "rows": asdict(check.counts),
        "checks_executed": sum(1 for status in statuses if status is not RuleStatus.SKIPPED),
        "checks_passed": statuses.count(RuleStatus.PASS),
        "checks_failed": statuses.count(RuleStatus.FAIL) + statuses.count(RuleStatus.ERROR),
        "checks_warned": statuses.count(RuleStatus.WARN),
        "checks_skipped": statuses.count(RuleStatus.SKIPPED),
        "drift": [asdict(each) for each in check.drift],
        "results": [asdict(each) for each in check.results],
    }


def junit_xml(checks: Sequence[CheckResult]) -> str:
    """A suite a dataset and a case a rule; a rule that only warns passes and says so, one with a fault is an error."""
    from xml.etree import ElementTree

    root = ElementTree.Element("testsuites", name="lakepact check")
    for check in checks:
        statuses = [each.status for each in check.results]
        numbers = {
            "tests": len(statuses),
            "failures": statuses.count(RuleStatus.FAIL),
            "errors": statuses.count(RuleStatus.ERROR),
            "skipped": statuses.count(RuleStatus.SKIPPED),
        }
        suite = ElementTree.SubElement(root, "testsuite", name=_xml(check.dataset))
        for name, number in numbers.items():
            suite.set(name, str(number))
        for each in check.results:
            _junit_case(suite, check, each)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _junit_case(suite: Any, check: CheckResult, result: RuleResult) -> None:
    from xml.etree import ElementTree

    name = f"{check.contract_id}.{check.object}"
    case = ElementTree.SubElement(suite, "testcase", classname=_xml(name), name=_xml(result.rule_id))
    tags = {RuleStatus.FAIL: "failure", RuleStatus.ERROR: "error", RuleStatus.SKIPPED: "skipped"}
    if result.status in tags:
        ElementTree.SubElement(case, tags[result.status], message=_xml(result.message))
    elif result.status is RuleStatus.WARN:
        ElementTree.SubElement(case, "system-out").text = _xml(f"warning: {result.message}")


def sarif_log(checks: Sequence[CheckResult], places: Mapping[str, Place], file: str) -> dict[str, Any]:
    """A SARIF 2.1.0 log: each violated rule as a result at its clause in the contract `file`."""
    found = [(check, each) for check in checks for each in check.violated]
    ids = sorted({each.rule_id for _, each in found})
    driver = {"name": "lakepact", "version": __version__, "rules": [{"id": rule_id} for rule_id in ids]}
    results = []
    for check, each in found:
        physical: dict[str, Any] = {"artifactLocation": {"uri": file}}
        place = places.get(each.rule_id)
        if place is not None and place.line:
            physical["region"] = {"startLine": place.line, "startColumn": max(place.column, 1)}
        results.append(
            {
                "ruleId": each.rule_id,
                "ruleIndex": ids.index(each.rule_id),
                "level": _LEVELS[each.status],
                "message": {"text": f"{check.dataset}: {each.message}"},
                "locations": [{"physicalLocation": physical}],
            }
        )
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _xml(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold."""
    return _NOT_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
