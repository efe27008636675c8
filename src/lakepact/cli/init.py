"""`lakepact init`: a new project that runs as it is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from lakepact.cli.output import say
from lakepact.errors import ConfigurationError, UsageError

__all__ = ["init"]


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new project.", show_default=False)],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the project (default: that of the folder).")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that is not empty, over files of the same name.")
    ] = False,
) -> None:
    """Write a new project that runs as it is.

    A contract, data with some faulty rows, and a pipeline.
    """
    from lakepact.cli.files import write_atomically
    from lakepact.project.scaffold import project_name, template_files

    texts = template_files(name if name is not None else project_name(folder.resolve().name))
    _check_free(folder, force=force)
    for path, text in texts.items():
        write_atomically(folder / path, text)
    say(f"{len(texts)} files written to '{folder}'. Next:")
    say(f"  cd {shlex.quote(str(folder))}")
    say("  lakepact explain contracts/orders.odcs.yaml")
    say("  lakepact run")


def _check_free(folder: Path, *, force: bool) -> None:
    """Raise UsageError LP424 where the folder is taken."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder}' is a file", "LP424")
    try:
        taken = folder.is_dir() and any(folder.iterdir())
    except OSError as error:
        raise ConfigurationError(f"'{folder}' cannot be read: {error.strerror or error}", "LP424") from error
    if taken and not force:
        raise UsageError(f"the folder '{folder}' is not empty", "LP424", "use --force to write into it all the same")
