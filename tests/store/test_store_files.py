"""The journal in files: what every journal must do, damaged files, killed writers, and file systems without links."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from store_processes import put_at_once, told_by_killed_writers

from lakepact.errors import ConfigurationError
from lakepact.store import JournalStore, create_store, open_store
from lakepact.store.encoding import sha256_of
from lakepact.store.files import FilesJournal, create_files
from lakepact.store.journal import Journal
from lakepact.testing.store_samples import HOSTILE_TEXTS, contract
from lakepact.testing.store_suite import JournalSuite, put_event


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create_files(f"file:{tmp_path / 'store'}")
    return tmp_path / "store"


class TestFilesJournal(JournalSuite):
    @pytest.fixture
    def journal(self, root: Path) -> Journal:
        return FilesJournal(root)

    @pytest.fixture
    def reopen(self, root: Path) -> Callable[[], Journal]:
        return lambda: FilesJournal(root)


def _no_links(_source: Path, _target: Path) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


class TestWithoutHardLinks(JournalSuite):
    @pytest.fixture
    def journal(self, root: Path) -> Journal:
        return FilesJournal(root, link=_no_links)

    @pytest.fixture
    def reopen(self, root: Path) -> Callable[[], Journal]:
        return lambda: FilesJournal(root, link=_no_links)


def _orders(root: Path) -> Path:
    return root / "contracts" / "orders"


def test_files_stay_inside_of_the_folder(root: Path) -> None:
    store = open_store(str(root))
    for text in HOSTILE_TEXTS:
        store.put(contract(text), actor="ada")
    assert [path.name for path in root.parent.iterdir()] == ["store"]
    assert sorted(path.name for path in root.iterdir()) == ["contracts", "lakepact-store.json"]
    assert len(list((root / "contracts").iterdir())) == len(HOSTILE_TEXTS)


def test_the_files_can_be_read_by_people(root: Path) -> None:
    stored = open_store(str(root)).put(contract(), actor="ada", reason="caf\u00e9")
    event = (_orders(root) / "000001.json").read_text(encoding="utf-8")
    assert '  "reason": "caf\u00e9",\n' in event
    document = _orders(root) / "documents" / f"1.0.0-{stored.sha256}.yaml"
    assert document.read_bytes() == contract().source
    assert sorted(path.name for path in _orders(root).iterdir()) == ["000001.json", "documents"]


def test_a_folder_that_is_no_store(tmp_path: Path) -> None:
    words = (
        f"LP856: '{tmp_path}' is no contract store: it has no lakepact-store.json\n"
        f"  hint: `lakepact store init --store file:{tmp_path}` makes one"
    )
    with pytest.raises(ConfigurationError) as caught:
        open_store(f"file:{tmp_path}")
    assert str(caught.value) == words


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    create_store(f"file:{tmp_path}/a/b")
    open_store(f"file:{tmp_path}/a/b").put(contract(), actor="ada")
    create_store(f"file:{tmp_path}/a/b")
    assert open_store("b", directory=tmp_path / "a").list_contracts() == ("orders",)


def test_a_later_layout_is_left_alone(root: Path) -> None:
    (root / "lakepact-store.json").write_text('{"layout": 2}')
    for use in (open_store, create_store):
        with pytest.raises(
            ConfigurationError, match=r"^LP856: '.*' has the layout 2; this version of lakepact reads 1\n"
        ):
            use(f"file:{root}")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigurationError, match=r"^LP856: '.*taken.*' cannot be written: Not a directory\n"):
        create_store(f"file:{tmp_path}/taken/store")


def _other_text(file: Path) -> None:
    file.write_text("{")


def _gone(file: Path) -> None:
    file.unlink()


def _later_format(file: Path) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 2}))


def _other_contract(file: Path) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | {"contract_id": "others"}))


def _other_number(file: Path) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sequence": 7}))


def _not_readable(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (_other_text, "it is no JSON"),
        (_gone, "it is missing"),
        (_later_format, "an event has the format 2; this version of lakepact reads 1"),
        (_other_contract, "it is another event"),
        (_other_number, "it is another event"),
        (_not_readable, "it cannot be read (Is a directory)"),
    ],
)
def test_a_damaged_event_is_told_and_the_rest_served(root: Path, damage: Callable[[Path], None], why: str) -> None:
    store = JournalStore(FilesJournal(root))
    for contract_id in ("orders", "people"):
        store.put(contract(contract_id, "1.0.0"), actor="ada")
        store.put(contract(contract_id, "1.1.0"), actor="ada")
    assert store.damaged() == ()
    file = _orders(root) / "000001.json"
    damage(file)
    with pytest.raises(ConfigurationError) as caught:
        store.latest("orders", status=None)
    assert caught.value.message == f"'{file}' is damaged: {why}"
    assert [(each.code, each.message) for each in store.damaged()] == [("LP854", f"'{file}' is damaged: {why}")]
    assert store.list_contracts() == ("orders", "people")
    assert {each.contract_id for each in store.search()} == {"people"}
    assert store.latest("people", status=None).version == "1.1.0"


def test_a_trail_that_makes_no_sense_is_told_and_the_rest_served(root: Path) -> None:
    store = JournalStore(FilesJournal(root))
    for contract_id in ("orders", "people"):
        store.put(contract(contract_id), actor="ada")
    file = _orders(root) / "000001.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"kind": "status"}))
    words = "the events of 'orders' are damaged: event 1 is about bytes of 1.0.0 that were never put"
    with pytest.raises(ConfigurationError, match=f"^LP854: {words}\n"):
        store.version("orders", "1.0.0")
    assert [each.message for each in store.damaged()] == [words]
    assert [each.contract_id for each in store.search()] == ["people"]


def test_a_damaged_document_is_never_given_out(root: Path) -> None:
    store = JournalStore(FilesJournal(root))
    stored = store.put(contract(), actor="ada")
    file = _orders(root) / "documents" / f"1.0.0-{stored.sha256}.yaml"
    file.write_bytes(contract(purpose="evil").source)
    words = f"'{file}' is damaged: its bytes are not those that were put"
    with pytest.raises(ConfigurationError, match=f"^LP854: {words}\n"):
        store.get("orders", "1.0.0")
    file.unlink()
    assert [each.message for each in store.damaged()] == [f"'{file}' is damaged: it is missing"]


def test_what_else_lies_around_is_no_contract(root: Path) -> None:
    journal = FilesJournal(root)
    journal.append(put_event("orders", 1, b"x"), b"x")
    (root / "contracts" / "README").write_text("")
    (root / "contracts" / "empty").mkdir()
    (root / "contracts" / ".hidden").mkdir()
    (_orders(root) / "notes.json").write_text("")
    (_orders(root) / ".1-aa.tmp").write_text("{")
    assert journal.contract_ids() == ("orders",)
    assert list(journal.all_events()) == ["orders"]
    assert journal.damaged() == ()


# Runs one append in a child and kills it with SIGKILL before its n-th call of the file system, for every n.
_KILLED_EVERYWHERE = """
import fcntl, io, os, posix, signal, sys
from lakepact.store.files import FilesJournal, create_files
from lakepact.testing.store_suite import put_event

