"""`lakepact sla …`: how the service levels of contracts stand, and who is told."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand

from lakepact.cli.output import printable, say, show_json, write
from lakepact.cli.results import AtTime, ResultsAddress, moment_or_now, named_results
from lakepact.errors import ExitCode, LakepactError, UsageError

if TYPE_CHECKING:
    from lakepact.contract import Contract
    from lakepact.notify import Notifier
    from lakepact.project import Project
    from lakepact.results.levels import LevelResult
    from lakepact.results.place import ResultsPlace

__all__ = ["levels_at", "sla", "status"]

# The last whole month begins so long ago at most.
_LOOK_BACK = dt.timedelta(days=62)
_NOTIFY: Final = "--notify"
_NOTIFY_VARIABLE: Final = "LAKEPACT_NOTIFY"
_SENDING: Final = 30.0

sla = typer.Typer(
    name="sla",
    help="Service levels of contracts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class _FailOn(StrEnum):
    MISSED = "missed"
    UNKNOWN = "unknown"
    NEVER = "never"


class _Status(TyperCommand):
    """Takes `--notify` without a file, too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a bare `--notify` an empty value, since the parser knows no optional ones."""
        following = [*args[1:], "--"]
        bare = [word == _NOTIFY and after.startswith("-") for word, after in zip(args, following, strict=False)]
        joined = [f"{word}=" if alone else word for word, alone in zip(args, bare, strict=True)]
        return super().parse_args(ctx, joined)


@sla.callback()
def _group() -> None:
    """Service levels of contracts."""


@sla.command(cls=_Status)
def status(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="CONTRACT...",
            help="A file, git:REV:PATH or store:ADDRESS#ID; a folder or lakepact.yml: the contracts of that project.",
        ),
    ],
    place: ResultsAddress = "",
    dataset: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this dataset.")] = None,
    at: AtTime = None,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=366, help="Window for shares and gaps.")] = 30,
    timezone: Annotated[str, typer.Option(metavar="NAME", help="For days and times of day that name none.")] = "UTC",
    fail_on: Annotated[
        _FailOn, typer.Option(help="What makes the exit code 1; unknown: missed, too.")
    ] = _FailOn.MISSED,
    notify: Annotated[
        str | None,
        typer.Option(
            _NOTIFY,
            metavar="[FILE]",
            help="Tell people what is missed, and what is met again, as this file says (default: the file that "
            f"{_NOTIFY_VARIABLE} names, else the project's `notifications`).",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Show for each service level whether it is met, missed or unknown: measured value, limit, since when and why.

    Decided from the recorded results of rules, the history of runs and the clock. Exit code: 0, or 1 where one is
    missed. What --notify cannot tell does not change it.
    """
    asked = [_asked(each) for each in places]
    now = moment_or_now(at)
    tellers = [_notifier(each, notify, past=at is not None) for each in asked]
    named_results(place)
    found = [
        [
            (each, levels_at(each, place, now=now, days=days, timezone=timezone, dataset=dataset))
            for each in one.contracts
        ]
        for one in asked
    ]
    _show([pair for pairs in found for pair in pairs], as_json=as_json)
    for notifier, pairs in zip(tellers, found, strict=True):
        if notifier is not None:
            _tell(notifier, pairs)
    failing = {_FailOn.MISSED: ("missed",), _FailOn.UNKNOWN: ("missed", "unknown"), _FailOn.NEVER: ()}[fail_on]
    states = [level.state for pairs in found for _, levels in pairs for level in levels]
    return ExitCode.VIOLATED if any(each in failing for each in states) else ExitCode.OK


def levels_at(
    document: Contract,
    place: ResultsPlace | str,
    *,
    now: dt.datetime,
    days: int,
    timezone: str,
    dataset: str | None,
) -> tuple[LevelResult, ...]:
    """The service levels of a contract by the results at a place, as far as they were recorded by then."""
    from lakepact.quality.sla import service_levels
    from lakepact.results.reading import ResultFilter, read_recent_results

    window = dt.timedelta(days=days)
    wanted = ResultFilter(contract=document.id, dataset=dataset, until=now)
    results = read_recent_results(place, wanted, window=max(window, _LOOK_BACK))
    return service_levels(document, results, now=now, window=window, timezone=timezone, dataset=dataset)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one argument names: a contract, or those of a project."""

    text: str
    contracts: tuple[Contract, ...]
    project: Project | None = None


def _asked(text: str) -> _Asked:
    from lakepact.project import PROJECT_FILE

    path = Path(text)
    if path.is_dir() or path.name == PROJECT_FILE:
        from lakepact.cli.arguments import opened_project

        project = opened_project(path)
        return _Asked(text, _contracts_of(project), project)
    from lakepact.contract import load_contract
    from lakepact.history import read_reference

    read = read_reference(text)
    return _Asked(text, (load_contract(read.content, file=read.file),))


def _contracts_of(project: Project) -> tuple[Contract, ...]:
    """The contracts of its pipelines; of one that several have in different versions, the highest."""
    from lakepact.contract.versions import Version
    from lakepact.project import resolve_contract

    found: dict[str, Contract] = {}
    for pipeline in project.pipelines.values():
        if pipeline.contract:
            each = resolve_contract(project, pipeline)
            other = found.setdefault(each.id, each)
            found[each.id] = max(other, each, key=lambda contract: Version.parse(contract.version))
    return tuple(found.values())


def _notifier(asked: _Asked, notify: str | None, *, past: bool) -> Notifier | None:
    """Who tells people of these contracts. Raises UsageError LP995, and ConfigurationError LP950 as settings do."""
    from lakepact.cli.arguments import opened_notifier

    file = notify or os.environ.get(_NOTIFY_VARIABLE)
    if notify is None and (past or not file):
        return None
    if past:
        message = "--at and --notify exclude each other: people are told how it stands now"
        raise UsageError(message, "LP995")
    if file:
        return opened_notifier(Path(file))
    if asked.project is None:
        hint = f"write --notify FILE, set {_NOTIFY_VARIABLE}, or name a project that has `notifications`"
        raise UsageError(f"nobody says who is to be told of '{asked.text}'", "LP995", hint)
    return opened_notifier(asked.project.file)


def _tell(notifier: Notifier, found: Sequence[tuple[Contract, tuple[LevelResult, ...]]]) -> None:
    """Write down how it stands, and send what is due; whatever fails there is only said."""
    from lakepact.quality.sla_telling import tell_levels

    kept = [tell_levels(notifier, contract, levels) for contract, levels in found]
    try:
        report = notifier.flush(seconds=_SENDING)
    except LakepactError as error:
        say(f"nobody is told: {error}")
        return
    for reason in report.reasons:
        say(f"not told: {printable(reason)}")
    if report.busy and all(kept):
        say("another process is sending: what is new waits for it, or for `lakepact notify send`")


def _show(found: Sequence[tuple[Contract, tuple[LevelResult, ...]]], *, as_json: bool) -> None:
    if as_json:
        show_json([_json(each) for _, levels in found for each in levels])
        return
    for contract, levels in found:
        if len(found) > 1:
            write(f"{printable(f'{contract.id} {contract.version}')}\n")
        write("".join(f"{printable(line)}\n" for line in _lines(levels)))
        if not levels:
            say(f"{'the contract' if len(found) == 1 else contract.id} has no service levels")


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
