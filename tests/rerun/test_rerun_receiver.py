"""The receiver over real HTTP on loopback: its answers, what it keeps, and requests that try to break it."""

from __future__ import annotations

import base64
import gc
import http.client
import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lakepact.errors import EnvironmentLacking, RemoteFailed
from lakepact.rerun import Arrival, InboxState, Origin, Receipt, open_inbox
from lakepact.rerun.authentication import Secrets, Way
from lakepact.rerun.memory_inbox import MemoryInbox
from lakepact.rerun.serving import listening
from lakepact.rerun.settings import read_receiver_settings
from lakepact.rerun.signatures import read_secrets
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.collibra_workflow import CollibraWorkflow
from webhook_samples import (
    ASSET,
    OTHER_SECRET,
    PASSWORD,
    SECRET,
    TOKEN,
    answered,
    body,
    connected,
    head,
    headers,
    receiving,
    settings,
)

HMAC, BEARER, BASIC = frozenset({Way.HMAC}), frozenset({Way.BEARER}), frozenset({Way.BASIC})


@pytest.fixture
def inbox() -> MemoryInbox:
    return MemoryInbox()


@pytest.fixture
def address(inbox: MemoryInbox) -> Iterator[str]:
    with receiving(inbox) as found:
        yield found


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[tuple[str, MemoryInbox]]:
    """A receiver that takes all ways, for many requests."""
    inbox = MemoryInbox()
    with receiving(inbox, settings(HMAC, BEARER, BASIC, rate=100_000)) as found:
        yield found, inbox


def post(address: str, content: bytes, given: dict[str, str] | None = None) -> httpx.Response:
    return httpx.post(address, content=content, headers=headers(content) if given is None else given, timeout=20)


def said(answer: httpx.Response) -> tuple[int, str]:
    content = answer.json()
    assert content["status"] == answer.status_code
    return answer.status_code, content["detail"]


def test_a_notice_is_received_once(address: str, inbox: MemoryInbox) -> None:
    content = body()
    assert said(post(address, content)) == (202, "received")
    assert said(post(address, content)) == (200, "received before")
    (event,) = inbox.list()
    assert event.state is InboxState.RECEIVED
    assert event.arrival == Arrival(
        delivery_id="msg_1",
        type="collibra.data_contract.status_changed",
        contract_id="orders",
        asset_id=ASSET,
        version="1.2.0",
        status="Accepted",
        occurred_at=datetime(2024, 1, 31, 10, tzinfo=UTC),
        origin=Origin.WEBHOOK,
    )


def test_one_id_for_two_notices_is_not_silent(address: str, inbox: MemoryInbox) -> None:
    post(address, body())
    assert said(post(address, body(data={"version": "2.0.0"}))) == (
        400,
        "the id of the delivery was used for another notice",
    )
    assert [event.arrival.version for event in inbox.list()] == ["1.2.0"]


