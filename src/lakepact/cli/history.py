"""`lakepact history`: the versions of one contract, who made them, when, and how large each change was."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakepact.cli.output import printable, say, show_json, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lakepact.history import Entry

__all__ = ["history"]

_SHOWN_OF_A_COMMIT = 10


def history(
    contract: Annotated[str, typer.Argument(help="A file, or the id of a contract in DIR.", show_default=False)],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the contracts.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the newest N.", show_default=False)
    ] = None,
) -> None:
    """Show how a contract became what it is, newest first.

    From Git, across renames, or from a folder that holds each version in a file of its own. The level is that of the
    changes since the step before.
    """
    from lakepact.history import Happening
    from lakepact.history import history as steps

    entries = steps(contract, directory=folder, limit=limit)
    if as_json:
        show_json([_entry_json(entry) for entry in entries])
    else:
        write("".join(f"{printable(line)}\n" for line in _lines(entries)))
    if any(entry.happening is Happening.EARLIEST_KNOWN for entry in entries):
        say("the clone is shallow: earlier commits are not here")
        say("  hint: fetch them with `git fetch --unshallow` (in a CI: fetch-depth: 0)")


def _lines(entries: tuple[Entry, ...]) -> Iterator[str]:
    rows = [_row(entry) for entry in entries]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for entry, row in zip(entries, rows, strict=True):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for problem in entry.problems:
            yield from (f"    {line}" for line in str(problem).splitlines())


def _row(entry: Entry) -> tuple[str, ...]:
    """When, version, level, what happened, commit, author, subject or file."""
    when = entry.time.isoformat(" ", "minutes") if entry.time else "-"
    version = entry.contract.version if entry.contract else "-" if entry.happening.value == "deleted" else "invalid"
    commit = entry.commit[:_SHOWN_OF_A_COMMIT] or "-"
    level = entry.level.value if entry.level else "-"
    about = entry.subject if entry.commit else entry.file
    cells = (when, version, level, entry.happening.value, commit, entry.author or "-", about)
    return tuple(" ".join(cell.split()) for cell in cells)


def _entry_json(entry: Entry) -> dict[str, Any]:
    from lakepact.diff.report import comparison_json

    contract = entry.contract
    return {
        "file": entry.file,
        "happening": entry.happening.value,
        "id": contract.id if contract else None,
        "version": contract.version if contract else None,
        "status": contract.status if contract else None,
        "level": entry.level.value if entry.level else None,
        "commit": entry.commit or None,
        "author": entry.author or None,
        "email": entry.email or None,
        "time": entry.time.isoformat() if entry.time else None,
        "subject": entry.subject or None,
        "problems": [asdict(problem) for problem in entry.problems],
        "comparison": comparison_json(entry.comparison) if entry.comparison else None,
    }
