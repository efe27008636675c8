"""Submitting drafts: the same one once, a sink that fails, the outbox and what becomes of it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import cast

import pytest

from lakepact.contract import Contract, load_contract
from lakepact.contract.types import AtomicType, StructField, StructType
from lakepact.drafts import Draft, Provenance, StoreSink, draft_from_schema, resubmit, submit
from lakepact.drafts.submit import Failure, Receipt
from lakepact.errors import ContractMissing, RemoteFailed
from lakepact.store import ContractStore, Status, StoredVersion, open_store
from lakepact.testing.store_samples import document


def draft(*, run: str = "", dataset: str = "", dataset_version: str = "") -> Draft:
    base = load_contract(document("orders", "1.0.0", columns=("a",)), file="orders.yaml")
    observed = StructType((StructField("a", AtomicType("STRING")), StructField("new", AtomicType("INT"))))
    why = Provenance(cause="drift", run=run, dataset=dataset, dataset_version=dataset_version)
    made = draft_from_schema(base, base.schema[0].name, observed, provenance=why)
    assert made is not None
    return made


class _Away:
    """A sink that is there only after some calls."""

    name = "catalogue: a/b"

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.taken: list[tuple[str, str]] = []

    def submit(self, draft: Draft, actor: str) -> tuple[str, bool]:
        if self.left:
            self.left -= 1
            raise RemoteFailed("it does not answer", "LP870")
        self.taken.append((draft.contract.version, actor))
        return "asset 7", True


def test_a_thousand_runs_make_one_draft() -> None:
    store = open_store("memory:")
    for run in range(20):
        made = draft(run=f"run {run}", dataset_version=str(run))
        found = submit(made, [StoreSink(store)], actor="job")
        where = f"{store.address}#orders@{made.contract.version}"
        assert found.receipts == (Receipt(store.address, where, created=run == 0),)
    (only,) = store.list_versions("orders")
    assert (only.status, only.created_by, only.reason) == (Status.DRAFT, "job", "drift")
    assert store.get("orders", only.version).source == draft(run="run 0", dataset_version="0").contract.source


def test_another_run_may_be_first() -> None:
    store = open_store("memory:")
    submit(draft(run="1"), [StoreSink(store)], actor="job")

    class Late:
        """The store as it was before the other run."""

        address = store.address
        asked = 0

        def version(self, contract_id: str, version: str) -> StoredVersion:
            self.asked += 1
            if self.asked == 1:
                raise ContractMissing("not yet", "LP850")
            return store.version(contract_id, version)

        def put(self, contract: Contract, *, actor: str, reason: str, status: Status) -> StoredVersion:
            return store.put(contract, actor=actor, reason=reason, status=status)

    late = cast(ContractStore, Late())
    assert [receipt.created for receipt in submit(draft(run="2"), [StoreSink(late)], actor="job").receipts] == [False]


def test_what_was_rejected_does_not_come_back() -> None:
    store = open_store("memory:")
    made = draft()
    submit(made, [StoreSink(store)], actor="job")
    version = made.contract.version
    store.set_status("orders", version, Status.IN_REVIEW, actor="ada", reason="look")
    store.set_status("orders", version, Status.REJECTED, actor="ada", reason="no")
    assert not submit(draft(run="2"), [StoreSink(store)], actor="job").receipts[0].created
    assert store.version("orders", version).status is Status.REJECTED


def test_a_draft_can_come_beside_a_published_base() -> None:
    store = open_store("memory:", review_required=False)
    base = load_contract(document("orders", "1.0.0", columns=("a",)))
    store.put(base, actor="ada")
    store.set_status("orders", "1.0.0", Status.VALIDATED, actor="ada", reason="good")
    assert submit(draft(), [StoreSink(store)], actor="job").ok
    assert store.latest("orders").version == "1.0.0"


def test_a_sink_that_fails_is_logged_and_its_draft_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store: ContractStore = open_store("memory:")
    sink = _Away(3)
    outbox = tmp_path / "deep" / "outbox"
    made = draft()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            found = submit(made, [sink, StoreSink(store)], actor="job", outbox=outbox)
    assert not found.ok
    assert len(found.receipts) == 1
    (failure,) = found.failures
    assert (failure.sink, failure.reason) == ("catalogue: a/b", "RemoteFailed: LP870: it does not answer")
    assert list(outbox.iterdir()) == [failure.kept]
    said = f"the draft orders {made.contract.version} did not reach catalogue: a/b: LP870: it does not answer"
    assert caplog.messages == [said] * 2

    assert not resubmit(outbox, [sink]).ok
    assert list(outbox.iterdir()) == [failure.kept]
    assert resubmit(outbox, [sink]).receipts == (Receipt("catalogue: a/b", "asset 7", created=True),)
    assert list(outbox.iterdir()) == []
    assert sink.taken == [(made.contract.version, "job")]


def test_what_is_kept_is_the_whole_draft(tmp_path: Path) -> None:
    made = draft(dataset="a 🦆")

    class Reader:
        name = "catalogue: a/b"
        seen: Draft | None = None

        def submit(self, draft: Draft, actor: str) -> tuple[str, bool]:
            self.seen = draft
            return "", False

    reader = Reader()
    submit(made, [_Away(1)], actor="job", outbox=tmp_path)
    assert resubmit(tmp_path, [reader]).ok
    assert reader.seen == made


def test_a_later_success_clears_the_outbox(tmp_path: Path) -> None:
    sink = _Away(1)
    submit(draft(), [sink], actor="job", outbox=tmp_path)
    assert submit(draft(run="2"), [sink], actor="job", outbox=tmp_path).ok
    assert list(tmp_path.iterdir()) == []


def test_files_for_nobody_and_damaged_files_stay(tmp_path: Path) -> None:
    submit(draft(), [_Away(1)], actor="job", outbox=tmp_path)
    (kept,) = tmp_path.iterdir()
    (tmp_path / "zz.draft.json").write_text("{", encoding="utf-8")
    (tmp_path / "zy.draft.json").write_text('{"form": "other"}', encoding="utf-8")
    found = resubmit(tmp_path, [])
    assert found.failures[0] == Failure("catalogue: a/b", "no sink is named 'catalogue: a/b'", kept)
    assert [failure.reason for failure in found.failures[1:]] == [
        "ValueError: its form is 'other', not 'lakepact-draft-1'",
        "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ]
    assert len(list(tmp_path.iterdir())) == 3


def test_an_outbox_that_cannot_be_written_breaks_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    found = submit(draft(), [_Away(1)], actor="job", outbox=blocked / "outbox")
    assert [failure.kept for failure in found.failures] == [None]
    assert "is not kept in" in caplog.messages[-1]


def test_a_sink_with_a_bug_breaks_nothing() -> None:
    class Broken:
        name = "broken"

        def submit(self, draft: Draft, actor: str) -> tuple[str, bool]:
            raise ZeroDivisionError("a bug")

    assert submit(draft(), [Broken()], actor="job").failures == (Failure("broken", "ZeroDivisionError: a bug"),)


def test_nothing_waits_where_there_is_no_outbox(tmp_path: Path) -> None:
    assert resubmit(tmp_path / "none", []).ok
