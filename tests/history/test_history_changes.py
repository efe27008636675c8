"""Which contracts changed between two revisions, and what belongs together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from git_samples import GitFolder, contract
from lakepact.errors import ConfigurationError, UsageError
from lakepact.history.changes import Changes, changes_between


@pytest.fixture
def folder(tmp_path: Path) -> GitFolder:
    """One commit, tagged `base`, with three contracts and other files."""
    made = GitFolder.create(tmp_path / "repository")
    made.write("orders.yaml", contract(id="orders"))
    made.write("items.yaml", contract(id="items"))
    made.write("stock.yaml", contract(id="stock"))
    made.write("job.yaml", "apiVersion: v1\nkind: Deployment\n")
    made.write("notes.txt", "kind: DataContract\n")
    made.commit("base")
    made.git("tag", "base")
    return made


def found(folder: GitFolder, span: str, below: str = "") -> list[tuple[str, str | None, str | None]]:
    """What happened, and the old and the new path."""
    changes = changes_between(span, directory=folder.root / below)
    return [
        (each.happening.value, each.old.path if each.old else None, each.new.path if each.new else None)
        for each in changes.changed
    ]


def test_only_contracts_that_changed(folder: GitFolder) -> None:
    folder.write("orders.yaml", contract("1.1.0", id="orders"))
    (folder.root / "items.yaml").unlink()
    folder.write("new.yaml", contract(id="new"))
    folder.write("job.yaml", "apiVersion: v1\nkind: Job\n")
    folder.commit()
    expected = [
        ("deleted", "items.yaml", None),
        ("added", None, "new.yaml"),
        ("modified", "orders.yaml", "orders.yaml"),
    ]
    assert found(folder, "base..HEAD") == expected
    assert found(folder, "base...HEAD") == expected
    assert found(folder, "base") == expected
    assert found(folder, "HEAD..HEAD") == found(folder, "HEAD") == []
    assert found(folder, "HEAD..base") == [
        ("added", None, "items.yaml"),
        ("deleted", "new.yaml", None),
        ("modified", "orders.yaml", "orders.yaml"),
    ]


def test_three_dots_start_where_the_branches_parted(folder: GitFolder) -> None:
    folder.git("switch", "-q", "-c", "side")
    folder.save("items.yaml", contract("1.1.0", id="items"))
    folder.git("switch", "-q", "main")
    folder.save("orders.yaml", contract("1.1.0", id="orders"))
    assert found(folder, "main...side") == [("modified", "items.yaml", "items.yaml")]
    assert [path for _, path, _ in found(folder, "main..side")] == ["items.yaml", "orders.yaml"]
    folder.git("switch", "-q", "side")
    folder.write("stock.yaml", contract("1.1.0", id="stock"))
    assert [path for _, path, _ in found(folder, "main...")] == ["items.yaml", "stock.yaml"]
    changes = changes_between("main...", directory=folder.root)
    assert (changes.base, changes.head) == (folder.git("rev-parse", "base")[:12], "the work tree")


@pytest.mark.parametrize("span", ["base", "base..", "base..."])
def test_the_work_tree_with_what_is_staged_changed_and_untracked(folder: GitFolder, span: str) -> None:
    folder.write(".gitignore", "ignored.yaml\n")
    folder.write("ignored.yaml", contract(id="ignored"))
    folder.write("untracked/x.yaml", contract(id="untracked"))
    folder.write("staged.yaml", contract(id="staged"))
    folder.git("add", "staged.yaml")
    folder.write("orders.yaml", contract("1.1.0", id="orders"))
    (folder.root / "items.yaml").unlink()
    (folder.root / "stock.yaml").touch()
    assert found(folder, span) == [
        ("deleted", "items.yaml", None),
        ("modified", "orders.yaml", "orders.yaml"),
        ("added", None, "staged.yaml"),
        ("added", None, "untracked/x.yaml"),
    ]


def test_line_ends_that_git_converts_are_no_change(folder: GitFolder) -> None:
    folder.save(".gitattributes", "*.yaml text eol=lf\n")
    folder.write("orders.yaml", contract(id="orders").replace("\n", "\r\n"))
    assert found(folder, "base") == []


def test_a_contract_is_known_by_its_id_wherever_it_stands(folder: GitFolder) -> None:
    (folder.root / "orders.yaml").unlink()
    folder.write("sales/o.yaml", contract(id="orders"))
    (folder.root / "items.yaml").unlink()
    folder.write("sales/i.yaml", contract("1.1.0", id="items", properties=tuple("abcdefgh")))
    folder.commit()
    assert found(folder, "base..HEAD") == [
        ("renamed", "items.yaml", "sales/i.yaml"),
        ("renamed", "orders.yaml", "sales/o.yaml"),
    ]


def test_two_contracts_that_change_places(folder: GitFolder) -> None:
    folder.write("orders.yaml", contract(id="items", comment="moved"))
    folder.write("items.yaml", contract(id="orders", comment="moved"))
    assert found(folder, "base") == [
        ("renamed", "orders.yaml", "items.yaml"),
        ("renamed", "items.yaml", "orders.yaml"),
    ]


def test_another_id_in_the_same_file_is_a_change_of_it(folder: GitFolder) -> None:
    folder.write("orders.yaml", contract(id="bestellungen"))
    assert found(folder, "base") == [("modified", "orders.yaml", "orders.yaml")]


def test_a_new_version_beside_the_old_is_added_and_a_lost_one_deleted(folder: GitFolder) -> None:
    folder.save("v1.0/x.yaml", contract("1.0.0", id="x"))
    folder.save("v1.1/x.yaml", contract("1.1.0", id="x"))
    folder.save("v1.2/x.yaml", contract("1.2.0", id="x"))
    assert found(folder, "HEAD~1..HEAD") == [("added", None, "v1.2/x.yaml")]
    (folder.root / "v1.0/x.yaml").unlink()
    folder.write("v1.3/x.yaml", contract("1.3.0", id="x"))
    assert found(folder, "HEAD") == [("deleted", "v1.0/x.yaml", None), ("added", None, "v1.3/x.yaml")]
    changes = changes_between("HEAD", directory=folder.root)
    assert sorted(file.path for file in changes.related["x"]) == ["v1.1/x.yaml", "v1.2/x.yaml", "v1.3/x.yaml"]


def test_an_archived_version_is_the_one_that_was_there(folder: GitFolder) -> None:
    folder.write("old/orders-1.yaml", contract("1.0.0", id="orders"))
    folder.write("orders.yaml", contract("2.0.0", id="orders"))
    assert found(folder, "base") == [
        ("renamed", "orders.yaml", "old/orders-1.yaml"),
        ("added", None, "orders.yaml"),
    ]


def test_a_damaged_contract_stays_a_contract(folder: GitFolder) -> None:
    folder.write("orders.yaml", "nothing: here\n")
    (folder.root / "items.yaml").unlink()
    folder.write("items.yml", "kind: DataContract\n")
    (changed, deleted, added) = sorted_changes(changes_between("base", directory=folder.root))
    assert changed == ("modified", "orders.yaml", "orders.yaml", False)
    assert deleted == ("deleted", "items.yaml", None, None)
    assert added == ("added", None, "items.yml", False)


def sorted_changes(changes: Changes) -> list[tuple[str, str | None, str | None, bool | None]]:
    rows = [
        (
            each.happening.value,
            each.old.path if each.old else None,
            each.new.path if each.new else None,
            each.new.contract is not None if each.new else None,
        )
        for each in changes.changed
    ]
    return sorted(rows, key=lambda row: ["modified", "deleted", "added"].index(row[0]))


def test_an_invalid_contract_that_moves_is_the_same_file(folder: GitFolder) -> None:
    folder.save("broken.odcs.yaml", "a: [")
    (folder.root / "broken.odcs.yaml").rename(folder.root / "moved.odcs.yaml")
    assert found(folder, "HEAD") == [("renamed", "broken.odcs.yaml", "moved.odcs.yaml")]


def test_a_contract_that_grows_too_large_is_not_lost(folder: GitFolder) -> None:
    folder.write("orders.yaml", contract(id="orders") + "#" * (10 * 1024 * 1024))
    (changed,) = changes_between("base", directory=folder.root).changed
    assert changed.new is not None
    assert [problem.code for problem in changed.new.problems] == ["LP784"]
    folder.commit()
    (changed,) = changes_between("base..HEAD", directory=folder.root).changed
    assert changed.new is not None
    assert [problem.code for problem in changed.new.problems] == ["LP784"]


def test_a_link_in_place_of_a_contract_is_its_deletion(folder: GitFolder) -> None:
    (folder.root / "orders.yaml").unlink()
    (folder.root / "orders.yaml").symlink_to("items.yaml")
    assert found(folder, "base") == [("deleted", "orders.yaml", None)]
    folder.commit()
    assert found(folder, "base..HEAD") == [("deleted", "orders.yaml", None)]


def test_only_a_folder(folder: GitFolder) -> None:
    folder.save(".contracts/a.yaml", contract(id="a"))
    folder.write(".contracts/a.yaml", contract("1.1.0", id="a"))
    folder.write(".contracts/.hidden.yaml", contract(id="hidden"))
    folder.write("orders.yaml", contract("1.1.0", id="orders"))
    assert found(folder, "base", ".contracts") == [("added", None, ".contracts/a.yaml")]
    assert changes_between("base", directory=folder.root / ".contracts").prefix == ".contracts/"
    assert found(folder, "base") == [("modified", "orders.yaml", "orders.yaml")]


@pytest.mark.parametrize(
    "name", ["with space.yaml", "käse.yaml", "-rf.yaml", "q'\".yaml", "line\nbreak.yaml", ":(top).yaml"], ids=ascii
)
def test_hostile_names(folder: GitFolder, name: str) -> None:
    folder.save(f"sub dir/{name}", contract(id="hostile"))
    folder.write(f"sub dir/{name}", contract("1.1.0", id="hostile"))
    expected = [("modified", f"sub dir/{name}", f"sub dir/{name}")]
    assert found(folder, "HEAD", "sub dir") == expected
    folder.commit()
    assert found(folder, "HEAD~1..HEAD", "sub dir") == expected


def test_a_new_branch_has_zeros_as_its_base(folder: GitFolder) -> None:
    assert [path for _, _, path in found(folder, f"{'0' * 40}..HEAD")] == ["items.yaml", "orders.yaml", "stock.yaml"]
    assert len(found(folder, "0" * 40)) == 3
    assert changes_between("0" * 40, directory=folder.root).base == "nothing"


def test_without_commits_everything_is_new_against_nothing(tmp_path: Path) -> None:
    empty = GitFolder.create(tmp_path / "empty")
    empty.write("a.yaml", contract())
    assert found(empty, "0" * 40) == [("added", None, "a.yaml")]
    with pytest.raises(UsageError, match="LP782: there is no revision 'HEAD'") as caught:
        changes_between("HEAD", directory=empty.root)
    assert caught.value.hint == "the repository has no commits yet"


@pytest.mark.parametrize(
    ("span", "message", "hint"),
    [
        ("..HEAD", "LP782: '..HEAD' names no base", "write BASE..HEAD, "),
        ("", "LP782: '' names no base", "write BASE..HEAD, "),
        ("nope..HEAD", "LP782: there is no revision 'nope'", "`git log --oneline --all` lists revisions"),
        ("HEAD..nope", "LP782: there is no revision 'nope'", "`git log --oneline --all` lists revisions"),
        ("HEAD..--output=x", "LP782: there is no revision '--output=x'", "`git log"),
        ("HEAD..a..b", "LP782: there is no revision 'a..b'", "`git log"),
        ("HEAD^{tree}...HEAD", "LP782: there is no revision 'HEAD^{tree}'", "`git log"),
    ],
)
def test_what_is_no_span(folder: GitFolder, span: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        changes_between(span, directory=folder.root)
    assert caught.value.hint.startswith(hint)


def test_branches_without_a_common_commit(folder: GitFolder) -> None:
    folder.git("switch", "-q", "--orphan", "other")
    folder.save("orders.yaml", contract())
    with pytest.raises(UsageError, match="LP782: 'main' and 'other' have no common commit") as caught:
        changes_between("main...other", directory=folder.root)
    assert caught.value.hint == "compare both as they are: BASE..HEAD"


def test_a_shallow_clone_says_how_to_get_the_rest(folder: GitFolder, tmp_path: Path) -> None:
    folder.git("switch", "-q", "-c", "side")
    folder.save("orders.yaml", contract("1.1.0"))
    folder.git("switch", "-q", "main")
    folder.save("items.yaml", contract("1.1.0", id="items"))
    url = f"file://{folder.root}"
    folder.git("clone", "-q", "--depth", "1", "--no-single-branch", url, str(tmp_path / "shallow"))
    clone = GitFolder(tmp_path / "shallow")
    hint = "the clone is shallow: fetch what is missing with `git fetch --unshallow` (in a CI: fetch-depth: 0)"
    with pytest.raises(UsageError, match="LP782: 'main' and 'origin/side' have no common commit") as caught:
        changes_between("main...origin/side", directory=clone.root)
    assert caught.value.hint == hint
    with pytest.raises(UsageError, match="LP782: there is no revision 'HEAD~1'") as caught:
        changes_between("HEAD~1..HEAD", directory=clone.root)
    assert caught.value.hint == hint
    assert len(found(clone, "main..origin/side")) == 2


def test_a_bare_repository_needs_both_revisions(folder: GitFolder, tmp_path: Path) -> None:
    folder.save("orders.yaml", contract("1.1.0"))
    folder.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    bare = GitFolder(tmp_path / "bare.git")
    assert found(bare, "base..main") == [("modified", "orders.yaml", "orders.yaml")]
    with pytest.raises(UsageError, match=r"LP782: '.*bare.git' has no work tree") as caught:
        changes_between("base", directory=bare.root)
    assert caught.value.hint == "name both revisions: BASE..HEAD"


def test_a_detached_head_and_a_second_work_tree(folder: GitFolder, tmp_path: Path) -> None:
    folder.git("worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    tree = GitFolder(tmp_path / "tree")
    tree.write("orders.yaml", contract("1.1.0"))
    assert found(tree, "HEAD") == [("modified", "orders.yaml", "orders.yaml")]
    assert found(folder, "HEAD") == []


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ConfigurationError, match="LP781: "):
        changes_between("HEAD", directory=tmp_path)
    with pytest.raises(UsageError, match="LP783: there is no folder '"):
        changes_between("HEAD", directory=tmp_path / "none")