def test_what_is_of_no_interest_is_not_kept(address: str, inbox: MemoryInbox) -> None:
    answer = post(address, body(type="collibra.asset.deleted"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert inbox.list() == ()


def test_what_is_no_notice_is_said_without_repeating_it(address: str, inbox: MemoryInbox) -> None:
    content = body(data={"s3cret": "s3cret"})
    answer = post(address, content)
    assert said(answer) == (400, "`data` has a key that is not known")
    assert "s3cret" not in answer.text
    assert inbox.list() == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-id": "msg_2"},
        {"webhook-id": "a.b"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": str(int(time.time()) + 400)},
        {"authorization": f"Bearer {TOKEN}", "webhook-signature": "v1,AAAA"},
    ],
)
def test_who_is_not_authentic_learns_nothing(address: str, inbox: MemoryInbox, changed: dict[str, str]) -> None:
    content = body()
    answer = post(address, content, {**headers(content), **changed})
    assert said(answer) == (401, "not authentic")
    assert "www-authenticate" not in answer.headers
    assert inbox.list() == ()


def test_stale_and_forged_notices(address: str, inbox: MemoryInbox) -> None:
    content = body()
    old = headers(content, at=datetime.now(UTC) - timedelta(seconds=310))
    assert post(address, content, old).status_code == 401
    assert post(address, content, headers(content, secret=OTHER_SECRET)).status_code == 401
    assert post(address, content + b" ", headers(content)).status_code == 401
    assert post(address, content[:-1], headers(content)).status_code == 401
    assert inbox.list() == ()


def test_a_notice_that_is_sent_again_later_has_one_effect(inbox: MemoryInbox) -> None:
    now = [datetime.now(UTC)]
    with receiving(inbox, settings(clock=lambda: now[0])) as address:
        content = body()
        given = headers(content)
        assert post(address, content, given).status_code == 202
        now[0] += timedelta(seconds=250)
        assert post(address, content, given).status_code == 200
        now[0] += timedelta(seconds=100)
        assert post(address, content, given).status_code == 401
    assert len(inbox.list()) == 1


@pytest.mark.parametrize(
    ("ways", "authorization", "challenge"),
    [
        ((BEARER,), f"Bearer {TOKEN}", 'Bearer realm="lakepact"'),
        ((BASIC,), f"Basic {base64.b64encode(PASSWORD.encode()).decode()}", 'Basic realm="lakepact"'),
        ((HMAC, BASIC), f"Basic {base64.b64encode(PASSWORD.encode()).decode()}", 'Basic realm="lakepact"'),
    ],
)
def test_senders_that_cannot_sign(
    inbox: MemoryInbox, ways: Sequence[frozenset[Way]], authorization: str, challenge: str
) -> None:
    given = {"content-type": "application/json; charset=UTF-8", "authorization": authorization}
    with receiving(inbox, settings(*ways)) as address:
        assert said(post(address, body(id="msg_1"), given)) == (202, "received")
        assert said(post(address, body(), {**given, "webhook-id": "msg_2"})) == (202, "received")
        assert said(post(address, body(), given)) == (
            400,
            "the notice has no ids: give one as webhook-id, or as `id`",
        )
        assert said(post(address, body(id="msg_1"), {**given, "webhook-id": "msg_2"})) == (
            400,
            "the notice has two ids: give one as webhook-id, or as `id`",
        )
        assert said(post(address, body(), {**given, "webhook-id": "a.b"}))[0] == 400
        refused = post(address, body(id="msg_3"), {**given, "authorization": authorization[:-3]})
        assert (said(refused), refused.headers["www-authenticate"]) == ((401, "not authentic"), challenge)
    assert sorted(event.delivery_id for event in inbox.list()) == ["msg_1", "msg_2"]


@pytest.mark.parametrize(
    "changed",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": ""},
        {"content-encoding": "gzip"},
        {"content-type": "application/json, application/json"},
    ],
)
def test_what_is_not_json_as_it_is(address: str, changed: dict[str, str]) -> None:
    content = body()
    assert said(post(address, content, {**headers(content), **changed})) == (
        415,
        "the body is not application/json as it is",
    )


def test_bodies_up_to_the_limit(address: str, inbox: MemoryInbox) -> None:
    content = body().ljust(64 * 1024)
    assert post(address, content).status_code == 202
    assert said(post(address, content + b" ")) == (413, "the body is too large")
    chunks = (b" " * 1000 for _ in range(100))
    answer = httpx.post(address, content=chunks, headers={"content-type": "application/json"}, timeout=20)
    assert said(answer) == (413, "the body is too large")
    assert len(inbox.list()) == 1


def test_a_body_that_is_announced_too_large_is_not_read(address: str) -> None:
    for length in (64 * 1024 + 1, 10**15):
        with closing(connected(address)) as connection:
            connection.sendall(head({"content-type": "application/json"}, length=length))
            connection.settimeout(5)
            answer = b"".join(iter(lambda: answered(connection), b""))
            assert answer.startswith(b"HTTP/1.1 413 ")
            assert answer.endswith(b'{"status":413,"detail":"the body is too large"}')


def test_repeated_headers(address: str, inbox: MemoryInbox) -> None:
    content = body()
    for name, status in {
        "webhook-id": b"401",
        "webhook-timestamp": b"401",
        "webhook-signature": b"401",
        "content-type": b"415",
        "content-length": b"400",
        "host": b"400",
    }.items():
        given = [*headers(content).items(), ("content-length", str(len(content)))]
        other = {**dict(given), "host": "x", "content-length": "1"}[name]
        with closing(connected(address)) as connection:
            connection.sendall(head([*given, (name, other)]) + content)
            assert answered(connection).startswith(b"HTTP/1.1 " + status), name
    assert inbox.list() == ()


def test_a_body_that_ends_early(address: str, inbox: MemoryInbox) -> None:
    content = body()
    for sent in (b"", content[:10], content[:-1]):
        with closing(connected(address)) as connection:
            connection.sendall(head(headers(content), length=len(content)) + sent)
            connection.shutdown(socket.SHUT_WR)
            assert not answered(connection).startswith(b"HTTP/1.1 2")
    assert inbox.list() == ()
    assert post(address, content).status_code == 202


