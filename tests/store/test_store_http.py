"""The HTTP service and its client, over a real server on the loopback interface."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
import uvicorn

from lakepact.errors import (
    ConfigurationError,
    ContractInvalid,
    ContractMissing,
    EnvironmentLacking,
    RemoteFailed,
    StoreConflict,
    UsageError,
    VersionRefused,
)
from lakepact.store import MemoryJournal, Status
from lakepact.store.http_access import Access, Scope, fixed_tokens, read_tokens
from lakepact.store.http_client import HttpStore, open_http, token_from_environment
from lakepact.store.http_service import serve, store_app
from lakepact.store.journal_store import JournalStore
from lakepact.store.protocol import ContractStore
from lakepact.testing.contract_store_suite import StoreSuite
from lakepact.testing.store_samples import contract

TOKENS = {
    "t-any": Access("suite", Scope.DELEGATE),
    "t-ada": Access("ada", Scope.WRITE),
    "t-eve": Access("eve", Scope.READ),
}


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address at which `app` is served."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    # From here on a connection waits for the server instead of being refused.
    listening.listen(128)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def client(address: str, token: str = "t-any", **options: Any) -> HttpStore:
    return HttpStore(address, token=lambda: token, **options)


@pytest.fixture
def behind() -> JournalStore:
    """The store behind the service."""
    return JournalStore(MemoryJournal())


@pytest.fixture
def address(behind: JournalStore) -> Iterator[str]:
    with serving(store_app(behind, tokens=fixed_tokens(TOKENS), max_document=2_000_000)) as found:
        yield found


@pytest.fixture
def raw(address: str) -> Iterator[httpx.Client]:
    """Requests by hand, as ada."""
    with httpx.Client(base_url=f"{address}/v1/", headers={"authorization": "Bearer t-ada"}) as found:
        yield found


class TestHttpStore(StoreSuite):
    @pytest.fixture
    def store(self, address: str) -> Iterator[ContractStore]:
        with client(address) as found:
            yield found

    @pytest.fixture
    def reopen_store(self, address: str) -> Iterator[Callable[[], ContractStore]]:
        opened: list[HttpStore] = []

        def reopen() -> ContractStore:
            opened.append(client(address))
            return opened[-1]

        yield reopen
        for each in opened:
            each.close()


class Answers(httpx.BaseTransport):
    """A transport that gives answers in turn, and remembers what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def scripted(*answers: httpx.Response | Exception, **options: Any) -> tuple[HttpStore, Answers, list[float]]:
    transport = Answers(*answers)
    pauses: list[float] = []
    store = client("https://store.example/base/", transport=transport, pause=pauses.append, **options)
    return store, transport, pauses


def page(*items: str, following: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"items": list(items), "next": following})


def test_the_address_has_no_slash_at_its_end_and_the_path_is_kept() -> None:
    store, transport, _ = scripted(page("a"))
    assert store.address == "https://store.example/base"
    assert store.list_contracts() == ("a",)
    assert str(transport.asked[0].url) == "https://store.example/base/v1/contracts?limit=1000"


