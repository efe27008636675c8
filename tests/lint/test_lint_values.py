"""Listed values and examples, and the patterns that they are held against."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lint_documents import found, properties

from lakepact.lint.matching import Matcher

TYPE_HINT = "(correct the value or the type)"
LIMIT_HINT = "(correct the value or the limit)"
EXAMPLE_HINT = "(correct the example or the rule)"


def findings(logical_type: str, more: str) -> list[str]:
    """Findings of one property, without their place and path."""
    source = properties(f"- {{name: a, logicalType: {logical_type}, {more}}}\n", version="v3.2.0")
    return [line.partition(" ")[2].replace("schema[0].properties[0].", "") for line in found(source)]


def enum(logical_type: str, *values: str, more: str = "") -> list[str]:
    listed = ", ".join(f"{{value: {value}}}" for value in values)
    return findings(logical_type, f"enum: [{listed}]{more}")


def examples(logical_type: str, values: str, *, options: str = "") -> list[str]:
    return findings(logical_type, f"examples: [{values}]" + (f", logicalTypeOptions: {{{options}}}" if options else ""))


def test_values_that_are_none_of_the_type() -> None:
    assert enum("integer", "1", '"2"', "2.5", "true", "x") == [
        f"error LP763 enum[2].value: `2.5` is no value of `a`, whose type is BIGINT {TYPE_HINT}",
        f"error LP763 enum[3].value: `true` is no value of `a`, whose type is BIGINT {TYPE_HINT}",
        f"error LP763 enum[4].value: `x` is no value of `a`, whose type is BIGINT {TYPE_HINT}",
    ]
    assert enum("date", '"2024-01-01"', '"2024-13-01"') == [
        f"error LP763 enum[1].value: `2024-13-01` is no value of `a`, whose type is DATE {TYPE_HINT}"
    ]
    assert enum("boolean", "true", '"true"') == [
        f'error LP763 enum[1].value: `"true"` is no value of `a`, whose type is BOOLEAN {TYPE_HINT}'
    ]


def test_numbers_and_booleans_among_texts() -> None:
    assert enum("string", "a", "1.50", "True", "null") == [
        'warning LP764 enum[1].value: `1.50` without quotes is a number, and `a` is text (write "1.50")',
        'warning LP764 enum[2].value: `True` without quotes is a boolean, and `a` is text (write "True")',
    ]


def test_values_that_are_the_same_by_their_type() -> None:
    assert enum("number", "1", '"1.0"') == [
        "warning LP766 enum[1].value: the value `1.0` is listed twice; first at 9:55 (remove one of the two)"
    ]
    assert enum("string", '"1"', '"1.0"') == []


@pytest.mark.parametrize(
    ("logical_type", "value", "options", "broken"),
    [
        ("string", "abc", "maxLength: 2", "is longer than `maxLength` 2"),
        ("string", "abc", "minLength: 4", "is shorter than `minLength` 4"),
        ("string", "b1", 'pattern: "^[a-z]+$"', "does not match the pattern `^[a-z]+$`"),
        ("integer", "5", "multipleOf: 2", "is no multiple of 2"),
        ("integer", "11", "exclusiveMaximum: 11", "is not below `exclusiveMaximum` 11"),
        ("integer", "11", "exclusiveMinimum: 11", "is not above `exclusiveMinimum` 11"),
        ("integer", "-1", "minimum: 0", "is below `minimum` 0"),
        ("integer", "9", "maximum: 8", "is above `maximum` 8"),
        ("date", '"2023-12-31"', 'minimum: "2024-01-01"', "is below `minimum` 2024-01-01"),
    ],
)
def test_values_that_break_a_limit(logical_type: str, value: str, options: str, broken: str) -> None:
    shown = value.strip('"')
    more = f", logicalTypeOptions: {{{options}}}"
    assert enum(logical_type, value, more=more) == [
        f"warning LP765 enum[0].value: the value `{shown}` {broken} {LIMIT_HINT}"
    ]
    assert examples(logical_type, value, options=options) == [
        f"warning LP768 examples[0]: the example `{shown}` of `a` {broken} {EXAMPLE_HINT}"
    ]


def test_null_among_values() -> None:
    assert enum("string", "null", "x") == []
    assert enum("string", "null", "x", more=", required: true") == [
        "warning LP767 enum[0].value: null is listed as a value of `a`, which is required "
        "(remove the null, or `required`)"
    ]


def test_examples() -> None:
    assert examples("integer", '1, 2.5, x, null, "3", [1]') == [
        f"warning LP768 examples[1]: the example `2.5` of `a` is no BIGINT {EXAMPLE_HINT}",
        f"warning LP768 examples[2]: the example `x` of `a` is no BIGINT {EXAMPLE_HINT}",
    ]
    assert examples("number", "0.3, 0.35", options="multipleOf: 0.1") == [
        f"warning LP768 examples[1]: the example `0.35` of `a` is no multiple of 0.1 {EXAMPLE_HINT}"
    ]
    assert examples("time", '"10:00:00", "25:00"', options='maximum: "09:00:00"') == [
        f"warning LP768 examples[0]: the example `10:00:00` of `a` is above `maximum` 09:00:00 {EXAMPLE_HINT}"
    ]
    assert findings("string", "examples: [DE, XX], enum: [{value: DE}]") == [
        f"warning LP768 examples[1]: the example `XX` of `a` is not in `enum` {EXAMPLE_HINT}"
    ]


def test_examples_in_a_format_of_their_own_are_not_judged() -> None:
    assert examples("date", '"01.02.2024", soon', options="format: dd.MM.yyyy") == []
    assert examples("array", "[1, 2], x")[:1] == [
        "info LP204 schema[0].properties[0]: property 'a' says nothing of its elements; it is read as ARRAY<STRING> "
        "(add `items`)"
    ]


def test_valid_values() -> None:
    more = "quality: [{metric: invalidValues, arguments: {validValues: [1, x, 1.0]}, mustBe: 0}]"
    assert findings("integer", more) == [
        "error LP763 quality[0].arguments.validValues[1]: `x` is no value of `a`, whose type is BIGINT " + TYPE_HINT,
        "warning LP766 quality[0].arguments.validValues[2]: the value `1.0` is listed twice; first at 9:101 "
        "(remove one of the two)",
    ]


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\.", "(a|b)", "(?:ab)", "(?=a)", "1"])
QUANTIFIERS = st.sampled_from(["", "", "?", "*", "+", "{2}", "{1,2}", "*?"])
PATTERNS = st.lists(st.tuples(ATOMS, QUANTIFIERS), min_size=1, max_size=4).map(
    lambda parts: "".join(atom + quantifier for atom, quantifier in parts)
)


@settings(max_examples=300)
@given(PATTERNS, st.booleans(), st.booleans(), st.text("ab1.", max_size=8))
def test_patterns_that_are_tried_match_as_python_says(pattern: str, start: bool, end: bool, text: str) -> None:
    whole = ("^" if start else "") + pattern + ("$" if end else "")
    answer = Matcher().found(whole, text)
    assert answer is None or answer is (re.search(whole.replace("$", r"\Z"), text) is not None)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|a)*$",
        "(a*)*b",
        "a*a*a*a*a*b",
        "((a?){8}){8}",
        r"(a)\1",
        "(?<=a)b",
        "[[a]",
        "[a&&b]",
        "a**",
        "(a",
        "a{,2}",
    ],
)
def test_patterns_that_could_take_long_or_are_read_otherwise_are_not_tried(pattern: str) -> None:
    assert Matcher().found(pattern, "a" * 40) is None


def test_texts_that_are_long_or_not_ascii_are_not_tried() -> None:
    assert Matcher().found("^a$", "a" * 81) is None
    assert Matcher().found(r"^\w$", "é") is None


def test_the_budget_ends() -> None:
    matcher = Matcher()
    answers = [matcher.found("^a*a*b$", "a" * 40) for _ in range(4000)]
    assert answers[0] is False
    assert answers[-1] is None
