from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from workspace_samples import client_of

from lakepact.testing.workspace import Workspace

errors = pytest.importorskip("databricks.sdk.errors")
workspace_api = pytest.importorskip("databricks.sdk.service.workspace")
catalog_api = pytest.importorskip("databricks.sdk.service.catalog")
iam_api = pytest.importorskip("databricks.sdk.service.iam")
apps_api = pytest.importorskip("databricks.sdk.service.apps")


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace() as found:
        yield found


@pytest.fixture
def client(workspace: Workspace) -> Any:
    return client_of(workspace)


def refusal(workspace: Workspace, path: str, token: str | None, method: str = "GET") -> tuple[int, str]:
    request = Request(workspace.url + path, method=method)
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    with pytest.raises(HTTPError, match=r"HTTP Error 4\d\d") as caught:
        urlopen(request)
    body = json.load(caught.value)
    assert sorted(body) == ["details", "error_code", "message"]
    return caught.value.code, body["error_code"]


def test_the_user_is_known(client: Any) -> None:
    assert client.current_user.me().user_name == "ada@example.com"


def test_nobody_gets_in_without_a_token(workspace: Workspace) -> None:
    me = "/api/2.0/preview/scim/v2/Me"
    assert refusal(workspace, me, None) == (401, "401")
    assert refusal(workspace, me, "wrong") == (403, "403")


def test_a_service_principal_logs_in_and_its_token_expires(workspace: Workspace) -> None:
    workspace.add_service_principal("sp-1", "hush")
    client = client_of(workspace, client_id="sp-1", client_secret="hush")
    assert client.current_user.me().user_name == "sp-1"
    token = client.config.authenticate()["Authorization"].removeprefix("Bearer ")
    workspace.expire_tokens()
    assert refusal(workspace, "/api/2.0/preview/scim/v2/Me", token) == (401, "401")
    again = client_of(workspace, client_id="sp-1", client_secret="hush")
    assert again.current_user.me().user_name == "sp-1"
    with pytest.raises(ValueError, match="invalid_client: Client authentication failed"):
        client_of(workspace, client_id="sp-1", client_secret="wrong").current_user.me()


def test_what_is_not_there_is_refused_and_noted(workspace: Workspace) -> None:
    assert refusal(workspace, "/api/2.0/odd", workspace.token) == (404, "ENDPOINT_NOT_FOUND")
    assert refusal(workspace, "/api/2.0/pipelines/x/odd", workspace.token) == (404, "ENDPOINT_NOT_FOUND")
    assert refusal(workspace, "/api/2.0/apps/none", workspace.token) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert workspace.unknown == ("GET /api/2.0/odd", "GET /api/2.0/pipelines/x/odd")
    assert workspace.asked("GET", "/api/2.0/apps") == ("/api/2.0/apps/none",)


def test_faults_are_for_the_requests_that_fit(workspace: Workspace, client: Any) -> None:
    workspace.fail(429, path="scopes/list", retry_after=1)
    workspace.fail(403, code="PERMISSION_DENIED", message="Not you.", method="POST", path="mkdirs")
    assert list(client.secrets.list_scopes()) == []
    with pytest.raises(errors.PermissionDenied, match=r"Not you\."):
        client.workspace.mkdirs("/Shared/x")
    client.workspace.mkdirs("/Shared/x")
    assert [each.status for each in workspace.requests if each.path.endswith("list")] == [429, 200]


def test_environment_leads_here_and_nowhere_else(workspace: Workspace) -> None:
    assert workspace.environment == {
        "DATABRICKS_HOST": workspace.url,
        "DATABRICKS_TOKEN": workspace.token,
        "DATABRICKS_CONFIG_FILE": os.devnull,
    }


