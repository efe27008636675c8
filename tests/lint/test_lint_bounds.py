"""Limits of a property against each other and against its type."""

from __future__ import annotations

import pytest
from lint_documents import found, properties

REVERSED = "no value has both (exchange or correct them)"
WIDEN = "(widen a limit or the type)"
REMOVE = "(remove it, or correct the limit or the type)"


def of(logical_type: str, options: str, *, physical: str = "", version: str = "v3.1.0") -> list[str]:
    """Findings of one property, without their place and path."""
    physical_line = f"\n  physicalType: {physical}" if physical else ""
    source = properties(
        f"- name: a\n  logicalType: {logical_type}{physical_line}\n  logicalTypeOptions: {{{options}}}\n",
        version=version,
    )
    return [line.partition(" ")[2].replace(" schema[0].properties[0].logicalTypeOptions", "") for line in found(source)]


@pytest.mark.parametrize(
    ("logical_type", "options", "lower", "upper"),
    [
        ("number", "minimum: 5, maximum: 3", "`minimum` 5", "`maximum` 3"),
        ("integer", "minimum: 5, maximum: 3", "`minimum` 5", "`maximum` 3"),
        ("number", "exclusiveMinimum: 1e3, maximum: 999.9", "`exclusiveMinimum` 1E+3", "`maximum` 999.9"),
        ("date", 'minimum: "2024-02-01", maximum: "2024-01-01"', "`minimum` 2024-02-01", "`maximum` 2024-01-01"),
        (
            "date",
            'minimum: "31/12/2024", maximum: "01/01/2024", format: dd/MM/yyyy',
            "`minimum` 31/12/2024",
            "`maximum` 01/01/2024",
        ),
        ("time", 'minimum: "12:00:00", maximum: "11:59:59.5"', "`minimum` 12:00:00", "`maximum` 11:59:59.5"),
        (
            "timestamp",
            'minimum: "2024-01-01 02:00:00", maximum: "2024-01-01T00:30:00Z", defaultTimezone: Europe/Berlin',
            "`minimum` 2024-01-01 02:00:00",
            "`maximum` 2024-01-01T00:30:00Z",
        ),
    ],
)
def test_a_minimum_above_the_maximum(logical_type: str, options: str, lower: str, upper: str) -> None:
    assert of(logical_type, options) == [f"error LP730.{upper.split('`')[1]}: {lower} is above {upper}: {REVERSED}"]


@pytest.mark.parametrize(
    ("logical_type", "options", "message"),
    [
        ("string", "minLength: 5, maxLength: 3", "`minLength` 5 is more than `maxLength` 3"),
        ("object", "minProperties: 5, maxProperties: 3", "`minProperties` 5 is more than `maxProperties` 3"),
    ],
)
def test_counts_that_are_reversed(logical_type: str, options: str, message: str) -> None:
    assert [line for line in of(logical_type, options) if "LP730" in line] == [
        f"error LP730.{message.split('`')[3]}: {message}: {REVERSED}"
    ]


def test_items() -> None:
    source = properties("""
        - name: a
          logicalType: array
          logicalTypeOptions: {minItems: 2, maxItems: 1}
          items:
            logicalType: integer
            logicalTypeOptions: {minimum: 3, maximum: 2}
    """)
    assert found(source) == [
        "11:53 error LP730 schema[0].properties[0].logicalTypeOptions.maxItems: `minItems` 2 is more than `maxItems` "
        f"1: {REVERSED}",
        "14:53 error LP730 schema[0].properties[0].items.logicalTypeOptions.maximum: `minimum` 3 is above `maximum` 2: "
        f"{REVERSED}",
    ]


@pytest.mark.parametrize(
    ("logical_type", "options", "findings"),
    [
        ("number", "minimum: 3, maximum: 3", []),
        (
            "number",
            "exclusiveMinimum: 3, maximum: 3",
            ["`exclusiveMinimum` 3 and `maximum` 3 leave no value, because a limit is excluded"],
        ),
        (
            "date",
            'exclusiveMinimum: "2024-01-01", maximum: "2024-01-01"',
            ["`exclusiveMinimum` 2024-01-01 and `maximum` 2024-01-01 leave no value, because a limit is excluded"],
        ),
        (
            "integer",
            "exclusiveMinimum: 1, exclusiveMaximum: 2",
            ["no integer lies between `exclusiveMinimum` 1 and `exclusiveMaximum` 2"],
        ),
        ("number", "exclusiveMinimum: 1, exclusiveMaximum: 2", []),
        (
            "number",
            "minimum: 0.1, maximum: 0.2, multipleOf: 0.5",
            ["no multiple of 0.5 lies between `minimum` 0.1 and `maximum` 0.2"],
        ),
        (
            "integer",
            "minimum: 1, maximum: 2, multipleOf: 3",
            ["no multiple of 3 lies between `minimum` 1 and `maximum` 2"],
        ),
        ("integer", "minimum: 1, maximum: 3, multipleOf: 3", []),
        # The strongest of several limits counts.
        ("number", "minimum: 1, exclusiveMinimum: 3, maximum: 3, exclusiveMaximum: 10",
         ["`exclusiveMinimum` 3 and `maximum` 3 leave no value, because a limit is excluded"]),
    ],
)  # fmt: skip
def test_limits_that_leave_nothing(logical_type: str, options: str, findings: list[str]) -> None:
    assert [line.split(": ", 1)[1] for line in of(logical_type, options)] == [f"{text} {WIDEN}" for text in findings]


