from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lakepact.testing.collibra import CollibraServer

CORE = "/rest/2.0"
UNKNOWN = "12345678-1234-1234-1234-123456789abc"
RESERVED = "00000000-0000-0000-0000-0000000000ab"


@pytest.fixture
def collibra() -> Iterator[CollibraServer]:
    with CollibraServer(clock=lambda: 1_700_000_000.0) as server:
        yield server


@pytest.fixture
def http(collibra: CollibraServer) -> Iterator[httpx.Client]:
    auth = (collibra.user, collibra.password)
    with httpx.Client(base_url=collibra.url + CORE, auth=auth) as client:
        yield client


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body["statusCode"] == answer.status_code
    return answer.status_code, body["errorCode"]


def names(http: httpx.Client, path: str, **query: Any) -> list[str]:
    return [each["name"] for each in http.get(path, params=query).json()["results"]]


def id_of(http: httpx.Client, path: str) -> str:
    return str(http.get(path).json()["id"])


# --- assets


def test_an_asset_is_shown_with_what_it_refers_to(collibra: CollibraServer, http: httpx.Client) -> None:
    port = collibra.add_port("orders-gold")
    asset = http.get(f"/assets/{port}").json()
    domain, kind, status = asset.pop("domain"), asset.pop("type"), asset.pop("status")
    user, stamp = asset["createdBy"], asset["createdOn"]
    assert asset == {
        "id": port,
        "resourceType": "Asset",
        "name": "orders-gold",
        "displayName": "orders-gold",
        "createdBy": user,
        "createdOn": stamp,
        "lastModifiedBy": user,
        "lastModifiedOn": stamp,
    }
    assert (domain["name"], kind["name"], kind["resourceType"]) == ("Data Products", "Data Product Port", "AssetType")
    assert status == {
        "id": "00000000-0000-0000-0000-000000005008",
        "resourceType": "Status",
        "resourceDiscriminator": "Status",
        "name": "Candidate",
    }


@pytest.mark.parametrize(
    ("mode", "name", "found"),
    [
        ("", "ORDERS", ["old-orders", "orders", "orders-gold"]),
        ("ANYWHERE", "rder", ["old-orders", "orders", "orders-gold"]),
        ("START", "Orders", ["orders", "orders-gold"]),
        ("END", "orders", ["old-orders", "orders"]),
        ("EXACT", "orders", ["orders"]),
        ("EXACT", "Orders", []),
    ],
)
def test_assets_are_found_by_name(
    collibra: CollibraServer, http: httpx.Client, mode: str, name: str, found: list[str]
) -> None:
    for each in ("orders-gold", "orders", "old-orders", "customers"):
        collibra.add_port(each)
    query = {"name": name} | ({"nameMatchMode": mode} if mode else {})
    assert names(http, "/assets", **query) == found


def test_assets_are_found_by_type_with_those_that_inherit(collibra: CollibraServer, http: httpx.Client) -> None:
    collibra.add_port("a")
    collibra.add_port("b", kind="Data Product Output Port")
    table = collibra.add_table("uc>main>c", ["id"])
    port = id_of(http, "/assetTypes/publicId/DataProductPort")
    tables = "00000000-0000-0000-0000-000000031007"
    assert names(http, "/assets", typeIds=[port]) == ["a", "b"]
    assert names(http, "/assets", typeIds=[port], typeInheritance="false") == ["a"]
    assert names(http, "/assets", typeIds=[port, tables]) == ["a", "b", "uc>main>c"]
    assert names(http, "/assets", typeId=tables) == ["uc>main>c"]
    # A name is that of the path or the one that is displayed.
    assert names(http, "/assets", name="c", nameMatchMode="EXACT") == ["uc>main>c"]
    assert http.get(f"/assets/{table}").json()["displayName"] == "c"


