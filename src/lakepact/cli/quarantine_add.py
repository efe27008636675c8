"""`lakepact quarantine add`: a file or folder that failed as a whole is set aside."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakepact.cli.arguments import NotifyFile, opened_notifier
from lakepact.cli.output import printable, say, show_json, write
from lakepact.cli.quarantine_options import (
    Actor,
    AsJson,
    FileFormat,
    ReaderOptions,
    Reason,
    actor_of,
    contract_at,
    reading_of,
    retention_of,
)
from lakepact.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lakepact.contract import Contract
    from lakepact.contract.model import SchemaObject
    from lakepact.notify import Notifier
    from lakepact.quarantine import FailedRule, Record
    from lakepact.results import RuleStatus

__all__ = ["add"]

_Source = Annotated[str, typer.Argument(metavar="SOURCE", help="The file or folder: a path or a URL.")]
_Contract = Annotated[
    str,
    typer.Option(
        "--contract", metavar="CONTRACT", help="A file, git:REV:PATH or store:ADDRESS#ID.", show_default=False
    ),
]
_Place = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="PLACE",
        help="Where batches are: a folder or a URL (default: as the contract says in `lakepact.quarantine`).",
        show_default=False,
    ),
]
_Report = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="What `lakepact check --json` printed, - for stdin (default: it is checked now).",
        show_default=False,
    ),
]
_Rules = Annotated[
    list[str] | None,
    typer.Option(
        "--rule",
        metavar="ID[=MESSAGE]",
        help="A rule that it breaks, in place of a check; may be given several times.",
        show_default=False,
    ),
]
_Object = Annotated[
    str | None, typer.Option("--object", metavar="NAME", help="Object of the contract.", show_default=False)
]
_Dataset = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The table that it was meant for (default: of the object).", show_default=False),
]
_Run = Annotated[str, typer.Option(metavar="ID", help="The run that it is of; the same data is set aside once a run.")]
_Days = Annotated[
    int | None,
    typer.Option(metavar="DAYS", help="How long it is kept (default: as the contract says).", show_default=False),
]


def add(
    source: _Source,
    contract: _Contract,
    place: _Place = None,
    report: _Report = None,
    rules: _Rules = None,
    object_name: _Object = None,
    dataset: _Dataset = None,
    run: _Run = "",
    kind: FileFormat = None,
    options: ReaderOptions = None,
    retention_days: _Days = None,
    reason: Reason = "",
    actor: Actor = None,
    notify: NotifyFile = None,
    as_json: AsJson = False,
) -> None:
    """Set a file or folder aside that failed as a whole: it is copied, with the rules that it breaks.

    Set aside again, it stays one record, which nobody is told of again. The source is left where it is.
    """
    from lakepact.quarantine import quarantine_batch
    from lakepact.quarantine.records import record_data
    from lakepact.quarantine.settings import enabled_settings

    document, reading = contract_at(contract), reading_of(kind, options)
    enabled_settings(document)
    notifier = opened_notifier(notify)
    retention, who = retention_of(retention_days), actor_of(actor)
    described = _described(document, object_name)
    broken = _broken(source, document, described.name, report, rules or (), reading)
    moment = datetime.now(UTC)
    found = quarantine_batch(
        source,
        document,
        tuple(broken),
        dataset=dataset or described.table,
        run_id=run,
        object_name=described.name,
        url=None if place is None else place.removeprefix("files:"),
        metadata=reading,
        actor=who,
        reason=reason,
        retention=retention,
        clock=lambda: moment,
    )
    if as_json:
        show_json(record_data(found))
    else:
        write(f"{found.id}  {found.status.value}  {printable(found.path)}\n")
    _tell(notifier, found, document, broken, moment)
    if found.quarantined_at != moment:
        say(f"it was set aside before, at {found.quarantined_at:%Y-%m-%dT%H:%M:%SZ}")


def _tell(
    notifier: Notifier | None,
    record: Record,
    contract: Contract,
    broken: Mapping[FailedRule, RuleStatus],
    at: datetime,
) -> None:
    """Keep for the notifier why the batch is set aside, and where it is."""
    if notifier is not None:
        from lakepact.quarantine.check_reports import batch_results

        results = batch_results(record, contract, broken, at=at)
        notifier.notify(results, contract, quarantine=record.path)


def _described(contract: Contract, name: str | None) -> SchemaObject:
    """The object that the data is of. Raises UsageError LP989 where nobody can tell."""
    found = [each for each in contract.schema if name in (None, each.name, each.physical_name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(each.name for each in contract.schema) or "none"
    message = "nobody says which object the data is of" if name is None else f"the contract has no object '{name}'"
    raise UsageError(message, "LP989", f"name it with --object; the objects are {known}")


def _broken(
    source: str,
    contract: Contract,
    object_name: str,
    report: str | None,
    rules: Sequence[str],
    reading: Mapping[str, Any],
) -> Mapping[FailedRule, RuleStatus]:
    """The rules that keep the data back, by the report, by hand, or by a check of it now. Raises UsageError LP989."""
    from lakepact.quarantine import FailedRule
    from lakepact.quarantine.check_reports import failed_statuses, reported_statuses
    from lakepact.results import RuleStatus

    if rules and report is not None:
        raise UsageError("--rule and --report exclude each other", "LP989", "give one of them")
    if rules:
        parts = [text.partition("=") for text in rules]
        return {FailedRule(rule_id, message): RuleStatus.FAIL for rule_id, _, message in parts}
    if report is not None:
        found = reported_statuses(_report(report), contract, object_name=object_name, source=source)
    elif not Path(source).exists():
        hint = "give --report or --rule; nothing but files of this machine is checked here"
        raise UsageError(f"there is no '{source}' to check", "LP989", hint)
    else:
        from lakepact.cli.check import checked_files

        places = {object_name: Path(source)}
        (checked,) = checked_files(contract, places, kind=reading.get("format"), options=reading.get("options"))
        found = failed_statuses(checked.results)
    if not found:
        message = f"no rule keeps '{source}' from being let through: it is not set aside"
        raise UsageError(message, "LP989", "say with --rule what is wrong with it")
    return found


def _report(file: str) -> Any:
    """The report in a file. Raises UsageError LP989 where it cannot be read."""
    try:
        return json.loads(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        hint = "take what `lakepact check CONTRACT SOURCE --json` prints"
        raise UsageError(f"the report '{file}' cannot be read: {error}", "LP989", hint) from error
