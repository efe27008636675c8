"""The jobs of a bundle: the rerun and the poll that makes sure of it, and what is done by the clock."""

from __future__ import annotations

from typing import Any, Final

from lakepact.bundle.context import RECORDS, STORE, Context
from lakepact.bundle.model import BundleFile

__all__ = ["ENTRY_POINT", "JOBS", "jobs_file"]

ENTRY_POINT: Final = "lakepact-task"
"""The script of the wheel that a task calls; it raises where `lakepact` would end with another exit code than 0."""

JOBS: Final = ("contract_rerun", "contract_poll", "contract_sync", "quality_sla", "retention")
"""The keys of the jobs."""

_PURPOSE: Final = ("What follows when a contract is validated, and what is done by the clock.",)
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
    "resources.jobs.quality_sla": (
        "Says how service levels stand, and tells people where lakepact.yml has `notifications`."
    ),
    "resources.jobs.retention": (
        "Removes rows that were set aside and whose time is over, from each table of the variable `quarantines`, and "
        "keeps a row a day of the results of each rule; removes old results, and events that ended long ago."
    ),
    "resources.jobs.contract_sync": "Brings drafts and outcomes to Collibra that it did not take before.",
}
_HOUR: Final = 3600


def jobs_file(context: Context) -> BundleFile:
    """The file `bundles/jobs.yml`."""
    jobs = {
        "contract_rerun": _rerun(context),
        "contract_poll": _poll(),
        "contract_sync": _sync(context),
        "quality_sla": _levels(context),
        "retention": _retention(context),
    }
    return BundleFile(path="bundles/jobs.yml", data={"resources": {"jobs": jobs}}, purpose=_PURPOSE, comments=_COMMENTS)


def _rerun(context: Context) -> dict[str, Any]:
    words = ["rerun", context.folder, "--env", "${var.environment}", "--poll", "--inbox", "${var.inbox}"]
    words += ["--source", "collibra:${var.collibra_settings}", "--store", STORE, "--records", RECORDS]
    words += ["--results", STORE]
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
        "schedule": _schedule("poll_schedule"),
        "tasks": [task],
    }


def _sync(context: Context) -> dict[str, Any]:
    words = ["collibra", "sync", "--settings", "${var.collibra_settings}"]
    words += ["--drafts", f"{RECORDS}/drafts", "--outbox", f"{RECORDS}/feedback"]
    return _by_the_clock("contract_sync", "sync_schedule", _HOUR, _wheel_task(context, "sync", words))


def _levels(context: Context) -> dict[str, Any]:
    words = ["sla", "status", context.folder, "--results", STORE, "--fail-on", "never"]
    if context.project.notifications is not None:
        words.append("--notify")
    return _by_the_clock("quality_sla", "sla_schedule", _HOUR // 2, _wheel_task(context, "levels", words))


def _retention(context: Context) -> dict[str, Any]:
    words = ["quarantine", "purge", "{{input}}", "--reason", "retention", "--actor", "lakepact-retention"]
    made = _wheel_task(context, "purge", words)
    (task,) = made["tasks"]
    each = {"task_key": "purge_each", "for_each_task": {"inputs": "${var.quarantines}", "task": task}}
    kept = _wheel_task(context, "rollup", ["results", "rollup", "--results", STORE])
    words = ["results", "prune", "--results", STORE, "--older-than", "${var.results_retention}"]
    (pruned,) = _wheel_task(context, "prune", words)["tasks"]
    pruned = {"task_key": "prune", "depends_on": [{"task_key": "rollup"}], **pruned}
    ended = _wheel_task(context, "events", ["webhook", "events", "purge", "--inbox", "${var.inbox}"])
    tasks = [each, *kept["tasks"], pruned, *ended["tasks"]]
    return _by_the_clock("retention", "retention_schedule", 2 * _HOUR, {**made, "tasks": tasks})


def _by_the_clock(name: str, schedule: str, seconds: int, work: dict[str, Any]) -> dict[str, Any]:
    settings = {"max_concurrent_runs": 1, "timeout_seconds": seconds, "schedule": _schedule(schedule)}
    return {"name": name, **settings, **work}


def _schedule(variable: str) -> dict[str, str]:
    return {"quartz_cron_expression": f"${{var.{variable}}}", "timezone_id": "UTC"}


def _wheel_task(context: Context, key: str, words: list[str]) -> dict[str, Any]:
    task = {
        "task_key": key,
        "environment_key": "lakepact",
        "python_wheel_task": {"package_name": "lakepact", "entry_point": ENTRY_POINT, "parameters": words},
    }
    spec = {"environment_version": "4", "dependencies": list(context.wheel.job_dependencies)}
    return {"tasks": [task], "environments": [{"environment_key": "lakepact", "spec": spec}]}
