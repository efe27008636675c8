"""Semantic versions and specifiers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakepact.contract import SpecifierSet, Version, latest
from lakepact.errors import ConfigurationError

NUMBERS = st.integers(min_value=0, max_value=30)
WORDS = st.sampled_from(["alpha", "beta", "rc", "0", "1", "2", "10", "x-1"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    pre = draw(st.lists(WORDS, max_size=3))
    core = f"{draw(NUMBERS)}.{draw(NUMBERS)}.{draw(NUMBERS)}"
    return core + ("-" + ".".join(pre) if pre else "")


def test_precedence_is_that_of_semver_org() -> None:
    ordered = [
        *("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11"),
        *("1.0.0-rc.1", "1.0.0", "1.0.1-0", "1.0.1", "1.2", "1.10", "2", "10.0.0"),
    ]
    assert [str(version) for version in sorted(map(Version.parse, reversed(ordered)))] == ordered


@pytest.mark.parametrize(
    ("text", "same"), [("1.0", "1.0.0"), ("v1.2.3", "1.2.3"), ("2", "2.0.0"), ("1.0.0+b.1", "1.0.0")]
)
def test_spellings_of_one_version(text: str, same: str) -> None:
    version = Version.parse(text)
    assert version == Version.parse(same)
    assert hash(version) == hash(Version.parse(same))
    assert str(version) == version.text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.",
        "01.0.0",
        "1.0.0.0",
        "1.0.0-",
        "1.0.0-01",
        "1.0.0+",
        "2024-01-15",
        "abc",
        "1.0.0 ",
        "\u0661.\u0660",
        "1.0\n",
    ],
)
def test_what_is_not_a_version(text: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"LP170: `{text}` is not a semantic version")) as caught:
        Version.parse(text)
    assert caught.value.hint == "write MAJOR.MINOR.PATCH, for example 1.4.0"


def test_a_version_does_not_compare_with_text() -> None:
    assert Version.parse("1.0") != "1.0"
    with pytest.raises(TypeError, match="not supported between instances"):
        _ = Version.parse("1.0") < "2.0"  # type: ignore[operator]


@given(texts(), texts(), texts())
def test_the_order_is_total(one: str, two: str, three: str) -> None:
    a, b, c = map(Version.parse, (one, two, three))
    assert (a < b) + (a == b) + (a > b) == 1
    assert (a <= b) == (not b < a)
    if a <= b <= c:
        assert a <= c
    if a == b:
        assert hash(a) == hash(b)


@given(texts())
def test_a_release_comes_after_its_pre_releases(text: str) -> None:
    version = Version.parse(text)
    release = Version.parse(text.partition("-")[0])
    assert version <= release
    assert version.is_prerelease == (version < release)


@pytest.mark.parametrize(
    ("specifier", "inside", "outside"),
    [
        ("", ["0.0.1", "99.0.0"], ["1.0.0-rc.1"]),
        ("*", ["0.0.1"], ["1.0.0-rc.1"]),
        (">=1.0,<2", ["1.0.0", "1.99.0"], ["0.9.9", "2.0.0", "2.0.0-rc.1", "1.5.0-beta"]),
        (">=1,<2", ["1.0.0", "1.0.1", "1.99.0"], ["0.9.9", "2.0.0", "2.0.0-rc.1", "1.0.0-rc.1"]),
        (" >= 1.0 , < 2 ", ["1.5.0"], ["2.0.0"]),
        (">1.0", ["1.0.1"], ["1.0.0", "1.1.0-rc.1"]),
        ("<=1.0", ["1.0", "0.1.0"], ["1.0.1"]),
        ("~=1.2", ["1.2.0", "1.9.9"], ["1.1.9", "2.0.0"]),
        ("~=1.2", ["1.10.0"], ["1.3.0-rc.1", "2.0.0-rc.1", "1.2.0-rc.1"]),
        ("~=0.3.1", ["0.3.1", "0.3.9"], ["0.4.0", "0.3.0"]),
        ("~=1.2.0-rc.1", ["1.2.0", "1.2.9"], ["1.2.0-rc.1", "1.2.0-rc.2", "1.3.0"]),
        ("==1.*,!=1.3.0", ["1.0.0", "1.3.1"], ["1.3.0", "2.0.0"]),
        ("~=1.2.3", ["1.2.3", "1.2.9"], ["1.2.2", "1.3.0", "2.2.4"]),
        ("==1.*", ["1.0.0", "1.9.0"], ["2.0.0", "10.0.0", "1.0.0-rc.1"]),
        ("==1.2.*", ["1.2.0", "1.2.9"], ["1.3.0", "1.20.0"]),
        ("!=1.3.*,>=1.2", ["1.2.0", "1.4.0"], ["1.3.5", "1.1.0"]),
        ("!=1.3.0", ["1.3.1"], ["1.3.0", "1.3"]),
        ("==1.0", ["1.0.0", "v1.0", "1.0.0+x"], ["1.0.1"]),
        ("1.0.0", ["1.0"], ["1.0.1"]),
        ("===1.0", ["1.0"], ["1.0.0", "v1.0"]),
        ("==1.0.0-rc.1", ["1.0.0-rc.1"], ["1.0.0-rc.2", "1.0.0"]),
        ("===1.0.0-rc.1", ["1.0.0-rc.1"], ["v1.0.0-rc.1"]),
        (">=1.0.0-rc.1", ["1.0.0"], ["1.0.0-rc.1", "1.0.0-rc.2"]),
        ("==1.0.0-rc.1,<1", [], ["0.9.0"]),
    ],
)
def test_specifiers(specifier: str, inside: list[str], outside: list[str]) -> None:
    parsed = SpecifierSet.parse(specifier)
    assert [text for text in inside + outside if text in parsed] == inside
    assert str(parsed) == specifier


@pytest.mark.parametrize(
    ("specifier", "why"),
    [
        (">=1.0,", "a part is empty"),
        ("=>1.0", "`=>1.0` is not understood"),
        (">=1.*", "`>=1.*` is not understood"),
        ("==1.2.3.*", "`==1.2.3.*` is not understood"),
        ("==*", "`==*` is not understood"),
        ("~=1", "`~=` needs at least MAJOR.MINOR"),
        ("^1.0", None),
        (">=1.0 <2", "`>=1.0 <2` is not understood"),
    ],
)
def test_what_is_not_a_specifier(specifier: str, why: str | None) -> None:
    message = f"LP171: `{specifier}` is not a version specifier: {why}" if why else "LP170: `^1.0` is not"
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        SpecifierSet.parse(specifier)


@given(st.lists(texts(), max_size=8))
def test_the_latest_is_the_highest_release(versions: list[str]) -> None:
    releases = [Version.parse(text) for text in versions if "-" not in text]
    assert latest(versions) == max(releases, default=None)


def test_latest_keeps_the_text_and_obeys_the_specifier() -> None:
    versions = ["1.0", "v1.4", "1.10.0", "2.0.0", "3.0.0-rc.1"]
    assert str(latest(versions, ">=1.0,<1.10")) == "v1.4"
    assert str(latest(versions, "==3.0.0-rc.1")) == "3.0.0-rc.1"
    assert latest(versions, ">=9") is None
    assert str(latest(["1.0", "1.0.0"], SpecifierSet.parse("==1.0"))) == "1.0"


@pytest.mark.parametrize("specifier", ["", "*", ">=1", "~=1.0", "==1.*", "!=2.0.0"])
def test_pre_releases_alone_are_nothing_to_choose_from(specifier: str) -> None:
    assert latest(["1.0.0-rc.1", "1.1.0-beta", "1.2.0-0"], specifier) is None


@given(texts(), texts())
def test_a_compatible_version_is_a_range_of_its_major(bound: str, version: str) -> None:
    low = Version.parse(bound)
    spelled = f"{low.major}.{low.minor}"
    expected = version in SpecifierSet.parse(f">={spelled},<{low.major + 1}")
    assert (version in SpecifierSet.parse(f"~={spelled}")) == expected


@given(texts(), NUMBERS)
def test_a_wildcard_is_the_range_of_its_number(version: str, major: int) -> None:
    expected = version in SpecifierSet.parse(f">={major},<{major + 1}")
    assert (version in SpecifierSet.parse(f"=={major}.*")) == expected


@given(st.text(max_size=12))
def test_any_text_is_a_version_or_one_clear_error(text: str) -> None:
    for parse in (Version.parse, SpecifierSet.parse):
        try:
            spelled = str(parse(text))
        except ConfigurationError as error:
            spelled = text if error.code in ("LP170", "LP171") else error.code
        assert spelled == text
