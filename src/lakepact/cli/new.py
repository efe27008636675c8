"""`lakepact new`: a contract from a few questions, each of them also a flag."""

from __future__ import annotations

import contextlib
import getpass
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakepact.cli.output import say, write
from lakepact.errors import UsageError

if TYPE_CHECKING:
    from lakepact.contract.model import ApiVersion

__all__ = ["new"]

_Store = Annotated[
    str | None,
    typer.Option("--store", "-s", metavar="ADDRESS", help="Put it into this store, as a draft.", show_default=False),
]
_Actor = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", envvar="LAKEPACT_ACTOR", help="Who does it (default: your user name).", show_default=False
    ),
]
_SUFFIXES = (".yaml", ".yml", ".odcs")


def new(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="File to write, - for stdout (default: by the id).", show_default=False),
    ] = None,
    id: Annotated[str | None, typer.Option("--id", metavar="ID", help="Id of the contract.")] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Name of the contract.")] = None,
    contract_version: Annotated[
        str | None, typer.Option("--contract-version", metavar="X.Y.Z", help="Version of the contract.")
    ] = None,
    status: Annotated[str | None, typer.Option("--status", metavar="STATUS", help="Status of the contract.")] = None,
    domain: Annotated[str | None, typer.Option("--domain", metavar="NAME", help="Business domain.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", metavar="USER", help="Who answers for the data.")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", metavar="TEXT", help="What the data is for.")] = None,
    object: Annotated[str | None, typer.Option("--object", metavar="NAME", help="Name of the table.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column", metavar="COLUMN", help="name:type[:required][:unique][:pk]; may be given several times."
        ),
    ] = None,
    server: Annotated[
        list[str] | None,
        typer.Option("--server", metavar="SERVER", help="type:key=value,key=value; may be given several times."),
    ] = None,
    api_version: Annotated[
        str, typer.Option("--api-version", metavar="VERSION", help="Version of the standard to write.")
    ] = "v3.1.0",
    store: _Store = None,
    actor: _Actor = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take the defaults without asking.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a new contract, asking for what no flag says.

    With --store it becomes a draft there, and a file only where one is named.
    """
    from lakepact.authoring.new import new_contract
    from lakepact.authoring.questions import answered
    from lakepact.cli.files import write_atomically

    version = _api_version(api_version)
    if file is not None and file != "-":
        _check_free(Path(file), force=force)
    single = {
        "name": name,
        "id": id,
        "version": contract_version,
        "status": status,
        "domain": domain,
        "owner": owner,
        "purpose": purpose,
        "object": object,
    }
    given = {key: [text] for key, text in single.items() if text is not None}
    given |= {key: texts for key, texts in (("columns", column), ("servers", server)) if texts}
    asker = _ask if _is_terminal() else None
    answers = answered(given, api_version=version, ask=asker, defaults=yes, stem=_stem(file))
    content = new_contract(answers).decode()
    if store is not None:
        _put(content, store, actor)
        if file is None:
            return
    if file == "-":
        write(content)
        return
    target = Path(file or _file_name(answers.id))
    _check_free(target, force=force)
    write_atomically(target, content)
    say(f"'{target}' written. Next: lakepact explain {shlex.quote(str(target))}")


def _put(content: str, address: str, actor: str | None) -> None:
    """Put the contract into a store, as a draft. Raises what the store raises, UsageError LP844 for nobody."""
    from lakepact.contract import load_contract
    from lakepact.store import Status, open_store

    try:
        who = actor or getpass.getuser()
    except (OSError, KeyError) as error:
        raise UsageError("nobody knows who you are", "LP844", "name yourself with --actor") from error
    opened = open_store(address)
    put = opened.put(load_contract(content.encode()), actor=who, reason="lakepact new", status=Status.DRAFT)
    say(f"{opened.address}#{put.contract_id}@{put.version} is there, as a {put.status}")


def _api_version(text: str) -> ApiVersion:
    from lakepact.contract.model import ApiVersion

    try:
        return ApiVersion(text)
    except ValueError:
        hint = f"accepted: {', '.join(ApiVersion)}"
        raise UsageError(f"'{text}' is no version of the standard", "LP843", hint) from None


def _check_free(file: Path, *, force: bool) -> None:
    """Raise UsageError LP840 where the file is taken."""
    if file.is_dir():
        raise UsageError(f"'{file}' is a folder", "LP840", "name the file to write")
    if file.exists() and not force:
        raise UsageError(f"there is a file '{file}' already", "LP840", "use --force to write over it")


def _stem(file: str | None) -> str:
    """The name of the file without what names its format."""
    name = "" if file in (None, "-") else Path(str(file)).name
    while name.endswith(_SUFFIXES):
        name = name.rpartition(".")[0]
    return name


def _file_name(contract_id: str) -> str:
    from lakepact.authoring.questions import slug

    return f"{slug(contract_id)}.odcs.yaml"


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(prompt: str, *, default: str | None, check: Callable[[str], object]) -> str:
    """Ask at the terminal, again and again until the answer is one."""

    def checked(text: str) -> str:
        try:
            check(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        return text

    while True:
        # input() ends every prompt on stdout, which may be where the contract goes.
        with contextlib.redirect_stdout(sys.stderr):
            try:
                answer: Any = typer.prompt(
                    prompt, default=default, show_default=bool(default), value_proc=checked, err=True
                )
            except UnicodeDecodeError:
                say("Error: that is no text in UTF-8")
            except typer.Abort:
                say("")  # the message that follows gets a line of its own
                raise
            else:
                return str(answer)
