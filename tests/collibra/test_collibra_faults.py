"""A Collibra that fails in every way while contracts are written: nothing is lost, nothing is done twice."""

from __future__ import annotations

import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from collibra_connections import gateway, ports_of

from lakepact.collibra.breaker import CircuitBreaker
from lakepact.collibra.retrying import RetryPolicy
from lakepact.collibra.statuses import StatusNames
from lakepact.collibra.store import CollibraContractStore
from lakepact.errors import ContractMissing, LakepactError, RemoteFailed, RemoteUnavailable
from lakepact.store.model import Status
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.collibra_switches import Switches
from lakepact.testing.store_oracle import Oracle
from lakepact.testing.store_samples import contract

CONTRACTS = "/rest/dataProduct/v1/dataContracts"


@pytest.fixture
def server() -> Iterator[CollibraServer]:
    with CollibraServer() as found:
        yield found


@pytest.fixture
def open_store(server: CollibraServer) -> Callable[..., CollibraContractStore]:
    port_of = ports_of(server)

    def opened(**options: Any) -> CollibraContractStore:
        return CollibraContractStore(gateway(server, **options), port_of=port_of)

    return opened


def written(server: CollibraServer, method: str, path: str) -> list[str]:
    return [each.digest for each in server.requests if each.method == method and each.path.startswith(path)]


@pytest.mark.parametrize(
    ("path", "after"),
    [(CONTRACTS, 0), ("/comments", 0), (CONTRACTS, 1), ("/comments", 1)],
    ids=["initialise", "first entry", "new version", "second entry"],
)
@pytest.mark.parametrize("fault", ["reset", "truncated"])
def test_a_write_whose_answer_was_lost_is_not_done_twice(
    server: CollibraServer, open_store: Callable[..., CollibraContractStore], path: str, after: int, fault: str
) -> None:
    store = open_store()
    for number in range(after):
        store.put(contract("orders", f"1.{number}.0"), actor="ada")
    before = len(server.state.tables["comments"])
    if fault == "reset":
        server.faults.break_next(1, done=True, path=path, method="POST")
    else:
        server.faults.truncate_next(1, path=path, method="POST")
    store.put(contract("orders", f"1.{after}.0"), actor="ada")
    assert len(server.state.tables["comments"]) == before + 1
    assert [event.version for event in store.history("orders")] == [f"1.{number}.0" for number in range(after + 1)]
    assert max(Counter(written(server, "POST", CONTRACTS)).values()) == 1


def test_a_status_whose_answer_was_lost_is_set_again(
    server: CollibraServer, open_store: Callable[..., CollibraContractStore]
) -> None:
    store = open_store()
    store.put(contract(), actor="ada")
    server.faults.break_next(1, done=True, path="/assets/", method="PATCH")
    store.set_status("orders", "1.0.0", Status.IN_REVIEW, actor="ada", reason="x")
    assert len(store.history("orders")) == 2
    assert server.asset_status(gateway(server).contracts()[0].id) == "Under Review"


def test_a_contract_that_nobody_may_see(
    server: CollibraServer, open_store: Callable[..., CollibraContractStore]
) -> None:
    store = open_store()
    store.put(contract(), actor="ada")
    server.hide(gateway(server).contracts()[0].id)
    with pytest.raises(RemoteFailed, match=r"^LP903: .*\n.* a 401 can also mean that the user"):
        store.latest("orders")


def test_an_asset_that_was_accepted_without_a_document_is_a_draft_before_it_gets_one(
    server: CollibraServer, open_store: Callable[..., CollibraContractStore]
) -> None:
    port = server.add_port("gold")
    asset = server.add_contract_asset("orders", port)
    server.set_asset_status(asset, "Accepted")
    store = CollibraContractStore(gateway(server), port_of=lambda contract_id: port)
    store.put(contract(), actor="ada")
    done = [(each.method, each.path.split("/")[-2]) for each in server.requests if each.method in ("PATCH", "POST")]
    assert done[1:3] == [("PATCH", "assets"), ("POST", "v1")]
    assert gateway(server).contracts()[0].id == asset
    assert server.asset_status(asset) == "Candidate"
    with pytest.raises(ContractMissing, match=r"^LP850: 'orders' has no validated version\n"):
        store.latest("orders")


def test_who_may_not_write_leaves_nothing_behind(
    server: CollibraServer, open_store: Callable[..., CollibraContractStore]
) -> None:
    server.client("reader", "s", data_contract=False)
    allowed = server.client_id, server.client_secret
    server.client_id, server.client_secret = "reader", "s"
    with pytest.raises(RemoteFailed, match=r"^LP904: .* does not permit that: HTTP 403 "):
        open_store().put(contract(), actor="ada")
    server.client_id, server.client_secret = allowed
    assert open_store().list_contracts() == ()


def test_a_manifest_that_is_too_large_is_left_out(
    server: CollibraServer, open_store: Callable[..., CollibraContractStore]
) -> None:
    store = open_store(largest=1_000_000)
    store.put(contract(), actor="ada")
    asset = gateway(server).contracts()[0].id
    server.set_manifest(asset, "1.1.0", b"# " + b"x" * 2_000_000)
    assert [each.version for each in store.list_versions("orders")] == ["1.0.0"]
    server.set_manifest(asset, "1.0.0", b"# " + b"x" * 2_000_000)
    with pytest.raises(RemoteFailed, match=r"^LP907: Collibra answers with more than 1,000,000 bytes"):
        store.get("orders", "1.0.0")


