"""Makes a pipeline of a project ready for one environment: contract version chosen, variables replaced, files found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lakepact.contract.checked_document import nearest
from lakepact.contract.model import Contract
from lakepact.contract.versions import SpecifierSet, Version
from lakepact.errors import ConfigurationError, UsageError
from lakepact.project.files import matching_files
from lakepact.project.model import (
    Environment,
    FileEntry,
    ObjectEntry,
    Pipeline,
    Project,
    ResolvedPipeline,
    SqlEntry,
    TableEntry,
)
from lakepact.project.variables import resolved

__all__ = [
    "environment_values",
    "fitting_contracts",
    "resolve_contract",
    "resolve_pipeline",
    "ruled_object",
    "select_environment",
    "select_pipelines",
]


def select_environment(project: Project, name: str | None = None) -> Environment:
    """The environment of that name, or the first one of the file.

    Raises UsageError LP411 for a name that the project does not have.
    """
    if name is None:
        return next(iter(project.environments.values()))
    if name in project.environments:
        return project.environments[name]
    hint = nearest(name, project.environments)
    raise UsageError(f"the project has no environment '{name}'", "LP411", hint)


def select_pipelines(project: Project, names: Iterable[str] = ()) -> tuple[Pipeline, ...]:
    """The pipelines of those names, or all of them, in the order of the file.

    Raises UsageError LP411 for a name that the project does not have.
    """
    wanted = tuple(names)
    for name in wanted:
        if name not in project.pipelines:
            hint = nearest(name, project.pipelines)
            raise UsageError(f"the project has no pipeline '{name}'", "LP411", hint)
    return tuple(pipeline for name, pipeline in project.pipelines.items() if not wanted or name in wanted)


def fitting_contracts(documents: Iterable[Contract], pipeline: Pipeline) -> tuple[Contract, ...]:
    """The contract versions that the pipeline accepts, the best last.

    Pre-releases and contracts with status `draft` are left out unless the specifier names that very version. Raises
    ConfigurationError LP170 for a contract whose version is not semantic, LP171 for a specifier that is none.
    """
    accepted = SpecifierSet.parse(pipeline.version)
    fitting = (
        (Version.parse(contract.version), contract) for contract in documents if contract.id == pipeline.contract
    )
    return tuple(
        contract
        for version, contract in sorted(fitting, key=lambda pair: pair[0])
        if version in accepted and (contract.status != "draft" or _named(version, pipeline.version))
    )


def _named(version: Version, specifiers: str) -> bool:
    """Whether one of the specifiers is that very version: `==1.2.0`, `===1.2.0` or `1.2.0`."""
    parts = (part.strip() for part in specifiers.split(","))
    exact = (part.lstrip("=").strip() for part in parts if not part.startswith((">", "<", "!", "~")))
    return any(Version.parse(part) == version for part in exact if part and not part.endswith("*"))


def resolve_contract(project: Project, pipeline: Pipeline) -> Contract:
    """The highest contract version that the pipeline accepts.

    Raises ConfigurationError LP407 where none fits; a project that `load_project` returned always has one.
    """
    fitting = fitting_contracts(project.documents, pipeline)
    if not fitting:
        message = f"no version of contract '{pipeline.contract}' fits '{pipeline.version or '*'}'"
        raise ConfigurationError(message, "LP407", facts={"pipeline": pipeline.name})
    return fitting[-1]


def resolve_pipeline(project: Project, pipeline: Pipeline, environment: Environment) -> ResolvedPipeline:
    """The pipeline as it runs in that environment.

    Raises ConfigurationError LP407 where no contract version fits.
    """
    contract = resolve_contract(project, pipeline) if pipeline.contract else None
    values = environment_values(environment)
    entries = {name: _resolved_entry(entry, values) for name, entry in pipeline.objects.items()}
    names = {name: ruled_object(contract, name) for name in entries}
    ruled = {found: entries[name] for name, found in names.items() if found}
    return ResolvedPipeline(
        name=pipeline.name,
        environment=environment,
        contract=contract,
        policy=project.root / pipeline.policy if pipeline.policy else None,
        objects={found.name: ruled[found.name] for found in contract.schema if found.name in ruled} if contract else {},
        derived={name: entry.sql for name, entry in entries.items() if not names[name] and isinstance(entry, SqlEntry)},
        sources=tuple(dict.fromkeys(file for glob in pipeline.sources for file in matching_files(project.root, glob))),
        configuration={key: resolved(value, values) for key, value in pipeline.configuration.items()},
    )


def ruled_object(contract: Contract | None, name: str) -> str | None:
    """The name of the schema object that `name` means (its `name` or its `physicalName`), None where there is none."""
    found = contract.object(name) if contract else None
    return found.name if found else None


def environment_values(environment: Environment) -> Mapping[str, str]:
    """What `${name}` stands for: `environment`, `catalog` and `schema`, then the variables, which win."""
    own = {"environment": environment.name, "catalog": environment.catalog, "schema": environment.schema}
    return own | dict(environment.variables)


def _resolved_entry(entry: ObjectEntry, values: Mapping[str, str]) -> ObjectEntry:
    match entry:
        case FileEntry():
            options = {key: resolved(value, values) for key, value in entry.options.items()}
            return replace(entry, path=resolved(entry.path, values), options=options)
        case TableEntry():
            return replace(entry, table=resolved(entry.table, values))
        case SqlEntry():
            return replace(entry, sql=resolved(entry.sql, values))
