"""The receiver of notices as a Databricks App."""

from __future__ import annotations

from typing import Any, Final

from lakepact.bundle.context import Context
from lakepact.bundle.model import BundleFile
from lakepact.bundle.wheel import RECEIVER_FOLDER

__all__ = ["receiver_files"]

_SCOPE: Final = "${resources.secret_scopes.lakepact_secrets.name}"
_KEY: Final = "webhook"
_RERUN: Final = "${resources.jobs.contract_rerun.id}"
_PURPOSE: Final = ("The webhook (`lakepact webhook serve`) as an app. Its address ends with /api/webhooks/collibra.",)
_COMMENTS: Final = {
    "resources.apps.receiver_app.config.env[1]": "Only the app's own front door reaches it.",
    "resources.apps.receiver_app.config.env[2]": (
        "Read anew every 30 seconds, so that a secret is changed without a restart."
    ),
    "resources.apps.receiver_app.config.env[3]": "Started when a notice was kept; the poll starts it all the same.",
    "resources.apps.receiver_app.resources": (
        "What the app may use: one secret, the warehouse for the inbox, and the start of one job. No pipeline."
    ),
}


def receiver_files(context: Context) -> tuple[BundleFile, ...]:
    """The files `bundles/receiver.yml` and `bundles/receiver/requirements.txt`."""
    requirements = BundleFile(path=f"{RECEIVER_FOLDER}/requirements.txt", data=(context.wheel.app_requirement,))
    app = BundleFile(
        path="bundles/receiver.yml",
        data={"resources": {"apps": {"receiver_app": _app()}}},
        purpose=_PURPOSE,
        comments=_COMMENTS,
    )
    return app, requirements


def _app() -> dict[str, Any]:
    return {
        "name": "lakepact-${var.suffix}",
        "description": "Receives notices that a contract was validated.",
        "source_code_path": "./receiver",
        "config": {
            "command": ["lakepact", "webhook", "serve"],
            "env": [
                {"name": "LAKEPACT_WEBHOOK_INBOX", "value": "${var.inbox}"},
                {"name": "LAKEPACT_WEBHOOK_HOST", "value": "0.0.0.0"},
                {"name": "LAKEPACT_WEBHOOK_SECRET_FROM", "value": f"databricks:{_SCOPE}/{_KEY}"},
                {"name": "LAKEPACT_WEBHOOK_JOB_ID", "value": _RERUN},
            ],
        },
        "resources": [
            {"name": "webhook-secret", "secret": {"scope": _SCOPE, "key": _KEY, "permission": "READ"}},
            {"name": "inbox-warehouse", "sql_warehouse": {"id": "${var.warehouse_id}", "permission": "CAN_USE"}},
            {"name": "rerun-job", "job": {"id": _RERUN, "permission": "CAN_MANAGE_RUN"}},
        ],
    }
