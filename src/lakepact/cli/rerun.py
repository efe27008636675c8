"""`lakepact rerun`: what was validated comes into force, and the pipelines that it concerns run again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.cli.arguments import EnvironmentName, ProjectFolder, opened_project
from lakepact.cli.output import say, show_json, write
from lakepact.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from lakepact.project import Project
    from lakepact.rerun.adopting import ContractSource
    from lakepact.rerun.job import Reporter, Rerun, RerunJob

__all__ = ["rerun"]

_RECORDS: Final = "reruns"

_Inbox = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS", envvar="LAKEPACT_INBOX", help="Where events wait, such as delta:inbox.", show_default=False
    ),
]
_Source = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS", envvar="LAKEPACT_SOURCE", help="Where contracts are validated: a store.", show_default=False
    ),
]
_Store = Annotated[
    str,
    typer.Option(
        "--store", "-s", metavar="ADDRESS", envvar="LAKEPACT_STORE", help="The platform's store.", show_default=False
    ),
]


def rerun(
    folder: ProjectFolder = Path(),
    inbox: _Inbox = "",
    source: _Source = "",
    store: _Store = "",
    environment: EnvironmentName = None,
    contracts: Annotated[
        list[str] | None,
        typer.Option("--now", metavar="ID", help="Ask for a look at this contract first; may be given several times."),
    ] = None,
    poll: Annotated[
        bool, typer.Option("--poll", help="First look for versions that nobody told of.")
    ] = False,
    watch: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Go on, and look again after so many seconds.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would run, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Work off the inbox: bring validated contracts into force and run the pipelines that they concern.

    Exit code: 0 all done, 1 an event failed and stays visible in the inbox.
    """
    for name, address in (("inbox", inbox), ("source", source), ("store", store)):
        if not address:
            variable = f"LAKEPACT_{name.upper()}"
            raise UsageError(f"no {name} is named", "LP429", f"give --{name}, or set {variable}")
    project = opened_project(folder)
    job = _job(project, inbox, source, store, environment)
    if dry_run:
        return _show(job.preview(), as_json=as_json)
    code = 0
    while True:
        _ask(job, contracts or (), poll=poll)
        code = max(code, _show(_all(job), as_json=as_json))
        if watch is None:
            return code
        contracts = None
        time.sleep(watch)


def _job(project: Project, inbox: str, source: str, store: str, environment: str | None) -> RerunJob:
    from lakepact.project.resolve import select_environment
    from lakepact.rerun import open_inbox
    from lakepact.rerun.bindings import bindings_of
    from lakepact.rerun.job import RerunJob
    from lakepact.rerun.local_runner import LocalRunner
    from lakepact.rerun.reporters import FileReporter
    from lakepact.store import open_store

    chosen = select_environment(project, environment)
    if chosen.storage is None:
        message = f"environment '{chosen.name}' has no storage on this machine"
        raise UsageError(message, "LP429", "name a local environment; on Databricks the job of the bundle does this")
    records = Path(project.absolute(chosen.storage)) / _RECORDS
    validated, reporters = _stewards(source, records)
    return RerunJob(
        inbox=open_inbox(inbox),
        source=validated,
        store=open_store(store),
        runner=LocalRunner(project.root, records=records, environment=chosen.name),
        bindings=bindings_of(project),
        reporters=(FileReporter(records / "results"), *reporters),
    )


def _stewards(source: str, records: Path) -> tuple[ContractSource, tuple[Reporter, ...]]:
    """Where contracts are validated, and who there wants to know what came of it."""
    from lakepact.rerun.adopting import StoreSource
    from lakepact.store import open_store

    opened = open_store(source)
    if not source.startswith("collibra:"):
        return StoreSource(opened), ()
    from lakepact.collibra.store import CollibraContractStore
    from lakepact.rerun.collibra_source import CollibraReporter, CollibraSource

    assert isinstance(opened, CollibraContractStore)
    return CollibraSource(opened), (CollibraReporter(opened.gateway, records / "feedback"),)


def _ask(job: RerunJob, contracts: Sequence[str], *, poll: bool) -> None:
    """Write the events that are asked for."""
    import uuid

    from lakepact.rerun import Arrival, Origin
    from lakepact.rerun.job import poll as poll_source
    from lakepact.rerun.payload import EventType

    for contract_id in contracts:
        event = Arrival(
            delivery_id=f"now-{uuid.uuid4().hex}",
            type=EventType.RERUN_REQUESTED.value,
            contract_id=contract_id,
            origin=Origin.RUN_NOW,
        )
        job.inbox.receive(event)
    if poll:
        found = poll_source(job.inbox, job.source, job.store, job.bindings)
        say(f"{len(found)} contract{'s' * (len(found) != 1)} found that nobody told of")


def _all(job: RerunJob) -> tuple[Rerun, ...]:
    done: list[Rerun] = []
    while more := job.work():
        done += more
    return tuple(done)


def _show(reruns: Sequence[Rerun], *, as_json: bool) -> int:
    from dataclasses import asdict

    from lakepact.rerun import InboxState

    if as_json:
        show_json([asdict(each) for each in reruns])
    else:
        for each in reruns:
            write(_line(each) + "\n")
        if not reruns:
            say("no event waits")
    failed = any(each.state in (InboxState.FAILED, InboxState.DEAD) for each in reruns)
    return ExitCode.VIOLATED if failed else ExitCode.OK


def _line(each: Rerun) -> str:
    version = f" {each.version}" if each.version else ""
    parts: list[Any] = [f"{each.delivery_id}: {each.contract_id}{version} {each.state}"]
    parts += [f"{word} {', '.join(names)}" for word, names in (("ran", each.ran), ("already", each.already)) if names]
    parts += [f"failed {text}" for text in each.failed]
    return "; ".join([*parts, *([each.reason] if each.reason else [])])
