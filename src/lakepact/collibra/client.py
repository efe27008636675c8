"""Requests to Collibra that survive its failures: tokens, timeouts, retries, pages, and errors with a meaning."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from lakepact.collibra.auth import Credentials
from lakepact.collibra.breaker import CircuitBreaker
from lakepact.collibra.conversation import (
    Answer,
    Body,
    Conversations,
    Exchange,
    Pause,
    Prove,
    Renew,
    Step,
    Upload,
    checked_address,
)
from lakepact.collibra.paging import ByCursor, ByOffset, Pages, Params
from lakepact.collibra.retrying import RetryPolicy
from lakepact.collibra.tls import trusted
from lakepact.errors import LakepactError

__all__ = ["Answer", "CollibraClient", "Upload"]

_Found = TypeVar("_Found")


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
        self.address = checked_address(base_url)
        self._conversations = Conversations(
            address=self.address, policy=policy, breaker=breaker or CircuitBreaker(), clock=clock, chance=chance
        )
        self._credentials = credentials
        self._largest = largest
        self._pause = pause
        self._http = httpx.Client(
            base_url=f"{self.address}/",
            headers=dict(headers or {}),
            transport=transport,
            timeout=timeout,
            verify=trusted(),
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
        return self._done(self._conversations.value(path, params))

    def contract_items(self, path: str, params: Params | None = None) -> Iterator[Mapping[str, Any]]:
        """All items of a list of the data product API."""
        return self._listed(path, ByCursor.of_contracts(params))

    def core_results(self, path: str, params: Params | None = None) -> Iterator[Mapping[str, Any]]:
        """All results of a list of the core API that pages by cursor."""
        return self._listed(path, ByCursor.of_core(params))

    def core_results_by_offset(self, path: str, params: Params | None = None) -> Iterator[Mapping[str, Any]]:
        """All results of a list of the core API that only pages by offset."""
        return self._listed(path, ByOffset(params))

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
        return self._done(
            self._conversations.request(
                method, path, params=params, json=json, form=form, upload=upload, repeatable=repeatable
            )
        )

    def _listed(self, path: str, pages: Pages) -> Iterator[Mapping[str, Any]]:
        while pages.asked is not None:
            yield from pages.take(self.get(path, pages.asked))

    def _done(self, conversation: Generator[Step, Any, _Found]) -> _Found:
        try:
            step = next(conversation)
            while True:
                try:
                    reply = self._reply(step)
                except (httpx.HTTPError, LakepactError) as error:
                    step = conversation.throw(error)
                else:
                    step = conversation.send(reply)
        except StopIteration as end:
            found: _Found = end.value
            return found

    def _reply(self, step: Step) -> object:
        match step:
            case Prove():
                return self._credentials.headers()
            case Renew():
                return self._credentials.renew(step.used, step.error_code)
            case Pause():
                return self._pause(step.seconds)
            case Exchange():
                with self._http.stream(step.method, step.path, headers=dict(step.headers), **step.content) as answer:
                    body = Body(self._largest)
                    for part in answer.iter_bytes():
                        body.add(part)
                    return answer.status_code, body.content, answer.headers
