from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from lakepact.testing.collibra import CollibraServer

CONTRACTS = "/rest/dataProduct/v1/dataContracts"
UNKNOWN = "12345678-1234-1234-1234-123456789abc"


def odcs(version: str = "1.0.0", *, id: str = "sales.orders", more: str = "") -> bytes:
    return f"apiVersion: v3.1.0\nkind: DataContract\nid: {id}\nversion: {version}\n{more}".encode()


@pytest.fixture
def collibra() -> Iterator[CollibraServer]:
    with CollibraServer(clock=lambda: 1_700_000_000.0) as server:
        yield server


@pytest.fixture
def http(collibra: CollibraServer) -> Iterator[httpx.Client]:
    auth = (collibra.user, collibra.password)
    with httpx.Client(base_url=collibra.url, auth=auth) as client:
        yield client


def parts(manifest: bytes | None = None, **fields: str) -> dict[str, Any]:
    listed: dict[str, Any] = {name: (None, value) for name, value in fields.items()}
    return listed | ({"manifest": ("contract.yaml", manifest)} if manifest is not None else {})


def init(http: httpx.Client, port: str, manifest: bytes | None = None, **fields: str) -> httpx.Response:
    return http.post(CONTRACTS, files=parts(manifest, governedAssetId=port, **fields))


def push(http: httpx.Client, manifest: bytes, **fields: str) -> httpx.Response:
    return http.post(f"{CONTRACTS}/addFromManifest", files=parts(manifest, **fields))


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body["statusCode"] == answer.status_code
    return answer.status_code, body["errorCode"]


def versions(http: httpx.Client, contract: str) -> list[tuple[str, bool]]:
    listed = http.get(f"{CONTRACTS}/{contract}/versions").json()["items"]
    return [(each["version"], each["active"]) for each in listed]


@pytest.fixture
def contract(collibra: CollibraServer, http: httpx.Client) -> str:
    """A contract with the version 1.0.0."""
    return str(init(http, collibra.add_port("orders-gold"), odcs()).json()["id"])


def test_the_first_version_is_born_active(collibra: CollibraServer, http: httpx.Client) -> None:
    port = collibra.add_port("orders-gold")
    answer = init(http, port, odcs(), name="Orders")
    assert answer.status_code == 201
    body = answer.json()
    version = body.pop("manifestVersion")
    stamp = version["createdOn"]
    assert isinstance(stamp, int)
    assert 1_700_000_000_000 < stamp < 1_700_000_001_000
    user = version["createdBy"]
    assert version == {
        "version": "1.0.0",
        "active": True,
        "format": "ODCS",
        "createdBy": user,
        "createdOn": stamp,
        "lastModifiedBy": user,
        "lastModifiedOn": stamp,
    }
    asset = http.get(f"/rest/2.0/assets/{body['id']}").json()
    assert (asset["type"]["name"], asset["status"]["name"]) == ("Data Contract", "Candidate")
    assert body == {
        "id": asset["id"],
        "name": "Orders",
        "manifestId": "sales.orders",
        "domainId": asset["domain"]["id"],
        "domainName": "Data Products",
        "activeVersion": "1.0.0",
    }
    assert http.get(f"{CONTRACTS}/{asset['id']}").json() == body
    related = http.get("/rest/2.0/relations", params={"sourceId": asset["id"]}).json()["results"]
    assert [(each["target"]["id"], each["type"]["id"][-6:]) for each in related] == [(port, "050044")]


