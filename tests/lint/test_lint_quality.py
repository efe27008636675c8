"""Quality rules and their thresholds."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lint_documents import found, properties

from lakepact.contract.model import Operator, Place, QualityRule, QualityType, Threshold
from lakepact.lint.thresholds import _measured, _spans

ROWS = "a count of rows is a whole number from 0 on"
SHARE = "a share is from 0 to 100 percent"
CORRECT = "(correct the threshold or the unit)"
TIGHTEN = "(tighten the threshold, or remove the rule)"


def rule(body: str, version: str = "v3.1.0") -> list[str]:
    """Findings of one rule of a property, without place and path of the rule."""
    source = properties(f"- name: a\n  logicalType: integer\n  quality:\n    - {{{body}}}\n", version=version)
    return [line.partition(" ")[2].replace(" schema[0].properties[0].quality[0]", "") for line in found(source)]


@pytest.mark.parametrize(
    ("demand", "nature"),
    [
        ("mustBe: -1", ROWS),
        ("mustBe: 0.5", ROWS),
        ("mustBeLessThan: 0", ROWS),
        ("mustBeBetween: [0.2, 0.8]", ROWS),
        ("mustBe: 100.5", SHARE),
        ("mustBeGreaterThan: 100", SHARE),
        ("mustNotBeBetween: [0, 100]", SHARE),
    ],
)
def test_thresholds_that_never_hold(demand: str, nature: str) -> None:
    unit = "unit: percent, " if nature == SHARE else ""
    operator = demand.partition(":")[0]
    assert rule(f"metric: nullValues, {unit}{demand}") == [
        f"error LP760.{operator}: `{demand}` never holds: {nature} {CORRECT}"
    ]


@pytest.mark.parametrize(
    ("demand", "nature"),
    [
        ("mustNotBe: 0.5", ROWS),
        ("mustBeGreaterThan: -1", ROWS),
        ("mustBeGreaterOrEqualTo: 0", ROWS),
        ("mustNotBe: 101", SHARE),
        ("mustBeLessThan: 101", SHARE),
        ("mustBeBetween: [0, 100]", SHARE),
    ],
)
def test_thresholds_that_always_hold(demand: str, nature: str) -> None:
    unit = "unit: percent, " if nature == SHARE else ""
    operator = demand.partition(":")[0]
    assert rule(f"metric: nullValues, {unit}{demand}") == [
        f"warning LP761.{operator}: `{demand}` always holds: {nature} {TIGHTEN}"
    ]


@pytest.mark.parametrize(
    "body",
    [
        "metric: nullValues, mustBe: 0",
        "metric: nullValues, mustBeLessOrEqualTo: 0",
        "metric: nullValues, unit: percent, mustBe: 0.5",
        "metric: nullValues, mustBe: '5'",
        'type: sql, query: "SELECT 1 FROM {object}", mustBe: -5.5',
    ],
)
def test_thresholds_that_may_hold(body: str) -> None:
    assert rule(body) == []


def test_reversed_bounds() -> None:
    assert rule("metric: nullValues, mustBeBetween: [5, 3]") == [
        "error LP760.mustBeBetween: `mustBeBetween: [5, 3]` never holds: its bounds are reversed (exchange the bounds)"
    ]
    assert rule('type: sql, query: "SELECT 1 FROM {object}", mustNotBeBetween: [5, 3]') == [
        "warning LP761.mustNotBeBetween: `mustNotBeBetween: [5, 3]` always holds: its bounds are reversed "
        "(exchange the bounds)"
    ]


def test_the_reading_of_between_is_said() -> None:
    hint = "(nothing, if the bounds are meant; else use two rules)"
    assert rule("metric: nullValues, mustBeBetween: [3, 5]") == [
        "info LP762.mustBeBetween: 3 and 5 themselves meet `mustBeBetween` here; the standard excludes them " + hint
    ]
    assert rule("metric: nullValues, mustNotBeBetween: [3, 5.5]") == [
        "info LP762.mustNotBeBetween: 3 and 5.5 themselves break `mustNotBeBetween` here; the standard excludes them "
        + hint
    ]


@pytest.mark.parametrize(
    ("demands", "message"),
    [
        ("mustBe: 5, mustNotBe: 5", "LP755.mustNotBe: `mustNotBe: 5` cannot hold together with `mustBe: 5`"),
        (
            "mustBeGreaterThan: 5, mustBeLessThan: 6",
            "LP755.mustBeLessThan: `mustBeLessThan: 6` cannot hold together with `mustBeGreaterThan: 5`",
        ),
        ("mustBeGreaterThan: 5, mustBeLessThan: 7", None),
        ("unit: percent, mustBeGreaterThan: 5, mustBeLessThan: 6", None),
    ],
)
def test_operators_together_in_v3_0(demands: str, message: str | None) -> None:
    expected = [f"error {message} (keep those that are meant)"] if message else []
    assert rule(f"rule: nullCheck, {demands}", "v3.0.2") == expected


def test_row_count_of_a_property() -> None:
    message = "counts the rows of the object, and stands on `a` (move it to the object)"
    assert rule("metric: rowCount, mustBeGreaterThan: 0") == [f"warning LP756.metric: `rowCount` {message}"]
    assert rule("rule: countCheck, mustBeGreaterThan: 0", "v3.0.2") == [f"warning LP756.rule: `countCheck` {message}"]


def test_arguments_that_nothing_reads() -> None:
    assert rule("metric: nullValues, arguments: {validvalues: [1], validValues: [2], foo: 2}, mustBe: 0") == [
        "warning LP757.arguments.validvalues: `nullValues` does not read the argument `validvalues` "
        "(did you mean `validValues`?)",
        "warning LP757.arguments.validValues: `nullValues` does not read the argument `validValues` "
        "(invalidValues reads it)",
        "warning LP757.arguments.foo: `nullValues` does not read the argument `foo` (it reads properties)",
    ]
    assert rule("rule: duplicateCount, validValues: [1], mustBe: 0", "v3.0.2") == [
        "warning LP757.validValues: `duplicateCount` does not read the argument `validValues` (invalidValues reads it)"
    ]


def test_texts_and_queries() -> None:
    assert rule("type: text") == [
        "warning LP758: a rule of type text has no `description`, so it demands nothing "
        "(describe in `description` what must hold)"
    ]
    assert rule("type: sql, query: SELECT count(*) FROM orders, mustBe: 2") == [
        "warning LP759.query: the query has no placeholder, so it reads the table that it names and no other "
        "(write {object} for the table and {property} for the column)"
    ]
    assert rule('type: sql, query: "SELECT 1 FROM ${table}", mustBe: 2', "v3.0.2") == []


def test_faults_of_a_query_stand_at_the_query() -> None:
    assert rule('type: sql, query: "SELECT 1 FROM {object}; SELECT 2", mustBe: 2') == [
        "warning LP206.query: only one statement is run, the text holds ';' "
        "(complete or correct the rule; it is not enforced so far)"
    ]


def test_a_rule_that_compares_with_nothing() -> None:
    assert rule("rule: nullValues, mustBe: 0, unit: apples", "v3.0.2") == [
        "warning LP150.unit: the unit `apples` is neither rows nor percent"
    ]
    assert rule("rule: duplicateValues", "v3.0.2") == [
        "warning LP206: the rule measures duplicateValues and compares it with nothing (no mustBe...) "
        "(add an operator, for example mustBeGreaterThan: 0)"
    ]


NUMBERS = st.sampled_from([Fraction(number, 2) for number in range(-3, 12)])
SCALAR_OPERATORS = [operator for operator in Operator if "Between" not in operator.value]
COMPARE = {
    Operator.MUST_BE: lambda value, limit: value == limit,
    Operator.MUST_NOT_BE: lambda value, limit: value != limit,
    Operator.MUST_BE_GREATER_THAN: lambda value, limit: value > limit,
    Operator.MUST_BE_GREATER_OR_EQUAL_TO: lambda value, limit: value >= limit,
    Operator.MUST_BE_LESS_THAN: lambda value, limit: value < limit,
    Operator.MUST_BE_LESS_OR_EQUAL_TO: lambda value, limit: value <= limit,
}


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(SCALAR_OPERATORS), NUMBERS), min_size=1, max_size=3), st.booleans())
def test_what_is_said_to_be_impossible_is_what_no_number_meets(
    demands: list[tuple[Operator, Fraction]], percent: bool
) -> None:
    measured = _measured(QualityRule(place=Place(), type=QualityType.LIBRARY, unit="percent" if percent else "rows"))
    spans = [measured]
    for operator, limit in demands:
        threshold = Threshold(operator, float(limit), Place())
        spans = [both for span in spans for other in _spans(threshold) if not (both := span.and_(other)).empty]
    # Limits are halves: quarters lie between all of them.
    tried = [Fraction(number, 4) for number in range(81)] if percent else [Fraction(number) for number in range(21)]
    possible = any(all(COMPARE[operator](value, limit) for operator, limit in demands) for value in tried)
    assert bool(spans) is possible
