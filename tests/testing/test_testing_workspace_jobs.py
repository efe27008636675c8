from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from workspace_samples import WHEEL, client_of, job, put_wheel, task

from lakepact.testing.workspace import Workspace

pytestmark = pytest.mark.process
errors = pytest.importorskip("databricks.sdk.errors")


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace() as found:
        put_wheel(found)
        yield found


@pytest.fixture
def client(workspace: Workspace) -> Any:
    return client_of(workspace)


def create(client: Any, settings: dict[str, Any]) -> int:
    return int(client.api_client.do("POST", "/api/2.2/jobs/create", body=settings)["job_id"])


def ended(client: Any, run_id: int) -> dict[str, Any]:
    """The run, once it has ended."""
    for _ in range(600):
        found: dict[str, Any] = client.api_client.do("GET", "/api/2.2/jobs/runs/get", query={"run_id": run_id})
        if found["state"]["life_cycle_state"] in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR"):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def run(client: Any, job_id: int, **given: Any) -> dict[str, Any]:
    started = client.api_client.do("POST", "/api/2.2/jobs/run-now", body={"job_id": job_id, **given})
    return ended(client, started["run_id"])


def result(run: dict[str, Any]) -> str:
    return str(run["state"]["result_state"])


def test_a_task_runs_the_entry_point_of_the_wheel(workspace: Workspace, client: Any) -> None:
    id = create(client, job(task("say", "a b", "{{job.parameters.day}}"), parameters=[{"name": "day", "default": "1"}]))
    done = run(client, id, job_parameters={"day": "2"})
    assert result(done) == "SUCCESS"
    assert workspace.runs.printed("greet") == "hello a b 2\n"
    output = client.jobs.get_run_output(done["tasks"][0]["run_id"])
    assert (output.logs, output.error) == ("hello a b 2\n", None)
    assert result(run(client, id, python_params=["instead"])) == "SUCCESS"
    assert workspace.runs.printed("greet") == "hello instead\n"


def test_a_task_sees_files_and_volumes(workspace: Workspace, client: Any) -> None:
    client.schemas.create("s", "main")
    client.api_client.do(
        "POST",
        "/api/2.1/unity-catalog/volumes",
        body={"catalog_name": "main", "schema_name": "s", "name": "v", "volume_type": "MANAGED"},
    )
    workspace.files.put("/Shared/settings.yml", b"url: x")
    path = "/Volumes/main/s/v/out.txt"
    id = create(client, job(task("read", "/Workspace/Shared/settings.yml"), task("write", path, "done")))
    assert result(run(client, id)) == "SUCCESS"
    assert workspace.runs.printed("greet") == "url: x\n"
    assert client.files.download(path).contents.read() == b"done"


def test_a_task_talks_to_the_workspace_as_its_principal(workspace: Workspace, client: Any) -> None:
    id = create(client, job(task("who"), run_as={"service_principal_name": "runner"}))
    assert result(run(client, id)) == "SUCCESS"
    assert workspace.runs.printed("greet") == "runner\n"


def each_of(inputs: str, inner: dict[str, Any]) -> dict[str, Any]:
    """A task that does the inner one for each input."""
    return {"task_key": "each", "for_each_task": {"inputs": inputs, "task": inner}}


def test_a_task_runs_once_for_each_input(workspace: Workspace, client: Any) -> None:
    id = create(client, job(each_of('["a", {"b": 1}]', task("say", "{{input}}", "{{ input.b }}"))))
    assert result(run(client, id)) == "SUCCESS"
    assert workspace.runs.printed("greet") == 'hello a {{ input.b }}\nhello {"b": 1} 1\n'


def test_a_task_for_each_input_fails_where_one_does(client: Any) -> None:
    done = run(client, create(client, job(each_of('["say", "none"]', task("{{input}}", key="inner")))))
    assert result(done) == "FAILED"
    assert "1 of 2 iterations failed: ImportError: The wheel of 'hello'" in done["state"]["state_message"]
    done = run(client, create(client, job(each_of("odd", task("say")))))
    assert "The inputs of the for each task are no JSON array: odd" in done["state"]["state_message"]
    with pytest.raises(errors.InvalidParameterValue, match=r"Task 'each' may not hold another for each task\."):
        create(client, job(each_of("[]", each_of("[]", task("say")))))
    with pytest.raises(errors.InvalidParameterValue, match=r"references the environment 'odd', which is not defined"):
        create(client, job(each_of("[]", task("say", environment_key="odd"))))


