"""Projects and bundles that tests of bundles share."""

from __future__ import annotations

from pathlib import Path

from lakepact.project import Project, load_project
from lakepact.project.scaffold import template_files

ROOT_YML = """\
bundle: {name: shop}
include: [bundles/*.yml]
variables:
  catalog: {default: main}
targets:
  dev: {mode: development, default: true}
  prod:
    mode: production
"""


def shop(folder: Path) -> Project:
    """The project of `lakepact init`, in `folder/shop`."""
    for path, text in template_files("shop").items():
        (folder / "shop" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "shop" / path).write_text(text, encoding="utf-8")
    return load_project(folder / "shop" / "lakepact.yml")


def bundle_of(folder: Path, **files: str) -> Path:
    """A bundle in `folder`: databricks.yml and the files `bundles/NAME.yml`."""
    (folder / "bundles").mkdir(parents=True, exist_ok=True)
    (folder / "databricks.yml").write_text(ROOT_YML, encoding="utf-8")
    for name, text in ({"one": "resources: {}\n"} | files).items():
        (folder / "bundles" / f"{name}.yml").write_text(text, encoding="utf-8")
    return folder
