"""What a project file refers to must exist: contracts, versions, schema objects, columns, files, variables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lakepact.contract.checked_document import CheckedDocument, Path, nearest
from lakepact.contract.model import Contract, SchemaObject
from lakepact.contract.versions import Version
from lakepact.errors import ConfigurationError
from lakepact.plan.model import Mode
from lakepact.project.files import matching_files, shown_path
from lakepact.project.model import FileEntry, ObjectEntry, Pipeline, Project, SqlEntry, TableEntry
from lakepact.project.resolve import environment_values, fitting_contracts
from lakepact.project.variables import variable_names

__all__ = ["check_references"]

_SOURCE_SUFFIXES: Final = (".py", ".sql")


def check_references(document: CheckedDocument, project: Project) -> None:
    """Report to `document` every reference that leads nowhere; faults that were reported before are not repeated."""
    _check_versions(document, project)
    for pipeline in project.pipelines.values():
        at = ("pipelines", pipeline.name)
        _check_files(document, project, pipeline, at)
        _check_variables(document, project, pipeline, at)
        if pipeline.contract:
            _check_contract(document, project, pipeline, at)
        elif not document.holds((*at, "contract")):
            _check_without_contract(document, pipeline, at)


def _check_versions(document: CheckedDocument, project: Project) -> None:
    seen: dict[tuple[str, str], Contract] = {}
    for contract in project.documents:
        known = seen.setdefault((contract.id, contract.version), contract)
        if known is not contract:
            files = " and ".join(f"'{one.file}'" for one in (known, contract))
            message = f"contract '{contract.id}' has version {contract.version} twice: {files}"
            document.report("LP408", message, ("contracts",), hint="give one of them another version, or remove it")


def _check_files(document: CheckedDocument, project: Project, pipeline: Pipeline, at: Path) -> None:
    if pipeline.policy and not (project.root / pipeline.policy).is_file():
        document.report(
            "LP405", f"there is no file '{pipeline.policy}'", (*at, "policy"), hint=f"looked in {project.root}"
        )
    for index, pattern in enumerate(pipeline.sources):
        files = matching_files(project.root, pattern)
        if not files:
            hint = f"looked in {project.root}"
            document.report("LP405", f"no file fits '{pattern}'", (*at, "sources", index), hint=hint)
        for file in files:
            if file.suffix not in _SOURCE_SUFFIXES:
                message = f"'{shown_path(file)}' is not a pipeline source: it must end in .py or .sql"
                document.report("LP405", message, (*at, "sources", index))


def _check_variables(document: CheckedDocument, project: Project, pipeline: Pipeline, at: Path) -> None:
    for text, place in _resolvable_texts(pipeline, at):
        for variable in variable_names(text):
            lacking = {
                name: values
                for name, values in ((env.name, environment_values(env)) for env in project.environments.values())
                if variable not in values
            }
            if lacking:
                names = ", ".join(f"'{name}'" for name in lacking)
                known = {key for values in lacking.values() for key in values}
                message = f"variable '{variable}' has no value in environment {names}"
                document.report("LP409", message, place, hint=nearest(variable, known))


def _resolvable_texts(pipeline: Pipeline, at: Path) -> Iterator[tuple[str, Path]]:
    for key, value in pipeline.configuration.items():
        yield value, (*at, "configuration", key)
    for name, entry in pipeline.objects.items():
        here = (*at, "objects", name)
        match entry:
            case FileEntry():
                yield entry.path, (*here, "path")
                yield from ((value, (*here, "options", key)) for key, value in entry.options.items())
            case TableEntry():
                yield entry.table, (*here, "table")
            case SqlEntry():
                yield entry.sql, (*here, "sql")


def _check_contract(document: CheckedDocument, project: Project, pipeline: Pipeline, at: Path) -> None:
    versions = [one for one in project.documents if one.id == pipeline.contract]
    if not versions:
        if not project.documents:
            return  # why there is none has been reported
        hint = nearest(pipeline.contract, {one.id for one in project.documents})
        document.report("LP406", f"no contract has the id '{pipeline.contract}'", (*at, "contract"), hint=hint)
        return
    try:
        fitting = fitting_contracts(versions, pipeline)
    except ConfigurationError as error:
        document.report("LP407", error.message, (*at, "version"), hint=error.hint)
        return
    if fitting:
        _check_objects(document, pipeline, fitting[-1], at)
        return
    message = f"no version of contract '{pipeline.contract}' fits '{pipeline.version or '*'}'"
    document.report("LP407", message, (*at, "version"), hint=_versions_hint(versions))


def _versions_hint(versions: list[Contract]) -> str:
    ordered = sorted(versions, key=lambda one: Version.parse(one.version))
    listed = ", ".join(f"{one.version} (draft)" if one.status == "draft" else one.version for one in ordered)
    unreleased = any(one.status == "draft" or Version.parse(one.version).is_prerelease for one in versions)
    how = "; a draft or pre-release is taken only where `version` names it" if unreleased else ""
    return f"there is {listed}{how}"


def _check_without_contract(document: CheckedDocument, pipeline: Pipeline, at: Path) -> None:
    if not document.holds((*at, "sources")) and not document.holds((*at, "objects")):
        document.report("LP404", f"pipeline '{pipeline.name}' needs a contract or sources", at, key=True)
    if pipeline.version:
        document.report("LP404", f"pipeline '{pipeline.name}' has a version but no contract", (*at, "version"))
    for name, entry in pipeline.objects.items():
        if not isinstance(entry, SqlEntry):
            message = f"object '{name}' needs a contract: only an object with sql can do without"
            document.report("LP404", message, (*at, "objects", name), key=True)


def _check_objects(document: CheckedDocument, pipeline: Pipeline, contract: Contract, at: Path) -> None:
    taken: dict[str, str] = {}
    for name, entry in pipeline.objects.items():
        here = (*at, "objects", name)
        _check_table_name(document, entry, here)
        found = contract.object(name)
        if found is None:
            _check_derived(document, name, entry, contract, here)
            continue
        if found.name in taken:
            message = f"object '{name}' is the schema object that '{taken[found.name]}' means as well"
            document.report("LP408", message, here, key=True)
        taken[found.name] = name
        _check_rename(document, entry, found, here)


def _check_table_name(document: CheckedDocument, entry: ObjectEntry, here: Path) -> None:
    if isinstance(entry, TableEntry) and not variable_names(entry.table):
        parts = entry.table.split(".")
        if len(parts) > 3 or not all(part.strip() for part in parts):
            message = f"'{entry.table}' is not the name of a table: one to three names with dots"
            document.report("LP403", message, (*here, "table"))


def _check_derived(document: CheckedDocument, name: str, entry: ObjectEntry, contract: Contract, here: Path) -> None:
    if not isinstance(entry, SqlEntry):
        message = f"contract '{contract.id}' {contract.version} has no schema object '{name}'"
        hint = nearest(name, {found.name for found in contract.schema})
        document.report("LP406", message, here, hint=hint, key=True)
    elif entry.mode is Mode.STREAM or entry.rename:
        message = f"'{name}' is not in the contract: such an object is a materialized view without mode and rename"
        document.report("LP403", message, here, key=True)


def _check_rename(document: CheckedDocument, entry: ObjectEntry, found: SchemaObject, here: Path) -> None:
    columns = {name: column.column for column in found.columns for name in (column.name, column.column)}
    taken: dict[str, str] = {}
    for name in entry.rename:
        place = (*here, "rename", name)
        if name not in columns:
            message = f"schema object '{found.name}' has no property or column '{name}'"
            document.report("LP406", message, place, hint=nearest(name, columns), key=True)
        elif columns[name] in taken:
            message = f"'{name}' is the column that '{taken[columns[name]]}' means as well"
            document.report("LP408", message, place, key=True)
        else:
            taken[columns[name]] = name
