"""`lakepact metrics …`: results, service levels and quarantine as metrics of Prometheus and OpenTelemetry."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lakepact.cli.output import printable, show_json, write
from lakepact.cli.results import ResultsAddress, named_results
from lakepact.errors import UsageError

if TYPE_CHECKING:
    from lakepact.contract import Contract
    from lakepact.results.metrics import Snapshot
    from lakepact.results.place import ResultsPlace

__all__ = ["list_", "metrics", "otlp", "push", "serve", "textfile"]

_PASSWORD: Final = "LAKEPACT_PUSH_PASSWORD"
_COLLECTOR: Final = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_WAITING: Final = ("quarantined", "in_review", "approved", "corrected", "expired")

_Contracts = Annotated[
    list[str] | None,
    typer.Option(
        "--contract", metavar="CONTRACT", help="Service levels of this contract, too; may be given several times."
    ),
]
_Quarantines = Annotated[
    list[str] | None,
    typer.Option("--quarantine", metavar="PLACE", help="Records of this quarantine, too; may be given several times."),
]
_Days = Annotated[
    int, typer.Option(metavar="N", min=1, max=366, help="A dataset without a run for N days has no metrics.")
]
_Timezone = Annotated[str, typer.Option(metavar="NAME", help="Of service levels that name none.")]
_Limit = Annotated[int, typer.Option("--max-rules", metavar="N", min=1, help="Rules with metrics at most.")]

metrics = typer.Typer(
    name="metrics",
    help="Results as metrics of Prometheus and OpenTelemetry.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@metrics.command()
def serve(
    place: ResultsAddress = "",
    contracts: _Contracts = None,
    quarantines: _Quarantines = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0: one that is free.")] = 9469,
    refresh: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="Read results at most so often.")] = 30.0,
    days: _Days = 30,
    timezone: _Timezone = "UTC",
    limit: _Limit = 2000,
) -> None:
    """Serve /metrics for Prometheus until the process is ended; prints the address.

    Where results cannot be read for a while, lakepact_up is 0 and the last ones stay.
    """
    from lakepact.results import exporting

    read = _reader(place, contracts, quarantines, days, timezone)
    with exporting.serve(read, host=host, port=port, refresh=refresh, limit=limit) as address:
        write(f"{address}\n")
        threading.Event().wait()


@metrics.command()
def textfile(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .prom.", show_default=False)],
    place: ResultsAddress = "",
    contracts: _Contracts = None,
    quarantines: _Quarantines = None,
    days: _Days = 30,
    timezone: _Timezone = "UTC",
    limit: _Limit = 2000,
) -> None:
    """Write the metrics to a file for the textfile collector of node_exporter, whole or not at all."""
    from lakepact.results import exporting

    exporting.write_textfile(file, _reader(place, contracts, quarantines, days, timezone), limit=limit)


@metrics.command()
def push(
    url: Annotated[str, typer.Argument(metavar="URL", help="Of the Pushgateway.", show_default=False)],
    place: ResultsAddress = "",
    contracts: _Contracts = None,
    quarantines: _Quarantines = None,
    job: Annotated[str, typer.Option(metavar="NAME", help="The label `job`.")] = "lakepact",
    grouping: Annotated[
        list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="A label of the group.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Log in; the password is in {_PASSWORD}.", show_default=False)
    ] = None,
    seconds: Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long to wait.")] = 30.0,
    days: _Days = 30,
    timezone: _Timezone = "UTC",
    limit: _Limit = 2000,
) -> None:
    """Push the metrics to a Pushgateway, in the place of those that the group had."""
    from lakepact.results import exporting

    exporting.push(
        url,
        _reader(place, contracts, quarantines, days, timezone),
        job=job,
        grouping=_labels(grouping or ()),
        auth=None if user is None else (user, _password()),
        seconds=seconds,
        limit=limit,
    )


@metrics.command()
def otlp(
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="URL", help=f"Of the collector, as http://HOST:4318; or {_COLLECTOR[1]}.", show_default=False
        ),
    ] = None,
    place: ResultsAddress = "",
    contracts: _Contracts = None,
    quarantines: _Quarantines = None,
    seconds: Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long to try.")] = 30.0,
    days: _Days = 30,
    timezone: _Timezone = "UTC",
    limit: _Limit = 2000,
) -> None:
    """Send the metrics to an OpenTelemetry collector (OTLP, Protobuf over HTTP), under the same names.

    Headers, certificates and attributes of the resource are those of OpenTelemetry's environment variables.
    """
    from lakepact.results.otlp import export_otlp

    if url is None and not any(os.environ.get(name) for name in _COLLECTOR):
        raise UsageError("no collector is named", "LP995", f"give its URL, or set {_COLLECTOR[1]}")
    export_otlp(url, _reader(place, contracts, quarantines, days, timezone), seconds=seconds, limit=limit)


@metrics.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print every metric with its labels and what it says."""
    from lakepact.results.metrics import METRICS

    if as_json:
        show_json([{"name": m.name, "kind": m.kind.value, "labels": list(m.labels), "help": m.help} for m in METRICS])
        return
    for metric in METRICS:
        labels = f"{{{', '.join(metric.labels)}}}" if metric.labels else ""
        write(f"{metric.name}{labels} ({metric.kind})\n    {printable(metric.help)}\n")