def test_files_are_kept(workspace: Workspace, client: Any) -> None:
    auto = workspace_api.ImportFormat.AUTO
    client.workspace.mkdirs("/Workspace/Shared/a/b")
    client.workspace.upload("/Shared/a/b/x.txt", io.BytesIO(b"one\r\n\x00two"), format=auto)
    assert client.workspace.download("/Workspace/Shared/a/b/x.txt").read() == b"one\r\n\x00two"
    assert workspace.files.read("/Workspace/Shared/a/b/x.txt") == b"one\r\n\x00two"
    with pytest.raises(errors.ResourceAlreadyExists, match=r"Path \(/Shared/a/b/x.txt\) already exists\."):
        client.workspace.upload("/Shared/a/b/x.txt", io.BytesIO(b"2"), format=auto)
    client.workspace.upload("/Shared/a/b/x.txt", io.BytesIO(b"2"), format=auto, overwrite=True)
    found = client.workspace.get_status("/Shared/a/b/x.txt")
    assert (found.object_type.value, found.size) == ("FILE", 1)
    assert [each.path for each in client.workspace.list("/Shared/a")] == ["/Shared/a/b"]
    with pytest.raises(errors.BadRequest, match=r"Folder \(/Shared/a\) is not empty"):
        client.workspace.delete("/Shared/a")
    client.workspace.delete("/Shared/a", recursive=True)
    assert workspace.files.paths() == ()
    with pytest.raises(errors.ResourceDoesNotExist, match=r"Path \(/Shared/a\) doesn't exist\."):
        client.workspace.get_status("/Shared/a")


def test_a_notebook_has_no_ending(client: Any) -> None:
    content = io.BytesIO(b"# Databricks notebook source\nprint(1)\n")
    client.workspace.upload("/Shared/look.py", content, format=workspace_api.ImportFormat.AUTO)
    found = client.workspace.get_status("/Shared/look")
    assert (found.object_type.value, found.language.value) == ("NOTEBOOK", "PYTHON")


def test_notebooks_have_a_language(client: Any) -> None:
    text = b"-- Databricks notebook source\nSELECT 1\n"
    client.api_client.do(
        "POST", "/api/2.0/workspace-files/import-file/Shared/look.sql", data=text, headers={"Content-Type": "x"}
    )
    assert client.workspace.get_status("/Shared/look").language is workspace_api.Language.SQL
    assert client.workspace.export("/Shared/look").file_type == "sql"
    client.workspace.import_(
        "/Shared/count",
        content="U0VMRUNUIDE=",
        format=workspace_api.ImportFormat.SOURCE,
        language=workspace_api.Language.SQL,
    )
    assert client.workspace.get_status("/Shared/count").object_type is workspace_api.ObjectType.NOTEBOOK
    with pytest.raises(errors.InvalidParameterValue, match=r"^This workspace is a double that has no notebooks in R\."):
        client.workspace.import_(
            "/Shared/odd", content="", format=workspace_api.ImportFormat.SOURCE, language=workspace_api.Language.R
        )


def test_a_file_needs_its_folder(client: Any) -> None:
    with pytest.raises(errors.NotFound, match=r"The parent folder \(/Shared/none\) does not exist\."):
        client.workspace.upload("/Shared/none/x.txt", io.BytesIO(b""), format=workspace_api.ImportFormat.AUTO)


def test_schemas_and_volumes_are_made_granted_and_dropped(workspace: Workspace, client: Any) -> None:
    with pytest.raises(errors.NotFound, match=r"Catalog 'none' does not exist\."):
        client.schemas.create("sales", "none")
    client.schemas.create("sales", "main", comment="Sales.")
    with pytest.raises(errors.BadRequest, match=r"Schema 'main\.sales' already exists"):
        client.schemas.create("sales", "main")
    managed = catalog_api.VolumeType.MANAGED
    client.volumes.create("main", "sales", "landing", managed)
    assert [each.full_name for each in client.volumes.list("main", "sales")] == ["main.sales.landing"]
    read = catalog_api.PermissionsChange(principal="readers", add=[catalog_api.Privilege.SELECT])
    client.grants.update("schema", "main.sales", changes=[read])
    (given,) = client.grants.get("schema", "main.sales").privilege_assignments
    assert (given.principal, [each.value for each in given.privileges]) == ("readers", ["SELECT"])
    with pytest.raises(errors.InvalidParameterValue, match=r"Privilege SELECT is not applicable to this entity"):
        client.grants.update("volume", "main.sales.landing", changes=[read])
    with pytest.raises(errors.BadRequest, match=r"Cannot delete schema 'main\.sales' as it is not empty\."):
        client.schemas.delete("main.sales")
    client.volumes.delete("main.sales.landing")
    client.schemas.delete("main.sales")
    assert (workspace.catalog.schemas, workspace.catalog.grants) == ({}, {})


