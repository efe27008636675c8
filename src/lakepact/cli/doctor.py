"""`lakepact doctor`: what this machine lacks to run pipelines, and how to get it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lakepact.cli.output import say, show_json, show_lines
from lakepact.errors import ExitCode

if TYPE_CHECKING:
    from lakepact.local.report import Line
    from lakepact.spark.doctor import Finding

__all__ = ["doctor", "doctor_lines"]


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> int:
    """Say what this machine lacks to run pipelines.

    Exit code: 0 where `lakepact run` works here, 3 where something is missing.
    """
    from lakepact.spark.doctor import diagnose

    findings = diagnose()
    lacking = [finding for finding in findings if finding.required and not finding.ok]
    if as_json:
        show_json([_finding_json(finding) for finding in findings])
    else:
        show_lines(doctor_lines(findings))
    if lacking:
        say(f"lacking: {', '.join(finding.what for finding in lacking)}")
        return ExitCode.CONFIGURATION
    return ExitCode.OK


def doctor_lines(findings: Sequence[Finding]) -> Iterator[Line]:
    """One line a finding, and what to do under it."""
    from lakepact.local.report import Span

    width = max((len(finding.what) for finding in findings), default=0)
    for finding in findings:
        state, tone = _state(finding)
        yield (Span(f"{state:<8}", tone), Span(f"{finding.what:<{width}}  {finding.detail}"))
        if finding.how:
            yield (Span(f"{'':8}{'':{width}}  {finding.how}", "dim"),)


def _state(finding: Finding) -> tuple[str, str]:
    if finding.ok:
        return "ok", "good"
    return ("missing", "bad") if finding.required else ("without", "warn")


def _finding_json(finding: Finding) -> dict[str, object]:
    return {
        "what": finding.what,
        "ok": finding.ok,
        "required": finding.required,
        "detail": finding.detail,
        "how": finding.how,
    }
