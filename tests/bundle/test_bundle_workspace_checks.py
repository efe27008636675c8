"""What a target needs in a workspace: what is there, what is missing with what gives it, and what nobody may see."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bundle_samples import shop

from lakepact.bundle import bundle_files, file_text
from lakepact.bundle.target import Target, read_target
from lakepact.bundle.workspace_checks import NotAllowed, State, WorkspaceAnswers, check_workspace
from lakepact.cli import main
from lakepact.errors import ConfigurationError, UsageError
from lakepact.testing.workspace import Workspace
from lakepact.workspace_login import workspace_client

RUNNER, CALLER = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
GIVEN = {
    "warehouse_id": "0123456789abcdef",
    "collibra_settings": "/Shared/collibra.yml",
    "runner": RUNNER,
    "caller": CALLER,
    "readers": "data-readers",
    "deployer": "ada@example.com",
}
ADA = {"workspace.current_user.short_name": "ada", "workspace.current_user.domain_friendly_name": "ada"}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    project = shop(tmp_path)
    for each in bundle_files(project, project.root):
        (project.root / each.path).parent.mkdir(parents=True, exist_ok=True)
        (project.root / each.path).write_text(file_text(each), encoding="utf-8")
    return project.root


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_", "BUNDLE_VAR_"))]:
        monkeypatch.delenv(name)
    with Workspace() as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        yield found
        assert found.unknown == ()


class Silent:
    """A workspace that has nothing, or says nothing."""

    def __init__(self, *, refuses: bool = False) -> None:
        self._refuses = refuses

    def get(self, path: str, query: Any = None) -> None:
        if self._refuses:
            raise NotAllowed("User does not have permission")


def options(**changed: str) -> list[str]:
    return [word for name, value in (GIVEN | changed).items() for word in ("--var", f"{name}={value}")]


def deploy(workspace: Workspace, target: Target) -> None:
    """Make what a deployment makes, without rights that somebody else has to give."""
    api = workspace_client(repeat_seconds=1).api_client

    def ask(method: str, path: str, **body: Any) -> Any:
        return api.do(method, path, body=body)

    for _, app in target.of("apps"):
        ask("POST", "/api/2.0/apps", name=app["name"])
        ask("PUT", f"/api/2.0/permissions/apps/{app['name']}", access_control_list=_levels(app))
    client_id = workspace.apps.apps["lakepact-prod"]["service_principal_client_id"]
    known = {**target.known, "resources.apps.receiver_app.service_principal_client_id": client_id}
    deployed = Target(name=target.name, variables=target.variables, resources=target.resources, known=known)
    for kind in ("schemas", "volumes"):
        for _, each in deployed.of(kind):
            grants = each.pop("grants", [])
            full_name = ask("POST", f"/api/2.1/unity-catalog/{kind}", **each)["full_name"]
            changes = [{"principal": one["principal"], "add": one["privileges"]} for one in grants]
            ask("PATCH", f"/api/2.1/unity-catalog/permissions/{kind[:-1]}/{full_name}", changes=changes)
    for _, scope in deployed.of("secret_scopes"):
        ask("POST", "/api/2.0/secrets/scopes/create", scope=scope["name"])
        ask("POST", "/api/2.0/secrets/acls/put", scope=scope["name"], principal=RUNNER, permission="READ")
    for _, pipeline in deployed.of("pipelines"):
        id = workspace.pipelines.add_pipeline(pipeline["name"])
        ask("PATCH", f"/api/2.0/permissions/pipelines/{id}", access_control_list=_levels(pipeline))
    for _, job in deployed.of("jobs"):
        task = {"task_key": "look", "notebook_task": {"notebook_path": "/Shared/look"}}
        made = ask("POST", "/api/2.2/jobs/create", name=job["name"], tasks=[task])
        if job.get("permissions"):
            ask("PATCH", f"/api/2.0/permissions/jobs/{made['job_id']}", access_control_list=_levels(job))


def _levels(each: Any) -> list[dict[str, str]]:
    rights = [{**one, "permission_level": one["level"]} for one in each["permissions"]]
    return [{key: value for key, value in one.items() if key != "level"} for one in rights]


def give_the_rest(workspace: Workspace) -> None:
    """What people do by hand."""
    api = workspace_client(repeat_seconds=1).api_client
    app = workspace.apps.apps["lakepact-prod"]["service_principal_client_id"]
    changes = [{"principal": each, "add": ["USE_CATALOG"]} for each in (RUNNER, app, "data-readers")]
    api.do("PATCH", "/api/2.1/unity-catalog/permissions/catalog/main", body={"changes": changes})
    rights = [{"service_principal_name": each, "permission_level": "CAN_USE"} for each in (RUNNER, app)]
    path = f"/api/2.0/permissions/sql/warehouses/{workspace.warehouse}"
    api.do("PATCH", path, body={"access_control_list": rights})
    for key in ("webhook", "collibra"):
        workspace.secrets.put("lakepact-prod", key, "x")
    for name in ("lakepact.contract_events", "lakepact.contracts", "lakepact_inbox.contract_inbox"):
        workspace.tables.add_table(f"main.{name}")
    api.do("POST", "/api/2.0/workspace/mkdirs", body={"path": "/Shared/collibra.yml"})
    workspace.apps.apps["lakepact-prod"]["app_status"] = {"state": "RUNNING"}


def test_an_empty_workspace_lacks_what_a_deployment_makes(
    workspace: Workspace, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["doctor", "--databricks", "--bundle", str(bundle), "--target", "prod", *options()]
    assert main(words) == 3
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert "ok      SQL warehouse 0123456789abcdef: running" in lines
    assert "missing schema main.lakepact_inbox: it is not there, or you may not see it" in lines
    at = lines.index("missing app lakepact-prod: it is not there")
    assert lines[at + 1].strip() == "databricks bundle deploy --target prod"
    at = lines.index(f"missing {RUNNER} on catalog main: lacks USE CATALOG")
    assert lines[at + 1].strip() == f"GRANT USE CATALOG ON CATALOG `main` TO `{RUNNER}`"
    assert printed.err.splitlines()[0] == f"{workspace.url} as ada@example.com, target prod"
    assert printed.err.splitlines()[1].endswith(" are missing")


def test_a_whole_workspace_lacks_nothing(
    workspace: Workspace, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(workspace, read_target(bundle, "prod", given=GIVEN))
    words = ["doctor", "--databricks", "--bundle", str(bundle), "--target", "prod", "--json", *options()]
    assert main(words) == 3
    missing = {one["what"]: one["how"] for one in json.loads(capsys.readouterr().out) if one["state"] == "missing"}
    app = workspace.apps.apps["lakepact-prod"]["service_principal_client_id"]
    assert missing[f"{app} on catalog main"] == f"GRANT USE CATALOG ON CATALOG `main` TO `{app}`"
    assert missing["secret lakepact-prod/webhook"] == "databricks secrets put-secret lakepact-prod webhook"
    store = 'lakepact store init --store "uc:main.lakepact?warehouse=0123456789abcdef"'
    assert missing["table main.lakepact.contracts"] == store
    inbox = 'lakepact webhook events list --inbox "uc:main.lakepact_inbox?warehouse=0123456789abcdef"'
    assert missing["table main.lakepact_inbox.contract_inbox"] == inbox
    assert missing["app lakepact-prod"] == "databricks bundle run receiver_app --target prod"
    assert len(missing) == 12
    give_the_rest(workspace)
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert {one["state"] for one in found} == {"ok"}
    assert len(found) == 41

    (pipeline,) = workspace.pipelines.specs
    workspace.permissions.forget("pipelines", pipeline)
    workspace.catalog.grants["schema", "main.lakepact_inbox"][app].discard("MODIFY")
    workspace.permissions.forget(
        "jobs", next(str(id) for id, job in workspace.jobs.jobs.items() if "rerun" in job.name)
    )
    assert main(words) == 3
    missing = {one["what"]: one["how"] for one in json.loads(capsys.readouterr().out) if one["state"] == "missing"}
    assert missing.pop(f"{app} on schema main.lakepact_inbox") == (
        f"GRANT MODIFY ON SCHEMA `main`.`lakepact_inbox` TO `{app}`"
    )
    rights = f'{{"access_control_list": [{{"service_principal_name": "{RUNNER}", "permission_level": "CAN_RUN"}}]}}'
    assert missing.pop(f"{RUNNER}: CAN_RUN on pipeline orders") == (
        f"databricks permissions update pipelines {pipeline} --json '{rights}'"
    )
    more = {"access_control_list": [{"service_principal_name": RUNNER, "permission_level": "CAN_MANAGE"}]}
    workspace_client(repeat_seconds=1).api_client.do("PATCH", f"/api/2.0/permissions/pipelines/{pipeline}", body=more)
    assert main(words) == 3
    assert f"{RUNNER}: CAN_RUN on pipeline orders" not in {
        one["what"] for one in json.loads(capsys.readouterr().out) if one["state"] == "missing"
    }
    assert sorted(missing) == sorted(f"{who}: CAN_MANAGE_RUN on job contract_rerun" for who in (RUNNER, CALLER, app))


def test_what_may_not_be_seen_is_not_missing(bundle: Path) -> None:
    answers: WorkspaceAnswers = Silent(refuses=True)
    found = check_workspace(read_target(bundle, "prod", given=GIVEN), answers)
    unknown = {one.what: one.detail for one in found if one.state is State.UNKNOWN}
    assert unknown["schema main.lakepact"] == "User does not have permission"
    assert unknown["secret scopes"] == "User does not have permission"
    assert [one.what for one in found if one.state is State.MISSING] == ["app lakepact-prod"]


def test_variables_without_a_value_are_named(bundle: Path) -> None:
    found = check_workspace(read_target(bundle, "prod"), Silent())
    assert [one.what for one in found if one.what.startswith("variable ")] == [
        f"variable {name}" for name in sorted(GIVEN)
    ]
    assert not any("${" in one.what + one.how for one in found)


def test_in_a_target_of_ones_own_nobody_else_needs_rights(bundle: Path) -> None:
    target = read_target(bundle, "", given={"warehouse_id": "1", "collibra_settings": "/x"}, known=ADA)
    found = check_workspace(target, Silent())
    assert target.name == "dev"
    assert "schema main.dev_ada_lakepact_inbox" in [one.what for one in found]
    assert "job [dev ada] contract_rerun" in [one.what for one in found]
    assert not any("none" in one.what for one in found)


def test_values_of_variables_come_from_the_file_of_the_target(bundle: Path) -> None:
    file = bundle / ".databricks" / "bundle" / "prod" / "variable-overrides.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"catalog": "other", "store_schema": "here"}))
    target = read_target(bundle, "prod", given={"store_schema": "there"})
    assert {f"{each['catalog_name']}.{each['name']}" for _, each in target.of("schemas")} >= {"other.there"}
    file.write_text("{")
    with pytest.raises(ConfigurationError, match=r"^LP961: the file '.*variable-overrides.json' cannot be used: "):
        read_target(bundle, "prod")


def test_a_target_that_is_not_there(bundle: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^LP960: the bundle has no target 'live'\n  hint: known are dev, staging, prod"
    ):
        read_target(bundle, "live")


def test_a_workspace_that_does_not_answer_is_told(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody listens on the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name, value in {"HOST": f"http://127.0.0.1:{port}", "TOKEN": "x", "CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(f"DATABRICKS_{name}", value)
    started = time.monotonic()
    assert main(["doctor", "--databricks", "--bundle", str(bundle)]) == 4
    # The SDK itself goes on for 5 minutes; what a busy machine adds is far less.
    assert time.monotonic() - started < 200
    assert f"LP413: http://127.0.0.1:{port} does not answer: " in capsys.readouterr().err


def test_a_client_waits_no_longer_than_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", os.devnull)
    with Workspace() as workspace:
        for name, value in workspace.environment.items():
            monkeypatch.setenv(name, value)
        usual, hasty = workspace_client(), workspace_client(answer_seconds=3, repeat_seconds=2)
    assert (usual.config.http_timeout_seconds, usual.config.retry_timeout_seconds) == (60, 60)
    assert (hasty.config.http_timeout_seconds, hasty.config.retry_timeout_seconds) == (3, 2)


@pytest.mark.usefixtures("workspace")
def test_a_wrong_token_is_told(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABRICKS_TOKEN", "wrong")
    assert main(["doctor", "--databricks", "--bundle", str(bundle)]) == 4
    assert "LP413: http://127.0.0.1" in capsys.readouterr().err


@pytest.mark.usefixtures("workspace")
def test_a_variable_without_a_value_on_the_command_line(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--databricks", "--bundle", str(bundle), "--var", "runner"]) == 2
    assert "LP429: 'runner' is no value of a variable" in capsys.readouterr().err