def test_thirty_contracts_are_read_in_two_requests_each(
    server: CollibraServer, open_store: Callable[..., CollibraContractStore]
) -> None:
    store = open_store()
    for number in range(30):
        store.put(contract(f"c{number}"), actor="ada")
    store.search()
    server.requests.clear()
    server.latency = 0.005
    began = time.monotonic()
    assert len(store.search()) == 30
    assert time.monotonic() - began < 10.0
    assert len(server.requests) <= 2 * 30 + 4


VERSIONS = ("1.0.0", "1.0.1", "1.1.0", "2.0.0")
PURPOSES = ("one", "two", "three")


class Soak:
    """Random operations on one contract through a bad connection, and beside them a simple model of it."""

    def __init__(self, server: CollibraServer, port_of: Callable[[str], str], seed: int) -> None:
        self.server = server
        self.chance = random.Random(seed)
        self.oracle = Oracle()
        self.contract_id = f"soak-{seed}"
        self.port_of = port_of
        self.done: list[str] = []
        self.failures = 0
        self.said = ""
        self.store = self.opened()

    def opened(self) -> CollibraContractStore:
        options: dict[str, Any] = {"policy": RetryPolicy(retries=1, first=0.0), "breaker": CircuitBreaker(failures=999)}
        return CollibraContractStore(gateway(self.server, **options), port_of=self.port_of)

    def plan_faults(self) -> None:
        faults = self.server.faults
        for _ in range(self.chance.choice((0, 0, 1, 1, 2, 4))):
            method = self.chance.choice(("", "", "POST", "PATCH", "GET"))
            kind = self.chance.randrange(7)
            if kind == 0:
                faults.fail_next(1, self.chance.choice((429, 500, 502, 503)), method=method)
            elif kind in (1, 2):
                faults.break_next(1, done=True, method=method)
            elif kind == 3:
                faults.break_next(1, done=False, method=method)
            elif kind == 4:
                faults.truncate_next(1, method=self.chance.choice(("POST", "PATCH")))
            elif kind == 5:
                faults.html_next(1, 502, method=method)
            else:
                self.server.access.revoke_tokens()

    def until_answered(self, operation: Callable[[], object]) -> type[LakepactError] | None:
        for attempt in range(4):
            if attempt == 3:
                self.server.faults.clear()
            try:
                operation()
            except RemoteUnavailable:
                self.failures += 1
                if self.chance.random() < 0.3:
                    self.store = self.opened()
            except LakepactError as error:
                self.said = str(error)
                return type(error)
            else:
                return None
        raise AssertionError(f"no answer without faults after {self.done}")

    def step(self) -> None:
        version = self.chance.choice(VERSIONS)
        self.plan_faults()
        if self.chance.random() < 0.5:
            purpose = self.chance.choice(PURPOSES)
            seen = self.oracle.there.get(version, ("", None))[1]
            self.done.append(f"put {version} {purpose}")
            given = contract(self.contract_id, version, purpose=purpose)
            expected = None if seen is None else contract(self.contract_id, version, purpose=seen).sha256
            wanted = self.oracle.put(version, purpose, seen)
            found = self.until_answered(lambda: self.store.put(given, actor="ada", expected=expected))
        else:
            status = self.chance.choice(list(Status))
            self.done.append(f"step {version} {status}")
            wanted = self.oracle.step(version, status.value, None)
            found = self.until_answered(
                lambda: self.store.set_status(self.contract_id, version, status, actor="ada", reason="so")
            )
        self.server.faults.clear()
        assert found is wanted, f"{self.said} and not {wanted} after {self.done}"

    def compare(self) -> None:
        if not self.oracle.there:
            return
        store = self.opened()
        trail = [(event.version, event.status.value) for event in store.history(self.contract_id)]
        assert trail == [(version, status) for version, status, _ in self.oracle.trail], self.done
        # A first version whose writer was cut off before its entry is found as that of the user of Collibra.
        assert {each.actor for each in store.history(self.contract_id)[1:]} <= {"ada"}
        for version, (status, purpose) in self.oracle.there.items():
            assert store.version(self.contract_id, version).status.value == status
            given = contract(self.contract_id, version, purpose=purpose).source
            assert store.get(self.contract_id, version).source == given
        found = gateway(self.server).contracts(manifest_id=self.contract_id)
        assert len(found) == 1
        shown = StatusNames().meaning(self.server.asset_status(found[0].id))
        try:
            latest = store.latest(self.contract_id).version
        except ContractMissing:
            latest = None
        assert latest == self.oracle.latest()
        assert (shown is Status.VALIDATED) == (latest is not None), self.done
        assert latest in (None, found[0].active_version)


@pytest.mark.parametrize("seed", range(4))
def test_random_operations_through_random_faults_leave_both_sides_equal(seed: int) -> None:
    switches = Switches(active_version_verb=("PUT", "PATCH", "NONE", "BOTH")[seed])
    with CollibraServer(switches=switches) as server:
        soak = Soak(server, ports_of(server), seed)
        for _ in range(60):
            soak.step()
        soak.compare()
        assert soak.failures > 0
        texts = [row["content"] for row in server.state.tables["comments"].values()]
        assert len({hashlib.sha256(text.encode()).hexdigest() for text in texts}) == len(texts)
        assert len(server.state.tables["contracts"]) == 1
