"""What stewards, other tools and accidents do to contracts, and what the store makes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from collibra_store_suite import CollibraStoreSuite

from lakepact.collibra.cache import ContractCache
from lakepact.collibra.ledger import Entry, entry_text
from lakepact.collibra.model import ContractAsset, ManifestUpload
from lakepact.collibra.statuses import StatusNames
from lakepact.collibra.store import CollibraContractStore
from lakepact.collibra.stub_gateway import StubGateway
from lakepact.errors import ConfigurationError, ContractMissing, RemoteUnavailable, StoreConflict, UsageError
from lakepact.store.model import Event, EventKind, Status, StoredVersion
from lakepact.store.protocol import ContractStore
from lakepact.testing.store_samples import contract, document


class Tenant(StubGateway):
    """The stub, whose connection a test can cut: calls of the operations in `cut` raise, before or after their work."""

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder, user="lakepact")
        self.cut: dict[str, str] = {}
        self.calls: list[str] = []
        self.ports: dict[str, str] = {}

    def port_of(self, contract_id: str) -> str:
        if contract_id not in self.ports:
            self.ports[contract_id] = self.add_port(f"port {len(self.ports)}")
        return self.ports[contract_id]

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in _OPERATIONS:
            return found
        cut: dict[str, str] = super().__getattribute__("cut")
        calls: list[str] = super().__getattribute__("calls")

        def call(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            if cut.get(name) == "before":
                raise RemoteUnavailable("stub does not answer: cut", "LP902")
            result = found(*arguments, **options)
            if cut.get(name) == "after":
                raise RemoteUnavailable("stub does not answer: cut", "LP902")
            return result

        return call


_OPERATIONS = frozenset(
    {"contracts", "versions", "manifest", "initialise", "push", "activate", "asset", "update_status"}
)
_OPERATIONS |= {"apply", "statuses", "notes", "add_note", "relations"}


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


@pytest.fixture
def open_store(tenant: Tenant) -> Callable[..., CollibraContractStore]:
    return lambda **options: CollibraContractStore(
        options.pop("gateway", tenant), port_of=tenant.port_of, pause=lambda seconds: None, **options
    )


@pytest.fixture
def store(open_store: Callable[..., CollibraContractStore]) -> CollibraContractStore:
    return open_store()


class TestStubStore(CollibraStoreSuite):
    @pytest.fixture
    def store(self, open_store: Callable[..., CollibraContractStore]) -> ContractStore:
        return open_store()

    @pytest.fixture
    def reopen_store(self, open_store: Callable[..., CollibraContractStore]) -> Callable[[], ContractStore]:
        return open_store


def asset_of(tenant: Tenant, contract_id: str = "orders") -> str:
    found = tenant.contracts(manifest_id=contract_id)
    assert len(found) == 1
    return found[0].id


def steward(tenant: Tenant) -> StubGateway:
    return tenant.as_user("steward")


def validated(store: CollibraContractStore, version: str, **content: Any) -> None:
    store.put(contract("orders", version, **content), actor="ada")
    store.set_status("orders", version, Status.IN_REVIEW, actor="ada", reason="ready")
    store.set_status("orders", version, Status.VALIDATED, actor="bob", reason="good")


def trail(store: CollibraContractStore) -> list[tuple[str, str, str]]:
    return [(event.version, event.status.value, event.actor) for event in store.history("orders")]


def test_a_first_draft_is_active_and_never_validated(tenant: Tenant, store: CollibraContractStore) -> None:
    store.put(contract(), actor="ada")
    assert [(each.version, each.active) for each in tenant.versions(asset_of(tenant))] == [("1.0.0", True)]
    assert tenant.asset(asset_of(tenant)).status == "Candidate"
    with pytest.raises(ContractMissing, match=r"^LP850: 'orders' has no validated version\n"):
        store.latest("orders")


def test_a_first_draft_says_so_even_where_new_assets_are_born_accepted(
    tenant: Tenant, store: CollibraContractStore
) -> None:
    tenant._state["statuses"].reverse()
    tenant._state["statuses"].sort(key=lambda name: name != "Accepted")
    store.put(contract(), actor="ada")
    assert tenant.asset(asset_of(tenant)).status == "Candidate"
    assert store.version("orders", "1.0.0").status is Status.DRAFT


def test_a_steward_accepts_a_draft(tenant: Tenant, store: CollibraContractStore) -> None:
    store.put(contract(), actor="ada")
    steward(tenant).update_status(asset_of(tenant), "Accepted")
    found = store.latest("orders")
    assert (found.version, found.changed_by, found.reason) == ("1.0.0", "steward", "set to Accepted in Collibra")
    assert trail(store) == [("1.0.0", "draft", "ada"), ("1.0.0", "validated", "steward")]


def test_a_steward_enriches_a_draft_and_accepts_it(tenant: Tenant, store: CollibraContractStore) -> None:
    first = store.put(contract(), actor="ada")
    better = document("orders", "1.0.0", purpose="What was sold")
    steward(tenant).push(
        asset_of(tenant),
        ManifestUpload(manifest_id="orders", version="1.0.0", content=better),
        active=True,
        force=True,
    )
    steward(tenant).update_status(asset_of(tenant), "Accepted")
    found = store.latest("orders")
    assert store.get("orders", found.version).source == better
    assert found.summary.purpose == "What was sold"
    assert trail(store)[1:] == [("1.0.0", "draft", "steward"), ("1.0.0", "validated", "steward")]
    with pytest.raises(StoreConflict, match=rf"its hash is {found.sha256}, not {first.sha256}"):
        store.set_status("orders", "1.0.0", Status.DEPRECATED, actor="ada", reason="x", expected_sha256=first.sha256)


def test_bytes_that_were_judged_are_the_bytes_that_are_validated(tenant: Tenant, store: CollibraContractStore) -> None:
    first = store.put(contract(), actor="ada", status=Status.IN_REVIEW)
    tenant.edit_manifest(asset_of(tenant), "1.0.0", document("orders", "1.0.0", purpose="slipped in"))
    with pytest.raises(StoreConflict, match=rf"^LP851: .* was changed by steward: its hash is .*, not {first.sha256}"):
        store.set_status("orders", "1.0.0", Status.VALIDATED, actor="bob", reason="good", expected_sha256=first.sha256)
    assert tenant.asset(asset_of(tenant)).status == "Under Review"


def test_published_bytes_that_were_changed_are_not_given_out(
    tenant: Tenant, store: CollibraContractStore, open_store: Callable[..., CollibraContractStore]
) -> None:
    validated(store, "1.0.0")
    tenant.edit_manifest(asset_of(tenant), "1.0.0", document("orders", "1.0.0", purpose="slipped in"))
    assert store.get("orders", "1.0.0").source == contract().source
    with pytest.raises(
        StoreConflict,
        match=r"^LP911: the bytes of 'orders' 1\.0\.0 in Collibra are not those that were put or reviewed",
    ):
        open_store().get("orders", "1.0.0")


def test_a_draft_waits_beside_what_is_validated(tenant: Tenant, store: CollibraContractStore) -> None:
    validated(store, "1.0.0")
    store.put(contract("orders", "1.1.0", purpose="more"), actor="ada")
    assert {each.version: each.active for each in tenant.versions(asset_of(tenant))} == {"1.0.0": True, "1.1.0": False}
    assert store.latest("orders").version == "1.0.0"
    store.set_status("orders", "1.1.0", Status.IN_REVIEW, actor="ada", reason="ready")
    assert tenant.asset(asset_of(tenant)).status == "Accepted"
    store.set_status("orders", "1.1.0", Status.VALIDATED, actor="bob", reason="good")
    assert [each.version for each in tenant.versions(asset_of(tenant)) if each.active] == ["1.1.0"]
    assert store.latest("orders").version == "1.1.0"


def shown(tenant: Tenant) -> tuple[list[str], str]:
    active = [each.version for each in tenant.versions(asset_of(tenant)) if each.active]
    return active, tenant.asset(asset_of(tenant)).status


def test_collibra_shows_the_latest_that_is_validated_else_the_latest_that_was(
    tenant: Tenant, store: CollibraContractStore
) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0", "2.0.0-rc.1"):
        validated(store, version, purpose=version)
    assert shown(tenant) == (["1.2.0"], "Accepted")
    for version, wanted in (
        ("1.0.0", (["1.2.0"], "Accepted")),
        ("1.2.0", (["1.1.0"], "Accepted")),
        ("1.1.0", (["2.0.0-rc.1"], "Accepted")),
        ("2.0.0-rc.1", (["1.2.0"], "Obsolete")),
    ):
        store.set_status("orders", version, Status.DEPRECATED, actor="ada", reason="old")
        assert shown(tenant) == wanted
    assert trail(store)[-1] == ("2.0.0-rc.1", "deprecated", "ada")


def test_a_steward_activates_the_draft_that_waits(tenant: Tenant, store: CollibraContractStore) -> None:
    validated(store, "1.0.0")
    store.put(contract("orders", "1.1.0", purpose="more"), actor="ada")
    steward(tenant).activate(asset_of(tenant), "1.1.0")
    assert store.latest("orders").version == "1.1.0"
    assert store.version("orders", "1.0.0").status is Status.VALIDATED


@pytest.mark.parametrize("status", ["Obsolete", "Rejected", "Under Review", "Candidate", "Archived"])
def test_when_a_steward_withdraws_a_contract_no_older_version_comes_back(
    tenant: Tenant, store: CollibraContractStore, status: str
) -> None:
    validated(store, "1.0.0")
    validated(store, "1.1.0", purpose="more")
    assert store.latest("orders").version == "1.1.0"
    steward(tenant).update_status(asset_of(tenant), status)
    assert store.version("orders", "1.1.0").status is StatusNames().meaning(status)
    with pytest.raises(ContractMissing, match=r"^LP850: 'orders' has no validated version\n"):
        store.latest("orders")


def test_a_status_that_means_nothing_for_contracts_changes_nothing(
    tenant: Tenant, store: CollibraContractStore
) -> None:
    validated(store, "1.0.0")
    tenant.add_status("Access Granted")
    steward(tenant).update_status(asset_of(tenant), "Access Granted")
    assert store.latest("orders").version == "1.0.0"
    store.put(contract("orders", "1.1.0", purpose="more"), actor="ada")
    assert tenant.asset(asset_of(tenant)).status == "Access Granted"


def test_what_happened_in_collibra_becomes_part_of_the_ledger(
    tenant: Tenant, store: CollibraContractStore, open_store: Callable[..., CollibraContractStore]
) -> None:
    store.put(contract(), actor="ada")
    steward(tenant).update_status(asset_of(tenant), "Accepted")
    before = store.history("orders")
    store.put(contract("orders", "1.1.0", purpose="more"), actor="ada")
    assert store.history("orders")[:2] == before
    steward(tenant).update_status(asset_of(tenant), "Obsolete")
    assert [status for _, status, _ in trail(open_store())] == ["draft", "validated", "draft", "deprecated"]
    assert [event.sequence for event in store.history("orders")] == [1, 2, 3, 4]


def test_a_second_writer_waits_for_the_first_entry_of_the_first(tenant: Tenant) -> None:
    first = contract()
    upload = ManifestUpload(manifest_id="orders", version="1.0.0", content=first.source)
    made = tenant.initialise(tenant.port_of("orders"), upload)
    assert made is not None
    event = Event(
        contract_id="orders",
        sequence=1,
        kind=EventKind.PUT,
        version="1.0.0",
        sha256=first.sha256,
        status=Status.DRAFT,
        actor="first",
        at=datetime.now(UTC),
    )
    texts = [entry_text(Entry(token="first", first=1, events=(event,)))]

    def pause(seconds: float) -> None:
        if texts:
            tenant.add_note(made.id, texts.pop())

    store = CollibraContractStore(tenant, port_of=tenant.port_of, pause=pause)
    store.put(contract("orders", "1.1.0"), actor="second")
    assert trail(store) == [("1.0.0", "draft", "first"), ("1.1.0", "draft", "second")]


def made_elsewhere(tenant: Tenant, *versions: str) -> str:
    made: ContractAsset | None = None
    for version in versions:
        upload = ManifestUpload(manifest_id="orders", version=version, content=document("orders", version))
        if made is None:
            made = steward(tenant).initialise(tenant.port_of("orders"), upload)
            assert made is not None
        else:
            steward(tenant).push(made.id, upload, active=version == "1.1.0", force=False)
    assert made is not None
    return made.id


def test_a_contract_that_was_made_without_lakepact(tenant: Tenant, store: CollibraContractStore) -> None:
    asset = made_elsewhere(tenant, "1.0.0", "1.1.0", "1.2.0")
    assert {each.version: each.status for each in store.list_versions("orders")} == dict.fromkeys(
        ["1.0.0", "1.1.0", "1.2.0"], Status.DRAFT
    )
    steward(tenant).update_status(asset, "Accepted")
    found = {each.version: each.status.value for each in store.list_versions("orders")}
    assert found == {"1.0.0": "deprecated", "1.1.0": "validated", "1.2.0": "draft"}
    assert store.latest("orders").version == "1.1.0"
    store.set_status("orders", "1.2.0", Status.IN_REVIEW, actor="ada", reason="go")
    assert store.history("orders")[0].reason == "found in Collibra"


def test_what_is_no_contract_of_that_id_is_left_out(
    tenant: Tenant, store: CollibraContractStore, caplog: pytest.LogCaptureFixture
) -> None:
    asset = made_elsewhere(tenant, "1.0.0")
    bomb = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n".encode() for n in range(9)
    )
    for version, content in (
        ("1.0.1", b"not: ODCS\n"),
        ("1.0.2", document("other", "1.0.2")),
        ("1.0.3", document("orders", "9.9.9")),
        ("1.0.4", bomb),
        ("latest", document("orders", "latest")),
    ):
        tenant.edit_manifest(asset, version, content)
    tenant.activate(asset, "1.0.2")
    steward(tenant).update_status(asset, "Accepted")
    with caplog.at_level(logging.WARNING):
        assert [each.version for each in store.list_versions("orders")] == ["1.0.0"]
    assert "'orders' latest is left out: it is not a semantic version" in caplog.text
    assert "'orders' 1.0.4 is left out: it is no ODCS contract of that id" in caplog.text
    with pytest.raises(ContractMissing, match=r"^LP850: 'orders' has no validated version"):
        store.latest("orders")


def test_what_a_steward_made_active_stays_active_until_somebody_decides(
    tenant: Tenant, store: CollibraContractStore
) -> None:
    validated(store, "1.0.0")
    tenant.edit_manifest(asset_of(tenant), "special", b"not: ODCS\n")
    steward(tenant).activate(asset_of(tenant), "special")
    store.put(contract("orders", "1.1.0", purpose="more"), actor="ada", status=Status.IN_REVIEW)
    assert not store.settle("orders")
    assert [each.version for each in tenant.versions(asset_of(tenant)) if each.active] == ["special"]
    store.set_status("orders", "1.1.0", Status.VALIDATED, actor="bob", reason="good")
    assert [each.version for each in tenant.versions(asset_of(tenant)) if each.active] == ["1.1.0"]


LEVELS = "slaProperties: [{property: latency, value: 4, unit: h}]\n"


def test_what_is_validated_is_applied_where_that_is_wanted(
    tenant: Tenant, open_store: Callable[..., CollibraContractStore], caplog: pytest.LogCaptureFixture
) -> None:
    validated(open_store(), "1.0.0", extra=LEVELS)
    assert tenant.attributes(asset_of(tenant)) == {}
    store = open_store(apply=True)
    store.put(contract("orders", "1.1.0", purpose="more", extra=LEVELS), actor="ada", status=Status.IN_REVIEW)
    assert tenant.attributes(asset_of(tenant)) == {}
    store.set_status("orders", "1.1.0", Status.VALIDATED, actor="bob", reason="good")
    assert tenant.attributes(asset_of(tenant)) == {"Latency": ("4 h",)}
    tenant.cut["apply"] = "before"
    validated(store, "1.2.0", purpose="even more", extra=LEVELS)
    assert store.latest("orders").version == "1.2.0"
    assert "'orders' 1.2.0 is validated and not applied: stub does not answer: cut" in caplog.text


def forged(tenant: Tenant, store: CollibraContractStore) -> str:
    last = store.history("orders")[-1]
    event = replace(last, sequence=last.sequence + 1, kind=EventKind.STATUS, status=Status.VALIDATED, actor="ada")
    return entry_text(Entry(token="t", first=event.sequence, events=(event,)))


def test_only_those_who_own_the_ledger_write_into_it(tenant: Tenant, store: CollibraContractStore) -> None:
    store.put(contract("orders", "1.0.0"), actor="ada")
    store.put(contract("orders", "1.1.0"), actor="ada")
    tenant.as_user("eve").add_note(asset_of(tenant), forged(tenant, store))
    assert len(store.history("orders")) == 2
    tenant.add_note(asset_of(tenant), forged(tenant, store))
    assert len(store.history("orders")) == 3


def test_another_user_of_collibra_has_to_be_named(
    tenant: Tenant, store: CollibraContractStore, open_store: Callable[..., CollibraContractStore]
) -> None:
    store.put(contract(), actor="ada")
    other = open_store(gateway=tenant.as_user("other"))
    with pytest.raises(ConfigurationError, match=r"^LP918: the user other of Collibra is none whose entries count"):
        other.put(contract("orders", "1.1.0"), actor="bob")
    owners = frozenset({"lakepact", "other"})
    open_store(gateway=tenant.as_user("other"), owners=owners).put(contract("orders", "1.1.0"), actor="bob")
    assert trail(open_store(owners=owners)) == [("1.0.0", "draft", "ada"), ("1.1.0", "draft", "bob")]


def test_a_step_that_collibra_refuses_is_taken_back(
    tenant: Tenant, open_store: Callable[..., CollibraContractStore]
) -> None:
    store = open_store(names=StatusNames(validated=("Blessed",)))
    store.put(contract(), actor="ada", status=Status.IN_REVIEW)
    words = r"^LP910: Collibra has no status that means validated: Blessed\n"
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=words):
            store.set_status("orders", "1.0.0", Status.VALIDATED, actor="bob", reason="good")
    assert trail(store) == [("1.0.0", "in review", "ada")]
    tenant.add_status("Blessed")
    store.set_status("orders", "1.0.0", Status.VALIDATED, actor="bob", reason="good")
    assert tenant.asset(asset_of(tenant)).status == "Blessed"
    assert [event.sequence for event in store.history("orders")] == [1, 2]


def test_a_writer_that_was_interrupted_before_the_bytes_goes_on(tenant: Tenant, store: CollibraContractStore) -> None:
    store.put(contract(), actor="ada")
    given = contract("orders", "1.1.0", purpose="more")
    tenant.cut["push"] = "before"
    with pytest.raises(RemoteUnavailable, match=r"^LP902: "):
        store.put(given, actor="ada")
    tenant.cut.clear()
    with pytest.raises(StoreConflict, match=r"^LP911: the document of 'orders' 1\.1\.0 is not in Collibra\n"):
        store.get("orders", "1.1.0")
    store.put(given, actor="ada")
    assert store.get("orders", "1.1.0").source == given.source
    assert tenant.manifest(asset_of(tenant), "1.1.0") == given.source
    assert len(store.history("orders")) == 2


def test_new_bytes_of_a_draft_whose_sending_was_cut_are_not_taken_for_an_edit(
    tenant: Tenant, store: CollibraContractStore
) -> None:
    first = store.put(contract(), actor="ada")
    given = contract(purpose="more")
    tenant.cut["push"] = "before"
    with pytest.raises(RemoteUnavailable, match=r"^LP902: "):
        store.put(given, actor="ada", expected=first.sha256)
    tenant.cut.clear()
    assert store.version("orders", "1.0.0").sha256 == given.sha256
    store.put(given, actor="ada")
    assert tenant.manifest(asset_of(tenant), "1.0.0") == given.source
    assert len(store.history("orders")) == 2


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_first_put_that_was_cut_is_put_again(tenant: Tenant, store: CollibraContractStore, moment: str) -> None:
    for operation in ("initialise", "update_status", "add_note"):
        tenant.cut = {operation: moment}
        try:
            store.put(contract(), actor="ada")
        except RemoteUnavailable:
            assert operation != ""
    tenant.cut = {}
    store.put(contract(), actor="ada")
    assert len(tenant.contracts()) == 1
    assert len(store.history("orders")) == 1
    assert store.version("orders", "1.0.0").status is Status.DRAFT
    assert store.get("orders", "1.0.0").source == contract().source


def test_what_was_decided_and_not_done_is_done_later(tenant: Tenant, store: CollibraContractStore) -> None:
    validated(store, "1.0.0")
    store.put(contract("orders", "1.1.0", purpose="more"), actor="ada", status=Status.IN_REVIEW)
    tenant.cut["activate"] = "before"
    with pytest.raises(RemoteUnavailable, match=r"^LP902: "):
        store.set_status("orders", "1.1.0", Status.VALIDATED, actor="bob", reason="good")
    tenant.cut.clear()
    assert [each.version for each in tenant.versions(asset_of(tenant)) if each.active] == ["1.0.0"]
    assert store.settle("orders")
    assert [each.version for each in tenant.versions(asset_of(tenant)) if each.active] == ["1.1.0"]
    assert not store.settle("orders")
    assert store.latest("orders").version == "1.1.0"


@pytest.mark.parametrize("again", ["settle", "the same step"])
def test_a_status_that_was_decided_and_not_set_is_no_decision_of_a_steward(
    tenant: Tenant, store: CollibraContractStore, again: str
) -> None:
    store.put(contract(), actor="ada", status=Status.IN_REVIEW)
    tenant.cut["update_status"] = "before"
    with pytest.raises(RemoteUnavailable, match=r"^LP902: "):
        store.set_status("orders", "1.0.0", Status.VALIDATED, actor="bob", reason="good")
    tenant.cut.clear()
    decided = [("1.0.0", "in review", "ada"), ("1.0.0", "validated", "bob")]
    assert trail(store) == decided
    assert tenant.asset(asset_of(tenant)).status == "Under Review"
    if again == "settle":
        assert store.settle("orders")
    else:
        store.set_status("orders", "1.0.0", Status.VALIDATED, actor="bob", reason="good")
    assert tenant.asset(asset_of(tenant)).status == "Accepted"
    assert trail(store) == decided


def test_while_collibra_is_away_the_last_good_is_given(
    tenant: Tenant,
    open_store: Callable[..., CollibraContractStore],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [datetime.now(UTC)]
    options: Mapping[str, Any] = {"cache": ContractCache(tmp_path), "clock": lambda: now[0]}
    store = open_store(**options)
    validated(store, "1.0.0")
    store.put(contract("orders", "1.1.0", purpose="more"), actor="ada")
    seen = open_store(**options).latest("orders")
    tenant.cut = dict.fromkeys(_OPERATIONS, "before")
    now[0] += timedelta(hours=1)
    later = open_store(cache=ContractCache(tmp_path), clock=lambda: now[0])
    with caplog.at_level(logging.WARNING):
        assert later.latest("orders") == seen
    assert "Collibra is away; 'orders' is as it was 3600 s ago" in caplog.text
    assert later.get("orders", "1.0.0").source == contract().source
    assert later.version("orders", "1.1.0").status is Status.DRAFT
    assert later.list_contracts() == ("orders",)
    fresh = later.freshness("orders")
    assert fresh is not None
    assert (now[0] - fresh.seen, fresh.live) == (timedelta(hours=1), False)
    with pytest.raises(RemoteUnavailable, match=r"^LP902: "):
        later.put(contract("orders", "1.2.0"), actor="ada")
    with pytest.raises(RemoteUnavailable, match=r"^LP902: "):
        later.latest("never seen")
    tenant.cut = {}
    later.latest("orders")
    fresh = later.freshness("orders")
    assert fresh is not None
    assert (fresh.seen, fresh.live) == (now[0], True)


def test_a_damaged_cache_is_no_cache(
    tenant: Tenant, open_store: Callable[..., CollibraContractStore], tmp_path: Path
) -> None:
    validated(open_store(cache=ContractCache(tmp_path)), "1.0.0")
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.write_bytes(b'{"format": 1, "')
    store = open_store(cache=ContractCache(tmp_path))
    assert store.get("orders", store.latest("orders").version).source == contract().source


def test_for_a_while_nobody_asks_again(tenant: Tenant, open_store: Callable[..., CollibraContractStore]) -> None:
    now = [datetime.now(UTC)]
    store = open_store(fresh_for=30.0, clock=lambda: now[0])
    validated(store, "1.0.0")
    store.get("orders", store.latest("orders").version)
    tenant.calls.clear()
    store.get("orders", store.latest("orders").version)
    assert tenant.calls == []
    now[0] += timedelta(seconds=31)
    store.get("orders", store.latest("orders").version)
    assert tenant.calls == ["notes", "asset", "versions"]


def test_two_contracts_of_one_id_are_no_choice_of_ours(tenant: Tenant, store: CollibraContractStore) -> None:
    first = made_elsewhere(tenant, "1.0.0")
    other = tenant.initialise(
        tenant.port_of("b"), ManifestUpload(manifest_id="b", version="1.0.0", content=document("b", "1.0.0"))
    )
    assert other is not None
    tenant._state["contracts"][other.id]["manifest_id"] = "orders"
    with pytest.raises(UsageError, match=rf"^LP908: Collibra has 2 contracts with the id 'orders': {first} \(stub\), "):
        store.latest("orders")


def test_a_port_that_has_another_contract(tenant: Tenant, store: CollibraContractStore) -> None:
    store.put(contract(), actor="ada")
    tenant.ports["other"] = tenant.ports["orders"]
    words = r"^LP917: the port of 'other' has the contract 'orders' already\n"
    with pytest.raises(StoreConflict, match=words):
        store.put(contract("other"), actor="ada")
    store.set_status("orders", "1.0.0", Status.IN_REVIEW, actor="ada", reason="x")
    store.set_status("orders", "1.0.0", Status.VALIDATED, actor="ada", reason="x")
    with pytest.raises(StoreConflict, match=words):
        store.put(contract("other"), actor="ada")
    assert store.latest("orders").version == "1.0.0"


def test_an_asset_that_is_gone_is_looked_up_again(tenant: Tenant, store: CollibraContractStore) -> None:
    store.put(contract(), actor="ada")
    assert store.version("orders", "1.0.0").status is Status.DRAFT
    gone = asset_of(tenant)
    state = tenant._state
    state["contracts"].clear()
    del state["assets"][gone]
    state["relations"].clear()
    with pytest.raises(ContractMissing, match=r"^LP850: there is no contract 'orders' in collibra:stub"):
        store.latest("orders")
    store.put(contract(), actor="bob")
    assert trail(store) == [("1.0.0", "draft", "bob")]


def test_statuses_of_a_tenant_have_one_meaning_each() -> None:
    with pytest.raises(ConfigurationError, match=r"^LP910: the status 'accepted' of Collibra means both validated and"):
        StatusNames(deprecated=("accepted",))
    with pytest.raises(ConfigurationError, match=r"^LP910: no status of Collibra means draft\n"):
        StatusNames(draft=())
    assert StatusNames().name(Status.VALIDATED, ["ACCEPTED", "Approved"]) == "ACCEPTED"


@pytest.mark.parametrize("hours", [-2, 2])
def test_clocks_that_differ_leave_the_trail_in_order(
    tenant: Tenant, open_store: Callable[..., CollibraContractStore], hours: int
) -> None:
    store = open_store(clock=lambda: datetime.now(UTC) + timedelta(hours=hours))
    store.put(contract(), actor="ada")
    steward(tenant).update_status(asset_of(tenant), "Accepted")
    store.put(contract("orders", "1.1.0"), actor="ada")
    steward(tenant).update_status(asset_of(tenant), "Obsolete")
    assert [status for _, status, _ in trail(store)] == ["draft", "validated", "draft", "deprecated"]
    times = [event.at for event in store.history("orders")]
    assert times == sorted(times)


def test_the_trail_says_when_things_happened(tenant: Tenant, store: CollibraContractStore) -> None:
    store.put(contract(), actor="ada")
    steward(tenant).update_status(asset_of(tenant), "Accepted")
    events: tuple[Event, ...] = store.history("orders")
    stored: StoredVersion = store.latest("orders", on=events[-1].at)
    assert stored.version == "1.0.0"
    assert events[-1].at >= events[0].at