def test_assets_are_found_by_status_domain_community_and_tag(collibra: CollibraServer, http: httpx.Client) -> None:
    first, other = collibra.add_port("a"), collibra.add_domain("Other")
    collibra.add_port("b")
    collibra.set_asset_status(first, "Accepted")
    http.post(f"/assets/{first}/tags", json={"tagNames": ["pending"]})
    accepted, candidate = (id_of(http, f"/statuses/name/{name}") for name in ("Accepted", "Candidate"))
    domain = http.get("/domains", params={"name": "Data Products"}).json()["results"][0]
    assert names(http, "/assets", statusIds=[accepted]) == ["a"]
    assert names(http, "/assets", statusIds=[accepted, candidate]) == ["a", "b"]
    assert names(http, "/assets", domainId=domain["id"]) == ["a", "b"]
    assert names(http, "/assets", domainId=other) == []
    assert names(http, "/assets", communityId=domain["community"]["id"]) == ["a", "b"]
    assert names(http, "/assets", communityId=UNKNOWN) == []
    assert names(http, "/assets", tagNames=["pending", "x"]) == ["a"]


def test_assets_are_sorted_but_not_by_their_last_change(collibra: CollibraServer, http: httpx.Client) -> None:
    for each in ("b", "A", "c"):
        collibra.add_port(each)
    assert names(http, "/assets") == ["A", "b", "c"]
    assert names(http, "/assets", sortField="DISPLAY_NAME", sortOrder="DESC") == ["c", "b", "A"]
    collibra.add_table("uc>aa")
    assert names(http, "/assets", sortField="DISPLAY_NAME") == ["A", "uc>aa", "b", "c"]
    assert refusal(http.get("/assets", params={"sortField": "LAST_MODIFIED"})) == (400, "invalidSortField")
    assert refusal(http.get("/assets", params={"sortOrder": "DOWN"})) == (400, "invalidSortOrder")
    assert refusal(http.get("/assets", params={"nameMatchMode": "LIKE"})) == (400, "invalidMatchMode")
    assert refusal(http.get("/assets", params={"typeIds": "Port"})) == (400, "malformedUuid")


def test_pages_by_offset_have_a_total(collibra: CollibraServer, http: httpx.Client) -> None:
    for each in "abc":
        collibra.add_port(each)
    page = http.get("/assets", params={"limit": 2, "offset": 1}).json()
    assert [each["name"] for each in page.pop("results")] == ["b", "c"]
    assert page == {"total": 3, "offset": 1, "limit": 2}
    totals = [http.get("/assets", params={"countLimit": count}).json()["total"] for count in (-1, 0, 2, 9)]
    assert totals == [3, -1, 2, 3]
    limits = [http.get("/assets", params={"limit": limit}).json()["limit"] for limit in (0, 1000)]
    assert limits == [1000, 1000]
    assert refusal(http.get("/assets", params={"limit": 1001})) == (400, "limitOutOfRange")
    assert refusal(http.get("/assets", params={"offset": -1})) == (400, "malformedNumber")


@pytest.mark.parametrize("empty", [False, True])
def test_pages_by_cursor_have_none(collibra: CollibraServer, http: httpx.Client, empty: bool) -> None:
    collibra.pages.empty = empty
    for each in "abc":
        collibra.add_port(each)
    found, cursor = [], ""
    while True:
        page = http.get("/assets", params={"limit": 2, "cursor": cursor}).json()
        assert (page["total"], page["offset"]) == (-1, -1)
        found.append([each["name"] for each in page["results"]])
        if "nextCursor" not in page:
            break
        cursor = page["nextCursor"]
    assert found == ([["a", "b"], [], ["c"]] if empty else [["a", "b"], ["c"]])
    assert refusal(http.get("/assets", params={"cursor": "", "offset": 0})) == (400, "cursorAndOffset")
    assert refusal(http.get("/assets", params={"cursor": "made-up"})) == (400, "invalidCursor")