def test_a_contract_without_manifest_gets_one_of_the_tables_of_the_port(
    collibra: CollibraServer, http: httpx.Client
) -> None:
    table = collibra.add_table("uc>main>sales>orders", ["id", "amount"])
    body = init(http, collibra.add_port("orders-gold", tables=[table])).json()
    assert (body["manifestId"], body["activeVersion"]) == (body["id"], "0.0.1")
    manifest = http.get(f"{CONTRACTS}/{body['id']}/activeVersion/manifest")
    assert yaml.safe_load(manifest.text) == {
        "apiVersion": "v3.0.2",
        "kind": "DataContract",
        "id": body["id"],
        "version": "0.0.1",
        "name": "orders-gold contract",
        "status": "draft",
        "schema": [
            {
                "name": "orders",
                "physicalName": "uc>main>sales>orders",
                "properties": [{"name": "id"}, {"name": "amount"}],
            }
        ],
    }


def test_a_manifest_that_is_made_has_the_id_that_was_sent(collibra: CollibraServer, http: httpx.Client) -> None:
    body = init(http, collibra.add_port("p"), manifestId="sales.orders", version="1.0.0").json()
    manifest = yaml.safe_load(http.get(f"{CONTRACTS}/{body['id']}/activeVersion/manifest").text)
    assert (body["manifestId"], manifest["id"], manifest["version"]) == ("sales.orders", "sales.orders", "1.0.0")


def test_a_contract_asset_without_manifest_is_initialised_and_not_doubled(
    collibra: CollibraServer, http: httpx.Client
) -> None:
    port = collibra.add_port("orders-gold")
    waiting = collibra.add_contract_asset("waiting", port)
    assert refusal(http.get(f"{CONTRACTS}/{waiting}")) == (404, "dataContractNotFound")
    assert init(http, port, odcs()).json()["id"] == waiting
    assert refusal(init(http, port, odcs(id="other"))) == (409, "portHasContract")


@pytest.mark.parametrize("status", [409, 400])
def test_what_exists_is_refused_with_the_status_of_the_tenant(
    collibra: CollibraServer, http: httpx.Client, contract: str, status: Any
) -> None:
    collibra.switches.duplicate_status = status
    assert refusal(init(http, collibra.add_port("other"), odcs())) == (status, "manifestIdExists")
    assert refusal(push(http, odcs(), active="false")) == (status, "manifestVersionExists")
    assert versions(http, contract) == [("1.0.0", True)]


def test_init_refuses(collibra: CollibraServer, http: httpx.Client) -> None:
    port, product = collibra.add_port("p"), collibra.add_product("product")
    assert refusal(http.post(CONTRACTS, files=parts(odcs()))) == (400, "missingField")
    assert refusal(http.post(CONTRACTS, data={"governedAssetId": port})) == (415, "unsupportedMediaType")
    assert refusal(init(http, "orders-gold", odcs())) == (400, "malformedUuid")
    assert refusal(init(http, UNKNOWN, odcs())) == (404, "assetNotFound")
    assert refusal(init(http, product, odcs())) == (400, "assetTypeNotAccepted")
    assert refusal(init(http, port, odcs(), version="1" * 101)) == (400, "valueTooLong")
    assert refusal(init(http, port, odcs(), name="n" * 201)) == (400, "valueTooLong")
    assert refusal(init(http, port, odcs(id="i" * 201))) == (400, "valueTooLong")
    assert http.get(CONTRACTS).json() == {"items": [], "limit": 100}


def test_a_pushed_version_becomes_active_unless_it_says_false(http: httpx.Client, contract: str) -> None:
    answer = push(http, odcs("2.0.0"), active="false")
    domain = http.get(f"{CONTRACTS}/{contract}").json()["domainId"]
    assert answer.status_code == 201
    assert answer.json() == {"id": contract, "domainId": domain, "manifestId": "sales.orders"}
    assert versions(http, contract) == [("1.0.0", True), ("2.0.0", False)]
    push(http, odcs("3.0.0"))
    assert versions(http, contract) == [("3.0.0", True), ("2.0.0", False), ("1.0.0", False)]


