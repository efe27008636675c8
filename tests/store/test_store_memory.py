"""The journal in memory does what every journal must do."""

from __future__ import annotations

import pytest

from lakepact.store.journal import Journal
from lakepact.store.memory import MemoryJournal
from lakepact.testing.store_suite import JournalSuite


class TestMemoryJournal(JournalSuite):
    @pytest.fixture
    def journal(self) -> Journal:
        return MemoryJournal()
