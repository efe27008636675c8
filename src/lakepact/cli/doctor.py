"""`lakepact doctor`: what this machine, or a Databricks workspace, lacks to run pipelines, and how to get it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakepact.cli.output import say, show_json, show_lines
from lakepact.errors import ExitCode
from lakepact.toned_lines import Line, Span

if TYPE_CHECKING:
    from lakepact.spark.doctor import Finding

__all__ = ["doctor", "doctor_lines"]


def doctor(
    databricks: Annotated[
        bool, typer.Option("--databricks", help="Look into the workspace for what the bundle needs there.")
    ] = False,
    bundle: Annotated[
        Path, typer.Option("--bundle", metavar="DIR", help="Folder of databricks.yml.", show_default=False)
    ] = Path(),
    target: Annotated[
        str, typer.Option("--target", "-t", metavar="NAME", help="Target (default: that of the bundle).")
    ] = "",
    variables: Annotated[
        list[str] | None,
        typer.Option("--var", metavar="NAME=VALUE", help="A variable of the bundle; may be given several times."),
    ] = None,
    profile: Annotated[str, typer.Option("--profile", metavar="NAME", help="Login of ~/.databrickscfg.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Say what this machine lacks to run pipelines; with --databricks, what the workspace lacks to run the bundle.

    The bundle is read as the Databricks CLI reads it, with BUNDLE_VAR_... and variable-overrides.json. Nothing is
    changed: what is missing is printed with the statement or command that gives it. Exit code: 0 where all is there,
    3 where something is missing, 4 where the workspace does not answer.
    """
    if databricks:
        from lakepact.cli.doctor_workspace import report_workspace

        return report_workspace(bundle, target, variables or (), profile, as_json=as_json)
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