def test_a_first_version_that_is_pushed_is_active_whatever_it_says(
    collibra: CollibraServer, http: httpx.Client
) -> None:
    assert refusal(push(http, odcs())) == (404, "dataContractNotFound")
    collibra.switches.push_creates = True
    assert refusal(push(http, b"free", manifestId="sales.orders")) == (400, "missingVersion")
    assert http.get(CONTRACTS).json()["items"] == []
    contract = push(http, odcs(), active="false").json()["id"]
    assert http.get(f"{CONTRACTS}/{contract}").json()["name"] == "sales.orders"
    assert versions(http, contract) == [("1.0.0", True)]
    assert http.get("/rest/2.0/relations", params={"sourceId": contract}).json()["results"] == []


def test_force_overwrites_and_leaves_the_active_version_active(http: httpx.Client, contract: str) -> None:
    push(http, odcs("2.0.0"), active="false")
    assert push(http, odcs("2.0.0", more="name: draft\n"), active="false", force="true").status_code == 201
    assert push(http, odcs("1.0.0", more="name: changed\n"), active="false", force="true").status_code == 201
    assert versions(http, contract) == [("1.0.0", True), ("2.0.0", False)]
    path = f"{CONTRACTS}/{contract}/versions/manifest"
    assert http.get(path, params={"version": "1.0.0"}).content == odcs("1.0.0", more="name: changed\n")
    assert http.get(path, params={"version": "2.0.0"}).content == odcs("2.0.0", more="name: draft\n")
    push(http, odcs("2.0.0"), force="true")
    assert versions(http, contract) == [("2.0.0", True), ("1.0.0", False)]


def test_texts_may_be_as_long_as_they_may(collibra: CollibraServer, http: httpx.Client) -> None:
    body = init(http, collibra.add_port("p"), odcs("1" * 100, id="i" * 200), name="n" * 200).json()
    assert (body["manifestId"], body["activeVersion"], body["name"]) == ("i" * 200, "1" * 100, "n" * 200)


def test_a_contract_without_name_is_named_by_its_manifest_id(collibra: CollibraServer, http: httpx.Client) -> None:
    assert init(http, collibra.add_port("p"), odcs(more="name: Orders\n")).json()["name"] == "sales.orders"


def test_what_is_sent_along_comes_before_what_the_manifest_says(collibra: CollibraServer, http: httpx.Client) -> None:
    body = init(http, collibra.add_port("p"), odcs(more="name: A\n"), name="B", manifestId="m", version="7").json()
    assert (body["name"], body["manifestId"], body["activeVersion"]) == ("B", "m", "7")


def test_every_manifest_leaves_an_activity(collibra: CollibraServer, http: httpx.Client, contract: str) -> None:
    push(http, odcs("2.0.0"), active="false")
    push(http, odcs("2.0.0"), active="false", force="true")
    listed = http.get("/rest/2.0/activities", params={"contextId": contract, "categories": "MANIFEST"}).json()
    kinds = [(each["activityType"], json.loads(each["description"])["version"]) for each in listed["results"]]
    assert kinds == [("UPDATE", "2.0.0"), ("ADD", "2.0.0"), ("ADD", "1.0.0")]


def test_push_refuses(http: httpx.Client, contract: str) -> None:
    path = f"{CONTRACTS}/addFromManifest"
    assert refusal(http.post(path, files=parts(version="2"))) == (400, "missingManifest")
    assert refusal(http.post(path, files={"manifest": (None, odcs())})) == (400, "missingManifest")
    assert refusal(http.post(path, json={"manifest": "x"})) == (415, "unsupportedMediaType")
    assert refusal(push(http, odcs("2.0.0"), active="no")) == (400, "malformedBoolean")
    assert refusal(push(http, odcs("2.0.0"), force="True")) == (400, "malformedBoolean")
    assert refusal(push(http, b"free text")) == (400, "missingManifestId")
    assert refusal(push(http, b"free text", manifestId="sales.orders")) == (400, "missingVersion")
    assert versions(http, contract) == [("1.0.0", True)]