def test_bytes_that_are_no_request(address: str) -> None:
    for sent in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST /webhooks/collibra HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /webhooks/collibra HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-type: application/json"
        b"\r\n\r\nzz\r\n",
        b"POST /webhooks/\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /webhooks/collibra HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 300_000 + b"\r\n\r\n",
    ):
        with closing(connected(address)) as connection:
            with suppress(OSError):
                connection.sendall(sent)
            assert answered(connection)[9:12] in (b"400", b"")
    assert post(address, body()).status_code == 202


def test_slow_heads_and_bodies_are_cut_off(inbox: MemoryInbox) -> None:
    with receiving(inbox, settings(body_seconds=0.5), header_seconds=0.5) as address:
        silent, slow_head, slow_body = connected(address), connected(address), connected(address)
        slow_body.sendall(head({"content-type": "application/json"}, length=50))
        started, ends = time.monotonic(), dict[str, float]()
        names = {"silent": silent, "head": slow_head, "body": slow_body}
        lines = iter(head({"x": "y" * 1000}))
        answers: dict[str, bytes] = {}
        while len(ends) < 3 and time.monotonic() - started < 10:
            for name, connection in names.items():
                if name in ends:
                    continue
                try:
                    if name != "silent":
                        connection.send(bytes([next(lines)]) if name == "head" else b" ")
                    connection.settimeout(0.02)
                    answers[name] = connection.recv(4096)
                    ends[name] = time.monotonic() - started
                except TimeoutError:
                    continue
                except OSError:
                    answers[name], ends[name] = b"", time.monotonic() - started
        assert set(ends) == set(names)
        assert max(ends.values()) < 5
        assert answers["body"].startswith(b"HTTP/1.1 408 ")
        assert answers["head"] == answers["silent"] == b""
        assert post(address, body()).status_code == 202


def test_a_body_that_was_refused_cannot_hold_a_connection(inbox: MemoryInbox) -> None:
    with receiving(inbox, header_seconds=0.5) as address, closing(connected(address)) as connection:
        connection.sendall(head({"content-type": "text/plain"}, length=60_000))
        assert answered(connection).startswith(b"HTTP/1.1 415 ")
        deadline = time.monotonic() + 10
        with suppress(OSError):
            while time.monotonic() < deadline:
                connection.sendall(b"x")
                time.sleep(0.05)
        assert time.monotonic() < deadline


def test_more_connections_than_may_be(inbox: MemoryInbox) -> None:
    with receiving(inbox, header_seconds=1.0, most_connections=5) as address:
        silent = [connected(address) for _ in range(20)]
        ended = []
        for connection in silent:
            connection.settimeout(0.1)
            with suppress(TimeoutError):
                ended.append(answered(connection))
        assert len(ended) >= 15
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError):
                assert post(address, body()).status_code == 202
                break
            time.sleep(0.1)
        for connection in silent:
            connection.close()
    assert len(inbox.list()) == 1


def test_a_body_with_two_lengths(address: str, inbox: MemoryInbox) -> None:
    content = body()
    chunked = f"{len(content):x}\r\n".encode() + content + b"\r\n0\r\n\r\n"
    with closing(connected(address)) as connection:
        connection.sendall(head({**headers(content), "transfer-encoding": "chunked"}, length=len(content)) + chunked)
        assert answered(connection).startswith(b"HTTP/1.1 400 ")
    assert inbox.list() == ()
    with closing(connected(address)) as connection:
        connection.sendall(head({**headers(content), "transfer-encoding": "chunked"}) + chunked)
        assert answered(connection).startswith(b"HTTP/1.1 202 ")


def test_memory_is_flat_under_bodies_that_are_too_large(address: str) -> None:
    piece = b"x" * 65_536

    def flood() -> None:
        for _ in range(20):
            with closing(connected(address)) as connection:
                try:
                    connection.sendall(head({"content-type": "application/json"}, length=10**9))
                    for _ in range(50):
                        connection.sendall(piece)
                except OSError:
                    continue

    flood()
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    # 80 connections sent up to 3 MB each.
    assert grown < 30
    assert post(address, body()).status_code == 202


