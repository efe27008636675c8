"""`lakepact prepare`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lakepact.cli.main import main


@pytest.mark.process
@pytest.mark.timeout(900)
def test_java_writes_its_classes_once_and_starts_with_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare"]) == 0
    assert main(["prepare"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    java, jars, classes = printed.err.splitlines()[-3:]
    assert java.startswith("Java ")
    assert jars.startswith("7 Delta Lake jars in ")
    archive = Path(classes.removeprefix("classes at hand in ").rpartition(" (")[0])
    # Of a run of a pipeline Java loads more than 20,000 classes.
    assert archive.stat().st_size > 100_000_000


def test_a_machine_without_java_is_not_prepared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("LAKEPACT_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "cjdk", None)
    assert main(["prepare"]) == 3
    assert capsys.readouterr().err.startswith("error LP601: Spark needs Java 17 or later, and there is none (")
