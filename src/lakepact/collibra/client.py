"""Requests to Collibra that survive its failures: tokens, timeouts, retries, pages, and errors with a meaning."""

from __future__ import annotations

import json as json_format
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx

from lakepact.collibra.auth import Credentials
from lakepact.collibra.breaker import CircuitBreaker
from lakepact.collibra.failures import away, error_code, not_understood, refusal
from lakepact.collibra.paging import CONTRACT_ITEMS, CORE_RESULTS, Params, by_cursor, by_offset
from lakepact.collibra.retrying import TRANSIENT, RetryPolicy, retry_after
from lakepact.errors import ConfigurationError, RemoteFailed, RemoteUnavailable

__all__ = ["Answer", "CollibraClient", "Upload"]

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


class CollibraClient:
    """A connection to the Collibra at `base_url`, which may have a path (a gateway with a prefix).

    Requests that can be repeated are, as `policy` says; others only where they were certainly not done. `breaker` stops
    asking a Collibra that is away. `clock` gives the time, `pause` waits seconds, `chance` gives numbers from 0 to 1.
    Secrets are in no message and no log. Answers above `largest` bytes are refused.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 30.0,
        policy: RetryPolicy = RetryPolicy(),  # noqa: B008 (frozen)
        breaker: CircuitBreaker | None = None,
        largest: int = 32_000_000,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.address = _checked(base_url)
        self._credentials = credentials
        self._policy = policy
        self._breaker = breaker or CircuitBreaker()
        self._largest = largest
        self._clock = clock
        self._pause = pause
        self._chance = chance
        self._http = httpx.Client(
            base_url=f"{self.address}/", headers=dict(headers or {}), transport=transport, timeout=timeout
        )

    def close(self) -> None:
        """End the connections that are kept open."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get(self, path: str, params: Params | None = None) -> Any:
        """The JSON value at `path`; one that arrives broken is asked for once more."""
        try:
            return self.send("GET", path, params=params, repeatable=True).json()
        except RemoteFailed as error:
            if error.code != "LP907":
                raise
        return self.send("GET", path, params=params, repeatable=True).json()

    def contract_items(self, path: str, params: Params | None = None) -> Iterator[Mapping[str, Any]]:
        """All items of a list of the data product API."""
        return by_cursor(lambda page: self.get(path, page), params or {}, key=CONTRACT_ITEMS, limit=500)

    def core_results(self, path: str, params: Params | None = None) -> Iterator[Mapping[str, Any]]:
        """All results of a list of the core API that pages by cursor."""
        return by_cursor(lambda page: self.get(path, page), params or {}, key=CORE_RESULTS, limit=1000)

    def core_results_by_offset(self, path: str, params: Params | None = None) -> Iterator[Mapping[str, Any]]:
        """All results of a list of the core API that only pages by offset."""
        return by_offset(lambda page: self.get(path, page), params or {}, key=CORE_RESULTS, limit=1000)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        upload: Upload | None = None,
        repeatable: bool = False,
    ) -> Answer:
        """The good answer to a request; `repeatable` says that doing it twice is doing it once.

        Raises RemoteUnavailable LP902 where Collibra is away, RemoteFailed LP903 (who are you), LP904 (not permitted),
        LP905 (not there), LP906 (refused) or LP907 (not understood).
        """
        content: dict[str, Any] = {}
        if json is not None:
            content["json"] = json
        if upload is not None or form is not None:
            # A form with no file would be sent url-encoded; Collibra takes multipart only.
            files: list[Any] = [(key, (None, value)) for key, value in (form or {}).items()]
            files += [] if upload is None else [(upload.field, (upload.name, upload.content, upload.kind))]
            content["files"] = files
        asked = {} if params is None else {"params": {key: _text(value) for key, value in params.items()}}
        return self._attempts(method, path, {**asked, **content}, repeatable=repeatable)

    def _attempts(self, method: str, path: str, request: Mapping[str, Any], *, repeatable: bool) -> Answer:
        attempt, renewed = 0, False
        while True:
            rest = self._breaker.waits()
            if rest:
                raise away(self.address, f"it failed several times, and is left alone for {rest:.0f} s more")
            asked: float | None = None
            try:
                headers = self._credentials.headers()
                status, content, found = self._exchange(method, path, request, headers)
            except RemoteUnavailable as error:
                # Without a token nothing was sent.
                self._breaker.failed()
                problem: Exception = error
                again = True
            except httpx.TransportError as error:
                self._breaker.failed()
                problem = away(self.address, _reason(error), written=not (repeatable or isinstance(error, _NOT_SENT)))
                again = repeatable or isinstance(error, _NOT_SENT)
            else:
                self._count(status)
                if 200 <= status < 300:
                    return Answer(status, content, found.get("date", ""))
                if status == 401 and not renewed and self._credentials.renew(headers, error_code(content)):
                    renewed = True
                    continue
                problem = refusal(self.address, status, content)
                again = status in (TRANSIENT if repeatable else _ONCE_ONLY)
                asked = retry_after(found.get("retry-after", ""), self._clock())
            wait = self._policy.pause(attempt, asked, self._chance) if again else None
            if wait is None:
                raise problem from None
            _LOG.info("%s %s is asked again in %.1f s: %s", method, path, wait, problem)
            self._pause(wait)
            attempt += 1

    def _exchange(
        self, method: str, path: str, request: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[int, bytes, httpx.Headers]:
        try:
            with self._http.stream(method, path, headers=dict(headers), **request) as answer:
                parts, size = [], 0
                for part in answer.iter_bytes():
                    size += len(part)
                    if size > self._largest:
                        raise not_understood(f"more than {self._largest:,} bytes")
                    parts.append(part)
                _LOG.debug("%s %s: %s", method, path, answer.status_code)
                return answer.status_code, b"".join(parts), answer.headers
        except _UNREADABLE as error:
            raise not_understood(_reason(error)) from None

    def _count(self, status: int) -> None:
        if status in TRANSIENT and status != 429:
            self._breaker.failed()
        else:
            self._breaker.succeeded()


def _checked(address: str) -> str:
    """The address without a slash at its end. The message of a refusal never repeats what may be a password."""
    hint = "write https://host or https://host/prefix, without user, query or fragment"
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise ConfigurationError("the address of Collibra is no URL", "LP901", hint) from None
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise ConfigurationError("the address of Collibra is none that lakepact takes", "LP901", hint)
    return str(url).rstrip("/")


def _text(value: str | int | bool | list[str]) -> str | int | list[str]:
    return str(value).lower() if isinstance(value, bool) else value


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
