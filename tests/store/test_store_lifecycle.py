"""Which step follows which, and what a refusal says."""

from __future__ import annotations

import pytest

from lakepact.errors import LifecycleRefused
from lakepact.store.lifecycle import first_statuses, next_statuses, refuse_first, refuse_step, steps_towards
from lakepact.store.model import Status

STEPS = {
    "draft": {"in review"},
    "in review": {"validated", "draft", "rejected"},
    "rejected": {"draft"},
    "validated": {"deprecated"},
    "deprecated": {"retired"},
    "retired": set(),
}


@pytest.mark.parametrize("review_required", [True, False])
def test_every_step(review_required: bool) -> None:
    for status in Status:
        allowed = STEPS[status] | ({"validated"} if status is Status.DRAFT and not review_required else set())
        assert {str(each) for each in next_statuses(status, review_required=review_required)} == allowed
        for end in Status:
            if end in allowed:
                refuse_step("it", status, end, review_required=review_required)
            else:
                with pytest.raises(LifecycleRefused, match=f"^LP852: it is {status} and cannot become {end}\n"):
                    refuse_step("it", status, end, review_required=review_required)


def test_what_bytes_can_be_put_as() -> None:
    assert first_statuses() == (Status.DRAFT, Status.IN_REVIEW)
    assert first_statuses(review_required=False) == (Status.DRAFT, Status.IN_REVIEW, Status.VALIDATED)
    refuse_first("it", Status.VALIDATED, review_required=False)
    with pytest.raises(
        LifecycleRefused, match=r"^LP852: it cannot begin as retired\n  hint: put it as draft or in review$"
    ):
        refuse_first("it", Status.RETIRED, review_required=True)


def test_a_refusal_says_what_is_possible() -> None:
    with pytest.raises(LifecycleRefused) as caught:
        refuse_step("'a' 1.0.0", Status.DRAFT, Status.VALIDATED, review_required=True)
    assert caught.value.hint == (
        "from draft it can become in review; "
        "a store that is opened with review_required=False lets drafts become validated at once"
    )
    assert caught.value.facts == {"status": "draft", "wanted": "validated", "allowed": ["in review"]}
    assert caught.value.exit_code == 1
    with pytest.raises(LifecycleRefused, match=r"hint: retired is the end of its life$"):
        refuse_step("it", Status.RETIRED, Status.DRAFT, review_required=True)


def test_the_way_from_one_status_to_another() -> None:
    assert steps_towards(Status.REJECTED, Status.VALIDATED) == (Status.DRAFT, Status.IN_REVIEW, Status.VALIDATED)
    assert steps_towards(Status.DRAFT, Status.VALIDATED, review_required=False) == (Status.VALIDATED,)
    assert steps_towards(Status.RETIRED, Status.VALIDATED) == ()
    assert steps_towards(Status.DRAFT, Status.DRAFT) == ()
