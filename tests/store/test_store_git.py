"""The journal on a branch: what every journal must do, commits that people read, damage, and killed writers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from store_processes import put_at_once, told_by_killed_writers

from git_samples import GitFolder
from lakepact.errors import ConfigurationError, RemoteFailed, UsageError
from lakepact.store import JournalStore, Status, create_store, open_store
from lakepact.store.encoding import sha256_of
from lakepact.store.git import GitJournal, create_git
from lakepact.store.journal import Journal
from lakepact.testing.store_samples import contract
from lakepact.testing.store_suite import JournalSuite, put_event, status_event


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create_git(f"git:{tmp_path / 'store'}")
    return tmp_path / "store"


class TestGitJournal(JournalSuite):
    random_runs = 1

    @pytest.fixture
    def journal(self, root: Path) -> Journal:
        return GitJournal(root)

    @pytest.fixture
    def reopen(self, root: Path) -> Callable[[], Journal]:
        return lambda: GitJournal(root)


class TestOnAFolderOfABranchOfAProject(JournalSuite):
    random_runs = 1
    random_steps = 10

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        project = GitFolder.create(tmp_path / "project")
        project.save("README.md", "# Project\n")
        create_git(f"git:{project.root}?branch=contracts&folder=data/store")
        return project.root

    @pytest.fixture
    def journal(self, place: Path) -> Journal:
        return GitJournal(place, branch="contracts", folder="data/store")

    @pytest.fixture
    def reopen(self, place: Path) -> Callable[[], Journal]:
        return lambda: GitJournal(place, branch="contracts", folder="data/store")


class TestAtARemote(JournalSuite):
    writers = 3
    random_runs = 1
    random_steps = 10

    @pytest.fixture
    def journal(self, root: Path, tmp_path: Path) -> Journal:
        return _clone(root, tmp_path / "clone-0")

    @pytest.fixture
    def reopen(self, root: Path, tmp_path: Path, journal: Journal) -> Callable[[], Journal]:
        numbers = iter(range(1, 100))
        return lambda: _clone(root, tmp_path / f"clone-{next(numbers)}")


def _clone(root: Path, target: Path) -> GitJournal:
    subprocess.run(["git", "clone", "-q", str(root), str(target)], check=True)
    return GitJournal(target, remote="origin")


def _git(root: Path, *words: str, given: bytes = b"") -> str:
    return GitFolder(root).git(*words, given=given)


def _files(root: Path, revision: str = "main") -> list[str]:
    return _git(root, "ls-tree", "-r", "--name-only", revision).split("\n")


def _log(root: Path, pattern: str, *words: str) -> str:
    return _git(root, "log", "-1", f"--format={pattern}", *words, "main")


def test_the_layout_is_for_people(root: Path) -> None:
    store = JournalStore(GitJournal(root))
    first = store.put(contract("urn:Orders", "1.0.0", purpose="one"), actor="ada")
    second = contract("urn:Orders", "1.0.0", purpose="two")
    store.put(second, actor="ada", expected=first.sha256)
    assert _files(root) == [
        "contracts/.gitattributes",
        "contracts/urn%3a%4frders/1.0.0.yaml",
        "contracts/urn%3a%4frders/events/000001.json",
        "contracts/urn%3a%4frders/events/000002.json",
        f"contracts/urn%3a%4frders/replaced/1.0.0-{first.sha256}.yaml",
        "lakepact-store.json",
    ]
    shown = _git(root, "cat-file", "blob", "main:contracts/urn%3a%4frders/1.0.0.yaml")
    assert shown == second.source.decode().strip()
    assert _git(root, "fsck", "--strict", "--no-dangling") == ""


def test_bytes_that_come_back_are_the_document_again(root: Path) -> None:
    journal = GitJournal(root)
    for number, content in enumerate((b"one", b"two", b"one", b"one"), 1):
        assert journal.append(put_event("orders", number, content), content)
    assert _git(root, "cat-file", "blob", "main:contracts/orders/1.0.0.yaml") == "one"
    assert journal.document("orders", "1.0.0", sha256_of(b"two")) == b"two"


def test_a_change_is_a_commit_of_its_actor_with_its_reason(root: Path) -> None:
    journal = GitJournal(root)
    event = replace(put_event("orders", 1, b"x"), actor="Ada Lovelace <ada@example.com>", reason="we need it\n\nsoon")
    journal.append(event, b"x")
    assert _log(root, "%an|%ae|%cn|%ce|%aI") == (
        "Ada Lovelace|ada@example.com|Ada Lovelace|ada@example.com|2024-01-31T10:00:01+00:00"
    )
    assert _log(root, "%B") == "orders 1.0.0: put as draft\n\nwe need it\n\nsoon"
    journal.append(replace(status_event("orders", 2, b"x"), reason=""), None)
    assert _log(root, "%B") == "orders 1.0.0: in review"
    assert _git(root, "rev-list", "--count", "main") == "3"


@pytest.mark.parametrize(
    ("actor", "author"),
    [
        ("ada", "ada <ada@lakepact.invalid>"),
        ("Ada", "Ada <%41da@lakepact.invalid>"),
        ("ada@example.com", "ada@example.com <ada@example.com>"),
        ("<ada@example.com>", "ada@example.com <ada@example.com>"),
        ("\u5951\u7d04 <a@b.example>", "\u5951\u7d04 <a@b.example>"),
        ("a\nauthor eve <eve@x> 1 +0000", "a author eve eve@x 1 +0000 <a%0aauthor%20eve%20%3ceve%40x%3e%201%20"),
        ("a\0b <x", "a b x <a%00b%20%3cx@lakepact.invalid>"),
        ("...", "nameless <%2e%2e%2e@lakepact.invalid>"),
        ("\ud800", "? <%ed%a0%80@lakepact.invalid>"),
    ],
)
def test_any_actor_is_an_author(root: Path, actor: str, author: str) -> None:
    event = replace(put_event("a\nb", 1, b"x"), actor=actor, reason="\0 \ud800")
    journal = GitJournal(root)
    assert journal.append(event, b"x")
    assert _log(root, "%an <%ae>").startswith(author)
    assert journal.events("a\nb") == (event,)
    assert _log(root, "%s") == "a b 1.0.0: put as draft"
    assert _git(root, "fsck", "--strict", "--no-dangling") == ""


def test_a_work_tree_is_never_touched(tmp_path: Path) -> None:
    project = GitFolder.create(tmp_path)
    head = project.save("README.md", "# Project\n")
    project.write("README.md", "changed\n")
    project.write("new.txt", "new\n")
    project.git("add", "new.txt")
    before = project.git("status", "--porcelain"), (tmp_path / ".git" / "index").read_bytes()
    address = f"git:{tmp_path}?branch=contracts"
    create_store(address)
    open_store(address).put(contract(), actor="ada")
    assert (project.git("status", "--porcelain"), (tmp_path / ".git" / "index").read_bytes()) == before
    assert project.git("rev-parse", "HEAD") == head
    assert project.git("rev-list", "--count", "contracts") == "2"


def test_other_files_of_a_branch_stay(tmp_path: Path) -> None:
    project = GitFolder.create(tmp_path)
    project.write("bin/run", "#!/bin/sh\n").chmod(0o755)
    (tmp_path / "link").symlink_to("bin/run")
    project.save("contracts/notes.txt", "notes\n")
    project.git("switch", "-q", "-c", "other")
    before = project.git("ls-tree", "-r", "main").split("\n")
    create_store(f"git:{tmp_path}")
    open_store(f"git:{tmp_path}").put(contract(), actor="ada")
    after = project.git("ls-tree", "-r", "main").split("\n")
    assert set(before) < set(after)
    assert len(after) == len(before) + 4


def test_a_branch_that_is_checked_out_is_read_and_not_changed(tmp_path: Path) -> None:
    project = GitFolder.create(tmp_path)
    project.save("README.md", "# Project\n")
    project.git("branch", "contracts")
    store_address = f"git:{tmp_path}?branch=contracts"
    create_store(store_address)
    store = open_store(store_address)
    store.put(contract(), actor="ada")
    project.git("switch", "-q", "contracts")
    assert store.list_contracts() == ("orders",)
    words = rf"^LP860: the branch 'contracts' is checked out in '{tmp_path}', whose files would be left behind\n"
    with pytest.raises(ConfigurationError, match=words):
        store.set_status("orders", "1.0.0", Status.IN_REVIEW, actor="ada", reason="r")
    assert project.git("status", "--porcelain") == ""
    project.git("switch", "-q", "main")
    with pytest.raises(ConfigurationError, match=r"^LP860: the branch 'main' is checked out in "):
        create_store(f"git:{tmp_path}")


def test_an_unborn_branch_of_a_work_tree_is_not_changed(tmp_path: Path) -> None:
    GitFolder.create(tmp_path)
    with pytest.raises(ConfigurationError, match=r"^LP860: the branch 'main' is checked out in "):
        create_store(f"git:{tmp_path}")


def test_a_proposal_is_reviewed_on_a_branch_and_merged(root: Path, tmp_path: Path) -> None:
    main = open_store(f"git:{root}")
    main.put(contract("orders"), actor="ada")
    for branch in ("one", "two", "three"):
        _git(root, "branch", branch, "main")
    open_store(f"git:{root}?branch=one").put(contract("orders", "1.1.0"), actor="bob")
    open_store(f"git:{root}?branch=two").put(contract("people", "1.0.0"), actor="cy")
    open_store(f"git:{root}?branch=three").put(contract("orders", "1.2.0"), actor="dan")
    assert [each.version for each in main.list_versions("orders")] == ["1.0.0"]
    assert _git(root, "diff", "--name-only", "main", "one").split("\n") == [
        "contracts/orders/1.1.0.yaml",
        "contracts/orders/events/000002.json",
    ]
    clone = GitFolder(tmp_path / "clone")
    subprocess.run(["git", "clone", "-q", str(root), str(clone.root)], check=True)
    clone.git("merge", "-q", "--no-edit", "origin/one", "origin/two")
    clone.git("push", "-q", "origin", "main")
    assert [each.version for each in main.list_versions("orders")] == ["1.0.0", "1.1.0"]
    assert main.list_contracts() == ("orders", "people")
    merging = ["git", "-C", str(clone.root), "-c", "user.name=m", "-c", "user.email=m@x", "merge", "origin/three"]
    assert subprocess.run(merging, capture_output=True, check=False).returncode == 1
    assert clone.git("diff", "--name-only", "--diff-filter=U") == "contracts/orders/events/000002.json"


def test_hostile_variables_and_configuration_have_no_effect(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "eve")
    for setting in ("core.autocrlf=true", "i18n.commitEncoding=latin1", "commit.gpgSign=true"):
        _git(root, "config", *setting.split("="))
    journal = GitJournal(root)
    assert journal.append(replace(put_event("orders", 1, b"a\r\nb\n"), actor="caf\u00e9"), b"a\r\nb\n")
    assert journal.document("orders", "1.0.0", sha256_of(b"a\r\nb\n")) == b"a\r\nb\n"
    assert "\nauthor caf\u00e9 <caf" in _git(root, "cat-file", "commit", "main")


def test_creating_again_changes_nothing(tmp_path: Path) -> None:
    address = f"git:{tmp_path}/a/b?branch=trunk&folder=x"
    create_store(address)
    open_store(address).put(contract(), actor="ada")
    before = _git(tmp_path / "a/b", "rev-parse", "trunk")
    create_store(address)
    assert _git(tmp_path / "a/b", "rev-parse", "trunk") == before
    assert open_store("git:b?branch=trunk&folder=x", directory=tmp_path / "a").list_contracts() == ("orders",)
    assert open_store(address).address == address


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            "missing",
            r"^LP860: there is no folder '.*missing'\n  hint: `lakepact store init --store 'git:.*'` makes one$",
        ),
        ("plain", r"^LP860: '.*plain' is not a Git repository\n"),
        ("store?branch=other", r"^LP860: 'other' in '.*store' is no contract store\n"),
        ("store?folder=other", r"^LP860: 'main:other' in '.*store' is no contract store\n"),
        ("store?remote=origin", r"^LP860: '.*store' has no remote 'origin'\n"),
        ("project/sub", r"^LP860: '.*project/sub' is a folder in a Git repository, not the repository\n.*folder=sub$"),
    ],
)
def test_places_that_are_no_store(root: Path, tmp_path: Path, given: str, words: str) -> None:
    (tmp_path / "plain").mkdir()
    GitFolder.create(tmp_path / "project").save("sub/file", "x")
    with pytest.raises(ConfigurationError, match=words):
        open_store(f"git:{tmp_path}/{given}")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("store?colour=red", r"^LP857: 'git:.*' is no address of a Git store: it has no option 'colour'\n"),
        ("store?main", r"^LP857: 'git:.*' is no address of a Git store: it has no option 'main'\n"),
        ("store?branch=a..b", r"^LP857: 'a\.\.b' is no name of a branch\n"),
        ("store?folder=../x", r"^LP857: '\.\./x' is no folder of a repository\n"),
        ("store?folder=a/.GIT", r"^LP857: 'a/\.GIT' is no folder of a repository\n"),
        ("store?folder=a//b", r"^LP857: 'a//b' is no folder of a repository\n"),
    ],
)
def test_addresses_that_are_none(root: Path, tmp_path: Path, given: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        open_store(f"git:{tmp_path}/{given}")


def _commit_file(root: Path, path: str, content: bytes | None) -> None:
    """Commit another content of a file of `main`, or none, as somebody with a work tree would."""
    index = {"GIT_INDEX_FILE": str(root / "index-of-test")}
    blob = _git(root, "hash-object", "-w", "--stdin", given=content or b"")
    mode = "100644" if content is not None else "0"
    run = lambda *words: subprocess.run(  # noqa: E731
        ["git", "-C", str(root), *words], env={**os.environ, **index}, check=True, capture_output=True, text=True
    ).stdout.strip()
    run("read-tree", "main")
    run("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}") if content is not None else run(
        "rm", "-q", "--cached", path
    )
    tree = run("write-tree")
    commit = _git(root, "commit-tree", tree, "-p", "main", "-m", "by hand")
    _git(root, "update-ref", "refs/heads/main", commit)


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("events/000001.json", b"{", "it is no JSON"),
        ("events/000001.json", None, "it is missing"),
        ("events/000003.json", b"{}", "an event has the format None; this version of lakepact reads 1"),
        ("1.0.0.yaml", b"other", "its bytes are not those that were put"),
        ("1.0.0.yaml", None, "it is missing"),
    ],
)
def test_what_was_changed_by_hand_is_told_and_the_rest_served(
    root: Path, path: str, content: bytes | None, why: str
) -> None:
    store = JournalStore(GitJournal(root))
    for contract_id in ("orders", "people"):
        store.put(contract(contract_id, "1.0.0"), actor="ada")
        store.put(contract(contract_id, "1.1.0"), actor="ada")
    assert store.damaged() == ()
    _commit_file(root, f"contracts/orders/{path}", content)
    words = f"'main:contracts/orders/{path}' is damaged: {why}"
    for each in (store, JournalStore(GitJournal(root))):
        assert [(one.code, one.message) for one in each.damaged()] == [("LP854", words)]
        with pytest.raises(ConfigurationError) as caught:
            each.get("orders", "1.0.0")
        assert caught.value.message == words
        assert each.list_contracts() == ("orders", "people")
        assert {one.contract_id for one in each.search()} >= {"people"}
        assert each.get("people", "1.1.0").version == "1.1.0"


@pytest.mark.parametrize("path", ["contracts/orders/events/000001.json", "contracts/orders/events", "contracts/orders"])
@pytest.mark.parametrize("way", ["gone", "broken"])
def test_broken_objects_are_told_and_nothing_is_written_over_them(root: Path, path: str, way: str) -> None:
    store = JournalStore(GitJournal(root))
    for contract_id in ("orders", "people"):
        store.put(contract(contract_id), actor="ada")
    name = _git(root, "rev-parse", f"main:{path}")
    file = root / "objects" / name[:2] / name[2:]
    file.chmod(0o644)
    file.write_bytes(b"no object") if way == "broken" else file.unlink()
    store = JournalStore(GitJournal(root))
    tip = _git(root, "rev-parse", "main")
    assert [one.code for one in store.damaged()] == ["LP854"]
    with pytest.raises(ConfigurationError, match=f"^LP854: 'main:{path}.*' is damaged: it cannot be read\n"):
        store.put(contract("orders", "1.1.0"), actor="ada")
    assert _git(root, "rev-parse", "main") == tip
    assert store.list_contracts() == ("orders", "people")
    assert {one.contract_id for one in store.search()} == {"people"}
    store.put(contract("people", "1.1.0"), actor="ada")


@pytest.mark.parametrize("path", ["contracts/orders/events", "contracts/orders", "contracts", ""])
def test_no_event_is_written_over_a_folder_that_is_gone(root: Path, path: str) -> None:
    journal = GitJournal(root)
    assert journal.append(put_event("orders", 1, b"x"), b"x")
    name = _git(root, "rev-parse", f"main:{path}")
    (root / "objects" / name[:2] / name[2:]).unlink()
    with pytest.raises(ConfigurationError, match=f"^LP861: the folder '{path}' cannot be read in the branch\n"):
        journal.append(put_event("orders", 1, b"y"), b"y")


def test_what_else_is_in_the_branch_is_no_contract(root: Path) -> None:
    journal = GitJournal(root)
    journal.append(put_event("orders", 1, b"x"), b"x")
    _commit_file(root, "contracts/README", b"x")
    _commit_file(root, "contracts/empty/notes.txt", b"x")
    _commit_file(root, "contracts/orders/events/notes.json", b"x")
    assert journal.contract_ids() == ("orders",)
    assert list(journal.all_events()) == ["orders"]
    assert journal.events("empty") == ()
    assert journal.damaged() == ()


def test_a_file_in_the_way_of_a_contract(root: Path) -> None:
    _commit_file(root, "contracts/orders", b"x")
    with pytest.raises(ConfigurationError, match=r"^LP860: 'contracts/orders' is no folder in the branch\n"):
        open_store(f"git:{root}").put(contract(), actor="ada")


def test_a_later_layout_is_left_alone(root: Path) -> None:
    _commit_file(root, "lakepact-store.json", b'{"layout": 2}')
    for use in (open_store, create_store):
        with pytest.raises(ConfigurationError, match=r"^LP856: 'main' has the layout 2; this version of .* reads 1\n"):
            use(f"git:{root}")


def test_a_lock_that_a_killed_git_left_is_told(root: Path) -> None:
    journal = GitJournal(root)
    (root / "refs" / "heads" / "main.lock").write_text("")
    words = r"^LP861: `git update-ref` failed in .*main\.lock': File exists\.\n  hint: where no git is at work, one"
    with pytest.raises(ConfigurationError, match=words):
        journal.append(put_event("orders", 1, b"x"), b"x")
    (root / "refs" / "heads" / "main.lock").unlink()
    assert journal.events("orders") == ()
    assert journal.append(put_event("orders", 1, b"x"), b"x")


def test_a_remote_that_is_away_or_refuses(root: Path, tmp_path: Path) -> None:
    journal = _clone(root, tmp_path / "clone")
    assert journal.append(put_event("orders", 1, b"x"), b"x")
    assert GitJournal(root).events("orders") == journal.events("orders")
    hook = root / "hooks" / "pre-receive"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho protected >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(RemoteFailed, match=r"^LP861: `git push` failed at the remote 'origin' of '.*': "):
        journal.append(status_event("orders", 2, b"x"), None)
    assert len(journal.events("orders")) == 1
    root.rename(tmp_path / "away")
    with pytest.raises(RemoteFailed, match=r"^LP861: `git ls-remote` failed at the remote 'origin' of '.*': .*\n"):
        journal.events("orders")


def test_without_git(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from lakepact.errors import EnvironmentLacking

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentLacking, match=r"^LP780: the command `git` is not on this machine\n"):
        GitJournal(root)


# A `git` that kills who called it before or after its n-th call, or kills itself instead of doing it.
_DEADLY = """#!/bin/sh
count=$(($(cat "$COUNTED" 2>/dev/null) + 1))
echo $count > "$COUNTED"
if [ "$count" = "$DEADLY" ] && [ "$WAY" = before ]; then kill -9 $PPID; exit 1; fi
if [ "$count" = "$DEADLY" ] && [ "$WAY" = itself ]; then kill -9 $$; fi
"$REAL_GIT" "$@"
ended=$?
if [ "$count" = "$DEADLY" ] && [ "$WAY" = after ]; then kill -9 $PPID; fi
exit $ended
"""

_APPENDING = """
import sys
from lakepact.store.git import GitJournal
from lakepact.testing.store_suite import put_event
GitJournal(sys.argv[1]).append(put_event("orders", 2, b"two"), b"two")
"""


@pytest.mark.process
@pytest.mark.parametrize("way", ["before", "after", "itself"])
def test_a_writer_that_is_killed_at_any_call_leaves_all_or_nothing(root: Path, tmp_path: Path, way: str) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").write_text(_DEADLY)
    (tools / "git").chmod(0o755)
    real = subprocess.run(["sh", "-c", "command -v git"], capture_output=True, text=True, check=True).stdout.strip()
    GitJournal(root).append(put_event("orders", 1, b"one"), b"one")
    start = _git(root, "rev-parse", "main")
    seen = set[int]()
    for deadly in range(1, 40):
        counted = tmp_path / f"counted-{deadly}"
        variables = {"COUNTED": str(counted), "DEADLY": str(deadly), "WAY": way, "REAL_GIT": real}
        environment = {**os.environ, **variables, "PATH": f"{tools}:{os.environ['PATH']}"}
        command = [sys.executable, "-c", _APPENDING, str(root)]
        ended = subprocess.run(command, env=environment, capture_output=True, check=False)
        after = GitJournal(root)
        there = len(after.events("orders"))
        seen.add(there)
        assert there in (1, 2)
        assert after.damaged() == ()
        assert after.append(put_event("orders", there + 1, b"three"), b"three")
        _git(root, "update-ref", "refs/heads/main", start)
        if ended.returncode == 0:
            break
        assert way != "itself" or b"killed by signal 9" in ended.stderr or b"`git update-ref` failed" in ended.stderr
    assert int(counted.read_text()) == deadly - 1 > 10
    assert seen == {1, 2}


# Called by `git update-ref` while it holds the lock of the branch.
_KILLING_THE_GROUP = """#!/bin/sh
[ "$1" = prepared ] && kill -9 -"$(cat victim)"
sleep 0.2
"""


@pytest.mark.process
def test_a_group_of_processes_that_is_killed_leaves_no_lock(root: Path) -> None:
    assert GitJournal(root).append(put_event("orders", 1, b"one"), b"one")
    hook = root / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    hook.write_text(_KILLING_THE_GROUP)
    hook.chmod(0o755)
    code = f"import os; open({str(root / 'victim')!r}, 'w').write(str(os.getpgrp()))\n{_APPENDING}"
    ended = subprocess.run([sys.executable, "-c", code, str(root)], start_new_session=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    hook.unlink()
    for _ in range(100):
        if _git(root, "rev-list", "--count", "main") == "3":
            break
        time.sleep(0.1)
    assert not (root / "refs" / "heads" / "main.lock").exists()
    assert len(GitJournal(root).events("orders")) == 2
    assert GitJournal(root).append(status_event("orders", 3, b"two"), None)


@pytest.mark.process
def test_what_killed_writers_were_told_is_there(root: Path) -> None:
    told = told_by_killed_writers(f"git:{root}", longest=0.3)
    store = JournalStore(GitJournal(root))
    assert told <= {each.version for each in store.list_versions("orders")}
    assert store.damaged() == ()
    assert store.put(contract("orders", "9.0.0"), actor="w").version == "9.0.0"


@pytest.mark.process
def test_eight_processes_at_once_lose_nothing(root: Path) -> None:
    put_at_once(f"git:{root}", writers=8, versions=3)
    assert _git(root, "rev-list", "--count", "main") == "25"
