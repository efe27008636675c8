from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
import pytest

from lakepact.testing.collibra import CollibraServer

TOKEN = "/rest/oauth/v2/token"
STATUSES = "/rest/2.0/statuses"
INFORMATION = "/rest/2.0/application/info"
SESSIONS = "/rest/2.0/auth/sessions"
GRANT = {"grant_type": "client_credentials"}


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
    with httpx.Client(base_url=collibra.url) as client:
        yield client


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def credentials(collibra: CollibraServer) -> dict[str, str]:
    return GRANT | {"client_id": collibra.client_id, "client_secret": collibra.client_secret}


def token_of(collibra: CollibraServer, http: httpx.Client) -> str:
    return str(http.post(TOKEN, data=credentials(collibra)).json()["access_token"])


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body.get("statusCode", answer.status_code) == answer.status_code
    return answer.status_code, body.get("errorCode") or body["error"]


def test_a_token_is_given_for_the_secret_in_the_form(collibra: CollibraServer, http: httpx.Client) -> None:
    answer = http.post(TOKEN, data=credentials(collibra))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert http.get(STATUSES, headers=bearer(body["access_token"])).status_code == 200


def test_a_token_is_given_for_an_encoded_basic_header_only(collibra: CollibraServer, http: httpx.Client) -> None:
    # The id holds colons: joined as it is, another id comes out.
    raw = basic(collibra.client_id, collibra.client_secret)
    refused = http.post(TOKEN, data=GRANT, headers=raw)
    assert refusal(refused) == (401, "invalid_client")
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="Collibra"'
    encoded = basic(quote_plus(collibra.client_id), quote_plus(collibra.client_secret))
    assert http.post(TOKEN, data=GRANT, headers=encoded).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "unknown"}, 401, "invalid_client"),
        ({"client_id": "unknown", "client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"scope": "kg.view-all"}, 400, "invalid_scope"),
    ],
)
def test_the_token_endpoint_refuses(
    collibra: CollibraServer, http: httpx.Client, change: dict[str, str], status: int, error: str
) -> None:
    answer = http.post(TOKEN, data=credentials(collibra) | change)
    assert refusal(answer) == (status, error)
    assert answer.json()["error_description"]
    assert "WWW-Authenticate" not in answer.headers


def test_the_token_endpoint_takes_one_authentication_in_a_form(collibra: CollibraServer, http: httpx.Client) -> None:
    encoded = basic(quote_plus(collibra.client_id), quote_plus(collibra.client_secret))
    assert refusal(http.post(TOKEN, data=credentials(collibra), headers=encoded)) == (400, "invalid_request")
    as_text = http.post(TOKEN, content=urlencode(credentials(collibra)), headers={"Content-Type": "text/plain"})
    assert refusal(as_text) == (400, "invalid_request")
    refused = http.get(TOKEN)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")


def test_a_secret_that_was_replaced_is_refused(collibra: CollibraServer, http: httpx.Client) -> None:
    collibra.client("other", "old")
    collibra.client("other", "new")
    form = GRANT | {"client_id": "other"}
    assert http.post(TOKEN, data=form | {"client_secret": "old"}).status_code == 401
    assert http.post(TOKEN, data=form | {"client_secret": "new"}).status_code == 200


def test_a_token_expires_by_time(collibra: CollibraServer, http: httpx.Client, clock: Clock) -> None:
    collibra.access.token_seconds = 60
    headers = bearer(token_of(collibra, http))
    clock.now += 59.9
    assert http.get(STATUSES, headers=headers).status_code == 200
    clock.now += 0.1
    answer = http.get(STATUSES, headers=headers)
    assert answer.json() == {
        "statusCode": 401,
        "errorCode": "expiredToken",
        "titleMessage": "Unauthorized",
        "userMessage": "The token has expired.",
    }


def test_a_token_expires_after_a_number_of_uses(collibra: CollibraServer, http: httpx.Client) -> None:
    collibra.access.token_uses = 2
    headers = bearer(token_of(collibra, http))
    assert [http.get(STATUSES, headers=headers).status_code for _ in range(3)] == [200, 200, 401]
    assert http.get(STATUSES, headers=bearer(token_of(collibra, http))).status_code == 200


