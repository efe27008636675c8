"""ECMA-262 patterns for Java: the text, what is refused, and that Java compiles and reads them the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.rules.literals import Inexpressible
from lakepact.rules.patterns import java_pattern


@pytest.mark.parametrize(
    ("pattern", "java"),
    [
        ("ACC[0-9]{8}", "ACC[0-9]{8}"),
        ("^a$", r"^a\z"),
        (".", r"[^\n\r\x{2028}\x{2029}]"),
        (r"\d+\.\d*", r"\d+\.\d*"),
        ("a{", r"a\{"),
        ("a{,2}", r"a\{,2\}"),
        ("[a[b]", r"[a\[b]"),
        ("[a&&b]", r"[a\&\&b]"),
        ("[]", "(?!)"),
        ("[^]", r"[\x{0}-\x{10FFFF}]"),
        (r"[\d-x]", r"[\d\-x]"),
        ("[-a]", r"[\-a]"),
        (r"\cJ\0\x41\u00e9\u{1F600}", r"\x0A\x00\x{41}\x{E9}\x{1F600}"),
        (r"\p{Lu}\P{Script=Greek}", r"\p{Lu}\P{IsGreek}"),
        ("(?<y>a)(?=b)(?!c)(?:d)", "(?<y>a)(?=b)(?!c)(?:d)"),
        (r"[\b]", r"[\x08]"),
        ("a*?b+?c??", "a*?b+?c??"),
        (r"\/", r"\/"),
    ],
)
def test_the_text_for_java(pattern: str, java: str) -> None:
    assert java_pattern(pattern).text == java
    assert java_pattern(pattern).note == ""


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", r"a group is not closed"),
        (")", r"a '\)' without '\('"),
        ("[a", r"a '\[' is not closed"),
        ("*", r"nothing to repeat before '\*'"),
        ("a**", r"nothing to repeat before '\*'"),
        ("a++", "possessive quantifiers are Java's"),
        ("(?>a)", "is no group of ECMA-262"),
        (r"\Aa", "has no meaning in ECMA-262"),
        ("[z-a]", "runs backwards"),
        ("a{3,2}", "runs backwards"),
        ("a{100000}", "is too large"),
        ("(?<=a+)b", "lookbehind without a fixed length"),
        (r"\p{Letter}", "Java does not know the property 'Letter'"),
        (r"\1(a)", "refers to a group that is not closed"),
        ("\\", r"a '\\' at the end"),
        (r"\ud800", "half of a surrogate pair"),
    ],
)
def test_what_cannot_be_said_in_java_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(Inexpressible, match=reason):
        java_pattern(pattern)


def test_notes_on_what_only_java_has() -> None:
    assert java_pattern("(?i)abc").note == "(?i) is Java's, ECMA-262 has no such flag"
    assert java_pattern(r"(a)\1").note == (r"\1 fails in Java where its group took no part; ECMA-262 lets it match ''")


@pytest.mark.spark
def test_java_reads_them_as_ecma_does(spark: Any) -> None:
    java = spark._jvm.java.util.regex.Pattern
    cases = [
        ("^a$", "a\n", False),
        ("^a.b$", "a\x85b", True),
        (r"^\s$", "\u00a0", True),
        (r"^\S$", "\u2003", False),
        (r"^[\s]$", "\ufeff", True),
        (r"^[^\s]$", "\u00a0", False),
        ("[a[b]", "[", True),
        ("^[a&&b]$", "a", True),
        ("[]", "x", False),
        ("^[^]$", "\n", True),
        (r"^\u{1F600}$", "😀", True),
        ("^.$", "😀", True),
        ("^a{$", "a{", True),
        ("b", "abc", True),
        ("# x", "# x", True),
        (r"\cJ", "\n", True),
    ]
    found = [java.compile(java_pattern(pattern).text).matcher(text).find() for pattern, text, _ in cases]
    assert found == [expected for _, _, expected in cases]


@pytest.mark.spark
def test_whatever_is_not_refused_compiles_in_java(spark: Any) -> None:
    compile_pattern = spark._jvm.java.util.regex.Pattern.compile

    @given(st.text(r"ab19()[]{}^$|.*+?\-,:=!<>&dswbpPuxk#~é '", max_size=14))
    @settings(max_examples=1500, database=None)
    def check(pattern: str) -> None:
        try:
            text = java_pattern(pattern).text
        except Inexpressible:
            return
        compile_pattern(text)

    check()
