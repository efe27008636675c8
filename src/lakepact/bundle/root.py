"""The file databricks.yml: name, variables, what is included, and the targets."""

from __future__ import annotations

from typing import Any, Final

from lakepact.bundle.context import INBOX, Context
from lakepact.bundle.governance import rights
from lakepact.bundle.model import BundleFile
from lakepact.bundle.pipelines import pipeline_sources
from lakepact.bundle.python_resources import PYTHON_KINDS, PYTHON_RESOURCES
from lakepact.bundle.wheel import RECEIVER_FOLDER
from lakepact.project.model import Environment

__all__ = ["SHARED_TARGETS", "root_file"]

SHARED_TARGETS: Final = ("staging", "prod")
"""The targets that are not one person's."""

_PURPOSE: Final = (
    "Everything that lakepact needs in a Databricks workspace; docs/databricks.md says how to deploy it.",
)
_WITHOUT_DEFAULT: Final = {
    "warehouse_id": "SQL warehouse through which app and jobs reach inbox and contract store.",
    "collibra_settings": "Path of the settings for Collibra (docs/collibra.md) in the workspace.",
    "runner": "Application id of the service principal that runs jobs and pipelines.",
    "caller": "Application id of the service principal with which Collibra calls.",
    "readers": "Group that may read what is published, and the contracts.",
    "deployer": "Who deploys shared targets; files are in a folder that only they may change.",
}


def root_file(context: Context, *, python: bool = False) -> BundleFile:
    """The file `databricks.yml`; with `python` it names the source of jobs and pipelines in the place of their YAML."""
    data: dict[str, Any] = {
        "bundle": {"name": context.name},
        "include": ["bundles/governance.yml", "bundles/receiver.yml"] if python else ["bundles/*.yml"],
        "variables": _variables(context.environment),
    }
    if python:
        data["python"] = {"venv_path": ".venv", "resources": [PYTHON_RESOURCES]}
    comments = {
        "variables.warehouse_id": "Without a default: give them with --var, BUNDLE_VAR_... or variable-overrides.json.",
        "targets.dev": "Yours alone: names get your prefix, schedules are paused, everything runs as you.",
        "targets.dev.variables.runner": "Not used here, and must have a value all the same.",
    }
    if context.wheel.built:
        data["artifacts"] = {"lakepact": context.wheel.artifact}
        data["sync"] = {"paths": _uploaded(context), "include": [f"{RECEIVER_FOLDER}/*.whl"]}
        comments["artifacts.lakepact.build"] = "Into the folder of the app, which installs only what is in it."
        comments["sync.paths"] = "What runs there. The source of the wheel and its tests stay here."
        comments["sync.include"] = "Git ignores the wheel, and what Git ignores is not uploaded unless it is named."
    shared = {name: _shared(context, name, python=python) for name in SHARED_TARGETS}
    data["targets"] = {"dev": _dev(context), **shared}
    for name in SHARED_TARGETS:
        comments[f"targets.{name}.resources"] = (
            "run_as is set one by one: an app has none, and a bundle with an app allows none for all."
        )
        comments[f"targets.{name}.presets"] = f"lakepact.yml has no environment '{name}': schemas get this prefix."
    return BundleFile(path="databricks.yml", data=data, purpose=_PURPOSE, comments=comments)


def _uploaded(context: Context) -> list[str]:
    """The folders that the workspace needs: of the bundle, the pipelines, the project and the notebooks."""
    folders = [context.root / "bundles", context.project.root]
    for pipeline in context.project.pipelines.values():
        folders += [source.parent for source in pipeline_sources(context, pipeline)]
    if (notebooks := context.root / "notebooks").is_dir():
        folders.append(notebooks)
    below = sorted({each.relative_to(context.root).as_posix() for each in folders})
    return ["."] if "." in below else below


def _variables(environment: Environment) -> dict[str, Any]:
    given = {
        "environment": ("Environment of lakepact.yml.", environment.name),
        "catalog": ("Catalog of data and contracts.", environment.catalog),
        "schema": ("Schema that the pipelines publish to.", environment.schema),
        "store_schema": ("Schema of the contract store.", "lakepact"),
        "inbox_schema": ("Schema of the inbox; the app may write to nothing else.", "lakepact_inbox"),
        "inbox": ("Where events wait.", INBOX),
        "suffix": ("Ends the names of the app and of the secret scope.", "${bundle.target}"),
        "poll_schedule": ("When to look for validated contracts that nobody told of (Quartz).", "0 0/5 * * * ?"),
        "sync_schedule": ("When to bring waiting drafts and outcomes to Collibra (Quartz).", "0 15 * * * ?"),
        "sla_schedule": ("When to look at service levels (Quartz).", "0 5 * * * ?"),
        "retention_schedule": ("When to remove what was set aside and whose time is over (Quartz).", "0 30 3 * * ?"),
        "results_retention": ("How long each result of a rule is kept; a row a day stays.", "90d"),
        "quarantines": ('JSON list of tables with rows that were set aside: ["spark:main.a.b__quarantine"].', "[]"),
    }
    variables: dict[str, Any] = {
        name: {"description": words, "default": default} for name, (words, default) in given.items()
    }
    return variables | {name: {"description": words} for name, words in _WITHOUT_DEFAULT.items()}


def _dev(context: Context) -> dict[str, Any]:
    unused = dict.fromkeys(("runner", "caller", "readers"), "none")
    own = {"suffix": "${workspace.current_user.domain_friendly_name}", "deployer": "${workspace.current_user.userName}"}
    return {"default": True, "mode": "development", "variables": _own_values(context, "dev") | own | unused}


def _shared(context: Context, name: str, *, python: bool) -> dict[str, Any]:
    target: dict[str, Any] = {
        "mode": "production",
        "workspace": {"root_path": "/Workspace/Users/${var.deployer}/.bundle/${bundle.name}/${bundle.target}"},
    }
    if variables := _own_values(context, name):
        target["variables"] = variables
    elif name != context.environment.name:
        target["presets"] = {"name_prefix": f"[{name}] "}
    target["permissions"] = [{"level": "CAN_VIEW", "group_name": "${var.readers}"}]
    # Rights on what is Python are there: a target cannot add to a resource that no YAML has.
    given = rights(context)
    target["resources"] = {kind: each for kind, each in given.items() if not (python and kind in PYTHON_KINDS)}
    return target


def _own_values(context: Context, target: str) -> dict[str, str]:
    """What the environment of the target's name says; the default environment's values need no repetition."""
    found = context.environments.get(target)
    if found is None or found is context.environment:
        return {}
    return {"environment": found.name, "catalog": found.catalog, "schema": found.schema}