@pytest.mark.parametrize(
    ("options", "physical", "finding"),
    [
        (
            "minimum: 300, format: u8",
            "",
            f"error LP731.minimum: `minimum` 300 leaves no value: u8 is at most 255 {WIDEN}",
        ),
        (
            "minimum: -1, format: u8",
            "",
            f"warning LP732.minimum: `minimum` -1 demands nothing: u8 is at least 0 {REMOVE}",
        ),
        (
            "maximum: 3000000000",
            "int",
            f"warning LP732.maximum: `maximum` 3000000000 demands nothing: INT is at most 2147483647 {REMOVE}",
        ),
        (
            "maximum: -3000000000",
            "int",
            f"error LP731.maximum: `maximum` -3000000000 leaves no value: INT is at least -2147483648 {WIDEN}",
        ),
        ("minimum: -128, maximum: 127, format: i8", "", None),
    ],
)
def test_limits_beyond_the_type(options: str, physical: str, finding: str | None) -> None:
    assert of("integer", options, physical=physical) == ([finding] if finding else [])


def test_limits_beyond_a_decimal_and_a_varchar() -> None:
    assert of("number", "minimum: 1000", physical="decimal(5,2)") == [
        f"error LP731.minimum: `minimum` 1000 leaves no value: DECIMAL(5,2) is at most 999.99 {WIDEN}"
    ]
    assert of("string", "minLength: 6, maxLength: 10", physical="varchar(5)") == [
        f"error LP731.minLength: `minLength` 6 is more than the 5 characters of VARCHAR(5): no value fits {WIDEN}",
        f"warning LP732.maxLength: `maxLength` 10 demands nothing: VARCHAR(5) holds at most 5 characters {REMOVE}",
    ]


def test_numbers_of_properties_against_those_declared() -> None:
    source = properties("""
        - name: a
          logicalType: object
          logicalTypeOptions: {minProperties: 3}
          properties: [{name: x, logicalType: string}, {name: y, logicalType: string}]
        - name: b
          logicalType: object
          logicalTypeOptions: {maxProperties: 1, required: [y]}
          properties: [{name: x, logicalType: string, required: true}, {name: y, logicalType: string}]
    """)
    assert found(source) == [
        "11:45 error LP731 schema[0].properties[0].logicalTypeOptions.minProperties: `minProperties` 3 is more than "
        f"the 2 properties declared {WIDEN}",
        "15:45 error LP731 schema[0].properties[1].logicalTypeOptions.maxProperties: `maxProperties` 1 is less than "
        f"the 2 properties required {WIDEN}",
    ]


def test_fractions_for_integers() -> None:
    hint = "is a fraction, its values are integers (write a whole number, or use logicalType number)"
    assert of("integer", "minimum: 0.5, maximum: 7.0, multipleOf: 1.5") == [
        f"warning LP733.minimum: `minimum` 0.5 of `a` {hint}",
        f"warning LP733.multipleOf: `multipleOf` 1.5 of `a` {hint}",
    ]
    assert of("number", "minimum: 0.5") == []


def test_switches_of_v3_0() -> None:
    assert of("number", "minimum: 3, exclusiveMinimum: true, maximum: 3", version="v3.0.2") == [
        f"error LP731.maximum: `minimum` 3 and `maximum` 3 leave no value, because a limit is excluded {WIDEN}"
    ]
    assert of("number", "exclusiveMinimum: true, exclusiveMaximum: false", version="v3.0.2") == [
        "warning LP734.exclusiveMinimum: `exclusiveMinimum: true` says how `minimum` is meant, and there is no "
        "`minimum` (add the limit or remove the switch)"
    ]


def test_a_limit_that_is_no_date_is_left_to_the_rules() -> None:
    assert of("date", 'minimum: "2024-01-01", exclusiveMaximum: soon') == [
        "warning LP205.exclusiveMaximum: 'soon' is not a date or timestamp in ISO 8601 "
        "(correct the option or the type; the clause is not enforced so far)"
    ]