@pytest.mark.parametrize("address", ["ftp://host/x", "https://", "host"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match=f"^LP874: '{address}' is no address of a contract store\n"):
        HttpStore(address)


@pytest.mark.parametrize(
    "address", ["https://ada:s3cret@host/x", "https://host/x?token=s3cret", "https://host/#s3cret"]
)
def test_secrets_do_not_belong_into_the_address(address: str) -> None:
    with pytest.raises(UsageError, match=r"^LP874: the address of the contract store at host has a user") as caught:
        HttpStore(address)
    assert "s3cret" not in str(caught.value)


def test_reads_are_tried_again_and_wait_as_long_as_asked() -> None:
    later = "Wed, 31 Jan 2024 10:00:07 GMT"
    store, transport, pauses = scripted(
        httpx.ConnectError("refused"),
        httpx.Response(503),
        httpx.Response(429, headers={"retry-after": "3"}),
        httpx.Response(503, headers={"retry-after": later}),
        page("a"),
        clock=lambda: datetime(2024, 1, 31, 10, tzinfo=UTC),
    )
    assert store.list_contracts() == ("a",)
    assert len(transport.asked) == 5
    assert pauses[0] <= 0.2
    assert pauses[1] <= 0.4
    assert 3 <= pauses[2] <= 3.2
    assert 7 <= pauses[3] <= 7.2


def test_a_read_gives_up() -> None:
    store, transport, pauses = scripted(*[httpx.ReadTimeout("slow")] * 3, retries=2)
    with pytest.raises(RemoteFailed, match=r"^LP870: https://store\.example/base does not answer: slow\n"):
        store.list_contracts()
    assert (len(transport.asked), len(pauses)) == (3, 2)


def test_a_service_that_wants_an_hour_is_away() -> None:
    store, transport, pauses = scripted(httpx.Response(503, headers={"retry-after": "3600"}))
    with pytest.raises(RemoteFailed, match=r"^LP870: https://store\.example/base answers with HTTP 503"):
        store.list_contracts()
    assert (len(transport.asked), pauses) == (1, [])


@pytest.mark.parametrize("answer", [httpx.ReadTimeout("slow"), httpx.Response(503, headers={"retry-after": "1"})])
def test_writes_are_never_tried_again(answer: httpx.Response | Exception) -> None:
    store, transport, pauses = scripted(answer)
    with pytest.raises(RemoteFailed, match=r"^LP870: ") as caught:
        store.put(contract(), actor="ada")
    assert (len(transport.asked), pauses) == (1, [])
    if isinstance(answer, Exception):
        assert caught.value.hint.startswith("it may have been written all the same")


def test_a_token_is_asked_for_every_time_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = iter(["s3cret-one", "s3cret-two"])
    transport = Answers(httpx.Response(500, text="no"), httpx.ReadError("gone"))
    store = HttpStore("https://h", token=lambda: next(tokens), transport=transport, retries=0)
    with pytest.raises(RemoteFailed, match="answers with HTTP 500 Internal Server Error") as first:
        store.list_contracts()
    with pytest.raises(RemoteFailed, match="does not answer: gone") as second:
        store.list_contracts()
    assert [each.headers["authorization"] for each in transport.asked] == ["Bearer s3cret-one", "Bearer s3cret-two"]
    assert "s3cret" not in caplog.text + repr(store) + str(first.value) + str(second.value)


def test_a_token_that_cannot_be_one_is_not_sent() -> None:
    store = HttpStore("https://h", token=lambda: "s3cret\r\nx: y", transport=Answers())
    with pytest.raises(ConfigurationError, match=r"^LP871: the token has characters that no token has\n") as caught:
        store.list_contracts()
    assert "s3cret" not in str(caught.value)


def test_the_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.delenv("LAKEPACT_STORE_TOKEN", raising=False)
    with pytest.raises(ConfigurationError, match=r"^LP871: there is no token for the contract store\n  hint: set "):
        token_from_environment()
    monkeypatch.setenv("LAKEPACT_STORE_TOKEN", "t-eve\n")
    with open_http(address) as store:
        assert store.list_contracts() == ()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"items": [1], "next": None}),
        httpx.Response(404, text="<html>"),
        httpx.Response(302, headers={"location": "https://login.example"}),
        httpx.Response(400, json={"code": "x"}, headers={"content-type": "application/problem+json"}),
    ],
)
def test_what_is_no_store_is_said_to_be_none(answer: httpx.Response) -> None:
    store, transport, _ = scripted(answer)
    with pytest.raises(RemoteFailed, match=r"^LP870: https://store\.example/base answers with "):
        store.list_contracts()
    assert len(transport.asked) == 1


def test_a_list_that_never_ends() -> None:
    store, _, _ = scripted(page("a", following="x"), page("b", following="x"))
    with pytest.raises(RemoteFailed, match="answers with a list that never ends"):
        store.list_contracts()


def test_bytes_are_checked_against_their_hash() -> None:
    store, _, _ = scripted(httpx.Response(200, content=contract().source, headers={"etag": '"0"'}))
    with pytest.raises(RemoteFailed, match="answers with a document that does not have the hash that came with it"):
        store.get("orders", "1.0.0")


