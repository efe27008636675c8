"""Runs of jobs in the workspace double: their tasks really run, in order, as many at once as the job allows."""

from __future__ import annotations

import copy
import graphlib
import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lakepact.testing.loopback import Reply
from lakepact.testing.workspace_http import Refused, Request, Route, invalid
from lakepact.testing.workspace_jobs import Job, WorkspaceJobs
from lakepact.testing.workspace_tasks import Outcome

__all__ = ["RunWork", "WorkspaceRuns"]

_RUN_NOW: Final = {
    *("job_parameters", "python_params", "python_named_params", "pipeline_params", "notebook_params", "sql_params"),
    *("dbt_commands", "jar_params", "spark_submit_params", "idempotency_token", "queue", "only", "performance_target"),
}
# What the double has no tasks for.
_UNABLE: Final = ("dbt_commands", "jar_params", "notebook_params", "spark_submit_params", "sql_params")
_PASSED_ON: Final = ("job_parameters", "pipeline_params", "python_named_params", "python_params", *_UNABLE)
# A task that was left out, which keeps none that depends on it from running.
_LEFT_OUT: Final = ("DISABLED", "EXCLUDED")
_VERSIONS: Final = ("2.1", "2.2")
_PARAMETER: Final = re.compile(r"\{\{\s*job\.parameters\.([\w.-]+)\s*\}\}")
_INPUT: Final = re.compile(r"\{\{\s*input(?:\.([\w-]+))?\s*\}\}")
_PAUSE: Final = 0.02
_TOKEN_LIMIT: Final = 64

RunWork = Callable[[Job, Mapping[str, Any], Sequence[str] | None, threading.Event], Outcome]
"""Does a wheel task: the job, the task's settings, parameters that replace its own, and what asks it to stop."""


@dataclass(slots=True)
class _TaskRun:
    id: int
    task: Mapping[str, Any]
    life: str = "PENDING"
    outcome: Outcome | None = None
    started: int = 0
    ended: int = 0

    @property
    def result(self) -> str:
        return self.outcome.result if self.outcome is not None else ""


@dataclass(slots=True)
class _Run:
    id: int
    job: Job
    asked: Mapping[str, Any]
    tasks: list[_TaskRun]
    created: int
    number: int
    life: str = "PENDING"
    result: str = ""
    message: str = ""
    started: int = 0
    ended: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


