"""The poller of Collibra: what it tells of, and that a killed one loses nothing and tells of nothing twice."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakepact.collibra.model import ManifestUpload
from lakepact.collibra.stub_gateway import StubGateway
from lakepact.errors import ConfigurationError, RemoteUnavailable
from lakepact.rerun.collibra_watch import CollibraWatch, WatchState
from lakepact.rerun.inbox import Arrival
from lakepact.rerun.memory_inbox import MemoryInbox
from lakepact.testing.store_samples import contract


class Crash(BaseException):
    """The process is gone."""


class Clock:
    """A time that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Counting(StubGateway):
    """The stub, which counts looks at versions, hides assets, and may be away."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=lambda: clock().timestamp())
        self.looked: list[str] = []
        self.hidden: set[str] = set()
        self.away = False

    def versions(self, contract: str):  # type: ignore[no-untyped-def]
        self.looked.append(contract)
        return super().versions(contract)

    def assets(self, type_id: str, *, name: str = ""):  # type: ignore[no-untyped-def]
        return tuple(each for each in super().assets(type_id, name=name) if each.id not in self.hidden)

    def contracts(self, *, manifest_id: str = ""):  # type: ignore[no-untyped-def]
        if self.away:
            raise RemoteUnavailable("stub does not answer", "LP902")
        return super().contracts(manifest_id=manifest_id)


class Told:
    """Takes events as an inbox does, and remembers them in order."""

    def __init__(self) -> None:
        self.inbox = MemoryInbox()
        self.takes = True

    def __call__(self, arrival: Arrival) -> bool:
        if self.takes:
            self.inbox.receive(arrival)
        return self.takes

    @property
    def events(self) -> list[tuple[str, str, str]]:
        found = [each.arrival for each in self.inbox.list()]
        return [(each.contract_id, each.version, each.status) for each in found]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tenant(clock: Clock) -> Counting:
    return Counting(clock)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def watch(tenant: Counting, clock: Clock, told: Told, tmp_path: Path) -> Callable[[], CollibraWatch]:
    """Starts the watcher, as often as it is called."""
    return lambda: CollibraWatch(tenant, WatchState(tmp_path / "state.json", address="stub"), told, clock=clock)


def made(tenant: StubGateway, contract_id: str = "orders", version: str = "1.0.0") -> str:
    """A contract whose first version is active; the id of its asset."""
    content = contract(contract_id, version).source
    upload = ManifestUpload(manifest_id=contract_id, version=version, content=content)
    found = tenant.initialise(tenant.add_port(contract_id), upload)
    assert found is not None
    return found.id


def pushed(tenant: StubGateway, asset: str, contract_id: str, version: str, *, active: bool = True) -> None:
    content = contract(contract_id, version).source
    upload = ManifestUpload(manifest_id=contract_id, version=version, content=content)
    tenant.push(asset, upload, active=active, force=False)


def test_a_draft_is_no_news_and_its_validation_is(
    tenant: Counting, watch: Callable[[], CollibraWatch], told: Told
) -> None:
    asset, watching = made(tenant), watch()
    assert watching.look() == ()
    tenant.update_status(asset, "Under Review")
    assert watching.look() == ()
    tenant.update_status(asset, "Accepted")
    (arrival,) = watching.look()
    assert (arrival.contract_id, arrival.asset_id, arrival.version, arrival.status) == (
        "orders",
        asset,
        "1.0.0",
        "Accepted",
    )
    assert (arrival.type, arrival.origin.value) == ("collibra.data_contract.status_changed", "poller")
    assert watching.look() == ()
    assert told.events == [("orders", "1.0.0", "Accepted")]


def test_versions_that_become_active_bytes_that_change_and_what_is_withdrawn_are_news(
    tenant: Counting, watch: Callable[[], CollibraWatch], told: Told, clock: Clock
) -> None:
    asset, watching = made(tenant), watch()
    tenant.update_status(asset, "Accepted")
    watching.look()
    pushed(tenant, asset, "orders", "1.1.0", active=False)
    assert watching.look() == ()
    tenant.activate(asset, "1.1.0")
    assert [each.type for each in watching.look()] == ["collibra.data_contract.version_changed"]
    clock.now += timedelta(seconds=5)
    tenant.edit_manifest(asset, "1.1.0", contract("orders", "1.1.0", purpose="x").source)
    assert [each.version for each in watching.look()] == ["1.1.0"]
    tenant.update_status(asset, "Obsolete")
    assert [each.status for each in watching.look()] == ["Obsolete"]
    assert watching.look() == ()
    tenant.update_status(asset, "Accepted")
    assert [each.status for each in watching.look()] == ["Accepted"]
    assert len(told.events) == 5


def test_what_goes_away_is_told_and_what_is_hidden_is_not(
    tenant: Counting, watch: Callable[[], CollibraWatch], told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("orders", "rides"):
        tenant.update_status(made(tenant, name), "Accepted")
    watching = watch()
    assert len(watching.look()) == 2
    (orders,) = tenant.contracts(manifest_id="orders")
    tenant.hidden.add(orders.id)
    assert watching.look() == ()
    assert caplog.messages == ["the asset of 'orders' is not shown: may the user see it?"]
    (rides,) = tenant.contracts(manifest_id="rides")
    del tenant._state["contracts"][rides.id]
    assert [(each.contract_id, each.status) for each in watching.look()] == [("rides", "")]
    assert watching.look() == ()


def test_bytes_are_looked_at_when_the_asset_changed_lately_and_once_a_day(
    tenant: Counting, watch: Callable[[], CollibraWatch], clock: Clock
) -> None:
    asset, watching = made(tenant), watch()
    tenant.update_status(asset, "Accepted")
    clock.now += timedelta(hours=1)
    tenant.update_status(made(tenant, "later"), "Accepted")
    watching.look()
    tenant.looked.clear()
    watching.look()
    assert asset not in tenant.looked  # It changed an hour before the last change that was seen.
    assert len(tenant.looked) == 1
    clock.now += timedelta(hours=1)
    tenant.edit_manifest(asset, "1.0.0", contract(purpose="edited past everybody").source)
    assert watching.look() == ()
    clock.now += timedelta(hours=23)
    assert [each.contract_id for each in watching.look()] == ["orders"]
    tenant.edit_manifest(asset, "1.0.0", contract(purpose="and again").source)
    assert watching.look() == ()
    assert [each.contract_id for each in watching.look(thorough=True)] == ["orders"]


def test_an_event_that_was_not_taken_comes_again_and_holds_up_no_other(
    tenant: Counting, watch: Callable[[], CollibraWatch], told: Told
) -> None:
    for name in ("orders", "rides"):
        tenant.update_status(made(tenant, name), "Accepted")
    told.takes = False
    watching = watch()
    assert watching.look() == ()
    told.takes = True
    assert [each.contract_id for each in watch().look()] == ["orders", "rides"]


def test_what_was_taken_is_written_down_before_the_next_is_told(tenant: Counting, clock: Clock, tmp_path: Path) -> None:
    for name in ("orders", "rides"):
        tenant.update_status(made(tenant, name), "Accepted")
    told: list[str] = []

    def tell(arrival: Arrival) -> bool:
        told.append(arrival.contract_id)
        if told == ["orders", "rides"]:
            raise Crash
        return True

    for _ in range(2):
        with contextlib.suppress(Crash):
            CollibraWatch(tenant, WatchState(tmp_path / "state.json", address="stub"), tell, clock=clock).look()
    assert told == ["orders", "rides", "rides"]


def test_what_happened_while_collibra_was_away_is_told_later(
    tenant: Counting, watch: Callable[[], CollibraWatch], told: Told
) -> None:
    asset, watching = made(tenant), watch()
    tenant.away = True
    tenant.update_status(asset, "Accepted")
    with pytest.raises(RemoteUnavailable, match=r"^LP902: stub does not answer"):
        watching.look()
    tenant.away = False
    assert len(watching.look()) == 1


def test_two_contracts_with_one_id_are_told_of_to_nobody(
    tenant: Counting, watch: Callable[[], CollibraWatch], caplog: pytest.LogCaptureFixture
) -> None:
    first, second = made(tenant), made(tenant, "other")
    tenant._state["contracts"][second]["manifest_id"] = "orders"
    for asset in (first, second):
        tenant.update_status(asset, "Accepted")
    assert watch().look() == ()
    assert caplog.messages == ["Collibra has two contracts with the id 'orders': nothing is told of them"]


def test_a_state_that_cannot_be_read_or_is_of_another_collibra_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    WatchState(file, address="here").save()
    with pytest.raises(ConfigurationError, match=r"^LP941: .*state\.json is the state of a watch of here"):
        WatchState(file, address="there")
    for text in ("{", "[]", "{}", json.dumps({"format": 2}), file.read_text().replace('"contracts": {}', '"x": 1')):
        file.write_text(text)
        with pytest.raises(ConfigurationError, match=r"^LP941: .*state\.json is no state of a watch: "):
            WatchState(file, address="here")


class Dying(WatchState):
    """A state whose process is gone before or after it is written, when `fuse` comes to its end."""

    fuse = 0

    def save(self) -> None:
        self._burn()
        super().save()
        self._burn()

    def _burn(self) -> None:
        type(self).fuse -= 1
        if type(self).fuse == 0:
            raise Crash


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["accept", "withdraw", "version", "edit", "wait", "look"]),
        st.sampled_from(["a", "b"]),
        st.integers(0, 7),
    ),
    max_size=25,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_a_watcher_that_is_killed_tells_what_one_tells_that_is_not(
    steps: list[tuple[str, str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Both look at the same moments; one dies in the middle of its looks, and starts again."""
    clock, folder = Clock(), tmp_path_factory.mktemp("watch")
    tenant, steady, dying = Counting(clock), Told(), Told()
    assets = {name: made(tenant, name) for name in ("a", "b")}
    reference = CollibraWatch(tenant, WatchState(folder / "steady.json", address="x"), steady, clock=clock)
    numbers = {"a": 0, "b": 0}

    def tell(arrival: Arrival) -> bool:
        Dying.fuse -= 1
        if Dying.fuse == 0:
            raise Crash
        return dying(arrival)

    for what, name, fuse in [*steps, ("look", "a", 0)]:
        clock.now += timedelta(seconds=20)
        asset = assets[name]
        if what == "accept":
            tenant.update_status(asset, "Accepted")
        elif what == "withdraw":
            tenant.update_status(asset, "Obsolete")
        elif what == "version":
            numbers[name] += 1
            pushed(tenant, asset, name, f"1.{numbers[name]}.0")
        elif what == "edit":
            version = f"1.{numbers[name]}.0"
            tenant.edit_manifest(asset, version, contract(name, version, purpose=str(clock.now)).source)
        elif what == "wait":
            clock.now += timedelta(hours=9)
        else:
            reference.look()
            Dying.fuse = fuse
            while True:
                try:
                    CollibraWatch(tenant, Dying(folder / "dying.json", address="x"), tell, clock=clock).look()
                except Crash:
                    continue
                break
    assert dying.events == steady.events
    for name in assets:
        mine = [each for each in dying.events if each[0] == name]
        status = tenant.asset(assets[name]).status
        assert (mine[-1][1:] if mine else ("", "Candidate"))[1] == status or not mine