def dying(limit):
    calls = 0
    def count(_frame, kind, function):
        nonlocal calls
        owner = getattr(function, "__self__", None)
        if kind == "c_call" and (owner in (fcntl, posix, sys.modules["_io"]) or isinstance(owner, io.IOBase)):
            calls += 1
            if calls == limit:
                os.kill(os.getpid(), signal.SIGKILL)
    return count

link = os.link
if sys.argv[2] == "locked":
    def link(source, target):
        raise OSError(1, "no links")

killed = 0
while True:
    root = os.path.join(sys.argv[1], str(killed))
    create_files(root)
    journal = FilesJournal(root, link=link)
    journal.append(put_event("orders", 1, b"one"), b"one")
    child = os.fork()
    if child == 0:
        sys.setprofile(dying(killed + 1))
        journal.append(put_event("orders", 2, b"two", version="1.1.0"), b"two")
        os._exit(0)
    ended = os.waitpid(child, 0)[1]
    after = FilesJournal(root, link=link)
    seen = [event.version for event in after.events("orders")]
    assert seen in (["1.0.0"], ["1.0.0", "1.1.0"]), seen
    assert after.damaged() == (), after.damaged()
    assert after.append(put_event("orders", len(seen) + 1, b"three"), b"three")
    if not os.WIFSIGNALED(ended):
        assert seen == ["1.0.0", "1.1.0"]
        break
    killed += 1
print(killed)
"""


@pytest.mark.process
@pytest.mark.parametrize("way", ["linked", "locked"])
def test_a_writer_that_is_killed_anywhere_leaves_all_or_nothing(tmp_path: Path, way: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _KILLED_EVERYWHERE, str(tmp_path), way], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 30


@pytest.mark.process
def test_what_killed_writers_were_told_is_there(root: Path) -> None:
    told = told_by_killed_writers(str(root), longest=0.1)
    store = JournalStore(FilesJournal(root))
    assert store.damaged() == ()
    assert told <= {each.version for each in store.list_versions("orders")}
    for each in store.list_versions("orders"):
        assert sha256_of(store.get("orders", each.version).source) == each.sha256


@pytest.mark.process
def test_processes_at_once_lose_nothing(root: Path) -> None:
    put_at_once(str(root), writers=4, versions=5)