def test_assets_are_made_changed_and_removed(collibra: CollibraServer, http: httpx.Client) -> None:
    port_type = id_of(http, "/assetTypes/publicId/DataProductPort")
    domain = http.get("/domains", params={"name": "Data Products"}).json()["results"][0]["id"]
    given = {"name": "a", "domainId": domain, "typeId": port_type}
    made = http.post("/assets", json=given | {"id": UNKNOWN})
    assert (made.status_code, made.json()["id"]) == (201, UNKNOWN)
    assert refusal(http.post("/assets", json=given)) == (400, "assetNameExists")
    assert refusal(http.post("/assets", json=given | {"name": "b", "id": "b"})) == (400, "malformedUuid")
    assert refusal(http.post("/assets", json=given | {"name": "b", "id": UNKNOWN})) == (400, "assetIdExists")
    assert refusal(http.post("/assets", json=given | {"name": "b", "id": RESERVED})) == (400, "reservedId")
    assert refusal(http.post("/assets", json={"name": "b", "domainId": domain})) == (400, "missingField")
    assert refusal(http.post("/assets", content=b"{}")) == (415, "unsupportedMediaType")
    assert refusal(http.post("/assets", json=[given])) == (400, "malformedBody")
    collibra.switches.unique_names = False
    assert http.post("/assets", json=given).status_code == 201
    assert http.delete(f"/assets/{UNKNOWN}").status_code == 204
    assert refusal(http.get(f"/assets/{UNKNOWN}")) == (404, "assetNotFound")


def test_a_status_is_changed_by_its_id(collibra: CollibraServer, http: httpx.Client) -> None:
    port = collibra.add_port("a")
    draft = collibra.add_status("Draft")
    changed = http.patch(f"/assets/{port}", json={"statusId": draft, "name": None})
    assert (changed.status_code, changed.json()["status"]["name"], changed.json()["name"]) == (200, "Draft", "a")
    assert changed.json()["lastModifiedOn"] > changed.json()["createdOn"]
    again = http.patch(f"/assets/{port}", json={"statusId": draft}).json()
    assert again["lastModifiedOn"] == changed.json()["lastModifiedOn"]
    assert refusal(http.patch(f"/assets/{port}", json={"statusId": UNKNOWN})) == (404, "statusNotFound")
    assert refusal(http.patch(f"/assets/{port}", json={"statusId": "Draft"})) == (400, "malformedUuid")


def test_a_domain_accepts_the_types_of_its_kind(collibra: CollibraServer, http: httpx.Client) -> None:
    port = collibra.add_port("a")
    tables = http.get("/domains", params={"name": "Tables"}).json()["results"][0]["id"]
    refused = http.patch(f"/assets/{port}", json={"domainId": tables})
    assert refusal(refused) == (400, "assetTypeNotAccepted")
    assert refused.json() == {
        "statusCode": 400,
        "errorCode": "assetTypeNotAccepted",
        "titleMessage": "Bad request",
        "userMessage": "A domain of the type 'Physical Data Dictionary' does not accept the asset type "
        "'Data Product Port'.",
    }


def test_a_hidden_asset_is_a_401_that_no_new_token_helps(collibra: CollibraServer, http: httpx.Client) -> None:
    port = collibra.add_port("a")
    collibra.hide(port)
    assert refusal(http.get(f"/assets/{port}")) == (401, "viewPermissionMissing")
    assert names(http, "/assets") == []


def test_the_same_name_in_two_domains_is_two_assets(collibra: CollibraServer, http: httpx.Client) -> None:
    collibra.add_domain("Other tables", "Physical Data Dictionary")
    collibra.add_table("uc>main>sales>orders")
    collibra.add_table("uc>main>sales>orders", domain="Other tables")
    assert names(http, "/assets", name="orders", nameMatchMode="EXACT") == ["uc>main>sales>orders"] * 2


def test_tags_are_added_replaced_and_removed(collibra: CollibraServer, http: httpx.Client) -> None:
    path = f"/assets/{collibra.add_port('a')}/tags"
    tags = [
        http.request(method, path, json={"tagNames": given}).status_code
        for method, given in (("POST", ["x", "y"]), ("POST", ["y", "z"]), ("DELETE", ["x"]))
    ]
    assert tags == [200, 200, 204]
    assert http.get(path).json() == [{"name": "y"}, {"name": "z"}]
    assert http.put(path, json={"tagNames": ["n"]}).json() == [{"name": "n"}]
    for wrong in ("n", ["n", 1]):
        assert refusal(http.put(path, json={"tagNames": wrong})) == (400, "malformedBody")


# --- attributes


