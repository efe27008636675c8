"""Doubles of the services that notifications go to, on loopback: Slack, PagerDuty, Teams, and a receiver of webhooks.

They refuse what the services document as wrong, keep what they took, and break in the ways in which services break.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import urlsplit

from lakepact.testing.loopback import Loopback, Reply, json_reply

__all__ = ["Fault", "LoopbackService", "PagerDutyServer", "SlackServer", "TeamsServer", "WebhookReceiver"]

_TEAMS_BYTES: Final = 28 * 1024
_PAGERDUTY_BYTES: Final = 512 * 1024
_MAX_BODY: Final = 4 * 1024 * 1024
_TOLERANCE: Final = 300


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How a service fails one request.

    With a `status` it answers that; with `reset` the connection breaks; both after `seconds`. `done`: it did all the
    same what was asked. None of these: it is only slow.
    """

    status: int | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False
    done: bool = False
    seconds: float = 0.0


class LoopbackService:
    """What the doubles share: a server at `address`, the faults of the next requests, and what was asked.

    `requests` is the number of requests that arrived; `clock` gives the time of the service in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.requests = 0
        self.clock = clock
        self._faults: deque[Fault] = deque()
        self._lock = threading.Lock()
        self._loopback = Loopback(self._exchange, max_body=_MAX_BODY, clock=lambda: self.clock())
        self.address = f"http://127.0.0.1:{self._loopback.port}"

    def __enter__(self) -> Self:
        self._loopback.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loopback.stop()

    def fail(self, fault: Fault, *, times: int = 1) -> None:
        """Let the next requests fail in that way."""
        self._faults.extend([fault] * times)

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to a POST, when nothing fails."""
        raise NotImplementedError

    def _exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Reply, bool, bool]:
        with self._lock:
            self.requests += 1
            fault = self._faults.popleft() if self._faults else Fault(done=True)
        time.sleep(fault.seconds)
        reply = Reply(405) if method != "POST" else Reply(500)
        if method == "POST" and (fault.done or (fault.status is None and not fault.reset)):
            with self._lock:
                reply = self.answer(target, headers, body)
        if fault.status is not None:
            reply = Reply(fault.status, fault.body, fault.headers)
        return reply, fault.reset, False


class SlackServer(LoopbackService):
    """Slack: an incoming webhook at `webhook`, and `chat.postMessage` below `api` for the bot with `token`.

    `messages` are the messages that were posted, each with `channel`, `ts`, and `thread_ts` where it is in a thread.
    Channels are known by name and by id; the bot is in all of them.
    """

    def __init__(self, *, channels: Mapping[str, str] | None = None, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock=clock)
        self.token = "xoxb-loopback"
        self.channels = dict(channels or {"data-quality": "C0000000001"})
        self.messages: list[dict[str, Any]] = []
        self.api = f"{self.address}/api"
        self.webhook = f"{self.address}/services/T0/B0/secret"

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What Slack says."""
        is_json = headers.get("content-type", "").partition(";")[0] == "application/json"
        message = _json_object(body) if is_json else None
        if path == urlsplit(self.webhook).path:
            return self._webhook(message)
        if path == "/api/chat.postMessage":
            error, posted = self._method(message, headers)
            return json_reply(200, {"ok": False, "error": error} if error else {"ok": True, **posted})
        return Reply(404, b"no_service", {"Content-Type": "text/plain"})

    def _webhook(self, message: dict[str, Any] | None) -> Reply:
        plain = {"Content-Type": "text/html"}
        if message is None:
            return Reply(400, b"invalid_payload", plain)
        error = _slack_error(message)
        if error:
            return Reply(400, error.encode(), plain)
        self._post(message, next(iter(self.channels.values())))
        return Reply(200, b"ok", plain)

    def _method(self, message: dict[str, Any] | None, headers: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        if headers.get("authorization") != f"Bearer {self.token}":
            return "invalid_auth", {}
        if message is None:
            return "invalid_json", {}
        named = str(message.get("channel", "")).removeprefix("#")
        channel = named if named in self.channels.values() else self.channels.get(named)
        if channel is None:
            return "channel_not_found", {}
        error = _slack_error(message)
        thread = message.get("thread_ts")
        if not error and thread and thread not in [each["ts"] for each in self.messages if each["channel"] == channel]:
            error = "thread_not_found"
        if error:
            return error, {}
        return "", {"channel": channel, "ts": self._post(message, channel)["ts"]}

    def _post(self, message: dict[str, Any], channel: str) -> dict[str, Any]:
        posted = {**message, "channel": channel, "ts": f"1700000000.{len(self.messages):06d}"}
        self.messages.append(posted)
        return posted


class PagerDutyServer(LoopbackService):
    """The Events API v2 at `address`, for the integration with `routing_key`.

    `events` are the events that were taken; `incidents` maps each dedup key to triggered, acknowledged or resolved, and
    `opened` counts how often an incident was opened under it.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock=clock)
        self.routing_key = "0123456789abcdef0123456789abcdef"
        self.events: list[dict[str, Any]] = []
        self.incidents: dict[str, str] = {}
        self.opened: dict[str, int] = {}

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What PagerDuty says."""
        if path != "/v2/enqueue":
            return Reply(404)
        if len(body) > _PAGERDUTY_BYTES:
            return Reply(413)
        event = _json_object(body) or {}
        errors = list(_pagerduty_errors(event))
        if event.get("routing_key") != self.routing_key:
            errors.append("'routing_key' is invalid")
        if errors:
            return json_reply(400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors})
        key = event.get("dedup_key") or hashlib.sha256(body).hexdigest()[:32]
        self.events.append(event)
        self._change(key, event["event_action"])
        return json_reply(202, {"status": "success", "message": "Event processed", "dedup_key": key})

    def _change(self, key: str, action: str) -> None:
        state = self.incidents.get(key, "resolved")
        if action == "trigger" and state == "resolved":
            self.opened[key] = self.opened.get(key, 0) + 1
            self.incidents[key] = "triggered"
        elif action != "trigger" and state != "resolved":
            self.incidents[key] = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]


class TeamsServer(LoopbackService):
    """The webhook of a workflow at `webhook`; `cards` are the Adaptive Cards that it posted."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock=clock)
        self.cards: list[dict[str, Any]] = []
        self.webhook = f"{self.address}/workflows/{'0' * 32}/triggers/manual/paths/invoke?api-version=1&sig=secret"

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What the workflow says."""
        if f"{self.address}{path}" != self.webhook:
            return json_reply(401, {"error": {"code": "DirectApiAuthorizationRequired"}})
        if len(body) > _TEAMS_BYTES:
            return json_reply(413, {"error": {"code": "RequestEntityTooLarge"}})
        message = _json_object(body) or {}
        cards = [each.get("content", {}) for each in message.get("attachments", ())]
        kinds = [each.get("contentType") for each in message.get("attachments", ())]
        wrong = [error for card in cards for error in _card_errors(card)]
        if message.get("type") != "message" or kinds != ["application/vnd.microsoft.card.adaptive"] or wrong:
            return json_reply(400, {"error": {"code": "TriggerInputSchemaMismatch", "message": "; ".join(wrong)}})
        self.cards += cards
        return Reply(202, b"", {"x-ms-workflow-run-id": f"run-{len(self.cards)}"})


class WebhookReceiver(LoopbackService):
    """A receiver that keeps to Standard Webhooks: it checks signature and time, and takes each id once.

    `events` are what it took, by id; `repeated` counts what came again.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock=clock)
        self.secret = f"whsec_{base64.b64encode(b'0123456789abcdef0123456789abcdef').decode()}"
        self.url = f"{self.address}/hooks/lakepact"
        self.events: dict[str, dict[str, Any]] = {}
        self.repeated = 0

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """204 for what is right, 401 for what is not."""
        message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        offered = [each.removeprefix("v1,") for each in headers.get("webhook-signature", "").split(" ")]
        if not any(hmac.compare_digest(base64.b64encode(digest).decode(), each) for each in offered):
            return Reply(401, b"the signature is wrong")
        if abs(self.clock() - int(timestamp)) > _TOLERANCE:
            return Reply(401, b"the timestamp is too old or too new")
        self.repeated += message_id in self.events
        self.events.setdefault(message_id, json.loads(body))
        return Reply(204)


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _slack_error(message: Mapping[str, Any]) -> str:
    """The error of Slack for a message that breaks its limits, '' for one that does not."""
    blocks = message.get("blocks", [])
    if not message.get("text") and not blocks:
        return "no_text"
    if len(str(message.get("text", ""))) > 40_000:
        return "msg_too_long"
    return "" if len(blocks) <= 50 and all(map(_is_block, blocks)) else "invalid_blocks"


