"""`lakepact convert`: a contract from another format, or from a table that is there."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakepact.cli.arguments import regular_file
from lakepact.cli.files import write_atomically
from lakepact.cli.output import say, show_json, write
from lakepact.errors import UsageError

if TYPE_CHECKING:
    from lakepact.convert import Converted

__all__ = ["convert"]

# A dbt manifest of a large project has tens of megabytes.
_LARGEST = 256 * 1024 * 1024


def convert(
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="A file, - for stdin, uc:TABLE or delta:PATH.", show_default=False),
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--from", metavar="FORMAT", help="Format of the file (default: told by its content)."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here, not to stdout.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the document and the problems as JSON.")] = False,
    list_formats: Annotated[bool, typer.Option("--list-formats", help="Print every format and stop.")] = False,
) -> None:
    """Write an ODCS v3.1.0 contract from another format, or from a table that is there.

    What the contract cannot hold is listed on stderr, with its place in the source.
    """
    if list_formats:
        _list_formats(as_json=as_json)
        return
    if source is None:
        raise UsageError("no source is named", "LP813", "name a file, or see `lakepact convert --list-formats`")
    converted = _converted(source, format_name)
    _print(converted, output, as_json=as_json)


def _converted(source: str, format_name: str | None) -> Converted:
    from lakepact.contract.content import ContentTooLarge, content_of
    from lakepact.convert import convert as convert_bytes
    from lakepact.convert import live_source

    live = live_source(source)
    if live is not None and format_name is not None:
        raise UsageError(f"--from is for files, and {live[0].prefix}: is none", "LP813")
    if live is not None:
        return _LIVE[live[0].prefix](live[1])
    if source == "-":
        return convert_bytes(sys.stdin.buffer.read(), file="stdin", format_name=format_name)
    path = regular_file(Path(source), what="a source")
    try:
        content = content_of(path, limit=_LARGEST)
    except (OSError, ContentTooLarge) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(f"'{source}' cannot be read: {reason}", "LP420") from error
    return convert_bytes(content, file=source, format_name=format_name)


def _unity_catalog(reference: str) -> Converted:
    from lakepact.convert.unity_catalog import convert_unity_catalog, workspace_client

    return convert_unity_catalog(workspace_client(), reference)


def _delta(reference: str) -> Converted:
    from lakepact.convert.spark_table import convert_spark_table
    from lakepact.spark.session import open_local_session

    path = reference if "://" in reference else str(Path(reference).absolute())
    with (
        tempfile.TemporaryDirectory() as folder,
        open_local_session(warehouse=Path(folder), app_name="lakepact convert", connect_functions=False) as session,
    ):
        return convert_spark_table(session.classic, path)


_LIVE = {"uc": _unity_catalog, "delta": _delta}


def _print(converted: Converted, output: Path | None, *, as_json: bool) -> None:
    from lakepact.contract.writing import write_document

    text = write_document(converted.document).decode()
    if output is not None:
        write_atomically(output, text)
    if as_json:
        fields = ("code", "severity", "message", "file", "line", "column", "path", "hint")
        problems = [{name: getattr(problem, name) for name in fields} for problem in converted.problems]
        show_json({"document": converted.document, "problems": problems})
        return
    if output is None:
        write(text)
    for problem in converted.problems:
        say(str(problem))


def _list_formats(*, as_json: bool) -> None:
    from lakepact.convert import FORMATS, LIVE_SOURCES

    rows = [(entry.name, entry.title) for entry in FORMATS] + [(entry.form, entry.title) for entry in LIVE_SOURCES]
    if as_json:
        show_json([{"name": name, "title": title} for name, title in rows])
        return
    width = max(len(name) for name, _ in rows)
    write("".join(f"{name:{width}}  {title}\n" for name, title in rows))
