"""Credentials: what is fetched when, what is read anew, and that no secret is ever shown."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from collibra_connections import Answering, client

from lakepact.collibra.auth import Basic, Bearer, ClientAuthentication, ClientCredentials, Session
from lakepact.collibra.secret_sources import environment_secret, file_secret, secret_from
from lakepact.errors import ConfigurationError, RemoteFailed, RemoteUnavailable
from lakepact.testing.collibra_server import CollibraServer


@pytest.fixture
def server() -> Iterator[CollibraServer]:
    with CollibraServer() as found:
        yield found


class Clock:
    """Seconds that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def credentials(server: CollibraServer, **options: object) -> ClientCredentials:
    secret = options.pop("secret", None) or (lambda: server.client_secret)
    url = f"{server.url}/rest/oauth/v2/token"
    return ClientCredentials(url, server.client_id, secret, **options)  # type: ignore[arg-type]


def tokens_asked(server: CollibraServer) -> int:
    return sum(asked.path.endswith("/token") for asked in server.requests)


@pytest.mark.parametrize("way", list(ClientAuthentication))
def test_both_ways_to_name_a_client_work_with_colons_and_signs(
    server: CollibraServer, way: ClientAuthentication
) -> None:
    assert ":" in server.client_id
    assert "%" in server.client_secret
    with client(server, credentials=credentials(server, authentication=way)) as found:
        assert found.get("rest/2.0/statuses")["results"]


def test_a_token_is_kept_until_shortly_before_its_end(server: CollibraServer) -> None:
    clock = Clock()
    server.access.token_seconds = 100.0
    found = credentials(server, clock=clock)
    first = found.headers()
    clock.now += 89
    assert found.headers() == first
    assert tokens_asked(server) == 1
    clock.now += 2
    assert found.headers() != first
    assert tokens_asked(server) == 2


def test_early_renewal_that_fails_leaves_the_token_that_still_lives(server: CollibraServer) -> None:
    clock = Clock()
    server.access.token_seconds = 100.0
    found = credentials(server, clock=clock)
    first = found.headers()
    server.faults.fail_next(2, 503, path="/token")
    clock.now += 95
    assert found.headers() == first
    clock.now += 6
    with pytest.raises(RemoteUnavailable, match=r"^LP902: http://.*/token does not answer: HTTP 503"):
        found.headers()
    assert found.headers() != first


def test_a_token_that_does_not_come_at_once_is_asked_for_again(server: CollibraServer) -> None:
    server.faults.fail_next(2, 503, path="/token")
    server.faults.truncate_next(1, path="/token")
    with client(server) as found:
        assert found.get("rest/2.0/statuses")["results"]
    assert tokens_asked(server) == 4


