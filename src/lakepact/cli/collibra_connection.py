"""`lakepact collibra login-check|watch`: whether Collibra lets lakepact in, and what changes there."""

from __future__ import annotations

import json
import os
import random
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.cli.collibra_options import AsJson, SettingsFile, settings_in, show_rows
from lakepact.cli.output import printable, say, show_json, write
from lakepact.errors import ExitCode, RemoteFailed, UsageError

if TYPE_CHECKING:
    from lakepact.collibra.settings import CollibraSettings
    from lakepact.rerun.collibra_watch import CollibraWatch
    from lakepact.rerun.inbox import Arrival

__all__ = ["login_check", "watch"]

_CLOCK_SECONDS: Final = 30.0
_SECONDS: Final = 300.0
_JITTER: Final = 0.1


def login_check(settings: SettingsFile = None, as_json: AsJson = False) -> None:
    """Log in, and show as whom, which rights are missing and how far the clocks are apart; exit code 3 where any is.

    Nothing is written in Collibra, and no secret is printed.
    """
    from lakepact.collibra.access import check_access

    read = settings_in(settings)
    found = check_access(read.client())
    skewed = found.clock_seconds is not None and abs(found.clock_seconds) > _CLOCK_SECONDS
    if as_json:
        clock = None if found.clock_seconds is None else round(found.clock_seconds, 1)
        shown: dict[str, Any] = {"address": found.address, "version": found.version, "login": read.login.value}
        shown |= {"user": found.user or None, "user_id": found.user_id or None}
        show_json(shown | {"missing": list(found.missing), "unknown": list(found.unknown), "clock_seconds": clock})
    else:
        who = f"{found.user} ({found.user_id})" if found.user and found.user_id else found.user or found.user_id
        clock_words = "not told" if found.clock_seconds is None else f"{found.clock_seconds:+.0f} s"
        show_rows(
            [
                ("address", f"{found.address} (Collibra {found.version or 'of an unknown version'})"),
                ("login", _way(read)),
                ("user", who or "not told"),
                ("missing", ", ".join(found.missing) or "nothing"),
                ("not told", ", ".join(found.unknown) or "-"),
                ("clock", clock_words),
            ]
        )
    if skewed:
        say(f"the clocks are more than {_CLOCK_SECONDS:.0f} s apart: set the one of this machine")
    if found.missing:
        say("let an administrator of Collibra grant what is missing, see docs/collibra.md")
    if found.missing or skewed:
        raise typer.Exit(ExitCode.CONFIGURATION)


def watch(
    inbox: Annotated[
        str | None,
        typer.Option(
            "--inbox",
            "-i",
            metavar="ADDRESS",
            help="Write events there, for `lakepact rerun`, such as delta:inbox.",
            show_default=False,
        ),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            "--exec", metavar="COMMAND", help="Run this for each event, which it reads as JSON.", show_default=False
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    every: Annotated[float, typer.Option(metavar="SECONDS", min=1.0, help="Time between looks.")] = _SECONDS,
    sweep: Annotated[bool, typer.Option("--sweep", help="Begin with a thorough look, as once a day.")] = False,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What was told of (default: in the cache).", show_default=False),
    ] = None,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Look again and again what is validated in Collibra, and tell of what changed, until it is interrupted.

    The first look tells of all that is validated. An event that was not taken, and one whose taking was cut off, comes
    again under the same id.
    """
    if (inbox is None) == (command is None):
        raise UsageError("nobody takes the events", "LP429", "give --inbox ADDRESS, or --exec COMMAND, one of both")
    tell = _to_inbox(inbox) if inbox is not None else _to_command(command or "")
    watching = _watch(settings_in(settings), tell, state)
    while True:
        try:
            for arrival in watching.look(thorough=sweep):
                write(_line(arrival, as_json=as_json))
            sweep = False
        except RemoteFailed as error:
            if once:
                raise
            say(f"error {error}\n  the next look makes it good")
        if once:
            return
        # Several watchers, and other jobs of the hour, should not all ask in the same second.
        time.sleep(every * random.uniform(1 - _JITTER, 1 + _JITTER))


def _watch(settings: CollibraSettings, tell: Callable[[Arrival], bool], state: Path | None) -> CollibraWatch:
    from lakepact.collibra.http_gateway import HttpGateway
    from lakepact.rerun.collibra_watch import CollibraWatch, WatchState
    from lakepact.spark.environment import cache_folder
    from lakepact.store.encoding import sha256_of

    gateway = HttpGateway(settings.client())
    file = state or cache_folder() / "collibra-watch" / f"{sha256_of(gateway.address.encode())[:16]}.json"
    return CollibraWatch(gateway, WatchState(file, address=gateway.address), tell, names=settings.names)


def _to_inbox(address: str) -> Callable[[Arrival], bool]:
    from lakepact.rerun.opening import open_inbox

    opened = open_inbox(address)

    def tell(arrival: Arrival) -> bool:
        opened.receive(arrival)
        return True

    return tell


def _to_command(command: str) -> Callable[[Arrival], bool]:
    """Runs a command without a shell. Raises UsageError LP429 for what is none."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--exec is no command: {error}", "LP429", "close what is quoted") from None
    if not words:
        raise UsageError("--exec is no command: it is empty", "LP429", "name a program")

    def tell(arrival: Arrival) -> bool:
        event = _event(arrival)
        environment = os.environ | {f"LAKEPACT_EVENT_{key.upper()}": str(value or "") for key, value in event.items()}
        done = subprocess.run(words, input=json.dumps(event).encode(), env=environment, check=False)
        if done.returncode:
            say(f"'{words[0]}' ended with {done.returncode} for '{arrival.contract_id}': it gets that event again")
        return done.returncode == 0

    return tell


def _event(arrival: Arrival) -> dict[str, str | None]:
    occurred = arrival.occurred_at
    return {
        "delivery_id": arrival.delivery_id,
        "type": arrival.type,
        "contract_id": arrival.contract_id,
        "asset_id": arrival.asset_id,
        "version": arrival.version or None,
        "status": arrival.status or None,
        "occurred_at": None if occurred is None else occurred.isoformat(),
    }


def _line(arrival: Arrival, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(_event(arrival), ensure_ascii=False) + "\n"
    return printable(f"{arrival.contract_id} {arrival.version or '-'} {arrival.status or 'gone'}") + "\n"


def _way(settings: CollibraSettings) -> str:
    ways = {
        "client": f"OAuth client credentials ({settings.client_authentication.value}), client {settings.user}",
        "bearer": "bearer token",
        "basic": f"Basic, user {settings.user}",
        "session": f"session, user {settings.user}",
    }
    return f"{ways[settings.login.value]}; the secret comes from {settings.secret.partition(':')[0]}"
