"""The report of the gate: text for people, Markdown for a pull request, JSON, and annotations for GitHub."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from lakepact.diff.report import comparison_json, markdown, summary, text_lines
from lakepact.errors import Problem, Severity
from lakepact.history.gate import GateReport, Judged, Pair, Verdict
from lakepact.history.revisions import Happening

__all__ = ["gate_annotations", "gate_json", "gate_lines", "gate_markdown", "gate_summary"]

# What Markdown or a forge would act on. Entities keep the cells of a table apart and mention nobody.
_ACTING: Final = str.maketrans({char: f"&#{ord(char)};" for char in "\\`*_[]#@|~$"})
_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def gate_summary(report: GateReport) -> str:
    """One line: how many contracts changed, and how many fail."""
    changed = len(report.judged)
    failed = sum(each.verdict is Verdict.FAILED for each in report.judged)
    what = "1 contract" if changed == 1 else f"{changed or 'no'} contracts"
    end = f", {failed or 'none'} failed" if changed else ""
    return f"{what} changed between {report.base} and {report.head}{end}"


def gate_lines(report: GateReport) -> Iterator[str]:
    """The report line by line, the failed contracts first.

    Of each contract come its problems, and the changes since the file before or since a version that its own does not
    cover; of the other comparisons their result.
    """
    yield gate_summary(report)
    for each in _failed_first(report):
        yield ""
        yield f"{each.verdict.value}  {_one_line(each.path)}  {_title(each)}"
        for problem in each.problems:
            yield from (f"  {line}" for line in str(problem).splitlines())
        if each.waived is not None:
            yield f"  waived: {_one_line(each.waived)}"
        for pair in each.pairs:
            yield f"  since {pair.comparison.old_version} ({_one_line(pair.old_file)})"
            lines = list(text_lines(pair.comparison))[1:] if _is_told(pair, each) else [summary(pair.comparison)]
            yield from (f"    {line}".rstrip() for line in lines)


def gate_markdown(report: GateReport) -> str:
    """The report for a pull request or the summary of a job: a table of all, then what is wrong and what changed."""
    passed = "passed" if report.ok else "failed"
    lines = [f"## Contracts: {passed}", "", _cell(gate_summary(report))]
    if report.judged:
        lines += ["", "| verdict | contract | file |", "|---|---|---|"]
        lines += (
            f"| {each.verdict.value} | {_cell(_title(each))} | {_cell(each.path)} |" for each in _failed_first(report)
        )
    for each in _failed_first(report):
        if each.problems:
            lines += ["", f"**{_cell(each.path)}**", ""]
            lines += (f"- {_cell(_sentence(problem))}" for problem in each.problems)
        for pair in each.pairs:
            if _is_told(pair, each):
                lines += ["", markdown(pair.comparison).rstrip()]
    return "\n".join(lines) + "\n"


def gate_annotations(report: GateReport) -> Iterator[str]:
    """The problems as commands of GitHub Actions, which shows them at their lines."""
    for each in report.judged:
        for problem in each.problems:
            places = {"file": problem.file, "line": problem.line, "col": problem.column, "title": problem.code}
            properties = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in places.items() if value)
            hint = f"\nhint: {problem.hint}" if problem.hint else ""
            yield f"::{_COMMANDS[problem.severity]} {properties}::{_escaped(problem.message + hint)}"


def gate_json(report: GateReport) -> dict[str, Any]:
    """The report as plain data that JSON can hold."""
    return {
        "base": report.base,
        "head": report.head,
        "ok": report.ok,
        "contracts": [_judged_json(each) for each in report.judged],
    }


def _judged_json(each: Judged) -> dict[str, Any]:
    return {
        "path": each.path,
        "old_path": each.old_path,
        "happening": each.happening.value,
        "id": each.id,
        "old_version": each.old_version,
        "new_version": each.new_version,
        "verdict": each.verdict.value,
        "waived": each.waived,
        "problems": [asdict(problem) for problem in each.problems],
        "comparisons": [
            {"old_file": pair.old_file, "binding": pair.binding, **comparison_json(pair.comparison)}
            for pair in each.pairs
        ],
    }


def _failed_first(report: GateReport) -> list[Judged]:
    return sorted(report.judged, key=lambda each: each.verdict is not Verdict.FAILED)


def _is_told(pair: Pair, each: Judged) -> bool:
    """Whether the changes of a pair are listed: those since the file before, and those that are not covered."""
    return pair.fails or pair.old_file == each.old_path


def _title(each: Judged) -> str:
    """The id and both versions, or what happened instead."""
    name = _one_line(each.id) or "unreadable"
    happening = f"renamed from {_one_line(each.old_path or '')}"
    if each.happening is not Happening.RENAMED:
        happening = each.happening.value
    versions = [version for version in dict.fromkeys((each.old_version, each.new_version)) if version]
    return f"{name} {' -> '.join(versions)} ({happening})" if versions else f"{name} ({happening})"


def _sentence(problem: Problem) -> str:
    where = f"line {problem.line}: " if problem.line else ""
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{where}{problem.severity.value} {problem.code}: {problem.message}{hint}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return html.escape(_one_line(text), quote=False).translate(_ACTING)


def _escaped(text: str, also: str = "") -> str:
    """As the runner of GitHub Actions reads it back.

    >>> _escaped("100%:\\n", ":")
    '100%25%3A%0A'
    """
    return "".join(f"%{ord(char):02X}" if char in f"%\r\n{also}" else char for char in text)
