"""Quarantine tables without Spark."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import deltalake
import pytest
from quarantine_samples import RULE, START, SetClock, orders_contract, set_aside
from quarantine_suite import PlaceSuite

from lakepact.contract import load_contract
from lakepact.errors import ConfigurationError, LifecycleRefused, RemoteFailed, StoreConflict, UsageError
from lakepact.quarantine import (
    Act,
    FailedRule,
    Quarantine,
    QuarantinePlace,
    Replayed,
    Status,
    Target,
    open_quarantine,
    purge,
    replay,
)
from lakepact.quarantine.delta_place import DeltaPlace
from lakepact.quarantine.model import Correction
from lakepact.quarantine.records import Draft
from lakepact.testing.contract_store_suite import at_once


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A quarantine with two rows of a run and one of another."""
    path = set_aside(tmp_path / "orders__quarantine", [(1, -1.0, "a@x"), (2, -2.0, "b@x")])
    return set_aside(path, [(1, -1.0, "a@x")], run="run-2")


def rows(path: Path) -> int:
    return int(deltalake.DeltaTable(str(path)).to_pyarrow_table().num_rows)


class TestDeltaPlace(PlaceSuite):
    @pytest.fixture
    def place(self, table: Path) -> QuarantinePlace:
        return DeltaPlace(table)

    @pytest.fixture
    def reopened(self, table: Path) -> Callable[[], QuarantinePlace]:
        return lambda: DeltaPlace(table)


def opened(table: Path) -> Quarantine:
    return open_quarantine(str(table), clock=SetClock())


def test_a_row_is_shown_with_its_values_and_why(tmp_path: Path) -> None:
    path = set_aside(tmp_path / "orders__quarantine", [(1, None, "a@x")], raw={"amount": "abc"})
    (found,) = open_quarantine(f"delta:{path}", contract=orders_contract(), clock=SetClock()).records()
    assert found.row == {"order_id": 1, "amount": None, "email": "a@x"}
    assert (found.raw_values, found.failed_rules) == ({"amount": "abc"}, (FailedRule(RULE),))
    assert found.expires_at is not None
    assert (found.expires_at - START).days == 30


def test_the_contract_says_what_its_rules_mean_and_how_long_data_is_kept(tmp_path: Path) -> None:
    path = set_aside(tmp_path / "orders__quarantine", [(1, -1.0, "a")], rules=["orders.amount.exclusiveMinimum"])
    (found,) = open_quarantine(str(path), contract=orders_contract(retention_days=3), clock=SetClock()).records()
    assert found.failed_rules == (FailedRule("orders.amount.exclusiveMinimum", "amount is above 0"),)
    assert found.expires_at is not None
    assert (found.expires_at - START).days == 3


def test_rows_that_are_equal_are_told_apart_and_removed_together(tmp_path: Path) -> None:
    path = set_aside(tmp_path / "orders__quarantine", [(1, -1.0, "a"), (1, -1.0, "a"), (2, -1.0, "a")])
    set_aside(path, [(1, -1.0, "a")], run="run-2")
    quarantine = opened(path)
    twins = [each for each in quarantine.records() if each.row == {"order_id": 1, "amount": -1.0, "email": "a"}]
    assert len({each.id for each in twins}) == 3
    first = next(each for each in twins if each.header.run_id == "run-1")
    others = {each.id for each in twins if each.header.run_id == "run-1"}
    assert set(purge(quarantine, (first.id,), actor="ada", reason="asked to").records) == others
    assert rows(path) == 2
    assert sum(each.held for each in quarantine.records()) == 2


def test_a_later_column_changes_no_id(table: Path) -> None:
    before = {each.id for each in opened(table).records()}
    added = deltalake.schema.Field("note", deltalake.schema.PrimitiveType("string"))
    deltalake.DeltaTable(str(table)).alter.add_columns([added])
    assert {each.id for each in opened(table).records()} == before


def test_corrected_values_are_kept_apart_and_go_with_the_row(table: Path) -> None:
    quarantine = opened(table)
    one, other = quarantine.records()[:2]
    quarantine.review([one.id, other.id], actor="ada")
    quarantine.correct(one.id, {"AMOUNT": 5.0}, actor="ada", reason="sign", expected=1)
    quarantine.correct(one.id, {"email": None}, actor="ada", reason="wrong address")
    quarantine.correct(other.id, {"amount": 6.0}, actor="ada", reason="sign")
    assert quarantine.record(one.id).corrected == {"amount": 5.0, "email": None}
    assert quarantine.record(one.id).row == one.row
    purge(quarantine, (one.id,), actor="ada", reason="asked to")
    left = deltalake.DeltaTable(str(table.parent / "quarantine_corrections")).to_pyarrow_table()
    assert left["record_id"].to_pylist() == [other.id]
    assert quarantine.record(one.id).corrected == {}


