"""The receiver under requests that try to break it, and under kills at any moment."""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lakepact.rerun import InboxState, open_inbox
from lakepact.rerun.authentication import Way
from lakepact.rerun.memory_inbox import MemoryInbox
from webhook_samples import (
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
    # There is no TLS; to read the certificates of authorities would take most of the time of a request.
    sent = headers(content) if given is None else given
    return httpx.post(address, content=content, headers=sent, timeout=20, verify=False)


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


def test_memory_is_flat_under_many_slow_bodies(inbox: MemoryInbox) -> None:
    with receiving(inbox, settings(body_seconds=0.3), header_seconds=0.3) as address:

        def hold() -> None:
            held = [connected(address) for _ in range(100)]
            for connection in held:
                with suppress(OSError):
                    connection.sendall(head({"content-type": "application/json"}, length=60_000) + b" " * 50_000)
            for connection in held:
                assert answered(connection).startswith(b"HTTP/1.1 408 ")
                connection.close()

        hold()
        gc.collect()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(4):
            hold()
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        # 20 MB were sent meanwhile, and none of it was kept.
        assert grown < 10
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


_NAMES = st.sampled_from(
    ["webhook-id", "webhook-timestamp", "webhook-signature", "authorization", "content-type", "content-encoding"]
) | st.from_regex(r"[!#$%&'*+.^_`|~0-9a-z-]{1,20}", fullmatch=True).filter(
    lambda name: name not in ("host", "content-length", "transfer-encoding", "connection", "expect", "upgrade")
)


_VALUES = st.sampled_from(
    ["msg_1", "v1,", "v1,AAAA v1,", "Basic Og==", "Bearer x", "application/json", "0", "-1", "9" * 30]
) | st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60)


_BODIES = st.binary(max_size=500) | st.sampled_from([body(), body(id="msg_1"), b"{}", b"[" * 2000])


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@hypothesis_settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
