"""Predicates as bits: the SQL of the masks says for each row what Python says."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.quality.masks import Masks

Truth = bool | None
_BIT = re.compile(r"if\(\(\n(.*?)\n\), 0, (\d+)\)", re.DOTALL)


def evaluated(masks: Masks, row: Sequence[Truth]) -> dict[str, int]:
    """The mask columns for a row whose predicate `p3` has the truth value `row[3]`; SQL's `if` takes NULL for FALSE."""
    found: dict[str, int] = {}
    for level in masks.levels():
        for column in level.columns:
            text, _, name = column.rpartition(" AS ")
            bits = _BIT.findall(text)
            assert " | ".join(f"if((\n{predicate}\n), 0, {bit})" for predicate, bit in bits) == text
            found[name] = sum(0 if row[int(predicate.lstrip("p"))] is True else int(bit) for predicate, bit in bits)
    return found


def holds(condition: str, columns: dict[str, int]) -> bool:
    """The truth of `(name & bits) <> 0 OR ...`."""
    parts = [re.fullmatch(r"\((`\w+`) & (\d+)\) <> 0", part) for part in condition.split(" OR ")]
    return any(columns[part[1]] & int(part[2]) for part in parts if part is not None)


_ROWS = st.lists(st.sampled_from([True, False, None]), max_size=130)


@given(row=_ROWS, data=st.data())
@settings(max_examples=150)
def test_a_bit_is_set_where_its_predicate_is_not_true(row: list[Truth], data: st.DataObject) -> None:
    masks = Masks(tuple(f"p{number}" for number in range(len(row))))
    columns = evaluated(masks, row)
    assert list(columns) == list(masks.names)
    assert all(0 <= value < 2**31 for value in columns.values())
    for position, truth in enumerate(row):
        assert holds(masks.broken(position), columns) is (truth is not True)
    chosen = data.draw(st.sets(st.sampled_from(range(len(row))))) if row else set()
    condition = masks.any_broken(lambda position: position in chosen)
    assert bool(condition) == bool(chosen)
    if chosen:
        assert holds(condition, columns) is any(row[position] is not True for position in chosen)


@pytest.mark.parametrize(("count", "names"), [(0, 0), (1, 1), (31, 1), (32, 2), (62, 2), (63, 3), (310, 10)])
def test_thirty_one_predicates_fit_a_column(count: int, names: int) -> None:
    assert len(Masks(("TRUE",) * count).names) == names


def test_long_predicates_come_in_several_levels() -> None:
    masks = Masks(tuple("x" * 200 for _ in range(100)))
    levels = list(masks.levels())
    # 31 of them are 6,200 characters, of which one level takes one; the last seven fit beside others.
    assert [(len(level.columns), level.positions) for level in levels] == [
        (1, range(31)),
        (1, range(31, 62)),
        (2, range(62, 100)),
    ]
    assert [column.rpartition(" AS ")[2] for level in levels for column in level.columns] == list(masks.names)
    assert len(list(Masks(tuple("x" * 100 for _ in range(93))).levels())) == 1


def test_a_predicate_that_ends_in_a_comment_swallows_nothing() -> None:
    ((column,),) = (level.columns for level in Masks(("a > 0 -- positive", "b > 0")).levels())
    assert column == "if((\na > 0 -- positive\n), 0, 1) | if((\nb > 0\n), 0, 2) AS `_lakepact_mask_0`"


def test_names_of_what_is_broken() -> None:
    masks = Masks(("a", "b", "c"))
    assert masks.broken_names([]) == "CAST(array() AS ARRAY<STRING>)"
    assert masks.broken_names([(0, "'x'"), (2, "'y'")]) == (
        "array_compact(array(\n"
        "  IF((`_lakepact_mask_0` & 1) <> 0, 'x', NULL),\n"
        "  IF((`_lakepact_mask_0` & 4) <> 0, 'y', NULL)\n"
        "))"
    )
    assert masks.any_broken(lambda _: False) == ""
