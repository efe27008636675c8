"""One HTTP request to a service, bounded in time and size, and what its answer means for the message."""

from __future__ import annotations

import json
import math
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final

import httpx

from lakepact.errors import ConfigurationError, RemoteFailed, RemoteUnavailable
from lakepact.notify.masking import shortened

__all__ = ["TIMEOUT", "Answer", "away", "checked_address", "post", "refused", "retry_after"]

TIMEOUT: Final = 10.0
"""Seconds that a service has for one message, from the first byte to the last."""

_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 507, 529})
_MAX_ANSWER: Final = 64 * 1024
_MAX_REASON: Final = 300
_SKEW: Final = 240.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a service answered: its status, headers and the beginning of its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The JSON object of the body; an empty one where it is none."""
        try:
            data = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}

    @property
    def text(self) -> str:
        """The beginning of the body on one line."""
        return shortened(" ".join(self.body[: 4 * _MAX_REASON].decode("utf-8", "replace").split()), _MAX_REASON)


def checked_address(url: str, what: str) -> str:
    """The URL, where it is one that a message may go to. Raises ConfigurationError LP955, and does not repeat it.

    Only `https`, because addresses hold secrets; `http` is for this machine.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        parsed = httpx.URL("")
    if parsed.host and (parsed.scheme == "https" or (parsed.scheme == "http" and parsed.host in _LOOPBACK)):
        return url
    raise ConfigurationError(f"the address of {what} is none that a message can go to", "LP955", "write https://…")


def post(
    url: str,
    content: bytes,
    *,
    what: str,
    headers: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> Answer:
    """Send JSON, and give the answer of a service that took it. `what` names the service in messages.

    Redirects are not followed. Raises RemoteUnavailable LP958 where the same can succeed later, with the seconds that
    the service asked for as `facts["retry_after"]`, and RemoteFailed LP957 where it cannot.
    """
    address = checked_address(url, what)
    sent = {"content-type": "application/json; charset=utf-8", **(headers or {})}
    deadline = time.monotonic() + timeout
    body = b""
    try:
        with (
            httpx.Client(timeout=timeout, follow_redirects=False, verify=_trust()) as client,
            client.stream("POST", address, content=content, headers=sent) as answer,
        ):
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > _MAX_ANSWER:
                    break
                if time.monotonic() > deadline:
                    raise away(what, f"it takes longer than {timeout:g} seconds")
    except httpx.TransportError as error:
        raise away(what, _network_reason(error)) from None
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise refused(what, type(error).__name__) from None
    return _judged(Answer(status=answer.status_code, headers=answer.headers, body=body), what)


def away(what: str, reason: str, *, retry_after: float | None = None) -> RemoteUnavailable:
    """The error for a service that cannot take the message now."""
    facts = {} if retry_after is None else {"retry_after": retry_after}
    return RemoteUnavailable(f"{what} does not take messages: {reason}", "LP958", "it is tried again", facts)


def refused(what: str, reason: str) -> RemoteFailed:
    """The error for a service that will never take this message."""
    return RemoteFailed(f"{what} refuses the message: {reason}", "LP957", "check its settings")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for; None without a valid one.

    A date in it is held against the `Date` of the same answer, because clocks differ.

    >>> moment = datetime(2024, 1, 31, 10, 0, tzinfo=UTC)
    >>> retry_after({"retry-after": "120"}, moment)
    120.0
    >>> dates = {"retry-after": "Wed, 31 Jan 2024 08:00:30 GMT", "date": "Wed, 31 Jan 2024 08:00:00 GMT"}
    >>> retry_after(dates, moment)
    30.0
    """
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text[:12])
    except ValueError:
        moment = _date(text)
        return None if moment is None else max(0.0, (moment - (_date(headers.get("date", "")) or now)).total_seconds())
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


@cache
def _trust() -> ssl.SSLContext:
    """The authorities that are trusted; reading them takes longer than most messages."""
    return httpx.create_ssl_context()


def _judged(answer: Answer, what: str) -> Answer:
    if 200 <= answer.status < 300:
        return answer
    now = datetime.now(UTC)
    reason = f"HTTP {answer.status} {answer.text}".strip()
    if answer.status in _TRANSIENT or answer.status >= 500:
        raise away(what, reason, retry_after=retry_after(answer.headers, now))
    raise refused(what, reason + _skew(answer, now))


def _skew(answer: Answer, now: datetime) -> str:
    """A word on clocks that differ: signatures with a time are refused then."""
    theirs = _date(answer.headers.get("date", ""))
    seconds = 0.0 if theirs is None else (now - theirs).total_seconds()
    if abs(seconds) < _SKEW:
        return ""
    return f" (the clock here is {abs(seconds):.0f} seconds {'ahead of' if seconds > 0 else 'behind'} its own)"


def _network_reason(error: httpx.TransportError) -> str:
    """What happened, without what was sent and where to."""
    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError():
            return "it cannot be reached"
        case httpx.TimeoutException():
            return "it does not answer in time"
    return "the connection broke"


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
