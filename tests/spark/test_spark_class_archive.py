"""The archive of Java's classes: made once for a Java and its jars, used where it is, and missed by nobody."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from lakepact.errors import EnvironmentLacking
from lakepact.spark.class_archive import archive_option, class_archive, make_class_archive
from lakepact.spark.engine import ensure_jars
from lakepact.spark.java import ensure_java, find_java

WRITES = "import os, pathlib; pathlib.Path(os.environ['LAKEPACT_CLASS_ARCHIVE_TO_WRITE']).write_text('classes')"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "spark" not in request.fixturenames:
        monkeypatch.setenv("LAKEPACT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    jar = tmp_path / "delta.jar"
    jar.write_bytes(b"one")
    return jar


def test_it_is_made_once_and_then_used(jar: Path, tmp_path: Path) -> None:
    java = find_java()
    assert archive_option(java, [jar]) == ""
    archive = make_class_archive(java, [jar], [sys.executable, "-c", WRITES])
    assert archive == class_archive(java, [jar])
    assert archive.parent == tmp_path / "cache" / "classes"
    assert archive.read_text() == "classes"
    assert archive_option(java, [jar]) == f'"-XX:SharedArchiveFile={archive}"'
    # A second call does not even begin the work.
    assert make_class_archive(java, [jar], [sys.executable, "-c", "raise SystemExit(1)"]) == archive
    assert os.listdir(archive.parent) == [archive.name]


def test_other_jars_have_another_archive_and_the_last_three_are_kept(jar: Path) -> None:
    java, archives = find_java(), []
    for number in range(5):
        jar.write_bytes(b"x" * number)
        assert archive_option(java, [jar]) == ""
        archives.append(make_class_archive(java, [jar], [sys.executable, "-c", WRITES]))
        os.utime(archives[-1], (number, number))
    assert sorted(os.listdir(archives[0].parent)) == sorted(each.name for each in archives[-3:])


@pytest.mark.parametrize(
    ("work", "why"),
    [
        ("raise SystemExit('there is no room')", "there is no room"),
        ("pass", "Java wrote nothing"),
        (f"{WRITES}; raise SystemExit('killed')", "killed"),
    ],
)
def test_what_fails_leaves_nothing(jar: Path, work: str, why: str) -> None:
    java = find_java()
    with pytest.raises(EnvironmentLacking) as refused:
        make_class_archive(java, [jar], [sys.executable, "-c", work])
    assert str(refused.value) == (
        f"LP605: the archive of Java's classes was not made: {why}\n"
        "  hint: runs work without it; `lakepact doctor` shows what this machine lacks"
    )
    assert os.listdir(class_archive(java, [jar]).parent) == []


def test_a_process_that_is_to_write_one_uses_none(jar: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = find_java()
    make_class_archive(java, [jar], [sys.executable, "-c", WRITES])
    monkeypatch.setenv("LAKEPACT_CLASS_ARCHIVE_TO_WRITE", str(tmp_path / "new.jsa"))
    assert archive_option(java, [jar]) == f'"-XX:ArchiveClassesAtExit={tmp_path / "new.jsa"}"'


@pytest.mark.spark
def test_java_starts_with_the_archive_that_is_there(spark: Any) -> None:
    java = ensure_java()
    beans = spark.sparkContext._jvm.java.lang.management.ManagementFactory
    options = list(beans.getRuntimeMXBean().getInputArguments())
    used = [each for each in options if "SharedArchiveFile" in each]
    archive = class_archive(java, ensure_jars(java))
    assert used == ([f"-XX:SharedArchiveFile={archive}"] if archive.is_file() else [])