def test_a_contract_without_its_document_is_not_sent() -> None:
    store, transport, _ = scripted()
    with pytest.raises(UsageError, match=r"^LP855: the contract 'orders' was not read from a document\n"):
        store.put(replace(contract(), source=b""), actor="ada")
    assert transport.asked == []


def test_errors_come_back_as_they_were(address: str) -> None:
    with client(address) as store:
        first = store.put(contract(), actor="ada")
        with pytest.raises(StoreConflict, match=r"^LP851: ") as caught:
            store.put(contract(columns=("a",)), actor="bob", expected="0" * 64)
        assert caught.value.facts == {
            "contract_id": "orders",
            "version": "1.0.0",
            "expected": "0" * 64,
            "found": first.sha256,
        }
        assert caught.value.hint == "get it again and decide anew"
        with pytest.raises(ConfigurationError, match=r"^LP170: "):
            store.latest("orders", specifier="newest")
        with pytest.raises(ContractMissing, match=r"^LP850: 'orders' has no version 9\.9\.9\n  hint: its versions are"):
            store.get("orders", "9.9.9")


def test_the_actor_is_whose_the_token_is(address: str) -> None:
    with client(address, "t-ada") as ada, client(address, "t-any") as any_one:
        assert ada.put(contract(), actor="bob").changed_by == "ada"
        step = any_one.set_status("orders", "1.0.0", Status.IN_REVIEW, actor="bob", reason="x")
        assert (step.created_by, step.changed_by) == ("ada", "bob")


def test_without_a_valid_token_nothing_is_said(address: str) -> None:
    with client(address, "t-old", retries=0) as store:
        with pytest.raises(RemoteFailed, match=r"^LP871: the token is not valid, or no longer\n"):
            store.list_contracts()
        with pytest.raises(RemoteFailed, match=r"^LP871: the token is not valid, or no longer\n"):
            store.put(contract(), actor="ada")
    bare = httpx.get(f"{address}/v1/contracts")
    assert (bare.status_code, bare.headers["www-authenticate"]) == (401, 'Bearer realm="lakepact"')
    assert bare.json()["detail"] == "the request has no bearer token"
    assert httpx.get(f"{address}/v1/contracts", headers={"authorization": "Basic t-ada"}).status_code == 401
    assert httpx.get(f"{address}/v1/health").json() == {"service": "lakepact-store", "api": 1}


def test_a_reader_does_not_write(address: str, behind: JournalStore) -> None:
    with client(address, "t-eve") as store:
        with pytest.raises(RemoteFailed, match=r"^LP871: the token of eve does not allow to write\n"):
            store.put(contract(), actor="ada")
        with pytest.raises(RemoteFailed, match=r"^LP871: the token of eve does not allow to write\n"):
            store.set_status("orders", "1.0.0", Status.IN_REVIEW, actor="ada", reason="x")
        assert store.list_contracts() == behind.list_contracts() == ()


def test_a_document_has_its_hash_as_etag(raw: httpx.Client) -> None:
    where = {"contract": "orders", "version": "1.0.0"}
    put = raw.put("document", params=where, content=contract().source)
    assert (put.status_code, put.headers["etag"]) == (200, f'"{contract().sha256}"')
    got = raw.get("document", params=where)
    assert (got.content, got.headers["etag"]) == (contract().source, put.headers["etag"])
    assert raw.get("document", params=where, headers={"if-none-match": f"W/{got.headers['etag']}"}).status_code == 304
    assert raw.get("document", params=where, headers={"if-none-match": '"0"'}).status_code == 200


