"""Schemas, volumes and the secret scope of a bundle, and who may do what in a target that is not one person's."""

from __future__ import annotations

from typing import Any, Final

from lakepact.bundle.context import Context
from lakepact.bundle.jobs import JOBS
from lakepact.bundle.model import BundleFile

__all__ = ["governance_file", "rights"]

_RUNNER: Final = "${var.runner}"
_APP: Final = "${resources.apps.receiver_app.service_principal_client_id}"
_PURPOSE: Final = (
    "Where data, contracts and secrets are. Who may use them is said by the target: in `dev` nobody but you.",
)
_COMMENTS: Final = {
    "resources.schemas.store_schema": "`lakepact store init` makes the tables of the store in it, once.",
    "resources.schemas.inbox_schema": "The first who comes makes its table `contract_inbox`: the job, or its owner.",
    "resources.schemas.inbox_schema.grants": "The app runs as a principal of its own, in every target.",
    "resources.volumes.records_volume": "What jobs remember between runs: results, and what waits for Collibra.",
    "resources.secret_scopes.lakepact_secrets": "Holds `webhook` and `collibra`; no file of the bundle holds a secret.",
}


def governance_file(context: Context) -> BundleFile:
    """The file `bundles/governance.yml`."""
    data_schema = "${resources.schemas.data_schema.name}"
    store_schema = "${resources.schemas.store_schema.name}"
    data = {
        "schemas": {
            "data_schema": _schema("${var.schema}", f"What the pipelines of {context.name} publish."),
            "store_schema": _schema("${var.store_schema}", "Contracts, their versions and their history."),
            "inbox_schema": {
                **_schema("${var.inbox_schema}", "Notices about contracts, and what became of them."),
                "grants": [_grant(_APP, "USE_SCHEMA", "SELECT", "MODIFY")],
            },
        },
        "volumes": {
            "landing_volume": _volume(data_schema, "landing", "Files as they arrive."),
            "records_volume": _volume(store_schema, "records", "What lakepact's jobs remember."),
        },
        "secret_scopes": {"lakepact_secrets": {"name": "lakepact-${var.suffix}"}},
    }
    return BundleFile(path="bundles/governance.yml", data={"resources": data}, purpose=_PURPOSE, comments=_COMMENTS)


def rights(context: Context) -> dict[str, Any]:
    """What a shared target adds to the resources: who runs, who may start, who may read, and no more."""
    run_as = {"run_as": _as_principal(_RUNNER)}
    # Whose updates a pipeline's are does not say who may start them: the rerun job does, as the runner.
    run = [{"level": "CAN_RUN", **_as_principal(_RUNNER)}]
    may_start = [{"level": "CAN_MANAGE_RUN", **_as_principal(who)} for who in ("${var.caller}", _RUNNER, _APP)]
    jobs: dict[str, Any] = {key: dict(run_as) for key in JOBS}
    jobs["contract_rerun"]["permissions"] = may_start
    read = _grant("${var.readers}", "USE_SCHEMA", "SELECT")
    create = _grant(_RUNNER, "USE_SCHEMA", "SELECT", "CREATE_TABLE", "CREATE_MATERIALIZED_VIEW")
    return {
        "pipelines": {key: {**run_as, "permissions": run} for key in context.keys.values()},
        "jobs": jobs,
        "apps": {"receiver_app": {"permissions": [{"level": "CAN_USE", **_as_principal("${var.caller}")}]}},
        "schemas": {
            "data_schema": {"grants": [create, read]},
            "store_schema": {"grants": [_grant(_RUNNER, "USE_SCHEMA", "SELECT", "MODIFY", "CREATE_TABLE"), read]},
            "inbox_schema": {"grants": [_grant(_RUNNER, "USE_SCHEMA", "SELECT", "MODIFY", "CREATE_TABLE"), read]},
        },
        "volumes": {
            "landing_volume": {"grants": [_grant(_RUNNER, "READ_VOLUME")]},
            "records_volume": {"grants": [_grant(_RUNNER, "READ_VOLUME", "WRITE_VOLUME")]},
        },
        "secret_scopes": {"lakepact_secrets": {"permissions": [{"level": "READ", **_as_principal(_RUNNER)}]}},
    }


def _schema(name: str, comment: str) -> dict[str, Any]:
    return {"catalog_name": "${var.catalog}", "name": name, "comment": comment}


def _volume(schema: str, name: str, comment: str) -> dict[str, Any]:
    where = {"catalog_name": "${var.catalog}", "schema_name": schema}
    return {**where, "name": name, "volume_type": "MANAGED", "comment": comment}


def _as_principal(name: str) -> dict[str, str]:
    return {"service_principal_name": name}


def _grant(principal: str, *privileges: str) -> dict[str, Any]:
    return {"principal": principal, "privileges": list(privileges)}
