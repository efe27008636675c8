"""The contract store in Collibra: the suite of every store, over the double."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from collibra_connections import gateway, ports_of
from collibra_store_suite import CollibraStoreSuite

from lakepact.collibra.store import CollibraContractStore
from lakepact.store.protocol import ContractStore
from lakepact.testing.collibra_server import CollibraServer


@pytest.fixture
def server() -> Iterator[CollibraServer]:
    with CollibraServer() as found:
        yield found


class TestCollibraStore(CollibraStoreSuite):
    random_steps = 30

    @pytest.fixture
    def reopen_store(self, server: CollibraServer) -> Callable[[], ContractStore]:
        port_of = ports_of(server)
        return lambda: CollibraContractStore(gateway(server), port_of=port_of)

    @pytest.fixture
    def store(self, reopen_store: Callable[[], ContractStore]) -> ContractStore:
        return reopen_store()
