"""`lakepact quarantine …`: rows and batches that were set aside, what is decided about them, and their way back."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.cli.output import printable, say, show_json, write
from lakepact.cli.quarantine_add import add
from lakepact.cli.quarantine_options import (
    Actor,
    AsJson,
    ContractReference,
    Everything,
    FileFormat,
    OfContract,
    OfRule,
    OfRun,
    QuarantineAddress,
    ReaderOptions,
    Reason,
    RecordId,
    RecordIds,
    SeenVersion,
    SetAsideSince,
    ShowValues,
    WithStatus,
    actor_of,
    opened_quarantine,
    reading_of,
)
from lakepact.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lakepact.quarantine import Act, Quarantine, Record, Wanted

__all__ = ["add", "approve", "correct", "list_", "purge", "quarantine", "reject", "replay", "review", "show", "stats"]

_SUFFIX: Final = "__quarantine"


class _Mode(StrEnum):
    APPEND = "append"
    MERGE = "merge"


quarantine = typer.Typer(
    name="quarantine",
    help="Look at what was set aside, decide about it, and write it back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@quarantine.command("list")
def list_(
    place: QuarantineAddress,
    contract: ContractReference = None,
    of: OfContract = None,
    rule: OfRule = None,
    run: OfRun = None,
    status: WithStatus = None,
    since: SetAsideSince = None,
    show_values: ShowValues = False,
    as_json: AsJson = False,
) -> None:
    """List records, oldest first."""
    opened = opened_quarantine(place, contract)
    found = opened.records(_wanted((), of, rule, run, status, since))
    _show(opened, found, show_values=show_values, as_json=as_json)
    counted = len(found)
    say(f"{counted} record{'' if counted == 1 else 's'}")


quarantine.command()(add)


@quarantine.command()
def show(
    place: QuarantineAddress,
    record: RecordId,
    contract: ContractReference = None,
    show_values: ShowValues = False,
    as_json: AsJson = False,
) -> None:
    """Print a record with its values, and what was decided about it."""
    from lakepact.quarantine.masking import shown_values
    from lakepact.quarantine.records import record_data

    opened = opened_quarantine(place, contract)
    found = opened.record(record)
    data = record_data(found, values=shown_values(found, opened.contract, reveal=show_values))
    trail = [_decision_data(each) for each in opened.decisions(found.id)]
    if as_json:
        show_json({**data, "decisions": trail})
        return
    rules, said = data.pop("failed_rules"), data.pop("metadata")
    told = [*data.items(), *((f"metadata.{name}", value) for name, value in said.items())]
    lines = [f"{name}: {value if isinstance(value, str) else _json(value)}" for name, value in told if value]
    lines += [f"breaks {each['rule_id']}: {each['message']}".rstrip(": ") for each in rules]
    lines += [f"{each['at']} {each['act']} by {each['actor']}: {each['reason'] or '-'}" for each in trail]
    write("".join(f"{printable(' '.join(line.split()))}\n" for line in lines))


def _decision(name: str, help_text: str) -> Callable[..., None]:
    """The command of a decision about records, named ones or those that the filters choose."""

    def decide(
        place: QuarantineAddress,
        ids: RecordIds = None,
        of: OfContract = None,
        rule: OfRule = None,
        run: OfRun = None,
        status: WithStatus = None,
        since: SetAsideSince = None,
        everything: Everything = False,
        reason: Reason = "",
        expected: SeenVersion = None,
        actor: Actor = None,
        as_json: AsJson = False,
    ) -> None:
        from lakepact.quarantine import Act

        opened = opened_quarantine(place, None)
        wanted = _wanted(ids or (), of, rule, run, status, since)
        chosen = _chosen(opened, Act(name), wanted, everything=everything)
        made = {Act.REVIEW: opened.review, Act.APPROVE: opened.approve, Act.REJECT: opened.reject}[Act(name)]
        found = made(chosen, actor=actor_of(actor), reason=reason, expected=expected)
        _show(opened, found, as_json=as_json)

    return quarantine.command(name, help=help_text)(decide)


review = _decision("review", "Take records into review: named ones, or those that the filters choose.")
approve = _decision("approve", "Say that records may be replayed as they are.")
reject = _decision("reject", "Say that records are not to be replayed.")


@quarantine.command()
def correct(
    place: QuarantineAddress,
    record: RecordId,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="COLUMN=VALUE", help="A value; JSON where it is no text.", show_default=False),
    ] = None,
    nulls: Annotated[
        list[str] | None, typer.Option("--null", metavar="COLUMN", help="No value there.", show_default=False)
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="For a batch: the file or folder that takes its place.", show_default=False),
    ] = None,
    kind: FileFormat = None,
    options: ReaderOptions = None,
    reason: Reason = "",
    expected: SeenVersion = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Give a row in review other values, or a batch another file; the replay takes them."""
    opened, reading = opened_quarantine(place, None), reading_of(kind, options)
    if file is not None:
        if values or nulls:
            raise UsageError("a batch has no values to --set", "LP989", "give the --file alone")
        found = opened.correct_batch(
            record, file, actor=actor_of(actor), reason=reason, expected=expected, metadata=reading
        )
    elif reading:
        raise UsageError("--format and --option are about a --file", "LP989", "name the file")
    else:
        given = _given_values(opened, values or (), nulls or ())
        found = opened.correct(record, given, actor=actor_of(actor), reason=reason, expected=expected)
    _show(opened, [found], as_json=as_json)


