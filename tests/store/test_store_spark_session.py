"""The journal on a Spark session, with real Delta tables on disk and a classic and a Connect session."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import deltalake
import pytest

from lakepact.errors import ConfigurationError, RemoteFailed, UsageError
from lakepact.sql import identifier, string
from lakepact.store import JournalStore, Status, create_store, open_store
from lakepact.store.delta_rs import DeltaJournal
from lakepact.store.encoding import sha256_of
from lakepact.store.governance import Access, Grant
from lakepact.store.spark_session import SparkJournal, SparkStatements, open_spark
from lakepact.store.sql_journal import SqlJournal
from lakepact.store.sql_statements import Parameter, StatementFailed
from lakepact.store.tables import CONTRACT_EVENTS, LAYOUT_PROPERTY, TABLES, Column, ColumnType, Migration
from lakepact.testing.contract_store_suite import at_once
from lakepact.testing.store_oracle import run_at_random
from lakepact.testing.store_samples import HOSTILE_SQL_TEXTS, contract
from lakepact.testing.store_suite import BareJournalSuite, put_event, status_event

_NUMBERS = itertools.count(1)


def new_schema(spark: Any, folder: Path) -> str:
    """The name of a schema that is not there yet, whose tables will lie in the folder."""
    name = f"store_{next(_NUMBERS)}"
    spark.sql(f"CREATE SCHEMA {identifier(name)} LOCATION {string(str(folder / name))}")
    return name


@pytest.fixture
def schema(spark: Any, tmp_path: Path) -> Iterator[str]:
    name = new_schema(spark, tmp_path)
    yield name
    spark.sql(f"DROP SCHEMA IF EXISTS {identifier(name)} CASCADE")


@pytest.fixture
def journal(spark: Any, schema: str) -> SparkJournal:
    journal = SparkJournal(spark, schema)
    journal.initialise()
    return journal


class TestSparkJournal(BareJournalSuite):
    writers: ClassVar[int] = 2
    # Each statement takes a second: texts that must not be taken for each other, one of them with all that may break.
    hostile_texts: ClassVar[tuple[str, ...]] = (
        *("orders", "Orders", "cafe\u0301", "caf\u00e9"),
        "\U0001f986".join(HOSTILE_SQL_TEXTS[2:]),
    )

    @pytest.fixture
    def journal(self, spark: Any, schema: str) -> SparkJournal:
        journal = SparkJournal(spark, schema)
        journal.initialise()
        return journal

    @pytest.fixture
    def reopen(self, spark: Any, schema: str) -> Callable[[], SparkJournal]:
        return lambda: SparkJournal(spark, schema)


def test_the_store_over_it_does_what_a_simple_model_says(journal: SparkJournal) -> None:
    run_at_random(JournalStore(journal), seed=4, steps=12)
    assert len(journal.events("random-4")) == 6


def test_connect_and_classic_are_one_store(spark: Any, local_session: Any, schema: str, journal: SparkJournal) -> None:
    connected = SparkJournal(local_session.connect, schema)
    content = "# caf\u00e9 '\"\\ ${x} :y\n".encode()
    first, second = put_event("a'b", 1, content, actor="\U0001f986"), status_event("a'b", 2, content)
    assert connected.append(first, content)
    assert journal.append(second, None)
    assert connected.append(second, None) is True, "the very event that is there"
    assert connected.append(put_event("a'b", 2, content, actor="eve"), content) is False
    assert connected.events("a'b") == journal.events("a'b") == (first, second)
    assert connected.document("a'b", "1.0.0", sha256_of(content)) == content


def test_writers_on_both_kinds_of_session_clash(spark: Any, local_session: Any, schema: str) -> None:
    SparkJournal(spark, schema).initialise()
    sessions = (spark, local_session.connect, spark, local_session.connect)

    def write(number: int) -> list[int]:
        mine, content = SparkJournal(sessions[number], schema), f"{number}".encode()
        return [at for at in (1, 2) if mine.append(put_event("orders", at, content, actor=f"w{number}"), content)]

    won = at_once(write, len(sessions))
    there = SparkJournal(spark, schema).events("orders")
    assert sorted(number for numbers in won for number in numbers) == [1, 2] == [event.sequence for event in there]
    assert all(event.sequence in won[int(event.actor[1:])] for event in there)


def test_delta_rs_uses_the_same_tables(spark: Any, tmp_path: Path, schema: str, journal: SparkJournal) -> None:
    other = DeltaJournal(tmp_path / schema)
    big = bytes(range(256)) * (20 * 1024 * 4)
    assert other.append(put_event("orders", 1, big), big)
    assert journal.append(status_event("orders", 2, big), None)
    assert other.append(status_event("orders", 2, big, Status.REJECTED), None) is False
    assert other.append(status_event("orders", 3, big, Status.DRAFT), None)
    assert journal.append(status_event("orders", 3, big), None) is False
    assert journal.events("orders") == other.events("orders") != ()
    assert journal.document("orders", "1.0.0", sha256_of(big)) == big
    for table in TABLES:
        made = deltalake.DeltaTable(tmp_path / schema / table.name)
        assert made.metadata().description == table.comment
        assert made.metadata().configuration.items() >= table.properties.items()
        fields = json.loads(made.schema().to_json())["fields"]
        assert [(each["name"], each["nullable"], each["metadata"]["comment"]) for each in fields] == [
            (column.name, column.nullable, column.comment) for column in table.columns
        ]


def test_contracts_follow_from_the_events(spark: Any, schema: str, journal: SparkJournal) -> None:
    store = JournalStore(journal)
    first = store.put(contract(purpose="one"), actor="ada")
    store.put(contract(purpose="two"), actor="bob", expected=first.sha256)
    for _ in range(2):
        assert journal.project() == 1
    (row,) = spark.sql(f"SELECT * FROM {identifier(schema)}.contracts").collect()
    assert (row["contract_id"], row["created_by"], row["changed_by"], row["sequence"]) == ("orders", "ada", "bob", 2)
    assert bytes(row["document"]) == contract(purpose="two").source


def test_a_schema_that_is_no_store(spark: Any, schema: str) -> None:
    for name in (schema, "not_there"):
        words = rf"^LP866: spark:{name} is no contract store: it has no tables of one\n  hint: `lakepact store init`"
        with pytest.raises(ConfigurationError, match=words):
            SparkJournal(spark, name).events("orders")
    spark.sql(f"CREATE TABLE {identifier(schema)}.contract_events (a INT) USING delta")
    for ask in (SparkJournal(spark, schema).all_events, SparkJournal(spark, schema).initialise):
        with pytest.raises(ConfigurationError, match=r"^LP866: .*\(contract_events\) is no table of a contract store"):
            ask()


def test_a_schema_is_made_where_it_is_absent(spark: Any) -> None:
    name = f"store_{next(_NUMBERS)}"
    journal = SparkJournal(spark, f"spark_catalog.{name}")
    try:
        for _ in range(2):
            journal.initialise()
        assert journal.contract_ids() == ()
        assert journal.address == f"spark:spark_catalog.{name}"
    finally:
        spark.sql(f"DROP SCHEMA IF EXISTS {identifier(name)} CASCADE")


def test_a_row_that_is_no_event_is_told_and_the_rest_is_served(spark: Any, schema: str, journal: SparkJournal) -> None:
    for name in ("orders", "broken"):
        assert journal.append(put_event(name, 1, b"x"), b"x")
    table = f"{identifier(schema)}.contract_events"
    columns = ["'blessed'" if each.name == "status" else identifier(each.name) for each in CONTRACT_EVENTS.columns]
    spark.sql(f"INSERT INTO {table} SELECT {', '.join(columns)} FROM {table} WHERE contract_id = 'broken'")
    assert journal.contract_ids() == ("broken", "orders")
    assert list(journal.all_events()) == ["orders"]
    words = "a row of 'broken' in contract_events is damaged: 'blessed' is not a valid Status"
    with pytest.raises(ConfigurationError, match=f"^LP854: {words}\n"):
        journal.events("broken")
    assert [(each.code, each.message, each.file) for each in journal.damaged()] == [("LP854", words, f"spark:{schema}")]


def test_bytes_without_their_hash_are_not_given_out(journal: SparkJournal) -> None:
    assert journal.append(put_event("orders", 1, b"given"), b"kept")
    for sha256 in (sha256_of(b"given"), sha256_of(b"kept"), "' OR '1'='1"):
        words = r"^LP854: the document of 'orders' 1\.0\.0 is not in contract_events, or is damaged\n"
        with pytest.raises(ConfigurationError, match=words):
            journal.document("orders", "1.0.0", sha256)


def test_steps_between_layouts_go_on_where_they_stopped(spark: Any, schema: str, journal: SparkJournal) -> None:
    assert journal.append(put_event("orders", 1, b"x"), b"x")
    added = tuple(Column(name, ColumnType.STRING, f"The {name}", nullable=True) for name in ("run", "host"))
    table = f"{identifier(schema)}.contract_events"
    spark.sql(f"ALTER TABLE {table} ADD COLUMNS (run STRING)")
    journal.initialise(migrations=[Migration(to=2, table="contract_events", added=added)])
    assert spark.table(table).columns[-2:] == ["run", "host"]
    properties = {row["key"]: row["value"] for row in spark.sql(f"SHOW TBLPROPERTIES {table}").collect()}
    assert properties[LAYOUT_PROPERTY] == "2"
    with pytest.raises(ConfigurationError, match=r"^LP867: .* has layout 2, this release of lakepact knows up to 1\n"):
        SparkJournal(spark, schema).events("orders")


def test_a_table_on_which_two_could_win_is_refused(spark: Any, schema: str, journal: SparkJournal) -> None:
    spark.sql(f"ALTER TABLE {identifier(schema)}.contract_events UNSET TBLPROPERTIES ('delta.isolationLevel')")
    with pytest.raises(ConfigurationError, match=r"^LP866: .* has not the isolation level Serializable: two writers"):
        SparkJournal(spark, schema).append(put_event("orders", 1, b"x"), b"x")


def test_addresses(spark: Any, schema: str, journal: SparkJournal) -> None:
    assert journal.append(put_event("orders", 1, b"x"), b"x")
    assert open_store(f"spark:{schema}").list_contracts() == ("orders",)
    assert open_store(f"spark:{schema}").address == f"spark:{schema}"
    create_store(f"spark:{schema}")
    assert open_spark(f"spark:`{schema}`").contract_ids() == ("orders",)
    for address in ("spark:", "spark:a.b.c", "spark:a b", "spark:a..b", "spark:a;DROP TABLE x"):
        words = rf"^LP877: '{re.escape(address)}' names no schema\n  hint: write for example spark:main\.lakepact$"
        with pytest.raises(UsageError, match=words):
            open_spark(address)


def test_spark_without_a_catalog_of_rights_says_so(schema: str, journal: SparkJournal) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^LP877: spark:{schema} has no grants and tags: its Spark does not know GRANT USE"
    ):
        create_store(f"spark:{schema}", grants=[Grant("ci", Access.READ)])
    with pytest.raises(
        ConfigurationError, match=rf"^LP877: spark:{schema} has no .*: its Spark does not know SET TAGS\n"
    ):
        journal.govern(tags={"team": "data"})
    journal.govern()


def test_text_that_no_table_holds_is_refused(journal: SparkJournal) -> None:
    with pytest.raises(UsageError, match=r"^LP869: the event has text that is not valid Unicode"):
        journal.append(put_event("orders", 1, b"x", actor="\ud800"), b"x")
    assert journal.contract_ids() == ()


class _Conflicting:
    """Statements that meet a conflict each time."""

    def run(self, text: str, parameters: Mapping[str, Parameter]) -> Sequence[Mapping[str, Any]]:
        if text.startswith("SHOW"):
            return [{"key": key, "value": value} for key, value in CONTRACT_EVENTS.properties.items()]
        raise StatementFailed("DELTA_CONCURRENT_APPEND.WITHOUT_HINT", "Files were added.")


def test_a_conflict_is_not_tried_for_ever() -> None:
    pauses: list[float] = []
    journal = SqlJournal(_Conflicting(), ["s"], address="spark:s", pause=pauses.append)
    with pytest.raises(RemoteFailed, match=r"^LP875: spark:s is changed by too many writers at once\n"):
        journal.append(put_event("orders", 1, b"x"), b"x")
    assert len(pauses) == 100


def test_what_spark_raises_is_a_failed_statement(spark: Any, journal: SparkJournal, schema: str) -> None:
    with pytest.raises(StatementFailed, match=r"^\[DIVIDE_BY_ZERO\] Division by zero") as caught:
        SparkStatements(spark).run("SELECT 1 / :n AS x", {"n": 0})
    assert caught.value.condition == "DIVIDE_BY_ZERO"
    spark.sql(f"DROP TABLE {identifier(schema)}.contract_events")
    with pytest.raises(ConfigurationError, match=r"^LP866: "):
        journal.events("orders")
    with pytest.raises(TypeError, match=r"^no SQL literal for object$"):
        SparkStatements(spark).run("SELECT :n AS x", {"n": object()})  # type: ignore[dict-item]


class _Session:
    """A session without extensions, as on Databricks: it binds parameters itself."""

    class conf:
        @staticmethod
        def get(name: str, default: str) -> str:
            return default

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any] | None]] = []

    def sql(self, text: str, args: Mapping[str, Any] | None = None) -> _Session:
        self.asked.append((text, args))
        return self

    def collect(self) -> list[Any]:
        return []


def test_a_session_that_binds_parameters_is_given_them() -> None:
    session = _Session()
    assert SparkStatements(session).run("SELECT :id", {"id": "it's"}) == []
    SparkStatements(session).run("SELECT 1", {})
    assert session.asked == [("SELECT :id", {"id": "it's"}), ("SELECT 1", None)]
