"""The next version: by level, by what changed, and where it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakepact.authoring import Bumped, bump, bumped, released, required_version, with_version
from lakepact.contract import Version
from lakepact.diff.model import Level
from lakepact.errors import ConfigurationError

CONTRACT = b"""\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.4.2  # ours
status: active
schema:
- name: orders
  properties:
  - name: id
    logicalType: integer
"""


@pytest.mark.parametrize(
    ("version", "level", "pre", "expected"),
    [
        ("1.4.2", Level.PATCH, "", "1.4.3"),
        ("1.4.2", Level.MINOR, "", "1.5.0"),
        ("1.4.2", Level.MAJOR, "", "2.0.0"),
        ("1.4.2", Level.NONE, "", "1.4.2"),
        ("0.4.2", Level.MAJOR, "", "1.0.0"),
        ("v1.4", Level.PATCH, "", "v1.4.1"),
        ("1.4.2+build.7", Level.PATCH, "", "1.4.3"),
        ("1.4.2-rc.1", Level.PATCH, "", "1.4.2"),
        ("1.4.2-rc.1", Level.MINOR, "", "1.5.0"),
        ("1.4.0-rc.1", Level.MINOR, "", "1.4.0"),
        ("1.4.0-rc.1", Level.MAJOR, "", "2.0.0"),
        ("2.0.0-rc.1", Level.MAJOR, "", "2.0.0"),
        ("1.4.2", Level.NONE, "rc", "1.4.3-rc.1"),
        ("1.4.2", Level.MINOR, "rc", "1.5.0-rc.1"),
        ("1.4.2-rc.1", Level.NONE, "rc", "1.4.2-rc.2"),
        ("1.4.2-rc.9", Level.PATCH, "rc", "1.4.2-rc.10"),
        ("1.4.2-beta.3", Level.NONE, "rc", "1.4.2-rc.1"),
        ("2.0.0-rc.1", Level.MINOR, "rc", "2.0.0-rc.2"),
        ("2.0.1-rc.1", Level.MINOR, "rc", "2.1.0-rc.1"),
    ],
)
def test_the_next_version_of_a_level(version: str, level: Level, pre: str, expected: str) -> None:
    assert bumped(Version.parse(version), level, pre=pre).text == expected


VERSIONS = st.builds(
    "{}.{}.{}{}".format, *[st.integers(0, 20)] * 3, st.sampled_from(["", "-a", "-a.1", "-rc.2", "-rc.1.x"])
).map(Version.parse)


@given(VERSIONS, st.sampled_from([Level.PATCH, Level.MINOR, Level.MAJOR]), st.sampled_from(["", "zz"]))
def test_the_next_version_is_higher_and_a_higher_level_no_lower(version: Version, level: Level, pre: str) -> None:
    new = bumped(version, level, pre=pre)
    assert new > version
    assert new.is_prerelease is bool(pre)
    levels = [bumped(version, each) for each in (Level.PATCH, Level.MINOR, Level.MAJOR)]
    assert levels == sorted(levels)
    if pre:
        assert released(new) == bumped(version, level)


def test_a_pre_release_that_would_come_before_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"LP710: 1\.0\.0-beta.1 does not come after 1.0.0-rc.1") as caught:
        bumped(Version.parse("1.0.0-rc.1"), Level.NONE, pre="beta")
    assert caught.value.hint == "a version goes up only; name a higher one with --to"


def test_a_release_is_not_released_again() -> None:
    assert released(Version.parse("v1.4.2-rc.1")).text == "v1.4.2"
    with pytest.raises(ConfigurationError, match=r"LP710: 1\.4\.2 is a release already\n  hint: bump it with --patch"):
        released(Version.parse("1.4.2"))


@pytest.mark.parametrize(
    ("line", "new", "expected"),
    [
        (b"version: 1.4.2  # ours", "1.4.3", b"version: 1.4.3  # ours"),
        (b"version: '1.4.2'", "2.0.0-rc.1", b"version: '2.0.0-rc.1'"),
        (b'version: "1.4.2"', "2.0", b'version: "2.0"'),
        (b"version:   1.4.2", "2.0", b'version:   "2.0"'),
        (b"version: 1.4", "1.4.1", b"version: 1.4.1"),
        (b"version: v1.4.2", "v1.4.3", b"version: v1.4.3"),
        (b"version: >-\r\n  1.4.2\r\n", "1.4.3", b'version: "1.4.3"\r\n'),
    ],
)
def test_only_the_version_is_written(line: bytes, new: str, expected: bytes) -> None:
    around = b"id: a\n%s\n# end\n"
    assert with_version(around % line, Version.parse(new)).source == around % expected


def test_bump_of_a_document() -> None:
    assert bump(CONTRACT, Level.MINOR) == Bumped(CONTRACT.replace(b"1.4.2", b"1.5.0"), "1.4.2", "1.5.0")


def test_the_version_that_is_there_changes_nothing() -> None:
    assert with_version(CONTRACT, Version.parse("1.4.2")) == Bumped(CONTRACT, "1.4.2", "1.4.2")


def test_a_version_does_not_go_down() -> None:
    with pytest.raises(ConfigurationError, match=r"LP710: a\.yaml: 1.4.1 does not come after 1.4.2\n  hint: a version"):
        with_version(CONTRACT, Version.parse("1.4.1"), file="a.yaml")


@pytest.mark.parametrize("source", [b"id: a\n", b"version:\n", b"version: [1]\n", b"- a\n", b"a: [", b""])
def test_a_document_without_a_version_is_refused(source: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"LP711: a\.yaml: the document has no version"):
        bump(source, Level.PATCH, file="a.yaml")


def test_a_version_that_is_not_semantic_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="LP170: `first` is not a semantic version"):
        bump(b"version: first\n", Level.PATCH)


@pytest.mark.parametrize(
    ("change", "own", "expected"),
    [
        (b"", "1.4.2", "1.4.2"),
        (b"  - name: note\n    logicalType: string\n", "1.4.2", "1.5.0"),
        (b"  - name: note\n    logicalType: string\n", "v1.4.2", "v1.5.0"),
        (b"  - name: note\n    logicalType: string\n", "1.6.0", "1.6.0"),
        (b"    required: true\n", "1.4.3", "2.0.0"),
        (b"    required: true\n", "2.0.0-rc.1", "2.0.0-rc.1"),
    ],
)
def test_the_version_that_changes_ask_for(change: bytes, own: str, expected: str) -> None:
    source = CONTRACT.replace(b"1.4.2", own.encode()) + change
    assert required_version(source, CONTRACT).text == expected


def test_changes_since_a_version_that_is_not_semantic_ask_for_none() -> None:
    with pytest.raises(ConfigurationError, match="LP170: `first` is not a semantic version"):
        required_version(CONTRACT + b"    required: true\n", CONTRACT.replace(b"1.4.2", b"first"))