def _given_values(opened: Quarantine, values: Sequence[str], nulls: Sequence[str]) -> dict[str, Any]:
    """The values by column. Raises UsageError LP989 for a text that is none."""
    from lakepact.quarantine.content import given_value

    types = {each.name.casefold(): each.type for each in opened.place.columns()}
    given: dict[str, Any] = dict.fromkeys(nulls)
    for text in values:
        name, separator, value = text.partition("=")
        if not separator:
            raise UsageError(f"--set {text!r} has no value", "LP989", "write COLUMN=VALUE")
        kind = types.get(name.casefold())
        given[name] = value if kind is None else given_value(value, kind)
    return given


@quarantine.command()
def replay(
    place: QuarantineAddress,
    ids: RecordIds = None,
    contract: ContractReference = None,
    table: Annotated[str | None, typer.Option(metavar="NAME", help="The target.", show_default=False)] = None,
    path: Annotated[
        str | None, typer.Option(metavar="PATH", help="The target's path (default: from PLACE).", show_default=False)
    ] = None,
    object_name: Annotated[
        str | None, typer.Option("--object", metavar="NAME", help="Object of the contract.", show_default=False)
    ] = None,
    mode: Annotated[
        _Mode, typer.Option(help="merge: a row of the target with the same primary key becomes that of the record.")
    ] = _Mode.APPEND,
    skip_checks: Annotated[bool, typer.Option("--skip-checks", help="Write even what breaks the contract.")] = False,
    give_up_after: Annotated[
        int, typer.Option(metavar="MINUTES", help="When an interrupted replay that cannot be ended is given up.")
    ] = 60,
    reason: Reason = "",
    actor: Actor = None,
    as_json: AsJson = False,
) -> int:
    """Write approved and corrected records into their table, under the contract as it is now, each at most once.

    Exit code 1 where records break the contract again; they are back in review.
    """
    from lakepact.io import using
    from lakepact.quarantine import Target
    from lakepact.quarantine import replay as replay_records
    from lakepact.store import Status

    opened, who = opened_quarantine(place, contract), actor_of(actor)
    if opened.contract is None:
        raise UsageError("a replay needs the contract", "LP989", "name it with --contract")
    if table is None and path is None:
        path = _target_path(place)
    # Who names a document means it, whatever it calls itself.
    target = Target(contract=opened.contract, table=table, path=path, object_name=object_name, statuses=tuple(Status))
    with _session(place) as spark, using(results=None):
        done = replay_records(
            opened,
            target,
            ids or (),
            spark=spark,
            actor=who,
            reason=reason,
            skip_checks=skip_checks,
            mode=mode.value,
            give_up_after=timedelta(minutes=give_up_after),
        )
    if as_json:
        show_json(
            {
                "written": done.written,
                "rows": done.rows,
                "returned": done.returned,
                "already": done.already,
                "conflicts": done.conflicts,
                "runs": done.runs,
            }
        )
    else:
        write("".join(f"{each}  written\n" for each in done.written))
        write("".join(f"{printable(key)}  in_review  {', '.join(rules)}\n" for key, rules in done.returned.items()))
    say(f"{len(done.written)} written, {len(done.returned)} back in review, {len(done.already)} were there already")
    return ExitCode.VIOLATED if done.returned or done.conflicts else ExitCode.OK