def test_a_conflict_is_409_and_a_stale_hash_is_412(raw: httpx.Client) -> None:
    where = {"contract": "orders", "version": "1.0.0"}
    raw.put("document", params=where, content=contract().source)
    other = contract(columns=("a",)).source
    assert raw.put("document", params=where, content=other).status_code == 409
    stale = raw.put("document", params=where, content=other, headers={"if-match": f'"{"0" * 64}"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "LP851")
    seen = raw.put("document", params=where, content=other, headers={"if-match": f'"{contract().sha256}"'})
    assert seen.json()["sha256"] == contract(columns=("a",)).sha256
    step = {"status": "in review", "reason": "x"}
    assert raw.post("status", params=where, json=step, headers={"if-match": '"0"'}).status_code == 412
    assert raw.post("status", params=where, json=step | {"expected": "validated"}).status_code == 409
    assert raw.post("status", params=where, json=step).json()["status"] == "in review"


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("versions", 422, "the request lacks the parameter `contract`"),
        ("versions?contract=a&status=good", 422, "'good' is no status"),
        ("versions?contract=orders&on=today", 422, "'today' is no moment"),
        ("contracts?limit=0", 422, "'0' is no limit"),
        ("contracts?limit=-1", 422, "'-1' is no limit"),
        ("contracts?cursor=x", 422, "the cursor is not one that this list gave"),
        ("contracts?cursor=WzFd", 422, "the cursor is not one that this list gave"),
        ("latest?contract=none", 404, "there is no contract 'none' in memory:"),
        ("nowhere", 404, "there is nothing to GET at /v1/nowhere"),
        ("status", 405, "there is nothing to GET at /v1/status"),
    ],
)
def test_faults_of_a_request(raw: httpx.Client, path: str, status: int, detail: str) -> None:
    raw.put("document", params={"contract": "orders", "version": "1.0.0"}, content=contract().source)
    answer = raw.get(path)
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:lakepact:{answer.json()['code']}"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "the body is no step of a life: Expecting property name enclosed in double quotes"),
        (b"[]", "the body is no step of a life: list indices must be integers or slices, not str"),
        (b"{}", "the body is no step of a life: `status` is missing"),
        (b'{"status": "good"}', "the body is no step of a life: 'good' is not a valid Status"),
        (b'{"status": "draft", "reason": 1}', "the body is no step of a life: `reason` and `actor` are texts"),
        (b'{"status": "draft", "reason": "", "waivers": [{}]}', "the body is no step of a life: `contract` is missing"),
    ],
)
def test_a_step_that_is_none(raw: httpx.Client, body: bytes, detail: str) -> None:
    answer = raw.post("status", params={"contract": "orders", "version": "1.0.0"}, content=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "LP872")
    assert answer.json()["detail"].startswith(detail)


def test_a_document_with_faults_names_all_of_them(raw: httpx.Client, address: str) -> None:
    where = {"contract": "a", "version": "1.0.0"}
    answer = raw.put("document", params=where, content=b"apiVersion: v3.1.0\nkind: Wrong\n")
    assert answer.status_code == 422
    assert {each["file"] for each in answer.json()["problems"]} == {"request body"}
    with client(address) as store, pytest.raises(ContractInvalid, match=r"^LP100: ") as caught:
        store.put(replace(contract(), source=b"apiVersion: v3.1.0\nkind: Wrong\n"), actor="ada")
    assert [each.code for each in caught.value.problems] == [each["code"] for each in answer.json()["problems"]]


def test_the_document_is_that_of_the_address(raw: httpx.Client) -> None:
    answer = raw.put("document", params={"contract": "other", "version": "1.0.0"}, content=contract().source)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "the document is 'orders' 1.0.0, not 'other' 1.0.0"


def test_a_body_that_is_too_large_is_not_read(raw: httpx.Client, address: str) -> None:
    host, _, port = address.removeprefix("http://").partition(":")
    head = "PUT /v1/document?contract=a&version=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t-ada\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"{head}Content-Length: 2000001\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")

    def chunks() -> Iterator[bytes]:
        for _ in range(21):
            yield b"x" * 100_000

    answer = raw.put("document", params={"contract": "a", "version": "1"}, content=chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "LP873")
    assert answer.json()["detail"] == "the body is larger than 2,000,000 bytes"


