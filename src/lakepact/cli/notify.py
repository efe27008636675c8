"""`lakepact notify …`: try channels out, send what waits, see how things stand, and have quiet for a while."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakepact.cli.output import printable, say, show_json, write
from lakepact.errors import ExitCode, LakepactError, UsageError

if TYPE_CHECKING:
    from lakepact.notify import Mute, Notifier, Status

__all__ = ["ack", "mute", "notify", "schema", "send", "status", "try_out", "unmute"]

_File = Annotated[
    Path,
    typer.Option(
        "--file",
        "-f",
        metavar="FILE",
        envvar="LAKEPACT_NOTIFY",
        help="The settings, or a lakepact.yml that has or names them.",
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Dataset = Annotated[str, typer.Option(metavar="PATTERN", help="Only of these datasets.")]
_Rule = Annotated[str, typer.Option(metavar="PATTERN", help="Only these rules, by id.")]
_Actor = Annotated[
    str | None,
    typer.Option(metavar="NAME", envvar="LAKEPACT_ACTOR", help="Who does it (default: you).", show_default=False),
]
_SETTINGS = Path("notify.yml")
_PROJECT = Path("lakepact.yml")

notify = typer.Typer(
    name="notify",
    help="Tell people of broken contracts, by the channels and routes of notify.yml.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@notify.command("test")
def try_out(
    channels: Annotated[
        list[str] | None, typer.Argument(metavar="[CHANNEL]", help="Default: all.", show_default=False)
    ] = None,
    file: _File = _SETTINGS,
) -> None:
    """Send a test through channels now, past routes and limits; exit code 4 where one of them fails."""
    notifier = _opened(file)
    failed = False
    for name in channels or sorted(notifier.channels):
        try:
            receipt = notifier.try_out(name)
        except UsageError:
            raise
        except LakepactError as error:
            failed = True
            say(f"{name}: error {error}")
        else:
            write(
                f"{printable(' '.join(each for each in (f'{name}: sent', receipt.remote_id, receipt.note) if each))}\n"
            )
    if failed:
        raise typer.Exit(ExitCode.REMOTE)


@notify.command()
def send(
    again: Annotated[bool, typer.Option("--again", help="What was given up, too.")] = False,
    seconds: Annotated[float, typer.Option(min=1, help="For about how long.")] = 60.0,
    file: _File = _SETTINGS,
    as_json: _Json = False,
) -> None:
    """Send what is due; exit code 4 where a service failed. What could not be sent waits for the next time."""
    notifier = _opened(file)
    if again:
        say(f"{notifier.revive()} given up before are tried again")
    report = notifier.flush(seconds=seconds)
    if as_json:
        show_json(
            {
                "sent": report.sent,
                "failed": report.failed,
                "dead": report.dead,
                "waiting": report.waiting,
                "busy": report.busy,
                "reasons": list(report.reasons),
            }
        )
    elif report.busy:
        say("another process is sending")
    else:
        write(f"{report.sent} sent, {report.failed} failed, {report.dead} given up, {report.waiting} waiting\n")
    for reason in report.reasons:
        say(reason)
    if report.failed or report.dead:
        raise typer.Exit(ExitCode.REMOTE)


@notify.command()
def status(file: _File = _SETTINGS, as_json: _Json = False) -> None:
    """Print what waits, what was given up and why, open incidents and mutes; exit code 1 where any was given up."""
    found = _opened(file).status()
    if as_json:
        show_json(_status_json(found))
    else:
        write("".join(f"{printable(line)}\n" for line in _status_lines(found)))
    if found.dead:
        raise typer.Exit(ExitCode.VIOLATED)


@notify.command()
def mute(
    contract: Annotated[str, typer.Argument(metavar="[CONTRACT]", help="Which contracts, by id: a pattern.")] = "*",
    during: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="For so long: 30m, 2h, 1d.", show_default=False)
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Until then: an ISO time.", show_default=False)
    ] = None,
    dataset: _Dataset = "*",
    rule: _Rule = "*",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.", show_default=False)] = "",
    actor: _Actor = None,
    file: _File = _SETTINGS,
) -> None:
    """Tell nothing for a while. What is still broken afterwards is told then."""
    import datetime as dt

    from lakepact.notify.durations import duration_of, moment_of

    if (during is None) == (until is None):
        raise UsageError("say how long: either --for or --until", "LP420", "for example --for 2h")
    end = moment_of(until) if until is not None else dt.datetime.now(dt.UTC) + duration_of(during or "")
    made = _opened(file).mute(end, contract=contract, dataset=dataset, rule=rule, reason=reason, by=_actor(actor))
    write(f"{made.id}\n")
    say(f"{printable(_mute_line(made))}\nend it with: lakepact notify unmute {made.id}")


@notify.command()
def unmute(
    mute_id: Annotated[str, typer.Argument(metavar="ID", help="As `status` shows it.", show_default=False)],
    file: _File = _SETTINGS,
) -> None:
    """End a mute."""
    _opened(file).unmute(mute_id)


@notify.command()
def ack(
    contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="Its id: a pattern.", show_default=False)],
    dataset: _Dataset = "*",
    rule: _Rule = "*",
    actor: _Actor = None,
    file: _File = _SETTINGS,
) -> None:
    """Take open incidents: they are not escalated or repeated, and channels hear of it with the next `send`."""
    _opened(file).acknowledge(contract, dataset=dataset, rule=rule, by=_actor(actor))


@notify.command()
def schema() -> None:
    """Print the JSON Schema of notify.yml, for editors."""
    from lakepact.notify.schema import settings_schema

    show_json(settings_schema())


def _opened(file: Path) -> Notifier:
    from lakepact.notify import open_notifier
    from lakepact.notify.databricks_secrets import databricks_secret

    # A project may have the settings in its own file.
    if file == _SETTINGS and not file.exists() and _PROJECT.is_file():
        file = _PROJECT
    return open_notifier(file, secrets=databricks_secret)


def _actor(given: str | None) -> str:
    try:
        return given or getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


def _status_lines(found: Status) -> list[str]:
    lines = [
        f"{len(found.incidents)} open incidents, {len(found.waiting)} messages waiting, {len(found.dead)} given up, "
        f"{found.news} runs not taken in, {found.damaged} damaged files"
    ]
    for facts, incident in found.incidents:
        taken = f", taken by {incident.acknowledged_by}" if incident.acknowledged_by else ""
        lines.append(
            f"open: [{incident.violation.severity}] {facts.contract_id} {facts.dataset} {incident.violation.rule_id}"
            f" since {incident.opened_at:%Y-%m-%dT%H:%M:%SZ}{taken}"
        )
    for entry in found.waiting:
        why = f": {entry.reason} ({entry.attempts} attempts)" if entry.reason else ""
        until = max(each for each in (entry.due, entry.not_before) if each is not None)
        lines.append(f"waiting: {entry.channel} {_what(entry)} until {until:%Y-%m-%dT%H:%M:%SZ}{why}")
    lines += [f"given up: {dead.entry.channel} {_what(dead.entry)}: {dead.reason}" for dead in found.dead]
    return [*lines, *(_mute_line(each) for each in found.mutes)]


def _what(entry: Any) -> str:
    from lakepact.notify.view import heading_of

    return heading_of(entry.notification)


def _mute_line(made: Mute) -> str:
    why = f": {made.reason}" if made.reason else ""
    by = f" by {made.by}" if made.by else ""
    return f"muted {made.id}: {made.contract} {made.dataset} {made.rule} until {made.until:%Y-%m-%dT%H:%M:%SZ}{by}{why}"


def _status_json(found: Status) -> dict[str, Any]:
    return {
        "incidents": [
            {
                "contract": facts.contract_id,
                "dataset": facts.dataset,
                "rule": incident.violation.rule_id,
                "severity": str(incident.violation.severity),
                "opened_at": incident.opened_at.isoformat(),
                "acknowledged_by": incident.acknowledged_by or None,
            }
            for facts, incident in found.incidents
        ],
        "waiting": [
            {
                "id": entry.id,
                "channel": entry.channel,
                "what": _what(entry),
                "attempts": entry.attempts,
                "reason": entry.reason or None,
                "held": entry.held,
                "not_before": entry.not_before.isoformat(),
                "due": entry.due and entry.due.isoformat(),
            }
            for entry in found.waiting
        ],
        "dead": [
            {
                "id": dead.entry.id,
                "channel": dead.entry.channel,
                "what": _what(dead.entry),
                "reason": dead.reason,
                "at": dead.at.isoformat(),
            }
            for dead in found.dead
        ],
        "mutes": [
            {
                "id": each.id,
                "contract": each.contract,
                "dataset": each.dataset,
                "rule": each.rule,
                "until": each.until.isoformat(),
                "by": each.by,
                "reason": each.reason,
            }
            for each in found.mutes
        ],
        "news": found.news,
        "damaged": found.damaged,
    }