def test_volumes_hold_files(workspace: Workspace, client: Any) -> None:
    client.schemas.create("sales", "main")
    client.volumes.create("main", "sales", "landing", catalog_api.VolumeType.MANAGED)
    path = "/Volumes/main/sales/landing/day/1.csv"
    client.files.upload(path, io.BytesIO(b"a,b\n"))
    assert client.files.download(path).contents.read() == b"a,b\n"
    assert [each.name for each in client.files.list_directory_contents("/Volumes/main/sales/landing")] == ["day"]
    assert (workspace.catalog.volume_folder("main.sales.landing") / "day" / "1.csv").read_text() == "a,b\n"
    with pytest.raises(errors.AlreadyExists, match=r"The file being created already exists\."):
        client.files.upload(path, io.BytesIO(b""), overwrite=False)
    client.files.delete(path)
    with pytest.raises(errors.NotFound, match="Not Found"):
        client.files.get_metadata(path)
    with pytest.raises(errors.NotFound, match=r"Volume 'main\.sales\.none' does not exist\."):
        client.files.download("/Volumes/main/sales/none/x")


def test_secrets_are_kept_and_permitted(workspace: Workspace, client: Any) -> None:
    client.secrets.create_scope("lakepact")
    with pytest.raises(errors.ResourceAlreadyExists, match=r"Scope lakepact already exists!"):
        client.secrets.create_scope("lakepact")
    client.secrets.put_secret("lakepact", "webhook", string_value="höre")
    assert client.dbutils.secrets.get("lakepact", "webhook") == "höre"
    client.secrets.put_acl("lakepact", "runner", workspace_api.AclPermission.READ)
    assert workspace.secrets.scopes == {"lakepact": {"ada@example.com": "MANAGE", "runner": "READ"}}
    client.secrets.delete_acl("lakepact", "runner")
    client.secrets.delete_secret("lakepact", "webhook")
    with pytest.raises(errors.ResourceDoesNotExist, match=r"Failed to get secret webhook for scope lakepact\."):
        client.secrets.get_secret("lakepact", "webhook")
    client.secrets.delete_scope("lakepact")
    assert workspace.secrets.scopes == {}


def test_pipelines_are_made_changed_and_listed(workspace: Workspace, client: Any) -> None:
    made = client.pipelines.create(name="flights", catalog="main", schema="flights", serverless=True)
    with pytest.raises(errors.ResourceConflict, match=r"The pipeline name 'flights' is already used"):
        client.pipelines.create(name="flights")
    with pytest.raises(errors.InvalidParameterValue, match=r"A pipeline with a catalog needs a schema\."):
        client.pipelines.create(name="other", catalog="main")
    client.pipelines.update(made.pipeline_id, name="flights", configuration={"a": "1"})
    assert client.pipelines.get(made.pipeline_id).spec.configuration == {"a": "1"}
    assert [each.name for each in client.pipelines.list_pipelines(filter="name LIKE 'fl%'")] == ["flights"]
    workspace.pipelines.next_update(made.pipeline_id, looks=0)
    started = client.pipelines.start_update(made.pipeline_id, full_refresh=True)
    with pytest.raises(errors.ResourceConflict, match=r"An active update .* already exists for pipeline 'flights'\."):
        client.pipelines.start_update(made.pipeline_id)
    assert client.pipelines.get_update(made.pipeline_id, started.update_id).update.state.value == "COMPLETED"
    client.pipelines.delete(made.pipeline_id)
    assert workspace.pipelines.specs == {}


def test_unknown_fields_are_refused(client: Any) -> None:
    body = {"name": "x", "libraries": [{"glob": {"include": "a"}, "odd": 1}]}
    with pytest.raises(errors.InvalidParameterValue, match=r"Unknown field: libraries\.odd"):
        client.api_client.do("POST", "/api/2.0/pipelines", body=body)
    with pytest.raises(errors.InvalidParameterValue, match=r"Unknown field: odd"):
        client.api_client.do(
            "POST", "/api/2.1/unity-catalog/schemas", body={"name": "x", "catalog_name": "m", "odd": 1}
        )