def _reader(
    place: str, contracts: Sequence[str] | None, quarantines: Sequence[str] | None, days: int, timezone: str
) -> Callable[[], Snapshot]:
    """What reads a snapshot; contracts are read once, now, and so is the address of a catalog."""
    from lakepact.contract import load_contract
    from lakepact.history import read_reference
    from lakepact.results.opening import catalog_at

    opened = catalog_at(named_results(place)) or place
    documents = []
    for name in contracts or ():
        found = read_reference(name)
        documents.append(load_contract(found.content, file=found.file))
    return lambda: _snapshot(opened, documents, quarantines or (), days, timezone)


def _snapshot(
    place: ResultsPlace | str, documents: Sequence[Contract], quarantines: Sequence[str], days: int, timezone: str
) -> Snapshot:
    from lakepact.cli.sla import levels_at
    from lakepact.results.metrics import Snapshot
    from lakepact.results.reading import ResultFilter, read_last_results

    now = dt.datetime.now(dt.UTC)
    results = read_last_results(place, ResultFilter(since=now - dt.timedelta(days=days)))
    levels = [
        level
        for document in documents
        for level in levels_at(document, place, now=now, days=30, timezone=timezone, dataset=None)
    ]
    return Snapshot(results=results, levels=levels, quarantined=_waiting(quarantines))


def _waiting(places: Sequence[str]) -> dict[tuple[str, str, str], int]:
    """Records that somebody has to decide about or to replay, by contract, object and dataset."""
    if not places:
        return {}
    from lakepact.quarantine import open_quarantine

    found: dict[tuple[str, str, str], int] = {}
    for place in places:
        for record in open_quarantine(place).records():
            about = record.header
            key = (about.contract_id, about.object, about.dataset)
            found[key] = found.get(key, 0) + (record.held and record.status.value in _WAITING)
    return found


def _labels(texts: Sequence[str]) -> dict[str, str]:
    """The labels of a group. Raises UsageError LP995 for a text that is none."""
    pairs = [text.partition("=") for text in texts]
    for text, (name, _, value) in zip(texts, pairs, strict=True):
        if not (name.isascii() and name.isidentifier()) or name == "job" or not value:
            raise UsageError(f"'{text}' is no label", "LP995", "write --label NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _password() -> str:
    """The password of the Pushgateway. Raises UsageError LP995 without one."""
    found = os.environ.get(_PASSWORD)
    if not found:
        raise UsageError(f"there is no password in {_PASSWORD}", "LP995", "set it")
    return found
