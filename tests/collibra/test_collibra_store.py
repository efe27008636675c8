"""The contract store in Collibra: the suite of every store, over the double."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from collibra_connections import gateway, ports_of

from lakepact.collibra.store import CollibraContractStore
from lakepact.errors import UsageError
from lakepact.store.protocol import ContractStore
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.contract_store_suite import StoreSuite
from lakepact.testing.store_samples import HOSTILE_TEXTS, contract

_LONGEST_ID, _LONGEST_VERSION = 200, 100


@pytest.fixture
def server() -> Iterator[CollibraServer]:
    with CollibraServer() as found:
        yield found


class TestCollibraStore(StoreSuite):
    writers = 4
    random_runs = 2
    random_steps = 30

    @pytest.fixture
    def reopen_store(self, server: CollibraServer) -> Callable[[], ContractStore]:
        port_of = ports_of(server)
        return lambda: CollibraContractStore(gateway(server), port_of=port_of)

    @pytest.fixture
    def store(self, reopen_store: Callable[[], ContractStore]) -> ContractStore:
        return reopen_store()

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
