"""The client for code that awaits: what `CollibraClient` does, many tasks at once."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import pytest
from collibra_connections import QUICK, client

from lakepact.collibra import AsyncCollibraClient, ClientCredentials
from lakepact.collibra.auth import Bearer
from lakepact.collibra.breaker import CircuitBreaker
from lakepact.collibra.client import Upload
from lakepact.collibra.retrying import RetryPolicy
from lakepact.collibra.settings import CollibraSettings
from lakepact.errors import ConfigurationError, RemoteFailed, RemoteUnavailable
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.store_samples import document

STATUSES = "rest/2.0/statuses"
CONTRACTS = "rest/dataProduct/v1/dataContracts"

T = TypeVar("T")


@pytest.fixture
def server() -> Iterator[CollibraServer]:
    with CollibraServer() as found:
        yield found


def opened(server: CollibraServer, **options: Any) -> AsyncCollibraClient:
    credentials = options.pop("credentials", None) or ClientCredentials(
        f"{server.url}/rest/oauth/v2/token", server.client_id, lambda: server.client_secret
    )
    return AsyncCollibraClient(server.url, credentials, **{"policy": QUICK, "timeout": 5.0} | options)


def run(found: AsyncCollibraClient, work: Callable[[AsyncCollibraClient], Awaitable[T]]) -> T:
    """What the work gives, in an event loop of its own."""

    async def done() -> T:
        async with found:
            return await work(found)

    return asyncio.run(done())


def asked(server: CollibraServer, path: str) -> int:
    return sum(each.path == f"/{path}" for each in server.requests)


class Answering(httpx.AsyncBaseTransport):
    """A transport that answers every request in the same way."""

    def __init__(self, content: bytes, headers: dict[str, str]) -> None:
        self.content = content
        self.headers = headers

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=self.headers, stream=httpx.ByteStream(self.content))


def test_many_tasks_fetch_one_token(server: CollibraServer) -> None:
    threads: list[str] = []

    def secret() -> str:
        threads.append(threading.current_thread().name)
        return server.client_secret

    credentials = ClientCredentials(f"{server.url}/rest/oauth/v2/token", server.client_id, secret)

    async def many(found: AsyncCollibraClient) -> list[Any]:
        return await asyncio.gather(*(found.get(STATUSES) for _ in range(20)))

    assert len(run(opened(server, credentials=credentials), many)) == 20
    assert asked(server, "rest/oauth/v2/token") == 1
    assert len(threads) == 1
    assert threads[0] != threading.main_thread().name
    with client(server, credentials=credentials) as other:
        other.get(STATUSES)
    assert asked(server, "rest/oauth/v2/token") == 1


def test_a_revoked_token_is_renewed_once_and_a_wrong_secret_is_said(server: CollibraServer) -> None:
    async def twice(found: AsyncCollibraClient) -> Any:
        await found.get(STATUSES)
        server.access.revoke_tokens()
        return await found.get(STATUSES)

    assert run(opened(server), twice)["results"]
    assert asked(server, "rest/oauth/v2/token") == 2
    wrong = ClientCredentials(f"{server.url}/rest/oauth/v2/token", server.client_id, lambda: "hunter2")
    with pytest.raises(RemoteFailed, match=r"^LP903: \S+ does not let lakepact in: HTTP 401\n") as raised:
        run(opened(server, credentials=wrong), lambda found: found.get(STATUSES))
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("as_date", [False, True])
def test_a_storm_of_429_is_waited_out_as_long_as_is_asked(server: CollibraServer, as_date: bool) -> None:
    server.faults.fail_next(2, 429, retry_after=7, as_date=as_date, path=STATUSES)
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    assert run(opened(server, pause=pause, chance=lambda: 0.0), lambda found: found.get(STATUSES))["results"]
    assert [round(each, -1) for each in waits] == [10.0, 10.0]
    assert asked(server, STATUSES) == 3


def test_while_one_task_waits_others_go_on(server: CollibraServer) -> None:
    server.faults.fail_next(1, 503, path=STATUSES)
    order: list[str] = []
    other_done = asyncio.Event()

    async def pause(seconds: float) -> None:
        await asyncio.wait_for(other_done.wait(), 30)

    async def waiting(found: AsyncCollibraClient) -> None:
        await found.get(STATUSES)
        order.append("the one that waited")

    async def other(found: AsyncCollibraClient) -> None:
        await found.get(CONTRACTS)
        order.append("the other")
        other_done.set()

    async def both(found: AsyncCollibraClient) -> None:
        await asyncio.gather(waiting(found), other(found))

    run(opened(server, pause=pause), both)
    assert order == ["the other", "the one that waited"]


def test_a_write_is_not_repeated_unless_it_was_not_done(server: CollibraServer) -> None:
    port = server.add_port("gold")
    form = {"governedAssetId": port, "manifestId": "orders", "version": "1.0.0"}
    upload = Upload(field="manifest", name="m.yaml", content=document("orders", "1.0.0"))

    def write(found: AsyncCollibraClient) -> Awaitable[Any]:
        return found.send("POST", CONTRACTS, form=form, upload=upload)

    server.faults.break_next(1, done=True, path="dataContracts")
    with pytest.raises(RemoteUnavailable, match=r"^LP902: .*\n  hint: it may have been done all the same"):
        run(opened(server), write)
    assert asked(server, CONTRACTS) == 1
    server.faults.fail_next(1, 429, path="dataContracts")
    with pytest.raises(RemoteFailed, match=r"^LP906: "):
        run(opened(server), write)
    assert asked(server, CONTRACTS) == 3


def test_both_ways_of_pages_lose_nothing(server: CollibraServer) -> None:
    server.pages.empty = True
    for number in range(1001):
        server.state.put("statuses", {"name": f"status {number:04}"})
    tables = [server.add_table(f"t{number:04}") for number in range(1001)]
    made = [
        server.add_contract(f"c{number}", server.add_port(f"p{number}"), document(f"c{number}", "1.0.0"))
        for number in range(501)
    ]

    async def everything(found: AsyncCollibraClient) -> tuple[set[str], ...]:
        statuses = {each["name"] async for each in found.core_results_by_offset(STATUSES)}
        asked_for = {"name": "t", "nameMatchMode": "START", "domainId": server.state.by_name("domains", "Tables")["id"]}
        assets = {each["id"] async for each in found.core_results("rest/2.0/assets", asked_for)}
        contracts = {each["id"] async for each in found.contract_items(CONTRACTS)}
        return statuses, assets, contracts

    statuses, assets, contracts = run(opened(server), everything)
    assert len(statuses) == 1001 + 12
    assert (assets, contracts) == (set(tables), set(made))
    assert asked(server, STATUSES) == 2


def test_what_goes_wrong_has_the_same_names(server: CollibraServer) -> None:
    with pytest.raises(
        RemoteFailed, match=r"^LP905: \S+ does not have that: HTTP 404 assetNotFound: Not found; No asset"
    ):
        run(opened(server), lambda found: found.get("rest/2.0/assets/7f1c0e1a-0000-4000-8000-000000000001"))
    server.faults.html_next(2, 200, path=STATUSES)
    with pytest.raises(RemoteFailed, match=r"^LP907: Collibra answers with an HTML page\n"):
        run(opened(server), lambda found: found.get(STATUSES))
    server.faults.truncate_next(1, path=STATUSES)
    assert run(opened(server), lambda found: found.get(STATUSES))["results"]
    with pytest.raises(RemoteFailed, match=r"^LP907: Collibra answers with more than 10 bytes\n"):
        run(opened(server, largest=10), lambda found: found.get(STATUSES))
    server.faults.slow_next(1, 0.5, path=STATUSES)
    slow = opened(server, timeout=0.1, policy=RetryPolicy(retries=0))
    with pytest.raises(RemoteUnavailable, match=r"^LP902: \S+ does not answer: ReadTimeout\n"):
        run(slow, lambda found: found.get(STATUSES))
    coded = Answering(b"no gzip", {"content-encoding": "gzip"})
    broken = AsyncCollibraClient("https://c.example", Bearer(lambda: "t"), transport=coded)
    with pytest.raises(RemoteFailed, match=r"^LP907: "):
        run(broken, lambda found: found.get(STATUSES))
    with pytest.raises(ConfigurationError, match=r"^LP901: the address of Collibra is "):
        AsyncCollibraClient("https://user:hunter2@c.example", Bearer(lambda: "t"))


def test_after_failures_nobody_asks_for_a_while(server: CollibraServer) -> None:
    breaker = CircuitBreaker(failures=3, clock=lambda: 0.0)

    async def fails(found: AsyncCollibraClient) -> None:
        await found.get(STATUSES)
        server.down = True
        for _ in range(3):
            with pytest.raises(RemoteUnavailable, match=r"^LP902: "):
                await found.get(STATUSES)
        before = len(server.requests)
        with pytest.raises(RemoteUnavailable, match="it failed several times, and is left alone for 30 s more"):
            await found.get(STATUSES)
        assert len(server.requests) == before

    run(opened(server, breaker=breaker, policy=RetryPolicy(retries=0)), fails)


def test_no_secret_is_in_a_log(server: CollibraServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="lakepact")
    server.faults.fail_next(1, 503, path=STATUSES)
    run(opened(server, clock=lambda: datetime(2024, 1, 1, tzinfo=UTC)), lambda found: found.get(STATUSES))
    assert "rest/2.0/statuses is asked again in " in caplog.text
    assert "Bearer" not in caplog.text
    assert server.client_secret not in caplog.text


def test_settings_describe_it(server: CollibraServer) -> None:
    settings = CollibraSettings(url=server.url, user=server.client_id, headers={"x-key": "env:KEY"})
    environment = {"LAKEPACT_COLLIBRA_SECRET": server.client_secret, "KEY": "k1"}
    assert run(settings.async_client(environment=environment), lambda found: found.get(STATUSES))["results"]
    assert "x-key" in server.requests[-1].headers
