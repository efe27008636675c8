"""The webhook: takes notices from Collibra, writes them into the inbox, and only then says that they were received.

    POST /webhooks/collibra    one notice, as docs/webhook.md shows
    GET  /health               the process answers
    GET  /ready                the inbox and the secrets can be used
    GET  /metrics              what was answered, for who has the token of metrics; without one it is not there

All are below /api too, where Databricks Apps want them. The answers: 202 received, 200 received before, 204 of no
interest, 400 no notice, 401 not authentic, 408 too slow, 413 too large, 415 no JSON, 429 too many, 503 not now.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

from lakepact.errors import ConfigurationError, ExtraMissing, LakepactError, UsageError
from lakepact.rerun.authentication import Headers, Way, authenticate
from lakepact.rerun.inbox import Arrival, Inbox, Origin
from lakepact.rerun.payload import Notice, read_notice
from lakepact.rerun.receiver_metrics import Tally
from lakepact.rerun.settings import ReceiverSettings
from lakepact.rerun.signatures import DELIVERY_ID, ID_HEADER, NotAuthentic

try:
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
    from starlette.routing import Route
except ImportError as missing:
    raise ExtraMissing(
        f"{missing.name} is not installed",
        "LP939",
        "pip install 'lakepact[service]'",
        {"distribution": missing.name, "extra": "service"},
    ) from missing

__all__ = ["WEBHOOK_PATH", "receiver"]

WEBHOOK_PATH: Final = "/webhooks/collibra"
"""Where notices are sent."""

_LOG: Final = logging.getLogger("lakepact.webhook")
_PREFIXES: Final = ("", "/api")
_MEDIA_TYPE: Final = "application/json"
# As many arrivals can be written by one commit.
_THREADS: Final = 64
_LATER: Final = {"retry-after": "5"}
_CHALLENGES: Final = {Way.BEARER: 'Bearer realm="lakepact"', Way.BASIC: 'Basic realm="lakepact"'}
# How long what was found about readiness is said again without looking.
_READY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Answer:
    """A status, one line for the sender, and headers. The line never repeats what was sent.

    `text` is sent in its place, as it is.
    """

    status: int
    detail: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    text: bytes | None = None

    def response(self) -> Response:
        if self.status == 204:
            return Response(status_code=204)
        if self.text is not None:
            return Response(self.text, self.status, dict(self.headers))
        content = json.dumps({"status": self.status, "detail": self.detail}, separators=(",", ":"))
        return Response(content, self.status, dict(self.headers), _MEDIA_TYPE)


_BUSY: Final = _Answer(503, "too much to do", _LATER)
_CANNOT: Final = _Answer(503, "the notice could not be kept", _LATER)
# What is left of such a request is not read: the connection ends.
_TOO_LARGE: Final = _Answer(413, "the body is too large", {"connection": "close"})
_TOO_SLOW: Final = _Answer(408, "the body took too long", {"connection": "close"})


def receiver(inbox: Inbox, settings: ReceiverSettings) -> Starlette:
    """The receiver that writes into `inbox`, as an ASGI application.

    Raises ExtraMissing LP939 where metrics may be read, and their library is not installed.
    """
    desk = _Desk(inbox, settings)
    routes = [
        route
        for prefix in _PREFIXES
        for route in (
            Route(prefix + WEBHOOK_PATH, desk.webhook, methods=["POST"]),
            Route(f"{prefix}/health", desk.health, methods=["GET"]),
            Route(f"{prefix}/ready", desk.ready, methods=["GET"]),
        )
    ]
    if settings.metrics is not None:
        # Found out now, not when somebody wants to read them.
        import_module("lakepact.rerun.metrics_text")
        routes += [Route(f"{prefix}/metrics", desk.metrics, methods=["GET"]) for prefix in _PREFIXES]
    handlers: dict[Any, Any] = {HTTPException: _no_route, Exception: _unexpected}
    return Starlette(routes=routes, exception_handlers=handlers, lifespan=desk.lifespan)


class _Desk:
    """The endpoints. What reads secrets and writes the inbox runs in threads, as many as one commit takes in."""

    def __init__(self, inbox: Inbox, settings: ReceiverSettings) -> None:
        self._inbox = inbox
        self._settings = settings
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="lakepact-webhook")
        self._limit = _RateLimit(settings.rate)
        self._lock = threading.Lock()
        self._busy = 0
        self._readiness = (False, float("-inf"))
        self._tally = Tally()

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    async def health(self, _request: Request) -> Response:
        return _Answer(200, "alive").response()

    async def ready(self, _request: Request) -> Response:
        answer = await self._in_thread(self._checked)
        return answer.response()

    async def metrics(self, request: Request) -> Response:
        headers = _headers(request)
        answer = await self._in_thread(lambda: self._counted_until_now(headers))
        return answer.response()

    async def webhook(self, request: Request) -> Response:
        began, status = time.perf_counter(), 500
        try:
            answer = await self._answer(request)
            status = answer.status
            return answer.response()
        finally:
            self._tally.count(status, time.perf_counter() - began)

    async def _answer(self, request: Request) -> _Answer:
        headers = _headers(request)
        if not _is_json(headers):
            return _Answer(415, f"the body is not {_MEDIA_TYPE} as it is")
        if {"content-length", "transfer-encoding"} <= headers.keys():
            # A proxy before this one may have seen another end of the body.
            return _Answer(400, "the body has two lengths", {"connection": "close"})
        body = await self._body(request)
        if isinstance(body, _Answer):
            return body
        return await self._in_thread(lambda: self._received(headers, body))

    async def _body(self, request: Request) -> bytes | _Answer:
        """The body, of which no more than the limit is read."""
        limit = self._settings.max_body
        declared = request.headers.get("content-length", "")
        if declared.isascii() and declared.isdecimal() and (len(declared) > 18 or int(declared) > limit):
            return _TOO_LARGE
        content = bytearray()
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                async for chunk in request.stream():
                    content += chunk
                    if len(content) > limit:
                        return _TOO_LARGE
        except TimeoutError:
            return _TOO_SLOW
        except ClientDisconnect:
            return _Answer(400, "the body is not complete")
        return bytes(content)

    async def _in_thread(self, work: Callable[[], _Answer]) -> _Answer:
        """The answer of `work`, or that there is none in time; what was begun then goes on, and counts as busy."""
        with self._lock:
            if self._busy >= self._settings.max_busy:
                return _BUSY
            self._busy += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, self._counted, work)
        done, _ = await asyncio.wait([future], timeout=self._settings.answer_seconds)
        if not done:
            _LOG.error("a notice waits for the inbox for more than %s s", self._settings.answer_seconds)
            future.add_done_callback(_look_at)
            return _CANNOT
        return future.result()

    def _counted(self, work: Callable[[], _Answer]) -> _Answer:
        try:
            return work()
        finally:
            with self._lock:
                self._busy -= 1

    def _received(self, headers: Headers, body: bytes) -> _Answer:
        """Who sends it, what it says, and whether it is kept."""
        refusal = self._refusal(headers, body)
        if refusal is not None:
            return refusal
        try:
            notice = read_notice(body)
            delivery_id = _delivery_id(headers, notice)
        except UsageError as error:
            _LOG.warning("400: %s", error.message)
            return _Answer(400, error.message)
        if not notice.relevant:
            _LOG.info("delivery %s: 204, of no interest", delivery_id)
            return _Answer(204)
        return self._kept(_arrival(notice, delivery_id))

    def _refusal(self, headers: Headers, body: bytes) -> _Answer | None:
        """The answer to who may not send, or not so much."""
        settings = self._settings
        try:
            authenticate(
                settings.policy,
                settings.secrets(),
                headers,
                body,
                now=settings.clock(),
                tolerance=settings.tolerance,
            )
        except NotAuthentic as error:
            _LOG.warning("401: %s", error.message)
            challenge = ", ".join(_CHALLENGES[way] for way in Way if way in _CHALLENGES and way in _ways(settings))
            return _Answer(401, "not authentic", {"www-authenticate": challenge} if challenge else {})
        except ConfigurationError as error:
            _LOG.error("503: %s", error.message)
            return _CANNOT
        if not self._limit.allows():
            _LOG.warning("429: more than %s notices a second", settings.rate)
            return _Answer(429, "too many notices", _LATER)
        return None

    def _counted_until_now(self, headers: Headers) -> _Answer:
        """The metrics, for who may read them."""
        settings = self._settings
        assert settings.metrics is not None
        try:
            authenticate((frozenset({Way.BEARER}),), settings.metrics(), headers, b"", now=settings.clock())
        except NotAuthentic as error:
            _LOG.warning("401: metrics, %s", error.message)
            return _Answer(401, "not authentic", {"www-authenticate": _CHALLENGES[Way.BEARER]})
        except ConfigurationError as error:
            _LOG.error("503: metrics, %s", error.message)
            return _Answer(503, "metrics cannot be read now", _LATER)
        from lakepact.rerun.metrics_text import CONTENT_TYPE, receiver_text

        return _Answer(200, headers={"content-type": CONTENT_TYPE}, text=receiver_text(self._tally.counted()))

    def _kept(self, arrival: Arrival) -> _Answer:
        try:
            receipt = self._inbox.receive(arrival)
        except LakepactError as error:
            _LOG.error("delivery %s: 503, %s", arrival.delivery_id, error.message)
            return _CANNOT
        if receipt.created:
            _LOG.info("delivery %s: 202, received", arrival.delivery_id)
            if self._settings.kept is not None:
                self._settings.kept()
            return _Answer(202, "received")
        if receipt.event.arrival.dedup_key != arrival.dedup_key:
            # Told apart from a repetition: a sender that gives every notice one id would lose them all in silence.
            _LOG.warning("delivery %s: 400, the id was used for another notice", arrival.delivery_id)
            return _Answer(400, "the id of the delivery was used for another notice")
        _LOG.info("delivery %s: 200, received before", arrival.delivery_id)
        return _Answer(200, "received before")

    def _checked(self) -> _Answer:
        ready, at = self._readiness
        if time.monotonic() - at > _READY_SECONDS:
            ready = self._usable()
            self._readiness = (ready, time.monotonic())
        return _Answer(200, "ready") if ready else _Answer(503, "not ready", _LATER)

    def _usable(self) -> bool:
        try:
            self._settings.secrets()
            self._inbox.list(limit=1)
        except LakepactError as error:
            _LOG.error("not ready: %s", error.message)
            return False
        return True


class _RateLimit:
    """Lets so many pass in a second, and as many at once after a pause."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._left = float(rate)
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def allows(self) -> bool:
        with self._lock:
            now = time.monotonic()
            self._left = min(self._left + (now - self._at) * self._rate, self._rate)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