def test_a_task_that_fails_says_why_and_stops_those_after_it(client: Any) -> None:
    after = task("say", key="after", after=("fail",))
    anyway = task("say", key="anyway", after=("fail",), run_if="ALL_DONE")
    done = run(client, create(client, job(task("fail"), after, anyway)))
    assert result(done) == "FAILED"
    results = {each["task_key"]: each["state"]["result_state"] for each in done["tasks"]}
    assert results == {"fail": "FAILED", "after": "UPSTREAM_FAILED", "anyway": "SUCCESS"}
    (failed,) = [each for each in done["tasks"] if each["task_key"] == "fail"]
    output = client.jobs.get_run_output(failed["run_id"])
    assert output.error == "ValueError: no flights today"
    assert output.error_trace.startswith("Traceback (most recent call last):")
    with pytest.raises(errors.InvalidParameterValue, match="Retrieving the output of runs with multiple tasks"):
        client.jobs.get_run_output(done["run_id"])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (job(task("leave")), "RuntimeError: SystemExit: 0"),
        (job(task("none")), "ImportError: The wheel of 'hello' has no entry point 'none'."),
        (job(task("say"), dependencies=("/Workspace/none.whl",)), "Path (/none.whl) doesn't exist."),
        (job(task("say"), dependencies=(WHEEL, "no-such-thing>=1")), "No matching distribution found for no-such"),
    ],
)
def test_what_cannot_run_fails(client: Any, settings: dict[str, Any], said: str) -> None:
    done = run(client, create(client, settings))
    assert result(done) == "FAILED"
    assert said in done["state"]["state_message"]


def test_a_run_is_cancelled_and_another_times_out(client: Any) -> None:
    id = create(client, job(task("wait"), timeout_seconds=1))
    assert result(run(client, id)) == "TIMEDOUT"
    client.api_client.do("POST", "/api/2.2/jobs/reset", body={"job_id": id, "new_settings": job(task("wait"))})
    started = client.jobs.run_now(id)
    client.jobs.cancel_run(started.run_id)
    assert result(ended(client, started.run_id)) == "CANCELED"


def test_runs_wait_in_the_queue_or_are_skipped(client: Any) -> None:
    queued = create(client, job(task("wait"), queue={"enabled": True}))
    first, second = (client.jobs.run_now(queued).run_id for _ in range(2))
    assert client.jobs.get_run(second).state.life_cycle_state.value == "QUEUED"
    skipping = create(client, job(task("wait")))
    third, fourth = (client.jobs.run_now(skipping).run_id for _ in range(2))
    assert ended(client, fourth)["state"]["life_cycle_state"] == "SKIPPED"
    for id in (first, second, third):
        client.jobs.cancel_run(id)
    assert [result(ended(client, id)) for id in (first, second, third)] == ["CANCELED"] * 3


def test_a_token_starts_one_run(client: Any) -> None:
    id = create(client, job(task("say")))
    runs = {client.jobs.run_now(id, idempotency_token="key").run_id for _ in range(3)}
    assert len(runs) == 1
    ended(client, runs.pop())
    assert len(list(client.jobs.list_runs(job_id=id, completed_only=True))) == 1
    with pytest.raises(errors.InvalidParameterValue, match="at most 64 characters"):
        client.jobs.run_now(id, idempotency_token="x" * 65)
    with pytest.raises(errors.InvalidParameterValue, match="Job parameters day are not defined"):
        client.jobs.run_now(id, job_parameters={"day": "1"})


def test_tasks_start_other_jobs_and_pipelines(workspace: Workspace, client: Any) -> None:
    inner = create(client, job(task("fail"), name="inner"))
    pipeline = client.pipelines.create(name="flights").pipeline_id
    workspace.pipelines.next_update(pipeline, looks=0)
    update = {"task_key": "update", "pipeline_task": {"pipeline_id": pipeline, "full_refresh": True}}
    outer = create(client, {"name": "outer", "tasks": [update]})
    assert result(run(client, outer)) == "SUCCESS"
    assert workspace.pipelines.started(pipeline) == (True,)
    poll = create(client, {"name": "poll", "tasks": [{"task_key": "go", "run_job_task": {"job_id": inner}}]})
    done = run(client, poll)
    assert result(done) == "FAILED"
    assert "ValueError: no flights today" in done["state"]["state_message"]