def test_a_correction_that_is_not_possible_leaves_no_value(table: Path) -> None:
    quarantine = opened(table)
    key = quarantine.records()[0].id
    with pytest.raises(LifecycleRefused, match=r"LP982: correct of \w+ is refused: it is quarantined"):
        quarantine.correct(key, {"amount": 5.0}, actor="ada", reason="sign")
    quarantine.review([key], actor="ada")
    with pytest.raises(UsageError, match=r"LP985: .*column 'amount' is DOUBLE: 'much' is no number"):
        quarantine.correct(key, {"amount": "much"}, actor="ada", reason="sign")
    with pytest.raises(StoreConflict, match="LP981"):
        quarantine.correct(key, {"amount": 5.0}, actor="ada", reason="sign", expected=0)
    assert quarantine.place.corrections() == {}


def test_a_correction_that_a_purge_overtakes_leaves_no_value(table: Path) -> None:
    quarantine = opened(table)
    key = quarantine.records()[0].id
    quarantine.review([key], actor="ada")
    place = quarantine.place

    class Slow(DeltaPlace):
        """A place where somebody purges the record while its correction is written."""

        def keep_correction(self, correction: Correction) -> None:
            purge(quarantine, (key,), actor="eve", reason="asked to")
            super().keep_correction(correction)

    with pytest.raises(StoreConflict, match="LP981"):
        Quarantine(Slow(table), clock=SetClock()).correct(key, {"amount": 5.0}, actor="ada", reason="sign")
    assert place.corrections() == {}


def test_a_purge_that_was_interrupted_is_ended_by_the_next(table: Path) -> None:
    quarantine = opened(table)
    gone = quarantine.records()[0]
    quarantine.decide([Draft(record=gone, act=Act.PURGE)], actor="ada", reason="asked to")
    assert (rows(table), quarantine.record(gone.id).row) == (3, None)
    assert purge(quarantine, actor="timer", reason="retention").records == ()
    assert rows(table) == 2


def test_a_row_that_a_replay_has_claimed_is_not_purged(tmp_path: Path) -> None:
    clock = SetClock()
    path = set_aside(tmp_path / "orders__quarantine", [(1, -1.0, "a"), (1, -1.0, "a"), (2, -1.0, "a")])
    quarantine = open_quarantine(str(path), clock=clock)
    claimed = next(each for each in quarantine.records() if each.row and each.row["order_id"] == 1)
    quarantine.review([claimed.id], actor="ada")
    quarantine.approve([claimed.id], actor="ada", reason="fine")
    draft = Draft(record=quarantine.record(claimed.id), act=Act.CLAIM, replay_run="r-1")
    quarantine.decide([draft], actor="ada", reason="")
    with pytest.raises(LifecycleRefused, match=r"LP982: purge of .* the replay r-1 has claimed it, or its twin"):
        purge(quarantine, (claimed.id,), actor="ada", reason="asked to")
    clock.pass_by(days=31)
    found = purge(quarantine, actor="timer", reason="retention")
    assert (len(found.records), len(found.waiting), rows(path)) == (1, 2, 2)


def test_rows_of_a_pipeline_are_decided_about_and_not_purged(tmp_path: Path) -> None:
    path = set_aside(tmp_path / "orders__quarantine", [(1, -1.0, "a"), (1, -1.0, "a")], run=None)
    clock = SetClock()
    quarantine = open_quarantine(str(path), clock=clock)
    one, other = quarantine.records()
    assert (one.header.run_id, one.quarantined_at, one.expires_at) == ("", None, None)
    quarantine.review([one.id], actor="ada")
    clock.pass_by(days=400)
    done = purge(quarantine, actor="timer", reason="retention")
    assert (done.records, sorted(done.left)) == ((), sorted([one.id, other.id]))
    with pytest.raises(LifecycleRefused, match=r"LP987: the rows of .* have no run: a pipeline makes them"):
        purge(quarantine, (one.id,), actor="ada", reason="asked to")
    assert (quarantine.record(one.id).status, quarantine.record(other.id).status) == (
        Status.IN_REVIEW,
        Status.QUARANTINED,
    )