def _ways(settings: ReceiverSettings) -> set[Way]:
    return {way for ways in settings.policy for way in ways}


def _headers(request: Request) -> Headers:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in request.headers.raw:
        key = name.decode("latin-1").lower()
        found[key] = (*found.get(key, ()), value.decode("latin-1"))
    return found


def _is_json(headers: Headers) -> bool:
    kinds = headers.get("content-type", ())
    if len(kinds) != 1 or headers.get("content-encoding", ("identity",)) != ("identity",):
        return False
    kind, _, parameters = kinds[0].lower().partition(";")
    return kind.strip() == _MEDIA_TYPE and parameters.strip() in ("", "charset=utf-8", 'charset="utf-8"')


def _delivery_id(headers: Headers, notice: Notice) -> str:
    """The id in the header, or in the body, which must not contradict each other. Raises UsageError LP930."""
    given = {*headers.get(ID_HEADER, ()), *filter(None, [notice.delivery_id])}
    if len(given) != 1 or len(headers.get(ID_HEADER, ())) > 1:
        why = "two" if given else "no"
        raise UsageError(f"the notice has {why} ids: give one as {ID_HEADER}, or as `id`", "LP930")
    (found,) = given
    if not DELIVERY_ID.fullmatch(found):
        raise UsageError(f"{ID_HEADER} has other characters than A-Z a-z 0-9 _ -, or more than 128", "LP930")
    return found


def _arrival(notice: Notice, delivery_id: str) -> Arrival:
    return Arrival(
        delivery_id=delivery_id,
        type=notice.type,
        contract_id=notice.contract_id,
        asset_id=notice.asset_id,
        version=notice.version,
        status=notice.status,
        occurred_at=notice.occurred_at,
        origin=Origin.WEBHOOK,
    )


def _look_at(future: asyncio.Future[_Answer]) -> None:
    """Take note of what a late answer was, so that no error of it is lost."""
    if not future.cancelled() and (error := future.exception()) is not None:
        _LOG.error("a late notice failed: %s", type(error).__name__)


async def _no_route(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return _Answer(status, "there is nothing like that here", headers).response()


async def _unexpected(_request: Request, _error: Exception) -> Response:
    """What happened is in the log only."""
    return _Answer(500, "the receiver failed; its log says why").response()
