"""Payloads: what a notice may say, and that everything else is refused without being repeated."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lakepact.errors import UsageError
from lakepact.rerun.payload import EventType, Notice, read_notice
from webhook_samples import ASSET, body


def test_a_whole_notice() -> None:
    content = body(
        id="msg_1",
        data={"contractAssetId": ASSET.upper(), "previousStatus": "Candidate", "workflowInstanceId": "instance-1"},
    )
    assert read_notice(content) == Notice(
        type="collibra.data_contract.status_changed",
        occurred_at=datetime(2024, 1, 31, 10, tzinfo=UTC),
        delivery_id="msg_1",
        contract_id="orders",
        asset_id=ASSET,
        version="1.2.0",
        status="Accepted",
        previous_status="Candidate",
        workflow_id="instance-1",
    )


@pytest.mark.parametrize("missing", ["contractAssetId", "manifestId"])
def test_one_name_of_the_contract_is_enough(missing: str) -> None:
    notice = read_notice(body(data={missing: None, "version": None, "status": None}))
    assert (notice.asset_id, notice.contract_id) == (
        {"contractAssetId": "", "manifestId": ASSET}[missing] or "",
        {"contractAssetId": "orders", "manifestId": ""}[missing],
    )
    assert (notice.version, notice.status, notice.delivery_id) == ("", "", "")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-31T10:00:00.5+05:30", datetime(2024, 1, 31, 4, 30, 0, 500_000, tzinfo=UTC)),
        ("2024-02-29T23:59:59-01:00", datetime(2024, 3, 1, 0, 59, 59, tzinfo=UTC)),
    ],
)
def test_times_are_in_utc(text: str, moment: datetime) -> None:
    assert read_notice(body(timestamp=text)).occurred_at == moment


def test_what_is_of_no_interest_may_hold_anything() -> None:
    notice = read_notice(body(type="collibra.asset.deleted", data={"extra": [1, {"a": None}]}))
    assert not notice.relevant
    assert all(read_notice(body(type=each)).relevant for each in EventType)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the body is no JSON"),
        (b"\xff", "the body is not UTF-8"),
        (b"\xef\xbb\xbf{}", "the body is no JSON"),
        (b"[]", "the body is no object"),
        (b"null", "the body is no object"),
        (b"{} {}", "the body is no JSON"),
        (b'{"type": NaN}', "the body is no JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "the body is no JSON"),
        (b"[" * 60_000, "the body is no JSON"),
        (b'{"type": "a", "type": "a"}', "the body has a key twice"),
        (body().replace(b'"status"', b'"version"'), "the body has a key twice"),
        (body(url="s3cret"), "the body has a key that is not known"),
        (body(url="s3cret", path=1), "the body has 2 keys that are not known"),
        (body(data={"url": "s3cret"}), "`data` has a key that is not known"),
        (body(type=None), "`type` is missing"),
        (body(type=1), "`type` is no text"),
        (body(type=""), "`type` is empty"),
        (body(type="a..b"), "`type` is not words with dots between"),
        (body(type="a" * 129), "`type` is longer than 128 characters"),
        (body(id="a.b"), "`id` has other characters than A-Z a-z 0-9 _ -"),
        (body(id=None).replace(b'{"type"', b'{"id": null, "type"'), "`id` is no text"),
        (body(timestamp=None), "`timestamp` is missing"),
        (body(timestamp=1706695200), "`timestamp` is no text"),
        (body(timestamp="2024-01-31T10:00:00"), "`timestamp` is no time such as 2024-01-31T10:00:00Z"),
        (body(timestamp="2024-02-31T10:00:00Z"), "`timestamp` is no time such as 2024-01-31T10:00:00Z"),
        (body(timestamp="0001-01-01T00:00:00+14:00"), "`timestamp` is no time such as 2024-01-31T10:00:00Z"),
        (body(timestamp="\u0662024-01-31T10:00:00Z"), "`timestamp` is no time such as 2024-01-31T10:00:00Z"),
        (json.dumps({"type": "a", "timestamp": "2024-01-31T10:00:00Z"}).encode(), "`data` is missing"),
        (json.dumps({"type": "a", "timestamp": "2024-01-31T10:00:00Z", "data": []}).encode(), "`data` is no object"),
        (body(data={"version": 1.2}), "`version` is no text"),
        (body(data={"version": ["1"]}), "`version` is no text"),
        (body(data={"version": " "}), "`version` is empty"),
        (body(data={"version": "v" * 129}), "`version` is longer than 128 characters"),
        (body(data={"manifestId": "x" * 513}), "`manifestId` is longer than 512 characters"),
        (body(data={"status": "a\nb"}), "`status` has characters that cannot be printed"),
        (body(data={"status": "a\u202eb"}), "`status` has characters that cannot be printed"),
        (body(data={"status": "a\ud800b"}), "`status` has characters that cannot be printed"),
        (body(data={"contractAssetId": "1"}), "`contractAssetId` is no UUID"),
        (
            body(data={"contractAssetId": None, "manifestId": None}),
            "`data` has neither `contractAssetId` nor `manifestId`",
        ),
    ],
)
def test_what_is_no_notice(content: bytes, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_notice(content)
    assert (caught.value.code, caught.value.message) == ("LP930", why)
    assert "s3cret" not in str(caught.value)


def read_or_refused(content: bytes) -> Notice | None:
    """The notice, or None where it is refused; any other error is a failure."""
    with suppress(UsageError):
        return read_notice(content)
    return None


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "timestamp", "data", "id", "version", "manifestId"]) | st.text(), inner, max_size=5
        )
    ),
    max_leaves=10,
)


@hypothesis_settings(max_examples=300)
@given(content=_JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200))
def test_anything_is_a_notice_or_refused(content: bytes) -> None:
    assert isinstance(read_or_refused(content), Notice | None)


@hypothesis_settings(max_examples=200)
@given(
    key=st.sampled_from(["contractAssetId", "manifestId", "version", "status", "previousStatus"]),
    value=_JSON,
)
def test_a_value_is_kept_as_it_was_sent_or_refused(key: str, value: Any) -> None:
    notice = read_or_refused(body(data={key: value}))
    if notice is None:
        return
    kept = {
        "contractAssetId": notice.asset_id,
        "manifestId": notice.contract_id,
        "version": notice.version,
        "status": notice.status,
        "previousStatus": notice.previous_status,
    }[key]
    assert kept == (value if value is not None else "")
