"""`lakepact diff`: what differs between two versions of a contract, and which version that asks for."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakepact.cli.arguments import waivers_in
from lakepact.cli.output import say, show_json, show_lines, write
from lakepact.errors import ContractInvalid, ExitCode, Problem, Severity, UsageError
from lakepact.toned_lines import Span

if TYPE_CHECKING:
    from lakepact.contract.model import Contract
    from lakepact.diff.model import Comparison

__all__ = ["Format", "diff"]

_REFERENCE = "A file, git:REV:PATH, or store:ADDRESS#ID@VERSION."
_TONES = {"major": "bad", "minor": "warn", "patch": "dim", "none": "good"}


class Format(StrEnum):
    """How the comparison is printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def diff(
    old: Annotated[str, typer.Argument(help=f"The old version. {_REFERENCE}", show_default=False)],
    new: Annotated[str, typer.Argument(help=f"The new version. {_REFERENCE}", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    form: Annotated[
        Format | None, typer.Option("--format", help="How to print: text, markdown or json.", show_default="text")
    ] = None,
    waivers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Changes that the version need not cover.", show_default=False),
    ] = None,
) -> None:
    """Compare two versions of a contract by what they mean.

    Each change has a level (major, minor, patch) and whom it breaks. Exit code 1 where the version number of the new
    contract does not cover them.
    """
    from lakepact.diff import compare

    chosen = _format(form, as_json=as_json)
    before, after = _contracts(old, new)
    allowed = waivers_in(waivers)
    comparison = compare(before, after, waivers=allowed)
    _show(comparison, chosen)
    if not comparison.version_ok:
        from lakepact.diff.report import summary

        hint = f"set the version to {comparison.required_version}, or waive changes with --waivers"
        say(f"error LP775: {summary(comparison)}" + (f"\n  hint: {hint}" if comparison.required_version else ""))
        raise typer.Exit(ExitCode.VIOLATED)


def _format(form: Format | None, *, as_json: bool) -> Format:
    if as_json and form not in (None, Format.JSON):
        raise UsageError(f"--json and --format {form} exclude each other", "LP776")
    return Format.JSON if as_json else form or Format.TEXT


def _contracts(old: str, new: str) -> tuple[Contract, Contract]:
    """Both contracts; the problems of both come together, and warnings are said."""
    from lakepact.contract import read_contract
    from lakepact.history.references import read_reference

    contracts: list[Contract] = []
    problems: list[Problem] = []
    for text in (old, new):
        reference = read_reference(text)
        contract, found = read_contract(reference.content, file=reference.file)
        problems += found
        if contract is not None:
            contracts.append(contract)
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    if len(contracts) < 2:
        message = f"{errors} error{'s' if errors > 1 else ''} in '{old}' and '{new}'"
        raise ContractInvalid(message, "LP100", problems=problems)
    for problem in problems:
        say(str(problem))
    before, after = contracts
    return before, after


def _show(comparison: Comparison, form: Format) -> None:
    from lakepact.diff.report import comparison_json, markdown, text_lines

    if form is Format.JSON:
        show_json(comparison_json(comparison))
    elif form is Format.MARKDOWN:
        write(markdown(comparison))
    else:
        show_lines((Span(line, _tone(line)),) for line in text_lines(comparison))


def _tone(line: str) -> str:
    word = line.split(maxsplit=1)[0] if line.strip() else ""
    return _TONES.get(word.removesuffix(":"), "") if line.startswith("  ") or word.endswith(":") else "title"
