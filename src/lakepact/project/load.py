"""Finds and loads a lakepact.yml: everything that is wrong with it, and with the contracts it names, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lakepact.contract import read_contract
from lakepact.contract.checked_document import CheckedDocument, nearest
from lakepact.contract.model import Contract
from lakepact.errors import ConfigurationError, ProjectInvalid, Severity
from lakepact.plan.model import Mode
from lakepact.project.files import matching_files, shown_path
from lakepact.project.model import (
    Environment,
    FileEntry,
    ObjectEntry,
    Pipeline,
    Project,
    SqlEntry,
    TableEntry,
)
from lakepact.project.reading import read_document
from lakepact.project.references import check_references
from lakepact.project.schema import own_schema
from lakepact.project.variables import resolved, variable_names

if TYPE_CHECKING:
    from lakepact.notify.settings_model import NotifySettings

__all__ = ["PROJECT_FILE", "find_project", "load_project"]

PROJECT_FILE: Final = "lakepact.yml"
_NOTIFICATIONS: Final = "notifications"


def find_project(start: Path) -> Path:
    """The project file in `start`, or in the nearest folder above it; `start` may be the file itself.

    Raises ConfigurationError LP400 where there is none.
    """
    if start.is_file():
        return start
    if not start.exists():
        raise ConfigurationError(f"there is no folder '{start}'", "LP400")
    absolute = start.resolve()
    for folder in (absolute, *absolute.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder / PROJECT_FILE
    hint = "`lakepact init DIR` writes a project to start from"
    raise ConfigurationError(f"there is no {PROJECT_FILE} in '{absolute}' or in a folder above it", "LP400", hint)


def load_project(file: Path) -> Project:
    """The project of that file (see `find_project`), with every contract that it names.

    Raises ProjectInvalid with all problems of the file and of its contracts; ConfigurationError LP400 where the file
    cannot be read.
    """
    document = read_document(_read(file), shown_path(file), own_schema())
    root = file.resolve().parent
    contracts = _contracts(document, root)
    project = _project(document, file, root, tuple(contracts))
    check_references(document, project)
    if document.problems:
        raise _invalid(document, file)
    return project


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(f"the project file '{shown_path(file)}' cannot be read: {reason}", "LP400") from error


def _invalid(document: CheckedDocument, file: Path) -> ProjectInvalid:
    problems = sorted(document.problems, key=lambda one: (one.file != document.file, one.file, one.line, one.column))
    number = len(problems)
    return ProjectInvalid(
        f"{shown_path(file)} has {number} {'problem' if number == 1 else 'problems'}", "LP410", problems=problems
    )


def _contracts(document: CheckedDocument, root: Path) -> Iterator[Contract]:
    seen: set[Path] = set()
    for index, pattern in enumerate(document.data.get("contracts", ())):
        files = matching_files(root, pattern)
        if not files:
            document.report("LP405", f"no file fits '{pattern}'", ("contracts", index), hint=f"looked in {root}")
        for file in files:
            if file not in seen:
                seen.add(file)
                yield from _contract(document, file)


def _contract(document: CheckedDocument, file: Path) -> Iterator[Contract]:
    contract, problems = read_contract(file, file=shown_path(file))
    document.problems.extend(problem for problem in problems if problem.severity is Severity.ERROR)
    if contract is not None:
        yield contract


def _project(document: CheckedDocument, file: Path, root: Path, contracts: tuple[Contract, ...]) -> Project:
    data = document.data
    shared: Mapping[str, str] = data.get("variables", {})
    environments = data.get("environments", {})
    return Project(
        root=root,
        file=file.resolve(),
        contracts=tuple(data.get("contracts", ())),
        environments={name: _environment(document, name, entry, shared) for name, entry in environments.items()},
        pipelines={name: _pipeline(document, name, entry) for name, entry in data.get("pipelines", {}).items()},
        documents=contracts,
        notifications=_notifications(document, root) if _NOTIFICATIONS in data else None,
    )


def _notifications(document: CheckedDocument, root: Path) -> NotifySettings | None:
    """Who is told of broken contracts, as the project file says or the file that it names; None with problems."""
    # Few projects have such settings, and reading them needs more libraries than a project does.
    from lakepact.notify.settings import settings_at, settings_of_file
    from lakepact.notify.settings_model import Origin

    written = document.data[_NOTIFICATIONS]
    if not isinstance(written, str):
        return settings_at(document, (_NOTIFICATIONS,), Origin(folder=root))
    file = root / written
    if not file.is_file():
        hint = f"looked in {root}"
        document.report("LP405", f"there is no file '{written}'", (_NOTIFICATIONS,), hint=hint)
        return None
    try:
        return settings_of_file(file, shown_path(file), Origin(folder=file.parent))
    except ConfigurationError as error:
        if not error.problems:
            document.report("LP405", error.message, (_NOTIFICATIONS,), hint=error.hint)
        document.problems.extend(error.problems)
        return None


def _environment(
    document: CheckedDocument, name: str, data: Mapping[str, Any], shared: Mapping[str, str]
) -> Environment:
    at = ("environments", name)
    variables: dict[str, str] = {**shared, **data.get("variables", {})}
    values = {"environment": name, **variables}

    def text(*key: str) -> str:
        written: str = data[key[0]] if len(key) == 1 else data[key[0]][key[1]]
        unknown = [variable for variable in variable_names(written) if variable not in values]
        for variable in unknown:
            message = f"variable '{variable}' has no value in environment '{name}'"
            document.report("LP409", message, (*at, *key), hint=nearest(variable, values))
        return written if unknown else resolved(written, values)

    return Environment(
        place=document.place(at, key=True),
        name=name,
        catalog=text("catalog") if "catalog" in data else "",
        schema=text("schema") if "schema" in data else "",
        storage=text("storage") if "storage" in data else None,
        variables=variables,
        mask_functions={key: text("mask_functions", key) for key in data.get("mask_functions", {})},
    )


def _pipeline(document: CheckedDocument, name: str, data: Mapping[str, Any]) -> Pipeline:
    at = ("pipelines", name)
    entries = data.get("objects", {})
    return Pipeline(
        place=document.place(at, key=True),
        name=name,
        contract=data.get("contract", ""),
        version=data.get("version", ""),
        policy=data.get("policy"),
        objects={key: _entry(document, (*at, "objects", key), entry) for key, entry in entries.items()},
        sources=tuple(data.get("sources", ())),
        configuration=data.get("configuration", {}),
    )


def _entry(document: CheckedDocument, at: tuple[str, ...], data: Mapping[str, Any]) -> ObjectEntry:
    place = document.place(at, key=True)
    mode = Mode(data.get("mode", Mode.BATCH))
    rename: Mapping[str, str] = data.get("rename", {})
    if "table" in data:
        return TableEntry(place=place, table=data["table"], mode=mode, rename=rename)
    if "sql" in data:
        return SqlEntry(place=place, sql=data["sql"], mode=mode, rename=rename)
    return FileEntry(
        place=place,
        path=data.get("path", ""),
        format=data.get("format", ""),
        options=data.get("options", {}),
        mode=mode,
        rename=rename,
    )
