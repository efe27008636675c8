"""The last good copy of a contract: when it is used, when not, and what is said of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakepact.atomic_files import written_beside
from lakepact.errors import ContractMissing, RemoteUnavailable, StoreConflict
from lakepact.store import Status
from lakepact.store.journal_store import JournalStore
from lakepact.store.last_good import LastGood
from lakepact.store.memory import MemoryJournal
from lakepact.store.protocol import ContractStore
from lakepact.testing.store_samples import contract

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


class _Away:
    """A store in memory that raises `error` while it is set."""

    def __init__(self) -> None:
        self.store: ContractStore = JournalStore(MemoryJournal(), review_required=False)
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        if self.error is not None and name != "address":
            raise self.error
        return getattr(self.store, name)

    def put(self, *versions: str, steps: Sequence[Status] = (Status.VALIDATED,)) -> None:
        for version in versions:
            self.store.put(contract("orders", version), actor="ada")
            self.step(version, *steps)

    def step(self, version: str, *steps: Status) -> None:
        for status in steps:
            self.store.set_status("orders", version, status, actor="ada", reason="test")


class _Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def store() -> _Away:
    return _Away()


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def copies(store: _Away, clock: _Clock, tmp_path: Path) -> LastGood:
    return LastGood(store, tmp_path, clock=clock)  # type: ignore[arg-type]


def kept_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_store_is_asked_first(copies: LastGood, store: _Away) -> None:
    store.put("1.0.0")
    seen = copies.latest("orders")
    assert (seen.contract.version, seen.status, seen.seen, seen.stale) == ("1.0.0", Status.VALIDATED, NOON, False)
    store.put("1.1.0")
    assert copies.latest("orders").contract.version == "1.1.0"


@pytest.mark.parametrize(
    "error", [RemoteUnavailable("no answer", "LP870"), OSError("no route to host"), TimeoutError("late")]
)
def test_the_copy_is_used_with_its_age(
    copies: LastGood, store: _Away, clock: _Clock, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    store.put("1.0.0")
    fresh = copies.latest("orders")
    store.error, clock.now = error, NOON + timedelta(days=2, hours=3)
    with caplog.at_level(logging.WARNING):
        seen = copies.latest("orders", specifier=">=1,<2")
    assert (seen.contract.source, seen.status, seen.seen, seen.stale) == (
        (fresh.contract.source, Status.VALIDATED, NOON, True)
    )
    said = error.message if isinstance(error, RemoteUnavailable) else str(error)
    assert caplog.messages == [
        f"the store memory: cannot be asked ({said}): contract 'orders' 1.0.0 is used as it was 2 days, 3:00:00 ago"
    ]


def test_a_draft_is_never_taken_for_validated(copies: LastGood, store: _Away) -> None:
    store.put("1.0.0")
    store.put("1.1.0", steps=())
    copies.latest("orders")
    copies.latest("orders", status=Status.DRAFT)
    store.error = OSError("gone")
    assert copies.latest("orders").contract.version == "1.0.0"
    assert copies.latest("orders", status=Status.DRAFT).contract.version == "1.1.0"
    assert copies.latest("orders", status=None).contract.version == "1.1.0"
    with pytest.raises(OSError, match=r"^gone$"):
        copies.latest("orders", specifier=">1.0")


def test_what_the_store_refuses_stays_refused(copies: LastGood, store: _Away) -> None:
    store.put("1.0.0")
    copies.latest("orders")
    store.error = StoreConflict("somebody else", "LP851")
    with pytest.raises(StoreConflict, match=r"^LP851: somebody else$"):
        copies.latest("orders")


def test_a_version_that_the_store_withdrew_does_not_come_back(copies: LastGood, store: _Away) -> None:
    store.put("1.0.0", "1.1.0")
    assert copies.latest("orders").contract.version == "1.1.0"
    store.step("1.1.0", Status.DEPRECATED)
    assert copies.latest("orders").contract.version == "1.0.0"
    store.error = OSError("gone")
    assert copies.latest("orders").contract.version == "1.0.0"


def test_nothing_comes_back_where_the_store_had_nothing_left(copies: LastGood, store: _Away) -> None:
    store.put("1.0.0")
    copies.latest("orders")
    store.step("1.0.0", Status.DEPRECATED)
    with pytest.raises(ContractMissing, match=r"^LP850: "):
        copies.latest("orders")
    store.error = OSError("gone")
    with pytest.raises(OSError, match=r"^gone$"):
        copies.latest("orders")


def test_an_answer_within_a_specifier_says_nothing_of_other_versions(copies: LastGood, store: _Away) -> None:
    store.put("1.0.0", "2.0.0")
    copies.latest("orders")
    assert copies.latest("orders", specifier="<2").contract.version == "1.0.0"
    store.error = OSError("gone")
    assert copies.latest("orders").contract.version == "2.0.0"


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"not json\nx", None])
def test_a_damaged_copy_is_not_used(
    copies: LastGood, store: _Away, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes | None
) -> None:
    store.put("1.0.0")
    copies.latest("orders")
    (file,) = kept_files(tmp_path)
    file.write_bytes(file.read_bytes().replace(b"orders", b"ordera") if damage is None else damage)
    store.error = OSError("gone")
    with caplog.at_level(logging.WARNING), pytest.raises(OSError, match=r"^gone$"):
        copies.latest("orders")
    assert re.fullmatch(rf"the copy {re.escape(str(file))} is not used: .+", caplog.messages[0])
    if damage is None:
        assert caplog.messages[0].endswith("the bytes are not those of the hash")
    store.error = None
    copies.latest("orders")
    store.error = OSError("gone")
    assert copies.latest("orders").stale


def test_what_a_killed_process_left_is_not_read(
    copies: LastGood, store: _Away, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.put("1.0.0")
    copies.latest("orders")
    (file,) = kept_files(tmp_path)
    (file.parent / "tmp1234.unfinished").write_bytes(b'{"version"')
    written_beside(file, b'{"version"')
    store.error = OSError("gone")
    with caplog.at_level(logging.WARNING):
        assert copies.latest("orders").contract.version == "1.0.0"
    assert len(caplog.messages) == 1


def test_a_folder_that_cannot_be_written_keeps_no_copy_and_harms_nothing(
    store: _Away, clock: _Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.put("1.0.0")
    (tmp_path / "file").write_text("x")
    copies = LastGood(store, tmp_path / "file", clock=clock)  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING):
        assert copies.latest("orders").contract.version == "1.0.0"
    assert re.match(r"no copy of contract 'orders' is kept in ", caplog.messages[0])


def test_copies_of_two_stores_are_two(store: _Away, tmp_path: Path, clock: _Clock) -> None:
    store.put("1.0.0")
    LastGood(store, tmp_path, clock=clock).latest("orders")  # type: ignore[arg-type]

    class Other:
        address = "file:elsewhere"

        def latest(self, *_: Any, **__: Any) -> None:
            raise OSError("gone")

    with pytest.raises(OSError, match=r"^gone$"):
        LastGood(Other(), tmp_path, clock=clock).latest("orders")  # type: ignore[arg-type]


@pytest.mark.parametrize("contract_id", ["../../escape", "a/b", "con", "x" * 300, "é\U0001f600"])
def test_hostile_ids_stay_in_the_folder(store: _Away, clock: _Clock, tmp_path: Path, contract_id: str) -> None:
    folder = tmp_path / "cache"
    copies = LastGood(store, folder, clock=clock)  # type: ignore[arg-type]
    store.store.put(contract(contract_id, "1.0.0"), actor="ada")
    copies.latest(contract_id, status=Status.DRAFT)
    store.error = OSError("gone")
    assert copies.latest(contract_id, status=Status.DRAFT).contract.id == contract_id
    assert all(folder in file.parents for file in kept_files(tmp_path))
