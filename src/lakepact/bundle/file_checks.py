"""Checks that the files a bundle names are there: sources, notebooks, wheels, folders of apps."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from lakepact.bundle.loading import Part, Source, mapping_of

__all__ = ["check_files"]

_MARK: Final = "Databricks notebook source"
_NOTEBOOKS: Final = (".py", ".sql", ".scala", ".r", ".R", ".ipynb")
_SOURCES: Final = (".py", ".sql", ".ipynb")
# Absolute paths are in the workspace; references and addresses are known only there.
_ELSEWHERE: Final = re.compile(r"/|\$\{|[a-z][a-z0-9+]*:")

_Path = tuple[str | int, ...]
_Named = Iterator[tuple[_Path, str]]


def check_files(sources: Sequence[Source]) -> None:
    """Report what is named and not there, and globs that match nothing (LP965)."""
    built = [pattern for source in sources for part in source.parts() for pattern in _built(part)]
    for source in sources:
        for part in source.parts():
            for at, path in _libraries(part):
                _check_library(part, at, path)
            for at, path in _notebooks(part):
                _check_notebook(part, at, path)
            for at, path in (*_wheels(part), *_synchronised(part)):
                _check_built(part, at, path, built)
            for at, path in _folders(part):
                if not (source.folder / path).is_dir():
                    source.document.report("LP965", f"there is no folder '{path}'", at, hint=_looked(part))
            for at, path in _plain_files(part):
                if not (source.folder / path).is_file():
                    source.document.report("LP965", f"there is no file '{path}'", at, hint=_looked(part))


def _looked(part: Part) -> str:
    return f"paths start from the folder of the file: {part.source.folder}"


def _local(value: object) -> bool:
    return isinstance(value, str) and bool(value) and not _ELSEWHERE.match(value) and "${" not in value


def _items(value: object) -> Iterator[tuple[int, Any]]:
    return iter(enumerate(value if isinstance(value, list) else ()))


def _built(part: Part) -> Iterator[str]:
    """Absolute patterns of the files that artifacts of the bundle become when it is deployed."""
    for each in map(mapping_of, mapping_of(part.data.get("artifacts")).values()):
        files = [mapping_of(file).get("source") for _, file in _items(each.get("files"))]
        if not each.get("build"):
            continue
        for name in files or [f"{each.get('path', '.')}/dist/*.whl"]:
            if isinstance(name, str):
                yield str((part.source.folder / name).resolve())


def _libraries(part: Part) -> _Named:
    for key, pipeline in part.resources("pipelines").items():
        for index, library in _items(pipeline.get("libraries")):
            for kind, inner in (("glob", "include"), ("file", "path")):
                path = mapping_of(mapping_of(library).get(kind)).get(inner)
                if _local(path):
                    yield (*part.at, "resources", "pipelines", key, "libraries", index, kind, inner), str(path)


def _tasks(part: Part) -> Iterator[tuple[_Path, dict[str, Any]]]:
    for key, job in part.resources("jobs").items():
        for index, task in _items(job.get("tasks")):
            at = (*part.at, "resources", "jobs", key, "tasks", index)
            yield at, mapping_of(task)
            inner = mapping_of(mapping_of(mapping_of(task).get("for_each_task")).get("task"))
            yield (*at, "for_each_task", "task"), inner


def _notebooks(part: Part) -> _Named:
    for at, task in _tasks(part):
        notebook = mapping_of(task.get("notebook_task"))
        if _local(notebook.get("notebook_path")) and notebook.get("source") != "GIT":
            yield (*at, "notebook_task", "notebook_path"), notebook["notebook_path"]
    for key, pipeline in part.resources("pipelines").items():
        for index, library in _items(pipeline.get("libraries")):
            path = mapping_of(mapping_of(library).get("notebook")).get("path")
            if _local(path):
                yield (*part.at, "resources", "pipelines", key, "libraries", index, "notebook", "path"), str(path)


def _wheels(part: Part) -> _Named:
    for key, pipeline in part.resources("pipelines").items():
        at = (*part.at, "resources", "pipelines", key, "environment", "dependencies")
        yield from _dependencies(mapping_of(pipeline.get("environment")).get("dependencies"), at)
    for key, job in part.resources("jobs").items():
        for index, each in _items(job.get("environments")):
            at = (*part.at, "resources", "jobs", key, "environments", index, "spec", "dependencies")
            yield from _dependencies(mapping_of(mapping_of(each).get("spec")).get("dependencies"), at)
    for at, task in _tasks(part):
        for index, library in _items(task.get("libraries")):
            if _local(mapping_of(library).get("whl")):
                yield (*at, "libraries", index, "whl"), library["whl"]


def _dependencies(value: object, at: _Path) -> _Named:
    for index, each in _items(value):
        path = re.sub(r"^(?:-e|--editable)\s+", "", each) if isinstance(each, str) else ""
        if _local(path) and (path.startswith(("./", "../")) or path.endswith(".whl")):
            yield (*at, index), path


def _synchronised(part: Part) -> _Named:
    for index, each in _items(mapping_of(part.data.get("sync")).get("include")):
        if _local(each):
            yield (*part.at, "sync", "include", index), each


def _folders(part: Part) -> _Named:
    for key, app in part.resources("apps").items():
        if _local(app.get("source_code_path")):
            yield (*part.at, "resources", "apps", key, "source_code_path"), app["source_code_path"]
    for key, pipeline in part.resources("pipelines").items():
        if _local(pipeline.get("root_path")):
            yield (*part.at, "resources", "pipelines", key, "root_path"), pipeline["root_path"]
    for key, artifact in mapping_of(part.data.get("artifacts")).items():
        if _local(mapping_of(artifact).get("path")):
            yield (*part.at, "artifacts", key, "path"), artifact["path"]


def _plain_files(part: Part) -> _Named:
    for at, task in _tasks(part):
        script = mapping_of(task.get("spark_python_task"))
        if _local(script.get("python_file")) and script.get("source") != "GIT":
            yield (*at, "spark_python_task", "python_file"), script["python_file"]
    for key, dashboard in part.resources("dashboards").items():
        if _local(dashboard.get("file_path")):
            yield (*part.at, "resources", "dashboards", key, "file_path"), dashboard["file_path"]


def _check_library(part: Part, at: _Path, path: str) -> None:
    whole = path.removesuffix("/**")
    if any(sign in whole for sign in "*?["):
        hint = "name one file, or a folder with /** behind it"
        part.source.document.report("LP965", f"a pipeline cannot take '{path}'", at, hint=hint)
    elif whole != path:
        below = (part.source.folder / whole).rglob("*")
        if not any(each.suffix in _SOURCES and each.is_file() for each in below):
            part.source.document.report("LP965", f"no source fits '{path}'", at, hint=_looked(part))
    elif not (part.source.folder / path).is_file():
        hint = "`lakepact generate` writes it" if Path(path).parent.name == "pipelines" else _looked(part)
        part.source.document.report("LP965", f"there is no file '{path}'", at, hint=hint)


def _check_notebook(part: Part, at: _Path, path: str) -> None:
    named = part.source.folder / path
    found = [each for each in (named, *(named.with_name(named.name + end) for end in _NOTEBOOKS)) if each.is_file()]
    if not found:
        part.source.document.report("LP965", f"there is no notebook '{path}'", at, hint=_looked(part))
    elif found[0].suffix != ".ipynb" and _MARK not in found[0].read_text("utf-8", "replace").partition("\n")[0]:
        hint = f"its first line is a comment: {_MARK}"
        part.source.document.report("LP965", f"'{path}' is a file and no notebook", at, hint=hint)


def _check_built(part: Part, at: _Path, path: str, built: Sequence[str]) -> None:
    """What is there, or will be when the bundle is deployed."""
    if any(True for _ in glob.iglob(path, root_dir=part.source.folder, recursive=True)):
        return
    whole = str((part.source.folder / path).resolve())
    if not any(fnmatch(whole, pattern) or fnmatch(pattern, whole) for pattern in built):
        part.source.document.report(
            "LP965", f"nothing fits '{path}', and no artifact becomes it", at, hint=_looked(part)
        )
