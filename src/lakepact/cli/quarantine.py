"""`lakepact quarantine …`: rows and batches that were set aside, what is decided about them, and their way back."""

from __future__ import annotations

import getpass
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.cli.output import printable, say, show_json, write
from lakepact.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lakepact.contract import Contract
    from lakepact.quarantine import Act, Quarantine, Record, Wanted

__all__ = ["approve", "correct", "list_", "purge", "quarantine", "reject", "replay", "review", "show", "stats"]

_ACTOR: Final = "LAKEPACT_ACTOR"
_SUFFIX: Final = "__quarantine"

_Place = Annotated[
    str,
    typer.Argument(metavar="PLACE", help="A quarantine table's path, delta:PATH, spark:TABLE or files:URL (batches)."),
]
_Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Records; the beginning is enough.", show_default=False)
]
_Id = Annotated[str, typer.Argument(metavar="ID", help="A record; the beginning is enough.", show_default=False)]
_Contract = Annotated[
    str | None,
    typer.Option(
        "--contract", metavar="CONTRACT", help="A file, git:REV:PATH or store:ADDRESS#ID.", show_default=False
    ),
]
_Of = Annotated[str | None, typer.Option("--of", metavar="ID", help="Only of this contract.", show_default=False)]
_Rule = Annotated[str | None, typer.Option(metavar="ID", help="Only what breaks this rule.", show_default=False)]
_Run = Annotated[str | None, typer.Option(metavar="ID", help="Only of this run.", show_default=False)]
_Statuses = Annotated[
    list[str] | None, typer.Option("--status", metavar="STATUS", help="Only with this status.", show_default=False)
]
_Since = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Only set aside since: 2024-01-31 or an ISO time.", show_default=False),
]
_All = Annotated[bool, typer.Option("--all", help="Every record for which that is possible.")]
_Actor = Annotated[
    str | None,
    typer.Option(metavar="NAME", envvar=_ACTOR, help="Who does it (default: your user name).", show_default=False),
]
_Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit trail.", show_default=False)]
_Expected = Annotated[
    int | None,
    typer.Option(metavar="VERSION", help="The version of the record that you have seen.", show_default=False),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_ShowValues = Annotated[bool, typer.Option("--show-values", help="Show the values of classified columns too.")]

quarantine = typer.Typer(
    name="quarantine",
    help="Look at what was set aside, decide about it, and write it back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@quarantine.command("list")
def list_(
    place: _Place,
    contract: _Contract = None,
    of: _Of = None,
    rule: _Rule = None,
    run: _Run = None,
    status: _Statuses = None,
    since: _Since = None,
    show_values: _ShowValues = False,
    as_json: _Json = False,
) -> None:
    """List records, oldest first."""
    opened = _opened(place, contract)
    found = opened.records(_wanted((), of, rule, run, status, since))
    _show(opened, found, show_values=show_values, as_json=as_json)
    counted = len(found)
    say(f"{counted} record{'' if counted == 1 else 's'}")


@quarantine.command()
def show(
    place: _Place,
    record: _Id,
    contract: _Contract = None,
    show_values: _ShowValues = False,
    as_json: _Json = False,
) -> None:
    """Print a record with its values, and what was decided about it."""
    from lakepact.quarantine.masking import shown_values
    from lakepact.quarantine.records import record_data

    opened = _opened(place, contract)
    found = opened.record(record)
    data = record_data(found, values=shown_values(found, opened.contract, reveal=show_values))
    trail = [_decision_data(each) for each in opened.decisions(found.id)]
    if as_json:
        show_json({**data, "decisions": trail})
        return
    rules = data.pop("failed_rules")
    lines = [f"{name}: {value if isinstance(value, str) else _json(value)}" for name, value in data.items() if value]
    lines += [f"breaks {each['rule_id']}: {each['message']}".rstrip(": ") for each in rules]
    lines += [f"{each['at']} {each['act']} by {each['actor']}: {each['reason'] or '-'}" for each in trail]
    write("".join(f"{printable(' '.join(line.split()))}\n" for line in lines))


@quarantine.command()
def review(
    place: _Place,
    ids: _Ids = None,
    of: _Of = None,
    rule: _Rule = None,
    run: _Run = None,
    status: _Statuses = None,
    since: _Since = None,
    everything: _All = False,
    reason: _Reason = "",
    expected: _Expected = None,
    actor: _Actor = None,
    as_json: _Json = False,
) -> None:
    """Take records into review: named ones, or those that the filters choose."""
    from lakepact.quarantine import Act

    opened = _opened(place, None)
    chosen = _chosen(opened, Act.REVIEW, _wanted(ids or (), of, rule, run, status, since), everything=everything)
    found = opened.review(chosen, actor=_who(actor), reason=reason, expected=expected)
    _show(opened, found, as_json=as_json)


@quarantine.command()
def approve(
    place: _Place,
    ids: _Ids = None,
    of: _Of = None,
    rule: _Rule = None,
    run: _Run = None,
    status: _Statuses = None,
    since: _Since = None,
    everything: _All = False,
    reason: _Reason = "",
    expected: _Expected = None,
    actor: _Actor = None,
    as_json: _Json = False,
) -> None:
    """Say that records may be replayed as they are."""
    from lakepact.quarantine import Act

    opened = _opened(place, None)
    chosen = _chosen(opened, Act.APPROVE, _wanted(ids or (), of, rule, run, status, since), everything=everything)
    found = opened.approve(chosen, actor=_who(actor), reason=reason, expected=expected)
    _show(opened, found, as_json=as_json)


@quarantine.command()
def reject(
    place: _Place,
    ids: _Ids = None,
    of: _Of = None,
    rule: _Rule = None,
    run: _Run = None,
    status: _Statuses = None,
    since: _Since = None,
    everything: _All = False,
    reason: _Reason = "",
    expected: _Expected = None,
    actor: _Actor = None,
    as_json: _Json = False,
) -> None:
    """Say that records are not to be replayed."""
    from lakepact.quarantine import Act

    opened = _opened(place, None)
    chosen = _chosen(opened, Act.REJECT, _wanted(ids or (), of, rule, run, status, since), everything=everything)
    found = opened.reject(chosen, actor=_who(actor), reason=reason, expected=expected)
    _show(opened, found, as_json=as_json)


@quarantine.command()
def correct(
    place: _Place,
    record: _Id,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="COLUMN=VALUE", help="A value; JSON where it is no text.", show_default=False),
    ] = None,
    nulls: Annotated[
        list[str] | None, typer.Option("--null", metavar="COLUMN", help="No value there.", show_default=False)
    ] = None,
    reason: _Reason = "",
    expected: _Expected = None,
    actor: _Actor = None,
    as_json: _Json = False,
) -> None:
    """Give a record in review other values; the replay takes them."""
    from lakepact.quarantine.content import given_value

    opened = _opened(place, None)
    types = {each.name.casefold(): each.type for each in opened.place.columns()}
    given: dict[str, Any] = dict.fromkeys(nulls or ())
    for text in values or ():
        name, separator, value = text.partition("=")
        if not separator:
            raise UsageError(f"--set {text!r} has no value", "LP989", "write COLUMN=VALUE")
        kind = types.get(name.casefold())
        given[name] = value if kind is None else given_value(value, kind)
    found = opened.correct(record, given, actor=_who(actor), reason=reason, expected=expected)
    _show(opened, [found], as_json=as_json)


