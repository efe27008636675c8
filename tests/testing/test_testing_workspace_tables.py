from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from lakepact.testing.workspace_tables import WorkspaceTables

TABLES = "/api/2.1/unity-catalog/tables"
TAGS = "/api/2.1/unity-catalog/entity-tag-assignments"


@pytest.fixture
def workspace() -> Iterator[WorkspaceTables]:
    with WorkspaceTables(page=2) as found:
        for name in "abc":
            constraints = [{"primary_key_constraint": {"name": "pk", "child_columns": ["id"]}}]
            found.add_table(f"m.s.{name}", columns=[{"name": "id"}], table_constraints=constraints)
        yield found


def asked(workspace: WorkspaceTables, path: str, token: str | None = "") -> tuple[int, dict[str, Any]]:
    """Status and body; `token` None sends none, '' the right one."""
    request = Request(workspace.url + path)
    if token is not None:
        request.add_header("Authorization", f"Bearer {token or workspace.token}")
    try:
        with urlopen(request) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def test_pages_have_to_be_followed_to_the_end(workspace: WorkspaceTables) -> None:
    pages, token = [], ""
    while True:
        _, body = asked(workspace, f"{TABLES}?catalog_name=m&schema_name=s{token}")
        pages.append([table["name"] for table in body.get("tables", ())])
        if "next_page_token" not in body:
            break
        token = f"&page_token={body['next_page_token']}"
    assert pages == [["a", "b"], [], ["c"]]


def test_a_list_leaves_out_what_the_api_leaves_out(workspace: WorkspaceTables) -> None:
    _, listed = asked(workspace, f"{TABLES}?catalog_name=m&schema_name=s&omit_columns=true")
    assert {"table_constraints", "columns"} & set(listed["tables"][0]) == set()
    status, single = asked(workspace, f"{TABLES}/m.s.a")
    assert (status, single["table_constraints"][0]["primary_key_constraint"]["name"]) == (200, "pk")


@pytest.mark.parametrize(
    ("path", "token", "status", "code"),
    [
        (f"{TABLES}/m.s.a", None, 401, "401"),
        (f"{TABLES}/m.s.a", "wrong", 403, "403"),
        (f"{TABLES}/m.s.none", "", 404, "TABLE_DOES_NOT_EXIST"),
        (f"{TABLES}?catalog_name=m&schema_name=none", "", 404, "SCHEMA_DOES_NOT_EXIST"),
        (f"{TABLES}?catalog_name=m", "", 400, "INVALID_PARAMETER_VALUE"),
        (f"{TABLES}?catalog_name=m&schema_name=s&page_token=x", "", 400, "INVALID_PARAMETER_VALUE"),
        (f"{TAGS}/tables/m.s.none/tags", "", 404, "RESOURCE_DOES_NOT_EXIST"),
        (f"{TAGS}/columns/m.s.a.none/tags", "", 404, "RESOURCE_DOES_NOT_EXIST"),
        (f"{TAGS}/odd/x/tags", "", 400, "INVALID_PARAMETER_VALUE"),
        ("/api/2.1/unity-catalog/odd", "", 404, "ENDPOINT_NOT_FOUND"),
    ],
)
def test_errors_have_the_shape_of_the_api(
    workspace: WorkspaceTables, path: str, token: str | None, status: int, code: str
) -> None:
    found, body = asked(workspace, path, token)
    assert (found, body["error_code"]) == (status, code)
    assert body["message"]
    assert body["details"][0]["@type"] == "type.googleapis.com/google.rpc.RequestInfo"


def test_tags_are_those_of_the_entity(workspace: WorkspaceTables) -> None:
    workspace.add_tag("columns", "m.s.a.id", "pii")
    workspace.add_tag("columns", "m.s.a.id", "tier", "1")
    _, body = asked(workspace, f"{TAGS}/columns/m.s.a.id/tags")
    assert [(tag["tag_key"], tag.get("tag_value")) for tag in body["tag_assignments"]] == [("pii", None), ("tier", "1")]
    assert asked(workspace, f"{TAGS}/tables/m.s.a/tags") == (200, {})


def test_refusals_are_by_path(workspace: WorkspaceTables) -> None:
    workspace.refuse(TAGS)
    status, body = asked(workspace, f"{TAGS}/tables/m.s.a/tags")
    assert (status, body["error_code"]) == (403, "PERMISSION_DENIED")
    assert asked(workspace, f"{TABLES}/m.s.a")[0] == 200
