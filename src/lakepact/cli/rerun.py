"""`lakepact rerun`: what was validated comes into force, and the pipelines that it concerns run again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.cli.arguments import EnvironmentName, NotifyFile, ProjectFolder, notifier_for, opened_project
from lakepact.cli.output import say, show_json, write
from lakepact.errors import ConfigurationError, ExitCode, ExtraMissing, UsageError

if TYPE_CHECKING:
    from lakepact.project import Environment, Project
    from lakepact.rerun.adopting import ContractSource
    from lakepact.rerun.job import Reporter, Rerun, RerunJob
    from lakepact.rerun.runner import PipelineRunner

__all__ = ["rerun"]

_RECORDS: Final = "reruns"
_NOTHING: Final = "no event waits"

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
    notify: NotifyFile = None,
    poll: Annotated[bool, typer.Option("--poll", help="First look for versions that nobody told of.")] = False,
    watch: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Go on, and look again after so many seconds.")
    ] = None,
    pipeline_ids: Annotated[
        list[str] | None,
        typer.Option(
            "--pipeline-id", metavar="NAME=ID", help="Run this pipeline in the Databricks workspace, by its id there."
        ),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where results are kept (default: in the storage of the environment)."),
    ] = None,
    results: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            envvar="LAKEPACT_RESULTS",
            help="Add results to rule_results there: a path, spark:SCHEMA or uc:CATALOG.SCHEMA?warehouse=ID.",
            show_default=False,
        ),
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
    job = _job(project, (inbox, source, store), environment, records, _ids(pipeline_ids or ()))
    job = replace(job, reporters=(*job.reporters, *_table(results), *_people(project, notify)))
    if dry_run:
        return _show(job.preview(contracts=contracts or (), polls=poll), as_json=as_json)
    code = 0
    while True:
        _ask(job, contracts or (), poll=poll)
        code = max(code, _show(_all(job), as_json=as_json, idle=_idle(job)))
        if watch is None:
            return code
        contracts = None
        time.sleep(watch)


def _ids(texts: Sequence[str]) -> dict[str, str]:
    """The ids of pipelines by name. Raises UsageError LP429 for a text that is none."""
    pairs = [text.partition("=") for text in texts]
    for text, (name, _, pipeline_id) in zip(texts, pairs, strict=True):
        if not name or not pipeline_id:
            raise UsageError(f"'{text}' is no id of a pipeline", "LP429", "write --pipeline-id NAME=ID")
    return {name: pipeline_id for name, _, pipeline_id in pairs}


def _job(
    project: Project,
    addresses: tuple[str, str, str],
    environment: str | None,
    records: Path | None,
    pipeline_ids: Mapping[str, str],
) -> RerunJob:
    from lakepact.project.resolve import select_environment
    from lakepact.rerun import open_inbox
    from lakepact.rerun.bindings import bindings_of
    from lakepact.rerun.job import RerunJob
    from lakepact.rerun.reporters import FileReporter
    from lakepact.store import open_store

    inbox, source, store = addresses
    chosen = select_environment(project, environment)
    if records is None:
        if chosen.storage is None:
            message = f"environment '{chosen.name}' has no storage on this machine"
            hint = "name a local environment; on Databricks give --records and --pipeline-id, as the bundle's job does"
            raise UsageError(message, "LP429", hint)
        records = Path(project.absolute(chosen.storage)) / _RECORDS
    validated, reporters = _stewards(source, records)
    return RerunJob(
        inbox=open_inbox(inbox),
        source=validated,
        store=open_store(store),
        runner=_runner(project, chosen, records, pipeline_ids),
        bindings=bindings_of(project),
        reporters=(FileReporter(records / "results"), *reporters),
    )


def _runner(project: Project, chosen: Environment, records: Path, pipeline_ids: Mapping[str, str]) -> PipelineRunner:
    """Who runs pipelines: the workspace where ids are given, else this machine."""
    if pipeline_ids:
        from lakepact.rerun.databricks_runner import DatabricksRunner

        return DatabricksRunner(_workspace(), pipeline_ids)
    if chosen.storage is None:
        message = f"environment '{chosen.name}' has no storage on this machine"
        raise UsageError(message, "LP429", "give --pipeline-id NAME=ID for each pipeline that runs in the workspace")
    from lakepact.rerun.local_runner import LocalRunner

    return LocalRunner(project.root, records=records, environment=chosen.name)


def _workspace() -> Any:
    """The workspace that the environment, a profile or the job itself names."""
    from lakepact.workspace_login import NoLogin, workspace_client

    try:
        return workspace_client()
    except ImportError:
        raise ExtraMissing("databricks-sdk is not installed", "LP429", "pip install 'lakepact[databricks]'") from None
    except NoLogin as error:
        hint = "set DATABRICKS_HOST and a way to log in, or name a profile in DATABRICKS_CONFIG_PROFILE"
        raise ConfigurationError(f"there is no way into a Databricks workspace: {error}", "LP429", hint) from error


def _table(results: str | None) -> tuple[Reporter, ...]:
    """Where results are recorded for all who look at them."""
    if results is None:
        return ()
    from lakepact.rerun.reporters import TableReporter

    return (TableReporter(results),)


def _people(project: Project, notify: Path | None) -> tuple[Reporter, ...]:
    """Who hears of broken contracts."""
    found = notifier_for(project, notify)
    if found is None:
        return ()
    from lakepact.rerun.reporters import NotifyReporter

    return (NotifyReporter(found),)


def _stewards(source: str, records: Path) -> tuple[ContractSource, tuple[Reporter, ...]]:
    """Where contracts are validated, and who there wants to know what came of it."""
    if not source.startswith("collibra:"):
        from lakepact.rerun.adopting import StoreSource
        from lakepact.store import open_store

        return StoreSource(open_store(source)), ()
    from lakepact.collibra.store import collibra_store, settings_at
    from lakepact.rerun.collibra_source import CollibraReporter, CollibraSource

    settings = settings_at(source)
    opened = collibra_store(settings)
    reporter = CollibraReporter(
        opened.gateway,
        records / "feedback",
        attributes=settings.shown_attributes,
        metrics_domain=settings.shown_metrics,
    )
    return CollibraSource(opened), (reporter,)


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


def _idle(job: RerunJob) -> str:
    """What to say where nothing waits: a worker that was killed keeps its events until its lease is over."""
    from lakepact.rerun import InboxState

    held = [each.lease_until for each in job.inbox.list((InboxState.CLAIMED,)) if each.lease_until is not None]
    if not held:
        return _NOTHING
    return f"{_NOTHING}; {len(held)} with a worker, until {max(held):%H:%M:%S} UTC at the latest"


def _show(reruns: Sequence[Rerun], *, as_json: bool, idle: str = _NOTHING) -> int:
    from dataclasses import asdict

    from lakepact.rerun import InboxState

    if as_json:
        show_json([asdict(each) for each in reruns])
    else:
        for each in reruns:
            write(_line(each) + "\n")
        if not reruns:
            say(idle)
    failed = any(each.state in (InboxState.FAILED, InboxState.DEAD) for each in reruns)
    return ExitCode.VIOLATED if failed else ExitCode.OK


def _line(each: Rerun) -> str:
    version = f" {each.version}" if each.version else ""
    parts: list[Any] = [f"{each.delivery_id}: {each.contract_id}{version} {each.state}"]
    parts += [f"{word} {', '.join(names)}" for word, names in (("ran", each.ran), ("already", each.already)) if names]
    parts += [f"failed {text}" for text in each.failed]
    return "; ".join([*parts, *([each.reason] if each.reason else [])])