@pytest.mark.parametrize(
    ("content", "format"),
    [
        (odcs("2.0.0"), "ODCS"),
        (b'{"kind": "DataContract", "apiVersion": "v3.1.0", "version": "7", "x": [1]}', "ODCS"),
        (odcs("2.0.0").replace(b"DataContract", b"DatasetContract"), "CUSTOM"),
        (b"dataContractSpecification: 1.1.0\nid: sales.orders\n", "DCS"),
        (b"- a\n- list", "CUSTOM"),
        (b"\xff\xfe: [", "CUSTOM"),
        (b"{unclosed: [", "CUSTOM"),
    ],
)
def test_only_odcs_is_understood_and_everything_is_kept(
    http: httpx.Client, contract: str, content: bytes, format: str
) -> None:
    answer = push(http, content, manifestId="sales.orders", version="2.0.0")
    assert answer.status_code == 201
    active = http.get(f"{CONTRACTS}/{contract}/activeVersion").json()
    assert (active["version"], active["format"]) == ("2.0.0", format)
    assert http.get(f"{CONTRACTS}/{contract}/activeVersion/manifest").content == content


def test_a_version_is_added_to_the_contract_of_the_path(http: httpx.Client, contract: str) -> None:
    path = f"{CONTRACTS}/{contract}/versions"
    answer = http.post(path, files=parts(odcs("1.1.0"), active="false"))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["activeVersion"], body["manifestVersion"]["version"]) == ("1.0.0", "1.1.0")
    assert body["manifestVersion"]["active"] is False
    assert refusal(http.post(path, files=parts(odcs("2.0.0", id="other")))) == (400, "manifestIdMismatch")
    unknown = f"{CONTRACTS}/{UNKNOWN}/versions"
    assert refusal(http.post(unknown, files=parts(odcs()))) == (404, "dataContractNotFound")


def test_a_manifest_comes_back_byte_by_byte(http: httpx.Client, contract: str) -> None:
    content = odcs("2.0.0", more="# f\u00fcr alle\r\n\r\n#\r\n#--b--\r\n\r\n#\t\r")
    push(http, content)
    answer = http.get(f"{CONTRACTS}/{contract}/activeVersion/manifest")
    assert answer.content == content
    assert answer.headers["Content-Type"] == "text/plain;charset=UTF-8"


def test_a_manifest_is_no_json(collibra: CollibraServer, http: httpx.Client, contract: str) -> None:
    path = f"{CONTRACTS}/{contract}/activeVersion/manifest"
    assert refusal(http.get(path, headers={"Accept": "application/json"})) == (406, "notAcceptable")
    assert http.get(path, headers={"Accept": "text/*"}).status_code == 200
    collibra.switches.manifest_content_type = "application/yaml"
    assert http.get(path, headers={"Accept": "application/yaml, text/plain"}).status_code == 200
    assert http.get(path, headers={"Accept": "text/plain"}).status_code == 406


@pytest.mark.parametrize(
    ("verb", "statuses", "allow"),
    [
        ("PUT", [200, 405], "GET, PUT"),
        ("PATCH", [405, 200], "GET, PATCH"),
        ("BOTH", [200, 200], ""),
        ("NONE", [405, 405], "GET"),
    ],
)
def test_the_method_that_sets_the_active_version_is_switched(
    collibra: CollibraServer, http: httpx.Client, contract: str, verb: Any, statuses: list[int], allow: str
) -> None:
    collibra.switches.active_version_verb = verb
    push(http, odcs("2.0.0"), active="false")
    path, query = f"{CONTRACTS}/{contract}/activeVersion", {"version": "2.0.0"}
    answers = [http.put(path, params=query), http.patch(path, params=query)]
    assert [answer.status_code for answer in answers] == statuses
    for answer in answers:
        if answer.status_code == 405:
            assert answer.headers["Allow"] == allow
        else:
            assert (answer.json()["version"], answer.json()["active"]) == ("2.0.0", True)
    assert versions(http, contract)[0][0] == ("1.0.0" if verb == "NONE" else "2.0.0")


