"""Arguments that several commands share, and how their values are read."""

from __future__ import annotations

import datetime as dt
import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lakepact.errors import UsageError

if TYPE_CHECKING:
    from lakepact.diff import Waiver
    from lakepact.notify import Notifier
    from lakepact.project import Project
    from lakepact.store import Status

__all__ = [
    "Actor",
    "EnvironmentName",
    "NotifyFile",
    "PipelineNames",
    "ProjectFolder",
    "actor_of",
    "names_of",
    "notifier_for",
    "opened_notifier",
    "opened_project",
    "regular_file",
    "status_of",
    "waivers_in",
]

_ACTOR: Final = "LAKEPACT_ACTOR"

Actor = Annotated[
    str | None,
    typer.Option(metavar="NAME", envvar=_ACTOR, help="Who does it (default: your user name).", show_default=False),
]
ProjectFolder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder of lakepact.yml, or one below it.", show_default=False)
]
EnvironmentName = Annotated[
    str | None, typer.Option("--env", "-e", metavar="NAME", help="Environment (default: the first one of the file).")
]
NotifyFile = Annotated[
    Path | None,
    typer.Option(
        "--notify",
        metavar="FILE",
        envvar="LAKEPACT_NOTIFY",
        help="Tell people of the results, as this file says.",
        show_default=False,
    ),
]
PipelineNames = Annotated[
    list[str] | None,
    typer.Option("--pipeline", "-p", metavar="NAME", help="Only this pipeline; may be given several times."),
]


def opened_project(folder: Path) -> Project:
    """The project of `folder`. Raises ConfigurationError and ProjectInvalid as `lakepact.project` does."""
    from lakepact.project import find_project, load_project

    return load_project(find_project(folder))


def notifier_for(project: Project, file: Path | None) -> Notifier | None:
    """What tells people: as the file says, else as the project's `notifications`; None where nobody is to be told.

    Raises ConfigurationError LP950 for a file that cannot be used.
    """
    return opened_notifier(file or (project.file if project.notifications is not None else None))


def opened_notifier(file: Path | None) -> Notifier | None:
    """What tells people as the file says, None without one. Raises ConfigurationError LP950 where it cannot be used."""
    if file is None:
        return None
    from lakepact.notify import open_notifier
    from lakepact.notify.databricks_secrets import databricks_secret

    return open_notifier(file, secrets=databricks_secret)


def names_of(text: str | None) -> tuple[str, ...]:
    """The names in a list with commas, without doubles.

    >>> names_of("flights, weather,flights")
    ('flights', 'weather')
    """
    return tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))


def regular_file(path: Path, *, what: str) -> Path:
    """`path`, where it is a file that can be opened. Raises UsageError LP420 where it is not."""
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder; {what} is a file", "LP420")
    if not path.exists():
        raise UsageError(f"there is no file '{path}'", "LP420")
    return path


def actor_of(given: str | None, *, code: str) -> str:
    """Who does it: whoever is named, else the user of this machine. Raises UsageError of that code for nobody."""
    try:
        return given or getpass.getuser()
    except (OSError, KeyError) as error:
        raise UsageError("nobody knows who you are", code, f"name yourself with --actor, or set {_ACTOR}") from error


def status_of(text: str, *, code: str) -> Status:
    """The status of that name, however its words are joined. Raises UsageError of that code where there is none."""
    from lakepact.store import Status

    try:
        return Status(text.strip().casefold().replace("-", " ").replace("_", " "))
    except ValueError:
        known = ", ".join(each.value for each in Status)
        raise UsageError(f"'{text}' is no status", code, f"choose one of {known}") from None


def waivers_in(file: Path | None) -> tuple[Waiver, ...]:
    """The waivers of a file that hold today; none without one. Raises UsageError LP420 where it is no file."""
    from lakepact.diff import load_waivers

    return load_waivers(regular_file(file, what="a waiver file"), today=dt.date.today()) if file else ()
