"""Patterns and date formats: what Java and Spark make of them."""

from __future__ import annotations

import pytest
from lint_documents import found, properties, said

from lakepact.lint.dates import better_format

PATH = "12:20 {} schema[0].properties[0].logicalTypeOptions.pattern: "


def with_pattern(pattern: str) -> list[str]:
    quoted = pattern.replace("'", "''")
    return found(properties(f"- name: a\n  logicalType: string\n  logicalTypeOptions:\n    pattern: '{quoted}'\n"))


@pytest.mark.parametrize(
    ("pattern", "construct", "reading", "better"),
    [
        ("a{", "{", "a count that is wrong", r"`\{`"),
        ("[a[b]", "[", "the start of a set inside the set", r"`\[`"),
        ("[a&&b]", "&&", "the intersection of two sets", "one `&`"),
        ("a[^]b", "[^]", "a set that is not closed", r"`[\s\S]`"),
        ("a|[]", "[]", "a set that is not closed", "`(?!)`"),
        (r"a\v", r"\v", "any vertical space", r"`\x0B`"),
        (r"\u{1F600}", r"\u{1F600}", "an escape that is not finished", "the character itself"),
    ],
)
def test_what_java_reads_otherwise(pattern: str, construct: str, reading: str, better: str) -> None:
    assert with_pattern(pattern) == [
        f"{PATH.format('info LP735')}in the pattern `{pattern}` Java reads `{construct}` as {reading} "
        f"(lakepact translates it; for tools that do not, write {better})"
    ]


@pytest.mark.parametrize("pattern", [r"^[A-Z]{2}\d+$", r"\p{L}+", r"\[a\{", "[^a]", "a{2,}", "^a.*$", r"[\[&]", "^$"])
def test_what_both_read_alike(pattern: str) -> None:
    assert with_pattern(pattern) == []


@pytest.mark.parametrize("pattern", ["", ".*", "^", "$", "^.*", "(.*)", ".*?"])
def test_patterns_that_match_everything(pattern: str) -> None:
    assert with_pattern(pattern) == [
        f"{PATH.format('warning LP736')}the pattern `{pattern}` matches every text (remove or tighten it)"
    ]


def test_a_pattern_that_matches_every_line() -> None:
    assert with_pattern("^.*$") == [
        f"{PATH.format('warning LP736')}the pattern `^.*$` matches every text without line breaks "
        "(remove or tighten it)"
    ]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a", "a group is not closed"),
        ("(?<=a+)b", "a lookbehind without a fixed length does not compile in Java"),
        ("a++", "possessive quantifiers are Java's, ECMA-262 refuses them"),
    ],
)
def test_a_pattern_that_does_not_compile_is_an_error(pattern: str, reason: str) -> None:
    assert with_pattern(pattern) == [
        f"{PATH.format('error LP205')}pattern '{pattern}': {reason} "
        "(correct the option or the type; the clause is not enforced so far)"
    ]


def test_a_pattern_that_is_translated_with_a_note_is_a_warning() -> None:
    assert with_pattern("(?i)x") == [
        f"{PATH.format('warning LP205')}(?i) is Java's, ECMA-262 has no such flag (write it so that both read the same)"
    ]


def test_patterns_of_quality_rules_stand_where_they_are_written() -> None:
    source = properties("""
        - name: a
          logicalType: string
          quality:
            - {metric: invalidValues, arguments: {pattern: "[a&&b]"}, mustBe: 0}
            - {metric: invalidValues, arguments: {pattern: "(a"}, mustBe: 0}
    """)
    assert [line.partition(": ")[0] for line in found(source)] == [
        "12:58 info LP735 schema[0].properties[0].quality[0].arguments.pattern",
        "13:58 error LP206 schema[0].properties[0].quality[1].arguments.pattern",
    ]
    beside = properties("- {name: a, logicalType: string, quality: [{rule: invalidValues, pattern: (a, mustBe: 0}]}\n",
                        version="v3.0.2")  # fmt: skip
    assert found(beside)[0].startswith("9:81 error LP206 schema[0].properties[0].quality[0].pattern: pattern '(a'")


