"""Batches in a folder and in memory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from quarantine_samples import CONTRACT_ID, START, SetClock, orders_contract, set_aside
from quarantine_suite import PlaceSuite

from lakepact.errors import ConfigurationError, LifecycleRefused, StoreConflict, UsageError
from lakepact.quarantine import (
    FailedRule,
    Kind,
    Quarantine,
    QuarantinePlace,
    Status,
    open_quarantine,
    purge,
    quarantine_batch,
)
from lakepact.quarantine.file_place import FilePlace
from lakepact.quarantine.model import Stored
from lakepact.testing.contract_store_suite import at_once

fsspec = pytest.importorskip("fsspec")

_NUMBERS = itertools.count(1)
BROKEN = [FailedRule("orders.rows", "3 rows, at least 10 expected")]


def set_batch(place: FilePlace, source: Path, *, run: str = "run-1", **more: Any) -> Stored:
    return place.set_aside(
        str(source),
        dataset="orders",
        contract_id=CONTRACT_ID,
        contract_version="1.0.0",
        violations=BROKEN,
        retention=timedelta(days=30),
        now=START,
        run_id=run,
        **more,
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "in" / "orders.csv"
    file.parent.mkdir()
    file.write_text("order_id,amount\n1,5\n")
    return file


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place of each kind."""
    if request.param == "folder":
        yield str(tmp_path / "bad" / "orders")
        return
    name = f"/bad-{next(_NUMBERS)}"
    yield f"memory://{name}/orders"
    memory = fsspec.filesystem("memory")
    if memory.exists(name):
        memory.rm(name, recursive=True)


class TestFilePlace(PlaceSuite):
    @pytest.fixture
    def place(self, url: str, source: Path) -> QuarantinePlace:
        place = FilePlace(url)
        set_batch(place, source)
        other = source.with_name("more.csv")
        other.write_text("order_id,amount\n2,5\n")
        set_batch(place, other)
        set_batch(place, source, run="run-2")
        return place

    @pytest.fixture
    def reopened(self, url: str) -> Callable[[], QuarantinePlace]:
        return lambda: FilePlace(url)


def test_a_batch_is_copied_with_a_document_about_it(url: str, source: Path) -> None:
    stored = set_batch(FilePlace(url), source, metadata={"job": "nightly"})
    fs, root = fsspec.core.url_to_fs(url)
    document = json.loads(fs.cat_file(f"{root}/{stored.header.id}/record.json"))
    digest = document.pop("files")[0]["sha256"]
    assert document == {
        "format": 1,
        "quarantine_id": stored.header.id,
        "original_path": str(source),
        "dataset": "orders",
        "object": "orders",
        "contract_id": CONTRACT_ID,
        "contract_version": "1.0.0",
        "run_id": "run-1",
        "violations": [{"rule_id": "orders.rows", "message": "3 rows, at least 10 expected"}],
        "quarantined_at": "2024-01-01T12:00:00+00:00",
        "expires_at": "2024-01-31T12:00:00+00:00",
        "status": "quarantined",
        "metadata": {"job": "nightly"},
    }
    assert len(digest) == 64
    assert fs.cat_file(f"{root}/{stored.header.id}/data/orders.csv") == source.read_bytes()
    (record,) = Quarantine(FilePlace(url), clock=SetClock()).records()
    assert (record.header.kind, record.failed_rules) == (Kind.BATCH, tuple(BROKEN))


def test_the_same_batch_again_is_the_same_record(url: str, source: Path) -> None:
    place = FilePlace(url)
    first = set_batch(place, source)
    assert set_batch(place, source) == first
    source.write_text("order_id,amount\n1,6\n")
    assert set_batch(place, source).header.id != first.header.id
    assert len(place.stored()) == 2


def test_a_copy_that_was_interrupted_is_made_again(url: str, source: Path) -> None:
    place = FilePlace(url)
    key = set_batch(place, source).header.id
    fs, root = fsspec.core.url_to_fs(url)
    fs.rm(f"{root}/{key}/record.json")
    fs.pipe_file(f"{root}/{key}/data/orders.csv", b"hal")
    assert place.stored() == ()
    assert set_batch(place, source).header.id == key
    assert fs.cat_file(f"{root}/{key}/data/orders.csv") == source.read_bytes()


def test_a_folder_is_copied_as_it_is(url: str, source: Path, tmp_path: Path) -> None:
    (source.parent / "day=1").mkdir()
    (source.parent / "day=1" / "part.csv").write_text("order_id,amount\n2,5\n")
    place = FilePlace(url)
    key = set_batch(place, source.parent).header.id
    found = place.fetch(key, tmp_path / "out")
    files = {each.relative_to(found).as_posix(): each.read_bytes() for each in found.rglob("*") if each.is_file()}
    assert files == {"orders.csv": source.read_bytes(), "day=1/part.csv": b"order_id,amount\n2,5\n"}


