"""The SQL around the rows of a dataset with expectations: counts are exact, however many there are."""

from __future__ import annotations

from typing import Any

import pytest

from lakepact.local.definitions import ExpectationAction, ExpectationDefinition
from lakepact.local.expectations import Guard, guard
from lakepact.local.metrics import observe

pytestmark = pytest.mark.spark


def multiples(number: int, *, length: int = 0) -> list[ExpectationDefinition]:
    """Expectations that fail for the multiples of 1, 2, 3, …, each padded to a text of some length."""
    return [
        ExpectationDefinition(
            f"r{n}",
            f"id % {n + 1} <> 0 /* {'x' * length} */",
            ExpectationAction.DROP if n == 4 else ExpectationAction.WARN,
        )
        for n in range(number)
    ]


def applied(session: Any, around: Guard, rows: int) -> tuple[list[int], Any]:
    """The ids that are kept, and the tally."""
    with observe(session.classic, "expectations-test") as observations:
        frame = around.apply(session.connect.range(rows), observation="expectations-test")
        kept = sorted(row.id for row in frame.collect())
    values: dict[str, int] = {}
    for name in around.observed_as("expectations-test"):
        values.update(observations.batch(name) or {})
    return kept, around.tally(values)


@pytest.mark.parametrize(("number", "length", "stages"), [(0, 0, 1), (1, 0, 1), (31, 0, 1), (32, 0, 1), (70, 400, 3)])
def test_counts_are_exact_in_every_stage(local_session: Any, number: int, length: int, stages: int) -> None:
    around = guard("t", multiples(number, length=length), watched=frozenset({"r1", "r69"}))
    assert len(around.stages) == stages
    kept, tally = applied(local_session, around, 100)
    dropped = {row for row in range(100) if row % 5 == 0} if number > 4 else set()
    assert kept == sorted(set(range(100)) - dropped)
    assert (tally.input_records, tally.dropped_records) == (100, len(dropped))
    assert tally.failed_records == tuple(len(range(0, 100, n + 1)) for n in range(number))
    assert tally.watched_records == len({row for n in (2, 70) if n <= number for row in range(0, 100, n)})


def test_a_constraint_that_is_null_is_broken_and_a_comment_ends_with_it(local_session: Any) -> None:
    constraints = ["CAST(NULL AS BOOLEAN)", "id > 1 -- all but two", "id IS NOT NULL"]
    around = guard("t", [ExpectationDefinition(c, c, ExpectationAction.WARN) for c in constraints])
    kept, tally = applied(local_session, around, 5)
    assert kept == [0, 1, 2, 3, 4]
    assert tally.failed_records == (5, 2, 0)
