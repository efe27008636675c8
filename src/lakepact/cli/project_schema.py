"""`lakepact project-schema`: the JSON Schema of lakepact.yml, for editors."""

from __future__ import annotations

from lakepact.cli.output import show_json

__all__ = ["project_schema"]


def project_schema() -> None:
    """Print the JSON Schema of lakepact.yml."""
    from lakepact.project.schema import project_schema as schema

    show_json(schema())
