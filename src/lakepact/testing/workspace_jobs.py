"""Jobs of the workspace double: their settings, checked field by field before a job is made or changed."""

from __future__ import annotations

import copy
import graphlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lakepact.testing.workspace_http import Request, Route, invalid, missing, no_more_than

__all__ = ["Job", "WorkspaceJobs"]

_SETTINGS: Final = {
    *("name", "description", "email_notifications", "webhook_notifications", "notification_settings", "health"),
    *("timeout_seconds", "schedule", "trigger", "continuous", "max_concurrent_runs", "tasks", "job_clusters"),
    *("git_source", "tags", "format", "queue", "parameters", "run_as", "edit_mode", "deployment", "environments"),
    *("budget_policy_id", "usage_policy_id", "performance_target", "access_control_list", "parent_path"),
}
_KINDS: Final[Mapping[str, tuple[set[str], tuple[str, ...]]]] = {
    "python_wheel_task": (
        {"package_name", "entry_point", "parameters", "named_parameters"},
        ("package_name", "entry_point"),
    ),
    "run_job_task": (
        {
            *("job_id", "job_parameters", "dbt_commands", "jar_params", "notebook_params", "pipeline_params"),
            *("python_named_params", "python_params", "spark_submit_params", "sql_params"),
        },
        ("job_id",),
    ),
    "pipeline_task": (
        {
            *("pipeline_id", "full_refresh", "full_refresh_selection", "parameters", "refresh_selection"),
            *("refresh_flow_selection", "reset_checkpoint_selection"),
        },
        ("pipeline_id",),
    ),
    "for_each_task": ({"inputs", "concurrency", "task"}, ("inputs", "task")),
    "notebook_task": ({"notebook_path", "base_parameters", "source", "warehouse_id"}, ("notebook_path",)),
    "spark_python_task": ({"python_file", "parameters", "source"}, ("python_file",)),
    "sql_task": ({"query", "dashboard", "alert", "file", "parameters", "warehouse_id"}, ("warehouse_id",)),
}
_TASK: Final = {
    *("task_key", "description", "depends_on", "run_if", "disabled", "disable_auto_optimization", "environment_key"),
    *("existing_cluster_id", "job_cluster_key", "new_cluster", "libraries", "max_retries", "timeout_seconds"),
    *("min_retry_interval_millis", "retry_on_timeout", "email_notifications", "webhook_notifications"),
    *("notification_settings", "health", "compute"),
} | _KINDS.keys()
_RUN_IF: Final = (
    *("ALL_SUCCESS", "ALL_DONE", "NONE_FAILED", "AT_LEAST_ONE_SUCCESS", "ALL_FAILED", "AT_LEAST_ONE_FAILED"),
)
_SPEC: Final = {"client", "environment_version", "base_environment", "dependencies", "java_dependencies"}
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_VERSIONS: Final = ("2.1", "2.2")
_MOST: Final = 100


@dataclass(slots=True)
class Job:
    """A job: its settings as they were given, and who made it when."""

    id: int
    settings: dict[str, Any]
    creator: str
    created: int

    @property
    def name(self) -> str:
        """The name of the job."""
        return str(self.settings.get("name", "Untitled"))

    @property
    def run_as(self) -> str:
        """Who its runs are."""
        given = self.settings.get("run_as", {})
        return str(given.get("service_principal_name") or given.get("user_name") or self.creator)


