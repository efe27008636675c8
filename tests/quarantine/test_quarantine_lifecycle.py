"""The life of a record, without any storage."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quarantine_samples import START

from lakepact.errors import LifecycleRefused
from lakepact.quarantine.lifecycle import OPEN, STEPS, State, fold, next_status, seen_status
from lakepact.quarantine.model import Act, Decision, Header, Kind, Status

HEADER = Header(
    id="ab" * 32,
    kind=Kind.ROW,
    dataset="orders",
    object="orders",
    contract_id="test.orders",
    contract_version="1.0.0",
    run_id="run-1",
    quarantined_at=START,
    failed_rules=("rule",),
)


def decision(act: Act, status: Status, sequence: int, **more: str) -> Decision:
    return Decision(
        header=HEADER,
        sequence=sequence,
        act=act,
        status=status,
        actor="ada",
        reason="test",
        at=START,
        token=str(sequence),
        **more,  # type: ignore[arg-type]
    )


def walked(acts: list[Act]) -> list[Decision]:
    """The decisions that are possible among those that are tried, one after the other."""
    state, trail = State(), list[Decision]()
    for act in acts:
        try:
            status = next_status(state, act, record="ab")
        except LifecycleRefused:
            continue
        run = {"replay_run": f"run-{len(trail)}"} if act is Act.CLAIM else {}
        trail.append(decision(act, status, len(trail) + 1, **run))
        state = fold(trail)
    return trail


@given(st.lists(st.sampled_from(Act), max_size=30))
def test_no_walk_writes_a_record_that_nobody_let_through_or_lets_one_out_of_its_grave(acts: list[Act]) -> None:
    trail = walked(acts)
    for number, each in enumerate(trail):
        before = [earlier.act for earlier in trail[:number]]
        if each.act is Act.REPLAY:
            assert before[-1] is Act.CLAIM
            assert next(a for a in reversed(before) if a is not Act.CLAIM and a is not Act.RELEASE) in (
                Act.APPROVE,
                Act.CORRECT,
            )
        assert Act.PURGE not in before
        assert Act.REPLAY not in before or each.act is Act.PURGE
        assert each.status is not Status.EXPIRED
    assert fold(reversed(trail)) == fold(trail)
    assert fold(trail).version == len(trail)


@given(st.sampled_from(Status), st.sampled_from(Act))
def test_a_step_that_the_table_does_not_name_is_refused_with_a_code(status: Status, act: Act) -> None:
    claimed = "run" if act in (Act.RELEASE, Act.REPLAY) else ""
    state = State(status=status, replay_run=claimed)
    found = STEPS[act].get(status)
    if found is None:
        with pytest.raises(LifecycleRefused, match=r"LP98[23]: \w+ of ab is refused"):
            next_status(state, act, record="ab")
    else:
        assert next_status(state, act, record="ab") is found


def test_the_whole_way_of_a_row() -> None:
    acts = [Act.REVIEW, Act.CORRECT, Act.CLAIM, Act.RETURN, Act.APPROVE, Act.CLAIM, Act.REPLAY, Act.PURGE]
    assert [each.status.value for each in walked(acts)] == [
        "in_review",
        "corrected",
        "corrected",
        "in_review",
        "approved",
        "approved",
        "replayed",
        "purged",
    ]


def test_a_record_cannot_be_approved_unseen() -> None:
    with pytest.raises(LifecycleRefused, match="approve of ab is refused: it is quarantined") as error:
        next_status(State(), Act.APPROVE, record="ab")
    assert (error.value.code, error.value.hint) == ("LP982", "approve is possible for in_review")


@pytest.mark.parametrize("act", [Act.REVIEW, Act.APPROVE, Act.CORRECT, Act.REJECT, Act.CLAIM])
def test_what_is_expired_or_purged_is_not_decided_about(act: Act) -> None:
    with pytest.raises(LifecycleRefused, match=f"LP983: {act} of ab is refused: it is expired"):
        next_status(State(status=Status.APPROVED), act, record="ab", expired=True)
    with pytest.raises(LifecycleRefused, match=f"LP983: {act} of ab is refused: it is purged"):
        next_status(State(status=Status.PURGED), act, record="ab")


@pytest.mark.parametrize("act", [Act.REVIEW, Act.CLAIM, Act.PURGE, Act.CORRECT])
def test_a_claimed_record_takes_only_what_ends_the_claim(act: Act) -> None:
    state = State(status=Status.CORRECTED, replay_run="r-1")
    with pytest.raises(LifecycleRefused, match=f"LP982: {act} of ab is refused: the replay r-1 has claimed it"):
        next_status(state, act, record="ab")


def test_a_claim_ends_with_any_other_decision() -> None:
    trail = [
        decision(Act.CLAIM, Status.APPROVED, 3, replay_run="r-1"),
        decision(Act.RELEASE, Status.APPROVED, 4),
    ]
    assert (fold(trail[:1]).replay_run, fold(trail[:1]).claimed_at) == ("r-1", START)
    assert (fold(trail).replay_run, fold(trail).claimed_at) == ("", None)


def test_corrected_values_outlive_a_return() -> None:
    trail = [
        decision(Act.CORRECT, Status.CORRECTED, 2, correction="c-1"),
        decision(Act.RETURN, Status.IN_REVIEW, 3),
    ]
    assert fold(trail).correction == "c-1"


@given(st.sampled_from(Status), st.integers(-5, 5))
def test_only_what_waits_for_somebody_expires(status: Status, seconds: int) -> None:
    seen = seen_status(status, START, START + timedelta(seconds=seconds))
    assert seen is (Status.EXPIRED if status in OPEN and seconds >= 0 else status)
    assert seen_status(status, None, START) is status