def test_attributes_have_values_of_their_kind(collibra: CollibraServer, http: httpx.Client) -> None:
    port = collibra.add_port("a")
    kinds = {
        "text": (collibra.add_attribute_type("Run id"), "R1", 5),
        "number": (collibra.add_attribute_type("Rows", "NUMERIC"), 12, "many"),
        "flag": (collibra.add_attribute_type("Compliant", "BOOLEAN"), True, "perhaps"),
        "one": (collibra.add_attribute_type("State", "SINGLE_VALUE_LIST", allowed=["ok", "bad"]), "ok", "fair"),
        "many": (collibra.add_attribute_type("Causes", "MULTI_VALUE_LIST", allowed=["a", "b"]), ["a", "b"], ["c"]),
    }
    for kind, good, bad in kinds.values():
        made = http.post("/attributes", json={"assetId": port, "typeId": kind, "value": good})
        assert (made.status_code, made.json()["value"]) == (201, good)
        refused = http.post("/attributes", json={"assetId": port, "typeId": kind, "value": bad})
        assert refusal(refused) == (400, "invalidValue")
    assert http.get(f"/attributeTypes/{kinds['one'][0]}").json()["allowedValues"] == ["ok", "bad"]
    sent_as_text = http.post("/attributes", json={"assetId": port, "typeId": kinds["number"][0], "value": "0.5"})
    assert sent_as_text.json()["value"] == 0.5
    collibra.switches.values_as_text = True
    shown = http.get("/attributes", params={"assetId": port}).json()["results"]
    assert [each["value"] for each in shown] == ["R1", "12", "true", "ok", ["a", "b"], "0.5"]


def test_an_attribute_is_found_changed_and_removed(collibra: CollibraServer, http: httpx.Client) -> None:
    port, kind = collibra.add_port("a"), collibra.add_attribute_type("Run id")
    made = http.post("/attributes", json={"assetId": port, "typeId": kind, "value": "r1"}).json()
    assert (made["resourceType"], made["type"]["name"], made["asset"]["id"]) == ("StringAttribute", "Run id", port)
    path = f"/attributes/{made['id']}"
    assert http.patch(path, json={"value": "r2"}).json()["value"] == "r2"
    assert http.get(path).json()["value"] == "r2"
    other = id_of(http, "/attributeTypes/publicId/Description")
    http.post("/attributes", json={"assetId": collibra.add_port("b"), "typeId": kind, "value": "other"})
    found = [
        len(http.get("/attributes", params={"assetId": port, "typeIds": types}).json()["results"])
        for types in ([kind], [other], [other, kind])
    ]
    assert found == [1, 0, 1]
    assert http.get("/attributes", params={"typeIds": kind}).json()["total"] == 2
    newest = {"sortField": "CREATED_ON", "sortOrder": "DESC"}
    http.post("/attributes", json={"assetId": port, "typeId": kind, "value": "r3"})
    listed = [http.get("/attributes", params={"assetId": port} | query).json()["results"] for query in ({}, newest)]
    assert [[each["value"] for each in page] for page in listed] == [["r2", "r3"], ["r3", "r2"]]
    assert http.delete(path).status_code == 204
    assert refusal(http.get(path)) == (404, "attributeNotFound")
    assert refusal(http.get("/attributes", params={"assetId": UNKNOWN})) == (404, "assetNotFound")
    assert refusal(http.get("/attributes", params={"assetId": port, "sortField": "NAME"})) == (400, "invalidSortField")


