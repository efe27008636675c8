"""What every place of quarantined data must do, as classes of tests: the core of it, and all of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from quarantine_samples import START, SetClock

from lakepact.errors import LifecycleRefused, StoreConflict, UsageError
from lakepact.quarantine import Act, Decision, Quarantine, QuarantinePlace, Status, purge
from lakepact.quarantine.model import Stored, Wanted
from lakepact.testing.contract_store_suite import at_once

HOSTILE = 'O\'Hara said "no" \\ `x` ${y} ; DROP -- \n\u00e4\U0001f600'


def decided(stored: Stored, sequence: int = 1, *, token: str = "t", **more: object) -> Decision:
    """A decision about what is stored."""
    given = Decision(
        header=stored.header,
        sequence=sequence,
        act=Act.REVIEW,
        status=Status.IN_REVIEW,
        actor="ada",
        reason="look",
        at=START,
        token=token,
        failed_rules=stored.header.failed_rules,
    )
    return replace(given, **more)  # type: ignore[arg-type]


class CoreSuite:
    """Needs the fixture `place` with three records of which two are of the run `run-1`, and `reopened`."""

    writers: ClassVar[int] = 6

    @pytest.fixture
    def place(self) -> QuarantinePlace:
        """The place under test."""
        raise NotImplementedError

    @pytest.fixture
    def reopened(self, place: QuarantinePlace) -> Callable[[], QuarantinePlace]:
        """Opens another object on the same place."""
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> SetClock:
        """The time, two hours after the records were set aside."""
        clock = SetClock()
        clock.pass_by(hours=2)
        return clock

    def test_decisions_come_back_as_they_were_made(
        self, place: QuarantinePlace, reopened: Callable[[], QuarantinePlace]
    ) -> None:
        assert place.decisions() == ()
        first, second, _ = sorted(place.stored(), key=lambda each: each.header.id)
        made = [
            decided(first),
            decided(second, token="u", actor=HOSTILE, reason=HOSTILE),
            decided(
                first,
                2,
                token="v",
                act=Act.CLAIM,
                status=Status.APPROVED,
                replay_run="r",
                failed_rules=(),
                skipped_checks=True,
                at=START + timedelta(microseconds=7),
            ),
        ]
        assert place.append(made[:2]) == ()
        assert place.append(made[2:]) == ()
        assert place.append([]) == ()
        assert reopened().decisions() == (made[0], made[2], made[1])

    def test_of_many_who_decide_at_once_one_wins(
        self, place: QuarantinePlace, reopened: Callable[[], QuarantinePlace]
    ) -> None:
        stored, places = place.stored()[0], [reopened() for _ in range(self.writers)]
        refused = at_once(lambda n: places[n].append([decided(stored, token=str(n))]), self.writers)
        assert sorted(map(len, refused)) == [0] + [1] * (self.writers - 1)
        assert [each.token for each in place.decisions()] == [str(refused.index(()))]

    def test_removing_takes_the_data_and_leaves_the_decisions(
        self, place: QuarantinePlace, reopened: Callable[[], QuarantinePlace], clock: SetClock
    ) -> None:
        quarantine = Quarantine(place, clock=clock)
        gone, left = (each for each in quarantine.records() if each.header.run_id == "run-1")
        quarantine.review([gone.id], actor="ada", reason="look")
        assert purge(quarantine, (gone.id,), actor="ada", reason="asked to").records == (gone.id,)
        place.remove([gone.id])
        again = Quarantine(reopened(), clock=clock)
        assert (again.record(gone.id).status, again.record(gone.id).held) == (Status.PURGED, False)
        assert (again.record(left.id).status, again.record(left.id).held) == (Status.QUARANTINED, True)
        assert [each.act for each in again.decisions(gone.id)] == [Act.REVIEW, Act.PURGE]
        stats = again.stats()
        assert (stats["records"], stats["held"], sum(stats["rules"].values())) == (3, 2, 3)
        with pytest.raises(LifecycleRefused, match=r"LP983: review of .* is refused: it is purged"):
            again.review([gone.id], actor="ada")


class PlaceSuite(CoreSuite):
    """What a place has beside the core."""

    def test_records_have_ids_of_their_own_that_stay(
        self, place: QuarantinePlace, reopened: Callable[[], QuarantinePlace]
    ) -> None:
        stored = place.stored()
        assert len({each.header.id for each in stored}) == 3
        assert {each.header.id for each in reopened().stored()} == {each.header.id for each in stored}
        assert sorted(each.header.run_id for each in stored) == ["run-1", "run-1", "run-2"]
        assert all(each.header.quarantined_at == START for each in stored)
        assert {each.header.dataset for each in stored} == {"orders"}

    def test_the_first_decision_of_a_number_stays(self, place: QuarantinePlace) -> None:
        first, second, _ = place.stored()
        kept, late, other = decided(first), decided(first, token="late"), decided(second, token="other")
        assert place.append([kept]) == ()
        assert place.append([late, other]) == (late,)
        assert set(place.decisions()) == {kept, other}

    def test_two_reviewers_at_once(
        self, place: QuarantinePlace, reopened: Callable[[], QuarantinePlace], clock: SetClock
    ) -> None:
        ada, bob = Quarantine(place, clock=clock), Quarantine(reopened(), clock=clock)
        key = ada.records()[0].id
        ada.review([key], actor="ada", expected=0)
        seen = bob.record(key)
        ada.reject([key], actor="ada", reason="rubbish", expected=seen.version)
        with pytest.raises(StoreConflict, match=f"LP981: somebody else has decided meanwhile about {key[:12]}"):
            bob.approve([key], actor="bob", reason="fine", expected=seen.version)
        assert bob.record(key).status is Status.REJECTED
        assert [each.actor for each in bob.decisions(key)] == ["ada", "ada"]

    def test_time_passes(self, place: QuarantinePlace, clock: SetClock) -> None:
        quarantine = Quarantine(place, retention=timedelta(days=2), clock=clock)
        done, *waiting = (each.id for each in quarantine.records())
        quarantine.review([done], actor="ada")
        quarantine.reject([done], actor="ada", reason="rubbish")
        clock.pass_by(days=2)
        assert quarantine.record(done).status is Status.REJECTED
        assert {quarantine.record(each).status for each in waiting} == {Status.EXPIRED}
        with pytest.raises(LifecycleRefused, match=r"LP983: review of .* is refused: it is expired"):
            quarantine.review(waiting, actor="ada")
        found = purge(quarantine, actor="timer", reason="retention", dry_run=True)
        assert set(found.records) == {done, *waiting}
        assert {each.status for each in quarantine.records()} == {Status.REJECTED, Status.EXPIRED}
        assert purge(quarantine, actor="timer", reason="retention") == found
        assert purge(quarantine, actor="timer", reason="retention").records == ()
        assert {each.status for each in quarantine.records()} == {Status.PURGED}

    def test_records_are_found_by_what_is_asked(self, place: QuarantinePlace, clock: SetClock) -> None:
        quarantine = Quarantine(place, clock=clock)
        one = random.Random(7).choice(quarantine.records())
        quarantine.review([one.id[:10]], actor="ada")

        def counted(**asked: object) -> int:
            return len(quarantine.records(Wanted(**asked)))  # type: ignore[arg-type]

        assert (counted(run="run-1"), counted(run="run-9")) == (2, 0)
        assert (counted(rule=one.header.failed_rules[0]), counted(rule="x")) == (3, 0)
        assert (counted(statuses=(Status.IN_REVIEW,)), counted(contract="test.orders"), counted(contract="x")) == (
            1,
            3,
            0,
        )
        assert (counted(since=START), counted(since=START + timedelta(seconds=1))) == (3, 0)
        assert counted(ids=(one.id[:6],)) == 1
        with pytest.raises(UsageError, match="LP984: no record has the id '12345'"):
            quarantine.record("12345")