def test_only_a_version_that_exists_becomes_active(http: httpx.Client, contract: str) -> None:
    path = f"{CONTRACTS}/{contract}/activeVersion"
    assert refusal(http.put(path)) == (400, "missingParameter")
    assert refusal(http.put(path, params={"version": "9"})) == (404, "manifestVersionNotFound")


def test_a_status_is_of_the_asset_and_not_of_a_version(
    collibra: CollibraServer, http: httpx.Client, contract: str
) -> None:
    before = http.get(f"{CONTRACTS}/{contract}/versions").json()
    collibra.set_asset_status(contract, "Accepted")
    assert http.get(f"{CONTRACTS}/{contract}/versions").json() == before
    assert "status" not in before["items"][0]
    assert http.get(f"/rest/2.0/assets/{contract}").json()["status"]["name"] == "Accepted"
    push(http, odcs("2.0.0"))
    assert collibra.asset_status(contract) == "Accepted"


def test_versions_and_contracts_are_deleted(http: httpx.Client, contract: str) -> None:
    path = f"{CONTRACTS}/{contract}"
    push(http, odcs("2.0.0"), active="false")
    assert refusal(http.delete(f"{path}/versions", params={"version": "1.0.0"})) == (400, "versionIsActive")
    assert http.delete(f"{path}/versions", params={"version": "2.0.0"}).status_code == 204
    assert versions(http, contract) == [("1.0.0", True)]
    assert http.delete(path).status_code == 204
    assert refusal(http.get(path)) == (404, "dataContractNotFound")
    assert http.get(f"/rest/2.0/assets/{contract}").status_code == 200


def test_a_contract_is_deleted_with_its_asset(collibra: CollibraServer, http: httpx.Client, contract: str) -> None:
    assert http.delete(f"{CONTRACTS}/{contract}", params={"deleteAsset": "true"}).status_code == 204
    assert refusal(http.get(f"/rest/2.0/assets/{contract}")) == (404, "assetNotFound")
    port = http.get("/rest/2.0/assets", params={"name": "orders-gold"}).json()["results"][0]["id"]
    assert init(http, port, odcs()).status_code == 201


@pytest.fixture
def five(collibra: CollibraServer, http: httpx.Client) -> list[str]:
    """Five contracts, oldest first."""
    return [init(http, collibra.add_port(f"p{n}"), odcs(id=f"c{n}")).json()["id"] for n in range(5)]


def pages(http: httpx.Client, **query: str) -> list[list[str]]:
    found, cursor = [], ""
    while True:
        more = {"cursor": cursor} if cursor else {}
        body = http.get(CONTRACTS, params=query | more).json()
        found.append([each["manifestId"] for each in body["items"]])
        if "nextCursor" not in body:
            return found
        cursor = body["nextCursor"]


def test_contracts_are_listed_in_pages_last_modified_first(http: httpx.Client, five: list[str]) -> None:
    push(http, odcs("2.0.0", id="c1"), active="false")
    assert pages(http, limit="2") == [["c1", "c4"], ["c3", "c2"], ["c0"]]
    assert pages(http) == [["c1", "c4", "c3", "c2", "c0"]]
    assert pages(http, limit="5") == [["c1", "c4", "c3", "c2", "c0"]]


def test_empty_pages_stand_between_pages(collibra: CollibraServer, http: httpx.Client, five: list[str]) -> None:
    collibra.pages.empty = True
    assert pages(http, limit="2") == [["c4", "c3"], [], ["c2", "c1"], [], ["c0"]]