@dataclass(slots=True)
class WorkspaceJobs:
    """Jobs by id; `has_pipeline` says whether a pipeline is there, `deleted` is told of a job that is gone."""

    user: str
    clock: Callable[[], float]
    has_pipeline: Callable[[str], bool]
    deleted: Callable[[int], None]
    jobs: dict[int, Job] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(100_000_000_000_001))

    def job(self, id: object) -> Job:
        """The job of an id; refused where there is none."""
        found = self.jobs.get(id) if isinstance(id, int) else None
        if found is None:
            # As there: clients know these words for something that is gone, although the status is 400.
            raise invalid(f"Job {id} does not exist.")
        return found

    def routes(self) -> Iterator[Route]:
        """The API of jobs without runs."""
        for version in _VERSIONS:
            base = f"/api/{version}/jobs"
            yield Route("POST", f"{base}/create", self._create)
            yield Route("POST", f"{base}/reset", self._reset)
            yield Route("POST", f"{base}/update", self._update)
            yield Route("POST", f"{base}/delete", self._delete)
            yield Route("GET", f"{base}/get", self._get)
            yield Route("GET", f"{base}/list", self._list)

    def _create(self, request: Request) -> dict[str, Any]:
        settings = self._checked(request.fields(_SETTINGS))
        job = Job(next(self._ids), settings, self.user, int(self.clock() * 1000))
        self.jobs[job.id] = job
        return {"job_id": job.id}

    def _reset(self, request: Request) -> dict[str, Any]:
        given = request.fields((), needed=["job_id", "new_settings"])
        job = self.job(given["job_id"])
        no_more_than(given["new_settings"], _SETTINGS)
        job.settings = self._checked(given["new_settings"])
        return {}

    def _update(self, request: Request) -> dict[str, Any]:
        given = request.fields({"new_settings", "fields_to_remove"}, needed=["job_id"])
        job, new = self.job(given["job_id"]), given.get("new_settings", {})
        no_more_than(new, _SETTINGS)
        kept = {key: value for key, value in job.settings.items() if key not in given.get("fields_to_remove", [])}
        job.settings = self._checked(kept | new)
        return {}

    def _delete(self, request: Request) -> dict[str, Any]:
        id = self.job(request.fields((), needed=["job_id"])["job_id"]).id
        self.deleted(id)
        del self.jobs[id]
        return {}

    def _get(self, request: Request) -> dict[str, Any]:
        return _shown(self.job(request.number("job_id")))

    def _list(self, request: Request) -> dict[str, Any]:
        wanted, limit = request.query.get("name"), int(request.query.get("limit", "20"))
        if not 1 <= limit <= _MOST:
            raise invalid(f"limit must be between 1 and {_MOST}, not {limit}.")
        # Names are compared without regard to case, and the newest job comes first.
        found = [each for each in reversed(self.jobs.values()) if not wanted or each.name.lower() == wanted.lower()]
        begin = int(request.query.get("page_token") or "0")
        page: dict[str, Any] = {"has_more": begin + limit < len(found)}
        if shown := [_shown(each) for each in found[begin : begin + limit]]:
            page["jobs"] = shown
        if page["has_more"]:
            page["next_page_token"] = str(begin + limit)
        return page

    def _checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with the defaults that the API adds; refused where they cannot be a job."""
        defaults: dict[str, Any] = {"timeout_seconds": 0, "max_concurrent_runs": 1, "format": "MULTI_TASK"}
        settings = defaults | {"email_notifications": {}, "webhook_notifications": {}} | copy.deepcopy(dict(given))
        settings.pop("access_control_list", None)
        tasks = settings.get("tasks", [])
        if not tasks:
            raise invalid("A job must have at least one task.")
        environments = self._environments(settings)
        for task in tasks:
            self._check_task(task, environments)
        _check_order(tasks)
        _check_schedule(settings.get("schedule"))
        names = [_needed(each, "name", "parameters.") for each in settings.get("parameters", [])]
        if len(set(names)) != len(names):
            raise invalid("The names of job parameters must be unique.")
        if "queue" in settings:
            no_more_than(settings["queue"], {"enabled"}, "queue.")
        return settings

    def _environments(self, settings: Mapping[str, Any]) -> set[str]:
        keys = set()
        for each in settings.get("environments", []):
            no_more_than(each, {"environment_key", "spec"}, "environments.")
            no_more_than(each.get("spec", {}), _SPEC, "environments.spec.")
            keys.add(_needed(each, "environment_key", "environments."))
        return keys

    def _check_task(self, task: Mapping[str, Any], environments: set[str]) -> None:
        no_more_than(task, _TASK, "tasks.")
        key = _needed(task, "task_key", "tasks.")
        if not _KEY.fullmatch(key):
            raise invalid(f"The task key '{key}' may only hold letters, digits, - and _.")
        kinds = [kind for kind in _KINDS if kind in task]
        if len(kinds) != 1:
            raise invalid(f"Task '{key}' must have exactly one kind of work, not {len(kinds)}.")
        known, needed = _KINDS[kinds[0]]
        work = task[kinds[0]]
        no_more_than(work, known, f"{kinds[0]}.")
        for name in needed:
            _needed(work, name, f"{kinds[0]}.")
        if kinds[0] == "for_each_task":
            if "for_each_task" in work["task"]:
                raise invalid(f"Task '{key}' may not hold another for each task.")
            self._check_task(work["task"], environments)
        environment = task.get("environment_key")
        if environment is not None and environment not in environments:
            raise invalid(f"Task '{key}' references the environment '{environment}', which is not defined.")
        computes = {"environment_key", "existing_cluster_id", "job_cluster_key", "new_cluster"}
        if kinds[0] == "python_wheel_task" and not computes & task.keys():
            raise invalid(f"Task '{key}' needs an environment or a cluster.")
        if task.get("run_if", "ALL_SUCCESS") not in _RUN_IF:
            raise invalid(f"run_if must be one of {', '.join(_RUN_IF)}.")
        if kinds[0] == "run_job_task":
            self.job(work["job_id"])
        if kinds[0] == "pipeline_task" and not self.has_pipeline(work["pipeline_id"]):
            raise missing(f"Pipeline {work['pipeline_id']} does not exist.")


def _needed(found: Mapping[str, Any], name: str, where: str) -> str:
    if not found.get(name):
        raise invalid(f"Missing required field: {where}{name}")
    return str(found[name])


def _check_order(tasks: Sequence[Mapping[str, Any]]) -> None:
    above = {task["task_key"]: [each["task_key"] for each in task.get("depends_on", [])] for task in tasks}
    if len(above) != len(tasks):
        raise invalid("The keys of tasks must be unique.")
    for key, keys in above.items():
        if unknown := [each for each in keys if each not in above]:
            raise invalid(f"Task '{key}' depends on '{unknown[0]}', which is not defined.")
    try:
        graphlib.TopologicalSorter(above).prepare()
    except graphlib.CycleError:
        raise invalid("The tasks depend on each other in a circle.") from None


def _check_schedule(schedule: Mapping[str, Any] | None) -> None:
    if schedule is None:
        return
    no_more_than(schedule, {"quartz_cron_expression", "timezone_id", "pause_status"}, "schedule.")
    expression = _needed(schedule, "quartz_cron_expression", "schedule.")
    _needed(schedule, "timezone_id", "schedule.")
    if len(expression.split()) not in (6, 7):
        raise invalid(f"Invalid quartz cron expression: {expression}")


def _shown(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "creator_user_name": job.creator,
        "created_time": job.created,
        "run_as_user_name": job.run_as,
        "settings": copy.deepcopy(job.settings),
    }