def test_a_run_is_of_the_tasks_that_are_asked_for(workspace: Workspace, client: Any) -> None:
    tasks = (task("fail"), task("say", "b", after=("fail",)), task("say", "c", key="off", disabled=True))
    id = create(client, job(*tasks))
    done = run(client, id, only=["say"], python_named_params={"day": "2"})
    states = {each["task_key"]: each["state"]["result_state"] for each in done["tasks"]}
    assert states == {"fail": "EXCLUDED", "say": "SUCCESS", "off": "DISABLED"}
    assert (result(done), workspace.runs.printed("greet")) == ("SUCCESS", "hello b --day=2\n")
    with pytest.raises(errors.InvalidParameterValue, match=r"^Task keys odd are not in the job\."):
        client.jobs.run_now(id, only=["odd"])
    with pytest.raises(
        errors.InvalidParameterValue, match=r"^This workspace is a double that does not do sql_params\."
    ):
        client.jobs.run_now(id, sql_params={"day": "1"})


def test_a_run_says_how_its_pipelines_are_refreshed(workspace: Workspace, client: Any) -> None:
    pipeline = client.pipelines.create(name="flights").pipeline_id
    workspace.pipelines.next_update(pipeline, looks=0)
    id = create(client, {"name": "x", "tasks": [{"task_key": "a", "pipeline_task": {"pipeline_id": pipeline}}]})
    for given, full in (({}, False), ({"pipeline_params": {"full_refresh": True}}, True)):
        assert result(run(client, id, **given)) == "SUCCESS"
        assert workspace.pipelines.started(pipeline)[-1] is full


def test_a_notebook_is_said_not_to_run(client: Any) -> None:
    look = {"task_key": "look", "notebook_task": {"notebook_path": "/Shared/look"}}
    done = run(client, create(client, {"name": "look", "tasks": [look]}))
    assert done["state"]["life_cycle_state"] == "INTERNAL_ERROR"
    assert "a double that does not run a notebook_task" in done["state"]["state_message"]


ODD = {"task_key": "odd", "python_wheel_task": {"package_name": "p", "entry_point": "e"}}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": "x"}, "A job must have at least one task."),
        (job(task("say"), odd=1), "Unknown field: odd"),
        (job(task("say") | {"odd": 1}), "Unknown field: tasks.odd"),
        (job(task("say"), task("say")), "The keys of tasks must be unique."),
        (job(task("say", after=("none",))), "Task 'say' depends on 'none', which is not defined."),
        (job(task("say", after=("say",))), "The tasks depend on each other in a circle."),
        (job(ODD | {"environment_key": "none"}), "Task 'odd' references the environment 'none', which is not defined."),
        (job(ODD), "Task 'odd' needs an environment or a cluster."),
        (job({"task_key": "odd"}), "Task 'odd' must have exactly one kind of work, not 0."),
        (job({"task_key": "a", "run_job_task": {"job_id": 7}}), "Job 7 does not exist."),
        (job({"task_key": "a", "pipeline_task": {"pipeline_id": "p"}}), "Pipeline p does not exist."),
        (job(task("say"), schedule={"quartz_cron_expression": "* *", "timezone_id": "UTC"}), "Invalid quartz cron"),
        (job(task("say"), schedule={"quartz_cron_expression": "0 0 * * * ?"}), "Missing required field: schedule.time"),
    ],
)
def test_settings_that_are_no_job_are_refused(client: Any, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.DatabricksError, match=re.escape(said)):
        create(client, settings)


def test_jobs_are_changed_listed_and_deleted(workspace: Workspace, client: Any) -> None:
    ids = [create(client, job(task("say"), name=name)) for name in ("one", "two", "two")]
    assert [each.job_id for each in client.jobs.list(name="TWO")] == [ids[2], ids[1]]
    assert [each.job_id for each in client.jobs.list(limit=1)] == ids[::-1]
    body = {"job_id": ids[0], "new_settings": {"name": "uno"}, "fields_to_remove": ["environments"]}
    with pytest.raises(errors.InvalidParameterValue, match="references the environment 'default'"):
        client.api_client.do("POST", "/api/2.2/jobs/update", body=body)
    del body["fields_to_remove"]
    client.api_client.do("POST", "/api/2.2/jobs/update", body=body)
    found = client.jobs.get(ids[0])
    assert (found.settings.name, found.settings.max_concurrent_runs) == ("uno", 1)
    for id in ids:
        client.jobs.delete(id)
    assert workspace.jobs.jobs == {}
    with pytest.raises(errors.ResourceDoesNotExist, match=f"Job {ids[0]} does not exist"):
        client.jobs.get(ids[0])


def test_waiting_is_as_the_client_does_it(client: Any) -> None:
    id = create(client, job(task("say")))
    done = client.jobs.run_now_and_wait(id, timeout=timedelta(seconds=60))
    assert done.state.result_state.value == "SUCCESS"
