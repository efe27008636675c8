"""`lakepact sla …`: how the service levels of a contract stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakepact.cli.output import printable, say, show_json, write
from lakepact.cli.results import AtTime, ResultsPath, moment_or_now, named_results
from lakepact.errors import ExitCode

if TYPE_CHECKING:
    from lakepact.contract import Contract
    from lakepact.results.levels import LevelResult

__all__ = ["levels_at", "sla", "status"]

# The last whole month begins so long ago at most.
_LOOK_BACK = dt.timedelta(days=62)

sla = typer.Typer(
    name="sla",
    help="Service levels of a contract.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class _FailOn(StrEnum):
    MISSED = "missed"
    UNKNOWN = "unknown"
    NEVER = "never"


@sla.callback()
def _group() -> None:
    """Service levels of a contract."""


@sla.command()
def status(
    contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="A file, git:REV:PATH or store:ADDRESS#ID.")],
    place: ResultsPath = "",
    dataset: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this dataset.")] = None,
    at: AtTime = None,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=366, help="Window for shares and gaps.")] = 30,
    timezone: Annotated[str, typer.Option(metavar="NAME", help="For days and times of day that name none.")] = "UTC",
    fail_on: Annotated[
        _FailOn, typer.Option(help="What makes the exit code 1; unknown: missed, too.")
    ] = _FailOn.MISSED,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Show for each service level whether it is met, missed or unknown: measured value, limit, since when and why.

    Decided from the recorded results of rules, the history of runs and the clock. Exit code: 0, or 1 where one is
    missed.
    """
    from lakepact.contract import load_contract
    from lakepact.history import read_reference

    read = read_reference(contract)
    document = load_contract(read.content, file=read.file)
    found = levels_at(
        document, named_results(place), now=moment_or_now(at), days=days, timezone=timezone, dataset=dataset
    )
    if as_json:
        show_json([_json(each) for each in found])
    else:
        write("".join(f"{printable(line)}\n" for line in _lines(found)))
        if not found:
            say("the contract has no service levels")
    failing = {_FailOn.MISSED: ("missed",), _FailOn.UNKNOWN: ("missed", "unknown"), _FailOn.NEVER: ()}[fail_on]
    return ExitCode.VIOLATED if any(each.state in failing for each in found) else ExitCode.OK


def levels_at(
    document: Contract, place: str, *, now: dt.datetime, days: int, timezone: str, dataset: str | None
) -> tuple[LevelResult, ...]:
    """The service levels of a contract by the results at a place, as far as they were recorded by then."""
    from lakepact.quality.sla import service_levels
    from lakepact.results.reading import ResultFilter, read_recent_results

    window = dt.timedelta(days=days)
    wanted = ResultFilter(contract=document.id, dataset=dataset, until=now)
    results = read_recent_results(place, wanted, window=max(window, _LOOK_BACK))
    return service_levels(document, results, now=now, window=window, timezone=timezone, dataset=dataset)


def _lines(found: Sequence[LevelResult]) -> Iterator[str]:
    for each in found:
        about = " ".join(
            part for part in (each.element or each.object, f"({each.dataset})" if each.dataset else "") if part
        )
        measured = f"{each.measured}, " if each.measured else ""
        yield f"{each.state:<8} {each.level} {about}: {measured}{each.limit}"
        since = f"since {each.since.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}; " if each.since is not None else ""
        unused = f"; not used: {', '.join(each.unused)}" if each.unused else ""
        yield f"         {since}{each.reason or 'by the clock'}{unused}"


def _json(each: LevelResult) -> dict[str, Any]:
    from dataclasses import asdict

    times = {"since": each.since and each.since.isoformat(), "at": each.at.isoformat()}
    return asdict(each) | times
