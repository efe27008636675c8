"""The history of one contract, from Git and from a folder of versions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from git_samples import GitFolder, contract
from lakepact.errors import ConfigurationError, EnvironmentLacking, UsageError
from lakepact.history import Entry, history


@pytest.fixture
def folder(tmp_path: Path) -> GitFolder:
    return GitFolder.create(tmp_path / "repository")


def rows(entries: tuple[Entry, ...]) -> list[tuple[str, str, str | None, str | None]]:
    return [
        (
            each.subject,
            each.happening.value,
            each.contract.version if each.contract else None,
            each.level.value if each.level else None,
        )
        for each in entries
    ]


def a_life(folder: GitFolder) -> None:
    folder.save("orders.yaml", contract("1.0.0", properties=("a", "b")), "first")
    folder.save("orders.yaml", contract("1.1.0", properties=("a", "b", "c")), "more")
    folder.save("orders.yaml", "kind: DataContract\n", "broken")
    folder.save("orders.yaml", contract("2.0.0", properties=("a",)), "mended")
    folder.git("mv", "orders.yaml", "moved.yaml")
    folder.save("moved.yaml", contract("3.0.0", properties=("b",)), "moved and changed")


def test_versions_levels_and_who_made_them(folder: GitFolder) -> None:
    a_life(folder)
    found = history("moved.yaml", directory=folder.root)
    assert rows(found) == [
        ("moved and changed", "renamed", "3.0.0", "major"),
        ("mended", "modified", "2.0.0", None),
        ("broken", "modified", None, None),
        ("more", "modified", "1.1.0", "minor"),
        ("first", "added", "1.0.0", None),
    ]
    assert [each.file for each in found] == ["moved.yaml", *["orders.yaml"] * 4]
    assert found[0].commit == folder.git("rev-parse", "HEAD")
    assert found[0].time is not None
    assert found[0].time.isoformat() == "2026-01-01T05:00:00+01:00"
    assert (found[0].author, found[0].email) == ("Ada Lovelace", "ada@example.com")
    broken = found[2]
    assert broken.problems
    assert {problem.file for problem in broken.problems} == {f"{broken.commit[:12]}:orders.yaml"}


def test_the_newest_steps_alone(folder: GitFolder) -> None:
    a_life(folder)
    whole = history("moved.yaml", directory=folder.root)
    for limit in range(7):
        assert rows(history("moved.yaml", directory=folder.root, limit=limit)) == rows(whole)[:limit]


def test_the_contract_is_found_by_its_id_and_by_names_of_the_past(folder: GitFolder) -> None:
    a_life(folder)
    assert rows(history("orders", directory=folder.root)) == rows(history("moved.yaml", directory=folder.root))
    past = history("orders.yaml", directory=folder.root)
    assert rows(past)[:2] == [("moved and changed", "deleted", None, "major"), ("mended", "modified", "2.0.0", None)]


def test_what_is_not_committed_comes_first(folder: GitFolder) -> None:
    folder.save("orders.yaml", contract("1.0.0", properties=("a", "b")), "first")
    folder.write("orders.yaml", contract("2.0.0", properties=("a",)))
    first = ("first", "added", "1.0.0", None)
    assert rows(history("orders.yaml", directory=folder.root)) == [("", "modified", "2.0.0", "major"), first]
    entry = history("orders.yaml", directory=folder.root)[0]
    assert (entry.commit, entry.author, entry.email, entry.time) == ("", "", "", None)
    (folder.root / "orders.yaml").unlink()
    assert rows(history("orders.yaml", directory=folder.root)) == [("", "deleted", None, "major"), first]
    folder.git("checkout", "-q", "--", "orders.yaml")
    folder.git("mv", "orders.yaml", "moved.yaml")
    assert rows(history("moved.yaml", directory=folder.root)) == [("", "renamed", "1.0.0", "none"), first]
    folder.write("new.yaml", contract(id="new"))
    assert rows(history("new", directory=folder.root)) == [("", "added", "1.0.0", None)]


def test_before_the_first_commit(folder: GitFolder) -> None:
    folder.write("orders.yaml", contract())
    assert rows(history("orders.yaml", directory=folder.root)) == [("", "added", "1.0.0", None)]


def test_a_retired_contract_may_go(folder: GitFolder) -> None:
    folder.save("orders.yaml", contract("1.0.0", status="retired"), "retired")
    (folder.root / "orders.yaml").unlink()
    folder.commit("gone")
    assert rows(history("orders.yaml", directory=folder.root))[0] == ("gone", "deleted", None, "none")


def versioned(root: Path) -> None:
    for version, properties in (("1.0.0", "a"), ("1.10.0", "ab"), ("1.9.0", "ab"), ("2.0.0", "b")):
        file = root / "sales" / f"v{version[:-2]}" / "orders.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(contract(version, properties=tuple(properties)))


def test_a_folder_of_versions_is_a_history_without_authors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    versioned(tmp_path)
    found = history("orders", directory=tmp_path)
    assert rows(found) == [
        ("", "added", "2.0.0", "major"),
        ("", "added", "1.10.0", "none"),
        ("", "added", "1.9.0", "minor"),
        ("", "added", "1.0.0", None),
    ]
    assert {(each.author, each.time, each.commit) for each in found} == {("", None, "")}
    assert rows(history("orders", directory=tmp_path, limit=2)) == rows(found)[:2]
    assert rows(history("sales/v1.9/orders.yaml", directory=tmp_path)) == [("", "added", "1.9.0", None)]


def test_a_folder_of_versions_in_git_has_the_commits_of_each_file(folder: GitFolder) -> None:
    versioned(folder.root)
    folder.commit("all versions")
    folder.save("sales/v1.0/orders.yaml", contract("1.0.1", properties=("a",), comment="x"), "a patch")
    folder.save("sales/v2.1/orders.yaml", contract("2.1.0", properties=("b", "c")), "next")
    assert rows(history("orders", directory=folder.root)) == [
        ("next", "added", "2.1.0", "minor"),
        ("all versions", "added", "2.0.0", "major"),
        ("all versions", "added", "1.10.0", "none"),
        ("all versions", "added", "1.9.0", "minor"),
        ("a patch", "modified", "1.0.1", "none"),
        ("all versions", "added", "1.0.0", None),
    ]


@pytest.mark.parametrize("name", ["a b.yaml", "käse.yaml", "-rf.yaml", "q'\".yaml", "line\nbreak.yaml", "*.yaml"])
def test_hostile_names(folder: GitFolder, name: str) -> None:
    folder.save(f"sub dir/{name}", contract("1.0.0"), "one")
    folder.save(f"sub dir/{name}", contract("1.1.0"), "two")
    for directory, path in ((folder.root, f"sub dir/{name}"), (folder.root / "sub dir", name)):
        assert [each.subject for each in history(path, directory=directory)] == ["two", "one"]
    assert [each.file for each in history("orders", directory=folder.root)] == [f"sub dir/{name}"] * 2


def test_bare_and_shallow_clones_and_a_detached_head(folder: GitFolder, tmp_path: Path) -> None:
    for version in ("1.0.0", "1.0.1", "1.0.2"):
        folder.save("contracts/orders.yaml", contract(version), version)
    folder.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    assert len(history("contracts/orders.yaml", directory=tmp_path / "bare.git")) == 3
    folder.git("clone", "-q", "--depth", "2", f"file://{folder.root}", str(tmp_path / "shallow"))
    assert rows(history("orders", directory=tmp_path / "shallow")) == [
        ("1.0.2", "modified", "1.0.2", "none"),
        ("1.0.1", "earliest known", "1.0.1", None),
    ]
    folder.git("checkout", "-q", "--detach", "HEAD~2")
    assert rows(history("orders", directory=folder.root)) == [("1.0.0", "added", "1.0.0", None)]


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("none.yaml", "there is no file 'none.yaml', and the history has none", ""),
        ("sub/none", "there is no file 'sub/none', and the history has none", ""),
        ("ordres", "there is no contract 'ordres' in '{}'", "did you mean 'orders'?"),
        ("xyz", "there is no contract 'xyz' in '{}'", "name its file, or the folder to look in"),
        ("sub", "'sub' is a folder; name a contract in it by its file or its id", ""),
    ],
)
def test_what_is_not_there(folder: GitFolder, name: str, message: str, hint: str) -> None:
    folder.save("sub/orders.yaml", contract())
    with pytest.raises(UsageError, match=re.escape(f"LP783: {message.format(folder.root)}")) as caught:
        history(name, directory=folder.root)
    assert caught.value.hint == hint


def test_without_git_a_folder_outside_of_a_repository_still_has_versions(
    tmp_path: Path, folder: GitFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    versioned(tmp_path / "plain")
    folder.write("orders.yaml", contract())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert len(history("orders", directory=tmp_path / "plain")) == 4
    with pytest.raises(EnvironmentLacking, match="LP780: the command `git` is not on this machine"):
        history("orders.yaml", directory=folder.root)


def test_a_broken_repository_is_not_taken_for_none(folder: GitFolder) -> None:
    folder.save("orders.yaml", contract())
    (folder.root / ".git" / "config").write_text("[core]\n\trepositoryformatversion = 99\n")
    with pytest.raises(ConfigurationError, match="LP785: Git refuses"):
        history("orders.yaml", directory=folder.root)


@pytest.mark.process
def test_200_commits_cost_one_process_for_all_contents_and_linear_time(folder: GitFolder, tmp_path: Path) -> None:
    imported = [
        f"commit refs/heads/main\ncommitter A <a@b> {1700000000 + number} +0000\ndata 1\nx\n"
        f"M 100644 inline orders.yaml\ndata {len(contract(f'1.0.{number}'))}\n{contract(f'1.0.{number}')}\n"
        for number in range(200)
    ]
    folder.git("fast-import", "--quiet", given="".join(imported).encode())
    folder.git("reset", "-q", "--hard", "main")
    log = tmp_path / "processes"
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    wrapper.write_text(f'#!/bin/sh\necho x >> "{log}"\nexec "{real}" "$@"\n')
    wrapper.chmod(0o755)
    code = "import sys; from lakepact.history import history; print(len(history('orders.yaml')))"
    path = f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}"
    variables = os.environ | {"PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder.root, env=variables, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("200\n", "")
    assert len(log.read_text().splitlines()) < 10
    assert time.monotonic() - started < 30
