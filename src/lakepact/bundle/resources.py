"""A whole bundle from a lakepact.yml, as data."""

from __future__ import annotations

from pathlib import Path

from lakepact.bundle.context import context_of
from lakepact.bundle.governance import governance_file
from lakepact.bundle.jobs import jobs_file
from lakepact.bundle.model import BundleFile
from lakepact.bundle.pipelines import pipelines_file
from lakepact.bundle.python_resources import python_file
from lakepact.bundle.receiver import receiver_files
from lakepact.bundle.root import SHARED_TARGETS, root_file
from lakepact.project.model import Project

__all__ = ["bundle_files"]


def bundle_files(project: Project, root: Path, *, python: bool = False) -> tuple[BundleFile, ...]:
    """The files of the bundle in `root` that deploys `project`; nothing is written.

    With `python` jobs and pipelines are Python (`lakepact.bundle.python_resources`) in the place of YAML.
    Raises as `lakepact.bundle.context.context_of` does.
    """
    context = context_of(project, root)
    made = (python_file(context, SHARED_TARGETS),) if python else (pipelines_file(context), jobs_file(context))
    return (
        root_file(context, python=python),
        *made,
        governance_file(context),
        *receiver_files(context),
    )
