"""Java is found by asking real programs for their version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lakepact.errors import ExitCode, JavaMissing
from lakepact.spark.java import Java, ensure_java, fetch_java, find_java


def _fake_java(home: Path, version: str, *, exit_code: int = 0) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\nexit {exit_code}\n")
    program.chmod(0o755)
    return home


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without Java: no JAVA_HOME and a PATH with nothing on it but the shell's folder for the fakes."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    return tmp_path


def test_java_home_wins_over_the_path(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = _fake_java(bare / "jdk21", "21.0.2")
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setenv("PATH", str(_fake_java(bare / "jdk17", "17.0.1") / "bin"))
    assert find_java() == Java(home=home, version=21, origin="JAVA_HOME")
    assert find_java().executable == home / "bin" / "java"


@pytest.mark.parametrize(("version", "exit_code"), [("11.0.2", 0), ("21", 1)])
def test_an_old_or_broken_java_home_is_passed_over(
    bare: Path, monkeypatch: pytest.MonkeyPatch, version: str, exit_code: int
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(_fake_java(bare / "other", version, exit_code=exit_code)))
    good = _fake_java(bare / "jdk17", "17.0.1")
    monkeypatch.setenv("PATH", str(good / "bin"))
    assert find_java() == Java(home=good, version=17, origin="PATH")


def test_the_home_behind_a_link_on_the_path_is_the_real_one(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = _fake_java(bare / "jvm" / "jdk25", "25")
    links = bare / "links"
    links.mkdir()
    (links / "java").symlink_to(real / "bin" / "java")
    monkeypatch.setenv("PATH", str(links))
    assert find_java().home == real


def test_no_java_at_all_is_one_message(bare: Path) -> None:
    with pytest.raises(JavaMissing, match="JAVA_HOME is not set and there is no java on PATH") as caught:
        find_java()
    assert caught.value.code == "LP601"
    assert caught.value.exit_code == ExitCode.CONFIGURATION
    assert "or set JAVA_HOME to an existing one" in caught.value.hint


def test_the_message_says_what_was_looked_at(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(bare / "gone"))
    monkeypatch.setenv("PATH", str(_fake_java(bare / "jdk8", "1.8.0_401") / "bin"))
    expected = (
        f"Spark needs Java 17 or later, and there is none "
        f"(JAVA_HOME={bare}/gone does not run; {bare}/jdk8/bin/java is Java 8)"
    )
    with pytest.raises(JavaMissing, match=f"^LP601: {re.escape(expected)}\n  hint: install it"):
        find_java()


def test_a_java_that_cannot_be_fetched_is_explained(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CJDK_INDEX_URL", "https://127.0.0.1:9/index.json")
    monkeypatch.setenv("CJDK_CACHE_DIR", str(bare / "cjdk"))
    with pytest.raises(JavaMissing, match="fetching Java 17 failed: "):
        fetch_java()
    monkeypatch.setenv("JAVA_HOME", str(_fake_java(bare / "jdk8", "1.8.0_401")))
    with pytest.raises(JavaMissing, match=r"\(JAVA_HOME=\S+/jdk8 is Java 8; fetching Java 17 failed: "):
        ensure_java()


def test_a_found_java_is_not_fetched(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CJDK_INDEX_URL", "https://127.0.0.1:9/index.json")
    monkeypatch.setenv("JAVA_HOME", str(_fake_java(bare / "jdk17", "17.0.1")))
    assert ensure_java().version == 17