def test_connections_are_used_again(address: str, inbox: MemoryInbox) -> None:
    with httpx.Client() as client:
        for number in range(20):
            content = body()
            answer = client.post(address, content=content, headers=headers(content, f"msg_{number}"))
            assert answer.status_code == 202
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    content = body()
    for _ in range(2):
        connection.request("POST", parts.path, content, headers(content, "msg_x"))
        connection.getresponse().read()
    connection.close()
    assert len(inbox.list()) == 21


def test_health_and_readiness(tmp_path: Path) -> None:
    secrets = [Secrets(signing=read_secrets(SECRET))]
    inbox = open_inbox(f"delta:{tmp_path}/inbox")
    with receiving(inbox, settings(secrets=lambda: secrets[0])) as address:
        base = address.removesuffix("/webhooks/collibra")
        for prefix in ("", "/api"):
            assert said(httpx.get(f"{base}{prefix}/health")) == (200, "alive")
            assert said(httpx.get(f"{base}{prefix}/ready")) == (200, "ready")
        content = body()
        assert post(f"{base}/api/webhooks/collibra", content).status_code == 202
        log = tmp_path / "inbox" / "contract_inbox" / "_delta_log"
        log.rename(log.with_name("away"))
        log.write_text("", encoding="utf-8")
        time.sleep(1.1)
        assert said(httpx.get(f"{base}/ready")) == (503, "not ready")
        assert said(httpx.get(f"{base}/health")) == (200, "alive")
        refused = post(address, content, headers(content, "msg_2"))
        assert said(refused) == (503, "the notice could not be kept")
        assert refused.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/webhooks/collibra", 405), ("POST", "/health", 405), ("GET", "/", 404), ("POST", "/x/%00/../y", 404)],
)
def test_other_addresses(address: str, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, address.removesuffix("/webhooks/collibra") + path)
    assert said(answer) == (status, "there is nothing like that here")


