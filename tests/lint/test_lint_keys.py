"""Primary keys and partitions."""

from __future__ import annotations

import pytest
from lint_documents import found, properties


def columns(*marks: str) -> list[str]:
    """Findings of columns c0, c1, … with these marks."""
    listed = "".join(f"- {{name: c{index}, logicalType: string, {mark}}}\n" for index, mark in enumerate(marks))
    return found(properties(listed))


def test_a_gap_is_said_once_at_the_first_wrong_position() -> None:
    assert columns(
        "primaryKey: true, primaryKeyPosition: 1",
        "primaryKey: true, primaryKeyPosition: 4",
        "primaryKey: true, primaryKeyPosition: 2",
    ) == [
        "10:79 warning LP741 schema[0].properties[1].primaryKeyPosition: the positions in the primary key are 1, 2, 4, "
        "not 1, 2, 3 (number the members from 1)"
    ]


def test_positions_count_from_1() -> None:
    assert columns("primaryKey: true, primaryKeyPosition: 0", "primaryKey: true, primaryKeyPosition: 1") == [
        "9:79 warning LP741 schema[0].properties[0].primaryKeyPosition: the positions in the primary key are 0, 1, "
        "not 1, 2 (number the members from 1)"
    ]


@pytest.mark.parametrize(
    "marks",
    [
        ("primaryKey: true, primaryKeyPosition: -1", "primaryKey: true"),
        ("primaryKey: true, primaryKeyPosition: 2", "primaryKey: true, primaryKeyPosition: 1"),
        ("primaryKey: false, primaryKeyPosition: -1",),
        ("partitioned: true, partitionKeyPosition: 1", "required: true"),
    ],
)
def test_keys_that_are_right(marks: tuple[str, ...]) -> None:
    assert columns(*marks) == []


def test_a_position_twice() -> None:
    assert columns("primaryKey: true, primaryKeyPosition: 3", "primaryKey: true, primaryKeyPosition: 3") == [
        "10:79 error LP740 schema[0].properties[1].primaryKeyPosition: `c1` and `c0` both have `primaryKeyPosition` 3 "
        "(give each member its own position)"
    ]


def test_a_member_without_a_position() -> None:
    assert columns("primaryKey: true", "primaryKey: true, primaryKeyPosition: 2") == [
        "9:53 warning LP743 schema[0].properties[0].primaryKey: `c0` has no `primaryKeyPosition`, other members of the "
        "primary key have one (add primaryKeyPosition)"
    ]


def test_a_position_without_the_flag_and_a_gap_in_the_partition() -> None:
    assert columns("partitioned: true, partitionKeyPosition: 2", "partitionKeyPosition: 1", "required: true") == [
        "9:82 warning LP741 schema[0].properties[0].partitionKeyPosition: the positions in the partition are 2, not 1 "
        "(number the members from 1)",
        "10:63 warning LP742 schema[0].properties[1].partitionKeyPosition: `c1` has `partitionKeyPosition` 1 and is no "
        "part of the partition (add partitioned: true, or remove the position)",
    ]


def test_nested_properties_are_part_of_no_key() -> None:
    source = properties("""
        - name: a
          logicalType: array
          items: {logicalType: string, primaryKey: true}
        - name: b
          logicalType: object
          properties: [{name: x, logicalType: string, partitioned: true}]
    """)
    hint = "of a table (mark a property of the object itself)"
    assert found(source) == [
        "11:50 warning LP745 schema[0].properties[0].items.primaryKey: `items` is nested, it cannot be part of the "
        f"primary key {hint}",
        "14:66 warning LP745 schema[0].properties[1].properties[0].partitioned: `x` is nested, it cannot be part of "
        f"the partition {hint}",
    ]


def test_partitions_that_delta_refuses() -> None:
    hint = "(partition by some columns with single values)"
    source = properties("""
        - name: a
          logicalType: object
          partitioned: true
          properties: [{name: x, logicalType: string}]
        - {name: b, logicalType: string}
    """)
    assert found(source) == [
        "11:22 warning LP746 schema[0].properties[0].partitioned: `a` is STRUCT; a table is partitioned by single "
        f"values {hint}"
    ]
    assert columns("partitioned: true", "partitioned: true") == [
        "10:54 warning LP746 schema[0].properties[1].partitioned: every property of `orders` is a partition column; "
        f"Delta wants one that is none {hint}"
    ]
