"""The ledger in comments: what counts, what does not, and that text comes back whatever Collibra does to it."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.collibra.ledger import Entry, Ledger, entry_text, read_ledger, void_text
from lakepact.collibra.model import Note
from lakepact.store.encoding import event_data
from lakepact.store.model import Event, EventKind, Status, Summary

NOON = datetime(2024, 1, 31, 12, 0, tzinfo=UTC)


def event(sequence: int, *, reason: str = "", actor: str = "ada", summary: Summary | None = None) -> Event:
    return Event(
        contract_id="orders",
        sequence=sequence,
        kind=EventKind.PUT,
        version=f"1.{sequence}.0",
        sha256="a" * 64,
        status=Status.DRAFT,
        actor=actor,
        at=NOON,
        reason=reason,
        summary=summary or Summary(),
    )


def entry(*sequences: int, token: str = "", **options: Any) -> Entry:
    events = tuple(event(each) for each in sequences)
    return Entry(token=token or f"t{sequences}", first=sequences[0], events=events, **options)


def notes(*texts: str, by: str = "lakepact") -> list[Note]:
    return [
        Note(id=str(number), text=text, created_by=by, created_on=NOON + timedelta(seconds=number))
        for number, text in enumerate(texts)
    ]


def sequences(ledger: Ledger) -> list[int]:
    return [each.sequence for each in ledger.events]


def packed(data: Any) -> str:
    return f"x\n\nlakepact:1:{base64.urlsafe_b64encode(zlib.compress(json.dumps(data).encode())).decode()}"


def test_an_entry_comes_back_with_how_collibra_looked() -> None:
    given_ = entry(1, 2, asset_on=5, active="1.0.0", version_on=7)
    assert read_ledger(notes(entry_text(given_))).entries == (given_,)


def test_people_read_a_sentence() -> None:
    texts = [
        entry_text(Entry(token="t", first=1, events=(event(1, reason="because"),))),
        void_text("t", "Collibra refused"),
    ]
    assert [text.split("\n")[0] for text in texts] == [
        "ada put version 1.1.0 as draft: because",
        "lakepact took its last change back: Collibra refused",
    ]


def test_who_comes_second_does_not_count() -> None:
    found = read_ledger(notes(*(entry_text(each) for each in (entry(1), entry(2), entry(2, token="late"), entry(3)))))
    assert sequences(found) == [1, 2, 3]
    assert "late" not in [each.token for each in found.entries]


def test_what_leaves_a_gap_does_not_count() -> None:
    assert sequences(read_ledger(notes(entry_text(entry(1)), entry_text(entry(3)), entry_text(entry(2))))) == [1, 2]


def test_an_entry_is_taken_back_only_while_it_is_the_last() -> None:
    first, second, other = entry(1), entry(2, token="two"), entry(2, token="other")
    texts = [entry_text(first), entry_text(second), void_text("two", "x"), entry_text(other)]
    assert [each.token for each in read_ledger(notes(*texts)).entries] == [first.token, "other"]
    texts = [entry_text(first), entry_text(second), entry_text(entry(3)), void_text("two", "too late")]
    assert sequences(read_ledger(notes(*texts))) == [1, 2, 3]


def test_the_ledger_belongs_to_whoever_began_it_or_to_those_who_are_named() -> None:
    mixed = [*notes(entry_text(entry(1))), *notes(entry_text(entry(2)), by="eve"), *notes(entry_text(entry(2)))]
    found = read_ledger(mixed)
    assert (sequences(found), found.owners) == ([1, 2], frozenset({"lakepact"}))
    assert sequences(read_ledger(mixed[:2])) == [1]
    assert sequences(read_ledger(mixed[:2], owners=frozenset({"lakepact", "eve"}))) == [1, 2]
    assert sequences(read_ledger(mixed, owners=frozenset({"eve"}))) == []
    chatting = [*notes("hello", by="steward"), *notes(entry_text(entry(1)))]
    assert read_ledger(chatting).owners == frozenset({"lakepact"})


def test_an_entry_that_unpacks_to_too_much_is_none() -> None:
    data = {"token": "t", "first": 1, "events": [event_data(event(1))]}
    assert sequences(read_ledger(notes(packed(data)))) == [1]
    assert sequences(read_ledger(notes(packed(data | {"more": "x" * 17_000_000})))) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "please look at this",
        "lakepact:1:",
        "lakepact:1:AAAA",
        "lakepact:1:" + "A" * 41,
        packed([]),
        packed({}),
        packed({"events": []}),
        packed({"token": "t", "first": 1, "events": []}),
        packed({"token": "t", "first": 1, "events": [{}]}),
        packed({"token": "t", "first": "1", "events": [1]}),
        packed({"void": "t"}),
        entry_text(entry(1))[:-9],
    ],
    ids=range(13),
)
def test_what_is_no_entry_is_passed_over(text: str) -> None:
    found = read_ledger(notes(text, entry_text(entry(1)), text))
    assert sequences(found) == [1]


@given(
    reason=st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    actor=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    purpose=st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
)
@settings(max_examples=60)
def test_any_text_comes_back_even_where_collibra_wraps_and_cleans_it(reason: str, actor: str, purpose: str) -> None:
    given_ = event(1, reason=reason, actor=actor, summary=Summary(purpose=purpose))
    text = entry_text(Entry(token="t", first=1, events=(given_,)))
    cleaned = "".join(letter if letter.isalnum() or letter in ":_-=" else " " for letter in text).strip()
    for each in (text, f"{text}\n", cleaned):
        assert read_ledger(notes(each)).events == (given_,)
