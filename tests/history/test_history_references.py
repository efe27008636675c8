"""References: paths, and files at a revision of a real repository."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_samples import GitFolder, contract
from lakepact.contract.yaml_nodes import MAX_BYTES
from lakepact.errors import ConfigurationError, EnvironmentLacking, LakepactError, UsageError
from lakepact.history import read_reference
from lakepact.history.references import split_revision

HOSTILE_NAMES = [
    "with space.yaml",
    "käse-日本.yaml",
    "-rf.yaml",
    "--help",
    'it\'s "quoted".yaml',
    "line\nbreak.yaml",
    "\nfirst.yaml",
    "tab\there.yaml",
    ":(glob)*.yaml",
    "*.yaml",
    "back\\slash.yaml",
    "a:b.yaml",
]


@pytest.fixture
def repository(tmp_path: Path) -> GitFolder:
    """Two commits of contracts/orders.yaml."""
    made = GitFolder.create(tmp_path / "repository")
    made.save("contracts/orders.yaml", "first", "fix: it")
    made.save("contracts/orders.yaml", "second")
    return made


def test_a_path_is_read_from_the_directory(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\x00")
    reference = read_reference("a.yaml", directory=tmp_path)
    assert (reference.text, reference.file, reference.content) == ("a.yaml", "a.yaml", b"\xff\x00")


def test_a_path_is_read_from_the_working_directory_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git:HEAD:a").write_bytes(b"a file of that name")
    monkeypatch.chdir(tmp_path)
    assert read_reference("./git:HEAD:a").content == b"a file of that name"


@pytest.mark.parametrize("revision", ["HEAD", "main", "HEAD~0", "HEAD^{commit}", "HEAD^{tree}", "@"])
def test_a_revision_is_named_as_for_git(repository: GitFolder, revision: str) -> None:
    reference = read_reference(f"git:{revision}:contracts/orders.yaml", directory=repository.root)
    assert reference.content == b"second"
    assert reference.file == f"{revision}:contracts/orders.yaml"
    assert reference.text == f"git:{revision}:contracts/orders.yaml"


def test_a_revision_may_hold_colons_in_braces(repository: GitFolder) -> None:
    found = read_reference("git:HEAD^{/fix: it}:contracts/orders.yaml", directory=repository.root)
    assert found.content == b"first"


def test_paths_start_at_the_root_and_with_a_dot_at_the_directory(repository: GitFolder) -> None:
    below = repository.root / "contracts"
    assert read_reference("git:HEAD~1:contracts/orders.yaml", directory=below).content == b"first"
    assert read_reference("git:HEAD~1:./orders.yaml", directory=below).file == "HEAD~1:contracts/orders.yaml"
    assert read_reference("git:HEAD:../contracts/orders.yaml", directory=below).content == b"second"
    with pytest.raises(UsageError, match=r"no file 'orders.yaml' in revision 'HEAD'") as caught:
        read_reference("git:HEAD:orders.yaml", directory=below)
    assert caught.value.hint == (
        "paths start at the root of the repository: write git:HEAD:contracts/orders.yaml or git:HEAD:./orders.yaml"
    )


@pytest.mark.parametrize("path", ["../../orders.yaml", "/contracts/orders.yaml", "contracts/../contracts/orders.yaml"])
def test_paths_out_of_the_repository_are_not_there(repository: GitFolder, path: str) -> None:
    message = (
        f"LP783: there is no file '{os.path.normpath(path) if path.startswith('..') else path}' in revision 'HEAD'"
    )
    with pytest.raises(UsageError, match=re.escape(message)):
        read_reference(f"git:HEAD:{path}", directory=repository.root)


def test_an_empty_revision_is_the_index(repository: GitFolder) -> None:
    repository.write("contracts/orders.yaml", "staged")
    repository.git("add", "contracts/orders.yaml")
    repository.write("contracts/orders.yaml", "not staged")
    assert read_reference("git::contracts/orders.yaml", directory=repository.root).content == b"staged"
    with pytest.raises(UsageError, match=re.escape("LP783: there is no file 'a.yaml' in the index")):
        read_reference("git::a.yaml", directory=repository.root)


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
def test_hostile_file_names_are_just_names(repository: GitFolder, name: str) -> None:
    repository.save(f"contracts/{name}", "hostile")
    repository.save(name, "at the root")
    repository.write(name, "changed")
    assert read_reference(f"git:HEAD:contracts/{name}", directory=repository.root).content == b"hostile"
    assert read_reference(f"git:HEAD:{name}", directory=repository.root).content == b"at the root"
    assert read_reference(f"git:HEAD:./{name}", directory=repository.root / "contracts").content == b"hostile"
    assert read_reference(f"git::{name}", directory=repository.root).content == b"at the root"


def test_a_name_that_is_not_utf8(repository: GitFolder) -> None:
    name = os.fsdecode(b"caf\xe9.yaml")
    repository.save(name, "latin")
    assert read_reference(f"git:HEAD:{name}", directory=repository.root).content == b"latin"


@pytest.mark.parametrize(
    "revision", ["nope", "-x", "--all", "--output=x", "main..main", "^main", "HEAD:contracts", "a\0b"]
)
def test_what_is_no_revision(repository: GitFolder, revision: str) -> None:
    before = sorted(path.name for path in repository.root.iterdir())
    with pytest.raises(UsageError, match=r"LP78[23]: there is no (revision|file) '") as caught:
        read_reference(f"git:{revision}:contracts/orders.yaml", directory=repository.root)
    assert caught.value.hint
    assert sorted(path.name for path in repository.root.iterdir()) == before


@pytest.mark.parametrize("text", ["git:", "git:HEAD", "git:HEAD:", "git:HEAD^{/a:b}"])
def test_half_a_reference_is_refused_with_the_form(repository: GitFolder, text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"LP783: '{text}' names no file at a revision")) as caught:
        read_reference(text, directory=repository.root)
    assert caught.value.hint.startswith("write git:REV:PATH, for example git:main:contracts/orders.odcs.yaml")


def test_folders_links_and_submodules_are_no_files(repository: GitFolder, tmp_path: Path) -> None:
    other = GitFolder.create(tmp_path / "other")
    other.save("orders.yaml", "in the submodule")
    (repository.root / "link.yaml").symlink_to("contracts/orders.yaml")
    repository.git("submodule", "--quiet", "add", str(other.root), "sub")
    repository.commit()
    for path in ("contracts", "link.yaml", "sub", "sub/orders.yaml", "contracts/orders.yaml/deeper"):
        with pytest.raises(UsageError, match=re.escape(f"LP783: there is no file '{path}' in revision 'HEAD'")):
            read_reference(f"git:HEAD:{path}", directory=repository.root)


def test_bare_repositories_and_work_trees(repository: GitFolder, tmp_path: Path) -> None:
    repository.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    repository.git("worktree", "add", "-q", "--detach", str(tmp_path / "tree"), "HEAD~1")
    assert read_reference("git:main:contracts/orders.yaml", directory=tmp_path / "bare.git").content == b"second"
    assert read_reference("git:HEAD:./orders.yaml", directory=tmp_path / "tree" / "contracts").content == b"first"
    with pytest.raises(UsageError, match=r"LP783: there is no file 'contracts/orders.yaml' in the index"):
        read_reference("git::contracts/orders.yaml", directory=tmp_path / "bare.git")


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(
        ConfigurationError, match=re.escape(f"LP781: '{tmp_path}' is not in a Git repository")
    ) as caught:
        read_reference("git:HEAD:a.yaml", directory=tmp_path)
    assert caught.value.hint == "name a file, or go to a folder of the repository"


def test_without_commits(tmp_path: Path) -> None:
    empty = GitFolder.create(tmp_path / "empty")
    with pytest.raises(UsageError, match="LP782: there is no revision 'HEAD'") as caught:
        read_reference("git:HEAD:a.yaml", directory=empty.root)
    assert caught.value.hint == "the repository has no commits yet"


def test_in_a_shallow_clone_the_hint_says_how_to_get_the_rest(repository: GitFolder, tmp_path: Path) -> None:
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.root}", str(tmp_path / "shallow"))
    assert read_reference("git:HEAD:contracts/orders.yaml", directory=tmp_path / "shallow").content == b"second"
    with pytest.raises(UsageError, match="LP782: there is no revision 'HEAD~1'") as caught:
        read_reference("git:HEAD~1:contracts/orders.yaml", directory=tmp_path / "shallow")
    assert caught.value.hint == (
        "the clone is shallow: fetch what is missing with `git fetch --unshallow` (in a CI: fetch-depth: 0)"
    )


def test_a_missing_git_is_said(repository: GitFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository.root))
    with pytest.raises(EnvironmentLacking, match="LP780: the command `git` is not on this machine") as caught:
        read_reference("git:HEAD:a.yaml", directory=repository.root)
    assert caught.value.hint == "install Git, or put it on PATH"


def test_variables_of_git_do_not_lead_elsewhere(
    repository: GitFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = GitFolder.create(tmp_path / "other")
    other.save("contracts/orders.yaml", "wrong")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git" / "index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.root / ".git" / "objects"))
    monkeypatch.setenv("GIT_GLOB_PATHSPECS", "1")
    monkeypatch.setenv("GIT_TRACE", "1")
    assert read_reference("git:HEAD:contracts/orders.yaml", directory=repository.root).content == b"second"
    assert read_reference("git::contracts/orders.yaml", directory=repository.root).content == b"second"


def test_new_objects_of_a_pre_receive_hook_are_seen(
    repository: GitFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    new = repository.save("contracts/orders.yaml", "pushed")
    objects = tmp_path / "bare.git" / "objects"
    monkeypatch.setenv("GIT_QUARANTINE_PATH", str(repository.root / ".git" / "objects"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(repository.root / ".git" / "objects"))
    monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", str(objects))
    found = read_reference(f"git:{new}:contracts/orders.yaml", directory=tmp_path / "bare.git")
    assert found.content == b"pushed"


def test_a_file_is_too_large_by_its_size(repository: GitFolder, tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(
        ConfigurationError, match=r"LP784: 'huge.yaml' has 1,073,741,824 bytes; the limit is 10,485,760"
    ):
        read_reference("huge.yaml", directory=tmp_path)
    repository.save("large.yaml", b"a" * (MAX_BYTES + 1))
    message = "LP784: 'HEAD:large.yaml' has 10,485,761 bytes; the limit is 10,485,760"
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_reference("git:HEAD:large.yaml", directory=repository.root)
    assert caught.value.hint == "split the contract"
    repository.save("large.yaml", b"a" * MAX_BYTES)
    assert len(read_reference("git:HEAD:large.yaml", directory=repository.root).content) == MAX_BYTES


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(UsageError, match="LP783: '/dev/zero' cannot be read: it is a device, not a file"):
        read_reference("/dev/zero")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("none.yaml", "LP783: there is no file 'none.yaml'", ""),
        ("HEAD:a.yaml", "LP783: there is no file 'HEAD:a.yaml'", "a revision is written git:HEAD:a.yaml"),
        (".", "LP783: '.' is a folder; a contract is a file", ""),
        ("a\0b", "LP783: 'a\0b' cannot be read: embedded null byte", ""),
        ("loop", "LP783: 'loop' cannot be read: Too many levels of symbolic links", ""),
    ],
)
def test_a_path_that_leads_nowhere(tmp_path: Path, text: str, message: str, hint: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        read_reference(text, directory=tmp_path)
    assert caught.value.hint == hint


def test_what_git_refuses_is_said_in_its_words(repository: GitFolder) -> None:
    (repository.root / ".git" / "config").write_text("[core]\n\trepositoryformatversion = 99\n")
    with pytest.raises(ConfigurationError, match=r"LP785: Git refuses '.*': .*version.* 99"):
        read_reference("git:HEAD:a.yaml", directory=repository.root)


@pytest.mark.parametrize(
    ("text", "separator", "parts"),
    [
        ("a:b:c", ":", ("a", "b:c")),
        ("a^{/x:y}:c", ":", ("a^{/x:y}", "c")),
        ("a..b", "..", ("a", "b")),
        ("a^{/x..y}", "..", None),
        ("a...b", "...", ("a", "b")),
        (":a", ":", ("", "a")),
        ("a}:b", ":", ("a}", "b")),
    ],
)
def test_separators_in_braces_do_not_count(text: str, separator: str, parts: tuple[str, str] | None) -> None:
    assert split_revision(text, separator) == parts


@settings(max_examples=40)
@given(st.text(alphabet=st.sampled_from("git:HEAD~^{}@-/. \n\0é*[]"), max_size=14))
def test_any_text_is_read_or_one_clear_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.getbasetemp() / "any"
    if not root.exists():
        GitFolder.create(root).save("a", contract())
    try:
        outcome = read_reference(f"git:{text}", directory=root).content.decode()
    except LakepactError as error:
        outcome = error.code
    assert outcome in {contract(), "LP782", "LP783"}