def test_permissions_are_those_of_the_kind(workspace: Workspace, client: Any) -> None:
    id = client.pipelines.create(name="flights").pipeline_id
    manage = iam_api.AccessControlRequest(
        user_name="ada@example.com", permission_level=iam_api.PermissionLevel.IS_OWNER
    )
    run = iam_api.AccessControlRequest(service_principal_name="r", permission_level=iam_api.PermissionLevel.CAN_RUN)
    with pytest.raises(errors.InvalidParameterValue, match=r"The pipeline must have exactly one owner\."):
        client.permissions.set("pipelines", id, access_control_list=[run])
    client.permissions.set("pipelines", id, access_control_list=[manage, run])
    assert workspace.permissions.of("pipelines", id) == {"ada@example.com": "IS_OWNER", "r": "CAN_RUN"}
    use = iam_api.AccessControlRequest(group_name="g", permission_level=iam_api.PermissionLevel.CAN_USE)
    with pytest.raises(errors.InvalidParameterValue, match=r"'CAN_USE' is not a permission of pipelines\."):
        client.permissions.update("pipelines", id, access_control_list=[use])
    with pytest.raises(errors.ResourceDoesNotExist, match=r"jobs 7 does not exist\."):
        client.permissions.get("jobs", "7")


def test_a_service_principal_runs_only_what_it_has_the_right_to(workspace: Workspace, client: Any) -> None:
    workspace.add_service_principal("sp-1", "hush")
    service = client_of(workspace, client_id="sp-1", client_secret="hush")
    pipeline = str(client.pipelines.create(name="orders").pipeline_id)
    task = {"task_key": "look", "notebook_task": {"notebook_path": "/Shared/look"}}
    job = client.api_client.do("POST", "/api/2.2/jobs/create", body={"name": "look", "tasks": [task]})["job_id"]
    with pytest.raises(errors.PermissionDenied, match=rf"^User sp-1 does not have CAN_RUN .* pipeline {pipeline}\."):
        service.pipelines.start_update(pipeline)
    with pytest.raises(errors.PermissionDenied, match=rf"^User sp-1 does not have CAN_MANAGE_RUN .* job {job}\."):
        service.jobs.run_now(job)
    for path, level in ((f"pipelines/{pipeline}", "CAN_RUN"), (f"jobs/{job}", "CAN_MANAGE_RUN")):
        entry = {"service_principal_name": "sp-1", "permission_level": level}
        body = {"access_control_list": [entry]}
        client.api_client.do("PATCH", f"/api/2.0/permissions/{path}", body=body)
    service.pipelines.start_update(pipeline)
    service.jobs.run_now(job)
    # What it has made is its own.
    own = str(service.pipelines.create(name="own").pipeline_id)
    service.pipelines.start_update(own)
    assert workspace.permissions.of("pipelines", own) == {"sp-1": "IS_OWNER"}


def test_apps_are_deployed_from_a_folder(workspace: Workspace, client: Any) -> None:
    with pytest.raises(errors.InvalidParameterValue, match=r"App name must be 2-30 lowercase"):
        client.apps.create(apps_api.App(name="Receiver"))
    secret = apps_api.AppResourceSecret("none", "k", apps_api.AppResourceSecretSecretPermission.READ)
    needs = apps_api.AppResource(name="s", secret=secret)
    with pytest.raises(errors.ResourceDoesNotExist, match=r"Secret scope none does not exist\."):
        client.apps.create(apps_api.App(name="receiver", resources=[needs]))
    client.apps.create_and_wait(apps_api.App(name="receiver"))
    deployment = apps_api.AppDeployment(source_code_path="/Workspace/Shared/app")
    with pytest.raises(errors.ResourceDoesNotExist, match=r"Source code path /Workspace/Shared/app does not exist\."):
        client.apps.deploy("receiver", deployment)
    workspace.files.put("/Shared/app/app.py", b"")
    client.apps.deploy_and_wait("receiver", deployment)
    assert client.apps.get("receiver").app_status.state.value == "RUNNING"
    assert client.apps.stop_and_wait("receiver").compute_status.state.value == "STOPPED"
    client.apps.delete("receiver")
    assert workspace.apps.apps == {}


def test_tables_and_the_warehouse_are_there(workspace: Workspace, client: Any) -> None:
    workspace.tables.add_table("main.sales.orders")
    assert client.tables.get("main.sales.orders").name == "orders"
    assert client.warehouses.get(workspace.warehouse).id == workspace.warehouse
    with pytest.raises(errors.ResourceDoesNotExist, match=r"SQL warehouse none does not exist\."):
        client.warehouses.get("none")
