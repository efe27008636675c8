"""How many requests the store makes: what was read is not asked for again, and what is asked for is little."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from collibra_connections import gateway, ports_of

from lakepact.collibra.cache import ContractCache
from lakepact.collibra.store import CollibraContractStore
from lakepact.errors import ContractMissing, RemoteUnavailable, StoreConflict
from lakepact.rerun.collibra_source import CollibraSource
from lakepact.store.model import Status
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.store_samples import contract

TOKEN = "/rest/oauth/v2/token"
Opened = Callable[..., CollibraContractStore]


class Clock:
    """A time that tests move; the tenant has the same one."""

    def __init__(self) -> None:
        self.now = datetime(2024, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[CollibraServer]:
    with CollibraServer(clock=lambda: clock().timestamp()) as found:
        yield found


@pytest.fixture
def opened(server: CollibraServer, clock: Clock) -> Opened:
    port_of = ports_of(server)

    def made(**options: Any) -> CollibraContractStore:
        return CollibraContractStore(gateway(server), port_of=port_of, clock=clock, **options)

    return made


def asked(server: CollibraServer) -> list[str]:
    """The paths that were asked for since the last call, tokens apart."""
    found = [each.path for each in server.requests if each.path != TOKEN]
    server.requests.clear()
    return found


def validated(store: CollibraContractStore, version: str = "1.0.0") -> None:
    store.put(contract("orders", version), actor="ada", status=Status.IN_REVIEW)
    store.set_status("orders", version, Status.VALIDATED, actor="bob", reason="good")


def asset_of(server: CollibraServer) -> str:
    (found,) = server.state.tables["contracts"]
    return str(found)


def test_the_first_look_for_what_is_validated_takes_three_requests(server: CollibraServer, opened: Opened) -> None:
    validated(opened())
    asked(server)
    store = opened(fresh_for=30.0)
    found = store.latest("orders")
    assert (found.version, found.changed_by) == ("1.0.0", "bob")
    asset = asset_of(server)
    contracts = "/rest/dataProduct/v1/dataContracts"
    assert asked(server) == [contracts, "/rest/2.0/comments", f"/rest/2.0/assets/{asset}"]
    assert store.get("orders", "1.0.0").source == contract().source
    assert asked(server) == [f"{contracts}/{asset}/versions/manifest"]
    store.latest("orders")
    store.get("orders", "1.0.0")
    assert asked(server) == []


def test_with_the_asset_mapped_three_requests_give_the_document(server: CollibraServer, opened: Opened) -> None:
    opened().put(contract(), actor="ada")
    asset = asset_of(server)
    server.set_asset_status(asset, "Accepted")
    asked(server)
    store = opened(fresh_for=30.0, asset_of=lambda contract_id: asset)
    assert store.get("orders", store.latest("orders").version).source == contract().source
    active = f"/rest/dataProduct/v1/dataContracts/{asset}/activeVersion/manifest"
    assert asked(server) == ["/rest/2.0/comments", f"/rest/2.0/assets/{asset}", active]


def test_a_mapping_that_names_another_asset_is_not_believed(server: CollibraServer, opened: Opened) -> None:
    validated(opened())
    opened().put(contract("other", "2.0.0"), actor="ada")
    other = next(key for key, row in server.state.tables["contracts"].items() if row["manifestId"] == "other")
    server.set_asset_status(other, "Accepted")
    for wrong in (other, "7f1c0e1a-0000-4000-8000-000000000001"):
        assert opened(asset_of=lambda contract_id, wrong=wrong: wrong).latest("orders").version == "1.0.0"


def test_the_short_look_says_what_the_long_one_says(server: CollibraServer, opened: Opened) -> None:
    """Whatever stewards do: of validated versions both say the same."""
    validated(opened())
    validated(opened(), "1.1.0")
    opened().put(contract("orders", "1.2.0"), actor="ada")
    asset = asset_of(server)
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: server.set_manifest(asset, "1.3.0", contract("orders", "1.3.0").source),
        lambda: gateway(server).activate(asset, "1.0.0"),
        lambda: gateway(server).activate(asset, "1.2.0"),
        lambda: server.set_manifest(asset, "1.2.0", contract("orders", "1.2.0", purpose="edited").source),
        lambda: gateway(server).activate(asset, "1.3.0"),
        lambda: server.set_asset_status(asset, "Under Review"),
        lambda: server.set_asset_status(asset, "Accepted"),
        lambda: server.set_asset_status(asset, "Obsolete"),
    ]
    told = []
    for step in steps:
        step()
        long, short = opened(), opened()
        wanted = [each for each in long.list_versions("orders") if each.status is Status.VALIDATED]
        try:
            found = short.latest("orders")
        except ContractMissing:
            found = None
        assert (found and (found.version, found.sha256)) == (
            (wanted[-1].version, wanted[-1].sha256) if wanted else None
        )
        told.append(found.version if found else "-")
    assert told == ["1.1.0", "1.1.0", "1.1.0", "1.2.0", "1.2.0", "1.3.0", "-", "1.3.0", "-"]


def test_bytes_that_were_changed_after_the_review_are_refused_after_a_short_look(
    server: CollibraServer, opened: Opened
) -> None:
    validated(opened())
    server.set_manifest(asset_of(server), "1.0.0", contract(purpose="other").source)
    store = opened(fresh_for=30.0)
    assert store.latest("orders").version == "1.0.0"
    with pytest.raises(StoreConflict, match=r"^LP911: the bytes of 'orders' 1\.0\.0 in Collibra are not those"):
        store.get("orders", "1.0.0")


def test_what_did_not_change_takes_one_request(server: CollibraServer, opened: Opened, clock: Clock) -> None:
    validated(opened())
    clock.pass_by(hours=1)
    store = opened(fresh_for=30.0, quiet_for=300.0)
    store.latest("orders")
    asked(server)
    for _ in range(4):
        clock.pass_by(seconds=60)
        assert store.latest("orders").version == "1.0.0"
        assert asked(server) == ["/rest/2.0/activities"]
    clock.pass_by(seconds=60)  # Activities are believed for so long only.
    assert store.latest("orders").version == "1.0.0"
    assert len(asked(server)) == 3


def test_what_changed_is_looked_at_whatever_changed_it(server: CollibraServer, opened: Opened, clock: Clock) -> None:
    validated(opened())
    clock.pass_by(hours=1)
    store = opened(fresh_for=30.0, quiet_for=300.0)
    store.latest("orders")
    clock.pass_by(seconds=31)
    validated(opened(), "1.1.0")
    assert store.latest("orders").version == "1.1.0"
    clock.pass_by(seconds=31)
    asked(server)
    assert store.latest("orders").version == "1.1.0"
    assert asked(server) == ["/rest/2.0/activities"]
    server.set_asset_status(asset_of(server), "Obsolete")
    clock.pass_by(seconds=31)
    with pytest.raises(ContractMissing, match=r"^LP850: 'orders' has no validated version"):
        store.latest("orders")


def test_the_rerun_job_does_not_believe_what_was_read_before_its_event(server: CollibraServer, opened: Opened) -> None:
    opened().put(contract(), actor="ada")
    store = opened(fresh_for=3600.0, quiet_for=3600.0)
    source = CollibraSource(store)
    assert source.validated("orders") is None
    server.set_asset_status(asset_of(server), "Accepted")
    found = source.validated("orders")
    assert found is not None
    assert found.source == contract().source
    server.down = True
    with pytest.raises(RemoteUnavailable, match=r"^LP902: "):
        source.validated("orders")


def test_another_process_begins_with_the_cache(
    server: CollibraServer, opened: Opened, clock: Clock, tmp_path: Path
) -> None:
    validated(opened())
    clock.pass_by(hours=1)
    opened(quiet_for=300.0, cache=ContractCache(tmp_path)).list_versions("orders")
    clock.pass_by(seconds=60)
    asked(server)
    store = opened(fresh_for=30.0, quiet_for=300.0, cache=ContractCache(tmp_path))
    assert store.get("orders", store.latest("orders").version).id == "orders"
    found = asked(server)
    assert found[0] == "/rest/2.0/activities"
    assert len(found) == 2  # The document was never read.


def test_a_short_look_is_not_taken_for_a_whole_one(
    server: CollibraServer, opened: Opened, clock: Clock, tmp_path: Path
) -> None:
    validated(opened())
    opened().put(contract("orders", "1.1.0"), actor="ada")
    server.set_manifest(asset_of(server), "1.2.0", contract("orders", "1.2.0").source)
    clock.pass_by(hours=1)
    options = {"fresh_for": 30.0, "quiet_for": 300.0}
    store = opened(cache=ContractCache(tmp_path), **options)
    store.latest("orders")
    kept = ContractCache(tmp_path).contract("orders")
    assert kept is not None
    assert not kept.complete
    assert replace(kept, complete=True) != kept
    for each in (store, opened(cache=ContractCache(tmp_path), **options)):
        assert [one.version for one in each.list_versions("orders")] == ["1.0.0", "1.1.0", "1.2.0"]
    assert store.get("orders", "1.2.0").version == "1.2.0"


def test_a_collibra_that_shows_no_activities_is_asked_once(
    server: CollibraServer, opened: Opened, clock: Clock
) -> None:
    validated(opened())
    store = opened(quiet_for=300.0)
    store.latest("orders")
    server.faults.fail_next(1, 403, path="/activities")
    asked(server)
    for _ in range(2):
        clock.pass_by(seconds=60)
        store.latest("orders")
    assert asked(server).count("/rest/2.0/activities") == 1


def test_a_list_of_what_did_not_change_takes_two_requests_each(
    server: CollibraServer, opened: Opened, clock: Clock, tmp_path: Path
) -> None:
    store = opened()
    for number in range(20):
        for version in range(2):
            store.put(contract(f"c{number}", f"1.{version}.0"), actor="ada", status=Status.IN_REVIEW)
        store.set_status(f"c{number}", "1.1.0", Status.VALIDATED, actor="bob", reason="good")
    opened(cache=ContractCache(tmp_path)).search()
    clock.pass_by(hours=1)
    asked(server)
    again = opened(cache=ContractCache(tmp_path), quiet_for=300.0)
    assert len(again.search()) == 40
    assert len(asked(server)) <= 2 * 20 + 3
    assert not any(again.interrupted(f"c{number}") for number in range(20))
    clock.pass_by(seconds=60)
    assert len(again.search()) == 40
    assert len(asked(server)) <= 20 + 3


def test_a_draft_that_a_steward_accepted_takes_four_requests_with_its_document(
    server: CollibraServer, opened: Opened
) -> None:
    """The bytes are read, because a steward may have changed them before: the document costs nothing more."""
    opened().put(contract(), actor="ada")
    asset = asset_of(server)
    server.set_asset_status(asset, "Accepted")
    asked(server)
    store = opened(fresh_for=30.0)
    assert store.get("orders", store.latest("orders").version).source == contract().source
    contracts = "/rest/dataProduct/v1/dataContracts"
    active = f"{contracts}/{asset}/activeVersion/manifest"
    assert asked(server) == [contracts, "/rest/2.0/comments", f"/rest/2.0/assets/{asset}", active]


def test_a_short_look_that_does_not_do_is_the_beginning_of_the_long_one(server: CollibraServer, opened: Opened) -> None:
    port = server.add_port("made in Collibra")
    asset = server.add_contract("Orders", port, contract().source)
    asked(server)
    contracts = "/rest/dataProduct/v1/dataContracts"
    looked = [contracts, "/rest/2.0/comments", f"/rest/2.0/assets/{asset}"]
    versions = [f"{contracts}/{asset}/versions", f"{contracts}/{asset}/versions/manifest"]
    with pytest.raises(ContractMissing, match=r"^LP\d+: .*orders"):
        opened(fresh_for=30.0).latest("orders")
    assert asked(server) == looked + versions
    server.set_asset_status(asset, "Accepted")
    store = opened(fresh_for=30.0)
    assert store.get("orders", store.latest("orders").version).source == contract().source
    assert asked(server) == [*looked, f"{contracts}/{asset}/activeVersion/manifest", *versions]
