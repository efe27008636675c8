"""The pipelines of a bundle: one for each of the project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lakepact.bundle.context import LANDING, STORE_SCHEMA, Context
from lakepact.bundle.model import BundleFile
from lakepact.project.files import matching_files
from lakepact.project.model import Pipeline
from lakepact.project.resolve import environment_values
from lakepact.project.variables import resolved

__all__ = ["pipeline_sources", "pipelines_file"]

_PURPOSE: Final = (
    "The pipelines of lakepact.yml. `development` is not set here: the mode of the target decides it.",
    "Catalog and schema come from the target, so that a source never names either.",
)
_CALLS_LAKEPACT: Final = re.compile(r"^\s*(?:from|import)\s+lakepact\b", re.MULTILINE)


def pipelines_file(context: Context) -> BundleFile:
    """The file `bundles/pipelines.yml`."""
    pipelines = context.project.pipelines
    data = {context.keys[name]: _pipeline(context, each) for name, each in pipelines.items()}
    comments: dict[str, str] = {}
    for key, each in data.items():
        at = f"resources.pipelines.{key}"
        comments[f"{at}.libraries"] = "One source each: a dataset that two files define fails the update."
        if "environment" in each:
            comments[f"{at}.environment"] = "The source calls lakepact.pipeline.register, which reads the store."
    return BundleFile(
        path="bundles/pipelines.yml", data={"resources": {"pipelines": data}}, purpose=_PURPOSE, comments=comments
    )


def _pipeline(context: Context, pipeline: Pipeline) -> dict[str, Any]:
    sources = pipeline_sources(context, pipeline)
    made: dict[str, Any] = {
        "name": pipeline.name,
        "catalog": "${var.catalog}",
        "schema": "${resources.schemas.data_schema.name}",
        "serverless": True,
        "libraries": [{"glob": {"include": context.from_bundles(source)}} for source in sources],
    }
    if any(_calls_lakepact(source) for source in sources):
        made["environment"] = {"dependencies": list(context.wheel.dependencies)}
    made["configuration"] = dict(_configuration(context, pipeline))
    return made


def pipeline_sources(context: Context, pipeline: Pipeline) -> list[Path]:
    """The generated source, where there is a contract, and those of the project file."""
    own = [file for glob in pipeline.sources for file in matching_files(context.project.root, glob)]
    made = [context.root / "pipelines" / f"{pipeline.name}.py"] if pipeline.contract else []
    return list(dict.fromkeys([*made, *own]))


def _calls_lakepact(source: Path) -> bool:
    try:
        return source.suffix == ".py" and bool(_CALLS_LAKEPACT.search(source.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return False  # `lakepact generate` has not written it yet, and what it writes needs nothing of lakepact


def _configuration(context: Context, pipeline: Pipeline) -> Mapping[str, str]:
    values = {
        **environment_values(context.environment),
        "environment": "${var.environment}",
        "catalog": "${var.catalog}",
        "schema": "${resources.schemas.data_schema.name}",
    }
    own = {"lakepact.landing": LANDING, "lakepact.store": f"spark:${{var.catalog}}.{STORE_SCHEMA}"}
    if pipeline.contract:
        own |= {"lakepact.contract": pipeline.contract, "lakepact.versions": pipeline.version}
    return own | {key: resolved(value, values) for key, value in pipeline.configuration.items()}