def test_the_document_shows_the_status(url: str, source: Path) -> None:
    quarantine = Quarantine(FilePlace(url), clock=SetClock())
    key = set_batch(FilePlace(url), source).header.id
    quarantine.review([key], actor="ada")
    fs, root = fsspec.core.url_to_fs(url)
    assert json.loads(fs.cat_file(f"{root}/{key}/record.json"))["status"] == "in_review"
    purge(quarantine, (key,), actor="ada", reason="asked to")
    assert json.loads(fs.cat_file(f"{root}/{key}/record.json"))["status"] == "purged"
    assert [name for name in fs.find(f"{root}/{key}") if "/data/" in name] == []


def test_a_purged_batch_does_not_come_back(url: str, source: Path) -> None:
    quarantine = Quarantine(FilePlace(url), clock=SetClock())
    key = set_batch(FilePlace(url), source).header.id
    purge(quarantine, (key,), actor="ada", reason="asked to")
    set_batch(FilePlace(url), source)
    assert (quarantine.record(key).status, quarantine.record(key).held) == (Status.PURGED, False)
    fs, root = fsspec.core.url_to_fs(url)
    assert [name for name in fs.find(f"{root}/{key}") if "/data/" in name] == []


def test_a_batch_is_not_corrected_value_by_value(url: str, source: Path) -> None:
    quarantine = Quarantine(FilePlace(url), clock=SetClock())
    key = set_batch(FilePlace(url), source).header.id
    quarantine.review([key], actor="ada")
    with pytest.raises(UsageError, match=f"LP985: the batch {key[:12]} cannot be corrected value by value"):
        quarantine.correct(key, {"amount": 1.0}, actor="ada", reason="sign")


@pytest.fixture
def corrected(source: Path) -> Path:
    """A file that is to take the place of the source."""
    file = source.with_name("corrected.csv")
    file.write_text("order_id,amount\n1,7\n")
    return file


def test_a_corrected_file_takes_the_place_of_a_batch(url: str, source: Path, corrected: Path, tmp_path: Path) -> None:
    place = FilePlace(url)
    quarantine = Quarantine(place, clock=SetClock())
    key = set_batch(place, source).header.id
    quarantine.review([key], actor="ada")
    found = quarantine.correct_batch(key, str(corrected), actor="ada", reason="sign", expected=1)
    assert (found.status, found.version, found.corrected["original_path"]) == (Status.CORRECTED, 2, str(corrected))
    assert [(each.act.value, each.actor, each.reason) for each in quarantine.decisions(key)] == [
        ("review", "ada", ""),
        ("correct", "ada", "sign"),
    ]
    assert place.fetch(key, tmp_path / "1", correction=found.correction).read_bytes() == corrected.read_bytes()
    assert place.fetch(key, tmp_path / "2").read_bytes() == source.read_bytes()
    # The same file again is the same correction; another one takes its place.
    again = quarantine.correct_batch(key, str(corrected), actor="ada", reason="sign")
    assert (again.correction, again.version) == (found.correction, 3)
    corrected.write_text("order_id,amount\n1,8\n")
    other = quarantine.correct_batch(key, str(corrected), actor="ada", reason="sign")
    quarantine.review([key], actor="bob")
    approved = quarantine.approve([key], actor="bob", reason="fine")[0]
    assert found.correction != other.correction == approved.correction
    purge(quarantine, (key,), actor="ada", reason="asked to")
    fs, root = fsspec.core.url_to_fs(url)
    assert sorted({name[len(root) + 1 :].split("/")[1] for name in fs.find(root)}) == ["decisions", "record.json"]
    assert (quarantine.record(key).held, quarantine.record(key).corrected) == (False, {})


def test_a_correction_that_is_refused_leaves_no_file(url: str, source: Path, corrected: Path) -> None:
    quarantine = Quarantine(FilePlace(url), clock=SetClock())
    key = set_batch(FilePlace(url), source).header.id
    with pytest.raises(LifecycleRefused, match=r"LP982: correct of \w+ is refused: it is quarantined"):
        quarantine.correct_batch(key, str(corrected), actor="ada", reason="sign")
    quarantine.review([key], actor="ada")
    with pytest.raises(StoreConflict, match="LP981: somebody else has decided meanwhile"):
        quarantine.correct_batch(key, str(corrected), actor="ada", reason="sign", expected=0)
    with pytest.raises(UsageError, match=r"LP984: there is no data at '.*none\.csv'"):
        quarantine.correct_batch(key, str(source.with_name("none.csv")), actor="ada", reason="sign")
    fs, root = fsspec.core.url_to_fs(url)
    assert [name for name in fs.find(root) if "corrected" in name or "corrections" in name] == []


