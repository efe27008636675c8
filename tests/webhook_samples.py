"""Signed notices, a receiver that is served on loopback, and requests byte by byte, for tests of the webhook."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from lakepact.rerun.authentication import Policy, Secrets, Way
from lakepact.rerun.inbox import Inbox
from lakepact.rerun.receiver import WEBHOOK_PATH
from lakepact.rerun.serving import listening, receiver_server
from lakepact.rerun.settings import ReceiverSettings
from lakepact.rerun.signatures import read_secrets, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
TOKEN = "bearer-token-of-the-tests"
PASSWORD = "collibra:password-of-the-tests"
ASSET = "01900000-0000-7000-8000-000000000001"


def body(**changed: Any) -> bytes:
    """A notice; `data` is merged, None removes a key."""
    data = {"contractAssetId": ASSET, "manifestId": "orders", "version": "1.2.0", "status": "Accepted"}
    data |= changed.pop("data", {})
    content: dict[str, Any] = {
        "type": "collibra.data_contract.status_changed",
        "timestamp": "2024-01-31T10:00:00Z",
        "data": {key: value for key, value in data.items() if value is not None},
    }
    content |= changed
    return json.dumps({key: value for key, value in content.items() if value is not None}).encode()


def headers(
    content: bytes, delivery_id: str = "msg_1", *, secret: str = SECRET, at: datetime | None = None
) -> dict[str, str]:
    """The headers of a signed notice that is sent now, or at another time."""
    (key,) = read_secrets(secret)
    sent = int((at or datetime.now(UTC)).timestamp())
    return {
        "content-type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(sent),
        "webhook-signature": sign(key, delivery_id, sent, content),
    }


def settings(*ways: frozenset[Way], secrets: Callable[[], Secrets] | None = None, **changed: Any) -> ReceiverSettings:
    """Settings with the secrets of this module; `hmac` where no way is named."""
    known = Secrets(signing=read_secrets(SECRET), bearer=(TOKEN,), basic=(PASSWORD,))
    policy: Policy = ways or (frozenset({Way.HMAC}),)
    return ReceiverSettings(secrets=secrets or (lambda: known), policy=policy, **changed)


@contextmanager
def receiving(inbox: Inbox, given: ReceiverSettings | None = None, **limits: Any) -> Iterator[str]:
    """The address of a webhook that writes into `inbox`."""
    bound = listening("127.0.0.1", 0)
    server = receiver_server(inbox, given or settings(), **limits)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}{WEBHOOK_PATH}"
    finally:
        server.should_exit = True
        thread.join(20)
        bound.close()


def connected(address: str) -> socket.socket:
    """A connection for bytes by hand."""
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=15)


def head(values: Mapping[str, str] | list[tuple[str, str]], *, length: int | None = None) -> bytes:
    """The head of a request to the webhook."""
    lines = [f"POST {WEBHOOK_PATH} HTTP/1.1", "host: x"]
    lines += [f"{name}: {value}" for name, value in (values.items() if isinstance(values, Mapping) else values)]
    lines += [] if length is None else [f"content-length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answered(connection: socket.socket) -> bytes:
    """The first piece of the answer; empty where the connection ends without one."""
    try:
        return connection.recv(4096)
    except ConnectionResetError:
        return b""