def with_format(logical_type: str, text: str, *, more: str = "", version: str = "v3.1.0") -> list[str]:
    options = f'{{format: "{text}"{more}}}'
    return said(
        properties(f"- {{name: a, logicalType: {logical_type}, logicalTypeOptions: {options}}}\n", version=version)
    )


@pytest.mark.parametrize(
    ("logical_type", "text", "message"),
    [
        ("date", "yyyy-MM-DD", "LP737: in `yyyy-MM-DD` `D` is the day of the year"),
        ("date", "yyyy-mm-dd", "LP737: in `yyyy-mm-dd` `m` is the minute"),
        ("timestamp", "yyyy-MM-dd HH:MM:ss", "LP737: in `yyyy-MM-dd HH:MM:ss` `M` after the hour is the month"),
        (
            "timestamp",
            "yyyy-MM-dd hh:mm",
            "LP737: in `yyyy-MM-dd hh:mm` `h` is the hour of half a day, and nothing says which half",
        ),
        ("date", "HH:mm", "LP738: `HH:mm` has a time of day, and the type is date: it is read as time"),
        ("time", "yyyy-MM-dd", "LP738: `yyyy-MM-dd` has a date, and the type is time"),
        ("timestamp", "HH:mm", "LP738: `HH:mm` has no date, and the type is timestamp"),
    ],
)
def test_formats_that_say_something_else(logical_type: str, text: str, message: str) -> None:
    assert with_format(logical_type, text) == [message]


@pytest.mark.parametrize(
    ("logical_type", "text"),
    [
        ("date", "yyyy-MM-dd"),
        ("date", "yyyy-DDD"),
        ("timestamp", "yyyy-MM-dd hh:mm a"),
        ("timestamp", "yyyy-MM-dd'T'HH:mm:ssXXX"),
        ("time", "HH:mm"),
        ("timestamp", "yyyy-MM-dd"),
    ],
)
def test_formats_that_are_right(logical_type: str, text: str) -> None:
    assert with_format(logical_type, text) == []


def test_in_v3_0_a_date_may_have_a_time() -> None:
    assert with_format("date", "yyyy-MM-dd HH:mm", version="v3.0.2") == []
    assert with_format("date", "yyyy-MM-dd HH:mm") == [
        "LP738: `yyyy-MM-dd HH:mm` has a time of day, and the type is date: it is read as timestamp"
    ]


def test_a_zone_where_there_is_none() -> None:
    assert with_format("timestamp", "yyyy-MM-dd HH:mm XXX", more=", timezone: false") == [
        "LP738: `yyyy-MM-dd HH:mm XXX` has a time zone, and `timezone` is false"
    ]


def test_the_documented_default_of_the_standard_is_refused_with_what_is_meant() -> None:
    text = "YYYY-MM-DDTHH:mm:ss.SSSZ"
    source = properties(
        f'- {{name: a, logicalType: date, logicalTypeOptions: {{format: "{text}"}}}}\n', version="v3.0.2"
    )
    assert found(source) == [
        "9:67 warning LP205 schema[0].properties[0].logicalTypeOptions.format: date pattern "
        f"'{text}': Spark does not read the letter 'Y' for a year, which is y (write yyyy-MM-dd'T'HH:mm:ss.SSSXXX)"
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("YYYY-MM-DD", "yyyy-MM-dd"),
        ("yyyy-MM-ddTHH:mm:ssZ", "yyyy-MM-dd'T'HH:mm:ssXXX"),
        ("%d.%m.%Y %H:%M:%S", "dd.MM.yyyy HH:mm:ss"),
        ("ISO", ""),
        ("%Q", ""),
        ("yyyy-MM-dd", ""),
    ],
)
def test_what_is_meant_by_a_format(written: str, meant: str) -> None:
    assert better_format(written) == meant
