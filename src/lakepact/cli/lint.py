"""`lakepact lint`: everything that is wrong with contracts, in one pass, for people and machines."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lakepact.cli.output import say, show_json, show_lines, write
from lakepact.errors import ConfigurationError, ExitCode, Problem, Severity, UsageError
from lakepact.toned_lines import Line, Span

if TYPE_CHECKING:
    from lakepact.lint.files import Candidate
    from lakepact.lint.folder import FileReport, Versions
    from lakepact.lint.selection import Selection

__all__ = ["lint"]

_STDIN: Final = "-"
_MANY: Final = 20
_TONES: Final = {Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.INFO: "dim"}


class _Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    JUNIT = "junit"


def lint(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Contracts, folders, or - for stdin.", show_default=False)
    ],
    strict: Annotated[bool, typer.Option("--strict", help="Refuse the grammar of another ODCS version.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is certain; comments and layout stay.")] = False,
    output: Annotated[_Format, typer.Option("--format", "-f", help="How findings are printed.")] = _Format.TEXT,
    select: Annotated[
        list[str] | None, typer.Option(metavar="CODES", help="Only these codes, or beginnings of codes (LP72).")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="CODES", help="Not these codes, or beginnings of codes.")
    ] = None,
    fail_on: Annotated[Severity, typer.Option(help="The least bad finding that makes the exit code 1.")] = (
        Severity.ERROR
    ),
) -> int:
    """Find everything that is wrong with contracts or will surprise their users.

    Structure by the grammar of the declared ODCS version, then meaning. A file that is named is always read. In
    folders these are read: *.odcs.yaml, *.odcs.yml, *.odcs.json, and each *.yaml, *.yml and *.json whose root says
    `kind: DataContract` or an `apiVersion` of ODCS; hidden files and folders are left out.

    Exit code: 0 nothing found, 1 findings, 2 a wrong call, 3 nothing to read or not readable.
    """
    from lakepact.lint.catalogue import LintCode
    from lakepact.lint.selection import Selection

    chosen = Selection.of(select=select or (), ignore=ignore or ())
    if fix and _STDIN in paths:
        raise UsageError("--fix cannot change what comes from stdin", "LP420", "write it to a file first")
    run = _Run(chosen, strict=strict, fix=fix)
    reports = list(run.reports(paths))
    if not reports:
        hint = "in folders: *.odcs.yaml, and YAML or JSON files with kind: DataContract"
        raise ConfigurationError("there is no contract here", LintCode.NOTHING_TO_LINT, hint)
    _show(reports, output, fail_on)
    _summarise(reports)
    if run.unreadable:
        return ExitCode.CONFIGURATION
    return ExitCode.VIOLATED if _failing(reports, fail_on) else ExitCode.OK


class _Run:
    """Lints file after file; of those before it keeps the findings and which versions they hold, not the contracts."""

    def __init__(self, chosen: Selection, *, strict: bool, fix: bool) -> None:
        from lakepact.lint.folder import Versions

        self._chosen = chosen
        self._strict = strict
        self._fix = fix
        self._versions: Versions = Versions()
        self.unreadable = False

    def reports(self, paths: Sequence[str]) -> Iterator[FileReport]:
        from lakepact.lint.files import candidates
        from lakepact.lint.folder import FileReport

        if _STDIN in paths:
            yield self._stdin()
        found = list(candidates(Path(path) for path in paths if path != _STDIN))
        with _Progress(len(found)) as progress:
            for each in found:
                progress.step()
                if isinstance(each, Problem):
                    yield FileReport(each.file, self._wanted((each,)))
                elif (report := self._file(each)) is not None:
                    yield report

    def _stdin(self) -> FileReport:
        from lakepact.contract.yaml_nodes import MAX_BYTES
        from lakepact.lint.folder import FileReport
        from lakepact.lint.judge import lint as lint_contract

        # One byte more than is accepted, so that what is longer is refused and never cut.
        content = sys.stdin.buffer.read(MAX_BYTES + 1)
        linted = lint_contract(content, file="<stdin>", strict=self._strict)
        return FileReport("<stdin>", self._wanted(self._versions.checked(linted, "<stdin>")))

    def _file(self, candidate: Candidate) -> FileReport | None:
        from lakepact.lint.files import is_contract
        from lakepact.lint.folder import FileReport
        from lakepact.lint.judge import lint as lint_contract

        if not candidate.certain and not is_contract(candidate.path):
            return None
        name = str(candidate.path)
        linted = lint_contract(candidate.path, file=name, strict=self._strict)
        fixed = 0
        if self._fix and any(self._chosen.wants(fix.code) for fix in linted.fixes):
            from lakepact.cli.files import write_atomically
            from lakepact.lint.mend import mend

            content = linted.contract.source if linted.contract else candidate.path.read_bytes()
            mended = mend(content, file=name, strict=self._strict, wanted=self._chosen.wants)
            if mended.content != content:
                write_atomically(candidate.path, mended.content.decode("utf-8"))
                linted, fixed = mended.linted, len(mended.fixes)
        return FileReport(name, self._wanted(self._versions.checked(linted, name)), fixed)

    def _wanted(self, problems: Sequence[Problem]) -> tuple[Problem, ...]:
        from lakepact.contract.problems import Code

        self.unreadable = self.unreadable or any(problem.code == Code.UNREADABLE for problem in problems)
        return tuple(problem for problem in problems if self._chosen.wants(problem.code))


class _Progress:
    """How many files are done, on a terminal and only where there are many."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = total >= _MANY and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._done = 0
        self._last = 0.0

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def step(self) -> None:
        """One more file is begun."""
        self._done += 1
        if self._shown and time.monotonic() - self._last > 0.1:
            self._last = time.monotonic()
            print(f"\r{self._done}/{self._total} files", end="", file=sys.stderr, flush=True)


def _show(reports: Sequence[FileReport], output: _Format, fail_on: Severity) -> None:
    from lakepact.lint.reports import github_lines, json_findings, junit_xml, sarif_log

    match output:
        case _Format.JSON:
            show_json(json_findings(reports))
        case _Format.SARIF:
            show_json(sarif_log(reports))
        case _Format.JUNIT:
            write(junit_xml(reports, fail_on))
        case _Format.GITHUB:
            write("".join(f"{line}\n" for line in github_lines(reports)))
        case _Format.TEXT:
            show_lines(line for report in reports for problem in report.problems for line in _lines(problem))


def _lines(problem: Problem) -> Iterator[Line]:
    first, *rest = str(problem).split("\n")
    yield (Span(first, _TONES[problem.severity]),)
    for line in rest:
        yield (Span(line, "dim"),)


def _summarise(reports: Sequence[FileReport]) -> None:
    """One line on stderr."""
    counts = Counter(problem.severity for report in reports for problem in report.problems)
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    found = [_counted(counts[severity], word) for severity, word in words.items() if counts[severity]]
    fixed = sum(report.fixed for report in reports)
    mended = f" ({fixed} fixed)" if fixed else ""
    say(f"{_counted(len(reports), 'file')}: {', '.join(found) or 'nothing found'}{mended}")


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _failing(reports: Sequence[FileReport], fail_on: Severity) -> bool:
    from lakepact.lint.reports import reaches

    return any(reaches(problem, fail_on) for report in reports for problem in report.problems)
