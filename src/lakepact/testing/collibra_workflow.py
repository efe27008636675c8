"""A Collibra workflow that tells a webhook about a changed status, with the manners of the real one.

Collibra has no webhooks. A workflow that an event starts calls out through an Edge site with an External API task: at
some later time, with a limit of 10 seconds, taking every status for a success, trying again only when nothing could be
sent. What is sent and how it is signed is the workflow's own; this one writes the shape of Standard Webhooks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import httpx

__all__ = ["CollibraWorkflow", "Delivery", "webhook_signature"]

_ANSWER_BYTES = 100 * 1024
_EVENT = "collibra.data_contract.status_changed"


@dataclass(frozen=True)
class Delivery:
    """One call of the webhook: what was sent in how many `attempts`, and the `status`, None where nothing arrived.

    `answer` is at most 100 KB of what came back. The workflow takes any status for a success.
    """

    webhook_id: str
    body: bytes
    attempts: int
    status: int | None
    answer: bytes = b""


class CollibraWorkflow:
    """Calls `url` when a status of an asset of `asset_type` changes; give it to `CollibraServer.on_status_change`.

    Calls are made one after the other in a thread of their own; `wait()` until they are done, then see `deliveries`.
    With `secret` (`whsec_` and base64) they are signed; `headers` are those that the Edge connection adds, such as a
    bearer token. What arrives may be bent, at any time:

    - `copies` sends each event several times, under the same id;
    - `delay` waits some seconds before each call, `age` dates it back by some seconds;
    - `tampered` changes the body after it was signed; `secret` may be replaced by an old one, or by an empty text;
    - `hold()` keeps events back, `release()` sends them, with `backwards` in the wrong order.

    >>> from lakepact.testing.collibra_server import CollibraServer
    >>> with CollibraServer() as collibra, CollibraWorkflow("http://127.0.0.1:9/") as workflow:
    ...     collibra.on_status_change(workflow)
    ...     contract = collibra.add_contract_asset("orders", collibra.add_port("orders-gold"))
    ...     collibra.set_asset_status(contract, "Accepted")
    ...     workflow.wait()
    >>> [(delivery.status, delivery.attempts) for delivery in workflow.deliveries]
    [(None, 4)]
    """

    def __init__(
        self,
        url: str,
        *,
        secret: str = "",
        headers: Mapping[str, str] | None = None,
        asset_type: str = "Data Contract",
        timeout: float = 10.0,
        retries: int = 3,
        retry_timeouts: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """A workflow that nothing starts yet.

        Whether a call that ran into the limit counts as not sent is not known of the real one: `retry_timeouts`.
        """
        self.url = url
        self.secret = secret
        self.copies = 1
        self.delay = 0.0
        self.age = 0.0
        self.tampered = False
        self.deliveries: list[Delivery] = []
        self._headers = dict(headers or {})
        self._asset_type = asset_type
        self._retries = retries
        self._retry_timeouts = retry_timeouts
        self._clock = clock
        self._client = httpx.Client(timeout=timeout, follow_redirects=False)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="collibra-workflow")
        self._lock = threading.Lock()
        self._calls: list[Future[None]] = []
        self._held: list[Mapping[str, Any]] | None = None
        self._started = 0

    def __enter__(self) -> CollibraWorkflow:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown()
        self._client.close()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Start the workflow for a changed status; events of other asset types are not for it."""
        if event["assetType"] != self._asset_type:
            return
        with self._lock:
            if self._held is None:
                self._start(event)
            else:
                self._held.append(event)

    def hold(self) -> None:
        """Keep back the events that come from now on."""
        with self._lock:
            self._held = self._held or []

    def release(self, *, backwards: bool = False) -> None:
        """Send what was kept back, and keep back nothing more."""
        with self._lock:
            held, self._held = self._held or [], None
            for event in reversed(held) if backwards else held:
                self._start(event)

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until everything that was started is done; TimeoutError after `seconds`."""
        with self._lock:
            calls = list(self._calls)
        if wait(calls, timeout=seconds).not_done:
            raise TimeoutError(f"the workflow was not done after {seconds:g} s")
        for call in calls:
            call.result()

    def _start(self, event: Mapping[str, Any]) -> None:
        self._started += 1
        for _ in range(self.copies):
            self._calls.append(self._pool.submit(self._run, event, self._started))

    def _run(self, event: Mapping[str, Any], number: int) -> None:
        time.sleep(self.delay)
        sent_at = int(self._clock() - self.age)
        body = _payload(event, number, sent_at)
        headers = {"webhook-id": f"msg_{number}", "webhook-timestamp": str(sent_at)}
        if self.secret:
            headers["webhook-signature"] = webhook_signature(self.secret, headers["webhook-id"], sent_at, body)
        if self.tampered:
            body = body.replace(b'"status"', b'"Status"', 1)
        attempts, answer = 0, None
        while answer is None and attempts <= self._retries:
            attempts += 1
            try:
                answer = self._client.post(
                    self.url, content=body, headers={"Content-Type": "application/json", **headers, **self._headers}
                )
            except httpx.TimeoutException:
                if not self._retry_timeouts:
                    break
            except httpx.TransportError:
                continue
        status, content = (answer.status_code, answer.content[:_ANSWER_BYTES]) if answer is not None else (None, b"")
        self.deliveries.append(Delivery(headers["webhook-id"], body, attempts, status, content))


def webhook_signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of Standard Webhooks: HMAC-SHA256 over id, timestamp and body, joined by dots.

    The example is the one of the specification.

    >>> body = b'{"test": 2432232314}'
    >>> webhook_signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def _payload(event: Mapping[str, Any], number: int, sent_at: int) -> bytes:
    data = {"contractAssetId": event["assetId"], "workflowInstanceId": f"instance-{number}"}
    data |= {name: event[name] for name in ("manifestId", "version", "status", "previousStatus") if event[name]}
    timestamp = datetime.fromtimestamp(sent_at, UTC).isoformat().replace("+00:00", "Z")
    # One line of ASCII, so that no station on the way changes a byte.
    return json.dumps({"type": _EVENT, "timestamp": timestamp, "data": data}, separators=(",", ":")).encode()
