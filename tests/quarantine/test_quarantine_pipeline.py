"""Rows that a generated stream set aside: it goes on after a purge, and a full refresh sets them aside anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakepact.contract import load_contract
from lakepact.local.names import Namespace
from lakepact.local.pipeline_run import PipelineJob, run_pipeline
from lakepact.local.progress import Silent
from lakepact.local.selection import Selection
from lakepact.local.sources import SourceFile
from lakepact.pipeline import register
from lakepact.quarantine import Status, open_quarantine, purge
from lakepact.spark.session import LocalSession, open_local_session
from lakepact.targets import pipeline_python
from lakepact.testing.recording_pipelines import RecordingPipelines, RecordingSpark

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: shop
version: 1.0.0
schema:
- name: orders
  properties:
  - {name: order_id, logicalType: integer}
  - name: amount
    logicalType: number
    logicalTypeOptions: {minimum: 0}
    customProperties: [{property: lakepact.action, value: quarantine}]
"""
EVERYTHING = Selection(full_refresh_all=True)


@pytest.fixture
def session(local_session: LocalSession, tmp_path: Path) -> Iterator[LocalSession]:
    with open_local_session(warehouse=tmp_path / "lake", app_name="tests") as opened:
        yield opened


@pytest.mark.spark
def test_a_stream_goes_on_after_a_purge(session: LocalSession, tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    source = {"path": str(incoming), "format": "json", "mode": "stream"}
    contract = load_contract(CONTRACT.encode())
    plan = register(contract, {"orders": source}, dp=RecordingPipelines(), spark=RecordingSpark())
    session.attach(["shop"])

    def arrived(number: int, *amounts: int) -> None:
        lines = [json.dumps({"order_id": number * 10 + at, "amount": amount}) for at, amount in enumerate(amounts)]
        (incoming / f"{number}.json").write_text("\n".join(lines))

    def updated(selection: Selection = Selection()) -> None:  # noqa: B008
        job = PipelineJob(
            name="shop",
            namespace=Namespace("spark_catalog", "shop"),
            sources=[SourceFile("pipeline.py", pipeline_python.render(plan))],
            storage=tmp_path / "storage",
            warehouse=session.warehouse,
            root=tmp_path,
            configuration={},
        )
        outcome = run_pipeline(session, job, update_id="u", selection=selection, dry_run=False, progress=Silent())
        assert not outcome.failed

    def published() -> int:
        return int(session.classic.sql("SELECT count(*) FROM shop.orders").first()[0])

    now = [datetime.now(UTC)]
    aside = session.warehouse / "shop.db" / "orders__quarantine"
    arrived(1, 5, -1, -2)
    updated()
    quarantine = open_quarantine(str(aside), clock=lambda: now[0])
    first = quarantine.records()
    assert sorted(each.row["amount"] for each in first if each.row) == [-2, -1]
    assert all(each.quarantined_at and each.header.run_id.startswith("stream 20") for each in first)
    now[0] += timedelta(days=31)
    assert len(purge(quarantine, actor="timer", reason="retention").records) == 2
    arrived(2, 7, -3)
    updated()
    assert published() == 2
    assert [each.row for each in quarantine.records() if each.held] == [{"order_id": 21, "amount": -3}]
    # The source still has the rows: they are set aside anew, and their time begins again.
    updated(EVERYTHING)
    again = [each for each in quarantine.records() if each.held]
    assert (published(), len(again), {each.id for each in again} & {each.id for each in first}) == (2, 3, set())
    assert [each.status for each in quarantine.records() if not each.held][:2] == [Status.PURGED] * 2
