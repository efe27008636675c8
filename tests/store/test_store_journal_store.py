"""What the store decides beyond the suite: clocks, lost races, direct validation, the guards, and damaged trails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest

from lakepact.contract import Contract, load_contract
from lakepact.errors import ConfigurationError, ContractMissing, StoreConflict, UsageError, VersionRefused
from lakepact.store import Event, EventKind, JournalStore, MemoryJournal, Status, Summary
from lakepact.testing.store_samples import contract, document
from lakepact.testing.store_suite import put_event, status_event

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)


class _Raced(MemoryJournal):
    """A journal in which somebody else is first as often as there are `rivals`."""

    def __init__(self) -> None:
        super().__init__()
        self.rivals: list[Callable[[], object]] = []

    def append(self, event: Event, document: bytes | None) -> bool:
        if self.rivals:
            (first, *rest), self.rivals = self.rivals, []
            first()
            self.rivals = rest
        return super().append(event, document)


@pytest.fixture
def journal() -> _Raced:
    return _Raced()


@pytest.fixture
def store(journal: _Raced) -> JournalStore:
    return JournalStore(journal, review_required=False, clock=lambda: NOON, pause=lambda _seconds: None)


def test_times_are_those_of_the_clock_in_utc(journal: _Raced) -> None:
    local = NOON.astimezone(timezone(timedelta(hours=5)))
    stored = JournalStore(journal, clock=lambda: local).put(contract(), actor="ada")
    assert (stored.created_at, stored.created_at.tzinfo) == (NOON, UTC)


def test_a_clock_that_is_behind_keeps_the_order_of_the_trail(journal: _Raced, store: JournalStore) -> None:
    store.put(contract(), actor="ada")
    late = JournalStore(journal, clock=lambda: NOON - timedelta(hours=1))
    late.set_status("orders", "1.0.0", Status.IN_REVIEW, actor="bob", reason="x")
    assert [event.at for event in store.history("orders")] == [NOON, NOON]
    assert store.list_versions("orders", on=NOON)[0].status is Status.IN_REVIEW


def test_a_writer_that_loses_a_race_tries_again_where_its_expectation_holds(
    journal: _Raced, store: JournalStore
) -> None:
    rival = JournalStore(journal)
    first = store.put(contract(), actor="ada")
    journal.rivals += [
        partial(rival.put, contract("orders", f"2.{number}.0"), actor="eve", reason="quicker") for number in range(2)
    ]
    second = store.put(contract(columns=("a",)), actor="ada", expected=first.sha256)
    assert [event.actor for event in store.history("orders")] == ["ada", "eve", "eve", "ada"]
    assert store.version("orders", "1.0.0") == second


def test_a_writer_that_loses_a_race_is_refused_where_its_expectation_fails(
    journal: _Raced, store: JournalStore
) -> None:
    first = store.put(contract(), actor="ada")
    rival = JournalStore(journal)
    journal.rivals.append(lambda: rival.put(contract(columns=("x",)), actor="eve", expected=first.sha256))
    with pytest.raises(StoreConflict, match="was changed by eve"):
        store.put(contract(columns=("a",)), actor="ada", expected=first.sha256)


def test_a_writer_that_always_loses_gives_up(store: JournalStore) -> None:
    class Never(MemoryJournal):
        def append(self, event: Event, document: bytes | None) -> bool:
            return False

    pauses: list[float] = []
    words = r"^LP851: 'orders' was written by others 200 times while this writer tried\n  hint: try again$"
    with pytest.raises(StoreConflict, match=words):
        JournalStore(Never(), pause=pauses.append).put(contract(), actor="ada")
    assert len(pauses) == 200
    assert 0 < max(pauses) <= 0.2


def test_direct_validation_is_guarded_as_well(store: JournalStore) -> None:
    assert store.put(contract(columns=("a", "b")), actor="ada", status=Status.VALIDATED).status is Status.VALIDATED
    with pytest.raises(VersionRefused, match=r"^LP853: 'orders' 1\.1\.0 is too low for what changed since 1\.0\.0:\n"):
        store.put(contract("orders", "1.1.0", columns=("a",)), actor="ada", status=Status.VALIDATED)
    store.put(contract("orders", "1.1.0", columns=("a", "b", "c")), actor="ada")
    store.set_status("orders", "1.1.0", Status.VALIDATED, actor="ada", reason="small team")
    assert store.latest("orders").version == "1.1.0"


def test_a_refusal_has_facts(store: JournalStore) -> None:
    store.put(contract(columns=("a", "b")), actor="ada", status=Status.VALIDATED)
    store.put(contract("orders", "1.0.1", columns=("a",)), actor="ada")
    with pytest.raises(VersionRefused) as caught:
        store.set_status("orders", "1.0.1", Status.VALIDATED, actor="ada", reason="x")
    assert caught.value.facts == {
        "baseline": "1.0.0",
        "required": "2.0.0",
        "reasons": ["major: `orders.b` was removed."],
    }


def test_the_status_in_the_document_does_not_count(store: JournalStore) -> None:
    store.put(contract(), actor="ada", status=Status.VALIDATED)
    text = document("orders", "1.0.1").replace(b"status: active", b"status: draft")
    assert store.put(load_contract(text), actor="ada", status=Status.VALIDATED).status is Status.VALIDATED


def test_what_a_new_version_is_measured_against(store: JournalStore) -> None:
    def put(version: str, *columns: str) -> None:
        store.put(contract("orders", version, columns=columns), actor="ada", status=Status.VALIDATED)

    put("1.0.0", "a", "b")
    put("2.0.0-rc.1", "a")
    put("2.0.0", "a")
    put("1.0.1", "a", "b")
    with pytest.raises(
        VersionRefused, match=r"too low for what changed since 1\.0\.1:\n  major: `orders\.b` was removed"
    ):
        put("1.1.0", "a")
    with pytest.raises(VersionRefused, match=r"too low for what changed since 2\.0\.0:\n  minor: "):
        put("2.0.1", "a", "c")
    for version in ("1.0.0", "1.0.1", "2.0.0"):
        for status in (Status.DEPRECATED, Status.RETIRED):
            store.set_status("orders", version, status, actor="ada", reason="over")
    put("2.1.0", "z")


def test_a_contract_without_its_document_is_not_put(store: JournalStore) -> None:
    given = contract()
    with pytest.raises(UsageError, match=r"^LP855: the contract 'orders' was not read from a document\n"):
        store.put(replace(given, source=b""), actor="ada")
    words = r"^LP855: the contract calls itself 'orders' 2\.0\.0, its document 'orders' 1\.0\.0\n"
    with pytest.raises(UsageError, match=words):
        store.put(replace(given, version="2.0.0"), actor="ada")
    assert store.list_contracts() == ()


def test_a_version_that_yaml_takes_for_a_number_is_taken(store: JournalStore) -> None:
    text = document("orders", "1.0.0").replace(b'version: "1.0.0"', b"version: 1.10")
    read = load_contract(text)
    assert store.put(read, actor="ada").version == read.version


@pytest.mark.parametrize(
    ("actor", "reason", "words"),
    [
        ("a\udc80", "x", r"the actor is not Unicode text: 'a\\udc80'"),
        ("ada", "\ud800", r"the reason is not Unicode text: '\\ud800'"),
        ("a\0b", "x", r"the actor has a NUL character: 'a\\x00b'"),
    ],
)
def test_text_that_no_place_can_keep(store: JournalStore, actor: str, reason: str, words: str) -> None:
    with pytest.raises(UsageError, match=f"^LP855: {words}$"):
        store.put(contract(), actor=actor, reason=reason)


def test_none_of_that_status(store: JournalStore) -> None:
    store.put(contract(), actor="ada")
    with pytest.raises(ContractMissing) as caught:
        store.latest("orders")
    assert str(caught.value) == "LP850: 'orders' has no validated version\n  hint: its versions are 1.0.0 (draft)"
    assert caught.value.exit_code == 2
    with pytest.raises(
        ContractMissing, match=r"^LP850: 'orders' has no version that fits '>1' on 2024-01-30T12:00:00\+00:00\n"
    ):
        store.latest("orders", status=None, specifier=">1", on=NOON - timedelta(days=1))


def test_a_wrong_specifier_is_told_before_anything_is_read(store: JournalStore) -> None:
    with pytest.raises(ConfigurationError, match=r"^LP171: `=>1` is not a version specifier"):
        store.latest("nothing", specifier="=>1")


def test_a_trail_with_a_gap_is_not_served(journal: _Raced, store: JournalStore) -> None:
    journal.append(put_event("orders", 2, b"x"), b"x")
    with pytest.raises(ConfigurationError, match=r"^LP854: the events of 'orders' are damaged: event 1 is missing\n"):
        store.version("orders", "1.0.0")


def test_a_trail_of_two_contracts_is_not_served(store: JournalStore, journal: _Raced) -> None:
    class Mixed(MemoryJournal):
        def events(self, contract_id: str) -> tuple[Event, ...]:
            return (put_event("orders", 1, b"x"), put_event("people", 2, b"x"))

    words = r"^LP854: the events of 'orders' are damaged: another contract's are among them\n"
    with pytest.raises(ConfigurationError, match=words):
        JournalStore(Mixed()).version("orders", "1.0.0")


def test_a_status_of_other_bytes_is_not_served(journal: _Raced, store: JournalStore) -> None:
    journal.append(put_event("orders", 1, b"x"), b"x")
    journal.append(status_event("orders", 2, b"y"), None)
    with pytest.raises(ConfigurationError, match=r"event 2 is about bytes of 1\.0\.0 that were never put"):
        store.version("orders", "1.0.0")


def test_search_serves_the_rest_and_says_so(
    journal: _Raced, store: JournalStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.put(contract("people"), actor="ada")
    journal.append(put_event("orders", 2, b"x"), b"x")
    with caplog.at_level(logging.WARNING):
        assert [each.contract_id for each in store.search()] == ["people"]
    assert caplog.messages == ["a contract is left out: the events of 'orders' are damaged: event 1 is missing"]
    assert store.damaged() == ()


def test_a_step_keeps_what_search_looks_at(journal: _Raced, store: JournalStore) -> None:
    store.put(contract(purpose="Sales"), actor="ada")
    store.set_status("orders", "1.0.0", Status.IN_REVIEW, actor="ada", reason="x")
    assert [each.status for each in store.search("sales")] == [Status.IN_REVIEW]
    assert [event.summary for event in store.history("orders") if event.kind is EventKind.STATUS] == [Summary()]


def test_the_team_is_what_owners_are(store: JournalStore) -> None:
    team = "team: {name: Sales, members: [{username: ada@example.com, name: Ada}]}\n"
    given: Contract = contract(extra=team)
    assert store.put(given, actor="x").summary.owners == ("Sales", "Ada", "ada@example.com")


def test_a_published_pre_release_holds_back_only_pre_releases(store: JournalStore) -> None:
    def put(version: str, *columns: str) -> None:
        store.put(contract("orders", version, columns=columns), actor="ada", status=Status.VALIDATED)

    put("1.0.0", "a")
    put("1.1.0-rc.2", "a", "b")
    put("1.0.1", "a")
    with pytest.raises(
        VersionRefused, match=r"^LP853: 'orders' 1\.1\.0-rc\.1 would go back: 1\.1\.0-rc\.2 is published\n"
    ):
        put("1.1.0-rc.1", "a")
    # Readers of releases never saw the column of the pre-release.
    put("1.1.0", "a")
