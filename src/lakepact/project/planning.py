"""From a pipeline of a project to its plan: contract, policy, sources, rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lakepact.contract.model import Contract
from lakepact.errors import ConfigurationError
from lakepact.plan import FileSource, Mode, ObjectSource, Plan, SqlSource, TableSource, build_plan
from lakepact.project.model import FileEntry, ObjectEntry, Project, ResolvedPipeline, SqlEntry, TableEntry
from lakepact.rules import compile_rules, load_policy
from lakepact.rules.model import RuleSet

__all__ = ["pipeline_rules", "plan_pipeline", "sources_of"]


def pipeline_rules(resolved: ResolvedPipeline, contract: Contract) -> RuleSet:
    """The rules of `contract` as this pipeline enforces them: its policy, and its streams."""
    streaming = frozenset(name for name, entry in resolved.objects.items() if entry.mode is Mode.STREAM)
    policy = load_policy(resolved.policy) if resolved.policy else None
    # VARIANT is Databricks' type for objects of any shape; local Delta keeps their JSON as text.
    return compile_rules(contract, policy=policy, streaming=streaming, variant=resolved.environment.storage is None)


def plan_pipeline(project: Project, resolved: ResolvedPipeline, *, absolute_paths: bool) -> Plan:
    """The plan of a pipeline. With `absolute_paths` files are found from any folder, as a run here needs it.

    Raises ConfigurationError LP412 for a pipeline without a contract.
    """
    if resolved.contract is None:
        raise ConfigurationError(
            f"pipeline '{resolved.name}' has no contract to plan",
            code="LP412",
            hint="name its `contract`, or run its `sources` as they are",
        )
    sources = sources_of(resolved)
    if absolute_paths:
        sources = {name: _absolute(project, source) for name, source in sources.items()}
    return build_plan(
        resolved.contract,
        pipeline_rules(resolved, resolved.contract),
        sources,
        pipeline=resolved.name,
        derived=resolved.derived,
    )


def sources_of(resolved: ResolvedPipeline) -> dict[str, ObjectSource]:
    """Where each schema object of the pipeline is read from."""
    return {name: _source(entry) for name, entry in resolved.objects.items()}


def _source(entry: ObjectEntry) -> ObjectSource:
    match entry:
        case FileEntry():
            source = FileSource(path=entry.path, format=entry.format, options=entry.options, mode=entry.mode)
            return ObjectSource(source=source, rename=entry.rename)
        case TableEntry():
            return ObjectSource(
                source=TableSource(name=tuple(entry.table.split(".")), mode=entry.mode), rename=entry.rename
            )
        case SqlEntry():
            return ObjectSource(source=SqlSource(text=entry.sql, mode=entry.mode), rename=entry.rename)


def _absolute(project: Project, given: ObjectSource) -> ObjectSource:
    if not isinstance(given.source, FileSource):
        return given
    return replace(given, source=replace(given.source, path=str(Path(project.absolute(given.source.path)))))
