"""How a request to Collibra goes, in steps that a client carries out: the same for one that waits and one that awaits.

Nothing here sends anything. A conversation yields what is to be done next and is sent what came of it, so that tokens,
retries, the circuit breaker and errors are written once.
"""

from __future__ import annotations

import json as json_format
import logging
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx

from lakepact.collibra.breaker import CircuitBreaker
from lakepact.collibra.failures import away, error_code, not_understood, refusal
from lakepact.collibra.paging import Params
from lakepact.collibra.retrying import TRANSIENT, RetryPolicy, retry_after
from lakepact.errors import ConfigurationError, RemoteFailed, RemoteUnavailable

__all__ = [
    "Answer",
    "Body",
    "Conversations",
    "Exchange",
    "Pause",
    "Prove",
    "Renew",
    "Step",
    "Upload",
    "checked_address",
]

_LOG: Final = logging.getLogger(__name__)
_ONCE_ONLY: Final = frozenset({429})
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_UNREADABLE: Final = (httpx.DecodingError, httpx.TooManyRedirects)


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer of Collibra: its status and its bytes; `date` is what its clock said, empty where it did not."""

    status: int
    content: bytes = field(repr=False)
    date: str = ""

    def json(self) -> Any:
        """The value that it holds. Raises RemoteFailed LP907 where it is no JSON."""
        try:
            return json_format.loads(self.content)
        except (ValueError, RecursionError):
            page = "an HTML page" if b"<html" in self.content[:2000].lower() else "something that is no JSON"
            raise not_understood(page) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file of a multipart form."""

    field: str
    name: str
    content: bytes
    kind: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Prove:
    """Ask the credentials for headers; the mapping of them is the reply."""


@dataclass(frozen=True, slots=True)
class Renew:
    """Tell the credentials that a 401 came; whether another try makes sense is the reply."""

    used: Mapping[str, str] = field(repr=False)
    error_code: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """Send the request, and read the answer into a `Body`; status, body and headers of the answer are the reply."""

    method: str
    path: str
    content: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


Step = Prove | Renew | Exchange | Pause
"""What a client does next; what it raises (httpx.HTTPError or LakepactError) is thrown into the conversation."""


class Body:
    """The body of an answer as it comes in. Raises RemoteFailed LP907 above `largest` bytes."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        """Take the next bytes."""
        self._size += len(part)
        if self._size > self._largest:
            raise not_understood(f"more than {self._largest:,} bytes")
        self._parts.append(part)

    @property
    def content(self) -> bytes:
        """All that came."""
        return b"".join(self._parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversations:
    """What the conversations with one Collibra share, see `CollibraClient`."""

    address: str
    policy: RetryPolicy
    breaker: CircuitBreaker
    clock: Callable[[], datetime]
    chance: Callable[[], float]

    def value(self, path: str, params: Params | None) -> Generator[Step, Any, Any]:
        """The JSON value at `path`; one that arrives broken is asked for once more."""
        try:
            return (yield from self.request("GET", path, params=params, repeatable=True)).json()
        except RemoteFailed as error:
            if error.code != "LP907":
                raise
        return (yield from self.request("GET", path, params=params, repeatable=True)).json()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        upload: Upload | None = None,
        repeatable: bool = False,
    ) -> Generator[Step, Any, Answer]:
        """The good answer to a request; `repeatable` says that doing it twice is doing it once."""
        content = _content(params, json, form, upload)
        attempt, renewed = 0, False
        while True:
            rest = self.breaker.waits()
            if rest:
                raise away(self.address, f"it failed several times, and is left alone for {rest:.0f} s more")
            asked: float | None = None
            try:
                headers = yield Prove()
                status, body, found = yield Exchange(method, path, content, headers)
            except RemoteUnavailable as error:
                # Without a token nothing was sent.
                self.breaker.failed()
                problem: Exception = error
                again = True
            except _UNREADABLE as error:
                raise not_understood(_reason(error)) from None
            except httpx.TransportError as error:
                self.breaker.failed()
                problem = away(self.address, _reason(error), written=not (repeatable or isinstance(error, _NOT_SENT)))
                again = repeatable or isinstance(error, _NOT_SENT)
            else:
                self._count(status)
                _LOG.debug("%s %s: %s", method, path, status)
                if 200 <= status < 300:
                    return Answer(status, body, found.get("date", ""))
                if status == 401 and not renewed and (yield Renew(headers, error_code(body))):
                    renewed = True
                    continue
                problem = refusal(self.address, status, body)
                again = status in (TRANSIENT if repeatable else _ONCE_ONLY)
                asked = retry_after(found.get("retry-after", ""), self.clock())
            wait = self.policy.pause(attempt, asked, self.chance) if again else None
            if wait is None:
                raise problem from None
            _LOG.info("%s %s is asked again in %.1f s: %s", method, path, wait, problem)
            yield Pause(wait)
            attempt += 1

    def _count(self, status: int) -> None:
        if status in TRANSIENT and status != 429:
            self.breaker.failed()
        else:
            self.breaker.succeeded()


def checked_address(address: str) -> str:
    """The address without a slash at its end. The message of a refusal never repeats what may be a password."""
    hint = "write https://host or https://host/prefix, without user, query or fragment"
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise ConfigurationError("the address of Collibra is no URL", "LP901", hint) from None
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise ConfigurationError("the address of Collibra is none that lakepact takes", "LP901", hint)
    return str(url).rstrip("/")


def _content(
    params: Params | None, json: object, form: Mapping[str, str] | None, upload: Upload | None
) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if params is not None:
        content["params"] = {key: _text(value) for key, value in params.items()}
    if json is not None:
        content["json"] = json
    if upload is not None or form is not None:
        # A form with no file would be sent url-encoded; Collibra takes multipart only.
        files: list[Any] = [(key, (None, value)) for key, value in (form or {}).items()]
        files += [] if upload is None else [(upload.field, (upload.name, upload.content, upload.kind))]
        content["files"] = files
    return content


def _text(value: str | int | bool | list[str]) -> str | int | list[str]:
    return str(value).lower() if isinstance(value, bool) else value


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
