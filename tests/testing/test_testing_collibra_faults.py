from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from lakepact.testing.collibra import CollibraServer

STATUSES = "/rest/2.0/statuses"
CONTRACTS = "/rest/dataProduct/v1/dataContracts"


@pytest.fixture
def collibra() -> Iterator[CollibraServer]:
    with CollibraServer(clock=lambda: 1_700_000_000.25) as server:
        yield server


@pytest.fixture
def http(collibra: CollibraServer) -> Iterator[httpx.Client]:
    auth = (collibra.user, collibra.password)
    with httpx.Client(base_url=collibra.url, auth=auth) as client:
        yield client


def test_failures_come_as_often_as_asked(collibra: CollibraServer, http: httpx.Client) -> None:
    collibra.faults.fail_next(2, 503)
    collibra.faults.fail_next(1, 429, retry_after=3)
    collibra.faults.fail_next(1, 429, retry_after=3, as_date=True)
    answers = [http.get(STATUSES) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [503, 503, 429, 429, 200]
    assert [answer.headers.get("Retry-After") for answer in answers] == [
        None,
        None,
        "3",
        "Tue, 14 Nov 2023 22:13:24 GMT",
        None,
    ]
    assert answers[0].json()["errorCode"] == "status503"
    assert {answer.headers["Date"] for answer in answers} == {"Tue, 14 Nov 2023 22:13:20 GMT"}
    assert answers[2].json() == {
        "statusCode": 429,
        "errorCode": "tooManyRequests",
        "userMessage": "A fault was asked for: 429.",
    }


def test_failures_may_be_of_a_path_and_a_method(collibra: CollibraServer, http: httpx.Client) -> None:
    collibra.faults.fail_next(1, path="/dataContracts")
    collibra.faults.fail_next(1, 502, path="/assets", method="PATCH")
    collibra.faults.fail_next(1, 500, path="/rest/oauth")
    paths = [STATUSES, "/rest/2.0/assets", CONTRACTS, CONTRACTS]
    assert [http.get(path).status_code for path in paths] == [200, 200, 500, 200]
    assert http.patch(f"/rest/2.0/assets/{collibra.add_port('p')}", json={}).status_code == 502
    form = {
        "grant_type": "client_credentials",
        "client_id": collibra.client_id,
        "client_secret": collibra.client_secret,
    }
    assert [httpx.post(f"{collibra.url}/rest/oauth/v2/token", data=form).status_code for _ in range(2)] == [500, 200]


def test_faults_are_forgotten(collibra: CollibraServer, http: httpx.Client) -> None:
    collibra.faults.fail_next(9)
    collibra.faults.clear()
    assert http.get(STATUSES).status_code == 200


def test_a_slow_answer_is_carried_out_after_the_client_went(collibra: CollibraServer, http: httpx.Client) -> None:
    port = collibra.add_port("p")
    collibra.faults.slow_next(1, 1.0)
    with pytest.raises(httpx.ReadTimeout, match="timed out"):
        http.patch(f"/rest/2.0/assets/{port}", json={"displayName": "late"}, timeout=0.1)
    deadline = time.monotonic() + 20
    while http.get(f"/rest/2.0/assets/{port}").json()["displayName"] != "late":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_every_answer_may_take_its_time(collibra: CollibraServer, http: httpx.Client) -> None:
    collibra.latency = 0.2
    started = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: http.get(STATUSES).status_code, range(16)))
    assert answers == [200] * 16
    # Requests wait side by side, not one after the other.
    assert 0.4 <= time.perf_counter() - started < 3.0


@pytest.mark.parametrize(("done", "made"), [(False, 0), (True, 1)])
def test_a_connection_breaks_before_or_after_the_work(
    collibra: CollibraServer, http: httpx.Client, done: bool, made: int
) -> None:
    parts = {"governedAssetId": (None, collibra.add_port("p"))}
    collibra.faults.break_next(1, done=done)
    with pytest.raises(httpx.TransportError, match=r"reset|disconnected"):
        http.post(CONTRACTS, files=parts)
    assert len(http.get(CONTRACTS).json()["items"]) == made


