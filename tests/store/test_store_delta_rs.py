"""The journal in Delta tables, with delta-rs and real tables on disk."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import deltalake
import pytest
from arro3.core import Table as ArrowTable

from lakepact.errors import ConfigurationError, RemoteFailed, UsageError
from lakepact.store import Event, EventKind, Status, Summary
from lakepact.store.delta_rows import one_row, python_rows
from lakepact.store.delta_rs import DeltaJournal, create_delta, open_delta
from lakepact.store.encoding import sha256_of
from lakepact.store.journal_store import JournalStore
from lakepact.store.tables import (
    CONTRACT_EVENTS,
    CONTRACTS,
    LAYOUT,
    MIGRATIONS,
    TABLES,
    Column,
    ColumnType,
    Migration,
    contracts_query,
    event_row,
    layout_of,
    migrations_from,
    row_event,
)
from lakepact.testing.store_samples import contract
from lakepact.testing.store_suite import JournalSuite, put_event, status_event
from speed import cpu_seconds


class TestDeltaJournal(JournalSuite):
    @pytest.fixture
    def journal(self, tmp_path: Path) -> DeltaJournal:
        return DeltaJournal(tmp_path / "store")

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], DeltaJournal]:
        return lambda: DeltaJournal(tmp_path / "store")


def events_table(folder: Path) -> deltalake.DeltaTable:
    return deltalake.DeltaTable(folder / "contract_events")


def rows_of(table: deltalake.DeltaTable) -> list[dict[str, Any]]:
    return python_rows(deltalake.QueryBuilder().register("t", table).execute("SELECT * FROM t"))


def filled(folder: Path, events: int = 3, **options: Any) -> DeltaJournal:
    journal = DeltaJournal(folder, **options)
    for number in range(1, events + 1):
        assert journal.append(put_event("orders", number, b"x", version=f"1.0.{number}"), b"x")
    return journal


def _append_all(folder: str, writer: int, last: int) -> list[int]:
    """The sequence numbers that this writer won, of those that all writers try."""
    journal = DeltaJournal(folder)
    content = f"by {writer}".encode()
    return [
        number
        for number in range(1, last + 1)
        if journal.append(put_event("orders", number, content, actor=f"w{writer}"), content)
    ]


def test_of_eight_processes_one_wins_each_number(tmp_path: Path) -> None:
    writers, last = 8, 12
    with multiprocessing.get_context("spawn").Pool(writers) as pool:
        won = pool.starmap(_append_all, [(str(tmp_path / "s"), writer, last) for writer in range(writers)])
    journal = DeltaJournal(tmp_path / "s")
    there = journal.events("orders")
    assert sorted(number for numbers in won for number in numbers) == list(range(1, last + 1))
    assert [event.sequence for event in there] == list(range(1, last + 1))
    for writer, numbers in enumerate(won):
        assert [event.sequence for event in there if event.actor == f"w{writer}"] == numbers
    assert all(journal.document("orders", "1.0.0", each.sha256) == f"by {each.actor[1:]}".encode() for each in there)


def test_what_was_decided_on_an_old_version_is_decided_anew(tmp_path: Path) -> None:
    first, second = filled(tmp_path, 1), DeltaJournal(tmp_path)
    assert len(second.events("orders")) == 1
    assert first.append(put_event("orders", 2, b"a"), b"a")
    assert second.append(put_event("orders", 2, b"b"), b"b") is False
    assert second.append(put_event("orders", 3, b"c"), b"c")
    assert first.events("orders") == second.events("orders")
    assert [event.sequence for event in first.events("orders")] == [1, 2, 3]


def test_delta_rs_still_commits_two_blind_appends(tmp_path: Path) -> None:
    """Why a commit is bound to the version it was decided on: the default of delta-rs lets both pass."""
    filled(tmp_path, 1)
    one, two = events_table(tmp_path), events_table(tmp_path)
    row = one_row(CONTRACT_EVENTS, event_row(put_event("orders", 2, b"x"), b"x"))
    deltalake.write_deltalake(one, row, mode="append")
    deltalake.write_deltalake(two, row, mode="append")
    assert [event.sequence for event in DeltaJournal(tmp_path).events("orders")] == [1, 2, 2]
    with pytest.raises(ConfigurationError, match=r"^LP854: "):
        JournalStore(DeltaJournal(tmp_path)).history("orders")


def test_a_writer_that_is_killed_leaves_whole_events(tmp_path: Path) -> None:
    code = (
        "import sys, itertools\n"
        "from lakepact.store.delta_rs import DeltaJournal\n"
        "from lakepact.testing.store_suite import put_event\n"
        "journal, content = DeltaJournal(sys.argv[1], compact_every=5), bytes(200_000)\n"
        "start = len(journal.events('orders')) + 1\n"
        "for number in itertools.count(start):\n"
        "    journal.append(put_event('orders', number, content), content)\n"
        "    print(number, flush=True)\n"
    )
    said = 0
    for rounds in range(3):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "s")], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(3 + 2 * rounds):
            said = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        said = max([said, *(int(line) for line in process.communicate()[0].split())])
        journal = DeltaJournal(tmp_path / "s")
        there = journal.events("orders")
        assert len(there) in (said, said + 1)
        assert [event.sequence for event in there] == list(range(1, len(there) + 1))
        assert journal.document("orders", "1.0.0", sha256_of(bytes(200_000))) == bytes(200_000)


def test_latest_is_fast_where_much_is_kept(tmp_path: Path) -> None:
    create_delta(f"delta:{tmp_path}")
    table = events_table(tmp_path)
    for version in range(1, 11):
        batches: list[Any] = []
        for number in range(1000):
            content = contract(f"c{number}", f"1.{version}.0").source
            event = put_event(f"c{number}", version, content, version=f"1.{version}.0")
            batches += one_row(CONTRACT_EVENTS, event_row(event, content)).to_batches()
        deltalake.write_deltalake(table, ArrowTable.from_batches(batches), mode="append")
    store = JournalStore(DeltaJournal(tmp_path))
    assert len(store.list_contracts()) == 1000
    times: list[float] = []
    for number in range(21):
        start = time.perf_counter()
        assert store.latest(f"c{number}", status=None).version == "1.10.0"
        times.append(time.perf_counter() - start)
    assert statistics.median(times) < 0.5
    start = time.perf_counter()
    assert store.get("c500", "1.3.0").source == contract("c500", "1.3.0").source
    assert time.perf_counter() - start < 3


def test_small_files_are_joined_by_the_way(tmp_path: Path) -> None:
    journal = filled(tmp_path, 25, compact_every=10)
    assert len(events_table(tmp_path).file_uris()) < 10
    assert [event.sequence for event in journal.events("orders")] == list(range(1, 26))
    assert DeltaJournal(tmp_path).events("orders") == journal.events("orders")
    never = tmp_path / "never"
    filled(never, 12, compact_every=0)
    assert len(events_table(never).file_uris()) == 12


def test_a_commit_costs_no_more_after_many_others(tmp_path: Path) -> None:
    journal = DeltaJournal(tmp_path, compact_every=0)
    costs: list[float] = []
    for number in range(1, 226):
        event = put_event("orders", number, b"x", version=f"1.0.{number}")
        costs.append(cpu_seconds(partial(journal.append, event, b"x")))
    # Both are as far from the checkpoint before them, at every hundredth version.
    assert min(costs[205:225]) < 2 * min(costs[5:25])
    assert len(journal.events("orders")) == 225


def test_optimize_joins_files_and_removes_what_is_old(tmp_path: Path) -> None:
    journal = filled(tmp_path, 12)
    journal.project()
    before = journal.events("orders")
    journal.optimize(keep=None)
    assert len(events_table(tmp_path).file_uris()) == 1
    parquet = list((tmp_path / "contract_events").glob("*.parquet"))
    assert len(parquet) == 13
    two_hours_ago = time.time() - 7200
    for entry in (tmp_path / "contract_events").rglob("*"):
        os.utime(entry, (two_hours_ago, two_hours_ago))
    journal.optimize(keep=timedelta(days=1))
    assert len(list((tmp_path / "contract_events").glob("*.parquet"))) == 13
    assert journal.events("orders") == DeltaJournal(tmp_path).events("orders") == before
    assert journal.document("orders", "1.0.1", sha256_of(b"x")) == b"x"
    with pytest.raises(UsageError, match=r"^LP869: files that are younger than 1:00:00 may be in use\n"):
        journal.optimize(keep=timedelta(minutes=59))


def test_a_reader_sees_what_came_since_however_it_came(tmp_path: Path) -> None:
    writer = filled(tmp_path, 5)
    reader = DeltaJournal(tmp_path)
    assert len(reader.events("orders")) == 5
    writer.append(put_event("orders", 6, b"y"), b"y")
    writer.optimize()
    writer.append(put_event("other", 1, b"z"), b"z")
    assert [event.sequence for event in reader.events("orders")] == [1, 2, 3, 4, 5, 6]
    assert reader.contract_ids() == ("orders", "other")


def test_a_reader_of_a_cleaned_log_reads_everything_again(tmp_path: Path) -> None:
    reader = filled(tmp_path, 4)
    assert len(reader.events("orders")) == 4
    writer = DeltaJournal(tmp_path)
    for number in range(5, 9):
        writer.append(put_event("orders", number, b"x"), b"x")
    writer.optimize()
    for version in range(7):
        (tmp_path / "contract_events" / "_delta_log" / f"{version:020}.json").unlink()
    assert [event.sequence for event in reader.events("orders")] == list(range(1, 9))


def test_the_tables_say_what_they_are(tmp_path: Path) -> None:
    create_delta(f"delta:{tmp_path}")
    create_delta(f"delta:{tmp_path}")
    for table in TABLES:
        made = deltalake.DeltaTable(tmp_path / table.name)
        assert made.version() == 0
        assert (made.metadata().name, made.metadata().description) == (table.name, table.comment)
        assert made.metadata().configuration == dict(table.properties)
        fields = json.loads(made.schema().to_json())["fields"]
        assert [(each["name"], each["nullable"], each["metadata"]) for each in fields] == [
            (column.name, column.nullable, {"comment": column.comment}) for column in table.columns
        ]


def test_contracts_follow_from_the_events(tmp_path: Path) -> None:
    store, journal = JournalStore(DeltaJournal(tmp_path)), DeltaJournal(tmp_path)
    first = store.put(contract(purpose="one"), actor="ada")
    store.put(contract(purpose="two"), actor="bob", expected=first.sha256)
    store.set_status("orders", "1.0.0", Status.IN_REVIEW, actor="cy", reason="ready")
    store.put(contract("other", "2.0.0"), actor="dan")
    for _ in range(2):
        assert journal.project() == 2
    rows = {row["contract_id"]: row for row in rows_of(deltalake.DeltaTable(tmp_path / "contracts"))}
    stands = store.version("orders", "1.0.0")
    assert rows["orders"] == {
        "contract_id": "orders",
        "version": "1.0.0",
        "status": "in review",
        "sha256": stands.sha256,
        "created_by": "ada",
        "created_at": stands.created_at,
        "changed_by": "cy",
        "changed_at": stands.changed_at,
        "reason": "ready",
        "name": None,
        "domain": None,
        "data_product": None,
        "purpose": "two",
        "tags": [],
        "objects": ["orders"],
        "owners": [],
        "sequence": 3,
        "document": contract(purpose="two").source,
    }
    assert list(rows["other"]) == [column.name for column in CONTRACTS.columns]
    store.set_status("other", "2.0.0", Status.IN_REVIEW, actor="cy", reason="ready")
    journal.project()
    assert {row["status"] for row in rows_of(deltalake.DeltaTable(tmp_path / "contracts"))} == {"in review"}


def test_a_row_that_is_no_event_is_told_and_the_rest_is_served(tmp_path: Path) -> None:
    journal = filled(tmp_path, 2)
    assert journal.append(put_event("broken", 1, b"x"), b"x")
    bad = event_row(put_event("broken", 2, b"x"), b"x") | {"status": "blessed"}
    deltalake.write_deltalake(events_table(tmp_path), one_row(CONTRACT_EVENTS, bad), mode="append")
    for each in (journal, DeltaJournal(tmp_path)):
        assert each.contract_ids() == ("broken", "orders")
        assert list(each.all_events()) == ["orders"]
        words = "a row of 'broken' in contract_events is damaged: 'blessed' is not a valid Status"
        with pytest.raises(ConfigurationError, match=f"^LP854: {words}\n"):
            each.events("broken")
        with pytest.raises(ConfigurationError, match=f"^LP854: {words}\n"):
            each.append(put_event("broken", 3, b"x"), b"x")
        assert [(each.code, each.message, each.file) for each in each.damaged()] == [
            ("LP854", words, f"delta:{tmp_path}")
        ]
        assert each.append(put_event("orders", len(each.events("orders")) + 1, b"y"), b"y")


def test_files_that_are_gone_or_damaged(tmp_path: Path) -> None:
    journal = filled(tmp_path, 2)
    files = sorted((tmp_path / "contract_events").glob("*.parquet"))
    files[0].write_bytes(b"garbage")
    with pytest.raises(RemoteFailed, match=rf"^LP865: delta:{tmp_path} cannot be used: "):
        DeltaJournal(tmp_path).events("orders")
    files[1].unlink()
    with pytest.raises(RemoteFailed, match=rf"^LP865: delta:{tmp_path} cannot be used: "):
        journal.document("orders", "1.0.1", sha256_of(b"x"))
    (tmp_path / "contract_events" / "_delta_log" / f"{1:020}.json").write_text("{")
    with pytest.raises(RemoteFailed, match=rf"^LP865: delta:{tmp_path} cannot be used: "):
        DeltaJournal(tmp_path).append(put_event("orders", 3, b"x"), b"x")


def test_bytes_without_their_hash_are_not_given_out(tmp_path: Path) -> None:
    journal = DeltaJournal(tmp_path)
    journal.append(put_event("orders", 1, b"given"), b"kept")
    for sha256 in (sha256_of(b"given"), sha256_of(b"kept"), "' OR '1'='1"):
        with pytest.raises(
            ConfigurationError, match=r"^LP854: the document of 'orders' 1\.0\.0 is not in contract_events, or is dam"
        ):
            journal.document("orders", "1.0.0", sha256)


def test_a_table_that_was_replaced_is_opened_anew(tmp_path: Path) -> None:
    journal = filled(tmp_path / "s", 4)
    (tmp_path / "s").rename(tmp_path / "old")
    filled(tmp_path / "s", 1)
    with pytest.raises(RemoteFailed, match=r"^LP865: "):
        journal.events("orders")
    assert len(journal.events("orders")) == 1


def test_a_foreign_and_a_newer_table_are_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign" / "contract_events"
    deltalake.write_deltalake(foreign, one_row(CONTRACT_EVENTS, event_row(put_event("a", 1, b""), b"")))
    with pytest.raises(
        ConfigurationError, match=r"^LP866: .* is no table of a contract store: it has no property `lakepact\.layout`\n"
    ):
        DeltaJournal(tmp_path / "foreign").contract_ids()
    step = Migration(
        to=2, table="contract_events", added=(Column("run", ColumnType.STRING, "Run that did it", nullable=True),)
    )
    journal = filled(tmp_path / "newer", 1)
    journal.initialise(migrations=[step])
    fields = json.loads(events_table(tmp_path / "newer").schema().to_json())["fields"]
    assert (fields[-1]["name"], fields[-1]["metadata"]) == ("run", {"comment": "Run that did it"})
    with pytest.raises(
        ConfigurationError, match=r"^LP867: .* has layout 2, this release of lakepact knows up to 1\n  hint: upgrade"
    ):
        DeltaJournal(tmp_path / "newer").events("orders")


def test_a_commit_that_fails_for_another_reason_is_not_tried_for_ever(tmp_path: Path) -> None:
    pauses: list[float] = []
    journal = filled(tmp_path, 2, pause=pauses.append)
    (tmp_path / "contract_events" / "_delta_log" / f"{3:020}.json").mkdir()
    with pytest.raises(RemoteFailed, match=rf"^LP865: delta:{tmp_path} cannot be used: "):
        journal.append(put_event("orders", 3, b"x"), b"x")
    assert pauses == []


def test_places_where_no_table_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RemoteFailed, match=r"^LP865: delta:.*file cannot be used: "):
        DeltaJournal(tmp_path / "file").append(put_event("a", 1, b""), b"")
    with pytest.raises(RemoteFailed, match=r"^LP865: delta:floppy://a cannot be used: Unknown scheme: floppy\."):
        DeltaJournal("floppy://a").contract_ids()
    with pytest.raises(UsageError, match=r"^LP869: a Delta table cannot be in '.*a%20b': delta-rs would decode the"):
        DeltaJournal(tmp_path / "a%20b")


def test_storage_options_reach_the_place_and_no_message(tmp_path: Path) -> None:
    options = {
        "aws_endpoint_url": "http://127.0.0.1:9",
        "aws_access_key_id": "s3cret-id",
        "aws_secret_access_key": "s3cret-key",
        "aws_region": "eu-west-1",
        "aws_allow_http": "true",
        "max_retries": "0",
    }
    journal = DeltaJournal("s3://bucket/store/", storage_options=options)
    with pytest.raises(RemoteFailed, match=r"^LP865: delta:s3://bucket/store/ cannot be used: ") as caught:
        journal.contract_ids()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["with space", "#hash?", "100%", "caf\u00e9 \U0001f986"])
def test_any_other_folder_will_do(tmp_path: Path, name: str) -> None:
    journal = open_delta(f"delta:{tmp_path / name}")
    assert journal.address == f"delta:{tmp_path / name}"
    assert journal.append(put_event("a", 1, b"x"), b"x")
    assert open_delta(journal.address).events("a") == (put_event("a", 1, b"x"),)
    assert (tmp_path / name / "contract_events" / "_delta_log").is_dir()


def test_text_that_no_table_holds_is_refused(tmp_path: Path) -> None:
    event = Event(
        contract_id="a",
        sequence=1,
        kind=EventKind.PUT,
        version="1.0.0",
        sha256=sha256_of(b""),
        status=Status.DRAFT,
        actor="ada",
        at=datetime(2024, 1, 31, tzinfo=UTC),
        summary=Summary(tags=("\ud800",)),
    )
    with pytest.raises(UsageError, match=r"^LP869: the event has text that is not valid Unicode"):
        DeltaJournal(tmp_path).append(event, b"")
    assert DeltaJournal(tmp_path).contract_ids() == ()


def test_a_row_is_an_event_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    for event, content in ((put_event("a", 1, b"x"), b"x"), (status_event("a", 2, b"x"), None)):
        row = event_row(event, content)
        assert list(row) == [column.name for column in CONTRACT_EVENTS.columns]
        assert row["document"] == content
        assert row_event({key: value for key, value in row.items() if key != "document"}) == event
    naive = event_row(put_event("a", 1, b"x"), None)
    assert row_event(naive | {"at": naive["at"].replace(tzinfo=None)}) == put_event("a", 1, b"x")
    monkeypatch.undo()
    time.tzset()
    with pytest.raises(ConfigurationError, match=r"^LP854: row 7 is damaged: `sequence` is no number from 1"):
        row_event(naive | {"sequence": 0}, where="row 7")


def test_layouts_and_the_steps_between_them() -> None:
    assert layout_of(CONTRACTS.properties, where="t") == LAYOUT == 1
    for text in ("", "0", "one", "-1", "1.0"):
        with pytest.raises(ConfigurationError, match=r"^LP866: t is no table of a contract store"):
            layout_of({"lakepact.layout": text}, where="t")
    steps = [Migration(to=number, table=name, added=()) for number in (2, 3) for name in ("contracts", "other")]
    assert migrations_from(1, "contracts", migrations=steps) == (steps[0], steps[2])
    assert migrations_from(2, "contracts", migrations=steps) == (steps[2],)
    assert MIGRATIONS == ()
    assert CONTRACT_EVENTS.column("document").type is ColumnType.BINARY
    assert "FROM `c`.`s`.`contract_events`" in contracts_query("`c`.`s`.`contract_events`")