def test_rows_of_a_stream_are_purged_by_the_moment_they_were_set_aside(tmp_path: Path) -> None:
    path, day = tmp_path / "orders__quarantine", timedelta(days=1)
    set_aside(path, [(1, -1.0, "a"), (1, -1.0, "a")], run=None, stream=True)
    at = START + day + timedelta(microseconds=123456)
    set_aside(path, [(1, -1.0, "a"), (2, -1.0, "b")], run=None, stream=True, at=at)
    clock = SetClock()
    quarantine = open_quarantine(str(path), clock=clock)
    found = quarantine.records()
    assert len({each.id for each in found}) == 4
    assert {each.header.run_id for each in found[:2]} == {f"stream {START:%Y-%m-%dT%H:%M:%S}.000000Z"}
    assert (found[0].quarantined_at, found[0].expires_at) == (START, START + 30 * day)
    quarantine.review([found[0].id], actor="ada")
    clock.pass_by(days=30)
    done = purge(quarantine, actor="timer", reason="retention")
    assert (sorted(done.records), done.waiting, done.left) == (sorted(each.id for each in found[:2]), (), ())
    assert rows(path) == 2
    # The same content again is set aside anew, and nobody takes it for what is gone.
    set_aside(path, [(1, -1.0, "a")], run=None, stream=True, at=clock.now)
    assert [(each.status, each.held) for each in quarantine.records()] == [
        (Status.PURGED, False),
        (Status.PURGED, False),
        (Status.QUARANTINED, True),
        (Status.QUARANTINED, True),
        (Status.QUARANTINED, True),
    ]
    assert [each.act for each in quarantine.decisions(found[0].id)] == [Act.REVIEW, Act.PURGE]
    clock.pass_by(days=1, seconds=1)
    assert len(purge(quarantine, actor="timer", reason="retention").records) == 2
    assert rows(path) == 1


def test_rows_that_a_stream_set_aside_together_are_purged_together(tmp_path: Path) -> None:
    clock = SetClock()
    path = set_aside(tmp_path / "orders__quarantine", [(1, -1.0, "a"), (2, -1.0, "a")], run=None, stream=True)
    quarantine = open_quarantine(str(path), clock=clock)
    one, other = quarantine.records()
    with pytest.raises(
        LifecycleRefused, match=r"LP987: purge of \w+ is refused: 1 more were set aside by the same upda"
    ):
        purge(quarantine, (one.id,), actor="ada", reason="asked to")
    quarantine.review([one.id], actor="ada")
    quarantine.approve([one.id], actor="ada", reason="fine")
    quarantine.decide(
        [Draft(record=quarantine.record(one.id), act=Act.CLAIM, replay_run="r-1")], actor="ada", reason=""
    )
    clock.pass_by(days=31)
    done = purge(quarantine, actor="timer", reason="retention")
    assert (done.records, sorted(done.waiting), rows(path)) == ((), sorted([one.id, other.id]), 2)
    with pytest.raises(LifecycleRefused, match=r"LP982: purge of \w+ is refused: the replay r-1 has claimed it"):
        purge(quarantine, (one.id, other.id), actor="ada", reason="asked to")
    quarantine.decide([Draft(record=quarantine.record(one.id), act=Act.RELEASE)], actor="ada", reason="")
    assert len(purge(quarantine, (one.id, other.id), actor="ada", reason="asked to").records) == 2
    assert rows(path) == 0


def test_rows_that_a_pipeline_no_longer_makes_are_known_and_not_replayed(tmp_path: Path) -> None:
    path = set_aside(tmp_path / "orders__quarantine", [(1, -1.0, "a")], run=None)
    quarantine = opened(path)
    key = quarantine.records()[0].id
    quarantine.review([key], actor="ada")
    deltalake.DeltaTable(str(path)).delete()
    found = quarantine.record(key)
    assert (found.held, found.status, found.row) == (False, Status.IN_REVIEW, None)
    with pytest.raises(LifecycleRefused, match=r"LP983: approve of \w+ is refused: its data is gone"):
        quarantine.approve([key], actor="ada", reason="fine")


def test_rows_that_arrive_meanwhile_stay(table: Path) -> None:
    quarantine = opened(table)
    going = next(each for each in quarantine.records() if each.header.run_id == "run-1")

    def work(number: int) -> None:
        if number:
            set_aside(table, [(9, -9.0, "z")], run=f"late-{number}")
        else:
            purge(quarantine, (going.id,), actor="ada", reason="asked to")

    at_once(work, 4)
    assert sorted(each.header.run_id for each in quarantine.records() if each.held) == [
        "late-1",
        "late-2",
        "late-3",
        "run-1",
        "run-2",
    ]


def test_many_are_decided_about_by_one_commit(tmp_path: Path) -> None:
    path = set_aside(tmp_path / "orders__quarantine", [(number, -1.0, "a") for number in range(300)])
    quarantine = opened(path)
    quarantine.review([each.id for each in quarantine.records()], actor="ada")
    decisions = deltalake.DeltaTable(str(tmp_path / "quarantine_decisions"))
    assert (decisions.version(), quarantine.stats()["status"]) == (1, {"in_review": 300})


