"""Events as text and ids as names: every text comes back, and no two names clash, whatever the file system."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.errors import ConfigurationError
from lakepact.store.encoding import (
    MAX_NAME,
    event_data,
    event_of,
    event_text,
    original_name,
    read_event,
    read_time,
    safe_name,
    sha256_of,
    time_text,
    version_data,
)
from lakepact.store.folding import fold
from lakepact.store.model import Event, EventKind, Status, Summary
from lakepact.testing.store_samples import HOSTILE_TEXTS
from lakepact.testing.store_suite import put_event

ANY_TEXT = st.text(st.characters(), max_size=200)
TEXTS = st.lists(ANY_TEXT, max_size=3).map(tuple)
EVENTS = st.builds(
    Event,
    contract_id=ANY_TEXT,
    sequence=st.integers(1, 10**12),
    kind=st.sampled_from(EventKind),
    version=ANY_TEXT,
    sha256=st.binary().map(sha256_of),
    status=st.sampled_from(Status),
    actor=ANY_TEXT,
    at=st.datetimes(timezones=st.just(UTC)),
    reason=ANY_TEXT,
    summary=st.builds(
        Summary, name=st.none() | ANY_TEXT, purpose=st.none() | ANY_TEXT, tags=TEXTS, objects=TEXTS, owners=TEXTS
    ),
)


@settings(max_examples=200)
@given(EVENTS)
def test_an_event_comes_back_and_has_one_text(event: Event) -> None:
    text = event_text(event)
    assert read_event(text) == event
    assert read_event(text.encode()) == event
    assert event_text(read_event(text)) == text
    assert event_of(json.loads(json.dumps(event_data(event)))) == event


def test_the_text_of_an_event() -> None:
    assert event_text(put_event("orders", 1, b"x")) == (
        "{\n"
        '  "format": 1,\n'
        '  "contract_id": "orders",\n'
        '  "sequence": 1,\n'
        '  "kind": "put",\n'
        '  "version": "1.0.0",\n'
        '  "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",\n'
        '  "status": "draft",\n'
        '  "actor": "ada",\n'
        '  "at": "2024-01-31T10:00:01.123456Z",\n'
        '  "reason": "first",\n'
        '  "summary": {\n'
        '    "name": "Orders",\n'
        '    "domain": null,\n'
        '    "data_product": null,\n'
        '    "purpose": null,\n'
        '    "tags": [\n      "a",\n      "b"\n    ],\n'
        '    "objects": [\n      "orders"\n    ],\n'
        '    "owners": [\n      "ada"\n    ]\n'
        "  }\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sequence": 0}, "`sequence` is no number from 1"),
        ({"sequence": True}, "`sequence` is no number from 1"),
        ({"kind": "gone"}, "'gone' is not a valid EventKind"),
        ({"status": "active"}, "'active' is not a valid Status"),
        ({"sha256": "AA"}, "`sha256` is no hash"),
        ({"actor": None}, "`actor` is no text"),
        ({"at": "2024-01-31T10:00:00+01:00"}, "'2024-01-31T10:00:00+01:00' is no time in UTC"),
        ({"at": "2024-13-31T10:00:00.000000Z"}, "month must be in 1..12"),
        ({"summary": []}, "`summary` is no object"),
        ({"summary": {}}, "`name` is missing"),
    ],
)
def test_a_damaged_event_is_told(change: dict[str, Any], why: str) -> None:
    data = event_data(put_event("orders", 1, b"x")) | change
    with pytest.raises(ConfigurationError, match=f"^LP854: a.json is damaged: {re.escape(why)}\n"):
        event_of(data, where="a.json")


def test_what_is_no_event_is_told() -> None:
    for text, why in (("", "it is no JSON"), ("[" * 10**5, "it is no JSON"), ("[]", "it is no JSON object")):
        with pytest.raises(ConfigurationError, match=f"^LP854: an event is damaged: {why}\n"):
            read_event(text)
    with pytest.raises(
        ConfigurationError, match=r"^LP854: an event has the format 2; this version of lakepact reads 1"
    ):
        read_event('{"format": 2}')


@settings(max_examples=300)
@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_times_come_back_and_sort_as_text(one: datetime, other: datetime) -> None:
    assert read_time(time_text(one)) == one
    assert (time_text(one) < time_text(other)) == (one < other)


def test_times_of_other_zones_are_in_utc() -> None:
    moment = datetime(2024, 1, 31, 10, tzinfo=timezone(timedelta(hours=2)))
    assert time_text(moment) == "2024-01-31T08:00:00.000000Z"


def test_how_a_version_stands_as_data() -> None:
    version = fold([put_event("orders", 1, b"x")])["1.0.0"]
    data = version_data(version)
    assert json.loads(json.dumps(data)) == data
    assert (data["status"], data["created_at"]) == ("draft", "2024-01-31T10:00:01.123456Z")


NAME = re.compile(r"(?:[a-z0-9_-]|%[0-9a-f]{2}|\.(?!\.|$))*(?:%-[0-9a-f]{64})?|%")


@settings(max_examples=500)
@given(ANY_TEXT | st.sampled_from(HOSTILE_TEXTS))
def test_a_name_is_harmless_and_tells_its_text(text: str) -> None:
    name = safe_name(text)
    assert NAME.fullmatch(name)
    assert 0 < len(name) <= MAX_NAME
    assert name[0] not in ".-"
    assert name.split(".")[0] not in ("con", "prn", "aux", "nul", "com1", "lpt9")
    assert unicodedata.normalize("NFKC", name) == name == name.lower()
    assert original_name(name) == (None if "%-" in name else text)


@settings(max_examples=300)
@given(st.text("aA.%-~\u00e9/", max_size=6), st.text("aA.%-~\u00e9/", max_size=6))
def test_two_texts_have_two_names(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one == other)


def test_long_texts_with_one_beginning_have_two_names() -> None:
    one, other = safe_name("x" * 300), safe_name("x" * 299 + "y")
    assert one != other
    assert one.startswith("x" * 50)
    assert safe_name("x" * MAX_NAME) == "x" * MAX_NAME
    assert len(safe_name("x" * (MAX_NAME + 1))) == MAX_NAME


@pytest.mark.parametrize("name", ["Orders", "a%2", "%zz", "%ff", "a%61", "..", ".a", "con", "%2E", "a b", ""])
def test_a_name_that_was_never_given_tells_nothing(name: str) -> None:
    assert original_name(name) is None
