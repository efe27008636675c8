"""The jobs of a bundle: the rerun, the poll that makes sure of it, and what brings waiting things to Collibra."""

from __future__ import annotations

from typing import Any, Final

from lakepact.bundle.context import RECORDS, STORE_SCHEMA, Context
from lakepact.bundle.model import BundleFile

__all__ = ["ENTRY_POINT", "JOBS", "WITHOUT_COMMAND", "jobs_file"]

ENTRY_POINT: Final = "lakepact-task"
"""The script of the wheel that a task calls; it raises where `lakepact` would end with another exit code than 0."""

JOBS: Final = ("contract_rerun", "contract_poll", "contract_sync")
"""The keys of the jobs."""

WITHOUT_COMMAND: Final = ("quality_sla", "retention")
"""Jobs that are left out: lakepact has no command yet that they could call."""

_PURPOSE: Final = (
    "What follows when a contract is validated. Left out until lakepact has a command for them:",
    f"{', '.join(WITHOUT_COMMAND)}.",
)
_COMMENTS: Final = {
    "resources.jobs.contract_rerun": (
        "Takes what waits in the inbox, brings it into force and runs the pipelines that it concerns."
    ),
    "resources.jobs.contract_rerun.max_concurrent_runs": (
        "A second update of a busy pipeline fails: runs wait for each other in the queue."
    ),
    "resources.jobs.contract_poll": (
        "Starts the job above, whoever else starts it: a notice that was lost costs one interval, no more."
    ),
    "resources.jobs.contract_sync": "Brings drafts and outcomes to Collibra that it did not take before.",
}
_HOUR: Final = 3600


def jobs_file(context: Context) -> BundleFile:
    """The file `bundles/jobs.yml`."""
    jobs = {"contract_rerun": _rerun(context), "contract_poll": _poll(), "contract_sync": _sync(context)}
    return BundleFile(path="bundles/jobs.yml", data={"resources": {"jobs": jobs}}, purpose=_PURPOSE, comments=_COMMENTS)


def _rerun(context: Context) -> dict[str, Any]:
    store = f"uc:${{var.catalog}}.{STORE_SCHEMA}?warehouse=${{var.warehouse_id}}"
    words = ["rerun", context.folder, "--env", "${var.environment}", "--poll", "--inbox", "${var.inbox}"]
    words += ["--source", "collibra:${var.collibra_settings}", "--store", store, "--records", RECORDS]
    for name, pipeline in context.project.pipelines.items():
        if pipeline.contract:
            words += ["--pipeline-id", f"{name}=${{resources.pipelines.{context.keys[name]}.id}}"]
    return {
        "name": "contract_rerun",
        "max_concurrent_runs": 1,
        "queue": {"enabled": True},
        "timeout_seconds": 4 * _HOUR,
        **_wheel_task(context, "rerun", words),
    }


def _poll() -> dict[str, Any]:
    task = {"task_key": "poll", "run_job_task": {"job_id": "${resources.jobs.contract_rerun.id}"}}
    return {
        "name": "contract_poll",
        "max_concurrent_runs": 1,
        "schedule": {"quartz_cron_expression": "${var.poll_schedule}", "timezone_id": "UTC"},
        "tasks": [task],
    }


def _sync(context: Context) -> dict[str, Any]:
    words = ["collibra", "sync", "--settings", "${var.collibra_settings}"]
    words += ["--drafts", f"{RECORDS}/drafts", "--outbox", f"{RECORDS}/feedback"]
    return {
        "name": "contract_sync",
        "max_concurrent_runs": 1,
        "timeout_seconds": _HOUR,
        "schedule": {"quartz_cron_expression": "${var.sync_schedule}", "timezone_id": "UTC"},
        **_wheel_task(context, "sync", words),
    }


def _wheel_task(context: Context, key: str, words: list[str]) -> dict[str, Any]:
    task = {
        "task_key": key,
        "environment_key": "lakepact",
        "python_wheel_task": {"package_name": "lakepact", "entry_point": ENTRY_POINT, "parameters": words},
    }
    spec = {"environment_version": "4", "dependencies": list(context.wheel.job_dependencies)}
    return {"tasks": [task], "environments": [{"environment_key": "lakepact", "spec": spec}]}