def test_pages_are_stable_while_others_write(raw: httpx.Client, behind: JournalStore, address: str) -> None:
    for name in ("b", "d", "f"):
        for version in ("1.9.0", "1.10.0"):
            behind.put(contract(name, version), actor="ada")
    first = raw.get("contracts", params={"limit": 2}).json()
    behind.put(contract("a", "1.0.0"), actor="ada")
    behind.put(contract("e", "1.0.0"), actor="ada")
    second = raw.get("contracts", params={"limit": 2, "cursor": first["next"]}).json()
    assert (first["items"], second["items"], second["next"]) == (["b", "d"], ["e", "f"], None)
    for path, names in (("search", {}), ("versions", {"contract": "b"}), ("history", {"contract": "b"})):
        everything = raw.get(path, params=names).json()["items"]
        found: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            page_of = raw.get(path, params={**names, "limit": 1, **({"cursor": cursor} if cursor else {})}).json()
            found += page_of["items"]
            cursor = page_of["next"]
        assert found == everything
        assert len(found) >= 2


def test_a_large_store_is_listed_by_pages(address: str, behind: JournalStore) -> None:
    for number in range(1003):
        behind.put(contract(f"c{number:04}"), actor="ada")
    with client(address) as store:
        assert store.list_contracts() == behind.list_contracts()
        assert store.search() == behind.search()


def test_what_happens_inside_stays_inside(behind: JournalStore) -> None:
    def broken(_token: str) -> Access:
        raise KeyError("/srv/secret")

    with serving(store_app(behind, tokens=broken)) as address, client(address, retries=0) as store:
        with pytest.raises(RemoteFailed, match=r"^LP870: the service failed; its log says why\n") as caught:
            store.list_contracts()
        assert "secret" not in str(caught.value)


def test_tokens_of_the_service() -> None:
    known = read_tokens("ci=write:a:b\n portal=read:c")
    assert known == {"a:b": Access("ci", Scope.WRITE), "c": Access("portal", Scope.READ)}
    for text in ("ci=write:", "=write:s3cret", "ci=own:s3cret", "s3cret", "a=read:s3cret b=write:s3cret"):
        with pytest.raises(ConfigurationError, match=r"^LP874: entry \d of LAKEPACT_STORE_TOKENS is not") as caught:
            read_tokens(text)
        assert "s3cret" not in str(caught.value)


def test_scopes_hold_each_other() -> None:
    assert [Access("a", Scope.WRITE).allows(scope) for scope in Scope] == [True, True, False]


def test_serve_needs_tokens_and_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAKEPACT_STORE_TOKENS", raising=False)
    with pytest.raises(ConfigurationError, match=r"^LP874: the service has no tokens, so nobody could use it\n"):
        serve("memory:")
    monkeypatch.setenv("LAKEPACT_STORE_TOKENS", "ci=write:t")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentLacking, match=rf"^LP874: cannot listen on 127\.0\.0\.1:{port}: "):
            serve("memory:", port=port)


def test_serve_serves_on_loopback(tmp_path: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "LAKEPACT_STORE_TOKENS": "ci=write:t-ci"}
    code = f"from lakepact.store.http_service import serve; serve('memory:', port={port})"
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE)
    try:
        with client(f"http://127.0.0.1:{port}", "t-ci", retries=60, pause=lambda _: time.sleep(0.2)) as store:
            assert store.list_contracts() == ()
            assert store.put(contract(), actor="x").changed_by == "ci"
            with pytest.raises(VersionRefused, match=r"^LP853: 'orders': `x` is not a semantic version"):
                store.put(contract("orders", "x"), actor="x")
    finally:
        process.terminate()
        _, log = process.communicate(timeout=20)
    assert b"t-ci" not in log


def test_moments_travel_exactly(address: str, behind: JournalStore) -> None:
    behind.put(contract(), actor="ada")
    at = behind.history("orders")[0].at
    elsewhere = at.astimezone(timezone(timedelta(hours=5, minutes=30)))
    with client(address) as store:
        assert len(store.list_versions("orders", on=elsewhere)) == 1
        assert store.list_versions("orders", on=elsewhere - timedelta(microseconds=1)) == ()
        assert store.history("orders") == behind.history("orders")
        assert json.dumps(store.version("orders", "1.0.0").summary.tags) == "[]"