def test_the_list_is_filtered_and_counted(collibra: CollibraServer, http: httpx.Client, five: list[str]) -> None:
    body = http.get(CONTRACTS, params={"manifestId": "c3", "includeTotal": "true", "limit": "7"}).json()
    assert (body["total"], body["limit"], [each["id"] for each in body["items"]]) == (1, 7, [five[3]])
    other = collibra.add_domain("Other")
    init(http, collibra.add_port("last"), odcs(id="c9"), domainId=other)
    assert pages(http, domainId=other) == [["c9"]]
    assert pages(http, manifestId="none") == [[]]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": "501"}, "limitOutOfRange"),
        ({"limit": "0"}, "limitOutOfRange"),
        ({"limit": "ten"}, "malformedNumber"),
        ({"cursor": "bm90IG1pbmU"}, "invalidCursor"),
        ({"domainId": "sales"}, "malformedUuid"),
        ({"includeTotal": "yes"}, "malformedBoolean"),
    ],
)
def test_the_list_refuses(http: httpx.Client, query: dict[str, str], code: str) -> None:
    assert refusal(http.get(CONTRACTS, params=query)) == (400, code)


def test_a_cursor_belongs_to_its_list(http: httpx.Client, five: list[str]) -> None:
    cursor = http.get(CONTRACTS, params={"limit": "2"}).json()["nextCursor"]
    assert http.get(CONTRACTS, params={"limit": "2", "cursor": cursor}).status_code == 200
    assert refusal(http.get(CONTRACTS, params={"limit": "3", "cursor": cursor})) == (400, "invalidCursor")


def test_to_make_the_active_version_active_changes_nothing(http: httpx.Client, five: list[str]) -> None:
    path = f"{CONTRACTS}/{five[0]}/activeVersion"
    assert http.put(path, params={"version": "1.0.0"}).status_code == 200
    assert pages(http) == [["c4", "c3", "c2", "c1", "c0"]]


def test_what_tenants_may_do_with_the_list(collibra: CollibraServer, http: httpx.Client, five: list[str]) -> None:
    full = http.get(CONTRACTS).json()["items"]
    assert full == [http.get(f"{CONTRACTS}/{key}").json() for key in reversed(five)]
    collibra.set_asset_status(five[0], "Accepted")
    assert pages(http)[0][0] == "c4"
    collibra.switches.status_moves_contract = True
    collibra.set_asset_status(five[0], "Rejected")
    collibra.set_asset_status(collibra.add_port("ungoverned"), "Rejected")
    assert pages(http)[0][0] == "c0"
    collibra.switches.lean_list = True
    assert {frozenset(each) for each in http.get(CONTRACTS).json()["items"]} == {
        frozenset({"id", "domainId", "manifestId"})
    }


def test_a_steward_stores_what_no_client_may(collibra: CollibraServer, http: httpx.Client, contract: str) -> None:
    collibra.set_manifest(contract, "1.0.0", odcs(id="another"))
    assert http.get(f"{CONTRACTS}/{contract}/activeVersion/manifest").content == odcs(id="another")
    assert versions(http, contract) == [("1.0.0", True)]
    bomb = b"a: &a [x]\n" + b"".join(b"%c: &%c [*%c,*%c]\n" % (n + 1, n + 1, n, n) for n in range(97, 120))
    collibra.set_manifest(contract, "2.0.0", bomb)
    assert versions(http, contract) == [("1.0.0", True), ("2.0.0", False)]


def test_a_body_above_the_limit_is_refused() -> None:
    with CollibraServer(max_body=100_000) as collibra, httpx.Client(base_url=collibra.url) as http:
        http.auth = httpx.BasicAuth(collibra.user, collibra.password)
        port = collibra.add_port("p")
        assert refusal(init(http, port, odcs(more="#" * 3_000_000))) == (413, "payloadTooLarge")
        assert init(http, port, odcs(more="#" * 90_000)).status_code == 201


SLA = "slaProperties:\n- {property: latency, value: 4, unit: hours}\n- {property: retention, value: 3, unit: y}\n"
SCHEMA = "schema:\n- name: orders\n- name: unknown\n"
PHYSICAL = "- {name: positions, physicalName: uc>main>sales>pos}\n"


