"""The inbox on a SQL warehouse: what every inbox does, on a table in memory; its SQL, on real Delta tables."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from lakepact.errors import ConfigurationError, RemoteFailed, UsageError
from lakepact.rerun import EffectKey, Inbox, open_inbox
from lakepact.rerun.inbox import Purged
from lakepact.rerun.inbox_table import CONTRACT_INBOX
from lakepact.rerun.journaled import Clock, utc_now
from lakepact.rerun.records import Record
from lakepact.rerun.warehouse_inbox import WarehouseInbox
from lakepact.sql import string
from lakepact.store.sql_statements import Parameter, StatementFailed
from lakepact.store.warehouse import statements_at
from lakepact.testing.contract_store_suite import at_once
from lakepact.testing.inbox_suite import InboxSuite, MakeInbox, SetClock, arrival
from lakepact.testing.workspace_statements import WorkspaceStatements

ADDRESS = "uc:main.lake?warehouse=1"


class TableInMemory:
    """One table behind the statements of the inbox; as Delta does, it refuses a commit that another came before."""

    def __init__(self) -> None:
        self.properties: dict[str, str] | None = None
        self.rows: list[dict[str, Any]] = []
        self.said: list[str] = []
        self.given: list[int] = []
        self.failures: list[Exception] = []
        self.crowded = False
        self._version = 0
        self._lock = threading.Lock()

    def run(self, text: str, parameters: Mapping[str, Parameter]) -> Sequence[Mapping[str, Any]]:
        verb = text.partition(" ")[0]
        with self._lock:
            self.said.append(verb)
            if self.failures:
                raise self.failures.pop()
            read_at = self._version
        if verb == "MERGE":
            return self._merged(parameters, read_at)
        with self._lock:
            if verb == "CREATE":
                self.properties = self.properties or dict(CONTRACT_INBOX.properties)
                return []
            if self.properties is None:
                raise StatementFailed("TABLE_OR_VIEW_NOT_FOUND", "[TABLE_OR_VIEW_NOT_FOUND] There is no such table.")
            if verb == "ALTER":
                self.properties |= {"delta.appendOnly": "false"}
                self._version += 1
                return []
            if verb == "SHOW":
                return [{"key": key, "value": value} for key, value in self.properties.items()]
            found = [row | {"total": len(self.rows)} for row in self.rows if _chosen(row, parameters)]
            self.given.append(len(found))
            return found

    def _merged(self, parameters: Mapping[str, Parameter], read_at: int) -> Sequence[Mapping[str, Any]]:
        time.sleep(0.001)
        with self._lock:
            if self._version != read_at or self.crowded:
                raise StatementFailed("DELTA_CONCURRENT_APPEND", "[DELTA_CONCURRENT_APPEND] Somebody was first.")
            if "keys" in parameters:
                return self._removed(parameters)
            places, before = (set(json.loads(str(parameters[name]))) for name in ("places", "before"))
            there = {f"{row['sequence']} {row['key']}" for row in self.rows}
            if places & there or len(before & there) != parameters["expected"]:
                return [{"num_inserted_rows": 0}]
            given = json.loads(str(parameters["records"]))
            self.rows += given
            self._version += 1
            return [{"num_inserted_rows": len(given)}]

    def _removed(self, parameters: Mapping[str, Parameter]) -> Sequence[Mapping[str, Any]]:
        assert (self.properties or {})["delta.appendOnly"] == "false"
        gone = [row for row in self.rows if _chosen(row, parameters)]
        if len(gone) != parameters["known"]:
            return [{"num_deleted_rows": 0}]
        self.rows = [row for row in self.rows if row not in gone]
        self._version += 1
        return [{"num_deleted_rows": len(gone)}]


def _chosen(row: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> bool:
    if "since" in parameters:
        return bool(row["at"] >= parameters["since"])
    if "keys" in parameters:
        return row["key"] in list[str](json.loads(str(parameters["keys"])))
    return bool(parameters.get("key", row["key"]) == row["key"])


def inbox_on(table: Any, **options: Any) -> WarehouseInbox:
    return WarehouseInbox(table, ("main", "lake"), address=ADDRESS, gathering=0, **options)


@pytest.fixture
def table() -> TableInMemory:
    return TableInMemory()


class TestWarehouseInbox(InboxSuite):
    deliveries: ClassVar[int] = 24
    random_steps: ClassVar[int] = 40

    @pytest.fixture
    def make_inbox(self, table: TableInMemory) -> MakeInbox:
        def make(*, clock: Clock = utc_now, max_attempts: int = 10) -> WarehouseInbox:
            return inbox_on(table, clock=clock, max_attempts=max_attempts)

        return make

    @pytest.fixture
    def reopen_inbox(self, table: TableInMemory, clock: SetClock) -> Callable[[], Inbox]:
        return lambda: inbox_on(table, clock=clock, max_attempts=3)


def test_what_comes_at_the_same_time_is_one_statement(table: TableInMemory) -> None:
    inbox = WarehouseInbox(table, ("main", "lake"), address=ADDRESS, gathering=0.2)
    inbox.receive(arrival())
    table.said.clear()
    found = at_once(lambda number: inbox.receive(arrival(f"msg_{number + 2}")), 20)
    assert all(receipt.created for receipt in found)
    # An arrival needs no look at the table: that nobody was first is proved by the write.
    assert table.said == ["MERGE"]


def test_a_claim_looks_before_it_decides(table: TableInMemory) -> None:
    inbox, other = inbox_on(table), inbox_on(table)
    inbox.list()
    other.receive(arrival("msg_1"))
    inbox.receive(arrival("msg_2"))
    claimed = inbox.claim("ada", timedelta(minutes=1), limit=5)
    assert [each.delivery_id for each in claimed] == ["msg_1", "msg_2"]


def test_only_what_came_since_is_read(table: TableInMemory) -> None:
    clock = SetClock()
    inbox, other = inbox_on(table, clock=clock), inbox_on(table, clock=clock)
    for number in range(10):
        inbox.receive(arrival(f"msg_{number}"))
        clock.pass_by(timedelta(minutes=5))
    assert len(other.list()) == 10
    table.given.clear()
    inbox.receive(arrival("msg_10"))
    assert len(other.list()) == 11
    assert table.given == [2]


def test_what_a_clock_that_is_behind_has_written_is_found(table: TableInMemory) -> None:
    inbox = inbox_on(table)
    inbox.receive(arrival("msg_1"))
    behind = inbox_on(table, clock=lambda: utc_now() - timedelta(days=1))
    behind.receive(arrival("msg_2"))
    assert [each.delivery_id for each in inbox.list()] == ["msg_2", "msg_1"]
    (claimed, _) = inbox.claim("ada", timedelta(minutes=1), limit=2)
    assert claimed.delivery_id == "msg_2"


def test_a_statement_that_was_sent_twice_is_recognised(table: TableInMemory) -> None:
    class Twice(TableInMemory):
        """The answer to a write is lost, and the client sends it again."""

        def run(self, text: str, parameters: Mapping[str, Parameter]) -> Sequence[Mapping[str, Any]]:
            if text.startswith("MERGE"):
                super().run(text, parameters)
            return super().run(text, parameters)

    inbox = inbox_on(Twice())
    assert inbox.receive(arrival()).created
    (taken,) = inbox.claim("ada", timedelta(minutes=1))
    assert inbox.complete(taken).sequence == 3
    assert not inbox.receive(arrival(version="2")).created


def test_a_table_that_another_makes_at_the_same_moment(table: TableInMemory) -> None:
    class Late(TableInMemory):
        """Says once that it was not made, when it was."""

        def run(self, text: str, parameters: Mapping[str, Parameter]) -> Sequence[Mapping[str, Any]]:
            found = super().run(text, parameters)
            if text.startswith("CREATE"):
                raise StatementFailed("DELTA_PROTOCOL_CHANGED", "[DELTA_PROTOCOL_CHANGED] Somebody was first.")
            return found

    assert inbox_on(Late(), pause=lambda _: None).receive(arrival()).created


def test_what_is_replayed_meanwhile_is_not_forgotten(table: TableInMemory) -> None:
    class Slow(WarehouseInbox):
        """Somebody else is quicker than its removal."""

        met = False

        def _deleted(self, purged: Purged) -> bool:
            if not self.met:
                self.met = True
                other.replay("old", reason="once more")
            return super()._deleted(purged)

    clock = SetClock()
    inbox, other = Slow(table, ("main", "lake"), address=ADDRESS, clock=clock), inbox_on(table, clock=clock)
    for name in ("old", "older"):
        inbox.receive(arrival(name))
    for event in inbox.claim("ada", timedelta(hours=1), limit=2):
        inbox.complete(event)
    clock.pass_by(timedelta(days=9))
    assert inbox.purge(timedelta(days=1)) == Purged(deliveries=("older",))
    assert [each.what for each in inbox.history("old")] == ["received", "claimed", "completed", "replayed"]
    assert {row["key"] for row in table.rows} == {"old"}


def test_what_is_removed_meanwhile_is_not_written_on(table: TableInMemory) -> None:
    class Slow(WarehouseInbox):
        """Somebody else is quicker than its writing."""

        def _committed(self, records: list[Record]) -> bool:
            other.purge(timedelta(days=1))
            return super()._committed(records)

    clock = SetClock()
    inbox, other = Slow(table, ("main", "lake"), address=ADDRESS, clock=clock), inbox_on(table, clock=clock)
    other.receive(arrival("old"))
    (event,) = other.claim("ada", timedelta(hours=1))
    other.complete(event)
    clock.pass_by(timedelta(days=9))
    with pytest.raises(UsageError, match=r"^LP933: there is no delivery 'old'"):
        inbox.replay("old", reason="once more")
    assert table.rows == []


def test_another_table_is_no_inbox(table: TableInMemory) -> None:
    table.properties = {}
    with pytest.raises(ConfigurationError, match=r"^LP936: uc:.* is no inbox: it has no property `lakepact.inbox`"):
        inbox_on(table).list()
    table.properties = {**CONTRACT_INBOX.properties, "delta.isolationLevel": "WriteSerializable"}
    with pytest.raises(ConfigurationError, match=r"^LP936: uc:.* has not the isolation level Serializable"):
        inbox_on(table).list()
    table.properties = dict(CONTRACT_INBOX.properties)
    table.rows = [{"key": "msg_1", "at": "noon"}]
    with pytest.raises(ConfigurationError, match=r"^LP936: uc:.* has a row that is no record"):
        inbox_on(table).list()


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (
            StatementFailed("INSUFFICIENT_PERMISSIONS", "[INSUFFICIENT_PERMISSIONS] No."),
            "\\[INSUFFICIENT_PERMISSIONS\\] No",
        ),
        (
            RemoteFailed("the workspace refuses: token", "LP876", "log in"),
            "the workspace refuses: token\n  hint: log in",
        ),
        (UsageError("a statement is too large", "LP878"), "a statement is too large"),
    ],
)
def test_a_place_that_cannot_be_used(table: TableInMemory, failure: Exception, said: str) -> None:
    inbox = inbox_on(table)
    inbox.receive(arrival())
    table.failures.append(failure)
    with pytest.raises(RemoteFailed, match=f"^LP935: {ADDRESS.replace('?', '.')} cannot be used: {said}"):
        inbox.receive(arrival("msg_2"))
    assert inbox.receive(arrival("msg_2")).created


def test_a_crowd_of_writers_is_told(table: TableInMemory) -> None:
    waited: list[float] = []
    inbox = inbox_on(table, pause=waited.append)
    inbox.list()
    table.crowded = True
    with pytest.raises(RemoteFailed, match=r"^LP935: uc:.* is changed by too many writers at once\n"):
        inbox.receive(arrival())
    assert len(waited) == 50


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("uc:main.lake", "the address names no SQL warehouse, or something else\n  hint: write uc:main"),
        ("uc:main.lake?warehouse=a/b", "the address names no SQL warehouse"),
        ("uc:main.lake?warehouse=1&x=2", "the address names no SQL warehouse"),
        ("uc:lake?warehouse=1", "'uc:lake.warehouse=1' names no schema\n  hint: write for example uc:main.lakepact"),
    ],
)
def test_addresses_that_are_none(address: str, why: str) -> None:
    with pytest.raises(UsageError, match=f"^LP937: {why}"):
        open_inbox(address)


def test_without_a_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("DATABRICKS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match=r"^LP936: there is no login to a workspace: "):
        open_inbox("uc:main.lake?warehouse=1&profile=nobody")


@pytest.fixture
def workspace(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkspaceStatements]:
    """A warehouse on real Delta tables, with the empty schema `inbox_of_tests`; the SDK finds it."""
    spark.sql(f"CREATE SCHEMA `inbox_of_tests` LOCATION {string(str(tmp_path / 'lake'))}")
    try:
        with WorkspaceStatements(spark) as found:
            for name, value in {"HOST": found.url, "TOKEN": found.token, "CONFIG_FILE": os.devnull}.items():
                monkeypatch.setenv(f"DATABRICKS_{name}", value)
            yield found
    finally:
        spark.sql("DROP SCHEMA `inbox_of_tests` CASCADE")


@pytest.mark.spark
def test_the_statements_on_real_tables(workspace: WorkspaceStatements) -> None:
    address = f"uc:main.inbox_of_tests?warehouse={workspace.warehouse}"
    inbox, other = open_inbox(address), open_inbox(address)
    assert inbox.address == address
    moment = datetime(2024, 1, 31, 9, 59, 59, 123456, tzinfo=UTC)
    hostile = "Zebra; 'x' \\ ${a} \u5951\u7d04 \U0001f986"
    given = arrival("A_1-z", contract_id=hostile, version="1.2.0", status="Accepted", occurred_at=moment)
    assert inbox.list() == ()
    workspace.lose_next_answer()
    kept = inbox.receive(given)
    assert (kept.created, kept.event.arrival) == (True, given)
    assert (other.get("A_1-z"), other.receive(arrival("A_1-z")).created) == (kept.event, False)

    workspace.fail_next("[DELTA_CONCURRENT_APPEND.WITHOUT_HINT] Somebody was first.")
    found = at_once(lambda number: (inbox, other)[number].receive(arrival(version=str(number))), 2)
    assert sum(each.created for each in found) == 1
    (taken, _) = inbox.claim("ada", timedelta(hours=1), limit=2)
    assert other.claim("bob", timedelta(hours=1)) == ()
    key = EffectKey(contract_id=hostile, version="1.2.0", sha256="ab", pipeline="sales")
    inbox.begin_effect(key, "A_1-z", note="first")
    inbox.complete(taken, reason=hostile)
    assert [each.what for each in other.history("A_1-z")] == ["received", "claimed", "completed"]
    assert [each.note for each in other.effects(hostile)] == ["first"]
    assert other.get("A_1-z").reason == hostile

    statements, schema = statements_at(address)
    later = WarehouseInbox(statements, schema, address=address, clock=lambda: utc_now() + timedelta(days=2))
    gone = later.purge(timedelta(days=1))
    assert (gone.deliveries, gone.effects) == (("A_1-z",), (key,))
    assert [each.delivery_id for each in inbox.list()] == [each.delivery_id for each in other.list()] == ["msg_1"]
    assert [text for text in workspace.statements if "zebra" in text.lower() or "A_1-z" in text] == []
