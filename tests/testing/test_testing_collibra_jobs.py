from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lakepact.testing.collibra import CollibraServer

UNKNOWN = "12345678-1234-1234-1234-123456789abc"
MEASURED_BY = "00000000-0000-0000-0000-000000007018"
QUALITY = {"name": "Quality", "community": {"name": "Lakehouse"}}


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def collibra(clock: Clock) -> Iterator[CollibraServer]:
    with CollibraServer(clock=clock) as server:
        yield server


@pytest.fixture
def http(collibra: CollibraServer) -> Iterator[httpx.Client]:
    auth = (collibra.user, collibra.password)
    with httpx.Client(base_url=f"{collibra.url}/rest/2.0", auth=auth) as client:
        yield client


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body["statusCode"] == answer.status_code
    return answer.status_code, body["errorCode"]


def metric(name: str, **more: Any) -> dict[str, Any]:
    identifier = {"name": name, "domain": QUALITY}
    return {"resourceType": "Asset", "identifier": identifier, "type": {"name": "Data Quality Metric"}, **more}


def start(http: httpx.Client, entries: Any, *, goes_on: bool = True) -> dict[str, Any]:
    file = {"file": ("import.json", json.dumps(entries).encode())}
    answer = http.post("/import/json-job", data={"continueOnError": str(goes_on).lower()}, files=file)
    assert answer.status_code == 200
    return dict(answer.json())


def done(http: httpx.Client, entries: Any) -> tuple[str, list[dict[str, Any]]]:
    """The result of an import and its errors."""
    job = http.get(f"/jobs/{start(http, entries)['id']}").json()
    assert job["state"] == "COMPLETED"
    return job["result"], http.get(f"/import/results/{job['id']}/errors").json()["results"]


def test_an_import_makes_assets_with_attributes_and_relations(collibra: CollibraServer, http: httpx.Client) -> None:
    table = collibra.add_table("uc>main>orders", ["id"])
    entry = metric(
        "orders-id-unique",
        status={"name": "Accepted"},
        attributes={"Rows Passed": [{"value": "98"}], "Result": [{"value": "true"}]},
        relations={f"{MEASURED_BY}:SOURCE": [{"id": table}]},
        tags=["lakepact"],
    )
    assert done(http, [entry]) == ("SUCCESS", [])
    found = http.get("/assets", params={"name": "orders-id-unique", "tagNames": ["lakepact"]}).json()["results"]
    assert [(each["type"]["name"], each["status"]["name"]) for each in found] == [("Data Quality Metric", "Accepted")]
    listed = http.get("/attributes", params={"assetId": found[0]["id"]}).json()["results"]
    assert {each["type"]["name"]: each["value"] for each in listed} == {"Rows Passed": 98, "Result": True}
    related = http.get("/relations", params={"targetId": found[0]["id"]}).json()["results"]
    assert [each["source"]["id"] for each in related] == [table]


def test_an_import_that_is_repeated_changes_nothing(collibra: CollibraServer, http: httpx.Client) -> None:
    entry = metric("m", attributes={"Threshold": [{"value": 1}]})
    done(http, [entry])
    before = len(collibra.state.activities)
    assert done(http, [entry]) == ("SUCCESS", [])
    assert len(collibra.state.activities) == before
    asset = http.get("/assets", params={"name": "m"}).json()["results"][0]["id"]
    changed = {"resourceType": "Asset", "identifier": {"id": asset}, "attributes": {"Threshold": [{"value": 2}]}}
    assert done(http, [changed]) == ("SUCCESS", [])
    assert [each["value"] for each in http.get("/attributes", params={"assetId": asset}).json()["results"]] == [2]


def test_an_import_says_which_entries_failed(http: httpx.Client) -> None:
    entries = [
        metric("good"),
        metric("bad value", attributes={"Threshold": [{"value": "high"}]}),
        metric("bad relation", relations={f"{MEASURED_BY}:SOURCE": [{"name": "none", "domain": QUALITY}]}),
        metric("bad end", relations={f"{MEASURED_BY}:UP": []}),
        metric("bad type") | {"type": {"name": "Nothing"}},
        {"resourceType": "Community"},
        {"resourceType": "Asset"},
    ]
    result, errors = done(http, entries)
    assert result == "COMPLETED_WITH_ERROR"
    assert [(error["command"]["indices"], error["errorType"]) for error in errors] == [
        ([1], "RUNTIME"),
        ([2], "RUNTIME"),
        ([3], "RUNTIME"),
        ([4], "RUNTIME"),
        ([5], "RUNTIME"),
        ([6], "VALIDATION"),
    ]
    assert errors[0] == {
        "errorType": "RUNTIME",
        "resourceType": "ASSET",
        "errorMessage": "The attribute 'Threshold' cannot have the value 'high'.",
        "command": {"indices": [1], "identifier": json.dumps(entries[1]["identifier"], sort_keys=True)},
    }
    assert [each["name"] for each in http.get("/assets").json()["results"]] == ["good"]


