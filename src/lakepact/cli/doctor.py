"""`lakepact doctor`: what this machine lacks to run pipelines, and how to get it."""

from __future__ import annotations

from typing import Annotated

import typer

from lakepact.cli.output import show_json, show_lines
from lakepact.errors import ExitCode

__all__ = ["doctor"]


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> int:
    """Check what this machine has to run pipelines, and say how to get what it lacks."""
    from lakepact.spark.doctor import diagnose

    findings = diagnose()
    return ExitCode.OK if all(finding.ok for finding in findings) else ExitCode.CONFIGURATION