class Stuck(MemoryInbox):
    """An inbox that waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()

    def receive(self, arrival: Arrival) -> Receipt:
        self.free.wait(30)
        return super().receive(arrival)


def test_an_inbox_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Stuck()
    with receiving(inbox, settings(answer_seconds=0.5, max_busy=3)) as address:
        content = body()
        for number in range(3):
            answer = post(address, content, headers(content, f"msg_{number}"))
            assert said(answer) == (503, "the notice could not be kept")
        assert said(post(address, content, headers(content, "msg_3"))) == (503, "too much to do")
        assert said(httpx.get(address.removesuffix("/webhooks/collibra") + "/health")) == (200, "alive")
        inbox.free.set()
        deadline = time.monotonic() + 10
        while len(inbox.list()) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        # What was answered too late is kept all the same; sent again it is the same delivery.
        assert said(post(address, content, headers(content, "msg_0"))) == (200, "received before")
        assert said(post(address, content, headers(content, "msg_3"))) == (202, "received")


class Broken(MemoryInbox):
    """An inbox that fails in two ways."""

    def receive(self, arrival: Arrival) -> Receipt:
        if arrival.delivery_id == "known":
            raise RemoteFailed("the disk s3cret is full", "LP935")
        raise KeyError("s3cret")


def test_what_happens_inside_stays_inside(caplog: pytest.LogCaptureFixture) -> None:
    with receiving(Broken()) as address:
        content = body()
        known = post(address, content, headers(content, "known"))
        assert said(known) == (503, "the notice could not be kept")
        unknown = post(address, content, headers(content, "other"))
        assert said(unknown) == (500, "the receiver failed; its log says why")
    assert "s3cret" not in known.text + unknown.text
    assert "delivery known: 503, the disk s3cret is full" in caplog.text


def test_more_than_the_rate(inbox: MemoryInbox) -> None:
    content = body()
    with receiving(inbox, settings(rate=3)) as address, httpx.Client() as client:
        forged = [
            client.post(address, content=content, headers=headers(content, secret=OTHER_SECRET)) for _ in range(10)
        ]
        answers = [
            client.post(address, content=content, headers=headers(content, f"msg_{number}")) for number in range(12)
        ]
    assert {each.status_code for each in forged} == {401}
    statuses = [each.status_code for each in answers]
    assert statuses[:3] == [202, 202, 202]
    assert 429 in statuses
    assert said(answers[statuses.index(429)]) == (429, "too many notices")
    assert len(inbox.list()) == statuses.count(202)


def test_secrets_and_bodies_are_not_in_the_log(address: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    content = body(data={"manifestId": "s3cret-contract"})
    given = headers(content)
    post(address, content, {**given, "authorization": "Bearer s3cret-token"})
    post(address, content, {**given, "webhook-signature": "v1,s3cret"})
    post(address, body(id="s3cret-id"), given)
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("lakepact"))
    assert "delivery msg_1: 202, received" in logged
    assert "401: no signature belongs to this request and an active secret" in logged
    for hidden in ("s3cret", SECRET, SECRET[6:], given["webhook-signature"]):
        assert hidden not in logged


def test_secrets_that_cannot_be_had(tmp_path: Path, inbox: MemoryInbox) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET, encoding="utf-8")
    given = read_receiver_settings({"LAKEPACT_WEBHOOK_SECRET_FROM": f"file:{file}"})
    with receiving(inbox, given) as address:
        assert post(address, body()).status_code == 202
        file.unlink()
        assert said(post(address, body())) == (503, "the notice could not be kept")
        ready = httpx.get(address.removesuffix("/webhooks/collibra") + "/ready")
        assert said(ready) == (503, "not ready")


def test_secrets_change_while_requests_run(tmp_path: Path, inbox: MemoryInbox) -> None:
    file = tmp_path / "secret"

    def put(text: str) -> None:
        beside = tmp_path / "next"
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)

    put(SECRET)
    given = read_receiver_settings({"LAKEPACT_WEBHOOK_SECRET_FROM": f"file:{file}", "LAKEPACT_WEBHOOK_RATE": "99999"})
    secret, over = [SECRET], threading.Event()
    statuses: list[int] = []
    content = body()

    def send(place: str, worker: int) -> None:
        number = 0
        with httpx.Client(timeout=20) as client:
            while not over.is_set():
                number += 1
                signed = headers(content, f"msg_{worker}_{number}", secret=secret[0])
                statuses.append(client.post(place, content=content, headers=signed).status_code)

    with receiving(inbox, given) as address:
        threads = [threading.Thread(target=send, args=(address, worker)) for worker in range(3)]
        for thread in threads:
            thread.start()
        for old, new in ((SECRET, OTHER_SECRET), (OTHER_SECRET, SECRET)):
            put(f"{new} {old}")
            time.sleep(0.3)
            secret[0] = new
            time.sleep(0.3)
            put(new)
            time.sleep(0.3)
        over.set()
        for thread in threads:
            thread.join()
        assert post(address, content, headers(content, "msg_late", secret=OTHER_SECRET)).status_code == 401
    assert set(statuses) == {202}
    assert len(inbox.list()) == len(statuses) > 10


def test_a_steward_clicks_in_collibra(address: str, inbox: MemoryInbox) -> None:
    with CollibraServer() as collibra, CollibraWorkflow(address, secret=SECRET) as workflow:
        collibra.on_status_change(workflow)
        contract = collibra.add_contract_asset("orders", collibra.add_port("orders-gold"))
        workflow.copies = 3
        collibra.set_asset_status(contract, "Accepted")
        workflow.wait()
        workflow.tampered = True
        collibra.set_asset_status(contract, "Candidate")
        workflow.wait()
        workflow.tampered, workflow.age = False, 1000.0
        collibra.set_asset_status(contract, "Accepted")
        workflow.wait()
        assert [each.status for each in workflow.deliveries] == [202, 200, 200, 401, 401, 401, 401, 401, 401]
    (event,) = inbox.list()
    assert (event.arrival.asset_id, event.arrival.status) == (contract, "Accepted")


_NAMES = st.sampled_from(
    ["webhook-id", "webhook-timestamp", "webhook-signature", "authorization", "content-type", "content-encoding"]
) | st.from_regex(r"[!#$%&'*+.^_`|~0-9a-z-]{1,20}", fullmatch=True).filter(
    lambda name: name not in ("host", "content-length", "transfer-encoding", "connection", "expect", "upgrade")
)
_VALUES = st.sampled_from(
    ["msg_1", "v1,", "v1,AAAA v1,", "Basic Og==", "Bearer x", "application/json", "0", "-1", "9" * 30]
) | st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60)
_BODIES = st.binary(max_size=500) | st.sampled_from([body(), body(id="msg_1"), b"{}", b"[" * 2000])


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    extra=st.lists(st.tuples(_NAMES, _VALUES), max_size=6), content=_BODIES, signed=st.booleans(), right=st.booleans()
)
def test_no_request_makes_it_fail(
    fuzzed: tuple[str, MemoryInbox], extra: list[tuple[str, str]], content: bytes, signed: bool, right: bool
) -> None:
    address, _ = fuzzed
    base = headers(content, "fuzz") if signed else {"content-type": "application/json"}
    if right:
        base["authorization"] = f"Bearer {TOKEN}"
    with closing(connected(address)) as connection:
        connection.sendall(head([*base.items(), *extra], length=len(content)) + content)
        status = int(answered(connection)[9:12])
    assert status in (200, 202, 204, 400, 401, 415)
    if not signed and not right:
        assert status in (400, 401, 415)


@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.binary(max_size=300), prefix=st.sampled_from([b"", b"POST ", head({}), head({}, length=10)]))
def test_no_bytes_make_it_fail(fuzzed: tuple[str, MemoryInbox], sent: bytes, prefix: bytes) -> None:
    address, inbox = fuzzed
    with closing(connected(address)) as connection:
        connection.sendall(prefix + sent)
        connection.shutdown(socket.SHUT_WR)
        answer = answered(connection)
    assert not answer.startswith((b"HTTP/1.1 5", b"HTTP/1.1 2"))
    assert post(address, body(), headers(body(), "alive")).status_code in (200, 202)
    assert {event.delivery_id for event in inbox.list()} <= {"alive", "fuzz", "msg_1"}


def test_a_port_that_is_taken() -> None:
    with closing(listening("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentLacking, match=rf"^LP938: cannot listen on 127\.0\.0\.1:{port}: "):
            listening("127.0.0.1", port)


SERVE = """
import os, sys
from lakepact.rerun.delta_inbox import DeltaInbox
from lakepact.rerun.serving import serve_receiver
from lakepact.rerun.settings import read_receiver_settings