def test_replacing_attributes_may_be_repeated(collibra: CollibraServer, http: httpx.Client) -> None:
    port, kind = collibra.add_port("a"), collibra.add_attribute_type("Run id")
    answers = [http.put(f"/assets/{port}/attributes", json={"typeId": kind, "values": ["r1", "r2"]}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert [each["value"] for each in answers[0].json()] == ["r1", "r2"]
    http.put(f"/assets/{port}/attributes", json={"typeId": kind, "values": []})
    assert http.get("/attributes", params={"assetId": port}).json()["results"] == []
    wrong = {"typeId": kind, "values": "r1"}
    assert refusal(http.put(f"/assets/{port}/attributes", json=wrong)) == (400, "malformedBody")


def test_attributes_in_bulk_are_done_all_or_none(collibra: CollibraServer, http: httpx.Client) -> None:
    port, kind = collibra.add_port("a"), collibra.add_attribute_type("Rows", "NUMERIC")
    entry = {"assetId": port, "typeId": kind, "value": 1}
    assert refusal(http.post("/attributes/bulk", json=[entry, entry | {"value": "x"}])) == (400, "invalidValue")
    assert http.get("/attributes", params={"assetId": port}).json()["total"] == 0
    made = http.post("/attributes/bulk", json=[entry, entry | {"value": 2}])
    assert (made.status_code, [each["value"] for each in made.json()]) == (201, [1, 2])
    keys = [each["id"] for each in made.json()]
    changes = [{"id": keys[0], "value": 3}, {"id": UNKNOWN, "value": 4}]
    assert refusal(http.post("/attributes/bulk", json=[entry | {"assetId": 5}])) == (400, "malformedUuid")
    assert refusal(http.patch("/attributes/bulk", json=changes)) == (404, "attributeNotFound")
    assert [each["value"] for each in http.patch("/attributes/bulk", json=changes[:1]).json()] == [3]
    assert http.request("DELETE", "/attributes/bulk", json=keys).status_code == 204
    assert http.get("/attributes", params={"assetId": port}).json()["total"] == 0
    assert refusal(http.post("/attributes/bulk", json=[])) == (400, "malformedBody")
    assert refusal(http.post("/attributes/bulk", json={"0": entry})) == (400, "malformedBody")


# --- relations


IMPLEMENTED_AS = "00000000-0000-0000-0000-000000050042"


def test_a_relation_goes_from_its_source_to_its_target(collibra: CollibraServer, http: httpx.Client) -> None:
    port, table = collibra.add_port("a"), collibra.add_table("t")
    given = {"sourceId": port, "targetId": table, "typeId": IMPLEMENTED_AS}
    refused = http.post("/relations", json=given | {"sourceId": table, "targetId": port})
    assert refusal(refused) == (400, "relationTypeMismatch")
    assert refused.json()["userMessage"] == "The source of the relation must be a Data Product Port."
    made = http.post("/relations", json=given)
    assert (made.status_code, made.json()["source"]["name"], made.json()["target"]["name"]) == (201, "a", "t")
    assert refusal(http.post("/relations", json=given)) == (400, "relationExists")
    asked: list[dict[str, str]] = [
        {"sourceId": port},
        {"targetId": table, "relationTypeId": IMPLEMENTED_AS},
        {"sourceId": table},
        {"sourceId": port, "relationTypeId": UNKNOWN},
    ]
    assert [http.get("/relations", params=query).json()["total"] for query in asked] == [1, 1, 0, 0]
    assert refusal(http.get("/relations", params={"targetId": "t"})) == (400, "malformedUuid")
    path = f"/relations/{made.json()['id']}"
    assert http.get(path).json() == made.json()
    assert http.delete(path).status_code == 204
    assert refusal(http.get(path)) == (404, "relationNotFound")


def test_a_port_has_one_contract(collibra: CollibraServer, http: httpx.Client) -> None:
    port, other = collibra.add_port("a"), collibra.add_port("b")
    collibra.add_contract_asset("first", port)
    second = collibra.add_contract_asset("second", other)
    given = {"sourceId": second, "targetId": port, "typeId": "00000000-0000-0000-0000-000000050044"}
    assert refusal(http.post("/relations", json=given)) == (400, "portHasContract")


def test_two_ports_may_be_implemented_as_one_table(collibra: CollibraServer, http: httpx.Client) -> None:
    table = collibra.add_table("t")
    ports = [collibra.add_port(name, tables=[table]) for name in "ab"]
    product = collibra.add_product("p", ports=ports)
    incoming = http.get("/relations", params={"targetId": table}).json()["results"]
    assert [each["source"]["id"] for each in incoming] == ports
    exposed = http.get("/relations", params={"sourceId": product}).json()["results"]
    assert [each["target"]["id"] for each in exposed] == ports


# --- statuses, types, comments, mappings


def test_statuses_are_those_out_of_the_box(collibra: CollibraServer, http: httpx.Client) -> None:
    found = names(http, "/statuses")
    assert found == [
        "Accepted",
        "Access Granted",
        "Approval Pending",
        "Approved",
        "Archived",
        "Candidate",
        "In Progress",
        "Invalid",
        "Obsolete",
        "Rejected",
        "Reviewed",
        "Under Review",
    ]
    assert refusal(http.get("/statuses/name/Validated")) == (404, "statusNotFound")
    added = collibra.add_status("Validated")
    assert http.get("/statuses/name/Validated").json() == {"id": added, "resourceType": "Status", "name": "Validated"}
    assert names(http, "/statuses", name="review", nameMatchMode="ANYWHERE") == ["Reviewed", "Under Review"]
    assert http.get("/statuses/name/Under%20Review").json()["id"][-4:] == "5020"


def test_types_are_looked_up(http: httpx.Client) -> None:
    port = http.get("/assetTypes/publicId/DataProductPort").json()
    assert http.get(f"/assetTypes/{port['id']}").json() == port
    assert (port["name"], port["parent"]["name"]) == ("Data Product Port", "Asset")
    assert names(http, "/assetTypes", name="Data Contract") == ["Data Contract"]
    assert refusal(http.get("/assetTypes/publicId/Nothing")) == (404, "assetTypeNotFound")
    query = {"role": "is implemented as", "sourceTypeName": "Data Product Port", "targetTypeName": "Table"}
    found = http.get("/relationTypes", params=query).json()["results"]
    ends = [(each["id"], each["sourceType"]["id"], each["targetType"]["name"], each["coRole"]) for each in found]
    assert ends == [(IMPLEMENTED_AS, port["id"], "Table", "implements")]
    asked: list[dict[str, str]] = [{"role": "CONTAINS"}, {"coRole": "is part of"}, {"targetTypeName": "Table"}]
    lists = [http.get("/relationTypes", params=query).json()["results"] for query in asked]
    assert [sorted(each["id"][-6:] for each in found) for found in lists] == [
        ["007043"],
        ["007043"],
        ["007042", "007043", "050042"],
    ]
    root = http.get("/assetTypes", params={"name": "Asset", "nameMatchMode": "EXACT"}).json()["results"]
    assert [("parent" in each, each["publicId"]) for each in root] == [(False, "Asset")]
    assert http.get("/relationTypes/publicId/DataProductHasOutputPort").json()["id"][-6:] == "050040"
    assert http.get("/attributeTypes/name/Rows%20Passed").json()["kind"] == "NUMERIC"


def test_comments_are_on_assets(collibra: CollibraServer, http: httpx.Client) -> None:
    port = collibra.add_port("a")
    given = {"content": "Please review", "baseResource": {"id": port, "resourceType": "Asset"}}
    made = http.post("/comments", json=given)
    assert (made.status_code, made.json()["content"], made.json()["baseResource"]["id"]) == (
        201,
        "Please review",
        port,
    )
    assert http.get("/comments", params={"baseResourceId": port}).json()["results"] == [made.json()]
    assert http.get("/comments", params={"baseResourceId": UNKNOWN}).json()["results"] == []
    assert refusal(http.post("/comments", json={"content": "x"})) == (400, "missingField")


def test_entities_of_other_systems_are_mapped(collibra: CollibraServer, http: httpx.Client) -> None:
    table = collibra.add_table("t")
    path = "/mappings/externalSystem/unity/externalEntity/main.sales.orders"
    assert refusal(http.get(path)) == (404, "mappingNotFound")
    given = {"externalSystemId": "unity", "externalEntityId": "main.sales.orders", "mappedResourceId": table}
    made = http.post("/mappings", json=given)
    assert made.status_code == 201
    assert http.get(path).json() == made.json()
    assert made.json()["mappedResource"]["id"] == table
    assert refusal(http.get(f"{path}2")) == (404, "mappingNotFound")
    assert refusal(http.post("/mappings", json=given)) == (400, "mappingExists")
    http.delete(f"/assets/{table}")
    assert refusal(http.get(path)) == (404, "mappingNotFound")
