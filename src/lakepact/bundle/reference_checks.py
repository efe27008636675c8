"""Checks that what the parts of a bundle call each other by is there: `${...}`, keys of tasks, entry points."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lakepact.bundle.loading import Part, Source, mapping_of
from lakepact.bundle.shapes import RESOURCE_KINDS
from lakepact.contract.checked_document import CheckedDocument, nearest

__all__ = ["check_references"]

_ANY_REFERENCE: Final = re.compile(r"\$\{([^}]*)\}")
_NAME: Final = r"[a-zA-Z]+(?:[-_]*[a-zA-Z0-9]+)*(?:\[[0-9]+\])*"
_REFERENCE: Final = re.compile(rf"{_NAME}(?:\.{_NAME})*")
_BUNDLE: Final = ("databricks_cli_version", "deployment", "engine", "environment", "git", "name", "target", "uuid")
_WORKSPACE: Final = (
    *("account_id", "artifact_path", "current_user", "file_path", "host", "profile", "resource_path", "root_path"),
    *("state_path", "workspace_id"),
)
_ROOTS: Final = ("artifacts", "bundle", "resources", "var", "variables", "workspace")

# What Python defines is not known without a run of it.
_MAYBE_PYTHON: Final = tuple(f"resources.{kind}." for kind in ("jobs", "pipelines", "schemas", "volumes"))

_Path = tuple[str | int, ...]


def check_references(sources: Sequence[Source]) -> None:
    """Report references to what is not there (LP964) and resource keys that are there twice (LP966)."""
    variables = {name for each in sources for name in mapping_of(each.document.data.get("variables"))}
    shared = _unique_keys(sources)
    python = any(mapping_of(each.document.data.get("python")).get("resources") for each in sources)
    for source in sources:
        for part in source.parts():
            own = {(kind, key) for kind in RESOURCE_KINDS for key in part.resources(kind)}
            for at, text in _texts(_own_data(part), part.at):
                _check_text(source.document, text, at, variables, shared | own, python=python)
            _check_variables(part, variables)
            _check_jobs(part)


def _own_data(part: Part) -> dict[str, Any]:
    """What the part says; targets are parts of their own."""
    return {key: value for key, value in part.data.items() if key != "targets"} if not part.at else part.data


def _unique_keys(sources: Sequence[Source]) -> set[tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for source in sources:
        shared = next(source.parts())
        for kind in RESOURCE_KINDS:
            for key in shared.resources(kind):
                at = ("resources", kind, key)
                place = source.document.place(at, key=True)
                where = f"{source.document.file}:{place.line}:{place.column}"
                if key in found:
                    message = f"the resource key '{key}' is used twice; first at {found[key][1]}"
                    hint = "keys are unique across all kinds of resources"
                    source.document.report("LP966", message, at, hint=hint, key=True)
                found.setdefault(key, (kind, where))
    return {
        (kind, key) for source in sources for kind in RESOURCE_KINDS for key in next(source.parts()).resources(kind)
    }


def _texts(value: Any, at: _Path) -> Iterator[tuple[_Path, str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, (*at, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, (*at, index))


def _check_text(
    document: CheckedDocument,
    text: str,
    at: _Path,
    variables: set[str],
    resources: set[tuple[str, str]],
    *,
    python: bool,
) -> None:
    for found in _ANY_REFERENCE.finditer(text):
        if python and found[1].startswith(_MAYBE_PYTHON):
            continue
        message, hint = _fault(found[1], variables, resources)
        if message:
            document.report("LP964", f"{found[0]}: {message}", at, hint=hint)


def _fault(reference: str, variables: set[str], resources: set[tuple[str, str]]) -> tuple[str, str]:
    """What is wrong with a reference, and what to do; two empty texts where nothing is."""
    if not _REFERENCE.fullmatch(reference):
        return "this is no reference", "write names with dots between them, such as ${var.catalog}"
    root, *rest = reference.split(".")
    names = [name.partition("[")[0] for name in rest]
    if root not in _ROOTS:
        return f"'{root}' is nothing that can be referred to", nearest(root, _ROOTS)
    if not names:
        return "this is no reference", f"say which, as in ${{{root}.name}}"
    if root in ("var", "variables"):
        unknown = names[0] not in variables
        return (f"there is no variable '{names[0]}'", nearest(names[0], variables)) if unknown else ("", "")
    if root == "resources":
        return _resource_fault(names, resources)
    known: Mapping[str, tuple[str, ...]] = {"bundle": _BUNDLE, "workspace": _WORKSPACE}
    if root in known and names[0] not in known[root]:
        return f"{root} has no '{names[0]}'", nearest(names[0], known[root])
    return "", ""


def _resource_fault(names: list[str], resources: set[tuple[str, str]]) -> tuple[str, str]:
    kind, key, *field = [*names, "", ""][: max(len(names), 2)]
    if kind not in RESOURCE_KINDS:
        return f"'{kind}' is no kind of resource", nearest(kind, RESOURCE_KINDS)
    keys = {one for of, one in resources if of == kind}
    if key not in keys:
        return f"there is no resource '{key}' under {kind}", nearest(key, keys)
    return ("", "") if field else ("this is a whole resource", f"say what of it, as in ${{resources.{kind}.{key}.id}}")


def _check_variables(part: Part, variables: set[str]) -> None:
    if part.at:
        for name in mapping_of(part.data.get("variables")):
            if name not in variables:
                at = (*part.at, "variables", name)
                hint = nearest(name, variables)
                part.source.document.report("LP964", f"there is no variable '{name}'", at, hint=hint, key=True)


def _check_jobs(part: Part) -> None:
    scripts = _scripts(part.source.folder)
    for key, job in part.resources("jobs").items():
        at = (*part.at, "resources", "jobs", key)
        tasks = _mappings(job.get("tasks"))
        names = {str(task.get("task_key")) for _, task in tasks}
        named = {
            "environment_key": {str(each.get("environment_key")) for _, each in _mappings(job.get("environments"))},
            "job_cluster_key": {str(each.get("job_cluster_key")) for _, each in _mappings(job.get("job_clusters"))},
        }
        for index, task in tasks:
            here = (*at, "tasks", index)
            for wanted, known in named.items():
                # A target may add a task to a job whose environments stand elsewhere.
                if not part.at and wanted in task:
                    _check_name(part.source.document, str(task[wanted]), known, (*here, wanted))
            for number, before in _mappings(task.get("depends_on")):
                if not part.at and "task_key" in before:
                    place = (*here, "depends_on", number, "task_key")
                    _check_name(part.source.document, str(before["task_key"]), names, place)
            _check_entry_point(part.source.document, mapping_of(task.get("python_wheel_task")), scripts, here)


def _mappings(value: object) -> list[tuple[int, dict[str, Any]]]:
    return [(index, mapping_of(each)) for index, each in enumerate(value if isinstance(value, list) else ())]


def _check_name(document: CheckedDocument, name: str, known: set[str], at: _Path) -> None:
    if name not in known and "${" not in name:
        document.report("LP964", f"the job has no {at[-1]} '{name}'", at, hint=nearest(name, known))


def _check_entry_point(
    document: CheckedDocument, task: Mapping[str, Any], scripts: Mapping[str, set[str]], at: _Path
) -> None:
    """A wheel that is made from source here has the scripts of its pyproject.toml, and no others."""
    package, entry = str(task.get("package_name")), str(task.get("entry_point"))
    if package in scripts and entry not in scripts[package]:
        message = f"the wheel '{package}' has no entry point '{entry}'"
        place = (*at, "python_wheel_task", "entry_point")
        document.report("LP964", message, place, hint=nearest(entry, scripts[package]))


def _scripts(folder: Path) -> dict[str, set[str]]:
    """The scripts of the package whose source is in the folder, or in the one above."""
    for file in (folder / "pyproject.toml", folder.parent / "pyproject.toml"):
        try:
            project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue
        return {str(project.get("name", "")): set(project.get("scripts", {}))}
    return {}
