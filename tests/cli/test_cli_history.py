"""`lakepact history`: the lines, the JSON, the limit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from git_samples import GitFolder, contract
from lakepact.cli.main import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitFolder:
    """Three commits of orders.yaml, the second of which is invalid, and a change that is not committed."""
    made = GitFolder.create(tmp_path / "repository")
    made.save("orders.yaml", contract("1.0.0", properties=("a", "b")), "first")
    made.save("orders.yaml", contract("1.0.0").replace("DataContract", "x"), "broken")
    made.save("orders.yaml", contract("1.1.0", properties=("a", "b", "c")), "mended")
    made.write("orders.yaml", contract("2.0.0", properties=("a",)))
    monkeypatch.chdir(made.root)
    return made


def test_the_lines_are_newest_first(folder: GitFolder, capsys: Captured) -> None:
    assert main(["history", "orders"]) == 0
    printed = capsys.readouterr()
    commits = folder.git("log", "--format=%H").split()
    assert printed.err == ""
    assert printed.out == (
        "-                       2.0.0    major  modified  -           -             orders.yaml\n"
        f"2026-01-01 03:00+01:00  1.1.0    -      modified  {commits[0][:10]}  Ada Lovelace  mended\n"
        f"2026-01-01 02:00+01:00  invalid  -      modified  {commits[1][:10]}  Ada Lovelace  broken\n"
        f"    {commits[1][:12]}:orders.yaml:2:7: error LP120: `kind` is `x`, not `DataContract`\n"
        "      hint: write kind: DataContract\n"
        f"2026-01-01 01:00+01:00  1.0.0    -      added     {commits[2][:10]}  Ada Lovelace  first\n"
    )


def test_the_json_of_each_step(folder: GitFolder, capsys: Captured) -> None:
    assert main(["history", "orders.yaml", "--json", "--limit", "2"]) == 0
    now, mended = json.loads(capsys.readouterr().out)
    assert (now["commit"], now["author"], now["email"], now["time"], now["subject"]) == (None,) * 5
    assert (now["version"], now["level"], now["comparison"]["required_version"]) == ("2.0.0", "major", "2.0.0")
    assert mended == {
        "file": "orders.yaml",
        "happening": "modified",
        "id": "orders",
        "version": "1.1.0",
        "status": "active",
        "level": None,
        "commit": folder.git("rev-parse", "HEAD"),
        "author": "Ada Lovelace",
        "email": "ada@example.com",
        "time": "2026-01-01T03:00:00+01:00",
        "subject": "mended",
        "problems": [],
        "comparison": None,
    }


def test_a_deleted_contract(folder: GitFolder, capsys: Captured) -> None:
    (folder.root / "orders.yaml").unlink()
    assert main(["history", "orders.yaml", "--limit", "1"]) == 0
    assert capsys.readouterr().out == "-  -  major  deleted  -  -  orders.yaml\n"


def test_a_shallow_clone_is_said(folder: GitFolder, capsys: Captured) -> None:
    folder.git("clone", "-q", "--depth", "1", f"file://{folder.root}", "shallow")
    assert main(["history", "orders", "shallow"]) == 0
    printed = capsys.readouterr()
    assert "earliest known" in printed.out
    assert printed.err == (
        "the clone is shallow: earlier commits are not here\n"
        "  hint: fetch them with `git fetch --unshallow` (in a CI: fetch-depth: 0)\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["none"],
            "error LP783: there is no contract 'none' in '.'\n  hint: name its file, or the folder to look in\n",
        ),
        (["order"], "error LP783: there is no contract 'order' in '.'\n  hint: did you mean 'orders'?\n"),
        (["none.yaml"], "error LP783: there is no file 'none.yaml', and the history has none\n"),
    ],
)
def test_what_is_not_there(folder: GitFolder, capsys: Captured, words: list[str], message: str) -> None:
    assert main(["history", *words]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", message)


def test_a_limit_is_at_least_one(folder: GitFolder, capsys: Captured) -> None:
    assert main(["history", "orders", "--limit", "0"]) == 2
    assert "--limit" in capsys.readouterr().err


def test_control_characters_do_not_reach_the_terminal(folder: GitFolder, capsys: Captured) -> None:
    folder.commit("a\x1b[31mb")
    assert main(["history", "orders"]) == 0
    assert "\x1b" not in capsys.readouterr().out