def test_a_decision_about_several_that_one_refuses_is_made_for_none(table: Path) -> None:
    quarantine = opened(table)
    one, other, _ = quarantine.records()
    quarantine.review([one.id], actor="ada")
    with pytest.raises(LifecycleRefused, match=r"LP982: approve of .* is refused: it is quarantined"):
        quarantine.approve([one.id, other.id], actor="ada", reason="fine")
    assert quarantine.record(one.id).status is Status.IN_REVIEW


@pytest.mark.parametrize(("actor", "reason", "word"), [(" ", "x", "actor"), ("ada", "", "reason")])
def test_nobody_decides_without_a_name_and_a_reason(table: Path, actor: str, reason: str, word: str) -> None:
    quarantine = opened(table)
    key = quarantine.records()[0].id
    quarantine.review([key], actor="ada")
    with pytest.raises(UsageError, match=f"LP989: a decision needs the {word}"):
        quarantine.approve([key], actor=actor, reason=reason)


def test_text_that_no_table_can_hold_is_refused(table: Path) -> None:
    quarantine = opened(table)
    with pytest.raises(UsageError, match=r"LP985: '\\udc80' is not valid Unicode"):
        quarantine.review([quarantine.records()[0].id], actor="ada\udc80")


def test_a_place_that_is_no_quarantine(tmp_path: Path) -> None:
    with pytest.raises(RemoteFailed, match=r"LP986: delta:.*nowhere cannot be used"):
        open_quarantine(f"delta:{tmp_path / 'nowhere'}").records()
    path = set_aside(tmp_path / "orders__quarantine", [(1, -1.0, "a")])
    other = tmp_path / "orders"
    table = deltalake.DeltaTable(str(path)).to_pyarrow_table().drop_columns(["_lakepact_raw_values"])
    deltalake.write_deltalake(str(other), table)
    with pytest.raises(ConfigurationError, match=r"LP988: .* lacks the column '_lakepact_raw_values'"):
        open_quarantine(str(other)).records()


@pytest.mark.parametrize("address", ["delta:", "mysql:orders"])
def test_an_address_of_nothing(address: str) -> None:
    with pytest.raises(UsageError, match=f"LP984: '{address}' is no address of a quarantine"):
        open_quarantine(address)


def test_a_merge_that_cannot_be_made_is_refused_before_anything_is_claimed(table: Path) -> None:
    quarantine, path = opened(table), str(table.with_name("orders"))
    keyless = orders_contract().source.replace(b", primaryKey: true, primaryKeyPosition: 1", b"")
    quarantine.review([each.id for each in quarantine.records()], actor="ada")
    quarantine.approve([each.id for each in quarantine.records()], actor="ada", reason="fine")

    def attempt(source: bytes = orders_contract().source, mode: str = "merge", **more: Any) -> Replayed:
        target = Target(contract=load_contract(source), path=path)
        # Nothing of it gets as far as Spark.
        return replay(quarantine, target, spark=None, actor="bob", mode=mode, **more)

    with pytest.raises(UsageError, match="LP898: a merge needs a primary key"):
        attempt(keyless)
    with pytest.raises(UsageError, match="LP989: a merge needs the checks: without them rows with one key could meet"):
        attempt(skip_checks=True, reason="hurry")
    with pytest.raises(UsageError, match="LP989: a replay cannot overwrite"):
        attempt(mode="overwrite")
    assert {each.replay_run for each in quarantine.records()} == {""}


def test_what_is_not_ready_is_not_replayed(table: Path) -> None:
    quarantine, target = opened(table), Target(contract=orders_contract(), path=str(table.with_name("orders")))
    one, other, third = (each.id for each in quarantine.records())

    def attempt(*ids: str, held: Quarantine = quarantine, **more: Any) -> Replayed:
        # Nothing of it gets as far as Spark.
        return replay(held, target, ids, spark=None, actor="bob", **more)

    with pytest.raises(LifecycleRefused, match=f"LP982: replay of {one[:12]} is refused: it is quarantined"):
        attempt(one)
    with pytest.raises(UsageError, match="LP989: checks are skipped only for a reason"):
        attempt(one, skip_checks=True)
    quarantine.review([one, other, third], actor="ada")
    quarantine.reject([third], actor="ada", reason="rubbish")
    quarantine.approve([one, other], actor="ada", reason="fine")
    with pytest.raises(LifecycleRefused, match=f"LP982: replay of {third[:12]} is refused: it is rejected"):
        attempt(third)
    purge(quarantine, (one,), actor="ada", reason="asked to")
    with pytest.raises(LifecycleRefused, match=f"LP983: replay of {one[:12]} is refused: it is purged"):
        attempt(one)
    late = Quarantine(DeltaPlace(table), retention=timedelta(0), clock=SetClock())
    with pytest.raises(LifecycleRefused, match=f"LP983: replay of {other[:12]} is refused: it is expired"):
        attempt(other, held=late)
    assert attempt(held=late) == Replayed()