def test_many_threads_fetch_one_token(server: CollibraServer) -> None:
    server.faults.slow_next(1, 0.1, path="/token")
    found = credentials(server)
    seen: list[str] = []
    threads = [threading.Thread(target=lambda: seen.append(found.headers()["authorization"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1
    assert len(seen) == 8
    assert tokens_asked(server) == 1


def test_an_expired_token_in_the_middle_is_renewed_once(server: CollibraServer) -> None:
    with client(server) as found:
        found.get("rest/2.0/statuses")
        server.access.revoke_tokens()
        found.get("rest/2.0/statuses")
        assert tokens_asked(server) == 2
        server.access.token_uses = 0
        server.access.revoke_tokens()
        with pytest.raises(RemoteFailed, match=r"^LP903: .* does not let lakepact in: HTTP 401 expiredToken"):
            found.get("rest/2.0/statuses")
        assert tokens_asked(server) == 3


def test_a_401_about_permission_fetches_no_token(server: CollibraServer) -> None:
    asset = server.add_port("hidden")
    server.hide(asset)
    with client(server) as found, pytest.raises(RemoteFailed, match=r"^LP903: .* HTTP 401 "):
        found.get(f"rest/2.0/assets/{asset}")
    assert tokens_asked(server) == 1


def test_a_new_secret_needs_no_restart(server: CollibraServer, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("wrong\n")
    with client(server, credentials=credentials(server, secret=file_secret(file))) as found:
        with pytest.raises(RemoteFailed, match=r"^LP903: http://.*/token does not let lakepact in: HTTP 401\n"):
            found.get("rest/2.0/statuses")
        file.write_text(f"{server.client_secret}\n")
        found.get("rest/2.0/statuses")


def test_a_gateway_that_wants_a_header_gets_it_for_the_token_too() -> None:
    with CollibraServer(prefix="/api/collibra", required_header=("x-api-key", "k1")) as server:
        headers = {"x-api-key": "k1"}
        with client(server, credentials=credentials(server, headers=headers), headers=headers) as found:
            assert found.get("rest/2.0/statuses")["results"]
        assert {asked.path.split("/")[1] for asked in server.requests} == {"rest"}


def test_bearer_basic_and_session(server: CollibraServer) -> None:
    server.access.add_bearer("eyJ.a.b")
    password = server.password
    for each in (
        Bearer(lambda: "eyJ.a.b"),
        Basic(server.user, lambda: password),
        Session(server.url, server.user, lambda: password),
    ):
        with client(server, credentials=each) as found:
            assert found.get("rest/2.0/statuses")["results"]


def test_a_session_that_somebody_ended_is_opened_again(server: CollibraServer) -> None:
    mine = Session(server.url, server.user, lambda: server.password)
    with client(server, credentials=mine) as found:
        found.get("rest/2.0/statuses")
        Session(server.url, server.user, lambda: server.password).headers()
        found.get("rest/2.0/statuses")
    assert sum(asked.path.endswith("/sessions") for asked in server.requests) == 3


def test_no_scope_is_asked_for(server: CollibraServer) -> None:
    sent: list[httpx.Request] = []

    class Recorded(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            sent.append(request)
            return super().handle_request(request)

    credentials(server, transport=Recorded()).headers()
    assert b"scope" not in sent[0].read()


@pytest.mark.parametrize(
    "answer",
    [b"", b"[]", b"{}", b'{"access_token": 1}', b'{"access_token": ""}', b"<html></html>", b'{"access_token": "x", '],
)
def test_a_token_answer_that_is_none(answer: bytes) -> None:
    transport = Answering(lambda request: httpx.Response(200, content=answer))
    found = ClientCredentials("https://c.example/token", "id", lambda: "s", transport=transport)
    with pytest.raises(RemoteFailed, match=r"^LP907: Collibra answers with a token answer "):
        found.headers()


def test_a_lifetime_that_is_no_number_is_an_hour() -> None:
    clock = Clock()
    answers = iter(range(9))

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"access_token": f"t{next(answers)}", "expires_in": None})

    transport = Answering(answer)
    found = ClientCredentials("https://c.example/token", "id", lambda: "s", transport=transport, clock=clock)
    assert found.headers() == {"authorization": "Bearer t0"}
    clock.now += 3500
    assert found.headers() == {"authorization": "Bearer t0"}
    clock.now += 100
    assert found.headers() == {"authorization": "Bearer t1"}


SECRET = "hunter2-SECRET"


def failing(kind: str, server: CollibraServer) -> Callable[[], object]:
    """Calls that fail while they hold a secret."""
    secret = environment_secret("S", {"S": SECRET})
    if kind == "wrong secret":
        return credentials(server, secret=secret).headers
    if kind == "basic":
        return lambda: client(server, credentials=Basic("u", secret)).get("rest/2.0/statuses")
    if kind == "bearer":
        return lambda: client(server, credentials=Bearer(secret)).get("rest/2.0/statuses")
    if kind == "session":
        return Session(server.url, "u", secret).headers
    if kind == "away":
        return ClientCredentials("http://127.0.0.1:1/token", "id", secret).headers
    if kind == "unsendable":
        return lambda: client(server, credentials=Bearer(lambda: f"{SECRET}\n{SECRET}")).get("rest/2.0/statuses")
    return lambda: secret_from(SECRET)


@pytest.mark.parametrize(
    "kind", ["wrong secret", "basic", "bearer", "session", "away", "unsendable", "a secret as a source"]
)
def test_a_secret_is_in_no_error_no_log_and_no_repr(
    server: CollibraServer, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    call = failing(kind, server)
    with pytest.raises((RemoteFailed, ConfigurationError), match=r"^LP90\d: ") as raised:
        call()
    shown = (
        "".join(traceback.format_exception(raised.value)) + repr(raised.value) + json.dumps(dict(raised.value.facts))
    )
    assert SECRET not in shown
    assert SECRET not in caplog.text
    assert SECRET not in repr(getattr(call, "__self__", call))


def test_where_secrets_come_from(tmp_path: Path) -> None:
    (tmp_path / "s").write_text(" x \n")
    assert secret_from("env:A", environment={"A": "1"})() == "1"
    assert secret_from(f"file:{tmp_path / 's'}")() == "x"
    for text in ("env:", "file:", "databricks:scope", "databricks:/key", "plain", ""):
        with pytest.raises(ConfigurationError, match=r"^LP901: a setting says no place that a secret comes from\n"):
            secret_from(text)
    with pytest.raises(ConfigurationError, match=r"^LP901: there is no secret for Collibra in the variable A\n"):
        secret_from("env:A", environment={"A": " "})()
    with pytest.raises(ConfigurationError, match=r"^LP901: the secret in .*none cannot be read: FileNotFoundError"):
        secret_from(f"file:{tmp_path / 'none'}")()
