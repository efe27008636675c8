"""`lakepact run`: the pipelines of a project, on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.cli.arguments import (
    EnvironmentName,
    NotifyFile,
    PipelineNames,
    ProjectFolder,
    names_of,
    notifier_for,
    opened_project,
)
from lakepact.cli.output import say, show_json, show_lines
from lakepact.errors import ExitCode, LakepactError, PipelineFailed, Problem, Severity, UsageError

if TYPE_CHECKING:
    from lakepact.local.result import PipelineResult, UpdateResult

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
    notify: NotifyFile = None,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON; '-' is stdout.")
    ] = None,
) -> int:
    """Run the pipelines of a project on this machine.

    Exit code: 0 completed, 1 a rule that must hold does not, or a dataset failed, 3 project or machine are not ready.
    """
    target = _json_target(json_file)
    project = opened_project(folder)
    notifier = notifier_for(project, notify)
    from lakepact.cli.progress import run_progress
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
            notifier=notifier,
        )
    except LakepactError as error:
        _publish_failure(error, target)
        raise
    finally:
        progress.close()
    _publish(result, target)
    return _exit_code(result)


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


def _exit_code(result: UpdateResult) -> int:
    """1 where data or a dataset failed, the code of the error where sources, project or machine did."""
    from lakepact.local.result import UpdateState

    if result.state is UpdateState.COMPLETED:
        return ExitCode.OK
    failures = [pipeline.failure.exit_code for pipeline in result.pipelines if pipeline.failure is not None]
    return max(failures, default=ExitCode.VIOLATED)


def _publish_failure(error: LakepactError, target: Path | None) -> None:
    """The JSON of an update that did not come to run: a reader must not take the file of an earlier one for its."""
    if target is None:
        return
    told = {"code": error.code, "message": error.message, "hint": error.hint}
    value: dict[str, Any] = {"update_id": None, "state": "FAILED", "pipelines": [], "error": told}
    if target == Path("-"):
        show_json(value)
    else:
        _write_json(target, value)


def _write_json(target: Path, value: Mapping[str, Any]) -> None:
    from lakepact.cli.files import write_atomically

    write_atomically(target, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _say_problems(result: UpdateResult) -> None:
    """Warnings of the plans, then for each pipeline that failed why: on stderr, where the report may be elsewhere."""
    for pipeline in result.pipelines:
        for problem in pipeline.problems:
            say(str(problem))
    for pipeline in result.pipelines:
        failed = tuple(_failed_datasets(pipeline))
        if pipeline.failure is not None:
            say(f"error {pipeline.failure}")
        elif pipeline.error or failed:
            message = f"pipeline {pipeline.name} failed{f': {pipeline.error}' if pipeline.error else ''}"
            say(f"error {PipelineFailed(message, 'LP539', problems=failed)}")


def _failed_datasets(pipeline: PipelineResult) -> Iterator[Problem]:
    from lakepact.local.result import DatasetState

    for dataset in pipeline.datasets:
        if dataset.state is DatasetState.FAILED:
            reason = dataset.error.partition("\n")[0] or "the engine gives no reason"
            yield Problem(code="LP539", severity=Severity.ERROR, message=f"dataset {dataset.name}: {reason}")


def _publish(result: UpdateResult, target: Path | None) -> None:
    from lakepact.local.report import report_lines, to_json

    if target == Path("-"):
        show_json(to_json(result))
        say(f"update {result.update_id} {result.state}")
    else:
        if target is not None:
            _write_json(target, to_json(result))
        show_lines(report_lines(result))
    _say_problems(result)
