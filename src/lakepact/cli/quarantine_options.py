"""What the commands of `lakepact quarantine` share: their options, and how the values of these are read."""

from __future__ import annotations

import getpass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lakepact.contract import Contract
    from lakepact.quarantine import Quarantine

__all__ = [
    "Actor",
    "AsJson",
    "ContractReference",
    "Everything",
    "FileFormat",
    "OfContract",
    "OfRule",
    "OfRun",
    "QuarantineAddress",
    "ReaderOptions",
    "Reason",
    "RecordId",
    "RecordIds",
    "SeenVersion",
    "SetAsideSince",
    "ShowValues",
    "WithStatus",
    "actor_of",
    "contract_at",
    "opened_quarantine",
    "reading_of",
    "retention_of",
]

_ACTOR: Final = "LAKEPACT_ACTOR"

QuarantineAddress = Annotated[
    str,
    typer.Argument(metavar="PLACE", help="A quarantine table's path, delta:PATH, spark:TABLE or files:URL (batches)."),
]
RecordIds = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Records; the beginning is enough.", show_default=False)
]
RecordId = Annotated[str, typer.Argument(metavar="ID", help="A record; the beginning is enough.", show_default=False)]
ContractReference = Annotated[
    str | None,
    typer.Option(
        "--contract", metavar="CONTRACT", help="A file, git:REV:PATH or store:ADDRESS#ID.", show_default=False
    ),
]
OfContract = Annotated[
    str | None, typer.Option("--of", metavar="ID", help="Only of this contract.", show_default=False)
]
OfRule = Annotated[str | None, typer.Option(metavar="ID", help="Only what breaks this rule.", show_default=False)]
OfRun = Annotated[str | None, typer.Option(metavar="ID", help="Only of this run.", show_default=False)]
WithStatus = Annotated[
    list[str] | None, typer.Option("--status", metavar="STATUS", help="Only with this status.", show_default=False)
]
SetAsideSince = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Only set aside since: 2024-01-31 or an ISO time.", show_default=False),
]
Everything = Annotated[bool, typer.Option("--all", help="Every record for which that is possible.")]
Actor = Annotated[
    str | None,
    typer.Option(metavar="NAME", envvar=_ACTOR, help="Who does it (default: your user name).", show_default=False),
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit trail.", show_default=False)]
SeenVersion = Annotated[
    int | None,
    typer.Option(metavar="VERSION", help="The version of the record that you have seen.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FileFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="csv, json, parquet, orc, avro or delta (default: by the name).",
        show_default=False,
    ),
]
ReaderOptions = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="KEY=VALUE", help="An option of Spark's reader.", show_default=False),
]
ShowValues = Annotated[bool, typer.Option("--show-values", help="Show the values of classified columns too.")]


def opened_quarantine(place: str, contract: str | None, retention_days: int | None = None) -> Quarantine:
    """The quarantine at an address, with the contract that a reference names. Raises UsageError LP989 for no time."""
    from lakepact.quarantine import open_quarantine

    known = None if contract is None else contract_at(contract)
    return open_quarantine(place, contract=known, retention=retention_of(retention_days))


def retention_of(days: int | None) -> timedelta | None:
    """So many days, None where nobody says. Raises UsageError LP989 for less than none."""
    if days is not None and days < 0:
        raise UsageError(f"{days} days are no time", "LP989", "give a number of days")
    return None if days is None else timedelta(days=days)


def contract_at(text: str) -> Contract:
    """The contract that a reference names."""
    from lakepact.contract import load_contract
    from lakepact.history import read_reference

    read = read_reference(text)
    return load_contract(read.content, file=read.file)


def reading_of(kind: str | None, options: Sequence[str] | None) -> dict[str, Any]:
    """How Spark reads the files of a batch, as far as somebody says. Raises UsageError LP989 for what is no option."""
    pairs = [text.partition("=") for text in options or ()]
    for text, (name, separator, _) in zip(options or (), pairs, strict=True):
        if not name or not separator:
            raise UsageError(f"--option {text!r} has no value", "LP989", "write KEY=VALUE")
    said = {"format": kind, "options": {name: value for name, _, value in pairs}}
    return {name: value for name, value in said.items() if value}


def actor_of(given: str | None) -> str:
    """Who does it. Raises UsageError LP989 where that is not known."""
    try:
        return given or getpass.getuser()
    except (OSError, KeyError) as error:
        raise UsageError("nobody knows who you are", "LP989", f"name yourself with --actor, or set {_ACTOR}") from error
