"""The project file lakepact.yml: which contracts become which pipelines, from which sources, in which environments."""

from lakepact.project.load import PROJECT_FILE, find_project, load_project
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
from lakepact.project.resolve import resolve_contract, resolve_pipeline, select_environment, select_pipelines
from lakepact.project.schema import project_schema

__all__ = [
    "PROJECT_FILE",
    "Environment",
    "FileEntry",
    "ObjectEntry",
    "Pipeline",
    "Project",
    "ResolvedPipeline",
    "SqlEntry",
    "TableEntry",
    "find_project",
    "load_project",
    "project_schema",
    "resolve_contract",
    "resolve_pipeline",
    "select_environment",
    "select_pipelines",
]
