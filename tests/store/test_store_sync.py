"""Copies between two stores: what is missing is brought, what contradicts itself is told and left alone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lakepact.diff import Waiver
from lakepact.errors import RemoteFailed
from lakepact.store import (
    ContractStore,
    Event,
    JournalStore,
    MemoryJournal,
    Status,
    create_store,
    open_store,
)
from lakepact.store.sync import Outcome, sync
from lakepact.testing.store_samples import contract
from lakepact.testing.store_suite import put_event


class _Place(MemoryJournal):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    @property
    def address(self) -> str:
        return self._name


def _clock() -> datetime:
    return datetime(2024, 1, 31, tzinfo=UTC)


@pytest.fixture
def left() -> JournalStore:
    return JournalStore(_Place("left"), clock=_clock)


@pytest.fixture
def right() -> JournalStore:
    return JournalStore(_Place("right"), clock=_clock)


def _step(store: ContractStore, *statuses: Status, version: str = "1.0.0", actor: str = "bob") -> None:
    for status in statuses:
        store.set_status("orders", version, status, actor=actor, reason=f"now {status}")


def _told(left: ContractStore, right: ContractStore) -> list[tuple[str, str, str, int, str]]:
    return [(each.version, each.outcome.value, each.target, each.steps, each.why) for each in sync(left, right)]


def _trail(store: ContractStore) -> list[tuple[str, str, str, str, str]]:
    return [
        (event.version, event.kind.value, event.status.value, event.actor, event.reason)
        for event in store.history("orders")
    ]


def test_a_copy_has_the_same_trail_and_the_same_bytes(left: JournalStore, right: JournalStore) -> None:
    left.put(contract(columns=("a",)), actor="ada", reason="first")
    _step(left, Status.IN_REVIEW, Status.REJECTED, Status.DRAFT, Status.IN_REVIEW, Status.VALIDATED, Status.DEPRECATED)
    left.put(contract("orders", "2.0.0", columns=("b",)), actor="cy", status=Status.IN_REVIEW)
    assert _told(left, right) == [("1.0.0", "copied", "right", 7, ""), ("2.0.0", "copied", "right", 1, "")]
    assert _trail(right) == _trail(left)
    assert right.get("orders", "1.0.0").source == left.get("orders", "1.0.0").source
    assert _told(left, right) == _told(right, left) == [("1.0.0", "same", "", 0, ""), ("2.0.0", "same", "", 0, "")]


def test_both_directions_at_once(left: JournalStore, right: JournalStore) -> None:
    left.put(contract("orders", "1.0.0"), actor="ada")
    right.put(contract("orders", "1.1.0"), actor="bob")
    right.put(contract("people", "1.0.0"), actor="bob")
    assert [(each.contract_id, each.version, each.target) for each in sync(left, right)] == [
        ("orders", "1.0.0", "right"),
        ("orders", "1.1.0", "left"),
        ("people", "1.0.0", "left"),
    ]
    assert left.list_contracts() == right.list_contracts() == ("orders", "people")


def test_one_that_stopped_on_the_way_goes_on(left: JournalStore, right: JournalStore) -> None:
    left.put(contract(), actor="ada")
    sync(left, right)
    _step(left, Status.IN_REVIEW, Status.VALIDATED)
    assert _told(left, right) == [("1.0.0", "copied", "right", 2, "")]
    _step(right, Status.DEPRECATED, actor="eve")
    assert _told(left, right) == [("1.0.0", "copied", "left", 1, "")]
    assert _trail(left) == _trail(right)


def test_bytes_that_were_replaced_are_replaced(left: JournalStore, right: JournalStore) -> None:
    first = left.put(contract(columns=("a",)), actor="ada")
    _step(left, Status.IN_REVIEW)
    sync(left, right)
    left.put(contract(columns=("b",)), actor="cy", reason="better", expected=first.sha256)
    _step(left, Status.IN_REVIEW)
    assert _told(left, right) == [("1.0.0", "copied", "right", 2, "")]
    assert right.get("orders", "1.0.0").source == contract(columns=("b",)).source
    assert _trail(right)[-2:] == [
        ("1.0.0", "put", "draft", "cy", "better"),
        ("1.0.0", "status", "in review", "bob", "now in review"),
    ]


def test_a_put_as_in_review_brings_a_draft_there(left: JournalStore, right: JournalStore) -> None:
    left.put(contract(), actor="ada")
    right.put(contract(), actor="bob", status=Status.IN_REVIEW)
    assert _told(left, right) == [("1.0.0", "copied", "left", 1, "")]
    assert _trail(left)[-1] == ("1.0.0", "status", "in review", "bob", "put as in review")


def test_the_same_end_by_two_ways_is_the_same(left: JournalStore, right: JournalStore) -> None:
    left.put(contract(), actor="ada")
    _step(left, Status.IN_REVIEW, Status.DRAFT, Status.IN_REVIEW)
    right.put(contract(), actor="bob", status=Status.IN_REVIEW)
    assert _told(left, right) == [("1.0.0", "same", "", 0, "")]


def test_other_bytes_are_a_conflict(left: JournalStore, right: JournalStore) -> None:
    left.put(contract(columns=("a",)), actor="ada")
    right.put(contract(columns=("b",)), actor="bob")
    before = _trail(left), _trail(right)
    why = "other bytes: draft in left (ada, 2024-01-31) and draft in right (bob, 2024-01-31)"
    assert _told(left, right) == [("1.0.0", "conflict", "", 0, why)]
    assert (_trail(left), _trail(right)) == before


def test_another_judgement_is_a_conflict(left: JournalStore, right: JournalStore) -> None:
    left.put(contract(), actor="ada", status=Status.IN_REVIEW)
    sync(left, right)
    _step(left, Status.REJECTED)
    _step(right, Status.VALIDATED, actor="eve")
    why = "the same bytes: rejected in left (bob, 2024-01-31) and validated in right (eve, 2024-01-31)"
    assert _told(left, right) == [("1.0.0", "conflict", "", 0, why)]


def test_what_was_replaced_on_one_side_and_published_on_the_other_is_a_conflict(
    left: JournalStore, right: JournalStore
) -> None:
    first = left.put(contract(columns=("a",)), actor="ada", status=Status.IN_REVIEW)
    sync(left, right)
    _step(right, Status.VALIDATED)
    left.put(contract(columns=("b",)), actor="cy", expected=first.sha256)
    assert [each.outcome for each in sync(left, right)] == [Outcome.CONFLICT]
    assert right.get("orders", "1.0.0").source == contract(columns=("a",)).source


def test_bytes_that_went_back_and_forth_are_a_conflict(left: JournalStore, right: JournalStore) -> None:
    one, two = contract(columns=("a",)), contract(columns=("b",))
    for store, order in ((left, (one, two)), (right, (two, one))):
        first = store.put(order[0], actor="ada")
        store.put(order[1], actor="ada", expected=first.sha256)
    assert [each.outcome for each in sync(left, right)] == [Outcome.CONFLICT]


def test_what_a_store_refuses_is_a_conflict_and_the_rest_is_copied(left: JournalStore, right: JournalStore) -> None:
    left.put(contract("orders", "1.0.0"), actor="ada")
    left.put(contract("people", "1.0.0"), actor="ada")
    right.put(contract("orders", "1.1.0"), actor="bob", status=Status.IN_REVIEW)
    _step(right, Status.VALIDATED, version="1.1.0")
    told = [(each.contract_id, each.version, each.outcome.value, each.target, each.why) for each in sync(left, right)]
    assert told == [
        ("orders", "1.0.0", "conflict", "right", "'orders' 1.0.0 would go back: 1.1.0 is published"),
        ("orders", "1.1.0", "copied", "left", ""),
        ("people", "1.0.0", "copied", "right", ""),
    ]


def test_what_was_validated_under_a_waiver_needs_it_again(left: JournalStore, right: JournalStore) -> None:
    waiver = Waiver(contract="*", path="*", reason="asked for", author="cy", expires=date(2100, 1, 1))
    for version, columns in (("1.0.0", ("a", "b")), ("1.0.1", ("a",))):
        left.put(contract("orders", version, columns=columns), actor="ada", status=Status.IN_REVIEW)
        left.set_status("orders", version, Status.VALIDATED, actor="bob", reason="good", waivers=[waiver])
    refused = sync(left, right)[1]
    assert (refused.outcome, refused.version) == (Outcome.CONFLICT, "1.0.1")
    assert refused.why.startswith("'orders' 1.0.1 is too low for what changed since 1.0.0:\n")
    assert [each.outcome for each in sync(left, right, waivers=[waiver])] == [Outcome.SAME, Outcome.COPIED]
    assert right.version("orders", "1.0.1").reason == "good (waived: asked for)"


def test_a_dry_run_writes_nothing(left: JournalStore, right: JournalStore) -> None:
    left.put(contract(), actor="ada")
    found = sync(left, right, dry_run=True)
    assert [(each.outcome, each.target) for each in found] == [(Outcome.COPIED, "right")]
    assert right.list_contracts() == ()


def test_a_damaged_contract_does_not_stop_the_others(left: JournalStore, right: JournalStore, tmp_path: Path) -> None:
    create_store(f"file:{tmp_path}")
    files = open_store(f"file:{tmp_path}")
    for contract_id in ("orders", "people", "things"):
        files.put(contract(contract_id), actor="ada")
    (tmp_path / "contracts" / "orders" / "000001.json").write_text("{")
    document = next((tmp_path / "contracts" / "people" / "documents").iterdir())
    document.write_text("x")
    found = {each.contract_id: each for each in sync(files, right)}
    assert [each.outcome.value for each in found.values()] == ["damaged", "damaged", "copied"]
    assert found["orders"].why.endswith("000001.json' is damaged: it is no JSON")
    assert found["people"].why == f"'{document}' is damaged: its bytes are not those that were put"
    assert right.list_contracts() == ("things",)


def test_a_store_that_is_away_ends_it(left: JournalStore) -> None:
    class Away(MemoryJournal):
        def append(self, event: Event, document: bytes | None) -> bool:
            raise RemoteFailed("the place does not answer", "LP856")

    left.put(contract(), actor="ada")
    with pytest.raises(RemoteFailed, match=r"^LP856: the place does not answer$"):
        sync(left, JournalStore(Away()))


def test_what_changes_meanwhile_is_a_conflict(right: JournalStore) -> None:
    class Moving(MemoryJournal):
        def document(self, contract_id: str, version: str, sha256: str) -> bytes:
            return contract(purpose="other").source

    journal = Moving()
    journal.append(put_event("orders", 1, b"x"), b"x")
    found = sync(JournalStore(journal), right)
    assert [(each.outcome, each.why) for each in found] == [(Outcome.CONFLICT, "'orders' 1.0.0 changes meanwhile")]
