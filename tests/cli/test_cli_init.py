"""`lakepact init`."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakepact.cli.main import main


def test_a_new_project_is_written_and_the_next_commands_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "my shop"]) == 0

    written = sorted(str(path.relative_to(tmp_path / "my shop")) for path in tmp_path.rglob("*") if path.is_file())
    assert written == [
        ".gitignore",
        "README.md",
        "contracts/orders.odcs.yaml",
        "data/customers/customers.json",
        "data/orders/2024-01.csv",
        "lakepact.yml",
    ]
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "6 files written to 'my shop'. Next:\n"
        "  cd 'my shop'\n"
        "  lakepact explain contracts/orders.odcs.yaml\n"
        "  lakepact run\n"
    )
    assert (tmp_path / "my shop" / "README.md").read_text().startswith("# my-shop\n")


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["init", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error LP424: the folder '{tmp_path}' is not empty\n  hint: use --force to write into it all the same\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_force_keeps_the_files_that_it_does_not_write(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "README.md").write_text("old")
    assert main(["init", str(tmp_path), "--force", "--name", "shop"]) == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "README.md").read_text().startswith("# shop\n")


def test_a_file_in_the_way_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_text("")
    assert main(["init", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err == f"error LP424: '{tmp_path / 'x'}' is a file\n"


def test_a_bad_name_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "x"), "--name", "a/b"]) == 2
    assert "error LP423: 'a/b' cannot be the name of a project\n" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_the_current_folder_may_be_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "."]) == 0
    assert (tmp_path / "lakepact.yml").is_file()