def _is_block(block: Mapping[str, Any]) -> bool:
    match block.get("type"):
        case "header":
            text = block["text"]
            return text["type"] == "plain_text" and 1 <= len(text["text"]) <= 150
        case "section":
            fields = block.get("fields", [])
            whole = [block["text"]] if "text" in block else []
            return (
                bool(fields or whole)
                and len(fields) <= 10
                and all(1 <= len(each["text"]) <= 2000 for each in fields)
                and all(1 <= len(each["text"]) <= 3000 for each in whole)
                and all(each["type"] in ("mrkdwn", "plain_text") for each in (*fields, *whole))
            )
    return block.get("type") in ("divider", "context", "actions", "image")


def _pagerduty_errors(event: Mapping[str, Any]) -> Iterator[str]:
    action, key = event.get("event_action"), event.get("dedup_key")
    if len(str(event.get("routing_key", ""))) != 32:
        yield "Length of 'routing_key' is incorrect (should be 32 characters)"
    if action not in ("trigger", "acknowledge", "resolve"):
        yield "'event_action' is missing or wrong"
    if len(str(key or "")) > 255:
        yield "'dedup_key' is too long (maximum 255)"
    if action != "trigger":
        if not key:
            yield "'dedup_key' is missing or blank"
        return
    payload = event.get("payload", {})
    if not 1 <= len(str(payload.get("summary", ""))) <= 1024:
        yield "'payload.summary' is missing, blank or too long (maximum 1024)"
    if not payload.get("source"):
        yield "'payload.source' is missing or blank"
    if payload.get("severity") not in ("critical", "error", "warning", "info"):
        yield "'payload.severity' is missing or wrong"
    if not all("href" in each for each in event.get("links", ())):
        yield "'links' is wrong"


def _card_errors(card: Mapping[str, Any]) -> Iterator[str]:
    if card.get("type") != "AdaptiveCard" or card.get("version") not in ("1.2", "1.3", "1.4", "1.5"):
        yield "no Adaptive Card that Teams shows"
    for element in card.get("body", ()):
        runs = element.get("inlines", ())
        if element.get("type") != "RichTextBlock" or not runs or not all(each.get("text") for each in runs):
            yield f"wrong element {element.get('type')}"
    for action in card.get("actions", ()):
        if action.get("type") != "Action.OpenUrl" or not str(action.get("url", "")).startswith("http"):
            yield "wrong action"