def test_of_two_corrections_at_once_one_is_kept(url: str, source: Path, corrected: Path) -> None:
    key = set_batch(FilePlace(url), source).header.id
    Quarantine(FilePlace(url), clock=SetClock()).review([key], actor="ada")
    files = [corrected, source.with_name("other.csv")]
    files[1].write_text("order_id,amount\n1,9\n")

    def work(number: int) -> str:
        quarantine = Quarantine(FilePlace(url), clock=SetClock())
        try:
            return quarantine.correct_batch(key, str(files[number]), actor="ada", reason="x", expected=1).correction
        except StoreConflict:
            return ""

    won = at_once(work, 2)
    record = Quarantine(FilePlace(url), clock=SetClock()).record(key)
    assert sorted(map(bool, won)) == [False, True]
    assert (record.correction, record.version) == (max(won), 2)


def test_a_correction_without_its_files_is_damaged(url: str, source: Path, corrected: Path, tmp_path: Path) -> None:
    place = FilePlace(url)
    quarantine = Quarantine(place, clock=SetClock())
    key = set_batch(place, source).header.id
    quarantine.review([key], actor="ada")
    found = quarantine.correct_batch(key, str(corrected), actor="ada", reason="sign")
    fs, root = fsspec.core.url_to_fs(url)
    fs.rm(f"{root}/{key}/corrections", recursive=True)
    with pytest.raises(ConfigurationError, match=r"LP988: files:.* is damaged: its files are gone"):
        place.fetch(key, tmp_path / "out", correction=found.correction)


def test_a_row_takes_no_file(tmp_path: Path) -> None:
    path = set_aside(tmp_path / "orders__quarantine", [(1, -1.0, "a")])
    quarantine = open_quarantine(str(path), clock=SetClock())
    key = quarantine.records()[0].id
    with pytest.raises(UsageError, match=f"LP985: {key[:12]} is a row, which no file can take the place of"):
        quarantine.correct_batch(key, str(path), actor="ada", reason="x")


def test_the_contract_says_where_a_batch_goes(source: Path) -> None:
    contract = orders_contract(retention_days=3)
    variables = {"TENANT": f"t{next(_NUMBERS)}", "ASSET": "orders"}
    found = quarantine_batch(str(source), contract, BROKEN, dataset="orders", variables=variables, clock=SetClock())
    url = f"memory://bad-{variables['TENANT']}/quarantine/{variables['TENANT']}/orders"
    assert found.path == f"{url}/{found.id}/data"
    assert found.expires_at == START + timedelta(days=3)
    assert [each.id for each in open_quarantine(url, clock=SetClock()).records()] == [found.id]
    fsspec.filesystem("memory").rm(f"/bad-{variables['TENANT']}", recursive=True)
    with pytest.raises(ConfigurationError, match=r"LP980: \$\{TENANT\} in 'memory://bad-\$\{TENANT\}' has no value"):
        quarantine_batch(str(source), contract, BROKEN, dataset="orders", variables={})


def test_a_document_has_no_signature_of_a_url(url: str) -> None:
    fsspec.filesystem("memory").pipe_file("/signed.csv?sig=s3cret", b"order_id\n1\n")
    place = FilePlace(url)
    place.set_aside(
        "memory:///signed.csv?sig=s3cret",
        dataset="orders",
        contract_id=CONTRACT_ID,
        contract_version="1.0.0",
        violations=BROKEN,
        retention=timedelta(days=1),
        now=START,
    )
    fsspec.filesystem("memory").rm("/signed.csv?sig=s3cret")
    assert [each.source for each in place.stored()] == ["memory:///signed.csv"]


def test_nothing_at_the_source(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"LP984: there is no data at '.*nowhere'"):
        set_batch(FilePlace(url), tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"format": 1}'])
def test_a_damaged_document_is_told(url: str, source: Path, content: bytes) -> None:
    key = set_batch(FilePlace(url), source).header.id
    fs, root = fsspec.core.url_to_fs(url)
    fs.pipe_file(f"{root}/{key}/record.json", content)
    with pytest.raises(ConfigurationError, match=f"LP988: files:.*{key}/record.json is damaged"):
        FilePlace(url).stored()
