"""Jobs and pipelines of a bundle as Python, for teams that add their own in Python: the same as the YAML says.

The source calls the package databricks-bundles, which the CLI runs in a virtual environment; lakepact never imports it.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lakepact.bundle.context import Context
from lakepact.bundle.governance import rights
from lakepact.bundle.jobs import jobs_file
from lakepact.bundle.model import BundleFile
from lakepact.bundle.pipelines import pipelines_file
from lakepact.contract.yaml_document import child_path

__all__ = ["PYTHON_FILE", "PYTHON_KINDS", "PYTHON_RESOURCES", "python_file"]

PYTHON_FILE: Final = "bundles/resources.py"
"""The path of the source."""

PYTHON_RESOURCES: Final = "bundles.resources:load_resources"
"""How databricks.yml names what it defines."""

PYTHON_KINDS: Final = ("jobs", "pipelines")
"""The kinds of resources that are Python; apps, schemas, volumes and secrets stay YAML."""

_STEP: Final = "    "
_PURPOSE: Final = (
    "Jobs and pipelines; databricks.yml names `load_resources`. Paths start from the folder of databricks.yml.",
    "It needs `databricks-bundles` in `.venv`, in the version of the CLI.",
)
_HEAD: Final = (
    "",
    "from __future__ import annotations",
    "",
    "from typing import Any",
    "",
    "from databricks.bundles.core import Bundle, Resources",
)
_LOAD: Final = '''
def load_resources(bundle: Bundle) -> Resources:
    """The jobs and pipelines of the target that is deployed."""
    resources = Resources()
    rights = RIGHTS.get(bundle.target, {})
    for key, job in JOBS.items():
        resources.add_job(key, {**job, **rights.get("jobs", {}).get(key, {})})
    for key, pipeline in PIPELINES.items():
        resources.add_pipeline(key, {**pipeline, **rights.get("pipelines", {}).get(key, {})})
    return resources'''


def python_file(context: Context, shared_targets: tuple[str, ...]) -> BundleFile:
    """The file `bundles/resources.py`; `shared_targets` are those in which the rights of a shared target hold."""
    made = {"jobs": jobs_file(context), "pipelines": pipelines_file(context)}
    lines = list(_HEAD)
    for kind, file in made.items():
        assert isinstance(file.data, Mapping)
        value = _from_root(file.data["resources"][kind])
        lines += ["", *_assigned(kind.upper(), value, f"resources.{kind}", file.comments)]
    given = {kind: each for kind, each in rights(context).items() if kind in PYTHON_KINDS}
    comments = {"RIGHTS": "What a target that is not one person's adds: who runs, and who may start."}
    lines += ["", *_assigned("_SHARED", given, "RIGHTS", comments)]
    shown = ", ".join(f"{json.dumps(name)}: _SHARED" for name in shared_targets)
    lines += [f"RIGHTS: dict[str, dict[str, dict[str, Any]]] = {{{shown}}}", "", *_LOAD.splitlines()]
    return BundleFile(path=PYTHON_FILE, data=tuple(lines), purpose=_PURPOSE)


def _from_root(value: Any) -> Any:
    """The value with paths that start from the folder of databricks.yml, where those of YAML start from `bundles/`."""
    if isinstance(value, Mapping):
        return {key: _from_root(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_from_root(each) for each in value]
    if isinstance(value, str) and value.startswith(("./", "../")):
        path = posixpath.normpath(posixpath.join("bundles", value))
        return path if path.startswith("../") else f"./{path}"
    return value


def _assigned(name: str, value: Any, path: str, comments: Mapping[str, str]) -> Iterator[str]:
    if path in comments:
        yield f"# {comments[path]}"
    first, *rest = _literal(value, "", path, comments)
    yield f"{name}: dict[str, dict[str, Any]] = {first}"
    yield from rest


def _literal(value: Any, indent: str, path: str, comments: Mapping[str, str]) -> Iterator[str]:
    """The lines of a value as Python text, with the comments above the elements that they are about."""
    if not isinstance(value, Mapping | list) or not value:
        yield _scalar(value)
        return
    mapping = isinstance(value, Mapping)
    entries = list(value.items()) if isinstance(value, Mapping) else list(enumerate(value))
    inner = indent + _STEP
    yield "{" if mapping else "["
    for key, each in entries:
        at = child_path(path, key)
        if at in comments:
            yield f"{inner}# {comments[at]}"
        first, *rest = _literal(each, inner, at, comments)
        last = rest.pop() if rest else ""
        yield f"{inner}{f'{_scalar(key)}: ' if mapping else ''}{first}{'' if last else ','}"
        yield from rest
        if last:
            yield f"{last},"
    yield f"{indent}{'}' if mapping else ']'}"


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
