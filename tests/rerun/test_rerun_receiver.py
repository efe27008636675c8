"""The receiver over real HTTP on loopback: its answers, what it keeps, and what it says of itself."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

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
    body,
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


def post(address: str, content: bytes, given: dict[str, str] | None = None) -> httpx.Response:
    # There is no TLS; to read the certificates of authorities would take most of the time of a request.
    sent = headers(content) if given is None else given
    return httpx.post(address, content=content, headers=sent, timeout=20, verify=False)


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


def test_a_port_that_is_taken() -> None:
    with closing(listening("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentLacking, match=rf"^LP938: cannot listen on 127\.0\.0\.1:{port}: "):
            listening("127.0.0.1", port)


def test_json_of_answers_is_small(address: str) -> None:
    content = body()
    for answer in (post(address, content), post(address, content, {"content-type": "application/json"})):
        assert len(answer.content) < 100
        parsed: Any = json.loads(answer.content)
        assert set(parsed) == {"status", "detail"}
        assert "server" not in answer.headers
