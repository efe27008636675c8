"""`lakepact bump`: the next version in files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lakepact.cli.main import main

Captured = pytest.CaptureFixture[str]

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: "1.4.2"  # ours
status: active
schema:
- name: orders
  properties:
  - name: id
    logicalType: integer
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two contracts."""
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(CONTRACT)
    Path("b.yaml").write_text(CONTRACT.replace('"1.4.2"', "2.0.0-rc.1"))
    return tmp_path


@pytest.mark.parametrize(
    ("options", "first", "second"),
    [
        (["--patch"], "1.4.3", "2.0.0"),
        (["--minor"], "1.5.0", "2.0.0"),
        (["--major"], "2.0.0", "2.0.0"),
        (["--pre", "rc"], "1.4.3-rc.1", "2.0.0-rc.2"),
        (["--major", "--pre", "rc"], "2.0.0-rc.1", "2.0.0-rc.2"),
        (["--to", "3.0.0"], "3.0.0", "3.0.0"),
    ],
)
def test_versions_are_written(options: list[str], first: str, second: str, capsys: Captured) -> None:
    assert main(["bump", "a.yaml", "b.yaml", *options]) == 0
    assert Path("a.yaml").read_text() == CONTRACT.replace("1.4.2", first)
    assert Path("b.yaml").read_text() == CONTRACT.replace('"1.4.2"', second)
    assert capsys.readouterr().out == f"a.yaml: 1.4.2 -> {first}\nb.yaml: 2.0.0-rc.1 -> {second}\n"


def test_a_release_of_a_pre_release(capsys: Captured) -> None:
    assert main(["bump", "b.yaml", "--release"]) == 0
    assert capsys.readouterr().out == "b.yaml: 2.0.0-rc.1 -> 2.0.0\n"
    assert main(["bump", "b.yaml", "--release"]) == 3
    assert capsys.readouterr().err == (
        "error LP710: 2.0.0 is a release already\n  hint: bump it with --patch, --minor or --major\n"
    )


def test_the_level_that_the_changes_since_a_reference_ask_for(capsys: Captured) -> None:
    Path("next.yaml").write_text(CONTRACT + "  - name: note\n    logicalType: string\n")
    assert main(["bump", "next.yaml", "--against", "a.yaml"]) == 0
    assert capsys.readouterr().out == "next.yaml: 1.4.2 -> 1.5.0\n"
    assert main(["bump", "next.yaml", "--against", "a.yaml"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "next.yaml: 1.5.0\n"
    assert captured.err == "1 contract has the version already\n"


def test_a_dry_run_writes_nothing(capsys: Captured) -> None:
    assert main(["bump", "a.yaml", "--minor", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"file": "a.yaml", "old": "1.4.2", "new": "1.5.0"}]
    assert Path("a.yaml").read_text() == CONTRACT


def test_no_version_goes_down_and_then_no_file_changes(capsys: Captured) -> None:
    assert main(["bump", "a.yaml", "b.yaml", "--to", "1.5.0"]) == 3
    assert capsys.readouterr().err == (
        "error LP710: b.yaml: 1.5.0 does not come after 2.0.0-rc.1\n"
        "  hint: a version goes up only; name a higher one with --to\n"
    )
    assert Path("a.yaml").read_text() == CONTRACT


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--major", "--minor"],
        ["--release", "--patch"],
        ["--to", "2.0.0", "--pre", "rc"],
        ["--release", "--pre", "x"],
    ],
)
def test_the_options_must_say_one_version(options: list[str], capsys: Captured) -> None:
    assert main(["bump", "a.yaml", *options]) == 2
    assert capsys.readouterr().err == (
        "error LP420: the options do not say one version\n  hint: one of --major, --minor, --patch, --pre, --release, "
        "--to, --against; --pre also with the first three\n"
    )


def test_a_version_must_be_semantic(capsys: Captured) -> None:
    assert main(["bump", "a.yaml", "--to", "next"]) == 3
    assert "error LP170: `next` is not a semantic version" in capsys.readouterr().err
