"""A new project from the files in `template/`: it runs as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from lakepact.errors import UsageError
from lakepact.project.schema import NAME_PATTERN

__all__ = ["project_name", "template_files"]

# A package never holds a file named .gitignore: build tools would obey it.
_RENAMED = {"gitignore": ".gitignore"}


def template_files(name: str) -> Mapping[str, str]:
    """The text of each file of a new project called `name`, by its path below the project's folder.

    Raises UsageError LP423 for a name that cannot be one of a project.

    >>> sorted(template_files("shop"))[:3]
    ['.gitignore', 'README.md', 'contracts/orders.odcs.yaml']
    """
    if not re.search(NAME_PATTERN, name):
        hint = "letters, digits, '_', '-' and '.', at most 100, no '-' or '.' in front"
        raise UsageError(f"{name!r} cannot be the name of a project", "LP423", hint)
    root = files("lakepact.project") / "template"
    schema = re.sub(r"\W", "_", name.lower(), flags=re.ASCII)
    schema = f"_{schema}" if schema[0].isdigit() else schema
    return {path: text.replace("%NAME%", name).replace("%SCHEMA%", schema) for path, text in _texts(root, "").items()}


def project_name(folder: str) -> str:
    """A name for the project in a folder of that name.

    >>> project_name("My shop!"), project_name("...")
    ('My-shop', 'project')
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", folder).strip("-.")[:100] or "project"


def _texts(folder: Traversable, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        path = prefix + _RENAMED.get(entry.name, entry.name)
        if entry.is_dir():
            found |= _texts(entry, path + "/")
        else:
            found[path] = entry.read_text(encoding="utf-8")
    return found