@quarantine.command()
def purge(
    place: QuarantineAddress,
    ids: RecordIds = None,
    contract: ContractReference = None,
    retention_days: Annotated[
        int | None, typer.Option(metavar="DAYS", help="How long data is kept.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    reason: Reason = "retention",
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Remove the data of records whose time is over, or of those that are named; counts and decisions stay."""
    from lakepact.quarantine import purge as purge_records
    from lakepact.quarantine.retention import LEFT_NOTE, VACUUM_NOTE

    opened = opened_quarantine(place, contract, retention_days)
    done = purge_records(opened, tuple(ids or ()), actor=actor_of(actor), reason=reason, dry_run=dry_run)
    if as_json:
        show_json({"purged": done.records, "waiting": done.waiting, "left": done.left, "dry_run": dry_run})
    else:
        write("".join(f"{each}  {'would be purged' if dry_run else 'purged'}\n" for each in done.records))
    say(f"{len(done.records)} {'would be ' if dry_run else ''}purged, {len(done.waiting)} wait for a replay to end")
    if done.left:
        say(f"{len(done.left)} left: {LEFT_NOTE}")
    if done.records and not dry_run and not opened.place.address.startswith("files:"):
        say(VACUUM_NOTE)


@quarantine.command()
def stats(place: QuarantineAddress, as_json: AsJson = False) -> None:
    """Count records by status, rule, contract and run, also those whose data is purged."""
    found = opened_quarantine(place, None).stats()
    if as_json:
        show_json(found)
        return
    write(f"records: {found['records']}, with data: {found['held']}\n")
    for name in ("status", "rules", "contracts", "runs"):
        write("".join(f"{name}  {printable(key)}  {count}\n" for key, count in found[name].items()))


def _wanted(
    ids: Sequence[str],
    of: str | None,
    rule: str | None,
    run: str | None,
    statuses: Sequence[str] | None,
    since: str | None,
) -> Wanted:
    from lakepact.quarantine import Status, Wanted

    found = []
    for text in statuses or ():
        try:
            found.append(Status(text.strip().casefold().replace("-", "_").replace(" ", "_")))
        except ValueError:
            known = ", ".join(each.value for each in Status)
            raise UsageError(f"'{text}' is no status", "LP989", f"choose one of {known}") from None
    return Wanted(
        ids=tuple(ids), contract=of, rule=rule, run=run, statuses=tuple(found), since=_moment(since) if since else None
    )


def _moment(text: str) -> datetime:
    """The moment that was named; a day means its beginning. Raises UsageError LP989."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no time", "LP989", "write 2024-01-31 or 2024-01-31T10:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _chosen(opened: Quarantine, act: Act, wanted: Wanted, *, everything: bool) -> tuple[str, ...]:
    """The ids that are named, or those for which the decision is possible among what the filters choose."""
    from lakepact.quarantine import Status
    from lakepact.quarantine.lifecycle import STEPS

    if wanted.everything and not everything:
        raise UsageError("no record is named", "LP989", "name records, use filters, or say --all")
    found = opened.records(wanted)
    if wanted.ids:
        return tuple(each.id for each in found)
    return tuple(
        each.id
        for each in found
        if each.held and each.status is not Status.EXPIRED and each.decided in STEPS[act] and not each.replay_run
    )


def _target_path(place: str) -> str:
    path = place.removeprefix("delta:").rstrip("/")
    if ":" in path.partition("/")[0] or not path.endswith(_SUFFIX):
        raise UsageError("no target is named", "LP989", "name it with --table or --path")
    return str(Path(path.removesuffix(_SUFFIX)).absolute())


@contextmanager
def _session(place: str) -> Iterator[Any]:
    """The session that is there, for a table in a catalog; else one of our own for the length of the command."""
    if place.startswith("spark:"):
        from lakepact.spark.connect import active_session

        yield active_session()
        return
    from lakepact.spark.session import open_local_session

    with (
        tempfile.TemporaryDirectory(prefix="lakepact-replay-") as folder,
        open_local_session(warehouse=Path(folder), app_name="lakepact", connect_functions=False) as session,
    ):
        yield session.classic


def _show(opened: Quarantine, found: Iterable[Record], *, show_values: bool = False, as_json: bool) -> None:
    from lakepact.quarantine.masking import shown_values
    from lakepact.quarantine.records import record_data

    if as_json:
        contract = opened.contract
        show_json([record_data(e, values=shown_values(e, contract, reveal=show_values)) for e in found])
        return
    _show_table([_cells(each) for each in found])


def _cells(record: Record) -> tuple[str, ...]:
    at = record.quarantined_at
    return (
        record.id[:12],
        record.status.value,
        str(record.version),
        record.header.kind.value,
        record.header.dataset,
        f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else "",
        record.header.run_id,
        ", ".join(each.rule_id for each in record.failed_rules),
    )


def _show_table(rows: Sequence[Sequence[str]]) -> None:
    cells = [[" ".join(cell.split()) or "-" for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        write(f"{printable(line).rstrip()}\n")


def _decision_data(decision: Any) -> Mapping[str, Any]:
    return {
        "sequence": decision.sequence,
        "act": decision.act.value,
        "status": decision.status.value,
        "actor": decision.actor,
        "reason": decision.reason,
        "at": decision.at.isoformat(),
        "replay_run": decision.replay_run,
        "failed_rules": decision.failed_rules,
        "skipped_checks": decision.skipped_checks,
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
