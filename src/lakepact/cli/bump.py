"""`lakepact bump`: the next version of contracts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakepact.cli.arguments import regular_file
from lakepact.cli.output import printable, say, show_json, write
from lakepact.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lakepact.authoring import Bumped
    from lakepact.contract.versions import Version

    # From the bytes of a document and the name of its file to its next version.
    Choice = Callable[[bytes, str], Version]

__all__ = ["bump"]


def bump(
    files: Annotated[list[Path], typer.Argument(metavar="CONTRACT", help="ODCS documents.", show_default=False)],
    major: Annotated[bool, typer.Option("--major", help="The next major version.")] = False,
    minor: Annotated[bool, typer.Option("--minor", help="The next minor version.")] = False,
    patch: Annotated[bool, typer.Option("--patch", help="The next patch version.")] = False,
    pre: Annotated[
        str | None, typer.Option("--pre", metavar="NAME", help="A pre-release, alone or of one of these three.")
    ] = None,
    release: Annotated[bool, typer.Option("--release", help="The release that a pre-release leads to.")] = False,
    to: Annotated[str | None, typer.Option("--to", metavar="VERSION", help="This version.")] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="REFERENCE", help="The version that the changes since a file or git:REV:PATH ask for."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write the next version into contracts; nothing else of them changes."""
    from lakepact.authoring import with_version
    from lakepact.cli.files import write_atomically
    from lakepact.history.references import read_reference

    levels = [name for name, given in (("major", major), ("minor", minor), ("patch", patch)) if given]
    choose = _choice(levels, pre, release=release, to=to, against=against)
    results: list[tuple[Path, Bumped]] = []
    for file in files:
        path = regular_file(file, what="a contract")
        content = read_reference(str(path) if path.is_absolute() else f"./{path}").content
        results.append((file, with_version(content, choose(content, str(file)), file=str(file))))
    for file, result in results:
        if result.new != result.old and not dry_run:
            write_atomically(file, result.source.decode())
    if as_json:
        show_json([{"file": str(file), "old": result.old, "new": result.new} for file, result in results])
    else:
        write("".join(_line(file, result) for file, result in results))
    unchanged = sum(result.new == result.old for _, result in results)
    if unchanged:
        say("1 contract has the version already" if unchanged == 1 else f"{unchanged} contracts have it already")


def _line(file: Path, result: Bumped) -> str:
    return printable(
        f"{file}: {result.old} -> {result.new}\n" if result.new != result.old else f"{file}: {result.old}\n"
    )


def _choice(levels: list[str], pre: str | None, *, release: bool, to: str | None, against: str | None) -> Choice:
    """How the version is found. Raises UsageError LP420 where the options do not say one way."""
    ways = [*levels, *(["pre"] if pre is not None and not levels else [])]
    ways += [name for name, given in (("release", release), ("to", to), ("against", against)) if given]
    if len(ways) != 1 or (pre is not None and ways[0] in ("release", "to", "against")):
        hint = "one of --major, --minor, --patch, --pre, --release, --to, --against; --pre also with the first three"
        raise UsageError("the options do not say one version", "LP420", hint)
    from lakepact.authoring import bumped, released, required_version
    from lakepact.authoring.bump import version_of
    from lakepact.contract.versions import Version
    from lakepact.diff.model import Level

    if to is not None:
        wanted = Version.parse(to)
        return lambda _content, _file: wanted
    if against is not None:
        from lakepact.history.references import read_reference

        reference = read_reference(against)
        return lambda content, file: required_version(
            content, reference.content, file=file, reference_file=reference.file
        )
    if release:
        return lambda content, file: released(version_of(content, file=file))
    level = Level(levels[0]) if levels else Level.NONE
    return lambda content, file: bumped(version_of(content, file=file), level, pre=pre or "")
