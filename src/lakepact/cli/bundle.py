"""`lakepact bundle …`: make a Databricks Asset Bundle of a project, and check one without a workspace."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lakepact.cli.arguments import ProjectFolder, opened_project
from lakepact.cli.generated import check_generated, generated_file, write_generated
from lakepact.cli.output import printable, say, show_json, write
from lakepact.errors import ExitCode, UsageError

__all__ = ["bundle", "check", "generate"]

bundle = typer.Typer(
    name="bundle",
    help="Make a Databricks Asset Bundle of a project, and check one without a workspace.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class _Resources(StrEnum):
    YAML = "yaml"
    PYTHON = "python"


@bundle.command()
def generate(
    folder: ProjectFolder = Path(),
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Folder of databricks.yml (default: the project's)."),
    ] = None,
    resources: Annotated[
        _Resources, typer.Option(help="What jobs and pipelines are written as; the rest is YAML.")
    ] = _Resources.YAML,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 and show the difference where a file is not current.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that lakepact did not write.")] = False,
) -> None:
    """Write databricks.yml and bundles/: pipelines, jobs, the receiver, schemas, volumes, secrets and rights."""
    from lakepact.bundle import bundle_files, file_text

    project = opened_project(folder)
    root = project.root if out is None else out
    if root.exists() and not root.is_dir():
        raise UsageError(f"--out: '{root}' is a file", "LP420")
    python = resources is _Resources.PYTHON
    made = bundle_files(project, root, python=python)
    files = [generated_file(root / each.path, file_text(each)) for each in made]
    for name in ("jobs.yml", "pipelines.yml") if python else ():
        if (root / "bundles" / name).exists():
            say(f"not used, remove it: {root / 'bundles' / name}")
    raise typer.Exit(
        check_generated(files, "lakepact bundle generate") if check else write_generated(files, force=force)
    )


@bundle.command()
def check(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of databricks.yml.", show_default=False)
    ] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find what is wrong with a bundle, without a workspace: keys, values, references, files, targets.

    Exit code 1 where anything is.
    """
    from lakepact.bundle import check_bundle

    found = check_bundle(folder)
    if as_json:
        show_json(asdict(found))
    else:
        write("".join(f"{printable(str(problem))}\n" for problem in found.problems))
    number = len(found.problems)
    said = f"{number} problem{'s' * (number != 1)}" if number else "nothing is wrong"
    say(f"{len(found.files)} files, {found.resources} resources, targets {', '.join(found.targets) or 'none'}: {said}")
    raise typer.Exit(ExitCode.VIOLATED if number else ExitCode.OK)
