"""`lakepact store …`: contracts in a store, their versions, their lives, and copies between stores."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.cli.arguments import Actor, actor_of, status_of, waivers_in
from lakepact.cli.diff import Format
from lakepact.cli.diff import diff as diff_documents
from lakepact.cli.output import log_to_stderr, printable, say, show_json, write
from lakepact.errors import ContractInvalid, ExitCode, Severity, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lakepact.contract import Contract
    from lakepact.store import ContractStore, Event, Status, StoredVersion
    from lakepact.store.sync import Synced

__all__ = [
    "deprecate",
    "diff",
    "get",
    "history",
    "init",
    "list_",
    "promote",
    "put",
    "search",
    "serve",
    "store",
    "sync",
]

_ADDRESS: Final = "LAKEPACT_STORE"

_Store = Annotated[
    str | None,
    typer.Option("--store", "-s", metavar="ADDRESS", envvar=_ADDRESS, help="The store.", show_default=False),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit trail.", show_default=False)]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The id of a contract.", show_default=False)]
_Version = Annotated[str, typer.Argument(metavar="VERSION", help="One of its versions.", show_default=False)]
_StatusOf = Annotated[
    str | None, typer.Option(metavar="STATUS", help="Only versions with this status.", show_default=False)
]
_On = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="As it was then: YYYY-MM-DD (its end, UTC) or an ISO time.", show_default=False),
]
_Expected = Annotated[
    str | None, typer.Option(metavar="HASH", help="The hash of the bytes that you have seen.", show_default=False)
]
_NoReview = Annotated[bool, typer.Option("--no-review", help="A draft may be validated at once.")]
_Waivers = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Changes that the version need not cover.", show_default=False),
]

store = typer.Typer(
    name="store",
    help="Keep contracts in a store: their versions, their lives, and who did what.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@store.command()
def init(
    grant: Annotated[
        list[str] | None,
        typer.Option(metavar="WHO=read|write", help="Let others use it (Unity Catalog).", show_default=False),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Tag its tables (Unity Catalog).", show_default=False)
    ] = None,
    address: _Store = None,
) -> None:
    """Make a place a store. Where it is one, nothing changes, except that grants and tags are added."""
    from lakepact.store import create_store, open_store
    from lakepact.store.governance import grant_of, tags_of

    create_store(_address(address), grants=[grant_of(each) for each in grant or ()], tags=tags_of(tag or ()))
    say(f"{open_store(_address(address)).address} is a contract store")


@store.command()
def put(
    contracts: Annotated[
        list[str], typer.Argument(metavar="CONTRACT", help="Files, or git:REV:PATH.", show_default=False)
    ],
    reason: _Reason = "",
    status: Annotated[str, typer.Option(metavar="STATUS", help="draft, or `in review`.")] = "draft",
    expected: _Expected = None,
    no_review: _NoReview = False,
    actor: Actor = None,
    address: _Store = None,
    as_json: _Json = False,
) -> None:
    """Put versions of contracts into the store.

    The same bytes again change nothing. To replace a version that is not published name the hash that you have seen.
    """
    if expected is not None and len(contracts) > 1:
        raise UsageError("--expected is about one contract", "LP858", "put that one alone")
    begin = status_of(status, code="LP858")
    read = [_read_contract(text) for text in contracts]
    opened, who = _opened(address, no_review=no_review), actor_of(actor, code="LP858")
    put_ = [opened.put(each, actor=who, reason=reason, status=begin, expected=expected) for each in read]
    _show_versions(put_, as_json=as_json)


@store.command()
def get(
    contract_id: _Id,
    version: Annotated[
        str | None,
        typer.Argument(metavar="[VERSION]", help="Default: the latest validated one.", show_default=False),
    ] = None,
    specifier: Annotated[
        str, typer.Option("--specifier", metavar="TEXT", help="The latest that fits, such as '>=1,<2'.")
    ] = "",
    status: Annotated[
        str, typer.Option(metavar="STATUS", help="With this status, or `any`, where no VERSION is named.")
    ] = "validated",
    on: _On = None,
    address: _Store = None,
    as_json: _Json = False,
) -> None:
    """Print a contract as it was put, byte for byte; with --json how it stands, and its text."""
    if version is not None and specifier:
        raise UsageError("VERSION and --specifier exclude each other", "LP858")
    opened = _opened(address)
    if version is None:
        wanted = None if status == "any" else status_of(status, code="LP858")
        found = opened.latest(contract_id, status=wanted, specifier=specifier, on=_moment(on))
    else:
        found = opened.version(contract_id, version)
    contract = opened.get(contract_id, found.version)
    if as_json:
        show_json(_version_json(found) | {"document": contract.source.decode("utf-8")})
    else:
        _write_bytes(contract.source)


@store.command("list")
def list_(
    contract_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Only the versions of this contract.", show_default=False),
    ] = None,
    status: _StatusOf = None,
    on: _On = None,
    damaged: Annotated[bool, typer.Option("--damaged", help="What cannot be read; exit code 1 where any is.")] = False,
    address: _Store = None,
    as_json: _Json = False,
) -> None:
    """List the versions of all contracts, or of one."""
    opened = _opened(address)
    if damaged:
        _show_damage(opened)
        return
    wanted, moment = _optional_status(status), _moment(on)
    if contract_id is not None or moment is not None:
        ids = opened.list_contracts() if contract_id is None else (contract_id,)
        versions = [each for one in ids for each in opened.list_versions(one, status=wanted, on=moment)]
    else:
        versions = list(opened.search(status=wanted))
    _show_versions(versions, as_json=as_json)


@store.command()
def search(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORD", help="All must occur.", show_default=False)
    ] = None,
    status: _StatusOf = None,
    domain: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this domain.", show_default=False)] = None,
    tag: Annotated[str | None, typer.Option(metavar="NAME", help="Only with this tag.", show_default=False)] = None,
    address: _Store = None,
    as_json: _Json = False,
) -> None:
    """Find versions by words in their id, name, purpose, objects, tags and owners."""
    found = _opened(address).search(" ".join(words or ()), status=_optional_status(status), domain=domain, tag=tag)
    _show_versions(found, as_json=as_json)


@store.command()
def history(
    contract_id: _Id,
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="Only of this version.", show_default=False)
    ] = None,
    address: _Store = None,
    as_json: _Json = False,
) -> None:
    """Print who did what to a contract, when and why, oldest first."""
    events = _opened(address).history(contract_id, version)
    if as_json:
        from lakepact.store.encoding import event_data

        show_json([event_data(event) for event in events])
    else:
        _show_table(_event_cells(event) for event in events)


@store.command()
def diff(
    contract_id: _Id,
    old: Annotated[str, typer.Argument(metavar="OLD", help="The old version.", show_default=False)],
    new: Annotated[
        str | None,
        typer.Argument(metavar="[NEW]", help="The new one (default: the latest validated).", show_default=False),
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="How to print: text, markdown or json.", show_default="text")
    ] = None,
    waivers: _Waivers = None,
    address: _Store = None,
    as_json: _Json = False,
) -> None:
    """Compare two versions of a contract, as `lakepact diff` does."""
    from lakepact.history.references import store_reference

    before, after = (store_reference(_address(address), contract_id, version) for version in (old, new))
    diff_documents(before, after, as_json=as_json, form=form, waivers=waivers)


@store.command()
def promote(
    contract_id: _Id,
    version: _Version,
    reason: _Reason,
    to: Annotated[
        str | None,
        typer.Option(metavar="STATUS", help="Default: `in review`, then `validated`.", show_default=False),
    ] = None,
    expected: _Expected = None,
    waivers: _Waivers = None,
    no_review: _NoReview = False,
    actor: Actor = None,
    address: _Store = None,
    as_json: _Json = False,
) -> None:
    """Take a version a step on: draft, in review, validated; with --to also rejected, or back to draft.

    A version is validated only where its number covers what changed since the one before it; else exit code 1.
    """
    opened, who = _opened(address, no_review=no_review), actor_of(actor, code="LP858")
    status = _next_status(opened.version(contract_id, version)) if to is None else status_of(to, code="LP858")
    changed = opened.set_status(
        contract_id,
        version,
        status,
        actor=who,
        reason=reason,
        expected_sha256=expected,
        waivers=waivers_in(waivers),
    )
    _show_versions([changed], as_json=as_json)


@store.command()
def deprecate(
    contract_id: _Id,
    version: _Version,
    reason: _Reason,
    retire: Annotated[bool, typer.Option("--retire", help="Retire a version that is deprecated.")] = False,
    actor: Actor = None,
    address: _Store = None,
    as_json: _Json = False,
) -> None:
    """Say that a validated version should not be used for anything new."""
    status = status_of("retired" if retire else "deprecated", code="LP858")
    opened, who = _opened(address), actor_of(actor, code="LP858")
    changed = opened.set_status(contract_id, version, status, actor=who, reason=reason)
    _show_versions([changed], as_json=as_json)


@store.command()
def sync(
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The address of the other store.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; refusals show only later.")] = False,
    waivers: _Waivers = None,
    no_review: _NoReview = False,
    address: _Store = None,
    as_json: _Json = False,
) -> None:
    """Copy what either store lacks from the other one, with actors and reasons.

    Where both went on differently, or a store refuses, nothing is written: it is printed, and the exit code is 1.
    """
    from lakepact.store import open_store
    from lakepact.store.sync import Outcome
    from lakepact.store.sync import sync as sync_stores

    sides = _opened(address, no_review=no_review), open_store(other, review_required=not no_review)
    found = sync_stores(*sides, dry_run=dry_run, waivers=waivers_in(waivers))
    if as_json:
        show_json([_synced_json(each) for each in found])
    else:
        write("".join(f"{printable(_synced_line(each))}\n" for each in found if each.outcome is not Outcome.SAME))
    counts = {outcome: sum(each.outcome is outcome for each in found) for outcome in Outcome}
    say(", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count) or "both stores are empty")
    if counts[Outcome.CONFLICT] or counts[Outcome.DAMAGED]:
        say("error LP859: the stores differ still\n  hint: decide in one of them, then sync again")
        raise typer.Exit(ExitCode.VIOLATED)


@store.command()
def serve(
    address: _Store = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", help="Port to listen on.")] = 8080,
) -> None:
    """Offer a store over HTTP to those who have a token (LAKEPACT_STORE_TOKENS), until it is interrupted."""
    from lakepact.store.http_service import serve as serve_store

    named = _address(address)
    log_to_stderr("lakepact", "uvicorn.error")
    serve_store(named, host, port, ready=lambda listening: say(f"listening on {listening}, contracts are in {named}"))


def _address(given: str | None) -> str:
    """The address that was given. Raises UsageError LP858 where none was."""
    if not given:
        raise UsageError("no store is named", "LP858", f"name it with --store ADDRESS, or set {_ADDRESS}")
    return given


def _opened(address: str | None, *, no_review: bool = False) -> ContractStore:
    from lakepact.store import open_store

    return open_store(_address(address), review_required=not no_review)


def _optional_status(text: str | None) -> Status | None:
    return None if text is None else status_of(text, code="LP858")


def _next_status(version: StoredVersion) -> Status:
    """The next step towards validated. Raises UsageError LP858 where there is none."""
    from lakepact.store import Status
    from lakepact.store.lifecycle import steps_towards

    steps = steps_towards(version.status, Status.VALIDATED)
    if not steps:
        message = f"'{version.contract_id}' {version.version} is {version.status}; no step leads to validated"
        raise UsageError(message, "LP858", "name the step with --to, or use `lakepact store deprecate`")
    return steps[0]


def _moment(text: str | None) -> dt.datetime | None:
    """The moment that was named; a day means its end. Raises UsageError LP858."""
    if text is None:
        return None
    try:
        if len(text) == len("YYYY-MM-DD"):
            return dt.datetime.combine(dt.date.fromisoformat(text), dt.time.max, dt.UTC)
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no time", "LP858", "write 2024-01-31 or 2024-01-31T10:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _read_contract(text: str) -> Contract:
    from lakepact.contract import read_contract
    from lakepact.history.references import read_reference

    reference = read_reference(text)
    contract, problems = read_contract(reference.content, file=reference.file)
    if contract is None:
        errors = sum(problem.severity is Severity.ERROR for problem in problems)
        message = f"{errors} error{'s' if errors > 1 else ''} in '{text}'"
        raise ContractInvalid(message, "LP100", problems=problems)
    for problem in problems:
        say(str(problem))
    return contract


def _show_versions(versions: Iterable[StoredVersion], *, as_json: bool) -> None:
    if as_json:
        show_json([_version_json(each) for each in versions])
    else:
        _show_table(
            (
                each.contract_id,
                each.version,
                each.status.value,
                f"{each.changed_at:%Y-%m-%d}",
                each.changed_by,
                each.sha256,
            )
            for each in versions
        )


def _show_table(rows: Iterable[Sequence[str]]) -> None:
    """Lines with columns of one width each; cells are on one line whatever they hold."""
    cells = [[" ".join(cell.split()) or "-" for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        write(f"{printable(line).rstrip()}\n")


def _show_damage(opened: ContractStore) -> None:
    from lakepact.store import ReportsDamage

    problems = opened.damaged() if isinstance(opened, ReportsDamage) else ()
    for problem in problems:
        write(f"{printable(str(problem))}\n")
    if problems:
        raise typer.Exit(ExitCode.VIOLATED)
    say("nothing is damaged")


def _write_bytes(content: bytes) -> None:
    """The bytes as they are; for a terminal without what would control it."""
    if sys.stdout.isatty():
        write(printable(content.decode("utf-8", "backslashreplace")))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _version_json(version: StoredVersion) -> dict[str, Any]:
    from lakepact.store.encoding import version_data

    return version_data(version)


def _event_cells(event: Event) -> tuple[str, ...]:
    when = event.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return (str(event.sequence), when, event.version, event.status.value, event.actor, event.reason)


def _synced_line(each: Synced) -> str:
    what = f"{each.contract_id} {each.version}".rstrip()
    if each.why:
        return f"{each.outcome}: {what}: {each.why}"
    return f"{each.outcome}: {what} -> {each.target} ({each.steps} event{'s' if each.steps > 1 else ''})"


def _synced_json(each: Synced) -> dict[str, Any]:
    return {
        "contract_id": each.contract_id,
        "version": each.version,
        "outcome": each.outcome.value,
        "target": each.target or None,
        "steps": each.steps,
        "why": each.why or None,
    }