def test_tokens_that_are_no_good_say_why(collibra: CollibraServer, http: httpx.Client) -> None:
    headers = bearer(token_of(collibra, http))
    collibra.access.revoke_tokens()
    assert refusal(http.get(STATUSES, headers=headers)) == (401, "invalidToken")
    assert refusal(http.get(STATUSES, headers=bearer("a.b.c"))) == (401, "invalidToken")
    assert refusal(http.get(STATUSES, headers=bearer("garbage"))) == (401, "malformedToken")
    assert refusal(http.get(STATUSES)) == (401, "notAuthenticated")


def test_a_bearer_of_an_identity_provider_is_taken(collibra: CollibraServer, http: httpx.Client, clock: Clock) -> None:
    collibra.access.add_bearer("h.p.s", seconds=10)
    assert http.get(STATUSES, headers=bearer("h.p.s")).status_code == 200
    clock.now += 10
    assert refusal(http.get(STATUSES, headers=bearer("h.p.s"))) == (401, "expiredToken")


def test_basic_takes_the_password_as_it_is(collibra: CollibraServer, http: httpx.Client) -> None:
    assert http.get(STATUSES, auth=(collibra.user, collibra.password)).status_code == 200
    assert refusal(http.get(STATUSES, auth=(collibra.user, "wrong"))) == (401, "invalidCredentials")
    assert refusal(http.get(STATUSES, auth=("unknown", ""))) == (401, "invalidCredentials")
    assert refusal(http.get(STATUSES, headers={"Authorization": "Basic ???"})) == (401, "invalidCredentials")


def test_a_login_ends_the_other_session_of_the_user(collibra: CollibraServer, clock: Clock) -> None:
    login = {"username": collibra.user, "password": collibra.password}
    with httpx.Client(base_url=collibra.url) as first, httpx.Client(base_url=collibra.url) as second:
        answer = first.post(SESSIONS, json=login)
        assert answer.status_code == 200
        assert set(answer.json()) == {"user", "csrfToken"}
        assert first.get(STATUSES).status_code == 200
        collibra.access.add_user("other", "o")
        second.post(SESSIONS, json={"username": "other", "password": "o"})
        assert first.get(STATUSES).status_code == 200
        second.post(SESSIONS, json=login)
        assert refusal(first.get(STATUSES)) == (401, "notAuthenticated")
        assert second.get(STATUSES).status_code == 200
        clock.now += 30 * 60
        assert second.get(STATUSES).status_code == 200
        clock.now += 30 * 60 + 1
        assert second.get(STATUSES).status_code == 401
        second.post(SESSIONS, json=login)
        assert second.delete(f"{SESSIONS}/current").status_code == 204
        assert second.get(STATUSES).status_code == 401
        assert refusal(second.post(SESSIONS, json=login | {"password": "x"})) == (401, "invalidCredentials")


def test_permissions_of_contracts_and_of_the_graph_are_two(collibra: CollibraServer, http: httpx.Client) -> None:
    port = collibra.add_port("orders-gold")
    collibra.client("reader", "r", edit=False)
    collibra.client("editor", "e", data_contract=False)
    tokens = [
        http.post(TOKEN, data=GRANT | {"client_id": name, "client_secret": name[0]}).json()["access_token"]
        for name in ("reader", "editor")
    ]
    parts = {"governedAssetId": (None, port)}
    for token in tokens:
        assert http.get("/rest/dataProduct/v1/dataContracts", headers=bearer(token)).status_code == 200
        answer = http.post("/rest/dataProduct/v1/dataContracts", files=parts, headers=bearer(token))
        assert answer.json() == {
            "statusCode": 403,
            "errorCode": "forbidden",
            "titleMessage": "Forbidden",
            "userMessage": "The permission Data Contract is missing.",
        }
    changes = [http.patch(f"/rest/2.0/assets/{port}", json={"displayName": "x"}, headers=bearer(t)) for t in tokens]
    assert [answer.status_code for answer in changes] == [403, 200]
    search = [http.post("/rest/2.0/search", json={"keywords": "x"}, headers=bearer(t)) for t in tokens]
    assert [answer.status_code for answer in search] == [200, 200]


def test_the_version_is_told_to_anybody(http: httpx.Client) -> None:
    assert http.get(INFORMATION).json()["version"]["majorVersion"] == "2026"


