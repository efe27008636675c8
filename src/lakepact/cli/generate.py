"""`lakepact generate`: the source of each pipeline and its DDL, as files."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lakepact.cli.arguments import EnvironmentName, PipelineNames, ProjectFolder, opened_project
from lakepact.cli.generated import GeneratedFile, check_generated, generated_file, write_generated
from lakepact.cli.output import say
from lakepact.errors import UsageError

if TYPE_CHECKING:
    from lakepact.contract import Contract
    from lakepact.plan import Plan
    from lakepact.project import Project, ResolvedPipeline

__all__ = ["Target", "generate"]


class Target(StrEnum):
    """What can be generated."""

    PYTHON = "python"
    SQL = "sql"
    DDL = "ddl"
    ALL = "all"


_FOLDERS: Final = {Target.PYTHON: ("pipelines", ".py"), Target.SQL: ("pipelines", ".sql"), Target.DDL: ("ddl", ".sql")}


def generate(
    folder: ProjectFolder = Path(),
    environment: EnvironmentName = None,
    pipelines: PipelineNames = None,
    target: Annotated[Target, typer.Option("--target", "-t", help="What to write.")] = Target.ALL,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 and show the difference where a file is not current.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Write below this folder (default: the project's)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that lakepact did not write.")] = False,
) -> int:
    """Write pipeline source (Python, SQL) and DDL.

    Files: pipelines/NAME.py, pipelines/NAME.sql and ddl/NAME.sql.
    """
    project = opened_project(folder)
    root = project.root if out is None else out
    if root.exists() and not root.is_dir():
        raise UsageError(f"--out: '{root}' is a file", "LP420")
    targets = [one for one in _FOLDERS if target in (one, Target.ALL)]
    files = list(_generated(project, environment, tuple(pipelines or ()), targets, root))
    return check_generated(files, "lakepact generate") if check else write_generated(files, force=force)


def _generated(
    project: Project, environment: str | None, pipelines: tuple[str, ...], targets: list[Target], root: Path
) -> Iterator[GeneratedFile]:
    from lakepact.project import resolve_pipeline, select_environment, select_pipelines
    from lakepact.project.planning import plan_pipeline

    chosen = select_environment(project, environment)
    for pipeline in select_pipelines(project, pipelines):
        resolved = resolve_pipeline(project, pipeline, chosen)
        if resolved.contract is None:
            say(f"pipeline '{pipeline.name}' has only hand-written sources: nothing to generate")
            continue
        plan = plan_pipeline(project, resolved, absolute_paths=False)
        for problem in plan.problems:
            say(str(problem))
        for target in targets:
            directory, suffix = _FOLDERS[target]
            path = root / directory / f"{pipeline.name}{suffix}"
            yield generated_file(path, _rendered(target, plan, resolved, resolved.contract))


def _rendered(target: Target, plan: Plan, resolved: ResolvedPipeline, contract: Contract) -> str:
    from lakepact.targets import pipeline_python, pipeline_sql

    match target:
        case Target.PYTHON:
            return pipeline_python.render(plan)
        case Target.SQL:
            return pipeline_sql.render(plan)
    return _ddl(plan, resolved, contract)


def _ddl(plan: Plan, resolved: ResolvedPipeline, contract: Contract) -> str:
    from lakepact import __version__
    from lakepact.project.planning import pipeline_rules
    from lakepact.targets import ddl
    from lakepact.targets.header import header_lines

    chosen = resolved.environment
    entries = ddl.render(
        contract,
        pipeline_rules(resolved, contract),
        catalog=chosen.catalog,
        schema=chosen.schema,
        mask_functions=chosen.mask_functions,
        dialect=ddl.Dialect.DATABRICKS if chosen.storage is None else ddl.Dialect.SPARK,
    )
    header = "\n".join(f"-- {line}" for line in header_lines(plan, __version__))
    return f"{header}\n\n{ddl.render_text(entries)}"
