"""The grammar of lakepact.yml as a JSON Schema: what editors check is what the loader checks."""

from __future__ import annotations

from typing import Any

__all__ = ["NAME_PATTERN", "PROJECT_VERSION", "own_schema", "project_schema"]

PROJECT_VERSION = 1

# Names of pipelines and environments become file names and table names.
NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$"

_NOTIFICATIONS = "Who is told of broken contracts: the settings of notify.yml, or the path of their file."

_SCALAR = ["string", "number", "boolean"]


def project_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a lakepact.yml, as a new dict.

    >>> project_schema()["required"]
    ['version', 'environments', 'pipelines']
    """
    # Few projects have such settings, and to read their grammar takes longer than to read a project.
    from lakepact.notify.quality_violations import quality_violations_schema
    from lakepact.notify.schema import settings_schema

    settings = settings_schema()
    for inner in ("$schema", "title"):
        settings.pop(inner)
    file = _text("File with the settings, relative to this file.")
    forms = {"description": _NOTIFICATIONS, "oneOf": [file, settings, quality_violations_schema()]}
    schema = own_schema()
    schema["properties"]["notifications"] = forms
    return schema


def own_schema() -> dict[str, Any]:
    """The schema without the grammar of `notifications`, which `lakepact.notify` reads."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lakepact project",
        "description": "Which data contracts become which pipelines, from which sources, and where they publish.",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "environments", "pipelines"],
        "properties": {
            "version": {"description": "Version of this format.", "const": PROJECT_VERSION},
            "contracts": _texts("Files with ODCS contracts: paths or globs, relative to this file.", least=1),
            "variables": _scalars("Values of ${name} in every environment that has none of its own."),
            "environments": _named("environment", "Where pipelines publish; the first one is the default."),
            "pipelines": _named("pipeline", "What is built, by name."),
            "notifications": {"description": _NOTIFICATIONS},
        },
        "$defs": {
            "environment": _environment(),
            "pipeline": _pipeline(),
            "object": {"oneOf": [_file_entry(), _table_entry(), _sql_entry()]},
        },
    }


def _environment() -> dict[str, Any]:
    return _closed(
        required=["catalog", "schema"],
        properties={
            "catalog": _text("Catalog that the pipeline publishes to."),
            "schema": _text("Schema that the pipeline publishes to."),
            "storage": _text("Folder of the local lake; leave it out for an environment on Databricks."),
            "variables": _scalars("Values of ${name} in this environment."),
            "mask_functions": _texts_by_name("Function that masks a column, by the column's classification."),
        },
    )


def _pipeline() -> dict[str, Any]:
    return _closed(
        required=[],
        properties={
            "contract": _text("Id of the contract."),
            "version": {
                "description": "Accepted versions of the contract, such as >=1.0,<2; the highest one is taken.",
                "type": ["string", "number"],
            },
            "policy": _text("File that says which action a broken rule has, relative to this file."),
            "objects": {
                "description": "Where each schema object of the contract comes from, by its name.",
                "type": "object",
                "propertyNames": {"minLength": 1},
                "additionalProperties": {"$ref": "#/$defs/object"},
            },
            "sources": _texts("Hand-written .py and .sql files of the same pipeline: paths or globs.", least=0),
            "configuration": _scalars("Configuration of the pipeline."),
        },
    )


def _file_entry() -> dict[str, Any]:
    own = {
        "path": _text("File or folder, relative to this file, or a URI."),
        "format": _text("Format: csv, json, parquet, delta, avro, orc, text, binaryFile, xml."),
        "options": _scalars("Options of the reader."),
    }
    return _closed(required=["path", "format"], properties=own | _shared())


def _table_entry() -> dict[str, Any]:
    return _closed(required=["table"], properties={"table": _text("Table: one to three names with dots.")} | _shared())


def _sql_entry() -> dict[str, Any]:
    return _closed(required=["sql"], properties={"sql": _text("Query over other datasets or tables.")} | _shared())


def _shared() -> dict[str, Any]:
    return {
        "mode": {"description": "How the object is fed (default: batch).", "enum": ["stream", "batch"]},
        "rename": _texts_by_name("Name that a column has in the source, by its name in the contract."),
    }


def _closed(*, required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "type": "string", "minLength": 1}


def _texts(description: str, *, least: int) -> dict[str, Any]:
    items = {"type": "string", "minLength": 1}
    return {"description": description, "type": "array", "minItems": least, "items": items}


def _scalars(description: str) -> dict[str, Any]:
    return {"description": description, "type": "object", "additionalProperties": {"type": list(_SCALAR)}}


def _texts_by_name(description: str) -> dict[str, Any]:
    values = {"type": "string", "minLength": 1}
    return {"description": description, "type": "object", "additionalProperties": values}


def _named(definition: str, description: str) -> dict[str, Any]:
    return {
        "description": description,
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": NAME_PATTERN},
        "additionalProperties": {"$ref": f"#/$defs/{definition}"},
    }
