"""The client: retries of what can be repeated and of nothing else, pages, faults, and what they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from collibra_connections import QUICK, Answering, client
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.collibra.auth import Bearer
from lakepact.collibra.breaker import CircuitBreaker
from lakepact.collibra.client import CollibraClient
from lakepact.collibra.paging import ByCursor, ByOffset, Pages
from lakepact.collibra.retrying import RetryPolicy, retry_after
from lakepact.errors import ConfigurationError, RemoteFailed, RemoteUnavailable
from lakepact.testing.collibra_server import CollibraServer

STATUSES = "rest/2.0/statuses"
CONTRACTS = "rest/dataProduct/v1/dataContracts"
NOON = datetime(2024, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[CollibraServer]:
    with CollibraServer() as found:
        yield found


def asked(server: CollibraServer, path: str) -> int:
    return sum(each.path == f"/{path}" for each in server.requests)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_asked_again(server: CollibraServer, status: int) -> None:
    server.faults.fail_next(3, status, path=STATUSES)
    with client(server) as found:
        assert found.get(STATUSES)["results"]
    assert asked(server, STATUSES) == 4


def test_a_read_is_given_up_in_the_end(server: CollibraServer) -> None:
    server.faults.fail_next(99, 503, path=STATUSES)
    words = (
        r"^LP902: http://127\S+ does not answer: HTTP 503 status503: A fault was asked for: 503\.\n  hint: try again"
    )
    with client(server, breaker=CircuitBreaker(failures=99)) as found, pytest.raises(RemoteUnavailable, match=words):
        found.get(STATUSES)
    assert asked(server, STATUSES) == 1 + QUICK.retries


@pytest.mark.parametrize("as_date", [False, True])
def test_a_storm_of_429_is_waited_out_as_long_as_is_asked(server: CollibraServer, as_date: bool) -> None:
    server.faults.fail_next(2, 429, retry_after=7, as_date=as_date, path=STATUSES)
    waits: list[float] = []
    with client(server, pause=waits.append, chance=lambda: 0.0) as found:
        found.get(STATUSES)
    assert len(waits) == 2
    assert all(6.0 < wait <= 8.0 for wait in waits)


def test_who_asks_for_too_much_patience_is_away(server: CollibraServer) -> None:
    server.faults.fail_next(1, 503, retry_after=3600, path=STATUSES)
    with client(server) as found, pytest.raises(RemoteUnavailable, match=r"^LP902: .* HTTP 503 "):
        found.get(STATUSES)


def test_a_write_is_not_repeated_unless_it_was_not_done(server: CollibraServer) -> None:
    body = {"baseResource": {"id": server.add_port("p")}, "content": "x"}
    with client(server) as found:
        server.faults.fail_next(1, 503, path="/comments")
        with pytest.raises(RemoteUnavailable, match=r"^LP902: "):
            found.send("POST", "rest/2.0/comments", json=body)
        server.faults.break_next(1, done=True, path="/comments")
        with pytest.raises(RemoteUnavailable, match=r"it may have been done all the same"):
            found.send("POST", "rest/2.0/comments", json=body)
        assert asked(server, "rest/2.0/comments") == 2
        server.faults.fail_next(2, 429, path="/comments")
        found.send("POST", "rest/2.0/comments", json=body)
    assert asked(server, "rest/2.0/comments") == 5
    assert len(server.state.tables["comments"]) == 2


def test_a_slow_answer_is_given_up_and_asked_for_again(server: CollibraServer) -> None:
    server.faults.slow_next(1, 1.0, path=STATUSES)
    with client(server, timeout=0.3) as found:
        assert found.get(STATUSES)["results"]
    assert asked(server, STATUSES) == 2


def test_a_page_of_a_gateway_is_said_to_be_one(server: CollibraServer) -> None:
    with client(server) as found:
        server.faults.html_next(2, 200, path=STATUSES)
        with pytest.raises(RemoteFailed, match=r"^LP907: Collibra answers with an HTML page\n"):
            found.get(STATUSES)
        server.faults.html_next(99, 502, path=STATUSES)
        with pytest.raises(RemoteUnavailable, match=r"^LP902: .* does not answer: HTTP 502\n"):
            found.get(STATUSES)


def test_half_an_answer_is_asked_for_again_or_refused(server: CollibraServer) -> None:
    server.faults.truncate_next(1, path=STATUSES)
    with client(server) as found:
        assert found.get(STATUSES)["results"]
        server.faults.truncate_next(2, path=STATUSES)
        with pytest.raises(RemoteFailed, match=r"^LP907: Collibra answers with something that is no JSON\n"):
            found.get(STATUSES)
    assert asked(server, STATUSES) == 4


def test_what_is_not_permitted_and_what_is_not_there(server: CollibraServer) -> None:
    server.client("reader", "s", data_contract=False, edit=False)
    server.client_id, server.client_secret = "reader", "s"
    with client(server) as found:
        with pytest.raises(RemoteFailed, match=r"^LP904: .* does not permit that: HTTP 403 forbidden: Forbidden; "):
            found.send("POST", CONTRACTS, form={"governedAssetId": server.add_port("p")})
        with pytest.raises(RemoteFailed, match=r"^LP905: .* does not have that: HTTP 404 ") as raised:
            found.get("rest/2.0/assets/7f1c0e1a-0000-4000-8000-000000000001")
        assert raised.value.facts["status"] == 404
        with pytest.raises(RemoteFailed, match=r"^LP906: .* refuses the request: HTTP 400 "):
            found.get("rest/2.0/assets/nothing")


def test_too_much_is_refused(server: CollibraServer) -> None:
    with client(server, largest=100) as found, pytest.raises(RemoteFailed, match=r"^LP907: .* more than 100 bytes"):
        found.get(STATUSES)


def test_after_failures_nobody_asks_for_a_while(server: CollibraServer) -> None:
    clock = [0.0]
    breaker = CircuitBreaker(failures=3, rest=30.0, clock=lambda: clock[0])
    server.access.add_bearer("t")
    server.down = True
    with client(server, credentials=Bearer(lambda: "t"), breaker=breaker, policy=RetryPolicy(retries=0)) as found:
        for _ in range(3):
            with pytest.raises(RemoteUnavailable, match=r"^LP902: "):
                found.get(STATUSES)
        before = len(server.requests)
        with pytest.raises(RemoteUnavailable, match=r"it failed several times, and is left alone for 30 s more"):
            found.get(STATUSES)
        assert len(server.requests) == before
        clock[0] = 31.0
        server.down = False
        assert found.get(STATUSES)["results"]
        assert found.get(STATUSES)["results"]


def test_one_request_tries_after_the_rest() -> None:
    clock = [0.0]
    breaker = CircuitBreaker(failures=2, rest=10.0, clock=lambda: clock[0])
    breaker.failed()
    assert breaker.waits() == 0.0
    breaker.failed()
    clock[0] = 4.0
    assert breaker.waits() == 6.0
    clock[0] = 10.0
    assert [breaker.waits(), breaker.waits()] == [0.0, 10.0]
    breaker.succeeded()
    assert breaker.waits() == 0.0


def test_a_refusal_is_no_failure_of_the_other_side(server: CollibraServer) -> None:
    with client(server, breaker=CircuitBreaker(failures=1)) as found:
        for _ in range(3):
            with pytest.raises(RemoteFailed, match=r"^LP905: "):
                found.get("rest/2.0/nowhere")
        assert found.get(STATUSES)["results"]


def items_of(pages: Pages, fetch: Callable[[Any], Any]) -> list[Any]:
    found: list[Any] = []
    while pages.asked is not None:
        found += pages.take(fetch(pages.asked))
    return found


@given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=6), key=st.sampled_from(["items", "results"]))
@settings(max_examples=50)
def test_pages_by_cursor_lose_nothing_even_where_some_are_empty(sizes: list[int], key: str) -> None:
    pages = [[{"n": f"{page}.{item}"} for item in range(size)] for page, size in enumerate(sizes)]
    seen: list[Any] = []

    def fetch(params: Any) -> Any:
        seen.append(params.get("cursor"))
        number = int(params.get("cursor") or 0)
        following = {"nextCursor": str(number + 1)} if number + 1 < len(pages) else {}
        return {key: pages[number], "total": -1} | following

    listed = ByCursor.of_core({}) if key == "results" else ByCursor.of_contracts({})
    assert items_of(listed, fetch) == [item for page in pages for item in page]
    assert seen[0] == ("" if key == "results" else None)


@given(count=st.integers(0, 25))
@settings(max_examples=30)
def test_pages_by_offset_lose_nothing(count: int) -> None:
    items = [{"n": number} for number in range(count)]

    def fetch(params: Any) -> Any:
        return {"results": items[params["offset"] : params["offset"] + params["limit"]]}

    assert items_of(ByOffset({}, limit=5), fetch) == items


@pytest.mark.parametrize("page", [[], {}, {"items": 1}, {"items": [1]}, {"results": []}, None, "x"])
def test_a_page_that_is_none(page: Any) -> None:
    with pytest.raises(RemoteFailed, match=r"^LP907: Collibra answers with a page without `items`\n"):
        ByCursor.of_contracts({}).take(page)


def test_a_list_that_goes_in_circles_ends() -> None:
    with pytest.raises(RemoteFailed, match=r"^LP907: Collibra answers with a list that never ends\n"):
        items_of(ByCursor.of_contracts({}), lambda params: {"items": [], "nextCursor": "a"})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("Wed, 31 Jan 2024 12:01:00 GMT", 60.0),
        ("Wed, 31 Jan 2024 11:00:00 GMT", 0.0),
        ("Wednesday, 31-Jan-24 12:00:30 GMT", 30.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("\u0661", None),
        ("tomorrow", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after(text, NOON) == seconds


def test_pauses_grow_and_are_random() -> None:
    policy = RetryPolicy(retries=9, first=1.0, longest=5.0, patience=30.0)
    assert [policy.pause(attempt, None, lambda: 1.0) for attempt in range(4)] == [1.0, 2.0, 4.0, 5.0]
    assert policy.pause(3, None, lambda: 0.5) == 2.5
    assert policy.pause(0, 30.0, lambda: 1.0) == 31.0
    assert policy.pause(0, 31.0, lambda: 1.0) is None
    assert policy.pause(9, None, lambda: 1.0) is None


@pytest.mark.parametrize(
    "address",
    ["", "collibra", "ftp://c.example", "https://user:hunter2@c.example", "https://c.example?x=1", "https://[::"],
)
def test_an_address_that_is_none_is_not_repeated(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^LP901: the address of Collibra is ") as raised:
        CollibraClient(address, Bearer(lambda: "t"))
    assert "hunter2" not in str(raised.value)


def test_what_an_error_says_is_one_safe_line() -> None:
    said = {"errorCode": "x\x1b[31m", "titleMessage": "two\nlines", "userMessage": "y" * 5000}
    transport = Answering(lambda request: httpx.Response(400, json=said))
    with (
        CollibraClient("https://c.example", Bearer(lambda: "t"), transport=transport) as found,
        pytest.raises(RemoteFailed, match=r"^LP906: ") as raised,
    ):
        found.get("x")
    assert "\x1b" not in raised.value.message
    assert "\n" not in raised.value.message
    assert len(raised.value.message) < 500