def test_a_gateway_answers_with_a_page(collibra: CollibraServer, http: httpx.Client) -> None:
    collibra.faults.html_next(1)
    collibra.faults.html_next(1, 200)
    answers = [http.get(STATUSES) for _ in range(2)]
    assert [(answer.status_code, answer.headers["Content-Type"]) for answer in answers] == [
        (502, "text/html"),
        (200, "text/html"),
    ]
    assert answers[1].text.startswith("<html>")


def test_an_answer_is_cut_in_half(collibra: CollibraServer, http: httpx.Client) -> None:
    whole = http.get(STATUSES).content
    collibra.faults.truncate_next(1)
    answer = http.get(STATUSES)
    assert (answer.status_code, answer.content) == (200, whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
        answer.json()


def test_a_server_that_is_down_answers_nothing_and_comes_back(collibra: CollibraServer, http: httpx.Client) -> None:
    collibra.down = True
    for _ in range(2):
        with pytest.raises(httpx.TransportError, match=r"reset|disconnected"):
            http.get(STATUSES)
    collibra.down = False
    assert http.get(STATUSES).status_code == 200


def test_a_server_that_stopped_lets_go_of_connections() -> None:
    with CollibraServer() as collibra:
        client = httpx.Client(base_url=collibra.url, auth=(collibra.user, collibra.password))
        assert client.get(STATUSES).status_code == 200
    with pytest.raises(httpx.TransportError, match=r"refused|disconnected|reset"):
        client.get(STATUSES)
    client.close()


def test_connections_are_kept_and_answers_leave_at_once(collibra: CollibraServer, http: httpx.Client) -> None:
    http.get(STATUSES)
    started = time.perf_counter()
    for _ in range(100):
        http.get(STATUSES)
    # A delayed acknowledgement would cost 40 ms for each.
    assert time.perf_counter() - started < 3.5


def test_an_answer_without_body_leaves_the_connection_usable(collibra: CollibraServer, http: httpx.Client) -> None:
    assert http.head(STATUSES).status_code == 405
    deleted = http.delete(f"/rest/2.0/assets/{collibra.add_port('p')}")
    assert (deleted.status_code, deleted.content, "Content-Length" in deleted.headers) == (204, b"", False)
    assert http.get(STATUSES).status_code == 200


def test_a_body_may_come_in_chunks(collibra: CollibraServer, http: httpx.Client) -> None:
    pieces = [b'{"keywords"', b': "a"}']
    answer = http.post("/rest/2.0/search", content=iter(pieces), headers={"Content-Type": "application/json"})
    assert answer.json() == {"total": 0, "results": []}


def test_clients_may_write_at_the_same_time(collibra: CollibraServer, http: httpx.Client) -> None:
    ports = [collibra.add_port(f"p{number}") for number in range(20)]

    def made(port: str) -> int:
        return http.post(CONTRACTS, files={"governedAssetId": (None, port)}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(made, ports * 2))
    assert sorted(statuses) == [201] * 20 + [409] * 20
    assert http.get(CONTRACTS, params={"includeTotal": "true"}).json()["total"] == 20


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'--b\r\nContent-Disposition: form-data; name="version"\r\n\r\n1', "malformedForm"),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--", "malformedForm"),
        (b'--b\r\nContent-Disposition: form-data; name="version"\r\n--b--', "malformedForm"),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 2 + b"--b--", "repeatedPart"),
    ],
)
def test_forms_that_are_not_whole(http: httpx.Client, body: bytes, code: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = http.post(f"{CONTRACTS}/addFromManifest", content=body, headers=headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)


def test_a_form_names_its_boundary(http: httpx.Client) -> None:
    answer = http.post(CONTRACTS, content=b"", headers={"Content-Type": "multipart/form-data"})
    assert (answer.status_code, answer.json()["userMessage"]) == (400, "The Content-Type names no boundary.")