@quarantine.command()
def replay(
    place: _Place,
    ids: _Ids = None,
    contract: _Contract = None,
    table: Annotated[str | None, typer.Option(metavar="NAME", help="The target.", show_default=False)] = None,
    path: Annotated[
        str | None, typer.Option(metavar="PATH", help="The target's path (default: from PLACE).", show_default=False)
    ] = None,
    object_name: Annotated[
        str | None, typer.Option("--object", metavar="NAME", help="Object of the contract.", show_default=False)
    ] = None,
    skip_checks: Annotated[bool, typer.Option("--skip-checks", help="Write even what breaks the contract.")] = False,
    give_up_after: Annotated[
        int, typer.Option(metavar="MINUTES", help="When an interrupted replay that cannot be ended is given up.")
    ] = 60,
    reason: _Reason = "",
    actor: _Actor = None,
    as_json: _Json = False,
) -> int:
    """Write approved and corrected records into their table, under the contract as it is now, each at most once.

    Exit code 1 where records break the contract again; they are back in review.
    """
    from lakepact.io import using
    from lakepact.quarantine import Target
    from lakepact.quarantine import replay as replay_records
    from lakepact.store import Status

    opened, who = _opened(place, contract), _who(actor)
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
    place: _Place,
    ids: _Ids = None,
    contract: _Contract = None,
    retention_days: Annotated[
        int | None, typer.Option(metavar="DAYS", help="How long data is kept.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    reason: _Reason = "retention",
    actor: _Actor = None,
    as_json: _Json = False,
) -> None:
    """Remove the data of records whose time is over, or of those that are named; counts and decisions stay."""
    from lakepact.quarantine import purge as purge_records
    from lakepact.quarantine.retention import VACUUM_NOTE

    opened = _opened(place, contract, retention_days)
    done = purge_records(opened, tuple(ids or ()), actor=_who(actor), reason=reason, dry_run=dry_run)
    if as_json:
        show_json({"purged": done.records, "waiting": done.waiting, "dry_run": dry_run})
    else:
        write("".join(f"{each}  {'would be purged' if dry_run else 'purged'}\n" for each in done.records))
    say(f"{len(done.records)} {'would be ' if dry_run else ''}purged, {len(done.waiting)} wait for a replay to end")
    if done.records and not dry_run and not opened.place.address.startswith("files:"):
        say(VACUUM_NOTE)


@quarantine.command()
def stats(place: _Place, as_json: _Json = False) -> None:
    """Count records by status, rule, contract and run, also those whose data is purged."""
    found = _opened(place, None).stats()
    if as_json:
        show_json(found)
        return
    write(f"records: {found['records']}, with data: {found['held']}\n")
    for name in ("status", "rules", "contracts", "runs"):
        write("".join(f"{name}  {printable(key)}  {count}\n" for key, count in found[name].items()))


def _opened(place: str, contract: str | None, retention_days: int | None = None) -> Quarantine:
    from lakepact.quarantine import open_quarantine

    if retention_days is not None and retention_days < 0:
        raise UsageError(f"{retention_days} days are no time", "LP989", "give a number of days")
    retention = None if retention_days is None else timedelta(days=retention_days)
    return open_quarantine(place, contract=_contract(contract), retention=retention)


def _contract(text: str | None) -> Contract | None:
    if text is None:
        return None
    from lakepact.contract import load_contract
    from lakepact.history import read_reference

    read = read_reference(text)
    return load_contract(read.content, file=read.file)


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


def _who(given: str | None) -> str:
    """Who does it. Raises UsageError LP989 where that is not known."""
    try:
        return given or getpass.getuser()
    except (OSError, KeyError) as error:
        raise UsageError("nobody knows who you are", "LP989", f"name yourself with --actor, or set {_ACTOR}") from error


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
