"""Which version number a level asks for."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from pathlib import Path

import pytest
from diff_samples import document, loaded

from lakepact.contract.versions import Version
from lakepact.diff import Level, compare, load_waivers
from lakepact.diff.required import covers, required_version

MAJOR, MINOR, PATCH, NONE = Level.MAJOR, Level.MINOR, Level.PATCH, Level.NONE


@pytest.mark.parametrize(
    ("old", "level", "required"),
    [
        ("1.2.3", MAJOR, "2.0.0"),
        ("1.2.3", MINOR, "1.3.0"),
        ("1.2.3", PATCH, "1.2.4"),
        ("1.2.3", NONE, "1.2.3"),
        ("v1.2", MAJOR, "2.0.0"),
        ("1.2.3+build", PATCH, "1.2.4"),
        ("0.3.1", MAJOR, "0.4.0"),
        ("0.3.1", MINOR, "0.3.2"),
        ("0.3.1", PATCH, "0.3.2"),
        ("2.0.0-rc.1", MAJOR, "2.0.0"),
        ("2.0.0-rc.1", PATCH, "2.0.0"),
        ("2.1.0-rc.1", MAJOR, "3.0.0"),
        ("2.1.0-rc.1", MINOR, "2.1.0"),
        ("2.1.1-rc.1", MINOR, "2.2.0"),
        ("2.1.1-rc.1", PATCH, "2.1.1"),
        ("0.4.0-rc.1", MAJOR, "0.4.0"),
        ("0.4.1-rc.1", MAJOR, "0.5.0"),
        ("summer", MAJOR, ""),
        ("summer", NONE, ""),
    ],
)
def test_the_lowest_version_that_covers_a_level(old: str, level: Level, required: str) -> None:
    assert required_version(old, level) == required


@pytest.mark.parametrize(
    ("old", "new", "level", "ok"),
    [
        ("1.2.3", "2.0.0", MAJOR, True),
        ("1.2.3", "2.0.0-rc.1", MAJOR, True),
        ("1.2.3", "4.1.7", MAJOR, True),
        ("1.2.3", "1.9.0", MAJOR, False),
        ("1.2.3", "1.3.0", MINOR, True),
        ("1.2.3", "2.0.0", MINOR, True),
        ("1.2.3", "1.2.4", MINOR, False),
        ("1.2.3", "1.2.3", PATCH, False),
        ("1.2.3", "1.2.3+other", PATCH, False),
        ("1.2.3", "1.2.3", NONE, True),
        ("1.2.3", "1.2.2", NONE, False),
        ("2.0.0-rc.1", "2.0.0-rc.2", MAJOR, True),
        ("2.0.0-rc.2", "2.0.0-rc.1", MAJOR, False),
        ("2.0.0-rc.1", "2.0.0-rc.1", PATCH, False),
        ("0.3.1", "0.4.0", MAJOR, True),
        ("0.3.1", "0.3.9", MAJOR, False),
        ("0.3.1", "1.0.0", MAJOR, True),
        ("summer", "winter", PATCH, False),
        ("summer", "2.0.0", NONE, True),
    ],
)
def test_whether_a_version_covers_a_level(old: str, new: str, level: Level, ok: bool) -> None:
    assert covers(old, new, level) is ok


NUMBERS = [f"{a}.{b}.{c}{p}" for a, b, c in itertools.product((0, 1), (0, 2), (0, 3)) for p in ("", "-rc.1")]


@pytest.mark.parametrize("old", NUMBERS)
@pytest.mark.parametrize("level", [PATCH, MINOR, MAJOR])
def test_what_is_required_covers_and_nothing_lower_does(old: str, level: Level) -> None:
    required = required_version(old, level)
    assert covers(old, required, level)
    assert covers(old, f"{required}-rc.9", level) is (Version.parse(f"{required}-rc.9") > Version.parse(old))
    lower = [one for one in NUMBERS if Version.parse(one.partition("-")[0]) < Version.parse(required)]
    assert not any(covers(old, one, level) for one in lower)


def test_the_documentation_shows_what_is_required(repository: Path) -> None:
    page = (repository / "docs" / "diff.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\S+) \| (\S+) \| (\S+) \| (\S+) \|$", page, re.MULTILINE)
    assert len(rows) == 4
    for old, *required in rows:
        assert required == [required_version(old, level) for level in (MAJOR, MINOR, PATCH)]


def test_the_waiver_of_the_documentation_is_one(repository: Path) -> None:
    page = (repository / "docs" / "diff.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```text\n(- contract.*?)^```", page, re.DOTALL | re.MULTILINE)
    (waiver,) = load_waivers(block.encode(), today=dt.date(2026, 1, 1))
    assert (waiver.contract, waiver.expires) == ("orders", dt.date(2027, 1, 31))


def test_a_comparison_judges_the_version() -> None:
    old = document({"name": "a", "required": True})
    lower, higher = (loaded({**document({"name": "a"}), "version": version}) for version in ("1.1.0", "2.0.0"))
    found = compare(loaded(old), lower)
    assert (found.level, found.required_version, found.version_ok) == (MAJOR, "2.0.0", False)
    assert compare(loaded(old), higher).version_ok
