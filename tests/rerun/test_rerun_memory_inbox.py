"""The inbox in memory, and addresses of inboxes."""

from __future__ import annotations

import pytest

from lakepact.errors import UsageError
from lakepact.rerun import open_inbox
from lakepact.rerun.journaled import Clock, utc_now
from lakepact.rerun.memory_inbox import MemoryInbox
from lakepact.testing.inbox_suite import InboxSuite, MakeInbox, arrival


class TestMemoryInbox(InboxSuite):
    @pytest.fixture
    def make_inbox(self) -> MakeInbox:
        kept: list[MemoryInbox] = []

        def make(*, clock: Clock = utc_now, max_attempts: int = 10) -> MemoryInbox:
            if not kept:
                kept.append(MemoryInbox(clock=clock, max_attempts=max_attempts))
            return kept[0]

        return make


def test_what_claims_the_same_has_the_same_key() -> None:
    assert arrival("msg_1").dedup_key == arrival("msg_2").dedup_key
    assert len(arrival().dedup_key) == 64
    changes: list[dict[str, str]] = [{"version": "1"}, {"status": "1"}, {"asset_id": "1"}, {"contract_id": "1"}]
    assert len({arrival(**each).dedup_key for each in [{}, *changes, {"type": "x"}]}) == 6


def test_addresses() -> None:
    assert open_inbox("memory:").address == "memory:"
    for address in ("", "inbox", "delta:", "file:inbox", "C:\\inbox"):
        with pytest.raises(UsageError, match=r"^LP937: '.*' is no address of an inbox\n  hint: known are delta: and "):
            open_inbox(address)
