"""`lakepact webhook …`: receive notices about contracts, see what became of them, and sign one to try it."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.cli.arguments import regular_file
from lakepact.cli.output import log_to_stderr, printable, say, show_json, write
from lakepact.errors import ConfigurationError, RemoteFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lakepact.rerun import Effect, Inbox, InboxEvent
    from lakepact.rerun.inbox import EffectKey, Passage

__all__ = ["list_", "metrics", "purge", "replay", "secret", "serve", "show", "sign", "webhook"]

_SECRET_BYTES: Final = 32
_MOST_EVENTS: Final = 100
_SECONDS: Final = 20.0
_KEPT_DAYS: Final = 90

_Inbox = Annotated[
    str | None,
    typer.Option(
        "--inbox",
        "-i",
        metavar="ADDRESS",
        envvar="LAKEPACT_WEBHOOK_INBOX",
        help="Where events are kept, such as delta:inbox.",
        show_default=False,
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_File = Annotated[Path, typer.Argument(metavar="FILE", help="The body of the notice.", show_default=False)]

webhook = typer.Typer(
    name="webhook",
    help="Receive notices that a contract was validated, and see what became of them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_events = typer.Typer(
    name="events", help="What was received, and what became of it.", no_args_is_help=True, rich_markup_mode=None
)
webhook.add_typer(_events)


@webhook.command()
def serve(
    inbox: _Inbox = None,
    host: Annotated[
        str, typer.Option(metavar="HOST", envvar="LAKEPACT_WEBHOOK_HOST", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65535,
            envvar=["LAKEPACT_WEBHOOK_PORT", "DATABRICKS_APP_PORT"],
            help="Port to listen on; 0 is any that is free.",
        ),
    ] = 8090,
) -> None:
    """Receive notices over HTTP until it is interrupted; who may send them is said by LAKEPACT_WEBHOOK_* variables."""
    from lakepact.rerun.serving import serve_receiver
    from lakepact.rerun.settings import read_receiver_settings

    settings = read_receiver_settings()
    opened = _opened(inbox)
    ways = " or ".join("+".join(sorted(each)) for each in settings.policy)
    if opened.address == "memory:":
        say("memory: forgets all events when this process ends")
    log_to_stderr("lakepact.webhook", "uvicorn.error")
    logging.getLogger("lakepact.webhook").setLevel(logging.INFO)
    if settings.job_id:
        from lakepact.rerun.job_start import JobStarter, databricks_job

        settings = replace(settings, kept=JobStarter(databricks_job(settings.job_id)))
        say(f"job {settings.job_id} is started when a notice was kept")
    serve_receiver(
        opened,
        settings,
        host=host,
        port=port,
        ready=lambda address: say(f"listening on {address} ({ways}), events go to {opened.address}"),
    )


@webhook.command()
def secret(as_json: _Json = False) -> None:
    """Print a new signing secret."""
    made = f"whsec_{b64encode(secrets.token_bytes(_SECRET_BYTES)).decode('ascii')}"
    if as_json:
        show_json({"secret": made})
    else:
        write(f"{made}\n")


@webhook.command()
def sign(
    file: _File,
    delivery_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Id of the delivery (default: a new one).", show_default=False),
    ] = None,
    at: Annotated[
        int | None,
        typer.Option(
            metavar="SECONDS", min=0, help="When it is sent, in Unix time (default: now).", show_default=False
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="URL", help="Send it there, and print the answer.", show_default=False)
    ] = None,
    as_json: _Json = False,
) -> None:
    """Print the headers of a signed notice, or send it; it is signed with LAKEPACT_WEBHOOK_SECRET, the first of two.

    Without --to the headers suit `curl -H @FILE --data-binary @NOTICE`.
    """
    from lakepact.rerun.settings import active_signing_secrets
    from lakepact.rerun.signatures import (
        DELIVERY_ID,
        ID_HEADER,
        SIGNATURE_HEADER,
        TIMESTAMP_HEADER,
    )
    from lakepact.rerun.signatures import sign as signature_of

    body = regular_file(file, what="a notice").read_bytes()
    name = f"msg_{secrets.token_hex(12)}" if delivery_id is None else delivery_id
    if not DELIVERY_ID.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the id of a delivery", "LP948", "use 1 to 128 of A-Z a-z 0-9 _ -")
    sent = int(dt.datetime.now(dt.UTC).timestamp()) if at is None else at
    headers = {
        "content-type": "application/json",
        ID_HEADER: name,
        TIMESTAMP_HEADER: str(sent),
        SIGNATURE_HEADER: signature_of(active_signing_secrets()[0], name, sent, body),
    }
    if to is not None:
        _send(to, body, headers, as_json=as_json)
    elif as_json:
        show_json(headers)
    else:
        write("".join(f"{each}: {value}\n" for each, value in headers.items()))


@webhook.command()
def metrics(
    textfile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write them to this file of node_exporter's collector, which ends in .prom.",
            show_default=False,
        ),
    ] = None,
    inbox: _Inbox = None,
    as_json: _Json = False,
) -> None:
    """Print metrics of the inbox as Prometheus reads them: events by state, and how long they wait."""
    from lakepact.rerun.inbox_metrics import inbox_samples

    if textfile is not None and (as_json or textfile.suffix != ".prom"):
        raise UsageError(f"'{textfile}' is no file of metrics", "LP948", "name one that ends in .prom, without --json")
    samples = list(inbox_samples(_opened(inbox), dt.datetime.now(dt.UTC)))
    if as_json:
        named = [(each, dict(zip(each.metric.labels, each.labels, strict=True))) for each in samples]
        show_json([{"name": each.metric.name, "labels": labels, "value": each.value} for each, labels in named])
        return
    from lakepact.rerun.metrics_text import inbox_text

    text = inbox_text(samples)
    if textfile is None:
        write(text.decode())
    else:
        _replace(textfile, text)


@_events.command("list")
def list_(
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="STATE", help="Only in this state; may be given several times.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="The newest so many.")] = _MOST_EVENTS,
    inbox: _Inbox = None,
    as_json: _Json = False,
) -> None:
    """List what was received, oldest first."""
    found = _opened(inbox).list([_state(each) for each in state or ()], limit=limit)
    if as_json:
        show_json([_event_json(each) for each in found])
    else:
        _show_table(_event_cells(each) for each in found)


@_events.command()
def show(
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the delivery.", show_default=False)],
    inbox: _Inbox = None,
    as_json: _Json = False,
) -> None:
    """Show an event, and everything that happened to it."""
    opened = _opened(inbox)
    event, passages = opened.get(delivery_id), opened.history(delivery_id)
    effects = [each for each in opened.effects() if each.delivery_id == delivery_id]
    if as_json:
        done = [_effect_json(each) for each in effects]
        show_json({**_event_json(event), "history": [_passage_json(each) for each in passages], "effects": done})
        return
    for key, value in _event_json(event).items():
        if value is not None:
            write(f"{key}: {printable(_on_one_line(str(value)))}\n")
    write("\n")
    _show_table((_time(each.at), each.what, each.worker, each.reason) for each in passages)
    for each in effects:
        write(printable(f"effect on {each.key.pipeline}: {each.state} {_on_one_line(each.note)}".rstrip()) + "\n")


@_events.command()
def replay(
    delivery_ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids of deliveries.", show_default=False)],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for those who look later.", show_default=False)],
    inbox: _Inbox = None,
    as_json: _Json = False,
) -> None:
    """Let events wait again: those that failed, are dead, or are done."""
    opened = _opened(inbox)
    found = [opened.replay(each, reason=reason) for each in delivery_ids]
    if as_json:
        show_json([_event_json(each) for each in found])
    else:
        _show_table(_event_cells(each) for each in found)


@_events.command()
def purge(
    retention_days: Annotated[
        int, typer.Option(metavar="DAYS", min=1, help="How long events are kept that are done or dead.")
    ] = _KEPT_DAYS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    inbox: _Inbox = None,
    as_json: _Json = False,
) -> None:
    """Remove events that are done or dead for longer, and what is remembered of their effects but the last of each.

    An id that is removed is new when it comes again.
    """
    gone = _opened(inbox).purge(dt.timedelta(days=retention_days), dry_run=dry_run)
    if as_json:
        effects = [{"contract_id": each.contract_id, **_key_json(each)} for each in gone.effects]
        show_json({"purged": list(gone.deliveries), "effects": effects, "dry_run": dry_run})
    else:
        write("".join(f"{each}  {'would be purged' if dry_run else 'purged'}\n" for each in gone.deliveries))
    say(f"{len(gone.deliveries)} events and {len(gone.effects)} effects {'would be ' if dry_run else ''}purged")


def _opened(address: str | None) -> Inbox:
    """The inbox at the address. Raises UsageError LP948 where none was given."""
    from lakepact.rerun import open_inbox

    if not address:
        hint = "name it with --inbox delta:PATH, or set LAKEPACT_WEBHOOK_INBOX"
        raise UsageError("no inbox is named", "LP948", hint)
    return open_inbox(address)


def _replace(file: Path, content: bytes) -> None:
    from lakepact.atomic_files import replace_file

    try:
        replace_file(file, content)
    except OSError as error:
        message = f"'{file}' cannot be written: {error.strerror or error}"
        raise ConfigurationError(message, "LP948", "check that its folder is there, and its permissions") from error


def _state(text: str) -> Any:
    from lakepact.rerun import InboxState

    try:
        return InboxState(text.strip().casefold())
    except ValueError:
        known = ", ".join(InboxState)
        raise UsageError(f"'{text}' is no state of an event", "LP948", f"choose one of {known}") from None


def _send(url: str, body: bytes, headers: Mapping[str, str], *, as_json: bool) -> None:
    import httpx

    try:
        answer = httpx.post(url, content=body, headers=dict(headers), timeout=_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RemoteFailed(f"{url} does not answer: {error}", "LP949", "check the address") from error
    if as_json:
        show_json({"status": answer.status_code, "answer": answer.text, "headers": dict(headers)})
    else:
        write(f"{answer.status_code} {printable(_on_one_line(answer.text))}".rstrip() + "\n")
    if not answer.is_success:
        raise RemoteFailed(f"{url} refuses the notice: HTTP {answer.status_code}", "LP949", "docs/webhook.md says why")


def _event_json(event: InboxEvent) -> dict[str, Any]:
    arrival = event.arrival
    return {
        "delivery_id": event.delivery_id,
        "state": event.state.value,
        "origin": arrival.origin.value,
        "type": arrival.type,
        "contract_id": arrival.contract_id or None,
        "asset_id": arrival.asset_id or None,
        "version": arrival.version or None,
        "status": arrival.status or None,
        "occurred_at": _time(arrival.occurred_at) or None,
        "received_at": _time(event.received_at),
        "changed_at": _time(event.changed_at),
        "attempts": event.attempts,
        "worker": event.worker or None,
        "lease_until": _time(event.lease_until) or None,
        "retry_at": _time(event.retry_at) or None,
        "reason": event.reason or None,
    }


def _passage_json(passage: Passage) -> dict[str, Any]:
    return {
        "sequence": passage.sequence,
        "what": passage.what,
        "at": _time(passage.at),
        "worker": passage.worker or None,
        "until": _time(passage.until) or None,
        "reason": passage.reason or None,
    }


def _effect_json(effect: Effect) -> dict[str, str | None]:
    return {**_key_json(effect.key), "state": effect.state.value, "note": effect.note or None}


def _key_json(key: EffectKey) -> dict[str, str | None]:
    return {"pipeline": key.pipeline, "version": key.version, "sha256": key.sha256}


def _event_cells(event: InboxEvent) -> tuple[str, ...]:
    arrival = event.arrival
    return (
        _time(event.received_at),
        event.delivery_id,
        event.state.value,
        arrival.contract_id or arrival.asset_id,
        arrival.version,
        arrival.status,
        event.reason,
    )


def _time(moment: dt.datetime | None) -> str:
    return "" if moment is None else moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _show_table(rows: Iterable[Sequence[str]]) -> None:
    """Lines with columns of one width each; cells are on one line whatever they hold."""
    cells = [[_on_one_line(cell) or "-" for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        write(f"{printable(line).rstrip()}\n")
