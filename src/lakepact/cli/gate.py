"""`lakepact gate`: may the contracts that changed between two revisions be published so."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakepact.cli.arguments import waivers_in
from lakepact.cli.output import printable, say, show_json, show_lines, write
from lakepact.errors import ExitCode, UsageError
from lakepact.toned_lines import Span

if TYPE_CHECKING:
    from lakepact.history import GateReport

__all__ = ["GateFormat", "gate"]

_TONES = {"failed": "bad", "waived": "warn", "draft": "dim", "ok": "good"}


class GateFormat(StrEnum):
    """How the report is printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    GITHUB = "github"


def gate(
    span: Annotated[
        str, typer.Argument(metavar="BASE..HEAD", help="Two revisions, or BASE for the work tree.", show_default=False)
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Only contracts below this folder.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    form: Annotated[
        GateFormat | None,
        typer.Option("--format", help="How to print: text, markdown, json or github.", show_default="text"),
    ] = None,
    waivers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Changes that a version need not cover.", show_default=False),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help="Where the files belong, below DIR.", show_default=False),
    ] = None,
) -> None:
    """Judge the contracts that changed in a Git repository, for a CI.

    Compares BASE with HEAD; BASE...HEAD starts where both parted; BASE alone compares with the work tree. Exit code 1
    where a contract is invalid, a published version changed or vanished, or a version does not cover the changes since
    the one before it and all published ones of its major.
    """
    from lakepact.history import Layout
    from lakepact.history import gate as judge

    chosen = _format(form, as_json=as_json)
    pattern = Layout.parse(layout) if layout is not None else None
    allowed = waivers_in(waivers)
    report = judge(span, directory=folder, waivers=allowed, layout=pattern)
    _show(report, chosen)
    if not report.ok:
        raise typer.Exit(ExitCode.VIOLATED)


def _format(form: GateFormat | None, *, as_json: bool) -> GateFormat:
    if as_json and form not in (None, GateFormat.JSON):
        raise UsageError(f"--json and --format {form} exclude each other", "LP776")
    return GateFormat.JSON if as_json else form or GateFormat.TEXT


def _show(report: GateReport, form: GateFormat) -> None:
    from lakepact.history.gate_report import gate_annotations, gate_json, gate_lines, gate_markdown, gate_summary

    if form is GateFormat.TEXT:
        show_lines((Span(line, _TONES.get(line.partition(" ")[0], "")),) for line in gate_lines(report))
        return
    if form is GateFormat.JSON:
        show_json(gate_json(report))
    elif form is GateFormat.MARKDOWN:
        write(printable(gate_markdown(report)))
    else:
        write("".join(f"{printable(line)}\n" for line in gate_annotations(report)))
    say(gate_summary(report))
