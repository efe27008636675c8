"""Requests to Collibra for code that awaits: the same conversations as `CollibraClient`, on asyncio."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
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

__all__ = ["AsyncCollibraClient"]

_Found = TypeVar("_Found")


class AsyncCollibraClient:
    """A connection to the Collibra at `base_url` for many tasks of one event loop, see `CollibraClient`.

    Credentials are those of `CollibraClient`, and may be shared with one: they are asked in a thread, because where
    secrets come from may take its time; of many tasks one fetches the token.

    >>> import asyncio
    >>> from lakepact.collibra.auth import Basic
    >>> from lakepact.testing.collibra import CollibraServer
    >>> async def names(url: str, login: Basic) -> list[str]:
    ...     async with AsyncCollibraClient(url, login) as collibra:
    ...         found = collibra.core_results_by_offset("rest/2.0/statuses")
    ...         return sorted([status["name"] async for status in found])[:2]
    >>> with CollibraServer() as server:
    ...     asyncio.run(names(server.url, Basic(server.user, lambda: server.password)))
    ['Accepted', 'Access Granted']
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 30.0,
        policy: RetryPolicy = RetryPolicy(),  # noqa: B008 (frozen)
        breaker: CircuitBreaker | None = None,
        largest: int = 32_000_000,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.address = checked_address(base_url)
        self._conversations = Conversations(
            address=self.address, policy=policy, breaker=breaker or CircuitBreaker(), clock=clock, chance=chance
        )
        self._credentials = credentials
        self._largest = largest
        self._pause = pause
        self._http = httpx.AsyncClient(
            base_url=f"{self.address}/",
            headers=dict(headers or {}),
            transport=transport,
            timeout=timeout,
            verify=trusted(),
        )

    async def aclose(self) -> None:
        """End the connections that are kept open."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def get(self, path: str, params: Params | None = None) -> Any:
        """The JSON value at `path`; one that arrives broken is asked for once more."""
        return await self._done(self._conversations.value(path, params))

    def contract_items(self, path: str, params: Params | None = None) -> AsyncIterator[Mapping[str, Any]]:
        """All items of a list of the data product API."""
        return self._listed(path, ByCursor.of_contracts(params))

    def core_results(self, path: str, params: Params | None = None) -> AsyncIterator[Mapping[str, Any]]:
        """All results of a list of the core API that pages by cursor."""
        return self._listed(path, ByCursor.of_core(params))

    def core_results_by_offset(self, path: str, params: Params | None = None) -> AsyncIterator[Mapping[str, Any]]:
        """All results of a list of the core API that only pages by offset."""
        return self._listed(path, ByOffset(params))

    async def send(
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
        return await self._done(
            self._conversations.request(
                method, path, params=params, json=json, form=form, upload=upload, repeatable=repeatable
            )
        )

    async def _listed(self, path: str, pages: Pages) -> AsyncIterator[Mapping[str, Any]]:
        while pages.asked is not None:
            for each in pages.take(await self.get(path, pages.asked)):
                yield each

    async def _done(self, conversation: Generator[Step, Any, _Found]) -> _Found:
        try:
            step = next(conversation)
            while True:
                try:
                    reply = await self._reply(step)
                except (httpx.HTTPError, LakepactError) as error:
                    step = conversation.throw(error)
                else:
                    step = conversation.send(reply)
        except StopIteration as end:
            found: _Found = end.value
            return found

    async def _reply(self, step: Step) -> object:
        match step:
            case Prove():
                return await asyncio.to_thread(self._credentials.headers)
            case Renew():
                return await asyncio.to_thread(self._credentials.renew, step.used, step.error_code)
            case Pause():
                await self._pause(step.seconds)
                return None
            case Exchange():
                async with self._http.stream(
                    step.method, step.path, headers=dict(step.headers), **step.content
                ) as answer:
                    body = Body(self._largest)
                    async for part in answer.aiter_bytes():
                        body.add(part)
                    return answer.status_code, body.content, answer.headers
