"""What every journal must do, and the store over it, as a class of tests.

A test module subclasses `JournalSuite` and gives it a fixture `journal`; `reopen` gives another object on the same
place where there can be one. A store that is no journal subclasses `StoreSuite`. Where each write takes a second,
`BareJournalSuite` is enough: the store over a journal decides by what the journal gives it, and decides the same over
all that pass.

    class TestMyJournal(JournalSuite):
        @pytest.fixture
        def journal(self, tmp_path): return MyJournal(tmp_path)

        @pytest.fixture
        def reopen(self, tmp_path): return lambda: MyJournal(tmp_path)
"""

# ruff: noqa: D102 (what a test is about is said by its name)

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from lakepact.errors import LakepactError
from lakepact.store.encoding import sha256_of
from lakepact.store.journal import Journal
from lakepact.store.journal_store import JournalStore
from lakepact.store.model import Event, EventKind, Status, Summary
from lakepact.store.protocol import ContractStore
from lakepact.testing.contract_store_suite import StoreSuite, at_once
from lakepact.testing.store_samples import HOSTILE_BYTES, HOSTILE_TEXTS

__all__ = ["BareJournalSuite", "JournalSuite", "StoreSuite", "put_event", "status_event"]

_AT = datetime(2024, 1, 31, 10, 0, 0, 123456, tzinfo=UTC)


def put_event(contract_id: str, sequence: int, document: bytes, *, version: str = "1.0.0", actor: str = "ada") -> Event:
    """The event of a put of those bytes."""
    return Event(
        contract_id=contract_id,
        sequence=sequence,
        kind=EventKind.PUT,
        version=version,
        sha256=sha256_of(document),
        status=Status.DRAFT,
        actor=actor,
        at=_AT + timedelta(seconds=sequence),
        reason="first",
        summary=Summary(name="Orders", tags=("a", "b"), objects=("orders",), owners=("ada",)),
    )


def status_event(contract_id: str, sequence: int, document: bytes, status: Status = Status.IN_REVIEW) -> Event:
    """The event of another status of the version 1.0.0 with those bytes."""
    put = put_event(contract_id, sequence, document)
    return replace(put, kind=EventKind.STATUS, status=status, summary=Summary())


class BareJournalSuite:
    """What every Journal must do, without the store over it. Needs the fixture `journal`, a journal that is empty."""

    writers: ClassVar[int] = 8
    hostile_texts: ClassVar[tuple[str, ...]] = HOSTILE_TEXTS

    @pytest.fixture
    def journal(self) -> Journal:
        """The journal under test."""
        raise NotImplementedError

    @pytest.fixture
    def reopen(self, journal: Journal) -> Callable[[], Journal]:
        """Another object on the same place; the same object where that is all there is."""
        return lambda: journal

    def test_an_empty_journal(self, journal: Journal) -> None:
        assert journal.contract_ids() == ()
        assert journal.all_events() == {}
        assert journal.events("orders") == ()
        with pytest.raises(LakepactError, match=r"^LP8[567]\d: "):
            journal.document("orders", "1.0.0", sha256_of(b""))

    def test_events_come_back_equal(self, journal: Journal, reopen: Callable[[], Journal]) -> None:
        full = Summary(
            name="n'\"\\\n\U0001f986",
            domain="",
            data_product="p",
            purpose="line\r\nline\ttab",
            tags=("", "a,b", "[x]"),
            objects=("t",),
            owners=("o\u0301",),
        )
        first = replace(put_event("orders", 1, b"x", actor="ada\U0001f986"), summary=full, reason="'; -- \\\n\"")
        second = replace(status_event("orders", 2, b"x"), reason="", summary=Summary())
        assert journal.append(first, b"x")
        assert journal.append(second, None)
        for each in (journal, reopen()):
            assert each.events("orders") == (first, second)
            assert each.all_events() == {"orders": (first, second)}
            assert each.contract_ids() == ("orders",)

    def test_any_bytes_come_back_equal(self, journal: Journal, reopen: Callable[[], Journal]) -> None:
        for number, content in enumerate(HOSTILE_BYTES, 1):
            assert journal.append(put_event("orders", number, content, version=f"1.0.{number}"), content)
        for each in (journal, reopen()):
            sequences = [event.sequence for event in each.events("orders")]
            assert sequences == list(range(1, len(HOSTILE_BYTES) + 1)), "the tenth comes after the ninth"
            for number, content in enumerate(HOSTILE_BYTES, 1):
                assert each.document("orders", f"1.0.{number}", sha256_of(content)) == content

    def test_bytes_that_were_replaced_stay(self, journal: Journal) -> None:
        for number, content in enumerate((b"one", b"two", b"one"), 1):
            assert journal.append(put_event("orders", number, content), content)
        assert journal.document("orders", "1.0.0", sha256_of(b"one")) == b"one"
        assert journal.document("orders", "1.0.0", sha256_of(b"two")) == b"two"

    def test_a_number_is_given_once(self, journal: Journal, reopen: Callable[[], Journal]) -> None:
        first = put_event("orders", 1, b"one")
        assert journal.append(first, b"one")
        for each in (journal, reopen()):
            assert each.append(put_event("orders", 1, b"two", actor="eve"), b"two") is False
            assert each.append(status_event("orders", 1, b"one"), None) is False
        assert journal.events("orders") == (first,)

    def test_any_text_is_an_id(self, journal: Journal, reopen: Callable[[], Journal]) -> None:
        for text in self.hostile_texts:
            assert journal.append(put_event(text, 1, text.encode(), version=text), text.encode())
        for each in (journal, reopen()):
            assert each.contract_ids() == tuple(sorted(self.hostile_texts))
            assert set(each.all_events()) == set(self.hostile_texts)
            for text in self.hostile_texts:
                assert each.events(text) == (put_event(text, 1, text.encode(), version=text),)
                assert each.document(text, text, sha256_of(text.encode())) == text.encode()

    def test_appending_at_once_loses_nothing(self, journal: Journal, reopen: Callable[[], Journal]) -> None:
        each_writes = 4

        def write(number: int) -> list[tuple[str, int]]:
            mine = reopen()
            won: list[tuple[str, int]] = []
            while len(won) < each_writes:
                seen = mine.events("orders")
                _refuse_gaps(seen)
                content = f"{number} {len(won)}".encode()
                event = put_event("orders", len(seen) + 1, content, actor=f"w{number}")
                if mine.append(event, content):
                    won.append((event.actor, event.sequence))
            return won

        won = [pair for pairs in at_once(write, self.writers) for pair in pairs]
        there = journal.events("orders")
        assert sorted(sequence for _, sequence in won) == list(range(1, self.writers * each_writes + 1))
        assert sorted(won) == sorted((event.actor, event.sequence) for event in there)
        for event in there:
            assert sha256_of(journal.document("orders", event.version, event.sha256)) == event.sha256


class JournalSuite(BareJournalSuite, StoreSuite):
    """What every Journal must do, and the store over it. Needs the fixture `journal`, a journal that is empty."""

    @pytest.fixture
    def store(self, journal: Journal) -> ContractStore:
        """The store over the journal."""
        return JournalStore(journal)

    @pytest.fixture
    def reopen_store(self, reopen: Callable[[], Journal]) -> Callable[[], ContractStore]:
        """Another store over another object on the same place."""
        return lambda: JournalStore(reopen())


def _refuse_gaps(events: Sequence[Event]) -> None:
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