class WorkspaceRuns:
    """Runs of the jobs in `jobs`.

    Runs above the job's `max_concurrent_runs` wait where its queue is enabled, and are skipped where it is not. A
    second request with the same idempotency token gives the first run. `work` does wheel tasks; a task that runs a
    pipeline or another job does so by `ask`, the API itself; a task for each of some inputs takes one after the other.
    Other kinds of tasks end as an internal error that says so. Retries and schedules do not happen.
    """

    def __init__(
        self,
        jobs: WorkspaceJobs,
        *,
        work: RunWork,
        ask: Callable[[str, str, bytes], Reply],
        user: str,
        clock: Callable[[], float],
        lock: threading.RLock,
    ) -> None:
        self._jobs = jobs
        self._work = work
        self._ask = ask
        self._user = user
        self._clock = clock
        self._lock = lock
        self._ids = itertools.count(900_000_000_000_001)
        self._runs: dict[int, _Run] = {}
        self._tokens: dict[str, int] = {}

    def printed(self, job_name: str) -> str:
        """What the tasks of the newest run of a job have printed, one after the other."""
        newest = [run for run in self._runs.values() if run.job.name == job_name][-1:]
        return "".join(each.outcome.logs for run in newest for each in run.tasks if each.outcome is not None)

    def cancel_all(self) -> None:
        """Cancel every run that has not ended, and wait until all have."""
        runs = list(self._runs.values())
        for run in runs:
            run.stopped.set()
        for run in runs:
            run.over.wait(30)

    def cancel_of(self, job_id: int) -> None:
        """Cancel what a job is running."""
        for run in self._active(job_id):
            run.stopped.set()

    def routes(self) -> Iterator[Route]:
        """The API of runs."""
        for version in _VERSIONS:
            base = f"/api/{version}/jobs"
            yield Route("POST", f"{base}/run-now", self._run_now)
            yield Route("POST", f"{base}/runs/cancel", self._cancel)
            yield Route("POST", f"{base}/runs/cancel-all", self._cancel_all)
            yield Route("POST", f"{base}/runs/delete", self._delete)
            yield Route("GET", f"{base}/runs/get", self._get)
            yield Route("GET", f"{base}/runs/list", self._list)
            yield Route("GET", f"{base}/runs/get-output", self._output)

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _active(self, job_id: int) -> list[_Run]:
        return [run for run in self._runs.values() if run.job.id == job_id and not run.over.is_set()]

    def _run_now(self, request: Request) -> dict[str, Any]:
        given = request.fields(_RUN_NOW, needed=["job_id"])
        job, token = self._jobs.job(given["job_id"]), given.get("idempotency_token", "")
        if len(token) > _TOKEN_LIMIT:
            raise invalid(f"The idempotency token may have at most {_TOKEN_LIMIT} characters.")
        known = {each["name"] for each in job.settings.get("parameters", [])}
        if unknown := sorted(given.get("job_parameters", {}).keys() - known):
            raise invalid(f"Job parameters {', '.join(unknown)} are not defined.")
        if token in self._tokens:
            return self._started(self._runs[self._tokens[token]])
        keys = {each["task_key"] for each in job.settings["tasks"]}
        if unknown := sorted(set(given.get("only") or ()) - keys):
            raise invalid(f"Task keys {', '.join(unknown)} are not in the job.")
        run = self._new(job, given)
        if token:
            self._tokens[token] = run.id
        return self._started(run)

    def _started(self, run: _Run) -> dict[str, Any]:
        return {"run_id": run.id, "number_in_job": run.number}

    def _new(self, job: Job, given: Mapping[str, Any]) -> _Run:
        for key in _UNABLE:
            if given.get(key):
                raise invalid(f"This workspace is a double that does not do {key}.")
        settings = copy.deepcopy(job.settings)
        job = Job(job.id, settings, job.creator, job.created)
        tasks = [_TaskRun(next(self._ids), each) for each in settings["tasks"]]
        number = sum(1 for each in self._runs.values() if each.job.id == job.id) + 1
        run = _Run(next(self._ids), job, given, tasks, self._now(), number)
        busy = len(self._active(job.id)) >= settings["max_concurrent_runs"]
        queued = bool((given.get("queue") or settings.get("queue") or {}).get("enabled"))
        self._runs[run.id] = run
        if busy and not queued:
            message = f"Skipping this run because the limit of {settings['max_concurrent_runs']} runs is reached."
            self._end(run, "SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED", message)
            return run
        run.life = "QUEUED" if busy else "PENDING"
        threading.Thread(target=self._run, args=(run,), daemon=True).start()
        return run

    def _end(self, run: _Run, life: str, result: str, message: str) -> None:
        with self._lock:
            run.life, run.result, run.message, run.ended = life, result, message, self._now()
            run.over.set()

    def _run(self, run: _Run) -> None:
        while not self._may_start(run):
            if run.stopped.wait(_PAUSE):
                self._end(run, "TERMINATED", "CANCELED", "Run cancelled.")
                return
        order = graphlib.TopologicalSorter({each.task["task_key"]: _above(each.task) for each in run.tasks})
        by_key = {each.task["task_key"]: each for each in run.tasks}
        for key in order.static_order():
            self._run_task(run, by_key[key], [by_key[each] for each in _above(by_key[key].task)])
        failed = [each for each in run.tasks if each.result not in ("SUCCESS", *_LEFT_OUT)]
        if not failed:
            self._end(run, "TERMINATED", "SUCCESS", "")
            return
        first = next((each for each in failed if each.result != "UPSTREAM_FAILED"), failed[0])
        life = "INTERNAL_ERROR" if first.life == "INTERNAL_ERROR" else "TERMINATED"
        message = f"Task {first.task['task_key']} failed with message: {first.outcome.error if first.outcome else ''}."
        self._end(run, life, first.result, message)

    def _may_start(self, run: _Run) -> bool:
        with self._lock:
            before = [each for each in self._active(run.job.id) if each.id < run.id]
            if len(before) >= run.job.settings["max_concurrent_runs"]:
                return False
            run.life, run.started = "RUNNING", self._now()
            return True

    def _run_task(self, run: _Run, each: _TaskRun, above: Sequence[_TaskRun]) -> None:
        with self._lock:
            each.life, each.started = "RUNNING", self._now()
        results = [one.result for one in above if one.result not in _LEFT_OUT]
        only = run.asked.get("only") or ()
        if run.stopped.is_set():
            outcome = Outcome("CANCELED", error="Run cancelled")
        elif each.task.get("disabled"):
            outcome = Outcome("DISABLED")
        elif only and each.task["task_key"] not in only:
            outcome = Outcome("EXCLUDED")
        elif not _condition(each.task.get("run_if", "ALL_SUCCESS"), results):
            outcome = Outcome("UPSTREAM_FAILED", error="A task that it depends on failed")
        else:
            outcome = self._do(run, _filled(each.task, _PARAMETER, _parameters(run)))
        with self._lock:
            each.outcome, each.ended = outcome, self._now()
            each.life = "INTERNAL_ERROR" if outcome.internal else "TERMINATED"

    def _do(self, run: _Run, task: Mapping[str, Any]) -> Outcome:
        if "python_wheel_task" in task:
            if named := run.asked.get("python_named_params"):
                task = {**task, "python_wheel_task": {**task["python_wheel_task"], "named_parameters": named}}
            return self._work(run.job, task, run.asked.get("python_params"), run.stopped)
        try:
            if "for_each_task" in task:
                return self._do_each(run, task["for_each_task"])
            if "run_job_task" in task:
                return self._do_job(run, task["run_job_task"])
            if "pipeline_task" in task:
                return self._do_pipeline(run, {**task["pipeline_task"], **(run.asked.get("pipeline_params") or {})})
        except Refused as refused:
            return Outcome("FAILED", error=str(refused))
        kind = next(key for key in task if key.endswith("_task"))
        return Outcome("FAILED", error=f"This workspace is a double that does not run a {kind}.", internal=True)

    def _do_each(self, run: _Run, work: Mapping[str, Any]) -> Outcome:
        """Do the inner task once for each input, in order."""
        try:
            inputs = json.loads(work["inputs"]) if isinstance(work["inputs"], str) else work["inputs"]
        except ValueError:
            raise invalid(f"The inputs of the for each task are no JSON array: {work['inputs']}") from None
        done = [self._do(run, _filled(work["task"], _INPUT, _inputs(each))) for each in inputs]
        logs = "".join(each.logs for each in done)
        failed = [each for each in done if each.result != "SUCCESS"]
        if not failed:
            return Outcome("SUCCESS", logs=logs)
        error = f"{len(failed)} of {len(done)} iterations failed: {failed[0].error}"
        return Outcome(failed[0].result, logs=logs, error=error, trace=failed[0].trace, internal=failed[0].internal)

    def _do_job(self, run: _Run, work: Mapping[str, Any]) -> Outcome:
        with self._lock:
            given = {key: work[key] for key in _PASSED_ON if key in work}
            below = self._new(self._jobs.job(work["job_id"]), given)
        while not below.over.wait(_PAUSE):
            if run.stopped.is_set():
                below.stopped.set()
        return Outcome(below.result, error=below.message, logs=f"run {below.id}")

    def _do_pipeline(self, run: _Run, work: Mapping[str, Any]) -> Outcome:
        base = f"/api/2.0/pipelines/{work['pipeline_id']}/updates"
        given = {key: value for key, value in work.items() if key != "pipeline_id"}
        update = self._asked("POST", base, given)["update_id"]
        while True:
            state = self._asked("GET", f"{base}/{update}", {})["update"]["state"]
            if state in ("COMPLETED", "FAILED", "CANCELED"):
                result = {"COMPLETED": "SUCCESS"}.get(state, state)
                return Outcome(result, error="" if state == "COMPLETED" else f"Update {update} has {state.lower()}.")
            if run.stopped.wait(_PAUSE):
                self._asked("POST", f"/api/2.0/pipelines/{work['pipeline_id']}/stop", {})

    def _asked(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        reply = self._ask(method, path, json.dumps(body).encode())
        answer = json.loads(reply.body)
        if reply.status != 200:
            raise Refused(reply.status, answer["error_code"], answer["message"])
        return answer

    def _found(self, id: int) -> _Run:
        if (found := self._runs.get(id)) is None:
            raise invalid(f"Run {id} does not exist.")
        return found

    def _of(self, request: Request) -> _Run:
        return self._found(request.fields((), needed=["run_id"])["run_id"])

    def _cancel(self, request: Request) -> dict[str, Any]:
        self._of(request).stopped.set()
        return {}

    def _cancel_all(self, request: Request) -> dict[str, Any]:
        self.cancel_of(self._jobs.job(request.fields({"all_queued_runs"}, needed=["job_id"])["job_id"]).id)
        return {}

    def _delete(self, request: Request) -> dict[str, Any]:
        run = self._of(request)
        if not run.over.is_set():
            raise Refused(400, "INVALID_STATE", f"Run {run.id} is still active.")
        del self._runs[run.id]
        return {}

    def _get(self, request: Request) -> dict[str, Any]:
        id = request.number("run_id")
        for run in self._runs.values():
            for each in run.tasks:
                if each.id == id:
                    return self._shown_task(each) | {"job_id": run.job.id, "job_run_id": run.id, "run_type": "JOB_RUN"}
        return self._shown(self._found(id))

    def _list(self, request: Request) -> dict[str, Any]:
        job = request.query.get("job_id")
        wanted = {"active_only": False, "completed_only": True}
        runs = [run for run in reversed(self._runs.values()) if job is None or str(run.job.id) == job]
        for name, over in wanted.items():
            if request.query.get(name) == "true":
                runs = [run for run in runs if run.over.is_set() is over]
        begin, limit = int(request.query.get("page_token") or "0"), int(request.query.get("limit", "20"))
        page: dict[str, Any] = {"has_more": begin + limit < len(runs)}
        if shown := [self._shown(run) for run in runs[begin : begin + limit]]:
            page["runs"] = shown
        if page["has_more"]:
            page["next_page_token"] = str(begin + limit)
        return page

    def _output(self, request: Request) -> dict[str, Any]:
        id = request.number("run_id")
        for run in self._runs.values():
            for each in run.tasks:
                if each.id == id:
                    done = each.outcome or Outcome("")
                    shown: dict[str, Any] = {"metadata": self._shown_task(each), "logs": done.logs}
                    failed = {"error": done.error, "error_trace": done.trace}
                    return shown | {key: value for key, value in failed.items() if value}
        self._found(id)
        words = "Retrieving the output of runs with multiple tasks is not supported. Ask for the run of each task."
        raise invalid(words)

    def _shown(self, run: _Run) -> dict[str, Any]:
        return {
            "job_id": run.job.id,
            "run_id": run.id,
            "original_attempt_run_id": run.id,
            "number_in_job": run.number,
            "run_name": run.job.name,
            "run_type": "JOB_RUN",
            "trigger": "ONE_TIME",
            "format": "MULTI_TASK",
            "creator_user_name": self._user,
            "run_page_url": f"/jobs/{run.job.id}/runs/{run.id}",
            "state": _state(run.life, run.result, run.message),
            "status": _status(run.life, run.result, run.message),
            "start_time": run.created,
            "end_time": run.ended,
            "job_parameters": [{"name": key, "value": value} for key, value in _parameters(run).items()],
            "tasks": [self._shown_task(each) for each in run.tasks],
        }

    def _shown_task(self, each: _TaskRun) -> dict[str, Any]:
        message = each.outcome.error if each.outcome is not None else ""
        return {
            **each.task,
            "run_id": each.id,
            "attempt_number": 0,
            "run_page_url": f"/jobs/runs/{each.id}",
            "state": _state(each.life, each.result, message),
            "status": _status(each.life, each.result, message),
            "start_time": each.started,
            "end_time": each.ended,
        }


def _above(task: Mapping[str, Any]) -> list[str]:
    return [each["task_key"] for each in task.get("depends_on", [])]


def _condition(run_if: str, results: Sequence[str]) -> bool:
    """Whether a task runs, by the results of those that it depends on."""
    good = [result == "SUCCESS" for result in results]
    bad = [result != "SUCCESS" for result in results]
    return {
        "ALL_SUCCESS": all(good),
        "ALL_DONE": True,
        "NONE_FAILED": not any(bad),
        "AT_LEAST_ONE_SUCCESS": any(good),
        "ALL_FAILED": all(bad),
        "AT_LEAST_ONE_FAILED": any(bad),
    }[run_if]


def _parameters(run: _Run) -> dict[str, str]:
    defaults = {each["name"]: each.get("default", "") for each in run.job.settings.get("parameters", [])}
    return defaults | dict(run.asked.get("job_parameters") or {})


def _filled(value: Any, pattern: re.Pattern[str], values: Mapping[str, str]) -> Any:
    """A task with what the pattern finds replaced by the value of that name."""
    if isinstance(value, str):
        return pattern.sub(lambda found: values.get(found[1] or "", found[0]), value)
    if isinstance(value, list):
        return [_filled(each, pattern, values) for each in value]
    if isinstance(value, Mapping):
        return {key: _filled(each, pattern, values) for key, each in value.items()}
    return value


def _inputs(given: Any) -> dict[str, str]:
    """What `{{input}}` and `{{input.KEY}}` stand for."""
    texts = {key: _text(each) for key, each in given.items()} if isinstance(given, Mapping) else {}
    return texts | {"": _text(given)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _state(life: str, result: str, message: str) -> dict[str, Any]:
    state = {"life_cycle_state": life, "state_message": message, "user_cancelled_or_timedout": result == "CANCELED"}
    return state | ({"result_state": result} if result else {})


def _status(life: str, result: str, message: str) -> dict[str, Any]:
    if life not in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR"):
        return {"state": life}
    code = {"SUCCESS": "SUCCESS", "CANCELED": "USER_CANCELED", "FAILED": "RUN_EXECUTION_ERROR"}.get(result, result)
    kind = "SUCCESS" if result == "SUCCESS" else "INTERNAL_ERROR" if life == "INTERNAL_ERROR" else "CLIENT_ERROR"
    return {"state": "TERMINATED", "termination_details": {"code": code, "type": kind, "message": message}}
