"""The journal in object storage: on memory and on local disks, with a manifest, lost answers, and killed writers."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from store_processes import put_at_once

from lakepact.errors import ConfigurationError, ExtraMissing, RemoteFailed, UsageError
from lakepact.store import JournalStore, create_store, open_store
from lakepact.store.journal import Journal
from lakepact.store.objects import ObjectJournal, create_objects
from lakepact.testing.store_samples import contract
from lakepact.testing.store_suite import JournalSuite, put_event, status_event

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory() -> Iterator[str]:
    yield "memory-fs:/store"
    fsspec.filesystem("memory").store.clear()
    fsspec.filesystem("memory").pseudo_dirs[:] = [""]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    create_objects(f"fsspec:local://{tmp_path}/store")
    return tmp_path / "store"


class TestInMemory(JournalSuite):
    @pytest.fixture
    def journal(self, memory: str) -> Journal:
        create_objects(memory)
        return ObjectJournal("memory:///store")

    @pytest.fixture
    def reopen(self, journal: Journal) -> Callable[[], Journal]:
        return lambda: ObjectJournal("memory:///store")


class TestOnADisk(JournalSuite):
    @pytest.fixture
    def journal(self, disk: Path) -> Journal:
        return ObjectJournal(f"local://{disk}")

    @pytest.fixture
    def reopen(self, disk: Path) -> Callable[[], Journal]:
        return lambda: ObjectJournal(f"local://{disk}")


def _on(disk: Path, **options: Any) -> ObjectJournal:
    return ObjectJournal(f"local://{disk}", **options)


def _files(disk: Path) -> list[str]:
    return sorted(str(file.relative_to(disk)) for file in disk.rglob("*") if file.is_file())


def test_the_layout(disk: Path) -> None:
    stored = JournalStore(_on(disk)).put(contract("urn:Orders"), actor="ada")
    assert _files(disk) == [
        f"documents/urn%3a%4frders/1.0.0-{stored.sha256}.yaml",
        "events/urn%3a%4frders/000001.json",
        "lakepact-store.json",
    ]


@pytest.mark.parametrize("address", ["memory-fs:/a/b", "fsspec:memory:///a/b"])
def test_addresses_in_memory(memory: str, address: str) -> None:
    create_store(address)
    open_store(address).put(contract(), actor="ada")
    create_store(address)
    assert open_store(address).list_contracts() == ("orders",)
    assert open_store(open_store(address).address).list_contracts() == ("orders",)
    assert open_store(address).address == "memory-fs:/a/b"


def test_an_address_on_a_disk_opens_it_again(disk: Path) -> None:
    _on(disk).append(put_event("orders", 1, b"x"), b"x")
    assert open_store(_on(disk).address).list_contracts() == ("orders",)


def test_secrets_of_a_url_are_not_in_its_address(memory: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ObjectJournal("memory://user:secret@/store?token=secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        (
            "memory-fs:/none",
            ConfigurationError,
            r"^LP863: 'memory-fs:/none' is no contract store: it has no lakepact-.*",
        ),
        ("fsspec:nothing", UsageError, r"^LP857: 'fsspec:nothing' is no address of object storage\n"),
        ("s3:bucket", UsageError, r"^LP857: 's3:bucket' is no address of object storage\n"),
        ("fsspec:zzz://a", UsageError, r"^LP857: 'zzz://a' is no address of object storage: Protocol not known: zzz\n"),
    ],
)
def test_addresses_of_nothing(memory: str, address: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        open_store(address)


@pytest.mark.parametrize(("address", "library"), [("s3://b/p", "s3fs"), ("gs://b", "gcsfs"), ("abfs://b", "adlfs")])
def test_a_library_that_is_not_installed_is_named(address: str, library: str) -> None:
    try:
        __import__(library)
    except ImportError:
        with pytest.raises(ExtraMissing, match=rf"^LP862: nothing here serves {address}: .*{library}"):
            open_store(address)
    else:
        pytest.skip(f"{library} is installed")


def test_a_file_system_that_may_overwrite_is_refused(memory: str) -> None:
    create_objects(memory)
    journal = ObjectJournal("simplecache::memory:///store")
    words = r"^LP863: simplecache::memory:///store cannot make an object only where there is none: one writer "
    with pytest.raises(ConfigurationError, match=words):
        journal.append(put_event("orders", 1, b"x"), b"x")
    assert journal.contract_ids() == ()
    with pytest.raises(ConfigurationError, match=words):
        create_objects("fsspec:simplecache::memory:///store")


def _overwriting(fs: Any, path: str, content: bytes) -> None:
    fs.pipe_file(path, content)


def test_a_storage_that_ignores_the_condition_is_found_out(memory: str) -> None:
    create_objects(memory)
    journal = ObjectJournal("memory:///store", create=_overwriting)
    with pytest.raises(ConfigurationError, match=r"^LP863: memory:///store cannot make an object only where there is "):
        journal.append(put_event("orders", 1, b"x"), b"x")
    assert ObjectJournal("memory:///store").events("orders") == ()


class _LosingAnswers:
    """Makes objects exclusively, and then says that it did not: with the answer to a request that was sent again."""

    def __init__(self, answer: Exception) -> None:
        self.answer = answer

    def __call__(self, fs: Any, path: str, content: bytes) -> None:
        if not fs.exists(path):
            fs.pipe_file(path, content)
        raise self.answer


@pytest.mark.parametrize("answer", [FileExistsError("x"), OSError(errno.EINVAL, "precondition"), TimeoutError("slow")])
def test_a_lost_answer_is_no_lost_event(memory: str, answer: Exception) -> None:
    create_objects(memory)
    journal = ObjectJournal("memory:///store", create=_LosingAnswers(answer))
    assert journal.append(put_event("orders", 1, b"x"), b"x") is True
    assert journal.append(put_event("orders", 1, b"x"), b"x") is False
    assert len(journal.events("orders")) == 1


def test_a_storage_that_fails(memory: str) -> None:
    def failing(fs: Any, path: str, content: bytes) -> None:
        raise PermissionError("the token has expired\nmore")

    create_objects(memory)
    journal = ObjectJournal("memory:///store", create=failing)
    words = r"^LP864: memory:///store cannot be used: PermissionError: the token has expired\n  hint: check the "
    with pytest.raises(RemoteFailed, match=words):
        journal.append(put_event("orders", 1, b"x"), b"x")


def test_a_disk_without_links_is_refused(disk: Path) -> None:
    def unlinked(fs: Any, path: str, content: bytes) -> None:
        raise OSError(errno.EPERM, "no links")

    with pytest.raises(
        ConfigurationError, match=r"^LP863: local://.* cannot make an object only where there is none: "
    ):
        _on(disk, create=unlinked).append(put_event("orders", 1, b"x"), b"x")


def test_a_damaged_document_is_put_right_by_the_same_put(disk: Path) -> None:
    journal = _on(disk)
    stored = JournalStore(journal).put(contract(), actor="ada")
    file = disk / "documents" / "orders" / f"1.0.0-{stored.sha256}.yaml"
    file.write_bytes(b"other")
    words = rf"^LP854: '.*/documents/orders/1\.0\.0-{stored.sha256}\.yaml' is damaged: its bytes are not those that "
    with pytest.raises(ConfigurationError, match=words):
        JournalStore(journal).get("orders", "1.0.0")
    assert len(journal.damaged()) == 1
    source = contract().source
    assert journal.append(put_event("orders", 2, source), source)
    assert journal.damaged() == ()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("000001.json", b"{", "it is no JSON"),
        ("000001.json", None, "it is missing"),
        ("000003.json", b'{"format": 2}', "an event has the format 2; this version of lakepact reads 1"),
    ],
)
def test_a_damaged_event_is_told_and_the_rest_served(disk: Path, name: str, content: bytes | None, why: str) -> None:
    store = JournalStore(_on(disk))
    for contract_id in ("orders", "people"):
        store.put(contract(contract_id, "1.0.0"), actor="ada")
        store.put(contract(contract_id, "1.1.0"), actor="ada")
    assert store.damaged() == ()
    file = disk / "events" / "orders" / name
    file.unlink(missing_ok=True) if content is None else file.write_bytes(content)
    words = f"'fsspec:local://{disk}/events/orders/{name}' is damaged: {why}"
    for each in (store, JournalStore(_on(disk))):
        assert [(one.code, one.message) for one in each.damaged()] == [("LP854", words)]
        with pytest.raises(ConfigurationError) as caught:
            each.get("orders", "1.0.0")
        assert caught.value.message == words
        assert each.list_contracts() == ("orders", "people")
        assert {one.contract_id for one in each.search()} == {"people"}


def _many(journal: Journal, contracts: int = 20, events: int = 2) -> None:
    for number in range(contracts):
        assert journal.append(put_event(f"c{number}", 1, b"x"), b"x")
        for sequence in range(2, events + 1):
            assert journal.append(status_event(f"c{number}", sequence, b"x"), None)


def _scramble(disk: Path) -> None:
    """Have every event be nonsense that no listing tells: as long, and as old."""
    for file in (disk / "events").rglob("*.json"):
        before = file.stat()
        file.write_bytes(b"x" * before.st_size)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_lists_read_the_manifest_and_only_what_it_lacks(disk: Path) -> None:
    _many(_on(disk))
    whole = _on(disk).all_events()
    _scramble(disk)
    assert _on(disk).all_events() == whole
    added = status_event("c3", 3, b"x")
    _on(disk).append(added, None)
    assert _on(disk).all_events() == whole | {"c3": (*whole["c3"], added)}
    (disk / "manifest.json").unlink()
    assert _on(disk).all_events() == {}


def test_a_manifest_that_is_stale_is_written_again(disk: Path) -> None:
    _many(_on(disk))
    _on(disk).all_events()
    first = (disk / "manifest.json").read_bytes()
    for number in range(20, 60):
        _on(disk).append(put_event(f"c{number}", 1, b"x"), b"x")
    _on(disk).all_events()
    second = (disk / "manifest.json").read_bytes()
    assert len(json.loads(first)["events"]) == 40
    assert len(json.loads(second)["events"]) == 80


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format": 2}', b'{"format": 1, "events": {"a": ["x", {}]}}'])
def test_a_damaged_manifest_is_written_again(disk: Path, content: bytes) -> None:
    _many(_on(disk))
    whole = _on(disk).all_events()
    good = (disk / "manifest.json").read_bytes()
    (disk / "manifest.json").write_bytes(content)
    assert _on(disk).all_events() == whole
    assert (disk / "manifest.json").read_bytes() == good


def test_the_manifest_hides_no_damage(disk: Path) -> None:
    _many(_on(disk))
    _on(disk).all_events()
    (disk / "events" / "c3" / "000001.json").write_bytes(b"{")
    assert "c3" not in _on(disk).all_events()
    assert [one.message for one in _on(disk).damaged()] == [
        f"'fsspec:local://{disk}/events/c3/000001.json' is damaged: it is no JSON"
    ]


def test_what_killed_writers_leave_is_no_contract(disk: Path) -> None:
    (disk / "events" / "orders").mkdir(parents=True)
    (disk / "events" / "orders" / ".1-aa.tmp").write_text("{")
    (disk / "events" / "README.md").write_text("")
    journal = _on(disk)
    assert journal.contract_ids() == ()
    assert journal.all_events() == {}
    assert journal.damaged() == ()


def test_a_later_layout_is_left_alone(disk: Path) -> None:
    (disk / "lakepact-store.json").write_text('{"layout": 2}')
    for use in (open_store, create_store):
        with pytest.raises(ConfigurationError, match=r"^LP856: 'fsspec:local://.*' has the layout 2; this version of "):
            use(f"fsspec:local://{disk}")


# Runs one append in a child and kills it with SIGKILL before its n-th call of C code, for every third n.
_KILLED_EVERYWHERE = """
import os, signal, sys
from lakepact.store.objects import ObjectJournal, create_objects
from lakepact.testing.store_suite import put_event

def dying(limit):
    calls = 0
    def count(_frame, kind, _argument):
        nonlocal calls
        if kind.startswith("c_"):
            calls += 1
            if calls == limit:
                os.kill(os.getpid(), signal.SIGKILL)
    return count

killed = 0
while True:
    url = "local://" + os.path.join(sys.argv[1], str(killed))
    create_objects("fsspec:" + url)
    journal = ObjectJournal(url)
    journal.append(put_event("orders", 1, b"one"), b"one")
    child = os.fork()
    if child == 0:
        sys.setprofile(dying(3 * killed + 1))
        journal.append(put_event("orders", 2, b"two", version="1.1.0"), b"two")
        os._exit(0)
    ended = os.waitpid(child, 0)[1]
    after = ObjectJournal(url)
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
def test_a_writer_that_is_killed_anywhere_leaves_all_or_nothing(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _KILLED_EVERYWHERE, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 50


@pytest.mark.process
def test_processes_at_once_lose_nothing(disk: Path) -> None:
    put_at_once(f"fsspec:local://{disk}", writers=4, versions=5)
    assert not [name for name in os.listdir(disk / "events" / "orders") if name.endswith(".tmp")]
