"""Changed columns become a draft in Collibra, where Collibra is configured; a Collibra that is away breaks nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from io_samples import GOOD, memory_store, orders, rows

from lakepact.collibra.mapping import Mapped, Mapping, mapping_text
from lakepact.drafts import resubmit
from lakepact.io import write_with_contract
from lakepact.store import Status, open_store
from lakepact.testing.collibra_server import CollibraServer

pytestmark = pytest.mark.spark


@pytest.fixture
def collibra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CollibraServer]:
    """A Collibra that the environment names, with a port for the contract."""
    with CollibraServer() as server:
        mapping = Mapping((Mapped(contract_id="test.orders", port=server.add_port("orders")),))
        (tmp_path / "mapping.yml").write_text(mapping_text(mapping))
        monkeypatch.setenv("LAKEPACT_CACHE", str(tmp_path / "user"))
        monkeypatch.setenv("LAKEPACT_COLLIBRA_URL", server.url)
        monkeypatch.setenv("LAKEPACT_COLLIBRA_USER", server.client_id)
        monkeypatch.setenv("LAKEPACT_COLLIBRA_SECRET", server.client_secret)
        monkeypatch.setenv("LAKEPACT_COLLIBRA_MAPPING", str(tmp_path / "mapping.yml"))
        monkeypatch.setenv("LAKEPACT_COLLIBRA_RETRIES", "0")
        yield server


def test_a_draft_goes_to_the_store_and_to_collibra_once(spark: Any, schema: str, collibra: CollibraServer) -> None:
    store = memory_store(orders())
    data = rows(spark, *GOOD).selectExpr("*", "'web' AS channel")
    results = [
        write_with_contract(
            data, "test.orders", table=f"{schema}.sales", mode="merge", on_mismatch="draft", store=store
        )
        for _ in range(2)
    ]
    (here,) = store.list_versions("test.orders", status=Status.DRAFT)
    there = open_store("collibra:").list_versions("test.orders")
    assert [(each.version, each.status) for each in there] == [(here.version, Status.DRAFT)]
    assert results[0].draft == f"memory:#test.orders@{here.version}, collibra:{collibra.url}#test.orders@{here.version}"
    assert results[1].draft == results[0].draft


def test_a_collibra_that_is_away_gets_the_draft_later(
    spark: Any, schema: str, tmp_path: Path, collibra: CollibraServer, caplog: pytest.LogCaptureFixture
) -> None:
    store = memory_store(orders())
    data = rows(spark, *GOOD).selectExpr("*", "'web' AS channel")
    collibra.down = True
    with caplog.at_level(logging.WARNING):
        result = write_with_contract(data, "test.orders", table=f"{schema}.sales", on_mismatch="draft", store=store)
    assert (result.written, result.draft.count("@")) == (2, 1)
    assert any("LP902" in record.getMessage() for record in caplog.records)
    collibra.down = False
    from lakepact.collibra.sink import CollibraSink
    from lakepact.collibra.store import open_collibra

    brought = resubmit(tmp_path / "cache" / "drafts", [CollibraSink(open_collibra("collibra:"))])
    assert [receipt.created for receipt in brought.receipts] == [True]
    assert [each.status for each in open_store("collibra:").list_versions("test.orders")] == [Status.DRAFT]
