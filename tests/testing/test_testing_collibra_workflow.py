from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lakepact.testing.collibra import CollibraServer, CollibraWorkflow, webhook_signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
NOW = 1_700_000_000.0


class Receiver:
    """Takes webhooks; answers with the next of `statuses`, 0 breaks the connection, else 202."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.seconds = 0.0
        self.answer = b""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/collibra"

    def __enter__(self) -> Receiver:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status = receiver.statuses.pop(0) if receiver.statuses else 202
                time.sleep(receiver.seconds)
                if status:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(receiver.answer)))
                    self.end_headers()
                    self.wfile.write(receiver.answer)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        return Handler

    @property
    def data(self) -> list[dict[str, Any]]:
        return [json.loads(body)["data"] for _, body in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


@pytest.fixture
def collibra() -> Iterator[CollibraServer]:
    with CollibraServer() as server:
        yield server


@pytest.fixture
def workflow(collibra: CollibraServer, receiver: Receiver) -> Iterator[CollibraWorkflow]:
    headers = {"Authorization": "Bearer edge"}
    with CollibraWorkflow(receiver.url, secret=SECRET, headers=headers, clock=lambda: NOW) as found:
        collibra.on_status_change(found)
        yield found


@pytest.fixture
def contract(collibra: CollibraServer) -> str:
    return collibra.add_contract_asset("orders", collibra.add_port("orders-gold"))


def verified(headers: dict[str, str], body: bytes, secret: str = SECRET) -> bool:
    signature = webhook_signature(secret, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    return headers["webhook-signature"] == signature


def test_a_changed_status_is_told_in_a_signed_body(
    collibra: CollibraServer, receiver: Receiver, workflow: CollibraWorkflow, contract: str
) -> None:
    collibra.set_asset_status(contract, "Under Review")
    workflow.wait()
    [(headers, body)] = receiver.received
    assert json.loads(body) == {
        "type": "collibra.data_contract.status_changed",
        "timestamp": "2023-11-14T22:13:20Z",
        "data": {
            "contractAssetId": contract,
            "workflowInstanceId": "instance-1",
            "status": "Under Review",
            "previousStatus": "Candidate",
        },
    }
    assert (body.isascii(), b"\n" in body) == (True, False)
    assert (headers["authorization"], headers["content-type"]) == ("Bearer edge", "application/json")
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_1", "1700000000")
    assert verified(headers, body)


def test_the_body_names_the_manifest_of_a_contract_that_has_one(
    collibra: CollibraServer, receiver: Receiver, workflow: CollibraWorkflow, contract: str
) -> None:
    collibra.state.put("contracts", {"id": contract, "manifestId": "sales.orders", "active": "1.0.0", "versions": {}})
    collibra.set_asset_status(contract, "Accepted")
    workflow.wait()
    assert [(each["manifestId"], each["version"]) for each in receiver.data] == [("sales.orders", "1.0.0")]


def test_nothing_is_told_of_other_assets_or_of_no_change(
    collibra: CollibraServer, receiver: Receiver, workflow: CollibraWorkflow, contract: str
) -> None:
    collibra.set_asset_status(collibra.add_port("p"), "Accepted")
    collibra.set_asset_status(contract, "Candidate")
    workflow.wait()
    assert receiver.received == []


@pytest.mark.parametrize("status", [200, 202, 301, 401, 429, 500, 503])
def test_every_status_is_a_success(
    collibra: CollibraServer, receiver: Receiver, workflow: CollibraWorkflow, contract: str, status: int
) -> None:
    receiver.statuses = [status]
    collibra.set_asset_status(contract, "Accepted")
    workflow.wait()
    assert [(each.status, each.attempts) for each in workflow.deliveries] == [(status, 1)]
    assert len(receiver.received) == 1


@pytest.mark.parametrize(("broken", "status", "attempts"), [(2, 202, 3), (3, 202, 4), (4, None, 4)])
def test_a_call_that_could_not_be_sent_is_tried_three_times_more(
    collibra: CollibraServer,
    receiver: Receiver,
    workflow: CollibraWorkflow,
    contract: str,
    broken: int,
    status: int | None,
    attempts: int,
) -> None:
    receiver.statuses = [0] * broken
    collibra.set_asset_status(contract, "Accepted")
    workflow.wait()
    assert [(each.status, each.attempts) for each in workflow.deliveries] == [(status, attempts)]
    assert {headers["webhook-id"] for headers, _ in receiver.received} == {"msg_1"}


@pytest.mark.parametrize(("again", "attempts"), [(False, 1), (True, 2)])
def test_a_receiver_that_takes_too_long(
    collibra: CollibraServer, receiver: Receiver, contract: str, again: bool, attempts: int
) -> None:
    receiver.seconds = 1.2
    with CollibraWorkflow(receiver.url, timeout=0.5, retries=1, retry_timeouts=again) as workflow:
        collibra.on_status_change(workflow)
        collibra.set_asset_status(contract, "Accepted")
        workflow.wait()
    assert [(each.status, each.attempts) for each in workflow.deliveries] == [(None, attempts)]
    assert len(receiver.received) == attempts
    assert "webhook-signature" not in receiver.received[0][0]


def test_the_change_does_not_wait_for_the_receiver(
    collibra: CollibraServer, receiver: Receiver, workflow: CollibraWorkflow, contract: str
) -> None:
    receiver.seconds = 3
    started = time.perf_counter()
    collibra.set_asset_status(contract, "Accepted")
    assert time.perf_counter() - started < 2.8
    with pytest.raises(TimeoutError, match=r"^the workflow was not done after 0\.01 s$"):
        workflow.wait(0.01)
    workflow.wait()
    assert len(receiver.received) == 1


def test_no_more_than_100_kilobytes_come_back(
    collibra: CollibraServer, receiver: Receiver, workflow: CollibraWorkflow, contract: str
) -> None:
    receiver.answer = b"x" * 200_000
    collibra.set_asset_status(contract, "Accepted")
    workflow.wait()
    assert len(workflow.deliveries[0].answer) == 102_400


def test_deliveries_are_doubled_delayed_and_dated_back(
    collibra: CollibraServer, receiver: Receiver, workflow: CollibraWorkflow, contract: str
) -> None:
    workflow.copies, workflow.delay, workflow.age = 2, 0.1, 600
    started = time.perf_counter()
    collibra.set_asset_status(contract, "Accepted")
    workflow.wait()
    assert time.perf_counter() - started >= 0.2
    first, second = receiver.received
    assert (first[0]["webhook-id"], first[1]) == (second[0]["webhook-id"], second[1])
    assert first[0]["webhook-timestamp"] == "1699999400"
    assert verified(*first)


def test_deliveries_are_tampered_with_or_signed_with_another_secret(
    collibra: CollibraServer, receiver: Receiver, workflow: CollibraWorkflow, contract: str
) -> None:
    workflow.tampered = True
    collibra.set_asset_status(contract, "Accepted")
    workflow.wait()
    workflow.tampered, workflow.secret = False, OLD_SECRET
    collibra.set_asset_status(contract, "Rejected")
    workflow.wait()
    tampered, old = receiver.received
    assert not verified(*tampered)
    assert json.loads(tampered[1])["data"]["Status"] == "Accepted"
    assert (verified(*old), verified(*old, OLD_SECRET)) == (False, True)


@pytest.mark.parametrize(("backwards", "order"), [(False, ["Accepted", "Rejected"]), (True, ["Rejected", "Accepted"])])
def test_events_are_held_and_come_in_another_order(
    collibra: CollibraServer,
    receiver: Receiver,
    workflow: CollibraWorkflow,
    contract: str,
    backwards: bool,
    order: list[str],
) -> None:
    workflow.hold()
    collibra.set_asset_status(contract, "Accepted")
    collibra.set_asset_status(contract, "Rejected")
    workflow.wait()
    assert receiver.received == []
    workflow.release(backwards=backwards)
    collibra.set_asset_status(contract, "Archived")
    workflow.wait()
    assert [each["status"] for each in receiver.data] == [*order, "Archived"]