def test_a_gateway_has_a_prefix_and_demands_a_header() -> None:
    with CollibraServer(prefix="/collibra/", required_header=("X-Api-Key", "k3y")) as collibra:
        assert collibra.url.endswith("/collibra")
        assert httpx.get(f"{collibra.url}{INFORMATION}", headers={"x-api-key": "k3y"}).status_code == 200
        refused = httpx.get(f"{collibra.url}{INFORMATION}", headers={"X-Api-Key": "other"})
        assert (refused.status_code, refused.json()) == (403, {"message": "Forbidden"})
        outside = httpx.get(collibra.url.removesuffix("/collibra") + INFORMATION, headers={"X-Api-Key": "k3y"})
        assert (outside.status_code, outside.headers["Content-Type"]) == (404, "text/html")
        assert [asked.path for asked in collibra.requests] == [INFORMATION] * 3
        assert {asked.headers["x-api-key"] for asked in collibra.requests} == {"***"}


def test_the_log_has_what_was_asked_without_secrets(collibra: CollibraServer, http: httpx.Client) -> None:
    token = token_of(collibra, http)
    http.get(STATUSES, params={"name": "Accepted", "limit": 5}, headers=bearer(token) | {"Cookie": "JSESSIONID=abc"})
    login, asked = collibra.requests
    assert (login.method, login.path, login.digest) == ("POST", TOKEN, "")
    assert (login.status, asked.status) == (200, 200)
    assert (asked.method, asked.path, asked.query) == ("GET", STATUSES, {"name": ("Accepted",), "limit": ("5",)})
    assert (asked.headers["authorization"], asked.headers["cookie"]) == ("Bearer ***", "***")
    assert asked.headers["accept"] == "*/*"
    assert not [entry for entry in collibra.requests if token in str(entry) or collibra.client_secret in str(entry)]


def test_the_same_form_has_the_same_digest_in_the_log(collibra: CollibraServer, http: httpx.Client) -> None:
    path, auth = "/rest/dataProduct/v1/dataContracts", (collibra.user, collibra.password)
    port = collibra.add_port("orders-gold")
    collibra.faults.break_next(1, done=True)
    collibra.faults.fail_next(1, 503)
    collibra.faults.break_next(1)
    for name in ("a", "a", "a", "a", "b"):
        with suppress(httpx.TransportError):
            files: dict[str, Any] = {"governedAssetId": (None, port), "manifest": (f"{name}.yaml", name.encode())}
            http.post(path, files=files, auth=auth)
    assert [asked.status for asked in collibra.requests] == [201, 503, 0, 409, 409]
    digests = [asked.digest for asked in collibra.requests]
    assert [digests.index(digest) for digest in digests] == [0, 0, 0, 0, 4]


def test_unknown_paths_and_methods(collibra: CollibraServer, http: httpx.Client) -> None:
    auth = (collibra.user, collibra.password)
    assert refusal(http.get("/rest/2.0/dataproducts/x", auth=auth)) == (404, "endpointNotFound")
    assert refusal(http.post("/graphql/knowledgeGraph/v1", auth=auth)) == (404, "endpointNotFound")
    refused = http.put(STATUSES, auth=auth)
    assert (refusal(refused), refused.headers["Allow"]) == ((405, "methodNotAllowed"), "GET")
    assert refusal(http.get("/rest/2.0/assets/no-uuid", auth=auth)) == (400, "malformedUuid")


def test_a_restart_keeps_the_state_and_not_the_tokens(tmp_path: Path) -> None:
    with CollibraServer(folder=tmp_path) as before:
        port = before.add_port("orders-gold")
        before.add_status("Validated")
        before.set_asset_status(port, "Validated")
        auth = (before.user, before.password)
        content = b"kind: DataContract\r\napiVersion: v3.1.0\nid: sales.orders\nversion: 1.0.0\n# end"
        parts: dict[str, Any] = {"governedAssetId": (None, port), "manifest": ("c.yaml", content)}
        made = httpx.post(f"{before.url}/rest/dataProduct/v1/dataContracts", files=parts, auth=auth).json()
        with httpx.Client(base_url=before.url) as client:
            token = token_of(before, client)
        number = before.url.rpartition(":")[2]
    with CollibraServer(folder=tmp_path, port=int(number)) as after:
        path = f"{after.url}/rest/dataProduct/v1/dataContracts/{made['id']}"
        assert httpx.get(f"{path}/activeVersion/manifest", auth=auth).content == content
        assert after.asset_status(port) == "Validated"
        assert after.add_port("another") not in (port, made["id"])
        assert httpx.get(path, headers=bearer(token)).status_code == 401


def test_saving_needs_a_folder(tmp_path: Path) -> None:
    with CollibraServer() as collibra:
        with pytest.raises(ValueError, match=r"^the server has no folder to save to$"):
            collibra.save()
        collibra.save(tmp_path)
    assert (tmp_path / "state.json").exists()
