"""How fast a contract store answers, with a thousand contracts of ten versions."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import arro3.core as arro3
import deltalake

from benchmarks.measure import Line
from lakepact.contract import load_contract
from lakepact.store import Status, create_store, open_store
from lakepact.store.delta_rows import one_row
from lakepact.store.files import FilesJournal
from lakepact.store.model import Event, EventKind
from lakepact.store.summary import summary_of
from lakepact.store.tables import CONTRACT_EVENTS, event_row

__all__ = ["measure_store"]

_CONTRACTS, _VERSIONS, _ASKED = 1_000, 10, 50
_NOW = datetime.now(UTC)
_STEPS = ((EventKind.PUT, Status.DRAFT), (EventKind.STATUS, Status.VALIDATED))
_DOCUMENT = """apiVersion: v3.1.0
kind: DataContract
id: {id}
version: {version}
status: active
schema:
  - name: orders
    properties:
      - {{name: id, logicalType: integer, primaryKey: true}}
"""


def measure_store() -> Iterator[Line]:
    """For files and for Delta without Spark: the median of `latest`, and one listing of everything."""
    with tempfile.TemporaryDirectory(prefix="lakepact-bench-") as name:
        folder = Path(name)
        files, delta = f"file:{folder / 'files'}", f"delta:{folder / 'delta'}"
        create_store(files)
        journal = FilesJournal(folder / "files")
        for event, document in _events():
            journal.append(event, document)
        yield from _measured(files, latest=0.02)
        create_store(delta)
        # One commit for all: the store itself makes one for each event and joins the files now and then.
        rows = [one_row(CONTRACT_EVENTS, event_row(*each)) for each in _events()]
        batches = [batch for row in rows for batch in row.to_batches()]
        deltalake.write_deltalake(
            folder / "delta" / "contract_events", arro3.Table.from_batches(batches), mode="append"
        )
        yield from _measured(delta, latest=0.15)


def _measured(address: str, *, latest: float) -> Iterator[Line]:
    store, kind = open_store(address), address.partition(":")[0]
    store.latest("c0")
    seconds = []
    for number in range(_ASKED):
        began = time.perf_counter()
        store.latest(f"c{number * 17 % _CONTRACTS}")
        seconds.append(time.perf_counter() - began)
    what = f"{kind} store, latest of {_CONTRACTS:,} x {_VERSIONS}"
    yield Line(what, statistics.median(seconds) * 1000, latest * 1000, "ms")
    began = time.perf_counter()
    found = store.search("")
    spent = time.perf_counter() - began
    if len(found) != _CONTRACTS * _VERSIONS:
        raise RuntimeError(f"the store lists {len(found)} versions")
    yield Line(f"{kind} store, list of {len(found):,} versions", spent, 1.0, "s")


def _events() -> Iterator[tuple[Event, bytes | None]]:
    """Events as the store writes them; by way of the store itself this would take minutes."""
    for number in range(_CONTRACTS):
        for version in range(_VERSIONS):
            contract = load_contract(_DOCUMENT.format(id=f"c{number}", version=f"1.{version}.0").encode())
            for step, (kind, status) in enumerate(_STEPS, start=1):
                event = Event(
                    contract_id=contract.id,
                    sequence=version * len(_STEPS) + step,
                    kind=kind,
                    version=contract.version,
                    sha256=contract.sha256,
                    status=status,
                    actor="bench",
                    at=_NOW,
                    summary=summary_of(contract),
                )
                yield event, contract.source if kind is EventKind.PUT else None
