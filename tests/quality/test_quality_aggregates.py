"""What is measured of some rows beside the counts of all: which expressions and queries, and how they are written."""

from __future__ import annotations

import pytest

from lakepact.quality.aggregates import RowMeasure, filtered, row_measure
from lakepact.rules.model import Action, Aggregate, DatasetRule, DuplicateRows, Measure, Query


def rule(measure: Measure) -> DatasetRule:
    return DatasetRule(
        id="t.r",
        name="r",
        object="t",
        measure=measure,
        condition="value > 0",
        threshold="mustBeGreaterThan 0",
        clauses=(),
        description="",
        action=Action.WARN,
        action_from="default",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("count(1)", "count(1) FILTER (WHERE b)"),
        ("COUNT ( * )", "COUNT ( * ) FILTER (WHERE b)"),
        (
            "coalesce(100.0D * count_if(NOT (`a` IN (1, 2))) / nullif(count(1), 0), 0.0D)",
            "coalesce(100.0D * count_if(NOT (`a` IN (1, 2))) FILTER (WHERE b) / "
            "nullif(count(1) FILTER (WHERE b), 0), 0.0D)",
        ),
        (
            "unix_seconds(current_timestamp()) - unix_seconds(max(CAST(`at` AS TIMESTAMP)))",
            "unix_seconds(current_timestamp()) - unix_seconds(max(CAST(`at` AS TIMESTAMP)) FILTER (WHERE b))",
        ),
        # Within an aggregate any function is one of rows.
        ("sum(my_function(`a`, x -> x + 1))", "sum(my_function(`a`, x -> x + 1)) FILTER (WHERE b)"),
        ("max(')')", "max(')') FILTER (WHERE b)"),
    ],
)
def test_each_aggregate_is_over_the_rows_that_are_meant(text: str, expected: str) -> None:
    assert filtered(text, "b") == expected


@pytest.mark.parametrize(
    "text",
    [
        "my_aggregate(a)",
        "`count`(a)",
        "percentile(a, 0.5)",
        "count(DISTINCT a)",
        "sum(a) OVER (PARTITION BY b)",
        "(SELECT max(a) FROM t)",
        "count(1), max(a)",
        "count(1) -- all",
        "count(1",
        "count(1))",
        "max('a)",
        "a + 1",
        "",
    ],
)
def test_what_is_not_certain_is_left(text: str) -> None:
    assert filtered(text, "b") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT avg(balance) FROM {object:t}", RowMeasure("avg(balance)")),
        ("select count(*) as n\nfrom {object:t} ;", RowMeasure("count(*)")),
        ("SELECT count(*) FROM {object:t} WHERE a < 0 OR a > 9", RowMeasure("count(*)", "a < 0 OR a > 9")),
        ("SELECT sum(CAST(a AS INT)) FROM {object:t}", RowMeasure("sum(CAST(a AS INT))")),
    ],
)
def test_queries_of_one_pass(text: str, expected: RowMeasure) -> None:
    assert row_measure(rule(Query(text))) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM {object:other}",
        "SELECT count(*) FROM {object:t} AS x",
        "SELECT count(*) FROM {object:t}, {object:t}",
        "SELECT count(*) FROM {object:t} GROUP BY a",
        "SELECT count(*) FROM {object:t} WHERE a > 1 GROUP BY b",
        "SELECT count(*) FROM {object:t} WHERE a > (SELECT 1)",
        "SELECT count(*) FROM {object:t} WHERE",
        "SELECT count(*) FROM {object:t} WHERE a > 1 -- more",
        "SELECT count(*) /* all */ FROM {object:t}",
        "SELECT max(a), min(a) FROM {object:t}",
        "SELECT a FROM {object:t}",
        "WITH x AS (SELECT 1) SELECT count(*) FROM {object:t}",
        "SELECT '{object:t}'",
        "SELECT FROM {object:t}",
        "count(*) FROM {object:t}",
    ],
)
def test_other_queries_are_asked_by_themselves(text: str) -> None:
    assert row_measure(rule(Query(text))) is None


def test_other_measures() -> None:
    assert row_measure(rule(Aggregate("my_aggregate(a)"))) == RowMeasure("my_aggregate(a)")
    assert row_measure(rule(DuplicateRows(("a",)))) is None


def test_conditions_come_together() -> None:
    measure = RowMeasure("count(1)", "a OR b")
    assert measure.over("NOT c") == "count(1) FILTER (WHERE (NOT c) AND (a OR b))"
    assert measure.over("") == "count(1) FILTER (WHERE (a OR b))"
    assert RowMeasure("my_aggregate(a)").over("") == "my_aggregate(a)"
    assert RowMeasure("my_aggregate(a)").over("b") is None
