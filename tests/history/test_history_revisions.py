"""The commits that changed a file: renames, merges, hostile names, shallow clones, and how much it costs."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from git_samples import GitFolder, contract
from lakepact.history.git import Repository
from lakepact.history.revisions import Revision, revisions

LONG = "".join(f"line {number}\n" for number in range(40))


@pytest.fixture
def folder(tmp_path: Path) -> GitFolder:
    return GitFolder.create(tmp_path / "repository")


def found(folder: GitFolder, path: str, limit: int | None = None, start: str = "HEAD") -> list[Revision]:
    repository = Repository.open(folder.root)
    return list(revisions(repository, path, start=repository.object_of(start), limit=limit))


def steps(folder: GitFolder, path: str, limit: int | None = None) -> list[tuple[str, str, str]]:
    return [(each.subject, each.happening.value, each.path) for each in found(folder, path, limit)]


def test_each_commit_that_changed_the_file_newest_first(folder: GitFolder) -> None:
    first = folder.save("a.yaml", "1", "one")
    folder.save("b.yaml", "x", "another file")
    second = folder.save("a.yaml", "2", "two")
    new, old = found(folder, "a.yaml")
    assert (new.commit, old.commit) == (second, first)
    assert (new.author, new.email, new.subject) == ("Ada Lovelace", "ada@example.com", "two")
    assert new.time == datetime(2026, 1, 1, 3, tzinfo=timezone(timedelta(hours=1)))
    assert new.time is not None
    assert new.time.utcoffset() == timedelta(hours=1)
    assert (new.old_path, new.old_object) == ("a.yaml", old.object)
    assert (old.old_path, old.old_object) == ("", "")
    assert [each.happening.value for each in (new, old)] == ["modified", "added"]


def test_renames_are_followed(folder: GitFolder) -> None:
    folder.save("a.yaml", LONG, "added")
    folder.git("mv", "a.yaml", "b.yaml")
    folder.save("b.yaml", LONG + "more\n", "renamed and changed")
    folder.save("b.yaml", LONG, "changed back")
    (folder.root / "deep").mkdir()
    folder.git("mv", "b.yaml", "deep/c.yaml")
    folder.commit("renamed again")
    assert steps(folder, "deep/c.yaml") == [
        ("renamed again", "renamed", "deep/c.yaml"),
        ("changed back", "modified", "b.yaml"),
        ("renamed and changed", "renamed", "b.yaml"),
        ("added", "added", "a.yaml"),
    ]
    assert [each.old_path for each in found(folder, "deep/c.yaml")] == ["b.yaml", "b.yaml", "a.yaml", ""]
    assert steps(folder, "deep/c.yaml", 3) == steps(folder, "deep/c.yaml")[:3]
    assert len(steps(folder, "deep/c.yaml", 2)) == 2
    assert steps(folder, "deep/c.yaml", 0) == []


def test_a_file_that_comes_and_goes(folder: GitFolder) -> None:
    folder.save("a.yaml", "1", "one")
    (folder.root / "a.yaml").unlink()
    folder.commit("gone")
    folder.save("a.yaml", "3", "back")
    (folder.root / "a.yaml").unlink()
    folder.commit("gone again")
    listed = found(folder, "a.yaml")
    assert [each.happening.value for each in listed] == ["deleted", "added", "deleted", "added"]
    assert [bool(each.object) for each in listed] == [False, True, False, True]
    assert [bool(each.old_object) for each in listed] == [True, False, True, False]


def test_a_link_in_place_of_the_file_is_its_end(folder: GitFolder) -> None:
    folder.save("a.yaml", "1", "one")
    (folder.root / "a.yaml").unlink()
    (folder.root / "a.yaml").symlink_to("b.yaml")
    folder.commit("a link")
    (folder.root / "a.yaml").unlink()
    (folder.root / "a.yaml").symlink_to("c.yaml")
    folder.commit("another link")
    assert steps(folder, "a.yaml") == [("a link", "deleted", "a.yaml"), ("one", "added", "a.yaml")]


def test_a_merge_counts_only_where_it_is_not_one_of_its_parents(folder: GitFolder) -> None:
    folder.save("a.yaml", "1", "one")
    folder.git("switch", "-q", "-c", "side")
    folder.save("a.yaml", "2", "two")
    folder.git("switch", "-q", "main")
    folder.save("b.yaml", "x", "another file")
    folder.git("merge", "-q", "--no-ff", "-m", "plain merge", "side")
    assert [subject for subject, _, _ in steps(folder, "a.yaml")] == ["two", "one"]
    folder.git("switch", "-q", "-c", "other")
    folder.save("a.yaml", "3", "three")
    folder.git("switch", "-q", "main")
    folder.save("c.yaml", "y", "on main")
    folder.git("merge", "-q", "--no-ff", "--no-commit", "other")
    folder.write("a.yaml", "4")
    folder.commit("merge with a change")
    subjects = [subject for subject, _, _ in steps(folder, "a.yaml")]
    assert subjects == ["merge with a change", "three", "two", "one"]


@pytest.mark.parametrize(
    "name",
    [
        *("with space.yaml", "käse.yaml", "-rf.yaml", "--all", 'it\'s "q".yaml', "\nline\nbreak.yaml", "*.yaml"),
        *(":(top)a.yaml", ":x.yaml", "\x01odd.yaml", os.fsdecode(b"caf\xe9.yaml")),
    ],
    ids=ascii,
)
def test_hostile_names(folder: GitFolder, name: str) -> None:
    folder.save("plain.yaml", LONG, "one")
    folder.git("mv", "--", "plain.yaml", name)
    folder.commit("two")
    folder.save(name, LONG + "x", "three")
    assert steps(folder, name) == [
        ("three", "modified", name),
        ("two", "renamed", name),
        ("one", "added", "plain.yaml"),
    ]


def test_hostile_subjects_and_authors(folder: GitFolder) -> None:
    folder.save("a.yaml", "1", "\x01:100644 | %H\n\nbody")
    folder.write("a.yaml", "2")
    folder.git("add", "a.yaml")
    folder.git("-c", "user.name=:\x01 Zoë", "-c", "user.email=<z@x>", "commit", "-q", "-m", "two")
    two, one = found(folder, "a.yaml")
    assert one.subject == "\x01:100644 | %H"
    assert two.author.endswith("Zoë")


def test_a_date_out_of_the_calendar_is_none(folder: GitFolder) -> None:
    folder.save("a.yaml", "1", "one")
    raw = folder.git("cat-file", "commit", "HEAD").replace(" +0100", " +9959")
    made = folder.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=(raw + "\n").encode())
    folder.git("update-ref", "refs/heads/main", made)
    assert [each.time for each in found(folder, "a.yaml")] == [None]


def test_the_path_of_a_folder_has_no_history(folder: GitFolder) -> None:
    folder.save("a/b.yaml", "1")
    assert found(folder, "a") == []


def test_a_detached_head_and_a_bare_clone(folder: GitFolder, tmp_path: Path) -> None:
    folder.save("a.yaml", "1", "one")
    folder.save("a.yaml", "2", "two")
    folder.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    assert len(found(GitFolder(tmp_path / "bare.git"), "a.yaml")) == 2
    folder.git("checkout", "-q", "--detach", "HEAD~1")
    assert [subject for subject, _, _ in steps(folder, "a.yaml")] == ["one"]


def test_a_shallow_clone_does_not_claim_that_its_end_is_the_beginning(folder: GitFolder, tmp_path: Path) -> None:
    for number in range(4):
        folder.save("a.yaml", str(number), f"change {number}")
    folder.git("clone", "-q", "--depth", "2", f"file://{folder.root}", str(tmp_path / "shallow"))
    clone = GitFolder(tmp_path / "shallow")
    assert steps(clone, "a.yaml") == [("change 3", "modified", "a.yaml"), ("change 2", "earliest known", "a.yaml")]
    clone.save("new.yaml", "1", "new")
    assert steps(clone, "new.yaml") == [("new", "added", "new.yaml")]


def test_contents_come_over_one_process_and_large_ones_are_passed_over(folder: GitFolder) -> None:
    folder.write("large", b"x" * (10 * 1024 * 1024 + 1))
    folder.write("small", contract())
    folder.write("empty", "")
    folder.commit()
    repository = Repository.open(folder.root)
    objects = {file.path: file.object for file in repository.files("HEAD")}
    with repository.contents() as contents:
        assert contents(objects["large"]) is None
        assert contents(objects["small"]) == contract().encode()
        assert contents(objects["empty"]) == b""
