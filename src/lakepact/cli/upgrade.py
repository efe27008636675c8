"""`lakepact upgrade`: contracts in another version of the standard."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakepact.cli.arguments import regular_file
from lakepact.cli.output import say, show_json, write
from lakepact.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from lakepact.authoring import Upgraded
    from lakepact.contract.model import ApiVersion

__all__ = ["upgrade"]


def upgrade(
    files: Annotated[list[Path], typer.Argument(metavar="CONTRACT", help="ODCS documents.", show_default=False)],
    to: Annotated[str, typer.Option("--to", metavar="VERSION", help="Version of the standard, for example v3.1.0.")],
    in_place: Annotated[bool, typer.Option("--write", help="Write the files instead of printing one.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 where something would change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what changed and what is lost as JSON.")] = False,
) -> None:
    """Write contracts in another version of the standard, up or down, with their comments and layout.

    What the version has no place for is listed, and kept as custom properties where that is possible.
    """
    version = _version(to)
    if in_place and check:
        raise UsageError("--check writes nothing, --write does", "LP420", "give one of the two")
    if len(files) > 1 and not (in_place or check or as_json):
        raise UsageError("several documents cannot be printed", "LP420", "give --write or --check, or one file")
    results = [(file, *_upgraded(regular_file(file, what="a contract"), version)) for file in files]
    changed = [file for file, before, result in results if result.source != before]
    for file, before, result in results:
        if in_place and result.source != before:
            _write(file, result.source)
        for problem in (*(() if as_json else result.changes), *result.losses):
            say(str(problem))
    if as_json:
        show_json([_json(file, before, result, in_place=in_place) for file, before, result in results])
    elif not (in_place or check):
        write(results[0][2].source.decode())
    elif check:
        for file in changed:
            say(f"{file} is not in {version.value} yet")
    broken = any(not result.valid for _, _, result in results)
    if broken or (check and changed):
        raise typer.Exit(ExitCode.VIOLATED)


def _version(text: str) -> ApiVersion:
    from lakepact.contract.model import ApiVersion

    found = {version.value.removeprefix("v"): version for version in ApiVersion}.get(text.removeprefix("v"))
    if found is None:
        known = ", ".join(version.value for version in ApiVersion)
        raise UsageError(f"'{text}' is no version of the standard that is written", "LP420", f"one of {known}")
    return found


def _upgraded(file: Path, version: ApiVersion) -> tuple[bytes, Upgraded]:
    from lakepact.authoring import upgrade as upgraded
    from lakepact.history.references import read_reference

    content = read_reference(f"./{file}" if not file.is_absolute() else str(file)).content
    return content, upgraded(content, to=version, file=str(file))


def _write(file: Path, content: bytes) -> None:
    from lakepact.cli.files import write_atomically

    write_atomically(file, content.decode())


def _json(file: Path, before: bytes, result: Upgraded, *, in_place: bool) -> dict[str, Any]:
    return {
        "file": str(file),
        "changed": result.source != before,
        "written": in_place and result.source != before,
        "valid": result.valid,
        "changes": [asdict(problem) for problem in result.changes],
        "losses": [asdict(problem) for problem in result.losses],
    }