def test_apply_writes_the_active_manifest_into_the_graph(collibra: CollibraServer, http: httpx.Client) -> None:
    port, table = collibra.add_port("orders"), collibra.add_table("uc>main>sales>orders")
    positions, other = collibra.add_table("uc>main>sales>pos"), collibra.add_table("uc>main>sales>positions")
    contract = init(http, port, odcs(more=SLA + SCHEMA + PHYSICAL + "- more\n")).json()["id"]
    assert http.post(f"{CONTRACTS}/{contract}/apply").status_code == 204
    listed = http.get("/rest/2.0/attributes", params={"assetId": contract}).json()["results"]
    values = {each["type"]["name"]: each["value"] for each in listed}
    assert values == {"Version": "1.0.0", "Manifest ID": "sales.orders", "Latency": "4 hours"}
    listed = [http.get("/rest/2.0/relations", params={"targetId": key}).json() for key in (table, positions, other)]
    assert [[each["source"]["id"] for each in page["results"]] for page in listed] == [[port], [port], []]
    assert http.post(f"{CONTRACTS}/{contract}/apply").status_code == 204
    push(http, b"free", manifestId="sales.orders", version="2")
    assert refusal(http.post(f"{CONTRACTS}/{contract}/apply")) == (400, "formatNotSupported")


def test_a_draft_merges_the_graph_into_the_active_manifest(collibra: CollibraServer, http: httpx.Client) -> None:
    table = collibra.add_table("uc>main>sales>orders", ["id"])
    contract = init(http, collibra.add_port("p", tables=[table]), odcs(more=SLA)).json()["id"]
    http.post(f"{CONTRACTS}/{contract}/apply")
    draft = yaml.safe_load(http.post(f"{CONTRACTS}/{contract}/draftVersion").text)
    assert draft["slaProperties"] == yaml.safe_load(SLA)["slaProperties"]
    latency = http.get("/rest/2.0/attributeTypes/name/Latency").json()["id"]
    http.put(f"/rest/2.0/assets/{contract}/attributes", json={"typeId": latency, "values": ["1 d"]})
    draft = yaml.safe_load(http.post(f"{CONTRACTS}/{contract}/draftVersion").text)
    assert draft["schema"] == [
        {"name": "orders", "physicalName": "uc>main>sales>orders", "properties": [{"name": "id"}]}
    ]
    assert draft["slaProperties"] == [
        {"property": "retention", "value": 3, "unit": "y"},
        {"property": "latency", "value": "1 d"},
    ]
    assert versions(http, contract) == [("1.0.0", True)]


def test_a_contract_without_port_has_no_tables_in_the_graph(collibra: CollibraServer, http: httpx.Client) -> None:
    table = collibra.add_table("uc>main>sales>orders")
    collibra.add_port("p", tables=[collibra.add_table("uc>main>sales>other")])
    collibra.switches.push_creates = True
    contract = push(http, odcs(more=SCHEMA)).json()["id"]
    assert http.post(f"{CONTRACTS}/{contract}/apply").status_code == 204
    assert http.get("/rest/2.0/relations", params={"targetId": table}).json()["results"] == []
    draft = yaml.safe_load(http.post(f"{CONTRACTS}/{contract}/draftVersion").text)
    assert draft["schema"] == [{"name": "orders"}, {"name": "unknown"}]


@pytest.mark.parametrize("content", [b"text: free\n", odcs("2.0.0", more="x: !unknown 1\n")])
def test_a_draft_needs_a_manifest_that_is_understood(http: httpx.Client, contract: str, content: bytes) -> None:
    push(http, content, manifestId="sales.orders", version="2.0.0")
    assert refusal(http.post(f"{CONTRACTS}/{contract}/draftVersion")) == (400, "formatNotSupported")