class Killed(DeltaInbox):
    def receive(self, arrival):
        receipt = super().receive(arrival)
        if arrival.delivery_id.startswith("kill"):
            os.kill(os.getpid(), 9)
        return receipt

serve_receiver(Killed(sys.argv[1]), read_receiver_settings(), host="127.0.0.1", port=0,
               ready=lambda address: print(address, flush=True))
"""


@pytest.mark.process
def test_killed_between_writing_and_answering(tmp_path: Path) -> None:
    content = body()

    def start() -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-c", SERVE, str(tmp_path / "inbox")]
        environment = {**os.environ, "LAKEPACT_WEBHOOK_SECRET": SECRET}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    first, address = start()
    assert post(address, content, headers(content, "calm")).status_code == 202
    with pytest.raises(httpx.HTTPError):
        post(address, content, headers(content, "kill_1"))
    assert first.wait(20) == -signal.SIGKILL
    second, address = start()
    try:
        # Nothing that was answered is lost, and what was not answered is neither lost nor doubled when sent again.
        assert post(address, content, headers(content, "calm")).status_code == 200
        kept = open_inbox(f"delta:{tmp_path}/inbox")
        assert [event.delivery_id for event in kept.list()] == ["calm", "kill_1"]
        assert {event.state for event in kept.list()} == {InboxState.RECEIVED}
    finally:
        second.terminate()
        second.wait(30)


@pytest.mark.process
def test_killed_at_any_moment_nothing_that_was_answered_is_lost(tmp_path: Path) -> None:
    content, answers = body(), dict[str, int]()
    lock = threading.Lock()
    command = [sys.executable, "-c", SERVE, str(tmp_path / "inbox")]
    environment = {**os.environ, "LAKEPACT_WEBHOOK_SECRET": SECRET}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        place = process.stdout.readline().strip()

        def send(worker: int) -> None:
            for number in range(10_000):
                name = f"msg_{worker}_{number}"
                try:
                    status = post(place, content, headers(content, name)).status_code
                except httpx.HTTPError:
                    return
                with lock:
                    answers[name] = status

        threads = [threading.Thread(target=send, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(2)
        process.kill()
        for thread in threads:
            thread.join()
    kept = {event.delivery_id for event in open_inbox(f"delta:{tmp_path}/inbox").list()}
    assert set(answers.values()) == {202}
    assert set(answers) - kept == set()
    # At most what was on its way from each sender is kept without an answer.
    assert len(kept - set(answers)) <= 4


def test_json_of_answers_is_small(address: str) -> None:
    content = body()
    for answer in (post(address, content), post(address, content, {"content-type": "application/json"})):
        assert len(answer.content) < 100
        parsed: Any = json.loads(answer.content)
        assert set(parsed) == {"status", "detail"}
        assert "server" not in answer.headers
