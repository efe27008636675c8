"""What every store does whose truth is in Collibra: the suite of all stores, for what Collibra can keep."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lakepact.errors import UsageError
from lakepact.store.protocol import ContractStore
from lakepact.testing.contract_store_suite import StoreSuite, at_once
from lakepact.testing.store_samples import HOSTILE_TEXTS, contract

_LONGEST_ID = 200


class CollibraStoreSuite(StoreSuite):
    """Ids and versions have a longest length, and of several that make one contract at once, only Collibra knows."""

    writers = 4
    random_runs = 2

    def test_hostile_ids_are_only_ids(self, store: ContractStore, reopen_store: Callable[[], ContractStore]) -> None:
        """As the suite has it, for ids that Collibra can keep."""
        kept = [text for text in HOSTILE_TEXTS if len(text) <= _LONGEST_ID]
        assert len(kept) > 30
        for number, text in enumerate(kept):
            store.put(contract(text, f"1.0.{number}"), actor="ada", reason=text)
        assert reopen_store().list_contracts() == tuple(sorted(kept))
        for number, text in enumerate(kept):
            assert [each.version for each in store.list_versions(text)] == [f"1.0.{number}"]
            assert store.get(text, f"1.0.{number}").id == text
            assert [event.reason for event in store.history(text)] == [text]
        with pytest.raises(UsageError, match=r"^LP912: Collibra keeps no id of more than 200 characters: xxx"):
            store.put(contract("x" * 201), actor="ada")

    def test_writers_at_once_lose_nothing(
        self, store: ContractStore, reopen_store: Callable[[], ContractStore]
    ) -> None:
        """As the suite has it, once the contract is there."""
        store.put(contract("orders", "9.0.0"), actor="first")

        def write(number: int) -> None:
            mine = reopen_store()
            for patch in range(3):
                mine.put(contract("orders", f"{number}.0.{patch}"), actor=f"w{number}")

        at_once(write, self.writers)
        trail = store.history("orders")
        assert [event.sequence for event in trail] == list(range(1, 3 * self.writers + 2))
        wanted = {(f"w{number}", f"{number}.0.{patch}") for number in range(self.writers) for patch in range(3)}
        assert {(event.actor, event.version) for event in trail[1:]} == wanted

    def test_hostile_versions_are_only_versions(self, store: ContractStore) -> None:
        """As the suite has it, for versions that Collibra can keep."""
        versions = ["1.0.0-a", "1.0.0-A", "1.0.0-a.b", "1.0.0-" + "x" * 94, "1.0.0-" + "x" * 93 + "y", "1.0.0"]
        for version in versions:
            store.put(contract("orders", version, purpose=version), actor="ada")
        assert {each.version for each in store.list_versions("orders")} == set(versions)
        for version in versions:
            assert store.get("orders", version).source == contract("orders", version, purpose=version).source
        with pytest.raises(UsageError, match=r"^LP912: Collibra keeps no version of more than 100 characters: 1\.0"):
            store.put(contract("orders", "1.0.0-" + "x" * 95), actor="ada")
        assert len(store.history("orders")) == len(versions)
