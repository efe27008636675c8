"""`lakepact run`: the pipelines of a project, on this machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lakepact.cli.arguments import EnvironmentName, PipelineNames, ProjectFolder, names_of, opened_project
from lakepact.cli.output import say, show_json, show_lines
from lakepact.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from lakepact.local.result import UpdateResult

__all__ = ["joined_full_refresh", "run"]

_FULL_REFRESH: Final = "--full-refresh"
_EVERYTHING: Final = "*"


def run(
    folder: ProjectFolder = Path(),
    environment: EnvironmentName = None,
    pipelines: PipelineNames = None,
    refresh: Annotated[
        str | None, typer.Option(metavar="A,B", help="Update only these datasets and what they need.")
    ] = None,
    full_refresh: Annotated[
        str | None,
        typer.Option(
            _FULL_REFRESH,
            metavar="[A,B]",
            help="Empty these datasets (without names: all) and forget what was read, then fill them anew.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the pipeline without writing anything.")] = False,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON; '-' is stdout.")
    ] = None,
) -> int:
    """Run the pipelines of a project on this machine.

    Exit code: 0 completed, 1 a rule that must hold does not, or a dataset failed, 3 project or machine are not ready.
    """
    target = _json_target(json_file)
    project = opened_project(folder)
    from lakepact.cli.progress import run_progress
    from lakepact.local.result import UpdateState
    from lakepact.local.run import run_project

    progress = run_progress()
    try:
        result = run_project(
            project,
            environment=environment,
            pipelines=tuple(pipelines or ()),
            refresh=names_of(refresh),
            full_refresh=_full_refresh(full_refresh),
            dry_run=dry_run,
            progress=progress,
        )
    finally:
        progress.close()
    _publish(result, target)
    return ExitCode.OK if result.state is UpdateState.COMPLETED else ExitCode.VIOLATED


def joined_full_refresh(arguments: Sequence[str]) -> list[str]:
    """The arguments with a value for each `--full-refresh` that has none, since the parser knows no optional values.

    >>> joined_full_refresh(["run", "--full-refresh", "--dry-run"])
    ['run', '--full-refresh=*', '--dry-run']
    >>> joined_full_refresh(["run", "--full-refresh", "a,b"])
    ['run', '--full-refresh', 'a,b']
    """
    following = [*arguments[1:], "--"]
    return [
        f"{argument}={_EVERYTHING}" if argument == _FULL_REFRESH and after.startswith("-") else argument
        for argument, after in zip(arguments, following, strict=False)
    ]


def _full_refresh(text: str | None) -> tuple[str, ...] | None:
    """None: nothing is emptied; empty: everything is."""
    if text is None:
        return None
    if text == _EVERYTHING:
        return ()
    names = names_of(text)
    if not names:
        raise UsageError("--full-refresh has an empty list of datasets", "LP421", "leave the list out to refresh all")
    return names


def _json_target(text: str | None) -> Path | None:
    """Where the JSON goes, checked before the run: an hour of work is not lost to a typing error."""
    if text is None or text == "-":
        return Path("-") if text else None
    path = Path(text)
    if path.is_dir():
        raise UsageError(f"--json: '{path}' is a folder", "LP420")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--json: there is no folder '{path.parent}'", "LP420")
    return path


def _publish(result: UpdateResult, target: Path | None) -> None:
    from lakepact.cli.files import write_atomically
    from lakepact.local.report import report_lines, to_json

    if target == Path("-"):
        show_json(to_json(result))
        say(f"update {result.update_id} {result.state}")
        return
    if target is not None:
        write_atomically(target, json.dumps(to_json(result), indent=2, ensure_ascii=False) + "\n")
    show_lines(report_lines(result))