def test_an_import_that_does_not_go_on_does_all_or_nothing(collibra: CollibraServer, http: httpx.Client) -> None:
    collibra.switches.import_errors_named = False
    before = len(collibra.state.activities)
    job = start(http, [metric("good"), metric("bad", attributes={"Threshold": [{"value": "high"}]})], goes_on=False)
    ended = http.get(f"/jobs/{job['id']}").json()
    assert (ended["state"], ended["result"]) == ("ERROR", "FAILURE")
    errors = http.get(f"/import/results/{job['id']}/errors").json()["results"]
    assert [each["command"] for each in errors] == [{"indices": [1]}]
    assert http.get("/assets").json()["results"] == []
    assert len(collibra.state.activities) == before
    again = start(http, [metric("good")], goes_on=False)
    assert http.get(f"/jobs/{again['id']}").json()["result"] == "SUCCESS"


def test_an_import_needs_a_file(http: httpx.Client) -> None:
    assert refusal(http.post("/import/json-job", files={"other": ("x", b"[]")})) == (400, "missingFile")
    job = http.get(f"/jobs/{start(http, {'no': 'list'})['id']}").json()
    assert (job["state"], job["result"]) == ("ERROR", "FAILURE")
    errors = http.get(f"/import/results/{job['id']}/errors").json()["results"]
    assert [each["errorMessage"] for each in errors] == ["The file must hold a list."]
    assert refusal(http.get(f"/jobs/{UNKNOWN}")) == (404, "jobNotFound")


def test_an_import_takes_its_time(collibra: CollibraServer, http: httpx.Client, clock: Clock) -> None:
    collibra.switches.import_seconds, collibra.switches.job_unknown_seconds = 5, 1
    job = start(http, [metric("m")])
    assert (job["state"], job["result"]) == ("WAITING", "NOT_SET")
    assert refusal(http.get(f"/jobs/{job['id']}")) == (404, "jobNotFound")
    clock.now += 1
    assert http.get(f"/jobs/{job['id']}").json()["state"] == "RUNNING"
    assert refusal(http.get(f"/import/results/{job['id']}/errors")) == (400, "jobNotFinished")
    assert http.get("/assets").json()["results"] == []
    clock.now += 5
    assert [each["name"] for each in http.get("/assets").json()["results"]] == ["m"]
    ended = http.get(f"/jobs/{job['id']}").json()
    assert (ended["state"], ended["result"], ended["endDate"] > ended["startDate"]) == ("COMPLETED", "SUCCESS", True)


def test_activities_tell_what_changed_newest_first(collibra: CollibraServer, http: httpx.Client) -> None:
    port = collibra.add_port("a")
    collibra.set_asset_status(port, "Accepted")
    http.put(f"/assets/{port}/tags", json={"tagNames": ["x"]})
    everything = http.get("/activities", params={"contextId": port}).json()
    assert (everything["total"], everything["limit"]) == (-1, 100)
    kinds = [(each["activityType"], json.loads(each["description"])) for each in everything["results"]]
    old, new = (http.get(f"/statuses/name/{name}").json()["id"] for name in ("Candidate", "Accepted"))
    assert kinds == [
        ("UPDATE", {"field": "tags", "oldValue": [], "newValue": ["x"]}),
        ("UPDATE", {"field": "statusId", "oldValue": old, "newValue": new}),
        ("ADD", {"name": "a"}),
    ]
    stamp = everything["results"][1]["timestamp"]
    asked: list[dict[str, Any]] = [
        {"categories": ["STATUS"]},
        {"startDate": stamp + 1},
        {"endDate": stamp - 1},
        {"activityType": "ADD", "limit": 5},
        {"categories": ["STATUS", "TAG"], "offset": 1},
        {"resourceTypes": "Domain"},
    ]
    found = [http.get("/activities", params={"contextId": port} | query).json()["results"] for query in asked]
    everything_listed = everything["results"]
    assert found == [
        everything_listed[1:2],
        everything_listed[:1],
        everything_listed[2:],
        everything_listed[2:],
        everything_listed[1:2],
        [],
    ]


