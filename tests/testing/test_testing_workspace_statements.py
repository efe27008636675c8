"""The double of a SQL warehouse: what it answers, what it refuses, and that it is as strict as the API."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lakepact.testing.workspace_statements import WorkspaceStatements


@pytest.fixture
def workspace(spark: Any) -> Iterator[WorkspaceStatements]:
    with WorkspaceStatements(spark, chunk_rows=2) as workspace:
        yield workspace


def send(workspace: WorkspaceStatements, text: str, /, **fields: Any) -> httpx.Response:
    body = {"warehouse_id": workspace.warehouse, "statement": text, "wait_timeout": "50s"} | fields
    return ask(workspace, "POST", "", {key: value for key, value in body.items() if value is not None})


def ask(workspace: WorkspaceStatements, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {workspace.token}"}
    url = f"{workspace.url}/api/2.0/sql/statements{path}"
    return httpx.request(method, url, headers=headers, content=None if body is None else json.dumps(body), timeout=60)


def failure(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    assert answer.json()["status"]["state"] == "FAILED"
    return str(answer.json()["status"]["error"]["message"])


def test_values_are_text_in_chunks(workspace: WorkspaceStatements) -> None:
    moment = "CAST('2024-01-31 10:00:00.5' AS TIMESTAMP)"
    text = f"SELECT id, id > 0 AS b, {moment} AS t, array('x') AS a, NULL AS n FROM range(3)"
    answer = send(workspace, text).json()
    assert answer["status"] == {"state": "SUCCEEDED"}
    columns = answer["manifest"]["schema"]["columns"]
    assert [each["type_name"] for each in columns] == ["LONG", "BOOLEAN", "TIMESTAMP", "ARRAY", "NULL"]
    assert (answer["manifest"]["total_row_count"], answer["manifest"]["total_chunk_count"]) == (3, 2)
    assert answer["result"]["data_array"][0] == ["0", "false", "2024-01-31T10:00:00.500Z", '["x"]', None]
    assert answer["result"]["next_chunk_index"] == 1
    last = ask(workspace, "GET", f"/{answer['statement_id']}/result/chunks/1").json()
    assert (len(last["data_array"]), "next_chunk_index" in last) == (1, False)
    assert ask(workspace, "GET", f"/{answer['statement_id']}/result/chunks/2").status_code == 400
    assert ask(workspace, "GET", "/other").status_code == 404


def test_parameters_are_values_of_their_types(workspace: WorkspaceStatements) -> None:
    given = [
        {"name": "s", "value": "it's :n ${x}"},
        {"name": "n", "value": "3", "type": "BIGINT"},
        {"name": "d", "value": "2024-01-31", "type": "DATE"},
        {"name": "x", "type": "INT"},
    ]
    answer = send(workspace, "SELECT :s AS s, :n + 1 AS n, :d AS d, :x AS x, ':s' AS t", parameters=given).json()
    assert answer["result"]["data_array"] == [["it's :n ${x}", "4", "2024-01-31", None, ":s"]]
    bad = [{"name": "n", "value": "three", "type": "INT"}]
    assert failure(send(workspace, "SELECT :n", parameters=bad)).startswith("[CAST_INVALID_INPUT]")
    for text in ("SELECT :missing", "SELECT ?"):
        assert failure(send(workspace, text)).startswith("[UNBOUND_SQL_PARAMETER] Found the unbound parameter: ")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"warehouse_id": None}, "Missing required field: warehouse_id"),
        ({"warehouse_id": "x"}, "x is not a valid endpoint id."),
        ({"statement": None}, "Missing required field: statement"),
        ({"wait_timeout": "3s"}, "wait_timeout must be 0s or between 5s and 50s, not 3s."),
        ({"wait_timeout": "51s"}, "wait_timeout must be 0s or between 5s and 50s, not 51s."),
        ({"format": "CSV"}, "format must be one of JSON_ARRAY in this workspace, not CSV."),
        ({"disposition": "X"}, "disposition must be one of INLINE, EXTERNAL_LINKS in this workspace, not X."),
        ({"parameters": [{"value": "1"}]}, "Every parameter needs a name; positional parameters are not supported."),
        ({"parameters": [{"name": "a"}, {"name": "a"}]}, "The parameter a is given twice."),
        ({"parameters": [{"name": "a", "type": "ARRAY<INT>"}]}, "The parameter a has the unsupported type ARRAY<INT>."),
        ({"parameters": [{"name": "a", "value": 1}]}, "The value of the parameter a must be a string."),
        ({"statement": "--" + "x" * 16 * 1024 * 1024}, "The maximum query text size is 16 MiB."),
    ],
)
def test_what_is_no_request_is_refused(workspace: WorkspaceStatements, fields: Any, message: str) -> None:
    answer = send(workspace, "SELECT 1", **fields)
    assert (answer.status_code, answer.json()["message"]) == (400, message)
    assert workspace.statements == []


def test_a_token_is_needed(workspace: WorkspaceStatements) -> None:
    url = f"{workspace.url}/api/2.0/sql/warehouses/{workspace.warehouse}"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers={"Authorization": "Bearer other"}).status_code == 403
    assert httpx.get(url, headers={"Authorization": f"Bearer {workspace.token}"}).json()["state"] == "RUNNING"
    other = url.replace(workspace.warehouse, "f" * 16)
    assert httpx.get(other, headers={"Authorization": f"Bearer {workspace.token}"}).status_code == 404
    assert ask(workspace, "DELETE", "").status_code == 404
    assert ask(workspace, "GET", "").status_code == 404


def test_limits_of_a_result(spark: Any) -> None:
    with WorkspaceStatements(spark, inline_limit=10) as workspace:
        words = failure(send(workspace, "SELECT repeat('x', 11)"))
        assert words.startswith("Inline byte limit exceeded. Statements executed with disposition=INLINE can have")
        assert send(workspace, "SELECT repeat('x', 10)").json()["result"]["data_array"] == [["x" * 10]]
        cut = send(workspace, "SELECT id FROM range(5)", row_limit=2).json()
        assert (cut["manifest"]["truncated"], cut["manifest"]["total_row_count"]) == (True, 2)


def test_links_are_to_storage_that_knows_no_token(workspace: WorkspaceStatements) -> None:
    answer = send(workspace, "SELECT id FROM range(3) ORDER BY id", disposition="EXTERNAL_LINKS").json()
    (link,) = answer["result"]["external_links"]
    assert link["next_chunk_index"] == 1
    url, headers = link["external_link"], link["http_headers"]
    assert httpx.get(url, headers=headers).json() == [["0"], ["1"]]
    assert httpx.get(url).status_code == 403
    assert httpx.get(url, headers=headers | {"Authorization": f"Bearer {workspace.token}"}).status_code == 400
    workspace.expire_links()
    assert httpx.get(url, headers=headers).status_code == 403


def test_states_of_a_statement(workspace: WorkspaceStatements) -> None:
    workspace.stop(0.6)
    first = send(workspace, "SELECT 1", wait_timeout="0s").json()
    assert first == {"statement_id": first["statement_id"], "status": {"state": "PENDING"}}
    workspace.slow(60)
    canceled = send(workspace, "SELECT 2", wait_timeout="5s", on_wait_timeout="CANCEL").json()
    assert canceled["status"]["state"] == "CANCELED"
    second = send(workspace, "SELECT 3", wait_timeout="0s").json()["statement_id"]
    assert ask(workspace, "POST", f"/{second}/cancel", {}).json() == {}
    assert ask(workspace, "GET", f"/{second}").json()["status"]["state"] == "CANCELED"
    assert workspace.statements == []


def test_no_statement_outlives_the_double(spark: Any) -> None:
    """Spark may be stopped when the double is gone: a statement that began after that would fail, or hang."""
    before = set(threading.enumerate())
    with WorkspaceStatements(spark) as workspace:
        workspace.slow(60)
        waits = send(workspace, "SELECT 1", wait_timeout="0s").json()
        assert waits["status"]["state"] in ("PENDING", "RUNNING")
        assert set(threading.enumerate()) - before
    assert workspace.statements == []
    assert not [thread for thread in set(threading.enumerate()) - before if "(_run)" in thread.name]


def test_grants_and_tags_are_checked(workspace: WorkspaceStatements, spark: Any) -> None:
    spark.sql("CREATE SCHEMA IF NOT EXISTS governed")
    spark.sql("CREATE TABLE IF NOT EXISTS governed.t (a INT) USING delta")
    try:
        for text in (
            "GRANT USE SCHEMA, CREATE TABLE ON SCHEMA main.governed TO `a``b`",
            "GRANT SELECT ON TABLE `main`.`governed`.`t` TO ci",
            "REVOKE CREATE TABLE ON SCHEMA main.governed FROM `a``b`",
            "ALTER TABLE main.governed.t SET TAGS ('team' = 'da''ta', 'x' = '')",
        ):
            assert send(workspace, text).json()["status"] == {"state": "SUCCEEDED"}, text
        assert workspace.governed.grants == {
            ("a`b", "USE SCHEMA", "main.governed"),
            ("ci", "SELECT", "main.governed.t"),
        }
        for text, words in (
            ("GRANT SELECT ON TABLE main.governed.t FROM ci", "[PARSE_SYNTAX_ERROR]"),
            ("GRANT SELECT ON TABLE governed.t TO ci", "[PARSE_SYNTAX_ERROR]"),
            (
                "GRANT USE SCHEMA ON TABLE main.governed.t TO ci",
                "[INVALID_PARAMETER_VALUE] Privilege USE SCHEMA is not",
            ),
            ("GRANT SELECT ON TABLE main.governed.u TO ci", "[TABLE_OR_VIEW_NOT_FOUND]"),
            ("GRANT SELECT ON TABLE other.governed.t TO ci", "[NO_SUCH_CATALOG_EXCEPTION]"),
            ("ALTER TABLE main.governed.t SET TAGS (team = 'x')", "[PARSE_SYNTAX_ERROR]"),
            ("ALTER TABLE main.governed.t SET TAGS ('a.b' = 'x')", "[INVALID_PARAMETER_VALUE]"),
        ):
            assert failure(send(workspace, text)).startswith(words), text
        assert send(workspace, "SELECT count(*) FROM main.governed.t").json()["result"]["data_array"] == [["0"]]
        assert list(workspace.governed.tags) == ["main.governed.t"]
    finally:
        spark.sql("DROP SCHEMA governed CASCADE")


def test_what_is_no_statement_fails_with_the_words_of_spark(workspace: WorkspaceStatements) -> None:
    assert re.match(r"\[PARSE_SYNTAX_ERROR\] Syntax error at or near 'SELEC'", failure(send(workspace, "SELEC 1")))
    assert failure(send(workspace, "SELECT 1; SELECT 2")).startswith("[PARSE_SYNTAX_ERROR]")
    workspace.fail_next("[X] as told")
    assert failure(send(workspace, "SELECT 1")) == "[X] as told"
    assert ask(workspace, "POST", "", "no object").json()["error_code"] == "MALFORMED_REQUEST"


def test_a_connect_session_will_do(local_session: Any) -> None:
    with WorkspaceStatements(local_session.connect) as workspace:
        given = [{"name": "s", "value": "it's"}]
        answer = send(workspace, "SELECT :s AS s, id FROM range(1)", parameters=given).json()
        assert answer["result"]["data_array"] == [["it's", "0"]]
        assert failure(send(workspace, "SELEC")).startswith("[PARSE_SYNTAX_ERROR] Syntax error at or near 'SELEC'")