def test_search_finds_assets_by_words_and_filters(collibra: CollibraServer, http: httpx.Client) -> None:
    port, table = collibra.add_port("Orders gold"), collibra.add_table("uc>main>sales>orders")
    product = collibra.add_product("customers")
    port_type = http.get("/assetTypes/publicId/DataProductPort").json()["id"]
    status = http.get(f"/assets/{port}").json()["status"]["id"]

    def found(keywords: str, **more: Any) -> list[str]:
        body = http.post("/search", json={"keywords": keywords, **more}).json()
        return [each["resource"]["id"] for each in body["results"]]

    assert found("ORDERS") == [port, table]
    assert found("or*gold") == [port]
    assert found("orders", filters=[{"field": "assetType", "values": [port_type]}]) == [port]
    assert found("*", filters=[{"field": "status", "values": [status]}], limit=2, offset=1) == [table, product]
    assert found("*", filters=[{"field": "resourceType", "values": ["Domain"]}]) == []
    body = http.post("/search", json={"keywords": "o", "limit": 1}).json()
    assert (body["total"], len(body["results"])) == (3, 1)
    wrong = {"keywords": "o", "filters": [{"field": "color", "values": ["red"]}]}
    assert refusal(http.post("/search", json=wrong)) == (400, "unknownFilter")
    assert refusal(http.post("/search", json={"keywords": "o", "limit": 1001})) == (400, "limitOutOfRange")


def test_a_workflow_is_started_for_assets_and_gets_messages(collibra: CollibraServer, http: httpx.Client) -> None:
    port, review = collibra.add_port("a"), collibra.add_workflow("Review of a contract")
    listed = http.get("/workflowDefinitions", params={"name": "review"}).json()["results"]
    assert [each["id"] for each in listed] == [review]
    assert "ASSET_STATUS_CHANGED" in http.get("/workflowDefinitions/startEvents").json()
    given = {"workflowDefinitionId": review, "businessItemIds": [port], "businessItemType": "ASSET"}
    answer = http.post("/workflowInstances", json=given | {"formProperties": {"version": "2.0.0"}})
    assert (answer.status_code, len(answer.json())) == (201, 1)
    instance = answer.json()[0]
    assert (instance["workflowDefinition"]["name"], instance["businessItem"]["id"]) == ("Review of a contract", port)
    query = {"workflowDefinitionId": review, "businessItemId": port}
    assert http.get("/workflowInstances", params=query).json()["results"] == [instance]
    assert http.get("/workflowInstances", params=query | {"businessItemId": UNKNOWN}).json()["results"] == []
    stored = collibra.state.tables["instances"][instance["id"]]
    assert stored["form"] == {"version": "2.0.0"}
    path = f"/workflowInstances/{instance['id']}/messageEvents"
    assert http.post(f"{path}/pipeline-done", json={"variables": {"result": "ok"}}).status_code == 204
    assert http.post(f"{path}/again").status_code == 204
    assert stored["messages"] == [
        {"name": "pipeline-done", "variables": {"result": "ok"}},
        {"name": "again", "variables": {}},
    ]


def test_a_workflow_is_refused(collibra: CollibraServer, http: httpx.Client) -> None:
    review = collibra.add_workflow("Review")
    given: dict[str, Any] = {"workflowDefinitionId": review}
    unknown = {"businessItemIds": [UNKNOWN], "businessItemType": "ASSET"}
    assert refusal(http.post("/workflowInstances", json={"workflowDefinitionId": UNKNOWN})) == (
        404,
        "workflowDefinitionNotFound",
    )
    assert refusal(http.post("/workflowInstances", json=given | unknown)) == (404, "assetNotFound")
    untyped = given | {"businessItemIds": [UNKNOWN]}
    assert refusal(http.post("/workflowInstances", json=untyped)) == (400, "unknownBusinessItem")
    numbers = given | {"formProperties": {"version": 2}}
    assert refusal(http.post("/workflowInstances", json=numbers)) == (400, "malformedBody")
    assert refusal(http.post(f"/workflowInstances/{UNKNOWN}/messageEvents/x")) == (404, "workflowInstanceNotFound")
